use reconcile::doc::{Role, Source};
use reconcile::ids::VendorId;
use reconcile::record::Fields;

use super::*;
use crate::memory::MemoryTable;

fn doc(number: usize) -> Doc {
    Doc::new(DocId::imported(Kind::Client, None, "client", number), &format!("Client {number}"))
}

fn held(mut doc: Doc, stale: bool) -> Doc {
    let source = Source {
        vendor_id: VendorId::parse("1").expect("an id"),
        client: None,
        role: Role::Psa,
        name: doc.name.clone(),
        fields: Fields::default(),
        stale,
    };
    doc.sources.insert(acme(), source);
    doc
}

fn acme() -> IntegrationId {
    IntegrationId::parse("acme").expect("a slug")
}

async fn put(table: &MemoryTable, docs: &[Doc], version: u64) {
    let writes = docs.iter().map(catalogue::write);
    for some in writes.collect::<Vec<_>>().chunks(90) {
        table.transact(some.to_vec()).await.expect("nobody else writes");
    }
    table.write(catalogue::move_version(&Shelf::Clients, version)).await.expect("nobody else writes");
}

async fn names(table: &MemoryTable) -> Names {
    load(table, &Shelf::Clients).await.expect("it is readable")
}

#[tokio::test]
async fn names_are_taken_from_the_shelf_once_and_again_when_it_moved() {
    let table = MemoryTable::new();
    let docs: Vec<Doc> = (0..600).map(doc).collect();
    put(&table, &docs, 0).await;
    assert_eq!(names(&table).await.len(), 600);
    let before = table.meter().read();
    assert_eq!(names(&table).await.len(), 600);
    let after = table.meter().read();
    assert_eq!(after.items_written, before.items_written);
    assert!(after.read_units - before.read_units < 20.0, "{}", after.read_units - before.read_units);
    put(&table, &[doc(600)], 1).await;
    assert_eq!(names(&table).await.len(), 601);
    assert_eq!(names(&table).await.len(), 601);
}

#[tokio::test]
async fn what_an_active_record_holds_or_a_person_put_away_is_not_free() {
    let table = MemoryTable::new();
    let mut away = doc(3);
    away.archived = true;
    put(&table, &[doc(0), held(doc(1), false), held(doc(2), true), away], 0).await;
    let names = names(&table).await;
    let free: Vec<&str> =
        names.values().filter(|name| name.is_free_for(&acme())).map(|name| name.name.as_str()).collect();
    assert_eq!(free.len(), 2, "{free:?}");
    assert!(free.contains(&"Client 0") && free.contains(&"Client 2"));
}

#[tokio::test]
async fn pieces_of_another_version_are_not_believed() {
    let table = MemoryTable::new();
    put(&table, &(0..300).map(doc).collect::<Vec<_>>(), 0).await;
    names(&table).await;
    // Another look took the names at a later version and was cut off after its first piece.
    let piece = Piece { as_of: 9, names: Vec::new() };
    let key = Key::new(partition(&Shelf::Clients), place(0));
    table.write(Write::put(key, Expect::Version(1), encode(&piece))).await.expect("nobody else writes");
    assert_eq!(names(&table).await.len(), 300);
}
