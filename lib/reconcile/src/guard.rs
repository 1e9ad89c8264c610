//! The mass-change guard: looks at the totals of a whole run before its first write.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::plan::Totals;
use crate::record::Kind;

/// What the guard lets pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The share of a kind's records that a run may create, update or mark stale.
    pub share_percent: u64,
    /// Fewer records than this never hold a run.
    pub records_min: u64,
    /// Kinds whose first sync this is; they may change as much as they like.
    pub first_sync: BTreeSet<Kind>,
}

impl Default for Limits {
    /// Returns the limits of the contract: 20 %, at least 25 records, no kind in its first sync.
    fn default() -> Self {
        Self { share_percent: 20, records_min: 25, first_sync: BTreeSet::new() }
    }
}

/// Why a run is held, with the numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It would change too much of a kind.
    TooMuch {
        /// The kind.
        kind: Kind,
        /// Records it would create.
        create: u64,
        /// Records it would update.
        update: u64,
        /// Records it would mark stale.
        stale: u64,
        /// Records of the kind that were in the documentation after the last run.
        of: u64,
        /// The share that is let pass.
        share_percent: u64,
    },
    /// A complete read holds suspiciously little.
    TooLittle {
        /// The kind.
        kind: Kind,
        /// Records it holds.
        fetched: u64,
        /// Records that the last complete read held.
        before: u64,
    },
}

impl fmt::Display for Why {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::TooMuch { kind, create, update, stale, of, share_percent } => write!(
                out,
                "{} of {of} {kind} records would change ({create} created, {update} updated, {stale} marked stale); \
                 {share_percent} % may without asking",
                create + update + stale
            ),
            Why::TooLittle { kind, fetched, before } => {
                write!(out, "the vendor returned {fetched} {kind} records where the last complete read had {before}")
            }
        }
    }
}

/// What the guard says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The run may write.
    Go,
    /// A person must approve first.
    Held(Vec<Why>),
}

/// Judges a run's totals. `history` holds, by kind, the counts of the last run that read the kind completely and was
/// carried out.
///
/// Held is a kind of which at least `records_min` records, and more than `share_percent` of those synced before, would be
/// created, updated or marked stale together; and one whose complete read holds less than half of the last one's records
/// and at least `records_min` fewer. A kind in its first sync has nothing to compare with.
pub fn judge(plan: &Totals, history: &Totals, limits: &Limits) -> Verdict {
    let mut reasons = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| !limits.first_sync.contains(kind)) {
        let counts = plan.counts.get(&kind).cloned().unwrap_or_default();
        let before = history.counts.get(&kind).cloned().unwrap_or_default();
        let stale = plan.stale.get(&kind).copied().unwrap_or_default();
        let changed = counts.created + counts.updated + stale;
        if changed >= limits.records_min && changed * 100 > before.synced * limits.share_percent {
            reasons.push(Why::TooMuch {
                kind,
                create: counts.created,
                update: counts.updated,
                stale,
                of: before.synced,
                share_percent: limits.share_percent,
            });
        }
        let is_fewer = before.fetched >= counts.fetched + limits.records_min && counts.fetched * 2 < before.fetched;
        if plan.complete.contains(&kind) && is_fewer {
            reasons.push(Why::TooLittle { kind, fetched: counts.fetched, before: before.fetched });
        }
    }
    if reasons.is_empty() { Verdict::Go } else { Verdict::Held(reasons) }
}

#[cfg(test)]
mod tests;
