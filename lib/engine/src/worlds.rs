//! Loads what a decision may look at.

use std::collections::{BTreeMap, BTreeSet};

use reconcile::doc::Doc;
use reconcile::ids::{DocId, Scope};
use reconcile::mapping::{Entry, State};
use reconcile::plan::{EntryKey, Purpose, Standing, World};
use reconcile::record::Kind;
use reconcile::run::Run;

use crate::ports::Table;
use crate::store::catalogue::{self, Shelf};
use crate::store::integrations::Integration;
use crate::store::{StoreError, entries};

/// One scope with all that is stored of it; lends itself as a [`World`].
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The scope.
    pub scope: Scope,
    /// Where its client stands.
    pub standing: Standing,
    /// Run or Finish.
    pub purpose: Purpose,
    /// The switches.
    pub policy: reconcile::plan::Policy,
    /// Kinds that were read completely.
    pub complete: BTreeSet<Kind>,
    /// Its vendor records.
    pub entries: BTreeMap<EntryKey, Entry>,
    /// The catalogue's side.
    pub docs: BTreeMap<DocId, Doc>,
    /// The version of the catalogue's shelf.
    pub docs_version: u64,
}

impl Loaded {
    /// Lends itself to the core.
    pub fn world<'a>(&'a self, integration: &'a Integration) -> World<'a> {
        World {
            integration: &integration.id,
            role: integration.role,
            scope: &self.scope,
            purpose: &self.purpose,
            standing: &self.standing,
            policy: &self.policy,
            complete: &self.complete,
            entries: &self.entries,
            docs: &self.docs,
            docs_version: self.docs_version,
        }
    }
}

impl Loaded {
    /// Returns the same scope against the records below another client: what a detachment looks at.
    pub async fn against(&self, table: &impl Table, client: &DocId) -> Result<Loaded, StoreError> {
        let shelf = catalogue::load_shelf(table, &Shelf::Client(client.clone())).await?;
        Ok(Loaded { docs: shelf.docs, docs_version: shelf.version, ..self.clone() })
    }
}

/// Loads a scope. The catalogue's side is loaded before the records, so that its version is never newer than they are.
pub async fn load(
    table: &impl Table,
    integration: &Integration,
    scope: &Scope,
    standing: &Standing,
    purpose: &Purpose,
    complete: &BTreeSet<Kind>,
) -> Result<Loaded, StoreError> {
    let shelf = match Shelf::for_scope(scope, standing) {
        Some(shelf) => catalogue::load_shelf(table, &shelf).await?,
        None => catalogue::Loaded::default(),
    };
    Ok(Loaded {
        scope: scope.clone(),
        standing: standing.clone(),
        purpose: purpose.clone(),
        policy: integration.policy(),
        complete: complete.clone(),
        entries: entries::load_scope(table, &integration.id, scope).await?,
        docs: shelf.docs,
        docs_version: shelf.version,
    })
}

/// Returns where a scope's client stands by what is stored, with no plan in between.
pub async fn standing(table: &impl Table, integration: &Integration, scope: &Scope) -> Result<Standing, StoreError> {
    let Scope::Client(id) = scope else { return Ok(Standing::Top) };
    let client = entries::load(table, &integration.id, &Scope::Clients, Kind::Client, id).await?;
    Ok(match client.map(|client| (client.mapping.state, client.mapping.doc)) {
        Some((State::Matched | State::Created, Some(doc))) => Standing::Mapped(doc),
        Some((State::Excluded, _)) => Standing::Excluded,
        _ => Standing::Unmatched,
    })
}

/// Returns the kinds that a run read completely: only their absences mean anything.
pub fn complete_kinds(run: &Run) -> BTreeSet<Kind> {
    run.reports.iter().filter(|(_, report)| report.complete && !report.of_changes).map(|(kind, _)| *kind).collect()
}
