//! Members as users, and contacts (connectwise_psa.md section 7).

use reconcile::record::{Field, Kind, VendorRecord};
use serde::Deserialize;

use super::rows::{self, Reference, first_said, name, text, with_extension};
use crate::call::Reply;
use crate::decode::{Row, Shape, Str, row};
use crate::feed::{Context, Page};

const MEMBER: Row = Row {
    shapes: &[
        ("/id", Shape::Whole),
        ("/identifier", Shape::Text),
        ("/firstName", Shape::Text),
        ("/lastName", Shape::Text),
        ("/title", Shape::Text),
        ("/primaryEmail", Shape::Text),
        ("/officeEmail", Shape::Text),
        ("/mobileEmail", Shape::Text),
        ("/homeEmail", Shape::Text),
        ("/defaultEmail", Shape::Text),
        ("/defaultPhone", Shape::Text),
        ("/officePhone", Shape::Text),
        ("/officeExtension", Shape::Text),
        ("/mobilePhone", Shape::Text),
        ("/mobileExtension", Shape::Text),
        ("/homePhone", Shape::Text),
        ("/homeExtension", Shape::Text),
        ("/licenseClass", Shape::Text),
        ("/inactiveFlag", Shape::Switch),
        ("/identifier", Shape::Any),
    ],
    name: "/identifier",
    volatile: &["lastLogin"],
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member<'a> {
    id: u64,
    #[serde(borrow, default)]
    identifier: Option<Str<'a>>,
    #[serde(borrow, default)]
    first_name: Option<Str<'a>>,
    #[serde(borrow, default)]
    last_name: Option<Str<'a>>,
    #[serde(borrow, default)]
    title: Option<Str<'a>>,
    #[serde(borrow, default)]
    primary_email: Option<Str<'a>>,
    #[serde(borrow, default)]
    office_email: Option<Str<'a>>,
    #[serde(borrow, default)]
    mobile_email: Option<Str<'a>>,
    #[serde(borrow, default)]
    home_email: Option<Str<'a>>,
    #[serde(borrow, default)]
    default_email: Option<Str<'a>>,
    #[serde(borrow, default)]
    default_phone: Option<Str<'a>>,
    #[serde(borrow, default)]
    office_phone: Option<Str<'a>>,
    #[serde(borrow, default)]
    office_extension: Option<Str<'a>>,
    #[serde(borrow, default)]
    mobile_phone: Option<Str<'a>>,
    #[serde(borrow, default)]
    mobile_extension: Option<Str<'a>>,
    #[serde(borrow, default)]
    home_phone: Option<Str<'a>>,
    #[serde(borrow, default)]
    home_extension: Option<Str<'a>>,
    #[serde(default)]
    inactive_flag: Option<bool>,
}

/// What tells an account of programs from a person.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct License<'a> {
    #[serde(borrow)]
    license_class: Str<'a>,
}

const CONTACT: Row = Row {
    shapes: &[
        ("/id", Shape::Whole),
        ("/company", Shape::Reference),
        ("/site", Shape::Reference),
        ("/firstName", Shape::Text),
        ("/lastName", Shape::Text),
        ("/title", Shape::Text),
        ("/inactiveFlag", Shape::Switch),
        ("/defaultPhoneNbr", Shape::Text),
        ("/defaultPhoneExtension", Shape::Text),
        ("/communicationItems", Shape::List),
        ("/firstName", Shape::Name),
        ("/communicationItems", Shape::Any),
    ],
    name: "/firstName",
    volatile: &[],
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Contact<'a> {
    id: u64,
    #[serde(borrow, default)]
    first_name: Option<Str<'a>>,
    #[serde(borrow, default)]
    last_name: Option<Str<'a>>,
    #[serde(borrow, default)]
    company: Option<Reference<'a>>,
    #[serde(borrow, default)]
    site: Option<Reference<'a>>,
    #[serde(borrow, default)]
    title: Option<Str<'a>>,
    #[serde(default)]
    inactive_flag: Option<bool>,
    #[serde(borrow, default)]
    default_phone_nbr: Option<Str<'a>>,
    #[serde(borrow, default)]
    default_phone_extension: Option<Str<'a>>,
    #[serde(borrow, default)]
    communication_items: Option<Vec<Item<'a>>>,
}

/// A way to reach a contact.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    /// The MSP's own word, such as `Direct` or `Cell`.
    #[serde(borrow, default, rename = "type")]
    kind: Option<Reference<'a>>,
    #[serde(borrow, default)]
    value: Option<Str<'a>>,
    #[serde(borrow, default)]
    extension: Option<Str<'a>>,
    #[serde(default)]
    default_flag: Option<bool>,
    /// `Email`, `Fax` or `Phone`.
    #[serde(borrow, default)]
    communication_type: Option<Str<'a>>,
}

/// Reads one page of the members. API members are accounts of programs (section 2), not people, and are left out.
pub(super) fn decode_members(reply: &Reply, _: &Context<'_>) -> Page {
    rows::page(reply, |raw| {
        let is_api = row::<License<'_>>(raw).is_ok_and(|license| license.license_class.0.trim() == "A");
        (!is_api).then(|| rows::record(raw, Kind::User, &MEMBER, None, observe_member))
    })
}

/// Reads one page of the contacts.
pub(super) fn decode_contacts(reply: &Reply, _: &Context<'_>) -> Page {
    rows::page(reply, |raw| Some(rows::record(raw, Kind::Contact, &CONTACT, None, observe_contact)))
}

fn observe_member(member: Member<'_>) -> Option<VendorRecord> {
    let full = full_name(&member.first_name, &member.last_name);
    let shown = first_said([&full, text(&member.identifier)]);
    let mut record = rows::named(Kind::User, member.id, None, shown, member.inactive_flag == Some(true))?;
    let preferred_email = match text(&member.default_email) {
        "Mobile" => &member.mobile_email,
        "Home" => &member.home_email,
        _ => &member.office_email,
    };
    let email = first_said([text(&member.primary_email), text(preferred_email), text(&member.office_email)]);
    let office = with_extension(text(&member.office_phone), text(&member.office_extension));
    let mobile = with_extension(text(&member.mobile_phone), text(&member.mobile_extension));
    let home = with_extension(text(&member.home_phone), text(&member.home_extension));
    let preferred_phone = match text(&member.default_phone) {
        "Mobile" => &mobile,
        "Home" => &home,
        _ => &office,
    };
    record.fields.set_text(Field::Email, email);
    record.fields.set_text(Field::Phone, first_said([preferred_phone.as_str(), &office]));
    record.fields.set_text(Field::Mobile, &mobile);
    record.fields.set_text(Field::Title, text(&member.title));
    Some(record)
}

fn observe_contact(contact: Contact<'_>) -> Option<VendorRecord> {
    let full = full_name(&contact.first_name, &contact.last_name);
    let client = rows::client(&contact.company);
    let mut record = rows::named(Kind::Contact, contact.id, client, &full, contact.inactive_flag == Some(true))?;
    let items = contact.communication_items.as_deref().unwrap_or_default();
    let phone_of = |item: &Item<'_>| with_extension(text(&item.value), text(&item.extension));
    let named_phone = with_extension(text(&contact.default_phone_nbr), text(&contact.default_phone_extension));
    let (default, first) =
        (chosen(items, "Phone", |item| is_default(item)), chosen(items, "Phone", |one| !is_mobile(one)));
    let phone = [default.map(phone_of), Some(named_phone), first.map(phone_of)];
    let mobile = chosen(items, "Phone", is_mobile).map(phone_of).unwrap_or_default();
    record.fields.set_text(Field::Email, chosen(items, "Email", |_| true).map_or("", |item| text(&item.value)));
    record.fields.set_text(Field::Phone, first_said(phone.iter().flatten().map(String::as_str)));
    record.fields.set_text(Field::Mobile, &mobile);
    record.fields.set_text(Field::Title, text(&contact.title));
    record.fields.set_text(Field::Location, name(&contact.site));
    Some(record)
}

/// Returns the item of a sort that people prefer: the default, else the first.
fn chosen<'i, 'a>(items: &'i [Item<'a>], sort: &str, fits: impl Fn(&Item<'a>) -> bool) -> Option<&'i Item<'a>> {
    let is_said = |item: &&Item<'a>| {
        text(&item.communication_type).eq_ignore_ascii_case(sort) && !text(&item.value).trim().is_empty() && fits(item)
    };
    items.iter().filter(is_said).find(|item| is_default(item)).or_else(|| items.iter().find(is_said))
}

fn is_default(item: &Item<'_>) -> bool {
    item.default_flag == Some(true)
}

/// Nothing but the MSP's word for a number says that it is a mobile telephone's.
fn is_mobile(item: &Item<'_>) -> bool {
    let word = name(&item.kind).to_lowercase();
    ["cell", "mobile", "handy"].iter().any(|mobile| word.contains(mobile))
}

fn full_name(first: &Option<Str<'_>>, last: &Option<Str<'_>>) -> String {
    format!("{} {}", text(first), text(last))
}
