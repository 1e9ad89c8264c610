//! The identifiers of the field: integrations, vendor records, documentation records, runs.
//!
//! Ids are newtypes made by parsing or by a function of what they identify; none is ever random, so that doing a thing
//! twice names it the same.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::record::Kind;

/// Says why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {text:?} is not valid: {rule}")]
pub struct InvalidId {
    /// The kind of id that was wanted.
    pub what: &'static str,
    /// The text that was given, cut to 80 characters.
    pub text: String,
    /// The rule it breaks.
    pub rule: &'static str,
}

macro_rules! text_id {
    ($(#[doc = $doc:literal])* $name:ident = $pattern:literal) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Returns the id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let description = concat!($($doc),*).trim();
                json_schema!({ "type": "string", "pattern": $pattern, "description": description })
            }
        }
    };
}

text_id! {
    /// The short slug an operator gives to one configured account at a vendor: `a-z`, `0-9` and `-`, at most 40 bytes.
    IntegrationId = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"
}
text_id! {
    /// A vendor's own id of a record: opaque, 1 to 512 bytes, without control characters.
    VendorId = "^[^\\x00-\\x1f\\x7f-\\x9f]{1,512}$"
}
text_id! {
    /// The id of a documentation record: `<kind letter>_<16 hex>`, or, below a client,
    /// `<kind letter>_<the client's 16 hex>_<16 hex>`, so that the id alone tells where the record lies.
    DocId = "^([cu]_[0-9a-f]{16}|[apl]_[0-9a-f]{16}_[0-9a-f]{16})$"
}
text_id! {
    /// The id of a run: `<integration>.<opening instant>`, so that the id alone tells whose run it is and runs sort by time.
    RunId = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?\\.[A-Za-z0-9-]{1,64}$"
}
text_id! {
    /// The id of a plan: `<integration>.<hash of its inputs and content>`. Equal inputs give an equal id.
    PlanId = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?\\.[A-Za-z0-9-]{1,64}$"
}

fn invalid(what: &'static str, text: &str, rule: &'static str) -> InvalidId {
    InvalidId { what, text: text.chars().take(80).collect(), rule }
}

impl IntegrationId {
    /// Parses a slug.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let shaped = !text.is_empty()
            && text.len() <= 40
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if shaped {
            Ok(Self(text.to_owned()))
        } else {
            Err(invalid("integration id", text, "use 1 to 40 of a-z, 0-9 and -, not at the ends"))
        }
    }
}

impl VendorId {
    /// Parses an id as a vendor gave it; surrounding blanks are cut off.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let text = text.trim();
        if text.is_empty() || text.len() > 512 || text.chars().any(char::is_control) {
            return Err(invalid("vendor id", text, "1 to 512 bytes without control characters"));
        }
        Ok(Self(text.to_owned()))
    }
}

fn is_hex16(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

impl DocId {
    /// Parses an id in either of the two shapes.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let mut parts = text.split('_');
        let kind = parts.next().and_then(Kind::from_letter);
        let rest: Vec<&str> = parts.collect();
        let shaped = match kind {
            Some(kind) if kind.is_below_client() => rest.len() == 2,
            Some(_) => rest.len() == 1,
            None => false,
        };
        if shaped && rest.iter().all(|part| is_hex16(part)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(invalid("documentation id", text, "such ids look like c_0123456789abcdef; `docs list` shows them"))
        }
    }

    /// Returns the id of the record that `key` creates: a function of the vendor key and, below a client, of that client,
    /// so that creating twice is the same write.
    pub fn created(key: &RecordKey, client: Option<&DocId>) -> Self {
        let seed = format!("created\0{}\0{}\0{}", key.integration, key.kind.code(), key.vendor_id);
        Self::from_seed(key.kind, client, &seed)
    }

    /// Returns the id of the `occurrence`-th record of this name that a person reads in, so that reading the same file
    /// twice meets the same records.
    pub fn imported(kind: Kind, client: Option<&DocId>, name: &str, occurrence: usize) -> Self {
        Self::from_seed(kind, client, &format!("imported\0{name}\0{occurrence}"))
    }

    fn from_seed(kind: Kind, client: Option<&DocId>, seed: &str) -> Self {
        let parent = client.map(|client| client.own_part());
        let mut hash = Sha256::new();
        hash.update(parent.unwrap_or_default().as_bytes());
        hash.update([0]);
        hash.update(seed.as_bytes());
        let own: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        match (kind.is_below_client(), parent) {
            (true, Some(parent)) => Self(format!("{}_{parent}_{own}", kind.letter())),
            (false, None) => Self(format!("{}_{own}", kind.letter())),
            _ => unreachable!("a client is given exactly for the kinds below one"),
        }
    }

    fn own_part(&self) -> &str {
        self.0.rsplit('_').next().unwrap_or_default()
    }

    /// Returns the kind of the record.
    pub fn kind(&self) -> Kind {
        self.0.split('_').next().and_then(Kind::from_letter).expect("a DocId is made by parsing")
    }

    /// Returns the client this record lies below, if its kind lies below one.
    pub fn client(&self) -> Option<DocId> {
        let mut parts = self.0.split('_').skip(1);
        match (parts.next(), parts.next()) {
            (Some(client), Some(_)) => Some(DocId(format!("{}_{client}", Kind::Client.letter()))),
            _ => None,
        }
    }
}

impl RunId {
    /// Makes the id of the run that was opened for `integration` at `instant` (any text that sorts by time).
    pub fn new(integration: &IntegrationId, instant: &str) -> Self {
        Self(format!("{integration}.{instant}"))
    }

    /// Parses `<integration>.<instant>`.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        with_integration("run id", text).map(|()| Self(text.to_owned()))
    }

    /// Returns the integration whose run this is.
    pub fn integration(&self) -> IntegrationId {
        owner(&self.0)
    }
}

impl PlanId {
    /// Makes the id of the plan whose inputs and content hash to `digest`.
    pub fn new(integration: &IntegrationId, digest: &str) -> Self {
        Self(format!("{integration}.{digest}"))
    }

    /// Parses `<integration>.<digest>`.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        with_integration("plan id", text).map(|()| Self(text.to_owned()))
    }

    /// Returns the integration whose plan this is.
    pub fn integration(&self) -> IntegrationId {
        owner(&self.0)
    }
}

fn with_integration(what: &'static str, text: &str) -> Result<(), InvalidId> {
    match text.split_once('.') {
        Some((integration, rest))
            if IntegrationId::parse(integration).is_ok()
                && !rest.is_empty()
                && rest.len() <= 64
                && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') =>
        {
            Ok(())
        }
        _ => Err(invalid(what, text, "such ids look like <integration>.<letters and digits>")),
    }
}

fn owner(id: &str) -> IntegrationId {
    let slug = id.split('.').next().unwrap_or_default();
    IntegrationId::parse(slug).expect("run and plan ids begin with an integration id")
}

/// Names one vendor record: an integration, a kind and the vendor's own id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordKey {
    /// The integration that read it.
    pub integration: IntegrationId,
    /// What it is.
    pub kind: Kind,
    /// The vendor's id, unique within integration and kind.
    pub vendor_id: VendorId,
}

/// The records that are planned together: an integration's users, its clients, or what lies below one client.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All users of the integration.
    Users,
    /// All clients of the integration.
    Clients,
    /// Assets, contacts and locations of the client with this vendor id.
    Client(VendorId),
}

impl Scope {
    /// Returns the scope that a record of `kind`, below `client`, belongs to; `None` where a client is needed and missing.
    pub fn of(kind: Kind, client: Option<&VendorId>) -> Option<Scope> {
        match kind {
            Kind::User => Some(Scope::Users),
            Kind::Client => Some(Scope::Clients),
            Kind::Asset | Kind::Contact | Kind::Location => client.cloned().map(Scope::Client),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::Users => out.write_str("users"),
            Scope::Clients => out.write_str("clients"),
            Scope::Client(id) => write!(out, "client:{id}"),
        }
    }
}
