//! What people do: at the vendors between nights, and at ours whenever they like.

use engine::ports::{Table, Write};
use engine::store::catalogue::{self, Shelf};
use engine::store::{entries, integrations};
use fastrand::Rng;
use reconcile::doc::Doc;
use reconcile::ids::{DocId, Scope, VendorId};
use reconcile::mapping::{Decision, Entry};
use reconcile::record::{Field, Kind, Value};

use super::vendor::{Auvik, Device, Tenant};
use super::{Sim, integration};

const NAMES: [&str; 4] = ["Acme", "Birch & Co", "Cedar", "Dune"];
/// Devices that there are of one client, so that two vendors often see the same one.
const THINGS: usize = 7;

fn device(rng: &mut Rng, client: &str) -> Device {
    let thing = rng.usize(..THINGS);
    let letter = client.chars().next().unwrap_or('Z');
    let serial = match rng.u32(..10) {
        0 | 1 => String::new(),
        2 => "To be filled by O.E.M.".to_owned(),
        _ => format!("SN{letter}{thing}42"),
    };
    let code = u32::from(letter) % 256;
    let mac = if rng.u32(..10) < 3 { String::new() } else { format!("02:00:5E:00:{code:02X}:{thing:02X}") };
    let name = if rng.u32(..10) < 2 { String::new() } else { format!("host-{letter}{thing}") };
    Device { name, serial, mac, model: format!("M{}", rng.u32(..3)), broken: false, doubled: false }
}

fn pick<'a, K: Clone + 'a>(rng: &mut Rng, keys: impl Iterator<Item = &'a K>) -> Option<K> {
    let keys: Vec<&K> = keys.collect();
    (!keys.is_empty()).then(|| keys[rng.usize(..keys.len())].clone())
}

/// Makes a vendor with a few clients and devices.
pub fn found(rng: &mut Rng, letter: char) -> Auvik {
    let mut auvik = Auvik::default();
    let clients = rng.usize(2..=NAMES.len());
    for (number, name) in NAMES.into_iter().enumerate().take(clients) {
        let mut tenant = Tenant { name: name.to_owned(), ..Tenant::default() };
        for _ in 0..rng.usize(0..5) {
            let id = format!("{letter}d{}", rng.u32(..1_000_000));
            let made = device(rng, &tenant.name);
            tenant.devices.insert(id, made);
        }
        auvik.tenants.insert(format!("{letter}t{number}"), tenant);
    }
    auvik
}

/// One thing that somebody does at a vendor. Returns what it was.
pub fn at_vendor(rng: &mut Rng, auvik: &mut Auvik, letter: char) -> String {
    let Some(id) = pick(rng, auvik.tenants.keys()) else { return come_back(rng, auvik) };
    let device_id = pick(rng, auvik.tenants[&id].devices.keys());
    let choice = rng.u32(..16);
    if choice < 7 {
        return with_tenants(rng, auvik, &id, choice, letter);
    }
    let Some(device_id) = device_id else { return come_back(rng, auvik) };
    let other = pick(rng, auvik.tenants.keys()).expect("there is one at least");
    let name = auvik.tenants[&id].name.clone();
    let devices = &mut auvik.tenants.get_mut(&id).expect("picked").devices;
    let known = devices.get_mut(&device_id).expect("picked");
    match choice {
        7 | 8 => {
            let gone = devices.remove(&device_id).expect("picked");
            auvik.hidden_devices.push((id.clone(), device_id.clone(), gone));
            format!("{device_id} is hidden")
        }
        9 => {
            devices.remove(&device_id);
            format!("{device_id} is retired")
        }
        10 => {
            known.model = format!("M{}", rng.u32(..9));
            format!("{device_id} is another model")
        }
        11 => {
            *known = device(rng, &name);
            format!("{device_id} gets other identifiers")
        }
        12 => {
            let moved = devices.remove(&device_id).expect("picked");
            auvik.tenants.get_mut(&other).expect("picked").devices.insert(device_id.clone(), moved);
            format!("{device_id} moves from {id} to {other}")
        }
        13 => {
            known.broken = !known.broken;
            format!("{device_id} is broken: {}", known.broken)
        }
        14 => {
            known.doubled = !known.doubled;
            format!("{device_id} is doubled: {}", known.doubled)
        }
        _ => come_back(rng, auvik),
    }
}

fn with_tenants(rng: &mut Rng, auvik: &mut Auvik, id: &str, choice: u32, letter: char) -> String {
    let is_small = auvik.tenants.len() < 5;
    let tenant = auvik.tenants.get_mut(id).expect("picked");
    match choice {
        0 if rng.bool() => {
            let gone = auvik.tenants.remove(id).expect("picked");
            auvik.hidden_tenants.insert(id.to_owned(), gone);
            format!("client {id} is hidden")
        }
        1 => {
            tenant.name = format!("{} {}", NAMES[rng.usize(..NAMES.len())], rng.u32(..2)).replace(" 0", "");
            format!("client {id} is renamed to {}", tenant.name)
        }
        2 if rng.bool() => {
            tenant.broken = !tenant.broken;
            format!("client {id} is broken: {}", tenant.broken)
        }
        3 if is_small => {
            let new = format!("{letter}t{}", 10 + rng.u32(..90));
            let name = NAMES[rng.usize(..NAMES.len())].to_owned();
            auvik.tenants.insert(new.clone(), Tenant { name, ..Tenant::default() });
            format!("client {new} is new")
        }
        _ if tenant.devices.len() < 8 => {
            let new = format!("{letter}d{}", rng.u32(..1_000_000));
            let made = device(rng, &tenant.name);
            tenant.devices.insert(new.clone(), made);
            format!("{new} is new at {id}")
        }
        _ => come_back(rng, auvik),
    }
}

fn come_back(rng: &mut Rng, auvik: &mut Auvik) -> String {
    if rng.bool()
        && let Some(id) = pick(rng, auvik.hidden_tenants.keys())
    {
        let back = auvik.hidden_tenants.remove(&id).expect("picked");
        auvik.tenants.insert(id.clone(), back);
        return format!("client {id} is back");
    }
    let Some((tenant, id, device)) = auvik.hidden_devices.pop() else { return "nothing".to_owned() };
    if let Some(tenant) = auvik.tenants.get_mut(&tenant) {
        tenant.devices.insert(id.clone(), device);
        return format!("{id} is back");
    }
    "nothing".to_owned()
}

/// Lets tonight go wrong at a vendor, or go right.
pub fn trouble(rng: &mut Rng, auvik: &mut Auvik) {
    auvik.troubles = Default::default();
    if rng.u32(..3) > 0 {
        return;
    }
    let one = |rng: &mut Rng, auvik: &Auvik| pick(rng, auvik.tenants.keys()).into_iter().collect();
    match rng.u32(..7) {
        0 => auvik.troubles.forbidden = one(rng, auvik),
        1 => auvik.troubles.cut = one(rng, auvik),
        2 => auvik.troubles.html = one(rng, auvik),
        3 => auvik.troubles.circling = one(rng, auvik),
        4 => auvik.troubles.down = one(rng, auvik),
        5 => auvik.troubles.throttled = rng.u32(1..8),
        _ => auvik.troubles.revoked_at = Some(auvik.calls + rng.u64(1..10)),
    }
}

// ------------------------------------------------------------------------------------------------------- at ours

/// One thing that somebody does with our records. Returns what it was.
pub async fn at_ours(sim: &mut Sim) -> String {
    match sim.rng.u32(..10) {
        0..5 => stage(sim).await,
        5 => edit(sim).await,
        6 => import(sim).await,
        7 => switch(sim).await,
        _ => archive(sim).await,
    }
}

async fn some_entry(sim: &mut Sim, which: usize) -> Option<(Scope, Entry)> {
    let id = integration(which);
    let clients = entries::load_scope(&sim.table, &id, &Scope::Clients).await.expect("readable");
    let below: Vec<VendorId> = clients.keys().map(|(_, id)| id.clone()).collect();
    let scope = match sim.rng.bool() {
        true => Scope::Clients,
        false => Scope::Client(pick(&mut sim.rng, below.iter())?),
    };
    let all = entries::load_scope(&sim.table, &id, &scope).await.expect("readable");
    let key = pick(&mut sim.rng, all.keys())?;
    Some((scope, all[&key].clone()))
}

async fn stage(sim: &mut Sim) -> String {
    let which = sim.rng.usize(..2);
    let Some((scope, mut entry)) = some_entry(sim, which).await else { return "nothing".to_owned() };
    let decision = match sim.rng.u32(..6) {
        0 => Decision::Exclude,
        1 => Decision::Reset,
        2 | 3 => Decision::Create,
        _ => match some_doc(sim, entry.record.kind).await {
            Some(doc) => Decision::Match(doc.id),
            None => return "nothing".to_owned(),
        },
    };
    let said = format!("{} {}: staged {decision:?}", integration(which), entry.record.vendor_id);
    entry.mapping.staged = Some(decision);
    sim.table.write(entries::write(&integration(which), &entry)).await.expect("nobody is in between");
    entries::note_staged(&sim.table, &integration(which), &scope).await.expect("memory never fails");
    said
}

async fn some_doc(sim: &mut Sim, kind: Kind) -> Option<Doc> {
    let clients = catalogue::load_shelf(&sim.table, &Shelf::Clients).await.expect("readable").docs;
    let client = pick(&mut sim.rng, clients.keys())?;
    if kind == Kind::Client {
        return clients.get(&client).cloned();
    }
    let docs = catalogue::load_shelf(&sim.table, &Shelf::Client(client)).await.expect("readable").docs;
    let id = pick(&mut sim.rng, docs.keys())?;
    docs.get(&id).cloned()
}

/// A person's write moves the shelf and the catalogue's epoch, so that every next read looks again.
async fn put(sim: &mut Sim, doc: &Doc) {
    let shelf = Shelf::of(&doc.id);
    let version = catalogue::load_shelf(&sim.table, &shelf).await.expect("readable").version;
    let writes: Vec<Write> = vec![catalogue::write(doc), catalogue::move_version(&shelf, version)];
    sim.table.transact(writes).await.expect("nobody is in between");
    catalogue::move_epoch(&sim.table).await.expect("memory never fails");
}

async fn edit(sim: &mut Sim) -> String {
    let Some(mut doc) = some_doc(sim, Kind::Asset).await else { return "nothing".to_owned() };
    let field = if sim.rng.bool() { Field::Model } else { Field::Hostname };
    match sim.rng.u32(..3) {
        0 => doc.edits.remove(&field),
        1 => doc.edits.insert(field, None),
        _ => doc.edits.insert(field, Some(Value::Text(format!("edited{}", sim.rng.u32(..3))))),
    };
    put(sim, &doc).await;
    format!("{}: {field} is edited", doc.id)
}

async fn import(sim: &mut Sim) -> String {
    let name = NAMES[sim.rng.usize(..NAMES.len())];
    let client = DocId::imported(Kind::Client, None, name, 0);
    let known = catalogue::load(&sim.table, &client).await.expect("readable");
    if known.is_none() {
        put(sim, &Doc::new(client.clone(), name)).await;
    }
    let made = device(&mut sim.rng, name);
    let id = DocId::imported(Kind::Asset, Some(&client), &made.serial, sim.rng.usize(..2));
    if catalogue::load(&sim.table, &id).await.expect("readable").is_none() {
        let mut doc = Doc::new(id.clone(), &made.name);
        doc.imported.set_text(Field::SerialNumber, &made.serial);
        doc.imported.set_text(Field::Hostname, &made.name);
        put(sim, &doc).await;
    }
    format!("{id} is read in")
}

async fn switch(sim: &mut Sim) -> String {
    let id = integration(sim.rng.usize(..2));
    let kind = if sim.rng.bool() { Kind::Asset } else { Kind::Client };
    let changed = integrations::update(&sim.table, &id, |integration| {
        if !integration.auto_create.remove(&kind) {
            integration.auto_create.insert(kind);
        }
        integration.epoch += 1;
    });
    changed.await.expect("memory never fails");
    format!("{id}: auto-create of {kind} is switched")
}

async fn archive(sim: &mut Sim) -> String {
    let kind = if sim.rng.u32(..4) == 0 { Kind::Client } else { Kind::Asset };
    let Some(mut doc) = some_doc(sim, kind).await else { return "nothing".to_owned() };
    if doc.archived {
        doc.restore_by_person();
    } else {
        doc.archive_by_person();
    }
    put(sim, &doc).await;
    format!("{} is archived: {}", doc.id, doc.archived)
}
