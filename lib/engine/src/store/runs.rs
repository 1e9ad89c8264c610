//! Runs: the open one of each integration, its checkpoint and marks, and the history.
//!
//! The open run lies in one item, so that opening is one conditional write and no integration has two. Closing moves it
//! into the history in one transaction. Marks are put once and never changed: whether a message arrived, a part was
//! planned or written, does not depend on who looks.

use std::collections::BTreeMap;

use apis::words::Words;
use jiff::Timestamp;
use reconcile::ids::{IntegrationId, PlanId, RunId, Scope, VendorId};
use reconcile::plan::Counts;
use reconcile::record::{Fingerprint, Kind};
use reconcile::run::{Outcome, Run};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::digests::{Epochs, Remembered};
use super::{StoreError, decode, encode, query_all};
use crate::ports::{Expect, Item, Key, Query, Table, TableError, Write};

/// One run, open or closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its id.
    pub run_id: RunId,
    /// Its life.
    pub run: Run,
    /// Who reads the vendor for it; a run whose holder is gone is taken over.
    pub holder: String,
    /// When it was opened.
    pub started_at: Timestamp,
    /// When it last moved.
    pub touched_at: Timestamp,
    /// When it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// The epochs under which it decides.
    pub epochs: Epochs,
    /// How the records of skipped scopes end.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub skipped: BTreeMap<Kind, Counts>,
    /// Scopes that it was asked to look at again, with the versions of the wishes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub again: Vec<(Scope, u64)>,
    /// How all records ended; there once it is closed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<Kind, Counts>,
    /// Requests sent to the vendor.
    pub vendor_requests: u64,
    /// Since when changes have to be asked for, by kind, as this run leaves it; a run that was not complete leaves it as it
    /// found it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cursors: BTreeMap<Kind, Cursor>,
    /// The plan it made, if there was anything to plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanId>,
    /// A dated log for people, bounded to [`LOG_LINES_MAX`] lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<LogLine>,
    /// The version of the item that holds the open run.
    #[serde(skip)]
    pub version: u64,
}

/// Since when changes of a kind have to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(i64, i64)", into = "(i64, i64)")]
pub struct Cursor {
    /// When the last successful read began, to the second below: what changed since is unknown.
    pub since: Timestamp,
    /// When the last successful read of everything began, to the second below.
    pub complete_at: Timestamp,
}

/// Two numbers: the record that holds cursors is written at each step of a run, and paid by the kibibyte.
impl From<Cursor> for (i64, i64) {
    fn from(cursor: Cursor) -> Self {
        (cursor.since.as_second(), cursor.complete_at.as_second())
    }
}

impl From<(i64, i64)> for Cursor {
    fn from((since, complete_at): (i64, i64)) -> Self {
        let instant = |second| Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
        Self { since: instant(since), complete_at: instant(complete_at) }
    }
}

/// One line of a run's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// What; ids and counts, no personal data.
    pub text: String,
}

/// The most lines that a run's log keeps.
pub const LOG_LINES_MAX: usize = 60;

/// How long marks and checkpoints are kept after their run was opened, in seconds: 30 days.
const MARKS_KEPT_SECONDS: i64 = 30 * 24 * 3600;

impl RunRecord {
    /// Adds a line to the log; past the bound it is left out.
    pub fn note(&mut self, at: Timestamp, text: impl Into<String>) {
        if self.log.len() < LOG_LINES_MAX {
            self.log.push(LogLine { at, text: text.into() });
        }
    }

    /// Returns how the run ended, once it is in the history: one that is closed and still open has no counts yet.
    pub fn ended(&self) -> Option<Outcome> {
        self.finished_at.and(self.run.outcome())
    }

    /// Returns the integration whose run this is.
    pub fn integration(&self) -> IntegrationId {
        self.run_id.integration()
    }
}

fn partition(integration: &IntegrationId) -> String {
    format!("runs#{integration}")
}

fn open_key(integration: &IntegrationId) -> Key {
    Key::new(partition(integration), "open")
}

fn history_key(run: &RunId) -> Key {
    Key::new(partition(&run.integration()), format!("run#{run}"))
}

/// What lies where the open run lies: a run, or nothing at a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// No run is open.
    Free {
        /// The version to open at.
        version: u64,
    },
    /// This one is.
    Taken(Box<RunRecord>),
}

/// Looks which run of an integration is open.
pub async fn slot(table: &impl Table, integration: &IntegrationId) -> Result<Slot, StoreError> {
    let Some(item) = table.get(&open_key(integration)).await? else { return Ok(Slot::Free { version: 0 }) };
    let open: Option<RunRecord> = decode(&item)?;
    Ok(match open {
        Some(mut record) => {
            record.version = item.version;
            Slot::Taken(Box::new(record))
        }
        None => Slot::Free { version: item.version },
    })
}

/// Returns the open run if it is this one: what every handler asks before it does anything.
pub async fn open_run(table: &impl Table, run: &RunId) -> Result<Option<RunRecord>, StoreError> {
    match slot(table, &run.integration()).await? {
        Slot::Taken(record) if record.run_id == *run => Ok(Some(*record)),
        _ => Ok(None),
    }
}

/// Saves the open run at the version it was loaded with; a conflict says that somebody else moved it.
pub async fn save(table: &impl Table, record: &mut RunRecord) -> Result<(), StoreError> {
    let expect = Expect::Version(record.version);
    table.write(Write::put(open_key(&record.integration()), expect, encode(record))).await?;
    record.version = expect.next_version();
    Ok(())
}

/// Fails with a conflict if somebody moved the open run since it was loaded.
pub async fn check_open(table: &impl Table, record: &RunRecord) -> Result<(), StoreError> {
    match open_run(table, &record.run_id).await? {
        Some(open) if open.version == record.version => Ok(()),
        _ => Err(TableError::Conflict { index: 0, key: open_key(&record.integration()) }.into()),
    }
}

/// Moves the open run into the history and frees the slot, and changes what goes with it, in one transaction.
pub async fn close(table: &impl Table, record: &RunRecord, with: Option<Write>) -> Result<(), StoreError> {
    let history = Write::put(history_key(&record.run_id), Expect::Absent, encode(record));
    let slot = Write::put(open_key(&record.integration()), Expect::Version(record.version), "null".to_owned());
    Ok(table.transact([history, slot].into_iter().chain(with).collect()).await?)
}

/// Loads a run, open or closed.
pub async fn load(table: &impl Table, run: &RunId) -> Result<Option<RunRecord>, StoreError> {
    if let Some(record) = open_run(table, run).await? {
        return Ok(Some(record));
    }
    table.get(&history_key(run)).await?.as_ref().map(decode).transpose()
}

/// Loads closed runs, the newest first.
pub async fn history(
    table: &impl Table,
    integration: &IntegrationId,
    after: Option<&RunId>,
    limit: usize,
) -> Result<(Vec<RunRecord>, Option<RunId>), StoreError> {
    let mut query = Query { newest_first: true, limit, ..Query::prefix(partition(integration), "run#") };
    query.after = after.map(|run| history_key(run).sk);
    let page = table.query(&query).await?;
    let records = page.items.iter().map(decode::<RunRecord>).collect::<Result<Vec<_>, _>>()?;
    let next = page.next.and_then(|_| records.last().map(|record| record.run_id.clone()));
    Ok((records, next))
}

// -------------------------------------------------------------------------------------------------------- marks

/// A mark of a run: put once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The message with this number arrived; holds [`Arrived`].
    In(u64),
    /// The part with this number is planned; holds [`super::plans::PartTotal`].
    Planned(u64),
    /// The part with this number is written; holds [`super::plans::PartDone`].
    Applied(u64),
}

impl Mark {
    fn place(self) -> String {
        match self {
            Mark::In(number) => format!("in#{number:08}"),
            Mark::Planned(number) => format!("planned#{number:08}"),
            Mark::Applied(number) => format!("applied#{number:08}"),
        }
    }
}

/// Which family of marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marks {
    /// Messages that arrived.
    In,
    /// Parts that are planned.
    Planned,
    /// Parts that are written.
    Applied,
}

impl Marks {
    fn prefix(self) -> &'static str {
        match self {
            Marks::In => "in#",
            Marks::Planned => "planned#",
            Marks::Applied => "applied#",
        }
    }
}

/// What the arrival of one message brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    /// The scopes it held.
    pub scopes: Vec<Touched>,
}

/// One scope and kind that a run brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// The scope.
    pub scope: Scope,
    /// The kind.
    pub kind: Kind,
    /// How many rows.
    pub rows: u64,
    /// The digest of the whole scope and kind, if this was its last slice of a complete read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Fingerprint>,
    /// Whether only changes were asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub changes: bool,
    /// Where a few rows of a settled scope came, which ones, and what is known of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
}

/// Some records of a settled scope and kind, and what is remembered of all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// The records that came.
    pub ids: Vec<VendorId>,
    /// How the scope and kind stood before this run, with the digest of what is stored by now.
    pub of: Remembered,
}

fn marks_partition(owner: &str) -> String {
    format!("run#{owner}")
}

/// Puts a mark of `owner` (a run's or a plan's id). Doing so again changes nothing, whatever it holds.
pub async fn put_mark<T: Serialize>(
    table: &impl Table,
    owner: &str,
    mark: Mark,
    now: Timestamp,
    value: &T,
) -> Result<(), StoreError> {
    let key = Key::new(marks_partition(owner), mark.place());
    let mut write = Write::put(key, Expect::Absent, encode(value));
    write.expires_at = Some(now.as_second() + MARKS_KEPT_SECONDS);
    match table.write(write).await {
        Ok(()) | Err(TableError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Loads one mark.
pub async fn mark<T: DeserializeOwned>(table: &impl Table, owner: &str, mark: Mark) -> Result<Option<T>, StoreError> {
    table.get(&Key::new(marks_partition(owner), mark.place())).await?.as_ref().map(decode).transpose()
}

/// Loads all marks of a family, by number.
pub async fn marks<T: DeserializeOwned>(
    table: &impl Table,
    owner: &str,
    family: Marks,
) -> Result<BTreeMap<u64, T>, StoreError> {
    let mut marks = BTreeMap::new();
    for item in query_all(table, Query::prefix(marks_partition(owner), family.prefix())).await? {
        let number = item.key.sk.rsplit('#').next().and_then(|digits| digits.parse().ok());
        marks.insert(number.expect("marks are placed by number"), decode(&item)?);
    }
    Ok(marks)
}

/// Counts the marks of a family.
pub async fn count_marks(table: &impl Table, owner: &str, family: Marks) -> Result<u64, StoreError> {
    Ok(query_all(table, Query::prefix(marks_partition(owner), family.prefix())).await?.len() as u64)
}

// --------------------------------------------------------------------------------------------------- checkpoint

/// Saves the reading's checkpoint.
pub async fn save_checkpoint<T: Serialize>(
    table: &impl Table,
    run: &RunId,
    expect: Expect,
    now: Timestamp,
    checkpoint: &T,
) -> Result<(), StoreError> {
    let key = Key::new(marks_partition(run.as_str()), "checkpoint");
    let mut write = Write::put(key, expect, encode(checkpoint));
    write.expires_at = Some(now.as_second() + MARKS_KEPT_SECONDS);
    Ok(table.write(write).await?)
}

/// Loads the reading's checkpoint and its version.
pub async fn checkpoint<T: DeserializeOwned>(table: &impl Table, run: &RunId) -> Result<Option<(T, u64)>, StoreError> {
    let key = Key::new(marks_partition(run.as_str()), "checkpoint");
    match table.get(&key).await? {
        Some(item) => Ok(Some((decode(&item)?, item.version))),
        None => Ok(None),
    }
}

// -------------------------------------------------------------------------------------------------------- spool

/// Saves rows that wait for the rest of a read, numbered from `first`. Doing so again overwrites.
pub async fn save_spool(
    table: &impl Table,
    run: &RunId,
    first: usize,
    texts: Vec<String>,
    now: Timestamp,
) -> Result<(), StoreError> {
    for (index, text) in texts.into_iter().enumerate() {
        put_anyway(table, spool_key(run, first + index), text, now).await?;
    }
    Ok(())
}

fn spool_key(run: &RunId, number: usize) -> Key {
    Key::new(marks_partition(run.as_str()), format!("spool#{number:06}"))
}

/// Puts an item whatever lies there: only the one who holds the run writes it.
async fn put_anyway(table: &impl Table, key: Key, body: String, now: Timestamp) -> Result<(), StoreError> {
    let mut write = Write::put(key, Expect::Absent, body);
    write.expires_at = Some(now.as_second() + MARKS_KEPT_SECONDS);
    loop {
        match table.write(write.clone()).await {
            Err(TableError::Conflict { .. }) => {
                let version = table.get(&write.key).await?.map_or(0, |item| item.version);
                write.expect = Expect::Version(version);
            }
            other => return Ok(other?),
        }
    }
}

/// Loads the first `count` items that [`save_spool`] saved.
pub async fn load_spool(table: &impl Table, run: &RunId, count: usize) -> Result<Vec<Item>, StoreError> {
    let mut items = query_all(table, Query::prefix(marks_partition(run.as_str()), "spool#")).await?;
    items.truncate(count);
    Ok(items)
}

/// The most letters of one saved piece of words: below an item's limit even where packing gains nothing.
const WORDS_PIECE_MAX: usize = 60_000;

fn words_key(run: &RunId, number: usize) -> Key {
    Key::new(marks_partition(run.as_str()), format!("words#{number:06}"))
}

/// Saves the words that a read has gathered so far; returns in how many items.
pub async fn save_words(table: &impl Table, run: &RunId, words: &Words, now: Timestamp) -> Result<usize, StoreError> {
    let letters: Vec<char> = encode(words).chars().collect();
    let pieces: Vec<String> = letters.chunks(WORDS_PIECE_MAX).map(|piece| piece.iter().collect()).collect();
    for (number, piece) in pieces.iter().enumerate() {
        put_anyway(table, words_key(run, number), encode(piece), now).await?;
    }
    Ok(pieces.len())
}

/// Loads the words that [`save_words`] saved in so many items.
pub async fn load_words(table: &impl Table, run: &RunId, count: usize) -> Result<Words, StoreError> {
    if count == 0 {
        return Ok(Words::default());
    }
    let items = query_all(table, Query::prefix(marks_partition(run.as_str()), "words#")).await?;
    let mut text = String::new();
    for item in items.iter().take(count) {
        text.push_str(&decode::<String>(item)?);
    }
    let key = words_key(run, 0);
    serde_json::from_str(&text).map_err(|cause| StoreError::Unreadable { key, cause })
}

#[cfg(test)]
mod tests;
