//! What is told while a request is carried out.

use reconcile::ids::IntegrationId;
use reconcile::record::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::views::CostView;

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The vendor is read.
    Reading,
    /// What was read is compared with what is there.
    Planning,
    /// The plan is carried out.
    Applying,
    /// The run has ended.
    Closed,
}

impl Phase {
    /// Returns the word.
    pub fn code(self) -> &'static str {
        match self {
            Phase::Reading => "reading",
            Phase::Planning => "planning",
            Phase::Applying => "applying",
            Phase::Closed => "closed",
        }
    }
}

/// How far a run is. Rates and estimates are the business of who shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressEvent {
    /// Whose run.
    pub integration: IntegrationId,
    /// What it is doing.
    pub phase: Phase,
    /// The kind that is read, where it is one.
    pub kind: Option<Kind>,
    /// The vendor's lists that are read to their end, or parts planned or applied.
    pub done: u64,
    /// Of so many, where that is known.
    pub total: Option<u64>,
    /// Records read so far; 0 where nothing is read.
    pub records: u64,
    /// Requests sent to the vendor so far; 0 where nothing is read.
    pub vendor_requests: u64,
    /// What the run is expected to cost: told once, before it begins, where an earlier run says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_cost: Option<CostView>,
}

impl ProgressEvent {
    /// Makes the event that states a run's cost before it begins.
    pub fn expected(integration: &IntegrationId, cost: CostView) -> Self {
        Self {
            integration: integration.clone(),
            phase: Phase::Reading,
            kind: None,
            done: 0,
            total: None,
            records: 0,
            vendor_requests: 0,
            expected_cost: Some(cost),
        }
    }
}

/// Takes progress events; may be called often, and must not block.
pub trait Progress: Send + Sync {
    /// Takes one event.
    fn report(&self, event: ProgressEvent);
}

/// Drops all events.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn report(&self, _event: ProgressEvent) {}
}

impl<F: Fn(ProgressEvent) + Send + Sync> Progress for F {
    fn report(&self, event: ProgressEvent) {
        self(event);
    }
}
