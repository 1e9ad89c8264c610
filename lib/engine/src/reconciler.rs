//! Carries out one message: what the reconciler function, the worker on one machine and the simulation all call.

use std::future::Future;

use reconcile::ids::RunId;
use reconcile::run::Phase;

use crate::applying::apply_part;
use crate::error::{Disposition, Doing, StepError, with_causes};
use crate::intake::intake;
use crate::life;
use crate::message::Message;
use crate::planning::plan_part;
use crate::ports::{Clock, Delivery, QueueIn, QueueOut, Table};
use crate::store::runs::{self, Marks};
use crate::watch::{Sign, Watch};

/// Carries out a message. `attempt` above one says that it came before: then what the run's phase asks for is sent again,
/// because the earlier try may have stopped between saving and sending.
pub async fn handle(
    message: Message,
    attempt: u32,
    table: &impl Table,
    queue: &impl QueueOut,
    clock: &impl Clock,
) -> Result<(), StepError> {
    let run = match &message {
        Message::Records { run, .. } | Message::Look { run } | Message::PlanPart { run, .. } => Some(run.clone()),
        Message::ApplyPart { plan, .. } => match runs::slot(table, &plan.integration()).await {
            Ok(runs::Slot::Taken(record)) if record.plan.as_ref() == Some(plan) => Some(record.run_id),
            _ => None,
        },
    };
    match message {
        Message::Records { run, seq, slices } => intake(&run, seq, slices, table, queue, clock).await?,
        Message::Look { run } => life::look(&run, table, queue, clock).await?,
        Message::PlanPart { run, part } => plan_part(&run, part, table, queue, clock).await?,
        Message::ApplyPart { plan, part } => apply_part(&plan, part, table, queue, clock).await?,
    }
    if attempt > 1
        && let Some(run) = run
        && let Some(record) = runs::open_run(table, &run).await.doing("looking at a run")?
    {
        life::nudge(&record, queue).await?;
    }
    Ok(())
}

/// Takes messages from a queue until it is empty, and carries them out. Returns how many were dealt with.
///
/// A message that fails in a way that may pass goes back; one that never can is given up with its run, as is one that
/// came for the last time.
pub async fn drain<Q: QueueIn + QueueOut>(table: &impl Table, queue: &Q, clock: &impl Clock) -> Result<u64, StepError> {
    drain_each(table, queue, clock, || async { Ok(()) }).await
}

/// Drains the queue, and tells how far a run is after each message.
pub async fn drain_watched<Q: QueueIn + QueueOut>(
    table: &impl Table,
    queue: &Q,
    clock: &impl Clock,
    run: &RunId,
    watch: &impl Watch,
) -> Result<u64, StepError> {
    drain_each(table, queue, clock, || tell(table, run, watch)).await
}

/// Tells how many parts of a run are planned or written.
async fn tell(table: &impl Table, run: &RunId, watch: &impl Watch) -> Result<(), StepError> {
    let Some(record) = runs::open_run(table, run).await.doing("looking at a run")? else { return Ok(()) };
    let (phase, family, total) = match record.run.phase {
        Phase::Planning { parts } => ("planning", Marks::Planned, parts),
        Phase::Applying { parts, .. } => ("applying", Marks::Applied, parts),
        _ => return Ok(()),
    };
    let done = runs::count_marks(table, run.as_str(), family).await.doing("counting parts")?.saturating_sub(1);
    watch.sign(Sign::Parts { phase, done, total });
    Ok(())
}

async fn drain_each<Q: QueueIn + QueueOut, F: Future<Output = Result<(), StepError>>>(
    table: &impl Table,
    queue: &Q,
    clock: &impl Clock,
    after_each: impl Fn() -> F,
) -> Result<u64, StepError> {
    let mut dealt = 0;
    loop {
        let deliveries = queue.receive(10).await.map_err(StepError::Queue)?;
        if deliveries.is_empty() {
            return Ok(dealt);
        }
        for delivery in deliveries {
            deliver(&delivery, table, queue, clock).await?;
            dealt += 1;
            after_each().await?;
        }
    }
}

/// Carries out one delivery and settles it.
pub async fn deliver<Q: QueueIn + QueueOut>(
    delivery: &Delivery,
    table: &impl Table,
    queue: &Q,
    clock: &impl Clock,
) -> Result<(), StepError> {
    let message = match Message::parse(&delivery.body) {
        Ok(message) => message,
        Err(cause) => {
            tracing::error!(receipt = delivery.receipt, %cause, "a message cannot be read; it was dropped");
            return queue.done(&delivery.receipt).await.map_err(StepError::Queue);
        }
    };
    match handle(message.clone(), delivery.attempt, table, queue, clock).await {
        Ok(()) => queue.done(&delivery.receipt).await.map_err(StepError::Queue),
        Err(error) => {
            let last = delivery.attempt >= crate::ports::ATTEMPTS_MAX;
            let again = matches!(error.disposition(), Disposition::Again { .. });
            let told = with_causes(&error);
            tracing::warn!(attempt = delivery.attempt, error = told, "a message failed");
            if last || !again {
                let run = match &message {
                    Message::Records { run, .. } | Message::Look { run } | Message::PlanPart { run, .. } => run.clone(),
                    Message::ApplyPart { plan, .. } => match runs::slot(table, &plan.integration()).await {
                        Ok(runs::Slot::Taken(record)) if record.plan.as_ref() == Some(plan) => record.run_id,
                        _ => return queue.back(&delivery.receipt).await.map_err(StepError::Queue),
                    },
                };
                let why = format!("a message failed {} times: {told}", delivery.attempt);
                life::give_up(&run, &why, table, queue, clock).await?;
            }
            queue.back(&delivery.receipt).await.map_err(StepError::Queue)
        }
    }
}
