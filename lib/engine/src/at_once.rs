//! Runs that brought little, planned, judged and carried out by whoever takes in the last message.
//!
//! ```text
//! arriving ── planned, stored, marked ── judged ──► applying ── written, marked ──► closed
//!         └───────────── one save ─────────────────┘       └─── the history ───────┘
//! ```
//!
//! Everything is left behind that a run leaves part by part, in the same order: a plan is stored before the guard sees its
//! totals, and the run says that it is carried out before the catalogue is touched. What an invocation has in its hands it
//! need not send itself or read again, and phases that nobody waits in need not be saved. One that is cut off leaves marks,
//! by which the run goes on as all others do, message by message.

use std::collections::BTreeMap;

use reconcile::ids::Scope;
use reconcile::plan::ScopePlan;
use reconcile::run::{Event, Phase, Run, step};

use crate::error::{Doing, StepError};
use crate::planning::{brought, load_integration, plan_scopes, total_of};
use crate::ports::{Clock, QueueOut, Table};
use crate::store::entries::Stored;
use crate::store::plans::{self, PartTotal};
use crate::store::runs::{self, Arrived, Mark, RunRecord};
use crate::{applying, judging, life};

/// The most rows that are taken in, planned and written by one invocation: a fifth of what a part may have.
const ROWS_MAX: u64 = 1_000;

/// The part that such a run has: there is none for users and clients.
const PART: u64 = 1;

/// What came of the wish to carry a run through at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Through {
    /// It is over, or waits for a person.
    Done,
    /// Somebody else moved it meanwhile.
    Moved,
    /// Somebody has planned it already, and it goes on part by part.
    Begun,
}

/// Says whether a run with these parts, that is told this event, is little enough.
pub fn is_little(run: &Run, event: &Event, parts: &[Vec<Scope>], arrived: &BTreeMap<u64, Arrived>) -> bool {
    let touched = arrived.values().flat_map(|arrived| &arrived.scopes);
    let rows: u64 = touched.map(|touched| touched.rows).sum();
    let (after, _) = step(run, event.clone());
    after.phase == Phase::Planning { parts: PART } && parts[0].is_empty() && rows <= ROWS_MAX
}

/// Carries a run through all of whose messages, `arrived`, are there. Entries among `stored` are not read again.
#[allow(clippy::too_many_arguments)] // What was loaded on the way here is not loaded again.
pub async fn carry_through(
    record: &mut RunRecord,
    event: Event,
    scopes: &[Scope],
    arrived: &BTreeMap<u64, Arrived>,
    stored: &Stored,
    table: &impl Table,
    queue: &impl QueueOut,
    clock: &impl Clock,
) -> Result<Through, StepError> {
    let owner = record.run_id.as_str().to_owned();
    let begun = runs::mark::<PartTotal>(table, &owner, Mark::Planned(PART)).await.doing("looking for a part")?;
    if begun.is_some() {
        return Ok(Through::Begun);
    }
    let integration = load_integration(table, &record.run_id).await?;
    let planned = plan_scopes(record, &integration, scopes, arrived, stored, table).await.doing("planning scopes")?;
    // What a narrow plan writes is at hand. Should this be cut off, its scopes are looked at as a whole.
    let kept: Vec<ScopePlan> = planned.iter().map(|plan| ScopePlan { after: None, ..plan.clone() }).collect();
    plans::save_part(table, &owner, PART, &kept).await.doing("storing a part of a plan")?;
    let total = total_of(&kept, &brought(arrived));
    runs::put_mark(table, &owner, Mark::Planned(PART), clock.now(), &total).await.doing("marking a part")?;

    let arriving = record.run.clone();
    record.run = [event, Event::Planned { count: PART }].into_iter().fold(arriving, |run, event| step(&run, event).0);
    let event = judging::judge_parts(record, &BTreeMap::from([(PART, total)]), &integration, table, clock).await?;
    if matches!(event, Event::Stopped { .. }) {
        return life::moved(life::advance(record, event, table, queue, clock).await);
    }
    record.run = step(&record.run, event).0;
    record.touched_at = clock.now();
    // Where somebody else was first, or this was and its answer was lost, the message comes again and asks for the parts.
    runs::save(table, record).await.doing("moving a run on")?;
    let done = applying::follow(&planned, record, &integration, table).await?;
    runs::put_mark(table, &owner, Mark::Applied(PART), clock.now(), &done).await.doing("marking a part")?;
    life::moved(life::advance(record, Event::Applied { count: PART }, table, queue, clock).await)
}
