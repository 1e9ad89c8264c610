//! Words for the numbers in rows: picklists, countries, products, names of locations (autotask_psa.md section 5).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::rows::{Numbered, text, words};
use crate::call::Reply;
use crate::decode::{Str, list, row};
use crate::feed::{Context, Page};
use crate::words::TYPES;

/// Types of companies.
pub(super) const COMPANY_TYPES: &str = "company_types";
/// Licence types of resources.
pub(super) const LICENSE_TYPES: &str = "license_types";
/// Countries.
pub(super) const COUNTRIES: &str = "countries";
/// Names of company locations.
pub(super) const LOCATIONS: &str = "locations";
/// Makes that an audit found.
pub(super) const MAKES: &str = "makes";
/// Models that an audit found.
pub(super) const MODELS: &str = "models";
/// Names of products.
pub(super) const PRODUCTS: &str = "products";
/// Makes of products.
pub(super) const PRODUCT_MAKES: &str = "product_makes";
/// Models of products.
pub(super) const PRODUCT_MODELS: &str = "product_models";

/// What is asked of products.
pub(super) const PRODUCT_FIELDS: &[&str] = &["id", "name", "manufacturerName", "manufacturerProductName"];

/// Reads the picklists of companies.
pub(super) fn company_fields(reply: &Reply, _: &Context<'_>) -> Page {
    picklists(reply, &[("companyType", COMPANY_TYPES)])
}

/// Reads the picklists of resources.
pub(super) fn resource_fields(reply: &Reply, _: &Context<'_>) -> Page {
    picklists(reply, &[("licenseType", LICENSE_TYPES)])
}

/// Reads the picklists of configuration items; their types are those that an operator chooses among.
pub(super) fn configuration_item_fields(reply: &Reply, _: &Context<'_>) -> Page {
    picklists(
        reply,
        &[("configurationItemType", TYPES), ("rmmDeviceAuditManufacturerID", MAKES), ("rmmDeviceAuditModelID", MODELS)],
    )
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FieldInfo<'a> {
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow, default)]
    picklist_values: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    /// A text, although the field holds a number.
    #[serde(borrow)]
    value: Str<'a>,
    #[serde(borrow, default)]
    label: Option<Str<'a>>,
}

/// Reads the wanted picklists: fields and their tables, of which the first is needed. Without it the answer is broken:
/// taken as it is, it would turn every word that is known from it back into a number. Names of fields are compared without
/// regard to case (section 10), and choices that are switched off are words too, since rows keep them.
fn picklists(reply: &Reply, wanted: &[(&str, &str)]) -> Page {
    let list = list(&reply.body, Some("fields"));
    let mut page = Page { rows: Some(list.rows.len()), broken: list.broken, ..Page::default() };
    let mut has_needed = false;
    for field in list.rows.into_iter().filter_map(|text| row::<FieldInfo<'_>>(text).ok()) {
        let Some(at) = wanted.iter().position(|(name, _)| name.eq_ignore_ascii_case(&field.name.0)) else { continue };
        has_needed |= at == 0;
        let choices = field.picklist_values.into_iter().flatten().filter_map(|text| row::<Choice<'_>>(text).ok());
        for choice in choices {
            page.words.set(wanted[at].1, choice.value.0.trim(), text(&choice.label));
        }
    }
    if page.broken.is_none() && !has_needed {
        page.broken = wanted.first().map(|(name, _)| format!("it does not say what {name} can be"));
    }
    page
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Country<'a> {
    id: u64,
    #[serde(borrow, default)]
    display_name: Option<Str<'a>>,
    #[serde(borrow, default)]
    name: Option<Str<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Product<'a> {
    id: u64,
    #[serde(borrow, default)]
    name: Option<Str<'a>>,
    #[serde(borrow, default)]
    manufacturer_name: Option<Str<'a>>,
    #[serde(borrow, default)]
    manufacturer_product_name: Option<Str<'a>>,
}

impl Numbered for Country<'_> {
    fn id(&self) -> u64 {
        self.id
    }
}

impl Numbered for Product<'_> {
    fn id(&self) -> u64 {
        self.id
    }
}

/// Reads one page of countries. The sheet does not name their fields; these two are tried.
pub(super) fn countries(reply: &Reply, _: &Context<'_>) -> Page {
    words(reply, |country: Country<'_>, page| {
        let shown = text(&country.display_name);
        let word = if shown.is_empty() { text(&country.name) } else { shown };
        page.words.set(COUNTRIES, country.id.to_string(), word);
    })
}

/// Reads one page of products.
pub(super) fn products(reply: &Reply, _: &Context<'_>) -> Page {
    words(reply, |product: Product<'_>, page| {
        let id = product.id.to_string();
        page.words.set(PRODUCTS, &id, text(&product.name));
        page.words.set(PRODUCT_MAKES, &id, text(&product.manufacturer_name));
        page.words.set(PRODUCT_MODELS, &id, text(&product.manufacturer_product_name));
    })
}
