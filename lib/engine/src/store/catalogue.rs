//! The catalogue: documentation records, below their client or at the top.

use std::collections::BTreeMap;

use reconcile::doc::Doc;
use reconcile::ids::{DocId, Scope};
use reconcile::plan::Standing;
use reconcile::record::Kind;
use serde::{Deserialize, Serialize};

use super::{StoreError, decode, encode, get_all, query_all};
use crate::ports::{Expect, Item, Key, Query, Table, Write};

/// A part of the catalogue that is loaded together and has one version: all clients, all users, or what lies below a client.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shelf {
    /// All clients.
    Clients,
    /// All users.
    Users,
    /// What lies below this client.
    Client(DocId),
}

impl Shelf {
    /// Returns the shelf that a documentation record lies on.
    pub fn of(doc: &DocId) -> Shelf {
        match (doc.kind(), doc.client()) {
            (Kind::Client, _) => Shelf::Clients,
            (Kind::User, _) => Shelf::Users,
            (_, Some(client)) => Shelf::Client(client),
            (_, None) => unreachable!("the id of a record below a client names the client"),
        }
    }

    /// Returns the shelf that a scope is matched against; `None` while its client is not mapped.
    pub fn for_scope(scope: &Scope, standing: &Standing) -> Option<Shelf> {
        match (scope, standing) {
            (Scope::Clients, _) => Some(Shelf::Clients),
            (Scope::Users, _) => Some(Shelf::Users),
            (Scope::Client(_), Standing::Mapped(doc)) => Some(Shelf::Client(doc.clone())),
            (Scope::Client(_), _) => None,
        }
    }

    fn partition(&self) -> String {
        match self {
            Shelf::Clients => "catalogue#clients".to_owned(),
            Shelf::Users => "catalogue#users".to_owned(),
            Shelf::Client(client) => format!("catalogue#{client}"),
        }
    }
}

fn place(id: &DocId) -> String {
    format!("{}#{id}", id.kind().code())
}

fn doc_of(item: &Item) -> Result<Doc, StoreError> {
    let mut doc: Doc = decode(item)?;
    doc.version = item.version;
    Ok(doc)
}

/// A shelf as loaded: its records, and the version that changes of who is who are conditional on.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The records by id, archived ones among them.
    pub docs: BTreeMap<DocId, Doc>,
    /// The shelf's version; 0 for an empty one.
    pub version: u64,
}

/// Place of the version item: sorts before every kind's code.
const VERSION: &str = "#version";

/// Loads a whole shelf. Its version is read first: a record that arrives in between makes a commit at that version fail.
pub async fn load_shelf(table: &impl Table, shelf: &Shelf) -> Result<Loaded, StoreError> {
    let mut loaded = Loaded::default();
    let mut version_seen = false;
    for item in query_all(table, Query::partition(shelf.partition())).await? {
        if item.key.sk == VERSION {
            assert!(!version_seen, "a partition holds each place once");
            version_seen = true;
            loaded.version = item.version;
        } else {
            let doc = doc_of(&item)?;
            loaded.docs.insert(doc.id.clone(), doc);
        }
    }
    Ok(loaded)
}

/// Returns a shelf's version; 0 for an empty one.
pub async fn version_of(table: &impl Table, shelf: &Shelf) -> Result<u64, StoreError> {
    Ok(table.get(&Key::new(shelf.partition(), VERSION)).await?.map_or(0, |item| item.version))
}

/// Loads one record.
pub async fn load(table: &impl Table, id: &DocId) -> Result<Option<Doc>, StoreError> {
    let key = Key::new(Shelf::of(id).partition(), place(id));
    table.get(&key).await?.as_ref().map(doc_of).transpose()
}

/// Loads the records with these ids; those that do not exist are left out.
pub async fn load_some(
    table: &impl Table,
    ids: impl IntoIterator<Item = &DocId>,
) -> Result<BTreeMap<DocId, Doc>, StoreError> {
    let keys = ids.into_iter().map(|id| Key::new(Shelf::of(id).partition(), place(id))).collect();
    let docs = get_all(table, keys).await?;
    docs.iter().map(|item| doc_of(item).map(|doc| (doc.id.clone(), doc))).collect()
}

/// Loads one page of a shelf's records of one kind, in the order of their ids; `after` is the last id of the page before.
pub async fn page(
    table: &impl Table,
    shelf: &Shelf,
    kind: Kind,
    after: Option<&DocId>,
    limit: usize,
) -> Result<(Vec<Doc>, Option<DocId>), StoreError> {
    let mut query = Query::prefix(shelf.partition(), &format!("{}#", kind.code()));
    query.after = after.map(place);
    query.limit = limit;
    let page = table.query(&query).await?;
    let docs = page.items.iter().map(doc_of).collect::<Result<Vec<_>, _>>()?;
    let next = page.next.and_then(|_| docs.last().map(|doc| doc.id.clone()));
    Ok((docs, next))
}

/// Returns the write that stores a record at the version it was loaded with.
pub fn write(doc: &Doc) -> Write {
    Write::put(Key::new(Shelf::of(&doc.id).partition(), place(&doc.id)), Expect::Version(doc.version), encode(doc))
}

/// Returns the write that moves a shelf's version from `version` on. It stands in every transaction that changes who is
/// who on the shelf, so that of two that were planned on the same state only one is committed.
pub fn move_version(shelf: &Shelf, version: u64) -> Write {
    Write::put(Key::new(shelf.partition(), VERSION), Expect::Version(version), "{}".to_owned())
}

// -------------------------------------------------------------------------------------------------------- epoch

fn epoch_key() -> Key {
    Key::new("catalogue", "epoch")
}

/// Returns the catalogue's epoch: it moves when a person changes records in a way that an unchanged read could meet.
pub async fn epoch(table: &impl Table) -> Result<u64, StoreError> {
    Ok(table.get(&epoch_key()).await?.map_or(0, |item| item.version))
}

/// Moves the catalogue's epoch, so that the next run of each integration looks at everything again.
pub async fn move_epoch(table: &impl Table) -> Result<(), StoreError> {
    loop {
        let version = epoch(table).await?;
        match table.write(Write::put(epoch_key(), Expect::Version(version), "{}".to_owned())).await {
            Err(crate::ports::TableError::Conflict { .. }) => {}
            other => return Ok(other?),
        }
    }
}
