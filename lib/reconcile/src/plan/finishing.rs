//! What Finish does with each record of a scope: the staged decisions, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use super::deciding::displace;
use super::drafting::{Draft, Ended};
use super::{Action, EntryKey, Rule, ScopePlan, World};
use crate::eligibility;
use crate::ids::DocId;
use crate::mapping::{Decision, Entry, State};
use crate::matching::{self, Hold};
use crate::reason::Reason;

/// What becomes of one staged decision.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ruling {
    /// It holds already.
    Idle,
    Link(DocId, Rule),
    Create(DocId),
    Exclude,
    Reset,
    Refused(Reason, Vec<DocId>),
}

pub(super) fn plan_finish(world: &World<'_>) -> ScopePlan {
    let rulings = rule_all(world);
    let mut draft = Draft::new(world);
    for (key, entry) in world.entries {
        let ended = match rulings.get(key) {
            Some(ruling) => carry(world, &mut draft, key, entry, ruling),
            None => undecided(world, entry),
        };
        if !is_gone(entry) {
            draft.end(key, ended);
        }
    }
    for (key, ruling) in &rulings {
        if let Ruling::Link(doc, _) = ruling {
            let holder = world.holder(&world.docs[doc]);
            if holder.is_some_and(|(holder, _)| !leaves(rulings.get(&holder))) {
                displace(world, &mut draft, key, doc);
            }
        }
    }
    draft.finish(false)
}

/// Says whether a complete read did not have the record, the last one or the two that made it stale.
fn is_gone(entry: &Entry) -> bool {
    entry.absent.as_ref().is_some_and(|absence| absence.certain || entry.is_stale())
}

/// Says whether an entry's staged decision holds already, so that Finish only clears it.
pub(super) fn is_idle(world: &World<'_>, key: &EntryKey, entry: &Entry) -> bool {
    let linked = world.linked(entry).map(|doc| &doc.id);
    match &entry.mapping.staged {
        None => false,
        Some(Decision::Match(doc)) => linked == Some(doc),
        Some(Decision::Create) => linked.is_some() && linked == matching::own_id(world, key, entry).as_ref(),
        Some(Decision::Exclude) => entry.mapping.state == State::Excluded,
        Some(Decision::Reset) => entry.mapping.state == State::Unmatched && entry.mapping.doc.is_none(),
    }
}

/// Rules on every staged decision. Refusing one keeps a documentation record taken, which may refuse the next, so it goes
/// on until nothing changes.
fn rule_all(world: &World<'_>) -> BTreeMap<EntryKey, Ruling> {
    let mut rulings: BTreeMap<EntryKey, Ruling> = world
        .entries
        .iter()
        .filter_map(|(key, entry)| Some((key.clone(), rule_alone(world, key, entry, entry.mapping.staged.as_ref()?))))
        .collect();
    loop {
        let mut wanted: BTreeMap<&DocId, usize> = BTreeMap::new();
        for ruling in rulings.values() {
            if let Ruling::Link(doc, _) = ruling {
                *wanted.entry(doc).or_default() += 1;
            }
        }
        let refused: Vec<(EntryKey, DocId)> = rulings
            .iter()
            .filter_map(|(key, ruling)| match ruling {
                Ruling::Link(doc, _) if wanted[doc] > 1 || is_taken(world, &rulings, key, doc) => {
                    Some((key.clone(), doc.clone()))
                }
                _ => None,
            })
            .collect();
        if refused.is_empty() {
            return rulings;
        }
        for (key, doc) in refused {
            let reason = matching::ambiguity(key.0);
            rulings.insert(key, Ruling::Refused(reason, vec![doc]));
        }
    }
}

/// Rules on one decision without regard to the others.
fn rule_alone(world: &World<'_>, key: &EntryKey, entry: &Entry, decision: &Decision) -> Ruling {
    if is_idle(world, key, entry) {
        return Ruling::Idle;
    }
    let is_linking = matches!(decision, Decision::Match(_) | Decision::Create);
    // What the record holds cannot be taken from it while the client's documentation records are out of reach.
    let is_dormant = key.0.is_below_client() && entry.mapping.doc.is_some() && world.standing.client().is_none();
    let checked = eligibility::check_decided(entry, world.policy, world.standing);
    if let Some(reason) = checked.err().filter(|_| is_linking || is_dormant) {
        return Ruling::Refused(reason, Vec::new());
    }
    if is_linking && is_gone(entry) {
        return Ruling::Refused(Reason::Unmatched, Vec::new());
    }
    match decision {
        Decision::Exclude => Ruling::Exclude,
        Decision::Reset => Ruling::Reset,
        Decision::Match(doc) if doc.kind() == key.0 && world.docs.contains_key(doc) => {
            Ruling::Link(doc.clone(), Rule::Decision)
        }
        Decision::Match(_) => Ruling::Refused(Reason::Unmatched, Vec::new()),
        Decision::Create => match matching::own_id(world, key, entry) {
            Some(own) if world.docs.contains_key(&own) => Ruling::Link(own, Rule::SameRecord),
            Some(own) => Ruling::Create(own),
            None => Ruling::Refused(Reason::ClientUnmatched, Vec::new()),
        },
    }
}

/// Says whether the holder of `doc` keeps it: it is not known to be gone, and this Finish does not take it elsewhere.
fn is_taken(world: &World<'_>, rulings: &BTreeMap<EntryKey, Ruling>, key: &EntryKey, doc: &DocId) -> bool {
    let doc = &world.docs[doc];
    match world.holder(doc) {
        Some((holder, entry)) => holder != *key && !is_gone(entry) && !leaves(rulings.get(&holder)),
        None => matching::hold(world, doc) == Hold::Taken,
    }
}

fn leaves(ruling: Option<&Ruling>) -> bool {
    matches!(ruling, Some(Ruling::Link(..) | Ruling::Create(_) | Ruling::Exclude | Ruling::Reset))
}

fn carry(world: &World<'_>, draft: &mut Draft<'_, '_>, key: &EntryKey, entry: &Entry, ruling: &Ruling) -> Ended {
    let old = || entry.mapping.doc.clone();
    match ruling {
        Ruling::Idle => undecided(world, entry),
        Ruling::Link(doc, rule) => {
            draft.act(Action::Match, key, entry, Some(doc.clone()), Some(*rule));
            Ended::Matched
        }
        Ruling::Create(own) => {
            draft.act(Action::Create, key, entry, Some(own.clone()), Some(Rule::Decision));
            Ended::Created
        }
        Ruling::Exclude => {
            draft.act(Action::Exclude, key, entry, old(), Some(Rule::Decision));
            let earlier = [Reason::MalformedRecord, Reason::KindOff];
            let checked = eligibility::check(entry, world.policy, world.standing).err();
            Ended::Unsynced(checked.filter(|reason| earlier.contains(reason)).unwrap_or(Reason::Excluded), Vec::new())
        }
        Ruling::Reset => {
            draft.act(Action::Reset, key, entry, old(), Some(Rule::Decision));
            let reason = eligibility::check_decided(entry, world.policy, world.standing).err();
            Ended::Unsynced(reason.unwrap_or(Reason::Unmatched), Vec::new())
        }
        Ruling::Refused(reason, candidates) => refused(world, entry, *reason, candidates.clone()),
    }
}

/// A refused decision leaves the record as it was: an excluded one excluded, a mapped one mapped.
fn refused(world: &World<'_>, entry: &Entry, reason: Reason, candidates: Vec<DocId>) -> Ended {
    match undecided(world, entry) {
        Ended::Unsynced(Reason::Excluded, _) => Ended::Unsynced(Reason::Excluded, Vec::new()),
        Ended::Unsynced(..) => Ended::Unsynced(reason, candidates),
        ended => ended,
    }
}

/// Says how a record without a decision stands. Reasons of an earlier run are kept where they may still hold.
fn undecided(world: &World<'_>, entry: &Entry) -> Ended {
    if let Err(reason) = eligibility::check(entry, world.policy, world.standing) {
        return Ended::Unsynced(reason, Vec::new());
    }
    if world.linked(entry).is_some() {
        return Ended::Unchanged;
    }
    let kept = BTreeSet::from([
        Reason::AmbiguousName,
        Reason::AmbiguousMatch,
        Reason::DuplicateAtVendor,
        Reason::RejectedByDestination,
        Reason::ManualStepNeeded,
    ]);
    match entry.mapping.reason {
        Some(reason) if kept.contains(&reason) => Ended::Unsynced(reason, entry.mapping.candidates.clone()),
        _ => Ended::Unsynced(Reason::Unmatched, Vec::new()),
    }
}
