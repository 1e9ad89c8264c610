//! Listing vendor records: all of them with their states, or those that are not in the documentation with the reasons.

use std::collections::BTreeMap;

use engine::ports::Table;
use engine::store::catalogue::{self, Shelf};
use engine::store::integrations::{Integration, IntegrationState};
use reconcile::doc::Doc;
use reconcile::ids::{DocId, Scope, VendorId};
use reconcile::mapping::State;
use reconcile::reason::Reason;
use reconcile::record::Kind;
use reconcile::suggest::{Index, Suggestion, free};

use crate::answer::Answer;
use crate::csv;
use crate::error::ConsoleError;
use crate::reader::{From, Read, Reader, client_of};
use crate::request::{Page, RecordFilter};
use crate::shown::shown;
use crate::views::{List, RecordView, SuggestionView, UnsyncedView};
use crate::{find, integrations, paging};

/// Finds an integration that was verified.
async fn verified(table: &impl Table, id: &str) -> Result<Integration, ConsoleError> {
    let integration = find::integration(table, id).await?;
    if integration.state == IntegrationState::Draft && integration.resumes_to.is_none() {
        return Err(integrations::not_verified(&integration));
    }
    Ok(integration)
}

/// `records`.
pub(crate) async fn list(
    table: &impl Table,
    id: &str,
    kind: Kind,
    filter: &RecordFilter,
    page: &Page,
) -> Result<Answer, ConsoleError> {
    let integration = verified(table, id).await?;
    let limit = paging::limit(page)?;
    let from = paging::place(page, 2)?.map(|place| From { client: place[0].clone(), vendor_id: place[1].clone() });
    let reader = Reader::load(table, &integration, kind).await?;
    let mut found = reader.read(table, kind, filter, from.as_ref(), limit).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|read| {
        let vendor_id = read.entry.record.vendor_id.as_str();
        paging::cursor(&[client_of(&read.scope), vendor_id])
    });
    let mut items = Vec::new();
    let mut rest = found.as_slice();
    while let Some(first) = rest.first() {
        let count = rest.iter().take_while(|read| read.scope == first.scope).count();
        let (some, others) = rest.split_at(count);
        items.extend(views(table, &integration, &reader, some).await?);
        rest = others;
    }
    Ok(Answer::Records(List { items, next }))
}

/// Views of records of one scope, with what the catalogue has that they could be.
async fn views(
    table: &impl Table,
    integration: &Integration,
    reader: &Reader<'_>,
    some: &[Read],
) -> Result<Vec<RecordView>, ConsoleError> {
    let Some(first) = some.first() else { return Ok(Vec::new()) };
    let docs = match Shelf::for_scope(&first.scope, &first.standing) {
        Some(shelf) => catalogue::load_shelf(table, &shelf).await?.docs,
        None => BTreeMap::new(),
    };
    let unmatched: Vec<&Read> =
        some.iter().filter(|read| reader.wanted(&read.entry, &read.standing).state == State::Unmatched).collect();
    let mut suggestions = suggest(integration, &unmatched, &docs);
    let views = some.iter().map(|read| {
        let mut view = view(reader, read, &docs);
        view.suggestion = suggestions.remove(&view.vendor_id);
        view
    });
    Ok(views.collect())
}

/// Returns the best suggestion for each record that has one, by vendor id.
fn suggest(
    integration: &Integration,
    unmatched: &[&Read],
    docs: &BTreeMap<DocId, Doc>,
) -> BTreeMap<VendorId, SuggestionView> {
    let Some(kind) = unmatched.first().map(|read| read.entry.record.kind) else { return BTreeMap::new() };
    let in_use = docs.values().filter(|doc| !doc.archived);
    let index = Index::new(kind, free(&integration.id, in_use));
    let mut best = BTreeMap::new();
    for read in unmatched {
        let record = &read.entry.record;
        if let Some(suggestion) = index.suggest(record, 1).0.into_iter().next() {
            let Suggestion { doc_id, name, score, rule } = suggestion;
            best.insert(record.vendor_id.clone(), SuggestionView { doc_id, name, score, rule });
        }
    }
    best
}

fn view(reader: &Reader<'_>, read: &Read, docs: &BTreeMap<DocId, Doc>) -> RecordView {
    let record = &read.entry.record;
    let wanted = reader.wanted(&read.entry, &read.standing);
    let doc = wanted.doc.as_ref().and_then(|id| docs.get(id));
    RecordView {
        vendor_id: record.vendor_id.clone(),
        kind: record.kind,
        name: record.name.clone(),
        client_vendor_id: record.client.clone(),
        state: wanted.state,
        staged: wanted.is_staged,
        reason: reader.reason(&read.entry, &read.standing),
        candidates: if wanted.is_staged { Vec::new() } else { read.entry.mapping.candidates.clone() },
        suggestion: None,
        fields: record.fields.clone(),
        new: read.entry.is_new,
        stale: read.entry.is_stale(),
        doc_name: doc.map(|doc| doc.name.clone()).filter(|name| *name != record.name),
        doc_id: wanted.doc,
    }
}

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
fn unsynced_reason(reader: &Reader<'_>, read: &Read) -> Option<Reason> {
    if read.entry.absent.is_some() {
        return None;
    }
    let mut entry = read.entry.clone();
    entry.mapping.staged = None;
    reader.reason(&entry, &read.standing)
}

/// `unsynced`.
pub(crate) async fn unsynced(
    table: &impl Table,
    id: &str,
    kind: Option<Kind>,
    filter: &RecordFilter,
    page: &Page,
) -> Result<Answer, ConsoleError> {
    let integration = verified(table, id).await?;
    let limit = paging::limit(page)?;
    let place = paging::place(page, 3)?;
    let mut items: Vec<(Scope, UnsyncedView)> = Vec::new();
    let mut is_skipping = place.is_some();
    for kind in kinds_of(&integration, kind)? {
        let from = match &place {
            Some(place) if is_skipping && place[0] == kind.code() => {
                is_skipping = false;
                Some(From { client: place[1].clone(), vendor_id: place[2].clone() })
            }
            _ if is_skipping => continue,
            _ => None,
        };
        items.extend(unsynced_of(table, &integration, kind, filter, from.as_ref(), limit + 1 - items.len()).await?);
        if items.len() > limit {
            break;
        }
    }
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items
        .last()
        .filter(|_| more)
        .map(|(scope, view)| paging::cursor(&[view.kind.code(), client_of(scope), view.vendor_id.as_str()]));
    Ok(Answer::Unsynced(List { items: items.into_iter().map(|(_, view)| view).collect(), next }))
}

/// Reads at most `count` records of one kind that are not in the documentation.
async fn unsynced_of(
    table: &impl Table,
    integration: &Integration,
    kind: Kind,
    filter: &RecordFilter,
    from: Option<&From>,
    count: usize,
) -> Result<Vec<(Scope, UnsyncedView)>, ConsoleError> {
    let reader = Reader::load(table, integration, kind).await?;
    // The reason is looked at here: the reader's filter would take a staged decision for done.
    let looked_through = RecordFilter { reason: None, ..filter.clone() };
    let mut items = Vec::new();
    for read in reader.read(table, kind, &looked_through, from, usize::MAX).await? {
        let Some(reason) = unsynced_reason(&reader, &read) else { continue };
        if filter.reason.is_some_and(|wanted| wanted != reason) {
            continue;
        }
        let record = read.entry.record;
        let message = match (&record.malformed, reason) {
            (Some(field), Reason::MalformedRecord) => format!("{}: the field {}", reason.text(), shown(field)),
            _ => reason.text().to_owned(),
        };
        let view = UnsyncedView {
            kind,
            vendor_id: record.vendor_id,
            name: record.name,
            client_vendor_id: record.client,
            reason,
            message,
            fix: reason.fix().to_owned(),
            candidates: read.entry.mapping.candidates,
        };
        items.push((read.scope, view));
        if items.len() == count {
            break;
        }
    }
    Ok(items)
}

/// `unsynced --csv`.
pub(crate) async fn unsynced_csv(table: &impl Table, id: &str) -> Result<Answer, ConsoleError> {
    let integration = verified(table, id).await?;
    let mut rows = Vec::new();
    for kind in kinds_of(&integration, None)? {
        let all = unsynced_of(table, &integration, kind, &RecordFilter::default(), None, usize::MAX).await?;
        rows.extend(all.into_iter().map(|(_, view)| {
            let candidates: Vec<&str> = view.candidates.iter().map(DocId::as_str).collect();
            vec![
                kind.code().to_owned(),
                view.vendor_id.to_string(),
                view.name,
                view.client_vendor_id.map(|id| id.to_string()).unwrap_or_default(),
                view.reason.code().to_owned(),
                view.message,
                view.fix,
                candidates.join("; "),
            ]
        }));
    }
    let header = ["kind", "vendor_id", "name", "client_vendor_id", "reason", "message", "fix", "candidates"];
    Ok(Answer::Csv(csv::write(&header, rows)))
}
