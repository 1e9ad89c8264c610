//! Tenants as clients: the list, and the details that complete it (auvik.md section 3).

use std::collections::HashMap;

use reconcile::ids::VendorId;
use reconcile::record::{Activity, Field, Fields, Kind, VendorRecord, fold_blanks};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::call::Reply;
use crate::decode::{Read, Row, Shape, Str, document};
use crate::feed::{Context, Page};

const ROW: Row = Row {
    shapes: &[
        ("/id", Shape::Required),
        ("/attributes", Shape::Object),
        ("/attributes/name", Shape::Text),
        ("/attributes/domainPrefix", Shape::Text),
        ("/attributes/tenantType", Shape::Text),
        ("/relationships/parent", Shape::Any),
    ],
    name: "/attributes/domainPrefix",
    volatile: &[],
};

#[derive(Deserialize)]
struct Tenant<'a> {
    id: VendorId,
    #[serde(borrow)]
    attributes: TenantAttributes<'a>,
    #[serde(default)]
    relationships: Option<TenantRelationships>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TenantAttributes<'a> {
    /// Required by the schema, defined nowhere: preferred where it is present.
    #[serde(borrow, default)]
    name: Option<Str<'a>>,
    #[serde(borrow, default)]
    domain_prefix: Option<Str<'a>>,
    #[serde(borrow, default)]
    tenant_type: Option<Str<'a>>,
}

#[derive(Deserialize)]
struct TenantRelationships {
    #[serde(default)]
    parent: Option<Parent>,
}

#[derive(Deserialize)]
struct Parent {
    #[serde(default)]
    data: Option<IgnoredAny>,
}

/// The main account among the tenants: it has no parent, and a grouping node comes before a lone customer.
#[derive(PartialEq, PartialOrd)]
enum Standing {
    Top,
    TopOfMany,
}

/// Reads the list. All tenants are clients, the MSP's own among them. The mark is the prefix of the main account.
pub(super) fn decode(reply: &Reply, _: &Context<'_>) -> Page {
    let document = document::<Tenant<'_>, IgnoredAny>(&reply.body);
    let mut main: Option<(Standing, String)> = None;
    let records = document.data.into_iter().map(|row| record(row, &mut main)).collect();
    Page { records, mark: main.map(|(_, prefix)| prefix), broken: document.broken, ..Page::default() }
}

fn record(row: Read<'_, Tenant<'_>>, main: &mut Option<(Standing, String)>) -> VendorRecord {
    let tenant = match row {
        Ok(tenant) => tenant,
        Err(row) => return ROW.malformed(Kind::Client, row, None),
    };
    let prefix = tenant.attributes.domain_prefix.map(|prefix| prefix.0).filter(|prefix| !prefix.trim().is_empty());
    let has_parent = tenant.relationships.and_then(|all| all.parent).is_some_and(|parent| parent.data.is_some());
    if let Some(prefix) = prefix.as_deref().filter(|_| !has_parent) {
        let is_many = tenant.attributes.tenant_type.is_some_and(|kind| kind.0 == "multiClient");
        let standing = if is_many { Standing::TopOfMany } else { Standing::Top };
        if main.as_ref().is_none_or(|(found, _)| standing > *found) {
            *main = Some((standing, prefix.to_owned()));
        }
    }
    let name = tenant.attributes.name.map(|name| name.0).filter(|name| !name.trim().is_empty()).or(prefix);
    VendorRecord {
        kind: Kind::Client,
        name: name.map_or_else(|| tenant.id.to_string(), |name| fold_blanks(&name)),
        vendor_id: tenant.id,
        client: None,
        fields: Fields::default(),
        class: None,
        activity: Activity::Active,
        malformed: None,
    }
}

const DETAIL_ROW: Row = Row {
    shapes: &[
        ("/attributes", Shape::Object),
        ("/attributes/displayName", Shape::Text),
        ("/attributes/enabled", Shape::Switch),
        ("/attributes/address/address1", Shape::Text),
        ("/attributes/address/address2", Shape::Text),
        ("/attributes/address/city", Shape::Text),
        ("/attributes/address/state", Shape::Text),
        ("/attributes/address/State~1Province", Shape::Text),
        ("/attributes/address/postalCode", Shape::Text),
        ("/attributes/address/ZIP~1PostalCode", Shape::Text),
        ("/attributes/address/country", Shape::Text),
        ("/attributes/address", Shape::Any),
    ],
    name: "/attributes/displayName",
    volatile: &[],
};

/// What is read of a detail row that cannot be read as a whole.
#[derive(Deserialize)]
struct DetailId {
    id: VendorId,
}

#[derive(Deserialize)]
struct Detail<'a> {
    id: VendorId,
    #[serde(borrow)]
    attributes: DetailAttributes<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DetailAttributes<'a> {
    #[serde(borrow, default)]
    display_name: Option<Str<'a>>,
    #[serde(default)]
    enabled: Option<bool>,
    #[serde(borrow, default)]
    address: Option<Address<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Address<'a> {
    #[serde(borrow, default)]
    address1: Option<Str<'a>>,
    #[serde(borrow, default)]
    address2: Option<Str<'a>>,
    #[serde(borrow, default)]
    city: Option<Str<'a>>,
    #[serde(borrow, default)]
    state: Option<Str<'a>>,
    #[serde(borrow, default, rename = "State/Province")]
    province: Option<Str<'a>>,
    #[serde(borrow, default)]
    postal_code: Option<Str<'a>>,
    #[serde(borrow, default, rename = "ZIP/PostalCode")]
    zip: Option<Str<'a>>,
    #[serde(borrow, default)]
    country: Option<Str<'a>>,
}

/// Joins the details on by id. Details of tenants that are not in the list are left out; a tenant without details keeps
/// its prefix as name.
pub(super) fn join(records: &mut [VendorRecord], body: &[u8]) -> Result<(), String> {
    let document = document::<Detail<'_>, IgnoredAny>(body);
    if let Some(why) = document.broken {
        return Err(why);
    }
    let mut details: HashMap<VendorId, Result<DetailAttributes<'_>, String>> = HashMap::new();
    for row in document.data {
        match row {
            Ok(detail) => details.insert(detail.id, Ok(detail.attributes)),
            Err(row) => serde_json::from_str::<DetailId>(row.get())
                .ok()
                .and_then(|detail| details.insert(detail.id, Err(DETAIL_ROW.field_at_fault(row)))),
        };
    }
    for record in records.iter_mut().filter(|record| record.malformed.is_none()) {
        match details.remove(&record.vendor_id) {
            Some(Ok(attributes)) => complete(record, attributes),
            Some(Err(field)) => record.malformed = Some(field),
            None => {}
        }
    }
    Ok(())
}

fn complete(record: &mut VendorRecord, attributes: DetailAttributes<'_>) {
    let text = |text: Option<Str<'_>>| text.map(|text| text.0.into_owned()).unwrap_or_default();
    let name = fold_blanks(&text(attributes.display_name));
    if !name.is_empty() {
        record.name = name;
    }
    if attributes.enabled == Some(false) {
        record.activity = Activity::Inactive;
    }
    let Some(address) = attributes.address else { return };
    let lines = [text(address.address1), text(address.address2)];
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    record.fields.set_text(Field::Address, &lines.join(", "));
    record.fields.set_text(Field::City, &text(address.city));
    record.fields.set_text(Field::State, &text(address.state.or(address.province)));
    record.fields.set_text(Field::PostalCode, &text(address.postal_code.or(address.zip)));
    record.fields.set_text(Field::Country, &text(address.country));
}
