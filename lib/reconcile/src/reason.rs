//! Why a vendor record is not in the documentation: the one list of reasons.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $text:literal, $fix:literal;)+) => {
        /// Why a vendor record did not end synced. The code is part of the contract.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Reason { $($(#[$doc])* #[serde(rename = $code)] $variant),+ }

        impl Reason {
            /// All reasons.
            pub const ALL: &[Reason] = &[$(Reason::$variant),+];

            /// Returns the code of the contract.
            pub fn code(self) -> &'static str {
                match self { $(Reason::$variant => $code),+ }
            }

            /// Returns what a person reads.
            pub fn text(self) -> &'static str {
                match self { $(Reason::$variant => $text),+ }
            }

            /// Returns what a person does about it, naming the vendor field where one is to be fixed.
            pub fn fix(self) -> &'static str {
                match self { $(Reason::$variant => $fix),+ }
            }
        }
    };
}

reasons! {
    /// An asset without any usable identifier.
    MissingIdentifier = "missing_identifier", "No usable hostname, serial number or MAC address",
        "Fill in the device's hostname, serial number or MAC address at the vendor";
    /// The client of the record is not mapped.
    ClientUnmatched = "client_unmatched", "Its client is not matched yet", "Match or create the client, then finish";
    /// The client of the record is excluded.
    ClientExcluded = "client_excluded", "Its client is excluded", "Match or create the client if this should be documented";
    /// A person excluded the record.
    Excluded = "excluded", "Excluded by a person", "Reset, match or create it if this should be documented";
    /// Nobody decided about the record, and it is not created by itself.
    Unmatched = "unmatched", "Not matched, and not created by itself", "Match, create or exclude it, or switch auto-create on";
    /// The name stands more than once on one side.
    AmbiguousName = "ambiguous_name", "Its name is not unique", "Match it by hand, or make the name unique at the vendor";
    /// Several documentation records fit, or the identifiers disagree.
    AmbiguousMatch = "ambiguous_match", "Several documentation records fit, or its identifiers disagree",
        "Match it by hand to one of the candidates, or correct serial number, MAC address or hostname at the vendor";
    /// The vendor has the same thing twice.
    DuplicateAtVendor = "duplicate_at_vendor", "The vendor has it more than once", "Remove the duplicate, or correct its serial number, at the vendor";
    /// Its type is not among the chosen ones.
    TypeNotSelected = "type_not_selected", "Its type is not selected", "Choose its type in the settings of the integration: configuration types for an asset, company types for a client";
    /// Its kind is not synced.
    KindOff = "kind_off", "This kind is not synced", "Switch the kind on in the integration's settings";
    /// The vendor says it is not in use.
    InactiveAtVendor = "inactive_at_vendor", "Inactive at the vendor", "Activate it at the vendor if it is in use";
    /// The vendor's row could not be read.
    MalformedRecord = "malformed_record", "The vendor's row could not be read", "Correct the named field at the vendor";
    /// The mass-change guard stopped the run before this was written.
    GuardHeld = "guard_held", "Held by the mass-change guard", "Look at the held plan, then approve or discard it";
    /// The documentation system refused it.
    RejectedByDestination = "rejected_by_destination", "The documentation system refused it", "Correct the field that it names";
    /// The documentation system has no interface for it.
    ManualStepNeeded = "manual_step_needed", "A person must carry this over by hand", "Follow the hand-off list";
}

impl Reason {
    /// Returns the reason that `code` names.
    pub fn from_code(code: &str) -> Option<Reason> {
        Reason::ALL.iter().copied().find(|reason| reason.code() == code)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}
