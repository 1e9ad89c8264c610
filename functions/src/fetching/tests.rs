use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use apis::account::Surroundings;
use apis::call::{Call, Reply, Secret, SecretText};
use aws::CallError;
use engine::memory::{FnTransport, ManualClock, MemoryQueue, MemorySecrets, MemoryTable};
use engine::ports::SendError;
use jiff::Timestamp;
use reconcile::run::Outcome;
use sandbox::auvik::{AuvikSim, Credentials};
use sandbox::simulator::{Shared, Simulator};
use sandbox::world::{SharedWorld, Size, World};
use serde_json::json;

use super::*;

const ORIGIN: &str = "http://127.0.0.1:4001";

/// A vendor function over in-memory ports, with the simulated Auvik as its vendor.
struct Function {
    table: MemoryTable,
    queue: MemoryQueue,
    secrets: MemorySecrets,
    clock: ManualClock,
    auvik: Shared<AuvikSim>,
    world: SharedWorld,
    /// How long each call to the vendor takes.
    call_takes: Duration,
    /// The runs that the function called itself for.
    continued: Continued,
}

/// Remembers which runs are to be gone on with.
#[derive(Default)]
struct Continued {
    runs: Mutex<Vec<RunId>>,
    /// Whether the function cannot call itself.
    is_cut_off: bool,
}

impl Onward for Continued {
    async fn go_on(&self, run: &RunId, _after: Option<Timestamp>, _now: Timestamp) -> Result<(), CallError> {
        if self.is_cut_off {
            let why = "throttled".to_owned();
            return Err(CallError::Unavailable { service: "lambda", operation: "invoke", why });
        }
        self.runs.lock().unwrap().push(run.clone());
        Ok(())
    }
}

impl Function {
    async fn with(state: IntegrationState) -> Self {
        Self::of_devices(60, state).await
    }

    async fn of_devices(devices: usize, state: IntegrationState) -> Self {
        let world = SharedWorld::new(World::new(&Size { clients: 6, devices, seed: 1 }));
        let auvik = Shared::new(AuvikSim::new(world.clone(), Credentials::default()));
        let function = Self {
            table: MemoryTable::new(),
            queue: MemoryQueue::new(),
            secrets: MemorySecrets::new(),
            clock: ManualClock::new("2026-11-22T20:00:00Z".parse::<Timestamp>().unwrap()),
            auvik,
            world,
            call_takes: Duration::ZERO,
            continued: Continued::default(),
        };
        let listing = function.auvik.with(|auvik| auvik.listing(ORIGIN));
        let parts = listing.secret.iter().map(|(name, text)| ((*name).to_owned(), SecretText::new(text)));
        let id = IntegrationId::parse("auvik-main").unwrap();
        function.secrets.propose(&id, &Secret(parts.collect())).await.unwrap();
        function.secrets.promote(&id).await.unwrap();
        let settings = listing.settings.iter().map(|(name, text)| ((*name).to_owned(), text.clone()));
        let vendor = apis::vendors::find("auvik").expect("Auvik is a vendor");
        let mut integration = Integration {
            state,
            sync: BTreeSet::from([Kind::Client, Kind::Asset]),
            ..Integration::draft(id, vendor, settings.collect(), "2026-11-20T19:00:00Z".parse().unwrap())
        };
        integrations::save(&function.table, &mut integration).await.unwrap();
        function
    }

    /// Returns what an environment has when it starts.
    fn ports<Q>(&self, queue: Q) -> Ports<MemoryTable, Q, MemorySecrets, impl Transport> {
        let (auvik, clock, call_takes) = (self.auvik.clone(), self.clock.clone(), self.call_takes);
        Ports {
            table: self.table.clone(),
            queue,
            secrets: KeptSecrets::new(self.secrets.clone()),
            transport: FnTransport::new(move |call: &Call| -> Result<Reply, SendError> {
                clock.advance(call_takes);
                Ok(auvik.with(|auvik| auvik.answer(call, ORIGIN)))
            }),
            surroundings: Surroundings { allow_loopback: true },
            metrics: Metrics::default(),
        }
    }

    async fn invoke_at<Q: QueueOut, N: Transport>(
        &self,
        ports: &Ports<MemoryTable, Q, MemorySecrets, N>,
        event: Value,
        request_id: &str,
    ) -> Result<Answer, Failure> {
        let vendor = apis::vendors::find("auvik").unwrap();
        handle(vendor, &event, request_id, ports, &self.continued, &self.clock).await
    }

    async fn invoke_with(&self, event: Value, request_id: &str, queue: impl QueueOut) -> Result<Answer, Failure> {
        self.invoke_at(&self.ports(queue), event, request_id).await
    }

    /// Puts this key in the place of the current one.
    async fn rotate(&self, username: &str, api_key: &str) {
        let id = IntegrationId::parse("auvik-main").unwrap();
        let parts = [("username", username), ("api_key", api_key)];
        let parts = parts.map(|(name, text)| (name.to_owned(), SecretText::new(text)));
        self.secrets.propose(&id, &Secret(BTreeMap::from(parts))).await.unwrap();
        self.secrets.promote(&id).await.unwrap();
    }

    async fn invoke(&self, request_id: &str) -> Result<Answer, Failure> {
        self.invoke_with(json!({"integration": "auvik-main"}), request_id, self.queue.clone()).await
    }

    fn vendor_calls(&self) -> u64 {
        self.auvik.with(|auvik| auvik.calls())
    }

    async fn run(&self, run: &RunId) -> RunRecord {
        runs::load(&self.table, run).await.unwrap().unwrap()
    }

    async fn state(&self) -> IntegrationState {
        integrations::load(&self.table, &IntegrationId::parse("auvik-main").unwrap()).await.unwrap().unwrap().state
    }

    /// Leaves a run behind whose reader never came to an end.
    async fn leave_a_run_read_by(&self, request_id: &str) -> RunId {
        let id = IntegrationId::parse("auvik-main").unwrap();
        let integration = integrations::load(&self.table, &id).await.unwrap().unwrap();
        let holder = Holder { name: request_id.to_owned(), gone_after: READER_GONE_AFTER };
        match life::open(&integration, Trigger::Manual, &holder, &self.table, &self.queue, &self.clock).await.unwrap() {
            Opened::New(record) => record.run_id,
            other => panic!("no run was opened: {other:?}"),
        }
    }
}

/// A queue that cannot be reached.
struct NoQueue;

impl QueueOut for NoQueue {
    async fn send(&self, _: Vec<Envelope>) -> Result<Vec<usize>, QueueError> {
        Err(QueueError::Unavailable { operation: "send", cause: "the wire is cut".into() })
    }
}

#[tokio::test]
async fn the_answer_carries_the_run_and_what_was_queued() {
    let function = Function::with(IntegrationState::Live).await;
    let answer = function.invoke("request-1").await.unwrap();
    let run = function.run(answer.run_id.as_ref().unwrap()).await;
    assert_eq!(answer.state, State::Read);
    assert_eq!(answer.queued.messages as usize, function.queue.depth());
    assert!(answer.queued.messages > 0 && answer.queued.bytes > 0, "{answer:?}");
    assert_eq!(answer.vendor_requests, function.vendor_calls());
    assert_eq!(answer.kinds, run.run.reports);
    assert!(answer.kinds[&Kind::Asset].fetched > 0, "{answer:?}");
    let shown = serde_json::to_value(&answer).unwrap();
    for field in ["integration", "run_id", "state", "continued", "queued", "vendor_requests", "kinds"] {
        assert!(shown.get(field).is_some(), "{field} is missing in {shown}");
    }
    assert_eq!((&shown["state"], &shown["continued"]), (&json!("read"), &json!(false)));
}

#[tokio::test]
async fn the_run_says_what_started_it() {
    for (state, event, expected) in [
        (IntegrationState::Live, json!({"integration": "auvik-main"}), Trigger::Manual),
        (IntegrationState::Live, json!({"integration": "auvik-main", "force": true}), Trigger::Forced),
        (IntegrationState::Live, json!({"integration": "auvik-main", "scheduled_at": "x"}), Trigger::Schedule),
        (IntegrationState::Configured, json!({"integration": "auvik-main", "force": true}), Trigger::Setup),
        (IntegrationState::Verified, json!({"integration": "auvik-main"}), Trigger::Setup),
    ] {
        let function = Function::with(state).await;
        let answer = function.invoke_with(event, "request-1", function.queue.clone()).await.unwrap();
        assert_eq!(function.run(&answer.run_id.unwrap()).await.run.trigger, expected, "{state:?}");
    }
}

#[tokio::test]
async fn an_integration_that_is_not_to_run_makes_no_call() {
    for (state, expected) in [
        (IntegrationState::Draft, State::Draft),
        (IntegrationState::Paused, State::Paused),
        (IntegrationState::CredentialsRejected, State::CredentialsRejected),
    ] {
        let function = Function::with(state).await;
        let answer = function.invoke("request-1").await.unwrap();
        assert_eq!((answer.state, answer.run_id, function.vendor_calls()), (expected, None, 0));
    }
}

#[tokio::test]
async fn what_a_person_must_mend_is_said() {
    let function = Function::with(IntegrationState::Live).await;
    let failure = function.invoke_with(json!({"integration": "auvik-mian"}), "request-1", NoQueue).await.unwrap_err();
    assert_eq!((failure.disposition, failure.text.as_str()), ("Person", "there is no integration auvik-mian"));

    let id = IntegrationId::parse("auvik-main").unwrap();
    function.secrets.remove(&id).await.unwrap();
    let failure = function.invoke("request-1").await.unwrap_err();
    assert!(failure.disposition == "Person" && failure.text.contains("secret"), "{failure:?}");

    integrations::update(&function.table, &id, |integration| integration.vendor = "unheard-of".to_owned())
        .await
        .unwrap();
    let failure = function.invoke("request-1").await.unwrap_err();
    assert!(failure.disposition == "Person" && failure.text.contains("unheard-of"), "{failure:?}");
    assert_eq!(function.vendor_calls(), 0);
}

#[tokio::test]
async fn a_run_that_another_invocation_reads_is_left_alone() {
    let function = Function::with(IntegrationState::Live).await;
    let run = function.leave_a_run_read_by("request-1").await;
    let answer = function.invoke("request-2").await.unwrap();
    assert_eq!((answer.state, answer.run_id, function.vendor_calls()), (State::Running, Some(run), 0));
}

#[tokio::test]
async fn a_reader_that_fell_silent_is_replaced() {
    let function = Function::with(IntegrationState::Live).await;
    let left = function.leave_a_run_read_by("request-1").await;
    function.clock.advance(READER_GONE_AFTER);
    let answer = function.invoke("request-2").await.unwrap();
    assert_eq!(answer.state, State::Read);
    assert_ne!(answer.run_id.as_ref(), Some(&left));
    assert_eq!(function.run(&left).await.run.outcome(), Some(Outcome::Failed));
}

#[tokio::test]
async fn a_vanished_invocation_that_lambda_repeats_starts_over() {
    let function = Function::with(IntegrationState::Live).await;
    let left = function.leave_a_run_read_by("request-1").await;
    function.clock.advance(Duration::from_secs(1));
    let answer = function.invoke("request-1").await.unwrap();
    assert_eq!(answer.state, State::Read);
    assert_eq!(function.run(&left).await.run.outcome(), Some(Outcome::Failed));
}

#[tokio::test]
async fn a_read_longer_than_an_invocation_goes_on_in_the_next() {
    let mut function = Function::with(IntegrationState::Live).await;
    let devices = function.world.read().device_count() as u64;
    function.call_takes = Duration::from_secs(40);
    let mut answers = Vec::new();
    while answers.last().is_none_or(|answer: &Answer| answer.continued) {
        assert!(answers.len() < 50, "it never ends: {answers:?}");
        function.clock.set_remaining(Duration::from_secs(180));
        let request_id = format!("request-{}", answers.len());
        let event = match answers.last().and_then(|answer| answer.run_id.clone()) {
            // By hand and as its own continuation in turn: both go on.
            Some(run) if answers.len() % 2 == 0 => json!({"integration": "auvik-main", "continues": run}),
            _ => json!({"integration": "auvik-main"}),
        };
        answers.push(function.invoke_with(event, &request_id, function.queue.clone()).await.unwrap());
    }
    assert!(answers.len() > 2, "{answers:?}");
    let runs: BTreeSet<_> = answers.iter().map(|answer| answer.run_id.clone()).collect();
    assert_eq!(runs.len(), 1, "{answers:?}");
    let queued: u64 = answers.iter().map(|answer| answer.queued.messages).sum();
    assert_eq!(queued as usize, function.queue.depth());
    let whole = Function::with(IntegrationState::Live).await.invoke("request-1").await.unwrap();
    assert_eq!(answers.last().unwrap().kinds, whole.kinds);
    assert!(whole.kinds[&Kind::Asset].fetched <= devices);
    let called: Vec<RunId> = function.continued.runs.lock().unwrap().clone();
    assert_eq!(called.len(), answers.len() - 1, "each invocation but the last calls the next one");
    assert!(called.iter().all(|run| runs.contains(&Some(run.clone()))));
}

#[tokio::test]
async fn a_read_that_cannot_call_itself_is_taken_up_by_the_event_s_next_try() {
    let mut function = Function::with(IntegrationState::Live).await;
    function.call_takes = Duration::from_secs(40);
    function.clock.set_remaining(Duration::from_secs(180));
    function.continued.is_cut_off = true;
    let failure = function.invoke("request-1").await.unwrap_err();
    assert!(failure.disposition == "Again" && failure.text.contains("throttled"), "{failure:?}");
    let left = function.vendor_calls();

    function.clock.set_remaining(Duration::MAX);
    let answer = function.invoke("request-1").await.unwrap();
    assert_eq!(answer.state, State::Read);
    let whole = Function::with(IntegrationState::Live).await;
    let expected = whole.invoke("request-1").await.unwrap();
    assert_eq!(answer.kinds, expected.kinds);
    assert!(left > 0 && function.vendor_calls() <= whole.vendor_calls() + 1, "what was read is not read again");
}

#[tokio::test]
async fn a_schedule_of_an_integration_that_is_not_live_reads_nothing() {
    for state in [IntegrationState::Verified, IntegrationState::Configured] {
        let function = Function::with(state).await;
        let event = json!({"integration": "auvik-main", "scheduled_at": "2026-11-22T20:00:00Z"});
        let answer = function.invoke_with(event, "request-1", NoQueue).await.unwrap();
        assert_eq!((answer.state, answer.run_id, function.vendor_calls()), (State::NotLive, None, 0));
    }
}

#[tokio::test]
async fn a_checkpoint_of_long_ago_is_not_gone_on_from() {
    let mut function = Function::with(IntegrationState::Live).await;
    function.call_takes = Duration::from_secs(40);
    function.clock.set_remaining(Duration::from_secs(180));
    let left = function.invoke("request-1").await.unwrap();
    assert_eq!(left.state, State::Continued);
    function.clock.set_remaining(Duration::MAX);
    function.clock.advance(CHECKPOINT_AGE_MAX);
    let answer = function.invoke("request-2").await.unwrap();
    assert_eq!(answer.state, State::Read);
    assert_ne!(answer.run_id, left.run_id);
}

#[tokio::test]
async fn a_continuation_of_a_run_that_is_over_reads_nothing() {
    let function = Function::with(IntegrationState::Live).await;
    let event = json!({"integration": "auvik-main", "continues": "auvik-main.20261121T200000000Z"});
    let answer = function.invoke_with(event, "request-1", NoQueue).await.unwrap();
    assert_eq!((answer.state, function.vendor_calls()), (State::Over, 0));
}

#[tokio::test]
async fn a_failed_read_is_given_up_so_that_the_next_invocation_can_begin() {
    let function = Function::with(IntegrationState::Live).await;
    let failure = function.invoke_with(json!({"integration": "auvik-main"}), "request-1", NoQueue).await.unwrap_err();
    assert_eq!(failure.disposition, "Again");
    assert!(failure.text.contains("the wire is cut"), "{failure:?}");
    function.clock.advance(Duration::from_secs(1));
    assert_eq!(function.invoke("request-2").await.unwrap().state, State::Read);
}

#[tokio::test]
async fn a_refused_secret_pauses_the_integration_and_ends_the_calls() {
    let function = Function::with(IntegrationState::Live).await;
    function.rotate("someone@msp.example", "canary-of-a-revoked-key").await;
    let answer = function.invoke("request-1").await.unwrap();
    assert_eq!(answer.state, State::CredentialsRejected);
    assert_eq!(function.state().await, IntegrationState::CredentialsRejected);
    assert!(!serde_json::to_string(&answer).unwrap().contains("canary"));
    let calls = function.vendor_calls();
    assert_eq!(function.invoke("request-2").await.unwrap().state, State::CredentialsRejected);
    assert_eq!(function.vendor_calls(), calls);
}

#[tokio::test]
async fn a_secret_that_was_replaced_since_it_was_kept_is_met_at_once() {
    let function = Function::with(IntegrationState::Live).await;
    let right = function.secrets.current(&IntegrationId::parse("auvik-main").unwrap()).await.unwrap().unwrap();
    function.rotate("someone@msp.example", "canary-of-a-key-that-is-gone").await;
    let ports = function.ports(function.queue.clone());
    let id = IntegrationId::parse("auvik-main").unwrap();
    // The environment keeps the key from an invocation before; the vendor takes it no longer.
    ports.secrets.current(&id, function.clock.now()).await.unwrap();
    function.rotate(right.part("username"), right.part("api_key")).await;

    let answer = function.invoke_at(&ports, json!({"integration": "auvik-main"}), "request-1").await.unwrap();
    assert_eq!((answer.state, function.state().await), (State::Read, IntegrationState::Live));
    let whole = Function::with(IntegrationState::Live).await.invoke("request-1").await.unwrap();
    assert_eq!(answer.kinds, whole.kinds);
    assert_eq!(function.vendor_calls(), whole.vendor_requests + 1, "one call was refused");
    assert_eq!(ports.secrets.current(&id, function.clock.now()).await.unwrap(), Some(right));
}

#[tokio::test]
async fn a_warm_environment_asks_for_the_secret_once() {
    let function = Function::with(IntegrationState::Live).await;
    let ports = function.ports(function.queue.clone());
    function.invoke_at(&ports, json!({"integration": "auvik-main"}), "request-1").await.unwrap();
    // Taken away, it would be missed by whoever asks.
    let id = IntegrationId::parse("auvik-main").unwrap();
    function.secrets.remove(&id).await.unwrap();
    let answer = function.invoke_at(&ports, json!({"integration": "auvik-main"}), "request-2").await.unwrap();
    assert_eq!(answer.state, State::Running, "the secret was at hand, and the run is the reconciler's");
    function.clock.advance(crate::kept::KEPT_FOR.unsigned_abs());
    let failure = function.invoke_at(&ports, json!({"integration": "auvik-main"}), "request-3").await.unwrap_err();
    assert!(failure.disposition == "Person" && failure.text.contains("secret"), "{failure:?}");
}

#[tokio::test]
async fn a_secret_that_is_replaced_in_the_middle_of_a_read_fails_the_run_and_not_the_integration() {
    let function = Function::of_devices(3000, IntegrationState::Live).await;
    let id = IntegrationId::parse("auvik-main").unwrap();
    let right = function.secrets.current(&id).await.unwrap().unwrap();
    let (secrets, key) = (function.secrets.clone(), right.part("api_key").to_owned());
    // The vendor takes the key no longer once something was queued, and a new one lies in its place by then.
    let queue = function.queue.clone();
    let auvik = function.auvik.clone();
    let ports = Ports {
        transport: FnTransport::new(move |call: &Call| -> Result<Reply, SendError> {
            if queue.depth() > 0 {
                auvik.with(|auvik| auvik.trouble(sandbox::Fault::Unauthorized));
            }
            Ok(auvik.with(|auvik| auvik.answer(call, ORIGIN)))
        }),
        table: function.table.clone(),
        queue: function.queue.clone(),
        secrets: KeptSecrets::new(secrets.clone()),
        surroundings: Surroundings { allow_loopback: true },
        metrics: Metrics::default(),
    };
    ports.secrets.current(&id, function.clock.now()).await.unwrap();
    function.rotate(right.part("username"), &format!("{key}-of-tomorrow")).await;
    let failure = function.invoke_at(&ports, json!({"integration": "auvik-main"}), "request-1").await.unwrap_err();
    assert!(failure.disposition == "Again" && failure.text.contains("replaced"), "{failure:?}");
    assert!(!failure.text.contains("of-tomorrow"), "{failure:?}");
    assert_eq!(function.state().await, IntegrationState::Live);
}
