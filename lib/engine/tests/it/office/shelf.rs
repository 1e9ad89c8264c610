//! What stands in a catalogue, without what depends on who came first.

use std::collections::{BTreeMap, BTreeSet};

use engine::memory::MemoryTable;
use engine::store::catalogue::{self, Shelf};
use reconcile::doc::Doc;
use reconcile::ids::{DocId, IntegrationId};
use reconcile::mapping::Entry;
use reconcile::normal::NameKey;
use reconcile::ownership::resolve;
use reconcile::record::Kind;

use crate::simulation::laws::Stored;

/// A document as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown {
    /// What it is.
    pub kind: Kind,
    /// The name of its client.
    pub client: String,
    /// Its sources: integration and vendor id.
    pub sources: Vec<String>,
    /// Its name, where that is no device's.
    pub name: String,
    /// Its values with where they come from.
    pub fields: Vec<String>,
    /// Whether it is archived or stale.
    pub state: (bool, bool),
}

/// Loads every document.
pub async fn load(table: &MemoryTable) -> BTreeMap<DocId, Doc> {
    let mut all = catalogue::load_shelf(table, &Shelf::Clients).await.expect("readable").docs;
    let clients: Vec<DocId> = all.keys().cloned().collect();
    all.extend(catalogue::load_shelf(table, &Shelf::Users).await.expect("readable").docs);
    for client in clients {
        all.extend(catalogue::load_shelf(table, &Shelf::Client(client)).await.expect("readable").docs);
    }
    all
}

/// Returns what synced records stand in the catalogue as: documents with those sources alone whose record is synced.
pub fn synced(stored: &Stored) -> Vec<Shown> {
    let is_synced = |entry: &Entry| entry.absent.is_none() && entry.mapping.reason.is_none();
    let all = stored.entries.iter().filter(|(_, entry)| is_synced(entry));
    let holders: BTreeSet<(&IntegrationId, &DocId)> =
        all.filter_map(|((id, ..), entry)| Some((id, entry.mapping.doc.as_ref()?))).collect();
    let mut docs = stored.docs.clone();
    for doc in docs.values_mut() {
        let id = doc.id.clone();
        doc.sources.retain(|integration, _| holders.contains(&(integration, &id)));
    }
    docs.retain(|_, doc| !doc.sources.is_empty());
    shown(&docs)
}

/// Returns the documents as they are compared, in an order of their own.
pub fn shown(docs: &BTreeMap<DocId, Doc>) -> Vec<Shown> {
    let name = |doc: &Doc| NameKey::parse(&doc.name).map(|name| name.as_str().to_owned()).unwrap_or_default();
    let show = |doc: &Doc| Shown {
        kind: doc.kind(),
        client: doc.id.client().and_then(|client| docs.get(&client)).map(name).unwrap_or_default(),
        sources: doc.sources.iter().map(|(id, source)| format!("{id} {}", source.vendor_id)).collect(),
        name: if doc.kind() == Kind::Asset { String::new() } else { name(doc) },
        fields: resolve(doc)
            .into_iter()
            .map(|(field, (value, origin))| format!("{field} = {value} ({origin:?})"))
            .collect(),
        state: (doc.archived, doc.is_stale()),
    };
    let mut all: Vec<Shown> = docs.values().map(show).collect();
    all.sort();
    all
}
