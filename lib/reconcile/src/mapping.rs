//! Mappings: what was decided about a vendor record, and what is staged for the next Finish.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::doc::Doc;
use crate::eligibility;
use crate::ids::{DocId, RecordKey, RunId, VendorId};
use crate::plan::{Policy, Standing};
use crate::reason::Reason;
use crate::record::{Fingerprint, VendorRecord};

/// The state of a mapping.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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
    /// What the row looked like in its list, where the record was completed by a call of its own: as long as the list says
    /// the same, the record is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<Fingerprint>,
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
        Self { record, mapping: Mapping::default(), absent: None, is_new: false, copies: 1, listed: None, version: 0 }
    }

    /// Says whether two complete reads in a row did not have it.
    pub fn is_stale(&self) -> bool {
        self.mapping.missed >= STALE_AFTER
    }
}

/// What staging a decision about one entry looks at, beside the entry.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The key of the entry.
    pub key: &'a RecordKey,
    /// The switches.
    pub policy: &'a Policy,
    /// Where the entry's client stands.
    pub standing: &'a Standing,
    /// The documentation record that a match names, where it exists.
    pub doc: Option<&'a Doc>,
    /// The entry that holds this documentation record by the integration's source in it, where that entry is stored.
    pub holder: Option<&'a Entry>,
    /// Another entry of the integration for which a match with this documentation record is staged.
    pub rival: Option<&'a Entry>,
}

/// Why a decision cannot be staged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The documentation record does not exist.
    #[error("documentation record {0} does not exist")]
    NotFound(DocId),
    /// It is of another kind than the vendor record.
    #[error("documentation record {0} is of another kind")]
    OtherKind(DocId),
    /// It lies below another client than the one that the record's client is mapped to.
    #[error("documentation record {0} belongs to another client")]
    OtherClient(DocId),
    /// Another vendor record of the integration is mapped to it.
    #[error("vendor record {0} is mapped to it already; reset or exclude that one first")]
    Taken(VendorId),
    /// Another vendor record of the integration is staged to be matched with it.
    #[error("vendor record {0} is staged to be matched with it already")]
    StagedElsewhere(VendorId),
    /// The vendor record cannot be documented as it is.
    #[error("the record cannot be documented: {}", .0.text())]
    NotEligible(Reason),
    /// A complete read did not have the vendor record.
    #[error("the vendor does not have the record any more")]
    Gone,
}

/// Stages a decision: returns the entry with it, or why it cannot be.
///
/// Nothing of it holds before Finish. Staging what holds already takes back what was staged; resetting a mapped record
/// unlinks it at Finish. Any decision may follow any other one, in every state. Matching and creating need an eligible
/// record that is still there; excluding and resetting are always possible. The documentation record of a match must exist,
/// be of the record's kind, lie below the record's client, and be held by nobody else, unless its holder has staged to leave
/// it or is gone.
pub fn stage(entry: &Entry, decision: Decision, facts: &Facts<'_>) -> Result<Entry, Refusal> {
    let mut staged = entry.clone();
    if holds(entry, &decision, facts) {
        staged.mapping.staged = None;
        return Ok(staged);
    }
    if matches!(decision, Decision::Match(_) | Decision::Create) {
        if entry.absent.as_ref().is_some_and(|absence| absence.certain) {
            return Err(Refusal::Gone);
        }
        eligibility::check_decided(entry, facts.policy, facts.standing).map_err(Refusal::NotEligible)?;
    }
    if let Decision::Match(id) = &decision {
        check_target(entry, id, facts)?;
    }
    staged.mapping.staged = Some(decision);
    Ok(staged)
}

/// Says whether a decision is what holds already.
fn holds(entry: &Entry, decision: &Decision, facts: &Facts<'_>) -> bool {
    let mapping = &entry.mapping;
    match decision {
        Decision::Match(doc) => mapping.doc.as_ref() == Some(doc),
        Decision::Create => {
            let client = facts.standing.client();
            mapping.doc.is_some()
                && facts.key.kind.is_below_client() == client.is_some()
                && mapping.doc == Some(DocId::created(facts.key, client))
        }
        Decision::Exclude => mapping.state == State::Excluded,
        Decision::Reset => mapping.state == State::Unmatched && mapping.doc.is_none(),
    }
}

fn check_target(entry: &Entry, id: &DocId, facts: &Facts<'_>) -> Result<(), Refusal> {
    if id.kind() != facts.key.kind {
        return Err(Refusal::OtherKind(id.clone()));
    }
    if id.client().as_ref() != facts.standing.client() {
        return Err(Refusal::OtherClient(id.clone()));
    }
    let doc = facts.doc.filter(|doc| doc.id == *id).ok_or_else(|| Refusal::NotFound(id.clone()))?;
    if let Some(rival) = facts.rival.filter(|rival| rival.record.vendor_id != entry.record.vendor_id) {
        return Err(Refusal::StagedElsewhere(rival.record.vendor_id.clone()));
    }
    let source = doc.sources.get(&facts.key.integration).filter(|source| !source.is_of(&entry.record));
    let Some(source) = source else { return Ok(()) };
    let makes_room = match facts.holder.filter(|holder| source.is_of(&holder.record)) {
        Some(holder) => {
            holder.mapping.doc.as_ref() != Some(id) || holder.mapping.staged.is_some() || holder.absent.is_some()
        }
        None => source.stale,
    };
    if makes_room { Ok(()) } else { Err(Refusal::Taken(source.vendor_id.clone())) }
}

#[cfg(test)]
mod tests;
