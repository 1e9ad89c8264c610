use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::memory::{ManualClock, MemoryQueue, MemoryTable};
use engine::ports::{Envelope, Item, Key, Meter, Page, Query, QueueError, TableError, Write};
use serde_json::json;

use super::*;

/// A table whose first reads fail.
struct Shaky {
    table: MemoryTable,
    failures_left: AtomicUsize,
    reads: AtomicUsize,
}

impl Shaky {
    fn new(failures: usize) -> Self {
        Self { table: MemoryTable::new(), failures_left: AtomicUsize::new(failures), reads: AtomicUsize::new(0) }
    }
}

impl Table for Shaky {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let left = self.failures_left.load(Ordering::SeqCst);
        if left > 0 {
            self.failures_left.store(left - 1, Ordering::SeqCst);
            return Err(TableError::Unavailable { operation: "get", cause: "throttled".into() });
        }
        self.table.get(key).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        self.table.get_many(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.table.query(query).await
    }

    async fn write(&self, write: Write) -> Result<(), TableError> {
        self.table.write(write).await
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<(), TableError> {
        self.table.transact(writes).await
    }

    fn meter(&self) -> &Meter {
        self.table.meter()
    }
}

/// A queue that remembers which messages are to come again, and when.
#[derive(Default)]
struct Queue {
    sent: MemoryQueue,
    again: Mutex<Vec<(String, u64)>>,
}

impl QueueOut for Queue {
    async fn send(&self, batch: Vec<Envelope>) -> Result<Vec<usize>, QueueError> {
        self.sent.send(batch).await
    }
}

impl Later for Queue {
    async fn show_after(&self, handle: &str, wait: Duration) -> Result<(), QueueError> {
        self.again.lock().unwrap().push((handle.to_owned(), wait.as_secs()));
        Ok(())
    }
}

#[tokio::test]
async fn a_message_that_failed_comes_again_within_seconds_and_later_each_time() {
    let mut messages = vec![look("m1", "a"), look("m2", "b"), look("m3", "c"), look("m4", "d")];
    for (message, attempt) in messages.iter_mut().zip(["1", "4", "5", "1"]) {
        message["receiptHandle"] = json!(format!("handle of try {attempt}"));
        message["attributes"]["ApproximateReceiveCount"] = json!(attempt);
    }
    let ports = Ports { table: Shaky::new(3), queue: Queue::default(), metrics: Metrics::default() };
    handle(json!({"Records": messages}), &ports, &clock()).await.unwrap();
    let again = ports.queue.again.into_inner().unwrap();
    let expected = [("handle of try 1", 5), ("handle of try 4", 40), ("handle of try 5", 0)];
    assert_eq!(again, expected.map(|(handle, seconds)| (handle.to_owned(), seconds)));
}

/// A message that asks to look at a run which is over.
fn look(id: &str, group: &str) -> Value {
    let body = json!({"do": "look", "run": "auvik-main.20261122T200000000Z"}).to_string();
    message(id, group, &body)
}

fn message(id: &str, group: &str, body: &str) -> Value {
    json!({
        "messageId": id,
        "receiptHandle": "AQEB",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": group},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:records.fifo",
        "awsRegion": "eu-west-1",
    })
}

fn clock() -> ManualClock {
    ManualClock::new("2026-11-22T20:00:00Z".parse().unwrap())
}

/// Works on a batch and returns the ids that come again.
async fn returned(messages: Vec<Value>, table: Shaky, clock: &ManualClock) -> Vec<String> {
    let ports = Ports { table, queue: Queue::default(), metrics: Metrics::default() };
    let answer = handle(json!({"Records": messages}), &ports, clock).await.unwrap();
    answer.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
}

#[tokio::test]
async fn a_batch_without_failure_names_nobody() {
    let messages = vec![look("m1", "a"), look("m2", "a"), look("m3", "b")];
    assert_eq!(returned(messages, Shaky::new(0), &clock()).await, [""; 0]);
}

#[tokio::test]
async fn a_group_stops_at_its_first_failure_and_the_others_go_on() {
    let messages = vec![look("m1", "a"), look("m2", "b"), look("m3", "a"), look("m4", "b")];
    assert_eq!(returned(messages, Shaky::new(1), &clock()).await, ["m1", "m3"]);
}

#[tokio::test]
async fn a_message_that_cannot_be_read_holds_up_nobody() {
    let messages = vec![message("m1", "a", "<html>"), message("m2", "a", ""), look("m3", "a")];
    assert_eq!(returned(messages, Shaky::new(0), &clock()).await, [""; 0]);
}

#[tokio::test]
async fn what_there_is_no_time_for_comes_again_untouched() {
    let clock = clock();
    clock.set_remaining(MESSAGE_DURATION_MAX - Duration::from_millis(1));
    let ports = Ports { table: Shaky::new(0), queue: Queue::default(), metrics: Metrics::default() };
    let answer = handle(json!({"Records": [look("m1", "a"), look("m2", "b")]}), &ports, &clock).await.unwrap();
    assert_eq!(answer.batch_item_failures.len(), 2);
    assert_eq!(ports.table.reads.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_answer_has_lambda_s_field_names() {
    let ports = Ports { table: Shaky::new(1), queue: Queue::default(), metrics: Metrics::default() };
    let answer = handle(json!({"Records": [look("m1", "a")]}), &ports, &clock()).await.unwrap();
    assert_eq!(serde_json::to_value(answer).unwrap(), json!({"batchItemFailures": [{"itemIdentifier": "m1"}]}));
}

#[tokio::test]
async fn an_event_that_is_no_batch_is_refused_as_a_whole() {
    let ports = Ports { table: Shaky::new(0), queue: Queue::default(), metrics: Metrics::default() };
    let mut nameless = look("m1", "a");
    nameless["messageId"] = json!("");
    for (event, expected) in [
        (json!({}), "not a batch"),
        (json!({"integration": "auvik-main"}), "not a batch"),
        (json!({"Records": [nameless]}), "has no id"),
    ] {
        let failure = handle(event, &ports, &clock()).await.unwrap_err();
        assert!(failure.disposition == "Person" && failure.text.contains(expected), "{failure:?}");
    }
}
