//! What each process of the benchmark does.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use apis::account::Surroundings;
use apis::call::{Secret, SecretText};
use engine::fetch::{Fetched, fetch};
use engine::life::{Holder, Opened, open};
use engine::ports::{Delivery, Envelope, QueueError, QueueIn, QueueOut, Secrets, Table};
use engine::store::integrations::{self, Integration, IntegrationState};
use engine::syncing::{account, settle};
use engine::watch::Unwatched;
use local::{Local, LocalQueue, SystemClock};
use reconcile::ids::{IntegrationId, RunId};
use reconcile::record::Kind;
use reconcile::run::Trigger;
use sandbox::{Sandbox, SharedWorld, Size, World};
use serde::Deserialize;
use transport::{Loopback, Options, Transport};

use crate::measure::Used;

/// Where the vendor is and how to be let in, as the sandbox lists it.
#[derive(Deserialize)]
struct Listing {
    settings: BTreeMap<String, String>,
    secret: BTreeMap<String, String>,
}

fn integration() -> IntegrationId {
    IntegrationId::parse("auvik-main").expect("a valid slug")
}

/// One thread for the steps, as in a function on AWS.
fn run<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Shows a world as Auvik does. Each line of its standard input is a share of devices that change in the next night.
pub fn world(clients: usize, devices: usize, seed: u64) -> anyhow::Result<()> {
    run(async {
        let sandbox = Sandbox::start(0, World::new(&Size { clients, devices, seed })).await?;
        let listing = sandbox.describe().iter().find(|listing| listing.vendor == "auvik");
        say(&serde_json::to_string(listing.context("Auvik is simulated")?)?)?;
        let world = sandbox.world.clone();
        tokio::task::spawn_blocking(move || nights(&world, seed)).await?
    })
}

/// Lets nights pass until the standard input is closed.
fn nights(world: &SharedWorld, seed: u64) -> anyhow::Result<()> {
    for (night, line) in std::io::stdin().lock().lines().enumerate() {
        let percent: f64 = line?.parse()?;
        let changed = world.change(|world| world.night(seed + night as u64, percent));
        say(&changed.to_string())?;
    }
    Ok(())
}

/// Adds a live integration that creates whatever is eligible.
pub fn setup(folder: &Path, listing: &str) -> anyhow::Result<()> {
    let listing: Listing = serde_json::from_str(listing)?;
    let local = local::open(folder)?;
    let parts = listing.secret.iter().map(|(name, text)| (name.clone(), SecretText::new(text)));
    let secret = Secret(parts.collect());
    let vendor = apis::vendors::find("auvik").context("Auvik is a vendor")?;
    let mut added = Integration {
        state: IntegrationState::Live,
        sync: BTreeSet::from([Kind::Client, Kind::Asset]),
        auto_create: BTreeSet::from([Kind::Client, Kind::Asset]),
        ..Integration::draft(integration(), vendor, listing.settings, "2026-11-20T19:00:00Z".parse()?)
    };
    run(async {
        local.secrets.propose(&added.id, &secret).await?;
        local.secrets.promote(&added.id).await?;
        Ok(integrations::save(&local.table, &mut added).await?)
    })
}

/// Opens a run and reads the vendor.
pub fn fetch_all(folder: &Path, trigger: &str) -> anyhow::Result<()> {
    let began = Instant::now();
    let trigger = match trigger {
        "manual" => Trigger::Manual,
        "schedule" => Trigger::Schedule,
        other => bail!("{other} is no trigger of the benchmark"),
    };
    let local = local::open(folder)?;
    let transport = Transport::new(Options { loopback: Loopback::Allowed, ..Options::default() });
    let queue = Counted::new(&local);
    let holder = Holder { name: "benchmark".to_owned(), gone_after: Duration::ZERO };
    run(async {
        let (table, clock) = (&local.table, &SystemClock);
        let integration = integrations::load(table, &integration()).await?.context("it was added")?;
        let account = account(&integration, &local.secrets, &Surroundings { allow_loopback: true }).await?;
        let Opened::New(mut record) = open(&integration, trigger, &holder, table, &queue, clock).await? else {
            bail!("another run is open");
        };
        loop {
            match fetch(&mut record, &integration, &account, table, &queue, &transport, clock, &Unwatched).await? {
                Fetched::Read => break,
                Fetched::Continues { .. } => {}
                Fetched::Rejected(refusal) => bail!("{refusal}"),
            }
        }
        let used = Used::of_this_process(began.elapsed().as_secs_f64(), table.meter().read(), queue.sent())?;
        let used = Used { run: record.run_id.to_string(), vendor_calls: record.vendor_requests, ..used };
        say(&serde_json::to_string(&used)?)
    })
}

/// Works the queue until a run is over.
pub fn settle_run(folder: &Path, id: &str) -> anyhow::Result<()> {
    let began = Instant::now();
    let local = local::open(folder)?;
    let queue = Counted::new(&local);
    let id: RunId = serde_json::from_value(id.into())?;
    run(async {
        let record = settle(&id, &local.table, &queue, &SystemClock, &Unwatched).await?;
        let used = Used::of_this_process(began.elapsed().as_secs_f64(), local.table.meter().read(), queue.sent())?;
        let outcome = record.run.outcome().map(|outcome| format!("{outcome:?}")).unwrap_or_default();
        say(&serde_json::to_string(&Used { run: id.to_string(), outcome, ..used })?)
    })
}

/// The queue of the data folder, with a count of what is sent.
struct Counted {
    queue: LocalQueue,
    sent: AtomicU64,
}

impl Counted {
    fn new(local: &Local) -> Self {
        Self { queue: local.queue.clone(), sent: AtomicU64::new(0) }
    }

    fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl QueueOut for Counted {
    async fn send(&self, batch: Vec<Envelope>) -> Result<Vec<usize>, QueueError> {
        self.sent.fetch_add(batch.len() as u64, Ordering::Relaxed);
        self.queue.send(batch).await
    }
}

impl QueueIn for Counted {
    async fn receive(&self, limit: usize) -> Result<Vec<Delivery>, QueueError> {
        self.queue.receive(limit).await
    }

    async fn done(&self, receipt: &str) -> Result<(), QueueError> {
        self.queue.done(receipt).await
    }

    async fn back(&self, receipt: &str) -> Result<(), QueueError> {
        self.queue.back(receipt).await
    }
}
