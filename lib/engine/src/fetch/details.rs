//! Completes rows by a call of their own, where their vendor's list says too little.
//!
//! A call is made only for a row that is new, that its list shows changed, or that was never completed, and only for assets
//! of a chosen type. What was completed is queued before an invocation ends, so that the next one finds it stored.

use apis::feed::{Detail, has_no_id};
use apis::refusal::Cause;
use futures_util::stream::{self, StreamExt};
use reconcile::ids::Scope;
use reconcile::mapping::Entry;
use reconcile::record::{Activity, Fingerprint, Kind, VendorRecord};
use reconcile::run::Trigger;

use super::{Reader, STALLS_MAX, Stop};
use crate::error::Doing;
use crate::line::Line;
use crate::listing::{Ending, detail};
use crate::message::Row;
use crate::ports::{Clock, QueueOut, Table, Transport};
use crate::store::digests::Sum;
use crate::store::entries::{self, IdRange};
use crate::store::integrations::Integration;
use crate::watch::Watch;

impl<T: Table, Q: QueueOut, N: Transport, C: Clock, W: Watch> Reader<'_, T, Q, N, C, W> {
    /// Takes a scope's rows, completed.
    pub(super) async fn completed(
        &mut self,
        how: &'static Detail,
        scope: &Scope,
        kind: Kind,
        mut records: Vec<VendorRecord>,
    ) -> Result<(), Stop> {
        let mut sum = Sum::default();
        records.iter().for_each(|record| sum.add(record, 1));
        records.sort_by(|one, other| one.vendor_id.cmp(&other.vendor_id));
        let stored = entries::load_range(self.table, &self.integration.id, scope, kind, &IdRange::default()).await;
        let stored = stored.doing("loading records")?;
        let mut rows: Vec<Row> = Vec::new();
        let mut missing: Vec<(usize, VendorRecord)> = Vec::new();
        for (place, record) in records.into_iter().enumerate() {
            let listed = record.fingerprint();
            let known = stored.get(&(kind, record.vendor_id.clone())).filter(|entry| entry.listed.is_some());
            let is_same = |entry: &&Entry| entry.listed == Some(listed);
            let is_good = |entry: &&Entry| is_same(entry) && self.trigger != Trigger::Forced;
            let is_wanted = self.wants_detail(&record);
            if is_wanted && known.filter(is_good).is_none() {
                missing.push((place, record.clone()));
            }
            // Until its detail came, a record that was completed before stays as it was.
            rows.push(match known.filter(|entry| is_wanted || is_same(entry)) {
                Some(entry) => Row { record: entry.record.clone(), copies: 1, listed: entry.listed },
                None => Row { record, copies: 1, listed: None },
            });
        }
        let failed = self.ask_details(how, scope, kind, &mut rows, missing).await?;
        // A scope with a row that could not be completed is looked at again by the next read.
        let content = (failed == 0).then(|| sum.digest());
        Ok(self.gatherer.rows(scope, kind, rows, self.extent(kind), content).await?)
    }

    /// Says whether a row is worth a call: setting up needs none, and what stays out whatever the call says needs none.
    fn wants_detail(&self, record: &VendorRecord) -> bool {
        self.trigger != Trigger::Setup && is_worth_a_call(record, self.integration)
    }

    /// Makes the calls for rows, given with their places, several at a time; returns how many could not be completed.
    async fn ask_details(
        &mut self,
        how: &'static Detail,
        scope: &Scope,
        kind: Kind,
        rows: &mut [Row],
        missing: Vec<(usize, VendorRecord)>,
    ) -> Result<u64, Stop> {
        let line = self.line;
        let total = missing.len() as u64;
        let asked: Vec<_> = missing.into_iter().map(|(place, record)| one_detail(line, how, place, record)).collect();
        let details = stream::iter(asked).buffered(self.account.vendor.limits.in_flight.max(1));
        let mut details = std::pin::pin!(details);
        let (mut done, mut failed) = (0, 0);
        while let Some(Asked { place, listed, record, ending }) = details.next().await {
            match ending {
                Ending::Complete => rows[place] = Row { record, copies: 1, listed: Some(listed) },
                Ending::OutOfTime(after) if self.at.stalls < STALLS_MAX => {
                    self.gatherer.first_rows(scope, kind, rows[..place].to_vec()).await?;
                    return Err(Stop::OutOfTime(after));
                }
                Ending::Refused(refusal) if refusal.cause == Cause::Credentials => return Err(Stop::Rejected(refusal)),
                // Gone between the list and the call: the next list will not have it.
                Ending::Refused(refusal) if refusal.cause == Cause::NotFound => failed += 1,
                Ending::Refused(refusal) => {
                    failed += 1;
                    self.gatherer.gathered.noted(kind, format!("the details of {}: {refusal}", record.vendor_id));
                }
                Ending::Incomplete(why) => {
                    failed += 1;
                    self.gatherer.gathered.noted(kind, format!("the details of {}: {why}", record.vendor_id));
                }
                Ending::OutOfTime(_) => failed += 1,
            }
            done += 1;
            self.at.progress += 1;
            self.tell("details", done, total);
        }
        Ok(failed)
    }
}

/// Says whether a row would be documented if its detail were there: one of a type that is chosen, whole, and in use.
pub fn is_worth_a_call(record: &VendorRecord, integration: &Integration) -> bool {
    let types = integration.types.as_ref();
    let is_chosen = types.is_none_or(|types| record.class.as_ref().is_some_and(|class| types.contains(&class.id)));
    is_chosen && record.malformed.is_none() && record.activity == Activity::Active && !has_no_id(record)
}

/// A row that was asked for.
struct Asked {
    place: usize,
    listed: Fingerprint,
    record: VendorRecord,
    ending: Ending,
}

async fn one_detail<N: Transport, C: Clock>(
    line: &Line<'_, N, C>,
    how: &'static Detail,
    place: usize,
    mut record: VendorRecord,
) -> Asked {
    let listed = record.fingerprint();
    let ending = detail(line, how, &mut record).await;
    Asked { place, listed, record, ending }
}
