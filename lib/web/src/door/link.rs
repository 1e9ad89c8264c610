//! The door of one machine: a link that lets one browser in, once; sessions in memory, gone with the process.

use std::io;
use std::net::SocketAddr;

use console::roles::Actor;
use http::header::SET_COOKIE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use pages::refusal;

use super::sessions::{Sessions, is_same};
use super::{Door, Guest, Place, Told, cookies};
use crate::Bytes;
use crate::form::Form;
use crate::reply;

/// The door of a console that listens on this machine alone.
#[derive(Debug)]
pub struct LinkDoor {
    address: SocketAddr,
    actor: Actor,
    sessions: Sessions,
    announce: fn(&str),
    token: Option<String>,
}

impl LinkDoor {
    /// Makes the door of the console at `address`, which lets in whoever has the link as `actor`. Each time a link was used,
    /// the next one is announced.
    pub fn new(address: SocketAddr, actor: Actor, announce: fn(&str)) -> io::Result<Self> {
        Ok(Self { address, actor, sessions: Sessions::new()?, announce, token: None })
    }

    /// Lets programs in, too, that show `token`.
    pub fn with_token(self, token: String) -> Self {
        Self { token: Some(token), ..self }
    }

    /// Returns the link that lets one browser in, once.
    pub fn link(&self) -> String {
        format!("http://{}/?token={}", self.address, self.sessions.token())
    }

    /// Lets a browser in that has the token; one that is in already is left in, so that the link may stay in its history.
    fn enter(&self, token: &str, is_in: bool) -> Response<Bytes> {
        match self.sessions.enter(token) {
            Ok(Some(key)) => {
                (self.announce)(&self.link());
                let cookie = format!("{}={key}; Path=/; HttpOnly; SameSite=Lax", self.cookie_name());
                let mut response = reply::to("/");
                if let Ok(value) = HeaderValue::from_str(&cookie) {
                    response.headers_mut().append(SET_COOKIE, value);
                }
                response
            }
            Ok(None) if is_in => reply::to("/"),
            Ok(None) => not_signed_in(),
            Err(error) => {
                tracing::error!(%error, "no session can be made");
                reply::turned_away(StatusCode::INTERNAL_SERVER_ERROR, "No session can be made.")
            }
        }
    }

    /// Cookies are shared by all ports of a host, hence the port in the name.
    fn cookie_name(&self) -> String {
        format!("msp_sync_{}", self.address.port())
    }
}

fn not_signed_in() -> Response<Bytes> {
    reply::html(StatusCode::UNAUTHORIZED, refusal::not_signed_in())
}

impl Door for LinkDoor {
    async fn guest(&self, _place: &Place, headers: &HeaderMap) -> Option<Guest> {
        let name = self.cookie_name();
        let known = |key: &str| {
            let csrf = self.sessions.csrf(key)?;
            // Whoever leaves needs the terminal to come back, so that no page offers it.
            Some(Guest { actor: self.actor.clone(), session: key.to_owned(), csrf, may_leave: false })
        };
        cookies(headers).filter(|(of, _)| *of == name).find_map(|(_, key)| known(key))
    }

    async fn receive(&self, _place: &Place, head: &Parts, guest: Option<&Guest>) -> Option<Response<Bytes>> {
        if head.uri.path() != "/" || head.method != Method::GET {
            return None;
        }
        let query = Form::parse(head.uri.query().unwrap_or_default().as_bytes());
        Some(self.enter(query.given("token")?, guest.is_some()))
    }

    fn bearer(&self, token: &str) -> Option<Actor> {
        let ours = self.token.as_deref().filter(|ours| !ours.is_empty())?;
        is_same(token, ours).then(|| self.actor.clone())
    }

    fn stranger(&self, _place: &Place, _head: &Parts) -> Response<Bytes> {
        not_signed_in()
    }

    async fn leave(&self, _place: &Place, guest: &Guest) -> Response<Bytes> {
        self.sessions.leave(&guest.session);
        not_signed_in()
    }

    fn told(&self, _place: &Place, _headers: &HeaderMap, guest: &Guest) -> Told {
        self.sessions.take(&guest.session)
    }

    fn keep(&self, _place: &Place, _headers: &HeaderMap, guest: &Guest, told: Told, _answer: &mut Response<Bytes>) {
        self.sessions.keep(&guest.session, told);
    }
}
