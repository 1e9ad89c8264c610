//! Two Auviks of our own making, which see overlapping clients and devices.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use apis::call::{Call, Reply, Secret, SecretText};
use engine::ports::SendError;
use engine::store::integrations::{Integration, IntegrationState};
use fastrand::Rng;
use jiff::Timestamp;
use reconcile::doc::{Doc, Role};
use reconcile::ids::{DocId, IntegrationId};
use reconcile::record::Kind;

use super::Sim;
use super::auvik::{Auvik, Device, Tenant};
use super::cast::{Cast, Expected, Thing};
use super::people::pick;

const NAMES: [&str; 4] = ["Acme", "Birch & Co", "Cedar", "Dune"];
/// Devices that there are of one client, so that two vendors often see the same one.
const THINGS: usize = 7;

/// Returns the id of one of the two integrations.
pub fn integration(which: usize) -> IntegrationId {
    IntegrationId::parse(["auvik-a", "auvik-b"][which]).expect("valid slugs")
}

/// The two of them.
#[derive(Clone)]
pub struct Pair([Arc<Mutex<Auvik>>; 2]);

impl Pair {
    /// Makes two with a few clients and devices each.
    pub fn found(rng: &mut Rng) -> Self {
        Self::of(['a', 'b'].map(|letter| found(rng, letter)))
    }

    /// Makes a pair of these.
    pub fn of(vendors: [Auvik; 2]) -> Self {
        Self(vendors.map(|vendor| Arc::new(Mutex::new(vendor))))
    }

    fn vendor(&self, which: usize) -> MutexGuard<'_, Auvik> {
        self.0[which].lock().expect("no one panics while holding it")
    }
}

impl Sim<Pair> {
    /// Returns a vendor, to look at it or to change it.
    pub fn vendor(&self, which: usize) -> MutexGuard<'_, Auvik> {
        self.cast.vendor(which)
    }
}

impl Cast for Pair {
    /// Both are live: what is eligible is created in their first sync.
    fn integrations(&self, now: Timestamp) -> Vec<(Integration, Secret)> {
        let parts = || [("username", "a@b.example"), ("api_key", "a key of tests")];
        let secret = || Secret(parts().map(|(name, text)| (name.to_owned(), SecretText::new(text))).into());
        let vendor = apis::vendors::find("auvik").expect("Auvik is a vendor");
        let settings = || BTreeMap::from([("url".to_owned(), "http://127.0.0.1:4001".to_owned())]);
        let live = |which: usize| Integration {
            role: [Role::Monitor, Role::Rmm][which],
            state: IntegrationState::Live,
            sync: BTreeSet::from([Kind::Client, Kind::Asset]),
            auto_create: BTreeSet::from([Kind::Client, Kind::Asset]),
            archive_stale: which == 1,
            ..Integration::draft(integration(which), vendor, settings(), now)
        };
        vec![(live(0), secret()), (live(1), secret())]
    }

    fn answer(&self, which: usize, call: &Call, now: Timestamp) -> Result<Reply, SendError> {
        let mut vendor = self.vendor(which);
        vendor.notice_changes(now);
        Ok(vendor.answer(call))
    }

    fn day(&self, rng: &mut Rng, _: Timestamp) -> Vec<String> {
        let mut told = Vec::new();
        for (which, letter) in ['a', 'b'].into_iter().enumerate() {
            let vendor = &mut *self.vendor(which);
            for _ in 0..rng.usize(..4) {
                told.push(format!("{letter}: {}", at_vendor(rng, vendor, letter)));
            }
            trouble(rng, vendor);
            told.push(format!("{letter}: {:?}", vendor.troubles));
        }
        told
    }

    fn deed(&self, rng: &mut Rng, _: Timestamp) -> String {
        let which = rng.usize(..2);
        let letter = ['a', 'b'][which];
        format!("{letter}: {}", at_vendor(rng, &mut self.vendor(which), letter))
    }

    fn heal(&self, which: usize) {
        self.vendor(which).troubles = Default::default();
    }

    async fn expected(&self, _: &mut Rng) -> Expected {
        Expected { there: (0..2).map(|which| self.vendor(which).records()).collect(), shown: None }
    }

    fn thing(&self, rng: &mut Rng) -> Thing {
        let client = NAMES[rng.usize(..NAMES.len())];
        let made = device(rng, client);
        let client = Doc::new(DocId::imported(Kind::Client, None, client, 0), client);
        Thing { client, serial: made.serial, name: made.name }
    }
}

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

/// Makes a vendor with a few clients and devices.
fn found(rng: &mut Rng, letter: char) -> Auvik {
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
fn at_vendor(rng: &mut Rng, auvik: &mut Auvik, letter: char) -> String {
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
fn trouble(rng: &mut Rng, auvik: &mut Auvik) {
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
