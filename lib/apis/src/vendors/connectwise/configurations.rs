//! Configurations as assets, by type (connectwise_psa.md section 7).

use reconcile::record::{Class, Field, Kind, VendorRecord, fold_blanks};
use serde::Deserialize;

use super::rows::{self, Reference, name, text};
use crate::call::Reply;
use crate::decode::{Row, Shape, Str, ip_addresses, mac_addresses};
use crate::feed::{Context, Page};

const ROW: Row = Row {
    shapes: &[
        ("/id", Shape::Whole),
        ("/name", Shape::Name),
        ("/company", Shape::Reference),
        ("/type", Shape::Reference),
        ("/site", Shape::Reference),
        ("/manufacturer", Shape::Reference),
        ("/serialNumber", Shape::Text),
        ("/modelNumber", Shape::Text),
        ("/macAddress", Shape::Text),
        ("/ipAddress", Shape::Text),
        ("/osType", Shape::Text),
        ("/osInfo", Shape::Text),
        ("/activeFlag", Shape::Switch),
    ],
    name: "/name",
    volatile: &[],
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configuration<'a> {
    id: u64,
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<Reference<'a>>,
    #[serde(borrow, default)]
    company: Option<Reference<'a>>,
    #[serde(borrow, default)]
    site: Option<Reference<'a>>,
    #[serde(borrow, default)]
    serial_number: Option<Str<'a>>,
    #[serde(borrow, default)]
    model_number: Option<Str<'a>>,
    #[serde(borrow, default)]
    mac_address: Option<Str<'a>>,
    #[serde(borrow, default)]
    ip_address: Option<Str<'a>>,
    #[serde(borrow, default)]
    os_type: Option<Str<'a>>,
    #[serde(borrow, default)]
    os_info: Option<Str<'a>>,
    #[serde(borrow, default)]
    manufacturer: Option<Reference<'a>>,
    #[serde(default)]
    active_flag: Option<bool>,
}

/// Reads one page of the configurations.
pub(super) fn decode(reply: &Reply, _: &Context<'_>) -> Page {
    rows::page(reply, |raw| Some(rows::record(raw, Kind::Asset, &ROW, None, observe)))
}

fn observe(row: Configuration<'_>) -> Option<VendorRecord> {
    let is_inactive = row.active_flag == Some(false);
    let mut record = rows::named(Kind::Asset, row.id, rows::client(&row.company), &row.name.0, is_inactive)?;
    record.class = row.kind.as_ref().map(|kind| Class { id: kind.id.to_string(), name: fold_blanks(text(&kind.name)) });
    let fields = &mut record.fields;
    // The name is a host's in most rows and a description in others; hosts have no blanks in their names.
    if !record.name.contains(' ') {
        fields.set_text(Field::Hostname, &record.name);
    }
    fields.set_text(Field::SerialNumber, text(&row.serial_number));
    fields.set_list(Field::MacAddresses, mac_addresses(text(&row.mac_address)));
    fields.set_list(Field::IpAddresses, ip_addresses(text(&row.ip_address)));
    fields.set_text(Field::Make, name(&row.manufacturer));
    fields.set_text(Field::Model, text(&row.model_number));
    // `osInfo` is the build of the system, which every update moves: it serves where nothing else is said.
    fields.set_text(Field::Os, rows::first_said([text(&row.os_type), text(&row.os_info)]));
    fields.set_text(Field::Type, name(&row.kind));
    fields.set_text(Field::Location, name(&row.site));
    Some(record)
}
