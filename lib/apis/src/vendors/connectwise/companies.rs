//! Companies as clients (connectwise_psa.md section 7).
//!
//! Statuses and types are tables of the MSP's own. A status says by a flag that companies in it are inactive. Nothing says
//! of a type whether such companies are customers, so its name has to: see [`is_of_customers`].

use reconcile::ids::VendorId;
use reconcile::record::{Class, Field, Kind, VendorRecord, fold_blanks};
use serde::Deserialize;

use super::rows::{self, Reference, name, text};
use crate::account::Account;
use crate::call::Reply;
use crate::decode::{Row, Shape, Str};
use crate::feed::{Context, Page};
use crate::words::Words;

/// Statuses whose companies are inactive.
const INACTIVE: &str = "inactive_statuses";
/// Companies whose sites are not worth a call.
const WITHOUT_SITES: &str = "companies_without_sites";

const ROW: Row = Row {
    shapes: &[
        ("/id", Shape::Whole),
        ("/name", Shape::Name),
        ("/status", Shape::Reference),
        ("/deletedFlag", Shape::Switch),
        ("/addressLine1", Shape::Text),
        ("/addressLine2", Shape::Text),
        ("/city", Shape::Text),
        ("/state", Shape::Text),
        ("/zip", Shape::Text),
        ("/country", Shape::Reference),
        ("/phoneNumber", Shape::Text),
        ("/website", Shape::Text),
        ("/types", Shape::Any),
    ],
    name: "/name",
    volatile: &[],
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Company<'a> {
    id: u64,
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow, default)]
    status: Option<Reference<'a>>,
    #[serde(borrow, default)]
    types: Option<Vec<Reference<'a>>>,
    #[serde(borrow, default)]
    address_line1: Option<Str<'a>>,
    #[serde(borrow, default)]
    address_line2: Option<Str<'a>>,
    #[serde(borrow, default)]
    city: Option<Str<'a>>,
    #[serde(borrow, default)]
    state: Option<Str<'a>>,
    #[serde(borrow, default)]
    zip: Option<Str<'a>>,
    #[serde(borrow, default)]
    country: Option<Reference<'a>>,
    #[serde(borrow, default)]
    phone_number: Option<Str<'a>>,
    #[serde(borrow, default)]
    website: Option<Str<'a>>,
    #[serde(default)]
    deleted_flag: Option<bool>,
}

/// Reads one page of the statuses.
pub(super) fn decode_statuses(reply: &Reply, _: &Context<'_>) -> Page {
    rows::words(reply, INACTIVE, |status| status.is_inactive())
}

/// Reads one page of the companies. The words tell which of them have no sites that anybody wants.
pub(super) fn decode(reply: &Reply, context: &Context<'_>) -> Page {
    let mut words = Words::default();
    let page = rows::page(reply, |raw| {
        Some(rows::record(raw, Kind::Client, &ROW, None, |company| observe(company, context, &mut words)))
    });
    Page { words, ..page }
}

/// Says whether the sites of a company are not worth a call. A deleted company may have none that can be asked for; below
/// one that is no customer nothing is documented.
pub(super) fn has_no_sites(words: &Words, client: &VendorId) -> bool {
    words.get(WITHOUT_SITES, client.as_str()).is_some()
}

fn observe(company: Company<'_>, context: &Context<'_>, words: &mut Words) -> Option<VendorRecord> {
    let is_deleted = company.deleted_flag == Some(true);
    let is_inactive = company.status.as_ref().is_some_and(|status| {
        context.words.get(INACTIVE, &status.id.to_string()).is_some()
            || text(&status.name).trim().eq_ignore_ascii_case("inactive")
    });
    let mut record = rows::named(Kind::Client, company.id, None, &company.name.0, is_deleted || is_inactive)?;
    let wanted = wanted_types(context.account);
    record.class = class(company.types.as_deref().unwrap_or_default(), &wanted);
    let is_left_out = record.class.as_ref().is_some_and(|class| !is_wanted(class, &wanted));
    if is_deleted || is_left_out {
        words.set(WITHOUT_SITES, record.vendor_id.as_str(), if is_deleted { "deleted" } else { "no customer" });
    }
    let lines = [text(&company.address_line1), text(&company.address_line2)];
    record.fields.set_text(Field::Address, &rows::lines(lines));
    record.fields.set_text(Field::City, text(&company.city));
    record.fields.set_text(Field::State, text(&company.state));
    record.fields.set_text(Field::PostalCode, text(&company.zip));
    record.fields.set_text(Field::Country, name(&company.country));
    record.fields.set_text(Field::Phone, text(&company.phone_number));
    record.fields.set_text(Field::Website, text(&company.website));
    Some(record)
}

/// Returns the class of a company that is no customer: all its types say so. Of several, one that the operator takes in
/// comes first, then the one with the least id, so that the class does not depend on their order.
fn class(types: &[Reference<'_>], wanted: &[&str]) -> Option<Class> {
    if types.iter().any(|one| is_of_customers(text(&one.name))) {
        return None;
    }
    let classes = types.iter().map(|one| (one.id, fold_blanks(text(&one.name))));
    let classes = classes.map(|(id, name)| (id, Class { id: id.to_string(), name }));
    classes.min_by_key(|(id, class)| (!is_wanted(class, wanted), *id)).map(|(_, class)| class)
}

fn is_wanted(class: &Class, wanted: &[&str]) -> bool {
    wanted.iter().any(|one| *one == class.id || *one == class.name)
}

fn wanted_types(account: &Account) -> Vec<&str> {
    account.setting("company_types").unwrap_or_default().split(',').map(str::trim).collect()
}

/// Words in a type's name that say: no customer.
const OTHERS: &[&str] = &[
    "prospect",
    "prospects",
    "lead",
    "leads",
    "suspect",
    "suspects",
    "vendor",
    "vendors",
    "supplier",
    "suppliers",
    "distributor",
    "distributors",
    "manufacturer",
    "manufacturers",
    "reseller",
    "resellers",
    "competitor",
    "competitors",
    "partner",
    "partners",
];
/// Words that say: a customer.
const CUSTOMERS: &[&str] = &["client", "clients", "customer", "customers"];
/// Words that turn the latter round, as in "Former Client".
const BUT_NOT: &[&str] = &[
    "former",
    "formerly",
    "ex",
    "past",
    "previous",
    "old",
    "lost",
    "not",
    "non",
    "no",
    "potential",
    "prospective",
    "future",
    "cancelled",
    "canceled",
    "terminated",
    "inactive",
];

/// Says whether companies of a type are customers, by its name. A name that says neither ("Managed", "Break/Fix",
/// "Owner", one in another language) is a customer's: a company too many is seen in the list and left out with a click, a
/// customer too few is missed.
fn is_of_customers(name: &str) -> bool {
    let name = name.to_lowercase();
    let has = |list: &[&str]| name.split(|letter: char| !letter.is_alphanumeric()).any(|word| list.contains(&word));
    if has(CUSTOMERS) { !has(BUT_NOT) } else { !has(OTHERS) }
}
