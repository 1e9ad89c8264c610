//! Lets the guard look at a whole run before its first write.

use std::collections::BTreeMap;

use reconcile::guard::{Limits, Verdict, judge as verdict};
use reconcile::ids::PlanId;
use reconcile::plan::Totals;
use reconcile::run::{Event, Outcome, Trigger};
use sha2::{Digest, Sha256};

use crate::error::{Doing, StepError};
use crate::planning::{actions, load_integration};
use crate::ports::{Clock, Table};
use crate::store::StoreError;
use crate::store::integrations::Integration;
use crate::store::plans::{self, PartTotal, PlanHead, PlanState};
use crate::store::runs::{self, Marks, RunRecord};
use crate::worlds;

/// How many runs are looked through for the last one that was carried out.
const HISTORY_MAX: usize = 20;

/// Judges a run all of whose parts are planned: stores the plan's head and returns what the guard says. Doing so again
/// gives the same plan and the same answer.
pub async fn judge(record: &mut RunRecord, table: &impl Table, clock: &impl Clock) -> Result<Event, StepError> {
    let owner = record.run_id.as_str().to_owned();
    let planned = runs::marks::<PartTotal>(table, &owner, Marks::Planned).await.doing("loading planned parts")?;
    let integration = load_integration(table, &record.run_id).await?;
    judge_parts(record, &planned, &integration, table, clock).await
}

/// Judges a run whose parts, with what each adds up to, are at hand.
pub(crate) async fn judge_parts(
    record: &mut RunRecord,
    planned: &BTreeMap<u64, PartTotal>,
    integration: &Integration,
    table: &impl Table,
    clock: &impl Clock,
) -> Result<Event, StepError> {
    let owner = record.run_id.as_str().to_owned();
    let mut totals = Totals { complete: worlds::complete_kinds(&record.run), ..Totals::default() };
    totals.carry_over(&record.skipped);
    for part in planned.values() {
        totals.merge(&part.totals);
    }
    let history = history(record, table).await.doing("loading earlier runs")?;
    let limits = Limits { first_sync: integration.policy().first_sync, ..Limits::default() };
    let why = match verdict(&totals, &history, &limits) {
        Verdict::Go => Vec::new(),
        Verdict::Held(why) => why.iter().map(ToString::to_string).collect(),
    };
    let plan_id = PlanId::new(&record.integration(), &digest(&owner, planned.values()));
    let event = match why.is_empty() {
        true => Event::Passed { plan: plan_id.clone(), top: planned.contains_key(&0) },
        false => Event::Stopped { plan: plan_id.clone() },
    };
    if plans::load(table, &plan_id).await.doing("looking for a plan")?.is_none() {
        let mut head = PlanHead {
            plan_id: plan_id.clone(),
            run: Some(record.run_id.clone()),
            state: if why.is_empty() { PlanState::Applied } else { PlanState::Held },
            made_at: clock.now(),
            owner,
            parts: planned.keys().filter(|part| **part > 0).count() as u64,
            actions: actions(planned.values()),
            why: why.clone(),
            finished: false,
            version: 0,
        };
        match plans::save(table, &mut head).await {
            Err(error) if error.is_conflict() => {}
            other => other.doing("storing a plan")?,
        }
    }
    if !why.is_empty() {
        record.counts = totals.counts.iter().map(|(kind, counts)| (*kind, counts.held())).collect();
        why.iter().for_each(|why| record.note(clock.now(), format!("held by the guard: {why}")));
    }
    record.plan = Some(plan_id);
    Ok(event)
}

/// Returns the digest that names the plan of a run: of the run and of all its parts.
fn digest<'a>(owner: &str, parts: impl Iterator<Item = &'a PartTotal>) -> String {
    let mut hash = Sha256::new();
    hash.update(owner.as_bytes());
    for part in parts {
        hash.update([0]);
        hash.update(part.digest.as_bytes());
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Returns, by kind, the counts of the last run that read the kind completely and was carried out.
async fn history(record: &RunRecord, table: &impl Table) -> Result<Totals, StoreError> {
    let (runs, _) = runs::history(table, &record.integration(), None, HISTORY_MAX).await?;
    let mut history = Totals::default();
    for run in runs {
        let carried_out = matches!(run.run.outcome(), Some(Outcome::Complete | Outcome::Incomplete));
        if !carried_out || run.run.trigger == Trigger::Setup {
            continue;
        }
        for kind in worlds::complete_kinds(&run.run) {
            if let Some(counts) = run.counts.get(&kind) {
                history.counts.entry(kind).or_insert_with(|| counts.clone());
            }
        }
    }
    Ok(history)
}
