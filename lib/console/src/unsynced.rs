//! What is not in the documentation, and why.
//!
//! A page of 50,000 such records is read from the clients that have some: the digests of the last run say for each client how
//! many records ended with which reason, so clients without are passed over unread.

use engine::ports::Table;
use engine::store::catalogue;
use engine::store::digests::{self, Digests, Epochs};
use engine::store::integrations::Integration;
use engine::store::runs::{Slot, slot};
use reconcile::ids::{DocId, Scope};
use reconcile::reason::Reason;
use reconcile::record::Kind;

use crate::answer::Answer;
use crate::csv;
use crate::error::ConsoleError;
use crate::reader::{Read, Reader, Walk};
use crate::records::{kind_cursor, kind_place, revision, verified};
use crate::request::{Page, RecordFilter};
use crate::shown::shown;
use crate::views::{List, UnsyncedView};
use crate::{integrations, paging};

/// Returns the kinds that are looked through.
fn kinds_of(integration: &Integration, kind: Option<Kind>) -> Result<Vec<Kind>, ConsoleError> {
    match kind {
        Some(kind) => Ok(vec![kind]),
        None => {
            let vendor = integrations::vendor(&integration.vendor)?;
            Ok(Kind::ALL.into_iter().filter(|kind| vendor.kinds.contains(kind)).collect())
        }
    }
}

/// Returns why a record that the last read brought is not in the documentation as things stand, staged decisions apart.
fn reason_of(reader: &Reader<'_>, read: &Read) -> Option<Reason> {
    if read.entry.absent.is_some() {
        return None;
    }
    let mut entry = read.entry.clone();
    entry.mapping.staged = None;
    reader.reason(&entry, &read.standing)
}

/// Says whether a record is one that is asked for. The reason is looked at without what is staged: the reader's filter would
/// take a staged decision for done.
fn is_asked_for(reader: &Reader<'_>, read: &Read, filter: &RecordFilter) -> bool {
    let looked_through = RecordFilter { reason: None, ..filter.clone() };
    reader.finds(&looked_through, read)
        && reason_of(reader, read).is_some_and(|reason| filter.reason.is_none_or(|wanted| wanted == reason))
}

/// `unsynced`.
pub(crate) async fn list(
    table: &impl Table,
    id: &str,
    kind: Option<Kind>,
    filter: &RecordFilter,
    page: &Page,
) -> Result<Answer, ConsoleError> {
    let integration = verified(table, id).await?;
    let from = kind_place(page)?;
    let first = from.as_ref().map(|from| from.kind);
    let mut walk = Walk::page(from, paging::limit(page)?);
    let kinds = kinds_of(&integration, kind)?;
    let reader = read(table, &integration, &kinds, first, filter, &mut walk).await?;
    let next = walk.next().map(kind_cursor);
    Ok(Answer::Unsynced(List { items: views(table, &reader, &walk.found).await?, next }))
}

/// Goes on with a walk through the records of some kinds that are not in the documentation.
async fn read<'i>(
    table: &impl Table,
    integration: &'i Integration,
    kinds: &[Kind],
    first: Option<Kind>,
    filter: &RecordFilter,
    walk: &mut Walk,
) -> Result<Reader<'i>, ConsoleError> {
    let reader = Reader::look(table, integration, Kind::Asset).await?;
    for kind in kinds.iter().skip_while(|kind| first.is_some_and(|first| first != **kind)) {
        if walk.is_over() {
            break;
        }
        let scopes = scopes_with_some(table, &reader, *kind, filter.reason).await?;
        reader.walk(table, *kind, &scopes, walk, |read| is_asked_for(&reader, read, filter)).await?;
    }
    Ok(reader)
}

/// Returns the scopes that may hold unsynced records of a kind and reason. What the last run remembers of a scope counts
/// while no run is open and nothing was decided since; else every scope may.
async fn scopes_with_some(
    table: &impl Table,
    reader: &Reader<'_>,
    kind: Kind,
    reason: Option<Reason>,
) -> Result<Vec<Scope>, ConsoleError> {
    let integration = reader.integration;
    let epochs = Epochs { integration: integration.epoch, catalogue: catalogue::epoch(table).await? };
    let remembered = digests::load(table, &integration.id, kind, epochs).await?;
    let mut scopes = reader.scopes(kind, &remembered);
    if kind.is_below_client() && matches!(slot(table, &integration.id).await?, Slot::Free { .. }) {
        scopes.retain(|scope| may_have(&remembered, scope, reason));
    }
    Ok(scopes)
}

fn may_have(digests: &Digests, scope: &Scope, reason: Option<Reason>) -> bool {
    let Some(remembered) = digests.remembered(scope) else { return true };
    let counts = remembered.counts();
    match reason {
        Some(reason) => counts.reasons.get(&reason).is_some_and(|number| *number > 0),
        None => counts.unsynced > 0,
    }
}

/// Views of records of several scopes.
async fn views(table: &impl Table, reader: &Reader<'_>, some: &[Read]) -> Result<Vec<UnsyncedView>, ConsoleError> {
    let mut views = Vec::with_capacity(some.len());
    for read in some {
        let Some(reason) = reason_of(reader, read) else { continue };
        let mut view = view(reader, read, reason);
        for doc in &view.candidates {
            if let Some(doc) = catalogue::load(table, doc).await? {
                view.candidate_names.insert(doc.id, doc.name);
            }
        }
        views.push(view);
    }
    Ok(views)
}

fn view(reader: &Reader<'_>, read: &Read, reason: Reason) -> UnsyncedView {
    let record = &read.entry.record;
    let message = match (&record.malformed, reason) {
        (Some(field), Reason::MalformedRecord) => format!("{}: the field {}", reason.text(), shown(field)),
        _ => reason.text().to_owned(),
    };
    let wanted = reader.wanted(&read.entry, &read.standing);
    UnsyncedView {
        kind: record.kind,
        vendor_id: record.vendor_id.clone(),
        name: record.name.clone(),
        client_vendor_id: record.client.clone(),
        client_name: record.client.as_ref().and_then(|id| reader.client_name(id)).map(str::to_owned),
        reason,
        message,
        fix: reason.fix().to_owned(),
        candidates: read.entry.mapping.candidates.clone(),
        candidate_names: Default::default(),
        staged: wanted.is_staged.then_some(wanted.state),
        revision: revision(&read.entry),
    }
}

/// `unsynced --csv`.
pub(crate) async fn csv(
    table: &impl Table,
    id: &str,
    kind: Option<Kind>,
    filter: &RecordFilter,
) -> Result<Answer, ConsoleError> {
    let integration = verified(table, id).await?;
    let kinds = kinds_of(&integration, kind)?;
    let mut walk = Walk::everything();
    let reader = read(table, &integration, &kinds, None, filter, &mut walk).await?;
    let row = |read: &Read| {
        let view = view(&reader, read, reason_of(&reader, read)?);
        let candidates: Vec<&str> = view.candidates.iter().map(DocId::as_str).collect();
        Some(vec![
            view.kind.code().to_owned(),
            view.vendor_id.to_string(),
            view.name,
            view.client_vendor_id.map(|id| id.to_string()).unwrap_or_default(),
            view.reason.code().to_owned(),
            view.message,
            view.fix,
            candidates.join("; "),
        ])
    };
    let rows: Vec<Vec<String>> = walk.found.iter().filter_map(row).collect();
    let header = ["kind", "vendor_id", "name", "client_vendor_id", "reason", "message", "fix", "candidates"];
    Ok(Answer::Csv(csv::write(&header, rows)))
}
