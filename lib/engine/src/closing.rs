//! Closes a run: counts, digests, the integration's state, and the history.

use std::collections::{BTreeMap, BTreeSet};

use reconcile::ids::Scope;
use reconcile::plan::Counts;
use reconcile::reason::Reason;
use reconcile::record::{Fingerprint, Kind};
use reconcile::run::{Outcome, Trigger};

use crate::applying::scopes_done;
use crate::error::{Doing, StepError};
use crate::ports::{Clock, Table};
use crate::store::digests::{self, Remembered};
use crate::store::integrations::{self, IntegrationState};
use crate::store::plans::{self, PartDone};
use crate::store::runs::{self, Arrived, Marks, RunRecord};

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
    if matches!(outcome, Outcome::Complete | Outcome::Incomplete) && record.run.trigger != Trigger::Setup {
        remember(record, &arrived, &done, table).await?;
        finish_plan(record, table).await?;
    }
    settle_integration(record, outcome, table).await?;
    let now = clock.now();
    record.finished_at = Some(now);
    record.touched_at = now;
    match runs::close(table, record).await {
        // Somebody else closed it first.
        Err(error) if error.is_conflict() => Ok(()),
        other => other.doing("closing a run"),
    }
}

/// Adds up how all records ended.
fn counts(
    record: &RunRecord,
    done: &BTreeMap<u64, PartDone>,
    arrived: &BTreeMap<u64, Arrived>,
) -> BTreeMap<Kind, Counts> {
    let mut counts: BTreeMap<Kind, Counts> = record.skipped.clone();
    for scope in scopes_done(done).values() {
        for (kind, some) in &scope.counts {
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
    let mut content: BTreeMap<(Kind, Scope), Option<Fingerprint>> = BTreeMap::new();
    for touched in arrived.values().flat_map(|arrived| &arrived.scopes) {
        let digest = content.entry((touched.kind, touched.scope.clone())).or_default();
        *digest = touched.digest.or(*digest);
    }
    let scopes = scopes_done(done);
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
            remembered.insert(scope.clone(), one);
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

/// Moves the integration's own state where the run changes it: a refused secret pauses it, a first complete read of a
/// kind makes later records new.
async fn settle_integration(record: &RunRecord, outcome: Outcome, table: &impl Table) -> Result<(), StepError> {
    let id = record.integration();
    let read: BTreeSet<Kind> =
        record.run.reports.iter().filter(|(_, report)| report.complete).map(|(kind, _)| *kind).collect();
    let first = record.run.trigger != Trigger::Setup
        && matches!(outcome, Outcome::Complete | Outcome::Incomplete)
        && integrations::load(table, &id)
            .await
            .doing("loading an integration")?
            .is_some_and(|known| !read.is_subset(&known.first_synced));
    if outcome != Outcome::CredentialsRejected && !first {
        return Ok(());
    }
    let updated = integrations::update(table, &id, |integration| {
        if outcome == Outcome::CredentialsRejected {
            if integration.state != IntegrationState::CredentialsRejected {
                integration.resumes_to = Some(integration.state);
            }
            integration.state = IntegrationState::CredentialsRejected;
        } else {
            integration.first_synced.extend(read.iter().copied());
        }
    });
    updated.await.doing("storing an integration")?;
    if outcome == Outcome::CredentialsRejected {
        tracing::error!(integration = %id, "the vendor refused the secret; the integration is paused until a new one is verified");
    }
    Ok(())
}
