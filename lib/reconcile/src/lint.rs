//! What no plan may contain. Run on every plan that any test makes, and by the engine before it stores one.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{DocId, RecordKey};
use crate::mapping::{Decision, STALE_AFTER, State};
use crate::plan::{Action, EntryKey, Item, Purpose, ScopePlan, World};
use crate::reason::Reason;
use crate::record::Kind;

/// Returns everything that is wrong with `plan` as a plan of `world`; nothing for any plan that the planner makes.
pub fn lint(world: &World<'_>, plan: &ScopePlan) -> Vec<String> {
    let mut flaws = Flaws { world, plan, found: Vec::new() };
    flaws.order();
    flaws.claims();
    plan.items.iter().for_each(|item| flaws.item(item));
    if plan.is_detachment() {
        flaws.check(plan.items.iter().all(|item| item.action == Action::Detach), "a detachment only detaches");
        flaws.check(plan.counts.is_empty() && plan.unsynced.is_empty(), "a detachment counts nothing");
    } else {
        flaws.left_out();
        flaws.counts();
    }
    flaws.found
}

struct Flaws<'a, 'w> {
    world: &'a World<'w>,
    plan: &'a ScopePlan,
    found: Vec<String>,
}

impl Flaws<'_, '_> {
    fn check(&mut self, holds: bool, law: impl std::fmt::Display) {
        if !holds {
            self.found.push(law.to_string());
        }
    }

    fn order(&mut self) {
        let keys: Vec<_> = self.plan.items.iter().map(|item| (item.kind, &item.vendor_id, item.action)).collect();
        self.check(keys.is_sorted(), "items are sorted by kind and vendor id");
        for pair in self.plan.items.windows(2).filter(|pair| pair[0].key() == pair[1].key()) {
            let is_stale_then_archived = (pair[0].action, pair[1].action) == (Action::Stale, Action::Archive);
            self.check(is_stale_then_archived, format!("{:?} has two items", pair[0].key()));
        }
        let left: Vec<EntryKey> = self.plan.unsynced.iter().map(|left| (left.kind, left.vendor_id.clone())).collect();
        self.check(left.is_sorted() && left.windows(2).all(|pair| pair[0] != pair[1]), "a record stays out once");
    }

    fn claims(&mut self) {
        let mut claimed: BTreeSet<&DocId> = BTreeSet::new();
        for item in self.plan.items.iter().filter(|item| item.is_claim()) {
            match &item.doc_id {
                Some(doc) => self.check(claimed.insert(doc), format!("two items claim {doc}")),
                None => self.check(false, format!("{:?} claims nothing", item.key())),
            }
        }
        for item in self
            .plan
            .items
            .iter()
            .filter(|item| matches!(item.action, Action::Update | Action::Return | Action::Stale | Action::Archive))
        {
            let is_free = item.doc_id.as_ref().is_some_and(|doc| !claimed.contains(doc));
            self.check(is_free, format!("{:?} changes what another record claims", item.key()));
        }
    }

    fn item(&mut self, item: &Item) {
        let key = item.key();
        let Some(entry) = self.world.entries.get(&key) else {
            return self.check(false, format!("{key:?} is not in the world"));
        };
        let doc = item.doc_id.as_ref().and_then(|doc| self.world.docs.get(doc));
        let is_run = matches!(self.world.purpose, Purpose::Run(_));
        let name = format!("{:?} of {key:?}", item.action);
        if let Some(id) = &item.doc_id {
            self.check(id.kind() == item.kind, format!("{name}: the documentation record is of another kind"));
            self.check(id.client() == self.plan.below, format!("{name}: crosses clients"));
        }
        for change in &item.changes {
            self.check(change.from != change.to, format!("{name}: {} does not change", change.field));
            let is_edited = doc.is_some_and(|doc| doc.edits.contains_key(&change.field));
            self.check(!is_edited, format!("{name}: {} was set by a person", change.field));
        }
        let is_decided = !is_run && entry.mapping.staged.is_some();
        match item.action {
            Action::Create => {
                let key = RecordKey {
                    integration: self.world.integration.clone(),
                    kind: item.kind,
                    vendor_id: item.vendor_id.clone(),
                };
                let own = DocId::created(&key, self.plan.below.as_ref());
                self.check(doc.is_none(), format!("{name}: the documentation record is there already"));
                self.check(item.doc_id == Some(own), format!("{name}: not the id that follows from the vendor key"));
            }
            Action::Match | Action::Update | Action::Return | Action::Stale | Action::Archive => {
                self.check(doc.is_some(), format!("{name}: no such documentation record"));
            }
            Action::Exclude | Action::Reset => self.check(is_decided, format!("{name}: nobody decided it")),
            Action::Detach => {}
        }
        if item.is_claim() {
            self.check(is_run || is_decided, format!("{name}: Finish decides nothing by itself"));
        }
        self.check(
            is_decided || entry.mapping.state != State::Excluded || item.action == Action::Detach,
            format!("{name}: the record is excluded"),
        );
        if matches!(item.action, Action::Update | Action::Return) {
            self.check(is_run && entry.absent.is_none(), format!("{name}: only a run that read the record updates"));
        }
        if item.action == Action::Update {
            self.check(!item.changes.is_empty(), format!("{name}: changes nothing"));
        }
        if matches!(item.action, Action::Stale | Action::Archive) {
            let is_gone = entry.absent.is_some() && self.world.complete.contains(&item.kind);
            let missed = entry.mapping.missed + u8::from(entry.absent.as_ref().is_some_and(|absence| !absence.counted));
            self.check(is_run && is_gone && missed >= STALE_AFTER, format!("{name}: two complete reads must miss it"));
        }
        let is_waiting = item.kind.is_below_client() && self.world.standing.client().is_none();
        let is_linking = item.is_claim() || matches!(item.action, Action::Update | Action::Return);
        self.check(!(is_waiting && is_linking), format!("{name}: its client is not mapped"));
    }

    fn left_out(&mut self) {
        let acted: BTreeMap<EntryKey, Action> = self.plan.items.iter().map(|item| (item.key(), item.action)).collect();
        for left in &self.plan.unsynced {
            let key = (left.kind, left.vendor_id.clone());
            let is_left =
                acted.get(&key).is_none_or(|action| matches!(action, Action::Exclude | Action::Reset | Action::Detach));
            self.check(is_left, format!("{key:?} stays out and is acted on"));
            self.check(self.world.entries.contains_key(&key), format!("{key:?} is not in the world"));
            self.check(left.candidates.is_sorted(), format!("{key:?}: candidates are sorted"));
            let excluded = self.world.entries.get(&key).is_some_and(|entry| {
                entry.mapping.state == State::Excluded || entry.mapping.staged == Some(Decision::Exclude)
            });
            self.check(left.reason != Reason::Excluded || excluded, format!("{key:?} is not excluded"));
        }
    }

    fn counts(&mut self) {
        for kind in Kind::ALL {
            let counts = self.plan.counts.get(&kind).cloned().unwrap_or_default();
            let acted = |actions: &[Action]| {
                let is_it = |item: &&Item| item.kind == kind && actions.contains(&item.action);
                self.plan.items.iter().filter(is_it).count() as u64
            };
            let mut reasons = BTreeMap::new();
            for left in self.plan.unsynced.iter().filter(|left| left.kind == kind) {
                *reasons.entry(left.reason).or_insert(0) += 1;
            }
            let there = |absent_too: bool| {
                let is_it = |(key, entry): &(&EntryKey, &crate::mapping::Entry)| {
                    key.0 == kind && (absent_too || entry.absent.is_none())
                };
                self.world.entries.iter().filter(is_it).count() as u64
            };
            let is_fetched = (there(false)..=there(true)).contains(&counts.fetched);
            let is_acted = counts.created == acted(&[Action::Create])
                && counts.matched == acted(&[Action::Match])
                && counts.updated == acted(&[Action::Update, Action::Return])
                && self.plan.stale.get(&kind).copied().unwrap_or_default() == acted(&[Action::Stale]);
            self.check(counts.adds_up(), format!("{kind}: {counts:?} does not add up"));
            self.check(is_fetched, format!("{kind}: every record that was read is counted once"));
            self.check(is_acted, format!("{kind}: the counts are those of the items"));
            self.check(
                counts.reasons == reasons,
                format!("{kind}: the reasons are those of the records that stay out"),
            );
        }
    }
}

#[cfg(test)]
mod tests;
