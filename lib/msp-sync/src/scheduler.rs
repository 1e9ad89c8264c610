//! What is due: integrations whose schedule says so are synced, one run each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use console::answer::Answer;
use console::progress::Silent;
use console::request::{Page, Request};
use console::views::IntegrationView;
use engine::schedule::jitter;
use engine::syncing::Synced;
use jiff::Timestamp;
use reconcile::ids::IntegrationId;
use tokio::task::JoinSet;

use crate::folder;
use crate::machine::Machine;

/// How often schedules are looked at: changes to them count from then on.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// When an integration is due, and the schedule that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Due {
    at: Timestamp,
    rule: (Option<String>, String),
}

/// What is due when. The instant of a look decides, not the clock, so that it can be tested.
#[derive(Debug, Default)]
struct Agenda(BTreeMap<IntegrationId, Due>);

impl Agenda {
    /// Takes in what the integrations say at `now`, and returns those that are due.
    ///
    /// What is told is the schedule's own instant; the run begins up to half an hour later, each integration at its own
    /// share of it. So an instant once noted stays until the run has begun, though by then the next one told is a day away.
    fn look(&mut self, views: &[IntegrationView], now: Timestamp) -> Vec<IntegrationId> {
        self.0.retain(|id, _| views.iter().any(|view| view.integration == *id && view.next_run_at.is_some()));
        let mut due = Vec::new();
        for view in views {
            let Some(at) = view.next_run_at else { continue };
            let next = Due { at, rule: (view.schedule.clone(), view.time_zone.clone()) };
            let noted = self.0.entry(view.integration.clone()).or_insert_with(|| next.clone());
            if noted.rule != next.rule {
                noted.clone_from(&next);
            }
            if noted.at + jitter(&view.integration) <= now {
                due.push(view.integration.clone());
                *noted = next;
            }
        }
        due
    }
}

/// Syncs what is due, for good. An integration that is still running from before joins that run.
pub(crate) async fn run(machine: Arc<Machine>) {
    let mut agenda = Agenda::default();
    let mut runs = JoinSet::new();
    loop {
        match views(&machine).await {
            Ok(views) => {
                for integration in agenda.look(&views, Timestamp::now()) {
                    tracing::info!(%integration, "a scheduled run begins");
                    runs.spawn(sync(Arc::clone(&machine), integration));
                }
            }
            Err(error) => tracing::error!(%error, "the schedules could not be read"),
        }
        while runs.try_join_next().is_some() {}
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Reads all integrations.
async fn views(machine: &Machine) -> Result<Vec<IntegrationView>, console::error::ConsoleError> {
    let (mut views, mut page) = (Vec::new(), Page::default());
    loop {
        let request = Request::IntegrationList { page: page.clone() };
        let Answer::Integrations(list) = console::handle::handle(request, &folder::actor(), machine, &Silent).await?
        else {
            return Ok(views);
        };
        views.extend(list.items);
        let Some(next) = list.next else { return Ok(views) };
        page.cursor = Some(next);
    }
}

async fn sync(machine: Arc<Machine>, integration: IntegrationId) {
    match machine.sync_scheduled(&integration).await {
        Ok(Synced::Ran(run) | Synced::Rejected(run, _)) => {
            tracing::info!(%integration, run = %run.run_id, "a scheduled run is over");
        }
        Ok(Synced::Busy(run)) => {
            tracing::warn!(%integration, %run, "a scheduled run was left out: another one is under way")
        }
        Ok(Synced::NotNow(state)) => tracing::warn!(%integration, ?state, "a scheduled run was left out"),
        Err(error) => tracing::error!(%integration, error = %anyhow::Error::new(error), "a scheduled run failed"),
    }
}

#[cfg(test)]
mod tests;
