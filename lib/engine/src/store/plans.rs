//! Plans: a head that says what it is and where it stands, and parts that say what it does.

use std::collections::BTreeMap;

use jiff::Timestamp;
use reconcile::ids::{IntegrationId, PlanId, RunId, Scope};
use reconcile::plan::{Action, Counts, Item, ScopePlan, Totals, Unsynced};
use reconcile::record::{Fingerprint, Kind};
use serde::{Deserialize, Serialize};

use super::{StoreError, decode, encode, query_all};
use crate::ports::{Expect, Key, Query, Table, TableError, Write};

/// Where a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanState {
    /// Made by a preview; Finish applies it.
    Staged,
    /// Stopped by the guard; a person approves or discards it.
    Held,
    /// Being carried out, or carried out.
    Applied,
    /// A person decided against it.
    Discarded,
    /// Its inputs moved before it was applied.
    Outdated,
    /// Applied, then reversed.
    Undone,
}

/// One plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanHead {
    /// Its id: a function of its inputs and content.
    pub plan_id: PlanId,
    /// The run that made it; none for a Finish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Where it stands.
    pub state: PlanState,
    /// When it was made.
    pub made_at: Timestamp,
    /// Whose marks its parts have: the run's id, or its own.
    pub owner: String,
    /// Parts beside part 0.
    pub parts: u64,
    /// What it does, counted.
    pub actions: BTreeMap<Action, u64>,
    /// Why the guard stopped it, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
    /// Whether every part is written.
    #[serde(default)]
    pub finished: bool,
    /// The version the store holds.
    #[serde(skip)]
    pub version: u64,
}

/// What one planned part adds up to; what the guard sees.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartTotal {
    /// The digest of the part's content and inputs.
    pub digest: String,
    /// How records end, and what becomes stale.
    pub totals: Totals,
    /// What it does, by kind and action.
    pub actions: BTreeMap<Kind, BTreeMap<Action, u64>>,
}

/// What carrying out one part came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartDone {
    /// How the records of each scope ended, and whether an unchanged next read may skip it.
    pub scopes: Vec<ScopeDone>,
}

/// What carrying out one scope came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeDone {
    /// The scope.
    pub scope: Scope,
    /// How its records ended.
    pub counts: BTreeMap<Kind, Counts>,
    /// Whether an unchanged next read may skip it.
    pub settled: bool,
    /// Whether its client is not mapped, so that it is to be looked at once the client may be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
    /// The digests of what is stored of the kinds of which only changes were read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub content: BTreeMap<Kind, Fingerprint>,
    /// Whether some of its records alone were looked at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub narrow: bool,
}

fn head_key(plan: &PlanId) -> Key {
    Key::new(format!("plans#{}", plan.integration()), plan.as_str())
}

fn head_of(item: &crate::ports::Item) -> Result<PlanHead, StoreError> {
    let mut head: PlanHead = decode(item)?;
    head.version = item.version;
    Ok(head)
}

/// Loads a plan's head.
pub async fn load(table: &impl Table, plan: &PlanId) -> Result<Option<PlanHead>, StoreError> {
    table.get(&head_key(plan)).await?.as_ref().map(head_of).transpose()
}

/// Saves a plan's head at the version it was loaded with, and moves that version on.
pub async fn save(table: &impl Table, head: &mut PlanHead) -> Result<(), StoreError> {
    let expect = Expect::Version(head.version);
    table.write(Write::put(head_key(&head.plan_id), expect, encode(head))).await?;
    head.version = expect.next_version();
    Ok(())
}

/// Loads an integration's plans, the newest first.
pub async fn list(table: &impl Table, integration: &IntegrationId) -> Result<Vec<PlanHead>, StoreError> {
    let items = query_all(table, Query::partition(format!("plans#{integration}"))).await?;
    let mut heads = items.iter().map(head_of).collect::<Result<Vec<_>, _>>()?;
    heads.sort_by(|one, other| other.made_at.cmp(&one.made_at).then_with(|| one.plan_id.cmp(&other.plan_id)));
    Ok(heads)
}

// ---------------------------------------------------------------------------------------------------------- parts

/// The most bytes of one stored chunk: below DynamoDB's 400 KB, with room for the key.
const CHUNK_BYTES_MAX: usize = 350 * 1024;

/// The most items and reasons in one piece of a chunk. An item that creates a device with all its fields has about 900
/// bytes, so a full piece is mostly below [`CHUNK_BYTES_MAX`]; one that is not is cut again.
const PIECE_ROWS_MAX: usize = 300;

fn chunk_key(owner: &str, part: u64, chunk: usize) -> Key {
    Key::new(format!("plan#{owner}"), format!("part#{part:08}#{chunk:06}"))
}

/// Cuts scope plans into chunks; the pieces of one scope follow one another and the first carries its counts.
fn chunks(plans: &[ScopePlan]) -> Vec<String> {
    let mut pieces = Vec::new();
    for plan in plans {
        let head = ScopePlan { items: Vec::new(), unsynced: Vec::new(), ..plan.clone() };
        cut(head, &plan.items, &plan.unsynced, &mut pieces);
    }
    let mut chunks = Vec::new();
    let mut chunk: Vec<String> = Vec::new();
    let mut bytes = 0;
    for piece in pieces {
        if !chunk.is_empty() && bytes + piece.len() > CHUNK_BYTES_MAX {
            chunks.push(format!("[{}]", chunk.join(",")));
            chunk.clear();
            bytes = 0;
        }
        bytes += piece.len();
        chunk.push(piece);
    }
    chunks.push(format!("[{}]", chunk.join(",")));
    chunks
}

/// Cuts one scope's plan into pieces, in order: in halves, until each fits.
fn cut(head: ScopePlan, items: &[Item], unsynced: &[Unsynced], pieces: &mut Vec<String>) {
    let rows = items.len() + unsynced.len();
    let mut head = head;
    if rows <= PIECE_ROWS_MAX {
        let piece = ScopePlan { items: items.to_vec(), unsynced: unsynced.to_vec(), ..head };
        let text = encode(&piece);
        if text.len() <= CHUNK_BYTES_MAX || rows < 2 {
            pieces.push(text);
            return;
        }
        head = ScopePlan { items: Vec::new(), unsynced: Vec::new(), ..piece };
    }
    let half = rows / 2;
    let (some_items, more_items) = items.split_at(half.min(items.len()));
    let (some_unsynced, more_unsynced) = unsynced.split_at(half - some_items.len());
    let tail = ScopePlan { counts: BTreeMap::new(), stale: BTreeMap::new(), after: None, ..head.clone() };
    cut(head, some_items, some_unsynced, pieces);
    cut(tail, more_items, more_unsynced, pieces);
}

/// Saves a part; saving it again overwrites it (a part that was planned again after a crash).
pub async fn save_part(table: &impl Table, owner: &str, part: u64, plans: &[ScopePlan]) -> Result<(), StoreError> {
    let before = query_all(table, Query::prefix(format!("plan#{owner}"), &format!("part#{part:08}#"))).await?;
    let mut known: BTreeMap<Key, u64> = before.into_iter().map(|item| (item.key, item.version)).collect();
    let mut writes = Vec::new();
    for (number, body) in chunks(plans).into_iter().enumerate() {
        let key = chunk_key(owner, part, number);
        let version = known.remove(&key).unwrap_or_default();
        writes.push(Write::put(key, Expect::Version(version), body));
    }
    writes.extend(known.into_iter().map(|(key, version)| Write::delete(key, Expect::Version(version))));
    for write in writes {
        match table.write(write).await {
            Ok(()) | Err(TableError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Loads a part.
pub async fn load_part(table: &impl Table, owner: &str, part: u64) -> Result<Vec<ScopePlan>, StoreError> {
    let items = query_all(table, Query::prefix(format!("plan#{owner}"), &format!("part#{part:08}#"))).await?;
    let mut plans: Vec<ScopePlan> = Vec::new();
    for item in &items {
        let pieces: Vec<ScopePlan> = decode(item)?;
        for piece in pieces {
            match plans.last_mut() {
                Some(last) if last.scope == piece.scope && last.below == piece.below => {
                    last.items.extend(piece.items);
                    last.unsynced.extend(piece.unsynced);
                }
                _ => plans.push(piece),
            }
        }
    }
    Ok(plans)
}

/// A place in a plan: before the `item`-th item of a chunk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// The part.
    pub part: u64,
    /// The chunk of that part.
    pub chunk: usize,
    /// The item in that chunk.
    pub item: usize,
}

impl Place {
    /// Returns the stored place after which this one's chunk is the first.
    fn before_its_chunk(self) -> String {
        match self.chunk.checked_sub(1) {
            Some(chunk) => chunk_key("", self.part, chunk).sk,
            None => format!("part#{:08}", self.part),
        }
    }

    /// Reads the chunk's place from where it is stored.
    fn of_chunk(sk: &str) -> Option<Self> {
        let (part, chunk) = sk.strip_prefix("part#")?.split_once('#')?;
        Some(Self { part: part.parse().ok()?, chunk: chunk.parse().ok()?, item: 0 })
    }
}

/// Loads up to `limit` items of a plan from a place on, and the place of the one after them. The chunks that hold them are
/// read, and no other: a page of a long plan costs about a page.
pub async fn items(
    table: &impl Table,
    head: &PlanHead,
    from: Place,
    limit: usize,
) -> Result<(Vec<Item>, Option<Place>), StoreError> {
    let mut found = Vec::new();
    let mut query = Query { limit: 1, ..Query::prefix(format!("plan#{}", head.owner), "part#") };
    query.after = Some(from.before_its_chunk());
    loop {
        let page = table.query(&query).await?;
        for stored in &page.items {
            let Some(chunk) = Place::of_chunk(&stored.key.sk).filter(|chunk| chunk.part <= head.parts) else {
                return Ok((found, None));
            };
            let is_first = (chunk.part, chunk.chunk) == (from.part, from.chunk);
            let skipped = if is_first { from.item } else { 0 };
            let pieces: Vec<ScopePlan> = decode(stored)?;
            for (number, item) in pieces.into_iter().flat_map(|piece| piece.items).enumerate().skip(skipped) {
                if found.len() == limit {
                    return Ok((found, Some(Place { item: number, ..chunk })));
                }
                found.push(item);
            }
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok((found, None)),
        }
    }
}

#[cfg(test)]
mod tests;
