//! Entries: the vendor records of an integration, scope by scope.

use std::collections::BTreeMap;

use reconcile::ids::{IntegrationId, Scope, VendorId};
use reconcile::mapping::Entry;
use reconcile::plan::EntryKey;
use reconcile::record::Kind;

use super::{StoreError, decode, encode, get_all, query_all};
use crate::ports::{Expect, Item, Key, Query, Table, TableError, Write};

fn partition(integration: &IntegrationId, scope: &Scope) -> String {
    format!("records#{integration}#{scope}")
}

fn place(kind: Kind, vendor_id: &VendorId) -> String {
    format!("{}#{vendor_id}", kind.code())
}

fn entry_of(item: &Item) -> Result<Entry, StoreError> {
    let mut entry: Entry = decode(item)?;
    entry.version = item.version;
    Ok(entry)
}

/// Returns the scope that an entry lies in.
///
/// # Panics
/// Where a record below a client names none; vendors' files always name it.
pub fn scope_of(entry: &Entry) -> Scope {
    Scope::of(entry.record.kind, entry.record.client.as_ref()).expect("a record below a client names its client")
}

/// A range of a scope's entries of one kind, by vendor id: the lower bound is exclusive, the upper one inclusive.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct IdRange {
    /// Ids above this one; from the beginning where absent.
    pub above: Option<VendorId>,
    /// Ids up to this one; to the end where absent.
    pub through: Option<VendorId>,
}

/// Loads all entries of a scope.
pub async fn load_scope(
    table: &impl Table,
    integration: &IntegrationId,
    scope: &Scope,
) -> Result<BTreeMap<EntryKey, Entry>, StoreError> {
    collect(query_all(table, Query::partition(partition(integration, scope))).await?)
}

/// Loads the entries of one kind whose ids lie in a range.
pub async fn load_range(
    table: &impl Table,
    integration: &IntegrationId,
    scope: &Scope,
    kind: Kind,
    range: &IdRange,
) -> Result<BTreeMap<EntryKey, Entry>, StoreError> {
    let mut query = Query::prefix(partition(integration, scope), &format!("{}#", kind.code()));
    query.after = range.above.as_ref().map(|id| place(kind, id));
    if let Some(through) = &range.through {
        query.to = place(kind, through);
    }
    collect(query_all(table, query).await?)
}

/// Where an entry lies among those of its integration.
pub type Place = (Scope, EntryKey);

/// Entries that somebody has just stored, or found stored.
pub type Stored = BTreeMap<Place, Entry>;

/// Loads the entries at these places; those that are not stored are left out.
pub async fn load_some(
    table: &impl Table,
    integration: &IntegrationId,
    places: &[Place],
) -> Result<Stored, StoreError> {
    let key = |(scope, (kind, id)): &Place| Key::new(partition(integration, scope), place(*kind, id));
    let mut entries = BTreeMap::new();
    for item in get_all(table, places.iter().map(key).collect()).await? {
        let entry = entry_of(&item)?;
        entries.insert((scope_of(&entry), (entry.record.kind, entry.record.vendor_id.clone())), entry);
    }
    Ok(entries)
}

fn collect(items: Vec<Item>) -> Result<BTreeMap<EntryKey, Entry>, StoreError> {
    let mut entries = BTreeMap::new();
    for item in items {
        let entry = entry_of(&item)?;
        entries.insert((entry.record.kind, entry.record.vendor_id.clone()), entry);
    }
    Ok(entries)
}

/// Loads one page of a scope's entries of one kind, in the order of their ids; `after` is the last id of the page before.
pub async fn page(
    table: &impl Table,
    integration: &IntegrationId,
    scope: &Scope,
    kind: Kind,
    after: Option<&VendorId>,
    limit: usize,
) -> Result<(Vec<Entry>, Option<VendorId>), StoreError> {
    let mut query = Query::prefix(partition(integration, scope), &format!("{}#", kind.code()));
    query.after = after.map(|id| place(kind, id));
    query.limit = limit;
    let page = table.query(&query).await?;
    let entries = page.items.iter().map(entry_of).collect::<Result<Vec<_>, _>>()?;
    let next = page.next.and_then(|_| entries.last().map(|entry| entry.record.vendor_id.clone()));
    Ok((entries, next))
}

/// Loads one entry.
pub async fn load(
    table: &impl Table,
    integration: &IntegrationId,
    scope: &Scope,
    kind: Kind,
    vendor_id: &VendorId,
) -> Result<Option<Entry>, StoreError> {
    let key = Key::new(partition(integration, scope), place(kind, vendor_id));
    table.get(&key).await?.as_ref().map(entry_of).transpose()
}

/// Loads entries of one scope and kind by their ids; those that are not there are left out.
pub async fn load_ids(
    table: &impl Table,
    integration: &IntegrationId,
    scope: &Scope,
    kind: Kind,
    ids: &[VendorId],
) -> Result<BTreeMap<VendorId, Entry>, StoreError> {
    let places: Vec<Place> = ids.iter().map(|id| (scope.clone(), (kind, id.clone()))).collect();
    let found = load_some(table, integration, &places).await?;
    Ok(found.into_iter().map(|((_, (_, id)), entry)| (id, entry)).collect())
}

/// Returns the write that stores an entry at the version it was loaded with.
pub fn write(integration: &IntegrationId, entry: &Entry) -> Write {
    let key = Key::new(partition(integration, &scope_of(entry)), place(entry.record.kind, &entry.record.vendor_id));
    Write::put(key, Expect::Version(entry.version), encode(entry))
}

/// Returns the write that removes an entry at the version it was loaded with.
pub fn delete(integration: &IntegrationId, entry: &Entry) -> Write {
    let key = Key::new(partition(integration, &scope_of(entry)), place(entry.record.kind, &entry.record.vendor_id));
    Write::delete(key, Expect::Version(entry.version))
}

/// Returns the ids of all clients that the integration has read, in order.
pub async fn client_ids(table: &impl Table, integration: &IntegrationId) -> Result<Vec<VendorId>, StoreError> {
    let clients = load_scope(table, integration, &Scope::Clients).await?;
    Ok(clients.into_keys().map(|(_, id)| id).collect())
}

// ------------------------------------------------------------------------------------------------ staged decisions

fn staged_partition(integration: &IntegrationId) -> String {
    format!("staged#{integration}")
}

/// Notes that a scope may hold staged decisions; doing so twice is harmless.
pub async fn note_staged(table: &impl Table, integration: &IntegrationId, scope: &Scope) -> Result<(), StoreError> {
    let key = Key::new(staged_partition(integration), scope.to_string());
    match table.write(Write::put(key, Expect::Absent, encode(scope))).await {
        Ok(()) | Err(TableError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Returns the scopes that may hold staged decisions.
pub async fn staged_scopes(table: &impl Table, integration: &IntegrationId) -> Result<Vec<Scope>, StoreError> {
    let items = query_all(table, Query::partition(staged_partition(integration))).await?;
    items.iter().map(decode).collect()
}

/// Forgets that these scopes hold staged decisions. A decision that is staged meanwhile notes its scope again after it is
/// written, so none is forgotten.
pub async fn clear_staged(table: &impl Table, integration: &IntegrationId, scopes: &[Scope]) -> Result<(), StoreError> {
    for scope in scopes {
        let staged =
            load_scope(table, integration, scope).await?.into_values().any(|entry| entry.mapping.staged.is_some());
        if staged {
            continue;
        }
        let key = Key::new(staged_partition(integration), scope.to_string());
        let Some(item) = table.get(&key).await? else { continue };
        match table.write(Write::delete(key, Expect::Version(item.version))).await {
            Ok(()) | Err(TableError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
