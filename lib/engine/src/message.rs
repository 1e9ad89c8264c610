//! The messages between the vendor functions and the reconciler, and how they are sent.
//!
//! A message says *look again*: the handler reads what is stored, and a lost, late or doubled message costs time only.

use reconcile::ids::{PlanId, RunId, Scope};
use reconcile::record::{Fingerprint, Kind, VendorRecord};
use serde::{Deserialize, Serialize};

use crate::ports::{Envelope, QueueError, QueueOut};
use crate::store::digests::Remembered;
use crate::store::entries::IdRange;

/// One vendor record on its way, and how often the read brought its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The record.
    #[serde(flatten)]
    pub record: VendorRecord,
    /// Above one: a duplicate at the vendor.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub copies: u32,
    /// What the row looked like in its list, where the record was completed by a call of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<Fingerprint>,
}

fn one() -> u32 {
    1
}

fn is_one(copies: &u32) -> bool {
    *copies == 1
}

/// A scope's records of one kind whose ids lie in a range: all that the vendor has there, so that what is stored in the
/// range and not among the rows is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// The scope.
    pub scope: Scope,
    /// The kind.
    pub kind: Kind,
    /// The range of ids.
    pub range: IdRange,
    /// Whether the read of the scope ended by the vendor's own rule.
    pub complete: bool,
    /// Whether only changes were asked for: what is not among the rows is as it was.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub changes: bool,
    /// The digest of the whole scope and kind, on its last slice of a complete read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Fingerprint>,
    /// What is remembered of the whole scope and kind, where it is settled and a few changes came, all in this slice: then
    /// nothing beside them needs to be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Remembered>,
    /// The records, sorted by id.
    pub rows: Vec<Row>,
}

/// What the reconciler is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Message {
    /// Records of a run that were read; `seq` counts from 0 without a gap.
    Records {
        /// The run.
        run: RunId,
        /// The place in the run's sequence.
        seq: u64,
        /// The records.
        slices: Vec<Slice>,
    },
    /// The run moved on, or may be able to: look at it.
    Look {
        /// The run.
        run: RunId,
    },
    /// Plan these scopes as one part.
    PlanPart {
        /// The run.
        run: RunId,
        /// The part; 0 is users and clients.
        part: u64,
    },
    /// Carry out one part of a plan.
    ApplyPart {
        /// The plan.
        plan: PlanId,
        /// The part.
        part: u64,
    },
}

/// The most bytes of one batch of messages: below the queue's limit of 1 MiB with room for attributes and for what
/// estimates miss, and small enough that a handler's work stays short (about 2,000 devices).
pub const BATCH_BYTES_MAX: usize = 600 * 1024;
const _: () = assert!(BATCH_BYTES_MAX < 1024 * 1024);

/// The most messages that one send takes (SQS).
pub const BATCH_MESSAGES_MAX: usize = 10;

/// How often entries that the queue refused are sent again before the step fails.
const RESENDS_MAX: usize = 3;

impl Message {
    /// Returns the message as it travels. Records and control messages of a run share its integration's group; parts have
    /// a group each, so that a large account is worked on side by side.
    pub fn envelope(&self) -> Envelope {
        let (group, deduplication) = match self {
            Message::Records { run, seq, .. } => (run.integration().to_string(), format!("{run}#in#{seq}")),
            Message::Look { run } => (run.integration().to_string(), String::new()),
            Message::PlanPart { run, part } => (format!("{}#{part}", run.integration()), String::new()),
            Message::ApplyPart { plan, part } => (format!("{}#{part}", plan.integration()), String::new()),
        };
        let body = serde_json::to_string(self).expect("messages have text keys");
        // A message that is sent again on purpose must not be swallowed as a duplicate: only records carry an id of their own.
        Envelope { group, deduplication, body }
    }

    /// Reads a message as it travelled.
    pub fn parse(body: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(body)
    }
}

/// Sends messages in order, in batches under the queue's limits; refused ones are sent again a few times.
pub async fn send(queue: &impl QueueOut, messages: &[Message]) -> Result<(), QueueError> {
    let mut batch: Vec<Envelope> = Vec::new();
    let mut bytes = 0;
    for message in messages {
        let envelope = message.envelope();
        if !batch.is_empty() && (batch.len() == BATCH_MESSAGES_MAX || bytes + envelope.body.len() > BATCH_BYTES_MAX) {
            send_batch(queue, std::mem::take(&mut batch)).await?;
            bytes = 0;
        }
        bytes += envelope.body.len();
        batch.push(envelope);
    }
    if batch.is_empty() { Ok(()) } else { send_batch(queue, batch).await }
}

async fn send_batch(queue: &impl QueueOut, mut batch: Vec<Envelope>) -> Result<(), QueueError> {
    for _ in 0..=RESENDS_MAX {
        let refused = queue.send(batch.clone()).await?;
        if refused.is_empty() {
            return Ok(());
        }
        batch = refused.into_iter().filter_map(|position| batch.get(position).cloned()).collect();
    }
    let cause = format!("{} messages were refused {} times", batch.len(), RESENDS_MAX + 1).into();
    Err(QueueError::Unavailable { operation: "send", cause })
}
