//! Programs at the door: who they are, and what they are answered.

use std::sync::Arc;

use console::answer::Answer;
use console::error::{Code, ConsoleError};
use console::handle::Deps;
use console::progress::Silent;
use console::request::Request;
use console::roles::Actor;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode};

use crate::api::{self, CSRF_HEADER, Wanted};
use crate::door::{Door, Place, is_same};
use crate::{Bytes, Site};

/// Answers a call below [`api::PREFIX`].
pub(crate) async fn answer<D: Deps + 'static, G: Door>(
    site: &Arc<Site<D>>,
    door: &G,
    place: &Place,
    head: &Parts,
    body: &Bytes,
) -> Response<Bytes> {
    if !place.is_ours(&head.headers) {
        let error = ConsoleError::new(Code::Forbidden, "this address is not the console's", "call it by its own name");
        return api::refused(StatusCode::MISDIRECTED_REQUEST, &error);
    }
    let actor = match caller(door, place, head).await {
        Ok(actor) => actor,
        Err(refusal) => return refusal,
    };
    match api::read(&head.method, &head.uri, &head.headers, body) {
        Ok(Wanted::Document) => api::document(),
        Ok(Wanted::Ask(asked)) if asked.is_order() => asked.reply(order(site, actor, asked.request.clone()).await),
        Ok(Wanted::Ask(asked)) => {
            let answer = console::handle::handle(asked.request.clone(), &actor, site.deps.as_ref(), &Silent).await;
            asked.reply(answer)
        }
        Err(refusal) => *refusal,
    }
}

/// Returns who calls: the bearer of a token, or somebody who is signed in in a browser. An order of the latter has to show
/// that a page of ours sent it; whoever shows a token needs no such word, since no page of others has one.
async fn caller<G: Door>(door: &G, place: &Place, head: &Parts) -> Result<Actor, Response<Bytes>> {
    if let Some(shown) = head.headers.get(AUTHORIZATION) {
        let shown = shown.to_str().unwrap_or_default();
        let token = shown.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        return token.and_then(|(_, token)| door.bearer(token.trim())).ok_or_else(api::not_signed_in);
    }
    let guest = door.guest(place, &head.headers).await.ok_or_else(api::not_signed_in)?;
    let is_look = head.method == Method::GET || head.method == Method::HEAD;
    if is_look || (place.is_own_order(&head.headers) && is_same(csrf(&head.headers), &guest.csrf)) {
        return Ok(guest.actor);
    }
    let hint = format!("send the page's token as `{CSRF_HEADER}`, from a page of the console");
    let error = ConsoleError::new(Code::Forbidden, "this order does not show that it comes from our page", hint);
    Err(api::refused(StatusCode::FORBIDDEN, &error))
}

fn csrf(headers: &HeaderMap) -> &str {
    headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Gives an order, which is carried out to its end even if the program goes away.
async fn order<D: Deps + 'static>(site: &Arc<Site<D>>, actor: Actor, request: Request) -> Result<Answer, ConsoleError> {
    let site = Arc::clone(site);
    let working =
        tokio::spawn(async move { console::handle::handle(request, &actor, site.deps.as_ref(), &Silent).await });
    working.await.unwrap_or_else(|_| Err(ConsoleError::new(Code::Bug, "the order ended without an answer", "")))
}
