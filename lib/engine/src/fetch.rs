//! Reads a vendor and queues what changed.
//!
//! ```text
//! lists that do not fan out ──► words, users, clients; the rest waits by client (spool)
//! client by client ──► the waiting rows, the lists below the client, details of rows that changed ──► one scope a kind
//! ```
//!
//! The lists below clients are read side by side, as many as the vendor allows, and taken in order, so that memory is
//! bounded by some thousand rows and the place reached is a few numbers. When the invocation's time is nearly over, or the
//! vendor wants a wait that is not worth paying for, the place, the tallies and the waiting rows are saved as a checkpoint,
//! and the next invocation goes on from there.
//!
//! A scheduled night asks for changes alone where the vendor can say them, everything is remembered, and the last complete
//! read is not too old. What did not come is then as it was.

mod clients;
mod details;
mod lists;

pub use self::details::is_worth_a_call;

use std::collections::{BTreeMap, BTreeSet};

use apis::account::Account;
use apis::feed::{Fan, Feed};
use apis::reading::Reading;
use apis::refusal::Refusal;
use apis::words::Words;
use jiff::{SignedDuration, Timestamp};
use reconcile::ids::VendorId;
use reconcile::record::Kind;
use reconcile::run::{Event, Trigger};
use serde::{Deserialize, Serialize};

use crate::error::{Doing, StepError};
use crate::gather::{Gathered, Gatherer, Known};
use crate::line::{Line, Pace, Spent};
use crate::ports::{Clock, Expect, QueueOut, Table, Transport};
use crate::spool::Spool;
use crate::store::digests::{self, Digests};
use crate::store::integrations::Integration;
use crate::store::runs::{self, RunRecord};
use crate::watch::{Sign, Watch};

/// What an invocation of the fetching side came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Fetched {
    /// The vendor is read; the run goes on in the reconciler.
    Read,
    /// Call again to go on.
    Continues {
        /// Not before this instant, where one is known.
        after: Option<Timestamp>,
    },
    /// The vendor refused the secret, and no further call was made. The run is still open: [`reject`] closes it, unless
    /// there is a newer secret to read with.
    Rejected(Refusal),
}

/// Where the reading stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Checkpoint {
    /// The list that does not fan out, by its place among the vendor's feeds; past the last one, clients are read.
    feed: usize,
    /// Where that list stands, if it was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reading: Option<Reading>,
    /// Clients that are done.
    clients_done: usize,
    /// Clients, as the vendor lists them; there once their list is read.
    clients: Vec<VendorId>,
    /// Whether the list of clients was complete.
    clients_complete: bool,
    /// Whether each of its rows has an id, too: only then is a client that is not listed gone.
    clients_certain: bool,
    /// Kinds whose lists did not all end by the vendor's rule.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    partial: BTreeSet<Kind>,
    /// Kinds with a row that may be any of their records.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    doubted: BTreeSet<Kind>,
    /// Kinds that cannot be read in this run.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    unreadable: BTreeSet<Kind>,
    /// Kinds of which changes alone are asked for, and since when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    since: BTreeMap<Kind, Timestamp>,
    /// Saved items of waiting rows.
    #[serde(default)]
    spooled: usize,
    /// Saved items of words.
    #[serde(default)]
    worded: usize,
    /// Pages, clients and details that are done: what tells an invocation that got on from one that did not.
    #[serde(default)]
    progress: u64,
    /// Invocations in a row that ended where they began.
    #[serde(default)]
    stalls: u32,
    /// Clients in a row that the vendor did not answer for.
    #[serde(default)]
    silent: u32,
    /// What was spent at the vendor.
    #[serde(default)]
    spent: Spent,
    /// Tallies.
    gathered: Gathered,
}

/// After so many invocations in a row that get nowhere, a list that no invocation can finish (the vendor asks to wait for
/// longer than one lives) is left incomplete, instead of being begun for ever.
const STALLS_MAX: u32 = 3;

/// A read of changes alone must follow a complete one within this time, so that every seventh night is complete
/// (product.md section 4).
const COMPLETE_EVERY: SignedDuration = SignedDuration::from_hours(6 * 24 + 12);

/// Changes are asked for from so much earlier than the last read began: clocks differ.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(10);

/// Why the reading stops early.
enum Stop {
    OutOfTime(Option<Timestamp>),
    Rejected(Refusal),
    Failed(StepError),
}

impl From<StepError> for Stop {
    fn from(error: StepError) -> Self {
        Stop::Failed(error)
    }
}

/// The ports and values that all parts of one reading share.
struct Reader<'a, T, Q, N, C, W> {
    account: &'a Account,
    integration: &'a Integration,
    table: &'a T,
    gatherer: Gatherer<'a, Q>,
    line: &'a Line<'a, N, C>,
    clock: &'a C,
    watch: &'a W,
    trigger: Trigger,
    at: Checkpoint,
    spool: Spool,
    words: Words,
}

/// Reads the vendor for an open run that is reading, from the beginning or from its checkpoint, and moves the run on.
///
/// May be called again after a crash: messages carry their place in the run's sequence, and those that arrived before are
/// recognised. Of two invocations that go on from one checkpoint, the second loses the conditional write of the next one.
#[allow(clippy::too_many_arguments)] // One argument for each right that reading a vendor needs.
pub async fn fetch<Q: QueueOut>(
    record: &mut RunRecord,
    integration: &Integration,
    account: &Account,
    table: &impl Table,
    queue: &Q,
    transport: &impl Transport,
    clock: &impl Clock,
    watch: &impl Watch,
) -> Result<Fetched, StepError> {
    let digests = load_digests(record, integration, account, table).await?;
    let again = digests::asked_again(table, &integration.id).await.doing("loading what is asked for again")?;
    let known = Known {
        digests: &digests,
        skip: matches!(record.run.trigger, Trigger::Manual | Trigger::Schedule),
        again: &again,
    };
    let (at, version) = begin(record, integration, account, &digests, table, clock).await?;
    let run_id = record.run_id.clone();
    let pace = Pace::new(account, &at.spent);
    let line = Line::new(account, transport, clock, &pace);
    let (spool, words) = waiting(record, &at, table).await?;
    let progress = at.progress;
    let mut reader = Reader {
        account,
        integration,
        table,
        gatherer: Gatherer::new(&run_id, queue, known, at.gathered.clone()),
        line: &line,
        clock,
        watch,
        trigger: record.run.trigger,
        at,
        spool,
        words,
    };
    let stop = reader.read().await;
    record.vendor_requests = pace.requests();
    match stop {
        Ok(()) => {
            let gathered = reader.gatherer.gathered;
            record.skipped = gathered.skipped;
            record.again = again.into_iter().collect();
            read_done(record, gathered.messages, gathered.reports, table, queue, clock).await?;
            Ok(Fetched::Read)
        }
        Err(Stop::OutOfTime(after)) => {
            reader.save(version, progress, &pace).await?;
            Ok(Fetched::Continues { after })
        }
        Err(Stop::Rejected(refusal)) => Ok(Fetched::Rejected(refusal)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// Closes a run whose secret the vendor refused; the integration waits for a new one, and is not read until then.
pub async fn reject<Q: QueueOut>(
    record: &mut RunRecord,
    refusal: &Refusal,
    table: &impl Table,
    queue: &Q,
    clock: &impl Clock,
) -> Result<(), StepError> {
    record.note(clock.now(), format!("{refusal}. No further call was made"));
    crate::life::advance(record, Event::CredentialsRejected, table, queue, clock).await
}

/// Returns the place to go on from, with the version of the checkpoint; for a new run, what it asks for.
async fn begin(
    record: &mut RunRecord,
    integration: &Integration,
    account: &Account,
    digests: &BTreeMap<Kind, Digests>,
    table: &impl Table,
    clock: &impl Clock,
) -> Result<(Checkpoint, u64), StepError> {
    let saved = runs::checkpoint::<Checkpoint>(table, &record.run_id).await.doing("loading the checkpoint")?;
    if let Some(saved) = saved {
        return Ok(saved);
    }
    let (last, _) = runs::history(table, &integration.id, None, 1).await.doing("loading the last run")?;
    record.cursors = last.into_iter().next().map(|last| last.cursors).unwrap_or_default();
    let since = match record.run.trigger {
        Trigger::Schedule => changes_since(record, integration, account, digests, clock.now()),
        _ => BTreeMap::new(),
    };
    let mut at = Checkpoint { since, ..Checkpoint::default() };
    for kind in at.since.keys() {
        at.gathered.report(*kind).of_changes = true;
    }
    Ok((at, 0))
}

/// Returns the kinds of which changes alone need to be asked for, and since when.
fn changes_since(
    record: &RunRecord,
    integration: &Integration,
    account: &Account,
    digests: &BTreeMap<Kind, Digests>,
    now: Timestamp,
) -> BTreeMap<Kind, Timestamp> {
    let feeds = account.vendor.feeds;
    let may = |kind: &Kind| {
        let cursor = record.cursors.get(kind)?;
        let is_recent = now.duration_since(cursor.complete_at) < COMPLETE_EVERY;
        let is_known = integration.first_synced.contains(kind) && digests.get(kind).is_some_and(Digests::all_count);
        let mut listing = feeds.iter().filter(|feed| feed.kinds.contains(kind));
        let can_be_asked = listing.all(|feed| feed.can_say_changes);
        (is_recent && is_known && can_be_asked).then(|| cursor.since.checked_sub(CLOCKS_DIFFER).ok())?
    };
    let mut since: BTreeMap<Kind, Timestamp> =
        integration.sync.iter().filter_map(|kind| Some((*kind, may(kind)?))).collect();
    for feed in feeds.iter().filter(|feed| feed.kinds.len() > 1) {
        if !feed.kinds.iter().all(|kind| since.contains_key(kind) || !integration.sync.contains(kind)) {
            since.retain(|kind, _| !feed.kinds.contains(kind));
        }
    }
    since
}

/// Loads the rows and words that wait.
async fn waiting(record: &RunRecord, at: &Checkpoint, table: &impl Table) -> Result<(Spool, Words), StepError> {
    let mut spool = Spool::default();
    if at.spooled > 0 {
        for item in runs::load_spool(table, &record.run_id, at.spooled).await.doing("loading waiting rows")? {
            let loaded = spool.load(&item.body).map_err(|cause| crate::store::unreadable(&item, cause));
            loaded.doing("reading waiting rows")?;
        }
    }
    let words = runs::load_words(table, &record.run_id, at.worded).await.doing("loading words")?;
    Ok((spool, words))
}

async fn load_digests(
    record: &RunRecord,
    integration: &Integration,
    account: &Account,
    table: &impl Table,
) -> Result<BTreeMap<Kind, Digests>, StepError> {
    let mut digests = BTreeMap::new();
    let kinds = account.vendor.feeds.iter().flat_map(|feed| feed.kinds).filter(|kind| integration.sync.contains(kind));
    for kind in kinds.collect::<BTreeSet<_>>() {
        let loaded = digests::load(table, &integration.id, *kind, record.epochs).await.doing("loading digests")?;
        digests.insert(*kind, loaded);
    }
    Ok(digests)
}

/// Tells the run that the vendor is read.
async fn read_done(
    record: &mut RunRecord,
    messages: u64,
    reports: BTreeMap<Kind, reconcile::run::ReadReport>,
    table: &impl Table,
    queue: &impl QueueOut,
    clock: &impl Clock,
) -> Result<(), StepError> {
    let now = clock.now();
    for (kind, report) in &reports {
        let fetched = report.fetched;
        let note = match (report.complete, report.of_changes, report.refused) {
            (false, ..) => format!("read {fetched} {kind} records; the read is incomplete"),
            (true, true, _) => format!("read {fetched} {kind} records that may have changed"),
            (true, false, 0) => format!("read {fetched} {kind} records, {} of them unchanged", report.skipped),
            (true, false, refused) => format!("read {fetched} {kind} records; {refused} clients were refused"),
        };
        record.note(now, note);
        for problem in &report.problems {
            record.note(now, format!("{kind}: {problem}"));
        }
    }
    crate::life::advance(record, Event::ReadDone { messages, reports }, table, queue, clock).await
}

impl<T: Table, Q: QueueOut, N: Transport, C: Clock, W: Watch> Reader<'_, T, Q, N, C, W> {
    /// Reads everything from the checkpoint on.
    async fn read(&mut self) -> Result<(), Stop> {
        self.lists().await?;
        self.clients().await?;
        Ok(self.gatherer.flush().await?)
    }

    fn wants(&self, feed: &Feed) -> bool {
        let wanted = |kind: &Kind| self.integration.sync.contains(kind) && !self.at.unreadable.contains(kind);
        feed.kinds.iter().chain(feed.words_for).any(wanted)
    }

    /// Returns the feeds to be read below clients: those that are wanted, and those over whose rows they fan out.
    fn fans(&self) -> Vec<&'static Feed> {
        let feeds = self.account.vendor.feeds.iter();
        let is_parent = |feed: &Feed| {
            let mut children = self.account.vendor.feeds.iter().filter(|child| child.fan == Fan::PerRow(feed.name));
            children.any(|child| self.wants(child))
        };
        feeds.filter(|feed| feed.fan != Fan::Once && (self.wants(feed) || is_parent(feed))).collect()
    }

    /// Saves the place, the tallies and what waits, for another invocation to go on from.
    async fn save(mut self, version: u64, progress: u64, pace: &Pace) -> Result<(), StepError> {
        self.gatherer.flush().await?;
        let run = self.gatherer.run;
        let now = self.clock.now();
        let (first, texts) = self.spool.save();
        self.at.spooled = first + texts.len();
        runs::save_spool(self.table, run, first, texts, now).await.doing("saving waiting rows")?;
        if !self.words.is_empty() {
            self.at.worded = runs::save_words(self.table, run, &self.words, now).await.doing("saving words")?;
        }
        self.at.gathered = self.gatherer.gathered;
        self.at.spent = pace.spent();
        self.at.stalls = if progress == self.at.progress { self.at.stalls + 1 } else { 0 };
        let expect = Expect::Version(version);
        let saved = runs::save_checkpoint(self.table, run, expect, now, &self.at).await;
        saved.doing("saving the checkpoint")
    }

    fn tell(&self, feed: &'static str, done: u64, total: u64) {
        let records = self.gatherer.gathered.reports.values().map(|report| report.fetched).sum();
        let requests = self.line.pace().requests();
        self.watch.sign(Sign::Reading { feed, done, total, records, requests });
    }
}
