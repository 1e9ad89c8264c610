//! The ports in memory: complete and honest, for tests, the simulation and benchmarks.
//!
//! Everything here may be cloned, and a clone shares the state: what one "process" stored, the next one finds. Nothing
//! here fails by itself; [`crate::faults`] makes it fail.

mod queue;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use apis::call::{Call, Reply, Secret};
use jiff::{SignedDuration, Timestamp};
use reconcile::ids::IntegrationId;

pub use self::queue::{DeadLetter, MemoryQueue};
pub use self::table::{ITEM_BYTES_MAX, MemoryTable, PAGE_BYTES_MAX, TRANSACTION_BYTES_MAX, item_bytes, write_units};
use crate::ports::{Clock, Route, Secrets, SecretsError, SendError, Transport};

fn held<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().expect("no one panics while holding the state")
}

// -------------------------------------------------------------------------------------------------------- secrets

#[derive(Debug, Default)]
struct Stages {
    proposed: Option<Secret>,
    current: Option<Secret>,
    previous: Option<Secret>,
}

/// Secrets in memory.
#[derive(Debug, Clone, Default)]
pub struct MemorySecrets {
    stages: Arc<Mutex<BTreeMap<IntegrationId, Stages>>>,
}

impl MemorySecrets {
    /// Makes an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the secret that was current before the last promotion.
    pub fn previous(&self, integration: &IntegrationId) -> Option<Secret> {
        held(&self.stages).get(integration).and_then(|stages| stages.previous.clone())
    }
}

impl Secrets for MemorySecrets {
    async fn current(&self, integration: &IntegrationId) -> Result<Option<Secret>, SecretsError> {
        Ok(held(&self.stages).get(integration).and_then(|stages| stages.current.clone()))
    }

    async fn proposed(&self, integration: &IntegrationId) -> Result<Option<Secret>, SecretsError> {
        Ok(held(&self.stages).get(integration).and_then(|stages| stages.proposed.clone()))
    }

    async fn propose(&self, integration: &IntegrationId, secret: &Secret) -> Result<(), SecretsError> {
        held(&self.stages).entry(integration.clone()).or_default().proposed = Some(secret.clone());
        Ok(())
    }

    async fn promote(&self, integration: &IntegrationId) -> Result<(), SecretsError> {
        if let Some(stages) = held(&self.stages).get_mut(integration)
            && let Some(proposed) = stages.proposed.take()
        {
            stages.previous = stages.current.replace(proposed);
        }
        Ok(())
    }

    async fn remove(&self, integration: &IntegrationId) -> Result<(), SecretsError> {
        held(&self.stages).remove(integration);
        Ok(())
    }
}

// ---------------------------------------------------------------------------------------------------------- clock

#[derive(Debug)]
struct Hands {
    now: Timestamp,
    remaining: Duration,
}

/// A clock that stands still until it is moved; a sleep moves it and returns at once.
#[derive(Debug, Clone)]
pub struct ManualClock {
    hands: Arc<Mutex<Hands>>,
}

impl ManualClock {
    /// Makes a clock that stands at `now`, in an invocation that may take as long as it likes.
    pub fn new(now: Timestamp) -> Self {
        Self { hands: Arc::new(Mutex::new(Hands { now, remaining: Duration::MAX })) }
    }

    /// Moves the clock to `now`, whether later or earlier; the time remaining stays.
    pub fn set(&self, now: Timestamp) {
        held(&self.hands).now = now;
    }

    /// Lets `elapsed` pass: later by it, and so much less remaining.
    pub fn advance(&self, elapsed: Duration) {
        let hands = &mut *held(&self.hands);
        let elapsed_signed = SignedDuration::try_from(elapsed).unwrap_or(SignedDuration::MAX);
        hands.now = hands.now.saturating_add(elapsed_signed).unwrap_or(Timestamp::MAX);
        if hands.remaining != Duration::MAX {
            hands.remaining = hands.remaining.saturating_sub(elapsed);
        }
    }

    /// Says how long the invocation may still take; [`Duration::MAX`] never runs out.
    pub fn set_remaining(&self, remaining: Duration) {
        held(&self.hands).remaining = remaining;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        held(&self.hands).now
    }

    fn remaining(&self) -> Duration {
        held(&self.hands).remaining
    }

    async fn sleep(&self, wait: Duration) {
        self.advance(wait);
    }
}

// ------------------------------------------------------------------------------------------------------ transport

/// A transport that asks a function: a simulated vendor, or a recorded reply.
#[derive(Debug, Clone)]
pub struct FnTransport<F> {
    answer: F,
}

impl<F: Fn(&Call) -> Result<Reply, SendError> + Send + Sync> FnTransport<F> {
    /// Makes a transport whose replies `answer` gives.
    pub fn new(answer: F) -> Self {
        Self { answer }
    }
}

impl<F: Fn(&Call) -> Result<Reply, SendError> + Send + Sync> Transport for FnTransport<F> {
    async fn send(&self, call: &Call, _route: &Route) -> Result<Reply, SendError> {
        (self.answer)(call)
    }
}
