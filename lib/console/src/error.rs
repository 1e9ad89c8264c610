//! What a person is told when a thing cannot be done.

use std::error::Error;
use std::fmt;

use engine::error::StepError;
use engine::ports::{QueueError, SecretsError, TableError};
use engine::store::StoreError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shown::shown;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal exit $exit:literal),+ $(,)?) => {
        /// Which sort of error it is. The code is part of the contract.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Code { $($(#[$doc])* #[serde(rename = $code)] $variant),+ }

        impl Code {
            /// All codes.
            pub const ALL: &[Code] = &[$(Code::$variant),+];

            /// Returns the code of the contract.
            pub fn code(self) -> &'static str {
                match self { $(Code::$variant => $code),+ }
            }

            /// Returns the exit status of a command that ends with it.
            pub fn exit_code(self) -> u8 {
                match self { $(Code::$variant => $exit),+ }
            }
        }
    };
}

codes! {
    /// A word, setting or value that is not valid.
    Usage = "usage" exit 2,
    /// No such integration, record, document, plan or run.
    NotFound = "not_found" exit 1,
    /// The id is taken, or the account is already integrated.
    AlreadyExists = "already_exists" exit 1,
    /// A rule forbids it as things stand.
    Refused = "refused" exit 1,
    /// The role of who asks does not allow it.
    Forbidden = "forbidden" exit 1,
    /// Nothing is possible before `verify` succeeds.
    NotVerified = "not_verified" exit 1,
    /// The inputs of the plan moved.
    PlanOutdated = "plan_outdated" exit 1,
    /// The plan is not in a state in which this can be done to it.
    PlanState = "plan_state" exit 1,
    /// A run is under way.
    Busy = "busy" exit 1,
    /// Someone else changed the same thing at the same time.
    Changed = "changed" exit 1,
    /// The vendor did not answer, or not in a way that can be read.
    Vendor = "vendor" exit 1,
    /// A file that cannot be taken at all.
    BadFile = "bad_file" exit 1,
    /// The vendor refuses the secret; a person must rotate it.
    CredentialsRejected = "credentials_rejected" exit 3,
    /// The guard holds a plan; a person must approve or discard it.
    Held = "held" exit 3,
    /// The store, the queue or the secrets could not be reached or refused.
    Unavailable = "unavailable" exit 1,
    /// A mistake of ours.
    Bug = "bug" exit 1,
}

impl fmt::Display for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

/// An error as a person or a script reads it: what happened, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, JsonSchema)]
#[error("{message}")]
pub struct ConsoleError {
    /// Which sort.
    pub code: Code,
    /// What happened, and the likely cause.
    pub message: String,
    /// What to do; empty where there is nothing to say.
    pub hint: String,
}

impl ConsoleError {
    /// Makes an error. Names that it repeats may come from a vendor, so that hostile letters are written out.
    pub fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: shown(&message.into()), hint: shown(&hint.into()) }
    }

    /// Returns the exit status of the command: 1 failed, 2 wrong usage, 3 something waits for a person.
    pub fn exit_code(&self) -> u8 {
        self.code.exit_code()
    }

    /// Returns the document that goes to standard error with `--json`.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({ "error": self })
    }
}

/// Returns an error and its causes as one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text
}

impl From<StoreError> for ConsoleError {
    fn from(error: StoreError) -> Self {
        let (code, hint) = match &error {
            StoreError::Table(TableError::Conflict { .. }) => {
                (Code::Changed, "somebody else changed the same thing at the same time; look again, then repeat")
            }
            StoreError::Table(TableError::Unavailable { .. }) => (Code::Unavailable, "try again in a moment"),
            StoreError::Table(TableError::Refused { .. }) => (Code::Unavailable, "see the cause; nothing was written"),
            StoreError::Table(TableError::Newer { .. }) => {
                (Code::Refused, "deploy or install the later version; nothing was written")
            }
            StoreError::Unreadable { .. } => (Code::Unavailable, "was it written by a newer version of msp-sync?"),
        };
        Self::new(code, chain(&error), hint)
    }
}

impl From<TableError> for ConsoleError {
    fn from(error: TableError) -> Self {
        StoreError::from(error).into()
    }
}

impl From<QueueError> for ConsoleError {
    fn from(error: QueueError) -> Self {
        Self::new(Code::Unavailable, chain(&error), "try again in a moment")
    }
}

impl From<SecretsError> for ConsoleError {
    fn from(error: SecretsError) -> Self {
        Self::new(Code::Unavailable, chain(&error), "look whether the secrets can be read and written")
    }
}

impl From<StepError> for ConsoleError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Store { cause, .. } => cause.into(),
            StepError::Queue(cause) => cause.into(),
            StepError::Secrets(cause) => cause.into(),
            other => Self::new(Code::Refused, chain(&other), "see the cause"),
        }
    }
}
