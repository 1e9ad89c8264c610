//! Messages that nobody could carry out: looked at, and sent again.
//!
//! By receiving, sending and deleting, which every queue can; SQS's own move task is not everywhere.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use engine::ports::QueueError;

use crate::Config;
use crate::failure::told;

/// How long a message that is looked at is hidden from others, in seconds.
const HIDDEN_SECONDS: i32 = 60;
/// SQS's limit of messages in one answer.
const RECEIVED_MAX: i32 = 10;

/// One dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its group.
    pub group: String,
    /// The message.
    pub body: String,
    /// When it was first sent, in milliseconds since 1970.
    pub sent_at_ms: Option<i64>,
}

/// The dead letters of a queue.
#[derive(Debug)]
pub struct DeadLetters {
    client: Client,
    url: String,
    records_url: String,
}

impl DeadLetters {
    /// Opens the dead letters at `url` of the queue at `records_url`; nothing is sent.
    pub fn open(config: &Config, url: &str, records_url: &str) -> Self {
        Self { client: Client::new(config), url: url.to_owned(), records_url: records_url.to_owned() }
    }

    /// Returns up to `limit` dead letters, in the order of each group, and leaves them where they are.
    pub async fn list(&self, limit: usize) -> Result<Vec<DeadLetter>, QueueError> {
        let mut received: Vec<Message> = Vec::new();
        let ended = loop {
            match self.receive().await {
                Ok(some) if some.is_empty() => break Ok(()),
                Ok(some) => received.extend(some),
                Err(error) => break Err(error),
            }
            if received.len() >= limit {
                break Ok(());
            }
        };
        // Shown again at once; where that fails, after a minute by itself.
        for message in &received {
            let request = self.client.change_message_visibility().queue_url(&self.url).visibility_timeout(0);
            let shown = request.set_receipt_handle(message.receipt_handle.clone()).send().await;
            if let Err(error) = shown {
                tracing::debug!(error = %told(&error), "a dead letter stays hidden for a minute");
            }
        }
        ended?;
        received.truncate(limit);
        Ok(received.into_iter().map(letter).collect())
    }

    /// Sends all dead letters again, each as a new message of its group, and returns how many. Interrupted between sending
    /// and deleting, a message is sent twice, which does no harm.
    pub async fn redrive(&self) -> Result<u64, QueueError> {
        let mut sent = 0;
        loop {
            let received = self.receive().await?;
            if received.is_empty() {
                return Ok(sent);
            }
            for message in received {
                self.send_again(message).await?;
                sent += 1;
            }
        }
    }

    async fn send_again(&self, message: Message) -> Result<(), QueueError> {
        let receipt = message.receipt_handle.clone();
        // The same letter sent again within five minutes is dropped by SQS, and that is right.
        let once = format!("redriven-{}", message.message_id.as_deref().unwrap_or_default());
        let DeadLetter { group, body, .. } = letter(message);
        let request = self.client.send_message().queue_url(&self.records_url).message_group_id(group);
        let sent = request.message_deduplication_id(once).message_body(body).send().await;
        sent.map_err(|error| unavailable("send a dead letter again", told(&error)))?;
        let request = self.client.delete_message().queue_url(&self.url).set_receipt_handle(receipt);
        request.send().await.map(drop).map_err(|error| unavailable("delete a dead letter", told(&error)))
    }

    async fn receive(&self) -> Result<Vec<Message>, QueueError> {
        let request = self.client.receive_message().queue_url(&self.url).max_number_of_messages(RECEIVED_MAX);
        let answer = request
            .visibility_timeout(HIDDEN_SECONDS)
            .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .send()
            .await
            .map_err(|error| unavailable("receive dead letters", told(&error)))?;
        Ok(answer.messages.unwrap_or_default())
    }
}

fn letter(message: Message) -> DeadLetter {
    let mut attributes = message.attributes.unwrap_or_default();
    let sent = attributes.remove(&MessageSystemAttributeName::SentTimestamp);
    DeadLetter {
        group: attributes.remove(&MessageSystemAttributeName::MessageGroupId).unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        sent_at_ms: sent.and_then(|sent| sent.parse().ok()),
    }
}

fn unavailable(operation: &'static str, cause: impl Into<engine::ports::Cause>) -> QueueError {
    QueueError::Unavailable { operation, cause: cause.into() }
}
