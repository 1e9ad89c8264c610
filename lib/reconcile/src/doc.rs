//! Documentation records: what the catalogue holds, where each value comes from, and whose value wins.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{DocId, IntegrationId, VendorId};
use crate::record::{Field, Fields, Kind, Value, VendorRecord};

/// What sort of system an integration reads; ownership of fields follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Remote monitoring and management (N-able RMM).
    Rmm,
    /// Network monitoring (Auvik).
    Monitor,
    /// Professional services automation (Autotask, ConnectWise, Kaseya BMS).
    Psa,
}

/// What one vendor record says about a documentation record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The vendor record mapped to this documentation record; one per integration.
    pub vendor_id: VendorId,
    /// The vendor's client of that record, below a client. With the vendor id it names the record as stored: a vendor may
    /// move a device from one client to another, and then two stored records have the same vendor id for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<VendorId>,
    /// The sort of system it comes from.
    pub role: Role,
    /// Its name at the vendor; drift from the documentation's name is shown, never followed.
    pub name: String,
    /// Its fields as last synced.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub fields: Fields,
    /// Whether two complete reads in a row did not have it. Values of stale sources win over nothing but absence.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
}

impl Source {
    /// Says whether it is what `record`, and no other one, says.
    pub fn is_of(&self, record: &VendorRecord) -> bool {
        self.vendor_id == record.vendor_id && self.client.as_ref() == record.home()
    }
}

/// One documentation record. The value of a field is never stored: it follows from edits, sources and imported values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doc {
    /// Its id, which also tells its kind and the client it lies below.
    pub id: DocId,
    /// Its name: set when it is made, changed only by a person.
    pub name: String,
    /// Whether it was archived, by a person or (where that is switched on) because all its sources are stale.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub archived: bool,
    /// Whether a sync archived it when all its sources had gone stale. It stays set when a person restores the record, so
    /// that no sync archives it a second time, and is cleared when a source returns or a person archives the record.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub archived_when_stale: bool,
    /// The vendor records mapped to it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<IntegrationId, Source>,
    /// What was read in from the MSP's documentation; yields to any source.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub imported: Fields,
    /// What a person set; wins until released. `None` is a field that a person emptied.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub edits: BTreeMap<Field, Option<Value>>,
    /// The version the store holds; 0 for a record that is not stored yet. Not part of the content.
    #[serde(skip)]
    pub version: u64,
}

/// Where the value of a field comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A person's edit.
    Edit,
    /// The vendor record of this integration.
    Source(IntegrationId),
    /// The imported documentation.
    Imported,
}

impl Doc {
    /// Makes an empty record with a name.
    pub fn new(id: DocId, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            archived: false,
            archived_when_stale: false,
            sources: BTreeMap::new(),
            imported: Fields::default(),
            edits: BTreeMap::new(),
            version: 0,
        }
    }

    /// Returns what it is.
    pub fn kind(&self) -> Kind {
        self.id.kind()
    }

    /// Archives it on a person's word: no sync restores it.
    pub fn archive_by_person(&mut self) {
        self.archived = true;
        self.archived_when_stale = false;
    }

    /// Restores it on a person's word: no sync archives it again before a source has returned.
    pub fn restore_by_person(&mut self) {
        self.archived = false;
    }

    /// Says whether it has sources and all of them are stale.
    pub fn is_stale(&self) -> bool {
        !self.sources.is_empty() && self.sources.values().all(|source| source.stale)
    }
}
