//! Finding what a person named, and the nearest that exists where it does not.

use engine::ports::Table;
use engine::store::catalogue::{self, Shelf};
use engine::store::digests::{self, Epochs};
use engine::store::entries;
use engine::store::integrations::{self, Integration};
use engine::store::plans::{self, PlanHead};
use engine::store::runs::{self, RunRecord, Slot};
use reconcile::doc::Doc;
use reconcile::ids::{DocId, IntegrationId, PlanId, RunId, Scope};
use reconcile::mapping::Entry;
use reconcile::record::Kind;

use crate::error::{Code, ConsoleError};
use crate::nearest;

/// So many of the newest runs are looked through for the nearest one.
const RUNS_COMPARED_MAX: usize = 50;

fn not_found(what: &str, word: &str, hint: String) -> ConsoleError {
    ConsoleError::new(Code::NotFound, format!("there is no {what} {word:?}"), hint)
}

/// Finds an integration.
pub(crate) async fn integration(table: &impl Table, id: &str) -> Result<Integration, ConsoleError> {
    if let Ok(parsed) = IntegrationId::parse(id)
        && let Some(integration) = integrations::load(table, &parsed).await?
    {
        return Ok(integration);
    }
    let all = integrations::list(table).await?;
    let hint = nearest::hint(id, all.iter().map(|one| one.id.as_str()), "`integration list` shows what there is");
    Err(not_found("integration", id, hint))
}

/// Finds a documentation record.
pub(crate) async fn doc(table: &impl Table, id: &str) -> Result<Doc, ConsoleError> {
    let parsed = DocId::parse(id).ok();
    if let Some(parsed) = &parsed
        && let Some(doc) = catalogue::load(table, parsed).await?
    {
        return Ok(doc);
    }
    let kind = parsed.as_ref().map_or(Kind::Client, DocId::kind);
    let shelf = parsed.as_ref().map_or(Shelf::Clients, Shelf::of);
    let docs = catalogue::load_shelf(table, &shelf).await?.docs;
    let by_name = docs.values().find(|doc| doc.name.to_lowercase() == id.to_lowercase());
    let hint = match by_name {
        Some(doc) => format!("did you mean {} ({})?", doc.id, doc.name),
        None => {
            nearest::hint(id, docs.keys().map(DocId::as_str), &format!("`docs list --kind {kind}` shows what there is"))
        }
    };
    Err(not_found("documentation record", id, hint))
}

/// Finds a plan.
pub(crate) async fn plan(table: &impl Table, id: &str) -> Result<PlanHead, ConsoleError> {
    let parsed = PlanId::parse(id).ok();
    if let Some(parsed) = &parsed
        && let Some(head) = plans::load(table, parsed).await?
    {
        return Ok(head);
    }
    let owner = integration(table, id.split('.').next().unwrap_or_default()).await;
    let Ok(owner) = owner else {
        return Err(not_found("plan", id, "`plans ID` shows an integration's plans".to_owned()));
    };
    let all = plans::list(table, &owner.id).await?;
    let hint =
        nearest::hint(id, all.iter().map(|head| head.plan_id.as_str()), "`plans ID` shows an integration's plans");
    Err(not_found("plan", id, hint))
}

/// Finds a run.
pub(crate) async fn run(table: &impl Table, id: &str) -> Result<RunRecord, ConsoleError> {
    let parsed = RunId::parse(id).ok();
    if let Some(parsed) = &parsed
        && let Some(record) = runs::load(table, parsed).await?
    {
        return Ok(record);
    }
    let owner = integration(table, id.split('.').next().unwrap_or_default()).await;
    let Ok(owner) = owner else {
        return Err(not_found("run", id, "`runs` shows what there is".to_owned()));
    };
    let (history, _) = runs::history(table, &owner.id, None, RUNS_COMPARED_MAX).await?;
    let mut all: Vec<RunId> = history.into_iter().map(|record| record.run_id).collect();
    if let Slot::Taken(record) = runs::slot(table, &owner.id).await? {
        all.insert(0, record.run_id);
    }
    Err(not_found("run", id, nearest::hint(id, all.iter().map(RunId::as_str), "`runs` shows what there is")))
}

/// Returns the scopes that may hold records of a kind, in order.
pub(crate) async fn scopes(
    table: &impl Table,
    integration: &Integration,
    kind: Kind,
) -> Result<Vec<Scope>, ConsoleError> {
    match kind {
        Kind::Client => return Ok(vec![Scope::Clients]),
        Kind::User => return Ok(vec![Scope::Users]),
        Kind::Asset | Kind::Contact | Kind::Location => {}
    }
    let clients = entries::client_ids(table, &integration.id).await?;
    let mut scopes: Vec<Scope> = clients.into_iter().map(Scope::Client).collect();
    let remembered = digests::load(table, &integration.id, kind, Epochs::default()).await?;
    scopes.extend(remembered.scopes());
    scopes.sort();
    scopes.dedup();
    Ok(scopes)
}

/// Loads all entries of a kind, scope by scope.
pub(crate) async fn entries_of(
    table: &impl Table,
    integration: &Integration,
    kind: Kind,
) -> Result<Vec<Entry>, ConsoleError> {
    let mut all = Vec::new();
    for scope in scopes(table, integration, kind).await? {
        let range = entries::IdRange::default();
        all.extend(entries::load_range(table, &integration.id, &scope, kind, &range).await?.into_values());
    }
    Ok(all)
}

/// Says that there is no such vendor record, and which is nearest by id or name.
pub(crate) fn no_record(kind: Kind, vendor_id: &str, entries: &[Entry]) -> ConsoleError {
    let ids = entries.iter().map(|entry| entry.record.vendor_id.as_str());
    let by_name = entries.iter().find(|entry| entry.record.name.to_lowercase() == vendor_id.to_lowercase());
    let hint = match by_name {
        Some(entry) => format!("did you mean {} ({})?", entry.record.vendor_id, entry.record.name),
        None => nearest::hint(vendor_id, ids, "`records ID --kind KIND` shows what was read"),
    };
    not_found(&format!("{kind} with the vendor id"), vendor_id, hint)
}
