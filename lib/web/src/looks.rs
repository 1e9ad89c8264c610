//! Pages that are looked at. Nothing here orders anything.

use console::answer::Answer;
use console::error::{Code, ConsoleError};
use console::handle::Deps;
use console::request::{Page, RecordFilter, Request};
use console::views::{IntegrationView, StatusView};
use pages::{
    Notice, Visitor, adding, audit, catalogue, home, integration, links, matching, picking, plans, preview, runs,
    unsynced,
};
use reconcile::mapping::State;
use reconcile::reason::Reason;
use reconcile::record::Kind;

use crate::form::Form;
use crate::visit::{Visit, unexpected};

/// Rows of a page.
const ROWS: usize = 100;
/// So many runs are listed and drawn at once.
const RUNS: usize = 40;

/// What is looked at.
#[derive(Debug)]
pub(crate) enum Look {
    /// A page.
    Page(String),
    /// Somewhere else.
    To(String),
    /// A file with its name.
    Csv(String, String),
}

/// Asks, and takes the answer of the variant that belongs to the question.
macro_rules! ask {
    ($visit:expr, $request:expr, $variant:ident) => {
        match $visit.ask($request).await? {
            Answer::$variant(view) => view,
            other => return Err(unexpected(&other)),
        }
    };
}

/// Returns what lies at a path.
pub(crate) async fn look<D: Deps + 'static>(
    visit: &Visit<D>,
    parts: &[&str],
    query: &Form,
) -> Result<Look, ConsoleError> {
    let mut visitor = visit.visitor();
    let page = match parts {
        ["i", id, "unsynced.csv"] => {
            let (kind, filter) = (Kind::from_code(query.one("kind")), filter(query));
            let text = ask!(visit, Request::UnsyncedExport { id: (*id).to_owned(), kind, filter }, Csv);
            return Ok(Look::Csv(format!("{id}-unsynced.csv"), text));
        }
        ["catalogue.csv"] => {
            let kind = kind(query.one("kind"))?;
            let text = ask!(visit, Request::DocsExport { kind }, Csv);
            return Ok(Look::Csv(format!("{kind}s.csv"), text));
        }
        ["i", id, "match"] => {
            let view = show(visit, id).await?;
            let first = matching::kinds(&view).first().copied();
            return Ok(Look::To(match first {
                Some(kind) => links::matching(&view.integration, kind),
                None => links::integration(&view.integration, "preview"),
            }));
        }
        [] => {
            visitor.notice = visit.notice();
            home_page(visit, &visitor).await?
        }
        ["i", id, "preview"] if query.given("cursor").is_some() => {
            visitor.notice = visit.notice();
            match of_integration(visit, &visitor, &parts[1..], query).await {
                // The page belongs to a plan that is no more; the present one is looked at from its beginning.
                Err(error) if error.code == Code::PlanOutdated => {
                    visit.tell(Notice::from(&error));
                    return Ok(Look::To(links::integration(id, "preview")));
                }
                page => page?,
            }
        }
        ["i", rest @ ..] => {
            visitor.notice = visit.notice();
            of_integration(visit, &visitor, rest, query).await?
        }
        rest => {
            visitor.notice = visit.notice();
            elsewhere(visit, &visitor, rest, query).await?
        }
    };
    Ok(Look::Page(page))
}

async fn of_integration<D: Deps + 'static>(
    visit: &Visit<D>,
    visitor: &Visitor,
    parts: &[&str],
    query: &Form,
) -> Result<String, ConsoleError> {
    let Some(id) = parts.first() else { return Err(nowhere()) };
    let view = show(visit, id).await?;
    let id = view.integration.to_string();
    let doing = visit.site.doings.of(&id);
    match &parts[1..] {
        [] => settings_page(visit, visitor, &view).await,
        ["match", kind_word] => matching_page(visit, visitor, &view, kind(kind_word)?, query).await,
        ["match", kind_word, "pick"] => pick_page(visit, visitor, &view, kind(kind_word)?, query).await,
        ["preview"] => {
            let plan = ask!(visit, Request::Preview { id, page: page(query) }, Plan);
            Ok(preview::page(visitor, &view, &plan, doing.as_ref()))
        }
        ["unsynced"] => unsynced_page(visit, visitor, &view, query).await,
        ["plans"] => {
            let list = ask!(visit, Request::Plans { id, page: page(query) }, Plans);
            Ok(plans::list(visitor, &view, &list))
        }
        ["runs"] => {
            let page = Page { limit: RUNS, ..page(query) };
            let list = ask!(visit, Request::Runs { id: Some(id), page }, Runs);
            Ok(runs::list(visitor, &view, &list))
        }
        _ => Err(nowhere()),
    }
}

async fn elsewhere<D: Deps + 'static>(
    visit: &Visit<D>,
    visitor: &Visitor,
    parts: &[&str],
    query: &Form,
) -> Result<String, ConsoleError> {
    match parts {
        ["add"] => match query.given("vendor") {
            None => Ok(adding::choose(visitor)),
            Some(id) => match apis::vendors::find(id) {
                Some(vendor) => Ok(adding::form(visitor, vendor, &adding::Typed::default(), None)),
                None => Err(nowhere()),
            },
        },
        ["run", run] => {
            let run = ask!(visit, Request::RunShow { run: (*run).to_owned() }, Run);
            let view = show(visit, run.integration.as_str()).await?;
            let doing = visit.site.doings.of(run.integration.as_str());
            Ok(runs::page(visitor, &view, &run, doing.as_ref()))
        }
        ["plan", plan] => {
            let plan = ask!(visit, Request::PlanShow { plan: (*plan).to_owned(), page: page(query) }, Plan);
            let view = show(visit, plan.integration.as_str()).await?;
            let doing = visit.site.doings.of(plan.integration.as_str());
            Ok(plans::page(visitor, &view, &plan, doing.as_ref()))
        }
        ["catalogue"] => catalogue_page(visit, visitor, query).await,
        ["doc", doc] => {
            let doc = ask!(visit, Request::DocsShow { doc: (*doc).to_owned() }, Doc);
            let client = match &doc.client_doc_id {
                Some(client) => Some(ask!(visit, Request::DocsShow { doc: client.to_string() }, Doc)),
                None => None,
            };
            let cursor = query.given("cursor").map(str::to_owned);
            let begins = if cursor.is_some() { catalogue::Begins::Earlier } else { catalogue::Begins::Newest };
            let history = ask!(visit, Request::DocsHistory { doc: doc.doc_id.to_string(), cursor }, History);
            Ok(catalogue::record(visitor, &doc, client.as_ref(), (&history, begins)))
        }
        ["audit"] => {
            let list = ask!(visit, Request::Audit { page: page(query) }, Audit);
            Ok(audit::page(visitor, &list))
        }
        _ => Err(nowhere()),
    }
}

async fn home_page<D: Deps + 'static>(visit: &Visit<D>, visitor: &Visitor) -> Result<String, ConsoleError> {
    let list = ask!(visit, Request::Status { id: None, page: Page::default() }, Status);
    let card = |status: StatusView| home::Card { doing: visit.site.doings.of(status.integration.as_str()), status };
    let cards: Vec<home::Card> = list.items.into_iter().map(card).collect();
    Ok(home::page(visitor, &cards))
}

async fn settings_page<D: Deps + 'static>(
    visit: &Visit<D>,
    visitor: &Visitor,
    view: &IntegrationView,
) -> Result<String, ConsoleError> {
    let id = view.integration.as_str();
    let Some(vendor) = apis::vendors::find(&view.vendor) else { return Err(nowhere()) };
    let status = status(visit, id).await?;
    let types = match &view.types {
        // Who only looks may not have the vendor asked, and chooses none.
        Some(_) if !visitor.may_decide() => None,
        Some(_) if status.last_run.is_some() => {
            Some(ask!(visit, Request::Types { id: id.to_owned(), page: Page::default() }, Types).items)
        }
        Some(_) => Some(Vec::new()),
        None => None,
    };
    let verdict = visit.verdict(id);
    let doing = visit.site.doings.of(id);
    Ok(integration::page(
        visitor,
        &integration::Settings {
            view,
            vendor,
            types: types.as_deref(),
            verdict: verdict.as_ref(),
            was_read: status.last_run.is_some(),
            doing: doing.as_ref(),
        },
    ))
}

async fn matching_page<D: Deps + 'static>(
    visit: &Visit<D>,
    visitor: &Visitor,
    view: &IntegrationView,
    kind: Kind,
    query: &Form,
) -> Result<String, ConsoleError> {
    let asked = matching::Asked {
        state: State::from_code(query.one("state")),
        new: query.one("new") == "yes",
        reason: Reason::from_code(query.one("reason")),
        search: query.one("search").to_owned(),
        cursor: query.one("cursor").to_owned(),
    };
    let id = view.integration.to_string();
    let request = Request::Wizard { id, kind, filter: filter(query), page: page(query) };
    let wizard = ask!(visit, request, Wizard);
    Ok(matching::page(visitor, &matching::Matching { view, kind, asked: &asked, wizard: &wizard }))
}

async fn pick_page<D: Deps + 'static>(
    visit: &Visit<D>,
    visitor: &Visitor,
    view: &IntegrationView,
    kind: Kind,
    query: &Form,
) -> Result<String, ConsoleError> {
    let request = Request::Candidates {
        id: view.integration.to_string(),
        kind,
        vendor_id: query.one("record").to_owned(),
        client: query.given("client").map(str::to_owned),
        search: query.given("search").map(str::to_owned),
    };
    let candidates = ask!(visit, request, Candidates);
    let back = own_path(query.one("back"), &links::matching(&view.integration, kind));
    let of = picking::Picking { view, candidates: &candidates, search: query.one("search"), back: &back };
    Ok(picking::page(visitor, &of))
}

async fn unsynced_page<D: Deps + 'static>(
    visit: &Visit<D>,
    visitor: &Visitor,
    view: &IntegrationView,
    query: &Form,
) -> Result<String, ConsoleError> {
    let id = view.integration.to_string();
    let asked = unsynced::Asked {
        kind: Kind::from_code(query.one("kind")),
        reason: Reason::from_code(query.one("reason")),
        search: query.one("search").to_owned(),
        cursor: query.one("cursor").to_owned(),
    };
    let request = Request::Unsynced { id: id.clone(), kind: asked.kind, filter: filter(query), page: page(query) };
    let list = ask!(visit, request, Unsynced);
    // The newest run may be under way and have no counts yet.
    let runs = ask!(visit, Request::Runs { id: Some(id), page: Page { limit: 2, cursor: None } }, Runs);
    let last_run = runs.items.iter().find(|run| !run.counts.is_empty());
    Ok(unsynced::page(visitor, &unsynced::Unsynced { view, asked: &asked, list: &list, last_run }))
}

/// Reads which records are asked for.
pub(crate) fn filter(query: &Form) -> RecordFilter {
    RecordFilter {
        state: State::from_code(query.one("state")),
        reason: Reason::from_code(query.one("reason")),
        search: query.given("search").map(str::to_owned),
        new: query.one("new") == "yes",
    }
}

/// Returns a path that a form or a link carries, if it is one of an integration's pages; a path of ours, whatever it says.
pub(crate) fn own_path(path: &str, otherwise: &str) -> String {
    let is_ours = path.starts_with("/i/") && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_ours { path.to_owned() } else { otherwise.to_owned() }
}

async fn catalogue_page<D: Deps + 'static>(
    visit: &Visit<D>,
    visitor: &Visitor,
    query: &Form,
) -> Result<String, ConsoleError> {
    let kind = Kind::from_code(query.one("kind")).unwrap_or(Kind::Client);
    let client = match query.given("client") {
        Some(doc) => Some(ask!(visit, Request::DocsShow { doc: doc.to_owned() }, Doc)),
        None => None,
    };
    let request = Request::DocsList {
        kind,
        client: query.given("client").map(str::to_owned),
        search: query.given("search").map(str::to_owned),
        page: page(query),
    };
    let list = ask!(visit, request, Docs);
    let of = catalogue::Listing { kind, client: client.as_ref(), search: query.one("search"), list: &list };
    Ok(catalogue::list(visitor, &of))
}

/// Returns an integration.
pub(crate) async fn show<D: Deps + 'static>(visit: &Visit<D>, id: &str) -> Result<IntegrationView, ConsoleError> {
    Ok(ask!(visit, Request::IntegrationShow { id: id.to_owned() }, Integration))
}

async fn status<D: Deps + 'static>(visit: &Visit<D>, id: &str) -> Result<StatusView, ConsoleError> {
    let list = ask!(visit, Request::Status { id: Some(id.to_owned()), page: Page::default() }, Status);
    list.items.into_iter().next().ok_or_else(nowhere)
}

fn page(query: &Form) -> Page {
    Page { limit: ROWS, cursor: query.given("cursor").map(str::to_owned) }
}

/// Reads a kind.
pub(crate) fn kind(word: &str) -> Result<Kind, ConsoleError> {
    Kind::from_code(word).ok_or_else(nowhere)
}

/// Says that there is no such page.
pub(crate) fn nowhere() -> ConsoleError {
    ConsoleError::new(Code::NotFound, "there is no such page", "it may have been removed meanwhile")
}
