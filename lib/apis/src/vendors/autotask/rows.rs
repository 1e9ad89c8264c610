//! Pages of queries, read row by row (autotask_psa.md section 4).

use reconcile::ids::VendorId;
use reconcile::record::{Activity, Fields, Kind, VendorRecord, fold_blanks};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::call::Reply;
use crate::decode::{Row, Str, list, row};
use crate::feed::{Page, client_or_none};

/// A row that was read; paging goes by its id.
pub(super) trait Numbered {
    /// Returns the id.
    fn id(&self) -> u64;
}

/// What becomes of a row.
pub(super) enum Observed {
    /// A record.
    Record(VendorRecord),
    /// It lacks what it cannot do without; [`Row::field_at_fault`] names it.
    Lacking,
    /// It is no record of this kind.
    Other,
}

/// What is read of a row that cannot be read as a whole.
#[derive(Deserialize)]
struct RowId {
    id: u64,
}

/// Reads the records of a page of a query.
pub(super) fn records<'a, T: Numbered + Deserialize<'a>>(
    reply: &'a Reply,
    kind: Kind,
    shape: &Row,
    observe: impl Fn(T) -> Observed,
) -> Page {
    rows(reply, |text, page| {
        let observed = match row::<T>(text) {
            Ok(row) => {
                page.ids.push(row.id());
                observe(row)
            }
            Err(text) => {
                page.ids.extend(serde_json::from_str::<RowId>(text.get()).ok().map(|row| row.id));
                Observed::Lacking
            }
        };
        match observed {
            Observed::Record(record) => page.records.push(record),
            Observed::Lacking => page.records.push(shape.malformed(kind, text, owner(kind, text).as_ref())),
            Observed::Other => {}
        }
    })
}

/// Reads the words of a page of a query. A row that cannot be read gives none.
pub(super) fn words<'a, T: Numbered + Deserialize<'a>>(reply: &'a Reply, take: impl Fn(T, &mut Page)) -> Page {
    rows(reply, |text, page| {
        if let Ok(row) = row::<T>(text) {
            page.ids.push(row.id());
            take(row, page);
        }
    })
}

/// Reads a page of a query. More follow exactly where the address of the next one is given.
fn rows<'a>(reply: &'a Reply, mut take: impl FnMut(&'a RawValue, &mut Page)) -> Page {
    let list = list(&reply.body, Some("items"));
    let next = list.beside.get("pageDetails").and_then(|details| details.get("nextPageUrl"));
    let mut page = Page {
        rows: Some(list.rows.len()),
        more: next.map(|next| next.as_str().is_some_and(|next| !next.trim().is_empty())),
        broken: list.broken,
        ..Page::default()
    };
    list.rows.into_iter().for_each(|text| take(text, &mut page));
    page
}

/// Returns the client of a row that cannot be read, for the kinds below one.
fn owner(kind: Kind, row: &RawValue) -> Option<VendorId> {
    let json: Value = serde_json::from_str(row.get()).unwrap_or_default();
    let company = json.get("companyID").and_then(Value::as_u64).map(vendor_id);
    kind.is_below_client().then(|| client_or_none(company))
}

/// Makes a record to which its fields can be added.
pub(super) fn record(kind: Kind, id: u64, name: &str, company: Option<u64>, is_active: Switch) -> VendorRecord {
    VendorRecord {
        kind,
        vendor_id: vendor_id(id),
        client: company.map(vendor_id),
        name: fold_blanks(name),
        fields: Fields::default(),
        class: None,
        activity: if is_active == Switch(Some(false)) { Activity::Inactive } else { Activity::Active },
        malformed: None,
    }
}

fn vendor_id(id: u64) -> VendorId {
    VendorId::parse(&id.to_string()).expect("digits make an id")
}

/// A text that may be absent, null or blank, which are all the same (section 9).
pub(super) fn text<'a>(text: &'a Option<Str<'_>>) -> &'a str {
    text.as_ref().map_or("", |text| text.0.trim())
}

/// Returns the first text that is not blank; blank where all are.
pub(super) fn first_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> &'a str {
    texts.into_iter().find(|text| !text.trim().is_empty()).unwrap_or_default()
}

/// Joins the texts that are not blank.
pub(super) fn joined(texts: &[&str], with: &str) -> String {
    texts.iter().copied().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(with)
}

/// A telephone number with its extension.
pub(super) fn with_extension(number: &str, extension: &str) -> String {
    match (number.is_empty(), extension.is_empty()) {
        (false, false) => format!("{number} ext. {extension}"),
        _ => number.to_owned(),
    }
}

/// A boolean, or the number that contacts have in its place (section 4); it may be absent or null.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Switch(pub Option<bool>);

impl<'de> Deserialize<'de> for Switch {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Switch(bool),
            Number(i64),
        }
        let form = Option::<Form>::deserialize(source)?;
        Ok(Switch(form.map(|form| match form {
            Form::Switch(is_on) => is_on,
            Form::Number(number) => number != 0,
        })))
    }
}
