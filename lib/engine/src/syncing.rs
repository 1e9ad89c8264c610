//! One sync on one machine: opens a run, reads the vendor, and works the queue until the run is over. The same steps run
//! on AWS, where the queue calls them.

use std::time::Duration;

use apis::account::{Account, Surroundings};
use apis::call::Secret;
use apis::feed::Vendor;
use apis::refusal::Refusal;
use reconcile::ids::{IntegrationId, RunId};
use reconcile::run::Trigger;

use crate::error::{Doing, StepError};
use crate::fetch::{Fetched, fetch, reject};
use crate::life::{Holder, Opened, open};
use crate::ports::{Clock, QueueIn, QueueOut, Secrets, Table, Transport};
use crate::reconciler::drain_watched;
use crate::store::integrations::{self, Integration, IntegrationState};
use crate::store::runs::{self, RunRecord, Slot};
use crate::watch::{Sign, Watch};

/// What came of a wish to sync.
#[derive(Debug, Clone)]
pub enum Synced {
    /// The run is over, or waits for a person.
    Ran(Box<RunRecord>),
    /// Another run of the integration is being read by somebody else.
    Busy(RunId),
    /// The integration is paused, its secret was refused, or it was never verified; nothing was asked of the vendor.
    NotNow(IntegrationState),
    /// The vendor refused the secret.
    Rejected(Box<RunRecord>, Refusal),
}

/// Makes the account of an integration from its settings and current secret.
pub async fn account(
    integration: &Integration,
    secrets: &impl Secrets,
    surroundings: &Surroundings,
) -> Result<Account, StepError> {
    let secret = secrets.current(&integration.id).await.map_err(StepError::Secrets)?;
    account_with(integration, secret, surroundings)
}

/// Makes the account of an integration from its settings and a secret that was read already; without one there is none.
pub fn account_with(
    integration: &Integration,
    secret: Option<Secret>,
    surroundings: &Surroundings,
) -> Result<Account, StepError> {
    let unknown = || settings(integration, format!("this version knows no vendor {}", integration.vendor));
    account_at(apis::vendors::find(&integration.vendor).ok_or_else(unknown)?, integration, secret, surroundings)
}

/// Makes the account of an integration at its vendor, as [`account_with`] does. Who knows the vendor asks for it here: its
/// program has no other vendor in it.
pub fn account_at(
    vendor: &'static Vendor,
    integration: &Integration,
    secret: Option<Secret>,
    surroundings: &Surroundings,
) -> Result<Account, StepError> {
    let settings = |why: String| settings(integration, why);
    let secret = secret.ok_or_else(|| settings("it has no secret; rotate one in".to_owned()))?;
    Account::new(vendor, integration.settings.clone(), secret, surroundings)
        .map_err(|error| settings(error.to_string()))
}

fn settings(integration: &Integration, why: String) -> StepError {
    StepError::Settings { integration: integration.id.to_string(), why }
}

/// Syncs one integration to the end of its run.
///
/// A run that was cut off is taken up: one that was reading is replaced by a new one, one that the reconciler had goes on,
/// and then a new one is made.
#[allow(clippy::too_many_arguments)] // One argument for each right that a sync needs.
pub async fn sync<Q: QueueIn + QueueOut>(
    id: &IntegrationId,
    trigger: Trigger,
    holder: &Holder,
    surroundings: &Surroundings,
    table: &impl Table,
    queue: &Q,
    transport: &impl Transport,
    secrets: &impl Secrets,
    clock: &impl Clock,
    watch: &impl Watch,
) -> Result<Synced, StepError> {
    let integration = integrations::load(table, id).await.doing("loading an integration")?;
    let integration = integration.ok_or_else(|| StepError::NoIntegration(id.to_string()))?;
    let trigger = match integration.state {
        IntegrationState::Live => trigger,
        IntegrationState::Configured | IntegrationState::Verified => Trigger::Setup,
        state @ (IntegrationState::Draft | IntegrationState::Paused | IntegrationState::CredentialsRejected) => {
            return Ok(Synced::NotNow(state));
        }
    };
    let account = account(&integration, secrets, surroundings).await?;
    let mut record = loop {
        match open(&integration, trigger, holder, table, queue, clock).await? {
            Opened::New(record) => break record,
            Opened::Held(record) => return Ok(Synced::Ran(Box::new(record))),
            Opened::Running(running) => {
                drain_watched(table, queue, clock, &running.run_id, watch).await?;
                let slot = runs::slot(table, id).await.doing("looking for an open run")?;
                if matches!(slot, Slot::Taken(still) if still.run_id == running.run_id && still.version == running.version)
                {
                    return Ok(Synced::Busy(running.run_id));
                }
            }
        }
    };
    loop {
        match fetch(&mut record, &integration, &account, table, queue, transport, clock, watch).await? {
            Fetched::Continues { after } => {
                let wait = after.map(|after| after.duration_since(clock.now())).unwrap_or_default();
                clock.sleep(wait.try_into().unwrap_or_default()).await;
            }
            Fetched::Rejected(refusal) => {
                reject(&mut record, &refusal, table, queue, clock).await?;
                return Ok(Synced::Rejected(Box::new(record), refusal));
            }
            Fetched::Read => break,
        }
    }
    let over = settle(&record.run_id, table, queue, clock, watch).await?;
    Ok(Synced::Ran(Box::new(over)))
}

/// The wait when the queue is empty and the run is not over.
const IDLE_WAIT: Duration = Duration::from_millis(50);
/// After so many such waits, what the run's phase asks for is sent again.
const IDLE_NUDGES: u32 = 40;

/// After so many waits without a movement, about five minutes, the run is given up.
const IDLE_MAX: u32 = 6_000;

/// Sends again what the open runs of all integrations want, except those that read or wait for a person: for a process
/// that starts where another one was killed.
pub async fn resume(table: &impl Table, queue: &impl QueueOut) -> Result<(), StepError> {
    for integration in integrations::list(table).await.doing("listing integrations")? {
        let slot = runs::slot(table, &integration.id).await.doing("looking for an open run")?;
        if let Slot::Taken(record) = slot {
            crate::life::nudge(&record, queue).await?;
        }
    }
    Ok(())
}

/// Works the queue until a run is over or waits for a person, and returns it.
pub async fn settle<Q: QueueIn + QueueOut>(
    run: &RunId,
    table: &impl Table,
    queue: &Q,
    clock: &impl Clock,
    watch: &impl Watch,
) -> Result<RunRecord, StepError> {
    let (mut idle, mut version) = (0, 0);
    loop {
        drain_watched(table, queue, clock, run, watch).await?;
        let record = runs::load(table, run).await.doing("loading a run")?;
        let record = record.ok_or_else(|| StepError::NoIntegration(run.integration().to_string()))?;
        if let Some(outcome) = record.ended() {
            watch.sign(Sign::Closed(outcome));
            return Ok(record);
        }
        if record.run.is_held() {
            return Ok(record);
        }
        // Somebody else has the last messages in hand, or one was lost: ask again for what the phase wants.
        clock.sleep(IDLE_WAIT).await;
        idle = if record.version == version { idle + 1 } else { 0 };
        version = record.version;
        if idle >= IDLE_MAX {
            crate::life::give_up(run, "the run did not move for minutes", table, queue, clock).await?;
        } else if idle % IDLE_NUDGES == IDLE_NUDGES - 1 {
            crate::life::nudge(&record, queue).await?;
        }
    }
}
