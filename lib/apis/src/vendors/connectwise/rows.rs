//! What all of ConnectWise PSA's lists have in common: rows with numbers for ids, references, and a link that says whether
//! more follow (connectwise_psa.md sections 4 and 7). Null fields are left out on the wire.

use reconcile::ids::VendorId;
use reconcile::record::{Activity, Fields, Kind, VendorRecord, fold_blanks};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::call::Reply;
use crate::decode::{Row, Str, list, row};
use crate::feed::{Page, client_or_none};
use crate::words::Words;

/// A mention of another record. What else stands there (addresses with a doubled slash among it) is of no use.
#[derive(Deserialize)]
pub(super) struct Reference<'a> {
    /// Its id.
    pub id: u64,
    /// Its name.
    #[serde(borrow, default)]
    pub name: Option<Str<'a>>,
}

/// What every row has.
#[derive(Deserialize)]
struct Numbered {
    id: u64,
}

/// A row of a set-up table: statuses and types.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Word<'a> {
    id: u64,
    #[serde(borrow)]
    name: Str<'a>,
    /// Whether it is no longer in use, or, for a status, says so of what has it.
    #[serde(default)]
    pub inactive_flag: Option<bool>,
}

impl Word<'_> {
    /// Says whether the row is flagged as inactive.
    pub fn is_inactive(&self) -> bool {
        self.inactive_flag == Some(true)
    }
}

/// Reads one page of records. `read` returns nothing for a row that is no record.
pub(super) fn page(reply: &Reply, read: impl FnMut(&RawValue) -> Option<VendorRecord>) -> Page {
    let list = list(&reply.body, None);
    let ids = list.rows.iter().filter_map(|one| row::<Numbered>(one).ok()).map(|one| one.id).collect();
    let rows = Some(list.rows.len());
    let records = list.rows.into_iter().filter_map(read).collect();
    Page { records, ids, rows, more: more(reply), broken: list.broken, ..Page::default() }
}

/// Reads one page of a set-up table: ids and names of the rows that `is_wanted`. A row that cannot be read is left out.
pub(super) fn words(reply: &Reply, table: &str, is_wanted: fn(&Word<'_>) -> bool) -> Page {
    let mut words = Words::default();
    let page = page(reply, |raw| {
        if let Some(word) = row::<Word<'_>>(raw).ok().filter(is_wanted) {
            words.set(table, word.id.to_string(), fold_blanks(&word.name.0));
        }
        None
    });
    Page { words, ..page }
}

/// Says whether more pages follow: forward-only lists always have the header, empty at the end (section 4). Without it, as
/// behind a proxy that drops it, nothing is said.
fn more(reply: &Reply) -> Option<bool> {
    let link = reply.header("link")?.to_ascii_lowercase();
    Some(link.contains("rel=\"next\"") || link.contains("rel=next"))
}

/// Reads a row with `observe`, which returns nothing where what must be there is missing; such a row, and one that has not
/// the right shape, is malformed. Below clients it keeps its client where that can be read.
pub(super) fn record<'a, T: Deserialize<'a>>(
    raw: &'a RawValue,
    kind: Kind,
    shape: &Row,
    below: Option<&VendorId>,
    observe: impl FnOnce(T) -> Option<VendorRecord>,
) -> VendorRecord {
    row(raw).ok().and_then(observe).unwrap_or_else(|| {
        let client = kind.is_below_client().then(|| client_or_none(below.cloned().or_else(|| owner(raw))));
        shape.malformed(kind, raw, client.as_ref())
    })
}

/// Returns a record without fields; without a name there is none.
pub(super) fn named(
    kind: Kind,
    id: u64,
    client: Option<VendorId>,
    name: &str,
    is_inactive: bool,
) -> Option<VendorRecord> {
    let name = fold_blanks(name);
    let activity = if is_inactive { Activity::Inactive } else { Activity::Active };
    (!name.is_empty()).then(|| VendorRecord {
        kind,
        vendor_id: vendor_id(id),
        client,
        name,
        fields: Fields::default(),
        class: None,
        activity,
        malformed: None,
    })
}

/// Returns the id of a row.
pub(super) fn vendor_id(id: u64) -> VendorId {
    VendorId::parse(&id.to_string()).expect("digits make an id")
}

/// Returns the client of a record whose row names its company.
pub(super) fn client(company: &Option<Reference<'_>>) -> Option<VendorId> {
    Some(client_or_none(company.as_ref().map(|company| vendor_id(company.id))))
}

/// What is read of a row that cannot be read as a whole: whose it is.
#[derive(Deserialize)]
struct Owned<'a> {
    #[serde(borrow)]
    company: Reference<'a>,
}

fn owner(raw: &RawValue) -> Option<VendorId> {
    row::<Owned<'_>>(raw).ok().map(|owned| vendor_id(owned.company.id))
}

/// Returns a text; an absent one is empty.
pub(super) fn text<'a>(value: &'a Option<Str<'_>>) -> &'a str {
    value.as_ref().map_or("", |text| text.0.as_ref())
}

/// Returns the name of what is mentioned.
pub(super) fn name<'a>(reference: &'a Option<Reference<'_>>) -> &'a str {
    reference.as_ref().map_or("", |reference| text(&reference.name))
}

/// Returns the first text that is not blank; an empty one where all are.
pub(super) fn first_said<'a>(texts: impl IntoIterator<Item = &'a str>) -> &'a str {
    texts.into_iter().find(|text| !text.trim().is_empty()).unwrap_or_default()
}

/// Joins the lines of an address.
pub(super) fn lines(lines: [&str; 2]) -> String {
    let filled: Vec<&str> = lines.into_iter().map(str::trim).filter(|line| !line.is_empty()).collect();
    filled.join(", ")
}

/// Returns a telephone number with its extension; none without a number.
pub(super) fn with_extension(number: &str, extension: &str) -> String {
    match (number.trim(), extension.trim()) {
        ("", _) => String::new(),
        (number, "") => number.to_owned(),
        (number, extension) => format!("{number} ext. {extension}"),
    }
}
