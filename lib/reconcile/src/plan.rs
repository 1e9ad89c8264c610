//! The plan: what a run or Finish will do, record by record and field by field, and why each other record stays out.
//!
//! [`plan`] decides, [`effects`] says what is written for it; both are functions of a [`World`] alone. A child whose client
//! is mapped to another documentation record than before first leaves the old one: [`foreign_clients`] names the clients
//! whose records such children still hold, and for each of them the caller loads that client's documentation records and
//! plans [`detach`], which is carried out before the scope's own plan. The scope's own plan counts on it: it treats those
//! children as unmapped and names the entry version that the detachment leaves behind.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::doc::{Doc, Role, Source};
use crate::ids::{DocId, IntegrationId, RunId, Scope, VendorId};
use crate::mapping::{Entry, Mapping};
use crate::reason::Reason;
use crate::record::{Field, Fingerprint, Kind, Value};

mod deciding;
mod detaching;
mod drafting;
mod effects;
mod finishing;
mod grouping;
mod narrow;
mod totals;

pub use deciding::plan;
pub use detaching::{children_standing, detach, foreign_clients};
pub(crate) use effects::after_digest;
pub use effects::effects;
pub(crate) use grouping::{Stored, group};
pub use narrow::{narrow, narrow_docs};
pub use totals::{Totals, digest};

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

impl Standing {
    /// Returns the documentation record that the client is mapped to.
    pub fn client(&self) -> Option<&DocId> {
        match self {
            Standing::Mapped(doc) => Some(doc),
            _ => None,
        }
    }
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
    /// The catalogue's side: all clients, all users, or the mapped client's records, archived ones among them; nothing
    /// where the client is not mapped.
    pub docs: &'a BTreeMap<DocId, Doc>,
    /// The version of the catalogue's scope that `docs` was loaded at: moves with every change of who is who.
    pub docs_version: u64,
}

impl<'a> World<'a> {
    /// Returns the documentation record that the entry is mapped to, where both sides say so. An entry without it counts as
    /// unmapped.
    pub(crate) fn linked(&self, entry: &Entry) -> Option<&'a Doc> {
        let doc = self.docs.get(entry.mapping.doc.as_ref()?)?;
        let source = doc.sources.get(self.integration)?;
        source.is_of(&entry.record).then_some(doc)
    }

    /// Returns the entry of this scope that is mapped to `doc`, with its key.
    pub(crate) fn holder(&self, doc: &Doc) -> Option<(EntryKey, &'a Entry)> {
        let source = doc.sources.get(self.integration)?;
        let key = (doc.kind(), source.vendor_id.clone());
        let entry = self.entries.get(&key).filter(|entry| source.is_of(&entry.record))?;
        (entry.mapping.doc.as_ref() == Some(&doc.id)).then_some((key, entry))
    }

    /// Returns what the entry's record says, as a source of its documentation record.
    pub(crate) fn source_of(&self, entry: &Entry) -> Source {
        Source {
            vendor_id: entry.record.vendor_id.clone(),
            client: entry.record.home().cloned(),
            role: self.role,
            name: entry.record.name.clone(),
            fields: entry.record.fields.clone(),
            stale: false,
        }
    }

    /// Says whether `source` is what the entry's record says.
    pub(crate) fn is_source_of(&self, source: &Source, entry: &Entry) -> bool {
        source.is_of(&entry.record)
            && source.role == self.role
            && source.name == entry.record.name
            && !source.stale
            && source.fields == entry.record.fields
    }

    /// Returns how often the entry will have been missed in a row once this plan is carried out. An absence counts once
    /// per run, and only where the run read the kind completely.
    pub(crate) fn missed_after(&self, entry: &Entry) -> u8 {
        if self.counts_absence(entry) {
            (entry.mapping.missed + 1).min(crate::mapping::STALE_AFTER)
        } else {
            entry.mapping.missed
        }
    }

    /// Says whether this plan counts the entry's absence.
    pub(crate) fn counts_absence(&self, entry: &Entry) -> bool {
        match (self.purpose, &entry.absent) {
            (Purpose::Run(run), Some(absence)) => {
                absence.certain && !absence.counted && absence.run == *run && self.is_read(entry.record.kind)
            }
            _ => false,
        }
    }

    /// Says whether the run read this kind completely, so that what is not there is gone.
    pub(crate) fn is_read(&self, kind: Kind) -> bool {
        self.complete.contains(&kind) && self.policy.sync.contains(&kind)
    }
}

/// What happens to one vendor record or one documentation record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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
    /// It leaves a documentation record: its client is mapped to another one, or another record of the integration takes
    /// its place after it went stale.
    Detach,
}

/// The rule by which two records were found to be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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
    /// The documentation record was made from this very vendor record before.
    SameRecord,
    /// Names that share most of their letters; only ever suggested.
    NearName,
    /// Names that share most of their words; only ever suggested.
    SharedWords,
}

/// One field's change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The field.
    pub field: Field,
    /// Its value before.
    pub from: Option<Value>,
    /// Its value after.
    pub to: Option<Value>,
}

/// How things stood before an item, as far as undoing it needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// The entry's mapping.
    pub mapping: Mapping,
    /// What this integration said in the item's documentation record; a record that the item displaces among it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// What it said in the documentation record that the entry leaves for this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Source>,
    /// Whether the item's documentation record was archived.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub archived: bool,
    /// Whether a sync had archived it; see [`Doc::archived_when_stale`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub archived_when_stale: bool,
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
    /// How things stood before, for undoing it.
    pub before: Before,
    /// Identifies what this integration says in the documentation record afterwards, and whether that is archived; undo
    /// looks whether it is still so.
    pub after: Fingerprint,
}

impl Item {
    /// Returns the key of the entry it is about.
    pub fn key(&self) -> EntryKey {
        (self.kind, self.vendor_id.clone())
    }

    /// Says whether it links its vendor record to its documentation record.
    pub fn is_claim(&self) -> bool {
        matches!(self.action, Action::Create | Action::Match)
    }
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// The client whose documentation records it is about; `None` for users and clients, and where the client is not mapped.
    /// In a detachment this is the client that the children leave, so it differs from the one in `standing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<DocId>,
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
    /// Whether an unchanged next read may skip the scope, as long as `docs_version` stays: no ambiguity, no pending absence,
    /// nothing held. Never so for a plan of Finish.
    pub settled: bool,
    /// In a plan of some records only ([`narrow`]): their documentation records as it leaves them, each with the version
    /// that it was decided on. Carrying it out writes these and looks at nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Vec<(u64, Doc)>>,
}

impl ScopePlan {
    /// Says whether this is a detachment: children leaving the records of the client that theirs was mapped to.
    pub fn is_detachment(&self) -> bool {
        matches!((&self.standing, &self.below), (Standing::Mapped(to), Some(from)) if to != from)
    }
}

/// One step of carrying a plan out: committed together or not at all, and legal by itself. Mostly one entry and one
/// documentation record; more where records change places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The documentation records after it; each `version` is still the one it was loaded with, 0 for a new one.
    pub docs: Vec<Doc>,
    /// The entries after it; each `version` is still the one it was loaded with.
    pub entries: Vec<Entry>,
    /// Whether it changes who is who (a record made, linked, unlinked or archived, an identifier changed), so that it may
    /// only be committed at the catalogue's scope version it was planned at.
    pub moves_identity: bool,
}

#[cfg(test)]
mod tests;
