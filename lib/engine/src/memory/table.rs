//! A table in memory, with DynamoDB's conditions, limits, pages and prices.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use super::held;
use crate::ports::{
    Expect, GET_KEYS_MAX, ITEM_FORM, Item, Key, Meter, Page, Query, TRANSACTION_WRITES_MAX, Table, TableError, Write,
};

/// DynamoDB's limit of one item.
pub const ITEM_BYTES_MAX: usize = 400 * 1024;
/// DynamoDB's limit of what one page of a query reads.
pub const PAGE_BYTES_MAX: usize = 1024 * 1024;
/// DynamoDB's limit of what one transaction holds.
pub const TRANSACTION_BYTES_MAX: usize = 4 * 1024 * 1024;

const PK_BYTES_MAX: usize = 2048;
const SK_BYTES_MAX: usize = 1024;

const _: () = assert!(ITEM_BYTES_MAX < PAGE_BYTES_MAX, "a page holds any item");

/// Returns what DynamoDB counts for an item: names and values of the attributes `pk`, `sk`, `v`, `form`, `body` and
/// `expires_at`.
pub fn item_bytes(key: &Key, version: u64, body: &str, expires_at: Option<i64>) -> usize {
    let expiry = expires_at.map_or(0, |seconds| "expires_at".len() + number_bytes(seconds.unsigned_abs()));
    let key_bytes = "pk".len() + key.pk.len() + "sk".len() + key.sk.len();
    let form_bytes = "form".len() + number_bytes(u64::from(ITEM_FORM));
    key_bytes + "v".len() + number_bytes(version) + form_bytes + "body".len() + body.len() + expiry
}

/// A number takes a byte for two significant digits and one more.
fn number_bytes(number: u64) -> usize {
    let digits = number.to_string();
    let significant = digits.trim_end_matches('0').len();
    significant.div_ceil(2) + 1
}

/// Returns the write capacity units of an item of `bytes`: one for each started KiB, and at least one.
pub fn write_units(bytes: usize) -> f64 {
    bytes.div_ceil(1024).max(1) as f64
}

/// A strongly consistent read costs a unit for each started 4 KiB, and at least one.
fn read_units(bytes: usize) -> f64 {
    bytes.div_ceil(4096).max(1) as f64
}

#[derive(Debug, Clone)]
struct Stored {
    version: u64,
    body: String,
    expires_at: Option<i64>,
}

impl Stored {
    fn bytes(&self, key: &Key) -> usize {
        item_bytes(key, self.version, &self.body, self.expires_at)
    }

    fn item(&self, key: &Key) -> Item {
        Item { key: key.clone(), version: self.version, body: self.body.clone() }
    }
}

#[derive(Debug, Default)]
struct Shared {
    items: Mutex<BTreeMap<Key, Stored>>,
    meter: Meter,
}

/// A table in memory. A clone shares items and meter.
///
/// Its meter counts what DynamoDB would bill, failed conditions included, so that costs can be asserted without AWS.
#[derive(Debug, Clone, Default)]
pub struct MemoryTable {
    shared: Arc<Shared>,
}

impl MemoryTable {
    /// Makes an empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns every item, sorted by key, without counting it as read: for looking at a world from outside.
    pub fn dump(&self) -> Vec<Item> {
        held(&self.shared.items).iter().map(|(key, stored)| stored.item(key)).collect()
    }

    /// Deletes what expired before `now_seconds`, as DynamoDB does some time later and for free.
    pub fn forget_expired(&self, now_seconds: i64) {
        held(&self.shared.items).retain(|_, stored| stored.expires_at.is_none_or(|at| at >= now_seconds));
    }

    /// Applies the writes, all or none, at `factor` times the price of plain ones.
    fn apply(&self, operation: &'static str, writes: Vec<Write>, factor: f64) -> Result<(), TableError> {
        check_limits(operation, &writes)?;
        let mut items = held(&self.shared.items);
        let mut units = 0.0;
        let mut failing = None;
        for (index, write) in writes.iter().enumerate() {
            let before = items.get(&write.key);
            let before_bytes = before.map_or(0, |stored| stored.bytes(&write.key));
            let holds = before.map_or(0, |stored| stored.version) == expected_version(write.expect);
            units += factor * write_units(if holds { before_bytes.max(bytes_after(write)) } else { before_bytes });
            if !holds && failing.is_none() {
                failing = Some((index, write.key.clone()));
            }
        }
        let written = if failing.is_none() { writes.len() as u64 } else { 0 };
        self.shared.meter.add(written, 0.0, units);
        if let Some((index, key)) = failing {
            return Err(TableError::Conflict { index, key });
        }
        for write in writes {
            let version = write.expect.next_version();
            match write.body {
                Some(body) => items.insert(write.key, Stored { version, body, expires_at: write.expires_at }),
                None => items.remove(&write.key),
            };
        }
        Ok(())
    }
}

fn expected_version(expect: Expect) -> u64 {
    match expect {
        Expect::Absent => 0,
        Expect::Version(version) => version,
    }
}

fn bytes_after(write: &Write) -> usize {
    write.body.as_ref().map_or(0, |body| item_bytes(&write.key, write.expect.next_version(), body, write.expires_at))
}

fn refused(operation: &'static str, why: String) -> TableError {
    TableError::Refused { operation, cause: why.into() }
}

fn check_key(operation: &'static str, key: &Key) -> Result<(), TableError> {
    let fits = (1..=PK_BYTES_MAX).contains(&key.pk.len()) && (1..=SK_BYTES_MAX).contains(&key.sk.len());
    if fits { Ok(()) } else { Err(refused(operation, format!("the key {key:?} is empty or too long"))) }
}

fn check_limits(operation: &'static str, writes: &[Write]) -> Result<(), TableError> {
    if writes.len() > TRANSACTION_WRITES_MAX {
        return Err(refused(operation, format!("{} writes are too many", writes.len())));
    }
    let mut keys = BTreeSet::new();
    let mut bytes_sum = 0;
    for write in writes {
        check_key(operation, &write.key)?;
        let bytes = bytes_after(write);
        bytes_sum += bytes;
        if bytes > ITEM_BYTES_MAX {
            return Err(refused(operation, format!("the item at {:?} has {bytes} bytes", write.key)));
        }
        if !keys.insert(&write.key) {
            return Err(refused(operation, format!("the key {:?} occurs twice", write.key)));
        }
    }
    if bytes_sum > TRANSACTION_BYTES_MAX {
        return Err(refused(operation, format!("{bytes_sum} bytes are too many")));
    }
    Ok(())
}

/// Returns the places that the query still has before it, or `None` where there can be none.
fn bounds(query: &Query) -> Option<(Bound<Key>, Bound<Key>)> {
    let place = |sk: &str| Key::new(query.pk.as_str(), sk);
    let mut low = Bound::Included(place(&query.from));
    let mut high = match query.to.as_str() {
        "" => Bound::Excluded(Key::new(format!("{}\0", query.pk), "")),
        to => Bound::Included(place(to)),
    };
    if let Some(after) = &query.after {
        if query.newest_first && (query.to.is_empty() || after <= &query.to) {
            high = Bound::Excluded(place(after));
        }
        if !query.newest_first && after >= &query.from {
            low = Bound::Excluded(place(after));
        }
    }
    let (Bound::Included(first) | Bound::Excluded(first)) = &low else { return None };
    let (Bound::Included(last) | Bound::Excluded(last)) = &high else { return None };
    let both_included = matches!((&low, &high), (Bound::Included(_), Bound::Included(_)));
    (first < last || (first == last && both_included)).then_some((low, high))
}

impl Table for MemoryTable {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        check_key("get", key)?;
        let items = held(&self.shared.items);
        let found = items.get(key);
        self.shared.meter.add(0, read_units(found.map_or(0, |stored| stored.bytes(key))), 0.0);
        Ok(found.map(|stored| stored.item(key)))
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let distinct: BTreeSet<&Key> = keys.iter().collect();
        if distinct.len() > GET_KEYS_MAX {
            return Err(refused("get_many", format!("{} keys are too many", distinct.len())));
        }
        let items = held(&self.shared.items);
        let mut units = 0.0;
        let mut found = Vec::new();
        for key in distinct {
            check_key("get_many", key)?;
            let stored = items.get(key);
            units += read_units(stored.map_or(0, |stored| stored.bytes(key)));
            found.extend(stored.map(|stored| stored.item(key)));
        }
        self.shared.meter.add(0, units, 0.0);
        Ok(found)
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        let Some(bounds) = bounds(query) else { return Ok(Page::default()) };
        let items = held(&self.shared.items);
        let range = items.range(bounds);
        let mut page = Page::default();
        let mut bytes = 0;
        let mut take = |(key, stored): (&Key, &Stored)| {
            let full = page.items.len() >= query.limit.max(1);
            if full || (bytes + stored.bytes(key) > PAGE_BYTES_MAX && !page.items.is_empty()) {
                return false;
            }
            bytes += stored.bytes(key);
            page.items.push(stored.item(key));
            true
        };
        let ended = if query.newest_first { range.rev().all(&mut take) } else { range.into_iter().all(&mut take) };
        // DynamoDB says "go on" as soon as the limit is reached, without looking whether anything follows.
        if !ended || page.items.len() >= query.limit.max(1) {
            page.next = page.items.last().map(|item| item.key.sk.clone());
        }
        self.shared.meter.add(0, read_units(bytes), 0.0);
        Ok(page)
    }

    async fn write(&self, write: Write) -> Result<(), TableError> {
        self.apply("write", vec![write], 1.0)
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<(), TableError> {
        if writes.is_empty() {
            return Ok(());
        }
        self.apply("transact", writes, 2.0)
    }

    fn meter(&self) -> &Meter {
        &self.shared.meter
    }
}
