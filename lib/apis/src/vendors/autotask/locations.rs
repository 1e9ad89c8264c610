//! Company locations (autotask_psa.md sections 9, 11).

use reconcile::record::{Field, Kind};
use serde::Deserialize;

use super::rows::{Numbered, Observed, Switch, joined, record, records, text};
use super::words::{COUNTRIES, LOCATIONS};
use crate::call::Reply;
use crate::decode::{Row, Shape, Str};
use crate::feed::{Context, Page};
use crate::words::Words;

/// What is asked for.
pub(super) const FIELDS: &[&str] = &[
    "id",
    "companyID",
    "name",
    "isActive",
    "phone",
    "address1",
    "address2",
    "city",
    "state",
    "postalCode",
    "countryID",
];

const ROW: Row = Row {
    shapes: &[
        ("/id", Shape::Id),
        ("/companyID", Shape::Id),
        ("/name", Shape::Name),
        ("/isActive", Shape::Flag),
        ("/phone", Shape::Text),
        ("/address1", Shape::Text),
        ("/address2", Shape::Text),
        ("/city", Shape::Text),
        ("/state", Shape::Text),
        ("/postalCode", Shape::Text),
        ("/countryID", Shape::Number),
        ("/id", Shape::Any),
    ],
    name: "/name",
    volatile: &[],
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CompanyLocation<'a> {
    id: u64,
    #[serde(rename = "companyID", alias = "companyId")]
    company: u64,
    #[serde(borrow, default)]
    name: Option<Str<'a>>,
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
}

impl Numbered for CompanyLocation<'_> {
    fn id(&self) -> u64 {
        self.id
    }
}

/// Reads one page of locations.
pub(super) fn decode(reply: &Reply, context: &Context<'_>) -> Page {
    let mut page = records(reply, Kind::Location, &ROW, |location| observe(location, context.words));
    for location in page.records.iter().filter(|location| location.malformed.is_none()) {
        page.words.set(LOCATIONS, location.vendor_id.as_str(), location.name.as_str());
    }
    page
}

fn observe(place: CompanyLocation<'_>, words: &Words) -> Observed {
    if text(&place.name).is_empty() {
        return Observed::Lacking;
    }
    let mut location = record(Kind::Location, place.id, text(&place.name), Some(place.company), place.is_active);
    let fields = &mut location.fields;
    fields.set_text(Field::Phone, text(&place.phone));
    fields.set_text(Field::Address, &joined(&[text(&place.address1), text(&place.address2)], ", "));
    fields.set_text(Field::City, text(&place.city));
    fields.set_text(Field::State, text(&place.state));
    fields.set_text(Field::PostalCode, text(&place.postal_code));
    let country = place.country.and_then(|id| words.get(COUNTRIES, &id.to_string()));
    fields.set_text(Field::Country, country.unwrap_or_default());
    Observed::Record(location)
}
