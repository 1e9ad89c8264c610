//! What a page of a long list costs: 2,000 clients, 50,000 records that are not in the documentation.
//!
//! The table in memory counts what DynamoDB bills for items as they are, unpacked. A read of everything would cost what is
//! stored: 7,600 units for the records and 300 for the clients.

use std::collections::{BTreeMap, BTreeSet};

use console::answer::Answer;
use console::request::{Choice, Deciding, Page, RecordFilter, Request};
use console::views::{UnsyncedView, WizardView};
use engine::ports::{Consumed, Table, Write};
use engine::store::catalogue::{self, Shelf};
use engine::store::digests::{self, Epochs, Remembered};
use engine::store::entries;
use engine::store::integrations::{self, Integration, IntegrationState};
use reconcile::doc::Doc;
use reconcile::ids::{DocId, IntegrationId, RecordKey, Scope, VendorId};
use reconcile::mapping::{Entry, State};
use reconcile::plan::Counts;
use reconcile::reason::Reason;
use reconcile::record::{Activity, Field, Fields, Fingerprint, Kind, VendorRecord};

use crate::desk::Desk;

const CLIENTS: usize = 2_000;
const UNSYNCED_EACH: usize = 25;
/// Rows of a page.
const ROWS: usize = 100;

fn id() -> IntegrationId {
    IntegrationId::parse("big").unwrap()
}

fn vendor_id(text: &str) -> VendorId {
    VendorId::parse(text).unwrap()
}

fn record(kind: Kind, id: &str, client: Option<&VendorId>, name: String) -> VendorRecord {
    let mut fields = Fields::default();
    let filler = [Field::Make, Field::Model, Field::Os, Field::Phone, Field::Address];
    filler
        .iter()
        .for_each(|field| fields.set_text(*field, &format!("{name}: the value of {field} as vendors write it")));
    VendorRecord {
        kind,
        vendor_id: vendor_id(id),
        client: client.cloned(),
        name,
        fields,
        class: None,
        activity: Activity::Active,
        malformed: None,
    }
}

/// The clients are unmatched; each has records without an identifier below it, and every hundredth one that fits several.
async fn big() -> Desk {
    let desk = Desk::new();
    let mut integration = Integration::draft(
        id(),
        apis::vendors::find("auvik").unwrap(),
        BTreeMap::new(),
        "2026-11-20T12:00:00Z".parse().unwrap(),
    );
    integration.state = IntegrationState::Live;
    integration.sync = BTreeSet::from([Kind::Client, Kind::Asset]);
    integration.first_synced = integration.sync.clone();
    integrations::save(&desk.ports.table, &mut integration).await.unwrap();
    let mut writes: Vec<Write> = Vec::new();
    let mut remembered = BTreeMap::new();
    for number in 0..CLIENTS {
        let client =
            Entry::new(record(Kind::Client, &format!("c{number:04}"), None, format!("Client {number:04} Ltd")));
        let key = RecordKey { integration: id(), kind: Kind::Client, vendor_id: client.record.vendor_id.clone() };
        writes.push(catalogue::write(&Doc::new(DocId::created(&key, None), &format!("Client {number:04}"))));
        writes.push(entries::write(&id(), &client));
        let mut counts = Counts::default();
        for device in 0..UNSYNCED_EACH {
            let own = format!("{number:04}-{device:02}");
            let mut asset =
                Entry::new(record(Kind::Asset, &own, Some(&client.record.vendor_id), format!("Device {own}")));
            let is_rare = number % 100 == 0 && device == 0;
            let reason = if is_rare { Reason::AmbiguousMatch } else { Reason::MissingIdentifier };
            asset.mapping.reason = Some(reason);
            *counts.reasons.entry(reason).or_default() += 1;
            writes.push(entries::write(&id(), &asset));
        }
        counts.fetched = UNSYNCED_EACH as u64;
        counts.unsynced = UNSYNCED_EACH as u64;
        remembered.insert(Scope::Client(client.record.vendor_id), Remembered::new(Fingerprint([7; 16]), &counts));
    }
    writes.push(catalogue::move_version(&Shelf::Clients, 0));
    for some in writes.chunks(100) {
        desk.ports.table.transact(some.to_vec()).await.unwrap();
    }
    let before = digests::load(&desk.ports.table, &id(), Kind::Asset, Epochs::default()).await.unwrap();
    digests::remember(&desk.ports.table, &id(), &before, &remembered).await.unwrap();
    desk
}

async fn wizard(desk: &Desk, filter: RecordFilter, cursor: Option<String>) -> WizardView {
    let page = Page { limit: ROWS, cursor };
    match desk.ask(Request::Wizard { id: id().to_string(), kind: Kind::Client, filter, page }).await.unwrap() {
        Answer::Wizard(view) => view,
        other => panic!("{other:?}"),
    }
}

async fn unsynced(desk: &Desk, reason: Option<Reason>, cursor: Option<String>) -> (Vec<UnsyncedView>, Option<String>) {
    let filter = RecordFilter { reason, ..RecordFilter::default() };
    let page = Page { limit: ROWS, cursor };
    match desk.ask(Request::Unsynced { id: id().to_string(), kind: None, filter, page }).await.unwrap() {
        Answer::Unsynced(list) => (list.items, list.next),
        other => panic!("{other:?}"),
    }
}

/// Returns what is consumed from `before` on.
fn since(desk: &Desk, before: Consumed) -> Consumed {
    let now = desk.ports.table.meter().read();
    Consumed {
        requests: now.requests - before.requests,
        items_written: now.items_written - before.items_written,
        read_units: now.read_units - before.read_units,
        write_units: now.write_units - before.write_units,
    }
}

/// Asserts and prints what one look cost.
#[allow(clippy::print_stdout)] // The units are read in the run of the tests.
fn cost(desk: &Desk, what: &str, before: Consumed, reads_max: f64, writes_max: f64) {
    let spent = since(desk, before);
    println!("{what}: {} requests, {} read units, {} write units", spent.requests, spent.read_units, spent.write_units);
    assert!(spent.read_units <= reads_max && spent.write_units <= writes_max, "{what}: {spent:?}");
}

#[tokio::test]
async fn pages_of_long_lists_cost_about_a_page_and_never_everything() {
    let desk = big().await;
    let at = || desk.ports.table.meter().read();

    let before = at();
    let first = wizard(&desk, RecordFilter::default(), None).await;
    cost(&desk, "wizard, the first look after a run", before, 1_100.0, 400.0);
    assert_eq!((first.items.len(), first.found, first.counts[&State::Unmatched]), (ROWS, 2_000, 2_000));
    assert!(first.items.iter().all(|row| row.suggestion.is_some()), "each is scored against all names");

    let before = at();
    let second = wizard(&desk, RecordFilter::default(), first.next.clone()).await;
    cost(&desk, "wizard, a page", before, 260.0, 0.0);
    assert_eq!(second.items[0].name, "Client 0100 Ltd");

    let before = at();
    let one = &second.items[7];
    let decisions = vec![Deciding {
        vendor_id: one.vendor_id.to_string(),
        client: None,
        choice: Choice::Exclude,
        revision: Some(one.revision.clone()),
    }];
    desk.ask(Request::Decide { id: id().to_string(), kind: Kind::Client, decisions }).await.unwrap();
    cost(&desk, "wizard, a decision", before, 40.0, 110.0);

    let before = at();
    let rare = wizard(&desk, RecordFilter { state: Some(State::Excluded), ..RecordFilter::default() }, None).await;
    cost(&desk, "wizard, a tab with one record", before, 200.0, 0.0);
    assert_eq!(
        (rare.items.len(), rare.items[0].name.as_str(), rare.counts[&State::Excluded]),
        (1, "Client 0107 Ltd", 1)
    );
    let search = Some("client 19".to_owned());
    assert_eq!(wizard(&desk, RecordFilter { search, ..RecordFilter::default() }, None).await.found, 100);

    let before = at();
    let (rows, next) = unsynced(&desk, None, None).await;
    cost(&desk, "unsynced, the first page", before, 420.0, 0.0);
    assert_eq!((rows.len(), rows[0].kind), (ROWS, Kind::Client), "unmatched clients come first");
    let mut next = next;
    for _ in 0..CLIENTS / ROWS {
        next = unsynced(&desk, None, next).await.1;
    }
    let before = at();
    let (rows, next) = unsynced(&desk, None, next).await;
    cost(&desk, "unsynced, a page of devices", before, 420.0, 0.0);
    assert_eq!((rows.len(), rows[0].kind, next.is_some()), (ROWS, Kind::Asset, true));
    assert!(rows.iter().all(|row| row.client_name.as_deref().is_some_and(|name| name.starts_with("Client"))));

    let before = at();
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let (rows, next) = unsynced(&desk, Some(Reason::AmbiguousMatch), cursor).await;
        found.extend(rows);
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), 20);
    cost(&desk, "unsynced, twenty of fifty thousand", before, 900.0, 0.0);
}

#[tokio::test]
async fn a_page_of_a_preview_costs_a_page_of_its_plan() {
    let desk = big().await;
    desk.ask(Request::CreateUnmatched { id: id().to_string(), kind: Some(Kind::Client) }).await.unwrap();
    let page = async |cursor: Option<String>| {
        let request = Request::Preview { id: id().to_string(), page: Page { limit: ROWS, cursor } };
        let Answer::Plan(view) = desk.ask(request).await.unwrap() else { panic!() };
        view
    };
    let before = desk.ports.table.meter().read();
    let first = page(None).await;
    // Clients and their documentation, 600 units, and what lies below fifty of them: not below all.
    cost(&desk, "preview of 2,000 decisions, the first page", before, 1_300.0, 2_000.0);
    let mut seen = first.items.len();
    let mut next = first.next;
    while let Some(cursor) = next {
        let before = desk.ports.table.meter().read();
        let view = page(Some(cursor)).await;
        cost(&desk, "preview, a page", before, 400.0, 0.0);
        seen += view.items.len();
        next = view.next;
    }
    assert_eq!(seen, CLIENTS);
}

#[tokio::test]
async fn every_record_is_on_one_page() {
    let desk = Desk::live().await;
    let clients = desk.records(Kind::Client).await;
    let names: Vec<String> = clients.iter().map(|client| client.name.to_lowercase()).collect();
    assert!(names.is_sorted(), "{names:?}");
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let page = Page { limit: 2, cursor };
        let request = Request::Wizard {
            id: crate::desk::ID.to_owned(),
            kind: Kind::Client,
            filter: RecordFilter::default(),
            page,
        };
        let Answer::Wizard(view) = desk.ask(request).await.unwrap() else { panic!() };
        seen.extend(view.items);
        match view.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, clients);
}

#[tokio::test]
async fn a_filter_that_finds_nothing_ends_its_page_before_everything_was_read() {
    let desk = big().await;
    // A decision was finished since the last run: what it remembers does not count any more.
    integrations::update(&desk.ports.table, &id(), |integration| integration.epoch += 1).await.unwrap();
    let before = desk.ports.table.meter().read();
    let (rows, next) = unsynced(&desk, Some(Reason::DuplicateAtVendor), None).await;
    assert!(rows.is_empty() && next.is_some(), "there is more to look through");
    cost(&desk, "unsynced, nothing found", before, 800.0, 300.0);
}
