//! Servers and workstations as assets (nable_rmm.md sections 6 and 8).

use reconcile::ids::VendorId;
use reconcile::record::{Activity, Field, Fields, Kind, VendorRecord, fold_blanks};

use crate::call::Reply;
use crate::decode::xml::{Wanted, XmlRow, list};
use crate::decode::{ip_addresses, mac_address};
use crate::feed::{Context, Page, client_or_none};

use super::places::{SITES, number, own_id};

/// What is read of a device. Not read: what changes without meaning (last seen, online, boot and scan times, the version
/// of the agent, who is logged on), what opens doors (remote access, licence keys), and the address that a whole site
/// shares.
const FIELDS: &[&str] = &[
    "serverid",
    "workstationid",
    "name",
    "wins_name",
    "role",
    "chassis_type",
    "manufacturer",
    "model",
    "device_serial",
    "ip",
    "mac1",
    "mac2",
    "mac3",
    "os",
    "os_details",
];

/// One of the two lists, which hold the same fields in another order.
struct Sort {
    wanted: Wanted,
    id: &'static str,
}

const SERVER: Sort =
    Sort { wanted: Wanted { root: "result", list: "items", row: "server", fields: FIELDS }, id: "serverid" };

const WORKSTATION: Sort =
    Sort { wanted: Wanted { root: "result", list: "items", row: "workstation", fields: FIELDS }, id: "workstationid" };

/// Chassis types of what is carried about (section 6).
const CARRIED: &[&str] = &["8", "9", "10", "11", "14"];

/// Reads the servers of a site.
pub(super) fn servers(reply: &Reply, context: &Context<'_>) -> Page {
    devices(reply, context, &SERVER)
}

/// Reads the workstations of a site, agentless devices among them.
pub(super) fn workstations(reply: &Reply, context: &Context<'_>) -> Page {
    devices(reply, context, &WORKSTATION)
}

fn devices(reply: &Reply, context: &Context<'_>, sort: &Sort) -> Page {
    let list = list(&reply.body, &sort.wanted);
    let client = client_or_none(context.below.map(|below| below.client.clone()));
    let site = context.below.map_or("", |below| below.parent().as_str());
    let place = context.words.get(SITES, site);
    let records = list.rows.iter().map(|row| record(row, sort, &client, site, place)).collect();
    Page { records, broken: list.broken, ..Page::default() }
}

/// It is not certain that a server and a workstation never have the same number (section 8), so ids begin with the sort.
fn record(row: &XmlRow, sort: &Sort, client: &VendorId, site: &str, place: Option<&str>) -> VendorRecord {
    let id = number(row.text(sort.id)).and_then(|id| VendorId::parse(&format!("{}-{id}", sort.wanted.row)).ok());
    let fields = fields(row, sort, place);
    let name =
        ["name", "wins_name"].map(|field| fold_blanks(said(row, field))).into_iter().find(|name| !name.is_empty());
    let stands_out =
        [Field::SerialNumber, Field::MacAddresses, Field::IpAddresses].iter().any(|field| fields.get(*field).is_some());
    let malformed = match (&id, row.unreadable().first()) {
        (None, _) => Some(sort.id),
        (_, Some(field)) => Some(*field),
        _ if name.is_none() && !stands_out => Some("name"),
        _ => None,
    };
    let vendor_id = id.unwrap_or_else(|| own_id(sort.wanted.row, site, row));
    let stand_in = || fields.list(Field::IpAddresses).first().cloned().unwrap_or_else(|| vendor_id.to_string());
    VendorRecord {
        kind: Kind::Asset,
        name: name.unwrap_or_else(stand_in),
        vendor_id,
        client: Some(client.clone()),
        fields: if malformed.is_none() { fields } else { Fields::default() },
        class: None,
        activity: Activity::Active,
        malformed: malformed.map(str::to_owned),
    }
}

fn fields(row: &XmlRow, sort: &Sort, place: Option<&str>) -> Fields {
    let first = |names: [&'static str; 2]| names.map(|name| said(row, name)).into_iter().find(|text| !text.is_empty());
    let mut fields = Fields::default();
    fields.set_text(Field::Hostname, first(["name", "wins_name"]).unwrap_or_default());
    fields.set_text(Field::SerialNumber, said(row, "device_serial"));
    fields.set_list(Field::MacAddresses, ["mac1", "mac2", "mac3"].into_iter().filter_map(|mac| mac_of(row.text(mac))));
    fields.set_list(Field::IpAddresses, ip_addresses(row.text("ip")));
    fields.set_text(Field::Make, said(row, "manufacturer"));
    fields.set_text(Field::Model, said(row, "model"));
    fields.set_text(Field::Os, first(["os_details", "os"]).unwrap_or_default());
    fields.set_text(Field::Type, type_of(row, sort));
    fields.set_text(Field::Location, place.unwrap_or_default());
    fields
}

/// Returns a text that says something: the vendor writes `none`, `Not Available` and zero dates for nothing (section 3).
fn said<'r>(row: &'r XmlRow, field: &str) -> &'r str {
    let text = row.text(field);
    let is_nothing = ["none", "not available"].iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_nothing || text.starts_with("0000-00-00") { "" } else { text }
}

/// The role says what it is, save where it tells the system alone (101 is UNIX, 102 a Mac) or nothing: then the list does,
/// and the chassis (section 8).
fn type_of(row: &XmlRow, sort: &Sort) -> &'static str {
    let workstation = if CARRIED.contains(&row.text("chassis_type")) { "laptop" } else { "workstation" };
    match row.text("role") {
        "0" | "1" => workstation,
        "2" | "3" | "4" | "5" => "server",
        "103" => "printer",
        "104" => "router",
        "105" => "NAS",
        "106" => "network device",
        _ if sort.id == SERVER.id => "server",
        _ => workstation,
    }
}

/// Returns a MAC address, in whose groups a leading zero may be missing (section 6).
fn mac_of(text: &str) -> Option<String> {
    let groups: Vec<&str> = text.split([':', '-']).collect();
    match (groups.len(), text.len()) {
        (6, _) => mac_address(&groups.iter().map(|group| format!("{group:0>2}")).collect::<Vec<_>>().join(":")),
        (1, 11) => mac_address(&format!("0{text}")),
        _ => mac_address(text),
    }
}
