//! What the pages look at on which users and clients are decided about: a page of them with counts, and what one of them could
//! be matched with.

use std::collections::BTreeMap;

use engine::ports::Table;
use engine::store::catalogue::{self, Shelf};
use engine::store::integrations::Integration;
use engine::store::names;
use engine::store::runs::history;
use engine::store::{entries, roster};
use reconcile::doc::Doc;
use reconcile::ids::{Scope, VendorId};
use reconcile::mapping::State;
use reconcile::ownership::resolve;
use reconcile::plan::Standing;
use reconcile::reason::Reason;
use reconcile::record::{Field, Kind};
use reconcile::suggest::{Index, free};

use crate::answer::Answer;
use crate::error::{Code, ConsoleError};
use crate::reader::{Read, Reader};
use crate::records::{self, found_in, free_docs, top_page, verified};
use crate::request::{Page, RecordFilter};
use crate::views::{CandidateView, CandidatesView, WizardView};

/// So many candidates are shown at once.
const CANDIDATES_MAX: usize = 8;

/// A page of users or clients.
pub(crate) async fn page(
    table: &impl Table,
    id: &str,
    kind: Kind,
    filter: &RecordFilter,
    page: &Page,
) -> Result<Answer, ConsoleError> {
    let integration = verified(table, id).await?;
    if kind.is_below_client() {
        let message = format!("a {kind} is matched by itself; `unsynced {id}` shows those that are not");
        return Err(ConsoleError::new(Code::Usage, message, "users and clients are decided about one by one"));
    }
    let reader = Reader::look(table, &integration, kind).await?;
    let roster = roster::load(table, &integration.id, kind).await?;
    let found = found_in(&reader, &roster, filter);
    let list = top_page(table, &reader, kind, &roster, &found, page).await?;
    let mut view = WizardView {
        items: list.items,
        next: list.next,
        found: found.len() as u64,
        counts: BTreeMap::new(),
        new: 0,
        ambiguous: 0,
        staged: 0,
        was_read: !roster.is_empty() || !history(table, &integration.id, None, 1).await?.0.is_empty(),
    };
    for line in roster.values() {
        let wanted = reader.wanted(line, &Standing::Top);
        *view.counts.entry(wanted.state).or_default() += 1;
        view.new += u64::from(line.is_new);
        view.staged += u64::from(wanted.is_staged);
        let reason = reader.reason(line, &Standing::Top);
        let is_ambiguous = matches!(reason, Some(Reason::AmbiguousName | Reason::AmbiguousMatch));
        view.ambiguous += u64::from(wanted.state == State::Unmatched && is_ambiguous);
    }
    Ok(Answer::Wizard(view))
}

/// The record that candidates are asked for, and what they are searched by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// Its kind.
    pub kind: Kind,
    /// Its vendor id.
    pub vendor_id: &'a str,
    /// Its client's.
    pub client: Option<&'a str>,
    /// A part of a name.
    pub search: Option<&'a str>,
}

/// The documentation records that a vendor record could be matched with: the nearest, or those whose name holds a text.
pub(crate) async fn candidates(table: &impl Table, id: &str, of: &Asked<'_>) -> Result<Answer, ConsoleError> {
    let integration = verified(table, id).await?;
    let (reader, read) = one(table, &integration, of.kind, of.vendor_id, of.client).await?;
    let shelf = Shelf::for_scope(&read.scope, &read.standing);
    let docs: Vec<Doc> = match &shelf {
        Some(shelf @ (Shelf::Clients | Shelf::Users)) => free_docs(&names::load(table, shelf).await?, &integration),
        Some(shelf) => {
            let docs = catalogue::load_shelf(table, shelf).await?.docs;
            let in_use = docs.values().filter(|doc| !doc.archived && doc.kind() == of.kind);
            free(&integration.id, in_use).into_iter().cloned().collect()
        }
        None => Vec::new(),
    };
    let search = of.search.map(str::to_lowercase).filter(|text| !text.trim().is_empty());
    let mut items = match search {
        Some(text) => searched(&docs, text.trim()),
        None => near(&docs, &read),
    };
    let more = items.len() > CANDIDATES_MAX;
    items.truncate(CANDIDATES_MAX);
    let name = match read.entry.mapping.doc.as_ref() {
        Some(doc) => catalogue::load(table, doc).await?.map(|doc| doc.name),
        None => None,
    };
    let record = records::view(&reader, &read, |_| name.as_deref());
    Ok(Answer::Candidates(CandidatesView { record, items, more }))
}

/// Reads one record of which the client is known.
pub(crate) async fn one<'i>(
    table: &impl Table,
    integration: &'i Integration,
    kind: Kind,
    vendor_id: &str,
    client: Option<&str>,
) -> Result<(Reader<'i>, Read), ConsoleError> {
    let not_found = || {
        let message = format!("there is no {kind} with the vendor id {vendor_id:?}");
        ConsoleError::new(
            Code::NotFound,
            message,
            format!("`records {} --kind {kind}` shows what was read", integration.id),
        )
    };
    let client = client.and_then(|client| VendorId::parse(client).ok());
    let scope = Scope::of(kind, client.as_ref()).ok_or_else(not_found)?;
    let clients: Vec<VendorId> = client.into_iter().collect();
    let reader = Reader::of_clients(table, integration, &clients).await?;
    let vendor_id = VendorId::parse(vendor_id).map_err(|_| not_found())?;
    let entry = entries::load(table, &integration.id, &scope, kind, &vendor_id).await?.ok_or_else(not_found)?;
    let standing = reader.standing(&scope);
    Ok((reader, Read { scope, standing, entry }))
}

fn searched(docs: &[Doc], text: &str) -> Vec<CandidateView> {
    let mut found: Vec<CandidateView> = docs
        .iter()
        .map(|doc| candidate(doc, None))
        .filter(|one| one.name.to_lowercase().contains(text) || one.detail.to_lowercase().contains(text))
        .collect();
    // A name that begins with the text is what somebody who types it means.
    found.sort_by_cached_key(|one| {
        let name = one.name.to_lowercase();
        (!name.starts_with(text), name, one.doc_id.clone())
    });
    found
}

fn near(docs: &[Doc], read: &Read) -> Vec<CandidateView> {
    let index = Index::new(read.entry.record.kind, docs);
    let (suggestions, _) = index.suggest(&read.entry.record, CANDIDATES_MAX + 1);
    let by_id: BTreeMap<_, &Doc> = docs.iter().map(|doc| (&doc.id, doc)).collect();
    let known = |one: reconcile::suggest::Suggestion| {
        let doc = by_id.get(&one.doc_id).copied()?;
        Some(candidate(doc, Some((one.score, one.rule))))
    };
    suggestions.into_iter().filter_map(known).collect()
}

fn candidate(doc: &Doc, by: Option<(f64, reconcile::plan::Rule)>) -> CandidateView {
    let fields = resolve(doc);
    let telling = [Field::Email, Field::SerialNumber, Field::Hostname, Field::City];
    let detail = telling.iter().find_map(|field| fields.get(field)).map(|(value, _)| value.to_string());
    CandidateView {
        doc_id: doc.id.clone(),
        name: doc.name.clone(),
        detail: detail.filter(|detail| *detail != doc.name).unwrap_or_default(),
        score: by.map(|(score, _)| score),
        rule: by.map(|(_, rule)| rule),
    }
}
