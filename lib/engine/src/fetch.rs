//! Reads a vendor and queues what changed.
//!
//! The lists that fan out over clients are read side by side, as many as the vendor allows, and taken in order, so that
//! memory is bounded by a few clients and the place reached is one number. When the invocation's time is nearly over, that
//! number and the tallies are saved as a checkpoint, and the next invocation goes on from there.

use std::collections::{BTreeMap, BTreeSet};

use apis::account::Account;
use apis::feed::{Fan, Feed, has_no_id};
use apis::refusal::{Cause, Refusal};
use futures_util::stream::{self, StreamExt};
use reconcile::ids::{IntegrationId, Scope, VendorId};
use reconcile::record::{Kind, VendorRecord};
use reconcile::run::{Event, Trigger};
use serde::{Deserialize, Serialize};

use crate::error::{Doing, StepError};
use crate::gather::{Gathered, Gatherer};
use crate::listing::{Ending, Listing, MARGIN, Pace, list};
use crate::ports::{Clock, Expect, QueueOut, Table, Transport};
use crate::store::digests::{self, Digests};
use crate::store::entries;
use crate::store::integrations::Integration;
use crate::store::runs::{self, RunRecord};
use crate::watch::{Sign, Watch};

/// What an invocation of the fetching side came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Fetched {
    /// The vendor is read; the run goes on in the reconciler.
    Read,
    /// The time was nearly over; call again to go on.
    Continues,
    /// The vendor refused the secret; the run is closed, and no further call was made.
    Rejected(Refusal),
}

/// Where the reading stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Checkpoint {
    /// The feed, by its place in the vendor's list.
    feed: usize,
    /// Parents of that feed that are done.
    parents_done: usize,
    /// Clients, as the vendor lists them; there once their feed is read.
    clients: Vec<VendorId>,
    /// Whether the list of clients was complete.
    clients_complete: bool,
    /// Whether each of its rows has an id, too: only then is a client that is not listed gone.
    clients_certain: bool,
    /// Invocations in a row that ended where they began.
    #[serde(default)]
    stalls: u32,
    /// Requests sent.
    requests: u64,
    /// Tallies.
    gathered: Gathered,
}

/// After so many invocations in a row that get nowhere, a list that no invocation can finish (the vendor asks to wait for
/// longer than one lives) is left incomplete, instead of being begun for ever.
const STALLS_MAX: u32 = 3;

/// Why the reading stops early.
enum Stop {
    OutOfTime,
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
    integration: &'a IntegrationId,
    table: &'a T,
    wanted: BTreeSet<Kind>,
    gatherer: Gatherer<'a, Q>,
    transport: &'a N,
    clock: &'a C,
    watch: &'a W,
    pace: &'a Pace,
    at: Checkpoint,
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
    let saved = runs::checkpoint::<Checkpoint>(table, &record.run_id).await.doing("loading the checkpoint")?;
    let (at, checkpoint_version) = saved.unwrap_or_default();
    let digests = load_digests(record, integration, account, table).await?;
    let again = digests::asked_again(table, &integration.id).await.doing("loading what is asked for again")?;
    let skip = matches!(record.run.trigger, Trigger::Manual | Trigger::Schedule);
    let run_id = record.run_id.clone();
    let pace = Pace::new(account, at.requests);
    let began = (at.feed, at.parents_done);
    let mut reader = Reader {
        account,
        integration: &integration.id,
        table,
        wanted: integration.sync.clone(),
        gatherer: Gatherer::new(&run_id, queue, &digests, skip, &again, at.gathered.clone()),
        transport,
        clock,
        watch,
        pace: &pace,
        at,
    };
    let mut stop = reader.read().await;
    if let Err(Stop::OutOfTime) = stop
        && let Err(error) = reader.gatherer.flush().await
    {
        stop = Err(Stop::Failed(error));
    }
    let requests = pace.requests();
    let mut at = reader.at;
    at.gathered = reader.gatherer.gathered;
    at.requests = requests;
    at.stalls = if began == (at.feed, at.parents_done) { at.stalls + 1 } else { 0 };
    record.vendor_requests = requests;
    match stop {
        Ok(()) => {
            record.skipped = at.gathered.skipped;
            record.again = again.into_iter().collect();
            read_done(record, at.gathered.messages, at.gathered.reports, table, queue, clock).await?;
            Ok(Fetched::Read)
        }
        Err(Stop::OutOfTime) => {
            let expect = Expect::Version(checkpoint_version);
            let saved = runs::save_checkpoint(table, &record.run_id, expect, clock.now(), &at).await;
            saved.doing("saving the checkpoint")?;
            Ok(Fetched::Continues)
        }
        Err(Stop::Rejected(refusal)) => {
            let now = clock.now();
            record.note(now, format!("{refusal}. No further call was made"));
            crate::life::advance(record, Event::CredentialsRejected, table, queue, clock).await?;
            Ok(Fetched::Rejected(refusal))
        }
        Err(Stop::Failed(error)) => Err(error),
    }
}

async fn load_digests(
    record: &RunRecord,
    integration: &Integration,
    account: &Account,
    table: &impl Table,
) -> Result<BTreeMap<Kind, Digests>, StepError> {
    let mut digests = BTreeMap::new();
    let kinds = account.vendor.feeds.iter().flat_map(|feed| feed.kinds).filter(|kind| integration.sync.contains(kind));
    for kind in kinds {
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
        let note = match (report.complete, report.refused) {
            (true, 0) => format!("read {} {kind} records, {} of them unchanged", report.fetched, report.skipped),
            (true, refused) => format!("read {} {kind} records; {refused} clients were refused", report.fetched),
            (false, _) => format!("read {} {kind} records; the read is incomplete", report.fetched),
        };
        record.note(now, note);
        for problem in &report.problems {
            record.note(now, format!("{kind}: {problem}"));
        }
    }
    crate::life::advance(record, Event::ReadDone { messages, reports }, table, queue, clock).await
}

impl<T: Table, Q: QueueOut, N: Transport, C: Clock, W: Watch> Reader<'_, T, Q, N, C, W> {
    /// Reads all feeds from the checkpoint on.
    async fn read(&mut self) -> Result<(), Stop> {
        let feeds = self.account.vendor.feeds;
        let fans = feeds.iter().any(|feed| feed.fan == Fan::PerClient && self.wants(feed));
        while let Some(feed) = feeds.get(self.at.feed) {
            match feed.fan {
                Fan::Once if self.wants(feed) || (fans && feed.kinds.contains(&Kind::Client)) => {
                    self.once(feed).await?
                }
                Fan::PerClient if self.wants(feed) => self.per_client(feed).await?,
                _ => {}
            }
            self.at.feed += 1;
            self.at.parents_done = 0;
        }
        Ok(self.gatherer.flush().await?)
    }

    fn wants(&self, feed: &Feed) -> bool {
        feed.kinds.iter().any(|kind| self.wanted.contains(kind))
    }

    /// Reads a feed that does not fan out.
    async fn once(&mut self, feed: &'static Feed) -> Result<(), Stop> {
        let listing = list(self.account, feed, None, self.transport, self.clock, self.pace).await;
        let complete = self.judge(feed, None, &listing)?;
        let whole = complete && listing.ending == Ending::Complete;
        let mut scopes: BTreeMap<(Kind, Scope), Vec<VendorRecord>> = BTreeMap::new();
        for kind in feed.kinds.iter().filter(|kind| !kind.is_below_client()) {
            scopes.insert((*kind, Scope::of(*kind, None).expect("this kind needs no client")), Vec::new());
        }
        for record in listing.records {
            if let Some(scope) = Scope::of(record.kind, record.client.as_ref()) {
                scopes.entry((record.kind, scope)).or_default().push(record);
            }
        }
        if feed.kinds.contains(&Kind::Client) {
            let clients = scopes.get(&(Kind::Client, Scope::Clients)).into_iter().flatten();
            let (unknown, known): (Vec<_>, Vec<_>) = clients.partition(|client| has_no_id(client));
            let mut met = BTreeSet::new();
            let once = known.into_iter().filter(|client| met.insert(&client.vendor_id));
            self.at.clients = once.map(|client| client.vendor_id.clone()).collect();
            self.at.clients_complete = whole;
            self.at.clients_certain = whole && unknown.is_empty();
        }
        let listed: BTreeSet<Scope> = scopes.keys().map(|(_, scope)| scope.clone()).collect();
        for ((kind, scope), records) in scopes {
            if !kind.is_below_client() && matches!(listing.ending, Ending::Refused(_)) {
                continue;
            }
            self.gatherer.scope(&scope, kind, records, whole).await?;
        }
        if whole && feed.kinds.iter().any(|kind| kind.is_below_client()) {
            self.vanished(feed, &listed).await?;
        }
        self.tell(feed, 1, 1);
        Ok(())
    }

    /// Reads a feed once for every client, several at a time, and takes the lists in the clients' order.
    async fn per_client(&mut self, feed: &'static Feed) -> Result<(), Stop> {
        let clients = self.at.clients.clone();
        let total = clients.len() as u64;
        let (account, transport, clock) = (self.account, self.transport, self.clock);
        let pace = self.pace;
        let known: BTreeSet<&VendorId> = clients.iter().collect();
        // By value: a closure over borrowed ids would keep the whole sync from being a task of its own.
        let lists = stream::iter(clients.clone().into_iter().skip(self.at.parents_done))
            .map(|client| async move {
                let listing = list(account, feed, Some(&client), transport, clock, pace).await;
                (client, listing)
            })
            .buffered(account.vendor.limits.in_flight.max(1));
        let mut lists = std::pin::pin!(lists);
        let mut stop = None;
        while let Some((client, listing)) = lists.next().await {
            if let Err(early) = self.take_client(feed, &client, &known, listing).await {
                stop = Some(early);
                break;
            }
            self.at.parents_done += 1;
            self.tell(feed, self.at.parents_done as u64, total);
            if clock.remaining() < MARGIN {
                stop = Some(Stop::OutOfTime);
                break;
            }
        }
        match stop {
            Some(early) => Err(early),
            None if self.at.clients_certain => {
                let listed = clients.iter().cloned().map(Scope::Client).collect();
                Ok(self.vanished(feed, &listed).await?)
            }
            None if self.at.clients_complete => Ok(()),
            None => {
                for kind in feed.kinds {
                    self.gatherer.gathered.incomplete(*kind, "the list of clients is incomplete".to_owned());
                }
                Ok(())
            }
        }
    }

    /// Takes one client's list in. Rows that belong to another listed client (a grouping client may show its children's)
    /// are left to that client's own list.
    async fn take_client(
        &mut self,
        feed: &'static Feed,
        client: &VendorId,
        known: &BTreeSet<&VendorId>,
        listing: Listing,
    ) -> Result<(), Stop> {
        if !self.judge(feed, Some(client), &listing)? {
            return Ok(());
        }
        let whole = listing.ending == Ending::Complete;
        let mut by_kind: BTreeMap<Kind, Vec<VendorRecord>> =
            feed.kinds.iter().map(|kind| (*kind, Vec::new())).collect();
        for mut record in listing.records {
            let owner = record.client.as_ref().unwrap_or(client);
            if owner != client && known.contains(owner) {
                continue;
            }
            record.client = Some(client.clone());
            by_kind.entry(record.kind).or_default().push(record);
        }
        let scope = Scope::Client(client.clone());
        for (kind, records) in by_kind {
            self.gatherer.scope(&scope, kind, records, whole).await?;
        }
        Ok(())
    }

    /// Notes how a list ended. Returns whether its records may be used; a refused secret and the end of time stop the read.
    fn judge(&mut self, feed: &Feed, client: Option<&VendorId>, listing: &Listing) -> Result<bool, Stop> {
        let gathered = &mut self.gatherer.gathered;
        let of = client.map(|client| format!("client {client}: ")).unwrap_or_default();
        match &listing.ending {
            Ending::Complete => {
                for kind in feed.kinds {
                    gathered.report(*kind);
                }
                Ok(true)
            }
            Ending::OutOfTime if self.at.stalls >= STALLS_MAX => {
                let why = format!("{of}the list takes longer than an invocation may, {STALLS_MAX} times");
                feed.kinds.iter().for_each(|kind| gathered.incomplete(*kind, why.clone()));
                self.at.stalls = 0;
                Ok(true)
            }
            Ending::OutOfTime => Err(Stop::OutOfTime),
            Ending::Refused(refusal) if refusal.cause == Cause::Credentials => Err(Stop::Rejected(refusal.clone())),
            Ending::Refused(refusal) if refusal.cause == Cause::Permission && client.is_some() => {
                feed.kinds.iter().for_each(|kind| gathered.refused(*kind, format!("{of}{refusal}")));
                Ok(false)
            }
            Ending::Refused(refusal) => {
                feed.kinds
                    .iter()
                    .for_each(|kind| gathered.incomplete(*kind, format!("{of}{refusal}. {}", refusal.hint)));
                Ok(false)
            }
            Ending::Incomplete(why) => {
                feed.kinds.iter().for_each(|kind| gathered.incomplete(*kind, format!("{of}{why}")));
                Ok(true)
            }
        }
    }

    /// Queues, as empty, the scopes that earlier reads had and a complete read no longer lists. Where the list of clients
    /// changed, what is stored is asked as well: the run that brought a client may not have come to remember it.
    async fn vanished(&mut self, feed: &Feed, listed: &BTreeSet<Scope>) -> Result<(), StepError> {
        let stored = match self.gatherer.gathered.clients_queued {
            true => entries::client_ids(self.table, self.integration).await.doing("loading clients")?,
            false => Vec::new(),
        };
        for kind in feed.kinds {
            let stored = stored.iter().cloned().map(Scope::Client);
            let asked = self.gatherer.again.keys().filter(|scope| matches!(scope, Scope::Client(_))).cloned();
            let known = self.gatherer.digests.get(kind).into_iter().flat_map(Digests::scopes);
            let gone: BTreeSet<Scope> =
                known.chain(asked).chain(stored).filter(|scope| !listed.contains(scope)).collect();
            for scope in gone {
                self.gatherer.scope(&scope, *kind, Vec::new(), true).await?;
            }
        }
        Ok(())
    }

    fn tell(&self, feed: &Feed, done: u64, total: u64) {
        let records = self.gatherer.gathered.reports.values().map(|report| report.fetched).sum();
        let requests = self.pace.requests();
        self.watch.sign(Sign::Reading { feed: feed.name, done, total, records, requests });
    }
}
