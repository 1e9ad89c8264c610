//! What is turned away before anything looks at it, and where the rest goes.
//!
//! The console can be reached by every page that its users' browsers have open, so a request has to show that it comes
//! from one of ours: its host is ours (a name that was turned to point here is not), its session is known, and an order
//! carries the session's token and comes from our own origin. A `GET` changes nothing but to let in.

use std::sync::Arc;

use console::handle::Deps;
use http::{Method, Request, Response, StatusCode};
use pages::refusal;

use crate::deeds::{self, Done};
use crate::door::{Door, Place, is_same};
use crate::form::Form;
use crate::looks::{self, Look};
use crate::visit::Visit;
use crate::{Bytes, Site, api, programs, remembered, reply};

/// The most bytes of a form: a few thousand picked records. A listener reads no more of a request.
pub const FORM_BYTES_MAX: usize = 2 << 20;

/// Answers a request whose body is longer than [`FORM_BYTES_MAX`].
pub fn too_large() -> Response<Bytes> {
    reply::turned_away(StatusCode::PAYLOAD_TOO_LARGE, "The form is too large.")
}

/// Answers one request.
pub(crate) async fn answer<D: Deps + 'static, G: Door>(
    site: &Arc<Site<D>>,
    door: &G,
    place: &Place,
    request: Request<Bytes>,
) -> Response<Bytes> {
    let (head, body) = request.into_parts();
    if api::is_below(head.uri.path()) {
        return programs::answer(site, door, place, &head, &body).await;
    }
    if !place.is_ours(&head.headers) {
        return reply::turned_away(StatusCode::MISDIRECTED_REQUEST, "This address is not the console's.");
    }
    let path = head.uri.path().to_owned();
    let is_look = head.method == Method::GET || head.method == Method::HEAD;
    match path.as_str() {
        "/page.css" if is_look => return reply::file("text/css; charset=utf-8", pages::STYLE),
        "/page.js" if is_look => return reply::file("text/javascript; charset=utf-8", pages::SCRIPT),
        "/page.svg" if is_look => return reply::file("image/svg+xml", pages::ICON),
        _ => {}
    }
    let guest = door.guest(place, &head.headers).await;
    if let Some(answer) = door.receive(place, &head, guest.as_ref()).await {
        return answer;
    }
    let Some(guest) = guest else { return door.stranger(place, &head) };
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let told = door.told(place, &head.headers, &guest);
    let visit = Visit::new(site, guest, told);
    let left = match parts.as_slice() {
        ["i", id, "match"] if is_look => remembered::place(&head.headers, id),
        _ => None,
    };
    let mut answer = if let Some(left) = left {
        reply::to(&left)
    } else if is_look {
        let query = Form::parse(head.uri.query().unwrap_or_default().as_bytes());
        look(&visit, &parts, &query).await
    } else if head.method != Method::POST {
        reply::turned_away(StatusCode::METHOD_NOT_ALLOWED, "The console knows no such request.")
    } else if !place.is_own_order(&head.headers) {
        reply::turned_away(StatusCode::FORBIDDEN, "This order came from another page than the console's.")
    } else if body.len() > FORM_BYTES_MAX {
        too_large()
    } else {
        let form = Form::parse(&body);
        if !is_same(form.one("csrf"), &visit.guest.csrf) {
            let why = "This page was made for another session. Load it again.";
            reply::turned_away(StatusCode::FORBIDDEN, why)
        } else if parts == ["sign-out"] {
            return door.leave(place, &visit.guest).await;
        } else {
            order(&visit, &parts, &form).await
        }
    };
    door.keep(place, &head.headers, &visit.guest, visit.left(), &mut answer);
    if is_look && answer.status() == StatusCode::OK {
        let whole = head.uri.path_and_query().map_or(path.as_str(), |whole| whole.as_str());
        remembered::keep(&mut answer, &parts, whole);
    }
    answer
}

async fn look<D: Deps + 'static>(visit: &Visit<D>, parts: &[&str], query: &Form) -> Response<Bytes> {
    match looks::look(visit, parts, query).await {
        Ok(Look::Page(text)) => reply::html(StatusCode::OK, text),
        Ok(Look::To(path)) => reply::to(&path),
        Ok(Look::Csv(name, text)) => reply::csv(&name, text),
        Err(error) => reply::html(reply::status(&error), refusal::error(&visit.visitor(), &error)),
    }
}

async fn order<D: Deps + 'static>(visit: &Visit<D>, parts: &[&str], form: &Form) -> Response<Bytes> {
    match deeds::order(visit, parts, form).await {
        Ok(Done::To(path)) => reply::to(&path),
        Ok(Done::Again(text)) => reply::html(StatusCode::UNPROCESSABLE_ENTITY, text),
        Err(error) => reply::html(reply::status(&error), refusal::error(&visit.visitor(), &error)),
    }
}
