//! Running integrations, and telling how runs went.

use apis::vendors;
use engine::ports::{Clock, Table};
use engine::store::entries;
use engine::store::integrations::{Integration, IntegrationState, list as load_all};
use engine::store::runs::{Marks, RunRecord, Slot, count_marks, history, slot};
use engine::syncing::Synced;
use engine::watch::{Sign, Watch};
use jiff::Timestamp;
use reconcile::ids::{IntegrationId, RunId};
use reconcile::record::Kind;
use reconcile::run;

use crate::answer::Answer;
use crate::cost::expected_cost;
use crate::error::{Code, ConsoleError};
use crate::handle::Deps;
use crate::progress::{Phase, Progress, ProgressEvent};
use crate::request::{Page, SyncTarget};
use crate::shown::shown;
use crate::views::{List, LogView, NotRun, ProgressView, RunView, StatusView, SyncView};
use crate::words::Outcome;
use crate::{find, integrations, paging};

/// So many closed runs are read at once.
const RUNS_READ: usize = 200;

/// Returns a run as people see it. A held run has not ended, and still that is its outcome until a person decides.
pub(crate) fn view(record: &RunRecord) -> RunView {
    let outcome = match record.run.outcome() {
        Some(outcome) => Some(outcome.into()),
        None if record.run.is_held() => Some(Outcome::Held),
        None => None,
    };
    RunView {
        run_id: record.run_id.clone(),
        integration: record.integration(),
        trigger: record.run.trigger.into(),
        outcome,
        started_at: record.started_at,
        finished_at: record.finished_at,
        counts: record.counts.clone(),
        vendor_requests: record.vendor_requests,
        plan_id: record.plan.clone(),
        progress: None,
        notes: notes(record),
        log: Vec::new(),
    }
}

fn notes(record: &RunRecord) -> Vec<String> {
    let log = record.log.iter().map(|line| line.text.clone());
    let problems = record
        .run
        .reports
        .iter()
        .flat_map(|(kind, report)| report.problems.iter().map(move |problem| format!("{kind}: {problem}")));
    let mut notes: Vec<String> = log.collect();
    for problem in problems {
        if !notes.contains(&problem) {
            notes.push(problem);
        }
    }
    // The vendor's own words are among them.
    notes.iter().map(|note| shown(note)).collect()
}

/// Tells the engine's signs of progress on.
pub(crate) struct Told<'p, P> {
    /// Whose run.
    pub integration: &'p Integration,
    /// Who is told.
    pub progress: &'p P,
}

impl<P: Progress> Watch for Told<'_, P> {
    fn sign(&self, sign: Sign) {
        let event = |phase, kind, done, total| ProgressEvent {
            integration: self.integration.id.clone(),
            phase,
            kind,
            done,
            total,
            records: 0,
            vendor_requests: 0,
            expected_cost: None,
        };
        self.progress.report(match sign {
            Sign::Reading { feed, done, total, records, requests } => {
                let vendor = vendors::find(&self.integration.vendor);
                let kind = vendor.and_then(|vendor| vendor.feed(feed)).and_then(|feed| feed.kinds.first().copied());
                let event = event(Phase::Reading, kind, done, Some(total));
                ProgressEvent { records, vendor_requests: requests, ..event }
            }
            Sign::Parts { phase, done, total } => {
                let phase = if phase == "applying" { Phase::Applying } else { Phase::Planning };
                event(phase, None, done, Some(total))
            }
            Sign::Closed(_) => event(Phase::Closed, None, 0, None),
        });
    }
}

/// `sync`.
pub(crate) async fn sync<D: Deps>(
    deps: &D,
    target: &SyncTarget,
    force: bool,
    progress: &impl Progress,
) -> Result<Answer, ConsoleError> {
    let chosen = match target {
        SyncTarget::All => {
            let all = load_all(deps.table()).await?;
            let waits = |state| matches!(state, IntegrationState::Draft | IntegrationState::Paused);
            all.into_iter().filter(|one| !waits(one.state) && !one.sync.is_empty()).collect()
        }
        SyncTarget::Ids(ids) => {
            let mut chosen: Vec<Integration> = Vec::new();
            // All are found before the first one runs, so that a slip of the pen runs none.
            for id in ids {
                let integration = find::integration(deps.table(), id).await?;
                if chosen.iter().all(|one| one.id != integration.id) {
                    chosen.push(integration);
                }
            }
            chosen
        }
    };
    let trigger = if force { run::Trigger::Forced } else { run::Trigger::Manual };
    let mut view = SyncView { items: Vec::new(), next: None, not_run: Vec::new() };
    for integration in &chosen {
        match run_one(deps, integration, trigger, progress).await {
            Ok(run) => view.items.push(run),
            Err(error) => view.not_run.push(NotRun { integration: integration.id.clone(), error }),
        }
    }
    Ok(Answer::Synced(view))
}

/// Runs one integration to the end of its run.
pub(crate) async fn run_one<D: Deps>(
    deps: &D,
    integration: &Integration,
    trigger: run::Trigger,
    progress: &impl Progress,
) -> Result<RunView, ConsoleError> {
    if integration.sync.is_empty() && integration.state != IntegrationState::Draft {
        let hint = format!("`integration set {} --sync KIND,…` chooses them", integration.id);
        return Err(ConsoleError::new(Code::Refused, format!("{}: no kinds are chosen to sync", integration.id), hint));
    }
    if let Some(cost) = expected_cost(deps.table(), integration).await? {
        progress.report(ProgressEvent::expected(&integration.id, cost));
    }
    let watch = Told { integration, progress };
    match deps.sync(integration, trigger, &watch).await? {
        Synced::Ran(record) => Ok(view(&record)),
        Synced::Busy(run) => {
            let message = format!("{}: the run {run} is under way", integration.id);
            Err(ConsoleError::new(Code::Busy, message, format!("`status {}` shows how far it is", integration.id)))
        }
        Synced::NotNow(state) => Err(not_now(integration, state)),
        Synced::Rejected(record, refusal) => {
            let mut view = view(&record);
            view.outcome = Some(Outcome::CredentialsRejected);
            view.notes.push(format!("{refusal}. {}", refusal.hint));
            let next = format!("`secret rotate {}` with a new secret brings it back", integration.id);
            view.notes.push(next);
            Ok(view)
        }
    }
}

/// Says why an integration in this state does not run.
pub(crate) fn not_now(integration: &Integration, state: IntegrationState) -> ConsoleError {
    let id = &integration.id;
    match state {
        IntegrationState::CredentialsRejected => ConsoleError::new(
            Code::CredentialsRejected,
            format!("{id} does not run: the vendor refused its secret"),
            format!("`secret rotate {id}` with a new secret brings it back; all mappings are kept"),
        ),
        IntegrationState::Paused => ConsoleError::new(
            Code::Refused,
            format!("{id} is paused"),
            format!("`integration resume {id}` comes first"),
        ),
        _ => integrations::not_verified(integration),
    }
}

/// Returns the run that is open, if one is.
async fn open(table: &impl Table, id: &IntegrationId) -> Result<Option<RunRecord>, ConsoleError> {
    Ok(match slot(table, id).await? {
        Slot::Free { .. } => None,
        Slot::Taken(record) => Some(*record),
    })
}

/// Returns how far an open run is.
async fn progress_of(table: &impl Table, record: &RunRecord) -> Result<Option<ProgressView>, ConsoleError> {
    let owner = record.run_id.as_str();
    let at = |phase, done, total| Some(ProgressView { phase, done, total });
    Ok(match &record.run.phase {
        run::Phase::Reading => at(Phase::Reading, 0, None),
        run::Phase::Arriving { messages } => {
            at(Phase::Reading, count_marks(table, owner, Marks::In).await?, Some(*messages))
        }
        run::Phase::PlanningTop => at(Phase::Planning, 0, None),
        run::Phase::Planning { parts } | run::Phase::Judging { parts } => {
            at(Phase::Planning, count_marks(table, owner, Marks::Planned).await?, Some(parts + 1))
        }
        run::Phase::ApplyingTop { parts, .. } | run::Phase::Applying { parts, .. } => {
            at(Phase::Applying, count_marks(table, owner, Marks::Applied).await?, Some(parts + 1))
        }
        run::Phase::Held { .. } | run::Phase::Closed { .. } => None,
    })
}

/// `status`.
pub(crate) async fn status<D: Deps>(deps: &D, id: Option<&str>, page: &Page) -> Result<Answer, ConsoleError> {
    let table = deps.table();
    let chosen = match id {
        Some(id) => vec![find::integration(table, id).await?],
        None => load_all(table).await?,
    };
    let list = paging::slice(chosen, page, |one| one.id.to_string())?;
    let mut items = Vec::new();
    for integration in &list.items {
        items.push(status_of(table, integration, deps.clock().now()).await?);
    }
    Ok(Answer::Status(List { items, next: list.next }))
}

async fn status_of(table: &impl Table, integration: &Integration, now: Timestamp) -> Result<StatusView, ConsoleError> {
    let (closed, _) = history(table, &integration.id, None, 1).await?;
    let open = open(table, &integration.id).await?;
    let (held, running) = match open {
        Some(record) if record.run.is_held() => (Some(record), None),
        other => (None, other),
    };
    let mut current_run = None;
    if let Some(record) = &running {
        let mut shown = view(record);
        shown.progress = progress_of(table, record).await?;
        current_run = Some(shown);
    }
    let staged = !entries::staged_scopes(table, &integration.id).await?.is_empty();
    let waiting = waiting(integration, held.as_ref(), !closed.is_empty(), staged);
    let last = held.as_ref().or(closed.first());
    Ok(StatusView {
        integration: integration.id.clone(),
        vendor: integration.vendor.clone(),
        state: integration.state.into(),
        last_run: last.map(view),
        current_run,
        next_run_at: integrations::next_run_at(integration, now),
        expected_cost: expected_cost(table, integration).await?,
        waiting,
    })
}

/// Says what waits for a person, and what they do about it.
fn waiting(integration: &Integration, held: Option<&RunRecord>, is_read: bool, staged: bool) -> Vec<String> {
    let id = &integration.id;
    let mut waiting = Vec::new();
    match integration.state {
        IntegrationState::Draft => waiting.push(format!("not verified: `integration verify {id}`")),
        IntegrationState::Verified => waiting.push(format!("no kinds chosen: `integration set {id} --sync KIND,…`")),
        IntegrationState::Configured if !staged && is_read => {
            let decide = format!("`auto-match {id}`, `create-unmatched {id}` or one by one");
            waiting.push(format!("not live: decide ({decide}), then `preview {id}` and `finish {id}`"));
        }
        IntegrationState::Configured if !staged => {
            waiting.push(format!("not live: `sync {id}` reads it, then decide, `preview {id}` and `finish {id}`"));
        }
        IntegrationState::CredentialsRejected => {
            waiting.push(format!("the vendor refuses the secret: `secret rotate {id}`"));
        }
        IntegrationState::Configured | IntegrationState::Live | IntegrationState::Paused => {}
    }
    let chooses_no_type = integration.types.as_ref().is_some_and(|types| types.is_empty());
    if integration.state == IntegrationState::Configured && chooses_no_type && integration.sync.contains(&Kind::Asset) {
        waiting.push(format!("no configuration type is chosen, so no asset comes in: `integration types {id}`"));
    }
    if let Some(plan) = held.and_then(|record| record.plan.as_ref()) {
        waiting.push(format!("the guard holds a plan: `plan show {plan}`, then `plan approve` or `plan discard`"));
    }
    if staged {
        waiting.push(format!("decisions are staged: `preview {id}`, then `finish {id}`"));
    }
    waiting
}

/// `runs`: the newest first, read as far as the page goes.
pub(crate) async fn list(table: &impl Table, id: Option<&str>, page: &Page) -> Result<Answer, ConsoleError> {
    let limit = paging::limit(page)?;
    let from = paging::place(page, 1)?.map(|place| place[0].clone());
    let from = match &from {
        Some(run) => Some(find::run(table, run).await?),
        None => None,
    };
    let chosen = match id {
        Some(id) => vec![find::integration(table, id).await?],
        None => load_all(table).await?,
    };
    let mut all = Vec::new();
    for integration in &chosen {
        all.extend(runs_of(table, &integration.id, from.as_ref(), limit).await?);
    }
    all.sort_by(|one, other| place_of(other).cmp(&place_of(one)));
    let more = all.len() > limit;
    all.truncate(limit);
    let next = all.last().filter(|_| more).map(|record| paging::cursor(&[record.run_id.as_str()]));
    Ok(Answer::Runs(List { items: all.iter().map(view).collect(), next }))
}

/// Where a run stands among others.
fn place_of(record: &RunRecord) -> (Timestamp, &RunId) {
    (record.started_at, &record.run_id)
}

/// Loads the runs of an integration, open and closed, that come after one of any integration; one more than `limit` where
/// there are more.
async fn runs_of(
    table: &impl Table,
    id: &IntegrationId,
    from: Option<&RunRecord>,
    limit: usize,
) -> Result<Vec<RunRecord>, ConsoleError> {
    let comes_after = |record: &RunRecord| from.is_none_or(|from| place_of(record) < place_of(from));
    let mut all: Vec<RunRecord> = open(table, id).await?.into_iter().filter(comes_after).collect();
    // Runs are stored by the instant at which they were opened, which is the part of an id that all integrations share.
    let instant = from.and_then(|from| from.run_id.as_str().split_once('.')).map(|(_, instant)| instant);
    let mut after = instant.map(|instant| RunId::new(id, &format!("{instant}~")));
    while all.len() <= limit {
        let (records, next) = history(table, id, after.as_ref(), RUNS_READ.min(limit + 1)).await?;
        all.extend(records.into_iter().filter(comes_after));
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    Ok(all)
}

/// `run show`.
pub(crate) async fn show(table: &impl Table, run: &str) -> Result<Answer, ConsoleError> {
    let record = find::run(table, run).await?;
    let mut shown = view(&record);
    shown.progress = progress_of(table, &record).await?;
    shown.log = record.log.iter().map(|line| LogView { at: line.at, text: crate::shown::shown(&line.text) }).collect();
    Ok(Answer::Run(shown))
}
