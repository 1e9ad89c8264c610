//! Hardware assets: the short rows of the list, and the call for each that completes them (kaseya_bms.md sections 7 and 10).

use reconcile::normal::Serial;
use reconcile::record::{Class, Field, Kind, VendorRecord};
use serde_json::Value;

use super::answers::{first_text, id, malformed, one, record, rows, text};
use crate::call::Reply;
use crate::decode::{Row, Shape, ip_addresses, mac_addresses};
use crate::feed::{Context, Page, client_or_none};

const ROW: Row = Row {
    shapes: &[
        ("/id", Shape::Id),
        ("/accountId", Shape::Id),
        ("/assetName", Shape::Text),
        ("/categoryId", Shape::Number),
        ("/categoryName", Shape::Text),
        ("/serialNumber", Shape::Text),
        ("/machineGroupId", Shape::Text),
        ("/ipAddress", Shape::Text),
        ("/iPAddress", Shape::Text),
        ("/locationName", Shape::Text),
        ("/isActive", Shape::Switch),
    ],
    name: "/assetName",
    volatile: &[],
};

/// What is read of the detail. Check-ins, reboots, log-ins, free space and statuses change without meaning and are left out.
const DETAIL: Row = Row {
    shapes: &[
        ("/name", Shape::Text),
        ("/category", Shape::Text),
        ("/accountLocation", Shape::Text),
        ("/serialNumber", Shape::Text),
        ("/chassisSerialNumber", Shape::Text),
        ("/machineGroupId", Shape::Text),
        ("/macAddress", Shape::Text),
        ("/ipAddress", Shape::Text),
        ("/connectionGatewayIp", Shape::Text),
        ("/manufacturer", Shape::Text),
        ("/brand", Shape::Text),
        ("/modelNumber", Shape::Text),
        ("/productName", Shape::Text),
        ("/osType", Shape::Text),
        ("/osInfo", Shape::Text),
        ("/isActive", Shape::Switch),
    ],
    name: "/name",
    volatile: &[],
};

/// Reads one page of assets. The list tells no total (section 6).
pub(super) fn decode(reply: &Reply, _: &Context<'_>) -> Page {
    let list = rows(reply);
    let records = list.rows.iter().map(asset).collect();
    Page { records, rows: Some(list.rows.len()), total: list.total, broken: list.broken, ..Page::default() }
}

fn asset(row: &Value) -> VendorRecord {
    let client = client_or_none(id(row, "accountId"));
    let (None, Some(own_id)) = (ROW.fault(row), id(row, "id")) else {
        return malformed(&ROW, Kind::Asset, row, Some(&client));
    };
    let hostname = hostname(row, "assetName");
    let shown = if hostname.trim().is_empty() { text(row, "serialNumber") } else { hostname };
    let mut asset = record(Kind::Asset, own_id, Some(client), shown, row);
    asset.class = id(row, "categoryId").map(|category| {
        let name = first_text(row, &["categoryName"]);
        Class {
            name: if name.is_empty() { category.to_string() } else { name.trim().to_owned() },
            id: category.to_string(),
        }
    });
    asset.fields.set_text(Field::Hostname, hostname);
    asset.fields.set_text(Field::SerialNumber, text(row, "serialNumber"));
    asset.fields.set_text(Field::Type, text(row, "categoryName"));
    asset.fields.set_text(Field::Location, text(row, "locationName"));
    asset.fields.set_list(Field::IpAddresses, ip_addresses(first_text(row, &["ipAddress", "iPAddress"])));
    asset
}

/// The name, else what an agent of Kaseya calls the machine, before the first dot (section 10).
fn hostname<'a>(row: &'a Value, name: &str) -> &'a str {
    let given = text(row, name);
    if !given.trim().is_empty() {
        return given;
    }
    text(row, "machineGroupId").split('.').next().unwrap_or_default()
}

/// Completes a record of the list with the asset's own answer. Whose it is and of which type follows the list, so that
/// both calls cannot disagree about it.
pub(super) fn join(record: &mut VendorRecord, reply: &Reply) -> Result<(), String> {
    let row = one(reply)?;
    if id(&row, "id").is_some_and(|id| id != record.vendor_id) {
        return Err("it is about another asset".to_owned());
    }
    if !row["name"].is_string() && id(&row, "id").is_none() {
        return Err("it holds no asset".to_owned());
    }
    if let Some(fault) = DETAIL.fault(&row) {
        record.malformed = Some(fault);
        return Ok(());
    }
    let fields = &mut record.fields;
    let mut set = |field: Field, value: &str| {
        // What only the list says stays.
        if !value.trim().is_empty() {
            fields.set_text(field, value);
        }
    };
    set(Field::Hostname, hostname(&row, "name"));
    set(Field::SerialNumber, serial(&row));
    set(Field::Type, text(&row, "category"));
    set(Field::Location, text(&row, "accountLocation"));
    set(Field::Make, first_text(&row, &["manufacturer", "brand"]));
    set(Field::Model, first_text(&row, &["modelNumber", "productName"]));
    set(Field::Os, &operating_system(&row));
    fields.set_list(Field::MacAddresses, mac_addresses(text(&row, "macAddress")));
    let addresses = ["ipAddress", "connectionGatewayIp"].map(|name| text(&row, name));
    let addresses: Vec<String> = addresses.into_iter().flat_map(ip_addresses).collect();
    if !addresses.is_empty() {
        fields.set_list(Field::IpAddresses, addresses);
    }
    Ok(())
}

/// The serial number, or that of the chassis where the first one identifies nothing (section 10).
fn serial(row: &Value) -> &str {
    let both = ["serialNumber", "chassisSerialNumber"].map(|name| text(row, name));
    both.into_iter().find(|text| Serial::parse(text).is_ok()).unwrap_or(both[0])
}

/// Family and edition are two fields; the second may repeat the first.
fn operating_system(row: &Value) -> String {
    let (family, edition) = (text(row, "osType").trim(), text(row, "osInfo").trim());
    if edition.to_lowercase().starts_with(&family.to_lowercase()) {
        return edition.to_owned();
    }
    format!("{family} {edition}")
}
