//! The console: a question over the HTTP API in, its answer out.
//!
//! Who may ask is decided twice. The API lets nobody in without IAM (or a token, where the authorizer is another), and IAM
//! lets a caller in by path, whose last part is the role taken: who may be what stands in the callers' own policies. Here
//! the role taken is held against what the request wants, and a call without a caller is refused whatever its path.

use console::answer::Answer;
use console::error::{Code, ConsoleError};
use console::handle::{Deps, handle as carry_out};
use console::progress::Silent;
use console::request::Request;
use console::roles::{Actor, Role};
use serde_json::{Value, json};

use crate::programs;

/// The longest answer that Lambda carries is 6 MB; a longer one would come as an error without a word.
pub(crate) const ANSWER_BYTES_MAX: usize = 5 * 1024 * 1024;

/// The claim of a token that says the most that its bearer may be.
const ROLE_CLAIM: &str = "msp_sync_role";

/// Handles one event of the HTTP API (payload format 2.0). A question that is refused is an answer, too: the function
/// fails for mistakes of ours only, and not even then without telling the caller.
pub async fn handle<D: Deps>(event: &Value, deps: &D) -> Value {
    if let Some((role, path)) = programs::called(event) {
        return programs::answer(event, role, path, deps).await;
    }
    let answer = match asked(event) {
        Ok((request, actor)) => {
            let command = console::roles::rule(&request).0;
            let answer = Box::pin(carry_out(request, &actor, deps, &Silent)).await;
            let code = answer.as_ref().err().map(|error| error.code.code());
            tracing::info!(command, role = actor.role.code(), code, "a question was answered");
            answer
        }
        Err(error) => {
            tracing::warn!(code = error.code.code(), "a call was refused");
            Err(error)
        }
    };
    let (status, body) = match answer.map(|answer| body(&answer)) {
        Ok(Ok(body)) => (200, body),
        Ok(Err(error)) | Err(error) => (status(error.code), error.json().to_string()),
    };
    json!({
        "statusCode": status,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "isBase64Encoded": false,
        "body": body,
    })
}

fn body(answer: &Answer) -> Result<String, ConsoleError> {
    let body = serde_json::to_string(answer).expect("answers have text keys and no failing serialisers");
    if body.len() <= ANSWER_BYTES_MAX {
        return Ok(body);
    }
    let hint = "ask for fewer at once, or use `msp-sync --aws STACK`, which has no such limit";
    Err(ConsoleError::new(Code::Refused, "the answer is longer than the HTTP API carries", hint))
}

/// Returns the status that goes with an error.
fn status(code: Code) -> u16 {
    match code {
        Code::Usage | Code::BadFile => 400,
        Code::Forbidden => 403,
        Code::NotFound => 404,
        Code::AlreadyExists
        | Code::Refused
        | Code::NotVerified
        | Code::PlanOutdated
        | Code::PlanState
        | Code::Busy
        | Code::Changed
        | Code::CredentialsRejected
        | Code::Held => 409,
        Code::Bug => 500,
        Code::Vendor => 502,
        Code::Unavailable => 503,
    }
}

/// Reads who asks what.
fn asked(event: &Value) -> Result<(Request, Actor), ConsoleError> {
    let actor = actor(event, taken(event)?)?;
    let unread = |why: &str| {
        let hint = r#"post a question as JSON, e.g. {"ask":"status","id":null,"page":{"limit":100}}"#;
        ConsoleError::new(Code::Usage, format!("the question cannot be read: {why}"), hint)
    };
    let body = event["body"].as_str().ok_or_else(|| unread("there is none"))?;
    if event["isBase64Encoded"].as_bool() == Some(true) {
        return Err(unread("it is not sent as text"));
    }
    // The parser's words may quote the question, which may hold a secret; where it stopped says enough.
    let request = serde_json::from_str(body)
        .map_err(|error| unread(&format!("line {}, column {}", error.line(), error.column())))?;
    Ok((request, actor))
}

/// Reads the role that a question's caller takes.
fn taken(event: &Value) -> Result<Role, ConsoleError> {
    let word = event["rawPath"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    let nowhere = || {
        let hint = "post to /ask/ROLE, or call below /ROLE/api/v1";
        ConsoleError::new(Code::NotFound, "there is no such path", hint)
    };
    Role::ALL.into_iter().find(|role| role.code() == word).ok_or_else(nowhere)
}

/// Reads who calls, and whether they may take a role.
pub(crate) fn actor(event: &Value, taken: Role) -> Result<Actor, ConsoleError> {
    let forbidden = |why: &str| ConsoleError::new(Code::Forbidden, why, "call with credentials that the API lets in");
    let authorizer = &event["requestContext"]["authorizer"];
    if let Some(arn) = authorizer["iam"]["userArn"].as_str().filter(|arn| !arn.is_empty()) {
        // What stands behind the account says who it is: user/ANN, assumed-role/ADMINS/ann.
        let name = arn.splitn(6, ':').nth(5).unwrap_or(arn);
        return Ok(Actor { name: name.to_owned(), role: taken });
    }
    let claims = &authorizer["jwt"]["claims"];
    let claim = |name: &str| claims[name].as_str().filter(|value| !value.is_empty());
    let name = claim("email").or_else(|| claim("sub")).ok_or_else(|| forbidden("nobody says who calls"))?;
    let most = claim(ROLE_CLAIM).and_then(|word| Role::ALL.into_iter().find(|role| role.code() == word));
    let most = most.ok_or_else(|| forbidden("the token says of no role"))?;
    if taken > most {
        return Err(forbidden("the token does not let its bearer be that"));
    }
    Ok(Actor { name: name.to_owned(), role: taken })
}

#[cfg(test)]
pub(crate) mod tests;
