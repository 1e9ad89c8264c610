//! Reverses an applied plan, as far as nothing changed since.
//!
//! Nothing is deleted: a documentation record that the plan made loses what the plan said in it and is archived; making it
//! again finds and restores it. Entries get their mapping back, with what was staged. What a source says without showing is
//! not part of a plan and stays. The next run decides anew, from how things then stand.

use std::collections::{BTreeMap, BTreeSet};

use crate::doc::Doc;
use crate::ids::{DocId, IntegrationId};
use crate::mapping::{Entry, State};
use crate::plan::{Action, Effect, EntryKey, Item, ScopePlan, Stored, after_digest, group};

/// An item that is not as the plan left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The vendor record.
    pub key: EntryKey,
    /// Its name.
    pub name: String,
    /// What is different, as a sentence for people.
    pub what: &'static str,
}

/// How to undo a part of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undoing {
    /// What to write so that everything which did not change since is as before; empty where it is so already.
    pub effects: Vec<Effect>,
    /// What changed since and therefore stays.
    pub changed: Vec<Changed>,
}

/// Returns how to undo an applied part. `entries` and `docs` are those of the scope that the part was planned on, as stored
/// at present; parts are undone in the reverse of the order in which they were applied.
///
/// Items that share a documentation record are undone together or not at all.
pub fn undo(
    part: &ScopePlan,
    integration: &IntegrationId,
    entries: &BTreeMap<EntryKey, Entry>,
    docs: &BTreeMap<DocId, Doc>,
) -> Undoing {
    let stored = Stored { integration, docs, entries };
    let mut changed: BTreeMap<usize, &'static str> = BTreeMap::new();
    for (place, item) in part.items.iter().enumerate() {
        if let Some(what) = what_changed(&stored, &part.items, item) {
            changed.insert(place, what);
        }
    }
    spread(&part.items, &mut changed);
    let items: Vec<Item> = part
        .items
        .iter()
        .enumerate()
        .filter(|(place, _)| !changed.contains_key(place))
        .map(|(_, item)| item.clone())
        .collect();
    let describe = |(place, what): (usize, &'static str)| {
        let item = &part.items[place];
        Changed { key: item.key(), name: item.name.clone(), what }
    };
    Undoing { effects: reverse(&stored, &items), changed: changed.into_iter().map(describe).collect() }
}

/// Returns what is not as the item left it.
fn what_changed(stored: &Stored<'_>, items: &[Item], item: &Item) -> Option<&'static str> {
    let Some(entry) = stored.entries.get(&item.key()) else { return Some("the vendor record is not stored any more") };
    let before = &item.before.mapping;
    let (state, doc) = match item.action {
        Action::Create => (State::Created, item.doc_id.as_ref()),
        Action::Match => (State::Matched, item.doc_id.as_ref()),
        Action::Exclude => (State::Excluded, None),
        Action::Reset | Action::Detach => (State::Unmatched, None),
        Action::Update | Action::Stale | Action::Return | Action::Archive => (before.state, before.doc.as_ref()),
    };
    if entry.mapping.state != state || entry.mapping.doc.as_ref() != doc {
        return Some("its mapping was changed");
    }
    if entry.mapping.staged.is_some() && entry.mapping.staged != before.staged {
        return Some("another decision is staged");
    }
    let target = item.doc_id.as_ref().and_then(|doc| stored.docs.get(doc));
    if item.doc_id.is_some() && after_digest(stored.integration, target) != item.after {
        return Some("its documentation record was changed");
    }
    let is_own = |doc: &Doc| doc.sources.len() <= 1 && doc.edits.is_empty() && doc.imported.is_empty();
    if item.action == Action::Create && !target.is_some_and(is_own) {
        return Some("somebody else wrote in the documentation record that was made");
    }
    // What it left and another item of the plan took goes back with that one, whose digest tells whether it may.
    let old = before.doc.as_ref().filter(|_| item.before.left.is_some());
    let is_taken = |old: &DocId| stored.docs.get(old).is_none_or(|doc| doc.sources.contains_key(stored.integration));
    let is_exchanged = |old: &DocId| items.iter().any(|other| other.is_claim() && other.doc_id.as_ref() == Some(old));
    if old.is_some_and(|old| is_taken(old) && !is_exchanged(old)) {
        return Some("the documentation record that it left is taken");
    }
    None
}

/// Lets what belongs to a changed item stay too.
fn spread(items: &[Item], changed: &mut BTreeMap<usize, &'static str>) {
    let touched = |item: &Item| -> BTreeSet<DocId> {
        let left = item.before.mapping.doc.iter().filter(|_| item.before.left.is_some());
        left.chain(&item.doc_id).cloned().collect()
    };
    loop {
        let stuck: BTreeSet<DocId> = changed.keys().flat_map(|&place| touched(&items[place])).collect();
        let more: Vec<usize> = (0..items.len())
            .filter(|place| !changed.contains_key(place) && !touched(&items[*place]).is_disjoint(&stuck))
            .collect();
        if more.is_empty() {
            return;
        }
        changed.extend(more.into_iter().map(|place| (place, "it belongs together with one that was changed")));
    }
}

fn reverse(stored: &Stored<'_>, items: &[Item]) -> Vec<Effect> {
    let mut docs: BTreeMap<DocId, Doc> = BTreeMap::new();
    let mut entries: BTreeMap<EntryKey, Entry> = BTreeMap::new();
    for item in items {
        for id in item.doc_id.iter().chain(&item.before.mapping.doc) {
            docs.extend(stored.docs.get(id).map(|doc| (id.clone(), doc.clone())));
        }
        entries.extend(stored.entries.get(&item.key()).map(|entry| (item.key(), entry.clone())));
    }
    for doc in items.iter().filter(|item| item.is_claim()).filter_map(|item| item.doc_id.as_ref()) {
        if let Some(doc) = docs.get_mut(doc) {
            doc.sources.remove(stored.integration);
        }
    }
    for item in items {
        put_back(stored, item, &mut docs, &mut entries);
    }
    group(stored, docs, entries, items)
}

fn put_back(
    stored: &Stored<'_>,
    item: &Item,
    docs: &mut BTreeMap<DocId, Doc>,
    entries: &mut BTreeMap<EntryKey, Entry>,
) {
    if let Some(entry) = entries.get_mut(&item.key()) {
        entry.mapping = item.before.mapping.clone();
    }
    let mut say = |doc: Option<&DocId>, source: &Option<crate::doc::Source>| {
        if let (Some(doc), Some(source)) = (doc.and_then(|doc| docs.get_mut(doc)), source) {
            doc.sources.insert(stored.integration.clone(), source.clone());
        }
    };
    say(item.before.mapping.doc.as_ref(), &item.before.left);
    say(item.doc_id.as_ref(), &item.before.source);
    if let Some(doc) = item.doc_id.as_ref().and_then(|doc| docs.get_mut(doc)) {
        let is_created = item.action == Action::Create;
        doc.archived = item.before.archived || is_created;
        doc.archived_when_stale = item.before.archived_when_stale || is_created;
    }
}

#[cfg(test)]
mod tests;
