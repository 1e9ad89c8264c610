//! The door of a console that nobody can sign in to yet.

use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use pages::refusal;

use super::{Door, Guest, Place, Told};
use crate::{Bytes, reply};

/// Lets nobody in, and says how a deployment opens it.
#[derive(Debug, Clone, Copy)]
pub struct ClosedDoor;

impl Door for ClosedDoor {
    async fn guest(&self, _place: &Place, _headers: &HeaderMap) -> Option<Guest> {
        None
    }

    async fn receive(&self, _place: &Place, _head: &Parts, _guest: Option<&Guest>) -> Option<Response<Bytes>> {
        None
    }

    fn stranger(&self, _place: &Place, _head: &Parts) -> Response<Bytes> {
        reply::html(StatusCode::SERVICE_UNAVAILABLE, refusal::sign_in_not_set_up())
    }

    async fn leave(&self, _place: &Place, _guest: &Guest) -> Response<Bytes> {
        reply::html(StatusCode::SERVICE_UNAVAILABLE, refusal::sign_in_not_set_up())
    }

    fn told(&self, _place: &Place, _headers: &HeaderMap, _guest: &Guest) -> Told {
        Told::default()
    }

    fn keep(&self, _place: &Place, _headers: &HeaderMap, _guest: &Guest, _told: Told, _answer: &mut Response<Bytes>) {}
}
