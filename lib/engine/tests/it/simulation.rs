//! Whole nights from one seed: vendors, people, faults, crashes and the order of messages.
//!
//! Two casts play: two Auviks whose every row is in our hands ([`pair`]), and one integration for each vendor over the
//! sandbox's simulators ([`five`]), which are set up while it goes on. Integrations see overlapping clients and devices.
//! People work at the vendors and with our records at any time; a process dies between any two calls of its ports, answers
//! are lost, messages come twice and in any order that the queue allows. After each step the laws of [`laws`] hold; every
//! few nights the faults stop, and what is at rest must follow from what the vendors have: [`rest`].
//!
//! `MSP_SYNC_SIMULATION_NIGHTS` says how many nights each cast plays, `MSP_SYNC_SIMULATION_SEED` plays one seed alone. A
//! failure names its seed, and says what happened before.

mod auvik;
mod cast;
mod five;
pub mod laws;
mod mishaps;
mod pair;
mod people;
mod rest;
mod steps;

use std::sync::atomic::{AtomicU64, Ordering};

use engine::faults::{Faults, Rates};
use engine::memory::{ManualClock, MemoryQueue, MemorySecrets, MemoryTable};
use engine::ports::Clock;
use engine::store::integrations::{self, IntegrationState};
use fastrand::Rng;
use jiff::Timestamp;
use reconcile::ids::{IntegrationId, RunId};

use self::cast::Cast;
use self::five::Five;
use self::laws::Laws;
use self::pair::Pair;
use crate::office::wizard;

/// Nights of one seed.
const NIGHTS: u64 = 10;
/// After so many of them the world comes to rest.
const NIGHTS_BETWEEN_RESTS: u64 = 5;
/// A night that takes more steps than this never ends.
const STEPS_MAX: usize = 3_000;
/// Nights that two Auviks play where nothing else is asked for.
const NIGHTS_OF_PAIR: u64 = 2_000;
/// Nights that five vendors play.
const NIGHTS_OF_FIVE: u64 = 150;

/// One world.
pub struct Sim<C> {
    pub rng: Rng,
    pub table: MemoryTable,
    pub queue: MemoryQueue,
    pub secrets: MemorySecrets,
    pub clock: ManualClock,
    pub faults: Faults,
    pub cast: C,
    /// The integrations; the place of one is what it is called by.
    pub ids: Vec<IntegrationId>,
    /// What happened, for whoever looks for a mistake, and to compare two plays of one seed.
    pub log: Vec<String>,
    pub laws: Laws,
    /// Runs that an invocation left for the next one.
    pub left: Vec<Option<RunId>>,
    pub invocations: u64,
}

impl<C: Cast> Sim<C> {
    async fn of(seed: u64, rng: Rng, cast: C) -> Self {
        let clock = ManualClock::new("2026-11-20T20:00:00Z".parse::<Timestamp>().expect("an instant"));
        let integrations = cast.integrations(clock.now());
        let ids: Vec<IntegrationId> = integrations.iter().map(|(added, _)| added.id.clone()).collect();
        let sim = Self {
            table: MemoryTable::new(),
            queue: MemoryQueue::new(),
            secrets: MemorySecrets::new(),
            clock,
            faults: Faults::new(seed, Rates::NONE),
            cast,
            log: Vec::new(),
            laws: Laws::new(ids.clone()),
            left: vec![None; ids.len()],
            ids,
            invocations: 0,
            rng,
        };
        for (added, secret) in integrations {
            wizard::add(&sim.table, &sim.secrets, added, &secret).await;
        }
        wizard::document(&sim.table, sim.cast.documentation()).await;
        sim
    }

    /// Picks an integration.
    pub fn some_one(&mut self) -> usize {
        self.rng.usize(..self.ids.len())
    }

    /// Notes what happened.
    pub fn tell(&mut self, what: impl Into<String>) {
        self.log.push(what.into());
    }

    /// One day and one night.
    async fn night(&mut self) {
        self.clock.advance(std::time::Duration::from_secs(20 * 3600));
        let done = self.cast.day(&mut self.rng, self.clock.now());
        self.log.extend(done);
        wizard::document(&self.table, self.cast.documentation()).await;
        for which in 0..self.ids.len() {
            if self.rng.bool() {
                self.rotate(which).await;
            }
        }
        self.faults.set_rates(if self.rng.bool() { Rates::SOME } else { Rates::NONE });
        let crashes = self.rng.u32(..4) * 10;
        let mut wanted = vec![true; self.ids.len()];
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
    pub async fn rotate(&mut self, which: usize) {
        let changed = integrations::update(&self.table, &self.ids[which], |integration| {
            if integration.state == IntegrationState::CredentialsRejected {
                integration.state = integration.resumes_to.take().unwrap_or(IntegrationState::Live);
            }
        });
        changed.await.expect("memory never fails");
    }
}

/// Plays one seed with the cast that `found` makes from it, and returns what happened.
fn play<C: Cast>(seed: u64, found: impl Fn(&mut Rng) -> C) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut rng = Rng::with_seed(seed);
    let cast = found(&mut rng);
    let mut sim = runtime.block_on(Sim::of(seed, rng, cast));
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

/// Plays so many nights, or the seed that was asked for.
fn play_all<C: Cast>(nights: u64, found: impl Fn(&mut Rng) -> C + Sync) {
    if let Some(seed) = number("MSP_SYNC_SIMULATION_SEED") {
        play(seed, found);
        return;
    }
    let nights = number("MSP_SYNC_SIMULATION_NIGHTS").unwrap_or(nights);
    let last = AtomicU64::new(0);
    let players = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..players {
            scope.spawn(|| {
                while let seed @ 1.. = last.fetch_add(1, Ordering::Relaxed) + 1
                    && seed <= nights.div_ceil(NIGHTS)
                {
                    play(seed, &found);
                }
            });
        }
    });
}

#[test]
fn nights_with_faults_keep_the_laws_and_come_to_rest() {
    play_all(NIGHTS_OF_PAIR, Pair::found);
}

#[test]
fn five_vendors_in_any_order_with_faults_keep_the_laws_and_come_to_one_catalogue() {
    play_all(NIGHTS_OF_FIVE, Five::found);
}

#[test]
fn one_seed_plays_the_same_nights_twice() {
    assert_eq!(play(4711, Pair::found), play(4711, Pair::found));
    assert_eq!(play(4711, Five::found), play(4711, Five::found));
}
