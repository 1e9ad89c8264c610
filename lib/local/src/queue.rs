//! The records queue in a SQLite file.
//!
//! A message leaves the file only when it is settled. That one is in flight is known to the process alone: at the next
//! opening everything may be delivered again, with the attempts counted on, so that a message which kills the process ends
//! as a dead letter like any other poison.

use std::path::Path;
use std::sync::{Arc, Mutex};

use engine::ports::{ATTEMPTS_MAX, Cause, Delivery, Envelope, QueueError, QueueIn, QueueOut};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use tokio::sync::Notify;

use crate::folder::OpenError;

/// How long an id is remembered, as by SQS.
const DEDUPLICATION_SECONDS: i64 = 300;
/// Like SQS, so that what works here works there.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A group's row stands for its first message: `receipt` is set while that one is in flight.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS messages (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        grp TEXT NOT NULL,
        body TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX IF NOT EXISTS messages_by_group ON messages (grp, sequence);
    CREATE TABLE IF NOT EXISTS groups (
        grp TEXT PRIMARY KEY,
        head INTEGER NOT NULL,
        receipt TEXT
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS groups_ready ON groups (head) WHERE receipt IS NULL;
    CREATE UNIQUE INDEX IF NOT EXISTS groups_in_flight ON groups (receipt) WHERE receipt IS NOT NULL;
    CREATE TABLE IF NOT EXISTS sent (
        deduplication TEXT PRIMARY KEY,
        at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS sent_by_time ON sent (at);
    CREATE TABLE IF NOT EXISTS dead (
        sequence INTEGER PRIMARY KEY,
        grp TEXT NOT NULL,
        body TEXT NOT NULL,
        at INTEGER NOT NULL
    );";

/// A durable FIFO queue: groups in order with one message in flight each, de-duplication, dead letters. A clone is another
/// hand on the same queue.
#[derive(Debug, Clone)]
pub struct LocalQueue {
    connection: Arc<Mutex<Connection>>,
    changed: Arc<Notify>,
}

/// How many messages there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Waiting or in flight.
    pub waiting: u64,
    /// Given up.
    pub dead: u64,
}

impl LocalQueue {
    /// Opens the file, which need not be there. Everything in it may be delivered.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let connection =
            prepare(path).map_err(|cause| OpenError::Unreadable { path: path.to_owned(), cause: cause.into() })?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), changed: Arc::new(Notify::new()) })
    }

    /// Counts the messages.
    pub async fn depth(&self) -> Result<Depth, QueueError> {
        self.with("count", |transaction| {
            let count = |sql| transaction.query_row(sql, [], |row| row.get::<_, u64>(0));
            Ok(Depth { waiting: count("SELECT count(*) FROM messages")?, dead: count("SELECT count(*) FROM dead")? })
        })
        .await
    }

    /// Waits until a message was sent or settled since the last wait ended, so that a worker need not poll. One worker at a
    /// time may wait; it receives until nothing comes, then waits.
    pub async fn wait(&self) {
        self.changed.notified().await;
    }

    /// Works in one transaction, on a thread where waiting for the disk blocks nobody.
    async fn with<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, QueueError> {
        let connection = Arc::clone(&self.connection);
        let done = tokio::task::spawn_blocking(move || -> Result<T, Cause> {
            let mut connection = connection.lock().expect("no one panics while holding the connection");
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let outcome = work(&transaction)?;
            transaction.commit()?;
            Ok(outcome)
        });
        let done = done.await.unwrap_or_else(|error| Err(error.into()));
        done.map_err(|cause| QueueError::Unavailable { operation, cause })
    }
}

fn prepare(path: &Path) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    let receipts: Vec<String> = transaction
        .prepare("SELECT receipt FROM groups WHERE receipt IS NOT NULL")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for receipt in receipts {
        settle(&transaction, &receipt, false)?;
    }
    transaction.commit()?;
    Ok(connection)
}

fn accept(transaction: &Transaction<'_>, envelope: &Envelope) -> rusqlite::Result<()> {
    if !envelope.deduplication.is_empty() {
        let new = transaction
            .prepare_cached("INSERT OR IGNORE INTO sent (deduplication, at) VALUES (?1, unixepoch())")?
            .execute([&envelope.deduplication])?;
        if new == 0 {
            return Ok(());
        }
    }
    transaction
        .prepare_cached("INSERT INTO messages (grp, body) VALUES (?1, ?2)")?
        .execute([&envelope.group, &envelope.body])?;
    transaction
        .prepare_cached("INSERT OR IGNORE INTO groups (grp, head) VALUES (?1, ?2)")?
        .execute(params![envelope.group, transaction.last_insert_rowid()])?;
    Ok(())
}

fn deliver(transaction: &Transaction<'_>) -> rusqlite::Result<Option<Delivery>> {
    let first = transaction
        .prepare_cached("SELECT head, grp FROM groups WHERE receipt IS NULL ORDER BY head LIMIT 1")?
        .query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    let Some((sequence, group)) = first else { return Ok(None) };
    let (body, attempt): (String, u32) = transaction
        .prepare_cached("UPDATE messages SET attempts = attempts + 1 WHERE sequence = ?1 RETURNING body, attempts")?
        .query_row([sequence], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let receipt = format!("{sequence}-{attempt}");
    transaction.prepare_cached("UPDATE groups SET receipt = ?1 WHERE grp = ?2")?.execute([&receipt, &group])?;
    Ok(Some(Delivery { receipt, group, body, attempt }))
}

/// Takes the delivered message out of flight: out of the queue if it is done with, else to be delivered again.
fn settle(transaction: &Transaction<'_>, receipt: &str, done: bool) -> rusqlite::Result<()> {
    let in_flight = transaction
        .prepare_cached(
            "SELECT g.grp, m.sequence, m.attempts FROM groups g JOIN messages m ON m.sequence = g.head WHERE g.receipt = ?1",
        )?
        .query_row([receipt], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, u32>(2)?)))
        .optional()?;
    let Some((group, sequence, attempts)) = in_flight else { return Ok(()) };
    if !done && attempts < ATTEMPTS_MAX {
        transaction.prepare_cached("UPDATE groups SET receipt = NULL WHERE grp = ?1")?.execute([&group])?;
        return Ok(());
    }
    if !done {
        transaction
            .prepare_cached(
                "INSERT INTO dead (sequence, grp, body, at) SELECT sequence, grp, body, unixepoch() FROM messages
                 WHERE sequence = ?1",
            )?
            .execute([sequence])?;
    }
    transaction.prepare_cached("DELETE FROM messages WHERE sequence = ?1")?.execute([sequence])?;
    let next: Option<i64> = transaction
        .prepare_cached("SELECT min(sequence) FROM messages WHERE grp = ?1")?
        .query_row([&group], |row| row.get(0))?;
    match next {
        Some(next) => transaction
            .prepare_cached("UPDATE groups SET head = ?1, receipt = NULL WHERE grp = ?2")?
            .execute(params![next, group])?,
        None => transaction.prepare_cached("DELETE FROM groups WHERE grp = ?1")?.execute([&group])?,
    };
    Ok(())
}

impl QueueOut for LocalQueue {
    async fn send(&self, batch: Vec<Envelope>) -> Result<Vec<usize>, QueueError> {
        let refused = self
            .with("send", move |transaction| {
                transaction
                    .prepare_cached("DELETE FROM sent WHERE at < unixepoch() - ?1")?
                    .execute([DEDUPLICATION_SECONDS])?;
                let mut refused = Vec::new();
                for (position, envelope) in batch.iter().enumerate() {
                    if envelope.body.is_empty() || envelope.body.len() > BODY_BYTES_MAX {
                        refused.push(position);
                    } else {
                        accept(transaction, envelope)?;
                    }
                }
                Ok(refused)
            })
            .await?;
        self.changed.notify_one();
        Ok(refused)
    }
}

impl QueueIn for LocalQueue {
    async fn receive(&self, limit: usize) -> Result<Vec<Delivery>, QueueError> {
        self.with("receive", move |transaction| {
            let mut taken = Vec::new();
            while taken.len() < limit
                && let Some(delivery) = deliver(transaction)?
            {
                taken.push(delivery);
            }
            Ok(taken)
        })
        .await
    }

    async fn done(&self, receipt: &str) -> Result<(), QueueError> {
        let receipt = receipt.to_owned();
        self.with("settle", move |transaction| settle(transaction, &receipt, true)).await?;
        self.changed.notify_one();
        Ok(())
    }

    async fn back(&self, receipt: &str) -> Result<(), QueueError> {
        let receipt = receipt.to_owned();
        self.with("give back", move |transaction| settle(transaction, &receipt, false)).await?;
        self.changed.notify_one();
        Ok(())
    }
}
