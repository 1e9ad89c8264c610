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
use apis::feed::Vendor;
use engine::fetch::{Fetched, fetch};
use engine::life::{Holder, Opened, open};
use engine::ports::{Delivery, Envelope, QueueError, QueueIn, QueueOut, Secrets, Table};
use engine::store::entries;
use engine::store::integrations::{self, Integration, IntegrationState};
use engine::syncing::{account, settle, sync};
use engine::watch::Unwatched;
use jiff::Timestamp;
use local::{Local, LocalQueue};
use reconcile::doc::Role;
use reconcile::ids::{IntegrationId, RunId, Scope};
use reconcile::record::Kind;
use reconcile::run::Trigger;
use sandbox::dates::DAY_MS;
use sandbox::world::{DeviceNo, System};
use sandbox::{Listing, Sandbox, SharedWorld, Size, World};
use serde::{Deserialize, Serialize};
use transport::{Loopback, Options, Transport};

use crate::clock::Skipping;
use crate::least::least;
use crate::measure::Used;

/// Where a vendor is, how to be let in, and what a complete read of it takes.
#[derive(Debug, Serialize, Deserialize)]
pub struct Shown {
    /// The vendor's id.
    pub vendor: String,
    settings: BTreeMap<String, String>,
    secret: BTreeMap<String, String>,
    /// The least number of calls for lists.
    pub lists_min: u64,
    /// Records that need a call each.
    pub singles: u64,
}

/// How many devices changed that each sort of system sees.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Changed {
    network: usize,
    rmm: usize,
    psa: usize,
}

impl Changed {
    /// Returns how many a vendor sees.
    pub fn of(self, shown: &Shown) -> usize {
        match apis::vendors::find(&shown.vendor).map(|vendor| vendor.role) {
            Some(Role::Monitor) | None => self.network,
            Some(Role::Rmm) => self.rmm,
            Some(Role::Psa) => self.psa,
        }
    }
}

fn integration() -> IntegrationId {
    IntegrationId::parse("nightly").expect("a valid slug")
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

/// Shows a world as every vendor does. Each line of its standard input is a share of devices that change in the next night.
pub fn world(clients: usize, devices: usize, seed: u64) -> anyhow::Result<()> {
    run(async {
        let sandbox = Sandbox::start(0, World::new(&Size { clients, devices, seed })).await?;
        let texts = |parts: &BTreeMap<&'static str, String>| {
            parts.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect()
        };
        let show = |listing: &Listing| {
            let of = least(listing.vendor, &sandbox.world.read()).unwrap_or_default();
            Shown {
                vendor: listing.vendor.to_owned(),
                settings: texts(&listing.settings),
                secret: texts(&listing.secret),
                lists_min: of.lists,
                singles: of.singles,
            }
        };
        say(&serde_json::to_string(&sandbox.describe().iter().map(show).collect::<Vec<_>>())?)?;
        let world = sandbox.world.clone();
        tokio::task::spawn_blocking(move || nights(&world, seed)).await?
    })
}

/// Lets nights pass until the standard input is closed.
fn nights(world: &SharedWorld, seed: u64) -> anyhow::Result<()> {
    let began_ms = u64::try_from(Timestamp::now().as_millisecond())?;
    for (night, line) in std::io::stdin().lock().lines().enumerate() {
        let percent: f64 = line?.parse()?;
        let changed = world.change(|world| {
            // The world's time is that of the processes that sync, so that what changed since the last sync is later.
            world.now_ms = began_ms + (night as u64) * DAY_MS;
            world.night(seed + night as u64, 0.0);
            change_some(world, seed + night as u64, percent)
        });
        say(&serde_json::to_string(&changed)?)?;
    }
    Ok(())
}

/// Gives a share of the devices another model, which every system shows and none knows a device by.
fn change_some(world: &mut World, seed: u64, percent: f64) -> Changed {
    let mut known: Vec<DeviceNo> = Vec::new();
    for device in world.clients.iter().flat_map(|client| &client.devices) {
        known.extend(device.model.is_some().then_some(device.number));
    }
    let count = (world.device_count() as f64 * percent / 100.0).round() as usize;
    fastrand::Rng::with_seed(seed).shuffle(&mut known);
    let mut changed = Changed { network: 0, rmm: 0, psa: 0 };
    for number in known.into_iter().take(count) {
        world.change_device(number, |device| {
            device.model = device.model.take().map(|model| format!("{model} II").into());
            changed.network += usize::from(device.is_seen_by(System::Network));
            changed.rmm += usize::from(device.is_seen_by(System::Rmm));
            changed.psa += usize::from(device.is_seen_by(System::Psa));
        });
    }
    changed
}

/// Adds a live integration that creates whatever is eligible.
pub fn setup(folder: &Path, shown: &str) -> anyhow::Result<()> {
    let shown: Shown = serde_json::from_str(shown)?;
    let vendor = apis::vendors::find(&shown.vendor).context("a simulated vendor is one of ours")?;
    let types = if vendor.has_asset_types {
        // What there is to choose from is read in a folder of its own, so that the first sync is the first.
        let beside = tempfile::tempdir()?;
        add(beside.path(), vendor, &shown, IntegrationState::Configured, None)?;
        Some(types_read(beside.path())?)
    } else {
        None
    };
    add(folder, vendor, &shown, IntegrationState::Live, types)
}

fn add(
    folder: &Path,
    vendor: &Vendor,
    shown: &Shown,
    state: IntegrationState,
    types: Option<BTreeSet<String>>,
) -> anyhow::Result<()> {
    let local = local::open(folder)?;
    let secret = Secret(shown.secret.iter().map(|(name, text)| (name.clone(), SecretText::new(text))).collect());
    let kinds: BTreeSet<Kind> = vendor.kinds.iter().copied().collect();
    let drafted = Integration::draft(integration(), vendor, shown.settings.clone(), "2026-11-20T19:00:00Z".parse()?);
    let types = types.or_else(|| drafted.types.clone());
    let mut added = Integration { state, sync: kinds.clone(), auto_create: kinds, types, ..drafted };
    run(async {
        local.secrets.propose(&added.id, &secret).await?;
        local.secrets.promote(&added.id).await?;
        Ok(integrations::save(&local.table, &mut added).await?)
    })
}

/// Reads a vendor without writing any documentation, and returns the types of its assets.
fn types_read(folder: &Path) -> anyhow::Result<BTreeSet<String>> {
    let local = local::open(folder)?;
    let transport = Transport::new(Options { loopback: Loopback::Allowed, ..Options::default() });
    let holder = Holder { name: "benchmark".to_owned(), gone_after: Duration::ZERO };
    let (surroundings, clock) = (Surroundings { allow_loopback: true }, Skipping::at_night(0));
    let id = integration();
    run(async {
        let (table, queue, secrets) = (&local.table, &local.queue, &local.secrets);
        let trigger = Trigger::Manual;
        sync(&id, trigger, &holder, &surroundings, table, queue, &transport, secrets, &clock, &Unwatched).await?;
        let mut types = BTreeSet::new();
        for client in entries::client_ids(table, &id).await? {
            for (_, entry) in entries::load_scope(table, &id, &Scope::Client(client)).await? {
                let of_asset = entry.record.class.filter(|_| entry.record.kind == Kind::Asset);
                types.extend(of_asset.map(|class| class.id));
            }
        }
        Ok(types)
    })
}

/// Opens a run and reads the vendor.
pub fn fetch_all(folder: &Path, trigger: &str, night: u32) -> anyhow::Result<()> {
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
        let (table, clock) = (&local.table, &Skipping::at_night(night));
        let integration = integrations::load(table, &integration()).await?.context("it was added")?;
        let account = account(&integration, &local.secrets, &Surroundings { allow_loopback: true }).await?;
        let Opened::New(mut record) = open(&integration, trigger, &holder, table, &queue, clock).await? else {
            bail!("another run is open");
        };
        loop {
            match fetch(&mut record, &integration, &account, table, &queue, &transport, clock, &Unwatched).await? {
                Fetched::Read => break,
                Fetched::Continues { after } => clock.skip_to(after),
                Fetched::Rejected(refusal) => bail!("{refusal}"),
            }
        }
        let used = Used::of_this_process(began.elapsed().as_secs_f64(), table.meter().read(), queue.sent())?;
        let (run, vendor_calls) = (record.run_id.to_string(), record.vendor_requests);
        let used = Used { run, vendor_calls, skipped_seconds: clock.skipped_seconds(), ..used };
        say(&serde_json::to_string(&used)?)
    })
}

/// Works the queue until a run is over.
pub fn settle_run(folder: &Path, id: &str, night: u32) -> anyhow::Result<()> {
    let began = Instant::now();
    let local = local::open(folder)?;
    let queue = Counted::new(&local);
    let id: RunId = serde_json::from_value(id.into())?;
    run(async {
        let record = settle(&id, &local.table, &queue, &Skipping::at_night(night), &Unwatched).await?;
        let used = Used::of_this_process(began.elapsed().as_secs_f64(), local.table.meter().read(), queue.sent())?;
        let outcome = record.run.outcome().map(|outcome| format!("{outcome:?}")).unwrap_or_default();
        let written = record.counts.values().map(|counts| counts.created + counts.matched + counts.updated).sum();
        say(&serde_json::to_string(&Used { run: id.to_string(), outcome, written, ..used })?)
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
