//! Between the port's items and DynamoDB's attributes.

use std::cmp::Ordering;
use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use engine::ports::{Expect, ITEM_FORM, Item, Key, Query, TableError, Write};

use super::Attributes;

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Documents up to this size stay text, to be read in any viewer: packing them would not save a write unit.
const TEXT_BYTES_MAX: usize = 1024;

/// The most bytes that a packed document may unpack to: several times what DynamoDB takes of one item.
const UNPACKED_BYTES_MAX: usize = 4 << 20;

/// How hard packing tries (1 to 10): plans and marks shrink to an eighth at the cheapest levels. The more it tries, the less
/// is billed: a tenth less for what a night of few changes writes, where trying takes a millisecond.
const PACKING_LEVEL: u8 = 2;
const PACKING_LEVEL_OF_LITTLE: u8 = 8;

/// Documents up to this size are packed with more effort.
const LITTLE_BYTES_MAX: usize = 128 << 10;

/// Returns a document deflated where that at least halves it: plans, marks and buckets of digests repeat themselves, and a
/// write is billed by size.
fn pack(body: &str) -> Option<Vec<u8>> {
    if body.len() <= TEXT_BYTES_MAX {
        return None;
    }
    let level = if body.len() <= LITTLE_BYTES_MAX { PACKING_LEVEL_OF_LITTLE } else { PACKING_LEVEL };
    let packed = miniz_oxide::deflate::compress_to_vec(body.as_bytes(), level);
    (packed.len() * 2 <= body.len()).then_some(packed)
}

fn unpack(packed: &[u8]) -> Option<String> {
    let bytes = miniz_oxide::inflate::decompress_to_vec_with_limit(packed, UNPACKED_BYTES_MAX).ok()?;
    String::from_utf8(bytes).ok()
}

/// Returns the attributes of a key.
pub(super) fn key(key: Key) -> Attributes {
    HashMap::from([("pk".to_owned(), text(key.pk)), ("sk".to_owned(), text(key.sk))])
}

/// Returns the attributes of an item as it is after `write`.
pub(super) fn item(write: Write, body: String) -> Attributes {
    let version = write.expect.next_version();
    let mut attributes = HashMap::with_capacity(6);
    attributes.insert("pk".to_owned(), text(write.key.pk));
    attributes.insert("sk".to_owned(), text(write.key.sk));
    attributes.insert("v".to_owned(), number(version));
    attributes.insert("form".to_owned(), number(ITEM_FORM));
    match pack(&body) {
        Some(packed) => attributes.insert("packed".to_owned(), AttributeValue::B(Blob::new(packed))),
        None => attributes.insert("body".to_owned(), text(body)),
    };
    if let Some(seconds) = write.expires_at {
        attributes.insert("expires_at".to_owned(), number(seconds));
    }
    attributes
}

/// Returns the condition expression of `expect`, with its values.
pub(super) fn condition(expect: Expect) -> (&'static str, Option<Attributes>) {
    match expect {
        Expect::Absent | Expect::Version(0) => ("attribute_not_exists(pk)", None),
        Expect::Version(version) => ("v = :v", Some(HashMap::from([(":v".to_owned(), number(version))]))),
    }
}

/// Returns one write of a transaction.
pub(super) fn transact_item(table: &str, mut write: Write) -> TransactWriteItem {
    let (condition, values) = condition(write.expect);
    match write.body.take() {
        Some(body) => {
            let put = Put::builder()
                .table_name(table)
                .set_item(Some(item(write, body)))
                .condition_expression(condition)
                .set_expression_attribute_values(values)
                .build();
            TransactWriteItem::builder().put(put.expect("table and item are set")).build()
        }
        None => {
            let delete = Delete::builder()
                .table_name(table)
                .set_key(Some(key(write.key)))
                .condition_expression(condition)
                .set_expression_attribute_values(values)
                .build();
            TransactWriteItem::builder().delete(delete.expect("table and key are set")).build()
        }
    }
}

/// Returns the key condition of a query, with its values.
pub(super) fn range(query: &Query) -> (&'static str, Attributes) {
    let mut values = HashMap::from([(":pk".to_owned(), text(&query.pk))]);
    if !query.from.is_empty() {
        values.insert(":from".to_owned(), text(&query.from));
    }
    if !query.to.is_empty() {
        values.insert(":to".to_owned(), text(&query.to));
    }
    let condition = match (query.from.is_empty(), query.to.is_empty()) {
        (true, true) => "pk = :pk",
        (false, true) => "pk = :pk AND sk >= :from",
        (true, false) => "pk = :pk AND sk <= :to",
        (false, false) => "pk = :pk AND sk BETWEEN :from AND :to",
    };
    (condition, values)
}

/// Returns where the query starts: `Some(None)` at its bound, `None` where nothing can be found. DynamoDB refuses bounds
/// that are the wrong way round and a start outside them.
pub(super) fn start(query: &Query) -> Option<Option<Attributes>> {
    let open_end = query.to.is_empty();
    if !open_end && query.from > query.to {
        return None;
    }
    let Some(after) = &query.after else { return Some(None) };
    let from = after.as_str().cmp(query.from.as_str());
    let to = if open_end { Ordering::Less } else { after.as_str().cmp(query.to.as_str()) };
    let (before_the_range, beyond_it) = if query.newest_first {
        (to == Ordering::Greater, from != Ordering::Greater)
    } else {
        (from == Ordering::Less || after.is_empty(), to != Ordering::Less)
    };
    if beyond_it {
        return None;
    }
    Some((!before_the_range).then(|| key(Key::new(query.pk.as_str(), after.as_str()))))
}

/// Reads an item out of its attributes.
pub(super) fn read_item(operation: &'static str, mut attributes: Attributes) -> Result<Item, TableError> {
    let form = form(operation, attributes.remove("form"))?;
    if form > ITEM_FORM {
        return Err(TableError::Newer { form, known: ITEM_FORM });
    }
    let packed = attributes.remove("packed");
    let mut take = |name: &'static str| match attributes.remove(name) {
        Some(AttributeValue::S(value) | AttributeValue::N(value)) => Ok(value),
        _ => Err(misshapen(operation, name)),
    };
    let key = Key { pk: take("pk")?, sk: take("sk")? };
    let version = take("v")?.parse().map_err(|_| misshapen(operation, "v"))?;
    let body = match packed {
        Some(AttributeValue::B(packed)) => unpack(packed.as_ref()).ok_or_else(|| misshapen(operation, "packed"))?,
        _ => take("body")?,
    };
    Ok(Item { key, version, body })
}

/// Reads the form that an item was written in; the first versions wrote none.
fn form(operation: &'static str, attribute: Option<AttributeValue>) -> Result<u32, TableError> {
    match attribute {
        None => Ok(1),
        Some(AttributeValue::N(form)) => form.parse().map_err(|_| misshapen(operation, "form")),
        Some(_) => Err(misshapen(operation, "form")),
    }
}

/// Reads the place out of the key of a page's last item.
pub(super) fn read_sk(operation: &'static str, mut attributes: Attributes) -> Result<String, TableError> {
    match attributes.remove("sk") {
        Some(AttributeValue::S(sk)) => Ok(sk),
        _ => Err(misshapen(operation, "sk")),
    }
}

fn misshapen(operation: &'static str, attribute: &'static str) -> TableError {
    let cause = format!("an item's attribute {attribute} is missing or of another type").into();
    TableError::Refused { operation, cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> Attributes {
        item(
            Write::put(Key::new("runs#acme", "open"), Expect::Absent, r#"{"a":1}"#.to_owned()),
            r#"{"a":1}"#.to_owned(),
        )
    }

    #[test]
    fn an_item_says_which_form_it_has() {
        assert_eq!(stored()["form"], number(ITEM_FORM));
        let read = read_item("get", stored()).unwrap();
        assert_eq!((read.version, read.body.as_str()), (1, r#"{"a":1}"#));
    }

    #[test]
    fn an_item_without_a_form_is_one_of_the_first() {
        let mut first = stored();
        first.remove("form");
        assert_eq!(read_item("get", first).unwrap().body, r#"{"a":1}"#);
    }

    #[test]
    fn an_item_of_a_later_form_is_refused_whatever_else_it_has() {
        let mut later = HashMap::from([("form".to_owned(), number(ITEM_FORM + 1))]);
        later.insert("documents".to_owned(), text("somewhere else"));
        let error = read_item("query", later).unwrap_err();
        assert!(matches!(error, TableError::Newer { form, known } if form == known + 1), "{error:?}");
        let strange = HashMap::from([("form".to_owned(), text("two"))]);
        assert!(matches!(read_item("get", strange), Err(TableError::Refused { .. })));
    }
}
