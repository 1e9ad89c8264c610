//! Plans the records of a scope that changed, without the rest of it.
//!
//! Most of what changes in a night changes nobody's identity: a device has another model, a contact another telephone
//! number. What such a record does to its documentation record follows from these two alone, and what every other record
//! of the scope does stays as it was. So a night need not load a client's records to write one of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Counts, Purpose, ScopePlan, Standing, World, effects, plan};
use crate::eligibility;
use crate::ids::DocId;
use crate::mapping::Entry;
use crate::ownership::Identifiers;
use crate::record::Kind;

/// Plans some records of a settled scope: `world` holds them and the documentation records that they are mapped to, and
/// nothing else of the scope; `stood` says how all records of the scope ended when it was last planned, by kind.
///
/// The plan is what [`plan`] makes of the whole scope, byte for byte but for two things: records that stay out as they did
/// are not listed, and the version of the shelf is not known. It carries its documentation records with it
/// ([`ScopePlan::after`]), each to be written at the version that this was decided on; nothing else was looked at.
///
/// `None` where a record may matter to others: one that is not mapped on both sides, was not synced before, or may not be;
/// one that is known by other identifiers than before; one whose documentation record would move, be archived or come back.
/// Then the scope has to be planned as a whole. Where the client is not mapped nobody is matched with anything, so there a
/// record that stays out for the reason it had matters to nobody. The caller sees to it that the rest of the scope is as it was: that no
/// absence was noted in it, no switch or decision changed, and nobody asked to look at it again.
pub fn narrow(world: &World<'_>, stood: &BTreeMap<Kind, Counts>) -> Option<ScopePlan> {
    let is_run = matches!(world.purpose, Purpose::Run(_));
    let is_out_of_reach = matches!(world.standing, Standing::Unmatched | Standing::Excluded);
    let is_alone = |entry| if is_out_of_reach { stays_out(world, entry) } else { is_plain(world, entry) };
    if !is_run || !world.entries.values().all(is_alone) {
        return None;
    }
    let mut made = plan(world);
    let written = effects(world, &made);
    if written.iter().any(|effect| effect.moves_identity || !effect.entries.is_empty()) {
        return None;
    }
    made.counts = counts(&made, stood)?;
    made.unsynced.clear();
    made.after = Some(written.into_iter().flat_map(|effect| effect.docs).map(|doc| (doc.version, doc)).collect());
    Some(made)
}

/// Returns the documentation records that [`narrow`] has to be given for these entries.
pub fn narrow_docs<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> BTreeSet<&'e DocId> {
    entries.into_iter().filter_map(|entry| entry.mapping.doc.as_ref()).collect()
}

/// Says whether an entry was synced, is to be synced, and is known by what it was known by.
fn is_plain(world: &World<'_>, entry: &Entry) -> bool {
    let (record, mapping) = (&entry.record, &entry.mapping);
    let was_synced = mapping.reason.is_none() && mapping.candidates.is_empty() && mapping.missed == 0;
    let is_there = entry.absent.is_none() && eligibility::check(entry, world.policy, world.standing).is_ok();
    let Some(doc) = world.linked(entry).filter(|_| was_synced && is_there) else { return false };
    let source = &doc.sources[world.integration];
    let known = |name: &str, fields| Identifiers::of(record.kind, name, fields);
    !source.stale
        && !doc.archived_when_stale
        && known(&source.name, &source.fields) == known(&record.name, &record.fields)
}

/// Says whether an entry stays out for the reason that it had, with nothing else known of it.
fn stays_out(world: &World<'_>, entry: &Entry) -> bool {
    let mapping = &entry.mapping;
    let is_bare = mapping.doc.is_none() && mapping.candidates.is_empty() && mapping.missed == 0;
    let reason = eligibility::check(entry, world.policy, world.standing).err();
    is_bare && entry.absent.is_none() && reason.is_some() && reason == mapping.reason
}

/// Returns how the records of the scope end: as they stood, but for those that are updated.
fn counts(made: &ScopePlan, stood: &BTreeMap<Kind, Counts>) -> Option<BTreeMap<Kind, Counts>> {
    let mut counts: BTreeMap<Kind, Counts> = stood.iter().map(|(kind, of)| (*kind, of.carried_over())).collect();
    for (kind, of) in &made.counts {
        let whole = counts.get_mut(kind).filter(|whole| whole.unchanged >= of.updated + of.unchanged)?;
        if of.reasons.iter().any(|(reason, count)| whole.reasons.get(reason) < Some(count)) {
            return None;
        }
        whole.updated += of.updated;
        whole.unchanged -= of.updated;
        whole.assert_adds_up();
    }
    Some(counts)
}

#[cfg(test)]
mod tests;
