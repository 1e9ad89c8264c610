//! Companies as clients (autotask_psa.md sections 9, 11).

use reconcile::record::{Class, Field, Kind};
use serde::Deserialize;

use super::rows::{Numbered, Observed, Switch, joined, record, records, text};
use super::words::{COMPANY_TYPES, COUNTRIES};
use crate::call::Reply;
use crate::decode::{Row, Shape, Str};
use crate::feed::{Context, Page};
use crate::words::Words;

/// The company that is the MSP itself (section 4). It is a client whatever type somebody gave it.
const OWN_COMPANY: u64 = 0;

/// The type of customers (section 9).
const CUSTOMER: i64 = 1;

/// What is asked for.
pub(super) const FIELDS: &[&str] = &[
    "id",
    "companyName",
    "companyType",
    "isActive",
    "phone",
    "address1",
    "address2",
    "city",
    "state",
    "postalCode",
    "countryID",
    "webAddress",
];

const ROW: Row = Row {
    shapes: &[
        ("/id", Shape::Id),
        ("/companyName", Shape::Name),
        ("/companyType", Shape::Number),
        ("/isActive", Shape::Flag),
        ("/phone", Shape::Text),
        ("/address1", Shape::Text),
        ("/address2", Shape::Text),
        ("/city", Shape::Text),
        ("/state", Shape::Text),
        ("/postalCode", Shape::Text),
        ("/countryID", Shape::Number),
        ("/webAddress", Shape::Text),
        ("/id", Shape::Any),
    ],
    name: "/companyName",
    volatile: &[],
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Company<'a> {
    id: u64,
    #[serde(borrow, default)]
    company_name: Option<Str<'a>>,
    #[serde(default)]
    company_type: Option<i64>,
    #[serde(default)]
    is_active: Switch,
    #[serde(borrow, default)]
    phone: Option<Str<'a>>,
    #[serde(borrow, default)]
    address1: Option<Str<'a>>,
    #[serde(borrow, default)]
    address2: Option<Str<'a>>,
    #[serde(borrow, default)]
    city: Option<Str<'a>>,
    #[serde(borrow, default)]
    state: Option<Str<'a>>,
    #[serde(borrow, default)]
    postal_code: Option<Str<'a>>,
    #[serde(default, rename = "countryID", alias = "countryId")]
    country: Option<u64>,
    #[serde(borrow, default)]
    web_address: Option<Str<'a>>,
}

impl Numbered for Company<'_> {
    fn id(&self) -> u64 {
        self.id
    }
}

/// Reads one page of companies.
pub(super) fn decode(reply: &Reply, context: &Context<'_>) -> Page {
    records(reply, Kind::Client, &ROW, |company| observe(company, context.words))
}

fn observe(company: Company<'_>, words: &Words) -> Observed {
    if text(&company.company_name).is_empty() {
        return Observed::Lacking;
    }
    let mut client = record(Kind::Client, company.id, text(&company.company_name), None, company.is_active);
    client.class = company.company_type.filter(|kind| *kind != CUSTOMER && company.id != OWN_COMPANY).map(|kind| {
        let id = kind.to_string();
        Class { name: words.get(COMPANY_TYPES, &id).unwrap_or(&id).to_owned(), id }
    });
    let fields = &mut client.fields;
    fields.set_text(Field::Phone, text(&company.phone));
    fields.set_text(Field::Address, &joined(&[text(&company.address1), text(&company.address2)], ", "));
    fields.set_text(Field::City, text(&company.city));
    fields.set_text(Field::State, text(&company.state));
    fields.set_text(Field::PostalCode, text(&company.postal_code));
    let country = company.country.and_then(|id| words.get(COUNTRIES, &id.to_string()));
    fields.set_text(Field::Country, country.unwrap_or_default());
    fields.set_text(Field::Website, text(&company.web_address));
    Observed::Record(client)
}
