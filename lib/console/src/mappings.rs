//! Carrying decisions between deployments.

use std::collections::BTreeMap;

use engine::ports::Table;
use engine::store::catalogue::{self, Shelf};
use engine::store::integrations::Integration;
use reconcile::doc::Doc;
use reconcile::ids::DocId;
use reconcile::mapping::{Decision, State};
use reconcile::normal::NameKey;
use reconcile::plan::Standing;
use reconcile::record::Kind;

use crate::answer::Answer;
use crate::csv::mappings::{MappingRow, parse, write};
use crate::error::ConsoleError;
use crate::reader::{Read, Reader};
use crate::views::{ImportView, RowProblem};
use crate::{decisions, find, integrations};

/// Looks documentation records up, each shelf loaded once.
#[derive(Default)]
struct Shelves(BTreeMap<Shelf, BTreeMap<DocId, Doc>>);

impl Shelves {
    async fn docs(&mut self, table: &impl Table, shelf: Shelf) -> Result<&BTreeMap<DocId, Doc>, ConsoleError> {
        if !self.0.contains_key(&shelf) {
            let docs = catalogue::load_shelf(table, &shelf).await?.docs;
            self.0.insert(shelf.clone(), docs);
        }
        Ok(&self.0[&shelf])
    }
}

/// `mappings export`: every decision that holds or is staged.
pub(crate) async fn export(table: &impl Table, id: &str) -> Result<Answer, ConsoleError> {
    let integration = find::integration(table, id).await?;
    let vendor = integrations::vendor(&integration.vendor)?;
    let mut shelves = Shelves::default();
    let mut rows = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| vendor.kinds.contains(kind)) {
        let reader = Reader::load(table, &integration, kind).await?;
        for read in reader.read_all(table, kind).await? {
            let wanted = reader.wanted(&read.entry, &read.standing);
            if wanted.state == State::Unmatched {
                continue;
            }
            let mut row = MappingRow {
                line: 0,
                vendor: integration.vendor.clone(),
                kind,
                vendor_id: read.entry.record.vendor_id.to_string(),
                state: wanted.state,
                doc_id: String::new(),
                doc_name: String::new(),
                doc_client: String::new(),
            };
            if let Some(doc) = &wanted.doc {
                row.doc_id = doc.to_string();
                let docs = shelves.docs(table, Shelf::of(doc)).await?;
                // A record that is only staged to be made will be called as the vendor calls it.
                row.doc_name = docs.get(doc).map_or_else(|| read.entry.record.name.clone(), |doc| doc.name.clone());
                if let Some(client) = doc.client() {
                    let clients = shelves.docs(table, Shelf::Clients).await?;
                    row.doc_client = clients.get(&client).map(|client| client.name.clone()).unwrap_or_default();
                }
            }
            rows.push(row);
        }
    }
    Ok(Answer::Csv(write(rows)))
}

/// `mappings import`: stages what the file says, row by row; clients come before what lies below them.
pub(crate) async fn import(table: &impl Table, id: &str, text: &str) -> Result<Answer, ConsoleError> {
    let integration = find::integration(table, id).await?;
    if integration.sync.is_empty() {
        return Err(integrations::not_verified(&integration));
    }
    let (rows, problems) = parse(&integration.vendor, text)?;
    let mut view = ImportView { problems, ..ImportView::default() };
    for kind in Kind::ALL {
        let rows: Vec<&MappingRow> = rows.iter().filter(|row| row.kind == kind).collect();
        if !rows.is_empty() {
            import_kind(table, &integration, kind, &rows, &mut view).await?;
        }
    }
    view.problems.sort_by_key(|problem| problem.line);
    Ok(Answer::Imported(view))
}

async fn import_kind(
    table: &impl Table,
    integration: &Integration,
    kind: Kind,
    rows: &[&MappingRow],
    view: &mut ImportView,
) -> Result<(), ConsoleError> {
    if !integration.sync.contains(&kind) {
        let message = format!("{} does not sync the kind {kind}", integration.id);
        view.problems.extend(rows.iter().map(|row| RowProblem { line: row.line, message: message.clone() }));
        return Ok(());
    }
    let mut shelves = Shelves::default();
    let reader = Reader::load(table, integration, kind).await?;
    let mut all = reader.read_all(table, kind).await?;
    let places: BTreeMap<String, usize> =
        all.iter().enumerate().map(|(place, read)| (read.entry.record.vendor_id.to_string(), place)).collect();
    for row in rows {
        let mut problem = |message: String| view.problems.push(RowProblem { line: row.line, message });
        let Some(place) = places.get(&row.vendor_id).copied() else {
            problem(format!("the vendor record {:?} was not read; sync first", row.vendor_id));
            continue;
        };
        let read = all[place].clone();
        let (decision, doc) = match decision(table, &mut shelves, row, &read).await? {
            Ok(decided) => decided,
            Err(message) => {
                problem(message);
                continue;
            }
        };
        match decisions::take_over(table, &reader, &all, &read, decision, doc.as_ref()).await {
            Ok(report) if report.staged == 0 => view.unchanged += 1,
            Ok(_) => {
                view.created += 1;
                let record = &read.entry.record;
                let stored = engine::store::entries::load(table, &integration.id, &read.scope, kind, &record.vendor_id);
                if let Some(entry) = stored.await? {
                    all[place].entry = entry;
                }
            }
            Err(error) if error.code == crate::error::Code::Refused => problem(error.message),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Returns what a row decides about a record, and the documentation record it links to; or why it cannot be taken.
async fn decision(
    table: &impl Table,
    shelves: &mut Shelves,
    row: &MappingRow,
    read: &Read,
) -> Result<Result<(Decision, Option<Doc>), String>, ConsoleError> {
    match row.state {
        State::Unmatched => return Ok(Ok((Decision::Reset, None))),
        State::Excluded => return Ok(Ok((Decision::Exclude, None))),
        State::Matched | State::Created => {}
    }
    let found = find_doc(table, shelves, row, read).await?;
    Ok(match (found, row.state) {
        (Ok(Some(doc)), _) => Ok((Decision::Match(doc.id.clone()), Some(doc))),
        (Ok(None), State::Created) => Ok((Decision::Create, None)),
        (Ok(None), _) => {
            let below = if row.doc_client.is_empty() { String::new() } else { format!(" below {:?}", row.doc_client) };
            Err(format!("there is no {} called {:?}{below}", row.kind, row.doc_name))
        }
        (Err(message), _) => Err(message),
    })
}

/// Finds a row's documentation record: by id, else by its name where the record's own client, or the named one, has one of
/// that name.
async fn find_doc(
    table: &impl Table,
    shelves: &mut Shelves,
    row: &MappingRow,
    read: &Read,
) -> Result<Result<Option<Doc>, String>, ConsoleError> {
    if let Ok(id) = DocId::parse(&row.doc_id)
        && id.kind() == row.kind
        && let Some(doc) = shelves.docs(table, Shelf::of(&id)).await?.get(&id)
    {
        return Ok(Ok(Some(doc.clone())));
    }
    let shelf = match (row.kind, &read.standing) {
        (Kind::Client, _) => Shelf::Clients,
        (Kind::User, _) => Shelf::Users,
        (_, Standing::Mapped(client)) => Shelf::Client(client.clone()),
        (_, _) => return Ok(Ok(None)),
    };
    let Ok(name) = NameKey::parse(&row.doc_name) else { return Ok(Ok(None)) };
    let docs = shelves.docs(table, shelf).await?;
    let mut same = docs
        .values()
        .filter(|doc| doc.kind() == row.kind && !doc.archived && NameKey::parse(&doc.name).as_ref() == Ok(&name));
    Ok(match (same.next(), same.next()) {
        (Some(_), Some(_)) => Err(format!("several {} records are called {:?}", row.kind, row.doc_name)),
        (only, _) => Ok(only.cloned()),
    })
}
