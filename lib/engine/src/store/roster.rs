//! Rosters: all users or all clients of an integration in a few items, with what is decided about each.
//!
//! Whoever decides about 2,000 clients looks at a page of a hundred, at tabs with counts, at what a filter finds. Read from
//! the entries, each of these looks would read all of them. A roster holds of each entry what such lists need, spread over
//! [`BUCKETS`] items by vendor id.
//!
//! Entries are the truth and a roster follows them: a run or a Finish that touched the scope says so ([`touch`]), and the
//! next look builds the roster again; a person's decision is written together with the buckets that it changes
//! ([`rewrites`]), in one transaction. Nights that bring no user and no client write nothing here.
//!
//! ```text
//! head:  (none) ──► building ──► current ──► old ──► building …
//!                      └── touched meanwhile: old; the build is used once and not kept
//! ```

use std::collections::BTreeMap;

use reconcile::ids::{IntegrationId, Scope, VendorId};
use reconcile::mapping::Entry;
use reconcile::record::{Field, Fields, Kind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{StoreError, decode, encode, entries};
use crate::ports::{Expect, Item, Key, Table, TableError, Write};

/// Items per kind: at 2,000 clients a bucket holds 14 KB, 3 KB as it is packed.
pub const BUCKETS: usize = 16;

/// The most bytes of buckets that go with decisions in one transaction; DynamoDB takes 4 MB in all. Past it the roster is
/// built again.
const REWRITTEN_BYTES_MAX: usize = 2 << 20;

/// Whether the buckets say what the entries say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    Current,
    Building,
    Old,
}

/// Entries of one kind by vendor id, each without what lists do not need ([`line`]): not to be written back.
pub type Roster = BTreeMap<VendorId, Entry>;

type Bucket = BTreeMap<VendorId, Entry>;

/// Returns the kind whose roster a scope has: users and clients have one each, what lies below a client has none.
fn kind_of(scope: &Scope) -> Option<Kind> {
    match scope {
        Scope::Clients => Some(Kind::Client),
        Scope::Users => Some(Kind::User),
        Scope::Client(_) => None,
    }
}

fn scope_of(kind: Kind) -> Scope {
    if kind == Kind::User { Scope::Users } else { Scope::Clients }
}

fn partition(integration: &IntegrationId) -> String {
    format!("roster#{integration}")
}

fn head_key(integration: &IntegrationId, kind: Kind) -> Key {
    Key::new(partition(integration), kind.code())
}

fn bucket_key(integration: &IntegrationId, kind: Kind, number: usize) -> Key {
    Key::new(partition(integration), format!("{}#{number:02}", kind.code()))
}

fn bucket_of(vendor_id: &VendorId) -> usize {
    Sha256::digest(vendor_id.as_str().as_bytes())[0] as usize % BUCKETS
}

/// Returns what a roster holds of an entry: its name, class and state, its mapping, and of a user the e-mail address, by
/// which people look for one another.
pub fn line(entry: &Entry) -> Entry {
    let mut line = entry.clone();
    line.version = 0;
    line.listed = None;
    line.record.fields = Fields::default();
    if let Some(email) = entry.record.fields.get(Field::Email).filter(|_| entry.record.kind == Kind::User) {
        line.record.fields.set(Field::Email, email.clone());
    }
    line
}

/// Head and buckets as they lie there.
struct Lying {
    head: Option<(u64, Standing)>,
    buckets: Vec<(u64, Bucket)>,
}

impl Lying {
    fn is_current(&self) -> bool {
        matches!(self.head, Some((_, Standing::Current)))
    }
}

/// Reads the head and some buckets with one request; the others are empty.
async fn read(
    table: &impl Table,
    integration: &IntegrationId,
    kind: Kind,
    wanted: impl Iterator<Item = usize>,
) -> Result<Lying, StoreError> {
    let head = head_key(integration, kind);
    let mut keys: Vec<Key> = wanted.map(|number| bucket_key(integration, kind, number)).collect();
    keys.push(head.clone());
    let mut lying = Lying { head: None, buckets: vec![(0, Bucket::new()); BUCKETS] };
    for item in table.get_many(&keys).await? {
        if item.key == head {
            lying.head = Some((item.version, decode(&item)?));
        } else if let Some(number) = number_of(&item) {
            lying.buckets[number] = (item.version, decode(&item)?);
        }
    }
    Ok(lying)
}

fn number_of(item: &Item) -> Option<usize> {
    item.key.sk.rsplit('#').next()?.parse().ok().filter(|number| *number < BUCKETS)
}

/// Loads the roster of users or clients, and builds it where it is not current: once after each run or Finish that touched
/// the scope.
pub async fn load(table: &impl Table, integration: &IntegrationId, kind: Kind) -> Result<Roster, StoreError> {
    let lying = read(table, integration, kind, 0..BUCKETS).await?;
    if lying.is_current() {
        return Ok(lying.buckets.into_iter().flat_map(|(_, bucket)| bucket).collect());
    }
    build(table, integration, kind, lying).await
}

/// Builds a roster from the entries and keeps it, unless somebody touches the scope or builds it, too, meanwhile.
async fn build(
    table: &impl Table,
    integration: &IntegrationId,
    kind: Kind,
    lying: Lying,
) -> Result<Roster, StoreError> {
    let version = lying.head.map_or(0, |(version, _)| version);
    let is_ours = set(table, integration, kind, version, Standing::Building).await?;
    let entries = entries::load_scope(table, integration, &scope_of(kind)).await?;
    let roster: Roster = entries.values().map(|entry| (entry.record.vendor_id.clone(), line(entry))).collect();
    if !is_ours {
        return Ok(roster);
    }
    let mut buckets = vec![Bucket::new(); BUCKETS];
    for (id, line) in &roster {
        buckets[bucket_of(id)].insert(id.clone(), line.clone());
    }
    for (number, (bucket, (version, before))) in buckets.iter().zip(&lying.buckets).enumerate() {
        if bucket == before {
            continue;
        }
        let write = Write::put(bucket_key(integration, kind, number), Expect::Version(*version), encode(bucket));
        match table.write(write).await {
            Ok(()) => {}
            Err(TableError::Conflict { .. }) => return Ok(roster),
            Err(error) => return Err(error.into()),
        }
    }
    set(table, integration, kind, version + 1, Standing::Current).await?;
    Ok(roster)
}

/// Moves the head on from `version`; says whether nobody else did so first.
async fn set(
    table: &impl Table,
    integration: &IntegrationId,
    kind: Kind,
    version: u64,
    standing: Standing,
) -> Result<bool, StoreError> {
    let write = Write::put(head_key(integration, kind), Expect::Version(version), encode(&standing));
    match table.write(write).await {
        Ok(()) => Ok(true),
        Err(TableError::Conflict { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Says that entries of a scope were written, or may have been. It comes after the writes, and again with a message that
/// comes again, so that no crash leaves a roster behind that claims to be current.
pub async fn touch(table: &impl Table, integration: &IntegrationId, scope: &Scope) -> Result<(), StoreError> {
    let Some(kind) = kind_of(scope) else { return Ok(()) };
    loop {
        let Some(item) = table.get(&head_key(integration, kind)).await? else { return Ok(()) };
        if decode::<Standing>(&item)? == Standing::Old
            || set(table, integration, kind, item.version, Standing::Old).await?
        {
            return Ok(());
        }
    }
}

/// Returns the writes that let a roster follow entries of one scope, to be committed with the entries; `None` where there
/// is nothing current to follow, and the scope is to be touched afterwards.
pub async fn rewrites(
    table: &impl Table,
    integration: &IntegrationId,
    scope: &Scope,
    changed: &[Entry],
) -> Result<Option<Vec<Write>>, StoreError> {
    let Some(kind) = kind_of(scope) else { return Ok(Some(Vec::new())) };
    let mut by_bucket: BTreeMap<usize, Vec<&Entry>> = BTreeMap::new();
    for entry in changed {
        by_bucket.entry(bucket_of(&entry.record.vendor_id)).or_default().push(entry);
    }
    let mut lying = read(table, integration, kind, by_bucket.keys().copied()).await?;
    if !lying.is_current() {
        return Ok(None);
    }
    let mut writes = Vec::new();
    let mut bytes = 0;
    for (number, entries) in by_bucket {
        let (version, bucket) = &mut lying.buckets[number];
        for entry in entries {
            bucket.insert(entry.record.vendor_id.clone(), line(entry));
        }
        let body = encode(bucket);
        bytes += body.len();
        writes.push(Write::put(bucket_key(integration, kind, number), Expect::Version(*version), body));
    }
    Ok((bytes <= REWRITTEN_BYTES_MAX).then_some(writes))
}

/// Says whether a key is that of a roster's item.
pub fn is_place(key: &Key) -> bool {
    key.pk.starts_with("roster#")
}

/// Removes the rosters of an integration that is removed: they hold names.
pub async fn forget(table: &impl Table, integration: &IntegrationId) -> Result<(), StoreError> {
    for item in super::query_all(table, crate::ports::Query::partition(partition(integration))).await? {
        match table.write(Write::delete(item.key, Expect::Version(item.version))).await {
            Ok(()) | Err(TableError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
