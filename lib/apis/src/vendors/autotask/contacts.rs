//! Contacts (autotask_psa.md sections 9, 11).

use reconcile::record::{Field, Kind};
use serde::Deserialize;

use super::rows::{Numbered, Observed, Switch, first_of, joined, record, records, text, with_extension};
use super::words::LOCATIONS;
use crate::call::Reply;
use crate::decode::{Row, Shape, Str};
use crate::feed::{Context, Page};
use crate::words::Words;

/// What is asked for.
pub(super) const FIELDS: &[&str] = &[
    "id",
    "companyID",
    "firstName",
    "lastName",
    "isActive",
    "companyLocationID",
    "emailAddress",
    "phone",
    "extension",
    "alternatePhone",
    "mobilePhone",
    "title",
];

const ROW: Row = Row {
    shapes: &[
        ("/id", Shape::Id),
        ("/companyID", Shape::Id),
        ("/firstName", Shape::Text),
        ("/lastName", Shape::Text),
        ("/isActive", Shape::Flag),
        ("/companyLocationID", Shape::Number),
        ("/emailAddress", Shape::Text),
        ("/phone", Shape::Text),
        ("/extension", Shape::Text),
        ("/alternatePhone", Shape::Text),
        ("/mobilePhone", Shape::Text),
        ("/title", Shape::Text),
        ("/lastName", Shape::Any),
    ],
    name: "/lastName",
    volatile: &[],
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Contact<'a> {
    id: u64,
    #[serde(rename = "companyID", alias = "companyId")]
    company: u64,
    #[serde(borrow, default)]
    first_name: Option<Str<'a>>,
    #[serde(borrow, default)]
    last_name: Option<Str<'a>>,
    #[serde(default)]
    is_active: Switch,
    #[serde(default, rename = "companyLocationID", alias = "companyLocationId")]
    location: Option<u64>,
    #[serde(borrow, default)]
    email_address: Option<Str<'a>>,
    #[serde(borrow, default)]
    phone: Option<Str<'a>>,
    #[serde(borrow, default)]
    extension: Option<Str<'a>>,
    #[serde(borrow, default)]
    alternate_phone: Option<Str<'a>>,
    #[serde(borrow, default)]
    mobile_phone: Option<Str<'a>>,
    #[serde(borrow, default)]
    title: Option<Str<'a>>,
}

impl Numbered for Contact<'_> {
    fn id(&self) -> u64 {
        self.id
    }
}

/// Reads one page of contacts.
pub(super) fn decode(reply: &Reply, context: &Context<'_>) -> Page {
    records(reply, Kind::Contact, &ROW, |contact| observe(contact, context.words))
}

/// The mobile number has a field of its own, so it does not stand in for the telephone.
fn observe(person: Contact<'_>, words: &Words) -> Observed {
    let name = joined(&[text(&person.first_name), text(&person.last_name)], " ");
    if name.is_empty() {
        return Observed::Lacking;
    }
    let mut contact = record(Kind::Contact, person.id, &name, Some(person.company), person.is_active);
    let phone = with_extension(text(&person.phone), text(&person.extension));
    let fields = &mut contact.fields;
    fields.set_text(Field::Email, text(&person.email_address));
    fields.set_text(Field::Phone, first_of([phone.as_str(), text(&person.alternate_phone)]));
    fields.set_text(Field::Mobile, text(&person.mobile_phone));
    fields.set_text(Field::Title, text(&person.title));
    let location = person.location.and_then(|id| words.get(LOCATIONS, &id.to_string()));
    fields.set_text(Field::Location, location.unwrap_or_default());
    Observed::Record(contact)
}
