//! What a step needs from the world: a table, a queue, a transport, secrets, a clock.
//!
//! Ports are used with static dispatch. [`crate::contract`] holds the suite that every implementation must pass,
//! [`crate::memory`] the implementations for tests and the simulation.

use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use apis::account::Account;
use apis::call::{Call, Reply, Secret};
use jiff::Timestamp;
use reconcile::ids::IntegrationId;

/// The error of an adapter, kept as the cause.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

// ---------------------------------------------------------------------------------------------------------- table

/// Where an item lies: a partition and a place in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The partition.
    pub pk: String,
    /// The place within it; items of a partition are sorted by its bytes.
    pub sk: String,
}

impl Key {
    /// Makes a key.
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }
}

/// The form of the items that this version of msp-sync writes: one number for the whole table, kept with each item.
///
/// 1 is an item without a form (key, version, document); 2 has its form beside them. Documents of an earlier form are read,
/// and take this one when they are written next. A later form is refused ([`TableError::Newer`]): it may say something that
/// this version would write over unread. Whoever changes what an item means, or where it lies, counts this up and has the
/// integrations written anew first, since every step begins with reading one.
pub const ITEM_FORM: u32 = 2;

/// One stored item: a JSON document with a version that grows by one with every write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it lies.
    pub key: Key,
    /// 1 for an item written once.
    pub version: u64,
    /// A JSON document.
    pub body: String,
}

/// What must hold for a write to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// No item lies there.
    Absent,
    /// The item that lies there has this version; 0 is the same as [`Expect::Absent`].
    Version(u64),
}

impl Expect {
    /// Returns the version that the item has after the write.
    pub fn next_version(self) -> u64 {
        match self {
            Expect::Absent => 1,
            Expect::Version(version) => version + 1,
        }
    }
}

/// One conditional write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Where.
    pub key: Key,
    /// The condition.
    pub expect: Expect,
    /// The new document; `None` deletes the item.
    pub body: Option<String>,
    /// When the store may forget the item, in seconds since 1970; `None` keeps it for good.
    pub expires_at: Option<i64>,
}

impl Write {
    /// Makes a put that is kept for good.
    pub fn put(key: Key, expect: Expect, body: String) -> Self {
        Self { key, expect, body: Some(body), expires_at: None }
    }

    /// Makes a deletion.
    pub fn delete(key: Key, expect: Expect) -> Self {
        Self { key, expect, body: None, expires_at: None }
    }
}

/// A range of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The partition.
    pub pk: String,
    /// The first place, inclusive; empty for the partition's beginning.
    pub from: String,
    /// The last place, inclusive; empty for the partition's end.
    pub to: String,
    /// Begins after this place (the `next` of an earlier page, or an exclusive bound).
    pub after: Option<String>,
    /// At most so many items a page; an answer may hold fewer and still have a next page.
    pub limit: usize,
    /// From the end to the beginning.
    pub newest_first: bool,
}

impl Query {
    /// Asks for a whole partition.
    pub fn partition(pk: impl Into<String>) -> Self {
        Self { pk: pk.into(), from: String::new(), to: String::new(), after: None, limit: 1000, newest_first: false }
    }

    /// Asks for the places that begin with `prefix`.
    pub fn prefix(pk: impl Into<String>, prefix: &str) -> Self {
        Self { from: prefix.to_owned(), to: format!("{prefix}\u{10FFFF}"), ..Self::partition(pk) }
    }
}

/// One page of a query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Items in the order asked for.
    pub items: Vec<Item>,
    /// Where to go on; `None` at the end.
    pub next: Option<String>,
}

/// Why a table operation failed.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A condition did not hold; nothing was written. `index` says which write of a transaction.
    #[error("the item at {key:?} was changed by someone else")]
    Conflict {
        /// Which of the writes.
        index: usize,
        /// Where it was to go.
        key: Key,
    },
    /// The store asks to slow down, or cannot be reached; the write may or may not have happened.
    #[error("the table could not be reached for {operation}")]
    Unavailable {
        /// Which operation.
        operation: &'static str,
        /// Why.
        #[source]
        cause: Cause,
    },
    /// The store refuses for good: no right, no table, too large.
    #[error("the table refused {operation}")]
    Refused {
        /// Which operation.
        operation: &'static str,
        /// Why.
        #[source]
        cause: Cause,
    },
    /// A later version of msp-sync wrote what was to be read; nothing was written.
    #[error(
        "the table holds items of form {form}, and this version of msp-sync knows forms up to {known}: use the later one"
    )]
    Newer {
        /// The item's form.
        form: u32,
        /// The newest form that this version knows: [`ITEM_FORM`].
        known: u32,
    },
}

/// The most writes that one transaction takes (DynamoDB's limit).
pub const TRANSACTION_WRITES_MAX: usize = 100;

/// The most items that are read by their keys at once (DynamoDB's limit).
pub const GET_KEYS_MAX: usize = 100;

/// One table of versioned JSON documents. Reads see every write that was answered before them.
///
/// A write whose answer was lost may have happened; sent again with the same condition it ends as a
/// [`TableError::Conflict`], and the caller looks at what is there.
pub trait Table: Send + Sync {
    /// Reads one item.
    fn get(&self, key: &Key) -> impl Future<Output = Result<Option<Item>, TableError>> + Send;

    /// Reads up to [`GET_KEYS_MAX`] items; those that do not exist are left out, the order is not kept.
    fn get_many(&self, keys: &[Key]) -> impl Future<Output = Result<Vec<Item>, TableError>> + Send;

    /// Reads one page of a partition.
    fn query(&self, query: &Query) -> impl Future<Output = Result<Page, TableError>> + Send;

    /// Writes one item if its condition holds.
    fn write(&self, write: Write) -> impl Future<Output = Result<(), TableError>> + Send;

    /// Writes all items or none; at most [`TRANSACTION_WRITES_MAX`], each key once.
    fn transact(&self, writes: Vec<Write>) -> impl Future<Output = Result<(), TableError>> + Send;

    /// Returns what was consumed since the table was opened.
    fn meter(&self) -> &Meter;
}

/// Counts what a table consumed. Units are thousandths, as halves and quarters occur.
#[derive(Debug, Default)]
pub struct Meter {
    /// Requests sent.
    pub requests: AtomicU64,
    /// Items written or deleted.
    pub items_written: AtomicU64,
    /// Read capacity units × 1000.
    pub read_milli_units: AtomicU64,
    /// Write capacity units × 1000.
    pub write_milli_units: AtomicU64,
}

/// A reading of a [`Meter`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Consumed {
    /// Requests sent.
    pub requests: u64,
    /// Items written or deleted.
    pub items_written: u64,
    /// Read capacity units.
    pub read_units: f64,
    /// Write capacity units.
    pub write_units: f64,
}

impl Meter {
    /// Adds one request.
    pub fn add(&self, items_written: u64, read_units: f64, write_units: f64) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.items_written.fetch_add(items_written, Ordering::Relaxed);
        self.read_milli_units.fetch_add((read_units * 1000.0).round() as u64, Ordering::Relaxed);
        self.write_milli_units.fetch_add((write_units * 1000.0).round() as u64, Ordering::Relaxed);
    }

    /// Returns the sums.
    pub fn read(&self) -> Consumed {
        Consumed {
            requests: self.requests.load(Ordering::Relaxed),
            items_written: self.items_written.load(Ordering::Relaxed),
            read_units: self.read_milli_units.load(Ordering::Relaxed) as f64 / 1000.0,
            write_units: self.write_milli_units.load(Ordering::Relaxed) as f64 / 1000.0,
        }
    }
}

// ---------------------------------------------------------------------------------------------------------- queue

/// One message on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Messages of one group are delivered in order, one at a time.
    pub group: String,
    /// A message with the id of an earlier one may be dropped by the queue (SQS: within five minutes); an empty id is never
    /// dropped (the adapter for SQS makes one that is used once).
    pub deduplication: String,
    /// The message as JSON.
    pub body: String,
}

/// Why a message could not be sent or received.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The queue cannot be reached; the messages may or may not have been taken.
    #[error("the queue could not be reached to {operation}")]
    Unavailable {
        /// What was to be done.
        operation: &'static str,
        /// Why.
        #[source]
        cause: Cause,
    },
}

/// The sending side of the records queue.
pub trait QueueOut: Send + Sync {
    /// Sends up to ten messages, together under the queue's size limit. Returns the positions that were refused; the
    /// caller sends those again or fails.
    fn send(&self, batch: Vec<Envelope>) -> impl Future<Output = Result<Vec<usize>, QueueError>> + Send;
}

/// A received message: at least once, and until it is settled no later one of its group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What settles it.
    pub receipt: String,
    /// Its group.
    pub group: String,
    /// The message as JSON.
    pub body: String,
    /// 1 for the first delivery.
    pub attempt: u32,
}

/// The receiving side, where we poll ourselves (on AWS the event source mapping does).
pub trait QueueIn: Send + Sync {
    /// Takes up to `limit` messages whose group has none in flight; none at once if there are none.
    fn receive(&self, limit: usize) -> impl Future<Output = Result<Vec<Delivery>, QueueError>> + Send;

    /// Removes a message that was dealt with; doing so twice is harmless.
    fn done(&self, receipt: &str) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Gives a message back; it comes again, and after [`ATTEMPTS_MAX`] deliveries goes to the dead letters.
    fn back(&self, receipt: &str) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// Deliveries of one message before it goes to the dead letters.
pub const ATTEMPTS_MAX: u32 = 5;

// ------------------------------------------------------------------------------------------------------ transport

/// Why a call brought no reply.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The address may not be called: plain http, a private or loopback address; nothing was sent.
    #[error("{host} may not be called: {why}")]
    Forbidden {
        /// The host.
        host: String,
        /// The rule.
        why: String,
    },
    /// No answer in time.
    #[error("{host} did not answer within {seconds} s")]
    TimedOut {
        /// The host.
        host: String,
        /// The limit.
        seconds: u64,
    },
    /// The connection could not be made or broke.
    #[error("the connection to {host} failed")]
    Broken {
        /// The host.
        host: String,
        /// Why.
        #[source]
        cause: Cause,
    },
    /// The answer is longer than the limit; it was not read to its end.
    #[error("{host} answered more than {bytes_max} bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// The limit.
        bytes_max: usize,
    },
}

/// What an integration's settings say of the way to its vendor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Route {
    /// Whether private addresses may be called.
    pub allow_private: bool,
    /// A file of certificates (PEM) that are trusted besides the system's, for on-premise installations.
    pub ca_file: Option<PathBuf>,
}

impl Route {
    /// Returns the route of an account.
    pub fn of(account: &Account) -> Self {
        let ca_file = account.setting("ca_file").filter(|path| !path.is_empty()).map(PathBuf::from);
        Self { allow_private: account.allow_private_network(), ca_file }
    }
}

/// Carries calls to vendors. Redirects are not followed: the reply is given as it is.
pub trait Transport: Send + Sync {
    /// Sends one call over a route.
    fn send(&self, call: &Call, route: &Route) -> impl Future<Output = Result<Reply, SendError>> + Send;
}

// -------------------------------------------------------------------------------------------------------- secrets

/// Why a secret could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the secret of {integration} could not be {operation}")]
pub struct SecretsError {
    /// Whose.
    pub integration: IntegrationId,
    /// `read`, `proposed`, `promoted` or `removed`.
    pub operation: &'static str,
    /// Why.
    #[source]
    pub cause: Cause,
}

/// The integrations' secrets. A proposed secret is not current until it is promoted.
pub trait Secrets: Send + Sync {
    /// Returns the current secret.
    fn current(&self, integration: &IntegrationId)
    -> impl Future<Output = Result<Option<Secret>, SecretsError>> + Send;

    /// Returns the proposed secret, if one waits.
    fn proposed(
        &self,
        integration: &IntegrationId,
    ) -> impl Future<Output = Result<Option<Secret>, SecretsError>> + Send;

    /// Stores a secret beside the current one.
    fn propose(
        &self,
        integration: &IntegrationId,
        secret: &Secret,
    ) -> impl Future<Output = Result<(), SecretsError>> + Send;

    /// Makes the proposed secret current and keeps the one before; without a proposed one nothing happens.
    fn promote(&self, integration: &IntegrationId) -> impl Future<Output = Result<(), SecretsError>> + Send;

    /// Removes all of an integration's secrets; doing so twice is harmless.
    fn remove(&self, integration: &IntegrationId) -> impl Future<Output = Result<(), SecretsError>> + Send;
}

// ---------------------------------------------------------------------------------------------------------- clock

/// Time, which a step never asks of the system itself.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// How long this invocation may still take; very long on one machine.
    fn remaining(&self) -> Duration;

    /// Waits; callers look at [`Clock::remaining`] first.
    fn sleep(&self, wait: Duration) -> impl Future<Output = ()> + Send;
}
