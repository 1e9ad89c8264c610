//! The records queue in SQS: a FIFO queue with groups, de-duplication and a dead-letter queue.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageSystemAttributeName, SendMessageBatchRequestEntry};
use engine::ports::{Delivery, Envelope, QueueError, QueueIn, QueueOut};
use sha2::{Digest, Sha256};

use crate::Config;
use crate::failure::told;

/// SQS's limit of entries in one batch.
const BATCH_ENTRIES_MAX: usize = 10;
/// SQS's limit of one body, and of the bodies of a batch together.
const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// SQS's limit of a message's time out of sight: 12 hours.
const VISIBILITY_SECONDS_MAX: i32 = 43_200;
/// SQS's limit of a group's or a de-duplication id's length.
const ID_BYTES_MAX: usize = 128;

/// A FIFO queue in SQS.
///
/// On AWS the event source mapping receives; [`QueueIn`] is for stand-ins and for hands.
#[derive(Debug)]
pub struct SqsQueue {
    client: Client,
    url: String,
}

impl SqsQueue {
    /// Opens the queue at `url`; nothing is sent.
    pub fn open(config: &Config, url: impl Into<String>) -> Self {
        Self::new(Client::new(config), url)
    }

    /// Uses the queue at `url`; it is not looked at.
    pub fn new(client: Client, url: impl Into<String>) -> Self {
        Self { client, url: url.into() }
    }

    /// Shows a received message again after `wait`; one that was settled meanwhile stays so.
    pub async fn show_after(&self, receipt: &str, wait: Duration) -> Result<(), QueueError> {
        let request = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(receipt);
        let seconds = i32::try_from(wait.as_secs()).unwrap_or(VISIBILITY_SECONDS_MAX).min(VISIBILITY_SECONDS_MAX);
        let Err(error) = request.visibility_timeout(seconds).send().await else { return Ok(()) };
        let settled = error
            .as_service_error()
            .is_some_and(|error| error.is_receipt_handle_is_invalid() || error.is_message_not_inflight());
        if settled { Ok(()) } else { Err(unavailable("give back", told(&error))) }
    }

    /// Sends what fits one call; returns the refused positions.
    async fn send_chunk(&self, chunk: Vec<(usize, Envelope)>) -> Result<Vec<usize>, QueueError> {
        let mut request = self.client.send_message_batch().queue_url(&self.url);
        for (position, envelope) in chunk {
            let entry = SendMessageBatchRequestEntry::builder()
                .id(position.to_string())
                .message_group_id(id(&envelope.group))
                .message_deduplication_id(deduplication(&envelope))
                .message_body(sendable(envelope.body))
                .build();
            request = request.entries(entry.expect("id and body are set"));
        }
        let answer = request.send().await.map_err(|error| unavailable("send", told(&error)))?;
        for failed in answer.failed() {
            tracing::warn!(code = failed.code(), sender_fault = failed.sender_fault(), "SQS refused a message");
        }
        Ok(answer.failed().iter().filter_map(|failed| failed.id().parse().ok()).collect())
    }
}

fn unavailable(operation: &'static str, cause: impl Into<engine::ports::Cause>) -> QueueError {
    QueueError::Unavailable { operation, cause: cause.into() }
}

/// Returns `text` as SQS takes it for a group or a de-duplication id: letters, digits and punctuation, at most 128; any
/// other text by its hash, so that equal texts stay equal and different ones different.
fn id(text: &str) -> Cow<'_, str> {
    let plain = !text.is_empty() && text.len() <= ID_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
    if plain {
        return Cow::Borrowed(text);
    }
    let hash = Sha256::digest(text.as_bytes());
    Cow::Owned(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Returns the de-duplication id of a message. SQS wants one of every message; a message without one gets an id that is
/// used once: from the time, a count, and the message itself, so that should two processes ever meet in the first two, a
/// message can only be taken for its own twin.
fn deduplication(envelope: &Envelope) -> Cow<'_, str> {
    static SENT: AtomicU64 = AtomicU64::new(0);
    if !envelope.deduplication.is_empty() {
        return id(&envelope.deduplication);
    }
    let instant = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let count = SENT.fetch_add(1, Ordering::Relaxed);
    // A blank makes it a text that is hashed.
    Cow::Owned(id(&format!("{instant} {count} {} {}", envelope.group, envelope.body)).into_owned())
}

/// Returns a JSON document without the two characters that SQS refuses and JSON need not escape; a document means the
/// same with them escaped.
fn sendable(body: String) -> String {
    if body.contains(['\u{FFFE}', '\u{FFFF}']) {
        return body.replace('\u{FFFE}', "\\ufffe").replace('\u{FFFF}', "\\uffff");
    }
    body
}

/// Splits a batch into what fits one call each; bodies that fit none are refused.
fn chunks(batch: Vec<Envelope>) -> (Vec<Vec<(usize, Envelope)>>, Vec<usize>) {
    let mut chunks: Vec<Vec<(usize, Envelope)>> = Vec::new();
    let mut refused = Vec::new();
    let mut bytes_in_chunk = usize::MAX;
    for (position, envelope) in batch.into_iter().enumerate() {
        let bytes = envelope.body.len();
        if bytes == 0 || bytes > BATCH_BYTES_MAX {
            refused.push(position);
            continue;
        }
        let fits = bytes_in_chunk.saturating_add(bytes) <= BATCH_BYTES_MAX;
        match chunks.last_mut() {
            Some(chunk) if fits && chunk.len() < BATCH_ENTRIES_MAX => {
                chunk.push((position, envelope));
                bytes_in_chunk += bytes;
            }
            _ => {
                chunks.push(vec![(position, envelope)]);
                bytes_in_chunk = bytes;
            }
        }
    }
    (chunks, refused)
}

impl QueueOut for SqsQueue {
    async fn send(&self, batch: Vec<Envelope>) -> Result<Vec<usize>, QueueError> {
        let (chunks, mut refused) = chunks(batch);
        for chunk in chunks {
            refused.extend(self.send_chunk(chunk).await?);
        }
        refused.sort_unstable();
        Ok(refused)
    }
}

impl QueueIn for SqsQueue {
    /// Takes the messages one by one: SQS gives several of one group in one answer, and a later call none of a group
    /// that has one in flight.
    async fn receive(&self, limit: usize) -> Result<Vec<Delivery>, QueueError> {
        let mut taken = Vec::new();
        while taken.len() < limit {
            let answer = self
                .client
                .receive_message()
                .queue_url(&self.url)
                .max_number_of_messages(1)
                .wait_time_seconds(0)
                .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
                .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId)
                .send()
                .await
                .map_err(|error| unavailable("receive", told(&error)))?;
            let Some(message) = answer.messages.unwrap_or_default().pop() else { break };
            let mut attributes = message.attributes.unwrap_or_default();
            let count = attributes.remove(&MessageSystemAttributeName::ApproximateReceiveCount);
            taken.push(Delivery {
                receipt: message.receipt_handle.unwrap_or_default(),
                group: attributes.remove(&MessageSystemAttributeName::MessageGroupId).unwrap_or_default(),
                body: message.body.unwrap_or_default(),
                attempt: count.and_then(|count| count.parse().ok()).unwrap_or(1),
            });
        }
        Ok(taken)
    }

    async fn done(&self, receipt: &str) -> Result<(), QueueError> {
        let answer = self.client.delete_message().queue_url(&self.url).receipt_handle(receipt).send().await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_receipt_handle_is_invalid()) => Ok(()),
            Err(error) => Err(unavailable("settle", told(&error))),
        }
    }

    async fn back(&self, receipt: &str) -> Result<(), QueueError> {
        self.show_after(receipt, Duration::ZERO).await
    }
}

#[cfg(test)]
mod tests;
