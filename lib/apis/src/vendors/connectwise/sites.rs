//! A company's sites as locations (connectwise_psa.md section 7).

use reconcile::ids::VendorId;
use reconcile::record::{Field, Kind, VendorRecord};
use serde::Deserialize;

use super::rows::{self, Reference, lines, name, text};
use crate::call::Reply;
use crate::decode::{Row, Shape, Str};
use crate::feed::{Context, Page};

const ROW: Row = Row {
    shapes: &[
        ("/id", Shape::Whole),
        ("/name", Shape::Name),
        ("/addressLine1", Shape::Text),
        ("/addressLine2", Shape::Text),
        ("/city", Shape::Text),
        ("/zip", Shape::Text),
        ("/country", Shape::Reference),
        ("/phoneNumber", Shape::Text),
        ("/inactiveFlag", Shape::Switch),
        ("/stateReference", Shape::Any),
    ],
    name: "/name",
    volatile: &[],
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Site<'a> {
    id: u64,
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow, default)]
    address_line1: Option<Str<'a>>,
    #[serde(borrow, default)]
    address_line2: Option<Str<'a>>,
    #[serde(borrow, default)]
    city: Option<Str<'a>>,
    #[serde(borrow, default)]
    state_reference: Option<State<'a>>,
    #[serde(borrow, default)]
    zip: Option<Str<'a>>,
    #[serde(borrow, default)]
    country: Option<Reference<'a>>,
    #[serde(borrow, default)]
    phone_number: Option<Str<'a>>,
    #[serde(default)]
    inactive_flag: Option<bool>,
}

/// A state: `FL` and `Florida`. On a company it is a text alone.
#[derive(Deserialize)]
struct State<'a> {
    #[serde(borrow, default)]
    identifier: Option<Str<'a>>,
    #[serde(borrow, default)]
    name: Option<Str<'a>>,
}

/// Reads one page of the sites of a company.
pub(super) fn decode(reply: &Reply, context: &Context<'_>) -> Page {
    let company = context.below.map(|below| &below.client);
    rows::page(reply, |raw| Some(rows::record(raw, Kind::Location, &ROW, company, |site| observe(site, company))))
}

fn observe(site: Site<'_>, company: Option<&VendorId>) -> Option<VendorRecord> {
    let is_inactive = site.inactive_flag == Some(true);
    let mut record = rows::named(Kind::Location, site.id, company.cloned(), &site.name.0, is_inactive)?;
    let state = site.state_reference.as_ref().map_or("", |state| {
        let identifier = text(&state.identifier);
        if identifier.trim().is_empty() { text(&state.name) } else { identifier }
    });
    record.fields.set_text(Field::Address, &lines([text(&site.address_line1), text(&site.address_line2)]));
    record.fields.set_text(Field::City, text(&site.city));
    record.fields.set_text(Field::State, state);
    record.fields.set_text(Field::PostalCode, text(&site.zip));
    record.fields.set_text(Field::Country, name(&site.country));
    record.fields.set_text(Field::Phone, text(&site.phone_number));
    Some(record)
}
