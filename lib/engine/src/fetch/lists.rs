//! The lists that do not fan out: words, users and clients at once; what lies below clients waits for them.

use std::collections::BTreeSet;

use apis::feed::{Fan, Feed, NO_CLIENT, has_no_id};
use apis::reading::Reading;
use apis::refusal::Cause;
use jiff::Timestamp;
use reconcile::ids::{Scope, VendorId};
use reconcile::record::{Kind, VendorRecord};

use super::{Reader, STALLS_MAX, Stop};
use crate::error::{Doing, StepError};
use crate::gather::Extent;
use crate::line::MARGIN;
use crate::listing::{Ending, Step, page};
use crate::ports::{Clock, QueueOut, Table, Transport};
use crate::spool::{Owner, Spool};
use crate::store::entries;
use crate::watch::Watch;

impl<T: Table, Q: QueueOut, N: Transport, C: Clock, W: Watch> Reader<'_, T, Q, N, C, W> {
    /// Reads the lists that do not fan out, from the checkpoint on.
    pub(super) async fn lists(&mut self) -> Result<(), Stop> {
        let feeds = self.account.vendor.feeds;
        while let Some(feed) = feeds.get(self.at.feed) {
            let is_needed = self.wants(feed) || (feed.kinds.contains(&Kind::Client) && !self.fans().is_empty());
            if feed.fan == Fan::Once && is_needed {
                self.list(feed).await?;
            }
            self.at.feed += 1;
        }
        Ok(())
    }

    /// Reads one list from where it stands to its end.
    async fn list(&mut self, feed: &'static Feed) -> Result<(), Stop> {
        let since = self.since(feed);
        let mut reading = self.at.reading.take().unwrap_or_else(|| Reading::start(feed, None, since));
        let ending = loop {
            let (taken, ending) = match page(self.line, &mut reading, &self.words).await {
                Step::Page(taken) => (taken, None),
                Step::Last(taken, ending) => (taken, Some(ending)),
            };
            let wanted =
                |record: &VendorRecord| record.kind == Kind::Client || self.integration.sync.contains(&record.kind);
            self.words.extend(taken.words);
            self.spool.put(taken.records.into_iter().filter(wanted).collect());
            match ending {
                Some(Ending::OutOfTime(_)) if self.at.stalls >= STALLS_MAX => {
                    self.at.stalls = 0;
                    let why = format!("the list takes longer than an invocation may, {STALLS_MAX} times");
                    break Ending::Incomplete(why);
                }
                Some(Ending::OutOfTime(after)) => {
                    self.at.reading = Some(reading);
                    return Err(Stop::OutOfTime(after));
                }
                Some(ending) => break ending,
                None => self.at.progress += 1,
            }
            self.tell(feed.name, 0, 1);
            if self.clock.remaining() < MARGIN {
                self.at.reading = Some(reading);
                return Err(Stop::OutOfTime(None));
            }
        };
        self.at.progress += 1;
        self.doubt(feed);
        self.ended(feed, ending)?;
        self.tops(feed).await?;
        self.tell(feed.name, 1, 1);
        Ok(())
    }

    /// Notes the kinds of which nobody can say what is gone: a row without an id may be any record of its client, and where
    /// the client cannot be told either, any record at all. What one row of several kinds holds goes with that row.
    fn doubt(&mut self, feed: &Feed) {
        let nowhere = VendorId::parse(NO_CLIENT).expect("letters make an id");
        let is_unknown = |owner: Owner| self.spool.rows(&owner).is_some_and(|rows| rows.has_unknown);
        let of_client = feed.kinds.contains(&Kind::Client) && is_unknown((Kind::Client, None));
        let doubted: Vec<Kind> = feed
            .kinds
            .iter()
            .filter(|kind| kind.is_below_client() && (of_client || is_unknown((**kind, Some(nowhere.clone())))))
            .copied()
            .collect();
        self.at.doubted.extend(doubted);
    }

    /// Returns since when changes alone are asked for, if they are.
    pub(super) fn since(&self, feed: &Feed) -> Option<Timestamp> {
        feed.kinds.iter().filter_map(|kind| self.at.since.get(kind)).min().copied()
    }

    /// Notes how a list ended: for the kinds of its rows, and for those that need its words.
    fn ended(&mut self, feed: &Feed, ending: Ending) -> Result<(), Stop> {
        let wanted = |kind: &Kind| self.integration.sync.contains(kind) || *kind == Kind::Client;
        let kinds: BTreeSet<Kind> = feed.kinds.iter().copied().filter(wanted).collect();
        let needing: BTreeSet<Kind> = feed.words_for.iter().copied().filter(wanted).collect();
        let of = format!("{}: ", feed.name);
        let gathered = &mut self.gatherer.gathered;
        match ending {
            Ending::Complete | Ending::OutOfTime(_) => {
                for kind in kinds {
                    gathered.report(kind);
                }
            }
            Ending::Refused(refusal) if refusal.cause == Cause::Credentials => return Err(Stop::Rejected(refusal)),
            Ending::Refused(refusal) => {
                for kind in kinds {
                    gathered.incomplete(kind, format!("{refusal}. {}", refusal.hint));
                    self.at.unreadable.insert(kind);
                }
                for kind in needing {
                    // Without the right to look words up, numbers stand for them, and the rows are good all the same.
                    if refusal.cause == Cause::Permission {
                        gathered.noted(kind, format!("{of}{refusal}"));
                    } else {
                        gathered.incomplete(kind, format!("{of}{refusal}. {}", refusal.hint));
                        self.at.unreadable.insert(kind);
                    }
                }
            }
            Ending::Incomplete(why) => {
                for kind in kinds {
                    gathered.incomplete(kind, why.clone());
                    self.at.partial.insert(kind);
                }
                for kind in needing {
                    gathered.incomplete(kind, format!("{of}{why}"));
                    // Rows without the words that they had last night would look changed.
                    self.at.unreadable.insert(kind);
                }
            }
        }
        Ok(())
    }

    /// Returns what of a kind's records the lists brought.
    pub(super) fn extent(&self, kind: Kind) -> Extent {
        match kind {
            kind if self.at.since.contains_key(&kind) => Extent::Changes,
            kind if self.at.partial.contains(&kind) || self.at.doubted.contains(&kind) => Extent::Some,
            _ => Extent::All,
        }
    }

    /// Queues the users and clients that a list brought, and lets go of their rows.
    async fn tops(&mut self, feed: &Feed) -> Result<(), StepError> {
        for kind in feed.kinds.iter().copied().filter(|kind| !kind.is_below_client()) {
            let scope = Scope::of(kind, None).expect("this kind needs no client");
            let owner = (kind, None);
            let records = self.spool.unpack(&BTreeSet::from([owner.clone()])).remove(&owner).unwrap_or_default();
            if kind == Kind::Client {
                self.list_of_clients(&records).await?;
            }
            if self.at.unreadable.contains(&kind) {
                continue;
            }
            self.take(&scope, kind, records, self.extent(kind)).await?;
        }
        if self.spool.clients().is_empty() {
            self.spool = Spool::default();
        }
        Ok(())
    }

    /// Takes a scope's records; of changes, nothing is queued where none came and nothing else asks for it.
    pub(super) async fn take(
        &mut self,
        scope: &Scope,
        kind: Kind,
        records: Vec<VendorRecord>,
        extent: Extent,
    ) -> Result<(), StepError> {
        if extent == Extent::Changes && records.is_empty() {
            let clients_queued = self.gatherer.gathered.clients_queued;
            if let Some(remembered) = self.gatherer.known.settled(scope, kind, clients_queued) {
                self.gatherer.skipped(kind, remembered, 0);
                return Ok(());
            }
        }
        self.gatherer.scope(scope, kind, records, extent).await
    }

    /// Keeps the clients below which lists are read. Where only changed ones came, the others are those that are stored.
    async fn list_of_clients(&mut self, records: &[VendorRecord]) -> Result<(), StepError> {
        let (unknown, known): (Vec<_>, Vec<_>) = records.iter().partition(|client| has_no_id(client));
        let extent = self.extent(Kind::Client);
        let stored = match extent {
            Extent::Changes if !self.fans().is_empty() => {
                entries::client_ids(self.table, &self.integration.id).await.doing("loading clients")?
            }
            _ => Vec::new(),
        };
        let mut met = BTreeSet::new();
        let all = stored.into_iter().chain(known.into_iter().map(|client| client.vendor_id.clone()));
        self.at.clients = all.filter(|client| met.insert(client.clone())).collect();
        let is_readable = !self.at.unreadable.contains(&Kind::Client);
        self.at.clients_complete = is_readable && extent != Extent::Some;
        self.at.clients_certain = is_readable && extent == Extent::All && unknown.is_empty();
        Ok(())
    }
}
