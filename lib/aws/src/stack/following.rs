//! Runs that are begun by calling a vendor's function, and followed in the table.

use std::time::Duration;

use engine::error::with_causes;
use engine::life;
use engine::ports::Clock;
use engine::store::integrations::{Integration, IntegrationState};
use engine::store::runs::{self, Marks, RunRecord, Slot};
use engine::syncing::Synced;
use engine::watch::{Sign, Watch};
use reconcile::ids::{IntegrationId, RunId};
use reconcile::run::{Phase, Trigger};
use serde_json::{Value, json};

use super::{Stack, StackError};
use crate::signed::CallError;

/// The wait between two looks at a run.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The function's own limit, after which no answer comes any more; its run goes on with the next invocation.
const ANSWER_MAX: Duration = Duration::from_secs(900);
/// What is left of an invocation of ours when following ends: time to say how far the run is.
const MARGIN: Duration = Duration::from_secs(5);

/// The wait between two looks for a run that was just asked for, and how long it is looked for: a function that starts from
/// nothing needs a second or two.
const BEGUN_LOOK_EVERY: Duration = Duration::from_millis(300);
const BEGUN_WITHIN: Duration = Duration::from_secs(12);

/// What is known of an integration's runs.
struct Seen {
    open: Option<Box<RunRecord>>,
    newest_closed: Option<RunRecord>,
}

impl Stack {
    /// Calls the vendor's function, which opens a run or joins the one that is open, and follows that run to its end. When
    /// our own time is nearly over, the run is returned as far as it is.
    pub async fn run(
        &self,
        integration: &Integration,
        trigger: Trigger,
        clock: &impl Clock,
        watch: &impl Watch,
    ) -> Result<Synced, StackError> {
        let state = integration.state;
        if matches!(state, IntegrationState::Draft | IntegrationState::Paused | IntegrationState::CredentialsRejected) {
            return Ok(Synced::NotNow(state));
        }
        let before = self.look(&integration.id).await?;
        if let Some(held) = before.open.as_ref().filter(|record| record.run.is_held()) {
            return Ok(Synced::Ran(held.clone()));
        }
        let function = self.function(&integration.vendor);
        let event = json!({"integration": integration.id, "force": trigger == Trigger::Forced});
        let mut asked = std::pin::pin!(self.functions.call(&function, &event, ANSWER_MAX));
        let (mut answered, mut begun) = (false, false);
        loop {
            tokio::select! {
                answer = &mut asked, if !answered => {
                    answered = true;
                    match answer {
                        Ok(answer) => {
                            if let Some(end) = self.judge(integration, &before, answer).await? {
                                return Ok(end);
                            }
                        }
                        // The function may work on though its answer was lost: the run says how it ends.
                        Err(StackError::Call(CallError::Unavailable { .. })) if begun => {}
                        Err(error) => {
                            self.free(&integration.id, &error, clock).await;
                            return Err(error);
                        }
                    }
                }
                () = clock.sleep(LOOK_EVERY) => {}
            }
            let now = self.look(&integration.id).await?;
            let closed = now.newest_closed.filter(|run| is_new(run, &before));
            if let Some(over) = closed.filter(|_| now.open.is_none()) {
                return Ok(ended(over, watch));
            }
            let late = clock.remaining() < MARGIN;
            let Some(open) = now.open else {
                if late {
                    return Err(StackError::NotBegun(function.clone()));
                }
                continue;
            };
            begun = true;
            self.tell(&open, watch).await?;
            if open.run.is_held() || late {
                return Ok(Synced::Ran(open));
            }
        }
    }

    /// Hands the wish to the vendor's function, and returns the run as soon as one is seen: a run that is open already is the
    /// one, and the wish joins it.
    pub async fn begin(
        &self,
        integration: &Integration,
        trigger: Trigger,
        clock: &impl Clock,
    ) -> Result<Synced, StackError> {
        let state = integration.state;
        if matches!(state, IntegrationState::Draft | IntegrationState::Paused | IntegrationState::CredentialsRejected) {
            return Ok(Synced::NotNow(state));
        }
        let before = self.look(&integration.id).await?;
        if let Some(open) = before.open {
            return Ok(Synced::Ran(open));
        }
        let function = self.function(&integration.vendor);
        let event = json!({"integration": integration.id, "force": trigger == Trigger::Forced});
        self.functions.invoke(&function, &event).await?;
        let give_up = clock.now() + BEGUN_WITHIN;
        loop {
            clock.sleep(BEGUN_LOOK_EVERY).await;
            let now = self.look(&integration.id).await?;
            let closed = now.newest_closed.filter(|run| is_new(run, &before));
            if let Some(run) = now.open.or(closed.map(Box::new)) {
                return Ok(Synced::Ran(run));
            }
            if clock.now() >= give_up || clock.remaining() < MARGIN {
                return Err(StackError::NotBegun(function));
            }
        }
    }

    /// Returns a run as far as it is.
    pub async fn as_it_is(&self, run: &RunId) -> Result<Option<RunRecord>, StackError> {
        runs::load(&self.table, run).await.map_err(StackError::Store)
    }

    /// Follows a run until it is over or waits for a person, or our own time is nearly over.
    pub async fn settle(&self, run: &RunId, clock: &impl Clock, watch: &impl Watch) -> Result<RunRecord, StackError> {
        loop {
            let record = runs::load(&self.table, run).await.map_err(StackError::Store)?;
            if let Some(record) = record {
                if let Some(outcome) = record.ended() {
                    watch.sign(Sign::Closed(outcome));
                    return Ok(record);
                }
                self.tell(&record, watch).await?;
                if record.run.is_held() || clock.remaining() < MARGIN {
                    return Ok(record);
                }
            }
            clock.sleep(LOOK_EVERY).await;
        }
    }

    /// Gives up the run that an invocation had in its hands which failed. One that could say so has done that itself; one
    /// that was killed cannot, and its run would keep others out until its silence tells. Where this fails, it does.
    async fn free(&self, id: &IntegrationId, error: &StackError, clock: &impl Clock) {
        let StackError::Failed { invocation: Some(invocation), .. } = error else { return };
        let why = format!("{error}; the run was given up");
        let given_up = life::give_up_reading(id, invocation, &why, &self.table, &self.queue, clock).await;
        if let Err(error) = given_up {
            let error = with_causes(&error);
            tracing::warn!(integration = %id, error, "the run of an invocation that failed could not be closed");
        }
    }

    /// Says what a function's answer means for who waits; nothing where the run is to be followed on.
    async fn judge(
        &self,
        integration: &Integration,
        before: &Seen,
        answer: Value,
    ) -> Result<Option<Synced>, StackError> {
        let state = answer["state"].as_str().unwrap_or_default();
        let not_now = |state| Ok(Some(Synced::NotNow(state)));
        match state {
            "draft" => not_now(IntegrationState::Draft),
            "paused" => not_now(IntegrationState::Paused),
            "credentials_rejected" => {
                let newest = self.look(&integration.id).await?.newest_closed.filter(|run| is_new(run, before));
                match newest {
                    Some(run) => Ok(Some(Synced::Ran(Box::new(run)))),
                    None => not_now(IntegrationState::CredentialsRejected),
                }
            }
            _ => Ok(None),
        }
    }

    async fn look(&self, id: &IntegrationId) -> Result<Seen, StackError> {
        let slot = runs::slot(&self.table, id).await.map_err(StackError::Store)?;
        let open = match slot {
            Slot::Taken(record) => Some(record),
            Slot::Free { .. } => None,
        };
        let (closed, _) = runs::history(&self.table, id, None, 1).await.map_err(StackError::Store)?;
        Ok(Seen { open, newest_closed: closed.into_iter().next() })
    }

    /// Tells how many parts of a run are planned or written.
    async fn tell(&self, record: &RunRecord, watch: &impl Watch) -> Result<(), StackError> {
        let (phase, family, total) = match record.run.phase {
            Phase::Planning { parts } => ("planning", Marks::Planned, parts),
            Phase::Applying { parts, .. } => ("applying", Marks::Applied, parts),
            _ => return Ok(()),
        };
        let done = runs::count_marks(&self.table, record.run_id.as_str(), family).await.map_err(StackError::Store)?;
        watch.sign(Sign::Parts { phase, done: done.saturating_sub(1), total });
        Ok(())
    }
}

/// Says whether a closed run ended since `before`.
fn is_new(run: &RunRecord, before: &Seen) -> bool {
    before.newest_closed.as_ref().is_none_or(|newest| newest.run_id != run.run_id)
}

fn ended(run: RunRecord, watch: &impl Watch) -> Synced {
    if let Some(outcome) = run.run.outcome() {
        watch.sign(Sign::Closed(outcome));
    }
    Synced::Ran(Box::new(run))
}
