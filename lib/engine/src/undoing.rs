//! Reverses an applied plan, part by part from the last to the first, where nothing changed since.

use std::collections::BTreeSet;

use reconcile::plan::{Purpose, ScopePlan};
use reconcile::undo::{Changed, undo};

use crate::applying::{TRIES_MAX, commit};
use crate::error::{Doing, StepError};
use crate::ports::Table;
use crate::store::catalogue::Shelf;
use crate::store::integrations::{self, Integration};
use crate::store::plans::{self, PlanHead, PlanState};
use crate::store::{entries, roster};
use crate::worlds;

/// What came of undoing a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undone {
    /// Items that are as they were before the plan.
    pub undone: u64,
    /// Items that stay, because something changed since.
    pub kept: Vec<Changed>,
}

/// Reverses a plan that was carried out to its end. What is reversed already is found so, and an undo that a crash cut off is
/// completed by the next one; only then is the plan marked as undone.
pub async fn undo_plan(head: &PlanHead, integration: &Integration, table: &impl Table) -> Result<Undone, StepError> {
    let mut total = Undone::default();
    for part in (0..=head.parts).rev() {
        let scopes = plans::load_part(table, &head.owner, part).await.doing("loading a part of a plan")?;
        for scope in scopes.iter().rev() {
            // Finish forgot that something is staged here. As for any decision, the note is made before, so that a crash
            // half-way hides none, and after, as a Finish may forget it meanwhile.
            note_staged(scope, integration, table).await?;
            let kept = undo_scope(scope, integration, table).await?;
            note_staged(scope, integration, table).await?;
            total.undone += (scope.items.len() - kept.len()) as u64;
            total.kept.extend(kept);
        }
    }
    // The next run decides anew, so it must not skip what looks unchanged.
    let moved = integrations::update(table, &integration.id, |integration| integration.epoch += 1);
    moved.await.doing("moving an integration's epoch")?;
    let mut head = head.clone();
    head.state = PlanState::Undone;
    plans::save(table, &mut head).await.doing("marking a plan as undone")?;
    Ok(total)
}

/// Notes a scope in which undoing brings staged decisions back.
async fn note_staged(scope: &ScopePlan, integration: &Integration, table: &impl Table) -> Result<(), StepError> {
    if scope.items.iter().any(|item| item.before.mapping.staged.is_some()) {
        entries::note_staged(table, &integration.id, &scope.scope).await.doing("noting staged decisions")?;
    }
    Ok(())
}

/// Reverses one scope of a plan and returns what stays.
async fn undo_scope(
    stored: &ScopePlan,
    integration: &Integration,
    table: &impl Table,
) -> Result<Vec<Changed>, StepError> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let loaded =
            worlds::load(table, integration, &stored.scope, &stored.standing, &Purpose::Finish, &BTreeSet::new()).await;
        let mut loaded = loaded.doing("loading a scope")?;
        let mut shelf = Shelf::for_scope(&loaded.scope, &loaded.standing);
        if let (true, Some(from)) = (stored.is_detachment(), &stored.below) {
            loaded = loaded.against(table, from).await.doing("loading a client that was left")?;
            shelf = Some(Shelf::Client(from.clone()));
        }
        let undoing = undo(stored, &integration.id, &loaded.entries, &loaded.docs);
        match commit(&undoing.effects, shelf.as_ref(), loaded.docs_version, integration, table).await {
            Ok(()) => {
                roster::touch(table, &integration.id, &stored.scope).await.doing("telling a roster")?;
                return Ok(undoing.changed);
            }
            Err(error) if error.is_conflict() && attempt < TRIES_MAX => {}
            Err(cause) => return Err(StepError::Store { doing: "undoing a scope", cause }),
        }
    }
}
