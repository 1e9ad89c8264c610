//! An MSP with every vendor, in which nothing fails.

pub mod consistent;
pub mod shelf;
pub mod wizard;

use std::collections::BTreeMap;
use std::time::Duration;

use apis::account::Surroundings;
use apis::call::{Call, Reply};
use apis::vendors;
use engine::finishing::{Finished, finish};
use engine::life::Holder;
use engine::memory::{FnTransport, ManualClock, MemoryQueue, MemorySecrets, MemoryTable};
use engine::ports::{Clock, SendError};
use engine::store::integrations::{self, Integration};
use engine::store::runs::RunRecord;
use engine::syncing::{Synced, sync};
use engine::watch::Unwatched;
use fastrand::Rng;
use jiff::Timestamp;
use reconcile::doc::Doc;
use reconcile::ids::{DocId, IntegrationId};
use reconcile::run::{Outcome, Trigger};
use sandbox::world::System;
use sandbox::{Listing, Vendors, World};

use self::shelf::Shown;

/// So many rounds settle what one integration left for another.
const ROUNDS_MAX: usize = 4;

/// All that the syncs of one MSP need.
pub struct Office {
    pub table: MemoryTable,
    queue: MemoryQueue,
    secrets: MemorySecrets,
    clock: ManualClock,
    pub vendors: Vendors,
    listings: Vec<Listing>,
}

impl Office {
    /// Makes an office whose documentation knows every client and user by name, and has nothing from a vendor yet.
    pub async fn new(world: World) -> Self {
        let now_ms = i64::try_from(world.now_ms).expect("a world lives in our times");
        let now = Timestamp::from_millisecond(now_ms).expect("a world lives in our times");
        let vendors = Vendors::new(world);
        let office = Self {
            table: MemoryTable::new(),
            queue: MemoryQueue::new(),
            secrets: MemorySecrets::new(),
            clock: ManualClock::new(now),
            listings: vendors.listings(),
            vendors,
        };
        let docs = wizard::documentation(&office.vendors.world.read());
        wizard::document(&office.table, docs).await;
        office
    }

    /// Returns how many vendors there are.
    pub fn count(&self) -> usize {
        self.listings.len()
    }

    /// Returns the id of the integration with a vendor.
    pub fn integration(&self, which: usize) -> IntegrationId {
        IntegrationId::parse(self.listings[which].vendor).expect("a vendor's id is a slug")
    }

    /// Returns the first vendor of a sort.
    pub fn first_of(&self, sort: System) -> usize {
        let is_it =
            |listing: &Listing| vendors::find(listing.vendor).is_some_and(|vendor| consistent::system(vendor) == sort);
        self.listings.iter().position(is_it).expect("there is a vendor of each sort")
    }

    /// Lets a night pass in which devices change.
    pub fn night(&self, nth: u64) {
        self.vendors.world.change(|world| world.night(nth, 5.0));
    }

    /// Lets a day pass for everybody.
    pub fn pass_a_day(&self) {
        self.vendors.world.change(|world| world.night(99, 0.0));
        self.clock.advance(Duration::from_secs(24 * 3600));
    }

    /// Sets an integration up: reads it, takes all types, decides about clients and users, finishes, and syncs once.
    pub async fn set_up(&self, which: usize) {
        let (added, secret) = wizard::integration(&self.listings[which], self.clock.now());
        let id = added.id.clone();
        wizard::add(&self.table, &self.secrets, added, &secret).await;
        assert_eq!(self.run(which, Trigger::Manual).await.run.trigger, Trigger::Setup);
        let world = self.vendors.world.read().clone();
        wizard::take_all_types(&self.table, &id).await;
        wizard::decide(&self.table, &id, &|name: &str| wizard::documented(&world, name)).await;
        let known = self.known(which).await;
        let finished = finish(&known, None, &self.table, &self.clock).await.expect("nothing fails here");
        assert!(matches!(finished, Finished::Done { .. }), "{finished:?}");
        self.sync(which).await;
    }

    async fn known(&self, which: usize) -> Integration {
        let loaded = integrations::load(&self.table, &self.integration(which)).await;
        loaded.expect("readable").expect("it was added")
    }

    /// Syncs an integration once and returns how many records it created, matched or updated.
    pub async fn sync(&self, which: usize) -> u64 {
        let run = self.run(which, Trigger::Manual).await;
        assert_eq!(run.run.outcome(), Some(Outcome::Complete), "{}: {:?}", self.integration(which), run.log);
        assert!(run.counts.values().all(|counts| counts.adds_up()), "{:?}", run.counts);
        run.counts.values().map(|counts| counts.created + counts.matched + counts.updated).sum()
    }

    /// Syncs an integration once and returns the run.
    pub async fn run(&self, which: usize, trigger: Trigger) -> RunRecord {
        let vendors = self.vendors.clone();
        let transport = FnTransport::new(move |call: &Call| -> Result<Reply, SendError> {
            Ok(vendors.answer(call).expect("calls go to the listed addresses only"))
        });
        let holder = Holder { name: "test".to_owned(), gone_after: Duration::ZERO };
        let surroundings = Surroundings { allow_loopback: true };
        self.clock.advance(Duration::from_secs(3600));
        let id = self.integration(which);
        let synced = sync(
            &id,
            trigger,
            &holder,
            &surroundings,
            &self.table,
            &self.queue,
            &transport,
            &self.secrets,
            &self.clock,
            &Unwatched,
        );
        match synced.await.expect("nothing fails here") {
            Synced::Ran(record) => *record,
            other => panic!("the sync did not run: {other:?}"),
        }
    }

    /// Syncs everything in any order until a round reports no change, which then has made none.
    pub async fn settle(&self, rng: &mut Rng) -> Vec<Shown> {
        let mut before = shelf::shown(&self.catalogue().await);
        for _ in 0..ROUNDS_MAX {
            let mut order: Vec<usize> = (0..self.count()).collect();
            rng.shuffle(&mut order);
            let mut changes = 0;
            for which in order {
                changes += self.sync(which).await;
            }
            let after = shelf::shown(&self.catalogue().await);
            if changes == 0 {
                assert_eq!(after, before, "a round that reports no change has made one");
                return after;
            }
            before = after;
        }
        panic!("sources take turns: the catalogue never comes to rest");
    }

    /// Returns every document.
    pub async fn catalogue(&self) -> BTreeMap<DocId, Doc> {
        shelf::load(&self.table).await
    }
}
