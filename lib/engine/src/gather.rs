//! Turns lists into messages: sorts records into scopes, skips what a digest recognises, and cuts the rest into slices.

use std::collections::BTreeMap;

use apis::feed::has_no_id;
use reconcile::ids::{RunId, Scope, VendorId};
use reconcile::plan::Counts;
use reconcile::record::{Kind, Value, VendorRecord};
use reconcile::run::ReadReport;
use serde::{Deserialize, Serialize};

use crate::error::StepError;
use crate::message::{BATCH_BYTES_MAX, Message, Row, Slice, send};
use crate::ports::QueueOut;
use crate::store::digests::{Digests, digest};
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

    /// Notes that the vendor refused one client's records.
    pub fn refused(&mut self, kind: Kind, why: String) {
        let report = self.report(kind);
        report.refused += 1;
        if report.problems.len() < PROBLEMS_MAX {
            report.problems.push(why);
        }
    }
}

/// Collects slices and sends them as messages of one run.
pub struct Gatherer<'a, Q> {
    /// The run.
    pub run: &'a RunId,
    /// Where messages go.
    pub queue: &'a Q,
    /// What is remembered, by kind; a kind that is not there skips nothing.
    pub digests: &'a BTreeMap<Kind, Digests>,
    /// Whether digests let scopes be skipped.
    pub skip: bool,
    /// Scopes that are looked at whatever the digests say.
    pub again: &'a BTreeMap<Scope, u64>,
    /// What was gathered.
    pub gathered: Gathered,
    waiting: Vec<Slice>,
    waiting_bytes: usize,
}

impl<'a, Q: QueueOut> Gatherer<'a, Q> {
    /// Begins, or goes on with what an earlier invocation gathered.
    pub fn new(
        run: &'a RunId,
        queue: &'a Q,
        digests: &'a BTreeMap<Kind, Digests>,
        skip: bool,
        again: &'a BTreeMap<Scope, u64>,
        gathered: Gathered,
    ) -> Self {
        Self { run, queue, digests, skip, again, gathered, waiting: Vec::new(), waiting_bytes: 0 }
    }

    /// Takes a scope's records of one kind. `complete` says whether the vendor's list ended by its own rule; with a row
    /// whose id cannot be read among them, what is missing is uncertain all the same.
    pub async fn scope(
        &mut self,
        scope: &Scope,
        kind: Kind,
        records: Vec<VendorRecord>,
        complete: bool,
    ) -> Result<(), StepError> {
        let complete = complete && !records.iter().any(has_no_id);
        let rows = rows(records);
        let digest = complete.then(|| digest(rows.iter().map(|row| (&row.record, row.copies))));
        self.gathered.report(kind).fetched += rows.len() as u64;
        let remembered = self.digests.get(&kind).and_then(|digests| digests.remembered(scope));
        if let (true, Some(remembered), Some(digest)) = (self.skip, remembered, digest)
            && remembered.digest() == digest
            && !self.again.contains_key(scope)
            && !(remembered.waits_for_client() && self.gathered.clients_queued)
        {
            self.gathered.report(kind).skipped += rows.len() as u64;
            self.gathered.skipped.entry(kind).or_default().add(&remembered.counts());
            return Ok(());
        }
        self.gathered.queued += 1;
        self.gathered.clients_queued |= *scope == Scope::Clients;
        for slice in slices(scope, kind, rows, complete, digest) {
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

/// Sorts records by id and folds those with the same id into one row.
fn rows(mut records: Vec<VendorRecord>) -> Vec<Row> {
    records.sort_by(|one, other| one.vendor_id.cmp(&other.vendor_id));
    let mut rows: Vec<Row> = Vec::with_capacity(records.len());
    for record in records {
        match rows.last_mut() {
            Some(last) if last.record.vendor_id == record.vendor_id => last.copies += 1,
            _ => rows.push(Row { record, copies: 1 }),
        }
    }
    rows
}

/// Cuts rows into slices whose ranges cover all ids without a gap.
fn slices(
    scope: &Scope,
    kind: Kind,
    rows: Vec<Row>,
    complete: bool,
    digest: Option<reconcile::record::Fingerprint>,
) -> Vec<Slice> {
    let mut slices = Vec::new();
    let mut above: Option<VendorId> = None;
    let mut current: Vec<Row> = Vec::new();
    let mut bytes = 0;
    let slice = |range, digest, rows| Slice { scope: scope.clone(), kind, range, complete, digest, rows };
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
