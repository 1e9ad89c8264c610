//! One integration for each vendor, over the sandbox's simulators of one world.
//!
//! A seed says whether the world is consistent. In one that is, people come and go, devices are bought, scrapped and lost
//! for a while, and whatever goes wrong on the way, at rest the catalogue shows what an undisturbed start would make of the
//! same world. In the others anything may carry anything's identifiers, and change them.

mod deeds;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use apis::call::{Call, Reply, Secret};
use engine::ports::SendError;
use engine::store::integrations::Integration;
use fastrand::Rng;
use jiff::Timestamp;
use reconcile::doc::Doc;
use sandbox::kaseya_bms::Forms;
use sandbox::{Fault, Listing, RowDamage, Size, Trouble, Vendors, World};

use self::deeds::Away;
use super::cast::{Cast, Expected, There, Thing};
use super::laws::{Laws, Stored};
use crate::office::consistent::make_consistent;
use crate::office::{Office, shelf, wizard};

/// How long a token is good where one is needed: less than some invocations take.
const TOKEN: Duration = Duration::from_secs(120);
/// Calls that a vendor has in a night at least, so that most troubles come to pass.
const CALLS: u64 = 10;
/// A cause for whoever asks why a connection broke.
const CUT: &str = "the vendor cut it";

/// The five of them.
#[derive(Clone)]
pub struct Five {
    vendors: Vendors,
    listings: Vec<Listing>,
    away: Arc<Mutex<Away>>,
    is_consistent: bool,
}

impl Five {
    /// Makes a small world.
    pub fn found(rng: &mut Rng) -> Self {
        let size = Size { clients: rng.usize(2..5), devices: rng.usize(5..16), seed: rng.u64(..) };
        let (mut world, is_consistent) = (World::new(&size), rng.bool());
        if is_consistent {
            make_consistent(&mut world);
        }
        let vendors = Vendors::new(world);
        let token_ms = u64::try_from(TOKEN.as_millis()).expect("minutes are short");
        let forms = Forms { token_ms, ..Forms::default() };
        vendors.kaseya_bms.with(|kaseya| kaseya.set_forms(forms));
        Self { listings: vendors.listings(), vendors, away: Arc::default(), is_consistent }
    }

    fn away(&self) -> MutexGuard<'_, Away> {
        self.away.lock().expect("no one panics while holding it")
    }

    fn set_time(&self, now: Timestamp) {
        let now_ms = u64::try_from(now.as_millisecond()).expect("it is after 1970");
        self.vendors.world.change(|world| world.now_ms = now_ms);
    }

    /// Lets tonight go wrong at a vendor, or go right.
    fn trouble(&self, rng: &mut Rng, which: usize) -> Option<String> {
        self.heal(which);
        if rng.u32(..3) > 0 {
            return None;
        }
        let index = rng.usize(..3);
        let (fault, times) = match rng.u32(..10) {
            0 => (Fault::Unauthorized, u64::MAX),
            1 => (Fault::Forbidden, rng.u64(1..4)),
            2 => (Fault::ThrottleAs429 { retry_after_s: Some(rng.u64(1..90)) }, rng.u64(1..6)),
            3 => (Fault::ServerError { status: 503 }, rng.u64(1..6)),
            4 => (Fault::Html, rng.u64(1..6)),
            5 => (Fault::Truncated, rng.u64(1..6)),
            6 => (Fault::RepeatPage, u64::MAX),
            7 => (Fault::CloseConnection, rng.u64(1..6)),
            8 => (Fault::DoubledRow, rng.u64(1..3)),
            _ if self.is_consistent => (Fault::Row { index, damage: RowDamage::NoObject }, rng.u64(1..3)),
            _ => (Fault::Row { index, damage: RowDamage::NumbersForTexts }, rng.u64(1..3)),
        };
        let trouble = Trouble::new(fault).after(rng.u64(..CALLS)).times(times);
        let told = format!("{}: {trouble:?}", self.listings[which].vendor);
        self.vendors.all()[which].with(|simulator| simulator.troubles().add(trouble));
        Some(told)
    }
}

impl Cast for Five {
    /// They are being set up: their kinds are chosen, and nothing was read yet.
    fn integrations(&self, now: Timestamp) -> Vec<(Integration, Secret)> {
        let made = self.listings.iter().enumerate().map(|(which, listing)| {
            let (added, secret) = wizard::integration(listing, now);
            (Integration { archive_stale: which % 2 == 1, ..added }, secret)
        });
        made.collect()
    }

    fn answer(&self, _: usize, call: &Call, now: Timestamp) -> Result<Reply, SendError> {
        self.set_time(now);
        let reply = self.vendors.answer(call).expect("calls go to the listed addresses only");
        if reply.status == 0 {
            return Err(SendError::Broken { host: call.url.to_string(), cause: CUT.into() });
        }
        Ok(reply)
    }

    fn day(&self, rng: &mut Rng, now: Timestamp) -> Vec<String> {
        let mut told: Vec<String> = (0..rng.usize(..7)).map(|_| self.deed(rng, now)).collect();
        told.extend((0..self.listings.len()).filter_map(|which| self.trouble(rng, which)));
        told
    }

    fn deed(&self, rng: &mut Rng, now: Timestamp) -> String {
        self.set_time(now);
        self.vendors.world.change(|world| {
            let done = deeds::some_deed(rng, world, &mut self.away(), self.is_consistent);
            if self.is_consistent {
                make_consistent(world);
            }
            done
        })
    }

    fn heal(&self, which: usize) {
        self.vendors.all()[which].with(|simulator| simulator.troubles().clear());
    }

    /// Another office meets the same vendors as they are, with nothing stored, and in another order.
    async fn expected(&self, rng: &mut Rng) -> Expected {
        let world = self.vendors.world.read().clone();
        let office = Office::new(world).await;
        let mut order: Vec<usize> = (0..office.count()).collect();
        rng.shuffle(&mut order);
        for which in order {
            office.set_up(which).await;
        }
        office.settle(rng).await;
        let ids: Vec<_> = (0..office.count()).map(|which| office.integration(which)).collect();
        let mut laws = Laws::new(ids.clone());
        laws.check(&office.table).await;
        let stored = laws.stored();
        Expected {
            there: ids.iter().map(|id| there(stored, id.as_str())).collect(),
            shown: self.is_consistent.then(|| shelf::synced(stored)),
        }
    }

    fn thing(&self, rng: &mut Rng) -> Thing {
        let clients = self.documentation();
        let world = self.vendors.world.read();
        let which = rng.usize(..world.clients.len());
        let devices = &world.clients[which].devices;
        let device = (!devices.is_empty()).then(|| &devices[rng.usize(..devices.len())]);
        Thing {
            client: clients[which].clone(),
            serial: device.and_then(|device| device.serial.clone()).unwrap_or_default(),
            name: device.and_then(|device| device.name.clone()).unwrap_or_default(),
        }
    }

    fn documentation(&self) -> Vec<Doc> {
        wizard::documentation(&self.vendors.world.read())
    }

    fn documented(&self, name: &str) -> String {
        wizard::documented(&self.vendors.world.read(), name)
    }

    fn is_consistent(&self) -> bool {
        self.is_consistent
    }
}

fn there(stored: &Stored, id: &str) -> There {
    let entries = stored.entries.iter().filter(|((of, ..), entry)| of.as_str() == id && entry.absent.is_none());
    let known = entries.map(|(_, entry)| {
        let record = &entry.record;
        ((record.kind, record.vendor_id.clone(), record.client.clone()), (record.clone(), entry.copies))
    });
    known.collect()
}
