//! The catalogue as people work on it: listed, edited, archived, read in and written out.

mod import;

use std::collections::{BTreeMap, BTreeSet};

use engine::ports::Table;
use engine::store::catalogue::{self as store, Shelf};
use reconcile::doc::{Doc, Origin};
use reconcile::ids::DocId;
use reconcile::ownership::{Identifiers, resolve};
use reconcile::record::{Field, Fields, Kind, Value, fold_blanks};

pub(crate) use self::import::import;
use crate::answer::Answer;
use crate::csv;
use crate::error::{Code, ConsoleError};
use crate::request::Page;
use crate::views::{DocView, List, SourceView};
use crate::{find, nearest, paging};

/// So many records are read at once.
const DOCS_READ: usize = 500;

/// So many clients' records are looked through for a page: with many clients that have none, or none that a search finds, it
/// ends unfilled and the next one goes on.
const SHELVES_LOOKED_AT: usize = 400;

/// So often a person's change is tried again when a sync writes the same record at the same time.
const EDIT_TRIES_MAX: usize = 5;

/// The name in `docs edit --set name=…`: not a field, and edited like one.
const NAME: &str = "name";

/// Returns a record as people see it in a list.
fn view(doc: &Doc) -> DocView {
    let mut fields = Fields::default();
    for (field, (value, _)) in resolve(doc) {
        fields.set(field, value);
    }
    let sources = doc.sources.iter().map(|(integration, source)| SourceView {
        integration: integration.clone(),
        vendor_id: source.vendor_id.clone(),
        name: source.name.clone(),
        stale: source.stale,
    });
    DocView {
        doc_id: doc.id.clone(),
        kind: doc.kind(),
        name: doc.name.clone(),
        client_doc_id: doc.id.client(),
        archived: doc.archived,
        stale: doc.is_stale(),
        fields,
        sources: sources.collect(),
        origins: BTreeMap::new(),
    }
}

/// Returns a record with where each value comes from.
fn view_with_origins(doc: &Doc) -> DocView {
    let origin = |origin: Origin| match origin {
        Origin::Edit => "edit".to_owned(),
        Origin::Source(integration) => integration.to_string(),
        Origin::Imported => "imported".to_owned(),
    };
    let mut view = view(doc);
    view.origins = resolve(doc).into_iter().map(|(field, (_, from))| (field, origin(from))).collect();
    // An emptied field has no value, and still somebody decided so.
    view.origins.extend(doc.edits.keys().map(|field| (*field, "edit".to_owned())));
    view
}

/// Returns the shelves that hold records of a kind, in the order of their clients.
async fn shelves(table: &impl Table, kind: Kind) -> Result<Vec<Shelf>, ConsoleError> {
    match kind {
        Kind::Client => Ok(vec![Shelf::Clients]),
        Kind::User => Ok(vec![Shelf::Users]),
        Kind::Asset | Kind::Contact | Kind::Location => {
            let clients = store::load_shelf(table, &Shelf::Clients).await?.docs;
            Ok(clients.into_keys().map(Shelf::Client).collect())
        }
    }
}

/// Where a page of a list begins.
enum From {
    /// Behind this record.
    Record(DocId),
    /// Behind all records of this client.
    Client(DocId),
}

/// What a cursor says that names a client all of whose records were looked through.
const BEHIND_CLIENT: &str = "client";

/// `docs list`.
pub(crate) async fn list(
    table: &impl Table,
    kind: Kind,
    client: Option<&str>,
    search: Option<&str>,
    page: &Page,
) -> Result<Answer, ConsoleError> {
    let limit = paging::limit(page)?;
    let shelves = match client {
        None => shelves(table, kind).await?,
        Some(_) if !kind.is_below_client() => {
            let message = format!("a {kind} does not belong to a client");
            return Err(ConsoleError::new(Code::Usage, message, "leave --client out"));
        }
        Some(client) => vec![Shelf::Client(client_doc(table, client).await?.id)],
    };
    let from = match paging::place(page, 2)? {
        None => None,
        Some(place) => {
            let id = DocId::parse(&place[1]);
            let id = id.map_err(|error| ConsoleError::new(Code::Usage, error.to_string(), "wrong cursor"))?;
            Some(if place[0] == BEHIND_CLIENT { From::Client(id) } else { From::Record(id) })
        }
    };
    let search = search.map(str::to_lowercase);
    let mut items: Vec<DocView> = Vec::new();
    let mut looked_at = 0;
    let mut last = None;
    for shelf in shelves {
        let mut after = match &from {
            Some(From::Client(from)) if shelf <= Shelf::Client(from.clone()) => continue,
            Some(From::Record(from)) if shelf < Shelf::of(from) => continue,
            Some(From::Record(from)) if shelf == Shelf::of(from) => Some(from.clone()),
            _ => None,
        };
        if items.len() > limit {
            break;
        }
        if looked_at == SHELVES_LOOKED_AT {
            let next = last.map(|client: DocId| paging::cursor(&[BEHIND_CLIENT, client.as_str()]));
            items.truncate(limit);
            return Ok(Answer::Docs(List { items, next }));
        }
        looked_at += 1;
        if let Shelf::Client(client) = &shelf {
            last = Some(client.clone());
        }
        while items.len() <= limit {
            let (docs, next) = store::page(table, &shelf, kind, after.as_ref(), DOCS_READ).await?;
            let found = docs.iter().map(view);
            items.extend(found.filter(|doc| search.as_deref().is_none_or(|text| mentions(doc, text))));
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
    }
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|doc| paging::cursor(&["", doc.doc_id.as_str()]));
    Ok(Answer::Docs(List { items, next }))
}

/// Says whether a record mentions a text, given in lower case.
fn mentions(doc: &DocView, text: &str) -> bool {
    let has = |value: &str| value.to_lowercase().contains(text);
    has(&doc.name)
        || has(doc.doc_id.as_str())
        || doc.fields.iter().any(|(_, value)| match value {
            Value::Text(value) => has(value),
            Value::List(values) => values.iter().any(|value| has(value)),
        })
}

/// Finds a client's documentation record.
async fn client_doc(table: &impl Table, client: &str) -> Result<Doc, ConsoleError> {
    let doc = find::doc(table, client).await?;
    if doc.kind() == Kind::Client {
        return Ok(doc);
    }
    let message = format!("{client} is a {}, not a client", doc.kind());
    Err(ConsoleError::new(Code::Usage, message, "`docs list --kind client` shows the clients"))
}

/// `docs show`.
pub(crate) async fn show(table: &impl Table, doc: &str) -> Result<Answer, ConsoleError> {
    Ok(Answer::Doc(view_with_origins(&find::doc(table, doc).await?)))
}

/// Loads all records of a kind.
async fn all_of(table: &impl Table, kind: Kind) -> Result<Vec<Doc>, ConsoleError> {
    let mut all = Vec::new();
    for shelf in shelves(table, kind).await? {
        let loaded = store::load_shelf(table, &shelf).await?;
        all.extend(loaded.docs.into_values().filter(|doc| doc.kind() == kind));
    }
    Ok(all)
}

/// `docs export`.
pub(crate) async fn export(table: &impl Table, kind: Kind) -> Result<Answer, ConsoleError> {
    let clients = match kind.is_below_client() {
        true => store::load_shelf(table, &Shelf::Clients).await?.docs,
        false => BTreeMap::new(),
    };
    // A client whose name is not unique is written by its id, so that the file can be read in again.
    let mut names: BTreeMap<&str, u32> = BTreeMap::new();
    clients.values().for_each(|client| *names.entry(client.name.as_str()).or_default() += 1);
    let client_name = |doc: &DocView| {
        let client = doc.client_doc_id.as_ref().and_then(|id| clients.get(id));
        match client {
            Some(client) if names.get(client.name.as_str()) == Some(&1) => client.name.clone(),
            _ => doc.client_doc_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        }
    };
    let views: Vec<DocView> = all_of(table, kind).await?.iter().map(view).collect();
    Ok(Answer::Csv(csv::docs::write(kind, &views, client_name)))
}

/// Saves a person's change of one record. Where it changes by what the record is found, the shelf's version moves with it,
/// so that no plan made before is applied to it, and every integration looks at everything again.
async fn save(table: &impl Table, before: &Doc, after: &Doc) -> Result<(), ConsoleError> {
    let is_found_otherwise =
        before.archived != after.archived || Identifiers::of_doc(before) != Identifiers::of_doc(after);
    if !is_found_otherwise {
        return Ok(table.write(store::write(after)).await?);
    }
    let shelf = Shelf::of(&after.id);
    let version = store::load_shelf(table, &shelf).await?.version;
    table.transact(vec![store::write(after), store::move_version(&shelf, version)]).await?;
    Ok(store::move_epoch(table).await?)
}

/// Loads, changes and saves a record, again where a sync wrote in between.
async fn change(
    table: &impl Table,
    id: &str,
    change: impl Fn(&mut Doc) -> Result<(), ConsoleError>,
) -> Result<Answer, ConsoleError> {
    for _ in 0..EDIT_TRIES_MAX {
        let before = find::doc(table, id).await?;
        let mut after = before.clone();
        change(&mut after)?;
        if after == before {
            return Ok(Answer::Doc(view_with_origins(&before)));
        }
        match save(table, &before, &after).await {
            Ok(()) => return Ok(Answer::Doc(view_with_origins(&after))),
            Err(error) if error.code == Code::Changed => {}
            Err(error) => return Err(error),
        }
    }
    Err(ConsoleError::new(Code::Changed, format!("{id} is being changed by a sync"), "repeat in a moment"))
}

fn field(word: &str) -> Result<Field, ConsoleError> {
    Field::from_code(word).ok_or_else(|| {
        let words = Field::ALL.iter().map(|field| field.code()).chain([NAME]);
        ConsoleError::new(Code::Usage, format!("there is no field {word:?}"), nearest::hint(word, words, ""))
    })
}

/// `docs edit`: values that no sync overwrites until they are released.
pub(crate) async fn edit(
    table: &impl Table,
    id: &str,
    set: &BTreeMap<String, String>,
    release: &[String],
) -> Result<Answer, ConsoleError> {
    let mut edits: BTreeMap<Field, Option<Value>> = BTreeMap::new();
    let mut name = None;
    for (word, text) in set {
        if word == NAME {
            name = Some(fold_blanks(text)).filter(|name| !name.is_empty());
            if name.is_none() {
                return Err(ConsoleError::new(Code::Usage, "a name cannot be empty", "give another name"));
            }
            continue;
        }
        let field = field(word)?;
        let mut fields = Fields::default();
        csv::docs::set_from_text(&mut fields, field, text);
        edits.insert(field, fields.get(field).cloned());
    }
    let mut released = BTreeSet::new();
    for word in release {
        if word == NAME {
            let hint = "a name follows no vendor; set the one you want: --set name=…";
            return Err(ConsoleError::new(Code::Usage, "a name cannot be released", hint));
        }
        let field = field(word)?;
        if edits.contains_key(&field) {
            let message = format!("{field} cannot be set and released at once");
            return Err(ConsoleError::new(Code::Usage, message, "give one of the two"));
        }
        released.insert(field);
    }
    if set.is_empty() && release.is_empty() {
        let hint = "--set FIELD=VALUE sets, --set FIELD= empties, --release FIELD follows the sources again";
        return Err(ConsoleError::new(Code::Usage, "nothing to change was given", hint));
    }
    change(table, id, |doc| {
        if let Some(name) = &name {
            doc.name.clone_from(name);
        }
        doc.edits.extend(edits.clone());
        doc.edits.retain(|field, _| !released.contains(field));
        Ok(())
    })
    .await
}

/// Whether a record is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shelved {
    /// It is archived.
    Archived,
    /// It is not.
    InUse,
}

/// `docs archive`, `docs restore`.
pub(crate) async fn archive(table: &impl Table, id: &str, wanted: Shelved) -> Result<Answer, ConsoleError> {
    change(table, id, |doc| {
        doc.archived = wanted == Shelved::Archived;
        Ok(())
    })
    .await
}
