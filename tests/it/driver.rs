//! Reads a simulated vendor with our client, without an engine: opens the account, reads every list to its end and every
//! detail, and tries again at once what may pass.

use std::collections::{BTreeMap, BTreeSet};

use apis::account::{Account, Surroundings};
use apis::call::{Secret, SecretText};
use apis::feed::{Below, Fan, Feed};
use apis::reading::{Reading, Then, detail_call, take_detail};
use apis::vendors;
use apis::words::Words;
use reconcile::record::{Kind, VendorRecord};
use sandbox::{Listing, Simulator};

/// The address that simulators are at.
pub const ORIGIN: &str = "http://127.0.0.1:4001";

/// How often one account, list or detail is asked for before the test gives up.
const CALLS_MAX: usize = 10_000;

/// Makes the account that a simulated vendor's listing opens.
pub fn account(listing: &Listing) -> Account {
    let settings = listing.settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let secret = listing.secret.iter().map(|(name, value)| ((*name).to_owned(), SecretText::new(value))).collect();
    let vendor = vendors::find(listing.vendor).expect("the simulated vendor is one of ours");
    Account::new(vendor, settings, Secret(secret), &Surroundings { allow_loopback: true })
        .expect("the listing is valid")
}

/// What one complete read gave: records, words, endings other than `Done`, and calls.
#[derive(Default)]
pub struct Night {
    /// The records, details among them.
    pub records: Vec<VendorRecord>,
    /// The words.
    pub words: Words,
    /// Endings other than `Done`.
    pub ends: Vec<Then>,
    /// Calls made, by feed; `opening` and `detail` besides.
    pub calls: BTreeMap<&'static str, u64>,
}

impl Night {
    /// Returns how many records there are of a kind.
    pub fn count(&self, kind: Kind) -> u64 {
        self.records.iter().filter(|record| record.kind == kind).count() as u64
    }

    /// Returns how many calls were made in all.
    pub fn calls(&self) -> u64 {
        self.calls.values().sum()
    }

    /// Returns the records in an order that does not depend on the vendor's.
    pub fn sorted(mut self) -> Vec<VendorRecord> {
        self.records.sort_by(|one, other| (one.kind, &one.vendor_id).cmp(&(other.kind, &other.vendor_id)));
        self.records
    }

    fn called(&mut self, what: &'static str) {
        *self.calls.entry(what).or_default() += 1;
    }
}

/// Opens an account; a vendor that refuses it is a failure of the test.
pub fn open(account: &Account, simulator: &mut impl Simulator, night: &mut Night) -> Account {
    let mut account = account.clone();
    for _ in 0..CALLS_MAX {
        let Some(call) = account.opening() else { return account };
        night.called("opening");
        match account.open(&simulator.answer(&call, ORIGIN)) {
            Ok(further) => account = further,
            Err(apis::account::NotOpened::Again { .. }) => {}
            Err(other) => panic!("the account does not open: {other:?}"),
        }
    }
    panic!("the account never opens");
}

/// Reads every feed of an account once.
pub fn read(account: &Account, simulator: &mut impl Simulator) -> Night {
    let mut night = Night::default();
    let account = open(account, simulator, &mut night);
    let mut rows: BTreeMap<&str, Vec<Below>> = BTreeMap::new();
    for feed in account.vendor.feeds {
        for below in belows(feed, &night, &rows) {
            let records = list(&account, feed, below.as_ref(), simulator, &mut night);
            if let Some(Below { client, row: None }) = &below {
                let here =
                    records.iter().map(|record| Below { client: client.clone(), row: Some(record.vendor_id.clone()) });
                rows.entry(feed.name).or_default().extend(here);
            }
            night.records.extend(records);
        }
    }
    night
}

fn belows(feed: &Feed, night: &Night, rows: &BTreeMap<&str, Vec<Below>>) -> Vec<Option<Below>> {
    let all: Vec<Below> = match feed.fan {
        Fan::Once => return vec![None],
        Fan::PerClient => {
            let clients = night.records.iter().filter(|record| record.kind == Kind::Client);
            clients.map(|record| record.vendor_id.clone().into()).collect()
        }
        Fan::PerRow(other) => rows.get(other).cloned().unwrap_or_default(),
    };
    let has_rows = |below: &Below| !feed.is_empty_below.is_some_and(|is_empty| is_empty(&night.words, &below.client));
    all.into_iter().filter(has_rows).map(Some).collect()
}

fn list(
    account: &Account,
    feed: &'static Feed,
    below: Option<&Below>,
    simulator: &mut impl Simulator,
    night: &mut Night,
) -> Vec<VendorRecord> {
    let mut reading = Reading::start(feed, below, None);
    let mut records = Vec::new();
    for _ in 0..CALLS_MAX {
        night.called(feed.name);
        let taken = reading.take(account, &night.words, &simulator.answer(&reading.call(account), ORIGIN));
        records.extend(taken.records);
        night.words.extend(taken.words);
        match taken.then {
            Then::Next | Then::Again { .. } => continue,
            Then::Done => {}
            then => night.ends.push(then),
        }
        if let Some(detail) = &feed.detail {
            let mut once = BTreeSet::new();
            for record in records.iter_mut().filter(|record| once.insert(record.vendor_id.clone())) {
                night.called("detail");
                let reply = simulator.answer(&detail_call(account, detail, record), ORIGIN);
                match take_detail(account, detail, record, &reply) {
                    Then::Done => {}
                    then => night.ends.push(then),
                }
            }
        }
        return records;
    }
    panic!("{} never ends", feed.name);
}
