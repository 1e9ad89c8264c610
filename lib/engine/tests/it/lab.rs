//! Invocations as AWS makes them: the engine's steps over in-memory ports, each reading cut off after a quarter of an hour,
//! with all simulated vendors over one world and a clock that every answer moves.

use std::collections::BTreeMap;
use std::time::Duration;

use apis::account::Surroundings;
use apis::call::{Call, Reply};
use engine::fetch::{Fetched, fetch};
use engine::life::{self, Holder, Opened};
use engine::memory::{FnTransport, ManualClock, MemoryQueue, MemorySecrets, MemoryTable};
use engine::ports::{Clock, SendError};
use engine::reconciler::drain;
use engine::store::integrations::{self, IntegrationState};
use engine::store::runs::{self, RunRecord};
use engine::syncing::account;
use engine::watch::Unwatched;
use jiff::Timestamp;
use reconcile::ids::IntegrationId;
use reconcile::mapping::Entry;
use reconcile::record::{Kind, VendorRecord};
use reconcile::run::Trigger;
use sandbox::{Size, Vendors, World};

use crate::office::wizard;

/// How long a Lambda function lives.
pub const INVOCATION: Duration = Duration::from_secs(900);

/// How long a simulated vendor takes to answer.
const ANSWER: Duration = Duration::from_millis(300);

/// All that invocations need.
pub struct Lab {
    pub vendors: Vendors,
    pub table: MemoryTable,
    queue: MemoryQueue,
    secrets: MemorySecrets,
    pub clock: ManualClock,
}

/// How a run went.
pub struct Told {
    /// The run, over.
    pub run: RunRecord,
    /// Invocations that read the vendor.
    pub invocations: u32,
    /// Time that passed inside of them.
    pub paid: Duration,
    /// Paths of the calls made, with how often each.
    pub calls: BTreeMap<String, u64>,
}

impl Told {
    /// Returns how many calls went to paths that hold a text.
    pub fn calls_to(&self, what: &str) -> u64 {
        self.calls.iter().filter(|(path, _)| path.contains(what)).map(|(_, count)| count).sum()
    }

    /// Returns how many calls were made.
    pub fn all_calls(&self) -> u64 {
        self.calls.values().sum()
    }
}

pub fn id(vendor: &str) -> IntegrationId {
    IntegrationId::parse(vendor).expect("a vendor's id is a slug")
}

impl Lab {
    pub fn new(clients: usize, devices: usize) -> Self {
        Self {
            vendors: Vendors::new(World::new(&Size { clients, devices, seed: 5 })),
            table: MemoryTable::new(),
            queue: MemoryQueue::new(),
            secrets: MemorySecrets::new(),
            clock: ManualClock::new("2026-11-20T20:00:00Z".parse::<Timestamp>().expect("an instant")),
        }
    }

    /// Adds a live integration with a vendor that creates whatever is eligible, with all its kinds and, of types of
    /// assets, those with these ids.
    pub async fn add(&self, vendor: &str, types: &[&str]) {
        let listing = self.vendors.listings().into_iter().find(|listing| listing.vendor == vendor).expect("simulated");
        let (mut added, secret) = wizard::integration(&listing, "2026-11-20T19:00:00Z".parse().expect("an instant"));
        added.state = IntegrationState::Live;
        added.auto_create.clone_from(&added.sync);
        added.types = added.types.map(|_| types.iter().map(|one| (*one).to_owned()).collect());
        wizard::add(&self.table, &self.secrets, added, &secret).await;
    }

    /// Chooses the types of assets with these ids, as a person does.
    pub async fn choose_types(&self, vendor: &str, types: &[&str]) {
        let mut changed = integrations::load(&self.table, &id(vendor)).await.expect("readable").expect("added");
        changed.types = Some(types.iter().map(|one| (*one).to_owned()).collect());
        changed.epoch += 1;
        integrations::save(&self.table, &mut changed).await.expect("memory never fails");
    }

    /// Returns what is stored of a vendor's records of one kind, by place.
    pub fn vendor_records(&self, vendor: &str, kind: Kind) -> BTreeMap<String, VendorRecord> {
        let (partition, place) = (format!("records#{vendor}#"), format!("{}#", kind.code()));
        let items = self.table.dump().into_iter();
        let stored = items.filter(|item| item.key.pk.starts_with(&partition) && item.key.sk.starts_with(&place));
        let record = |body: &str| serde_json::from_str::<Entry>(body).expect("a stored entry").record;
        stored.map(|item| (format!("{} {}", item.key.pk, item.key.sk), record(&item.body))).collect()
    }

    /// Runs an integration to its end, an hour after the last one. `lives` is how long an invocation may take; one that
    /// takes longer is a failure of the test.
    pub async fn run(&self, vendor: &str, trigger: Trigger, lives: Duration) -> Told {
        self.pass(Duration::from_secs(3600));
        let integration = integrations::load(&self.table, &id(vendor)).await.expect("readable").expect("added");
        let surroundings = Surroundings { allow_loopback: true };
        let account = account(&integration, &self.secrets, &surroundings).await.expect("the settings are valid");
        let calls = std::sync::Mutex::new(BTreeMap::<String, u64>::new());
        let transport = FnTransport::new(|call: &Call| -> Result<Reply, SendError> {
            self.pass(ANSWER);
            assert!(!self.clock.remaining().is_zero(), "the invocation was killed with a call under way");
            *calls
                .lock()
                .expect("nothing panics while it holds the lock")
                .entry(call.url.path().to_owned())
                .or_default() += 1;
            Ok(self.vendors.answer(call).expect("the call goes to a simulated vendor"))
        });
        let holder = Holder { name: "one".to_owned(), gone_after: Duration::ZERO };
        let opened = life::open(&integration, trigger, &holder, &self.table, &self.queue, &self.clock).await;
        let Ok(Opened::New(mut run)) = opened else { panic!("no run opens: {opened:?}") };
        let (mut invocations, mut paid) = (0, Duration::ZERO);
        loop {
            invocations += 1;
            let began = self.clock.now();
            self.clock.set_remaining(lives);
            let read =
                fetch(&mut run, &integration, &account, &self.table, &self.queue, &transport, &self.clock, &Unwatched);
            let read = read.await.expect("nothing fails here");
            paid += Duration::try_from(self.clock.now().duration_since(began)).expect("time goes on");
            self.clock.set_remaining(Duration::MAX);
            drain(&self.table, &self.queue, &self.clock).await.expect("nothing fails here");
            match read {
                Fetched::Read => break,
                Fetched::Rejected(refusal) => panic!("{refusal}"),
                Fetched::Continues { after } => {
                    let wait = after.map(|after| after.duration_since(self.clock.now())).unwrap_or_default();
                    self.pass(Duration::try_from(wait).unwrap_or_default());
                    // What another invocation knows is what is stored.
                    runs::save(&self.table, &mut run).await.expect("memory never fails");
                    run = runs::open_run(&self.table, &run.run_id).await.expect("readable").expect("still open");
                }
            }
        }
        let run = runs::load(&self.table, &run.run_id).await.expect("readable").expect("stored");
        assert!(run.run.outcome().is_some(), "{run:?}");
        Told { run, invocations, paid, calls: calls.into_inner().expect("nothing panics while it holds the lock") }
    }

    /// Lets time pass for us and for the vendors.
    pub fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.vendors.world.change(|world| world.now_ms += time.as_millis() as u64);
    }

    /// Returns the catalogue, as it is stored, by place.
    pub fn catalogue(&self) -> BTreeMap<String, String> {
        let items = self.table.dump().into_iter();
        let docs = items.filter(|item| item.key.pk.starts_with("catalogue#") && item.key.sk != "#version");
        docs.map(|item| (format!("{} {}", item.key.pk, item.key.sk), item.body)).collect()
    }
}
