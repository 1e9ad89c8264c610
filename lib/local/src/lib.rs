//! The one-machine deployment: a data folder with an embedded DynamoDB engine, a durable queue and a secrets file.
//!
//! ```text
//! <data folder>/          0700
//!   version               the layout of the folder
//!   lock                  held while a process uses the folder; the kernel frees it when the process dies
//!   catalogue.sqlite      the table
//!   queue.sqlite          the records queue
//!   secrets.json          0600
//!   api-token             0600; what programs show to the console
//! ```
//!
//! The table runs the same code as on AWS ([`aws::table::DynamoTable`]); only what carries its requests differs. What was
//! answered survives the death of the process at any instant.

mod clock;
mod connector;
mod folder;
mod queue;
mod secrets;
mod token;

use std::path::Path;

use aws::table::DynamoTable;
use dynoxide::Database;
use serde_json::json;

pub use self::clock::SystemClock;
pub use self::folder::OpenError;
pub use self::queue::{Depth, LocalQueue};
pub use self::secrets::SecretsFile;
pub use self::token::{API_TOKEN, api_token};
use crate::connector::{Work, client};
use crate::folder::Lock;

/// The table's name, which DynamoDB's rules want to have three characters.
const TABLE: &str = "msp-sync";

/// An opened data folder. While this lives, no other process can open the folder.
#[derive(Debug)]
pub struct Local {
    /// Catalogue, records, runs and plans.
    pub table: DynamoTable,
    /// The records queue.
    pub queue: LocalQueue,
    /// The integrations' secrets.
    pub secrets: SecretsFile,
    database: DatabaseHandle,
    _lock: Lock,
}

/// The engine, which has no `Debug` of its own.
struct DatabaseHandle(Database);

impl std::fmt::Debug for DatabaseHandle {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Database")
    }
}

/// Opens a data folder, and makes it if there is none.
///
/// A folder that another process uses, that cannot be written to or that a newer version wrote is refused, and nothing is
/// written to it. Messages that were in flight when the last process died come again.
pub fn open(data_dir: &Path) -> Result<Local, OpenError> {
    let lock = folder::enter(data_dir)?;
    let path = data_dir.join("catalogue.sqlite");
    let failed = |cause: engine::ports::Cause| OpenError::Unreadable { path: path.clone(), cause };
    let text = path.to_str().ok_or_else(|| failed("the path is not Unicode".into()))?;
    let database = Database::new(text).map_err(|error| failed(error.into()))?;
    create_table(&database).map_err(|error| failed(error.into()))?;
    Ok(Local {
        table: DynamoTable::new(client(database.clone(), Work::Blocking), TABLE),
        queue: LocalQueue::open(&data_dir.join("queue.sqlite"))?,
        secrets: SecretsFile::new(data_dir.join("secrets.json")),
        database: DatabaseHandle(database),
        _lock: lock,
    })
}

impl Local {
    /// Deletes the items whose time is over, which DynamoDB does by itself; returns how many. It reads the whole table: once
    /// a day is enough.
    pub async fn forget_expired(&self) -> Result<usize, engine::ports::Cause> {
        let database = self.database.0.clone();
        Ok(tokio::task::spawn_blocking(move || database.sweep_ttl()).await??)
    }
}

/// Makes a table in memory, behind the same code that runs against DynamoDB: for tests and benchmarks.
pub fn memory_table() -> DynamoTable {
    let database = Database::memory().expect("an engine in memory needs no file");
    create_table(&database).expect("an engine in memory takes a table");
    DynamoTable::new(client(database, Work::Inline), TABLE)
}

/// Makes a table in memory that holds these items, each as DynamoDB's JSON has it: for tests of what other versions wrote.
pub fn memory_table_of(items: impl IntoIterator<Item = serde_json::Value>) -> DynamoTable {
    let database = Database::memory().expect("an engine in memory needs no file");
    create_table(&database).expect("an engine in memory takes a table");
    for item in items {
        let put = json!({"TableName": TABLE, "Item": item});
        let put = serde_json::from_value(put).expect("the item is DynamoDB's JSON");
        database.put_item(put).expect("an engine in memory takes an item");
    }
    DynamoTable::new(client(database, Work::Inline), TABLE)
}

/// Makes the table unless it is there; the same one as [`DynamoTable::create_if_missing`] makes.
fn create_table(database: &Database) -> dynoxide::Result<()> {
    if database.get_table_metadata(TABLE)?.is_some() {
        return Ok(());
    }
    let definition = json!({
        "TableName": TABLE,
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "BillingMode": "PAY_PER_REQUEST",
    });
    let expiry = json!({
        "TableName": TABLE,
        "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": true},
    });
    database.create_table(serde_json::from_value(definition).expect("a valid definition"))?;
    database.update_time_to_live(serde_json::from_value(expiry).expect("a valid expiry"))?;
    Ok(())
}
