//! Reading answers row by row, so that a broken row costs that row, and a broken body costs what comes after the break.

pub(crate) mod xml;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write;

use reconcile::ids::VendorId;
use reconcile::record::{Activity, Fields, Kind, VendorRecord, fold_blanks};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// A JSON text that is borrowed where it holds no escapes, also inside an `Option` or a list.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Str<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// A row that was read, or the text of one that could not be.
pub(crate) type Read<'a, T> = Result<T, &'a RawValue>;

/// A JSON:API document, read.
pub(crate) struct Document<'a, D, I> {
    /// The rows of `data`.
    pub data: Vec<Read<'a, D>>,
    /// The rows of `included`.
    pub included: Vec<Read<'a, I>>,
    /// `links.next`.
    pub next: Option<String>,
    /// Why the document is not whole.
    pub broken: Option<String>,
}

/// Reads a JSON:API document. Where it breaks off, the rows before the break are there all the same.
///
/// A document in which everything is as it should be is read in one go. Only where that fails is it split into rows first,
/// to find out which ones are at fault.
pub(crate) fn document<'a, D: Deserialize<'a>, I: Deserialize<'a>>(body: &'a [u8]) -> Document<'a, D, I> {
    let text = match std::str::from_utf8(body) {
        Ok(text) => text.trim_start_matches('\u{feff}'),
        Err(_) => {
            let broken = Some("it is not UTF-8".to_owned());
            return Document { data: Vec::new(), included: Vec::new(), next: None, broken };
        }
    };
    let whole = parts::<D, I>(text);
    if whole.broken.is_none() {
        let (data, included) = (whole.data.into_iter().map(Ok), whole.included.into_iter().map(Ok));
        return Document { data: data.collect(), included: included.collect(), next: whole.next, broken: None };
    }
    let split = parts::<&RawValue, &RawValue>(text);
    Document {
        data: split.data.into_iter().map(read).collect(),
        included: split.included.into_iter().map(read).collect(),
        next: split.next,
        broken: split.broken,
    }
}

fn read<'a, T: Deserialize<'a>>(row: &'a RawValue) -> Read<'a, T> {
    serde_json::from_str(row.get()).map_err(|_| row)
}

/// A list in JSON, read as far as it goes.
pub(crate) struct List<'a> {
    /// The rows, each still as text: read it with [`row`].
    pub rows: Vec<&'a RawValue>,
    /// What stands beside the rows, names with a small first letter.
    pub beside: BTreeMap<String, Value>,
    /// Why the list is not whole; the rows before the break are there all the same.
    pub broken: Option<String>,
}

/// Reads a list whose rows stand under the top-level name `rows`, whatever the case of its first letter; or, without a name,
/// a body that is the list itself. A body without the list is broken.
pub(crate) fn list<'a>(body: &'a [u8], rows: Option<&'static str>) -> List<'a> {
    let mut list = List { rows: Vec::new(), beside: BTreeMap::new(), broken: None };
    let Ok(text) = std::str::from_utf8(body) else {
        list.broken = Some("it is not UTF-8".to_owned());
        return list;
    };
    let text = text.trim_start_matches('\u{feff}');
    let mut source = serde_json::Deserializer::from_str(text);
    let mut has_rows = rows.is_none();
    let read = match rows {
        None => RowsSeed(&mut list.rows).deserialize(&mut source),
        Some(name) => {
            let seed = ListSeed { name, has_rows: &mut has_rows, list: &mut list };
            source.deserialize_map(seed)
        }
    };
    if let Err(error) = read.and_then(|()| source.end()) {
        list.broken = Some(why_broken(text, &error));
    } else if !has_rows || (rows.is_none() && text.trim() == "null") {
        list.broken = Some("it holds no list".to_owned());
    }
    list
}

struct ListSeed<'l, 'a> {
    name: &'static str,
    has_rows: &'l mut bool,
    list: &'l mut List<'a>,
}

impl<'a> Visitor<'a> for ListSeed<'_, 'a> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<Str<'a>>()? {
            let name = small_first(&key.0);
            if name == self.name {
                map.next_value_seed(RowsSeed(&mut self.list.rows))?;
                *self.has_rows = true;
            } else {
                self.list.beside.insert(name, map.next_value()?);
            }
        }
        Ok(())
    }
}

/// Returns a name with a small first letter.
fn small_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// Reads one row of a [`list`].
pub(crate) fn row<'a, T: Deserialize<'a>>(row: &'a RawValue) -> Read<'a, T> {
    read(row)
}

/// Returns a JSON value in which every name has a small first letter, for vendors that write `Name` or `name`.
pub(crate) fn with_small_names(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields.into_iter().map(|(name, value)| (small_first(&name), with_small_names(value))).collect(),
        ),
        Value::Array(values) => Value::Array(values.into_iter().map(with_small_names).collect()),
        other => other,
    }
}

struct Parts<D, I> {
    data: Vec<D>,
    included: Vec<I>,
    next: Option<String>,
    broken: Option<String>,
    has_errors: bool,
    has_data: bool,
}

fn parts<'a, D: Deserialize<'a>, I: Deserialize<'a>>(text: &'a str) -> Parts<D, I> {
    let mut parts =
        Parts { data: Vec::new(), included: Vec::new(), next: None, broken: None, has_errors: false, has_data: false };
    let mut source = serde_json::Deserializer::from_str(text);
    let read = PartsSeed(&mut parts).deserialize(&mut source).and_then(|()| source.end());
    if let Err(error) = read {
        parts.broken = Some(why_broken(text, &error));
    } else if parts.has_errors && !parts.has_data {
        parts.broken = Some("it holds errors and no data".to_owned());
    }
    parts
}

fn why_broken(text: &str, error: &serde_json::Error) -> String {
    let start = text.trim_start();
    if start.is_empty() {
        "it is empty".to_owned()
    } else if start.starts_with('<') {
        "it is HTML or XML instead of JSON".to_owned()
    } else if error.is_eof() {
        format!("it breaks off after {} bytes", text.len())
    } else {
        // The message of the JSON reader could repeat a piece of the body; the place is enough.
        format!("it is not the JSON that was expected (line {}, column {})", error.line(), error.column())
    }
}

struct PartsSeed<'d, D, I>(&'d mut Parts<D, I>);

impl<'a, D: Deserialize<'a>, I: Deserialize<'a>> DeserializeSeed<'a> for PartsSeed<'_, D, I> {
    type Value = ();
    fn deserialize<S: Deserializer<'a>>(self, source: S) -> Result<(), S::Error> {
        source.deserialize_map(self)
    }
}

impl<'a, D: Deserialize<'a>, I: Deserialize<'a>> Visitor<'a> for PartsSeed<'_, D, I> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<Str<'a>>()? {
            match key.0.as_ref() {
                "data" => {
                    map.next_value_seed(RowsSeed(&mut self.0.data))?;
                    self.0.has_data = true;
                }
                "included" => map.next_value_seed(RowsSeed(&mut self.0.included))?,
                "links" => {
                    self.0.next = map.next_value::<Option<Links>>()?.and_then(|links| links.next).map(Link::href)
                }
                "errors" => {
                    map.next_value::<IgnoredAny>()?;
                    self.0.has_errors = true;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct RowsSeed<'d, T>(&'d mut Vec<T>);

impl<'a, T: Deserialize<'a>> DeserializeSeed<'a> for RowsSeed<'_, T> {
    type Value = ();
    fn deserialize<S: Deserializer<'a>>(self, source: S) -> Result<(), S::Error> {
        source.deserialize_any(self)
    }
}

impl<'a, T: Deserialize<'a>> Visitor<'a> for RowsSeed<'_, T> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut rows: S) -> Result<(), S::Error> {
        while let Some(row) = rows.next_element()? {
            self.0.push(row);
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Links {
    #[serde(default)]
    next: Option<Link>,
}

/// JSON:API allows a link to be a text or an object with `href` (auvik.md section 8). Anything else breaks the page: read
/// as "no next page" it would make half a list look complete.
#[derive(Deserialize)]
#[serde(untagged)]
enum Link {
    Text(String),
    Object { href: String },
}

impl Link {
    fn href(self) -> String {
        match self {
            Link::Text(href) | Link::Object { href } => href,
        }
    }
}

/// What a place in a row must hold, to name the one at fault.
pub(crate) enum Shape {
    /// An object that must be there.
    Object,
    /// A text that must be there and makes an id.
    Required,
    /// A number, or a text that makes an id, that must be there.
    Id,
    /// A text that must be there and is not blank.
    Name,
    /// A number, null or nothing.
    Number,
    /// A list, null or nothing.
    List,
    /// A text, null or nothing.
    Text,
    /// A list of texts, null or nothing.
    Texts,
    /// A boolean, null or nothing.
    Switch,
    /// A boolean or a number in its place, null or nothing.
    Flag,
    /// A whole number that must be there.
    Whole,
    /// An object with a whole number as `id` and a text, if any, as `name`; or null, or nothing.
    Reference,
    /// Anything: named only where nothing else in the row is at fault.
    Any,
}

/// What the rows of a list must look like, for naming the field at fault in a row that cannot be read.
pub(crate) struct Row {
    /// JSON pointers with what they must hold, in the order in which faults are looked for.
    pub shapes: &'static [(&'static str, Shape)],
    /// Where the name is.
    pub name: &'static str,
    /// Attributes that change without meaning: they do not count where a row needs an id of our making.
    pub volatile: &'static [&'static str],
}

impl Row {
    /// Makes the record of a row that cannot be read: with its id and name where those can be read, and with the name of
    /// the first field at fault. Without an id it gets one of our making, the same on every reading.
    pub(crate) fn malformed(&self, kind: Kind, row: &RawValue, client: Option<&VendorId>) -> VendorRecord {
        let mut json: Value = serde_json::from_str(row.get()).unwrap_or_default();
        let id = match json.pointer("/id") {
            Some(Value::String(id)) => VendorId::parse(id).ok(),
            Some(Value::Number(id)) => VendorId::parse(&id.to_string()).ok(),
            _ => None,
        };
        let name = json.pointer(self.name).and_then(Value::as_str).map(fold_blanks);
        let vendor_id = id.unwrap_or_else(|| {
            if let Some(Value::Object(attributes)) = json.pointer_mut("/attributes") {
                self.volatile.iter().for_each(|name| drop(attributes.remove(*name)));
            }
            let own = format!("{OWN_ID}{:016x}", hash([json.to_string().as_str()]));
            VendorId::parse(&own).expect("letters, digits and hyphens make an id")
        });
        VendorRecord {
            kind,
            name: name.filter(|name| !name.is_empty()).unwrap_or_else(|| vendor_id.to_string()),
            vendor_id,
            client: client.cloned(),
            fields: Fields::default(),
            class: None,
            activity: Activity::Active,
            malformed: Some(self.field_at_fault(row)),
        }
    }

    /// Returns the name of the first field that is not as it must be.
    pub(crate) fn field_at_fault(&self, row: &RawValue) -> String {
        let json: Value = serde_json::from_str(row.get()).unwrap_or_default();
        let last = || self.shapes.last().map(|(pointer, _)| field_name(pointer));
        self.fault(&json).or_else(last).unwrap_or_default()
    }

    /// Returns the name of the first field that is not as it must be; `None` where all are.
    pub(crate) fn fault(&self, row: &Value) -> Option<String> {
        let fault = self.shapes.iter().find(|(pointer, shape)| !fits(row.pointer(pointer), shape));
        fault.map(|(pointer, _)| field_name(pointer))
    }
}

/// What ids of our making begin with.
pub(crate) const OWN_ID: &str = "row-";

/// Numbers the ids of our making that occur more than once on a page, so that no row is lost in another.
pub(crate) fn tell_apart(records: &mut [VendorRecord]) {
    let mut met: BTreeMap<VendorId, usize> = BTreeMap::new();
    for record in records.iter_mut().filter(|record| record.vendor_id.as_str().starts_with(OWN_ID)) {
        let count = met.entry(record.vendor_id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            let own = format!("{}-{count}", record.vendor_id);
            record.vendor_id = VendorId::parse(&own).expect("letters, digits and hyphens make an id");
        }
    }
}

fn field_name(pointer: &str) -> String {
    pointer.rsplit('/').next().unwrap_or_default().replace("~1", "/")
}

fn fits(value: Option<&Value>, shape: &Shape) -> bool {
    let is_absent = value.is_none_or(Value::is_null);
    match shape {
        Shape::Object => value.is_some_and(Value::is_object),
        Shape::Required => value.and_then(Value::as_str).is_some_and(|text| VendorId::parse(text).is_ok()),
        Shape::Id => value
            .is_some_and(|value| value.is_u64() || value.as_str().is_some_and(|text| VendorId::parse(text).is_ok())),
        Shape::Name => value.and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty()),
        Shape::Number => is_absent || value.is_some_and(Value::is_number),
        Shape::List => is_absent || value.is_some_and(Value::is_array),
        Shape::Text => is_absent || value.is_some_and(Value::is_string),
        Shape::Texts => {
            is_absent || value.and_then(Value::as_array).is_some_and(|list| list.iter().all(Value::is_string))
        }
        Shape::Any => true,
        Shape::Switch => is_absent || value.is_some_and(Value::is_boolean),
        Shape::Flag => is_absent || value.is_some_and(|value| value.is_boolean() || value.is_i64()),
        Shape::Whole => value.is_some_and(Value::is_u64),
        Shape::Reference => {
            let part = |name| value.and_then(|value| value.get(name));
            is_absent || (fits(part("id"), &Shape::Whole) && fits(part("name"), &Shape::Text))
        }
    }
}

/// FNV-1a over texts and their ends: the same on every machine and in every version, as checkpoints and ids need it.
pub(crate) fn hash<'a>(texts: impl IntoIterator<Item = &'a str>) -> u64 {
    let mut state: u64 = 0xcbf2_9ce4_8422_2325;
    for text in texts {
        for byte in text.bytes().chain([0]) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    state
}

/// Parts a text in which several addresses may stand, by commas, semicolons, bars and blanks.
pub(crate) fn several(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| matches!(letter, ',' | ';' | '|') || letter.is_whitespace())
        .filter(|part| !part.is_empty())
}

/// Returns the MAC addresses in a text that may hold several.
pub(crate) fn mac_addresses(text: &str) -> impl Iterator<Item = String> + '_ {
    several(text).filter_map(mac_address)
}

/// Returns the IP addresses in a text that may hold several, in their usual form; unspecified and loopback ones are none.
pub(crate) fn ip_addresses(text: &str) -> impl Iterator<Item = String> + '_ {
    let addresses = several(text).filter_map(|part| part.parse::<std::net::IpAddr>().ok());
    addresses.filter(|address| !address.is_unspecified() && !address.is_loopback()).map(|address| address.to_string())
}

/// Returns a MAC address in upper case with colons; `None` for anything that is not one, all zeros and broadcast too.
pub(crate) fn mac_address(text: &str) -> Option<String> {
    let mut digits = [0u8; 12];
    let mut count = 0;
    for byte in text.trim().bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' if count < 12 => {
                digits[count] = byte.to_ascii_uppercase();
                count += 1;
            }
            b':' | b'-' | b'.' => {}
            _ => return None,
        }
    }
    if count != 12 || digits == [b'0'; 12] || digits == [b'F'; 12] {
        return None;
    }
    let mut address = String::with_capacity(17);
    for (index, digit) in digits.iter().enumerate() {
        if index > 0 && index % 2 == 0 {
            address.push(':');
        }
        let _ = address.write_char(char::from(*digit));
    }
    Some(address)
}

#[cfg(test)]
mod tests;
