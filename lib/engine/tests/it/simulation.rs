//! Whole nights from one seed: vendors, people, faults, crashes and the order of messages.
//!
//! Two integrations see overlapping clients and devices. People work at the vendors and with our records at any time; a
//! process dies between any two calls of its ports, answers are lost, messages come twice and in any order that the queue
//! allows. After each step the laws of [`laws`] hold; every few nights the faults stop, and what is at rest must follow
//! from what the vendors have: [`rest`].
//!
//! `MSP_SYNC_SIMULATION_NIGHTS` says how many nights (2,000 where it is not set), `MSP_SYNC_SIMULATION_SEED` plays one
//! seed alone. A failure names its seed, and says what happened before.

mod laws;
mod mishaps;
mod people;
mod rest;
mod steps;
mod vendor;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use apis::call::{Secret, SecretText};
use engine::faults::{Faults, Rates};
use engine::memory::{ManualClock, MemoryQueue, MemorySecrets, MemoryTable};
use engine::ports::Secrets;
use engine::store::integrations::{self, Integration, IntegrationState};
use fastrand::Rng;
use jiff::Timestamp;
use reconcile::doc::Role;
use reconcile::ids::{IntegrationId, RunId};
use reconcile::record::Kind;

use self::laws::Laws;
use self::vendor::Auvik;

/// Nights of one seed.
const NIGHTS: u64 = 10;
/// After so many of them the world comes to rest.
const NIGHTS_BETWEEN_RESTS: u64 = 5;
/// A night that takes more steps than this never ends.
const STEPS_MAX: usize = 3_000;

/// Returns the id of one of the two integrations.
pub fn integration(which: usize) -> IntegrationId {
    IntegrationId::parse(["auvik-a", "auvik-b"][which]).expect("valid slugs")
}

/// One world.
pub struct Sim {
    pub rng: Rng,
    pub table: MemoryTable,
    pub queue: MemoryQueue,
    pub secrets: MemorySecrets,
    pub clock: ManualClock,
    pub faults: Faults,
    pub vendors: [Arc<Mutex<Auvik>>; 2],
    /// What happened, for whoever looks for a mistake, and to compare two plays of one seed.
    pub log: Vec<String>,
    pub laws: Laws,
    /// Runs that an invocation left for the next one.
    pub left: [Option<RunId>; 2],
    pub invocations: u64,
}

impl Sim {
    async fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let vendors = ['a', 'b'].map(|letter| people::found(&mut rng, letter));
        Self::of(seed, rng, vendors).await
    }

    async fn of(seed: u64, rng: Rng, vendors: [Auvik; 2]) -> Self {
        let vendors = vendors.map(|vendor| Arc::new(Mutex::new(vendor)));
        let sim = Self {
            table: MemoryTable::new(),
            queue: MemoryQueue::new(),
            secrets: MemorySecrets::new(),
            clock: ManualClock::new("2026-11-20T20:00:00Z".parse::<Timestamp>().expect("an instant")),
            faults: Faults::new(seed, Rates::NONE),
            vendors,
            log: Vec::new(),
            laws: Laws::default(),
            left: [None, None],
            invocations: 0,
            rng,
        };
        for which in 0..2 {
            sim.add(which).await;
        }
        sim
    }

    /// Adds one integration, live: what is eligible is created in its first sync.
    async fn add(&self, which: usize) {
        let id = integration(which);
        let parts = [("username", "a@b.example"), ("api_key", "a key of tests")];
        let parts = parts.map(|(name, text)| (name.to_owned(), SecretText::new(text)));
        self.secrets.propose(&id, &Secret(parts.into())).await.expect("memory never fails");
        self.secrets.promote(&id).await.expect("memory never fails");
        let vendor = apis::vendors::find("auvik").expect("Auvik is a vendor");
        let mut added = Integration {
            role: [Role::Monitor, Role::Rmm][which],
            state: IntegrationState::Live,
            sync: BTreeSet::from([Kind::Client, Kind::Asset]),
            auto_create: BTreeSet::from([Kind::Client, Kind::Asset]),
            archive_stale: which == 1,
            ..Integration::draft(
                id,
                vendor,
                BTreeMap::from([("url".to_owned(), "http://127.0.0.1:4001".to_owned())]),
                self.clock_now(),
            )
        };
        integrations::save(&self.table, &mut added).await.expect("memory never fails");
    }

    fn clock_now(&self) -> Timestamp {
        engine::ports::Clock::now(&self.clock)
    }

    /// Returns a vendor, to look at it or to change it.
    pub fn vendor(&self, which: usize) -> MutexGuard<'_, Auvik> {
        self.vendors[which].lock().expect("no one panics while holding it")
    }

    /// Notes what happened.
    pub fn tell(&mut self, what: impl Into<String>) {
        self.log.push(what.into());
    }

    /// One day and one night.
    async fn night(&mut self) {
        self.clock.advance(std::time::Duration::from_secs(20 * 3600));
        for which in 0..2 {
            let letter = ['a', 'b'][which];
            let vendor = Arc::clone(&self.vendors[which]);
            let mut vendor = vendor.lock().expect("no one panics while holding it");
            for _ in 0..self.rng.usize(..4) {
                let done = people::at_vendor(&mut self.rng, &mut vendor, letter);
                self.tell(format!("{letter}: {done}"));
            }
            people::trouble(&mut self.rng, &mut vendor);
            self.tell(format!("{letter}: {:?}", vendor.troubles));
        }
        self.rotate_keys().await;
        self.faults.set_rates(if self.rng.bool() { Rates::SOME } else { Rates::NONE });
        let crashes = self.rng.u32(..4) * 10;
        let mut wanted = [true, true];
        for step in 0.. {
            assert!(step < STEPS_MAX, "the night never ends");
            if self.rng.u32(..1000) < crashes {
                self.faults.crash_after(self.rng.u64(..40));
            }
            let over = self.step(&mut wanted).await;
            self.laws.check(&self.table).await;
            if over {
                break;
            }
        }
        self.faults.revive();
        self.faults.set_rates(Rates::NONE);
    }

    /// Somebody gives a new key where the old one was refused.
    async fn rotate_keys(&mut self) {
        for which in 0..2 {
            if self.rng.bool() {
                self.rotate(which).await;
            }
        }
    }

    pub async fn rotate(&mut self, which: usize) {
        let id = integration(which);
        let changed = integrations::update(&self.table, &id, |integration| {
            if integration.state == IntegrationState::CredentialsRejected {
                integration.state = integration.resumes_to.take().unwrap_or(IntegrationState::Live);
            }
        });
        changed.await.expect("memory never fails");
    }
}

/// Plays one seed and returns what happened.
fn play(seed: u64) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut sim = runtime.block_on(Sim::new(seed));
    let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        runtime.block_on(async {
            for night in 1..=NIGHTS {
                sim.tell(format!("---- night {night}"));
                sim.night().await;
                if night % NIGHTS_BETWEEN_RESTS == 0 {
                    sim.tell("---- rest");
                    rest::come_to_rest(&mut sim).await;
                }
            }
        });
    }));
    if played.is_err() {
        let last = &sim.log[sim.log.len().saturating_sub(120)..];
        let faults: Vec<String> = sim.faults.log().iter().rev().take(12).map(ToString::to_string).collect();
        panic!(
            "what happened last:\n{}\nthe last faults: {faults:?}\nplay it again with MSP_SYNC_SIMULATION_SEED={seed}",
            last.join("\n")
        );
    }
    sim.log
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn nights_with_faults_keep_the_laws_and_come_to_rest() {
    if let Some(seed) = number("MSP_SYNC_SIMULATION_SEED") {
        play(seed);
        return;
    }
    let nights = number("MSP_SYNC_SIMULATION_NIGHTS").unwrap_or(2_000);
    let last = AtomicU64::new(0);
    let players = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..players {
            scope.spawn(|| {
                while let seed @ 1.. = last.fetch_add(1, Ordering::Relaxed) + 1
                    && seed <= nights.div_ceil(NIGHTS)
                {
                    play(seed);
                }
            });
        }
    });
}

#[test]
fn one_seed_plays_the_same_nights_twice() {
    assert_eq!(play(4711), play(4711));
}
