//! Everything that may be asked, one variant per command of product.md section 6.
//!
//! Ids travel as the texts that a person typed: only the handler can say which existing one is nearest to a wrong one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use apis::call::{Secret, SecretText};
use reconcile::mapping::State;
use reconcile::reason::Reason;
use reconcile::record::Kind;
use schemars::JsonSchema;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};

/// The parts of a secret on their way in.
///
/// It has no `Serialize` of its own: the one way to write it out is as a part of a [`Request`], and requests are only ever
/// written to the local socket.
#[derive(Clone, Default, PartialEq)]
pub struct SecretParts(pub Secret);

impl SecretParts {
    /// Takes the parts in by name.
    pub fn new(parts: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(Secret(parts.into_iter().map(|(name, text)| (name, SecretText::new(&text))).collect()))
    }
}

impl fmt::Debug for SecretParts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.0.keys().map(String::as_str).collect();
        write!(out, "[secret: {}]", names.join(", "))
    }
}

mod wire {
    //! Secrets on the local socket.

    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::SecretParts;

    pub(super) fn serialize<S: Serializer>(secret: &SecretParts, out: S) -> Result<S::Ok, S::Error> {
        let parts: BTreeMap<&str, &str> =
            secret.0.0.iter().map(|(name, text)| (name.as_str(), text.expose())).collect();
        parts.serialize(out)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<SecretParts, D::Error> {
        BTreeMap::<String, String>::deserialize(input).map(SecretParts::new)
    }
}

/// The most items a list answers at once, where nobody asks for another number.
pub const PAGE_LIMIT: usize = 1000;

/// The most items that a page may ask for.
pub const PAGE_LIMIT_MAX: usize = 100_000;

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// At most so many items.
    pub limit: usize,
    /// The `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Default for Page {
    fn default() -> Self {
        Self { limit: PAGE_LIMIT, cursor: None }
    }
}

/// Which vendor records are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordFilter {
    /// Their state, staged decisions taken in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// Why they are not in the documentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// A part of their name, vendor id or a field, whatever its case; of users and clients a part of their name, vendor id
    /// or e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// Only those that were first seen after the first completed sync of their kind.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub new: bool,
}

/// What is decided about one vendor record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// It is this documentation record.
    Match(String),
    /// Make a documentation record from it.
    Create,
    /// Leave it out.
    Exclude,
    /// Forget what was decided.
    Reset,
}

/// A decision about one vendor record, with what was seen when it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deciding {
    /// The vendor record.
    pub vendor_id: String,
    /// The vendor's id of the client it belongs to, below one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// What is decided.
    pub choice: Choice,
    /// The record's `revision` as it was shown; where it is another one by now, somebody else has decided meanwhile and
    /// this decision is not staged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

/// Which vendor records a decision is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// These, by vendor id.
    Ids(Vec<String>),
    /// All that the filter finds.
    Filter(#[serde(deserialize_with = "named")] RecordFilter),
}

/// Reads an object by the names of its fields; a list of their values, which would be taken for one as well, is refused.
pub fn named<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<T, D::Error> {
    let fields = serde_json::Map::deserialize(from)?;
    T::deserialize(serde_json::Value::Object(fields)).map_err(D::Error::custom)
}

/// What `integration set` changes; `None` leaves as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IntegrationChange {
    /// Settings to change; an empty value removes one.
    pub settings: BTreeMap<String, String>,
    /// The kinds to sync, all of them.
    #[schemars(with = "Option<Vec<Kind>>")]
    pub sync: Option<BTreeSet<Kind>>,
    /// The kinds whose new records are created by themselves, all of them.
    #[schemars(with = "Option<Vec<Kind>>")]
    pub auto_create: Option<BTreeSet<Kind>>,
    /// Configuration types by id or exact name, all of them.
    pub types: Option<Vec<String>>,
    /// A cron line of five fields; an empty one means never.
    pub schedule: Option<String>,
    /// The time zone of the schedule.
    pub time_zone: Option<String>,
    /// Whether documentation records are archived once all their sources are stale.
    pub archive_stale: Option<bool>,
}

/// Which integrations a sync is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncTarget {
    /// These.
    Ids(Vec<String>),
    /// All that may run.
    All,
}

/// One question or order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Request {
    /// `integration add`.
    IntegrationAdd {
        /// The slug.
        id: String,
        /// The vendor's id.
        vendor: String,
        /// Settings by name.
        settings: BTreeMap<String, String>,
        /// The secret.
        #[serde(with = "wire")]
        secret: SecretParts,
    },
    /// `integration list`.
    IntegrationList {
        /// Which part.
        page: Page,
    },
    /// `integration show`.
    IntegrationShow {
        /// Which integration.
        id: String,
    },
    /// `integration remove`: its mappings, runs and plans go; the catalogue stays.
    IntegrationRemove {
        /// Which integration.
        id: String,
    },
    /// `integration pause`.
    Pause {
        /// Which integration.
        id: String,
    },
    /// `integration resume`.
    Resume {
        /// Which integration.
        id: String,
    },
    /// `integration verify`.
    Verify {
        /// Which integration.
        id: String,
    },
    /// `integration set`.
    IntegrationSet {
        /// Which integration.
        id: String,
        /// What changes.
        change: IntegrationChange,
    },
    /// `integration types`.
    Types {
        /// Which integration.
        id: String,
        /// Which part.
        page: Page,
    },
    /// `secret rotate`.
    SecretRotate {
        /// Which integration.
        id: String,
        /// The new secret.
        #[serde(with = "wire")]
        secret: SecretParts,
    },
    /// `sync`.
    Sync {
        /// Which integrations.
        target: SyncTarget,
        /// Ignores digests and reads everything again.
        force: bool,
    },
    /// `records`.
    Records {
        /// Which integration.
        id: String,
        /// Which kind.
        kind: Kind,
        /// Which of them.
        filter: RecordFilter,
        /// Which part.
        page: Page,
    },
    /// `auto-match`: stages a match for each record whose name is identical on both sides and unique.
    AutoMatch {
        /// Which integration.
        id: String,
        /// Which kind; `None` for users and clients.
        kind: Option<Kind>,
    },
    /// `match`.
    Match {
        /// Which integration.
        id: String,
        /// Which kind.
        kind: Kind,
        /// The vendor record.
        vendor_id: String,
        /// The documentation record.
        doc_id: String,
    },
    /// `create`.
    Create {
        /// Which integration.
        id: String,
        /// Which kind.
        kind: Kind,
        /// Which vendor records.
        records: Selection,
    },
    /// `exclude`.
    Exclude {
        /// Which integration.
        id: String,
        /// Which kind.
        kind: Kind,
        /// Which vendor records.
        records: Selection,
    },
    /// `reset`.
    Reset {
        /// Which integration.
        id: String,
        /// Which kind.
        kind: Kind,
        /// Which vendor records.
        records: Selection,
    },
    /// Decisions about single records, made on a page that may be outdated.
    Decide {
        /// Which integration.
        id: String,
        /// Which kind.
        kind: Kind,
        /// What is decided.
        decisions: Vec<Deciding>,
    },
    /// A page of the users or clients that are decided about, with how many there are in each state.
    Wizard {
        /// Which integration.
        id: String,
        /// Users or clients.
        kind: Kind,
        /// Which of them.
        filter: RecordFilter,
        /// Which part.
        page: Page,
    },
    /// The documentation records that a vendor record could be matched with.
    Candidates {
        /// Which integration.
        id: String,
        /// Which kind.
        kind: Kind,
        /// The vendor record.
        vendor_id: String,
        /// The vendor's id of the client it belongs to, below one.
        client: Option<String>,
        /// A part of the name; without one the nearest are shown.
        search: Option<String>,
    },
    /// `create-unmatched`: stages a creation for all that are left, but for those whose name is not unique.
    CreateUnmatched {
        /// Which integration.
        id: String,
        /// Which kind; `None` for users and clients.
        kind: Option<Kind>,
    },
    /// `preview`.
    Preview {
        /// Which integration.
        id: String,
        /// Which part of the items.
        page: Page,
    },
    /// `finish`.
    Finish {
        /// Which integration.
        id: String,
        /// The plan that was previewed; `None` for the current one.
        plan: Option<String>,
        /// Leaves the first full sync out.
        no_sync: bool,
    },
    /// `plans`.
    Plans {
        /// Which integration.
        id: String,
        /// Which part.
        page: Page,
    },
    /// `plan show`.
    PlanShow {
        /// Which plan.
        plan: String,
        /// Which part of the items.
        page: Page,
    },
    /// `plan approve`: applies a plan that the guard held, at once.
    PlanApprove {
        /// Which plan.
        plan: String,
    },
    /// `plan discard`.
    PlanDiscard {
        /// Which plan.
        plan: String,
    },
    /// `status`.
    Status {
        /// Which integration; `None` for all.
        id: Option<String>,
        /// Which part.
        page: Page,
    },
    /// `runs`.
    Runs {
        /// Which integration; `None` for all.
        id: Option<String>,
        /// Which part.
        page: Page,
    },
    /// `run show`.
    RunShow {
        /// Which run.
        run: String,
    },
    /// `unsynced`.
    Unsynced {
        /// Which integration.
        id: String,
        /// Which kind; `None` for all.
        kind: Option<Kind>,
        /// Which of them.
        filter: RecordFilter,
        /// Which part.
        page: Page,
    },
    /// `unsynced --csv`.
    UnsyncedExport {
        /// Which integration.
        id: String,
        /// Which kind; `None` for all.
        #[serde(default)]
        kind: Option<Kind>,
        /// Which of them.
        #[serde(default)]
        filter: RecordFilter,
    },
    /// `docs list`.
    DocsList {
        /// Which kind.
        kind: Kind,
        /// Below this client.
        client: Option<String>,
        /// A part of the name, id or a field.
        search: Option<String>,
        /// Which part.
        page: Page,
    },
    /// `docs show`.
    DocsShow {
        /// Which documentation record.
        doc: String,
    },
    /// What happened to a documentation record, newest first.
    DocsHistory {
        /// Which documentation record.
        doc: String,
        /// Where to go on: the `next` of an earlier answer. How much one answer has follows from what had to be read for it.
        cursor: Option<String>,
    },
    /// `docs import`.
    DocsImport {
        /// Which kind.
        kind: Kind,
        /// The file's text.
        csv: String,
    },
    /// `docs export`.
    DocsExport {
        /// Which kind.
        kind: Kind,
    },
    /// `docs edit`.
    DocsEdit {
        /// Which documentation record.
        doc: String,
        /// Fields to set, by code; an empty value empties the field. `name` renames.
        set: BTreeMap<String, String>,
        /// Fields whose edit is given up, by code.
        release: Vec<String>,
    },
    /// `docs archive`.
    DocsArchive {
        /// Which documentation record.
        doc: String,
    },
    /// `docs restore`.
    DocsRestore {
        /// Which documentation record.
        doc: String,
    },
    /// `undo`.
    Undo {
        /// Which plan.
        plan: String,
    },
    /// `mappings export`.
    MappingsExport {
        /// Which integration.
        id: String,
    },
    /// `mappings import`: stages the decisions of the file.
    MappingsImport {
        /// Which integration.
        id: String,
        /// The file's text.
        csv: String,
    },
    /// The audit log, newest first.
    Audit {
        /// Which part.
        page: Page,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_travels_in_a_request_and_is_printed_nowhere() {
        let request = Request::SecretRotate {
            id: "auvik-main".to_owned(),
            secret: SecretParts::new([("api_key".to_owned(), " c4nary ".to_owned())]),
        };
        assert_eq!(format!("{request:?}"), "SecretRotate { id: \"auvik-main\", secret: [secret: api_key] }");
        let travelled = serde_json::to_string(&request).unwrap();
        assert!(travelled.contains("c4nary"));
        assert_eq!(serde_json::from_str::<Request>(&travelled).unwrap(), request);
    }

    #[test]
    fn what_is_left_out_of_a_change_stays_as_it_is() {
        let change: IntegrationChange = serde_json::from_str(r#"{"sync":["client"]}"#).unwrap();
        assert_eq!(change, IntegrationChange { sync: Some(BTreeSet::from([Kind::Client])), ..Default::default() });
    }
}
