//! A deployment in memory with all simulated vendors, an integration for each that is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use apis::account::Surroundings;
use apis::call::{Call, Reply};
use apis::vendors;
use console::answer::Answer;
use console::error::ConsoleError;
use console::handle::{Ports, handle};
use console::progress::ProgressEvent;
use console::request::{IntegrationChange, Page, RecordFilter, Request, SecretParts, SyncTarget};
use console::roles::{Actor, Role};
use console::views::{DocView, IntegrationView, RecordView, RunView, StatusView, TypeView, VerifyView};
use console::words::Outcome;
use engine::life::Holder;
use engine::memory::{FnTransport, ManualClock, MemoryQueue, MemorySecrets, MemoryTable};
use engine::ports::SendError;
use jiff::Timestamp;
use reconcile::record::Kind;
use sandbox::Vendors;
use sandbox::simulator::Listing;
use sandbox::world::{Size, World};

type Send = Box<dyn Fn(&Call) -> Result<Reply, SendError> + std::marker::Send + Sync>;

/// A deployment. The id of an integration is that of its vendor.
pub struct Office {
    pub vendors: Vendors,
    pub told: Mutex<Vec<ProgressEvent>>,
    calls: std::sync::Arc<AtomicU64>,
    ports: Ports<MemoryTable, MemoryQueue, FnTransport<Send>, MemorySecrets, ManualClock>,
}

impl Office {
    /// Makes a deployment without any integration, over a world of this size.
    pub fn new(clients: usize, devices: usize) -> Self {
        let vendors = Vendors::new(World::new(&Size { clients, devices, seed: 11 }));
        let calls = std::sync::Arc::new(AtomicU64::new(0));
        let (asked, counted) = (vendors.clone(), calls.clone());
        let send: Send = Box::new(move |call| {
            counted.fetch_add(1, Ordering::Relaxed);
            asked.answer(call).ok_or_else(|| SendError::TimedOut { host: call.url.authority().to_owned(), seconds: 30 })
        });
        let ports = Ports {
            table: MemoryTable::new(),
            queue: MemoryQueue::new(),
            transport: FnTransport::new(send),
            secrets: MemorySecrets::new(),
            clock: ManualClock::new("2026-11-20T12:00:00Z".parse::<Timestamp>().unwrap()),
            holder: Holder { name: "test".to_owned(), gone_after: Duration::ZERO },
            surroundings: Surroundings { allow_loopback: true },
        };
        Self { vendors, told: Mutex::new(Vec::new()), calls, ports }
    }

    /// Returns how many calls were made so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Asks, a minute after the last time.
    pub async fn ask(&self, request: Request) -> Result<Answer, ConsoleError> {
        self.ports.clock.advance(Duration::from_secs(60));
        let who = Actor { name: "ann".to_owned(), role: Role::Admin };
        let progress = |event: ProgressEvent| self.told.lock().unwrap().push(event);
        handle(request, &who, &self.ports, &progress).await
    }

    /// Asks for what must be refused.
    pub async fn refused(&self, request: Request) -> ConsoleError {
        match self.ask(request).await {
            Err(error) => error,
            Ok(answer) => panic!("this should have been refused: {answer:?}"),
        }
    }

    /// Returns what the simulated vendor wants to know.
    pub fn listing(&self, vendor: &str) -> Listing {
        self.vendors.listings().into_iter().find(|listing| listing.vendor == vendor).unwrap()
    }

    /// Adds an integration with some settings and parts of the secret replaced.
    pub async fn add_with(&self, vendor: &str, settings: &[(&str, &str)], secret: &[(&str, &str)]) {
        let replaced = |given: BTreeMap<&'static str, String>, with: &[(&str, &str)]| {
            let mut all: BTreeMap<String, String> =
                given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            all.extend(with.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
            all
        };
        let listing = self.listing(vendor);
        let request = Request::IntegrationAdd {
            id: vendor.to_owned(),
            vendor: vendor.to_owned(),
            settings: replaced(listing.settings, settings),
            secret: SecretParts::new(replaced(listing.secret, secret)),
        };
        self.ask(request).await.unwrap();
    }

    /// Adds and verifies an integration that syncs all kinds of its vendor.
    pub async fn set_up(&self, vendor: &str) {
        self.add_with(vendor, &[], &[]).await;
        assert!(self.verify(vendor).await.ok);
        let kinds: BTreeSet<Kind> = vendors::find(vendor).unwrap().kinds.iter().copied().collect();
        self.set(vendor, |change| change.sync = Some(kinds)).await.unwrap();
    }

    pub async fn verify(&self, id: &str) -> VerifyView {
        match self.ask(Request::Verify { id: id.to_owned() }).await.unwrap() {
            Answer::Verified(view) => view,
            other => panic!("{other:?}"),
        }
    }

    pub async fn set(
        &self,
        id: &str,
        change: impl FnOnce(&mut IntegrationChange),
    ) -> Result<IntegrationView, ConsoleError> {
        let mut wanted = IntegrationChange::default();
        change(&mut wanted);
        match self.ask(Request::IntegrationSet { id: id.to_owned(), change: wanted }).await? {
            Answer::Integration(view) => Ok(view),
            other => panic!("{other:?}"),
        }
    }

    /// Chooses types.
    pub async fn choose(&self, id: &str, types: &[&str]) -> Result<IntegrationView, ConsoleError> {
        let types = types.iter().map(|word| (*word).to_owned()).collect();
        self.set(id, |change| change.types = Some(types)).await
    }

    pub async fn types(&self, id: &str) -> Vec<TypeView> {
        match self.ask(Request::Types { id: id.to_owned(), page: Page::default() }).await.unwrap() {
            Answer::Types(list) => list.items,
            other => panic!("{other:?}"),
        }
    }

    /// Syncs to a complete end.
    pub async fn sync(&self, id: &str) -> RunView {
        let target = SyncTarget::Ids(vec![id.to_owned()]);
        match self.ask(Request::Sync { target, force: false }).await.unwrap() {
            Answer::Synced(mut view) => {
                assert_eq!(view.items[0].outcome, Some(Outcome::Complete), "{view:?}");
                view.items.remove(0)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Creates all users and clients that are left and finishes; returns the first full sync, where it was one.
    pub async fn finish(&self, id: &str) -> Option<RunView> {
        self.ask(Request::CreateUnmatched { id: id.to_owned(), kind: None }).await.unwrap();
        match self.ask(Request::Finish { id: id.to_owned(), plan: None, no_sync: false }).await.unwrap() {
            Answer::Finished(view) => view.run,
            other => panic!("{other:?}"),
        }
    }

    pub async fn status(&self, id: &str) -> StatusView {
        match self.ask(Request::Status { id: Some(id.to_owned()), page: Page::default() }).await.unwrap() {
            Answer::Status(mut list) => list.items.remove(0),
            other => panic!("{other:?}"),
        }
    }

    pub async fn show(&self, id: &str) -> IntegrationView {
        match self.ask(Request::IntegrationShow { id: id.to_owned() }).await.unwrap() {
            Answer::Integration(view) => view,
            other => panic!("{other:?}"),
        }
    }

    pub async fn records(&self, id: &str, kind: Kind) -> Vec<RecordView> {
        let page = Page { limit: 100_000, cursor: None };
        match self
            .ask(Request::Records { id: id.to_owned(), kind, filter: RecordFilter::default(), page })
            .await
            .unwrap()
        {
            Answer::Records(list) => list.items,
            other => panic!("{other:?}"),
        }
    }

    pub async fn docs(&self, kind: Kind) -> Vec<DocView> {
        let page = Page { limit: 100_000, cursor: None };
        match self.ask(Request::DocsList { kind, client: None, search: None, page }).await.unwrap() {
            Answer::Docs(list) => list.items,
            other => panic!("{other:?}"),
        }
    }
}
