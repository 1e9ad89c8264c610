//! What an answer means when it is not the rows that were asked for, and how a refusal is told to a person.

use std::fmt;
use std::time::Duration;

use reconcile::record::fold_blanks;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::account::Account;
use crate::call::{Call, Reply};
use crate::decode::xml::first_text;
use crate::limits::retry_after;

/// Longest part of a vendor's own words that is kept.
const WORDS_CHARS_MAX: usize = 300;

/// Why a vendor refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The credentials are wrong, revoked or regenerated: the integration pauses.
    Credentials,
    /// The credentials are right, but do not allow this.
    Permission,
    /// The account lives elsewhere.
    WrongPlace {
        /// What to set as `url`, where the vendor says so.
        url: Option<String>,
    },
    /// The vendor does not know what was asked for.
    NotFound,
    /// The vendor does not understand the request.
    BadRequest,
    /// The vendor is busy, throttles or is out of order: only as the answer to a verification, since reads try again.
    Unavailable,
    /// Whatever answers is not the vendor's API.
    NotTheApi,
}

impl Cause {
    /// Returns the word for it in JSON and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Cause::Credentials => "credentials",
            Cause::Permission => "permission",
            Cause::WrongPlace { .. } => "wrong_place",
            Cause::NotFound => "not_found",
            Cause::BadRequest => "bad_request",
            Cause::Unavailable => "unavailable",
            Cause::NotTheApi => "not_the_api",
        }
    }
}

/// A refusal, ready to be shown and stored: nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Why.
    pub cause: Cause,
    /// The status code.
    pub status: u16,
    /// The vendor's own words: at most 300 characters, on one line, secrets masked; may be empty.
    pub vendor_words: String,
    /// The likely cause, what to do, and the curl command that does the same with secrets masked.
    pub hint: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the vendor refused with status {}", self.status)?;
        if !self.vendor_words.is_empty() {
            write!(out, ": \"{}\"", self.vendor_words)?;
        }
        Ok(())
    }
}

impl Refusal {
    /// Makes the refusal that `reply` to `call` is, in the vendor's and in our words.
    pub(crate) fn new(cause: Cause, account: &Account, call: &Call, reply: &Reply) -> Self {
        let hint = format!("{}. To see it yourself: {}", (account.vendor.hint)(&cause), account.mask(&call.as_curl()));
        Self { cause, status: reply.status, vendor_words: words(account, reply), hint }
    }
}

/// What an answer means before its rows are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// A good answer.
    Good,
    /// It may pass: throttling, or a fault at the vendor.
    Passing,
    /// Like [`Judged::Passing`], with the wait that this vendor wants where its answer names none.
    PassingIn(Duration),
    /// It will not pass by itself.
    Refused(Cause),
}

/// Judges by the status code alone: what is ordinary. An unknown code never means "try again".
pub fn by_status(reply: &Reply) -> Judged {
    match reply.status {
        200..=299 => Judged::Good,
        300..=399 => Judged::Refused(Cause::WrongPlace { url: None }),
        401 => Judged::Refused(Cause::Credentials),
        403 => Judged::Refused(Cause::Permission),
        404 | 410 => Judged::Refused(Cause::NotFound),
        408 | 429 | 500..=599 => Judged::Passing,
        _ => Judged::Refused(Cause::BadRequest),
    }
}

impl Judged {
    /// Returns how long to wait before the next try: as the answer says, else as the vendor's custom is.
    pub(crate) fn wait(&self, reply: &Reply) -> Option<Duration> {
        retry_after(reply).or(match self {
            Judged::PassingIn(wait) => Some(*wait),
            Judged::Good | Judged::Passing | Judged::Refused(_) => None,
        })
    }
}

/// Says what happened, where it may pass.
pub(crate) fn again_because(account: &Account, reply: &Reply) -> String {
    let said = words(account, reply);
    let status = reply.status;
    if said.is_empty() { format!("status {status}") } else { format!("status {status}: {said}") }
}

/// Returns the vendor's own words in `reply`: from the places where JSON errors keep them, else the text of the body.
pub(crate) fn words(account: &Account, reply: &Reply) -> String {
    let text = String::from_utf8_lossy(&reply.body);
    let found = match serde_json::from_str::<Value>(&text) {
        Ok(json) => json_words(&json).unwrap_or_default(),
        Err(_) if is_markup(&reply.body) => {
            let title = between(&text, "<title>", "</title>").map(str::to_owned);
            let nothing = if text.trim_start().starts_with("<?xml") { "" } else { "(an HTML page)" };
            title.or_else(|| first_text(&reply.body, "message")).unwrap_or_else(|| nothing.to_owned())
        }
        Err(_) => text.into_owned(),
    };
    tidy(account, &found)
}

/// Says whether a body looks like HTML or XML.
pub(crate) fn is_markup(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'<')
}

/// Makes a vendor's text fit to be shown: one line, nothing that steers a terminal, no secret, not long. Blanks are folded
/// before the masking, so that nothing grows together to a secret afterwards, and the cut comes last, so that none is halved.
pub(crate) fn tidy(account: &Account, text: &str) -> String {
    let shown: String = text.chars().filter(|letter| !is_invisible(*letter)).collect();
    let masked = account.mask(&fold_blanks(&shown));
    if masked.chars().count() <= WORDS_CHARS_MAX {
        return masked;
    }
    let mut cut: String = masked.chars().take(WORDS_CHARS_MAX - 1).collect();
    cut.push('…');
    cut
}

/// Zero-width characters and those that turn the direction of writing.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn json_words(json: &Value) -> Option<String> {
    let first = json.pointer("/errors/0");
    let places = [
        first.and_then(|error| error.get("detail")),
        first.and_then(|error| error.get("title")),
        first,
        json.pointer("/error/message"),
        json.get("message"),
        json.get("Message"),
        json.pointer("/Error/Message"),
        json.get("error"),
    ];
    places
        .into_iter()
        .flatten()
        .find_map(|place| place.as_str().filter(|text| !text.trim().is_empty()))
        .map(str::to_owned)
}

/// Returns what stands between two marks.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let start = text.find(open)? + open.len();
    let end = start + text[start..].find(close)?;
    Some(&text[start..end])
}
