//! What a step's failure means: the one place where that is decided.

use std::error::Error;
use std::time::Duration;

use reconcile::reason::Reason;

use crate::ports::{QueueError, SecretsError, TableError};
use crate::store::StoreError;

/// What happens to the work that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// It comes again: by the queue, or at the next look.
    Again {
        /// Not before this wait, where one is known.
        after: Option<Duration>,
    },
    /// A person must act.
    Person,
    /// It is left out, for this reason.
    Drop(Reason),
    /// We made a mistake; nothing is tried again.
    Bug,
}

impl Disposition {
    /// Returns the word that alarms match on.
    pub fn name(self) -> &'static str {
        match self {
            Disposition::Again { .. } => "Again",
            Disposition::Person => "Person",
            Disposition::Drop(_) => "Drop",
            Disposition::Bug => "Bug",
        }
    }
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// Loading or saving failed.
    #[error("{doing} failed")]
    Store {
        /// What the step was doing.
        doing: &'static str,
        /// Why.
        #[source]
        cause: StoreError,
    },
    /// Sending messages failed.
    #[error("sending messages failed")]
    Queue(#[source] QueueError),
    /// Reading or writing a secret failed.
    #[error(transparent)]
    Secrets(SecretsError),
    /// The integration is not there.
    #[error("there is no integration {0}")]
    NoIntegration(String),
    /// The integration's settings cannot be used any more.
    #[error("the settings of {integration} cannot be used: {why}")]
    Settings {
        /// Whose.
        integration: String,
        /// Why.
        why: String,
    },
    /// A message cannot be read.
    #[error("a message cannot be read")]
    Message(#[source] serde_json::Error),
}

impl StepError {
    /// Decides what happens to the work: unknown means a mistake of ours, never another try.
    pub fn disposition(&self) -> Disposition {
        match self {
            StepError::Store { cause: StoreError::Table(table), .. } => match table {
                TableError::Conflict { .. } | TableError::Unavailable { .. } => Disposition::Again { after: None },
                TableError::Refused { .. } => Disposition::Bug,
                TableError::Newer { .. } => Disposition::Person,
            },
            StepError::Store { cause: StoreError::Unreadable { .. }, .. } => Disposition::Bug,
            StepError::Queue(QueueError::Unavailable { .. }) => Disposition::Again { after: None },
            StepError::Secrets(_) => Disposition::Again { after: None },
            StepError::NoIntegration(_) | StepError::Settings { .. } => Disposition::Person,
            StepError::Message(_) => Disposition::Bug,
        }
    }
}

/// Returns an error's message and those of its causes, parted by colons: what an adapter's library says stands in the last
/// ones, and JSON log lines show an error's own message only.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let told = cause.to_string();
        if !text.ends_with(&told) {
            text.push_str(": ");
            text.push_str(&told);
        }
        source = cause.source();
    }
    text
}

/// Says what was being done when the store failed.
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str) -> Result<T, StepError>;
}

impl<T> Doing<T> for Result<T, StoreError> {
    fn doing(self, doing: &'static str) -> Result<T, StepError> {
        self.map_err(|cause| StepError::Store { doing, cause })
    }
}
