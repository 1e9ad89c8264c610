//! Configuration items as assets (autotask_psa.md sections 9, 11).

use reconcile::record::{Class, Field, Kind};
use serde::Deserialize;

use super::rows::{Numbered, Observed, Switch, first_of, record, records, text};
use super::words::{LOCATIONS, MAKES, MODELS, PRODUCT_MAKES, PRODUCT_MODELS, PRODUCTS};
use crate::call::Reply;
use crate::decode::{Row, Shape, Str, ip_addresses, mac_addresses};
use crate::feed::{Context, Page};
use crate::words::{TYPES, Words};

/// What is asked for: some twenty of more than a hundred.
pub(super) const FIELDS: &[&str] = &[
    "id",
    "companyID",
    "isActive",
    "productID",
    "referenceTitle",
    "serialNumber",
    "configurationItemType",
    "companyLocationID",
    "rmmDeviceAuditHostname",
    "rmmDeviceAuditIPAddress",
    "rmmDeviceAuditExternalIPAddress",
    "rmmDeviceAuditMacAddress",
    "rmmDeviceAuditOperatingSystem",
    "rmmDeviceAuditManufacturerID",
    "rmmDeviceAuditModelID",
    "dattoHostname",
    "dattoSerialNumber",
    "dattoInternalIP",
    "dattoRemoteIP",
];

const ROW: Row = Row {
    shapes: &[
        ("/id", Shape::Id),
        ("/companyID", Shape::Id),
        ("/isActive", Shape::Flag),
        ("/productID", Shape::Number),
        ("/referenceTitle", Shape::Text),
        ("/serialNumber", Shape::Text),
        ("/configurationItemType", Shape::Number),
        ("/companyLocationID", Shape::Number),
        ("/rmmDeviceAuditHostname", Shape::Text),
        ("/rmmDeviceAuditIPAddress", Shape::Text),
        ("/rmmDeviceAuditExternalIPAddress", Shape::Text),
        ("/rmmDeviceAuditMacAddress", Shape::Text),
        ("/rmmDeviceAuditOperatingSystem", Shape::Text),
        ("/rmmDeviceAuditManufacturerID", Shape::Number),
        ("/rmmDeviceAuditModelID", Shape::Number),
        ("/dattoHostname", Shape::Text),
        ("/dattoSerialNumber", Shape::Text),
        ("/dattoInternalIP", Shape::Text),
        ("/dattoRemoteIP", Shape::Text),
        ("/id", Shape::Any),
    ],
    name: "/referenceTitle",
    volatile: &[],
};

/// Some clients of others spell `IP` and `ID` as `Ip` and `Id`, so both are read (section 9).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigurationItem<'a> {
    id: u64,
    #[serde(rename = "companyID", alias = "companyId")]
    company: u64,
    #[serde(default)]
    is_active: Switch,
    #[serde(default, rename = "productID", alias = "productId")]
    product: Option<u64>,
    #[serde(borrow, default)]
    reference_title: Option<Str<'a>>,
    #[serde(borrow, default)]
    serial_number: Option<Str<'a>>,
    #[serde(default)]
    configuration_item_type: Option<u64>,
    #[serde(default, rename = "companyLocationID", alias = "companyLocationId")]
    location: Option<u64>,
    #[serde(borrow, default)]
    rmm_device_audit_hostname: Option<Str<'a>>,
    #[serde(borrow, default, rename = "rmmDeviceAuditIPAddress", alias = "rmmDeviceAuditIpAddress")]
    audited_ip: Option<Str<'a>>,
    #[serde(borrow, default, rename = "rmmDeviceAuditExternalIPAddress", alias = "rmmDeviceAuditExternalIpAddress")]
    audited_external_ip: Option<Str<'a>>,
    #[serde(borrow, default)]
    rmm_device_audit_mac_address: Option<Str<'a>>,
    #[serde(borrow, default)]
    rmm_device_audit_operating_system: Option<Str<'a>>,
    #[serde(default, rename = "rmmDeviceAuditManufacturerID", alias = "rmmDeviceAuditManufacturerId")]
    audited_make: Option<u64>,
    #[serde(default, rename = "rmmDeviceAuditModelID", alias = "rmmDeviceAuditModelId")]
    audited_model: Option<u64>,
    #[serde(borrow, default)]
    datto_hostname: Option<Str<'a>>,
    #[serde(borrow, default)]
    datto_serial_number: Option<Str<'a>>,
    #[serde(borrow, default, rename = "dattoInternalIP", alias = "dattoInternalIp")]
    datto_internal_ip: Option<Str<'a>>,
    #[serde(borrow, default, rename = "dattoRemoteIP", alias = "dattoRemoteIp")]
    datto_remote_ip: Option<Str<'a>>,
}

impl Numbered for ConfigurationItem<'_> {
    fn id(&self) -> u64 {
        self.id
    }
}

/// Reads one page of configuration items.
pub(super) fn decode(reply: &Reply, context: &Context<'_>) -> Page {
    records(reply, Kind::Asset, &ROW, |item| observe(item, context.words))
}

fn observe(item: ConfigurationItem<'_>, words: &Words) -> Observed {
    let word = |table: &str, id: Option<u64>| id.and_then(|id| words.get(table, &id.to_string())).unwrap_or_default();
    let host =
        first_of([text(&item.rmm_device_audit_hostname), text(&item.datto_hostname), text(&item.reference_title)]);
    let id = item.id.to_string();
    let name = first_of([text(&item.reference_title), word(PRODUCTS, item.product), host, &id]);
    let mut asset = record(Kind::Asset, item.id, name, Some(item.company), item.is_active);
    asset.class = item.configuration_item_type.map(|kind| {
        let id = kind.to_string();
        Class { name: words.get(TYPES, &id).unwrap_or(&id).to_owned(), id }
    });
    let fields = &mut asset.fields;
    fields.set_text(Field::Hostname, host);
    fields.set_text(Field::SerialNumber, first_of([text(&item.serial_number), text(&item.datto_serial_number)]));
    fields.set_list(Field::MacAddresses, mac_addresses(text(&item.rmm_device_audit_mac_address)));
    let ips = [&item.audited_ip, &item.audited_external_ip, &item.datto_internal_ip, &item.datto_remote_ip];
    fields.set_list(Field::IpAddresses, ips.into_iter().flat_map(|ip| ip_addresses(text(ip))));
    let make = first_of([word(MAKES, item.audited_make), word(PRODUCT_MAKES, item.product)]);
    fields.set_text(Field::Make, make);
    let product = [word(PRODUCT_MODELS, item.product), word(PRODUCTS, item.product)];
    fields.set_text(Field::Model, first_of([word(MODELS, item.audited_model)].into_iter().chain(product)));
    fields.set_text(Field::Os, text(&item.rmm_device_audit_operating_system));
    fields.set_text(Field::Type, word(TYPES, item.configuration_item_type));
    fields.set_text(Field::Location, word(LOCATIONS, item.location));
    Observed::Record(asset)
}
