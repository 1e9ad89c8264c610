//! The audit log: who decided what, and when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{StoreError, decode, encode};
use crate::ports::{Expect, Key, Query, Table, TableError, Write};

/// One decision of a person, or one change of state that the program made by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who: a person's name, or `msp-sync`.
    pub who: String,
    /// What was done, as the command's name.
    pub what: String,
    /// On what: ids only, no personal data.
    pub on: String,
}

/// Appends an entry to the log of `subject` (an integration's id, or `catalogue`).
pub async fn append(table: &impl Table, subject: &str, entry: &AuditEntry) -> Result<(), StoreError> {
    for attempt in 0.. {
        let place = format!("{:020}#{attempt}", entry.at.as_microsecond());
        let key = Key::new(format!("audit#{subject}"), place);
        match table.write(Write::put(key, Expect::Absent, encode(entry))).await {
            Err(TableError::Conflict { .. }) => {}
            other => return Ok(other?),
        }
    }
    unreachable!("the loop ends by writing or failing")
}

/// Returns the newest entries.
pub async fn newest(table: &impl Table, subject: &str, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
    newest_before(table, subject, None, limit).await
}

/// Returns the newest entries that are older than an instant.
pub async fn newest_before(
    table: &impl Table,
    subject: &str,
    before: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<AuditEntry>, StoreError> {
    let after = before.map(|at| format!("{:020}", at.as_microsecond()));
    let query = Query { newest_first: true, limit, after, ..Query::partition(format!("audit#{subject}")) };
    table.query(&query).await?.items.iter().map(decode).collect()
}
