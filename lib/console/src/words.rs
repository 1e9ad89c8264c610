//! The fixed words of the contract (product.md section 6): states, triggers, outcomes.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $code)] $variant),+ }

        impl $name {
            /// All words.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// Returns the word of the contract.
            pub fn code(self) -> &'static str {
                match self { $($name::$variant => $code),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(self.code())
            }
        }
    };
}

words! {
    /// How far an integration is set up, and whether it may run.
    IntegrationState {
        /// Added; its secret was not verified yet.
        Draft = "draft",
        /// The vendor accepted its secret.
        Verified = "verified",
        /// Kinds were chosen.
        Configured = "configured",
        /// The first Finish was applied; it syncs.
        Live = "live",
        /// A person stopped it.
        Paused = "paused",
        /// The vendor refused its secret; nothing is called until another one is verified.
        CredentialsRejected = "credentials_rejected",
    }
}

words! {
    /// Why a run began.
    Trigger {
        /// Before the integration is live: only reads.
        Setup = "setup",
        /// A person asked.
        Manual = "manual",
        /// A person asked for everything to be read again.
        Forced = "forced",
        /// Its time had come.
        Schedule = "schedule",
    }
}

words! {
    /// How a run ended.
    Outcome {
        /// Everything was read and written.
        Complete = "complete",
        /// Something could not be read; what came was used.
        Incomplete = "incomplete",
        /// The guard stopped it before writing; its plan waits for approval.
        Held = "held",
        /// It could not go on.
        Failed = "failed",
        /// The vendor refused the secret.
        CredentialsRejected = "credentials_rejected",
    }
}

words! {
    /// Where a plan stands.
    PlanState {
        /// Waits for Finish.
        Staged = "staged",
        /// Waits for approval.
        Held = "held",
        /// Was carried out.
        Applied = "applied",
        /// A person dropped it.
        Discarded = "discarded",
        /// Its inputs moved.
        Outdated = "outdated",
        /// Was carried out and reversed.
        Undone = "undone",
    }
}
