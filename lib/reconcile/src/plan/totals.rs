//! Counts: their equations, their sums over scopes, and the digest that names a plan.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Counts, ScopePlan};
use crate::reason::Reason;
use crate::record::Kind;

impl Counts {
    /// Says whether the equations of the contract hold.
    pub fn adds_up(&self) -> bool {
        self.fetched == self.synced + self.unsynced
            && self.synced == self.created + self.matched + self.updated + self.unchanged
            && self.unsynced == self.reasons.values().sum::<u64>()
            && self.excluded == self.reasons.get(&Reason::Excluded).copied().unwrap_or_default()
    }

    /// # Panics
    /// Where the equations do not hold.
    pub(super) fn assert_adds_up(&self) {
        assert!(self.adds_up(), "counts do not add up: {self:?}");
    }

    /// Adds the counts of other records of the kind.
    pub fn add(&mut self, other: &Counts) {
        self.fetched += other.fetched;
        self.synced += other.synced;
        self.created += other.created;
        self.matched += other.matched;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.excluded += other.excluded;
        self.unsynced += other.unsynced;
        for (reason, count) in &other.reasons {
            *self.reasons.entry(*reason).or_insert(0) += count;
        }
        self.assert_adds_up();
    }

    /// Adds rows that could not be read and have no id, so that no record stands for them.
    pub fn add_unreadable(&mut self, rows: u64) {
        if rows > 0 {
            self.fetched += rows;
            self.unsynced += rows;
            *self.reasons.entry(Reason::MalformedRecord).or_insert(0) += rows;
        }
    }

    /// Returns these counts as those of a later run that found the same records unchanged.
    pub fn carried_over(&self) -> Counts {
        Counts { created: 0, matched: 0, updated: 0, unchanged: self.synced, ..self.clone() }
    }

    /// Returns these counts as those of a plan that the guard holds: what it would link stays out, what it would update
    /// stays as it is.
    pub fn held(&self) -> Counts {
        let waiting = self.created + self.matched;
        let mut held = Counts {
            synced: self.synced - waiting,
            created: 0,
            matched: 0,
            updated: 0,
            unchanged: self.unchanged + self.updated,
            unsynced: self.unsynced + waiting,
            ..self.clone()
        };
        if waiting > 0 {
            *held.reasons.entry(Reason::GuardHeld).or_insert(0) += waiting;
        }
        held.assert_adds_up();
        held
    }
}

/// The sums over the scopes of a run, for the guard and for the run's record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// How the records ended.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<Kind, Counts>,
    /// Records that are marked stale.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stale: BTreeMap<Kind, u64>,
    /// Kinds that were read completely.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub complete: BTreeSet<Kind>,
}

impl Totals {
    /// Adds the plan of a scope.
    pub fn add(&mut self, plan: &ScopePlan) {
        self.add_counts(&plan.counts);
        for (kind, count) in &plan.stale {
            *self.stale.entry(*kind).or_insert(0) += count;
        }
    }

    /// Adds the counts with which a scope ended when it was planned last, where its digest let the run skip it.
    pub fn carry_over(&mut self, counts: &BTreeMap<Kind, Counts>) {
        for (kind, of) in counts {
            self.counts.entry(*kind).or_default().add(&of.carried_over());
        }
    }

    /// Adds the totals of another part.
    pub fn merge(&mut self, other: &Totals) {
        self.add_counts(&other.counts);
        for (kind, count) in &other.stale {
            *self.stale.entry(*kind).or_insert(0) += count;
        }
        self.complete.extend(&other.complete);
    }

    fn add_counts(&mut self, counts: &BTreeMap<Kind, Counts>) {
        for (kind, of) in counts {
            self.counts.entry(*kind).or_default().add(of);
        }
    }

    /// Returns these totals as those of a plan that the guard holds; see [`Counts::held`].
    pub fn held(&self) -> Totals {
        Totals {
            counts: self.counts.iter().map(|(kind, counts)| (*kind, counts.held())).collect(),
            stale: BTreeMap::new(),
            complete: self.complete.clone(),
        }
    }
}

/// Returns what names a plan: 16 hexadecimal digits that follow from the content of its parts and the versions they were
/// decided on.
pub fn digest(parts: &[ScopePlan]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        let text = serde_json::to_vec(part).expect("plans are plain data");
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(&text);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
