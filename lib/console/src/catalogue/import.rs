//! Reading the catalogue in from CSV: each row finds its record or makes one, and the same file read twice changes nothing.
//!
//! A row finds its record by `doc_id`; else by the id that an earlier import of the same row gave; else, the first of its
//! name, by a name that only one other record of the client has. Imported values yield to any source, so an import never
//! overwrites what a vendor or a person says.

use std::collections::{BTreeMap, BTreeSet};

use engine::ports::{TRANSACTION_WRITES_MAX, Table, Write};
use engine::store::catalogue::{self as store, Loaded, Shelf};
use reconcile::doc::Doc;
use reconcile::ids::DocId;
use reconcile::normal::NameKey;
use reconcile::record::{Field, Kind};

use crate::answer::Answer;
use crate::csv::docs::{DocRow, parse};
use crate::error::{Code, ConsoleError};
use crate::nearest;
use crate::views::{ImportView, RowProblem};

/// The most records written at once, beside the shelf's version.
const DOCS_WRITTEN: usize = 90;
const _: () = assert!(DOCS_WRITTEN < TRANSACTION_WRITES_MAX);

/// So often a shelf is written again when a sync writes there at the same time.
const TRIES_MAX: usize = 5;

/// `docs import`.
pub(crate) async fn import(table: &impl Table, kind: Kind, text: &str) -> Result<Answer, ConsoleError> {
    let file = parse(kind, text)?;
    let mut view = ImportView { problems: file.problems, ..ImportView::default() };
    let mut by_shelf: BTreeMap<Shelf, Vec<DocRow>> = BTreeMap::new();
    let clients = Clients::load(table, kind).await?;
    for row in file.rows {
        match clients.shelf_of(kind, &row) {
            Ok(shelf) => by_shelf.entry(shelf).or_default().push(row),
            Err(message) => view.problems.push(RowProblem { line: row.line, message }),
        }
    }
    for (shelf, rows) in by_shelf {
        place(table, kind, &shelf, &rows, &file.fields, &mut view).await?;
    }
    if view.created + view.updated > 0 {
        store::move_epoch(table).await?;
    }
    view.problems.sort_by_key(|problem| problem.line);
    Ok(Answer::Imported(view))
}

/// The clients that rows name.
struct Clients {
    docs: BTreeMap<DocId, Doc>,
    by_name: BTreeMap<NameKey, Vec<DocId>>,
}

impl Clients {
    async fn load(table: &impl Table, kind: Kind) -> Result<Self, ConsoleError> {
        let mut clients = Self { docs: BTreeMap::new(), by_name: BTreeMap::new() };
        if kind.is_below_client() {
            clients.docs = store::load_shelf(table, &Shelf::Clients).await?.docs;
        }
        for doc in clients.docs.values() {
            if let Ok(name) = NameKey::parse(&doc.name) {
                clients.by_name.entry(name).or_default().push(doc.id.clone());
            }
        }
        Ok(clients)
    }

    fn shelf_of(&self, kind: Kind, row: &DocRow) -> Result<Shelf, String> {
        match kind {
            Kind::Client => return Ok(Shelf::Clients),
            Kind::User => return Ok(Shelf::Users),
            Kind::Asset | Kind::Contact | Kind::Location => {}
        }
        if let Ok(id) = DocId::parse(&row.client)
            && self.docs.contains_key(&id)
        {
            return Ok(Shelf::Client(id));
        }
        let named = NameKey::parse(&row.client).ok().and_then(|name| self.by_name.get(&name));
        let all: Vec<&DocId> = named.into_iter().flatten().collect();
        let in_use: Vec<&DocId> = all.iter().copied().filter(|id| !self.docs[*id].archived).collect();
        match (in_use.as_slice(), all.as_slice()) {
            ([only], _) | ([], [only]) => Ok(Shelf::Client((*only).clone())),
            ([], []) => {
                let names = self.docs.values().map(|doc| doc.name.as_str());
                let hint = nearest::hint(&row.client, names, "import the clients first");
                Err(format!("there is no client {:?}; {hint}", row.client))
            }
            (several, _) => {
                let ids: Vec<&str> = several.iter().map(|id| id.as_str()).collect();
                Err(format!("several clients are called {:?}; name one by its id: {}", row.client, ids.join(", ")))
            }
        }
    }
}

/// What becomes of one row.
enum Placed {
    /// A record is made or changed.
    Changed(Box<Doc>),
    /// The record is as the row says.
    Unchanged,
    /// The row cannot be taken.
    Problem(String),
}

/// Takes the rows of one shelf in, some at a time; where a sync writes there meanwhile, the rest is looked at anew.
async fn place(
    table: &impl Table,
    kind: Kind,
    shelf: &Shelf,
    rows: &[DocRow],
    columns: &BTreeSet<Field>,
    view: &mut ImportView,
) -> Result<(), ConsoleError> {
    let mut done = 0;
    for _ in 0..TRIES_MAX {
        let mut loaded = store::load_shelf(table, shelf).await?;
        let targets = targets(kind, shelf, rows, &loaded);
        while done < rows.len() {
            let step = step(&rows[done..], &targets[done..], columns, &mut loaded);
            if !step.writes.is_empty() {
                let move_version = store::move_version(shelf, loaded.version);
                let writes = step.writes.into_iter().map(|(_, write)| write).chain([move_version]);
                match table.transact(writes.collect()).await.map_err(ConsoleError::from) {
                    Ok(()) => loaded.version += 1,
                    Err(error) if error.code == Code::Changed => break,
                    Err(error) => return Err(error),
                }
            }
            done += step.rows;
            view.created += step.report.created;
            view.updated += step.report.updated;
            view.unchanged += step.report.unchanged;
            view.problems.extend(step.report.problems);
        }
        if done == rows.len() {
            return Ok(());
        }
    }
    let message = format!("a sync keeps writing where row {} belongs", rows[done].line);
    Err(ConsoleError::new(Code::Changed, message, "import the file again; what went in already stays as it is"))
}

/// Some rows, and what they write together.
#[derive(Default)]
struct Step {
    rows: usize,
    writes: Vec<(DocId, Write)>,
    report: ImportView,
}

/// Takes as many rows as go into one transaction, and notes in `loaded` what they will have written.
fn step(rows: &[DocRow], targets: &[Result<DocId, String>], columns: &BTreeSet<Field>, loaded: &mut Loaded) -> Step {
    let mut step = Step::default();
    for (row, target) in rows.iter().zip(targets) {
        if step.writes.len() == DOCS_WRITTEN {
            break;
        }
        step.rows += 1;
        let report = &mut step.report;
        match place_row(row, target, columns, loaded) {
            Placed::Unchanged => report.unchanged += 1,
            Placed::Problem(message) => report.problems.push(RowProblem { line: row.line, message }),
            Placed::Changed(doc) if step.writes.iter().any(|(written, _)| *written == doc.id) => {
                let message = format!("an earlier row is about {} too", doc.id);
                report.problems.push(RowProblem { line: row.line, message });
            }
            Placed::Changed(mut doc) => {
                *if doc.version == 0 { &mut report.created } else { &mut report.updated } += 1;
                step.writes.push((doc.id.clone(), store::write(&doc)));
                doc.version += 1;
                loaded.docs.insert(doc.id.clone(), *doc);
            }
        }
    }
    step
}

/// Returns which record each row is about, or why that cannot be said. A function of the file and of the records that no
/// import of it makes, so that reading it again finds the same ones.
fn targets(kind: Kind, shelf: &Shelf, rows: &[DocRow], loaded: &Loaded) -> Vec<Result<DocId, String>> {
    let client = match shelf {
        Shelf::Client(client) => Some(client),
        Shelf::Clients | Shelf::Users => None,
    };
    let mut rows_by_name: BTreeMap<&str, usize> = BTreeMap::new();
    rows.iter().filter(|row| row.doc_id.is_none()).for_each(|row| *rows_by_name.entry(&row.name).or_default() += 1);
    let named: BTreeSet<DocId> =
        rows.iter().filter_map(|row| row.doc_id.as_ref()).filter_map(|id| DocId::parse(id).ok()).collect();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    rows.iter()
        .map(|row| {
            if let Some(id) = &row.doc_id {
                return named_target(kind, shelf, id, loaded);
            }
            let occurrence = seen.entry(&row.name).or_default();
            let own = DocId::imported(kind, client, &row.name, *occurrence);
            *occurrence += 1;
            if *occurrence > 1 || loaded.docs.contains_key(&own) {
                return Ok(own);
            }
            let imports: BTreeSet<DocId> = (0..rows_by_name.get(row.name.as_str()).copied().unwrap_or_default())
                .map(|number| DocId::imported(kind, client, &row.name, number))
                .collect();
            let name = NameKey::parse(&row.name).ok();
            let mut others = loaded.docs.values().filter(|doc| {
                doc.kind() == kind
                    && !doc.archived
                    && !imports.contains(&doc.id)
                    && !named.contains(&doc.id)
                    && name.is_some()
                    && NameKey::parse(&doc.name).ok() == name
            });
            match (others.next(), others.next()) {
                (Some(only), None) => Ok(only.id.clone()),
                _ => Ok(own),
            }
        })
        .collect()
}

fn named_target(kind: Kind, shelf: &Shelf, id: &str, loaded: &Loaded) -> Result<DocId, String> {
    let parsed = DocId::parse(id).map_err(|error| error.to_string())?;
    if parsed.kind() != kind {
        return Err(format!("{id} is a {}, and this file holds records of the kind {kind}", parsed.kind()));
    }
    if Shelf::of(&parsed) != *shelf {
        return Err(format!("{id} does not belong to the client of this row"));
    }
    if !loaded.docs.contains_key(&parsed) {
        return Err(format!("there is no documentation record {id}; leave doc_id empty to make one"));
    }
    Ok(parsed)
}

fn place_row(row: &DocRow, target: &Result<DocId, String>, columns: &BTreeSet<Field>, loaded: &Loaded) -> Placed {
    let id = match target {
        Ok(id) => id,
        Err(message) => return Placed::Problem(message.clone()),
    };
    let before = loaded.docs.get(id);
    let mut doc = before.cloned().unwrap_or_else(|| Doc::new(id.clone(), &row.name));
    if row.doc_id.is_some() {
        doc.name.clone_from(&row.name);
    }
    for field in columns {
        match row.fields.get(*field) {
            Some(value) => doc.imported.set(*field, value.clone()),
            None => drop(doc.imported.remove(*field)),
        }
    }
    if let Some(archived) = row.archived {
        doc.archived = archived;
    }
    if before == Some(&doc) { Placed::Unchanged } else { Placed::Changed(Box::new(doc)) }
}
