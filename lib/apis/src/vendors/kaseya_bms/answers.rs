//! What all answers have in common: the envelope, and rows whose names begin with a capital or a small letter
//! (kaseya_bms.md sections 1 and 3).

use std::fmt;
use std::time::Duration;

use reconcile::ids::VendorId;
use reconcile::record::{Activity, Fields, Kind, VendorRecord, fold_blanks};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::call::Reply;
use crate::decode::{Row, Str, list, with_small_names};
use crate::refusal::{Cause, Judged, by_status};

/// How long to wait where a refusal for too many calls does not say (section 5).
const THROTTLED_WAIT: Duration = Duration::from_secs(60);

/// Words in which a vendor says that it was asked too often; the status for that is uncertain (section 5).
const THROTTLED: &[&str] = &["too many requests", "throttl", "rate limit", "quota"];
/// Words in which it does not take the token or the credentials (section 2).
const NOT_LET_IN: &[&str] = &["security error", "unauthorized", "token is invalid", "invalid token", "expired"];
/// Words in which it names a missing right.
const NO_RIGHT: &[&str] = &["permission", "access denied", "not allowed", "forbidden", "not authorized"];

/// Judges an answer: a failure may come with status 200, and is then told by its envelope alone (section 3).
pub(super) fn judge(reply: &Reply) -> Judged {
    let by_envelope = |ordinary| match failure(&reply.body) {
        Some(error) => error.judge(ordinary),
        None => ordinary,
    };
    match by_status(reply) {
        Judged::Good => match failure(&reply.body) {
            Some(error) => error.judge(Judged::Refused(Cause::BadRequest)),
            None => Judged::Good,
        },
        Judged::Refused(Cause::BadRequest) => by_envelope(Judged::Refused(Cause::BadRequest)),
        Judged::Refused(Cause::Permission) => by_envelope(Judged::Refused(Cause::Permission)),
        Judged::Passing if reply.status == 429 => Judged::PassingIn(THROTTLED_WAIT),
        judged => judged,
    }
}

/// What an envelope without success says.
struct Failure {
    code: Option<i64>,
    words: String,
}

impl Failure {
    fn judge(&self, ordinary: Judged) -> Judged {
        let says = |words: &[&str]| words.iter().any(|word| self.words.contains(word));
        match self.code {
            Some(429) => Judged::PassingIn(THROTTLED_WAIT),
            // The second is what one client saw for a token that is no longer good (section 2).
            Some(401 | 978_001) => Judged::Refused(Cause::Credentials),
            Some(403) => Judged::Refused(Cause::Permission),
            Some(404) => Judged::Refused(Cause::NotFound),
            Some(500..=599) => Judged::Passing,
            _ if says(THROTTLED) => Judged::PassingIn(THROTTLED_WAIT),
            _ if says(NOT_LET_IN) => Judged::Refused(Cause::Credentials),
            _ if says(NO_RIGHT) => Judged::Refused(Cause::Permission),
            _ => ordinary,
        }
    }
}

/// Reads the failure in a body; `None` where it tells of none. A page is looked at up to its `success`, not to its end.
fn failure(body: &[u8]) -> Option<Failure> {
    let mut source = serde_json::Deserializer::from_slice(body);
    let mut success = None;
    // Stopping at what was looked for is an error for the reader, and so is a body that is no object.
    let _ = source.deserialize_map(Success(&mut success));
    if success != Some(false) {
        return None;
    }
    let envelope = with_small_names(serde_json::from_slice(body).unwrap_or_default());
    let code = &envelope["error"]["code"];
    let code = code.as_i64().or_else(|| code.as_str()?.parse().ok());
    Some(Failure { code, words: text(&envelope["error"], "message").to_lowercase() })
}

struct Success<'s>(&'s mut Option<bool>);

impl<'a> Visitor<'a> for Success<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<Str<'a>>()? {
            if matches!(key.0.as_ref(), "success" | "Success") {
                *self.0 = map.next_value()?;
                return Ok(());
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// Says whether a body looks like an object in JSON.
pub(super) fn is_object(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'{')
}

/// A list, read as far as it goes; names have small first letters.
pub(super) struct Rows {
    pub rows: Vec<Value>,
    pub total: Option<u64>,
    pub broken: Option<String>,
}

/// Reads the rows of an answer.
pub(super) fn rows(reply: &Reply) -> Rows {
    let list = list(&reply.body, Some("result"));
    let value = |row: &&RawValue| with_small_names(serde_json::from_str(row.get()).unwrap_or_default());
    Rows {
        rows: list.rows.iter().map(value).collect(),
        total: list.beside.get("totalRecords").and_then(Value::as_u64),
        broken: list.broken,
    }
}

/// Reads the one object of an answer, with or without an envelope, since the description leaves it out for some
/// (section 3).
pub(super) fn one(reply: &Reply) -> Result<Value, String> {
    let body: Value = serde_json::from_slice(&reply.body).map_err(|error| match error.is_eof() {
        true => "it breaks off".to_owned(),
        false => "it is not JSON".to_owned(),
    })?;
    let mut body = with_small_names(body);
    let one = match body.get_mut("result") {
        Some(result) => result.take(),
        None => body,
    };
    if one.is_object() { Ok(one) } else { Err("it holds no object".to_owned()) }
}

/// Returns a text; empty where it is absent.
pub(super) fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

/// Returns the first of these texts that is not blank; empty where all are.
pub(super) fn first_text<'a>(row: &'a Value, names: &[&str]) -> &'a str {
    names.iter().map(|name| text(row, name)).find(|text| !text.trim().is_empty()).unwrap_or_default()
}

/// Returns an id; 0 stands for none (section 10).
pub(super) fn id(row: &Value, name: &str) -> Option<VendorId> {
    match &row[name] {
        Value::Number(number) => number.as_u64().filter(|number| *number > 0).map(|number| number.to_string()),
        Value::String(text) => Some(text.clone()).filter(|text| text != "0"),
        _ => None,
    }
    .and_then(|text| VendorId::parse(&text).ok())
}

/// Returns the entry of a list that has the mark, else the first one.
pub(super) fn main_of<'a>(entries: impl Iterator<Item = &'a Value> + Clone, mark: &str) -> Option<&'a Value> {
    entries.clone().find(|entry| entry[mark] == Value::Bool(true)).or_else(|| entries.clone().next())
}

/// Returns the entries of a list; none where it is absent.
pub(super) fn entries<'a>(row: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + Clone {
    row[name].as_array().into_iter().flatten()
}

/// Makes a record of a row whose fields are as they must be, without its fields.
pub(super) fn record(
    kind: Kind,
    vendor_id: VendorId,
    client: Option<VendorId>,
    name: &str,
    row: &Value,
) -> VendorRecord {
    let name = fold_blanks(name);
    VendorRecord {
        kind,
        name: if name.is_empty() { vendor_id.to_string() } else { name },
        vendor_id,
        client,
        fields: Fields::default(),
        class: None,
        activity: if row["isActive"] == Value::Bool(false) { Activity::Inactive } else { Activity::Active },
        malformed: None,
    }
}

/// Makes the record of a row that cannot be read.
pub(super) fn malformed(spec: &Row, kind: Kind, row: &Value, client: Option<&VendorId>) -> VendorRecord {
    let fault = spec.fault(row);
    let row = to_raw_value(row).expect("a value that was read can be written");
    // An id of 0 has the right shape, and is none.
    VendorRecord { malformed: fault.or_else(|| Some("id".to_owned())), ..spec.malformed(kind, &row, client) }
}
