use reconcile::mapping::Decision;
use reconcile::record::{Activity, VendorRecord};

use super::*;
use crate::memory::MemoryTable;

fn integration() -> IntegrationId {
    IntegrationId::parse("acme").expect("a slug")
}

fn client(number: usize) -> Entry {
    let mut fields = Fields::default();
    fields.set_text(Field::Phone, "+1 555 0100");
    Entry::new(VendorRecord {
        kind: Kind::Client,
        vendor_id: VendorId::parse(&format!("c{number}")).expect("an id"),
        client: None,
        name: format!("Client {number}"),
        fields,
        class: None,
        activity: Activity::Active,
        malformed: None,
    })
}

/// A table with so many clients.
async fn table(clients: usize) -> MemoryTable {
    let table = MemoryTable::new();
    for number in 0..clients {
        table.write(entries::write(&integration(), &client(number))).await.expect("it is new");
    }
    table
}

async fn stored(table: &MemoryTable, number: usize) -> Entry {
    let id = client(number).record.vendor_id;
    let loaded = entries::load(table, &integration(), &Scope::Clients, Kind::Client, &id).await;
    loaded.expect("it is readable").expect("it is there")
}

async fn roster(table: &MemoryTable) -> Roster {
    load(table, &integration(), Kind::Client).await.expect("it is readable")
}

/// What the entries themselves say.
async fn truth(table: &MemoryTable) -> Roster {
    let entries = entries::load_scope(table, &integration(), &Scope::Clients).await.expect("readable");
    entries.values().map(|entry| (entry.record.vendor_id.clone(), line(entry))).collect()
}

async fn exclude(table: &MemoryTable, number: usize) -> Option<Vec<Write>> {
    let mut entry = stored(table, number).await;
    entry.mapping.staged = Some(Decision::Exclude);
    let rewrites = rewrites(table, &integration(), &Scope::Clients, &[entry.clone()]).await.expect("readable");
    let writes = [entries::write(&integration(), &entry)].into_iter().chain(rewrites.clone().into_iter().flatten());
    table.transact(writes.collect()).await.expect("nobody else writes");
    rewrites
}

#[tokio::test]
async fn it_is_built_once_and_read_from_a_few_items_then() {
    let table = table(2000).await;
    assert_eq!(roster(&table).await, truth(&table).await);
    let before = table.meter().read();
    assert_eq!(roster(&table).await.len(), 2000);
    let after = table.meter().read();
    assert_eq!((after.requests - before.requests, after.items_written), (1, before.items_written));
    // Unpacked, as this table counts; DynamoDB holds the buckets packed.
    assert!(after.read_units - before.read_units < 90.0, "{}", after.read_units - before.read_units);
}

#[tokio::test]
async fn it_holds_no_field_that_lists_do_not_show() {
    let table = table(1).await;
    let roster = roster(&table).await;
    assert!(roster.values().all(|line| line.record.fields.is_empty()));
}

#[tokio::test]
async fn a_decision_that_is_written_with_its_bucket_is_there_without_building_again() {
    let table = table(50).await;
    roster(&table).await;
    let rewrites = exclude(&table, 7).await.expect("it is current");
    assert_eq!(rewrites.len(), 1);
    let before = table.meter().read().requests;
    let after = roster(&table).await;
    assert_eq!(table.meter().read().requests - before, 1, "nothing is built");
    assert_eq!(after, truth(&table).await);
    assert_eq!(after[&client(7).record.vendor_id].mapping.staged, Some(Decision::Exclude));
}

#[tokio::test]
async fn after_a_touch_it_is_built_again() {
    let table = table(5).await;
    roster(&table).await;
    table.write(entries::write(&integration(), &client(5))).await.expect("it is new");
    touch(&table, &integration(), &Scope::Clients).await.expect("reachable");
    assert_eq!(exclude(&table, 1).await, None, "there is nothing current to follow");
    assert_eq!(roster(&table).await, truth(&table).await);
    assert_eq!(roster(&table).await.len(), 6);
}

#[tokio::test]
async fn nothing_is_written_for_rosters_that_nobody_has_looked_at() {
    let table = table(3).await;
    let before = table.meter().read().items_written;
    touch(&table, &integration(), &Scope::Clients).await.expect("reachable");
    touch(&table, &integration(), &Scope::Client(client(1).record.vendor_id)).await.expect("reachable");
    assert_eq!(table.meter().read().items_written, before);
}

#[tokio::test]
async fn a_build_that_somebody_touched_meanwhile_is_not_kept() {
    let table = table(3).await;
    roster(&table).await;
    touch(&table, &integration(), &Scope::Clients).await.expect("reachable");
    let lying = read(&table, &integration(), Kind::Client, 0..BUCKETS).await.expect("readable");
    // Another one has begun to build, and a run writes and touches before that one ends.
    set(&table, &integration(), Kind::Client, 3, Standing::Building).await.expect("reachable");
    table.write(entries::write(&integration(), &client(3))).await.expect("it is new");
    touch(&table, &integration(), &Scope::Clients).await.expect("reachable");
    assert_eq!(build(&table, &integration(), Kind::Client, lying).await.expect("readable").len(), 4);
    let lying = read(&table, &integration(), Kind::Client, 0..BUCKETS).await.expect("readable");
    assert!(!lying.is_current());
    assert_eq!(roster(&table).await, truth(&table).await);
}

#[tokio::test]
async fn a_removed_integration_leaves_no_name_behind() {
    let table = table(3).await;
    roster(&table).await;
    forget(&table, &integration()).await.expect("reachable");
    assert!(table.dump().iter().all(|item| !is_place(&item.key)));
}
