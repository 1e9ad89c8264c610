//! Listing vendor records with their states.

use std::collections::{BTreeMap, BTreeSet};

use engine::ports::Table;
use engine::store::catalogue::{self, Shelf};
use engine::store::digests::{self, Epochs};
use engine::store::integrations::{Integration, IntegrationState};
use engine::store::names::{self, Names};
use engine::store::{entries, roster};
use reconcile::doc::Doc;
use reconcile::ids::{DocId, Scope, VendorId};
use reconcile::mapping::{Decision, Entry, State};
use reconcile::plan::Standing;
use reconcile::record::Kind;
use reconcile::suggest::{Index, Suggestion, free};

use crate::answer::Answer;
use crate::error::ConsoleError;
use crate::reader::{From, Read, Reader, Walk};
use crate::request::{Page, RecordFilter};
use crate::views::{List, RecordView, SuggestionView};
use crate::{find, integrations, paging};

/// Where more of a scope than one in so many is wanted, reading all of it is cheaper than asking for each.
const ASKED_SINGLY_ONE_IN: usize = 6;

/// Finds an integration that was verified.
pub(crate) async fn verified(table: &impl Table, id: &str) -> Result<Integration, ConsoleError> {
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
    let reader = Reader::look(table, &integration, kind).await?;
    if !kind.is_below_client() {
        let roster = roster::load(table, &integration.id, kind).await?;
        let found = found_in(&reader, &roster, filter);
        return Ok(Answer::Records(top_page(table, &reader, kind, &roster, &found, page).await?));
    }
    let limit = paging::limit(page)?;
    let from =
        paging::place(page, 2)?.map(|place| From { kind, client: place[0].clone(), vendor_id: place[1].clone() });
    let mut walk = Walk::page(from, limit);
    let remembered = digests::load(table, &integration.id, kind, Epochs::default()).await?;
    let scopes = reader.scopes(kind, &remembered);
    reader.walk(table, kind, &scopes, &mut walk, |read| reader.finds(filter, read)).await?;
    let next = walk.next().map(|from| paging::cursor(&[&from.client, &from.vendor_id]));
    let mut items = Vec::new();
    let mut rest = walk.found.as_slice();
    while let Some(first) = rest.first() {
        let count = rest.iter().take_while(|read| read.scope == first.scope).count();
        let (some, others) = rest.split_at(count);
        items.extend(below_views(table, &reader, some).await?);
        rest = others;
    }
    Ok(Answer::Records(List { items, next }))
}

/// Returns what a filter finds in a roster, in the order in which people look for names: with how each is sorted.
pub(crate) fn found_in<'r>(
    reader: &Reader<'_>,
    roster: &'r roster::Roster,
    filter: &RecordFilter,
) -> Vec<(String, &'r VendorId)> {
    let finds = |line: &&Entry| {
        let read = Read { scope: Scope::Clients, standing: Standing::Top, entry: (*line).clone() };
        reader.finds(filter, &read)
    };
    let lines = roster.values().filter(finds);
    let mut found: Vec<(String, &VendorId)> =
        lines.map(|line| (line.record.name.to_lowercase(), &line.record.vendor_id)).collect();
    found.sort();
    found
}

/// Returns a page of what was found in a roster, read from the entries themselves.
pub(crate) async fn top_page(
    table: &impl Table,
    reader: &Reader<'_>,
    kind: Kind,
    roster: &roster::Roster,
    found: &[(String, &VendorId)],
    page: &Page,
) -> Result<List<RecordView>, ConsoleError> {
    let limit = paging::limit(page)?;
    let begin = match paging::place(page, 2)? {
        None => 0,
        Some(place) => {
            let (name, id) = (place[0].as_str(), place[1].as_str());
            found.partition_point(|(of, vendor_id)| (of.as_str(), vendor_id.as_str()) <= (name, id))
        }
    };
    let some = &found[begin..found.len().min(begin.saturating_add(limit))];
    let more = begin + some.len() < found.len();
    let next = some.last().filter(|_| more).map(|(name, id)| paging::cursor(&[name, id.as_str()]));
    let ids: Vec<VendorId> = some.iter().map(|(_, id)| (*id).clone()).collect();
    let reads = top_reads(table, reader, kind, roster.len(), &ids).await?;
    let taken = staged_targets(roster);
    Ok(List { items: top_views(table, reader, kind, &reads, &taken).await?, next })
}

/// Returns the documentation records that somebody is to be matched with already: nobody else may be.
fn staged_targets(roster: &roster::Roster) -> BTreeSet<&DocId> {
    let staged = roster.values().filter_map(|line| line.mapping.staged.as_ref());
    staged.filter_map(|decision| if let Decision::Match(doc) = decision { Some(doc) } else { None }).collect()
}

/// Reads users or clients by their ids, in this order; one that has gone since is left out.
pub(crate) async fn top_reads(
    table: &impl Table,
    reader: &Reader<'_>,
    kind: Kind,
    of: usize,
    ids: &[VendorId],
) -> Result<Vec<Read>, ConsoleError> {
    let scope = if kind == Kind::User { Scope::Users } else { Scope::Clients };
    let integration = &reader.integration.id;
    let mut entries: BTreeMap<VendorId, Entry> = if ids.len() * ASKED_SINGLY_ONE_IN > of {
        let all = entries::load_range(table, integration, &scope, kind, &entries::IdRange::default()).await?;
        all.into_iter().map(|((_, id), entry)| (id, entry)).collect()
    } else {
        entries::load_ids(table, integration, &scope, kind, ids).await?
    };
    let read = |entry| Read { scope: scope.clone(), standing: Standing::Top, entry };
    Ok(ids.iter().filter_map(|id| entries.remove(id)).map(read).collect())
}

/// Views of users or clients, with what the catalogue has that they could be and that is not `taken`.
async fn top_views(
    table: &impl Table,
    reader: &Reader<'_>,
    kind: Kind,
    some: &[Read],
    taken: &BTreeSet<&DocId>,
) -> Result<Vec<RecordView>, ConsoleError> {
    if some.is_empty() {
        return Ok(Vec::new());
    }
    let shelf = if kind == Kind::User { Shelf::Users } else { Shelf::Clients };
    let names = names::load(table, &shelf).await?;
    let unmatched: Vec<&Read> = some.iter().filter(|read| is_unmatched(reader, read)).collect();
    let docs = if unmatched.is_empty() { Vec::new() } else { free_docs(&names, reader.integration) };
    let mut suggestions = suggest(&unmatched, &Index::new(kind, docs.iter().filter(|doc| !taken.contains(&doc.id))));
    let views = some.iter().map(|read| {
        let mut view = view(reader, read, |id| names.get(id).map(|name| name.name.as_str()));
        view.suggestion = suggestions.remove(&view.vendor_id);
        view
    });
    Ok(views.collect())
}

/// Returns what a record of an integration may be matched with, as far as it is compared.
pub(crate) fn free_docs(names: &Names, integration: &Integration) -> Vec<Doc> {
    names.values().filter(|name| name.is_free_for(&integration.id)).map(names::Name::doc).collect()
}

/// Views of records of one scope below a client, with what its client's shelf has that they could be.
async fn below_views(table: &impl Table, reader: &Reader<'_>, some: &[Read]) -> Result<Vec<RecordView>, ConsoleError> {
    let Some(first) = some.first() else { return Ok(Vec::new()) };
    let docs = match Shelf::for_scope(&first.scope, &first.standing) {
        Some(shelf) => catalogue::load_shelf(table, &shelf).await?.docs,
        None => BTreeMap::new(),
    };
    let unmatched: Vec<&Read> = some.iter().filter(|read| is_unmatched(reader, read)).collect();
    let in_use = docs.values().filter(|doc| !doc.archived);
    let index = Index::new(first.entry.record.kind, free(&reader.integration.id, in_use));
    let mut suggestions = suggest(&unmatched, &index);
    let views = some.iter().map(|read| {
        let mut view = view(reader, read, |id| docs.get(id).map(|doc| doc.name.as_str()));
        view.suggestion = suggestions.remove(&view.vendor_id);
        view
    });
    Ok(views.collect())
}

fn is_unmatched(reader: &Reader<'_>, read: &Read) -> bool {
    reader.wanted(&read.entry, &read.standing).state == State::Unmatched
}

/// Returns the best suggestion for each record that has one, by vendor id.
fn suggest(unmatched: &[&Read], index: &Index<'_>) -> BTreeMap<VendorId, SuggestionView> {
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

/// Views a record; `name` names documentation records.
pub(crate) fn view<'n>(reader: &Reader<'_>, read: &Read, name: impl Fn(&DocId) -> Option<&'n str>) -> RecordView {
    let record = &read.entry.record;
    let wanted = reader.wanted(&read.entry, &read.standing);
    let doc_name = wanted.doc.as_ref().and_then(name).map(str::to_owned);
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
        doc_name: doc_name.filter(|name| *name != record.name),
        doc_id: wanted.doc,
        revision: revision(&read.entry),
    }
}

/// Stands for what is decided about a record: equal decisions, equal revisions, whatever else the vendor has changed.
pub(crate) fn revision(entry: &Entry) -> String {
    let mapping = &entry.mapping;
    let held = mapping.doc.as_ref().map_or("", DocId::as_str);
    let staged = match &mapping.staged {
        None => "",
        Some(Decision::Match(doc)) => doc.as_str(),
        Some(Decision::Create) => "create",
        Some(Decision::Exclude) => "exclude",
        Some(Decision::Reset) => "reset",
    };
    format!("{}.{held}.{staged}", mapping.state)
}

/// Returns the cursor of a list that goes through kinds, clients and vendor ids.
pub(crate) fn kind_cursor(from: &From) -> String {
    paging::cursor(&[from.kind.code(), &from.client, &from.vendor_id])
}

/// Returns where such a list goes on.
pub(crate) fn kind_place(page: &Page) -> Result<Option<From>, ConsoleError> {
    let Some(place) = paging::place(page, 3)? else { return Ok(None) };
    let from = |kind| From { kind, client: place[1].clone(), vendor_id: place[2].clone() };
    Ok(Kind::from_code(&place[0]).map(from))
}
