//! Which requests are decisions, and what the audit log keeps of them: ids and counts, no personal data, no secrets.

use engine::ports::{Clock, Table};
use engine::store::audit::{AuditEntry, append as append_entry, newest_before};
use engine::store::integrations;
use jiff::Timestamp;
use reconcile::record::Kind;

use crate::answer::Answer;
use crate::error::{Code, ConsoleError};
use crate::handle::Deps;
use crate::paging;
use crate::request::{Choice, Deciding, Page, Request, Selection, SyncTarget};
use crate::roles::{self, Actor, Role};
use crate::views::{AuditView, List};

/// The log of decisions about the catalogue itself.
pub(crate) const CATALOGUE: &str = "catalogue";

/// The log of who came in, went out or was turned away; no integration can have that name.
const SIGN_INS: &str = "sign_in";

/// So many ids are named in one entry.
const IDS_NAMED_MAX: usize = 20;

/// What is to be noted about a request once it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// Whose log.
    subject: String,
    what: &'static str,
    on: String,
}

/// Returns what to note about a request; `None` for one that only looks.
pub(crate) fn note(request: &Request) -> Option<Note> {
    let (what, _) = roles::rule(request);
    let of = |id: &str, on: String| Some(Note { subject: id.to_owned(), what, on });
    let owner = |plan: &str| plan.split('.').next().unwrap_or_default().to_owned();
    match request {
        Request::IntegrationAdd { id, vendor, .. } => of(id, format!("{id}, vendor {vendor}")),
        Request::IntegrationRemove { id }
        | Request::Pause { id }
        | Request::Resume { id }
        | Request::SecretRotate { id, .. }
        | Request::MappingsImport { id, .. } => of(id, id.clone()),
        Request::Verify { id } => of(id, id.clone()),
        Request::IntegrationSet { id, change } => {
            let mut parts: Vec<String> = change.settings.keys().map(|name| format!("setting {name}")).collect();
            let switches = [
                ("sync", change.sync.is_some()),
                ("auto-create", change.auto_create.is_some()),
                ("types", change.types.is_some()),
                ("schedule", change.schedule.is_some()),
                ("time-zone", change.time_zone.is_some()),
                ("archive-stale", change.archive_stale.is_some()),
            ];
            parts.extend(switches.iter().filter(|(_, given)| *given).map(|(name, _)| (*name).to_owned()));
            of(id, format!("{id}: {}", parts.join(", ")))
        }
        Request::Sync { target, force } => {
            let forced = if *force { ", forced" } else { "" };
            match target {
                SyncTarget::All => of(CATALOGUE, format!("all integrations{forced}")),
                SyncTarget::Ids(ids) => of(ids.first()?, format!("{}{forced}", named(ids))),
            }
        }
        Request::AutoMatch { id, kind } | Request::CreateUnmatched { id, kind } => {
            of(id, kind.map_or_else(|| id.clone(), |kind| format!("{id}, {kind}")))
        }
        Request::Match { id, kind, vendor_id, doc_id } => of(id, format!("{kind} {vendor_id} with {doc_id}")),
        Request::Create { id, kind, records }
        | Request::Exclude { id, kind, records }
        | Request::Reset { id, kind, records } => match records {
            Selection::Ids(ids) => of(id, format!("{kind} {}", named(ids))),
            Selection::Filter(_) => of(id, format!("{kind}, by filter")),
        },
        Request::Decide { id, kind, decisions } => of(id, decided(*kind, decisions)),
        Request::Finish { id, plan, .. } => of(id, plan.clone().unwrap_or_else(|| "the current plan".to_owned())),
        Request::PlanApprove { plan } | Request::PlanDiscard { plan } | Request::Undo { plan } => {
            of(&owner(plan), plan.clone())
        }
        Request::DocsImport { kind, .. } => of(CATALOGUE, kind.code().to_owned()),
        Request::DocsEdit { doc, set, release } => {
            let fields: Vec<&str> = set.keys().chain(release).map(String::as_str).collect();
            of(CATALOGUE, format!("{doc}: {}", fields.join(", ")))
        }
        Request::DocsArchive { doc } | Request::DocsRestore { doc } => of(CATALOGUE, doc.clone()),
        Request::IntegrationList { .. }
        | Request::IntegrationShow { .. }
        | Request::Types { .. }
        | Request::Records { .. }
        | Request::Wizard { .. }
        | Request::Candidates { .. }
        | Request::Preview { .. }
        | Request::Plans { .. }
        | Request::PlanShow { .. }
        | Request::Status { .. }
        | Request::Runs { .. }
        | Request::RunShow { .. }
        | Request::Unsynced { .. }
        | Request::UnsyncedExport { .. }
        | Request::DocsList { .. }
        | Request::DocsShow { .. }
        | Request::DocsHistory { .. }
        | Request::DocsExport { .. }
        | Request::MappingsExport { .. }
        | Request::Audit { .. } => None,
    }
}

/// `client: match 12 with c_…, create 13, 14`.
fn decided(kind: Kind, decisions: &[Deciding]) -> String {
    let of = |choice: &Choice| -> Vec<String> {
        decisions.iter().filter(|one| one.choice == *choice).map(|one| one.vendor_id.clone()).collect()
    };
    let matched = decisions.iter().filter_map(|one| match &one.choice {
        Choice::Match(doc) => Some(format!("match {} with {doc}", one.vendor_id)),
        Choice::Create | Choice::Exclude | Choice::Reset => None,
    });
    let others = [("create", Choice::Create), ("exclude", Choice::Exclude), ("reset", Choice::Reset)];
    let others = others.iter().map(|(word, choice)| (word, of(choice))).filter(|(_, ids)| !ids.is_empty());
    let all: Vec<String> =
        matched.take(IDS_NAMED_MAX).chain(others.map(|(word, ids)| format!("{word} {}", named(&ids)))).collect();
    format!("{kind}: {}", all.join(", "))
}

fn named(ids: &[String]) -> String {
    let shown: Vec<&str> = ids.iter().take(IDS_NAMED_MAX).map(String::as_str).collect();
    let more = ids.len().saturating_sub(IDS_NAMED_MAX);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

/// Writes a note into its log.
pub(crate) async fn append<D: Deps>(deps: &D, who: &Actor, note: Note) -> Result<(), ConsoleError> {
    let entry = AuditEntry { at: deps.clock().now(), who: who.name.clone(), what: note.what.to_owned(), on: note.on };
    Ok(append_entry(deps.table(), &note.subject, &entry).await?)
}

/// Notes that somebody came in, went out or was turned away.
pub async fn note_sign_in<D: Deps>(deps: &D, who: &str, what: &'static str, how: &str) -> Result<(), ConsoleError> {
    let note = Note { subject: SIGN_INS.to_owned(), what, on: how.to_owned() };
    append(deps, &Actor { name: who.to_owned(), role: Role::Viewer }, note).await
}

/// Lists the newest entries of all logs together.
pub(crate) async fn list(table: &impl Table, page: &Page) -> Result<Answer, ConsoleError> {
    let limit = paging::limit(page)?;
    let no_cursor = || ConsoleError::new(Code::Usage, "no cursor of this list", "give the `next` of the page before");
    let before = match paging::place(page, 1)? {
        Some(place) => Some(place[0].parse::<Timestamp>().map_err(|_| no_cursor())?),
        None => None,
    };
    let mut subjects = vec![CATALOGUE.to_owned(), SIGN_INS.to_owned()];
    subjects.extend(integrations::list(table).await?.into_iter().map(|integration| integration.id.to_string()));
    let mut items = Vec::new();
    for subject in &subjects {
        let entries = newest_before(table, subject, before, limit + 1).await?;
        items.extend(entries.into_iter().map(|entry| AuditView {
            at: entry.at,
            who: entry.who,
            what: entry.what,
            about: subject.clone(),
            detail: entry.on,
        }));
    }
    items.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|entry: &AuditView| paging::cursor(&[&entry.at.to_string()]));
    Ok(Answer::Audit(List { items, next }))
}
