//! Answers, with what every one of them carries.

use console::error::{Code, ConsoleError};
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, Response, StatusCode};
use pages::refusal;

use crate::Bytes;

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Returns the status that goes with an error.
pub fn status(error: &ConsoleError) -> StatusCode {
    match error.code {
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Forbidden => StatusCode::FORBIDDEN,
        Code::Usage | Code::BadFile => StatusCode::BAD_REQUEST,
        Code::Unavailable | Code::Bug => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::CONFLICT,
    }
}

/// Answers a request that no page of ours can have sent.
pub fn turned_away(status: StatusCode, why: &str) -> Response<Bytes> {
    html(status, refusal::turned_away(why))
}

/// Answers with a page.
pub fn html(status: StatusCode, text: String) -> Response<Bytes> {
    with(status, "text/html; charset=utf-8", text.into())
}

/// Answers with a file that never changes while this program runs. Browsers keep it for some minutes: long enough to save
/// three of four requests of a page, short enough for the next version.
pub fn file(kind: &'static str, text: &'static str) -> Response<Bytes> {
    let mut response = with(StatusCode::OK, kind, Bytes::from_static(text.as_bytes()));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    response
}

/// Answers with a list to be saved under a name.
pub fn csv(name: &str, text: String) -> Response<Bytes> {
    let mut response = with(StatusCode::OK, "text/csv; charset=utf-8", text.into());
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
    response
}

/// Sends the browser to another page.
pub fn to(path: &str) -> Response<Bytes> {
    let mut response = with(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", Bytes::new());
    let place = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, place);
    response
}

/// Answers with a body of some kind.
pub fn with(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let all = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: with that a browser says `null` instead of where an order comes from.
        (REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in all {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
