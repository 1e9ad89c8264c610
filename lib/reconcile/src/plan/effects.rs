//! What carrying a plan out writes: the items, and the notes about records that the plan leaves as they are.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::grouping::{Stored, group};
use super::{Action, Effect, EntryKey, Item, Purpose, ScopePlan, World, finishing};
use crate::doc::Doc;
use crate::eligibility;
use crate::ids::{DocId, IntegrationId};
use crate::mapping::{Entry, STALE_AFTER, State};
use crate::record::Fingerprint;

/// Returns what to write so that `plan`, made of `world`, is carried out. What stands already as it should gives nothing;
/// so carrying out twice, or going on after a crash between two effects, does no harm.
///
/// Beside the items this writes: a reason or candidates that differ from the stored ones; an absence that counts; the
/// clearing of what is over; and what a source says where that changes nothing that is shown.
///
/// An item whose entry or documentation record is not in `world` is passed over: it was decided on another world, and the
/// caller finds that by the versions in the item.
pub fn effects(world: &World<'_>, plan: &ScopePlan) -> Vec<Effect> {
    let mut desk = Desk::new(world);
    desk.carry_out(&plan.items);
    if !plan.is_detachment() {
        desk.note(plan);
    }
    desk.into_effects(plan)
}

/// Identifies what `integration` says in `doc` and whether that is archived.
pub(crate) fn after_digest(integration: &IntegrationId, doc: Option<&Doc>) -> Fingerprint {
    let state = doc.map(|doc| (doc.sources.get(integration), doc.archived, doc.archived_when_stale));
    let text = serde_json::to_vec(&state).expect("sources are plain data");
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha256::digest(&text)[..16]);
    Fingerprint(bytes)
}

/// Copies of what changes.
pub(super) struct Desk<'a, 'w> {
    world: &'a World<'w>,
    docs: BTreeMap<DocId, Doc>,
    entries: BTreeMap<EntryKey, Entry>,
}

impl<'a, 'w> Desk<'a, 'w> {
    pub(super) fn new(world: &'a World<'w>) -> Self {
        Self { world, docs: BTreeMap::new(), entries: BTreeMap::new() }
    }

    /// Returns a documentation record as it stands on the desk.
    pub(super) fn doc(&self, id: &DocId) -> Option<&Doc> {
        self.docs.get(id).or_else(|| self.world.docs.get(id))
    }

    fn doc_mut(&mut self, id: &DocId) -> Option<&mut Doc> {
        if !self.docs.contains_key(id) {
            self.docs.insert(id.clone(), self.world.docs.get(id)?.clone());
        }
        self.docs.get_mut(id)
    }

    fn entry_mut(&mut self, key: &EntryKey) -> Option<&mut Entry> {
        if !self.entries.contains_key(key) {
            self.entries.insert(key.clone(), self.world.entries.get(key)?.clone());
        }
        self.entries.get_mut(key)
    }

    /// Carries items out: first everything that is left, then everything that is taken, so that records may change places.
    pub(super) fn carry_out(&mut self, items: &[Item]) {
        items.iter().for_each(|item| self.leave(item));
        items.iter().for_each(|item| self.take(item));
    }

    fn leave(&mut self, item: &Item) {
        let Some(entry) = self.world.entries.get(&item.key()) else { return };
        let stays = match item.action {
            Action::Create | Action::Match => entry.mapping.doc == item.doc_id,
            Action::Exclude | Action::Reset | Action::Detach => false,
            Action::Update | Action::Stale | Action::Return | Action::Archive => true,
        };
        let Some(old) = entry.mapping.doc.as_ref().filter(|_| !stays) else { return };
        self.drop_source(old, entry);
    }

    /// Removes what the entry's record says from `doc`, if it is this record that says it.
    fn drop_source(&mut self, doc: &DocId, entry: &Entry) {
        let integration = self.world.integration;
        let says = self.doc(doc).and_then(|doc| doc.sources.get(integration));
        let is_its = says.is_some_and(|source| source.is_of(&entry.record));
        if let Some(doc) = self.doc_mut(doc).filter(|_| is_its) {
            doc.sources.remove(integration);
        }
    }

    fn take(&mut self, item: &Item) {
        let key = item.key();
        let Some(entry) = self.world.entries.get(&key) else { return };
        match (item.action, &item.doc_id) {
            (Action::Create | Action::Match, Some(doc)) => {
                let state = if item.action == Action::Create { State::Created } else { State::Matched };
                self.link(&key, entry, doc, state);
            }
            (Action::Exclude, _) => self.unlink(&key, State::Excluded, Some(crate::reason::Reason::Excluded)),
            (Action::Reset | Action::Detach, _) => self.unlink(&key, State::Unmatched, None),
            (Action::Update | Action::Return, Some(doc)) => self.refresh(&key, entry, doc),
            (Action::Stale, Some(doc)) => {
                let integration = self.world.integration;
                if let Some(source) = self.doc_mut(doc).and_then(|doc| doc.sources.get_mut(integration)) {
                    source.stale = true;
                }
            }
            (Action::Archive, Some(doc)) => {
                if let Some(doc) = self.doc_mut(doc) {
                    doc.archived = true;
                    doc.archived_when_stale = true;
                }
            }
            (_, None) => {}
        }
    }

    fn link(&mut self, key: &EntryKey, entry: &Entry, id: &DocId, state: State) {
        if state == State::Created && self.doc(id).is_none() {
            self.docs.insert(id.clone(), Doc::new(id.clone(), &entry.record.name));
        }
        if self.doc(id).is_none() {
            return;
        }
        self.refresh(key, entry, id);
        if let Some(entry) = self.entry_mut(key) {
            entry.mapping.state = state;
            entry.mapping.doc = Some(id.clone());
        }
        self.clear_staged(key);
    }

    /// Lets the documentation record say what the vendor record says, and ends what its staleness brought about.
    fn refresh(&mut self, key: &EntryKey, entry: &Entry, id: &DocId) {
        let source = self.world.source_of(entry);
        let integration = self.world.integration.clone();
        let Some(doc) = self.doc_mut(id) else { return };
        doc.sources.insert(integration, source);
        if doc.archived_when_stale {
            doc.archived = false;
            doc.archived_when_stale = false;
        }
        if let Some(entry) = self.entry_mut(key) {
            entry.mapping.reason = None;
            entry.mapping.candidates.clear();
            entry.mapping.missed = 0;
        }
    }

    fn unlink(&mut self, key: &EntryKey, state: State, reason: Option<crate::reason::Reason>) {
        let Some(entry) = self.entry_mut(key) else { return };
        entry.mapping.state = state;
        entry.mapping.doc = None;
        entry.mapping.reason = reason;
        entry.mapping.candidates.clear();
        self.clear_staged(key);
    }

    /// Clears the staged decision of an entry that Finish has carried out.
    fn clear_staged(&mut self, key: &EntryKey) {
        let is_finish = *self.world.purpose == Purpose::Finish;
        if let Some(entry) = self.entry_mut(key).filter(|_| is_finish) {
            entry.mapping.staged = None;
        }
    }

    /// Notes reasons, absences and unseen changes of sources, for every entry.
    fn note(&mut self, plan: &ScopePlan) {
        let world = self.world;
        let left_out: BTreeMap<EntryKey, _> =
            plan.unsynced.iter().map(|left| ((left.kind, left.vendor_id.clone()), left)).collect();
        let acted: std::collections::BTreeSet<EntryKey> = plan.items.iter().map(Item::key).collect();
        for (key, entry) in world.entries {
            if *world.purpose == Purpose::Finish && finishing::is_idle(world, key, entry) {
                self.clear_staged(key);
            }
            if let Some(left) = left_out.get(key) {
                self.note_left_out(key, entry, left.reason, &left.candidates);
            } else if world.counts_absence(entry) {
                self.note_absence(key, entry);
            } else if entry.absent.is_none() && !acted.contains(key) {
                self.note_synced(key, entry);
            }
        }
    }

    fn note_left_out(&mut self, key: &EntryKey, entry: &Entry, reason: crate::reason::Reason, candidates: &[DocId]) {
        let world = self.world;
        let mapping = &self.entries.get(key).unwrap_or(entry).mapping;
        let is_back = matches!(world.purpose, Purpose::Run(_)) && (1..STALE_AFTER).contains(&mapping.missed);
        let has_lost = matches!(world.purpose, Purpose::Run(_))
            && mapping.doc.is_some()
            && world.linked(entry).is_none()
            && eligibility::check(entry, world.policy, world.standing).is_ok();
        let is_noted = mapping.reason == Some(reason) && mapping.candidates == candidates;
        if is_noted && !is_back && !has_lost {
            return;
        }
        let Some(entry) = self.entry_mut(key) else { return };
        entry.mapping.reason = Some(reason);
        entry.mapping.candidates = candidates.to_vec();
        if is_back {
            entry.mapping.missed = 0;
        }
        if has_lost {
            entry.mapping.state = State::Unmatched;
            entry.mapping.doc = None;
        }
    }

    fn note_absence(&mut self, key: &EntryKey, entry: &Entry) {
        let missed = self.world.missed_after(entry);
        let Some(entry) = self.entry_mut(key) else { return };
        entry.mapping.missed = missed;
        if let Some(absence) = &mut entry.absent {
            absence.counted = true;
        }
    }

    fn note_synced(&mut self, key: &EntryKey, entry: &Entry) {
        let world = self.world;
        let mapping = &entry.mapping;
        if let (Purpose::Run(_), Some(doc)) = (world.purpose, world.linked(entry)) {
            let is_said = doc.sources.get(world.integration).is_some_and(|source| world.is_source_of(source, entry));
            if !is_said || mapping.missed > 0 || doc.archived_when_stale {
                self.refresh(key, entry, &doc.id);
            }
        }
        let is_noted = mapping.reason.is_none() && mapping.candidates.is_empty();
        if let Some(entry) = (!is_noted).then(|| self.entry_mut(key)).flatten() {
            entry.mapping.reason = None;
            entry.mapping.candidates.clear();
        }
    }

    /// Returns what differs from the world, as steps that stand for themselves.
    fn into_effects(self, plan: &ScopePlan) -> Vec<Effect> {
        let stored = Stored { integration: self.world.integration, docs: self.world.docs, entries: self.world.entries };
        group(&stored, self.docs, self.entries, &plan.items)
    }
}
