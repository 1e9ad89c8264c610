//! Accounts as clients, with their locations, and the types that say which accounts are no clients (kaseya_bms.md
//! sections 6, 7 and 10).

use reconcile::ids::VendorId;
use reconcile::record::{Class, Field, Fields, Kind, VendorRecord};
use serde_json::{Value, json};

use super::answers::{entries, first_text, id, main_of, malformed, record, rows, text};
use crate::call::Reply;
use crate::decode::{Row, Shape};
use crate::feed::{Context, Page, client_or_none};
use crate::words::Words;

/// The table with the names of the types whose accounts are no clients.
const NO_CLIENTS: &str = "no_clients";

/// Reads the account types.
pub(super) fn decode_types(reply: &Reply, _: &Context<'_>) -> Page {
    let list = rows(reply);
    let mut words = Words::default();
    for row in list.rows.iter().filter(|row| row["isClient"] == Value::Bool(false)) {
        if let Some(id) = id(row, "id") {
            // Without a name the id has to do: a word that is blank would be none.
            words.set(NO_CLIENTS, id.as_str(), first_text(row, &["name"]));
            if words.get(NO_CLIENTS, id.as_str()).is_none() {
                words.set(NO_CLIENTS, id.as_str(), id.as_str());
            }
        }
    }
    Page { rows: Some(list.rows.len()), words, broken: list.broken, ..Page::default() }
}

const ACCOUNT: Row = Row {
    shapes: &[
        ("/id", Shape::Id),
        ("/accountName", Shape::Name),
        ("/accountTypeId", Shape::Number),
        ("/accountType", Shape::Text),
        ("/website", Shape::Text),
        ("/isActive", Shape::Switch),
    ],
    name: "/accountName",
    volatile: &[],
};

const LOCATION: Row = Row {
    shapes: &[
        ("/id", Shape::Id),
        ("/locationName", Shape::Name),
        ("/isActive", Shape::Switch),
        ("/addresses", Shape::List),
    ],
    name: "/locationName",
    volatile: &[],
};

const ADDRESS: Row = Row {
    shapes: &[
        ("/address1", Shape::Text),
        ("/address2", Shape::Text),
        ("/city", Shape::Text),
        ("/state", Shape::Text),
        ("/zipCode", Shape::Text),
        ("/country", Shape::Text),
        ("/phone", Shape::Text),
        ("/emailAddress", Shape::Text),
    ],
    name: "",
    volatile: &[],
};

/// Reads one page of accounts: for each row a client and its locations.
pub(super) fn decode(reply: &Reply, context: &Context<'_>) -> Page {
    let list = rows(reply);
    let mut records = Vec::new();
    for row in &list.rows {
        let account = client(row, context.words);
        let places = locations(row, account.malformed.is_some());
        records.push(account);
        records.extend(places);
    }
    Page { records, rows: Some(list.rows.len()), total: list.total, broken: list.broken, ..Page::default() }
}

fn client(row: &Value, words: &Words) -> VendorRecord {
    let (None, Some(own_id)) = (ACCOUNT.fault(row), id(row, "id")) else {
        return malformed(&ACCOUNT, Kind::Client, row, None);
    };
    let mut account = record(Kind::Client, own_id, None, text(row, "accountName"), row);
    account.fields.set_text(Field::Website, text(row, "website"));
    account.class = id(row, "accountTypeId").and_then(|kind| {
        let name = words.get(NO_CLIENTS, kind.as_str())?;
        Some(Class { id: kind.to_string(), name: name.to_owned() })
    });
    account
}

/// The locations of an account. Where they cannot be told, since the account's row is broken there, a record without an id
/// of the vendor's stands for them: while it is there, nobody can say which of them are gone.
fn locations(row: &Value, is_broken: bool) -> Vec<VendorRecord> {
    let client = client_or_none(id(row, "id"));
    match &row["locations"] {
        Value::Array(all) => all.iter().map(|row| location(row, &client)).collect(),
        Value::Null if !is_broken => Vec::new(),
        other => {
            let unknown = json!({"account": row["id"], "locations": other});
            let unknown = malformed(&LOCATION, Kind::Location, &unknown, Some(&client));
            vec![VendorRecord { malformed: Some("locations".to_owned()), ..unknown }]
        }
    }
}

fn location(row: &Value, client: &VendorId) -> VendorRecord {
    let (None, Some(own_id)) = (LOCATION.fault(row), id(row, "id")) else {
        return malformed(&LOCATION, Kind::Location, row, Some(client));
    };
    let mut place = record(Kind::Location, own_id, Some(client.clone()), text(row, "locationName"), row);
    if let Some(address) = main_of(entries(row, "addresses"), "isMain") {
        place.malformed = if address.is_object() { ADDRESS.fault(address) } else { Some("addresses".to_owned()) };
        if place.malformed.is_none() {
            set_address(&mut place.fields, address);
        }
    }
    place
}

fn set_address(fields: &mut Fields, address: &Value) {
    let lines = [text(address, "address1").trim(), text(address, "address2").trim()];
    let lines: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    fields.set_text(Field::Address, &lines.join(", "));
    fields.set_text(Field::City, text(address, "city"));
    fields.set_text(Field::State, text(address, "state"));
    fields.set_text(Field::PostalCode, text(address, "zipCode"));
    fields.set_text(Field::Country, text(address, "country"));
    fields.set_text(Field::Phone, text(address, "phone"));
    fields.set_text(Field::Email, text(address, "emailAddress"));
}
