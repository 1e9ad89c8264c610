//! What the records of a shelf are called: the little that suggestions and a search while typing look at.
//!
//! Kept apart from the records, as of the shelf's version: as long as that stands nobody was made, linked or renamed, so the
//! names are read instead of the shelf, at a tenth of the cost; where it moved, they are taken from the shelf once more.
//! Nothing that a run does writes here.

use std::collections::BTreeMap;

use reconcile::doc::Doc;
use reconcile::ids::{DocId, IntegrationId};
use reconcile::ownership::resolve;
use reconcile::record::{Field, Kind, Value};
use serde::{Deserialize, Serialize};

use super::catalogue::{self, Shelf};
use super::{StoreError, decode, encode, query_all};
use crate::ports::{Expect, Item, Key, Query, Table, TableError, Write};

/// Names in one item: 30 KB of them, far below what an item holds.
const NAMES_IN_ITEM: usize = 250;

/// One documentation record's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// The record.
    pub id: DocId,
    /// What it is called.
    pub name: String,
    /// Its e-mail address, of a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Value>,
    /// Whether it is archived.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub archived: bool,
    /// The integrations that have an active record mapped to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_by: Vec<IntegrationId>,
}

impl Name {
    fn of(doc: &Doc) -> Self {
        let is_user = doc.kind() == Kind::User;
        let email = is_user.then(|| resolve(doc).remove(&Field::Email)).flatten().map(|(value, _)| value);
        let active = doc.sources.iter().filter(|(_, source)| !source.stale);
        Self {
            id: doc.id.clone(),
            name: doc.name.clone(),
            email,
            archived: doc.archived,
            held_by: active.map(|(integration, _)| integration.clone()).collect(),
        }
    }

    /// Returns a documentation record that says no more than this: what a suggestion compares.
    pub fn doc(&self) -> Doc {
        let mut doc = Doc::new(self.id.clone(), &self.name);
        doc.archived = self.archived;
        if let Some(email) = &self.email {
            doc.imported.set(Field::Email, email.clone());
        }
        doc
    }

    /// Says whether a record of an integration may be matched with it.
    pub fn is_free_for(&self, integration: &IntegrationId) -> bool {
        !self.archived && !self.held_by.contains(integration)
    }
}

/// The names of a shelf by id.
pub type Names = BTreeMap<DocId, Name>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    as_of: u64,
    items: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Piece {
    as_of: u64,
    names: Vec<Name>,
}

fn partition(shelf: &Shelf) -> String {
    match shelf {
        Shelf::Clients => "names#clients".to_owned(),
        Shelf::Users => "names#users".to_owned(),
        Shelf::Client(client) => format!("names#{client}"),
    }
}

const HEAD: &str = "#head";

fn place(number: usize) -> String {
    format!("{number:04}")
}

/// Loads the names of a shelf.
pub async fn load(table: &impl Table, shelf: &Shelf) -> Result<Names, StoreError> {
    let stands = catalogue::version_of(table, shelf).await?;
    let lying = query_all(table, Query::partition(partition(shelf))).await?;
    match read(&lying, stands)? {
        Some(names) => Ok(names),
        None => take(table, shelf, &lying).await,
    }
}

/// Reads what lies there, if it is whole and of this version of the shelf.
fn read(lying: &[Item], stands: u64) -> Result<Option<Names>, StoreError> {
    let Some(head) = lying.iter().find(|item| item.key.sk == HEAD) else { return Ok(None) };
    let head: Head = decode(head)?;
    if head.as_of != stands {
        return Ok(None);
    }
    let mut names = Names::new();
    let mut items = 0;
    for item in lying.iter().filter(|item| item.key.sk != HEAD).take(head.items) {
        let piece: Piece = decode(item)?;
        if piece.as_of != stands {
            return Ok(None);
        }
        items += 1;
        names.extend(piece.names.into_iter().map(|name| (name.id.clone(), name)));
    }
    Ok((items == head.items).then_some(names))
}

/// Takes the names from the shelf and keeps them. Of two who do so at once one stops; a piece of another version than the
/// head's is never believed.
async fn take(table: &impl Table, shelf: &Shelf, lying: &[Item]) -> Result<Names, StoreError> {
    let loaded = catalogue::load_shelf(table, shelf).await?;
    let all: Vec<Name> = loaded.docs.values().map(Name::of).collect();
    let pieces: Vec<&[Name]> = all.chunks(NAMES_IN_ITEM).collect();
    let head = Head { as_of: loaded.version, items: pieces.len() };
    let bodies = pieces
        .iter()
        .enumerate()
        .map(|(number, names)| (place(number), encode(&Piece { as_of: loaded.version, names: names.to_vec() })))
        .chain([(HEAD.to_owned(), encode(&head))]);
    for (sk, body) in bodies {
        let version = lying.iter().find(|item| item.key.sk == sk).map_or(0, |item| item.version);
        match table.write(Write::put(Key::new(partition(shelf), sk), Expect::Version(version), body)).await {
            Ok(()) => {}
            Err(TableError::Conflict { .. }) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(all.into_iter().map(|name| (name.id.clone(), name)).collect())
}

#[cfg(test)]
mod tests;
