use super::*;
use crate::memory::MemoryTable;
use reconcile::ids::VendorId;

const EPOCHS: Epochs = Epochs { integration: 3, catalogue: 1 };

fn id() -> IntegrationId {
    IntegrationId::parse("one").expect("a slug")
}

fn scope(number: usize) -> Scope {
    Scope::Client(VendorId::parse(&format!("c{number:03}")).expect("an id"))
}

/// Content `digest` of a client with twenty assets.
fn content(digest: u8) -> Remembered {
    Remembered::new(Fingerprint([digest; 16]), &Counts { fetched: 20, synced: 20, ..Counts::default() })
}

async fn loaded(table: &MemoryTable) -> Digests {
    load(table, &id(), Kind::Asset, EPOCHS).await.expect("memory never fails")
}

async fn remembers(table: &MemoryTable, epochs: Epochs, numbers: impl IntoIterator<Item = usize>, digest: u8) {
    let scopes = numbers.into_iter().map(|number| (scope(number), content(digest))).collect();
    let before = load(table, &id(), Kind::Asset, epochs).await.expect("memory never fails");
    remember(table, &id(), &before, &scopes).await.expect("memory never fails");
}

/// The places that differ from `before`.
fn written(table: &MemoryTable, before: &[Item]) -> Vec<String> {
    table.dump().into_iter().filter(|item| !before.contains(item)).map(|item| item.key.sk).collect()
}

async fn hundred() -> MemoryTable {
    let table = MemoryTable::new();
    remembers(&table, EPOCHS, 0..100, 1).await;
    table
}

#[tokio::test]
async fn a_few_changed_scopes_are_one_item() {
    let table = hundred().await;
    let before = table.dump();
    assert_eq!(before.len(), BUCKETS);
    remembers(&table, EPOCHS, 10..30, 2).await;
    assert_eq!(written(&table, &before), ["asset#fresh"]);
    remembers(&table, EPOCHS, 20..40, 3).await;
    assert_eq!(written(&table, &before), ["asset#fresh"]);
    let digests = loaded(&table).await;
    for (number, digest) in [(5, 1), (10, 2), (20, 3), (39, 3), (40, 1)] {
        assert_eq!(digests.remembered(&scope(number)), Some(&content(digest)), "client {number}");
    }
    assert_eq!((digests.scopes().count(), digests.fetched(), digests.all_count()), (100, 2_000, true));
    let before = table.dump();
    remembers(&table, EPOCHS, 20..40, 3).await;
    assert_eq!(written(&table, &before), [""; 0], "what is remembered is not written again");
}

#[tokio::test]
async fn when_more_than_half_of_the_scopes_are_fresh_they_go_into_their_buckets() {
    let table = hundred().await;
    remembers(&table, EPOCHS, 10..50, 2).await;
    let before = table.dump();
    remembers(&table, EPOCHS, 45..61, 3).await;
    let written = written(&table, &before);
    assert!(written.len() > BUCKETS / 2 && written.contains(&"asset#fresh".to_owned()), "{written:?}");
    let digests = loaded(&table).await;
    assert!(digests.fresh.1.scopes.is_empty());
    for (number, digest) in [(9, 1), (10, 2), (44, 2), (45, 3), (60, 3), (61, 1)] {
        assert_eq!(digests.remembered(&scope(number)), Some(&content(digest)), "client {number}");
    }
}

/// A version that does not know of what lies over the buckets, or a fold that was cut off, writes a bucket alone.
#[tokio::test]
async fn over_a_bucket_that_somebody_wrote_nothing_fresh_counts() {
    let table = hundred().await;
    remembers(&table, EPOCHS, 10..30, 2).await;
    let number = bucket_of(Kind::Asset, &scope(10));
    let key = bucket_key(&id(), Kind::Asset, number);
    let item = table.get(&key).await.expect("memory never fails").expect("stored");
    table.write(Write::put(key, Expect::Version(item.version), item.body)).await.expect("the version holds");
    let digests = loaded(&table).await;
    for (client, is_fresh) in (0..100).map(|client| (client, (10..30).contains(&client))) {
        let remembered = digests.remembered(&scope(client)).expect("no scope is forgotten");
        let is_lost = is_fresh && bucket_of(Kind::Asset, &scope(client)) == number;
        assert_eq!(remembered.is_unsettled(), is_lost, "client {client}");
        assert!(is_lost || *remembered == content(if is_fresh { 2 } else { 1 }), "client {client}");
    }
    // The next run that remembers anything brings all together again.
    remembers(&table, EPOCHS, 10..30, 4).await;
    let digests = loaded(&table).await;
    assert!((10..30).all(|client| digests.remembered(&scope(client)) == Some(&content(4))));
}

#[tokio::test]
async fn nothing_fresh_counts_under_other_epochs() {
    let table = hundred().await;
    remembers(&table, EPOCHS, 10..30, 2).await;
    let later = Epochs { integration: 4, ..EPOCHS };
    let digests = load(&table, &id(), Kind::Asset, later).await.expect("memory never fails");
    assert!((0..100).all(|client| digests.remembered(&scope(client)).is_none()) && !digests.all_count());
    remembers(&table, later, [10], 5).await;
    let digests = load(&table, &id(), Kind::Asset, later).await.expect("memory never fails");
    assert_eq!(digests.remembered(&scope(10)), Some(&content(5)));
    assert!(digests.remembered(&scope(11)).is_some_and(Remembered::is_unsettled));
    assert_eq!((digests.scopes().count(), digests.fetched()), (100, 2_000));
}
