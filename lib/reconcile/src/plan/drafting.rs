//! Turns decisions into a plan: works out the field changes by carrying the items out on copies, and counts.

use std::collections::BTreeMap;

use super::effects::{Desk, after_digest};
use super::{Action, Before, Counts, EntryKey, Item, Rule, ScopePlan, Unsynced, World};
use crate::doc::Source;
use crate::ids::DocId;
use crate::mapping::{Entry, Mapping};
use crate::ownership;
use crate::reason::Reason;
use crate::record::{Fingerprint, Kind};

/// How one fetched record ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    Created,
    Matched,
    Updated,
    Unchanged,
    Unsynced(Reason, Vec<DocId>),
}

/// A plan in the making: each fetched record ends exactly once.
pub(super) struct Draft<'a, 'w> {
    world: &'a World<'w>,
    items: Vec<Item>,
    ended: BTreeMap<EntryKey, Ended>,
}

impl<'a, 'w> Draft<'a, 'w> {
    pub(super) fn new(world: &'a World<'w>) -> Self {
        Self { world, items: Vec::new(), ended: BTreeMap::new() }
    }

    /// Notes how a fetched record ends.
    pub(super) fn end(&mut self, key: &EntryKey, ended: Ended) {
        let earlier = self.ended.insert(key.clone(), ended);
        assert!(earlier.is_none(), "{key:?} ends twice");
    }

    pub(super) fn leave_out(&mut self, key: &EntryKey, reason: Reason, candidates: Vec<DocId>) {
        self.end(key, Ended::Unsynced(reason, candidates));
    }

    /// Adds an item, without its changes.
    pub(super) fn act(
        &mut self,
        action: Action,
        key: &EntryKey,
        entry: &Entry,
        doc: Option<DocId>,
        rule: Option<Rule>,
    ) {
        self.items.push(Item {
            action,
            kind: key.0,
            vendor_id: key.1.clone(),
            name: entry.record.name.clone(),
            doc_id: doc,
            rule,
            changes: Vec::new(),
            entry_version: entry.version,
            doc_version: None,
            before: Before::default(),
            after: Fingerprint([0; 16]),
        });
    }

    /// Says whether an item links a record to `doc`.
    pub(super) fn claims(&self, doc: &DocId) -> bool {
        self.items.iter().any(|item| item.is_claim() && item.doc_id.as_ref() == Some(doc))
    }

    /// Completes the plan of the world's scope.
    pub(super) fn finish(self, settled: bool) -> ScopePlan {
        let below = self.world.standing.client().cloned();
        self.finish_below(below, settled)
    }

    /// Completes the plan for the documentation records of the client `below`.
    pub(super) fn finish_below(mut self, below: Option<DocId>, settled: bool) -> ScopePlan {
        self.items.sort_by(|left, right| order(left).cmp(&order(right)));
        let is_detachment = below.as_ref() != self.world.standing.client();
        let mut desk = Desk::new(self.world);
        desk.carry_out(&self.items);
        let claimed: std::collections::BTreeSet<DocId> =
            self.items.iter().filter(|item| item.is_claim()).filter_map(|item| item.doc_id.clone()).collect();
        for item in &mut self.items {
            complete(self.world, &desk, item, is_detachment);
            if !item.is_claim() && item.doc_id.as_ref().is_some_and(|doc| claimed.contains(doc)) {
                item.changes.clear();
            }
        }
        // A source that changed without changing what is shown is refreshed, but that is no change of the documentation.
        let ended = &mut self.ended;
        self.items.retain(|item| {
            let is_silent = item.action == Action::Update && item.changes.is_empty();
            if is_silent {
                ended.insert(item.key(), Ended::Unchanged);
            }
            !is_silent
        });
        let mut stale = BTreeMap::new();
        for item in self.items.iter().filter(|item| item.action == Action::Stale) {
            *stale.entry(item.kind).or_insert(0) += 1;
        }
        let (unsynced, counts) = count(self.ended);
        ScopePlan {
            scope: self.world.scope.clone(),
            standing: self.world.standing.clone(),
            below,
            docs_version: self.world.docs_version,
            items: self.items,
            unsynced,
            counts,
            stale,
            settled,
            after: None,
        }
    }
}

fn order(item: &Item) -> (Kind, &crate::ids::VendorId, Action) {
    (item.kind, &item.vendor_id, item.action)
}

/// Fills in what changes and how things stood before.
fn complete(world: &World<'_>, desk: &Desk<'_, '_>, item: &mut Item, is_detachment: bool) {
    let entry = &world.entries[&item.key()];
    let ours =
        |doc: Option<&DocId>| -> Option<Source> { world.docs.get(doc?)?.sources.get(world.integration).cloned() };
    let old = entry.mapping.doc.as_ref();
    let leaves = item.is_claim() && old.is_some() && old != item.doc_id.as_ref();
    let left = old.filter(|_| leaves).and_then(|old| ours(Some(old))).filter(|source| source.is_of(&entry.record));
    // A child whose old client's records are not here is detached before this plan is carried out.
    let is_detached_first = leaves && !is_detachment && old.and_then(DocId::client).as_ref() != world.standing.client();
    let before_doc = item.doc_id.as_ref().and_then(|doc| world.docs.get(doc));
    let mut mapping = entry.mapping.clone();
    if is_detached_first {
        mapping = Mapping { state: Default::default(), doc: None, ..mapping };
        item.entry_version += 1;
    }
    item.before = Before {
        mapping,
        source: ours(item.doc_id.as_ref()),
        left,
        archived: before_doc.is_some_and(|doc| doc.archived),
        archived_when_stale: before_doc.is_some_and(|doc| doc.archived_when_stale),
    };
    let after_doc = item.doc_id.as_ref().and_then(|doc| desk.doc(doc));
    if let (Some(_), Some(after)) = (&item.doc_id, after_doc) {
        item.doc_version = Some(before_doc.map_or(0, |doc| doc.version));
        item.changes = ownership::changes(before_doc, after);
    }
    item.after = after_digest(world.integration, after_doc);
}

/// Counts the records by how they ended. The equations of [`Counts`] hold because every record is counted once on each side.
fn count(ended: BTreeMap<EntryKey, Ended>) -> (Vec<Unsynced>, BTreeMap<Kind, Counts>) {
    let mut unsynced = Vec::new();
    let mut counts: BTreeMap<Kind, Counts> = BTreeMap::new();
    for ((kind, vendor_id), ended) in ended {
        let of = counts.entry(kind).or_default();
        of.fetched += 1;
        match ended {
            Ended::Created => of.created += 1,
            Ended::Matched => of.matched += 1,
            Ended::Updated => of.updated += 1,
            Ended::Unchanged => of.unchanged += 1,
            Ended::Unsynced(reason, candidates) => {
                *of.reasons.entry(reason).or_insert(0) += 1;
                unsynced.push(Unsynced { kind, vendor_id, reason, candidates });
            }
        }
    }
    for of in counts.values_mut() {
        of.synced = of.created + of.matched + of.updated + of.unchanged;
        of.unsynced = of.reasons.values().sum();
        of.excluded = of.reasons.get(&Reason::Excluded).copied().unwrap_or_default();
        of.assert_adds_up();
    }
    (unsynced, counts)
}
