//! Clients, and their sites as locations (nable_rmm.md section 6).

use reconcile::ids::VendorId;
use reconcile::record::{Activity, Fields, Kind, VendorRecord, fold_blanks};

use crate::call::Reply;
use crate::decode::xml::{Wanted, XmlRow, list};
use crate::decode::{OWN_ID, hash};
use crate::feed::{Context, Page};
use crate::words::Words;

/// The table with the number of servers by client.
pub(super) const SERVERS: &str = "servers";
/// The table with the number of workstations by client.
pub(super) const WORKSTATIONS: &str = "workstations";
/// The table with the names of sites.
pub(super) const SITES: &str = "sites";

const CLIENT: Wanted = Wanted {
    root: "result",
    list: "items",
    row: "client",
    fields: &["clientid", "name", "server_count", "workstation_count"],
};

/// Addresses are not to be had (section 8).
const SITE: Wanted = Wanted { root: "result", list: "items", row: "site", fields: &["siteid", "name"] };

/// Reads the clients, and how many servers and workstations each has: none of them saves the calls (section 5).
pub(super) fn clients(reply: &Reply, _: &Context<'_>) -> Page {
    let list = list(&reply.body, &CLIENT);
    let mut words = Words::default();
    let of_row = |row: XmlRow| {
        let record = place(Kind::Client, &CLIENT, &row, None);
        if record.malformed.is_none() {
            words.set(SERVERS, record.vendor_id.as_str(), row.text("server_count"));
            words.set(WORKSTATIONS, record.vendor_id.as_str(), row.text("workstation_count"));
        }
        record
    };
    Page { records: list.rows.into_iter().map(of_row).collect(), words, broken: list.broken, ..Page::default() }
}

/// Reads the sites of a client, and their names for the devices there.
pub(super) fn sites(reply: &Reply, context: &Context<'_>) -> Page {
    let list = list(&reply.body, &SITE);
    let mut words = Words::default();
    let of_row = |row: XmlRow| {
        let record = place(Kind::Location, &SITE, &row, context.below.map(|below| &below.client));
        if record.malformed.is_none() {
            words.set(SITES, record.vendor_id.as_str(), record.name.as_str());
        }
        record
    };
    Page { records: list.rows.into_iter().map(of_row).collect(), words, broken: list.broken, ..Page::default() }
}

/// Says whether a body is a list of clients.
pub(super) fn is_list_of_clients(body: &[u8]) -> bool {
    list(body, &CLIENT).broken.is_none()
}

fn place(kind: Kind, wanted: &Wanted, row: &XmlRow, client: Option<&VendorId>) -> VendorRecord {
    let id = number(row.text(wanted.fields[0]));
    let name = fold_blanks(row.text("name"));
    let malformed = match (&id, name.is_empty(), row.unreadable().first()) {
        (None, ..) => Some(wanted.fields[0]),
        (_, _, Some(field)) => Some(*field),
        (_, true, _) => Some("name"),
        _ => None,
    };
    let vendor_id = id.unwrap_or_else(|| own_id(wanted.row, client.map_or("", VendorId::as_str), row));
    VendorRecord {
        kind,
        name: if name.is_empty() { vendor_id.to_string() } else { name },
        vendor_id,
        client: client.cloned(),
        fields: Fields::default(),
        class: None,
        activity: Activity::Active,
        malformed: malformed.map(str::to_owned),
    }
}

/// Returns an id, all of which are whole numbers (section 6): another text would be refused as a parameter.
pub(super) fn number(text: &str) -> Option<VendorId> {
    text.parse::<u64>().ok().and_then(|_| VendorId::parse(text).ok())
}

/// Makes an id for a row that has none, the same on every reading.
pub(super) fn own_id(element: &str, parent: &str, row: &XmlRow) -> VendorId {
    let texts = row.sorted().into_iter().flat_map(|(name, text)| [name, text]);
    let own = format!("{OWN_ID}{:016x}", hash([element, parent].into_iter().chain(texts)));
    VendorId::parse(&own).expect("letters, digits and hyphens make an id")
}
