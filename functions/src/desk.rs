//! What the console's function works with: the stack that it is a part of.

use std::sync::Arc;

use apis::account::Surroundings;
use aws::stack::{SendingEnd, Stack, VendorSecrets, check_schedule};
use aws::table::DynamoTable;
use console::error::{Code, ConsoleError};
use console::handle::Deps;
use engine::life::Holder;
use engine::store::integrations::Integration;
use engine::store::runs::RunRecord;
use engine::syncing::Synced;
use engine::watch::Watch;
use reconcile::ids::{IntegrationId, RunId};
use reconcile::run::Trigger;
use transport::Transport;

use crate::clock::InvocationClock;

/// How long whoever asked for a run waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Until the run is over, or the invocation nearly is: a program asks.
    ToItsEnd,
    /// Until it has begun: a person has a page that shows how far it is.
    UntilBegun,
}

/// The stack, for one question.
#[derive(Debug)]
pub struct Desk {
    /// The stack.
    pub stack: Arc<Stack>,
    /// The way to vendors, for verifying, and to the provider of sign-ins.
    pub transport: Arc<Transport>,
    /// How long a run is waited for.
    pub patience: Patience,
    /// The time within the invocation.
    pub clock: InvocationClock,
    /// Who reads vendors here: nobody does, and the name stands in no run.
    pub holder: Holder,
    /// What the place where we run allows.
    pub surroundings: Surroundings,
}

impl Deps for Desk {
    type Table = DynamoTable;
    type Queue = SendingEnd;
    type Transport = Transport;
    type Secrets = VendorSecrets;
    type Clock = InvocationClock;

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

    fn clock(&self) -> &InvocationClock {
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
        let ran = match self.patience {
            Patience::ToItsEnd => self.stack.run(integration, trigger, &self.clock, watch).await,
            Patience::UntilBegun => self.stack.begin(integration, trigger, &self.clock).await,
        };
        ran.map_err(|error| told(&error))
    }

    async fn settle(&self, run: &RunId, watch: &impl Watch) -> Result<RunRecord, ConsoleError> {
        if self.patience == Patience::UntilBegun
            && let Some(record) = self.stack.as_it_is(run).await.map_err(|error| told(&error))?
        {
            return Ok(record);
        }
        self.stack.settle(run, &self.clock, watch).await.map_err(|error| told(&error))
    }

    fn check_schedule(&self, line: &str) -> Result<(), ConsoleError> {
        check_schedule(line).map_err(|error| told(&error))
    }

    async fn arrange(&self, id: &IntegrationId, integration: Option<&Integration>) -> Result<(), ConsoleError> {
        self.stack.arrange(id, integration).await.map_err(|error| told(&error))
    }
}

fn told(error: &aws::stack::StackError) -> ConsoleError {
    let hint = "the function's log says more";
    ConsoleError::new(Code::Unavailable, engine::error::with_causes(error), hint)
}
