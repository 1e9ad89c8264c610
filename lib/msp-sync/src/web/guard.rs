//! Who is let in, and what every answer carries.
//!
//! A page on this machine can be reached by every page that this machine's browsers have open, so a request has to show
//! that it comes from one of ours: its host is ours (a name that was turned to point here is not), its session is known,
//! and an order carries the session's token and comes from our own origin. A `GET` changes nothing but to let in.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN,
    REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use console::error::{Code, ConsoleError};
use pages::refusal;

use super::Site;
use super::deeds::{self, Done};
use super::form::Form;
use super::looks::{self, Look};
use super::sessions::is_same;

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The most bytes of a form: a few thousand picked records.
const FORM_BYTES_MAX: usize = 2 << 20;

/// Who asks, once they are let in.
#[derive(Debug, Clone)]
pub(super) struct Guest {
    /// Their session.
    pub(super) session: String,
    /// What their forms carry.
    pub(super) csrf: String,
}

/// Answers one request.
pub(super) async fn answer(site: &Arc<Site>, request: axum::extract::Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let query = Form::parse(head.uri.query().unwrap_or_default().as_bytes());
    if !is_our_host(&head.headers, site.address) {
        return turned_away(StatusCode::MISDIRECTED_REQUEST, "This address is not the console's.");
    }
    let is_look = head.method == Method::GET || head.method == Method::HEAD;
    match path.as_str() {
        "/page.css" if is_look => return file("text/css; charset=utf-8", pages::STYLE),
        "/page.js" if is_look => return file("text/javascript; charset=utf-8", pages::SCRIPT),
        "/page.svg" if is_look => return file("image/svg+xml", pages::ICON),
        _ => {}
    }
    if path == "/" && head.method == Method::GET && query.given("token").is_some() {
        return enter(site, query.one("token"), guest(site, &head.headers).is_some());
    }
    let Some(guest) = guest(site, &head.headers) else {
        return html(StatusCode::UNAUTHORIZED, refusal::not_signed_in());
    };
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if is_look {
        return look(site, &guest, &parts, &query).await;
    }
    if head.method != Method::POST {
        return turned_away(StatusCode::METHOD_NOT_ALLOWED, "The console knows no such request.");
    }
    if !is_our_origin(&head.headers, site.address) {
        return turned_away(StatusCode::FORBIDDEN, "This order came from another page than the console's.");
    }
    let Ok(body) = to_bytes(body, FORM_BYTES_MAX).await else {
        return turned_away(StatusCode::PAYLOAD_TOO_LARGE, "The form is too large.");
    };
    let form = Form::parse(&body);
    if !is_same(form.one("csrf"), &guest.csrf) {
        return turned_away(StatusCode::FORBIDDEN, "This page was made for another session. Load it again.");
    }
    order(site, &guest, &parts, &form).await
}

/// Lets a browser in that has the token; one that is in already is left in, so that the link may stay in its history.
fn enter(site: &Arc<Site>, token: &str, is_in: bool) -> Response<Body> {
    match site.sessions.enter(token) {
        Ok(Some(key)) => {
            eprintln!("A browser has signed in. For another one: {}", site.link());
            let cookie = format!("{}={key}; Path=/; HttpOnly; SameSite=Lax", cookie_name(site.address));
            let mut response = to("/");
            if let Ok(value) = HeaderValue::from_str(&cookie) {
                response.headers_mut().insert(SET_COOKIE, value);
            }
            response
        }
        Ok(None) if is_in => to("/"),
        Ok(None) => html(StatusCode::UNAUTHORIZED, refusal::not_signed_in()),
        Err(error) => {
            tracing::error!(%error, "no session can be made");
            turned_away(StatusCode::INTERNAL_SERVER_ERROR, "No session can be made.")
        }
    }
}

async fn look(site: &Arc<Site>, guest: &Guest, parts: &[&str], query: &Form) -> Response<Body> {
    match looks::look(site, guest, parts, query).await {
        Ok(Look::Page(text)) => html(StatusCode::OK, text),
        Ok(Look::To(path)) => to(&path),
        Ok(Look::Csv(name, text)) => {
            let mut response = with(StatusCode::OK, "text/csv; charset=utf-8", text);
            if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
                response.headers_mut().insert(CONTENT_DISPOSITION, value);
            }
            response
        }
        Err(error) => html(status(&error), refusal::error(&site.visitor(guest.csrf.clone()), &error)),
    }
}

async fn order(site: &Arc<Site>, guest: &Guest, parts: &[&str], form: &Form) -> Response<Body> {
    match deeds::order(site, guest, parts, form).await {
        Ok(Done::To(path)) => to(&path),
        Ok(Done::Again(text)) => html(StatusCode::UNPROCESSABLE_ENTITY, text),
        Err(error) => html(status(&error), refusal::error(&site.visitor(guest.csrf.clone()), &error)),
    }
}

/// A host name that somebody made point to this machine carries their name, and is refused.
fn is_our_host(headers: &HeaderMap, address: SocketAddr) -> bool {
    let named = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    named == address.to_string() || named == format!("localhost:{}", address.port())
}

/// Browsers say where an order comes from; one that comes from elsewhere is refused whatever it carries.
fn is_our_origin(headers: &HeaderMap, address: SocketAddr) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    let origin = headers.get(ORIGIN).map(|value| value.to_str().unwrap_or_default());
    let ours = [format!("http://{address}"), format!("http://localhost:{}", address.port())];
    site.is_none_or(|site| site == "same-origin") && origin.is_none_or(|origin| ours.iter().any(|our| our == origin))
}

/// Cookies are shared by all ports of a host, hence the port in the name.
fn cookie_name(address: SocketAddr) -> String {
    format!("msp_sync_{}", address.port())
}

fn guest(site: &Site, headers: &HeaderMap) -> Option<Guest> {
    let name = cookie_name(site.address);
    let sent = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = sent.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs
        .filter(|(of, _)| *of == name)
        .find_map(|(_, key)| site.sessions.csrf(key).map(|csrf| Guest { session: key.to_owned(), csrf }))
}

fn status(error: &ConsoleError) -> StatusCode {
    match error.code {
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Forbidden => StatusCode::FORBIDDEN,
        Code::Usage | Code::BadFile => StatusCode::BAD_REQUEST,
        Code::Unavailable | Code::Bug => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::CONFLICT,
    }
}

fn turned_away(status: StatusCode, why: &str) -> Response<Body> {
    html(status, refusal::turned_away(why))
}

fn html(status: StatusCode, text: String) -> Response<Body> {
    with(status, "text/html; charset=utf-8", text)
}

fn file(kind: &'static str, text: &'static str) -> Response<Body> {
    with(StatusCode::OK, kind, text.to_owned())
}

fn to(path: &str) -> Response<Body> {
    let mut response = with(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", String::new());
    let place = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, place);
    response
}

fn with(status: StatusCode, kind: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
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
