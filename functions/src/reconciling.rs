//! The reconciler: a batch of messages in, the ids of those that must come again out.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aws_lambda_events::sqs::SqsBatchResponse;
use engine::error::with_causes;
use engine::ports::{ATTEMPTS_MAX, Clock, Delivery, QueueOut, Table};
use engine::reconciler::deliver;
use serde_json::{Value, json};

use crate::batch::{Batch, Later, Taken, deliveries};
use crate::failure::Failure;
use crate::metrics::Metrics;

/// What the reconciler works with.
#[derive(Debug)]
pub struct Ports<T, Q> {
    /// The table.
    pub table: T,
    /// The records queue, for what a message leads to.
    pub queue: Q,
    /// Where metrics go.
    pub metrics: Metrics,
}

/// What must be left of an invocation when a message is begun: a message that Lambda cuts off comes again only after the
/// queue's visibility timeout, one that is given back comes within seconds.
pub const MESSAGE_DURATION_MAX: Duration = Duration::from_secs(30);

/// Carries out the messages of a batch, in order.
///
/// After the first failure of a group the rest of that group is given back untouched, so that its order is kept; other
/// groups go on. When time runs short everything that is left is given back.
pub async fn handle<T: Table, Q: QueueOut + Later>(
    event: Value,
    ports: &Ports<T, Q>,
    clock: &impl Clock,
) -> Result<SqsBatchResponse, Failure> {
    let started = Instant::now();
    let deliveries = deliveries(event).map_err(|error| Failure::person(with_causes(&error)))?;
    let batch = Batch::new(&ports.queue);
    let mut blocked: BTreeSet<&str> = BTreeSet::new();
    let mut done = 0_u64;
    for Taken { delivery, handle } in &deliveries {
        let waits = blocked.contains(delivery.group.as_str()) || clock.remaining() < MESSAGE_DURATION_MAX;
        if !waits {
            carry_out(delivery, ports, &batch, clock).await;
        }
        if waits || batch.has_returned(&delivery.receipt) {
            batch.give_back(&delivery.receipt);
            show_again(delivery, handle.as_deref(), &ports.queue).await;
            blocked.insert(&delivery.group);
        } else {
            done += 1;
        }
    }
    let returned = deliveries.len() as u64 - done;
    let duration_ms = started.elapsed().as_millis() as u64;
    tracing::info!(done, returned, duration_ms, "a batch of messages was worked on");
    let counts = [("MessagesDone", done), ("MessagesReturned", returned)];
    ports.metrics.count(&counts, &[("duration_ms", json!(duration_ms))]);
    Ok(batch.answer())
}

/// The wait before the second delivery of a message; doubled with each further one, so that five deliveries take 75
/// seconds, long enough for a throttled table to grow. After the last, the dead letters are next, and nothing is waited for.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Has a message come again soon. Where that cannot be said, it comes after the visibility timeout.
async fn show_again(delivery: &Delivery, handle: Option<&str>, queue: &impl Later) {
    let Some(handle) = handle else { return };
    let wait = match delivery.attempt {
        last if last >= ATTEMPTS_MAX => Duration::ZERO,
        attempt => AGAIN_AFTER * 2_u32.pow(attempt.saturating_sub(1)),
    };
    if let Err(error) = queue.show_after(handle, wait).await {
        tracing::warn!(message_id = delivery.receipt, error = with_causes(&error), "a message comes again late");
    }
}

/// Carries out one message; one that could not even be settled comes again.
async fn carry_out<T: Table, Q: QueueOut>(
    delivery: &Delivery,
    ports: &Ports<T, Q>,
    batch: &Batch<'_, Q>,
    clock: &impl Clock,
) {
    if let Err(error) = Box::pin(deliver(delivery, &ports.table, batch, clock)).await {
        let error_text = with_causes(&error);
        tracing::error!(message_id = delivery.receipt, error = error_text, "a message could not be settled");
        batch.give_back(&delivery.receipt);
    }
}

#[cfg(test)]
mod tests;
