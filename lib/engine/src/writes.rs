//! Many independent writes, a few at a time.

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::ports::{Table, Write};
use crate::store::StoreError;

/// Writes under way at once.
const IN_FLIGHT: usize = 8;

/// Writes all items, each by itself; the first failure ends it, with some written and some not.
pub async fn each(table: &impl Table, writes: Vec<Write>) -> Result<(), StoreError> {
    stream::iter(writes)
        .map(|write| table.write(write))
        .buffer_unordered(IN_FLIGHT)
        .map_err(StoreError::from)
        .try_collect::<()>()
        .await
}
