//! A batch that Lambda took from the queue, as the engine's receiving side sees it.
//!
//! On AWS nobody polls: a message that is given back is named in the answer, and the event source mapping returns it to
//! the queue. With that difference behind the port, the engine settles a delivery in the same way as on one machine.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws::queue::SqsQueue;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use engine::ports::{Delivery, Envelope, QueueError, QueueIn, QueueOut};

/// Why a batch cannot be worked on.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The event is something else.
    #[error("the event is not a batch of SQS messages")]
    NotABatch(#[source] Unread),
    /// A message without an id could not be named in the answer, and an unknown or empty id there makes Lambda take the
    /// whole batch as failed.
    #[error("message {0} of the batch has no id")]
    NoMessageId(usize),
}

/// The parser's words; the parser's own error cannot be compared.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unread(String);

/// A message of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The message; its receipt is the message's id, by which the answer names it.
    pub delivery: Delivery,
    /// What SQS knows this delivery by.
    pub handle: Option<String>,
}

/// Says when a message that failed comes again. Named in the answer alone, it would stay hidden for the whole visibility
/// timeout, which is meant for a function that vanished.
pub trait Later: Send + Sync {
    /// Shows the message again after `wait`.
    fn show_after(&self, handle: &str, wait: Duration) -> impl Future<Output = Result<(), QueueError>> + Send;
}

impl Later for SqsQueue {
    async fn show_after(&self, handle: &str, wait: Duration) -> Result<(), QueueError> {
        SqsQueue::show_after(self, handle, wait).await
    }
}

/// Reads the messages of an event, in the order in which they are to be worked on.
pub fn deliveries(event: serde_json::Value) -> Result<Vec<Taken>, BatchError> {
    let event: SqsEvent =
        serde_json::from_value(event).map_err(|error| BatchError::NotABatch(Unread(error.to_string())))?;
    event.records.into_iter().enumerate().map(|(place, message)| delivery(place, message)).collect()
}

fn delivery(place: usize, message: SqsMessage) -> Result<Taken, BatchError> {
    let receipt = message.message_id.filter(|id| !id.is_empty()).ok_or(BatchError::NoMessageId(place))?;
    let attempt = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
    let delivery = Delivery {
        receipt,
        group: message.attributes.get("MessageGroupId").cloned().unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        attempt: attempt.unwrap_or(1),
    };
    Ok(Taken { delivery, handle: message.receipt_handle })
}

/// A batch in work: messages that come back are remembered, those that are sent go to the queue.
#[derive(Debug)]
pub struct Batch<'q, Q> {
    queue: &'q Q,
    returned: Mutex<BTreeSet<String>>,
}

impl<'q, Q> Batch<'q, Q> {
    /// Begins a batch; what its messages lead to is sent to `queue`.
    pub fn new(queue: &'q Q) -> Self {
        Self { queue, returned: Mutex::default() }
    }

    /// Says whether the message with this id came back.
    pub fn has_returned(&self, receipt: &str) -> bool {
        self.returned.lock().unwrap_or_else(PoisonError::into_inner).contains(receipt)
    }

    /// Takes a message as come back.
    pub fn give_back(&self, receipt: &str) {
        self.returned.lock().unwrap_or_else(PoisonError::into_inner).insert(receipt.to_owned());
    }

    /// Returns the answer that names every message that came back.
    pub fn answer(self) -> SqsBatchResponse {
        let mut answer = SqsBatchResponse::default();
        for receipt in self.returned.into_inner().unwrap_or_else(PoisonError::into_inner) {
            answer.add_failure(receipt);
        }
        answer
    }
}

impl<Q: QueueOut> QueueOut for Batch<'_, Q> {
    async fn send(&self, batch: Vec<Envelope>) -> Result<Vec<usize>, QueueError> {
        self.queue.send(batch).await
    }
}

impl<Q: Send + Sync> QueueIn for Batch<'_, Q> {
    /// Lambda hands the messages in; there are no others.
    async fn receive(&self, _limit: usize) -> Result<Vec<Delivery>, QueueError> {
        Ok(Vec::new())
    }

    /// A message that the answer does not name is removed by Lambda.
    async fn done(&self, _receipt: &str) -> Result<(), QueueError> {
        Ok(())
    }

    async fn back(&self, receipt: &str) -> Result<(), QueueError> {
        self.give_back(receipt);
        Ok(())
    }
}
