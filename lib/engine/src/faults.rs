//! Ports that fail, from one seed.
//!
//! [`Faults`] decides, [`Faulty`] wraps a port and does as it says. Several ports share one `Faults`, so that their calls are
//! one sequence: a simulation can kill a step between any two of them ([`Faults::crash_after`]), and a seed tells the whole
//! story again. Nothing here sleeps or looks at a clock.
//!
//! ```text
//! step ──call──▶ Faulty ──▶ port          before: the port is not reached     after: it is, and the answer is lost
//!                  └─▶ Faults: goes through, fails before, fails after, is throttled, happens twice, or all is dead
//! ```

mod ports;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::ports::{Cause, Envelope};

/// How often each fault happens, in thousandths of the calls it can happen to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// The call fails and had no effect.
    pub before: u32,
    /// The call has its effect, and its answer is lost.
    pub after: u32,
    /// The port asks to slow down: 429 from a vendor, "out of reach" from the others.
    pub throttle: u32,
    /// A write's answer is lost, and the SDK sends it again by itself: the writer sees the second answer. A message is
    /// delivered twice, the second time at once or after later ones.
    pub twice: u32,
    /// The queue refuses one message of a batch and takes the others.
    pub refuse: u32,
}

impl Rates {
    /// No faults; crashes may still be ordered.
    pub const NONE: Rates = Rates { before: 0, after: 0, throttle: 0, twice: 0, refuse: 0 };
    /// A few percent of each, such that most steps still come through.
    pub const SOME: Rates = Rates { before: 15, after: 15, throttle: 10, twice: 20, refuse: 20 };

    fn of(&self, fault: Fault) -> u32 {
        match fault {
            Fault::Before => self.before,
            Fault::After => self.after,
            Fault::Throttle => self.throttle,
            Fault::Twice => self.twice,
            Fault::Refuse => self.refuse,
            Fault::Crash => 0,
        }
    }
}

/// What was done to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It failed and had no effect.
    Before,
    /// It had its effect, and the answer was lost.
    After,
    /// It was throttled, without effect.
    Throttle,
    /// It happened twice.
    Twice,
    /// One message of the batch was refused.
    Refuse,
    /// The process died before it.
    Crash,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// The number of the call, counted over all ports; the first is 1.
    pub call: u64,
    /// Which call.
    pub operation: &'static str,
    /// What was done to it.
    pub fault: Fault,
}

impl fmt::Display for Happened {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "call {}, {}: {:?}", self.call, self.operation, self.fault)
    }
}

/// The cause of an error that a fault made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fault was injected: {0:?}")]
pub struct Injected(pub Fault);

/// The cause of every error after a crash, until [`Faults::revive`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the process is dead")]
pub struct Crashed;

/// Says whether `error` comes from a crash: the step that got it is to be thought of as never having gone on.
pub fn is_crash(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<Crashed>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[derive(Debug)]
struct State {
    random: u64,
    rates: Rates,
    calls: u64,
    crash_at: Option<u64>,
    crashed: bool,
    log: Vec<Happened>,
    /// Copies of messages that are sent again later.
    echoes: Vec<Envelope>,
}

/// Decides about every call of the ports it wraps. A clone is the same decider.
#[derive(Debug, Clone)]
pub struct Faults {
    state: Arc<Mutex<State>>,
}

impl Faults {
    /// Makes a decider; equal seeds, rates and calls give equal faults.
    pub fn new(seed: u64, rates: Rates) -> Self {
        // A generator of this kind stays at 0 for ever.
        let random = (seed ^ 0x9E37_79B9_7F4A_7C15).max(1);
        let state =
            State { random, rates, calls: 0, crash_at: None, crashed: false, log: Vec::new(), echoes: Vec::new() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Wraps a port.
    pub fn wrap<T>(&self, port: T) -> Faulty<T> {
        Faulty { faults: self.clone(), port }
    }

    /// Changes the rates, e.g. to none, to see a world come to rest.
    pub fn set_rates(&self, rates: Rates) {
        self.held().rates = rates;
    }

    /// Lets `calls` more calls through; the one after that and all further ones fail with [`Crashed`].
    pub fn crash_after(&self, calls: u64) {
        let mut state = self.held();
        state.crash_at = Some(state.calls + calls + 1);
    }

    /// Brings the process back to life and forgets an ordered crash.
    pub fn revive(&self) {
        let mut state = self.held();
        state.crash_at = None;
        state.crashed = false;
    }

    /// Says whether the process is dead.
    pub fn crashed(&self) -> bool {
        self.held().crashed
    }

    /// Returns how many calls there were: a run without faults tells after which numbers a crash can be ordered.
    pub fn calls(&self) -> u64 {
        self.held().calls
    }

    /// Returns what was done, in order.
    pub fn log(&self) -> Vec<Happened> {
        self.held().log.clone()
    }

    fn held(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no one panics while holding the state")
    }

    /// Decides about one call, which can suffer one of `choices`.
    fn decide(&self, operation: &'static str, choices: &[Fault]) -> Result<Option<Fault>, Crashed> {
        let mut state = self.held();
        state.calls += 1;
        let call = state.calls;
        if state.crash_at.is_some_and(|crash_at| call >= crash_at) && !state.crashed {
            state.crashed = true;
            state.log.push(Happened { call, operation, fault: Fault::Crash });
        }
        if state.crashed {
            return Err(Crashed);
        }
        let mut roll = state.below(1000);
        let rates = state.rates;
        let hit = choices.iter().copied().find(|fault| {
            let rate = u64::from(rates.of(*fault));
            let hit = roll < rate;
            roll = roll.saturating_sub(rate);
            hit
        });
        if let Some(fault) = hit {
            state.log.push(Happened { call, operation, fault });
        }
        Ok(hit)
    }

    /// Returns a number below `end`.
    fn below(&self, end: usize) -> usize {
        usize::try_from(self.held().below(end as u64)).expect("it is below a usize")
    }
}

impl State {
    /// The next number of an xorshift generator, below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) % end.max(1)
    }
}

/// A port whose calls fail as its [`Faults`] decide.
#[derive(Debug, Clone)]
pub struct Faulty<T> {
    faults: Faults,
    port: T,
}

impl<T> Faulty<T> {
    /// Returns the port itself, which never fails by decision: for looking at a world from outside.
    pub fn port(&self) -> &T {
        &self.port
    }

    /// Makes one call that can fail before and after its effect, or be throttled. `lost` makes the port's error.
    async fn call<V, E>(
        &self,
        operation: &'static str,
        effect: impl Future<Output = Result<V, E>>,
        lost: impl FnOnce(Cause) -> E,
    ) -> Result<V, E> {
        match self.faults.decide(operation, &[Fault::Before, Fault::After, Fault::Throttle]) {
            Ok(None) => effect.await,
            Ok(Some(fault)) => {
                if fault == Fault::After {
                    drop(effect.await);
                }
                Err(lost(Injected(fault).into()))
            }
            Err(crashed) => Err(lost(crashed.into())),
        }
    }
}
