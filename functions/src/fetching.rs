//! A vendor function: one event in, the vendor read as far as time allows, what was queued out.
//!
//! An invocation reads only with the run in its hands: the run's holder is the invocation's request id, written by a
//! conditional write. When time runs out, the checkpoint is saved, the holder is taken off, and the function calls itself
//! ([`crate::onward`]); whichever invocation for the integration is first goes on from there. A run whose invocation failed
//! or vanished is given up and replaced, because the messages that it sent after its last checkpoint may be cut
//! differently the second time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use apis::account::Account;
use apis::call::Secret;
use apis::feed::Vendor;
use engine::error::{StepError, with_causes};
use engine::fetch::{Fetched, fetch, reject};
use engine::life::{self, Holder, Opened};
use engine::ports::{Clock, Envelope, QueueError, QueueOut, Secrets, SecretsError, Table, Transport};
use engine::store::StoreError;
use engine::store::integrations::{self, Integration, IntegrationState};
use engine::store::runs::{self, RunRecord, Slot};
use engine::syncing::account_at;
use engine::watch::Unwatched;
use reconcile::ids::{IntegrationId, RunId};
use reconcile::record::Kind;
use reconcile::run::{Phase, ReadReport, Trigger};
use serde::Serialize;
use serde_json::{Value, json};

use crate::events::{self, FetchRequest};
use crate::failure::Failure;
use crate::kept::KeptSecrets;
use crate::metrics::Metrics;
use crate::onward::Onward;

/// What a vendor function works with.
#[derive(Debug)]
pub struct Ports<T, Q, S, N> {
    /// The table.
    pub table: T,
    /// The records queue.
    pub queue: Q,
    /// The integrations' secrets.
    pub secrets: KeptSecrets<S>,
    /// The way to the vendor.
    pub transport: N,
    /// What the place where we run allows.
    pub surroundings: apis::account::Surroundings,
    /// Where metrics go.
    pub metrics: Metrics,
}

/// What came of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The vendor is read; the reconciler goes on.
    Read,
    /// Time ran out; the function has called itself to go on from the checkpoint.
    Continued,
    /// Another invocation or the reconciler has the integration's run.
    Running,
    /// The integration's run waits for a person.
    Held,
    /// The run to go on with is over.
    Over,
    /// The vendor refuses the secret; it is not called until a new one is verified.
    CredentialsRejected,
    /// The integration is paused.
    Paused,
    /// The integration was never verified.
    Draft,
    /// A schedule fired for an integration that is not live yet; people read it by hand until then.
    NotLive,
}

/// What this invocation put into the queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Queued {
    /// Messages.
    pub messages: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
}

/// The answer to an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Whose vendor.
    pub integration: IntegrationId,
    /// The run, if there is one.
    pub run_id: Option<RunId>,
    /// What came of it.
    pub state: State,
    /// Whether the run goes on in an invocation that the function arranged itself.
    pub continued: bool,
    /// What this invocation queued.
    pub queued: Queued,
    /// Requests to the vendor in the whole run.
    pub vendor_requests: u64,
    /// What was read by kind, once the vendor is read.
    pub kinds: BTreeMap<Kind, ReadReport>,
}

impl Answer {
    fn without_reading(integration: &IntegrationId, run_id: Option<RunId>, state: State) -> Self {
        Self {
            integration: integration.clone(),
            run_id,
            state,
            continued: false,
            queued: Queued::default(),
            vendor_requests: 0,
            kinds: BTreeMap::new(),
        }
    }
}

/// Longer than an invocation can live (900 s): a reader that was silent for so long is gone.
pub const READER_GONE_AFTER: Duration = Duration::from_secs(960);

/// A checkpoint older than this is not gone on from: half a list of last night and half of tonight make no whole.
const CHECKPOINT_AGE_MAX: Duration = Duration::from_secs(6 * 3600);

/// The holder of a run that waits for the next invocation.
const NOBODY: &str = "";

/// Handles one event of a vendor function.
pub async fn handle<T: Table, Q: QueueOut, S: Secrets, N: Transport>(
    vendor: &'static Vendor,
    event: &Value,
    request_id: &str,
    ports: &Ports<T, Q, S, N>,
    onward: &impl Onward,
    clock: &impl Clock,
) -> Result<Answer, Failure> {
    let request = events::parse(event)?;
    let id = &request.integration;
    let integration = integrations::load(&ports.table, id).await.map_err(doing("loading an integration"))?;
    let integration = integration.ok_or_else(|| StepError::NoIntegration(id.to_string()))?;
    if integration.vendor != vendor.id {
        let text =
            format!("{id} is an integration of {}; call that function, this one is {}", integration.vendor, vendor.id);
        return Err(Failure::person(text));
    }
    let trigger = match standing(&integration, request.trigger) {
        Ok(trigger) => trigger,
        Err(state) => return Ok(Answer::without_reading(id, None, state)),
    };
    let secret = ports.secrets.current(id, clock.now()).await.map_err(StepError::Secrets)?;
    let account = account_at(vendor, &integration, secret.clone(), &ports.surroundings)?;
    let mut record = match take(&request, &integration, trigger, request_id, ports, clock).await? {
        Taken::Ours(record) => *record,
        Taken::Elsewhere(run, state) => return Ok(Answer::without_reading(id, Some(run), state)),
    };

    let started = Instant::now();
    let queue = Counted::new(&ports.queue);
    let read = read(&mut record, &integration, account, secret, &queue, ports, clock).await;
    let state = match read {
        Ok(Fetched::Read) => State::Read,
        Ok(Fetched::Continues { after }) => {
            record.holder = NOBODY.to_owned();
            record.touched_at = clock.now();
            runs::save(&ports.table, &mut record).await.map_err(doing("leaving a run to the next invocation"))?;
            onward
                .go_on(&record.run_id, after, clock.now())
                .await
                .map_err(|error| Failure::again(with_causes(&error)))?;
            State::Continued
        }
        Ok(Fetched::Rejected(refusal)) => {
            tracing::error!(integration = %id, run = %record.run_id, status = refusal.status, hint = refusal.hint,
                "the vendor refused the secret; the integration pauses until a new one is verified");
            State::CredentialsRejected
        }
        Err(error) => {
            give_up(&record.run_id, request_id, &error, ports, clock).await;
            return Err(error.into());
        }
    };
    let queued = queue.counted();
    let duration_ms = started.elapsed().as_millis() as u64;
    let (messages, vendor_requests) = (queued.messages, record.vendor_requests);
    tracing::info!(integration = %id, run = %record.run_id, ?state, messages, vendor_requests, duration_ms, "a vendor was read");
    let about = [("integration", json!(id)), ("run", json!(record.run_id)), ("duration_ms", json!(duration_ms))];
    ports.metrics.count(&[("VendorReads", 1), ("MessagesQueued", messages)], &about);
    Ok(Answer {
        run_id: Some(record.run_id.clone()),
        continued: state == State::Continued,
        queued,
        vendor_requests,
        kinds: record.run.reports.clone(),
        ..Answer::without_reading(id, None, state)
    })
}

/// Says why a run of the integration would be made, or why there is none to be made.
fn standing(integration: &Integration, wanted: Trigger) -> Result<Trigger, State> {
    match integration.state {
        IntegrationState::Live => Ok(wanted),
        IntegrationState::Configured | IntegrationState::Verified if wanted == Trigger::Schedule => Err(State::NotLive),
        IntegrationState::Configured | IntegrationState::Verified => Ok(Trigger::Setup),
        IntegrationState::Draft => Err(State::Draft),
        IntegrationState::Paused => Err(State::Paused),
        IntegrationState::CredentialsRejected => Err(State::CredentialsRejected),
    }
}

/// Reads the vendor. Where it refuses a secret that was replaced since it was read, it is read with the newer one; a run
/// is closed as rejected only where the newest is refused.
async fn read<T: Table, Q: QueueOut, S: Secrets, N: Transport>(
    record: &mut RunRecord,
    integration: &Integration,
    account: Account,
    secret: Option<Secret>,
    queue: &Counted<'_, Q>,
    ports: &Ports<T, Q, S, N>,
    clock: &impl Clock,
) -> Result<Fetched, StepError> {
    let Ports { table, secrets, transport, surroundings, .. } = ports;
    let id = &integration.id;
    let mut read = fetch(record, integration, &account, table, queue, transport, clock, &Unwatched).await?;
    if matches!(read, Fetched::Rejected(_)) {
        let newest = secrets.renew(id, clock.now()).await.map_err(StepError::Secrets)?;
        if newest.is_some() && newest != secret {
            if queue.counted().messages > 0 {
                // Read from the beginning once more, this run's messages would be cut differently: another run does it.
                let cause = "it was replaced while the vendor was read with the one before".into();
                return Err(StepError::Secrets(SecretsError { integration: id.clone(), operation: "kept", cause }));
            }
            let account = account_at(account.vendor, integration, newest, surroundings)?;
            read = fetch(record, integration, &account, table, queue, transport, clock, &Unwatched).await?;
        }
    }
    if let Fetched::Rejected(refusal) = &read {
        reject(record, refusal, table, queue, clock).await?;
    }
    Ok(read)
}

/// Whether the integration's run is in our hands.
enum Taken {
    Ours(Box<RunRecord>),
    Elsewhere(RunId, State),
}

/// Takes the integration's run: goes on with one that was left, opens one where none is.
async fn take<T: Table, Q: QueueOut, S, N>(
    request: &FetchRequest,
    integration: &Integration,
    trigger: Trigger,
    request_id: &str,
    ports: &Ports<T, Q, S, N>,
    clock: &impl Clock,
) -> Result<Taken, StepError> {
    let slot = runs::slot(&ports.table, &integration.id).await.map_err(doing("looking for an open run"))?;
    let open = match slot {
        Slot::Taken(record) => Some(record),
        Slot::Free { .. } => None,
    };
    if let Some(wanted) = &request.continues
        && open.as_ref().is_none_or(|record| record.run_id != *wanted)
    {
        return Ok(Taken::Elsewhere(wanted.clone(), State::Over));
    }
    if let Some(mut record) = open.filter(|record| record.run.phase == Phase::Reading) {
        let idle = Duration::try_from(clock.now().duration_since(record.touched_at)).unwrap_or_default();
        if record.holder == NOBODY && idle < CHECKPOINT_AGE_MAX {
            record.holder = request_id.to_owned();
            record.touched_at = clock.now();
            return match runs::save(&ports.table, &mut record).await {
                Ok(()) => Ok(Taken::Ours(record)),
                Err(error) if error.is_conflict() => Ok(Taken::Elsewhere(record.run_id, State::Running)),
                Err(error) => Err(doing("taking a run up")(error)),
            };
        }
        if record.holder == request_id || record.holder == NOBODY {
            // Lambda repeats an event whose invocation vanished, under the same id.
            let why = "the reader was interrupted; the run was given up";
            life::give_up(&record.run_id, why, &ports.table, &ports.queue, clock).await?;
        }
    }
    let holder = Holder { name: request_id.to_owned(), gone_after: READER_GONE_AFTER };
    Ok(match life::open(integration, trigger, &holder, &ports.table, &ports.queue, clock).await? {
        Opened::New(record) => Taken::Ours(Box::new(record)),
        Opened::Running(record) => Taken::Elsewhere(record.run_id, State::Running),
        Opened::Held(record) => Taken::Elsewhere(record.run_id, State::Held),
    })
}

/// Closes a run whose reading failed, if it is still in our hands. Where that fails too, the run is found later by its
/// silence.
async fn give_up<T: Table, Q: QueueOut, S, N>(
    run: &RunId,
    request_id: &str,
    error: &StepError,
    ports: &Ports<T, Q, S, N>,
    clock: &impl Clock,
) {
    let ours = match runs::open_run(&ports.table, run).await {
        Ok(open) => open.is_some_and(|open| open.holder == request_id),
        Err(_) => false,
    };
    if ours {
        let why = format!("reading the vendor failed: {error}");
        if let Err(error) = life::give_up(run, &why, &ports.table, &ports.queue, clock).await {
            tracing::warn!(%run, error = with_causes(&error), "a run that failed could not be closed");
        }
    }
}

fn doing(doing: &'static str) -> impl Fn(StoreError) -> StepError {
    move |cause| StepError::Store { doing, cause }
}

/// Counts what goes into a queue.
struct Counted<'q, Q> {
    queue: &'q Q,
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl<'q, Q> Counted<'q, Q> {
    fn new(queue: &'q Q) -> Self {
        Self { queue, messages: AtomicU64::new(0), bytes: AtomicU64::new(0) }
    }

    fn counted(&self) -> Queued {
        Queued { messages: self.messages.load(Ordering::Relaxed), bytes: self.bytes.load(Ordering::Relaxed) }
    }
}

impl<Q: QueueOut> QueueOut for Counted<'_, Q> {
    async fn send(&self, batch: Vec<Envelope>) -> Result<Vec<usize>, QueueError> {
        let lengths: Vec<u64> = batch.iter().map(|envelope| envelope.body.len() as u64).collect();
        let refused = self.queue.send(batch).await?;
        let taken = lengths.iter().enumerate().filter(|(place, _)| !refused.contains(place));
        for (_, bytes) in taken {
            self.messages.fetch_add(1, Ordering::Relaxed);
            self.bytes.fetch_add(*bytes, Ordering::Relaxed);
        }
        Ok(refused)
    }
}

#[cfg(test)]
mod tests;
