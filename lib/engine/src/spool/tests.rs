use reconcile::record::{Activity, Field, Fields};

use super::*;

fn asset(id: usize, client: usize) -> VendorRecord {
    let mut fields = Fields::default();
    fields.set_text(Field::Hostname, &format!("HOST-{id}"));
    VendorRecord {
        kind: Kind::Asset,
        vendor_id: VendorId::parse(&id.to_string()).unwrap(),
        client: Some(VendorId::parse(&format!("c{client}")).unwrap()),
        name: format!("host {id}"),
        fields,
        class: None,
        activity: Activity::Active,
        malformed: None,
    }
}

fn owner(client: usize) -> Owner {
    (Kind::Asset, Some(VendorId::parse(&format!("c{client}")).unwrap()))
}

/// Pages of 500 rows of 40 clients, each client's rows spread over all pages.
fn pages(count: usize) -> Vec<Vec<VendorRecord>> {
    (0..count).map(|page| (0..500).map(|row| asset(page * 500 + row, row % 40)).collect()).collect()
}

fn spool(pages: &[Vec<VendorRecord>]) -> Spool {
    let mut spool = Spool::default();
    pages.iter().for_each(|page| spool.put(page.clone()));
    spool
}

fn of(pages: &[Vec<VendorRecord>], client: usize) -> Vec<VendorRecord> {
    let all = pages.iter().flatten();
    all.filter(|record| record.client == owner(client).1).cloned().collect()
}

#[test]
fn what_was_put_comes_back_by_owner_packed_or_not() {
    for count in [1, 3, 12] {
        let pages = pages(count);
        let spool = spool(&pages);
        let is_packed = spool.chunks.iter().any(|chunk| matches!(chunk.body, Body::Packed(_)));
        assert_eq!(is_packed, count == 12, "many rows are packed");
        let wanted = BTreeSet::from([owner(3), owner(39), owner(77)]);
        let found = spool.unpack(&wanted);
        assert_eq!(found.len(), 2, "nobody has rows of client 77");
        assert_eq!(found[&owner(3)], of(&pages, 3));
        assert_eq!(found[&owner(39)], of(&pages, 39));
        assert_eq!(spool.rows(&owner(3)).unwrap().count, of(&pages, 3).len() as u64);
    }
}

#[test]
fn the_sum_over_rows_does_not_depend_on_their_order_and_sees_every_change() {
    let pages = pages(2);
    let reversed: Vec<Vec<VendorRecord>> =
        pages.iter().rev().map(|page| page.iter().rev().cloned().collect()).collect();
    let sum = |spool: &Spool| spool.rows(&owner(5)).unwrap().sum;
    assert_eq!(sum(&spool(&pages)), sum(&spool(&reversed)));
    let mut changed = pages.clone();
    changed[1][5].name.push('x');
    assert_ne!(sum(&spool(&changed)), sum(&spool(&pages)));
    let mut doubled = pages.clone();
    let twin = doubled[0][5].clone();
    doubled[1].push(twin);
    assert_ne!(sum(&spool(&doubled)), sum(&spool(&pages)), "a row that comes twice is a change");
}

#[test]
fn a_spool_that_is_saved_piece_by_piece_and_loaded_again_is_the_same() {
    let pages = pages(20);
    let mut saved: BTreeMap<usize, String> = BTreeMap::new();
    let mut spool = Spool::default();
    for (number, page) in pages.iter().enumerate() {
        spool.put(page.clone());
        if number % 6 == 5 {
            let (first, texts) = spool.save();
            saved.extend(texts.into_iter().enumerate().map(|(index, text)| (first + index, text)));
            let mut restored = Spool::default();
            saved.values().for_each(|text| restored.load(text).unwrap());
            spool = restored;
        }
    }
    assert!(saved.keys().copied().eq(0..saved.len()), "each item has a number of its own");
    assert!(saved.values().all(|text| text.len() < 2 * SAVED_BYTES_MAX));
    let all: BTreeSet<Owner> = (0..40).map(owner).collect();
    let whole = super::tests::spool(&pages);
    assert_eq!(spool.unpack(&all), whole.unpack(&all));
    assert_eq!(
        spool.rows(&owner(7)).map(|rows| (rows.sum, rows.count)),
        whole.rows(&owner(7)).map(|rows| (rows.sum, rows.count))
    );
}
