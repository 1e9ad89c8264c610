//! Calls of services of which we use one or two operations each: Lambda, EventBridge Scheduler, CloudFormation.
//!
//! Their SDK crates have 12 to 100 operations, and would be the larger part of a build's time and of a binary for a
//! handful of calls. What is hard about such a call, the signature and the connection, is the SDK's here too.

use std::time::{Duration, SystemTime};

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_types::region::Region;

use crate::{ATTEMPT_MAX, Config};

/// So often a call is tried that fails in a way that may pass.
const ATTEMPTS_MAX: u32 = 3;
/// The wait before the second attempt; doubled before the third.
const ATTEMPT_WAIT: Duration = Duration::from_millis(200);
/// An answer is a few KiB; a function's own is at most 6 MB, which Lambda guards.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The service is slow, throttled or out of reach; the call may have had its effect.
    #[error("{service} could not be reached to {operation}: {why}")]
    Unavailable {
        /// The service.
        service: &'static str,
        /// What was to be done.
        operation: &'static str,
        /// Why.
        why: String,
    },
    /// The service refuses; the same call fails again.
    #[error("{service} refuses to {operation}: {code}: {words}")]
    Refused {
        /// The service.
        service: &'static str,
        /// What was to be done.
        operation: &'static str,
        /// The service's code.
        code: String,
        /// Its words.
        words: String,
    },
}

impl CallError {
    /// Says whether the service refused with this code.
    pub(crate) fn has_code(&self, wanted: &str) -> bool {
        matches!(self, CallError::Refused { code, .. } if code == wanted)
    }
}

/// One call.
#[derive(Debug)]
pub(crate) struct SignedCall<'a> {
    /// What it does, for messages.
    pub operation: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// Path and query, encoded.
    pub path: &'a str,
    /// Headers beside those of every call.
    pub headers: &'a [(&'static str, &'a str)],
    /// The body.
    pub body: Vec<u8>,
    /// The longest that one attempt may take.
    pub attempt_max: Duration,
}

impl<'a> SignedCall<'a> {
    /// A call with a JSON body, or none.
    pub(crate) fn json(operation: &'static str, method: &'static str, path: &'a str, body: Vec<u8>) -> Self {
        let headers: &[(&'static str, &str)] = &[("content-type", "application/json")];
        Self { operation, method, path, headers, body, attempt_max: ATTEMPT_MAX }
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answered {
    /// The service's name for the call; where a function is called, its invocation's.
    pub request_id: Option<String>,
    /// The header that says how a function failed.
    pub function_error: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// The way to one service.
#[derive(Debug)]
pub(crate) struct Signed {
    service: &'static str,
    endpoint: String,
    region: String,
    credentials: Option<SharedCredentialsProvider>,
    user_agent: String,
    connector: SharedHttpConnector,
}

impl Signed {
    /// Opens the way; nothing is sent.
    pub(crate) fn open(config: &Config, service: &'static str) -> Self {
        let region = config.region().map(Region::to_string).unwrap_or_default();
        let credentials = config.credentials_provider();
        // As the SDK's own calls name it.
        let app = config.app_name().map(|name| format!(" app/{name}")).unwrap_or_default();
        let user_agent = format!("msp-sync/{}{app}", env!("CARGO_PKG_VERSION"));
        let connector = config.connector.clone();
        Self { service, endpoint: config.endpoint(service), region, credentials, user_agent, connector }
    }

    /// Makes a call, again where it may pass.
    pub(crate) async fn send(&self, call: &SignedCall<'_>) -> Result<Answered, CallError> {
        let mut wait = ATTEMPT_WAIT;
        let mut attempt = 1;
        loop {
            match self.attempt(call).await {
                Err(CallError::Unavailable { .. }) if attempt < ATTEMPTS_MAX => {
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                    attempt += 1;
                }
                end => return end,
            }
        }
    }

    fn unavailable(&self, call: &SignedCall<'_>, why: impl ToString) -> CallError {
        CallError::Unavailable { service: self.service, operation: call.operation, why: why.to_string() }
    }

    async fn attempt(&self, call: &SignedCall<'_>) -> Result<Answered, CallError> {
        let request = self.signed(call).await?;
        let answering = async {
            let mut answer = self.connector.call(request).await.map_err(|error| with_causes(&error))?;
            let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
            let body = ByteStream::new(body).collect().await.map_err(|error| with_causes(&error))?.to_vec();
            Ok::<_, String>((answer, body))
        };
        match tokio::time::timeout(call.attempt_max, answering).await {
            Err(_) => Err(self.unavailable(call, format!("no answer within {} s", call.attempt_max.as_secs()))),
            Ok(Err(why)) => Err(self.unavailable(call, why)),
            Ok(Ok((_, body))) if body.len() > ANSWER_BYTES_MAX => Err(self.unavailable(call, "the answer is too long")),
            Ok(Ok((answer, body))) => self.judge(call, &answer, body),
        }
    }

    async fn signed(&self, call: &SignedCall<'_>) -> Result<HttpRequest, CallError> {
        let credentials =
            self.credentials.as_ref().ok_or_else(|| self.unavailable(call, "there are no credentials"))?;
        let credentials = credentials.provide_credentials().await;
        let identity = credentials.map_err(|error| self.unavailable(call, with_causes(&error)))?.into();
        let uri = format!("{}{}", self.endpoint, call.path);
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .expect("all parts are set")
            .into();
        let bad = |why: String| self.unavailable(call, why);
        let headers = call.headers.iter().map(|(name, value)| (*name, *value));
        let signable = SignableRequest::new(call.method, uri.as_str(), headers, SignableBody::Bytes(&call.body));
        let signable = signable.map_err(|error| bad(with_causes(&error)))?;
        let (instructions, _) = sign(signable, &params).map_err(|error| bad(with_causes(&error)))?.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(call.body.clone()));
        request.set_method(call.method).map_err(|error| bad(error.to_string()))?;
        request.set_uri(uri).map_err(|error| bad(error.to_string()))?;
        let signature = instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let others = call.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let user_agent = ("user-agent".to_owned(), self.user_agent.clone());
        for (name, value) in others.chain(signature).chain([user_agent]) {
            request.headers_mut().try_insert(name, value).map_err(|error| bad(error.to_string()))?;
        }
        Ok(request)
    }

    fn judge(&self, call: &SignedCall<'_>, answer: &HttpResponse, body: Vec<u8>) -> Result<Answered, CallError> {
        let status = answer.status();
        let header = |name: &str| answer.headers().get(name).map(str::to_owned);
        if status.is_success() {
            let (request_id, function_error) = (header("x-amzn-requestid"), header("x-amz-function-error"));
            return Ok(Answered { request_id, function_error, body });
        }
        let text = String::from_utf8_lossy(&body);
        let code = header("x-amzn-errortype").or_else(|| field(&text, &["__type", "Code"])).unwrap_or_default();
        // The code may have a namespace before it and an address behind it.
        let code = code.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default().to_owned();
        let words = field(&text, &["message", "Message"]).unwrap_or_default();
        let passing = status.is_server_error() || status.as_u16() == 429 || code.contains("Throttl");
        if passing {
            return Err(self.unavailable(call, format!("{code} {words} (status {})", status.as_u16())));
        }
        let code = if code.is_empty() { format!("status {}", status.as_u16()) } else { code };
        Err(CallError::Refused { service: self.service, operation: call.operation, code, words })
    }
}

/// Finds a field of an error answer, which is JSON or XML.
fn field(text: &str, names: &[&str]) -> Option<String> {
    if let Ok(serde_json::Value::Object(object)) = serde_json::from_str(text) {
        return names.iter().find_map(|name| object.get(*name)?.as_str().map(str::to_owned));
    }
    names.iter().find_map(|name| {
        let (_, after) = text.split_once(&format!("<{name}>"))?;
        after.split_once(&format!("</{name}>")).map(|(value, _)| value.to_owned())
    })
}

fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    engine::error::with_causes(error)
}

#[cfg(test)]
mod tests;
