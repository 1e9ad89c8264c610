//! What happened to one documentation record: what plans did to it, and what people did.
//!
//! Nothing is kept for this alone. The newest plans of the integrations that the record comes from are looked through, and
//! the newest decisions about the catalogue; what is older stands in the plans themselves.

use std::collections::BTreeSet;

use engine::ports::Table;
use engine::store::audit::newest;
use engine::store::integrations;
use engine::store::plans::{self, PlanHead, PlanState};
use reconcile::doc::Doc;
use reconcile::ids::{DocId, IntegrationId};
use reconcile::plan::{Action, Item};

use crate::answer::Answer;
use crate::audit::CATALOGUE;
use crate::error::ConsoleError;
use crate::find;
use crate::views::{HistoryView, List};

/// So many of the newest decisions about the catalogue are looked through.
const DECISIONS_LOOKED_AT: usize = 300;
/// So many parts of plans are looked through for each integration; a night's plan has one for every 5,000 records.
const PARTS_LOOKED_AT: u64 = 12;

/// What happened to a documentation record, newest first.
pub(crate) async fn of_doc(table: &impl Table, doc: &str) -> Result<Answer, ConsoleError> {
    let doc = find::doc(table, doc).await?;
    let mut items = by_people(table, &doc.id).await?;
    for integration in integrations_of(table, &doc).await? {
        items.extend(by_plans(table, &integration, &doc.id).await?);
    }
    items.sort_by_key(|one| std::cmp::Reverse(one.at));
    Ok(Answer::History(List::whole(items)))
}

/// Those that it comes from, and those that it may have come from before: the ones that are there.
async fn integrations_of(table: &impl Table, doc: &Doc) -> Result<BTreeSet<IntegrationId>, ConsoleError> {
    let mut all: BTreeSet<IntegrationId> = doc.sources.keys().cloned().collect();
    if all.is_empty() {
        all.extend(integrations::list(table).await?.into_iter().map(|one| one.id));
    }
    Ok(all)
}

async fn by_people(table: &impl Table, doc: &DocId) -> Result<Vec<HistoryView>, ConsoleError> {
    let mut items = Vec::new();
    for entry in newest(table, CATALOGUE, DECISIONS_LOOKED_AT).await? {
        let (about, detail) = entry.on.split_once(": ").unwrap_or((&entry.on, ""));
        if about == doc.as_str() {
            items.push(HistoryView {
                at: entry.at,
                who: entry.who.clone(),
                what: entry.what.clone(),
                plan_id: None,
                changes: Vec::new(),
                detail: detail.to_owned(),
            });
        }
    }
    Ok(items)
}

async fn by_plans(
    table: &impl Table,
    integration: &IntegrationId,
    doc: &DocId,
) -> Result<Vec<HistoryView>, ConsoleError> {
    let mut items = Vec::new();
    let mut parts_left = PARTS_LOOKED_AT;
    for head in plans::list(table, integration).await? {
        if !matches!(head.state, PlanState::Applied | PlanState::Undone) {
            continue;
        }
        // Clients and users are planned in part 0, what lies below a client in the others.
        let parts = if doc.client().is_none() { 0..=0 } else { 0..=head.parts };
        for part in parts {
            if parts_left == 0 {
                return Ok(items);
            }
            parts_left -= 1;
            for scope in plans::load_part(table, &head.owner, part).await? {
                let of_doc = scope.items.iter().filter(|item| item.doc_id.as_ref() == Some(doc));
                items.extend(of_doc.map(|item| view(integration, &head, item)));
            }
        }
    }
    Ok(items)
}

fn view(integration: &IntegrationId, head: &PlanHead, item: &Item) -> HistoryView {
    let mut what = action(item.action).to_owned();
    if head.state == PlanState::Undone {
        what.push_str(", undone since");
    }
    HistoryView {
        at: head.made_at,
        who: integration.to_string(),
        what,
        plan_id: Some(head.plan_id.clone()),
        changes: item.changes.clone(),
        detail: String::new(),
    }
}

fn action(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Match => "matched",
        Action::Exclude => "excluded",
        Action::Reset => "reset",
        Action::Update => "updated",
        Action::Stale => "gone at the vendor",
        Action::Return => "back at the vendor",
        Action::Archive => "archived",
        Action::Detach => "detached",
    }
}
