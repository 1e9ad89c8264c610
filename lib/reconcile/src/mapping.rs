//! Mappings: what was decided about a vendor record, and what is staged for the next Finish.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{DocId, RunId};
use crate::reason::Reason;
use crate::record::VendorRecord;

/// The state of a mapping.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody decided.
    #[default]
    Unmatched,
    /// Linked to a documentation record that was there before.
    Matched,
    /// Linked to a documentation record that was made from it.
    Created,
    /// Left out by a person.
    Excluded,
}

impl State {
    /// All states.
    pub const ALL: [State; 4] = [State::Unmatched, State::Matched, State::Created, State::Excluded];

    /// Returns the word of the contract.
    pub fn code(self) -> &'static str {
        match self {
            State::Unmatched => "unmatched",
            State::Matched => "matched",
            State::Created => "created",
            State::Excluded => "excluded",
        }
    }

    /// Returns the state that `code` names.
    pub fn from_code(code: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.code() == code)
    }
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

/// What a person (or auto-match, asked by a person) wants; staged until Finish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Link to this documentation record.
    Match(DocId),
    /// Make a documentation record from it.
    Create,
    /// Leave it out.
    Exclude,
    /// Forget what was decided.
    Reset,
}

/// What is known and decided about one vendor record, beside its content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// What holds.
    #[serde(default)]
    pub state: State,
    /// The documentation record, where matched or created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc: Option<DocId>,
    /// What the next Finish will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staged: Option<Decision>,
    /// Why the last run or Finish left it out; `None` where it is synced or was not planned yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The documentation records that fit, where the reason is an ambiguity.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<DocId>,
    /// How many complete reads in a row did not have it; at [`STALE_AFTER`] it is stale.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missed: u8,
}

/// A mapping is stale after this many complete reads in a row without its record (product.md section 4).
pub const STALE_AFTER: u8 = 2;

fn is_zero(count: &u8) -> bool {
    *count == 0
}

/// Says that the last read did not bring a record that is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// The run that looked.
    pub run: RunId,
    /// Whether its read of the record's scope was complete; only then does the absence mean anything.
    pub certain: bool,
    /// Whether the plan of that run has counted it in [`Mapping::missed`], so that planning or applying again after a
    /// crash counts nothing twice. Intake writes every absence uncounted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub counted: bool,
}

/// One vendor record as stored: its content as last read, its mapping, and whether it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The content as last read.
    pub record: VendorRecord,
    /// What is decided.
    #[serde(default)]
    pub mapping: Mapping,
    /// Set where the last read of its scope did not bring it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<Absence>,
    /// First seen after the first completed sync of its kind.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_new: bool,
    /// How often the vendor's read brought this id; above one it is a duplicate at the vendor.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub copies: u32,
    /// The version the store holds; 0 for an entry that is not stored yet. Not part of the content.
    #[serde(skip)]
    pub version: u64,
}

fn one() -> u32 {
    1
}

fn is_one(copies: &u32) -> bool {
    *copies == 1
}

impl Entry {
    /// Makes the entry of a record that is seen for the first time.
    pub fn new(record: VendorRecord) -> Self {
        Self { record, mapping: Mapping::default(), absent: None, is_new: false, copies: 1, version: 0 }
    }

    /// Says whether two complete reads in a row did not have it.
    pub fn is_stale(&self) -> bool {
        self.mapping.missed >= STALE_AFTER
    }
}
