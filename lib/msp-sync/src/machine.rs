//! One machine's deployment: the data folder, the way to the vendors and the clock, as the handlers want them.

use std::path::Path;
use std::time::{Duration, Instant};

use apis::account::Surroundings;
use aws::table::DynamoTable;
use console::handle::Deps;
use engine::error::StepError;
use engine::life::Holder;
use engine::ports::Clock;
use engine::syncing::Synced;
use engine::watch::Unwatched;
use local::{Local, LocalQueue, OpenError, SecretsFile, SystemClock};
use reconcile::ids::IntegrationId;
use reconcile::run::Trigger;
use transport::{Loopback, Options, Transport};

use crate::failure::Failure;

/// How long a folder is waited for that another command works on (product.md section 6).
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(30);
/// How long between two looks at it.
pub(crate) const WAIT_STEP: Duration = Duration::from_millis(100);

/// An opened data folder with everything around it.
#[derive(Debug)]
pub(crate) struct Machine {
    local: Local,
    transport: Transport,
    clock: SystemClock,
    holder: Holder,
    surroundings: Surroundings,
}

/// What came of an attempt to open a folder.
#[derive(Debug)]
pub(crate) enum Opened {
    /// It is ours.
    Ours(Box<Machine>),
    /// Somebody else works on it; how to say so.
    InUse(String),
}

impl Machine {
    /// Opens a folder once.
    pub(crate) fn open(folder: &Path, loopback: Loopback) -> Result<Opened, Failure> {
        let local = match local::open(folder) {
            Ok(local) => local,
            Err(error @ OpenError::InUse { .. }) => return Ok(Opened::InUse(error.to_string())),
            Err(error) => return Err(refusal(error)),
        };
        let options = Options { loopback, ..Options::default() };
        let transport = Transport::new(options);
        let surroundings = Surroundings { allow_loopback: loopback == Loopback::Allowed };
        // The folder's lock says that whoever held a run before is gone; process numbers alone come again.
        let name = format!("process {} since {}", std::process::id(), SystemClock.now());
        let holder = Holder { name, gone_after: Duration::ZERO };
        Ok(Opened::Ours(Box::new(Machine { local, transport, clock: SystemClock, holder, surroundings })))
    }

    /// Syncs an integration because its time has come.
    pub(crate) async fn sync_scheduled(&self, integration: &IntegrationId) -> Result<Synced, StepError> {
        let Local { table, queue, secrets, .. } = &self.local;
        engine::syncing::sync(
            integration,
            Trigger::Schedule,
            &self.holder,
            &self.surroundings,
            table,
            queue,
            &self.transport,
            secrets,
            &self.clock,
            &Unwatched,
        )
        .await
    }

    /// Asks again for what the runs want that somebody left behind.
    pub(crate) async fn resume(&self) -> Result<(), StepError> {
        engine::syncing::resume(&self.local.table, &self.local.queue).await
    }

    /// Works off the messages that lie in the queue.
    pub(crate) async fn work(&self) -> Result<u64, StepError> {
        engine::reconciler::drain(&self.local.table, &self.local.queue, &self.clock).await
    }

    /// Deletes the items whose time is over.
    pub(crate) async fn forget_expired(&self) -> Result<usize, engine::ports::Cause> {
        self.local.forget_expired().await
    }

    /// Opens a folder, and waits up to [`WAIT_MAX`] for whoever works on it.
    pub(crate) async fn open_patiently(folder: &Path, loopback: Loopback) -> Result<Machine, Failure> {
        let patience = Patience::new();
        loop {
            match Machine::open(folder, loopback)? {
                Opened::Ours(machine) => return Ok(*machine),
                Opened::InUse(why) => patience.wait(&why).await?,
            }
        }
    }
}

/// Waiting for a folder, told once.
#[derive(Debug)]
pub(crate) struct Patience {
    since: Instant,
    told: std::cell::Cell<bool>,
}

impl Patience {
    /// Begins.
    pub(crate) fn new() -> Self {
        Self { since: Instant::now(), told: std::cell::Cell::new(false) }
    }

    /// Waits a moment, or gives up.
    pub(crate) async fn wait(&self, why: &str) -> Result<(), Failure> {
        if self.since.elapsed() >= WAIT_MAX {
            let hint = "wait until it has ended, or end it; `msp-sync serve` lets commands through while it runs";
            return Err(Failure::new("busy", format!("{why}, and is still after {} s", WAIT_MAX.as_secs()), hint));
        }
        if !self.told.replace(true) {
            eprintln!("{why}; waiting up to {} s for it", WAIT_MAX.as_secs());
        }
        tokio::time::sleep(WAIT_STEP).await;
        Ok(())
    }
}

/// Whether the environment lets vendors be on this machine (product.md section 6).
pub(crate) fn loopback() -> Loopback {
    Loopback::from_setting(std::env::var("MSP_SYNC_ALLOW_LOOPBACK").ok().as_deref())
}

fn refusal(error: OpenError) -> Failure {
    let (code, hint) = match &error {
        OpenError::InUse { .. } => ("busy", "wait until it has ended"),
        OpenError::Newer { .. } => ("data_folder", "use the newer msp-sync, or name another folder with --data-dir"),
        OpenError::NotWritable { .. } => {
            ("data_folder", "give yourself the right to write there, or name another folder with --data-dir")
        }
        OpenError::Unreadable { .. } => {
            ("data_folder", "restore the folder from a backup, or name another one with --data-dir")
        }
    };
    Failure::new(code, format!("{:#}", anyhow::Error::new(error)), hint)
}

impl Deps for Machine {
    type Table = DynamoTable;
    type Queue = LocalQueue;
    type Transport = Transport;
    type Secrets = SecretsFile;
    type Clock = SystemClock;

    fn table(&self) -> &DynamoTable {
        &self.local.table
    }

    fn queue(&self) -> &LocalQueue {
        &self.local.queue
    }

    fn transport(&self) -> &Transport {
        &self.transport
    }

    fn secrets(&self) -> &SecretsFile {
        &self.local.secrets
    }

    fn clock(&self) -> &SystemClock {
        &self.clock
    }

    fn holder(&self) -> &Holder {
        &self.holder
    }

    fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }
}
