//! A deployment in memory, and somebody who asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use apis::account::Surroundings;
use apis::call::{Call, Reply};
use console::answer::Answer;
use console::error::ConsoleError;
use console::handle::{Ports, handle};
use console::progress::ProgressEvent;
use console::request::{IntegrationChange, Page, RecordFilter, Request, SecretParts, Selection, SyncTarget};
use console::roles::{Actor, Role};
use console::views::{DocView, IntegrationView, PlanView, RecordView, StagedView, StatusView, SyncView, VerifyView};
use engine::life::Holder;
use engine::memory::{FnTransport, ManualClock, MemoryQueue, MemorySecrets, MemoryTable};
use engine::ports::SendError;
use jiff::Timestamp;
use reconcile::record::Kind;
use sandbox::auvik::{AuvikSim, Credentials};
use sandbox::simulator::{Shared, Simulator};
use sandbox::world::{SharedWorld, Size, World};
use serde_json::Value;

/// The address that the simulated Auvik believes to have.
pub const ORIGIN: &str = "http://127.0.0.1:4001";

/// The one integration.
pub const ID: &str = "auvik-main";

type Send = Box<dyn Fn(&Call) -> Result<Reply, SendError> + std::marker::Send + Sync>;

/// A deployment.
pub struct Desk {
    pub ports: Ports<MemoryTable, MemoryQueue, FnTransport<Send>, MemorySecrets, ManualClock>,
    pub auvik: Shared<AuvikSim>,
    pub world: SharedWorld,
    pub role: Role,
    pub told: Mutex<Vec<ProgressEvent>>,
}

impl Desk {
    /// Makes a deployment without any integration.
    pub fn new() -> Self {
        let world = SharedWorld::new(World::new(&Size { clients: 6, devices: 80, seed: 7 }));
        let auvik = Shared::new(AuvikSim::new(world.clone(), Credentials::default()));
        let vendor = auvik.clone();
        let send: Send = Box::new(move |call| Ok(vendor.with(|auvik| auvik.answer(call, ORIGIN))));
        let ports = Ports {
            table: MemoryTable::new(),
            queue: MemoryQueue::new(),
            transport: FnTransport::new(send),
            secrets: MemorySecrets::new(),
            clock: ManualClock::new("2026-11-20T12:00:00Z".parse::<Timestamp>().unwrap()),
            holder: Holder { name: "test".to_owned(), gone_after: Duration::ZERO },
            surroundings: Surroundings { allow_loopback: true },
        };
        Self { ports, auvik, world, role: Role::Admin, told: Mutex::new(Vec::new()) }
    }

    /// Makes one with the integration added and verified.
    pub async fn verified() -> Self {
        let desk = Self::new();
        desk.ask(desk.adding(ID)).await.unwrap();
        desk.ask(Request::Verify { id: ID.to_owned() }).await.unwrap();
        desk
    }

    /// Makes one whose integration syncs clients and assets and was read once.
    pub async fn read() -> Self {
        let desk = Self::verified().await;
        desk.set(|change| change.sync = Some(BTreeSet::from([Kind::Client, Kind::Asset]))).await.unwrap();
        let view = desk.sync().await;
        assert_eq!(view.items.len(), 1, "{view:?}");
        desk
    }

    /// Makes one that is live: all clients created, the first sync over.
    pub async fn live() -> Self {
        let desk = Self::read().await;
        desk.ask(Request::CreateUnmatched { id: ID.to_owned(), kind: None }).await.unwrap();
        desk.finish(None).await.unwrap();
        desk
    }

    /// Returns the request that adds the simulated account.
    pub fn adding(&self, id: &str) -> Request {
        let listing = self.auvik.with(|auvik| auvik.listing(ORIGIN));
        Request::IntegrationAdd {
            id: id.to_owned(),
            vendor: "auvik".to_owned(),
            settings: listing.settings.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect(),
            secret: self.secret(),
        }
    }

    /// Returns the secret that the simulated account takes.
    pub fn secret(&self) -> SecretParts {
        let listing = self.auvik.with(|auvik| auvik.listing(ORIGIN));
        SecretParts::new(listing.secret.into_iter().map(|(name, text)| (name.to_owned(), text)))
    }

    /// Asks, a minute after the last time.
    pub async fn ask(&self, request: Request) -> Result<Answer, ConsoleError> {
        self.ports.clock.advance(Duration::from_secs(60));
        let who = Actor { name: "ann".to_owned(), role: self.role };
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

    /// Asks and returns the contract's document.
    pub async fn json(&self, request: Request) -> Value {
        self.ask(request).await.unwrap().json()
    }

    pub async fn set(&self, change: impl FnOnce(&mut IntegrationChange)) -> Result<IntegrationView, ConsoleError> {
        let mut wanted = IntegrationChange::default();
        change(&mut wanted);
        match self.ask(Request::IntegrationSet { id: ID.to_owned(), change: wanted }).await? {
            Answer::Integration(view) => Ok(view),
            other => panic!("{other:?}"),
        }
    }

    pub async fn show(&self) -> IntegrationView {
        match self.ask(Request::IntegrationShow { id: ID.to_owned() }).await.unwrap() {
            Answer::Integration(view) => view,
            other => panic!("{other:?}"),
        }
    }

    pub async fn verify(&self) -> VerifyView {
        match self.ask(Request::Verify { id: ID.to_owned() }).await.unwrap() {
            Answer::Verified(view) => view,
            other => panic!("{other:?}"),
        }
    }

    pub async fn sync(&self) -> SyncView {
        let target = SyncTarget::Ids(vec![ID.to_owned()]);
        match self.ask(Request::Sync { target, force: false }).await.unwrap() {
            Answer::Synced(view) => view,
            other => panic!("{other:?}"),
        }
    }

    pub async fn status(&self) -> StatusView {
        match self.ask(Request::Status { id: Some(ID.to_owned()), page: Page::default() }).await.unwrap() {
            Answer::Status(mut list) => list.items.remove(0),
            other => panic!("{other:?}"),
        }
    }

    pub async fn records(&self, kind: Kind) -> Vec<RecordView> {
        self.records_with(kind, RecordFilter::default()).await
    }

    pub async fn records_with(&self, kind: Kind, filter: RecordFilter) -> Vec<RecordView> {
        let request = Request::Records { id: ID.to_owned(), kind, filter, page: Page::default() };
        match self.ask(request).await.unwrap() {
            Answer::Records(list) => list.items,
            other => panic!("{other:?}"),
        }
    }

    pub async fn docs(&self, kind: Kind) -> Vec<DocView> {
        match self.ask(Request::DocsList { kind, client: None, search: None, page: Page::default() }).await.unwrap() {
            Answer::Docs(list) => list.items,
            other => panic!("{other:?}"),
        }
    }

    /// Makes client records with these names and returns them by name.
    pub async fn clients_called(&self, names: &[&str]) -> BTreeMap<String, DocView> {
        let csv = format!("name\n{}\n", names.join("\n"));
        self.ask(Request::DocsImport { kind: Kind::Client, csv }).await.unwrap();
        self.docs(Kind::Client).await.into_iter().map(|doc| (doc.name.clone(), doc)).collect()
    }

    pub async fn preview(&self) -> PlanView {
        match self.ask(Request::Preview { id: ID.to_owned(), page: Page::default() }).await.unwrap() {
            Answer::Plan(view) => view,
            other => panic!("{other:?}"),
        }
    }

    pub async fn finish(&self, plan: Option<&PlanView>) -> Result<Answer, ConsoleError> {
        let plan = plan.map(|plan| plan.plan_id.to_string());
        self.ask(Request::Finish { id: ID.to_owned(), plan, no_sync: false }).await
    }

    pub async fn staged(&self, request: Request) -> StagedView {
        match self.ask(request).await.unwrap() {
            Answer::Staged(view) => view,
            other => panic!("{other:?}"),
        }
    }

    pub async fn csv(&self, request: Request) -> String {
        match self.ask(request).await.unwrap() {
            Answer::Csv(text) => text,
            other => panic!("{other:?}"),
        }
    }
}

/// Returns the request that matches a client.
pub fn matching(record: &RecordView, doc: &DocView) -> Request {
    Request::Match {
        id: ID.to_owned(),
        kind: record.kind,
        vendor_id: record.vendor_id.to_string(),
        doc_id: doc.doc_id.to_string(),
    }
}

/// Selects some records.
pub fn these(records: &[&RecordView]) -> Selection {
    Selection::Ids(records.iter().map(|record| record.vendor_id.to_string()).collect())
}
