//! Closes a run: counts, digests, the integration's state, and the history.

use std::collections::{BTreeMap, BTreeSet};

use reconcile::ids::Scope;
use reconcile::plan::Counts;
use reconcile::reason::Reason;
use reconcile::record::{Fingerprint, Kind};
use reconcile::run::{Outcome, Trigger};

use crate::applying::scopes_done;
use crate::error::{Doing, StepError};
use crate::planning::brought;
use crate::ports::{Clock, Table};
use crate::store::StoreError;
use crate::store::digests::{self, Remembered};
use crate::store::integrations::{self, Integration, IntegrationState};
use crate::store::plans::{self, PartDone};
use crate::store::runs::{self, Arrived, Cursor, Marks, RunRecord};

/// Closes a run whose phase is closed. Each part may be done again: the last write, which moves the run into the history,
/// is what makes it over.
pub async fn close(record: &mut RunRecord, table: &impl Table, clock: &impl Clock) -> Result<(), StepError> {
    let Some(outcome) = record.run.outcome() else { return Ok(()) };
    let owner = record.run_id.as_str().to_owned();
    let arrived = match record.run.reports.is_empty() {
        true => BTreeMap::new(),
        false => runs::marks::<Arrived>(table, &owner, Marks::In).await.doing("loading messages' marks")?,
    };
    let done = match record.plan {
        Some(_) => runs::marks::<PartDone>(table, &owner, Marks::Applied).await.doing("loading written parts")?,
        None => BTreeMap::new(),
    };
    if record.counts.is_empty() {
        record.counts = counts(record, &done, &arrived);
    }
    if outcome == Outcome::Complete && record.run.trigger != Trigger::Setup {
        move_cursors(record);
    }
    if matches!(outcome, Outcome::Complete | Outcome::Incomplete) && record.run.trigger != Trigger::Setup {
        remember(record, &arrived, &done, table).await?;
        let looked_at = scopes_done(&done);
        let mut met = record.again.clone();
        met.retain(|(scope, _)| looked_at.get(scope).is_some_and(|done| !done.narrow));
        let forgotten = digests::forget_asked(table, &record.integration(), &met).await;
        forgotten.doing("forgetting what was asked for again")?;
        finish_plan(record, table).await?;
    }
    let now = clock.now();
    record.finished_at = Some(now);
    record.touched_at = now;
    if put_away(record, outcome, table).await.doing("closing a run")? && outcome == Outcome::CredentialsRejected {
        tracing::error!(integration = %record.integration(), "the vendor refused the secret; the integration is paused until a new one is verified");
    }
    Ok(())
}

/// Moves on since when changes have to be asked for: only a run that read all it asked for and carried it out does.
fn move_cursors(record: &mut RunRecord) {
    let since = record.started_at;
    for (kind, report) in record.run.reports.iter().filter(|(_, report)| report.complete) {
        let complete_at = match record.cursors.get(kind) {
            Some(cursor) if report.of_changes => cursor.complete_at,
            _ => since,
        };
        record.cursors.insert(*kind, Cursor { since, complete_at });
    }
}

/// Moves the run into the history and the integration to where the run leaves it, together: done apart, a run that was
/// closed half-way would reject a secret that was renewed meanwhile. Returns whether it was this call that did so.
async fn put_away(record: &RunRecord, outcome: Outcome, table: &impl Table) -> Result<bool, StoreError> {
    loop {
        let integration = integration_after(record, outcome, table).await?;
        match runs::close(table, record, integration.as_ref().map(integrations::write)).await {
            Ok(()) => return Ok(true),
            Err(error) if error.is_conflict() => {}
            Err(error) => return Err(error),
        }
        // Either somebody closed it first, or somebody changed the integration meanwhile.
        let open = runs::open_run(table, &record.run_id).await?;
        if open.is_none_or(|open| open.version != record.version) {
            return Ok(false);
        }
    }
}

/// Adds up how all records ended.
fn counts(
    record: &RunRecord,
    done: &BTreeMap<u64, PartDone>,
    arrived: &BTreeMap<u64, Arrived>,
) -> BTreeMap<Kind, Counts> {
    let mut counts: BTreeMap<Kind, Counts> = record.skipped.clone();
    let brought = brought(arrived);
    for scope in scopes_done(done).values() {
        for (kind, some) in scope.counts.iter().filter(|(kind, _)| brought.contains(&(&scope.scope, **kind))) {
            counts.entry(*kind).or_default().add(some);
        }
    }
    if record.run.trigger == Trigger::Setup {
        for touched in arrived.values().flat_map(|arrived| &arrived.scopes) {
            let reasons = BTreeMap::from([(Reason::Unmatched, touched.rows)]);
            let some = Counts { fetched: touched.rows, unsynced: touched.rows, reasons, ..Counts::default() };
            counts.entry(touched.kind).or_default().add(&some);
        }
    }
    for kind in record.run.reports.keys() {
        counts.entry(*kind).or_default();
    }
    counts
}

/// Remembers the digests of settled scopes, so that the next read can skip them.
async fn remember(
    record: &RunRecord,
    arrived: &BTreeMap<u64, Arrived>,
    done: &BTreeMap<u64, PartDone>,
    table: &impl Table,
) -> Result<(), StepError> {
    let integration = record.integration();
    let scopes = scopes_done(done);
    let mut content: BTreeMap<(Kind, Scope), Option<Fingerprint>> = BTreeMap::new();
    for touched in arrived.values().flat_map(|arrived| &arrived.scopes) {
        let digest = content.entry((touched.kind, touched.scope.clone())).or_default();
        let of_changes = record.run.reports.get(&touched.kind).is_some_and(|report| report.of_changes);
        let stored = scopes.get(&touched.scope).filter(|_| touched.changes && of_changes);
        let nothing = digests::Sum::default().digest();
        let of_stored = stored.map(|done| done.content.get(&touched.kind).copied().unwrap_or(nothing));
        let is_narrow = scopes.get(&touched.scope).is_some_and(|done| done.narrow);
        let of_rest = touched.rest.as_ref().filter(|_| is_narrow).map(|rest| rest.of.digest());
        *digest = of_rest.or(touched.digest).or(of_stored).or(*digest);
    }
    let kinds: BTreeSet<Kind> = content.keys().map(|(kind, _)| *kind).collect();
    for kind in kinds {
        let mut remembered = BTreeMap::new();
        for ((_, scope), digest) in content.iter().filter(|((of, _), _)| *of == kind) {
            let Some(scope_done) = scopes.get(scope) else { continue };
            let counts = scope_done.counts.get(&kind).cloned().unwrap_or_default();
            let one = match digest {
                Some(digest) if scope_done.settled => Remembered::new(*digest, &counts),
                _ => Remembered::unsettled(&counts),
            };
            remembered.insert(scope.clone(), one.waiting(scope_done.waits));
        }
        let loaded = digests::load(table, &integration, kind, record.epochs).await.doing("loading digests")?;
        digests::remember(table, &integration, &loaded, &remembered).await.doing("storing digests")?;
    }
    Ok(())
}

async fn finish_plan(record: &RunRecord, table: &impl Table) -> Result<(), StepError> {
    let Some(plan) = &record.plan else { return Ok(()) };
    let Some(mut head) = plans::load(table, plan).await.doing("loading a plan")? else { return Ok(()) };
    if head.finished {
        return Ok(());
    }
    head.finished = true;
    match plans::save(table, &mut head).await {
        Err(error) if error.is_conflict() => Ok(()),
        other => other.doing("storing a plan"),
    }
}

/// Returns the integration as the run leaves it, if it changes it: a refused secret pauses it, a first complete read of a
/// kind makes later records new, and a run that was not carried out lets no digest count any more.
async fn integration_after(
    record: &RunRecord,
    outcome: Outcome,
    table: &impl Table,
) -> Result<Option<Integration>, StoreError> {
    let Some(before) = integrations::load(table, &record.integration()).await? else { return Ok(None) };
    let mut after = before.clone();
    match outcome {
        Outcome::Complete | Outcome::Incomplete if record.run.trigger == Trigger::Setup => {}
        Outcome::Complete | Outcome::Incomplete => {
            let complete = record.run.reports.iter().filter(|(_, report)| report.complete);
            after.first_synced.extend(complete.map(|(kind, _)| *kind));
        }
        // Records were taken in whose plan was not carried out: no digest of an earlier run says what is stored by now.
        Outcome::Held | Outcome::Failed => after.epoch += 1,
        Outcome::CredentialsRejected => {
            after.epoch += 1;
            if after.state != IntegrationState::CredentialsRejected {
                after.resumes_to = Some(after.state);
            }
            after.state = IntegrationState::CredentialsRejected;
        }
    }
    Ok((after != before).then_some(after))
}
