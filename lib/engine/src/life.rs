//! Opens runs, moves them on, and does what their phase asks for.
//!
//! A run moves by conditional writes of one item; whoever loses such a write looks again. What a phase asks for is sent
//! after the phase is saved; a crash in between is mended by the next look at the run: a message that comes again, or the
//! next request to run the integration.

use std::time::Duration;

use reconcile::ids::{IntegrationId, PlanId, RunId};
use reconcile::run::{Command, Event, Phase, Trigger, step};

use crate::at_once::Through;
use crate::error::{Doing, StepError};
use crate::message::{Message, send};
use crate::ports::{Clock, QueueOut, Table};
use crate::store::catalogue;
use crate::store::digests::Epochs;
use crate::store::entries::Stored;
use crate::store::integrations::{self, Integration};
use crate::store::plans::{self, PlanState};
use crate::store::runs::{self, Arrived, Marks, RunRecord, Slot};
use crate::{at_once, closing, judging, planning};

/// Who reads a vendor, and when another reader is held to be gone.
#[derive(Debug, Clone)]
pub struct Holder {
    /// A name that no other process has at the same time.
    pub name: String,
    /// A reading run of another holder that did not move for so long is given up. Longer than an invocation lives; zero
    /// where a lock says that no other process is there.
    pub gone_after: Duration,
}

/// A run that the reconciler has and that did not move for so long lost a message for good, and is given up. Longer than
/// all tries of a message take together (functions' time-out times six, five times).
const STUCK_AFTER: Duration = Duration::from_secs(12 * 3600);

/// What came of the wish to open a run.
#[derive(Debug)]
pub enum Opened {
    /// It is open and reads.
    New(RunRecord),
    /// Another one is open and gets on.
    Running(RunRecord),
    /// Another one is open and waits for a person.
    Held(RunRecord),
}

/// Opens a run for an integration. A second wish for the same integration finds the first one's run; a reading run whose
/// holder is gone is closed as failed and replaced; a run that the reconciler has is nudged.
pub async fn open(
    integration: &Integration,
    trigger: Trigger,
    holder: &Holder,
    table: &impl Table,
    queue: &impl QueueOut,
    clock: &impl Clock,
) -> Result<Opened, StepError> {
    loop {
        let now = clock.now();
        let version = match runs::slot(table, &integration.id).await.doing("looking for an open run")? {
            Slot::Free { version } => version,
            Slot::Taken(record) if record.run.is_held() => return Ok(Opened::Held(*record)),
            Slot::Taken(mut record) if record.run.phase == Phase::Reading => {
                let idle = Duration::try_from(now.duration_since(record.touched_at)).unwrap_or_default();
                if record.holder == holder.name || idle < holder.gone_after {
                    return Ok(Opened::Running(*record));
                }
                record.note(now, "the reader was interrupted; the run was given up");
                match advance(&mut record, Event::Failed, table, queue, clock).await {
                    Ok(()) => continue,
                    Err(error) if is_conflict(&error) => continue,
                    Err(error) => return Err(error),
                }
            }
            Slot::Taken(mut record) => {
                let idle = Duration::try_from(now.duration_since(record.touched_at)).unwrap_or_default();
                if idle >= STUCK_AFTER && record.run.outcome().is_none() {
                    record.note(now, "the run did not move for half a day; it was given up");
                    match advance(&mut record, Event::Failed, table, queue, clock).await {
                        Ok(()) => continue,
                        Err(error) if is_conflict(&error) => continue,
                        Err(error) => return Err(error),
                    }
                }
                nudge(&record, queue).await?;
                return Ok(Opened::Running(*record));
            }
        };
        // The run that was given up just now may have moved the epoch since the integration was loaded.
        let known = integrations::load(table, &integration.id).await.doing("loading an integration")?;
        let epoch = known.map_or(integration.epoch, |known| known.epoch);
        let catalogue = catalogue::epoch(table).await.doing("reading the catalogue's epoch")?;
        let mut record = RunRecord {
            run_id: RunId::new(&integration.id, &instant(now)),
            run: reconcile::run::Run::open(trigger),
            holder: holder.name.clone(),
            started_at: now,
            touched_at: now,
            finished_at: None,
            epochs: Epochs { integration: epoch, catalogue },
            skipped: Default::default(),
            again: Vec::new(),
            counts: Default::default(),
            vendor_requests: 0,
            cursors: Default::default(),
            plan: None,
            log: Vec::new(),
            version,
        };
        match runs::save(table, &mut record).await {
            Ok(()) => return Ok(Opened::New(record)),
            Err(error) if error.is_conflict() => {}
            Err(cause) => return Err(StepError::Store { doing: "opening a run", cause }),
        }
    }
}

/// Returns an instant as letters and digits that sort by time.
fn instant(now: jiff::Timestamp) -> String {
    now.strftime("%Y%m%dT%H%M%S%3fZ").to_string()
}

fn is_conflict(error: &StepError) -> bool {
    matches!(error, StepError::Store { cause, .. } if cause.is_conflict())
}

/// Says of a try to move a run on whether somebody else did.
pub(crate) fn moved(tried: Result<(), StepError>) -> Result<Through, StepError> {
    match tried {
        Ok(()) => Ok(Through::Done),
        Err(error) if is_conflict(&error) => Ok(Through::Moved),
        Err(error) => Err(error),
    }
}

/// Tells a run what happened, saves it if that moves it, and does what the new phase asks for. An event of a past phase
/// does nothing; a conflict says that somebody else moved the run, and the caller's work comes again.
///
/// A run that is over is not saved as such: the write that moves it into the history says so. Until then it is where it was,
/// and whoever looks at it ends it again.
pub async fn advance(
    record: &mut RunRecord,
    event: Event,
    table: &impl Table,
    queue: &impl QueueOut,
    clock: &impl Clock,
) -> Result<(), StepError> {
    let (after, commands) = step(&record.run, event);
    if after == record.run {
        return Ok(());
    }
    record.run = after;
    record.touched_at = clock.now();
    match record.run.outcome() {
        Some(_) => runs::check_open(table, record).await.doing("ending a run")?,
        None => runs::save(table, record).await.doing("moving a run on")?,
    }
    for command in commands {
        match command {
            Command::Plan { from, to } => send_parts(queue, from, to, |part| plan_part(&record.run_id, part)).await?,
            Command::Apply { plan, from, to } => send_parts(queue, from, to, |part| apply_part(&plan, part)).await?,
            Command::CountArrived => look_if_all_arrived(record, table, queue).await?,
            // Whoever planned the last part looks on by himself; one that dies before that is sent again.
            Command::Judge => {}
            Command::AlarmHeld => {
                tracing::error!(run = %record.run_id, "the guard stopped a run; its plan waits for a person");
            }
            Command::Close => closing::close(record, table, clock).await?,
        }
    }
    Ok(())
}

fn plan_part(run: &RunId, part: u64) -> Message {
    Message::PlanPart { run: run.clone(), part }
}

fn apply_part(plan: &PlanId, part: u64) -> Message {
    Message::ApplyPart { plan: plan.clone(), part }
}

/// Has a run looked at all of whose messages were taken in before it was saved as waiting for them. A message that is not
/// marked by now is marked after that save, and whoever takes it in looks at the run after marking it.
async fn look_if_all_arrived(record: &RunRecord, table: &impl Table, queue: &impl QueueOut) -> Result<(), StepError> {
    let Phase::Arriving { messages } = record.run.phase else { return Ok(()) };
    let arrived = runs::count_marks(table, record.run_id.as_str(), Marks::In).await.doing("counting messages")?;
    if arrived < messages { Ok(()) } else { send_look(queue, &record.run_id).await }
}

async fn send_look(queue: &impl QueueOut, run: &RunId) -> Result<(), StepError> {
    send(queue, &[Message::Look { run: run.clone() }]).await.map_err(StepError::Queue)
}

/// Sends one message for each part from `from` to `to`.
pub async fn send_parts(
    queue: &impl QueueOut,
    from: u64,
    to: u64,
    message: impl Fn(u64) -> Message,
) -> Result<(), StepError> {
    let messages: Vec<Message> = (from..=to).map(message).collect();
    send(queue, &messages).await.map_err(StepError::Queue)
}

/// Sends again what the run's phase asks for: harmless where nothing was lost.
pub async fn nudge(record: &RunRecord, queue: &impl QueueOut) -> Result<(), StepError> {
    for command in record.run.commands() {
        match command {
            Command::Plan { from, to } => send_parts(queue, from, to, |part| plan_part(&record.run_id, part)).await?,
            Command::Apply { plan, from, to } => send_parts(queue, from, to, |part| apply_part(&plan, part)).await?,
            Command::CountArrived | Command::Judge | Command::Close => send_look(queue, &record.run_id).await?,
            Command::AlarmHeld => {}
        }
    }
    Ok(())
}

/// Looks at a run and moves it as far as what is stored allows.
pub async fn look(run: &RunId, table: &impl Table, queue: &impl QueueOut, clock: &impl Clock) -> Result<(), StepError> {
    look_with(run, &Stored::new(), table, queue, clock).await
}

/// Looks at a run with some of its entries at hand, as they are stored.
pub(crate) async fn look_with(
    run: &RunId,
    stored: &Stored,
    table: &impl Table,
    queue: &impl QueueOut,
    clock: &impl Clock,
) -> Result<(), StepError> {
    loop {
        let Some(mut record) = runs::open_run(table, run).await.doing("looking at a run")? else { return Ok(()) };
        let owner = run.as_str();
        let event = match &record.run.phase {
            Phase::Arriving { .. } => {
                let arrived = runs::marks::<Arrived>(table, owner, Marks::In).await.doing("counting messages")?;
                let parts = planning::parts(&arrived);
                let below = parts[0].is_empty().then_some(parts.len() as u64 - 1);
                let event = Event::Arrived { count: arrived.len() as u64, below };
                if at_once::is_little(&record.run, &event, &parts, &arrived) {
                    let (event, scopes) = (event.clone(), &parts[1]);
                    let tried =
                        at_once::carry_through(&mut record, event, scopes, &arrived, stored, table, queue, clock);
                    match tried.await? {
                        Through::Done => return Ok(()),
                        Through::Moved => continue,
                        Through::Begun => {}
                    }
                }
                event
            }
            Phase::Planning { .. } => {
                let planned = runs::marks::<plans::PartTotal>(table, owner, Marks::Planned).await;
                Event::Planned { count: beside_top(planned.doing("counting planned parts")?.into_keys()) }
            }
            Phase::Judging { .. } => judging::judge(&mut record, table, clock).await?,
            Phase::ApplyingTop { .. } | Phase::Applying { .. } => {
                let applied = runs::marks::<plans::PartDone>(table, owner, Marks::Applied).await;
                let applied = applied.doing("counting written parts")?;
                match (&record.run.phase, applied.contains_key(&0)) {
                    (Phase::ApplyingTop { .. }, true) => Event::TopApplied,
                    (Phase::ApplyingTop { .. }, false) => return Ok(()),
                    _ => Event::Applied { count: beside_top(applied.into_keys()) },
                }
            }
            Phase::Closed { .. } => return closing::close(&mut record, table, clock).await,
            Phase::Reading | Phase::PlanningTop | Phase::Held { .. } => return Ok(()),
        };
        let before = record.run.phase.clone();
        match advance(&mut record, event, table, queue, clock).await {
            Ok(()) if record.run.phase == before => return Ok(()),
            Ok(()) => {}
            Err(error) if is_conflict(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

fn beside_top(parts: impl Iterator<Item = u64>) -> u64 {
    parts.filter(|part| *part > 0).count() as u64
}

/// Decides about a held plan: approved it is carried out at once, discarded the run is closed without a write.
pub async fn decide_held(
    plan: &PlanId,
    approve: bool,
    table: &impl Table,
    queue: &impl QueueOut,
    clock: &impl Clock,
) -> Result<Option<RunRecord>, StepError> {
    let Slot::Taken(mut record) =
        runs::slot(table, &plan.integration()).await.doing("looking for the run of a plan")?
    else {
        return Ok(None);
    };
    if !record.run.is_held() || record.plan.as_ref() != Some(plan) {
        return Ok(None);
    }
    let Some(mut head) = plans::load(table, plan).await.doing("loading a plan")? else { return Ok(None) };
    head.state = if approve { PlanState::Applied } else { PlanState::Discarded };
    plans::save(table, &mut head).await.doing("deciding about a plan")?;
    let event = if approve { Event::Approved } else { Event::Discarded };
    if approve {
        // The counts of a held plan say what waits; carried out, they are counted anew.
        record.counts.clear();
    }
    advance(&mut record, event, table, queue, clock).await?;
    Ok(Some(*record))
}

/// Gives a run up whose reader is known to be dead, and says so; a run that somebody else took up, or that was read to its
/// end, goes on.
pub async fn give_up_reading(
    integration: &IntegrationId,
    reader: &str,
    why: &str,
    table: &impl Table,
    queue: &impl QueueOut,
    clock: &impl Clock,
) -> Result<bool, StepError> {
    let slot = runs::slot(table, integration).await.doing("looking for the run of a reader that died")?;
    let Slot::Taken(mut record) = slot else { return Ok(false) };
    if record.run.phase != Phase::Reading || record.holder != reader {
        return Ok(false);
    }
    record.note(clock.now(), why);
    match advance(&mut record, Event::Failed, table, queue, clock).await {
        Ok(()) => Ok(true),
        Err(error) if is_conflict(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives a run up, because one of its messages went to the dead letters.
pub async fn give_up(
    run: &RunId,
    why: &str,
    table: &impl Table,
    queue: &impl QueueOut,
    clock: &impl Clock,
) -> Result<(), StepError> {
    let Some(mut record) = runs::open_run(table, run).await.doing("giving a run up")? else { return Ok(()) };
    record.note(clock.now(), why.to_owned());
    advance(&mut record, Event::Failed, table, queue, clock).await
}
