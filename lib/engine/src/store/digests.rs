//! Digests: what lets an unchanged scope be recognised before anything is queued.
//!
//! Per kind below clients, the scopes are spread over [`BUCKETS`] items, so that a night reads a handful of items however many clients
//! there are, and writes only the buckets whose scopes changed. Where these are few they go into one item that lies over the
//! buckets, until that holds more than half of all scopes: a hundred changed clients are in each bucket. A digest counts only under the epochs that it was taken
//! in: a decision, a switch or a person's work on the catalogue moves an epoch, and then everything is looked at again;
//! so does a run that took records in and was not carried out. What another integration does to shared records asks for
//! single scopes again.

use std::collections::BTreeMap;

use reconcile::ids::{IntegrationId, Scope};
use reconcile::plan::Counts;
use reconcile::reason::Reason;
use reconcile::record::{Fingerprint, Kind, VendorRecord};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{StoreError, decode, encode, query_all};
use crate::ports::{Expect, Item, Key, Query, Table, TableError, Write};

/// Buckets of a kind below clients: at 2,000 clients a bucket stays below 10 KB.
pub const BUCKETS: usize = 16;

/// Returns over how many buckets a kind's scopes are spread; users and clients are one scope each.
fn buckets_of(kind: Kind) -> usize {
    if kind.is_below_client() { BUCKETS } else { 1 }
}

/// The epochs under which digests count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epochs {
    /// The integration's own.
    pub integration: u64,
    /// The catalogue's.
    pub catalogue: u64,
}

/// A digest that no content has.
const NOTHING: Fingerprint = Fingerprint([0; 16]);

/// What is remembered of one scope's records of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered(
    Fingerprint,
    u64,
    #[serde(default)] BTreeMap<Reason, u64>,
    /// Whether the client is not mapped.
    #[serde(default)]
    bool,
);

impl Remembered {
    /// Remembers content and how its records ended.
    pub fn new(digest: Fingerprint, counts: &Counts) -> Self {
        Self(digest, counts.fetched, counts.reasons.clone(), false)
    }

    /// Remembers whether the scope waits for its client to be mapped.
    pub fn waiting(self, waits: bool) -> Self {
        Self(self.0, self.1, self.2, waits)
    }

    /// Remembers that one record, that came so many times, gave way to another one.
    pub fn with(self, before: (&VendorRecord, u32), after: (&VendorRecord, u32)) -> Self {
        let mut sum = Sum::of(self.0);
        sum.take_away(before.0, before.1);
        sum.add(after.0, after.1);
        Self(sum.digest(), self.1, self.2, self.3)
    }

    /// Remembers that there was something, which the next read must look at again.
    pub fn unsettled(counts: &Counts) -> Self {
        Self::new(NOTHING, counts)
    }

    /// Returns the digest of the content.
    pub fn digest(&self) -> Fingerprint {
        self.0
    }

    /// Says whether the next read must look at the scope, whatever it brings.
    pub fn is_unsettled(&self) -> bool {
        self.0 == NOTHING
    }

    /// Says whether the scope waits for its client to be mapped.
    pub fn waits_for_client(&self) -> bool {
        self.3
    }

    /// Returns how many records there were.
    pub fn fetched(&self) -> u64 {
        self.1
    }

    /// Returns how the records end in a run that skips the scope: what was synced is unchanged.
    pub fn counts(&self) -> Counts {
        let unsynced = self.2.values().sum();
        let synced = self.1 - unsynced;
        let excluded = self.2.get(&Reason::Excluded).copied().unwrap_or_default();
        Counts {
            fetched: self.1,
            synced,
            unchanged: synced,
            excluded,
            unsynced,
            reasons: self.2.clone(),
            ..Counts::default()
        }
    }
}

/// A digest of records in the making. It does not depend on their order, so that rows can be added as they come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum(u128);

impl Sum {
    /// Adds a record that came so many times.
    pub fn add(&mut self, record: &VendorRecord, copies: u32) {
        let one = u128::from_le_bytes(record.fingerprint().0);
        self.0 = self.0.wrapping_add(one.wrapping_mul(u128::from(copies)));
    }

    /// Takes a record that came so many times away again.
    fn take_away(&mut self, record: &VendorRecord, copies: u32) {
        let one = u128::from_le_bytes(record.fingerprint().0);
        self.0 = self.0.wrapping_sub(one.wrapping_mul(u128::from(copies)));
    }

    /// Returns the sum whose digest this is.
    fn of(digest: Fingerprint) -> Self {
        Self(u128::from_le_bytes(digest.0).wrapping_sub(1))
    }

    /// Returns the digest; that of no records differs from [`NOTHING`].
    pub fn digest(self) -> Fingerprint {
        Fingerprint(self.0.wrapping_add(1).to_le_bytes())
    }
}

/// Returns the digest of a scope's records of one kind, each with how often it came.
pub fn digest<'a>(records: impl IntoIterator<Item = (&'a VendorRecord, u32)>) -> Fingerprint {
    let mut sum = Sum::default();
    for (record, copies) in records {
        sum.add(record, copies);
    }
    sum.digest()
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Bucket {
    epochs: Epochs,
    scopes: BTreeMap<String, Remembered>,
}

/// The most scopes that lie over the buckets: they fit into one item even where packing gains nothing.
const FRESH_MAX: usize = 1_000;

/// What was remembered since the buckets were written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Fresh {
    epochs: Epochs,
    /// The versions of the buckets that this lies over. Over a bucket of another version nothing of it counts: what is newer
    /// is not known.
    over: Vec<u64>,
    scopes: BTreeMap<String, Remembered>,
}

impl Fresh {
    /// Lays what is fresh over the buckets.
    fn lay_over(&self, kind: Kind, buckets: &mut [(u64, Bucket)]) {
        for (text, remembered) in &self.scopes {
            let Some(scope) = scope_of(text) else { continue };
            let number = bucket_of(kind, &scope);
            let (version, bucket) = &mut buckets[number];
            if bucket.scopes.is_empty() {
                bucket.epochs = self.epochs;
            }
            let mut remembered = remembered.clone();
            if self.over.get(number) != Some(version) || bucket.epochs != self.epochs {
                remembered.0 = NOTHING;
            }
            bucket.scopes.insert(text.clone(), remembered);
        }
    }
}

/// The digests of one integration and kind, as loaded. What was remembered under other epochs is kept apart: it says which
/// scopes there were, and lets nothing be skipped.
#[derive(Debug, Clone)]
pub struct Digests {
    kind: Kind,
    epochs: Epochs,
    /// The buckets with what lies over them.
    buckets: Vec<(u64, Bucket)>,
    /// What lies over them, with the version of its item.
    fresh: (u64, Fresh),
}

fn fresh_key(integration: &IntegrationId, kind: Kind) -> Key {
    Key::new(format!("digests#{integration}"), format!("{}#fresh", kind.code()))
}

fn bucket_key(integration: &IntegrationId, kind: Kind, number: usize) -> Key {
    Key::new(format!("digests#{integration}"), format!("{}#{number:02}", kind.code()))
}

fn scope_text(scope: &Scope) -> &str {
    match scope {
        Scope::Clients => "#clients",
        Scope::Users => "#users",
        Scope::Client(id) => id.as_str(),
    }
}

fn scope_of(text: &str) -> Option<Scope> {
    match text {
        "#clients" => Some(Scope::Clients),
        "#users" => Some(Scope::Users),
        id => reconcile::ids::VendorId::parse(id).ok().map(Scope::Client),
    }
}

fn bucket_of(kind: Kind, scope: &Scope) -> usize {
    Sha256::digest(scope_text(scope).as_bytes())[0] as usize % buckets_of(kind)
}

/// Loads the digests of a kind with one request.
pub async fn load(
    table: &impl Table,
    integration: &IntegrationId,
    kind: Kind,
    epochs: Epochs,
) -> Result<Digests, StoreError> {
    let mut keys: Vec<Key> = (0..buckets_of(kind)).map(|number| bucket_key(integration, kind, number)).collect();
    keys.extend(kind.is_below_client().then(|| fresh_key(integration, kind)));
    let mut buckets = vec![(0, Bucket::default()); buckets_of(kind)];
    let mut fresh = (0, Fresh::default());
    for item in table.get_many(&keys).await? {
        match keys.iter().position(|key| *key == item.key) {
            Some(number) if number < buckets.len() => buckets[number] = (item.version, decode(&item)?),
            Some(_) => fresh = (item.version, decode(&item)?),
            None => {}
        }
    }
    fresh.1.lay_over(kind, &mut buckets);
    Ok(Digests { kind, epochs, buckets, fresh })
}

impl Digests {
    /// Returns what is remembered of a scope, if it counts under the present epochs.
    pub fn remembered(&self, scope: &Scope) -> Option<&Remembered> {
        let (_, bucket) = &self.buckets[bucket_of(self.kind, scope)];
        if bucket.epochs != self.epochs {
            return None;
        }
        bucket.scopes.get(scope_text(scope))
    }

    /// Iterates over all scopes that hold records, or whose records are not settled yet: a read that does not list one of
    /// them says that it is gone.
    pub fn scopes(&self) -> impl Iterator<Item = Scope> + '_ {
        self.buckets
            .iter()
            .flat_map(|(_, bucket)| bucket.scopes.iter())
            .filter(|(_, remembered)| remembered.1 > 0 || remembered.0 == NOTHING)
            .filter_map(|(text, _)| scope_of(text))
    }

    /// Says whether everything that is remembered counts under the present epochs.
    pub fn all_count(&self) -> bool {
        self.buckets.iter().all(|(_, bucket)| bucket.scopes.is_empty() || bucket.epochs == self.epochs)
    }

    /// Iterates over all scopes with what is remembered of them, as far as it counts under the present epochs.
    pub fn all_remembered(&self) -> impl Iterator<Item = (Scope, &Remembered)> + '_ {
        let buckets = self.buckets.iter().filter(|(_, bucket)| bucket.epochs == self.epochs);
        buckets
            .flat_map(|(_, bucket)| bucket.scopes.iter())
            .filter_map(|(text, remembered)| Some((scope_of(text)?, remembered)))
    }

    /// Returns how many records were remembered in all, under whatever epochs.
    pub fn fetched(&self) -> u64 {
        self.buckets.iter().flat_map(|(_, bucket)| bucket.scopes.values()).map(|remembered| remembered.1).sum()
    }
}

// ------------------------------------------------------------------------------------------------------ asked again

const ASKED: &str = "again#";

fn asked_key(integration: &IntegrationId, scope: &Scope) -> Key {
    Key::new(format!("digests#{integration}"), format!("{ASKED}{}", scope_text(scope)))
}

/// Asks an integration to look at one of its scopes again, whatever its digests say: another one has changed who is who
/// in the records that the scope is matched against. Doing so again asks again.
pub async fn ask_again(table: &impl Table, integration: &IntegrationId, scope: &Scope) -> Result<(), StoreError> {
    let key = asked_key(integration, scope);
    loop {
        let version = table.get(&key).await?.map_or(0, |item| item.version);
        match table.write(Write::put(key.clone(), Expect::Version(version), "{}".to_owned())).await {
            Err(TableError::Conflict { .. }) => {}
            other => return Ok(other?),
        }
    }
}

/// Returns the scopes that an integration is asked to look at again, each with the version of the wish.
pub async fn asked_again(table: &impl Table, integration: &IntegrationId) -> Result<BTreeMap<Scope, u64>, StoreError> {
    let items = query_all(table, Query::prefix(format!("digests#{integration}"), ASKED)).await?;
    let scope = |item: &Item| scope_of(item.key.sk.strip_prefix(ASKED)?);
    Ok(items.iter().filter_map(|item| Some((scope(item)?, item.version))).collect())
}

/// Forgets wishes that were met; one that was repeated since it was loaded stays.
pub async fn forget_asked(
    table: &impl Table,
    integration: &IntegrationId,
    met: &[(Scope, u64)],
) -> Result<(), StoreError> {
    for (scope, version) in met {
        match table.write(Write::delete(asked_key(integration, scope), Expect::Version(*version))).await {
            Ok(()) | Err(TableError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Remembers scopes after a run. Only what changes is written; a lost race forgets nothing but the skip.
pub async fn remember(
    table: &impl Table,
    integration: &IntegrationId,
    digests: &Digests,
    scopes: &BTreeMap<Scope, Remembered>,
) -> Result<(), StoreError> {
    match fresh_after(digests, scopes) {
        Some(fresh) if fresh.scopes == digests.fresh.1.scopes => Ok(()),
        Some(fresh) => put(table, fresh_key(integration, digests.kind), digests.fresh.0, &fresh).await,
        None => fold(table, integration, digests, scopes).await,
    }
}

/// Returns what lies over the buckets when these scopes are remembered there, if it may: under the present epochs alone, and
/// as long as it holds no more than half of all scopes.
fn fresh_after(digests: &Digests, scopes: &BTreeMap<Scope, Remembered>) -> Option<Fresh> {
    let (_, before) = &digests.fresh;
    let over: Vec<u64> = digests.buckets.iter().map(|(version, _)| *version).collect();
    let lies_right = before.scopes.is_empty() || (before.epochs == digests.epochs && before.over == over);
    if !digests.kind.is_below_client() || !lies_right || !digests.all_count() {
        return None;
    }
    let changed = scopes.iter().filter(|(scope, remembered)| digests.remembered(scope) != Some(*remembered));
    let changed = changed.map(|(scope, remembered)| (scope_text(scope).to_owned(), remembered.clone()));
    let after: BTreeMap<String, Remembered> = before.scopes.clone().into_iter().chain(changed).collect();
    let known: usize = digests.buckets.iter().map(|(_, bucket)| bucket.scopes.len()).sum();
    let is_small = after.len() * 2 <= known && after.len() <= FRESH_MAX;
    (is_small || after == before.scopes).then_some(Fresh { epochs: digests.epochs, over, scopes: after })
}

/// Remembers scopes in their buckets, with what lay over these. Buckets of other epochs lose their digests, not their
/// scopes: one that vanishes is still looked for.
async fn fold(
    table: &impl Table,
    integration: &IntegrationId,
    digests: &Digests,
    scopes: &BTreeMap<Scope, Remembered>,
) -> Result<(), StoreError> {
    let mut buckets = digests.buckets.clone();
    for (_, bucket) in &mut buckets {
        if bucket.epochs != digests.epochs {
            bucket.epochs = digests.epochs;
            bucket.scopes.values_mut().for_each(|remembered| remembered.0 = NOTHING);
        }
    }
    for (scope, remembered) in scopes {
        buckets[bucket_of(digests.kind, scope)].1.scopes.insert(scope_text(scope).to_owned(), remembered.clone());
    }
    let (fresh_version, fresh) = &digests.fresh;
    let is_covered = |number| {
        fresh.scopes.keys().filter_map(|text| scope_of(text)).any(|scope| bucket_of(digests.kind, &scope) == number)
    };
    for (number, (version, bucket)) in buckets.iter().enumerate() {
        let (_, before) = &digests.buckets[number];
        let is_same = bucket == before && !is_covered(number);
        if is_same || (bucket.scopes.is_empty() && before.scopes.is_empty()) {
            continue;
        }
        put(table, bucket_key(integration, digests.kind, number), *version, bucket).await?;
    }
    if fresh.scopes.is_empty() {
        return Ok(());
    }
    // Last: what still lies over a bucket that was written counts for nothing, by that bucket's version.
    put(table, fresh_key(integration, digests.kind), *fresh_version, &Fresh::default()).await
}

/// Puts an item unless somebody else did.
async fn put<T: Serialize>(table: &impl Table, key: Key, version: u64, value: &T) -> Result<(), StoreError> {
    match table.write(Write::put(key, Expect::Version(version), encode(value))).await {
        Ok(()) | Err(TableError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
