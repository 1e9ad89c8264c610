//! Takes records in: writes what changed of what the vendor has, and marks what it no longer has.
//!
//! What a vendor has is a fact and not a decision, so it is written before the guard has looked; the catalogue is not
//! touched here.

use std::collections::BTreeMap;

use reconcile::ids::{IntegrationId, RunId};
use reconcile::mapping::{Absence, Entry};
use reconcile::plan::EntryKey;
use reconcile::run::Phase;

use crate::error::{Doing, StepError};
use crate::message::{Row, Slice};
use crate::ports::{Clock, Expect, QueueOut, TRANSACTION_WRITES_MAX, Table, Write};
use crate::store::entries::{self, Place, Stored};
use crate::store::integrations::{self, Integration};
use crate::store::runs::{self, Arrived, Mark, Rest, Touched};
use crate::store::{StoreError, roster};
use crate::{life, writes};

/// How often a slice is compared again because a person decided about one of its records meanwhile.
const TRIES_MAX: usize = 5;

/// Takes in the records of one message. A message that comes again, or belongs to a run that is over, changes nothing.
pub async fn intake(
    run: &RunId,
    seq: u64,
    slices: Vec<Slice>,
    table: &impl Table,
    queue: &impl QueueOut,
    clock: &impl Clock,
) -> Result<(), StepError> {
    let Some(record) = runs::open_run(table, run).await.doing("looking at a run")? else { return Ok(()) };
    if !matches!(record.run.phase, Phase::Reading | Phase::Arriving { .. }) {
        return Ok(());
    }
    let integration = run.integration();
    let Some(settings) = integrations::load(table, &integration).await.doing("loading an integration")? else {
        return Err(StepError::NoIntegration(integration.to_string()));
    };
    let (rests, stored) = take_few(run, &integration, &settings, &slices, table).await?;
    let mut touched = Vec::new();
    for (slice, rest) in slices.into_iter().zip(rests) {
        let summary = Touched {
            scope: slice.scope.clone(),
            kind: slice.kind,
            rows: slice.rows.len() as u64,
            digest: slice.digest,
            changes: slice.changes,
            rest,
        };
        let is_new = settings.first_synced.contains(&slice.kind);
        if summary.rest.is_none() {
            take_slice(run, &integration, slice, is_new, table).await?;
        }
        touched.push(summary);
    }
    let arrived = Arrived { scopes: touched };
    runs::put_mark(table, run.as_str(), Mark::In(seq), clock.now(), &arrived).await.doing("marking a message")?;
    // While the vendor is read nothing is to be looked at; when that is over, whoever marked the last message looks.
    life::look_with(run, &stored, table, queue, clock).await
}

async fn take_slice(
    run: &RunId,
    integration: &IntegrationId,
    slice: Slice,
    is_new: bool,
    table: &impl Table,
) -> Result<(), StepError> {
    for attempt in 1.. {
        let stored = entries::load_range(table, integration, &slice.scope, slice.kind, &slice.range).await;
        let changed = compare(run, &slice, stored.doing("loading records")?, is_new);
        let outcome = store(integration, &changed, table).await;
        match outcome {
            Err(error) if error.is_conflict() && attempt < TRIES_MAX => {}
            other => {
                other.doing("storing records")?;
                return roster::touch(table, integration, &slice.scope).await.doing("telling a roster");
            }
        }
    }
    unreachable!("the last try returns")
}

/// Takes those slices that hold a few changes of a settled scope, all together: their entries are read by their keys.
/// Returns for each slice of the message which records came and what is remembered by then, `None` for the others; and those
/// entries as they are stored by then.
async fn take_few(
    run: &RunId,
    integration: &IntegrationId,
    settings: &Integration,
    slices: &[Slice],
    table: &impl Table,
) -> Result<(Vec<Option<Rest>>, Stored), StepError> {
    let few: Vec<&Slice> = slices.iter().filter(|slice| slice.rest.is_some()).collect();
    let place = |slice: &Slice, row: &Row| (slice.scope.clone(), (slice.kind, row.record.vendor_id.clone()));
    let places = |slice: &&&Slice| slice.rows.iter().map(|row| place(slice, row)).collect::<Vec<_>>();
    let places: Vec<Place> = few.iter().flat_map(|slice| places(&slice)).collect();
    // As they were at the first try: one that a conflict cut off has stored some of them.
    let mut before = Stored::new();
    let mut after = Stored::new();
    for attempt in 1.. {
        let stored = entries::load_some(table, integration, &places).await.doing("loading records")?;
        let mut changed = Vec::new();
        for slice in &few {
            let known = slice.rows.iter().filter_map(|row| Some(stored.get(&place(slice, row))?.clone()));
            let known = known.map(|entry| ((slice.kind, entry.record.vendor_id.clone()), entry)).collect();
            changed.extend(compare(run, slice, known, settings.first_synced.contains(&slice.kind)));
        }
        for (place, entry) in &stored {
            before.entry(place.clone()).or_insert_with(|| entry.clone());
        }
        after = stored;
        match store(integration, &changed, table).await {
            Err(error) if error.is_conflict() && attempt < TRIES_MAX => {}
            other => {
                other.doing("storing records")?;
                after.extend(changed.into_iter().map(as_stored));
                break;
            }
        }
    }
    for slice in &few {
        roster::touch(table, integration, &slice.scope).await.doing("telling a roster")?;
    }
    let rest = |slice: &Slice| {
        let mut of = slice.rest.clone()?;
        for row in &slice.rows {
            if let Some(was) = before.get(&place(slice, row)) {
                of = of.with((&was.record, was.copies), (&row.record, row.copies));
            }
        }
        Some(Rest { ids: slice.rows.iter().map(|row| row.record.vendor_id.clone()).collect(), of })
    };
    Ok((slices.iter().map(rest).collect(), after))
}

/// Returns an entry that was just stored, with its place.
fn as_stored(mut entry: Entry) -> (Place, Entry) {
    entry.version = Expect::Version(entry.version).next_version();
    ((entries::scope_of(&entry), (entry.record.kind, entry.record.vendor_id.clone())), entry)
}

/// Returns the entries that a slice changes.
fn compare(run: &RunId, slice: &Slice, mut stored: BTreeMap<EntryKey, Entry>, is_new: bool) -> Vec<Entry> {
    let mut changed = Vec::new();
    for row in &slice.rows {
        match stored.remove(&(slice.kind, row.record.vendor_id.clone())) {
            Some(before) => changed.extend(seen_again(before, row)),
            None => {
                let mut entry = Entry::new(row.record.clone());
                entry.copies = row.copies;
                entry.listed = row.listed;
                entry.is_new = is_new;
                changed.push(entry);
            }
        }
    }
    if slice.changes {
        return changed;
    }
    for mut entry in stored.into_values() {
        let absence = Absence { run: run.clone(), certain: slice.complete, counted: false };
        let known = entry.absent.as_ref().is_some_and(|before| before.run == *run);
        // A record that is stale stays so; looking for it each night would write each night.
        let stays_stale = entry.absent.is_some() && entry.is_stale();
        if !known && !stays_stale {
            entry.absent = Some(absence);
            changed.push(entry);
        }
    }
    changed
}

/// Returns the entry of a record that was stored before, if the row changes it. Of a row that cannot be read only that is
/// taken, so that the last good content stays.
fn seen_again(before: Entry, row: &Row) -> Option<Entry> {
    let mut after = before.clone();
    if row.record.malformed.is_some() {
        after.record.malformed = row.record.malformed.clone();
    } else {
        after.record = row.record.clone();
    }
    after.copies = row.copies;
    after.listed = row.listed;
    after.absent = None;
    (after != before).then_some(after)
}

async fn store(integration: &IntegrationId, changed: &[Entry], table: &impl Table) -> Result<(), StoreError> {
    let (new, known): (Vec<&Entry>, Vec<&Entry>) = changed.iter().partition(|entry| entry.version == 0);
    // A few writes are cheaper one by one, many are quicker in transactions, at twice the units.
    let new: Vec<Write> = new.into_iter().map(|entry| entries::write(integration, entry)).collect();
    for batch in new.chunks(TRANSACTION_WRITES_MAX) {
        if batch.len() == 1 {
            table.write(batch[0].clone()).await?;
        } else {
            table.transact(batch.to_vec()).await?;
        }
    }
    let known = known.into_iter().map(|entry| entries::write(integration, entry)).collect();
    writes::each(table, known).await
}
