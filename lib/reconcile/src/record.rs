//! What a vendor has: kinds, fields, and one vendor record.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::VendorId;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A customer of the MSP.
    Client,
    /// A person who works at the MSP.
    User,
    /// A device or another configuration item of a client.
    Asset,
    /// A person who works at a client.
    Contact,
    /// A place of a client.
    Location,
}

impl Kind {
    /// All kinds, in the order in which people are shown them.
    pub const ALL: [Kind; 5] = [Kind::Client, Kind::User, Kind::Asset, Kind::Contact, Kind::Location];

    /// Returns the word of the contract.
    pub fn code(self) -> &'static str {
        match self {
            Kind::Client => "client",
            Kind::User => "user",
            Kind::Asset => "asset",
            Kind::Contact => "contact",
            Kind::Location => "location",
        }
    }

    /// Returns the kind that `code` names.
    pub fn from_code(code: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Returns the letter that documentation ids begin with.
    pub fn letter(self) -> char {
        match self {
            Kind::Client => 'c',
            Kind::User => 'u',
            Kind::Asset => 'a',
            Kind::Contact => 'p',
            Kind::Location => 'l',
        }
    }

    /// Returns the kind whose documentation ids begin with `letter`.
    pub fn from_letter(letter: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| letter.chars().eq([kind.letter()]))
    }

    /// Says whether records of this kind belong to a client.
    pub fn is_below_client(self) -> bool {
        matches!(self, Kind::Asset | Kind::Contact | Kind::Location)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

macro_rules! fields {
    ($($(#[$doc:meta])* $variant:ident = $code:literal $shape:ident),+ $(,)?) => {
        /// A normalised field; its code is the JSON name and the CSV column.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Field { $($(#[$doc])* #[serde(rename = $code)] $variant),+ }

        impl Field {
            /// All fields, in the order in which people are shown them.
            pub const ALL: &[Field] = &[$(Field::$variant),+];

            /// Returns the JSON name.
            pub fn code(self) -> &'static str {
                match self { $(Field::$variant => $code),+ }
            }

            /// Says whether the field holds several values.
            pub fn is_list(self) -> bool {
                match self { $(Field::$variant => fields!(@list $shape)),+ }
            }
        }
    };
    (@list list) => { true };
    (@list text) => { false };
}

fields! {
    /// Host name of a device, as the vendor writes it.
    Hostname = "hostname" text,
    /// Serial number.
    SerialNumber = "serial_number" text,
    /// MAC addresses, upper case with colons, sorted.
    MacAddresses = "mac_addresses" list,
    /// IP addresses, sorted.
    IpAddresses = "ip_addresses" list,
    /// Manufacturer.
    Make = "make" text,
    /// Model.
    Model = "model" text,
    /// Operating system or firmware.
    Os = "os" text,
    /// Type of the device or configuration, in the vendor's words.
    Type = "type" text,
    /// Name of the place where a device or person is.
    Location = "location" text,
    /// E-mail address.
    Email = "email" text,
    /// Telephone number.
    Phone = "phone" text,
    /// Mobile telephone number.
    Mobile = "mobile" text,
    /// Title or position of a person.
    Title = "title" text,
    /// Street address, lines joined by commas.
    Address = "address" text,
    /// City.
    City = "city" text,
    /// State, province or county.
    State = "state" text,
    /// Postal code.
    PostalCode = "postal_code" text,
    /// Country.
    Country = "country" text,
    /// Web site.
    Website = "website" text,
}

impl Field {
    /// Returns the field that `code` names.
    pub fn from_code(code: &str) -> Option<Field> {
        Field::ALL.iter().copied().find(|field| field.code() == code)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

/// The value of one field: never empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Value {
    /// One text.
    Text(String),
    /// Several texts, sorted, each once.
    List(Vec<String>),
}

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => out.write_str(text),
            Value::List(list) => out.write_str(&list.join("; ")),
        }
    }
}

/// Normalised fields: what is absent or blank at the source is absent here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Fields(BTreeMap<Field, Value>);

impl Fields {
    /// Sets a text field; white space at the ends and inside is folded, and a blank text removes the field.
    ///
    /// # Panics
    /// Where `field` holds a list: that is a mistake of the caller.
    pub fn set_text(&mut self, field: Field, text: &str) {
        assert!(!field.is_list(), "{field} holds a list");
        let folded = fold_blanks(text);
        if folded.is_empty() {
            self.0.remove(&field);
        } else {
            self.0.insert(field, Value::Text(folded));
        }
    }

    /// Sets a list field; values are trimmed, sorted and kept once, and no value removes the field.
    ///
    /// # Panics
    /// Where `field` holds a text: that is a mistake of the caller.
    pub fn set_list<T: AsRef<str>>(&mut self, field: Field, values: impl IntoIterator<Item = T>) {
        assert!(field.is_list(), "{field} holds one text");
        let values: BTreeSet<String> =
            values.into_iter().map(|value| fold_blanks(value.as_ref())).filter(|value| !value.is_empty()).collect();
        if values.is_empty() {
            self.0.remove(&field);
        } else {
            self.0.insert(field, Value::List(values.into_iter().collect()));
        }
    }

    /// Sets a value that comes from other fields.
    pub fn set(&mut self, field: Field, value: Value) {
        match value {
            Value::Text(text) => self.set_text(field, &text),
            Value::List(list) => self.set_list(field, list),
        }
    }

    /// Removes a field.
    pub fn remove(&mut self, field: Field) -> Option<Value> {
        self.0.remove(&field)
    }

    /// Returns a field's value.
    pub fn get(&self, field: Field) -> Option<&Value> {
        self.0.get(&field)
    }

    /// Returns a text field's value.
    pub fn text(&self, field: Field) -> Option<&str> {
        match self.0.get(&field) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns a list field's values; none where the field is absent.
    pub fn list(&self, field: Field) -> &[String] {
        match self.0.get(&field) {
            Some(Value::List(list)) => list,
            _ => &[],
        }
    }

    /// Iterates over the fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (Field, &Value)> {
        self.0.iter().map(|(field, value)| (*field, value))
    }

    /// Says whether no field is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Trims `text` and folds each run of white space, control characters among it, into one blank.
pub fn fold_blanks(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split(|letter: char| letter.is_whitespace() || letter.is_control()).filter(|word| !word.is_empty())
    {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded
}

/// The vendor's own class of a record: a configuration type of an asset, a company type of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// The vendor's id of the class.
    pub id: String,
    /// Its name, as the vendor shows it.
    pub name: String,
}

/// Whether the vendor says that a record is in use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// In use, or the vendor does not say.
    #[default]
    Active,
    /// Switched off, retired or closed at the vendor.
    Inactive,
}

/// One record as a vendor has it, normalised. Values that change without meaning (last seen, online) are left out, so that
/// an equal [`Fingerprint`] means that nothing a person would document has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorRecord {
    /// What it is.
    pub kind: Kind,
    /// The vendor's id.
    pub vendor_id: VendorId,
    /// The vendor's id of the client it belongs to: always there for the kinds below a client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<VendorId>,
    /// The name a person sees; for an asset without any, a stand-in made by the vendor's file.
    pub name: String,
    /// The normalised fields.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub fields: Fields,
    /// The vendor's class of it, where the vendor has classes that can be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// Whether the vendor says it is in use.
    #[serde(default, skip_serializing_if = "is_active")]
    pub activity: Activity,
    /// For a row that could not be read: the name of the field at fault. Such a record keeps its id and its mapping and
    /// ends with the reason `malformed_record`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub malformed: Option<String>,
}

fn is_active(activity: &Activity) -> bool {
    *activity == Activity::Active
}

/// Identifies a record's content: equal content, equal fingerprint.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(pub [u8; 16]);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> String {
        format!("{fingerprint:?}")
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let mut bytes = [0; 16];
        if text.len() != 32 || !text.is_ascii() {
            return Err(format!("a fingerprint has 32 hexadecimal digits, not {}", text.len()));
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte =
                u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|_| "not hexadecimal".to_owned())?;
        }
        Ok(Fingerprint(bytes))
    }
}

/// Collects parts, each with its length, so that no two different sequences of parts give the same bytes.
struct Parts(Sha256);

impl Parts {
    fn part(&mut self, text: &str) {
        self.0.update((text.len() as u32).to_le_bytes());
        self.0.update(text.as_bytes());
    }
}

impl VendorRecord {
    /// Returns the vendor's client that it lies below, for the kinds below a client.
    pub fn home(&self) -> Option<&VendorId> {
        self.client.as_ref().filter(|_| self.kind.is_below_client())
    }

    /// Returns the fingerprint of everything in the record.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut parts = Parts(Sha256::new());
        parts.part(self.kind.code());
        parts.part(self.vendor_id.as_str());
        parts.part(self.client.as_ref().map_or("", VendorId::as_str));
        parts.part(&self.name);
        parts.part(self.class.as_ref().map_or("", |class| &class.id));
        parts.part(self.class.as_ref().map_or("", |class| &class.name));
        parts.part(if self.activity == Activity::Active { "" } else { "inactive" });
        parts.part(self.malformed.as_deref().unwrap_or_default());
        for (field, value) in self.fields.iter() {
            parts.part(field.code());
            match value {
                Value::Text(text) => parts.part(text),
                Value::List(list) => {
                    parts.0.update((list.len() as u32).to_le_bytes());
                    list.iter().for_each(|text| parts.part(text));
                }
            }
        }
        let digest = parts.0.finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Fingerprint(bytes)
    }
}
