//! A FIFO queue in memory.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use super::held;
use crate::ports::{ATTEMPTS_MAX, Delivery, Envelope, QueueError, QueueIn, QueueOut};

/// SQS's limit of entries in one call.
const BATCH_ENTRIES_MAX: usize = 10;
/// SQS's limit of one body, and of a batch together.
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// A message that was delivered [`ATTEMPTS_MAX`] times and never dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its group.
    pub group: String,
    /// The message as JSON.
    pub body: String,
}

#[derive(Debug)]
struct Waiting {
    sequence: u64,
    body: String,
    attempts: u32,
}

#[derive(Debug, Default)]
struct State {
    sent: u64,
    /// A group's messages in order; the first of a group in flight is the one that was delivered.
    groups: BTreeMap<String, VecDeque<Waiting>>,
    /// Groups with none in flight, by the sequence number of their first message.
    ready: BTreeMap<u64, String>,
    /// Groups with one in flight, by its receipt.
    in_flight: BTreeMap<String, String>,
    deduplications: BTreeSet<String>,
    dead: Vec<DeadLetter>,
}

impl State {
    fn accept(&mut self, envelope: Envelope) {
        if !envelope.deduplication.is_empty() && !self.deduplications.insert(envelope.deduplication) {
            return;
        }
        self.sent += 1;
        let waiting = Waiting { sequence: self.sent, body: envelope.body, attempts: 0 };
        let messages = self.groups.entry(envelope.group.clone()).or_default();
        if messages.is_empty() {
            self.ready.insert(waiting.sequence, envelope.group);
        }
        messages.push_back(waiting);
    }

    fn deliver(&mut self) -> Option<Delivery> {
        let (sequence, group) = self.ready.pop_first()?;
        let first = self.groups.get_mut(&group).and_then(VecDeque::front_mut).expect("a ready group has a message");
        first.attempts += 1;
        let receipt = format!("{sequence}-{}", first.attempts);
        let delivery = Delivery {
            receipt: receipt.clone(),
            group: group.clone(),
            body: first.body.clone(),
            attempt: first.attempts,
        };
        self.in_flight.insert(receipt, group);
        Some(delivery)
    }

    /// Takes the delivered message out of flight: out of the queue if it is done with, else to be delivered again.
    fn settle(&mut self, receipt: &str, done: bool) {
        let Some(group) = self.in_flight.remove(receipt) else { return };
        let messages = self.groups.get_mut(&group).expect("a group in flight has a message");
        let exhausted = messages.front().is_some_and(|first| first.attempts >= ATTEMPTS_MAX);
        if done || exhausted {
            let settled = messages.pop_front().expect("a group in flight has a message");
            if !done {
                self.dead.push(DeadLetter { group: group.clone(), body: settled.body });
            }
        }
        match messages.front() {
            Some(first) => drop(self.ready.insert(first.sequence, group)),
            None => drop(self.groups.remove(&group)),
        }
    }
}

/// A FIFO queue in memory: groups in order with one message in flight each, de-duplication, dead letters. A clone shares
/// the messages.
///
/// Unlike SQS it remembers the de-duplication ids for good, until told to forget them, and takes a message back only when
/// told so: both are events that a simulation wants to choose.
#[derive(Debug, Clone, Default)]
pub struct MemoryQueue {
    state: Arc<Mutex<State>>,
}

impl MemoryQueue {
    /// Makes an empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns how many messages are waiting or in flight.
    pub fn depth(&self) -> usize {
        held(&self.state).groups.values().map(VecDeque::len).sum()
    }

    /// Returns the dead letters, oldest first.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        held(&self.state).dead.clone()
    }

    /// Gives back everything in flight, as the visibility timeout does after a crash of the receiver.
    pub fn give_back_in_flight(&self) {
        let mut state = held(&self.state);
        let receipts: Vec<String> = state.in_flight.keys().cloned().collect();
        receipts.iter().for_each(|receipt| state.settle(receipt, false));
    }

    /// Forgets the de-duplication ids, as SQS does after five minutes.
    pub fn forget_deduplications(&self) {
        held(&self.state).deduplications.clear();
    }
}

impl QueueOut for MemoryQueue {
    async fn send(&self, batch: Vec<Envelope>) -> Result<Vec<usize>, QueueError> {
        let bytes: usize = batch.iter().map(|envelope| envelope.body.len()).sum();
        if batch.len() > BATCH_ENTRIES_MAX || (batch.len() > 1 && bytes > BATCH_BYTES_MAX) {
            let cause = format!("a batch of {} messages and {bytes} bytes is too large", batch.len()).into();
            return Err(QueueError::Unavailable { operation: "send", cause });
        }
        let mut state = held(&self.state);
        let mut refused = Vec::new();
        for (position, envelope) in batch.into_iter().enumerate() {
            if envelope.body.is_empty() || envelope.body.len() > BATCH_BYTES_MAX {
                refused.push(position);
            } else {
                state.accept(envelope);
            }
        }
        Ok(refused)
    }
}

impl QueueIn for MemoryQueue {
    async fn receive(&self, limit: usize) -> Result<Vec<Delivery>, QueueError> {
        let mut state = held(&self.state);
        Ok(std::iter::from_fn(|| state.deliver()).take(limit).collect())
    }

    async fn done(&self, receipt: &str) -> Result<(), QueueError> {
        held(&self.state).settle(receipt, true);
        Ok(())
    }

    async fn back(&self, receipt: &str) -> Result<(), QueueError> {
        held(&self.state).settle(receipt, false);
        Ok(())
    }
}
