//! What a function answers when it fails: the disposition's name as the error's type, so that alarms match four words.

use engine::error::{Disposition, StepError, with_causes};
use lambda_runtime::Diagnostic;

use crate::bootstrap::ConfigurationError;
use crate::events::EventError;

/// A failed invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// `Again`, `Person`, `Drop` or `Bug`.
    pub disposition: &'static str,
    /// What happened, with its causes; no secret and no personal data.
    pub text: String,
}

impl Failure {
    /// Makes a failure that may pass: Lambda's or the queue's next try may succeed.
    pub fn again(text: impl Into<String>) -> Self {
        Self { disposition: Disposition::Again { after: None }.name(), text: text.into() }
    }

    /// Makes a failure that a person must mend.
    pub fn person(text: impl Into<String>) -> Self {
        Self { disposition: Disposition::Person.name(), text: text.into() }
    }
}

impl From<StepError> for Failure {
    fn from(error: StepError) -> Self {
        Self { disposition: error.disposition().name(), text: with_causes(&error) }
    }
}

impl From<EventError> for Failure {
    fn from(error: EventError) -> Self {
        Self::person(with_causes(&error))
    }
}

impl From<&ConfigurationError> for Failure {
    fn from(error: &ConfigurationError) -> Self {
        Self::person(with_causes(error))
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Diagnostic { error_type: failure.disposition.to_owned(), error_message: failure.text }
    }
}
