//! Other functions, called by name.

use std::time::Duration;

use serde_json::Value;

use crate::Config;
use crate::signed::{CallError, Signed, SignedCall};
use crate::stack::StackError;

/// Lambda's way to call functions.
#[derive(Debug)]
pub struct Functions(Signed);

impl Functions {
    /// Opens the way; nothing is sent.
    pub fn open(config: &Config) -> Self {
        Self(Signed::open(config, "lambda"))
    }

    /// Hands an event to a function, named by its name or ARN, and does not wait for it. A call whose answer was lost may
    /// have been taken, and is made again: the function must bear an event twice.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<(), CallError> {
        let path = format!("/2015-03-31/functions/{}/invocations", encoded(function));
        let headers: &[(&'static str, &str)] =
            &[("content-type", "application/json"), ("x-amz-invocation-type", "Event")];
        let call = SignedCall { headers, ..SignedCall::json("invoke", "POST", &path, event.to_string().into_bytes()) };
        self.0.send(&call).await.map(drop)
    }

    /// Calls a function and waits for its answer. Made again where the answer was lost: the function must bear an event
    /// twice.
    pub async fn call(&self, function: &str, event: &Value, answer_max: Duration) -> Result<Value, StackError> {
        let path = format!("/2015-03-31/functions/{}/invocations", encoded(function));
        let call = SignedCall::json("call", "POST", &path, event.to_string().into_bytes());
        let answer = self.0.send(&SignedCall { attempt_max: answer_max, ..call }).await?;
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if answer.function_error.is_none() {
            return Ok(said);
        }
        let text = |field: &str| said[field].as_str().unwrap_or_default().to_owned();
        let function = function.rsplit(':').next().unwrap_or(function).to_owned();
        let (kind, words) = (text("errorType"), text("errorMessage"));
        Err(StackError::Failed { function, kind, words, invocation: answer.request_id })
    }
}

/// Encodes one part of a path.
pub(crate) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let each = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(each).collect()
}
