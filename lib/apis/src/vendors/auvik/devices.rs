//! Devices as assets, with the MAC addresses of their interfaces (auvik.md section 4).

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;

use reconcile::ids::VendorId;
use reconcile::record::{Activity, Field, Fields, Kind, VendorRecord, fold_blanks};
use serde::Deserialize;

use crate::call::Reply;
use crate::decode::{Read, Row, Shape, Str, document, mac_address};
use crate::feed::{Context, Page};

const ROW: Row = Row {
    shapes: &[
        ("/id", Shape::Required),
        ("/attributes", Shape::Object),
        ("/attributes/ipAddresses", Shape::Texts),
        ("/attributes/deviceName", Shape::Text),
        ("/attributes/deviceType", Shape::Text),
        ("/attributes/makeModel", Shape::Text),
        ("/attributes/vendorName", Shape::Text),
        ("/attributes/softwareVersion", Shape::Text),
        ("/attributes/serialNumber", Shape::Text),
        ("/attributes/description", Shape::Text),
        ("/attributes/firmwareVersion", Shape::Text),
        ("/relationships/tenant/data/id", Shape::Text),
        ("/relationships/tenant", Shape::Any),
    ],
    name: "/attributes/deviceName",
    volatile: &["lastModified", "lastSeenTime", "onlineStatus"],
};

#[derive(Deserialize)]
struct Device<'a> {
    id: VendorId,
    #[serde(borrow)]
    attributes: Attributes<'a>,
    #[serde(borrow, default)]
    relationships: Option<Relationships<'a>>,
}

/// What is read of a device. `lastSeenTime`, `lastModified` and `onlineStatus` change without meaning and are left out.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attributes<'a> {
    #[serde(borrow, default)]
    ip_addresses: Option<Vec<Str<'a>>>,
    #[serde(borrow, default)]
    device_name: Option<Str<'a>>,
    #[serde(borrow, default)]
    device_type: Option<Str<'a>>,
    #[serde(borrow, default)]
    make_model: Option<Str<'a>>,
    #[serde(borrow, default)]
    vendor_name: Option<Str<'a>>,
    #[serde(borrow, default)]
    software_version: Option<Str<'a>>,
    #[serde(borrow, default)]
    serial_number: Option<Str<'a>>,
    #[serde(borrow, default)]
    description: Option<Str<'a>>,
    #[serde(borrow, default)]
    firmware_version: Option<Str<'a>>,
}

/// What is read of a device that cannot be read as a whole: whose it is.
#[derive(Deserialize)]
struct Owned<'a> {
    #[serde(borrow, default)]
    relationships: Option<Relationships<'a>>,
}

#[derive(Deserialize)]
struct Relationships<'a> {
    #[serde(borrow, default)]
    tenant: Option<One<'a>>,
}

#[derive(Deserialize)]
struct One<'a> {
    #[serde(borrow, default)]
    data: Option<Reference<'a>>,
}

#[derive(Deserialize)]
struct Reference<'a> {
    #[serde(borrow, default)]
    id: Option<Str<'a>>,
}

#[derive(Deserialize)]
struct DetailId<'a> {
    #[serde(borrow)]
    id: Str<'a>,
}

#[derive(Deserialize)]
struct Detail<'a> {
    #[serde(borrow)]
    id: Str<'a>,
    #[serde(borrow, default)]
    relationships: Option<DetailRelationships<'a>>,
}

#[derive(Deserialize)]
struct DetailRelationships<'a> {
    #[serde(borrow, default)]
    interfaces: Option<InterfaceList<'a>>,
}

#[derive(Deserialize)]
struct InterfaceList<'a> {
    #[serde(borrow, default)]
    data: Option<Vec<Interface<'a>>>,
}

#[derive(Deserialize)]
struct Interface<'a> {
    #[serde(borrow, default)]
    attributes: Option<InterfaceAttributes<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InterfaceAttributes<'a> {
    #[serde(borrow, default)]
    mac_address: Option<Str<'a>>,
}

/// What `included` says about the interfaces of the devices on a page.
struct Interfaces<'a> {
    /// The MAC addresses by device; `None` where the device's interfaces cannot be read.
    macs: HashMap<Cow<'a, str>, Option<Vec<String>>>,
    /// Whether an entry is so broken that it cannot be told whose it is.
    has_stray: bool,
}

/// Reads one page of the devices of `tenant`.
///
/// A page that breaks off keeps the devices whose interfaces came whole: a device without its MAC addresses would look
/// as if it had lost them. A device of another tenant is left out, since it is read with that tenant (section 4: it is
/// uncertain whether a grouping tenant's list holds those of its children).
pub(super) fn decode(reply: &Reply, context: &Context<'_>) -> Page {
    let document = document::<Device<'_>, Detail<'_>>(&reply.body);
    let tenant = context.below.map(|below| &below.client);
    let mut interfaces = interfaces(document.included);
    let is_whole = document.broken.is_none();
    let records = document.data.into_iter().filter_map(|row| record(row, tenant, &mut interfaces, is_whole)).collect();
    Page { records, next: document.next, broken: document.broken, ..Page::default() }
}

fn interfaces<'a>(rows: Vec<Read<'a, Detail<'a>>>) -> Interfaces<'a> {
    let mut found = Interfaces { macs: HashMap::with_capacity(rows.len()), has_stray: false };
    for row in rows {
        match row {
            Ok(detail) => {
                let list = detail.relationships.and_then(|all| all.interfaces?.data).unwrap_or_default();
                let macs = list.into_iter().filter_map(|one| mac_address(&one.attributes?.mac_address?.0)).collect();
                found.macs.insert(detail.id.0, Some(macs));
            }
            Err(row) => match serde_json::from_str::<DetailId<'_>>(row.get()) {
                Ok(detail) => drop(found.macs.insert(detail.id.0, None)),
                Err(_) => found.has_stray = true,
            },
        }
    }
    found
}

fn record(
    row: Read<'_, Device<'_>>,
    tenant: Option<&VendorId>,
    interfaces: &mut Interfaces<'_>,
    is_whole: bool,
) -> Option<VendorRecord> {
    let device = match row {
        Ok(device) => device,
        Err(row) => {
            let owner = serde_json::from_str::<Owned<'_>>(row.get()).ok().and_then(|row| row.relationships);
            return (!is_of_another(owner, tenant)).then(|| ROW.malformed(Kind::Asset, row, tenant));
        }
    };
    if is_of_another(device.relationships, tenant) {
        return None;
    }
    let macs = match interfaces.macs.remove(device.id.as_str()) {
        Some(macs) => macs,
        None if !is_whole => return None,
        None if interfaces.has_stray => None,
        None => Some(Vec::new()),
    };
    let mut record = VendorRecord {
        kind: Kind::Asset,
        name: shown_name(&device.attributes, &device.id),
        vendor_id: device.id,
        client: tenant.cloned(),
        fields: Fields::default(),
        class: None,
        activity: Activity::Active,
        malformed: None,
    };
    match macs {
        Some(macs) => {
            observe(&mut record.fields, &device.attributes);
            record.fields.set_list(Field::MacAddresses, macs);
        }
        None => record.malformed = Some("macAddress".to_owned()),
    }
    Some(record)
}

fn is_of_another(relationships: Option<Relationships<'_>>, tenant: Option<&VendorId>) -> bool {
    let owner = relationships.and_then(|all| all.tenant?.data?.id);
    owner.is_some_and(|owner| tenant.is_some_and(|tenant| owner.0.trim() != tenant.as_str()))
}

/// The device's name, else its least address, else its id.
fn shown_name(attributes: &Attributes<'_>, id: &VendorId) -> String {
    let name = fold_blanks(text(&attributes.device_name));
    if !name.is_empty() {
        return name;
    }
    let address = attributes
        .ip_addresses
        .iter()
        .flatten()
        .map(|address| fold_blanks(&address.0))
        .filter(|text| !text.is_empty())
        .min();
    address.unwrap_or_else(|| id.to_string())
}

fn observe(fields: &mut Fields, attributes: &Attributes<'_>) {
    let name = text(&attributes.device_name);
    if !is_stand_in(name) {
        fields.set_text(Field::Hostname, name);
    }
    fields.set_text(Field::SerialNumber, text(&attributes.serial_number));
    fields.set_text(Field::Make, text(&attributes.vendor_name));
    fields.set_text(Field::Model, text(&attributes.make_model));
    fields.set_text(Field::Os, operating_system(attributes));
    fields.set_text(Field::Type, text(&attributes.device_type));
    fields.set_list(Field::IpAddresses, attributes.ip_addresses.iter().flatten().map(|address| address.0.as_ref()));
}

/// An unnamed device is shown as something with `@` and its address, or as the address alone.
fn is_stand_in(name: &str) -> bool {
    let last = name.rsplit('@').next().unwrap_or_default();
    last.trim().parse::<IpAddr>().is_ok()
}

/// There is no true field for it: the software's version, the description of computers, the firmware (section 12).
fn operating_system<'a>(attributes: &'a Attributes<'_>) -> &'a str {
    let is_computer = matches!(text(&attributes.device_type), "workstation" | "server");
    let description = if is_computer { text(&attributes.description) } else { "" };
    let places = [text(&attributes.software_version), description, text(&attributes.firmware_version)];
    places.into_iter().find(|place| !place.trim().is_empty()).unwrap_or_default()
}

fn text<'a>(value: &'a Option<Str<'_>>) -> &'a str {
    value.as_ref().map_or("", |text| text.0.as_ref())
}
