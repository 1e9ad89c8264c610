//! What lies below clients: the rows that wait for a client, and the lists that are read below it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apis::feed::{Below, Fan, Feed, has_no_id};
use apis::refusal::Cause;
use apis::words::Words;
use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use reconcile::ids::{Scope, VendorId};
use reconcile::record::{Kind, VendorRecord};

use super::{Reader, STALLS_MAX, Stop};
use crate::error::Doing;
use crate::gather::Extent;
use crate::line::{Line, MARGIN};
use crate::listing::{Ending, Listing, list};
use crate::ports::{Clock, QueueOut, Table, Transport};
use crate::spool::Owner;
use crate::store::digests::Digests;
use crate::store::entries;
use crate::watch::Watch;

/// Waiting rows that are unpacked at once: what memory is bounded by.
const ROWS_AT_ONCE: u64 = 10_000;
/// Clients that are looked at together.
const CLIENTS_AT_ONCE: usize = 500;
/// After so many clients in a row for which the vendor gave no answer at all, it is left alone.
const SILENT_MAX: u32 = 5;

/// The lists below one client.
struct BelowClient {
    client: VendorId,
    lists: Vec<(&'static Feed, Option<Timestamp>, Listing)>,
}

impl<T: Table, Q: QueueOut, N: Transport, C: Clock, W: Watch> Reader<'_, T, Q, N, C, W> {
    /// Reads and queues what lies below clients, from the checkpoint on.
    pub(super) async fn clients(&mut self) -> Result<(), Stop> {
        let fans = self.fans();
        if !fans.is_empty() && !self.at.clients_complete {
            let kinds = fans.iter().flat_map(|feed| feed.kinds).filter(|kind| self.integration.sync.contains(kind));
            for kind in kinds {
                self.gatherer.gathered.incomplete(*kind, "the list of clients is incomplete".to_owned());
            }
        }
        let mut order: Vec<VendorId> = if fans.is_empty() { Vec::new() } else { self.at.clients.clone() };
        let listed: BTreeSet<VendorId> = order.iter().cloned().collect();
        order.extend(self.spool.clients().into_iter().filter(|client| !listed.contains(*client)).cloned());
        while self.at.clients_done < order.len() {
            let (batch, owners) = self.batch(&order);
            let rows = self.spool.unpack(&owners);
            self.some_clients(&fans, &listed, batch, rows, order.len() as u64).await?;
        }
        self.others(&fans, &listed).await
    }

    /// Returns the next clients, as many as fit into memory with their waiting rows, and the owners of those rows that
    /// have to be looked at.
    fn batch(&self, order: &[VendorId]) -> (Vec<VendorId>, BTreeSet<Owner>) {
        let (mut batch, mut owners, mut rows) = (Vec::new(), BTreeSet::new(), 0);
        for client in order.iter().skip(self.at.clients_done).take(CLIENTS_AT_ONCE) {
            for kind in Kind::ALL.into_iter().filter(|kind| kind.is_below_client()) {
                let owner = (kind, Some(client.clone()));
                if let Some(waiting) = self.spool.rows(&owner).filter(|_| self.unchanged(&owner).is_none()) {
                    rows += waiting.count;
                    owners.insert(owner);
                }
            }
            if rows > ROWS_AT_ONCE && !batch.is_empty() {
                owners.retain(|(_, of)| of.as_ref() != Some(client));
                break;
            }
            batch.push(client.clone());
        }
        (batch, owners)
    }

    /// Returns what is remembered of an owner whose waiting rows need not be looked at.
    fn unchanged(&self, owner: &Owner) -> Option<(&crate::store::digests::Remembered, u64)> {
        let (kind, client) = owner;
        let rows = self.spool.rows(owner)?;
        if self.extent(*kind) != Extent::All || rows.has_unknown {
            return None;
        }
        let scope = Scope::Client(client.clone()?);
        let clients_queued = self.gatherer.gathered.clients_queued;
        let remembered = self.gatherer.known.unchanged(&scope, *kind, rows.sum.digest(), clients_queued)?;
        Some((remembered, rows.count))
    }

    /// Reads some clients, several at a time, and takes them in order.
    async fn some_clients(
        &mut self,
        fans: &[&'static Feed],
        listed: &BTreeSet<VendorId>,
        batch: Vec<VendorId>,
        mut rows: BTreeMap<Owner, Vec<VendorRecord>>,
        total: u64,
    ) -> Result<(), Stop> {
        let line = self.line;
        let words = Arc::new(std::mem::take(&mut self.words));
        // Futures made beforehand: a closure in the stream would keep the whole sync from being a task of its own.
        let mut asked = Vec::with_capacity(batch.len());
        for client in batch {
            let is_listed = listed.contains(&client);
            let feeds = fans.iter().filter(|_| is_listed).map(|feed| (*feed, self.since_below(feed, &client)));
            let feeds = feeds.collect();
            asked.push(below_client(line, client, feeds, Arc::clone(&words)));
        }
        let lists = stream::iter(asked).buffered(self.account.vendor.limits.in_flight.max(1));
        let mut lists = Box::pin(lists);
        let mut stop = None;
        while let Some(below) = lists.next().await {
            if let Err(early) = self.one_client(below, listed, &mut rows).await {
                stop = Some(early);
                break;
            }
            self.at.clients_done += 1;
            self.at.progress += 1;
            self.tell(fans.last().map_or("clients", |feed| feed.name), self.at.clients_done as u64, total);
            if self.at.silent >= SILENT_MAX {
                let kinds = fans.iter().flat_map(|feed| feed.kinds);
                for kind in kinds.filter(|kind| self.integration.sync.contains(kind)) {
                    let why = "the vendor stopped answering; the clients that are left were not asked for";
                    self.gatherer.gathered.incomplete(*kind, why.to_owned());
                    self.at.unreadable.insert(*kind);
                }
                self.at.clients_certain = false;
                self.at.clients_done = total as usize;
                break;
            }
            if self.clock.remaining() < MARGIN {
                stop = Some(Stop::OutOfTime(None));
                break;
            }
        }
        drop(lists);
        self.words = Arc::unwrap_or_clone(words);
        stop.map_or(Ok(()), Err)
    }

    /// Returns since when changes below a client are asked for: only where everything else below it is known.
    fn since_below(&self, feed: &Feed, client: &VendorId) -> Option<Timestamp> {
        let scope = Scope::Client(client.clone());
        let clients_queued = self.gatherer.gathered.clients_queued;
        let is_known = |kind: &Kind| self.gatherer.known.settled(&scope, *kind, clients_queued).is_some();
        self.since(feed).filter(|_| feed.kinds.iter().all(is_known))
    }

    /// Takes one client: its waiting rows and its lists, kind by kind.
    async fn one_client(
        &mut self,
        below: BelowClient,
        listed: &BTreeSet<VendorId>,
        rows: &mut BTreeMap<Owner, Vec<VendorRecord>>,
    ) -> Result<(), Stop> {
        let BelowClient { client, lists } = below;
        let scope = Scope::Client(client.clone());
        let mut read: BTreeMap<Kind, (Vec<VendorRecord>, Extent)> = BTreeMap::new();
        let mut refused: BTreeSet<Kind> = BTreeSet::new();
        let mut is_silent = !lists.is_empty();
        for (feed, since, listing) in lists {
            is_silent &= matches!(listing.ending, Ending::Incomplete(_)) && listing.records.is_empty();
            if !self.judge(feed, &client, &listing)? {
                refused.extend(feed.kinds);
                continue;
            }
            let extent = match listing.ending {
                _ if since.is_some() => Extent::Changes,
                Ending::Complete => Extent::All,
                _ => Extent::Some,
            };
            for kind in feed.kinds.iter().filter(|kind| self.integration.sync.contains(kind)) {
                let (_, known) = read.entry(*kind).or_insert((Vec::new(), extent));
                *known = if *known == extent { extent } else { Extent::Some };
            }
            for mut record in listing.records {
                // A grouping client may show its children's rows; they are left to those clients' own lists.
                let owner = record.client.as_ref().unwrap_or(&client);
                if owner != &client && listed.contains(owner) {
                    continue;
                }
                record.client = Some(client.clone());
                if let Some((records, _)) = read.get_mut(&record.kind) {
                    records.push(record);
                }
            }
        }
        self.at.silent = if is_silent { self.at.silent + 1 } else { 0 };
        for kind in Kind::ALL.into_iter().filter(|kind| kind.is_below_client()) {
            let owner = (kind, Some(client.clone()));
            if self.spool.rows(&owner).is_some() && !self.at.unreadable.contains(&kind) {
                if let Some((remembered, count)) = self.unchanged(&owner) {
                    let remembered = remembered.clone();
                    self.gatherer.skipped(kind, &remembered, count);
                } else {
                    let records = rows.remove(&owner).unwrap_or_default();
                    self.waited(&scope, kind, records).await?;
                }
            }
            if let Some((records, extent)) = read.remove(&kind).filter(|_| !refused.contains(&kind)) {
                self.take(&scope, kind, records, extent).await?;
            }
        }
        Ok(())
    }

    /// Takes rows that waited, completed where their vendor says more of each.
    async fn waited(&mut self, scope: &Scope, kind: Kind, records: Vec<VendorRecord>) -> Result<(), Stop> {
        let detail = self.account.vendor.feeds.iter().find(|feed| feed.kinds.contains(&kind) && feed.detail.is_some());
        match detail.and_then(|feed| feed.detail.as_ref()) {
            Some(detail) => self.completed(detail, scope, kind, records).await,
            None => Ok(self.gatherer.scope(scope, kind, records, self.extent(kind)).await?),
        }
    }

    /// Notes how a list below a client ended. Returns whether its records may be used; a refused secret and the end of
    /// time stop the read.
    fn judge(&mut self, feed: &Feed, client: &VendorId, listing: &Listing) -> Result<bool, Stop> {
        let kinds = feed.kinds.iter().filter(|kind| self.integration.sync.contains(kind));
        let gathered = &mut self.gatherer.gathered;
        match &listing.ending {
            Ending::Complete => {
                for kind in kinds {
                    gathered.report(*kind);
                }
                Ok(true)
            }
            Ending::OutOfTime(_) if self.at.stalls >= STALLS_MAX => {
                let why = format!("client {client}: the list takes longer than an invocation may, {STALLS_MAX} times");
                kinds.for_each(|kind| gathered.incomplete(*kind, why.clone()));
                self.at.stalls = 0;
                Ok(true)
            }
            Ending::OutOfTime(after) => Err(Stop::OutOfTime(*after)),
            Ending::Refused(refusal) if refusal.cause == Cause::Credentials => Err(Stop::Rejected(refusal.clone())),
            Ending::Refused(refusal) if refusal.cause == Cause::Permission => {
                kinds.for_each(|kind| gathered.refused(*kind, format!("client {client}: {refusal}")));
                Ok(false)
            }
            Ending::Refused(refusal) => {
                let why = format!("client {client}: {refusal}. {}", refusal.hint);
                kinds.for_each(|kind| gathered.incomplete(*kind, why.clone()));
                Ok(false)
            }
            Ending::Incomplete(why) => {
                kinds.for_each(|kind| gathered.incomplete(*kind, format!("client {client}: {why}")));
                Ok(true)
            }
        }
    }

    /// Takes the scopes that are remembered and did not come: of a complete read they are empty, of changes as they were.
    /// Where the list of clients changed, what is stored is asked as well: the run that brought a client may not have come
    /// to remember it.
    async fn others(&mut self, fans: &[&'static Feed], listed: &BTreeSet<VendorId>) -> Result<(), Stop> {
        let stored = match self.gatherer.gathered.clients_queued {
            true => entries::client_ids(self.table, &self.integration.id).await.doing("loading clients")?,
            false => Vec::new(),
        };
        let unreadable = self.at.unreadable.clone();
        let kinds = self.integration.sync.iter().filter(|kind| kind.is_below_client() && !unreadable.contains(kind));
        for kind in kinds.copied() {
            let is_fanned = fans.iter().any(|feed| feed.kinds.contains(&kind));
            let is_listed = self.account.vendor.feeds.iter().any(|feed| feed.kinds.contains(&kind));
            let extent = self.extent(kind);
            let is_certain = match extent {
                Extent::Changes if is_fanned => self.at.clients_complete,
                _ => !is_fanned || self.at.clients_certain,
            };
            if !is_listed || !is_certain || extent == Extent::Some {
                continue;
            }
            let came = |scope: &Scope| match scope {
                Scope::Client(client) if is_fanned => listed.contains(client),
                Scope::Client(client) => self.spool.rows(&(kind, Some(client.clone()))).is_some(),
                _ => true,
            };
            let known = self.gatherer.known;
            let remembered = known.digests.get(&kind).into_iter();
            let remembered: BTreeSet<Scope> = match extent {
                Extent::Changes => {
                    remembered.flat_map(|digests| digests.all_remembered().map(|(scope, _)| scope)).collect()
                }
                _ => remembered.flat_map(Digests::scopes).collect(),
            };
            let asked = known.again.keys().cloned();
            let stored = stored.iter().cloned().map(Scope::Client);
            let left: BTreeSet<Scope> =
                remembered.into_iter().chain(asked).chain(stored).filter(|scope| !came(scope)).collect();
            for scope in left {
                self.take(&scope, kind, Vec::new(), extent).await?;
            }
        }
        Ok(())
    }
}

/// Reads the lists below one client, one after the other, each before those that fan out over its rows.
async fn below_client<N: Transport, C: Clock>(
    line: &Line<'_, N, C>,
    client: VendorId,
    feeds: Vec<(&'static Feed, Option<Timestamp>)>,
    words: Arc<Words>,
) -> BelowClient {
    let mut below = BelowClient { client: client.clone(), lists: Vec::new() };
    let mut own_words = Words::default();
    for (feed, since) in feeds {
        let listing = match feed.fan {
            _ if feed.is_empty_below.is_some_and(|is_empty| is_empty(&words, &client)) => {
                Listing { records: Vec::new(), words: Words::default(), ending: Ending::Complete }
            }
            Fan::PerRow(parent) => per_row(line, feed, parent, since, &own_words, &below).await,
            _ => list(line, feed, Some(&client.clone().into()), since, &words).await,
        };
        own_words.extend(listing.words.clone());
        let is_over = matches!(listing.ending, Ending::OutOfTime(_));
        below.lists.push((feed, since, listing));
        if is_over {
            break;
        }
    }
    below
}

/// Reads a list below each row of another one, as one list.
async fn per_row<N: Transport, C: Clock>(
    line: &Line<'_, N, C>,
    feed: &'static Feed,
    parent: &str,
    since: Option<Timestamp>,
    words: &Words,
    below: &BelowClient,
) -> Listing {
    let mut all = Listing { records: Vec::new(), words: Words::default(), ending: Ending::Complete };
    let Some((_, _, rows)) = below.lists.iter().find(|(other, ..)| other.name == parent) else { return all };
    if rows.ending != Ending::Complete {
        all.ending = Ending::Incomplete(format!("the list of {parent} is incomplete"));
    }
    let mut met = BTreeSet::new();
    for row in rows.records.iter().filter(|row| !has_no_id(row) && met.insert(row.vendor_id.clone())) {
        let place = Below { client: below.client.clone(), row: Some(row.vendor_id.clone()) };
        let listing = list(line, feed, Some(&place), since, words).await;
        all.records.extend(listing.records);
        match listing.ending {
            Ending::Complete => {}
            ending @ Ending::OutOfTime(_) => return Listing { ending, ..all },
            ending => {
                // A refused secret outweighs everything, and the first reason is told.
                let is_graver = matches!(&ending, Ending::Refused(refusal) if refusal.cause == Cause::Credentials);
                if all.ending == Ending::Complete || is_graver {
                    all.ending = ending;
                }
            }
        }
    }
    if rows.records.iter().any(has_no_id) && all.ending == Ending::Complete {
        all.ending = Ending::Incomplete(format!("a row of {parent} has no id"));
    }
    all
}
