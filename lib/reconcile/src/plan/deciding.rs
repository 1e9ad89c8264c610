//! What a run does with each record of a scope.

use super::drafting::{Draft, Ended};
use super::{Action, EntryKey, Purpose, ScopePlan, World, finishing};
use crate::doc::Doc;
use crate::eligibility;
use crate::mapping::{Entry, STALE_AFTER};
use crate::matching::{self, Finding, Unmapped};
use crate::reason::Reason;
use crate::record::Kind;

/// Plans one scope: the same world gives the same plan, byte for byte.
///
/// A run leaves staged decisions staged, and does not link or create a record that one waits for. Finish carries out the
/// staged decisions and decides nothing else; one that cannot be carried out stays staged, with the reason.
///
/// A record that is gone is not counted as fetched. One that was never mapped and is gone for good stays stored as missed,
/// is shown as gone, and is otherwise left alone.
pub fn plan(world: &World<'_>) -> ScopePlan {
    match world.purpose {
        Purpose::Run(_) => plan_run(world),
        Purpose::Finish => finishing::plan_finish(world),
    }
}

fn plan_run(world: &World<'_>) -> ScopePlan {
    let mut draft = Draft::new(world);
    let mut unmapped = Vec::new();
    let mut is_settled = true;
    for (key, entry) in world.entries {
        if entry.absent.is_some() {
            is_settled &= !world.policy.sync.contains(&key.0) || is_over(world, key, entry);
        } else if let Err(reason) = eligibility::check(entry, world.policy, world.standing) {
            is_settled &= is_lasting(reason);
            draft.leave_out(key, reason, Vec::new());
        } else if world.linked(entry).is_some() {
            plan_linked(world, &mut draft, key, entry);
        } else {
            let may_create = may_create(world, entry);
            let may_match = entry.mapping.staged.is_none() && (may_create || key.0.is_below_client());
            unmapped.push(Unmapped { key, entry, may_create: may_create && may_match, may_match });
        }
    }
    for kind in Kind::ALL {
        let of_kind: Vec<Unmapped<'_>> = unmapped.iter().filter(|one| one.key.0 == kind).copied().collect();
        let mut findings = matching::assign(world, kind, &of_kind);
        for one in of_kind {
            let finding = findings.remove(one.key).expect("every unmapped record has a finding");
            let lasts = plan_unmapped(world, &mut draft, one, finding);
            // What waits for a person anyway is not looked at again for an ambiguity that may pass.
            is_settled &= lasts || !one.may_match;
        }
    }
    for (key, entry) in world.entries.iter().filter(|(_, entry)| entry.absent.is_some()) {
        plan_absent(world, &mut draft, key, entry);
    }
    draft.finish(is_settled)
}

/// Says whether a record is created by itself: children where the switch is on, users and clients only if they are new
/// since going live (what a person left unmatched in the wizard stays so), and anything in the kind's first sync.
fn may_create(world: &World<'_>, entry: &Entry) -> bool {
    let kind = entry.record.kind;
    let is_wanted = world.policy.auto_create.contains(&kind) && (kind.is_below_client() || entry.is_new);
    is_wanted || world.policy.first_sync.contains(&kind)
}

/// Says whether a reason stays while the scope's vendor records, switches and a person's decisions stay, whatever other
/// integrations do. A duplicate is one among the vendor's own records; an ambiguity may be cleared up by another
/// integration.
fn is_lasting(reason: Reason) -> bool {
    !matches!(
        reason,
        Reason::AmbiguousName | Reason::AmbiguousMatch | Reason::GuardHeld | Reason::RejectedByDestination
    )
}

/// Says whether nothing is left to be done for a record that is absent: what only a run that reads the kind completely may
/// do is not, so that the next one looks at the scope again.
fn is_over(world: &World<'_>, key: &EntryKey, entry: &Entry) -> bool {
    let is_left = |doc: &&Doc| !world.is_read(key.0) && !due(world, doc).is_empty();
    world.missed_after(entry) >= STALE_AFTER && world.linked(entry).filter(is_left).is_none()
}

/// Returns what is done with the documentation record of a record that is gone for good.
fn due(world: &World<'_>, doc: &Doc) -> Vec<Action> {
    let mut due = Vec::new();
    if doc.sources.get(world.integration).is_some_and(|source| !source.stale) {
        due.push(Action::Stale);
    }
    let has_active = doc.sources.iter().any(|(integration, source)| integration != world.integration && !source.stale);
    if world.policy.archive_stale && !has_active && !doc.archived && !doc.archived_when_stale {
        due.push(Action::Archive);
    }
    due
}

/// Marks what is gone for good as stale and, where that is wanted, archives what no source has any longer; unless another
/// record takes its place.
fn plan_absent(world: &World<'_>, draft: &mut Draft<'_, '_>, key: &EntryKey, entry: &Entry) {
    let Some(doc) = world.linked(entry).filter(|doc| !draft.claims(&doc.id)) else { return };
    if world.missed_after(entry) < STALE_AFTER || !world.is_read(key.0) {
        return;
    }
    for action in due(world, doc) {
        draft.act(action, key, entry, Some(doc.id.clone()), None);
    }
}

fn plan_linked(world: &World<'_>, draft: &mut Draft<'_, '_>, key: &EntryKey, entry: &Entry) {
    let doc = world.linked(entry).expect("the caller looked");
    let source = &doc.sources[world.integration];
    let is_back = source.stale || (doc.archived && doc.archived_when_stale);
    if world.is_source_of(source, entry) && !is_back {
        return draft.end(key, Ended::Unchanged);
    }
    let action = if is_back { Action::Return } else { Action::Update };
    draft.act(action, key, entry, Some(doc.id.clone()), None);
    draft.end(key, Ended::Updated);
}

/// Plans a record without mapping and says whether the outcome lasts.
fn plan_unmapped(world: &World<'_>, draft: &mut Draft<'_, '_>, one: Unmapped<'_>, finding: Finding) -> bool {
    let Unmapped { key, entry, may_create, .. } = one;
    match finding {
        Finding::Same(doc, rule) => {
            displace(world, draft, key, &doc);
            draft.act(Action::Match, key, entry, Some(doc), Some(rule));
            draft.end(key, Ended::Matched);
        }
        Finding::Held(reason, candidates) => {
            let is_settled = is_lasting(reason);
            draft.leave_out(key, reason, candidates);
            return is_settled;
        }
        Finding::Nothing if may_create => {
            let own = matching::own_id(world, key, entry).expect("an eligible child has a mapped client");
            draft.act(Action::Create, key, entry, Some(own), None);
            draft.end(key, Ended::Created);
        }
        Finding::Nothing => draft.leave_out(key, Reason::Unmatched, Vec::new()),
    }
    true
}

/// Detaches the record that holds `doc` and has to make room for `key`.
pub(super) fn displace(world: &World<'_>, draft: &mut Draft<'_, '_>, key: &EntryKey, doc: &crate::ids::DocId) {
    let holder = world.docs.get(doc).and_then(|doc| world.holder(doc)).filter(|(holder, _)| holder != key);
    if let Some((holder, entry)) = holder {
        draft.act(Action::Detach, &holder, entry, Some(doc.clone()), None);
    }
}
