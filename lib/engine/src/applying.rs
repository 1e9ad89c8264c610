//! Carries out one part of a plan.
//!
//! A plan of some records only carries what it writes, and is written as it stands ([`crate::narrowing`]); where somebody
//! else wrote first, it is treated as all others. Before a scope is written it is loaded and planned once more. Where nothing moved meanwhile, that gives the stored plan
//! again; after a crash half-way it gives the rest of it; where somebody else wrote first, it gives what is right by then.
//! A plan that a person has seen (Finish, or a held plan that was approved) is carried out *as seen*: what would be
//! different by then is left for the next run.

use std::collections::{BTreeMap, BTreeSet};

use reconcile::ids::{IntegrationId, PlanId, Scope};
use reconcile::mapping::Entry;
use reconcile::plan::{
    Action, Counts, Effect, Item, Purpose, ScopePlan, Standing, detach, effects, foreign_clients, plan,
};
use reconcile::reason::Reason;
use reconcile::record::{Field, Fingerprint, Kind};
use reconcile::run::Phase;

use crate::error::{Doing, StepError};
use crate::ports::{Clock, QueueOut, TRANSACTION_WRITES_MAX, Table, TableError, Write};
use crate::store::StoreError;
use crate::store::catalogue::{self, Shelf};
use crate::store::digests;
use crate::store::entries;
use crate::store::integrations::{self, Integration};
use crate::store::plans::{self, PartDone, PlanHead, ScopeDone};
use crate::store::roster;
use crate::store::runs::{self, Mark, RunRecord};
use crate::{life, narrowing, worlds, writes};

/// How often a scope is planned again because somebody else wrote first, before the message goes back to the queue.
pub(crate) const TRIES_MAX: usize = 4;

/// Whether a plan was seen by a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Nobody saw it: what is right now is carried out.
    Follow,
    /// A person saw it: only what stands in it is carried out.
    AsSeen,
}

/// Carries out one part of a plan, and marks it. A message that comes again finds what is done and does the rest.
pub async fn apply_part(
    plan_id: &PlanId,
    part: u64,
    table: &impl Table,
    queue: &impl QueueOut,
    clock: &impl Clock,
) -> Result<(), StepError> {
    let Some(head) = plans::load(table, plan_id).await.doing("loading a plan")? else { return Ok(()) };
    let Some(run) = run_of(&head, part, table).await? else { return Ok(()) };
    let done = runs::mark::<PartDone>(table, &head.owner, Mark::Applied(part)).await.doing("looking for a part")?;
    if done.is_none() {
        let integration = integrations::load(table, &plan_id.integration()).await.doing("loading an integration")?;
        let integration = integration.ok_or_else(|| StepError::NoIntegration(plan_id.integration().to_string()))?;
        let stored = plans::load_part(table, &head.owner, part).await.doing("loading a part of a plan")?;
        let mode = if head.why.is_empty() { Mode::Follow } else { Mode::AsSeen };
        let done = apply_scopes(&stored, &run, mode, &integration, table).await?;
        runs::put_mark(table, &head.owner, Mark::Applied(part), clock.now(), &done).await.doing("marking a part")?;
    }
    life::look(&run.run_id, table, queue, clock).await
}

/// Carries out the scopes of a part that nobody has seen, and returns what is to be marked.
pub(crate) async fn follow(
    plans: &[ScopePlan],
    run: &RunRecord,
    integration: &Integration,
    table: &impl Table,
) -> Result<PartDone, StepError> {
    apply_scopes(plans, run, Mode::Follow, integration, table).await
}

async fn apply_scopes(
    plans: &[ScopePlan],
    run: &RunRecord,
    mode: Mode,
    integration: &Integration,
    table: &impl Table,
) -> Result<PartDone, StepError> {
    let mut done = PartDone::default();
    let (purpose, complete) = (Purpose::Run(run.run_id.clone()), worlds::complete_kinds(&run.run));
    let mut written = narrowing::carry_out(plans, table).await.doing("writing records")?;
    for scope in plans {
        if let Some(scope_done) = written.remove(&scope.scope) {
            done.scopes.push(scope_done);
            continue;
        }
        let scope_done = apply_scope(scope, &purpose, &complete, mode, integration, table).await?;
        if !scope.is_detachment() {
            done.scopes.push(scope_done);
        }
    }
    Ok(done)
}

/// Returns the open run that a part belongs to, if it is that part's turn.
async fn run_of(head: &PlanHead, part: u64, table: &impl Table) -> Result<Option<RunRecord>, StepError> {
    let Some(run_id) = &head.run else { return Ok(None) };
    let Some(record) = runs::open_run(table, run_id).await.doing("looking at a run")? else { return Ok(None) };
    let belongs = match &record.run.phase {
        Phase::ApplyingTop { plan, .. } => *plan == head.plan_id && part == 0,
        Phase::Applying { plan, parts } => *plan == head.plan_id && (1..=*parts).contains(&part),
        _ => false,
    };
    Ok(belongs.then_some(record))
}

/// Carries out a Finish: the scopes of a plan that a person has seen, one after the other. May be called again.
pub async fn apply_seen(
    stored: &[ScopePlan],
    integration: &Integration,
    table: &impl Table,
) -> Result<Vec<ScopeDone>, StepError> {
    let mut done = Vec::new();
    for scope in stored {
        let complete = Default::default();
        let scope_done = apply_scope(scope, &Purpose::Finish, &complete, Mode::AsSeen, integration, table).await?;
        if !scope.is_detachment() {
            done.push(scope_done);
        }
    }
    Ok(done)
}

/// Carries out one scope, again from the beginning where somebody else wrote first.
async fn apply_scope(
    stored: &ScopePlan,
    purpose: &Purpose,
    complete: &BTreeSet<Kind>,
    mode: Mode,
    integration: &Integration,
    table: &impl Table,
) -> Result<ScopeDone, StepError> {
    for attempt in 1.. {
        match try_scope(stored, purpose, complete, mode, integration, table).await {
            Err(error) if error.is_conflict() && attempt < TRIES_MAX => {}
            other => {
                roster::touch(table, &integration.id, &stored.scope).await.doing("telling a roster")?;
                return other.doing("writing a scope");
            }
        }
    }
    unreachable!("the last try returns")
}

async fn try_scope(
    stored: &ScopePlan,
    purpose: &Purpose,
    complete: &BTreeSet<Kind>,
    mode: Mode,
    integration: &Integration,
    table: &impl Table,
) -> Result<ScopeDone, StoreError> {
    // Where the client stands is looked up once more: the top of the run, or a person, may have mapped it elsewhere than
    // the plan expected.
    let standing = worlds::standing(table, integration, &stored.scope).await?;
    if standing != stored.standing && (mode == Mode::AsSeen || stored.is_detachment()) {
        return Ok(passed_over(stored));
    }
    let mut loaded = worlds::load(table, integration, &stored.scope, &standing, purpose, complete).await?;
    if let (true, Some(from)) = (stored.is_detachment(), &stored.below) {
        let left = loaded.against(table, from).await?;
        let fresh = detach(&left.world(integration), from);
        return carry_out(stored, fresh, &left, &Shelf::Client(from.clone()), mode, integration, table).await;
    }
    if mode == Mode::Follow {
        let foreign = foreign_clients(loaded.entries.values(), &standing);
        for from in &foreign {
            let left = loaded.against(table, from).await?;
            let fresh = detach(&left.world(integration), from);
            let shelf = Shelf::Client(from.clone());
            carry_out(stored, fresh, &left, &shelf, mode, integration, table).await?;
            loaded = worlds::load(table, integration, &stored.scope, &standing, purpose, complete).await?;
        }
    }
    let stored_content = content(&loaded, complete);
    let fresh = plan(&loaded.world(integration));
    let done = match Shelf::for_scope(&loaded.scope, &standing) {
        Some(shelf) => carry_out(stored, fresh, &loaded, &shelf, mode, integration, table).await?,
        None => {
            let done = effects(&loaded.world(integration), &fresh);
            debug_assert!(done.iter().all(|effect| effect.docs.is_empty()), "without a client there is no catalogue");
            commit(&done, None, loaded.docs_version, integration, table).await?;
            ScopeDone {
                scope: stored.scope.clone(),
                settled: fresh.settled,
                waits: standing == Standing::Unmatched,
                counts: counts(stored, fresh, &[]),
                content: BTreeMap::new(),
                narrow: false,
            }
        }
    };
    Ok(ScopeDone { content: stored_content, ..done })
}

/// Returns the digests of what is stored of the kinds that were not read completely: what the next complete read brings,
/// if nothing has changed.
fn content(loaded: &worlds::Loaded, complete: &BTreeSet<Kind>) -> BTreeMap<Kind, Fingerprint> {
    let mut sums: BTreeMap<Kind, digests::Sum> = BTreeMap::new();
    for entry in loaded.entries.values().filter(|entry| !complete.contains(&entry.record.kind)) {
        let sum = sums.entry(entry.record.kind).or_default();
        if entry.absent.is_none() {
            sum.add(&entry.record, entry.copies);
        }
    }
    sums.into_iter().map(|(kind, sum)| (kind, sum.digest())).collect()
}

/// Writes what a fresh plan says, of a seen one only what was seen.
async fn carry_out(
    stored: &ScopePlan,
    mut fresh: ScopePlan,
    loaded: &worlds::Loaded,
    shelf: &Shelf,
    mode: Mode,
    integration: &Integration,
    table: &impl Table,
) -> Result<ScopeDone, StoreError> {
    let mut effects = effects(&loaded.world(integration), &fresh);
    let unseen = match mode {
        Mode::Follow => Vec::new(),
        Mode::AsSeen => take_unseen(&mut fresh, stored),
    };
    effects.retain(|effect| !unseen.iter().any(|item| touches(effect, item)));
    commit(&effects, Some(shelf), loaded.docs_version, integration, table).await?;
    // The stored plan is asked as well: a try that was cut off after its writes comes back to find nothing to do.
    let items = || stored.items.iter().chain(&fresh.items).filter(|item| concerns_others(item));
    if items().next().is_some() {
        tell_others(items(), loaded, shelf, integration, table).await?;
    }
    let settled = fresh.settled && unseen.is_empty();
    unseen.iter().for_each(|item| take_back(&mut fresh.counts, item));
    Ok(ScopeDone {
        scope: stored.scope.clone(),
        settled,
        waits: false,
        counts: counts(stored, fresh, &unseen),
        content: BTreeMap::new(),
        narrow: false,
    })
}

/// Says whether an item may change what another integration finds: who is who, or whether a source is stale.
fn concerns_others(item: &Item) -> bool {
    let identifying = [Field::Hostname, Field::SerialNumber, Field::MacAddresses, Field::Email, Field::Address];
    item.action != Action::Update || item.changes.iter().any(|change| identifying.contains(&change.field))
}

/// Asks the other integrations that share these records to look again: those with the same client for what lies below it,
/// else those with the same documentation record, also with one that is left for another.
async fn tell_others(
    items: impl Iterator<Item = &Item>,
    loaded: &worlds::Loaded,
    shelf: &Shelf,
    integration: &Integration,
    table: &impl Table,
) -> Result<(), StoreError> {
    let mut others: BTreeSet<(IntegrationId, Scope)> = BTreeSet::new();
    if let Shelf::Client(client) = shelf {
        let client = catalogue::load(table, client).await?;
        let sources = client.into_iter().flat_map(|client| client.sources);
        others.extend(sources.map(|(other, source)| (other, Scope::Client(source.vendor_id))));
    } else {
        let ids = items.flat_map(|item| item.doc_id.iter().chain(&item.before.mapping.doc));
        let docs = ids.filter_map(|id| loaded.docs.get(id));
        others.extend(docs.flat_map(|doc| doc.sources.keys()).map(|other| (other.clone(), loaded.scope.clone())));
    }
    for (other, scope) in others.iter().filter(|(other, _)| *other != integration.id) {
        digests::ask_again(table, other, scope).await?;
    }
    Ok(())
}

/// Says how a scope ends of whose plan nothing is carried out, because its client is mapped elsewhere by then.
fn passed_over(stored: &ScopePlan) -> ScopeDone {
    let mut counts = stored.counts.clone();
    stored.items.iter().for_each(|item| take_back(&mut counts, item));
    let scope = stored.scope.clone();
    ScopeDone { scope, counts, settled: false, waits: false, content: BTreeMap::new(), narrow: false }
}

/// Takes from a fresh plan what does not stand in the seen one, whatever the versions it was decided on, and returns it.
fn take_unseen(fresh: &mut ScopePlan, seen: &ScopePlan) -> Vec<Item> {
    let by_record: BTreeMap<_, &Item> = seen.items.iter().map(|item| ((item.action, item.key()), item)).collect();
    let is_seen = |item: &Item| {
        by_record
            .get(&(item.action, item.key()))
            .is_some_and(|known| known.doc_id == item.doc_id && known.changes == item.changes)
    };
    let (kept, unseen) = std::mem::take(&mut fresh.items).into_iter().partition(is_seen);
    fresh.items = kept;
    unseen
}

/// Says whether an effect writes the record or the documentation record of an item.
fn touches(effect: &Effect, item: &Item) -> bool {
    let is_its = |entry: &Entry| entry.record.kind == item.kind && entry.record.vendor_id == item.vendor_id;
    effect.entries.iter().any(is_its) || effect.docs.iter().any(|doc| item.doc_id.as_ref() == Some(&doc.id))
}

/// Counts a record whose item was not carried out as what it is without it.
fn take_back(counts: &mut BTreeMap<Kind, Counts>, item: &Item) {
    let Some(counts) = counts.get_mut(&item.kind) else { return };
    let linked = match item.action {
        Action::Create => &mut counts.created,
        Action::Match => &mut counts.matched,
        Action::Update | Action::Return => {
            counts.updated -= 1;
            counts.unchanged += 1;
            return;
        }
        Action::Exclude | Action::Reset | Action::Stale | Action::Archive | Action::Detach => return,
    };
    *linked -= 1;
    counts.synced -= 1;
    counts.unsynced += 1;
    *counts.reasons.entry(Reason::Unmatched).or_default() += 1;
}

/// Returns how the records ended: as the fresh plan says, except that what an earlier try of this part wrote counts as
/// what it was and not as unchanged.
fn counts(stored: &ScopePlan, fresh: ScopePlan, unseen: &[Item]) -> BTreeMap<Kind, Counts> {
    let mut counts = fresh.counts;
    let open: BTreeSet<_> = fresh.items.iter().chain(unseen).map(|item| (item.kind, &item.vendor_id)).collect();
    let out: BTreeSet<_> = fresh.unsynced.iter().map(|one| (one.kind, &one.vendor_id)).collect();
    for item in &stored.items {
        let key = (item.kind, &item.vendor_id);
        let Some(counts) = counts.get_mut(&item.kind) else { continue };
        if open.contains(&key) || out.contains(&key) || counts.unchanged == 0 {
            continue;
        }
        let counted = match item.action {
            Action::Create => &mut counts.created,
            Action::Match => &mut counts.matched,
            Action::Update | Action::Return => &mut counts.updated,
            Action::Exclude | Action::Reset | Action::Stale | Action::Archive | Action::Detach => continue,
        };
        *counted += 1;
        counts.unchanged -= 1;
    }
    counts
}

/// Writes effects. Those that change who is who go in transactions that move the shelf's version, each a legal state by
/// itself; the others are conditional on their own items only.
pub(crate) async fn commit(
    effects: &[Effect],
    shelf: Option<&Shelf>,
    mut version: u64,
    integration: &Integration,
    table: &impl Table,
) -> Result<(), StoreError> {
    let write_set = |effect: &Effect| -> Vec<Write> {
        let docs = effect.docs.iter().map(catalogue::write);
        docs.chain(effect.entries.iter().map(|entry| entries::write(&integration.id, entry))).collect()
    };
    let (identity, plain): (Vec<&Effect>, Vec<&Effect>) = effects.iter().partition(|effect| effect.moves_identity);
    if let Some(shelf) = shelf {
        let mut batch: Vec<Write> = Vec::new();
        for effect in identity {
            let writes = write_set(effect);
            if batch.len() + writes.len() >= TRANSACTION_WRITES_MAX {
                send(std::mem::take(&mut batch), shelf, &mut version, table).await?;
            }
            batch.extend(writes);
        }
        if !batch.is_empty() {
            send(batch, shelf, &mut version, table).await?;
        }
    } else {
        for effect in identity {
            table.transact(write_set(effect)).await?;
        }
    }
    let mut singles = Vec::new();
    for effect in plain {
        let mut writes = write_set(effect);
        match writes.len() {
            0 => {}
            1 => singles.append(&mut writes),
            _ => table.transact(writes).await?,
        }
    }
    writes::each(table, singles).await
}

async fn send(mut batch: Vec<Write>, shelf: &Shelf, version: &mut u64, table: &impl Table) -> Result<(), TableError> {
    batch.push(catalogue::move_version(shelf, *version));
    table.transact(batch).await?;
    *version += 1;
    Ok(())
}

/// Names the scopes of a run that were carried out, for those who only want to know whether anything was.
pub fn scopes_done(done: &BTreeMap<u64, PartDone>) -> BTreeMap<Scope, &ScopeDone> {
    done.values().flat_map(|part| &part.scopes).map(|scope| (scope.scope.clone(), scope)).collect()
}
