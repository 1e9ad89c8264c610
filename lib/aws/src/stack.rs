//! A deployed stack, as people's side sees it: its parts by name, runs that are begun there and followed, schedules.
//!
//! Nothing is read from a vendor and no message is worked off here: the stack's own functions do that.

mod following;
mod outputs;
mod secrets;

use engine::ports::{Delivery, Envelope, QueueError, QueueIn, QueueOut};
use engine::schedule::JITTER_MAX;
use engine::store::StoreError;
use engine::store::integrations::{Integration, IntegrationState};
use reconcile::ids::IntegrationId;
use serde_json::json;

pub use self::outputs::{Outputs, Parts};
pub use self::secrets::VendorSecrets;
use crate::Config;
use crate::functions::Functions;
use crate::queue::SqsQueue;
use crate::schedules::{Schedules, Target, expression};
use crate::signed::CallError;
use crate::table::DynamoTable;

/// Why something could not be had of a stack.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A service failed or refused.
    #[error(transparent)]
    Call(CallError),
    /// The stack's table failed.
    #[error("the run could not be followed")]
    Store(#[source] StoreError),
    /// There is such a stack, and it is none of ours, or one of another version.
    #[error("the stack {stack} has no output {missing}")]
    NotOurs {
        /// The stack.
        stack: String,
        /// What it should say of itself.
        missing: &'static str,
    },
    /// The function answered that it failed.
    #[error("the function {function} failed: {kind}: {words}")]
    Failed {
        /// The function.
        function: String,
        /// What sort of failure: the disposition's name.
        kind: String,
        /// What happened.
        words: String,
        /// The invocation's request id, by which its run knows it.
        invocation: Option<String>,
    },
    /// The function was called, and no run was seen in the time that there was.
    #[error("{0} was called, and began no run in time")]
    NotBegun(String),
    /// Scheduler cannot say what a cron line says.
    #[error(
        "the schedule {0:?} cannot be kept on AWS: days of the month and days of the week exclude each other there"
    )]
    Schedule(String),
}

impl From<CallError> for StackError {
    fn from(error: CallError) -> Self {
        StackError::Call(error)
    }
}

/// A deployed stack.
#[derive(Debug)]
pub struct Stack {
    /// Its table.
    pub table: DynamoTable,
    /// Its records queue, for sending.
    pub queue: SendingEnd,
    /// Its integrations' secrets.
    pub secrets: VendorSecrets,
    functions: Functions,
    schedules: Schedules,
    parts: Parts,
}

impl Stack {
    /// Opens a stack; nothing is sent.
    pub fn open(config: &Config, parts: Parts) -> Self {
        let table = || DynamoTable::open(config, &parts.table_name);
        Self {
            table: table(),
            queue: SendingEnd(SqsQueue::open(config, &parts.records_queue_url)),
            secrets: VendorSecrets::open(config, &parts.secret_prefix, table()),
            functions: Functions::open(config),
            schedules: Schedules::open(config, &parts.schedule_group),
            parts,
        }
    }

    /// Brings an integration's schedule in line with what is stored: a live one has one, as has one whose secret was
    /// refused, since it goes on when a new one is there; any other has none. Doing so twice is harmless.
    pub async fn arrange(&self, id: &IntegrationId, integration: Option<&Integration>) -> Result<(), StackError> {
        let runs = |one: &&Integration| {
            matches!(one.state, IntegrationState::Live | IntegrationState::CredentialsRejected)
                && !one.schedule.is_empty()
        };
        let Some(integration) = integration.filter(runs) else {
            return Ok(self.schedules.remove(id.as_str()).await?);
        };
        let line = &integration.schedule;
        let expression = expression(line).ok_or_else(|| StackError::Schedule(line.clone()))?;
        let target = Target {
            function_arn: self.function(&integration.vendor),
            role_arn: self.parts.scheduler_role_arn.clone(),
            dead_letters_arn: Some(self.parts.failed_events_arn.clone()),
            event: json!({"integration": id, "force": false, "scheduled_at": "<aws.scheduler.scheduled-time>"}),
        };
        let zone = &integration.time_zone;
        Ok(self.schedules.put(id.as_str(), &expression, zone, JITTER_MAX, &target).await?)
    }

    fn function(&self, vendor: &str) -> String {
        format!("{}{vendor}", self.parts.function_arn_prefix)
    }
}

/// Says whether a cron line can be kept on AWS.
pub fn check_schedule(line: &str) -> Result<(), StackError> {
    match line.trim().is_empty() || expression(line).is_some() {
        true => Ok(()),
        false => Err(StackError::Schedule(line.to_owned())),
    }
}

/// A queue that somebody else receives from.
#[derive(Debug)]
pub struct SendingEnd(SqsQueue);

impl QueueOut for SendingEnd {
    async fn send(&self, batch: Vec<Envelope>) -> Result<Vec<usize>, QueueError> {
        self.0.send(batch).await
    }
}

impl QueueIn for SendingEnd {
    /// The stack's reconciler receives; here is never anything.
    async fn receive(&self, _limit: usize) -> Result<Vec<Delivery>, QueueError> {
        Ok(Vec::new())
    }

    async fn done(&self, receipt: &str) -> Result<(), QueueError> {
        self.0.done(receipt).await
    }

    async fn back(&self, receipt: &str) -> Result<(), QueueError> {
        self.0.back(receipt).await
    }
}
