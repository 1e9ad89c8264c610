//! What happened to one documentation record: what plans did to it, and what people did.
//!
//! Nothing is kept for this alone, so that a night writes nothing for it. The plans are looked through from the newest on,
//! and the decisions about the catalogue beside them, to the plan that made the record. A page ends when it has enough, or
//! when enough was read for it; its `next` goes on where it ended, so that everything can be reached.

use std::cmp::Reverse;

use engine::ports::Table;
use engine::store::audit::newest_before;
use engine::store::integrations;
use engine::store::plans::{self, PlanHead, PlanState};
use jiff::Timestamp;
use reconcile::doc::Doc;
use reconcile::ids::{DocId, PlanId};
use reconcile::plan::{Action, Item};

use crate::answer::Answer;
use crate::audit::CATALOGUE;
use crate::error::{Code, ConsoleError};
use crate::request::Page;
use crate::views::{HistoryView, List};
use crate::{find, paging};

/// So many decisions about the catalogue are looked through for a page.
const DECISIONS_LOOKED_AT: usize = 300;
/// So many parts of plans are read for a page; a night's plan has one for every 5,000 records.
const PARTS_LOOKED_AT: usize = 24;
/// So many items of plans are looked through for a page, to the end of a part.
const ITEMS_LOOKED_AT: usize = 10_000;
/// A page with so many things that plans did ends with the part that it is at.
const FOUND_ENOUGH: usize = 20;

/// Where a page begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Place {
    /// Decisions older than this are still to be told; all of them where there is none.
    before: Option<Timestamp>,
    /// The part of a plan that is read next.
    plan: PlanPlace,
}

/// Where in the plans, newest first, a page begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum PlanPlace {
    /// With the newest.
    #[default]
    Newest,
    /// With this part of the plan made at this instant.
    Part(Timestamp, PlanId, u64),
    /// There is none left: the record was made at this instant, or none is known to have made it.
    Over(Option<Timestamp>),
}

/// What happened to a documentation record, newest first.
pub(crate) async fn of_doc(table: &impl Table, doc: &str, cursor: Option<String>) -> Result<Answer, ConsoleError> {
    let doc = find::doc(table, doc).await?;
    let place = read(cursor)?;
    let Found { items, next: plan } = by_plans(table, &doc, place.plan).await?;
    let bound = match &plan {
        PlanPlace::Newest => None,
        PlanPlace::Part(at, ..) => Some(*at),
        PlanPlace::Over(made) => *made,
    };
    let decided = by_people(table, &doc.id, place.before, bound).await?;
    // What is older than the last decision that was looked at waits for the next page, so that nothing comes out of order.
    let (told, left): (Vec<_>, Vec<_>) =
        items.into_iter().partition(|(_, _, item)| decided.reached.is_none_or(|reached| item.at >= reached));
    let next = match (decided.reached, left.first(), plan) {
        (None, _, PlanPlace::Over(_)) => None,
        (None, _, plan) => Some(Place { before: bound, plan }),
        (Some(reached), Some((head, part, _)), _) => {
            Some(Place { before: Some(reached), plan: PlanPlace::Part(head.made_at, head.plan_id.clone(), *part) })
        }
        (Some(reached), None, plan) => Some(Place { before: Some(reached), plan }),
    };
    let mut items: Vec<HistoryView> = decided.items;
    items.extend(told.into_iter().map(|(_, _, item)| item));
    items.sort_by_key(|one| Reverse(one.at));
    Ok(Answer::History(List { items, next: next.map(|place| write(&place)) }))
}

/// What people decided, and whether that is all of it down to the bound.
struct Decided {
    items: Vec<HistoryView>,
    /// The instant of the last one looked at, where older ones are left above the bound.
    reached: Option<Timestamp>,
}

/// Looks through the decisions from one instant back to another.
async fn by_people(
    table: &impl Table,
    doc: &DocId,
    before: Option<Timestamp>,
    bound: Option<Timestamp>,
) -> Result<Decided, ConsoleError> {
    let entries = newest_before(table, CATALOGUE, before, DECISIONS_LOOKED_AT).await?;
    let is_within = |at: Timestamp| bound.is_none_or(|bound| at >= bound);
    let last = entries.last().filter(|_| entries.len() == DECISIONS_LOOKED_AT).map(|entry| entry.at);
    let mut items = Vec::new();
    for entry in entries.into_iter().filter(|entry| is_within(entry.at)) {
        let (about, detail) = entry.on.split_once(": ").unwrap_or((&entry.on, ""));
        if about == doc.as_str() {
            let detail = detail.to_owned();
            items.push(HistoryView {
                at: entry.at,
                who: entry.who,
                what: entry.what,
                plan_id: None,
                changes: Vec::new(),
                detail,
            });
        }
    }
    Ok(Decided { items, reached: last.filter(|at| is_within(*at)) })
}

/// What plans did, each with its plan and part, and where to go on.
struct Found {
    items: Vec<(PlanHead, u64, HistoryView)>,
    next: PlanPlace,
}

/// Looks through the plans of all integrations: a record may have come from one that it comes from no more.
async fn by_plans(table: &impl Table, doc: &Doc, from: PlanPlace) -> Result<Found, ConsoleError> {
    let mut items = Vec::new();
    if let PlanPlace::Over(_) = from {
        return Ok(Found { items, next: from });
    }
    let (mut parts_read, mut items_seen) = (0, 0);
    for head in carried_out(table).await? {
        for part in parts_about(doc, &head) {
            if is_behind(&from, &head, part) {
                continue;
            }
            if parts_read >= PARTS_LOOKED_AT || items_seen >= ITEMS_LOOKED_AT || items.len() >= FOUND_ENOUGH {
                return Ok(Found { items, next: PlanPlace::Part(head.made_at, head.plan_id, part) });
            }
            parts_read += 1;
            for scope in plans::load_part(table, &head.owner, part).await? {
                items_seen += scope.items.len();
                let of_doc = scope.items.iter().filter(|item| item.doc_id.as_ref() == Some(&doc.id));
                items.extend(of_doc.map(|item| (head.clone(), part, view(&head, item))));
                if scope.items.iter().any(|item| made(item, &doc.id)) {
                    return Ok(Found { items, next: PlanPlace::Over(Some(head.made_at)) });
                }
            }
        }
    }
    Ok(Found { items, next: PlanPlace::Over(None) })
}

/// Returns the plans that were carried out, the newest first.
async fn carried_out(table: &impl Table) -> Result<Vec<PlanHead>, ConsoleError> {
    let mut heads = Vec::new();
    for integration in integrations::list(table).await? {
        heads.extend(plans::list(table, &integration.id).await?);
    }
    heads.retain(|head| matches!(head.state, PlanState::Applied | PlanState::Undone));
    heads.sort_by(|one, other| order(one).cmp(&order(other)));
    Ok(heads)
}

fn order(head: &PlanHead) -> (Reverse<Timestamp>, &PlanId) {
    (Reverse(head.made_at), &head.plan_id)
}

/// Returns the parts that may be about a record: of a run's plan users and clients are in part 0, what lies below a client
/// in the others; a plan of Finish has part 0 alone.
fn parts_about(doc: &Doc, head: &PlanHead) -> std::ops::RangeInclusive<u64> {
    match (doc.id.client(), &head.run) {
        (None, _) | (Some(_), None) => 0..=0,
        (Some(_), Some(_)) => 1..=head.parts,
    }
}

/// Says whether an earlier page told of a part.
fn is_behind(from: &PlanPlace, head: &PlanHead, part: u64) -> bool {
    match from {
        PlanPlace::Newest | PlanPlace::Over(_) => false,
        PlanPlace::Part(at, plan, first) => (order(head), part) < ((Reverse(*at), plan), *first),
    }
}

/// Says whether an item is the one that made the record: nothing happened to it before.
fn made(item: &Item, doc: &DocId) -> bool {
    item.action == Action::Create && item.doc_id.as_ref() == Some(doc) && item.doc_version == Some(0)
}

/// Writes a place as a cursor.
fn write(place: &Place) -> String {
    let instant = |at: &Timestamp| at.as_nanosecond().to_string();
    let before = place.before.as_ref().map(instant).unwrap_or_default();
    let [at, plan, part] = match &place.plan {
        PlanPlace::Newest => Default::default(),
        PlanPlace::Part(at, plan, part) => [instant(at), plan.to_string(), part.to_string()],
        PlanPlace::Over(made) => [made.as_ref().map(instant).unwrap_or_default(), String::new(), "over".to_owned()],
    };
    paging::cursor(&[&before, &at, &plan, &part])
}

/// Reads a cursor.
fn read(cursor: Option<String>) -> Result<Place, ConsoleError> {
    let Some(numbers) = paging::place(&Page { cursor, ..Page::default() }, 4)? else { return Ok(Place::default()) };
    let bad = || ConsoleError::new(Code::Usage, "no cursor of this history", "give the `next` of the page before");
    let instant = |text: &str| match text {
        "" => Ok(None),
        text => text.parse().ok().and_then(|at| Timestamp::from_nanosecond(at).ok()).map(Some).ok_or_else(bad),
    };
    let (before, at) = (instant(&numbers[0])?, instant(&numbers[1])?);
    let plan = match (at, numbers[2].as_str(), numbers[3].as_str()) {
        (None, "", "") => PlanPlace::Newest,
        (made, "", "over") => PlanPlace::Over(made),
        (Some(at), plan, part) => {
            let plan = PlanId::parse(plan).map_err(|_| bad())?;
            PlanPlace::Part(at, plan, part.parse().map_err(|_| bad())?)
        }
        _ => return Err(bad()),
    };
    Ok(Place { before, plan })
}

fn view(head: &PlanHead, item: &Item) -> HistoryView {
    let mut what = action(item.action).to_owned();
    if head.state == PlanState::Undone {
        what.push_str(", undone since");
    }
    HistoryView {
        at: head.made_at,
        who: head.plan_id.integration().to_string(),
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
