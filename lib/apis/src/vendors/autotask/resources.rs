//! Resources, the MSP's own people, as users (autotask_psa.md sections 9, 11).

use reconcile::record::{Field, Kind};
use serde::Deserialize;

use super::rows::{Numbered, Observed, Switch, joined, record, records, text, with_extension};
use super::words::LICENSE_TYPES;
use crate::call::Reply;
use crate::decode::{Row, Shape, Str};
use crate::feed::{Context, Page};
use crate::words::Words;

/// The licence of API users, where the picklist has no word for a licence; it is uncertain (section 9).
const API_LICENSE: i64 = 7;

/// What is asked for.
pub(super) const FIELDS: &[&str] = &[
    "id",
    "firstName",
    "lastName",
    "email",
    "isActive",
    "licenseType",
    "officePhone",
    "officeExtension",
    "mobilePhone",
    "title",
];

const ROW: Row = Row {
    shapes: &[
        ("/id", Shape::Id),
        ("/firstName", Shape::Text),
        ("/lastName", Shape::Text),
        ("/email", Shape::Text),
        ("/isActive", Shape::Flag),
        ("/licenseType", Shape::Number),
        ("/officePhone", Shape::Text),
        ("/officeExtension", Shape::Text),
        ("/mobilePhone", Shape::Text),
        ("/title", Shape::Text),
        ("/lastName", Shape::Any),
    ],
    name: "/lastName",
    volatile: &[],
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource<'a> {
    id: u64,
    #[serde(borrow, default)]
    first_name: Option<Str<'a>>,
    #[serde(borrow, default)]
    last_name: Option<Str<'a>>,
    #[serde(borrow, default)]
    email: Option<Str<'a>>,
    #[serde(default)]
    is_active: Switch,
    #[serde(default)]
    license_type: Option<i64>,
    #[serde(borrow, default)]
    office_phone: Option<Str<'a>>,
    #[serde(borrow, default)]
    office_extension: Option<Str<'a>>,
    #[serde(borrow, default)]
    mobile_phone: Option<Str<'a>>,
    #[serde(borrow, default)]
    title: Option<Str<'a>>,
}

impl Numbered for Resource<'_> {
    fn id(&self) -> u64 {
        self.id
    }
}

/// Reads one page of resources. API users are in this list too; they are no people.
pub(super) fn decode(reply: &Reply, context: &Context<'_>) -> Page {
    records(reply, Kind::User, &ROW, |resource| observe(resource, context.words))
}

fn observe(person: Resource<'_>, words: &Words) -> Observed {
    if person.license_type.is_some_and(|license| is_of_the_api(license, words)) {
        return Observed::Other;
    }
    let name = joined(&[text(&person.first_name), text(&person.last_name)], " ");
    if name.is_empty() {
        return Observed::Lacking;
    }
    let mut user = record(Kind::User, person.id, &name, None, person.is_active);
    let fields = &mut user.fields;
    fields.set_text(Field::Email, text(&person.email));
    fields.set_text(Field::Phone, &with_extension(text(&person.office_phone), text(&person.office_extension)));
    fields.set_text(Field::Mobile, text(&person.mobile_phone));
    fields.set_text(Field::Title, text(&person.title));
    Observed::Record(user)
}

fn is_of_the_api(license: i64, words: &Words) -> bool {
    match words.get(LICENSE_TYPES, &license.to_string()) {
        Some(label) => {
            label.split(|letter: char| !letter.is_alphanumeric()).any(|word| word.eq_ignore_ascii_case("api"))
        }
        None => license == API_LICENSE,
    }
}
