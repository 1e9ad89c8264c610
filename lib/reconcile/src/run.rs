//! The life of a run as a pure state machine.
//!
//! ```text
//! reading → arriving → planning top → planning → judging ─→ applying top → applying → closed
//!    │          │                                  │  └→ held ──┘ approved               ▲
//!    └──────────┴── rejected, failed, set-up ──────┴─────────── discarded ───────────────┘
//! ```
//!
//! Users and clients (the top, part 0) are planned before what lies below the clients, because a client that the same run
//! creates takes its children along; and everything is planned before anything is written, because the guard must see the
//! whole run. [`step`] never fails: an event that is doubled or of a past phase changes nothing and asks for nothing; what a
//! lost message would have asked for is what [`Run::commands`] gives.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::PlanId;
use crate::record::Kind;

/// Why a run was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Before the integration is live: reads only.
    Setup,
    /// By a person.
    Manual,
    /// By a person, ignoring digests.
    Forced,
    /// By the schedule.
    Schedule,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything was read, and the plan was carried out.
    Complete,
    /// Not everything could be read; what came was used, nothing became stale.
    Incomplete,
    /// The guard stopped the plan; it waits for a person, or was discarded.
    Held,
    /// The run could not go on.
    Failed,
    /// The vendor refused the secret.
    CredentialsRejected,
}

/// What the read of one kind brought.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadReport {
    /// Rows that the vendor gave, unreadable ones among them.
    pub fetched: u64,
    /// Whether every list ended by the vendor's own rule, refused clients apart.
    pub complete: bool,
    /// Whether only changes were asked for: nothing is gone because it did not come.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_changes: bool,
    /// Clients that the vendor refused to show to this account; their records stay as they are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refused: u64,
    /// Rows in scopes that a digest let the run skip.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped: u64,
    /// What went wrong, in at most a few sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "phase")]
pub enum Phase {
    /// The vendor is read.
    Reading,
    /// The read is over; so many messages must have arrived.
    Arriving {
        /// Messages that were sent.
        messages: u64,
    },
    /// Users and clients are planned.
    PlanningTop,
    /// Parts 1 to `parts` are planned.
    Planning {
        /// How many.
        parts: u64,
    },
    /// All is planned; the guard looks at the totals.
    Judging {
        /// Parts beside the top.
        parts: u64,
    },
    /// The guard stopped the plan; a person approves or discards it.
    Held {
        /// The plan.
        plan: PlanId,
        /// Parts beside the top.
        parts: u64,
    },
    /// Users and clients are written.
    ApplyingTop {
        /// The plan.
        plan: PlanId,
        /// Parts beside the top.
        parts: u64,
    },
    /// Parts 1 to `parts` are written.
    Applying {
        /// The plan.
        plan: PlanId,
        /// How many.
        parts: u64,
    },
    /// The run is over.
    Closed {
        /// How it ended.
        outcome: Outcome,
    },
}

/// A run, as far as its life goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Why it was started.
    pub trigger: Trigger,
    /// Where it stands.
    #[serde(flatten)]
    pub phase: Phase,
    /// What was read, by kind; empty until the read is over.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reports: BTreeMap<Kind, ReadReport>,
}

/// What happened to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The vendor was read as far as it let itself be read.
    ReadDone {
        /// Messages that were sent.
        messages: u64,
        /// What was read.
        reports: BTreeMap<Kind, ReadReport>,
    },
    /// So many of the messages have arrived.
    Arrived {
        /// How many.
        count: u64,
        /// Into how many parts what they brought is cut, where neither users nor clients are among it.
        below: Option<u64>,
    },
    /// The top is planned, and the rest was cut into so many parts.
    TopPlanned {
        /// How many.
        parts: u64,
    },
    /// So many of the parts beside the top are planned.
    Planned {
        /// How many.
        count: u64,
    },
    /// The guard lets the plan pass.
    Passed {
        /// The plan.
        plan: PlanId,
        /// Whether the top is a part of it.
        top: bool,
    },
    /// The guard stops the plan.
    Stopped {
        /// The plan.
        plan: PlanId,
    },
    /// A person approved the held plan.
    Approved,
    /// A person discarded the held plan.
    Discarded,
    /// The top is written.
    TopApplied,
    /// So many of the parts beside the top are written.
    Applied {
        /// How many.
        count: u64,
    },
    /// The vendor refused the secret.
    CredentialsRejected,
    /// A message was lost for good, or the run was given up.
    Failed,
}

/// What is to be done for a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Count the messages that have arrived.
    CountArrived,
    /// Plan these parts.
    Plan {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// Let the guard look at the totals.
    Judge,
    /// Write these parts of the plan.
    Apply {
        /// The plan.
        plan: PlanId,
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// Tell a person that a plan waits.
    AlarmHeld,
    /// Write the run's counts and digests, and free the integration for the next run.
    Close,
}

impl Run {
    /// Opens a run.
    pub fn open(trigger: Trigger) -> Self {
        Self { trigger, phase: Phase::Reading, reports: BTreeMap::new() }
    }

    /// Returns how it ended, once it has.
    pub fn outcome(&self) -> Option<Outcome> {
        match self.phase {
            Phase::Closed { outcome } => Some(outcome),
            _ => None,
        }
    }

    /// Says whether the run waits for a person.
    pub fn is_held(&self) -> bool {
        matches!(self.phase, Phase::Held { .. })
    }

    /// Returns `complete` or `incomplete`, as the reports have it.
    fn read_outcome(&self) -> Outcome {
        read_outcome(&self.reports)
    }

    /// Returns what the present phase asks to be done: what a lost message would have said.
    pub fn commands(&self) -> Vec<Command> {
        match &self.phase {
            Phase::Reading | Phase::Held { .. } => Vec::new(),
            Phase::Arriving { .. } => vec![Command::CountArrived],
            Phase::PlanningTop => vec![Command::Plan { from: 0, to: 0 }],
            Phase::Planning { parts } => vec![Command::Plan { from: 1, to: *parts }],
            Phase::Judging { .. } => vec![Command::Judge],
            Phase::ApplyingTop { plan, .. } => vec![Command::Apply { plan: plan.clone(), from: 0, to: 0 }],
            Phase::Applying { plan, parts } => vec![Command::Apply { plan: plan.clone(), from: 1, to: *parts }],
            Phase::Closed { .. } => vec![Command::Close],
        }
    }
}

fn read_outcome(reports: &BTreeMap<Kind, ReadReport>) -> Outcome {
    let whole = reports.values().all(|report| report.complete && report.refused == 0);
    if whole { Outcome::Complete } else { Outcome::Incomplete }
}

/// Returns the run after an event, and what is to be done. An event that does not belong to the present phase changes
/// nothing and asks for nothing.
pub fn step(run: &Run, event: Event) -> (Run, Vec<Command>) {
    let Some(phase) = next_phase(run, &event) else { return (run.clone(), Vec::new()) };
    let mut after = Run { phase, ..run.clone() };
    if let Event::ReadDone { reports, .. } = event {
        after.reports = reports;
    }
    let mut commands = after.commands();
    if after.is_held() {
        commands.push(Command::AlarmHeld);
    }
    (after, commands)
}

fn next_phase(run: &Run, event: &Event) -> Option<Phase> {
    let closed = |outcome| Some(Phase::Closed { outcome });
    match (&run.phase, event) {
        (Phase::Closed { .. }, _) => None,
        (Phase::Reading, Event::CredentialsRejected) => closed(Outcome::CredentialsRejected),
        (Phase::Held { .. }, Event::Failed) => None,
        (_, Event::Failed) => closed(Outcome::Failed),
        // Nothing to wait for: a night in which nothing changed needs no message at all.
        (Phase::Reading, Event::ReadDone { messages: 0, reports }) => closed(read_outcome(reports)),
        (Phase::Reading, Event::ReadDone { messages, .. }) => Some(Phase::Arriving { messages: *messages }),
        (Phase::Arriving { messages }, Event::Arrived { count, below }) if count >= messages => match below {
            _ if run.trigger == Trigger::Setup => closed(run.read_outcome()),
            Some(parts) if *parts > 0 => Some(Phase::Planning { parts: *parts }),
            _ => Some(Phase::PlanningTop),
        },
        (Phase::PlanningTop, Event::TopPlanned { parts: 0 }) => Some(Phase::Judging { parts: 0 }),
        (Phase::PlanningTop, Event::TopPlanned { parts }) => Some(Phase::Planning { parts: *parts }),
        (Phase::Planning { parts }, Event::Planned { count }) if count >= parts => {
            Some(Phase::Judging { parts: *parts })
        }
        (Phase::Judging { parts }, Event::Passed { plan, top: false }) if *parts > 0 => {
            Some(Phase::Applying { plan: plan.clone(), parts: *parts })
        }
        (Phase::Judging { parts }, Event::Passed { plan, .. }) => {
            Some(Phase::ApplyingTop { plan: plan.clone(), parts: *parts })
        }
        (Phase::Judging { parts }, Event::Stopped { plan }) => Some(Phase::Held { plan: plan.clone(), parts: *parts }),
        (Phase::Held { plan, parts }, Event::Approved) => {
            Some(Phase::ApplyingTop { plan: plan.clone(), parts: *parts })
        }
        (Phase::Held { .. }, Event::Discarded) => closed(Outcome::Held),
        (Phase::ApplyingTop { parts: 0, .. }, Event::TopApplied) => closed(run.read_outcome()),
        (Phase::ApplyingTop { plan, parts }, Event::TopApplied) => {
            Some(Phase::Applying { plan: plan.clone(), parts: *parts })
        }
        (Phase::Applying { parts, .. }, Event::Applied { count }) if count >= parts => closed(run.read_outcome()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
