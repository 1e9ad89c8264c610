//! The bodies of orders, with the names of the command line's words. Unknown names are refused.

use std::borrow::Cow;
use std::collections::BTreeMap;

use apis::account::COMMON_SETTINGS;
use apis::feed::Vendor;
use apis::vendors;
use console::request::{Deciding, SecretParts, Selection, named};
use reconcile::ids::IntegrationId;
use reconcile::record::Kind;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

/// An integration to add.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Adding {
    pub(super) id: IntegrationId,
    pub(super) vendor: String,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) secret: BTreeMap<String, String>,
}

impl JsonSchema for Adding {
    fn schema_name() -> Cow<'static, str> {
        "Adding".into()
    }

    /// Each vendor has settings and parts of a secret of its own.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let id = generator.subschema_for::<IntegrationId>();
        let all: Vec<Value> = vendors::ALL.iter().map(|vendor| adding(vendor, &id)).collect();
        json_schema!({ "description": "An integration to add.", "oneOf": all })
    }
}

fn adding(vendor: &Vendor, id: &Schema) -> Value {
    let settings = vendor.settings.iter().chain(COMMON_SETTINGS);
    let described: Map<String, Value> =
        settings.map(|spec| (spec.name.to_owned(), json!({ "type": "string", "description": spec.what }))).collect();
    let required: Vec<&str> = vendor.settings.iter().filter(|spec| spec.required).map(|spec| spec.name).collect();
    json!({
        "title": vendor.name,
        "type": "object",
        "properties": {
            "id": id,
            "vendor": { "const": vendor.id },
            "settings": {
                "type": "object", "properties": described, "required": required, "additionalProperties": false,
            },
            "secret": parts(vendor),
        },
        "required": ["id", "vendor", "settings", "secret"],
        "additionalProperties": false,
    })
}

fn parts(vendor: &Vendor) -> Value {
    let described: Map<String, Value> = vendor
        .secret_parts
        .iter()
        .map(|part| {
            let schema = json!({ "type": "string", "minLength": 1, "writeOnly": true, "description": part.what });
            (part.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<&str> = vendor.secret_parts.iter().map(|part| part.name).collect();
    json!({ "type": "object", "properties": described, "required": required, "additionalProperties": false })
}

/// The parts of a secret by name, as its vendor has them.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Secret(pub(super) BTreeMap<String, String>);

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The parts of the secret by name, all that the vendor has.",
            "type": "object",
            "additionalProperties": { "type": "string", "writeOnly": true },
        })
    }
}

impl Secret {
    pub(super) fn parts(self) -> SecretParts {
        SecretParts::new(self.0)
    }
}

/// Which integrations to sync.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Syncing {
    /// These; without it, all that may run.
    #[serde(default)]
    pub(super) integrations: Option<Vec<IntegrationId>>,
    /// Ignores digests and reads everything again.
    #[serde(default)]
    pub(super) force: bool,
}

/// How to sync one integration.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SyncingOne {
    /// Ignores digests and reads everything again.
    #[serde(default)]
    pub(super) force: bool,
}

/// Which kind a decision is about.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfKind {
    /// The kind; without it, users and clients.
    #[serde(default)]
    pub(super) kind: Option<Kind>,
}

/// A vendor record and the documentation record that it is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Matching {
    /// What they are.
    pub(super) kind: Kind,
    /// The vendor record.
    pub(super) vendor_id: String,
    /// The documentation record.
    pub(super) doc_id: String,
}

/// The vendor records that a decision is about.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecidingMany {
    /// What they are.
    pub(super) kind: Kind,
    /// Which.
    pub(super) records: Selection,
}

/// Decisions about single vendor records.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecidingEach {
    /// What they are.
    pub(super) kind: Kind,
    /// What is decided about each.
    #[serde(deserialize_with = "each_named")]
    pub(super) decisions: Vec<Deciding>,
}

fn each_named<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Deciding>, D::Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct One(#[serde(deserialize_with = "named")] Deciding);
    Ok(Vec::<One>::deserialize(from)?.into_iter().map(|One(deciding)| deciding).collect())
}

/// How to finish.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Finishing {
    /// The plan that was previewed; without it, the current one.
    #[serde(default)]
    pub(super) plan: Option<String>,
    /// Leaves the first full sync out.
    #[serde(default)]
    pub(super) no_sync: bool,
}

/// A person's edit of a documentation record.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Editing {
    /// Fields to set, by code; an empty value empties the field. `name` renames.
    #[serde(default)]
    pub(super) set: BTreeMap<String, String>,
    /// Fields whose edit is given up, by code.
    #[serde(default)]
    pub(super) release: Vec<String>,
}
