//! The table in DynamoDB.
//!
//! An item is `pk` and `sk` (the key), `v` (the version, a number), `form` ([`engine::ports::ITEM_FORM`]), `body` (the JSON
//! document as text; `packed`, the same deflated, where that halves a long one) and, where the store may forget it,
//! `expires_at` (seconds, the table's time-to-live attribute). The same code runs on one machine against an engine in
//! process: a client with another connector is all that differs.

mod attempts;
mod create;
mod requests;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, ConsumedCapacity, KeysAndAttributes, ReturnConsumedCapacity};
use engine::memory::{item_bytes, write_units};
use engine::ports::{Item, Key, Meter, Page, Query, Table, TableError, Write};

use self::attempts::Attempts;
use crate::Config;
use crate::failure::{Outlook, outlook, told};

/// DynamoDB's limit of keys in one batch read.
const GET_KEYS_MAX: usize = 100;
/// Rounds of one batch read. A round brings up to 16 MB, so 100 items of 400 KB take three; the rest is for throttling.
const GET_ROUNDS_MAX: u32 = 6;
/// The wait after a round that was cut short; doubled each time.
const GET_ROUND_WAIT: Duration = Duration::from_millis(20);

/// The table in DynamoDB, or in what speaks its protocol.
#[derive(Debug)]
pub struct DynamoTable {
    client: Client,
    name: String,
    meter: Meter,
}

type Attributes = HashMap<String, AttributeValue>;

impl DynamoTable {
    /// Opens the table called `name`; nothing is sent.
    pub fn open(config: &Config, name: impl Into<String>) -> Self {
        Self::new(Client::new(config), name)
    }

    /// Uses the table called `name`; it is not looked at.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into(), meter: Meter::default() }
    }

    fn count(&self, items_written: u64, read: Option<f64>, written: Option<f64>) {
        self.meter.add(items_written, read.unwrap_or_default(), written.unwrap_or_default());
    }

    /// Counts a write whose condition failed. DynamoDB bills it and does not say how much; the units of what was to be
    /// written stand in.
    fn count_failed(&self, sizes: &[usize], factor: f64) {
        self.meter.add(0, 0.0, sizes.iter().map(|bytes| factor * write_units(*bytes)).sum());
    }

    async fn put(&self, write: Write, body: String) -> Result<(), TableError> {
        let bytes = bytes_after(&write, &body);
        let (condition, values) = requests::condition(write.expect);
        let (key, attempts) = (write.key.clone(), Attempts::default());
        let item = requests::item(write, body);
        let answer = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item.clone()))
            .condition_expression(condition)
            .set_expression_attribute_values(values)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .customize()
            .interceptor(attempts.clone())
            .send()
            .await;
        match answer {
            Ok(output) => {
                self.count(1, None, units(output.consumed_capacity()));
                Ok(())
            }
            Err(error) => {
                let failed =
                    error.as_service_error().is_some_and(|error| error.is_conditional_check_failed_exception());
                let error = self.write_failure(failed, key.clone(), bytes, &error);
                if failed && attempts.were_several() && self.stored(key).await? == Some(item) {
                    return Ok(());
                }
                Err(error)
            }
        }
    }

    async fn delete(&self, write: Write) -> Result<(), TableError> {
        let (condition, values) = requests::condition(write.expect);
        let (key, attempts) = (write.key.clone(), Attempts::default());
        let answer = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(requests::key(write.key)))
            .condition_expression(condition)
            .set_expression_attribute_values(values)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .customize()
            .interceptor(attempts.clone())
            .send()
            .await;
        match answer {
            Ok(output) => {
                self.count(1, None, units(output.consumed_capacity()));
                Ok(())
            }
            Err(error) => {
                let failed =
                    error.as_service_error().is_some_and(|error| error.is_conditional_check_failed_exception());
                let error = self.write_failure(failed, key.clone(), 0, &error);
                if failed && attempts.were_several() && self.stored(key).await?.is_none() {
                    return Ok(());
                }
                Err(error)
            }
        }
    }

    /// Reads what lies at a place after a condition failed at a second try. The SDK tries again by itself when an answer is
    /// lost: what lies there as it was to become is what the first try wrote, and no conflict.
    async fn stored(&self, key: Key) -> Result<Option<Attributes>, TableError> {
        let request = self.client.get_item().table_name(&self.name).set_key(Some(requests::key(key)));
        let request = request.consistent_read(true).return_consumed_capacity(ReturnConsumedCapacity::Total);
        let output = request.send().await.map_err(|error| failure("get", &error))?;
        self.count(0, units(output.consumed_capacity()), None);
        Ok(output.item)
    }

    fn write_failure<E>(
        &self,
        condition_failed: bool,
        key: Key,
        bytes: usize,
        error: &SdkError<E, HttpResponse>,
    ) -> TableError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        if condition_failed {
            self.count_failed(&[bytes], 1.0);
            return TableError::Conflict { index: 0, key };
        }
        failure("write", error)
    }

    /// One round of a batch read: takes what came into `items`, returns what is left to ask for.
    async fn get_round(&self, keys: Vec<Attributes>, items: &mut Vec<Item>) -> Result<Vec<Attributes>, TableError> {
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let output = self
            .client
            .batch_get_item()
            .request_items(&self.name, wanted.expect("the keys are set"))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failure("get_many", &error))?;
        self.count(0, Some(output.consumed_capacity().iter().filter_map(ConsumedCapacity::capacity_units).sum()), None);
        for attributes in output.responses.into_iter().flatten().flat_map(|(_, found)| found) {
            items.push(requests::read_item("get_many", attributes)?);
        }
        Ok(output.unprocessed_keys.into_iter().flatten().flat_map(|(_, left)| left.keys).collect())
    }
}

fn units(consumed: Option<&ConsumedCapacity>) -> Option<f64> {
    consumed.and_then(ConsumedCapacity::capacity_units)
}

fn bytes_after(write: &Write, body: &str) -> usize {
    item_bytes(&write.key, write.expect.next_version(), body, write.expires_at)
}

fn failure<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> TableError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let cause = Box::new(told(error));
    match outlook(error) {
        Outlook::Passing => TableError::Unavailable { operation, cause },
        Outlook::Final => TableError::Refused { operation, cause },
    }
}

/// Says what a cancelled transaction means: a failed condition outweighs another transaction in the way, since looking
/// again is due in any case.
fn cancelled(keys: &[Key], error: &SdkError<TransactWriteItemsError, HttpResponse>) -> TableError {
    let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error() else {
        return failure("transact", error);
    };
    let codes: Vec<&str> =
        canceled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None")).collect();
    if let Some(index) = codes.iter().position(|code| *code == "ConditionalCheckFailed")
        && let Some(key) = keys.get(index)
    {
        return TableError::Conflict { index, key: key.clone() };
    }
    let passing = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    let cause = Box::new(told(error));
    if codes.iter().any(|code| passing.contains(code)) {
        TableError::Unavailable { operation: "transact", cause }
    } else {
        TableError::Refused { operation: "transact", cause }
    }
}

impl Table for DynamoTable {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(requests::key(key.clone())))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failure("get", &error))?;
        self.count(0, units(output.consumed_capacity()), None);
        output.item.map(|attributes| requests::read_item("get", attributes)).transpose()
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        let distinct: BTreeSet<&Key> = keys.iter().collect();
        if distinct.len() > GET_KEYS_MAX {
            let cause = format!("{} keys are too many", distinct.len()).into();
            return Err(TableError::Refused { operation: "get_many", cause });
        }
        let mut items = Vec::with_capacity(distinct.len());
        let mut left: Vec<Attributes> = distinct.into_iter().cloned().map(requests::key).collect();
        for round in 0..GET_ROUNDS_MAX {
            if left.is_empty() {
                return Ok(items);
            }
            if round > 0 {
                tokio::time::sleep(GET_ROUND_WAIT * 2_u32.pow(round - 1)).await;
            }
            left = self.get_round(left, &mut items).await?;
        }
        if left.is_empty() {
            return Ok(items);
        }
        let cause = format!("{} keys were not read in {GET_ROUNDS_MAX} rounds", left.len()).into();
        Err(TableError::Unavailable { operation: "get_many", cause })
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        let Some(start) = requests::start(query) else { return Ok(Page::default()) };
        let (condition, values) = requests::range(query);
        let output = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression(condition)
            .set_expression_attribute_values(Some(values))
            .set_exclusive_start_key(start)
            .limit(i32::try_from(query.limit.max(1)).unwrap_or(i32::MAX))
            .scan_index_forward(!query.newest_first)
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failure("query", &error))?;
        self.count(0, units(output.consumed_capacity()), None);
        let next = match output.last_evaluated_key {
            Some(attributes) => Some(requests::read_sk("query", attributes)?),
            None => None,
        };
        let found = output.items.unwrap_or_default().into_iter();
        let items = found.map(|attributes| requests::read_item("query", attributes)).collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }

    async fn write(&self, mut write: Write) -> Result<(), TableError> {
        match write.body.take() {
            Some(body) => self.put(write, body).await,
            None => self.delete(write).await,
        }
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<(), TableError> {
        if writes.is_empty() {
            return Ok(());
        }
        let keys: Vec<Key> = writes.iter().map(|write| write.key.clone()).collect();
        let sizes: Vec<usize> =
            writes.iter().map(|write| write.body.as_ref().map_or(0, |body| bytes_after(write, body))).collect();
        let items = writes.into_iter().map(|write| requests::transact_item(&self.name, write)).collect();
        let answer = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match answer {
            Ok(output) => {
                let written = output.consumed_capacity().iter().filter_map(ConsumedCapacity::capacity_units).sum();
                self.count(keys.len() as u64, None, Some(written));
                Ok(())
            }
            Err(error) => {
                let error = cancelled(&keys, &error);
                if matches!(error, TableError::Conflict { .. }) {
                    self.count_failed(&sizes, 2.0);
                }
                Err(error)
            }
        }
    }

    fn meter(&self) -> &Meter {
        &self.meter
    }
}
