//! What an answer of N-able RMM means: nearly all refusals come under status 200 (nable_rmm.md sections 3 and 4).

use crate::call::Reply;
use crate::decode::xml::{Walk, decoded};
use crate::refusal::{Cause, Judged, by_status, is_markup};

/// What a failure that passes by itself says; the vendor's own words for it are not known (section 5).
const THROTTLING: &[&str] = &["too many", "rate limit", "throttl", "quota", "limit exceeded"];

/// What a failure says of itself.
#[derive(Default)]
struct Failure {
    code: String,
    message: String,
}

/// Judges an answer. A `403` with a page comes from what stands in front of the API, or from a host that is not the API
/// (section 1); a body that is no such document is left to the reading of its rows.
pub(super) fn judge(reply: &Reply) -> Judged {
    match by_status(reply) {
        Judged::Good => failure(&reply.body).map_or(Judged::Good, |failure| cause(&failure)),
        Judged::Refused(Cause::Permission) if is_markup(&reply.body) => match failure(&reply.body) {
            Some(failure) => cause(&failure),
            None if is_throttling(&decoded(&reply.body)) => Judged::Passing,
            None => Judged::Refused(Cause::NotTheApi),
        },
        judged => judged,
    }
}

/// Code 3 is a login that failed, and 2 is taken for the same; 4 is a value that is wrong or gone, 5 a missing one. The
/// code for an unknown service is not known, and some failures have no code (section 4).
fn cause(failure: &Failure) -> Judged {
    let message = failure.message.to_ascii_lowercase();
    let is_login = message.contains("login failed") || message.contains("api key");
    match failure.code.as_str() {
        "2" | "3" => Judged::Refused(Cause::Credentials),
        _ if is_login => Judged::Refused(Cause::Credentials),
        "4" | "5" => Judged::Refused(Cause::BadRequest),
        _ if message.contains("service unknown") => Judged::Refused(Cause::NotFound),
        _ if is_throttling(&message) => Judged::Passing,
        _ => Judged::Refused(Cause::BadRequest),
    }
}

fn is_throttling(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    THROTTLING.iter().any(|words| text.contains(words))
}

/// Returns the failure that a body tells: a status other than `OK`, or an `<error>`, which also counts where no status is
/// given. The rows of a good answer are not gone through.
fn failure(body: &[u8]) -> Option<Failure> {
    let text = decoded(body);
    let mut walk = Walk::new(&text);
    let root = walk.root().ok().filter(|root| root.name().as_ref() == "result")?;
    let status = root.try_get_attribute("status").ok()?;
    let is_fine = status.as_ref().is_none_or(|status| status.value.trim().eq_ignore_ascii_case("ok"));
    while let Ok(Some(part)) = walk.child() {
        match part.name().as_ref() {
            "error" => return Some(told(&mut walk)),
            "items" if is_fine => return None,
            _ if walk.skip().is_err() => break,
            _ => {}
        }
    }
    (!is_fine).then(Failure::default)
}

/// Reads what stands in an `<error>`.
fn told(walk: &mut Walk<'_>) -> Failure {
    let mut failure = Failure::default();
    while let Ok(Some(part)) = walk.child() {
        let name = part.name();
        let Ok(text) = walk.text() else { break };
        match name.as_ref() {
            "errorcode" => failure.code = text.unwrap_or_default(),
            "message" => failure.message = text.unwrap_or_default(),
            _ => {}
        }
    }
    failure
}
