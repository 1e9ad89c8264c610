//! What is stored, and where: the typed side of the [`Table`](crate::ports::Table).
//!
//! One table of versioned JSON documents; each module below owns one family of partitions and nobody else writes there.
//!
//! | partition | place | holds |
//! |---|---|---|
//! | `integrations` | integration | [`integrations::Integration`] |
//! | `runs#I` | `open`, `run#RUN` | which run is open; [`runs::RunRecord`] |
//! | `run#RUN` | `checkpoint`, `in#N`, `total#N`, `applied#N` | [`runs`]: the reading's checkpoint and marks put once |
//! | `records#I#SCOPE` | `KIND#VENDOR_ID` | [`reconcile::mapping::Entry`] |
//! | `staged#I` | `SCOPE` | [`entries`]: which scopes hold staged decisions |
//! | `catalogue#PARENT` | `version`, `KIND#DOC` | [`reconcile::doc::Doc`] below a client, `clients` or `users` |
//! | `plans#I` | `PLAN` | [`plans::PlanHead`] |
//! | `plan#PLAN` | `part#N#K` | [`plans`]: the plan's parts, in chunks |
//! | `digests#I` | `KIND#N`, `again#SCOPE` | [`digests`]: what lets an unchanged scope be skipped, and what does not |
//! | `audit#I` | instant | [`audit::AuditEntry`] |
//! | `sign_in` | `tries#WINDOW#WHO`, `used#STATE`, `ended#SESSION` | [`sign_in`]: what a console on AWS remembers of sign-ins |
//! | `roster#I` | `KIND`, `KIND#N` | [`roster`]: users and clients with what is decided, for lists of them |
//! | `names#SHELF` | `#head`, `N` | [`names`]: what a shelf's records are called |

pub mod audit;
pub mod catalogue;
pub mod digests;
pub mod entries;
pub mod integrations;
pub mod names;
pub mod plans;
pub mod roster;
pub mod runs;
pub mod sign_in;

use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ports::{GET_KEYS_MAX, Item, Key, Page, Query, Table, TableError};

/// Why something stored could not be loaded or saved.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The table failed, or a condition did not hold.
    #[error(transparent)]
    Table(#[from] TableError),
    /// What lies there is not what this version writes.
    #[error("the item at {key:?} cannot be read by this version")]
    Unreadable {
        /// Where.
        key: Key,
        /// Why.
        #[source]
        cause: serde_json::Error,
    },
}

impl StoreError {
    /// Says whether somebody else wrote first; the caller looks again.
    pub fn is_conflict(&self) -> bool {
        matches!(self, StoreError::Table(TableError::Conflict { .. }))
    }
}

pub(crate) fn encode<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("stored types have text keys and no foreign serialisers")
}

pub(crate) fn decode<T: DeserializeOwned>(item: &Item) -> Result<T, StoreError> {
    serde_json::from_str(&item.body).map_err(|cause| unreadable(item, cause))
}

/// Says that an item cannot be read.
pub(crate) fn unreadable(item: &Item, cause: serde_json::Error) -> StoreError {
    StoreError::Unreadable { key: item.key.clone(), cause }
}

/// Reads items by their keys, each once, however many; those that do not exist are left out.
pub(crate) async fn get_all(table: &impl Table, keys: Vec<Key>) -> Result<Vec<Item>, StoreError> {
    let keys: Vec<Key> = keys.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let mut items = Vec::with_capacity(keys.len());
    for some in keys.chunks(GET_KEYS_MAX) {
        items.append(&mut table.get_many(some).await?);
    }
    Ok(items)
}

/// Reads a whole range, page after page.
pub(crate) async fn query_all(table: &impl Table, mut query: Query) -> Result<Vec<Item>, StoreError> {
    let mut items = Vec::new();
    loop {
        let Page { items: mut page, next } = table.query(&query).await?;
        items.append(&mut page);
        match next {
            Some(next) => query.after = Some(next),
            None => return Ok(items),
        }
    }
}
