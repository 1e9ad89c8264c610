//! Preview and Finish: what a person decided, as a plan, and that plan carried out.

use std::collections::BTreeSet;

use reconcile::ids::{PlanId, Scope};
use reconcile::plan::{Purpose, ScopePlan, Standing, detach, digest, foreign_clients, plan};
use reconcile::record::Kind;

use crate::applying::apply_seen;
use crate::error::{Doing, StepError};
use crate::planning::Standings;
use crate::ports::{Clock, Table};
use crate::store::integrations::{self, Integration, IntegrationState};
use crate::store::plans::{self, PlanHead, PlanState, ScopeDone};
use crate::store::{StoreError, entries};
use crate::{planning, worlds};

/// A plan of Finish, with its parts.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The plan.
    pub head: PlanHead,
    /// What it does, scope by scope.
    pub scopes: Vec<ScopePlan>,
}

/// Makes the plan of all staged decisions and stores it; earlier previews become outdated. The same decisions on the same
/// state give the same plan.
pub async fn preview(integration: &Integration, table: &impl Table, clock: &impl Clock) -> Result<Preview, StepError> {
    let scopes = decide(integration, table).await.doing("planning staged decisions")?;
    let plan_id = PlanId::new(&integration.id, &digest(&scopes));
    outdate(integration, Some(&plan_id), table).await.doing("outdating earlier previews")?;
    if let Some(head) = plans::load(table, &plan_id).await.doing("looking for a plan")?
        && head.state == PlanState::Staged
    {
        return Ok(Preview { head, scopes });
    }
    let total = planning::total(&scopes);
    let mut head = PlanHead {
        plan_id: plan_id.clone(),
        run: None,
        state: PlanState::Staged,
        made_at: clock.now(),
        owner: plan_id.to_string(),
        parts: 0,
        actions: planning::actions([&total]),
        why: Vec::new(),
        finished: false,
        version: plans::load(table, &plan_id).await.doing("looking for a plan")?.map_or(0, |head| head.version),
    };
    plans::save_part(table, &head.owner, 0, &scopes).await.doing("storing a plan")?;
    plans::save(table, &mut head).await.doing("storing a plan")?;
    Ok(Preview { head, scopes })
}

/// Plans all scopes that hold staged decisions: users and clients first, then what lies below the clients as those plans
/// leave them. What lies below a client that comes to be mapped elsewhere leaves the old one first.
async fn decide(integration: &Integration, table: &impl Table) -> Result<Vec<ScopePlan>, StoreError> {
    let staged: BTreeSet<Scope> = entries::staged_scopes(table, &integration.id).await?.into_iter().collect();
    let (below, top): (Vec<Scope>, Vec<Scope>) =
        staged.into_iter().partition(|scope| matches!(scope, Scope::Client(_)));
    let mut plans = Vec::new();
    for scope in &top {
        let loaded =
            worlds::load(table, integration, scope, &Standing::Top, &Purpose::Finish, &BTreeSet::new()).await?;
        plans.push(plan(&loaded.world(integration)));
    }
    if !below.is_empty() {
        let standings = Standings::after(&plans, integration, table).await?;
        for scope in &below {
            let standing = standings.of(scope);
            let loaded = worlds::load(table, integration, scope, &standing, &Purpose::Finish, &BTreeSet::new()).await?;
            for from in foreign_clients(loaded.entries.values(), &standing) {
                let left = loaded.against(table, &from).await?;
                plans.push(detach(&left.world(integration), &from));
            }
            plans.push(plan(&loaded.world(integration)));
        }
    }
    Ok(plans)
}

async fn outdate(integration: &Integration, but: Option<&PlanId>, table: &impl Table) -> Result<(), StoreError> {
    for mut head in plans::list(table, &integration.id).await? {
        if head.state == PlanState::Staged && Some(&head.plan_id) != but {
            head.state = PlanState::Outdated;
            plans::save(table, &mut head).await?;
        }
    }
    Ok(())
}

/// What Finish came to.
#[derive(Debug, Clone)]
pub enum Finished {
    /// The plan is carried out; the integration is live.
    Done {
        /// The plan.
        plan: PlanId,
        /// How the records of its scopes ended.
        scopes: Vec<ScopeDone>,
    },
    /// What the plan was made of has moved; this is the plan by now.
    Outdated(Box<Preview>),
}

/// Carries out the plan with this id, or the present one. What was previewed is what is applied: a plan whose inputs moved
/// is refused with the present one. A Finish that was cut off by a crash is completed by the next one.
pub async fn finish(
    integration: &Integration,
    wanted: Option<&PlanId>,
    table: &impl Table,
    clock: &impl Clock,
) -> Result<Finished, StepError> {
    let cut_off = plans::list(table, &integration.id)
        .await
        .doing("listing plans")?
        .into_iter()
        .find(|head| head.run.is_none() && head.state == PlanState::Applied && !head.finished);
    let (mut head, scopes) = match cut_off {
        Some(head) => {
            let scopes = plans::load_part(table, &head.owner, 0).await.doing("loading a plan")?;
            (head, scopes)
        }
        None => {
            let preview = preview(integration, table, clock).await?;
            if wanted.is_some_and(|wanted| *wanted != preview.head.plan_id) {
                return Ok(Finished::Outdated(Box::new(preview)));
            }
            (preview.head, preview.scopes)
        }
    };
    if head.state != PlanState::Applied {
        head.state = PlanState::Applied;
        plans::save(table, &mut head).await.doing("approving a plan")?;
    }
    // Before the first write as well as after the last: cut off in between, it may not be completed before the next run.
    let moved = integrations::update(table, &integration.id, |integration| integration.epoch += 1);
    moved.await.doing("letting no digest count any more")?;
    let done = apply_seen(&scopes, integration, table).await?;
    entries::clear_staged(table, &integration.id, &head_scopes(&scopes)).await.doing("clearing staged decisions")?;
    let went_live = integrations::update(table, &integration.id, |integration| {
        integration.state = match integration.state {
            state @ (IntegrationState::Paused | IntegrationState::CredentialsRejected) => state,
            _ => IntegrationState::Live,
        };
        // Users and clients were decided one by one; what is left unmatched stays so, and only later ones are new.
        integration.first_synced.extend([Kind::Client, Kind::User]);
        integration.epoch += 1;
    });
    went_live.await.doing("making the integration live")?;
    head.finished = true;
    plans::save(table, &mut head).await.doing("storing a plan")?;
    Ok(Finished::Done { plan: head.plan_id, scopes: done })
}

fn head_scopes(plans: &[ScopePlan]) -> Vec<Scope> {
    plans.iter().map(|plan| plan.scope.clone()).collect()
}
