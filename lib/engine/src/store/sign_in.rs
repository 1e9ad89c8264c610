//! What sign-ins leave behind for a while: how often somebody tried, which sign-ins were used up, which sessions ended.
//!
//! All of it is counted and marked here, and not in a process, since each request may come to another one.

use serde::{Deserialize, Serialize};

use super::{StoreError, decode, encode};
use crate::ports::{Expect, Key, Table, TableError, Write};

const PARTITION: &str = "sign_in";
/// Two that count at the same time try again; more that meet at one count than this are too many anyway.
const COUNT_ATTEMPTS_MAX: u32 = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Tries {
    tries: u32,
}

/// Where a try stands among those of its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Within the limit.
    Within,
    /// The first one above it.
    FirstAbove,
    /// Above it; such tries are not counted any more.
    Above,
}

/// Counts a try of `whose` in a window of time, up to one more than `tries_max`. The count is forgotten after
/// `expires_at`, in seconds since 1970.
pub async fn count(
    table: &impl Table,
    whose: &str,
    window: i64,
    tries_max: u32,
    expires_at: i64,
) -> Result<Counted, StoreError> {
    let key = Key::new(PARTITION, format!("tries#{window}#{whose}"));
    for _ in 0..COUNT_ATTEMPTS_MAX {
        let found = table.get(&key).await?;
        let (before, expect) = match &found {
            Some(item) => (decode::<Tries>(item)?.tries, Expect::Version(item.version)),
            None => (0, Expect::Absent),
        };
        if before > tries_max {
            return Ok(Counted::Above);
        }
        let put = Write::put(key.clone(), expect, encode(&Tries { tries: before + 1 }));
        match table.write(Write { expires_at: Some(expires_at), ..put }).await {
            Ok(()) if before == tries_max => return Ok(Counted::FirstAbove),
            Ok(()) => return Ok(Counted::Within),
            Err(TableError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Counted::Above)
}

/// Marks a sign-in as used; `false` where it was used before. The mark is forgotten after `expires_at`.
pub async fn use_once(table: &impl Table, state: &str, expires_at: i64) -> Result<bool, StoreError> {
    mark(table, format!("used#{state}"), expires_at).await
}

/// Marks a session as ended; doing so twice is harmless. The mark is forgotten after `expires_at`.
pub async fn end_session(table: &impl Table, session: &str, expires_at: i64) -> Result<(), StoreError> {
    mark(table, format!("ended#{session}"), expires_at).await.map(drop)
}

/// Says whether a session was ended.
pub async fn is_ended(table: &impl Table, session: &str) -> Result<bool, StoreError> {
    Ok(table.get(&Key::new(PARTITION, format!("ended#{session}"))).await?.is_some())
}

async fn mark(table: &impl Table, place: String, expires_at: i64) -> Result<bool, StoreError> {
    let put = Write::put(Key::new(PARTITION, place), Expect::Absent, "{}".to_owned());
    match table.write(Write { expires_at: Some(expires_at), ..put }).await {
        Ok(()) => Ok(true),
        Err(TableError::Conflict { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
