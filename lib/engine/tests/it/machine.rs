//! One machine in memory: the engine's steps over in-memory ports, with a simulated Auvik as the vendor.

use std::collections::{BTreeMap, BTreeSet};

use apis::account::Surroundings;
use apis::call::{Call, Reply, Secret, SecretText};
use engine::life::Holder;
use engine::memory::{FnTransport, ManualClock, MemoryQueue, MemorySecrets, MemoryTable};
use engine::ports::{Secrets, SendError, Table};
use engine::store::integrations::{self, Integration, IntegrationState};
use engine::store::runs::RunRecord;
use engine::syncing::{Synced, sync};
use engine::watch::Unwatched;
use jiff::Timestamp;
use reconcile::ids::IntegrationId;
use reconcile::record::Kind;
use reconcile::run::Trigger;
use sandbox::auvik::{AuvikSim, Credentials};
use sandbox::simulator::{Shared, Simulator};
use sandbox::world::{SharedWorld, Size, World};

/// The address that the simulated Auvik believes to have.
pub const ORIGIN: &str = "http://127.0.0.1:4001";

/// All that a sync needs.
pub struct Machine {
    /// The table.
    pub table: MemoryTable,
    /// The queue.
    pub queue: MemoryQueue,
    /// The secrets.
    pub secrets: MemorySecrets,
    /// The clock.
    pub clock: ManualClock,
    /// The vendor.
    pub auvik: Shared<AuvikSim>,
    /// The MSP.
    pub world: SharedWorld,
}

/// Returns the id of the one integration.
pub fn integration() -> IntegrationId {
    IntegrationId::parse("auvik-main").expect("a valid slug")
}

impl Machine {
    /// Makes a machine with a live Auvik integration that creates whatever is eligible.
    pub async fn live(size: &Size) -> Self {
        let machine = Self::new(size);
        machine.add(IntegrationState::Live, &[Kind::Client, Kind::Asset]).await;
        machine
    }

    /// Makes a machine with a vendor and nothing stored.
    pub fn new(size: &Size) -> Self {
        let world = SharedWorld::new(World::new(size));
        let auvik = Shared::new(AuvikSim::new(world.clone(), Credentials::default()));
        Self {
            table: MemoryTable::new(),
            queue: MemoryQueue::new(),
            secrets: MemorySecrets::new(),
            clock: ManualClock::new("2026-11-20T20:00:00Z".parse::<Timestamp>().expect("an instant")),
            auvik,
            world,
        }
    }

    /// Adds the integration in a state, with its secret.
    pub async fn add(&self, state: IntegrationState, auto_create: &[Kind]) {
        let listing = self.auvik.with(|auvik| auvik.listing(ORIGIN));
        let parts = listing.secret.iter().map(|(name, text)| ((*name).to_owned(), SecretText::new(text)));
        self.secrets.propose(&integration(), &Secret(parts.collect())).await.expect("memory never fails");
        self.secrets.promote(&integration()).await.expect("memory never fails");
        let settings: BTreeMap<String, String> =
            listing.settings.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
        let vendor = apis::vendors::find("auvik").expect("Auvik is a vendor");
        let mut added = Integration {
            state,
            sync: BTreeSet::from([Kind::Client, Kind::Asset]),
            auto_create: auto_create.iter().copied().collect(),
            ..Integration::draft(integration(), vendor, settings, "2026-11-20T19:00:00Z".parse().expect("an instant"))
        };
        integrations::save(&self.table, &mut added).await.expect("memory never fails");
    }

    /// Syncs once and returns what came of it.
    pub async fn sync(&self, trigger: Trigger) -> Synced {
        let auvik = self.auvik.clone();
        let transport = FnTransport::new(move |call: &Call| -> Result<Reply, SendError> {
            Ok(auvik.with(|auvik| auvik.answer(call, ORIGIN)))
        });
        let holder = Holder { name: "test".to_owned(), gone_after: std::time::Duration::ZERO };
        let surroundings = Surroundings { allow_loopback: true };
        self.clock.advance(std::time::Duration::from_secs(3600));
        sync(
            &integration(),
            trigger,
            &holder,
            &surroundings,
            &self.table,
            &self.queue,
            &transport,
            &self.secrets,
            &self.clock,
            &Unwatched,
        )
        .await
        .expect("nothing fails here")
    }

    /// Syncs once and returns the run.
    pub async fn run(&self, trigger: Trigger) -> RunRecord {
        match self.sync(trigger).await {
            Synced::Ran(record) => *record,
            other => panic!("the sync did not run: {other:?}"),
        }
    }

    /// Returns what the table consumed so far.
    pub fn consumed(&self) -> engine::ports::Consumed {
        self.table.meter().read()
    }
}
