//! A long list: clients that nobody has decided about, and below each of them devices without an identifier.

use std::collections::{BTreeMap, BTreeSet};

use engine::ports::{Table, Write};
use engine::store::catalogue::{self, Shelf};
use engine::store::digests::{self, Epochs, Remembered};
use engine::store::entries;
use engine::store::integrations::{self, Integration, IntegrationState};
use reconcile::doc::Doc;
use reconcile::ids::{DocId, IntegrationId, RecordKey, Scope, VendorId};
use reconcile::mapping::Entry;
use reconcile::plan::Counts;
use reconcile::reason::Reason;
use reconcile::record::{Activity, Field, Fields, Fingerprint, Kind, VendorRecord};

/// The integration.
pub const ID: &str = "big";
/// Its clients.
pub const CLIENTS: usize = 2_000;
/// What lies below them.
pub const UNSYNCED: usize = 50_000;

/// One of a hundred clients has a device that fits several documentation records.
const AMBIGUOUS_ONE_IN: usize = 100;

/// Returns the vendor id of a client.
pub fn client(number: usize) -> String {
    format!("c{number:04}")
}

fn record(kind: Kind, id: &str, client: Option<&VendorId>, name: String) -> anyhow::Result<VendorRecord> {
    let mut fields = Fields::default();
    let filler = [Field::Make, Field::Model, Field::Os, Field::Phone, Field::Address];
    filler
        .iter()
        .for_each(|field| fields.set_text(*field, &format!("{name}: the value of {field} as vendors write it")));
    Ok(VendorRecord {
        kind,
        vendor_id: VendorId::parse(id)?,
        client: client.cloned(),
        name,
        fields,
        class: None,
        activity: Activity::Active,
        malformed: None,
    })
}

/// Writes everything as a run leaves it.
pub async fn fill(table: &impl Table) -> anyhow::Result<()> {
    let id = IntegrationId::parse(ID)?;
    let vendor = apis::vendors::find("auvik").expect("it is one of ours");
    let mut integration = Integration::draft(id.clone(), vendor, BTreeMap::new(), "2026-11-20T12:00:00Z".parse()?);
    integration.state = IntegrationState::Live;
    integration.sync = BTreeSet::from([Kind::Client, Kind::Asset]);
    integration.first_synced = integration.sync.clone();
    integrations::save(table, &mut integration).await?;
    let mut writes: Vec<Write> = Vec::new();
    let mut remembered = BTreeMap::new();
    for number in 0..CLIENTS {
        let name = format!("Client {number:04} Ltd");
        let client = Entry::new(record(Kind::Client, &client(number), None, name)?);
        let key = RecordKey { integration: id.clone(), kind: Kind::Client, vendor_id: client.record.vendor_id.clone() };
        writes.push(catalogue::write(&Doc::new(DocId::created(&key, None), &format!("Client {number:04}"))));
        writes.push(entries::write(&id, &client));
        let mut counts = Counts::default();
        for device in 0..UNSYNCED / CLIENTS {
            let own = format!("{number:04}-{device:02}");
            let device_record = record(Kind::Asset, &own, Some(&client.record.vendor_id), format!("Device {own}"))?;
            let mut asset = Entry::new(device_record);
            let is_rare = number % AMBIGUOUS_ONE_IN == 0 && device == 0;
            let reason = if is_rare { Reason::AmbiguousMatch } else { Reason::MissingIdentifier };
            asset.mapping.reason = Some(reason);
            *counts.reasons.entry(reason).or_default() += 1;
            writes.push(entries::write(&id, &asset));
        }
        counts.fetched = counts.reasons.values().sum();
        counts.unsynced = counts.fetched;
        remembered.insert(Scope::Client(client.record.vendor_id), Remembered::new(Fingerprint([7; 16]), &counts));
    }
    writes.push(catalogue::move_version(&Shelf::Clients, 0));
    for some in writes.chunks(100) {
        table.transact(some.to_vec()).await?;
    }
    let before = digests::load(table, &id, Kind::Asset, Epochs::default()).await?;
    digests::remember(table, &id, &before, &remembered).await?;
    Ok(())
}
