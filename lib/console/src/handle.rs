//! The one entrance: a request in, an answer out, a decision in the audit log.

use apis::account::Surroundings;
use engine::life::Holder;
use engine::ports::{Clock, QueueIn, QueueOut, Secrets, Table, Transport};
use engine::store::integrations::{self as stored, Integration};
use engine::store::runs::RunRecord;
use engine::syncing::{self, Synced};
use engine::watch::Watch;
use reconcile::ids::{IntegrationId, RunId};
use reconcile::run::Trigger;

use crate::answer::Answer;
use crate::error::ConsoleError;
use crate::progress::Progress;
use crate::request::{IntegrationChange, Request};
use crate::roles::{self, Actor};
use crate::{audit, catalogue, decisions, history, integrations, mappings, plans, records, runs, unsynced, wizard};

/// What the handlers work with: the ports of the deployment that they stand in.
pub trait Deps: Send + Sync {
    /// The table.
    type Table: Table;
    /// The records queue: both sides, since whoever asks for a sync also works it off.
    type Queue: QueueIn + QueueOut;
    /// What carries calls to vendors.
    type Transport: Transport;
    /// The secrets.
    type Secrets: Secrets;
    /// Time.
    type Clock: Clock;

    /// Returns the table.
    fn table(&self) -> &Self::Table;
    /// Returns the records queue.
    fn queue(&self) -> &Self::Queue;
    /// Returns what carries calls to vendors.
    fn transport(&self) -> &Self::Transport;
    /// Returns the secrets.
    fn secrets(&self) -> &Self::Secrets;
    /// Returns the clock.
    fn clock(&self) -> &Self::Clock;
    /// Returns who reads vendors here.
    fn holder(&self) -> &Holder;
    /// Returns what the place where we run allows.
    fn surroundings(&self) -> &Surroundings;

    /// Syncs an integration to the end of its run: here, with our own hands, unless the deployment has others for it.
    fn sync(
        &self,
        integration: &Integration,
        trigger: Trigger,
        watch: &impl Watch,
    ) -> impl Future<Output = Result<Synced, ConsoleError>> + Send {
        async move {
            let synced = syncing::sync(
                &integration.id,
                trigger,
                self.holder(),
                self.surroundings(),
                self.table(),
                self.queue(),
                self.transport(),
                self.secrets(),
                self.clock(),
                watch,
            );
            Ok(synced.await?)
        }
    }

    /// Waits until a run is over or waits for a person, working off its messages unless somebody else does.
    fn settle(&self, run: &RunId, watch: &impl Watch) -> impl Future<Output = Result<RunRecord, ConsoleError>> + Send {
        async move { Ok(syncing::settle(run, self.table(), self.queue(), self.clock(), watch).await?) }
    }

    /// Refuses a schedule that the deployment cannot keep.
    fn check_schedule(&self, _line: &str) -> Result<(), ConsoleError> {
        Ok(())
    }

    /// Brings what starts an integration by itself in line with what is stored, after a change; `None` where it is gone.
    /// On one machine schedules are looked at where they are stored.
    fn arrange(
        &self,
        _id: &IntegrationId,
        _integration: Option<&Integration>,
    ) -> impl Future<Output = Result<(), ConsoleError>> + Send {
        async { Ok(()) }
    }
}

/// A deployment that is its ports and nothing else: whoever asks for work does it with their own hands.
#[derive(Debug)]
pub struct Ports<T, Q, X, S, C> {
    /// The table.
    pub table: T,
    /// Both sides of the records queue.
    pub queue: Q,
    /// What carries calls to vendors.
    pub transport: X,
    /// The secrets.
    pub secrets: S,
    /// Time.
    pub clock: C,
    /// Who reads vendors here.
    pub holder: Holder,
    /// What the place where we run allows.
    pub surroundings: Surroundings,
}

impl<T, Q, X, S, C> Deps for Ports<T, Q, X, S, C>
where
    T: Table,
    Q: QueueIn + QueueOut,
    X: Transport,
    S: Secrets,
    C: Clock,
{
    type Table = T;
    type Queue = Q;
    type Transport = X;
    type Secrets = S;
    type Clock = C;

    fn table(&self) -> &T {
        &self.table
    }

    fn queue(&self) -> &Q {
        &self.queue
    }

    fn transport(&self) -> &X {
        &self.transport
    }

    fn secrets(&self) -> &S {
        &self.secrets
    }

    fn clock(&self) -> &C {
        &self.clock
    }

    fn holder(&self) -> &Holder {
        &self.holder
    }

    fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }
}

/// Answers one request of `who`.
///
/// Orders may be given again: each step looks at what is stored, and a decision that holds already changes nothing. A
/// crash half-way leaves a state from which the same order goes on.
pub async fn handle<D: Deps>(
    request: Request,
    who: &Actor,
    deps: &D,
    progress: &impl Progress,
) -> Result<Answer, ConsoleError> {
    roles::allow(&request, who)?;
    if let Request::IntegrationSet { change: IntegrationChange { schedule: Some(line), .. }, .. } = &request {
        deps.check_schedule(line)?;
    }
    let note = audit::note(&request);
    let scheduled = may_change_a_schedule(&request);
    let answer = answer(request, deps, progress).await?;
    if let Some(note) = note {
        audit::append(deps, who, note).await?;
    }
    if let Some(id) = scheduled {
        let integration = stored::load(deps.table(), &id).await?;
        deps.arrange(&id, integration.as_ref()).await?;
    }
    Ok(answer)
}

/// Returns the integration whose state or schedule a request may change.
fn may_change_a_schedule(request: &Request) -> Option<IntegrationId> {
    match request {
        Request::IntegrationRemove { id }
        | Request::IntegrationSet { id, .. }
        | Request::Pause { id }
        | Request::Resume { id }
        | Request::Verify { id }
        | Request::SecretRotate { id, .. }
        | Request::Finish { id, .. } => IntegrationId::parse(id).ok(),
        _ => None,
    }
}

async fn answer<D: Deps>(request: Request, deps: &D, progress: &impl Progress) -> Result<Answer, ConsoleError> {
    let table = deps.table();
    match request {
        Request::IntegrationAdd { id, vendor, settings, secret } => {
            integrations::add(deps, &id, &vendor, settings, secret.0).await
        }
        Request::IntegrationList { page } => integrations::list(deps, &page).await,
        Request::IntegrationShow { id } => integrations::show(deps, &id).await,
        Request::IntegrationRemove { id } => integrations::remove(deps, &id).await,
        Request::Pause { id } => integrations::pause(deps, &id).await,
        Request::Resume { id } => integrations::resume(deps, &id).await,
        Request::Verify { id } => integrations::check(deps, &id).await,
        Request::IntegrationSet { id, change } => integrations::set(deps, &id, &change).await,
        Request::Types { id, page } => integrations::types::types(deps, &id, &page).await,
        Request::SecretRotate { id, secret } => integrations::rotate(deps, &id, secret.0).await,
        // Boxed: whole syncs are too large to lie on the stack beside all other questions.
        Request::Sync { target, force } => Box::pin(runs::sync(deps, &target, force, progress)).await,
        Request::Records { id, kind, filter, page } => records::list(table, &id, kind, &filter, &page).await,
        Request::AutoMatch { id, kind } => decisions::auto_match(table, &id, kind).await,
        Request::Match { id, kind, vendor_id, doc_id } => {
            decisions::match_one(table, &id, kind, &vendor_id, &doc_id).await
        }
        Request::Create { id, kind, records } => {
            decisions::decide(table, &id, kind, &records, decisions::Wish::Create).await
        }
        Request::Exclude { id, kind, records } => {
            decisions::decide(table, &id, kind, &records, decisions::Wish::Exclude).await
        }
        Request::Reset { id, kind, records } => {
            decisions::decide(table, &id, kind, &records, decisions::Wish::Reset).await
        }
        Request::CreateUnmatched { id, kind } => decisions::create_unmatched(table, &id, kind).await,
        Request::Decide { id, kind, decisions } => decisions::decide_some(table, &id, kind, &decisions).await,
        Request::Wizard { id, kind, filter, page } => wizard::page(table, &id, kind, &filter, &page).await,
        Request::Candidates { id, kind, vendor_id, client, search } => {
            let of =
                wizard::Asked { kind, vendor_id: &vendor_id, client: client.as_deref(), search: search.as_deref() };
            wizard::candidates(table, &id, &of).await
        }
        Request::Preview { id, page } => plans::preview(deps, &id, &page).await,
        Request::Finish { id, plan, no_sync } => {
            Box::pin(plans::finish(deps, &id, plan.as_deref(), no_sync, progress)).await
        }
        Request::Plans { id, page } => plans::list(table, &id, &page).await,
        Request::PlanShow { plan, page } => plans::show(table, &plan, &page).await,
        Request::PlanApprove { plan } => Box::pin(plans::approve(deps, &plan, progress)).await,
        Request::PlanDiscard { plan } => plans::discard(deps, &plan).await,
        Request::Status { id, page } => runs::status(deps, id.as_deref(), &page).await,
        Request::Runs { id, page } => runs::list(table, id.as_deref(), &page).await,
        Request::RunShow { run } => runs::show(table, &run).await,
        Request::Unsynced { id, kind, filter, page } => unsynced::list(table, &id, kind, &filter, &page).await,
        Request::UnsyncedExport { id, kind, filter } => unsynced::csv(table, &id, kind, &filter).await,
        Request::DocsList { kind, client, search, page } => {
            catalogue::list(table, kind, client.as_deref(), search.as_deref(), &page).await
        }
        Request::DocsShow { doc } => catalogue::show(table, &doc).await,
        Request::DocsHistory { doc, cursor } => history::of_doc(table, &doc, cursor).await,
        Request::DocsImport { kind, csv } => catalogue::import(table, kind, &csv).await,
        Request::DocsExport { kind } => catalogue::export(table, kind).await,
        Request::DocsEdit { doc, set, release } => catalogue::edit(table, &doc, &set, &release).await,
        Request::DocsArchive { doc } => catalogue::archive(table, &doc, catalogue::Shelved::Archived).await,
        Request::DocsRestore { doc } => catalogue::archive(table, &doc, catalogue::Shelved::InUse).await,
        Request::Undo { plan } => plans::undo(deps, &plan).await,
        Request::MappingsExport { id } => mappings::export(table, &id).await,
        Request::MappingsImport { id, csv } => mappings::import(table, &id, &csv).await,
        Request::Audit { page } => audit::list(table, &page).await,
    }
}
