//! The plan: what a run or Finish will do, record by record and field by field, and why each other record stays out.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::doc::{Doc, Role};
use crate::ids::{DocId, IntegrationId, RunId, Scope, VendorId};
use crate::mapping::Entry;
use crate::reason::Reason;
use crate::record::{Field, Kind, Value};

/// The key of an entry within its scope.
pub type EntryKey = (Kind, VendorId);

/// Why a plan is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A sync: identity rules, auto-create, updates, staleness. Staged decisions stay staged.
    Run(RunId),
    /// Finish: staged decisions become mappings; nothing else is decided.
    Finish,
}

/// Where the client of a scope stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The scope has no client: users or clients themselves.
    Top,
    /// The client is mapped to this documentation record.
    Mapped(DocId),
    /// Nobody decided about the client, or it is not known.
    Unmatched,
    /// A person excluded the client.
    Excluded,
}

/// What the operator switched on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Kinds that are synced.
    pub sync: BTreeSet<Kind>,
    /// Kinds whose new records are created by themselves.
    pub auto_create: BTreeSet<Kind>,
    /// The chosen configuration types by id; `None` where the vendor has none to choose.
    pub asset_types: Option<BTreeSet<String>>,
    /// The company types, by id or name, taken in beside customers; only looked at for clients that carry a class.
    pub company_types: BTreeSet<String>,
    /// Kinds whose first sync is not completed: whatever is eligible is created, whatever auto-create says.
    pub first_sync: BTreeSet<Kind>,
    /// Whether documentation records are archived once all their sources are stale.
    pub archive_stale: bool,
}

/// Everything that a decision about one scope may look at.
#[derive(Debug, Clone)]
pub struct World<'a> {
    /// The integration that is planned for.
    pub integration: &'a IntegrationId,
    /// What sort of system it is.
    pub role: Role,
    /// The scope that is planned.
    pub scope: &'a Scope,
    /// Run or Finish.
    pub purpose: &'a Purpose,
    /// Where the scope's client stands.
    pub standing: &'a Standing,
    /// The switches.
    pub policy: &'a Policy,
    /// Kinds that the run read completely; only their absences count.
    pub complete: &'a BTreeSet<Kind>,
    /// The scope's vendor records.
    pub entries: &'a BTreeMap<EntryKey, Entry>,
    /// The catalogue's side: all clients, all users, or the mapped client's records, archived ones among them.
    pub docs: &'a BTreeMap<DocId, Doc>,
    /// The version of the catalogue's scope that `docs` was loaded at: moves with every change of who is who.
    pub docs_version: u64,
}

/// What happens to one vendor record or one documentation record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A documentation record is made from it.
    Create,
    /// It is linked to a documentation record.
    Match,
    /// It is left out.
    Exclude,
    /// What was decided about it is forgotten.
    Reset,
    /// Its documentation record changes.
    Update,
    /// It is marked stale.
    Stale,
    /// It is back, and no longer stale.
    Return,
    /// Its documentation record is archived.
    Archive,
    /// It leaves a documentation record because its client is mapped to another one.
    Detach,
}

/// The rule by which two records were found to be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A person decided.
    Decision,
    /// Equal serial numbers.
    Serial,
    /// An equal MAC address.
    Mac,
    /// Equal host names.
    Hostname,
    /// Equal e-mail addresses.
    Email,
    /// Identical names.
    IdenticalName,
    /// Equal postal addresses.
    Address,
    /// Names that share most of their letters; only ever suggested.
    NearName,
    /// Names that share most of their words; only ever suggested.
    SharedWords,
}

/// One field's change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The field.
    pub field: Field,
    /// Its value before.
    pub from: Option<Value>,
    /// Its value after.
    pub to: Option<Value>,
}

/// One thing that the plan does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What.
    pub action: Action,
    /// The kind of the record.
    pub kind: Kind,
    /// The vendor record.
    pub vendor_id: VendorId,
    /// Its name.
    pub name: String,
    /// The documentation record, where there is or will be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc_id: Option<DocId>,
    /// The rule by which it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// What changes in the documentation record's resolved fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// The version of the entry that this was decided on.
    pub entry_version: u64,
    /// The version of the documentation record that this was decided on; 0 where it is to be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc_version: Option<u64>,
}

/// A vendor record that does not end synced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsynced {
    /// Its kind.
    pub kind: Kind,
    /// Its vendor id.
    pub vendor_id: VendorId,
    /// Why.
    pub reason: Reason,
    /// The documentation records that fit, where the reason is an ambiguity.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<DocId>,
}

/// How the records of one kind ended. `fetched = synced + unsynced`, `synced = created + matched + updated + unchanged`,
/// `unsynced` = the sum of `reasons`, `excluded` = the reason of that name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records that the read brought.
    pub fetched: u64,
    /// Records that are in the documentation.
    pub synced: u64,
    /// Documentation records made.
    pub created: u64,
    /// Records linked to a documentation record.
    pub matched: u64,
    /// Records whose documentation record changed.
    pub updated: u64,
    /// Records for which nothing had to be done.
    pub unchanged: u64,
    /// Records left out by a person.
    pub excluded: u64,
    /// Records that are not in the documentation.
    pub unsynced: u64,
    /// The same by reason.
    pub reasons: BTreeMap<Reason, u64>,
}

/// The plan of one scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopePlan {
    /// The scope.
    pub scope: Scope,
    /// Where its client stood when this was planned (after the client's own plan of the same run).
    pub standing: Standing,
    /// The version of the catalogue's scope that this was decided on.
    pub docs_version: u64,
    /// What happens, sorted by kind and vendor id.
    pub items: Vec<Item>,
    /// What stays out and why, sorted by kind and vendor id. Records that ended so before are listed too.
    pub unsynced: Vec<Unsynced>,
    /// How the records ended.
    pub counts: BTreeMap<Kind, Counts>,
    /// Documentation records marked stale by this plan, by kind.
    pub stale: BTreeMap<Kind, u64>,
    /// Whether an unchanged next read may skip the scope: no ambiguity, no pending absence, nothing held.
    pub settled: bool,
}

/// What one item does to what is stored; committed together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The documentation record after it; its `version` is still the one it was loaded with.
    pub doc: Option<Doc>,
    /// The entry after it; its `version` is still the one it was loaded with.
    pub entry: Option<Entry>,
    /// Whether it changes who is who (a record made, linked, unlinked or archived, an identifier changed), so that it may
    /// only be committed at the catalogue's scope version it was planned at.
    pub moves_identity: bool,
}
