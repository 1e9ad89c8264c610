//! Scopes of which only some records changed: planned and carried out by those records' keys, the rest left unread.
//!
//! ```text
//! gather ── the scope was settled, only changes were asked for, few came ──► slice with what is remembered of the scope
//! intake ── reads those entries by key ──► mark with their ids, and the digest as it is by then
//! planning ── reads those entries and their documentation records ──► a narrow plan, or the scope is planned as a whole
//! applying ── writes the plan's documentation records at their versions; a conflict: as a whole
//! ```
//!
//! What a narrow plan rests on it writes, so a version that still holds says that nobody else changed it. A scope about
//! which anything else is to be known takes the path of all others; [`reconcile::plan::narrow`] says which may not.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use reconcile::doc::Doc;
use reconcile::ids::{DocId, Scope};
use reconcile::mapping::Entry;
use reconcile::plan::{EntryKey, Purpose, ScopePlan, Standing, World, narrow, narrow_docs};
use reconcile::record::Kind;

use crate::planning::Standings;
use crate::ports::Table;
use crate::store::catalogue;
use crate::store::entries::{self, Place, Stored};
use crate::store::integrations::Integration;
use crate::store::plans::ScopeDone;
use crate::store::runs::{Arrived, Rest, RunRecord};
use crate::store::{StoreError, encode};
use crate::worlds;

/// The most rows of a scope and kind that are read by their keys.
const ROWS_MAX: u64 = 50;

/// The most bytes of documentation records that a plan carries; a piece of a plan has to fit an item with them.
const CARRIED_BYTES_MAX: usize = 100 * 1024;

/// Writes under way at once.
const IN_FLIGHT: usize = 8;

/// Says whether so many rows of so many records are cheaper read by their keys. That takes three units a row: the entry
/// twice, its documentation record once. Read as a whole, a scope takes about three quarters of a unit for each of its
/// records (600 bytes; entries three times, documentation records twice) and five beside.
pub fn are_few(rows: u64, records: u64) -> bool {
    rows <= ROWS_MAX && rows * 4 <= records + 7
}

/// The scopes of a run whose messages said what is remembered of the rest of them, for every kind that they brought.
pub fn candidates(arrived: &BTreeMap<u64, Arrived>) -> BTreeMap<&Scope, BTreeMap<Kind, &Rest>> {
    let mut candidates: BTreeMap<&Scope, BTreeMap<Kind, &Rest>> = BTreeMap::new();
    let mut whole: BTreeSet<&Scope> = BTreeSet::new();
    for touched in arrived.values().flat_map(|arrived| &arrived.scopes) {
        let Some(rest) = &touched.rest else {
            whole.insert(&touched.scope);
            continue;
        };
        // Twice the same rest: what is remembered would be right for neither.
        if candidates.entry(&touched.scope).or_default().insert(touched.kind, rest).is_some() {
            whole.insert(&touched.scope);
        }
    }
    candidates.retain(|scope, _| !whole.contains(scope));
    candidates
}

/// Plans those of `scopes` that need not be read as a whole. `standings` is there where the run brought clients; where it
/// did not, clients stand as they stood when the scopes were settled.
///
/// Entries that are among `stored` are not read: the caller has stored them in this run. Whoever maps one of them otherwise
/// meanwhile writes its documentation record as well, and that is read here.
pub async fn plans(
    record: &RunRecord,
    integration: &Integration,
    scopes: &[Scope],
    candidates: &BTreeMap<&Scope, BTreeMap<Kind, &Rest>>,
    standings: Option<&Standings>,
    stored: &Stored,
    table: &impl Table,
) -> Result<BTreeMap<Scope, ScopePlan>, StoreError> {
    let few: Vec<&Scope> = scopes.iter().filter(|scope| candidates.contains_key(scope)).collect();
    let mut places: Vec<Place> = Vec::new();
    for scope in &few {
        for (kind, rest) in &candidates[*scope] {
            places.extend(rest.ids.iter().map(|id| ((*scope).clone(), (*kind, id.clone()))));
        }
    }
    let mut entries: BTreeMap<Scope, BTreeMap<EntryKey, Entry>> = BTreeMap::new();
    let (at_hand, unknown): (Vec<Place>, Vec<Place>) = places.into_iter().partition(|place| stored.contains_key(place));
    let loaded = entries::load_some(table, &integration.id, &unknown).await?;
    let at_hand = at_hand.into_iter().filter_map(|place| stored.get_key_value(&place));
    let at_hand = at_hand.map(|(place, entry)| (place.clone(), entry.clone()));
    for ((scope, key), entry) in loaded.into_iter().chain(at_hand) {
        entries.entry(scope).or_default().insert(key, entry);
    }
    let wanted: BTreeSet<&DocId> = entries.values().flat_map(|entries| narrow_docs(entries.values())).collect();
    let mut docs = catalogue::load_some(table, wanted).await?;
    let (purpose, complete) = (Purpose::Run(record.run_id.clone()), worlds::complete_kinds(&record.run));
    let mut plans = BTreeMap::new();
    for scope in few {
        let Some(entries) = entries.get(scope) else { continue };
        let known: usize = candidates[scope].values().map(|rest| rest.ids.len()).sum();
        let waits = candidates[scope].values().all(|rest| rest.of.waits_for_client());
        let standing = if waits { Some(Standing::Unmatched) } else { mapped_to(scope, entries) };
        let is_so = |standing: &Standing| standings.is_none_or(|standings| standings.of(scope) == *standing);
        let Some(standing) = standing.filter(is_so).filter(|_| entries.len() == known) else { continue };
        let wanted = narrow_docs(entries.values()).into_iter().cloned().collect::<Vec<_>>();
        let docs: BTreeMap<DocId, Doc> = wanted.into_iter().filter_map(|id| docs.remove_entry(&id)).collect();
        let world = World {
            integration: &integration.id,
            role: integration.role,
            scope,
            purpose: &purpose,
            standing: &standing,
            policy: &integration.policy(),
            complete: &complete,
            entries,
            docs: &docs,
            docs_version: 0,
        };
        let stood = candidates[scope].iter().map(|(kind, rest)| (*kind, rest.of.counts())).collect();
        let made = narrow(&world, &stood).filter(|made| encode(&made.after).len() <= CARRIED_BYTES_MAX);
        plans.extend(made.map(|made| (scope.clone(), made)));
    }
    Ok(plans)
}

/// Returns where a scope's client stands by what its records are mapped to.
fn mapped_to(scope: &Scope, entries: &BTreeMap<EntryKey, Entry>) -> Option<Standing> {
    let Scope::Client(_) = scope else { return Some(Standing::Top) };
    let mapped = entries.values().map(|entry| entry.mapping.doc.as_ref().and_then(DocId::client));
    let clients: BTreeSet<Option<DocId>> = mapped.collect();
    let client = clients.into_iter().reduce(|one, other| one.filter(|one| Some(one) == other.as_ref()))?;
    client.map(Standing::Mapped)
}

/// Carries out the narrow ones of some plans, and returns those that are written. One whose documentation records somebody
/// else changed is not, and no other was: it has to be looked at as a whole, and so has one that a try before this one wrote.
pub async fn carry_out(stored: &[ScopePlan], table: &impl Table) -> Result<BTreeMap<Scope, ScopeDone>, StoreError> {
    let tries: Vec<_> = stored.iter().filter(|plan| plan.after.is_some()).map(|plan| write(plan, table)).collect();
    let written = stream::iter(tries).buffered(IN_FLIGHT).try_collect::<Vec<_>>().await?;
    Ok(written.into_iter().flatten().map(|done| (done.scope.clone(), done)).collect())
}

async fn write(plan: &ScopePlan, table: &impl Table) -> Result<Option<ScopeDone>, StoreError> {
    for (version, doc) in plan.after.iter().flatten() {
        let doc = Doc { version: *version, ..doc.clone() };
        match table.write(catalogue::write(&doc)).await.map_err(StoreError::from) {
            Err(error) if error.is_conflict() => return Ok(None),
            other => other?,
        }
    }
    Ok(Some(ScopeDone {
        scope: plan.scope.clone(),
        counts: plan.counts.clone(),
        settled: true,
        waits: plan.standing == Standing::Unmatched,
        content: BTreeMap::new(),
        narrow: true,
    }))
}
