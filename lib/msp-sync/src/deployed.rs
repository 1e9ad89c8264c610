//! A deployed stack, as the handlers want it: its table and secrets from here, runs by its own functions.
//!
//! Whoever may do what is decided by AWS: the commands run with the credentials of who gives them.

use apis::account::Surroundings;
use aws::Config;
use aws::dead_letters::DeadLetters;
use aws::stack::{Outputs, SendingEnd, Stack, StackError, VendorSecrets, check_schedule};
use aws::table::DynamoTable;
use console::error::{Code, ConsoleError};
use console::handle::Deps;
use engine::life::Holder;
use engine::message::Message;
use engine::store::integrations::Integration;
use engine::store::runs::RunRecord;
use engine::syncing::Synced;
use engine::watch::Watch;
use jiff::Timestamp;
use local::SystemClock;
use reconcile::ids::{IntegrationId, RunId};
use reconcile::run::Trigger;
use serde_json::{Value, json};
use transport::{Loopback, Options, Transport};

use crate::args::Dlq;
use crate::failure::{Exit, Failure};
use crate::{machine, out, render};

/// A stack with everything around it.
#[derive(Debug)]
pub(crate) struct Deployed {
    stack: Stack,
    transport: Transport,
    clock: SystemClock,
    holder: Holder,
    surroundings: Surroundings,
}

/// Loads region and credentials, and asks CloudFormation what the stack consists of.
async fn find(name: &str) -> Result<(Config, Outputs), Failure> {
    let config = aws::config().await;
    if config.region().is_none() {
        let message = format!("no region is set, so the stack {name} cannot be looked for");
        return Err(Failure::usage(message, "set AWS_REGION, or a region in the profile that AWS_PROFILE names"));
    }
    let outputs = Outputs::of(&config, name).await.map_err(|error| Failure::from(told(error)))?;
    Ok((config, outputs))
}

impl Deployed {
    /// Opens the stack with this name.
    pub(crate) async fn open(name: &str) -> Result<Self, Failure> {
        let (config, outputs) = find(name).await?;
        let loopback = machine::loopback();
        let transport = Transport::new(Options { loopback, ..Options::default() });
        let holder = Holder { name: format!("process {}", std::process::id()), gone_after: std::time::Duration::MAX };
        let surroundings = Surroundings { allow_loopback: loopback == Loopback::Allowed };
        Ok(Self { stack: Stack::open(&config, outputs.parts), transport, clock: SystemClock, holder, surroundings })
    }
}

/// Says what failed, and what a person does about it.
fn told(error: StackError) -> ConsoleError {
    let text = engine::error::with_causes(&error);
    match &error {
        StackError::Schedule(_) => {
            ConsoleError::new(Code::Usage, text, "leave the days of the month or the days of the week at *")
        }
        StackError::NotOurs { .. } => {
            ConsoleError::new(Code::NotFound, text, "name a stack that `sam deploy` made from template.yaml")
        }
        StackError::Call(_) if text.contains("does not exist") => {
            ConsoleError::new(Code::NotFound, text, "look at its name, and at AWS_REGION")
        }
        StackError::Failed { .. } => {
            ConsoleError::new(Code::Refused, text, "the function's log says more; infra/RUNBOOK.md says what to do")
        }
        StackError::Call(_) | StackError::Store(_) | StackError::NotBegun(_) => {
            ConsoleError::new(Code::Unavailable, text, "look at your credentials and rights, then try again")
        }
    }
}

impl Deps for Deployed {
    type Table = DynamoTable;
    type Queue = SendingEnd;
    type Transport = Transport;
    type Secrets = VendorSecrets;
    type Clock = SystemClock;

    fn table(&self) -> &DynamoTable {
        &self.stack.table
    }

    fn queue(&self) -> &SendingEnd {
        &self.stack.queue
    }

    fn transport(&self) -> &Transport {
        &self.transport
    }

    fn secrets(&self) -> &VendorSecrets {
        &self.stack.secrets
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

    async fn sync(
        &self,
        integration: &Integration,
        trigger: Trigger,
        watch: &impl Watch,
    ) -> Result<Synced, ConsoleError> {
        self.stack.run(integration, trigger, &self.clock, watch).await.map_err(told)
    }

    async fn settle(&self, run: &RunId, watch: &impl Watch) -> Result<RunRecord, ConsoleError> {
        self.stack.settle(run, &self.clock, watch).await.map_err(told)
    }

    fn check_schedule(&self, line: &str) -> Result<(), ConsoleError> {
        check_schedule(line).map_err(told)
    }

    async fn arrange(&self, id: &IntegrationId, integration: Option<&Integration>) -> Result<(), ConsoleError> {
        self.stack.arrange(id, integration).await.map_err(told)
    }
}

/// `dlq …`: the stack's dead letters.
pub(crate) async fn dead_letters(command: Dlq, stack: &str, json: bool) -> Result<Exit, Failure> {
    let (config, outputs) = find(stack).await?;
    let letters = DeadLetters::open(&config, &outputs.records_dead_letters_url, &outputs.parts.records_queue_url);
    let failed = |error| Failure::from(ConsoleError::from(error));
    match command {
        Dlq::List { limit } => {
            let found = letters.list(limit as usize).await.map_err(failed)?;
            let items: Vec<Value> = found.iter().map(|letter| described(&letter.body, letter.sent_at_ms)).collect();
            let waits = !items.is_empty();
            if json {
                out::write_json(&json!({"items": items, "next": null}))?;
            } else {
                out::write(&listed(&items))?;
            }
            Ok(if waits { Exit::Waits } else { Exit::Done })
        }
        Dlq::Redrive => {
            let sent = letters.redrive().await.map_err(failed)?;
            if json {
                out::write_json(&json!({"redriven": sent}))?;
            } else {
                out::write(&format!("Sent again: {sent}.\n"))?;
            }
            Ok(Exit::Done)
        }
    }
}

/// Says what a message wants and of which run; of one that cannot be read, that.
fn described(body: &str, sent_at_ms: Option<i64>) -> Value {
    let (wants, run) = match Message::parse(body) {
        Ok(Message::Records { run, .. }) => ("records", Some(run.to_string())),
        Ok(Message::Look { run }) => ("look", Some(run.to_string())),
        Ok(Message::PlanPart { run, .. }) => ("plan_part", Some(run.to_string())),
        Ok(Message::ApplyPart { plan, .. }) => ("apply_part", Some(plan.to_string())),
        Err(_) => ("unreadable", None),
    };
    let sent_at = sent_at_ms.and_then(|instant| Timestamp::from_millisecond(instant).ok());
    json!({"wants": wants, "of": run, "sent_at": sent_at, "bytes": body.len()})
}

fn listed(items: &[Value]) -> String {
    if items.is_empty() {
        return "No dead letters.\n".to_owned();
    }
    let text = |item: &Value, field: &str| render::harmless_lines(item[field].as_str().unwrap_or("-"));
    let line = |item: &Value| format!("{}  {:<10}  {}\n", text(item, "sent_at"), text(item, "wants"), text(item, "of"));
    let lines: String = items.iter().map(line).collect();
    format!("{lines}\nNext: mend the cause, then `dlq redrive` sends them again.\n")
}
