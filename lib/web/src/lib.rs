//! The console in a browser: a request in, an answer out.
//!
//! ```text
//! browser ── listener ──► guard ──► looks (GET: questions) ──┐
//!            (elsewhere)   │  └───► deeds (POST: orders) ────┴──► console::handle ──► pages ──► browser
//!                          └ door: who is let in
//! ```
//!
//! Nothing here listens, and nothing knows what the console stands on: the listener of one machine and the function
//! behind an HTTP API give the same [`http::Request`] to the same handlers, which work over [`console::handle::Deps`].
//! Who is let in is a value of its own, the [`Door`]. A request for another host, without a session, or an order that no
//! page of that session sent is turned away by the guard before anything else looks at it. Whatever is asked goes through
//! `console::handle`, with the roles and the audit log of the command line.

pub mod api;
mod deeds;
mod doings;
pub mod door;
pub mod form;
mod guard;
mod looks;
mod packing;
mod programs;
mod remembered;
pub mod reply;
mod visit;

use std::sync::Arc;
use std::time::Duration;

use console::handle::Deps;

pub use bytes::Bytes;
pub use door::{ClosedDoor, Door, Guest, LinkDoor, Place, Told};
pub use guard::{FORM_BYTES_MAX, too_large};

use doings::Doings;

/// The console: what it works with, and its door.
#[derive(Debug)]
pub struct Console<D, G> {
    site: Arc<Site<D>>,
    door: G,
}

/// What every request is answered with.
#[derive(Debug)]
pub(crate) struct Site<D> {
    deps: Arc<D>,
    doings: Doings,
    /// How long a browser waits for an order before the work goes on behind its page; to its end where there is none.
    patience: Option<Duration>,
}

impl<D: Deps + 'static, G: Door> Console<D, G> {
    /// Makes the console of a deployment.
    pub fn new(deps: Arc<D>, door: G) -> Self {
        Self { site: Arc::new(Site { deps, doings: Doings::default(), patience: Some(doings::PATIENCE) }), door }
    }

    /// Makes the console of a process that is stopped as soon as it has answered: no work goes on behind a page. What takes
    /// long, the deployment hands to others.
    pub fn of_a_function(deps: Arc<D>, door: G) -> Self {
        Self { site: Arc::new(Site { deps, doings: Doings::default(), patience: None }), door }
    }

    /// Returns who is let in.
    pub fn door(&self) -> &G {
        &self.door
    }

    /// Answers one request that came in at `place`.
    pub async fn answer(&self, place: &Place, request: http::Request<Bytes>) -> http::Response<Bytes> {
        let takes_packed = packing::is_taken(request.headers());
        let answer = guard::answer(&self.site, &self.door, place, request).await;
        if takes_packed { packing::packed(answer) } else { answer }
    }
}
