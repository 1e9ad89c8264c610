//! Plans: previewed, finished, held ones approved or discarded, applied ones undone.

use std::collections::{BTreeMap, BTreeSet};

use engine::finishing::{self, Finished, Preview};
use engine::life::decide_held;
use engine::ports::Table;
use engine::store::integrations::{Integration, IntegrationState};
use engine::store::plans::{self as store, Place, PlanHead, PlanState};
use engine::store::{catalogue, entries, roster};
use engine::undoing::{self, Undone};
use engine::watch::Unwatched;
use reconcile::ids::{DocId, PlanId, Scope};
use reconcile::plan::{Action, Item, ScopePlan};
use reconcile::record::Kind;
use reconcile::run;

use crate::answer::Answer;
use crate::error::{Code, ConsoleError};
use crate::handle::Deps;
use crate::progress::Progress;
use crate::request::Page;
use crate::views::{
    ConsequenceView, FinishView, KeptView, List, PlanChangeView, PlanCounts, PlanItemView, PlanSummary, PlanView,
    UndoView,
};
use crate::{find, integrations, paging, runs};

/// So many differences are named when a plan is refused as outdated.
const DIFFERENCES_NAMED_MAX: usize = 5;

fn counts(actions: &BTreeMap<Action, u64>) -> PlanCounts {
    let mut counts = PlanCounts::default();
    for (action, count) in actions {
        counts.add(*action, *count);
    }
    counts
}

fn summary(head: &PlanHead) -> PlanSummary {
    PlanSummary {
        plan_id: head.plan_id.clone(),
        integration: head.plan_id.integration(),
        state: head.state.into(),
        created_at: Some(head.made_at),
        run_id: head.run.clone(),
        counts: counts(&head.actions),
        held_because: head.why.clone(),
    }
}

fn item_view(item: &Item) -> PlanItemView {
    PlanItemView {
        action: item.action,
        kind: item.kind,
        vendor_id: item.vendor_id.clone(),
        name: item.name.clone(),
        doc_id: item.doc_id.clone(),
        doc_name: None,
        rule: item.rule,
        changes: item.changes.clone(),
    }
}

fn view(head: &PlanHead, list: List<PlanItemView>) -> PlanView {
    let summary = summary(head);
    PlanView {
        plan_id: summary.plan_id,
        integration: summary.integration,
        state: summary.state,
        created_at: summary.created_at,
        run_id: summary.run_id,
        counts: summary.counts,
        items: list.items,
        next: list.next,
        held_because: summary.held_because,
        consequences: Vec::new(),
    }
}

/// Refuses what needs decisions before there can be any.
fn refuse_before_kinds(integration: &Integration) -> Result<(), ConsoleError> {
    match integration.state {
        IntegrationState::Draft => Err(integrations::not_verified(integration)),
        _ if integration.sync.is_empty() => {
            let hint = format!("`integration set {} --sync KIND,…` chooses them", integration.id);
            Err(ConsoleError::new(Code::Refused, format!("{}: no kinds are chosen to sync", integration.id), hint))
        }
        _ => Ok(()),
    }
}

/// `preview`: the plan of everything that is staged. Its first page plans and stores the plan; the pages after it are read
/// from what was stored, so that all of them are pages of one plan, the one that Finish is asked for.
pub(crate) async fn preview<D: Deps>(deps: &D, id: &str, page: &Page) -> Result<Answer, ConsoleError> {
    let table = deps.table();
    let integration = find::integration(table, id).await?;
    refuse_before_kinds(&integration)?;
    let Some(place) = paging::place(page, 1 + PLACE_PARTS)? else {
        let Preview { head, scopes } = finishing::preview(&integration, table, deps.clock()).await?;
        let list = preview_items(table, &head, page, Place::default()).await?;
        let consequences = consequences(table, &integration, &scopes).await?;
        return Ok(Answer::Plan(PlanView { consequences, ..view(&head, list) }));
    };
    let head = PlanId::parse(&place[0]).map_err(|_| bad_cursor())?;
    let head = store::load(table, &head).await?.filter(|head| head.plan_id.integration() == integration.id);
    let head = head.ok_or_else(bad_cursor)?;
    if head.state != PlanState::Staged {
        let state = crate::words::PlanState::from(head.state);
        let message = format!("the preview that this is a page of, {}, is {state}", head.plan_id);
        let hint = format!("look at `preview {}` from its first page", integration.id);
        return Err(ConsoleError::new(Code::PlanOutdated, message, hint));
    }
    let list = preview_items(table, &head, page, place_in_plan(&place[1..])?).await?;
    Ok(Answer::Plan(view(&head, list)))
}

/// Loads a page of a preview, whose cursor names the plan.
async fn preview_items(
    table: &impl Table,
    head: &PlanHead,
    page: &Page,
    from: Place,
) -> Result<List<PlanItemView>, ConsoleError> {
    items(table, head, page, from, |place| {
        let (part, chunk, item) = (place.part.to_string(), place.chunk.to_string(), place.item.to_string());
        paging::cursor(&[head.plan_id.as_str(), &part, &chunk, &item])
    })
    .await
}

/// Fills in what the documentation records of a page of items are called: a person knows names, not ids.
async fn named(table: &impl Table, mut list: List<PlanItemView>) -> Result<List<PlanItemView>, ConsoleError> {
    let ids: BTreeSet<DocId> = list.items.iter().filter_map(|item| item.doc_id.clone()).collect();
    let docs = catalogue::load_some(table, &ids).await?;
    for item in &mut list.items {
        item.doc_name = item.doc_id.as_ref().and_then(|id| docs.get(id)).map(|doc| doc.name.clone());
    }
    Ok(list)
}

/// Below so many clients that are mapped to nothing yet is looked whether records are mapped there all the same.
const UNMAPPED_LOOKED_BELOW_MAX: usize = 50;

/// Says what becomes of the records below clients that leave their documentation records. Records stay mapped below a
/// client that is reset, so a client may have some without being mapped itself; who decides about hundreds of new ones at
/// once is not told of that, since it would take reading all that lies below them.
async fn consequences(
    table: &impl Table,
    integration: &Integration,
    scopes: &[ScopePlan],
) -> Result<Vec<ConsequenceView>, ConsoleError> {
    let mut all = Vec::new();
    let mut unmapped_left = UNMAPPED_LOOKED_BELOW_MAX;
    let clients = scopes.iter().filter(|plan| plan.scope == Scope::Clients).flat_map(|plan| &plan.items);
    for item in clients {
        let message = match item.action {
            Action::Match | Action::Create => "the next sync takes them to the client's new documentation record",
            Action::Exclude => "they stay as they are and are synced no more",
            Action::Reset => "they stay as they are and wait until the client is matched again",
            Action::Update | Action::Stale | Action::Return | Action::Archive | Action::Detach => continue,
        };
        if item.before.mapping.doc.is_none() {
            let Some(left) = unmapped_left.checked_sub(1) else { continue };
            unmapped_left = left;
        }
        let below = entries::load_scope(table, &integration.id, &Scope::Client(item.vendor_id.clone())).await?;
        let mut mapped: BTreeMap<Kind, u64> = BTreeMap::new();
        for entry in below.values() {
            let client = entry.mapping.doc.as_ref().and_then(DocId::client);
            if client.is_some() && client != item.doc_id {
                *mapped.entry(entry.record.kind).or_default() += 1;
            }
        }
        all.extend(mapped.into_iter().map(|(kind, records)| ConsequenceView {
            client_vendor_id: item.vendor_id.clone(),
            client_name: item.name.clone(),
            kind,
            records,
            message: message.to_owned(),
        }));
    }
    Ok(all)
}

/// `finish`.
pub(crate) async fn finish<D: Deps>(
    deps: &D,
    id: &str,
    plan: Option<&str>,
    no_sync: bool,
    progress: &impl Progress,
) -> Result<Answer, ConsoleError> {
    let table = deps.table();
    let integration = find::integration(table, id).await?;
    refuse_before_kinds(&integration)?;
    let wanted = match plan {
        Some(plan) => Some(wanted_plan(table, &integration, plan).await?),
        None => None,
    };
    let finished = finishing::finish(&integration, wanted.as_ref().map(|head| &head.plan_id), table, deps.clock());
    let plan_id = match finished.await? {
        Finished::Done { plan, .. } => plan,
        Finished::Outdated(now) => return Err(outdated(table, wanted.as_ref(), &now).await?),
    };
    let head = store::load(table, &plan_id).await?;
    let integration = find::integration(table, id).await?;
    let first_sync_is_due = !integration.policy().first_sync.is_empty() && integration.state == IntegrationState::Live;
    let (mut run, mut not_run) = (None, None);
    if first_sync_is_due && !no_sync {
        match runs::run_one(deps, &integration, run::Trigger::Manual, progress).await {
            Ok(ended) => run = Some(ended),
            Err(error) => not_run = Some(error),
        }
    }
    let integration = find::integration(table, id).await?;
    Ok(Answer::Finished(FinishView {
        plan_id,
        integration: integration.id,
        state: integration.state.into(),
        counts: head.map(|head| counts(&head.actions)).unwrap_or_default(),
        run,
        not_run,
    }))
}

/// Finds the plan that Finish is asked to apply.
async fn wanted_plan(table: &impl Table, integration: &Integration, plan: &str) -> Result<PlanHead, ConsoleError> {
    let head = find::plan(table, plan).await?;
    if head.plan_id.integration() != integration.id || head.run.is_some() {
        let message = format!("{plan} is not a plan of decisions about {}", integration.id);
        return Err(ConsoleError::new(Code::Refused, message, format!("`preview {}` shows that", integration.id)));
    }
    match head.state {
        PlanState::Staged | PlanState::Outdated => Ok(head),
        PlanState::Applied if !head.finished => Ok(head),
        PlanState::Held | PlanState::Applied | PlanState::Discarded | PlanState::Undone => Err(not_possible(&head)),
    }
}

fn not_possible(head: &PlanHead) -> ConsoleError {
    let state = crate::words::PlanState::from(head.state);
    let message = format!("the plan {} is {state}", head.plan_id);
    let hint = format!("`plans {}` shows where each plan stands", head.plan_id.integration());
    ConsoleError::new(Code::PlanState, message, hint)
}

/// Says that a plan's inputs moved, and what would be different by now.
async fn outdated(table: &impl Table, wanted: Option<&PlanHead>, now: &Preview) -> Result<ConsoleError, ConsoleError> {
    let before = match wanted {
        Some(head) => store::load_part(table, &head.owner, 0).await?,
        None => Vec::new(),
    };
    let (before, after) = (lines(&before), lines(&now.scopes));
    let gone = before.difference(&after).map(|line| format!("no longer: {line}"));
    let come = after.difference(&before).map(|line| format!("by now: {line}"));
    let differences: Vec<String> = gone.chain(come).collect();
    let mut what = differences.iter().take(DIFFERENCES_NAMED_MAX).cloned().collect::<Vec<_>>().join("; ");
    if differences.len() > DIFFERENCES_NAMED_MAX {
        what.push_str(&format!("; and {} more", differences.len() - DIFFERENCES_NAMED_MAX));
    }
    if differences.is_empty() {
        "the records it was made of changed, what it does did not".clone_into(&mut what);
    }
    let plan = wanted.map_or("the plan".to_owned(), |head| format!("the plan {}", head.plan_id));
    let present = &now.head.plan_id;
    Ok(ConsoleError::new(
        Code::PlanOutdated,
        format!("{plan} is outdated, nothing was written: {what}"),
        format!(
            "look at `preview {}`, then `finish {} --plan {present}`",
            present.integration(),
            present.integration()
        ),
    ))
}

/// Returns a plan's items as lines that can be compared.
fn lines(scopes: &[ScopePlan]) -> BTreeSet<String> {
    scopes.iter().flat_map(|scope| &scope.items).map(|item| crate::text::item(&item_view(item))).collect()
}

/// `plans`.
pub(crate) async fn list(table: &impl Table, id: &str, page: &Page) -> Result<Answer, ConsoleError> {
    let integration = find::integration(table, id).await?;
    let mut heads = store::list(table, &integration.id).await?;
    // Who looks at a preview when nothing is staged has made a plan that does nothing.
    heads.retain(|head| head.actions.values().any(|count| *count > 0) || head.state == PlanState::Applied);
    let list = paging::slice(heads, page, |head| head.plan_id.to_string())?;
    Ok(Answer::Plans(List { items: list.items.iter().map(summary).collect(), next: list.next }))
}

/// Numbers that name a place in a plan.
const PLACE_PARTS: usize = 3;

fn bad_cursor() -> ConsoleError {
    ConsoleError::new(Code::Usage, "no cursor of this list", "give the `next` of the page before")
}

/// Reads a place in a plan.
fn place_in_plan(numbers: &[String]) -> Result<Place, ConsoleError> {
    let [part, chunk, item] = numbers else { return Err(bad_cursor()) };
    let number = |text: &str| text.parse::<usize>().map_err(|_| bad_cursor());
    Ok(Place { part: part.parse().map_err(|_| bad_cursor())?, chunk: number(chunk)?, item: number(item)? })
}

/// Loads a page of a plan's items.
async fn items(
    table: &impl Table,
    head: &PlanHead,
    page: &Page,
    from: Place,
    cursor: impl Fn(Place) -> String,
) -> Result<List<PlanItemView>, ConsoleError> {
    let (items, next) = store::items(table, head, from, paging::limit(page)?).await?;
    named(table, List { items: items.iter().map(item_view).collect(), next: next.map(cursor) }).await
}

/// `plan show`.
pub(crate) async fn show(table: &impl Table, plan: &str, page: &Page) -> Result<Answer, ConsoleError> {
    let head = find::plan(table, plan).await?;
    let from = match paging::place(page, PLACE_PARTS)? {
        Some(numbers) => place_in_plan(&numbers)?,
        None => Place::default(),
    };
    let cursor =
        |place: Place| paging::cursor(&[&place.part.to_string(), &place.chunk.to_string(), &place.item.to_string()]);
    let items = items(table, &head, page, from, cursor).await?;
    Ok(Answer::Plan(view(&head, items)))
}

/// `plan approve`: a held plan is carried out at once, to the end of its run.
pub(crate) async fn approve<D: Deps>(deps: &D, plan: &str, progress: &impl Progress) -> Result<Answer, ConsoleError> {
    let table = deps.table();
    let head = find::plan(table, plan).await?;
    let integration = find::integration(table, head.plan_id.integration().as_str()).await?;
    if head.state != PlanState::Held {
        return Err(not_possible(&head));
    }
    let Some(record) = decide_held(&head.plan_id, true, table, deps.queue(), deps.clock()).await? else {
        return Err(not_possible(&head));
    };
    let watch = runs::Told { integration: &integration, progress };
    let record = deps.settle(&record.run_id, &watch).await?;
    Ok(Answer::PlanChanged(PlanChangeView {
        plan_id: head.plan_id,
        state: crate::words::PlanState::Applied,
        run: Some(runs::view(&record)),
    }))
}

/// `plan discard`: a held plan's run ends without a write; a staged one's decisions are forgotten.
pub(crate) async fn discard<D: Deps>(deps: &D, plan: &str) -> Result<Answer, ConsoleError> {
    let table = deps.table();
    let mut head = find::plan(table, plan).await?;
    let mut run = None;
    match head.state {
        PlanState::Held => {
            let Some(record) = decide_held(&head.plan_id, false, table, deps.queue(), deps.clock()).await? else {
                return Err(not_possible(&head));
            };
            let record = deps.settle(&record.run_id, &Unwatched).await?;
            run = Some(runs::view(&record));
        }
        PlanState::Staged => {
            forget_decisions(table, &head.plan_id, &store::load_part(table, &head.owner, 0).await?).await?;
            head.state = PlanState::Discarded;
            store::save(table, &mut head).await?;
        }
        PlanState::Applied | PlanState::Discarded | PlanState::Outdated | PlanState::Undone => {
            return Err(not_possible(&head));
        }
    }
    Ok(Answer::PlanChanged(PlanChangeView { plan_id: head.plan_id, state: crate::words::PlanState::Discarded, run }))
}

/// Unstages what a plan would have carried out.
async fn forget_decisions(table: &impl Table, plan: &PlanId, scopes: &[ScopePlan]) -> Result<(), ConsoleError> {
    let integration = plan.integration();
    for scope_plan in scopes {
        let entries = entries::load_scope(table, &integration, &scope_plan.scope).await?;
        let planned = scope_plan.items.iter().filter_map(|item| entries.get(&item.key()));
        for entry in planned.filter(|entry| entry.mapping.staged.is_some()) {
            let mut entry = entry.clone();
            entry.mapping.staged = None;
            table.write(entries::write(&integration, &entry)).await?;
        }
        roster::touch(table, &integration, &scope_plan.scope).await?;
    }
    let scopes: Vec<Scope> = scopes.iter().map(|plan| plan.scope.clone()).collect();
    Ok(entries::clear_staged(table, &integration, &scopes).await?)
}

/// `undo`: reverses an applied plan, item by item, where nothing changed since.
pub(crate) async fn undo<D: Deps>(deps: &D, plan: &str) -> Result<Answer, ConsoleError> {
    let table = deps.table();
    let head = find::plan(table, plan).await?;
    let integration = find::integration(table, head.plan_id.integration().as_str()).await?;
    if head.state != PlanState::Applied || !head.finished {
        return Err(not_possible(&head));
    }
    let Undone { undone, kept } = undoing::undo_plan(&head, &integration, table).await?;
    let kept = kept.into_iter().map(|changed| KeptView {
        kind: changed.key.0,
        vendor_id: changed.key.1,
        name: changed.name,
        message: changed.what.to_owned(),
    });
    Ok(Answer::Undone(UndoView {
        plan_id: head.plan_id,
        state: crate::words::PlanState::Undone,
        undone,
        kept: kept.collect(),
    }))
}
