//! One step of a night: an invocation, a message, or a person.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use apis::account::Surroundings;
use apis::call::{Call, Reply};
use engine::error::StepError;
use engine::faults::is_crash;
use engine::fetch::{Fetched, fetch, reject};
use engine::finishing::{Finished, finish};
use engine::life::{self, Holder, Opened};
use engine::memory::FnTransport;
use engine::ports::{Clock, QueueIn, SendError};
use engine::reconciler::deliver;
use engine::store::integrations::{self, IntegrationState};
use engine::store::plans;
use engine::store::runs::{self, RunRecord, Slot};
use engine::syncing::account;
use engine::watch::Unwatched;
use reconcile::run::{Outcome, Phase, Trigger};

use super::cast::Cast;
use super::{Sim, people};
use crate::office::wizard;

/// How long a call to the vendor takes.
const CALL: Duration = Duration::from_secs(5);
/// After so long a reader is held to be gone.
const GONE_AFTER: Duration = Duration::from_secs(960);

impl<C: Cast> Sim<C> {
    /// Does one thing. Returns whether the night is over: all integrations were read or refused, no run gets on by
    /// itself, and the queue is empty.
    pub async fn step(&mut self, wanted: &mut [bool]) -> bool {
        let choice = self.rng.u32(..100);
        if choice < 4 && !self.cast.is_consistent() {
            let done = people::at_ours(self).await;
            self.tell(format!("person: {done}"));
        } else if choice < 6 {
            let which = self.some_one();
            let outcome = self.finish(which).await;
            self.survive("finish", which, outcome);
        } else if choice < 8 {
            let which = self.some_one();
            let approve = self.rng.bool();
            self.decide_held(which, approve).await;
        } else if choice < 9 {
            let done = self.cast.deed(&mut self.rng, self.clock.now());
            self.tell(format!("meanwhile: {done}"));
            wizard::document(&self.table, self.cast.documentation()).await;
        } else if choice < 30 || self.queue.depth() == 0 {
            let which = self.some_one();
            self.read(which, wanted).await;
        } else {
            self.deliver_some().await;
        }
        if self.queue.depth() > 0 || wanted.contains(&true) {
            return false;
        }
        for which in 0..self.ids.len() {
            if self.gets_on(which).await {
                return false;
            }
        }
        true
    }

    /// Says whether a run is open that waits for nobody.
    async fn gets_on(&self, which: usize) -> bool {
        let slot = runs::slot(&self.table, &self.ids[which]).await.expect("readable");
        matches!(&slot, Slot::Taken(record) if !record.run.is_held())
    }

    /// A process that got an error is over; a dead one is replaced, and what it had in hand comes again.
    fn survive<T>(&mut self, what: &str, which: usize, outcome: Result<T, StepError>) -> Option<T> {
        match outcome {
            Ok(value) => {
                self.tell(format!("{what} {which}"));
                Some(value)
            }
            Err(error) => {
                let crashed = is_crash(&error) || self.faults.crashed();
                self.tell(format!("{what} {which}: {}", chain(&error)));
                let disposition = error.disposition();
                assert!(
                    matches!(disposition, engine::error::Disposition::Again { .. }),
                    "{what} failed for good: {}",
                    chain(&error)
                );
                if crashed {
                    self.faults.revive();
                    self.queue.give_back_in_flight();
                }
                None
            }
        }
    }

    /// The vendor function is invoked for one integration.
    async fn read(&mut self, which: usize, wanted: &mut [bool]) {
        let slot = runs::slot(&self.table, &self.ids[which]).await.expect("readable");
        let is_open = matches!(&slot, Slot::Taken(_));
        let is_held = matches!(&slot, Slot::Taken(record) if record.run.is_held());
        if !wanted[which] && (!is_open || is_held) {
            return;
        }
        if self.left[which].is_none() && matches!(&slot, Slot::Taken(record) if record.run.phase == Phase::Reading) {
            // Its reader died; nobody comes before it is held to be gone.
            self.clock.advance(GONE_AFTER);
        }
        if self.rng.u32(..30) == 0 && is_open && !is_held {
            // The next night; a run that lost a message for good is given up then.
            self.clock.advance(Duration::from_secs(13 * 3600));
        }
        let hurried = self.rng.u32(..3) == 0;
        let trigger = [Trigger::Schedule, Trigger::Manual, Trigger::Schedule, Trigger::Forced][self.rng.usize(..4)];
        let outcome = self.invoke(which, trigger, hurried).await;
        match self.survive("invocation", which, outcome) {
            Some(over) => wanted[which] = !over,
            None => self.left[which] = None,
        }
    }

    /// Reads the vendor as the function does. Returns whether nothing is left to be asked for tonight.
    pub async fn invoke(&mut self, which: usize, trigger: Trigger, hurried: bool) -> Result<bool, StepError> {
        let id = self.ids[which].clone();
        self.clock.advance(Duration::from_secs(1));
        self.invocations += 1;
        let table = self.faults.wrap(self.table.clone());
        let queue = self.faults.wrap(self.queue.clone());
        let secrets = self.faults.wrap(self.secrets.clone());
        let (cast, clock, calls) = (self.cast.clone(), self.clock.clone(), Arc::new(AtomicU64::new(0)));
        let counted = calls.clone();
        let transport = self.faults.wrap(FnTransport::new(move |call: &Call| -> Result<Reply, SendError> {
            clock.advance(CALL);
            counted.fetch_add(1, Ordering::Relaxed);
            cast.answer(which, call, clock.now())
        }));
        let store = |doing| move |cause| StepError::Store { doing, cause };
        let known = integrations::load(&table, &id).await.map_err(store("loading an integration"))?;
        let known = known.expect("it was added");
        let trigger = match known.state {
            IntegrationState::Live => trigger,
            IntegrationState::Configured => Trigger::Setup,
            _ => return Ok(true),
        };
        let account = account(&known, &secrets, &Surroundings { allow_loopback: true }).await?;
        let holder = Holder { name: format!("p{}", self.invocations), gone_after: GONE_AFTER };
        let left = match self.left[which].take() {
            Some(run) => runs::open_run(&table, &run).await.map_err(store("looking at a run"))?,
            None => None,
        };
        let mut record: RunRecord = match left {
            Some(record) if record.run.phase == Phase::Reading => record,
            _ => match life::open(&known, trigger, &holder, &table, &queue, &self.clock).await? {
                Opened::New(record) => record,
                Opened::Running(_) => return Ok(true),
                Opened::Held(_) => return Ok(true),
            },
        };
        self.clock.set_remaining(if hurried { Duration::from_secs(60 + 25) } else { Duration::from_secs(900) });
        let fetched = fetch(&mut record, &known, &account, &table, &queue, &transport, &self.clock, &Unwatched).await;
        self.clock.set_remaining(Duration::MAX);
        let (calls, fetched) = (calls.load(Ordering::Relaxed), fetched?);
        if let Fetched::Rejected(refusal) = &fetched {
            reject(&mut record, refusal, &table, &queue, &self.clock).await?;
        }
        self.tell(format!("run {}: {fetched:?} after {calls} calls", record.run_id));
        if matches!(fetched, Fetched::Continues { .. }) {
            self.left[which] = Some(record.run_id.clone());
        }
        Ok(!matches!(fetched, Fetched::Continues { .. }))
    }

    /// Takes some messages and works on them in any order.
    pub async fn deliver_some(&mut self) {
        let table = self.faults.wrap(self.table.clone());
        let queue = self.faults.wrap(self.queue.clone());
        if self.rng.u32(..20) == 0 {
            self.queue.forget_deduplications();
        }
        let mut deliveries = match queue.receive(self.rng.usize(1..5)).await {
            Ok(deliveries) => deliveries,
            Err(error) => {
                self.survive::<()>("receive", 0, Err(StepError::Queue(error)));
                self.queue.give_back_in_flight();
                return;
            }
        };
        self.rng.shuffle(&mut deliveries);
        for delivery in deliveries {
            self.clock.advance(Duration::from_millis(20));
            let said: String = delivery.body.chars().take(100).collect();
            self.tell(format!("message, try {}: {said}", delivery.attempt));
            let outcome = deliver(&delivery, &table, &queue, &self.clock).await;
            if self.survive("delivery", 0, outcome).is_none() {
                self.queue.give_back_in_flight();
                return;
            }
            self.laws.check(&self.table).await;
        }
    }

    /// Somebody presses Finish: on what lies there staged, or, where an integration is being set up or people are
    /// careful, on what they recognise. Setting up goes on once the vendor was read.
    pub async fn finish(&mut self, which: usize) -> Result<(), StepError> {
        let id = &self.ids[which];
        let known = integrations::load(&self.table, id).await.expect("readable").expect("added");
        let is_new = known.state == IntegrationState::Configured;
        if is_new && !self.is_read(which).await {
            return Ok(());
        }
        if is_new || self.cast.is_consistent() {
            wizard::take_all_types(&self.table, id).await;
            wizard::decide(&self.table, id, &|name: &str| self.cast.documented(name)).await;
        }
        let table = self.faults.wrap(self.table.clone());
        let known = integrations::load(&self.table, id).await.expect("readable").expect("added");
        self.clock.advance(Duration::from_millis(5));
        match finish(&known, None, &table, &self.clock).await? {
            Finished::Done { plan, .. } => self.tell(format!("{plan} is finished")),
            Finished::Outdated(_) => panic!("no plan was named"),
        }
        Ok(())
    }

    /// Says whether an integration was read once to its end, and is not being read.
    async fn is_read(&self, which: usize) -> bool {
        let slot = runs::slot(&self.table, &self.ids[which]).await.expect("readable");
        let (history, _) = runs::history(&self.table, &self.ids[which], None, 1).await.expect("readable");
        let is_read = history.first().is_some_and(|last| last.run.outcome() == Some(Outcome::Complete));
        is_read && matches!(slot, Slot::Free { .. })
    }

    /// Somebody decides about a held plan, if there is one.
    pub async fn decide_held(&mut self, which: usize, approve: bool) {
        let Slot::Taken(record) = runs::slot(&self.table, &self.ids[which]).await.expect("readable") else { return };
        let (true, Some(plan)) = (record.run.is_held(), &record.plan) else { return };
        assert!(plans::load(&self.table, plan).await.expect("readable").is_some(), "a held run has a plan");
        let table = self.faults.wrap(self.table.clone());
        let queue = self.faults.wrap(self.queue.clone());
        let outcome = life::decide_held(plan, approve, &table, &queue, &self.clock).await;
        self.survive(if approve { "approve" } else { "discard" }, which, outcome);
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
