//! The fixed words of the contract (product.md section 6): states, triggers, outcomes. They are apart from the types that
//! are stored, which may change without a script noticing.

use std::fmt;

use engine::store::{integrations, plans};
use reconcile::run;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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

impl From<integrations::IntegrationState> for IntegrationState {
    fn from(state: integrations::IntegrationState) -> Self {
        use integrations::IntegrationState as Stored;
        match state {
            Stored::Draft => IntegrationState::Draft,
            Stored::Verified => IntegrationState::Verified,
            Stored::Configured => IntegrationState::Configured,
            Stored::Live => IntegrationState::Live,
            Stored::Paused => IntegrationState::Paused,
            Stored::CredentialsRejected => IntegrationState::CredentialsRejected,
        }
    }
}

impl From<plans::PlanState> for PlanState {
    fn from(state: plans::PlanState) -> Self {
        use plans::PlanState as Stored;
        match state {
            Stored::Staged => PlanState::Staged,
            Stored::Held => PlanState::Held,
            Stored::Applied => PlanState::Applied,
            Stored::Discarded => PlanState::Discarded,
            Stored::Outdated => PlanState::Outdated,
            Stored::Undone => PlanState::Undone,
        }
    }
}

impl From<run::Trigger> for Trigger {
    fn from(trigger: run::Trigger) -> Self {
        match trigger {
            run::Trigger::Setup => Trigger::Setup,
            run::Trigger::Manual => Trigger::Manual,
            run::Trigger::Forced => Trigger::Forced,
            run::Trigger::Schedule => Trigger::Schedule,
        }
    }
}

impl From<run::Outcome> for Outcome {
    fn from(outcome: run::Outcome) -> Self {
        match outcome {
            run::Outcome::Complete => Outcome::Complete,
            run::Outcome::Incomplete => Outcome::Incomplete,
            run::Outcome::Held => Outcome::Held,
            run::Outcome::Failed => Outcome::Failed,
            run::Outcome::CredentialsRejected => Outcome::CredentialsRejected,
        }
    }
}
