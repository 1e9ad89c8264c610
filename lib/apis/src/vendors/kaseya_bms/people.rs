//! Contacts, and employees as users (kaseya_bms.md sections 7 and 10).

use reconcile::ids::VendorId;
use reconcile::record::{Field, Kind, VendorRecord};
use serde_json::Value;

use super::answers::{entries, id, main_of, malformed, record, rows, text};
use crate::call::Reply;
use crate::decode::{Row, Shape};
use crate::feed::{Context, Page, client_or_none};

const CONTACT: Row = Row {
    shapes: &[
        ("/id", Shape::Id),
        ("/accountId", Shape::Id),
        ("/firstName", Shape::Text),
        ("/lastName", Shape::Text),
        ("/jobTitle", Shape::Text),
        ("/locationName", Shape::Text),
        ("/isActive", Shape::Switch),
        ("/emails", Shape::List),
        ("/phones", Shape::List),
    ],
    name: "/lastName",
    volatile: &[],
};

const EMAIL: Row = Row { shapes: &[("/emailAddress", Shape::Text)], name: "", volatile: &[] };

const PHONE: Row = Row { shapes: &[("/phone", Shape::Text), ("/phoneType", Shape::Text)], name: "", volatile: &[] };

const EMPLOYEE: Row = Row {
    shapes: &[
        ("/id", Shape::Id),
        ("/firstName", Shape::Text),
        ("/lastName", Shape::Text),
        ("/emailAddress", Shape::Text),
        ("/username", Shape::Text),
        ("/jobTitle", Shape::Text),
        ("/isActive", Shape::Switch),
    ],
    name: "/lastName",
    volatile: &[],
};

/// Reads one page of contacts.
pub(super) fn decode_contacts(reply: &Reply, _: &Context<'_>) -> Page {
    let list = rows(reply);
    let records = list.rows.iter().map(contact).collect();
    Page { records, rows: Some(list.rows.len()), total: list.total, broken: list.broken, ..Page::default() }
}

/// Reads one page of employees. Nothing in a row tells a program from a person (section 7), but the user that we are
/// ourselves is known by its name.
pub(super) fn decode_employees(reply: &Reply, context: &Context<'_>) -> Page {
    let list = rows(reply);
    let own = context.account.secret.part("username");
    let is_own = |row: &&Value| text(row, "username").trim().eq_ignore_ascii_case(own);
    let records = list.rows.iter().filter(|row| !is_own(row)).map(employee).collect();
    Page { records, rows: Some(list.rows.len()), total: list.total, broken: list.broken, ..Page::default() }
}

fn contact(row: &Value) -> VendorRecord {
    let client = client_or_none(id(row, "accountId"));
    let (None, Some(own_id)) = (CONTACT.fault(row), id(row, "id")) else {
        return malformed(&CONTACT, Kind::Contact, row, Some(&client));
    };
    let email = main_of(entries(row, "emails"), "isDefault");
    let fault = email
        .and_then(|email| fault_in(email, &EMAIL, "emails"))
        .or_else(|| entries(row, "phones").find_map(|phone| fault_in(phone, &PHONE, "phones")));
    let email = email.map_or("", |email| text(email, "emailAddress"));
    let mut contact = named(Kind::Contact, own_id, Some(client), row, email);
    if fault.is_some() {
        contact.malformed = fault;
        return contact;
    }
    contact.fields.set_text(Field::Email, email);
    let has_number = |phone: &&Value| !text(phone, "phone").trim().is_empty();
    let mobile = main_of(entries(row, "phones").filter(has_number).filter(|phone| is_mobile(phone)), "isDefault");
    let other = main_of(entries(row, "phones").filter(has_number).filter(|phone| !is_mobile(phone)), "isDefault");
    contact.fields.set_text(Field::Mobile, mobile.map_or("", |phone| text(phone, "phone")));
    contact.fields.set_text(Field::Phone, other.map_or("", |phone| text(phone, "phone")));
    contact.fields.set_text(Field::Title, text(row, "jobTitle"));
    contact.fields.set_text(Field::Location, text(row, "locationName"));
    contact
}

/// The field at fault in an entry of the list `name`.
fn fault_in(entry: &Value, spec: &Row, name: &str) -> Option<String> {
    if entry.is_object() { spec.fault(entry) } else { Some(name.to_owned()) }
}

fn is_mobile(phone: &Value) -> bool {
    let kind = text(phone, "phoneType").to_lowercase();
    kind.contains("mobile") || kind.contains("cell")
}

fn employee(row: &Value) -> VendorRecord {
    let (None, Some(own_id)) = (EMPLOYEE.fault(row), id(row, "id")) else {
        return malformed(&EMPLOYEE, Kind::User, row, None);
    };
    let mut user = named(Kind::User, own_id, None, row, text(row, "username"));
    user.fields.set_text(Field::Email, text(row, "emailAddress"));
    user.fields.set_text(Field::Title, text(row, "jobTitle"));
    user
}

/// Makes the record of a person; one without any name cannot be read.
fn named(kind: Kind, own_id: VendorId, client: Option<VendorId>, row: &Value, instead: &str) -> VendorRecord {
    let full = format!("{} {}", text(row, "firstName"), text(row, "lastName"));
    let name = if full.trim().is_empty() { instead } else { &full };
    let mut person = record(kind, own_id, client, name, row);
    if name.trim().is_empty() {
        person.malformed = Some("lastName".to_owned());
    }
    person
}
