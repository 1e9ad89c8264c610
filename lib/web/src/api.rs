//! The interface for programs: every `console::Request` as a resource below `/api/v1`, in JSON.
//!
//! ```text
//! method, path, query, body ──► operations (the table) ──► Request ──► console::handle ──► Answer ──► status, JSON
//!                                    └──► document (OpenAPI)
//! ```
//!
//! One table says which requests there are, so that what is described and what is answered cannot differ. A request that
//! the document forbids is refused before anything is asked: 400 with what is wrong. What the document allows and only the
//! handler can judge (a cron line, an address, a name at the vendor) is refused with 422, and what things as they stand
//! forbid with 409. Nothing here knows who is let in; that is decided before.

mod bodies;
mod document;
mod given;
mod operations;

use std::sync::LazyLock;

use console::answer::Answer;
use console::error::{Code, ConsoleError};
use console::request::Request;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};

use crate::Bytes;
use given::Given;
use operations::{Answered, Body, Operation, Verb};

/// Where the interface lies.
pub const PREFIX: &str = "/api/v1";

/// The most bytes of a body: a file of some hundred thousand rows. A listener reads no more of a request.
pub const BYTES_MAX: usize = 32 << 20;

/// The most bytes of a body of JSON: an order about some ten thousand records.
const JSON_BYTES_MAX: usize = 2 << 20;

/// The header in which a browser's session shows that an order comes from a page of ours.
pub const CSRF_HEADER: &str = "x-csrf-token";

/// The media types that are spoken.
const JSON: &str = "application/json";
const CSV: &str = "text/csv";

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document::document().to_string());

/// What is told instead of an answer.
pub type Refusal = Box<Response<Bytes>>;

/// What a call wants.
#[derive(Debug)]
pub enum Wanted {
    /// The description of all of it.
    Document,
    /// An answer.
    Ask(Box<Asked>),
}

/// A question or an order, and how its answer is told.
#[derive(Debug)]
pub struct Asked {
    /// What is asked.
    pub request: Request,
    operation: &'static Operation,
}

impl Asked {
    /// Says whether it may change something.
    pub fn is_order(&self) -> bool {
        self.operation.verb != Verb::Get
    }

    /// Tells what came of it.
    pub fn reply(&self, answer: Result<Answer, ConsoleError>) -> Response<Bytes> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return refused(status(error.code), &error),
        };
        match (&self.operation.answer, &answer) {
            (Answered::Csv, Answer::Csv(text)) => with(StatusCode::OK, "text/csv; charset=utf-8", text.clone()),
            (Answered::Created(_), Answer::Integration(view)) => {
                let mut reply = with(StatusCode::CREATED, JSON, answer.json().to_string());
                let place = HeaderValue::from_str(&format!("{PREFIX}/integrations/{}", view.integration));
                reply.headers_mut().insert(LOCATION, place.expect("an integration's id is a slug"));
                reply
            }
            (Answered::Json(_), _) => with(StatusCode::OK, JSON, answer.json().to_string()),
            _ => {
                tracing::error!(?answer, "an answer that does not belong to its question");
                let error = ConsoleError::new(Code::Bug, "the answer does not belong to the question", "report it");
                refused(status(error.code), &error)
            }
        }
    }
}

/// Says whether a path is one of the interface, also one that does not exist.
pub fn is_below(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns the OpenAPI document.
pub fn document() -> Response<Bytes> {
    with(StatusCode::OK, JSON, DOCUMENT.clone())
}

/// Reads what is asked, or says what is wrong with it. `uri` has the path from [`PREFIX`] on.
pub fn read(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Wanted, Refusal> {
    let path = uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let there = operations::at(path);
    if there.is_empty() && path != operations::DOCUMENT_PATH {
        return Err(Box::new(nothing_there(path)));
    }
    // A question whose answer's body is left out.
    let wanted = if method == Method::HEAD { &Method::GET } else { method };
    if path == operations::DOCUMENT_PATH {
        let query = uri.query().unwrap_or_default();
        return match wanted == Method::GET {
            true => given::no_more(query).map(|()| Wanted::Document).map_err(|error| Box::new(malformed(&error))),
            false => Err(Box::new(other_method("GET"))),
        };
    }
    let Some(operation) = there.iter().find(|operation| operation.verb.word() == wanted.as_str()) else {
        let allowed: Vec<&str> = there.iter().map(|operation| operation.verb.word()).collect();
        return Err(Box::new(other_method(&allowed.join(", "))));
    };
    check_body(operation, headers, body)?;
    let given = Given::read(operation, path, uri.query().unwrap_or_default(), body);
    let request = given.and_then(|given| (operation.request)(&given)).map_err(|error| Box::new(malformed(&error)))?;
    Ok(Wanted::Ask(Box::new(Asked { request, operation })))
}

/// Checks the form of a body: whether there is to be one, of which type, and how long.
fn check_body(operation: &Operation, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    let (wanted, bytes_max) = match &operation.body {
        Body::None if body.is_empty() => return Ok(()),
        Body::None => {
            let error = ConsoleError::new(Code::Usage, "this request has no body", "leave it out");
            return Err(Box::new(malformed(&error)));
        }
        Body::Json { .. } => (JSON, JSON_BYTES_MAX),
        Body::Csv { .. } => (CSV, BYTES_MAX),
    };
    if body.len() > bytes_max {
        return Err(Box::new(too_large(bytes_max)));
    }
    let given = headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let essence = given.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    // An order whose body may be left out needs no word about its type.
    if essence.eq_ignore_ascii_case(wanted) || (body.is_empty() && given.is_none()) {
        return Ok(());
    }
    let message = format!("the body's type is {essence:?}");
    let error = ConsoleError::new(Code::Usage, message, format!("send it as `Content-Type: {wanted}`"));
    Err(Box::new(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, &error)))
}

/// Returns the status that goes with an error of the handler.
fn status(code: Code) -> StatusCode {
    match code {
        Code::Usage | Code::BadFile => StatusCode::UNPROCESSABLE_ENTITY,
        Code::Forbidden => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists
        | Code::Refused
        | Code::NotVerified
        | Code::PlanOutdated
        | Code::PlanState
        | Code::Busy
        | Code::Changed
        | Code::CredentialsRejected
        | Code::Held => StatusCode::CONFLICT,
        Code::Bug => StatusCode::INTERNAL_SERVER_ERROR,
        Code::Vendor => StatusCode::BAD_GATEWAY,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Refuses what the document forbids.
fn malformed(error: &ConsoleError) -> Response<Bytes> {
    refused(StatusCode::BAD_REQUEST, error)
}

fn nothing_there(path: &str) -> Response<Bytes> {
    let hint = format!("GET {PREFIX}{} describes all there is", operations::DOCUMENT_PATH);
    refused(StatusCode::NOT_FOUND, &ConsoleError::new(Code::NotFound, format!("there is nothing at {path:?}"), hint))
}

fn other_method(allowed: &str) -> Response<Bytes> {
    let error = ConsoleError::new(Code::Usage, "this method is not known here", format!("there is: {allowed}"));
    let mut reply = refused(StatusCode::METHOD_NOT_ALLOWED, &error);
    reply.headers_mut().insert(ALLOW, HeaderValue::from_str(allowed).expect("the methods' own words"));
    reply
}

/// Refuses a body that is longer than `bytes_max`.
pub fn too_large(bytes_max: usize) -> Response<Bytes> {
    let message = format!("the body is longer than {} MiB", bytes_max >> 20);
    let error = ConsoleError::new(Code::Usage, message, "send it in parts");
    refused(StatusCode::PAYLOAD_TOO_LARGE, &error)
}

/// Refuses somebody who does not show who they are.
pub fn not_signed_in() -> Response<Bytes> {
    let hint = "send `Authorization: Bearer TOKEN`; the token stands in the file api-token in the data folder";
    let error = ConsoleError::new(Code::Forbidden, "nobody says who calls", hint);
    let mut reply = refused(StatusCode::UNAUTHORIZED, &error);
    reply.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    reply
}

/// Answers with an error.
pub fn refused(status: StatusCode, error: &ConsoleError) -> Response<Bytes> {
    with(status, JSON, error.json().to_string())
}

fn with(status: StatusCode, kind: &'static str, body: String) -> Response<Bytes> {
    let mut reply = Response::new(Bytes::from(body));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    let all = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    for (name, value) in all {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}

#[cfg(test)]
mod tests;
