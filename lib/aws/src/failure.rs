//! What an SDK error means, and how it is told.

use std::error::Error;
use std::fmt;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;

/// An SDK error as text: the service's code and words with the request id, or the chain of causes.
///
/// The SDK's own rendering is not used because it appends the raw answer, whose body may hold a document.
#[derive(Debug)]
pub(crate) struct SdkFailure(String);

impl fmt::Display for SdkFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl Error for SdkFailure {}

/// Whether a call may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// The service is slow, throttled, or out of reach; the call may have had its effect.
    Passing,
    /// The service refuses; the same call fails again.
    Final,
}

/// Codes with a status of 400 that ask to come again.
const PASSING_CODES: &[&str] = &[
    "InternalServerError",
    "KmsThrottled",
    "LimitExceededException",
    "OverLimit",
    "ProvisionedThroughputExceededException",
    "ReplicatedWriteConflictException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "Throttling",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// Says whether `error` may pass.
pub(crate) fn outlook<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Outlook {
    match error {
        SdkError::ConstructionFailure(_) => Outlook::Final,
        SdkError::ServiceError(service) => {
            let passing = service.raw().status().is_server_error()
                || service.err().code().is_some_and(|code| PASSING_CODES.contains(&code));
            if passing { Outlook::Passing } else { Outlook::Final }
        }
        _ => Outlook::Passing,
    }
}

/// Tells `error` without the raw answer.
pub(crate) fn told<E>(error: &SdkError<E, HttpResponse>) -> SdkFailure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if let SdkError::ServiceError(service) = error {
        let code = service.err().code().unwrap_or("an error without a code");
        let words = service.err().message().unwrap_or("no message");
        let request = error.request_id().unwrap_or("unknown");
        return SdkFailure(format!("{code}: {words} (status {}, request {request})", service.raw().status().as_u16()));
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    SdkFailure(text)
}
