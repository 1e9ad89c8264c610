//! Clients that come to be mapped to another documentation record, and what their children leave behind.

use std::collections::BTreeSet;

use super::drafting::Draft;
use super::{Action, ScopePlan, Standing, World};
use crate::ids::DocId;
use crate::mapping::{Entry, State};
use crate::reason::Reason;

/// Returns where the children of `client` stand once the plan of the top scope is carried out. A client that is not known
/// stands unmatched.
pub fn children_standing(client: Option<&Entry>, top: &ScopePlan) -> Standing {
    let Some(client) = client else { return Standing::Unmatched };
    let is_it = |kind, vendor_id: &_| kind == client.record.kind && *vendor_id == client.record.vendor_id;
    for item in top.items.iter().filter(|item| is_it(item.kind, &item.vendor_id)) {
        match (item.action, &item.doc_id) {
            (Action::Create | Action::Match, Some(doc)) => return Standing::Mapped(doc.clone()),
            (Action::Exclude, _) => return Standing::Excluded,
            (Action::Reset | Action::Detach, _) => return Standing::Unmatched,
            _ => {}
        }
    }
    // These reasons come after the look at the mapping, so a record with one of them has none that holds.
    let lost = top.unsynced.iter().any(|left| {
        is_it(left.kind, &left.vendor_id)
            && matches!(left.reason, Reason::Unmatched | Reason::AmbiguousName | Reason::AmbiguousMatch)
    });
    match (client.mapping.state, &client.mapping.doc) {
        (State::Excluded, _) => Standing::Excluded,
        (State::Matched | State::Created, Some(doc)) if !lost => Standing::Mapped(doc.clone()),
        _ => Standing::Unmatched,
    }
}

/// Returns the clients whose documentation records the scope's children still hold although their client is mapped to
/// another one. For each of them a [`detach`] comes before the scope's own plan.
///
/// Children of a client that is excluded or no longer matched keep what they hold: they only wait, and go on where they
/// were if the client is mapped to the same documentation record again.
pub fn foreign_clients<'e>(entries: impl IntoIterator<Item = &'e Entry>, standing: &Standing) -> BTreeSet<DocId> {
    let Standing::Mapped(client) = standing else { return BTreeSet::new() };
    entries
        .into_iter()
        .filter_map(|entry| entry.mapping.doc.as_ref()?.client())
        .filter(|holder| holder != client)
        .collect()
}

/// Plans the leaving of the documentation records below the client `from`: `world.docs` and `world.docs_version` are those
/// of `from`, `world.standing` is where the scope's client stands now.
///
/// Each child that holds a record below `from` is detached: the record keeps everything but what this integration said of
/// it, and the child is unmatched until the scope's own plan links it below its new client. Carrying it out twice is the
/// same as once.
pub fn detach(world: &World<'_>, from: &DocId) -> ScopePlan {
    let mut draft = Draft::new(world);
    if world.standing.client().is_some_and(|client| client != from) {
        for (key, entry) in world.entries {
            let doc = entry.mapping.doc.as_ref().filter(|doc| doc.client().as_ref() == Some(from));
            if let Some(doc) = doc {
                draft.act(Action::Detach, key, entry, Some(doc.clone()), None);
            }
        }
    }
    draft.finish_below(Some(from.clone()), false)
}
