//! Turns lists into messages: sorts records into scopes, skips what a digest recognises, and cuts the rest into slices.

use std::collections::BTreeMap;

use apis::feed::has_no_id;
use reconcile::ids::{RunId, Scope, VendorId};
use reconcile::plan::Counts;
use reconcile::record::{Fingerprint, Kind, Value, VendorRecord};
use reconcile::run::ReadReport;
use serde::{Deserialize, Serialize};

use crate::error::StepError;
use crate::message::{BATCH_BYTES_MAX, Message, Row, Slice, send};
use crate::narrowing::are_few;
use crate::ports::QueueOut;
use crate::store::digests::{Digests, Remembered, Sum};
use crate::store::entries::IdRange;

/// The estimated bytes at which a message is full; estimates miss by less than a third (names and keys of the JSON).
const MESSAGE_BYTES_AIM: usize = BATCH_BYTES_MAX * 2 / 3;

/// What was gathered so far: all that a continuation has to know.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Gathered {
    /// Messages sent.
    pub messages: u64,
    /// What was read, by kind.
    pub reports: BTreeMap<Kind, ReadReport>,
    /// How the records of skipped scopes end.
    pub skipped: BTreeMap<Kind, Counts>,
    /// Scopes queued.
    pub queued: u64,
    /// Whether the list of clients is among them, so that clients may come to be mapped by this run.
    #[serde(default)]
    pub clients_queued: bool,
}

/// The most problems that a report names.
const PROBLEMS_MAX: usize = 10;

impl Gathered {
    /// Returns the report of a kind.
    pub fn report(&mut self, kind: Kind) -> &mut ReadReport {
        self.reports.entry(kind).or_insert_with(|| ReadReport { complete: true, ..ReadReport::default() })
    }

    /// Notes that not everything of a kind could be read.
    pub fn incomplete(&mut self, kind: Kind, why: String) {
        let report = self.report(kind);
        report.complete = false;
        if report.problems.len() < PROBLEMS_MAX && !report.problems.contains(&why) {
            report.problems.push(why);
        }
    }

    /// Notes something that keeps the read from being as good as it could be, and complete all the same.
    pub fn noted(&mut self, kind: Kind, what: String) {
        let report = self.report(kind);
        if report.problems.len() < PROBLEMS_MAX && !report.problems.contains(&what) {
            report.problems.push(what);
        }
    }

    /// Notes that the vendor refused one client's records.
    pub fn refused(&mut self, kind: Kind, why: String) {
        let report = self.report(kind);
        report.refused += 1;
        if report.problems.len() < PROBLEMS_MAX {
            report.problems.push(why);
        }
    }
}

/// What of a scope's records of one kind was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All: the vendor's list ended by its own rule.
    All,
    /// Some; what is missing is unknown.
    Some,
    /// What changed since an earlier read; the rest is as it was.
    Changes,
}

/// What is remembered of earlier reads, and whether it counts.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What is remembered, by kind; a kind that is not there skips nothing.
    pub digests: &'a BTreeMap<Kind, Digests>,
    /// Whether digests let scopes be skipped.
    pub skip: bool,
    /// Scopes that are looked at whatever the digests say.
    pub again: &'a BTreeMap<Scope, u64>,
}

impl<'a> Known<'a> {
    /// Returns what is remembered of a scope that need not be looked at, whatever it holds; `clients_queued` says that
    /// clients may come to be mapped by this run.
    pub fn settled(&self, scope: &Scope, kind: Kind, clients_queued: bool) -> Option<&'a Remembered> {
        let remembered = self.digests.get(&kind)?.remembered(scope)?;
        let may_be_mapped = remembered.waits_for_client() && clients_queued;
        let is_asked_for = self.again.contains_key(scope) || may_be_mapped;
        (self.skip && !remembered.is_unsettled() && !is_asked_for).then_some(remembered)
    }

    /// Returns what is remembered of a scope, if its content is the same and it need not be looked at.
    pub fn unchanged(
        &self,
        scope: &Scope,
        kind: Kind,
        content: Fingerprint,
        clients_queued: bool,
    ) -> Option<&'a Remembered> {
        self.settled(scope, kind, clients_queued).filter(|remembered| remembered.digest() == content)
    }
}

/// Collects slices and sends them as messages of one run.
pub struct Gatherer<'a, Q> {
    /// The run.
    pub run: &'a RunId,
    /// Where messages go.
    pub queue: &'a Q,
    /// What is remembered.
    pub known: Known<'a>,
    /// What was gathered.
    pub gathered: Gathered,
    waiting: Vec<Slice>,
    waiting_bytes: usize,
}

impl<'a, Q: QueueOut> Gatherer<'a, Q> {
    /// Begins, or goes on with what an earlier invocation gathered.
    pub fn new(run: &'a RunId, queue: &'a Q, known: Known<'a>, gathered: Gathered) -> Self {
        Self { run, queue, known, gathered, waiting: Vec::new(), waiting_bytes: 0 }
    }

    /// Takes a scope's records of one kind. With a row whose id cannot be read among them, what is missing is uncertain
    /// even where all was read.
    pub async fn scope(
        &mut self,
        scope: &Scope,
        kind: Kind,
        records: Vec<VendorRecord>,
        extent: Extent,
    ) -> Result<(), StepError> {
        let mut sum = Sum::default();
        records.iter().for_each(|record| sum.add(record, 1));
        let rows = records.into_iter().map(|record| Row { record, copies: 1, listed: None }).collect();
        self.rows(scope, kind, rows, extent, Some(sum.digest())).await
    }

    /// Takes a scope's rows of one kind, whose digest is given; without one, the next read looks at the scope again.
    pub async fn rows(
        &mut self,
        scope: &Scope,
        kind: Kind,
        rows: Vec<Row>,
        extent: Extent,
        content: Option<Fingerprint>,
    ) -> Result<(), StepError> {
        let has_unknown = rows.iter().any(|row| has_no_id(&row.record));
        let extent = if has_unknown && extent == Extent::All { Extent::Some } else { extent };
        let content = content.filter(|_| extent == Extent::All);
        let rows = folded(rows);
        let clients_queued = self.gathered.clients_queued;
        let remembered = content.and_then(|content| self.known.unchanged(scope, kind, content, clients_queued));
        if let Some(remembered) = remembered {
            self.skipped(kind, remembered, rows.len() as u64);
            return Ok(());
        }
        self.gathered.report(kind).fetched += rows.len() as u64;
        let is_few = |remembered: &&Remembered| {
            let is_listed = rows.iter().any(|row| row.listed.is_some());
            extent == Extent::Changes && !is_listed && are_few(rows.len() as u64, remembered.fetched())
        };
        let rest = self.known.settled(scope, kind, clients_queued).filter(is_few);
        self.put(scope, kind, rows, extent, content, rest).await
    }

    /// Takes the first rows of a scope and kind, sorted by id, of which more will come in a later invocation.
    pub async fn first_rows(&mut self, scope: &Scope, kind: Kind, rows: Vec<Row>) -> Result<(), StepError> {
        self.put(scope, kind, folded(rows), Extent::Changes, None, None).await
    }

    /// Counts a scope that need not be looked at, of which so many rows came.
    pub fn skipped(&mut self, kind: Kind, remembered: &Remembered, rows: u64) {
        let report = self.gathered.report(kind);
        report.fetched += rows;
        report.skipped += rows;
        self.gathered.skipped.entry(kind).or_default().add(&remembered.counts());
    }

    async fn put(
        &mut self,
        scope: &Scope,
        kind: Kind,
        rows: Vec<Row>,
        extent: Extent,
        content: Option<Fingerprint>,
        rest: Option<&Remembered>,
    ) -> Result<(), StepError> {
        self.gathered.queued += 1;
        self.gathered.clients_queued |= *scope == Scope::Clients;
        let mut slices = slices(scope, kind, rows, extent, content);
        if let [slice] = &mut slices[..] {
            slice.rest = rest.cloned();
        }
        for slice in slices {
            let bytes = slice.rows.iter().map(estimate).sum::<usize>() + 200;
            if !self.waiting.is_empty() && self.waiting_bytes + bytes > MESSAGE_BYTES_AIM {
                self.flush().await?;
            }
            self.waiting_bytes += bytes;
            self.waiting.push(slice);
        }
        Ok(())
    }

    /// Sends what waits.
    pub async fn flush(&mut self) -> Result<(), StepError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let slices = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        let message = Message::Records { run: self.run.clone(), seq: self.gathered.messages, slices };
        send(self.queue, &[message]).await.map_err(StepError::Queue)?;
        self.gathered.messages += 1;
        Ok(())
    }
}

/// Sorts rows by id and folds those with the same id into one.
fn folded(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by(|one, other| one.record.vendor_id.cmp(&other.record.vendor_id));
    let mut folded: Vec<Row> = Vec::with_capacity(rows.len());
    for row in rows {
        match folded.last_mut() {
            Some(last) if last.record.vendor_id == row.record.vendor_id => last.copies += row.copies,
            _ => folded.push(row),
        }
    }
    folded
}

/// Cuts rows into slices whose ranges cover all ids without a gap.
fn slices(scope: &Scope, kind: Kind, rows: Vec<Row>, extent: Extent, digest: Option<Fingerprint>) -> Vec<Slice> {
    let mut slices = Vec::new();
    let mut above: Option<VendorId> = None;
    let mut current: Vec<Row> = Vec::new();
    let mut bytes = 0;
    let (complete, changes) = (extent == Extent::All, extent == Extent::Changes);
    let slice =
        |range, digest, rows| Slice { scope: scope.clone(), kind, range, complete, changes, digest, rest: None, rows };
    for row in rows {
        let size = estimate(&row);
        if bytes + size > MESSAGE_BYTES_AIM && !current.is_empty() {
            let through = current.last().map(|row| row.record.vendor_id.clone());
            let range = IdRange { above: above.clone(), through: through.clone() };
            slices.push(slice(range, None, std::mem::take(&mut current)));
            above = through;
            bytes = 0;
        }
        bytes += size;
        current.push(row);
    }
    slices.push(slice(IdRange { above, through: None }, digest, current));
    slices
}

/// Estimates the bytes of a row as JSON without making it.
fn estimate(row: &Row) -> usize {
    let record = &row.record;
    let values = record.fields.iter().map(|(field, value)| {
        field.code().len()
            + 6
            + match value {
                Value::Text(text) => text.len(),
                Value::List(list) => list.iter().map(|text| text.len() + 3).sum(),
            }
    });
    let client = record.client.as_ref().map_or(0, |client| client.as_str().len() + 12);
    120 + record.vendor_id.as_str().len() + client + record.name.len() + values.sum::<usize>()
}
