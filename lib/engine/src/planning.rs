//! Plans one part of a run: the top (users and clients), or a number of clients' scopes.

use std::collections::{BTreeMap, BTreeSet};

use reconcile::ids::{RunId, Scope};
use reconcile::mapping::Entry;
use reconcile::plan::{
    Action, EntryKey, Purpose, ScopePlan, Standing, Totals, children_standing, detach, foreign_clients, plan,
};
use reconcile::record::Kind;
use reconcile::run::{Event, Phase};

use crate::error::{Doing, StepError};
use crate::life;
use crate::ports::{Clock, QueueOut, Table};
use crate::store::entries::{Place, Stored};
use crate::store::integrations::{self, Integration};
use crate::store::plans::{self, PartTotal};
use crate::store::runs::{self, Arrived, Mark, Marks, RunRecord};
use crate::store::{StoreError, entries};
use crate::{narrowing, worlds};

/// The most rows of one part: what one invocation plans and writes in well under a minute.
const PART_ROWS_MAX: u64 = 5_000;
/// The most scopes of one part.
const PART_SCOPES_MAX: usize = 200;

/// So many clients are read by their keys, a unit each; all of a usual account together take some dozens.
const CLIENTS_BY_KEY_MAX: usize = 32;

/// Returns the scopes that a run's messages brought, cut into parts; part 0 is the top. A function of the marks alone, so
/// that whoever asks gets the same parts.
pub fn parts(arrived: &BTreeMap<u64, Arrived>) -> Vec<Vec<Scope>> {
    let mut rows: BTreeMap<Scope, u64> = BTreeMap::new();
    for touched in arrived.values().flat_map(|arrived| &arrived.scopes) {
        *rows.entry(touched.scope.clone()).or_default() += touched.rows;
    }
    let mut parts = vec![Vec::new()];
    let mut part_rows = 0;
    for (scope, rows) in rows {
        if !matches!(scope, Scope::Client(_)) {
            parts[0].push(scope);
            continue;
        }
        let full = parts.last().is_some_and(|part| part.len() >= PART_SCOPES_MAX) || part_rows + rows > PART_ROWS_MAX;
        if parts.len() == 1 || full {
            parts.push(Vec::new());
            part_rows = 0;
        }
        part_rows += rows;
        parts.last_mut().expect("the top is always there").push(scope);
    }
    parts
}

/// Plans one part of a run and stores it. Doing so again overwrites an unfinished try; once the part is marked, nothing
/// is planned a second time.
pub async fn plan_part(
    run: &RunId,
    part: u64,
    table: &impl Table,
    queue: &impl QueueOut,
    clock: &impl Clock,
) -> Result<(), StepError> {
    let Some(mut record) = runs::open_run(table, run).await.doing("looking at a run")? else { return Ok(()) };
    let belongs = match record.run.phase {
        Phase::PlanningTop => part == 0,
        Phase::Planning { parts } => (1..=parts).contains(&part),
        _ => false,
    };
    if !belongs {
        return Ok(());
    }
    let owner = run.as_str();
    let arrived = runs::marks::<Arrived>(table, owner, Marks::In).await.doing("loading messages' marks")?;
    let parts = parts(&arrived);
    let marked = runs::mark::<PartTotal>(table, owner, Mark::Planned(part)).await.doing("looking for a part")?;
    if marked.is_none() {
        let integration = load_integration(table, run).await?;
        let scopes = parts.get(part as usize).map(Vec::as_slice).unwrap_or_default();
        let plans = plan_scopes(&record, &integration, scopes, &arrived, &Stored::new(), table).await;
        let plans = plans.doing("planning scopes")?;
        plans::save_part(table, owner, part, &plans).await.doing("storing a part of a plan")?;
        let total = total_of(&plans, &brought(&arrived));
        runs::put_mark(table, owner, Mark::Planned(part), clock.now(), &total).await.doing("marking a part")?;
    }
    if part == 0 {
        let event = Event::TopPlanned { parts: parts.len() as u64 - 1 };
        life::advance(&mut record, event, table, queue, clock).await?;
    }
    life::look(run, table, queue, clock).await
}

/// Loads the integration of a run.
pub(crate) async fn load_integration(table: &impl Table, run: &RunId) -> Result<Integration, StepError> {
    let id = run.integration();
    let loaded = integrations::load(table, &id).await.doing("loading an integration")?;
    loaded.ok_or_else(|| StepError::NoIntegration(id.to_string()))
}

/// Plans scopes of a run, against the clients as its part 0 leaves them. Of records that came alone, those that are among
/// `stored` are not read again.
pub(crate) async fn plan_scopes(
    record: &RunRecord,
    integration: &Integration,
    scopes: &[Scope],
    arrived: &BTreeMap<u64, Arrived>,
    stored: &Stored,
    table: &impl Table,
) -> Result<Vec<ScopePlan>, StoreError> {
    let run = &record.run_id;
    let mut standings = None;
    if brought(arrived).contains(&(&Scope::Clients, Kind::Client)) {
        standings = Some(Standings::load(run, integration, scopes, table).await?);
    }
    let candidates = narrowing::candidates(arrived);
    let few = narrowing::plans(record, integration, scopes, &candidates, standings.as_ref(), stored, table);
    let mut few = few.await?;
    let whole: Vec<Scope> = scopes.iter().filter(|scope| !few.contains_key(scope)).cloned().collect();
    let standings = match standings {
        Some(standings) => standings,
        None => Standings::load(run, integration, &whole, table).await?,
    };
    let (purpose, complete) = (Purpose::Run(run.clone()), worlds::complete_kinds(&record.run));
    let mut plans = Vec::new();
    for scope in scopes {
        if let Some(plan) = few.remove(scope) {
            plans.push(plan);
            continue;
        }
        let standing = standings.of(scope);
        let loaded = worlds::load(table, integration, scope, &standing, &purpose, &complete).await?;
        for from in foreign_clients(loaded.entries.values(), &standing) {
            let left = loaded.against(table, &from).await?;
            plans.push(detach(&left.world(integration), &from));
        }
        plans.push(plan(&loaded.world(integration)));
    }
    Ok(plans)
}

/// Where the clients of several scopes stand, after what part 0 of the same run does to them.
pub(crate) struct Standings {
    clients: BTreeMap<EntryKey, Entry>,
    top: ScopePlan,
}

impl Standings {
    /// Loads the clients, unless no scope lies below one.
    pub(crate) async fn load(
        run: &RunId,
        integration: &Integration,
        scopes: &[Scope],
        table: &impl Table,
    ) -> Result<Self, StoreError> {
        let below = scopes.iter().filter_map(|scope| match scope {
            Scope::Client(id) => Some((Scope::Clients, (Kind::Client, id.clone()))),
            _ => None,
        });
        let places: Vec<Place> = below.collect();
        if places.is_empty() {
            return Ok(Self { clients: BTreeMap::new(), top: nothing() });
        }
        let clients = if places.len() <= CLIENTS_BY_KEY_MAX {
            let found = entries::load_some(table, &integration.id, &places).await?;
            found.into_iter().map(|((_, key), entry)| (key, entry)).collect()
        } else {
            entries::load_scope(table, &integration.id, &Scope::Clients).await?
        };
        Ok(Self { clients, top: clients_plan(plans::load_part(table, run.as_str(), 0).await?) })
    }

    /// Loads the clients as a plan that is not part of a run leaves them.
    pub(crate) async fn after(
        top: &[ScopePlan],
        integration: &Integration,
        table: &impl Table,
    ) -> Result<Self, StoreError> {
        let clients = entries::load_scope(table, &integration.id, &Scope::Clients).await?;
        Ok(Self { clients, top: clients_plan(top.to_vec()) })
    }

    /// Returns where a scope's client stands.
    pub(crate) fn of(&self, scope: &Scope) -> Standing {
        let Scope::Client(id) = scope else { return Standing::Top };
        children_standing(self.clients.get(&(Kind::Client, id.clone())), &self.top)
    }
}

fn clients_plan(plans: Vec<ScopePlan>) -> ScopePlan {
    plans.into_iter().find(|plan| plan.scope == Scope::Clients).unwrap_or_else(nothing)
}

/// The plan of clients that does nothing: for a run that brought none.
fn nothing() -> ScopePlan {
    ScopePlan {
        scope: Scope::Clients,
        standing: Standing::Top,
        below: None,
        docs_version: 0,
        items: Vec::new(),
        unsynced: Vec::new(),
        counts: BTreeMap::new(),
        stale: BTreeMap::new(),
        settled: true,
        after: None,
    }
}

/// Returns the scopes and kinds that a run's messages brought. A scope is planned as a whole, and its kinds that were
/// skipped are counted as such and not a second time.
pub(crate) fn brought(arrived: &BTreeMap<u64, Arrived>) -> BTreeSet<(&Scope, Kind)> {
    let touched = arrived.values().flat_map(|arrived| &arrived.scopes);
    touched.map(|touched| (&touched.scope, touched.kind)).collect()
}

/// Adds up what a part of a run does, without the kinds of a scope that the run skipped.
pub(crate) fn total_of(plans: &[ScopePlan], brought: &BTreeSet<(&Scope, Kind)>) -> PartTotal {
    let mut total = total(plans);
    total.totals = Totals::default();
    for plan in plans {
        let mut plan = ScopePlan { items: Vec::new(), unsynced: Vec::new(), ..plan.clone() };
        plan.counts.retain(|kind, _| brought.contains(&(&plan.scope, *kind)));
        total.totals.add(&plan);
    }
    total
}

/// Adds up what plans do.
pub(crate) fn total(plans: &[ScopePlan]) -> PartTotal {
    let mut total = PartTotal { digest: reconcile::plan::digest(plans), ..PartTotal::default() };
    for plan in plans {
        total.totals.add(plan);
        for item in &plan.items {
            *total.actions.entry(item.kind).or_default().entry(item.action).or_default() += 1;
        }
    }
    total
}

/// Returns the actions of several parts, whatever their kinds.
pub fn actions<'a>(totals: impl IntoIterator<Item = &'a PartTotal>) -> BTreeMap<Action, u64> {
    let mut sum = BTreeMap::new();
    for (action, count) in totals.into_iter().flat_map(|total| total.actions.values()).flatten() {
        *sum.entry(*action).or_default() += count;
    }
    sum
}
