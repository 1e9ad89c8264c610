//! The console's pages: an event of the HTTP API becomes a request of `web`, and its answer the event's answer.
//!
//! The API lets everybody through to the pages; who is let in is decided by the door. What the API says of a request
//! itself (the host's name, the caller's address) is believed, what the browser says is not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use console::handle::Deps;
use http::header::{COOKIE, SET_COOKIE, STRICT_TRANSPORT_SECURITY};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use serde_json::{Map, Value, json};
use web::{Bytes, Console, Door, Place};

use crate::programs;

/// For a year browsers come by https alone.
const HTTPS_ALONE: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Says whether an event is for the pages, and not a signed question or call.
pub fn is_for_pages(event: &Value) -> bool {
    let path = event["rawPath"].as_str().unwrap_or_default();
    event["requestContext"]["http"].is_object()
        && path != "/ask"
        && !path.starts_with("/ask/")
        && programs::called(event).is_none()
}

/// Answers one event of the HTTP API (payload format 2.0) with a page.
pub async fn handle<D: Deps + 'static, G: Door>(event: &Value, console: &Console<D, G>, on_loopback: bool) -> Value {
    match request(event, event["rawPath"].as_str().unwrap_or_default()) {
        Ok(request) => {
            let (place, method) = (place(event, on_loopback), request.method().clone());
            let mut answer = console.answer(&place, request).await;
            if place.is_secure() {
                answer.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HTTPS_ALONE);
            }
            tracing::info!(%method, status = answer.status().as_u16(), "a page was answered");
            written(&answer)
        }
        Err(why) => {
            tracing::warn!(why, "an event of the HTTP API cannot be read");
            json!({"statusCode": 400, "headers": {"content-type": "text/plain"}, "body": why, "isBase64Encoded": false})
        }
    }
}

/// Returns where a request came in. The API has no other address than by https; a test's stand-in of it has.
fn place(event: &Value, on_loopback: bool) -> Place {
    let context = &event["requestContext"];
    let host = context["domainName"].as_str().unwrap_or_default().to_owned();
    let is_here = on_loopback && (host.starts_with("127.0.0.1:") || host.starts_with("localhost:"));
    let place = if is_here { Place::plain(vec![host]) } else { Place::secure(vec![host]) };
    place.with_caller(context["http"]["sourceIp"].as_str().unwrap_or_default())
}

/// Reads an event as a request for `path`.
pub(crate) fn request(event: &Value, path: &str) -> Result<Request<Bytes>, &'static str> {
    let method = event["requestContext"]["http"]["method"].as_str().unwrap_or_default();
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| "the method is not one")?;
    let path = Some(path).filter(|path| path.starts_with('/')).ok_or("there is no path")?;
    let query = event["rawQueryString"].as_str().filter(|query| !query.is_empty());
    let uri = query.map_or(encoded(path), |query| format!("{}?{}", encoded(path), encoded(query)));
    let mut request = Request::new(body(event)?);
    *request.method_mut() = method;
    *request.uri_mut() = uri.parse().map_err(|_| "the path is not one")?;
    *request.headers_mut() = headers(event);
    Ok(request)
}

/// The API gives a path decoded; what no URI holds as it is, is encoded again.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"#<>?\\^`{|}".contains(&byte);
    let each = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(|byte| if byte == b'?' { "?".to_owned() } else { each(byte) }).collect()
}

fn headers(event: &Value) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in event["headers"].as_object().into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = value.as_str().map(HeaderValue::from_str);
        if let (Ok(name), Some(Ok(value))) = (name, value) {
            headers.insert(name, value);
        }
    }
    let cookies: Vec<&str> = event["cookies"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if let Ok(value) = HeaderValue::from_str(&cookies.join("; "))
        && !cookies.is_empty()
    {
        headers.insert(COOKIE, value);
    }
    headers
}

fn body(event: &Value) -> Result<Bytes, &'static str> {
    let Some(body) = event["body"].as_str() else { return Ok(Bytes::new()) };
    if event["isBase64Encoded"].as_bool() != Some(true) {
        return Ok(Bytes::from(body.to_owned()));
    }
    STANDARD.decode(body).map(Bytes::from).map_err(|_| "the body is not what it is said to be")
}

/// Writes an answer as the HTTP API wants it.
pub(crate) fn written(answer: &Response<Bytes>) -> Value {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let cookies: Vec<String> = answer.headers().get_all(SET_COOKIE).iter().map(text).collect();
    let headers: Map<String, Value> = answer
        .headers()
        .iter()
        .filter(|(name, _)| *name != SET_COOKIE)
        .map(|(name, value)| (name.as_str().to_owned(), Value::from(text(value))))
        .collect();
    let (body, is_encoded) = match std::str::from_utf8(answer.body()) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (STANDARD.encode(answer.body()), true),
    };
    json!({
        "statusCode": answer.status().as_u16(),
        "headers": headers,
        "cookies": cookies,
        "body": body,
        "isBase64Encoded": is_encoded,
    })
}

#[cfg(test)]
mod tests;
