//! The console in a browser, for one machine.
//!
//! ```text
//! browser ── guard ──► looks (GET: questions) ──┐
//!               └────► deeds (POST: orders) ────┴──► console::handle ──► pages ──► browser
//! ```
//!
//! It listens on loopback alone. Who opens the link that is printed at start gets a session; a request without one, for
//! another host, or an order that no page of that session sent, is turned away by [`guard`] before anything else looks at
//! it. Whatever is asked goes through `console::handle`, with the roles and the audit log of the command line.

mod deeds;
mod doings;
mod form;
mod guard;
mod looks;
mod sessions;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use console::answer::Answer;
use console::error::{Code, ConsoleError};
use console::progress::Silent;
use console::request::Request;
use console::roles::Actor;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use pages::Visitor;
use tokio::net::TcpListener;

use crate::failure::Failure;
use crate::folder;
use crate::machine::Machine;
use doings::Doings;
use sessions::Sessions;

/// Where the console listens unless told otherwise; where that is taken, any free port will do.
const PORT: u16 = 8080;

/// The console, ready to be served.
#[derive(Debug)]
pub(crate) struct Console {
    listener: TcpListener,
    site: Arc<Site>,
}

/// What every request is answered with.
#[derive(Debug)]
struct Site {
    machine: Arc<Machine>,
    actor: Actor,
    address: SocketAddr,
    sessions: Sessions,
    doings: Doings,
}

impl Console {
    /// Takes the port.
    pub(crate) async fn open(wanted: Option<SocketAddr>, machine: Arc<Machine>) -> Result<Self, Failure> {
        let listener = listen(wanted).await?;
        let address = listener.local_addr().map_err(|error| refused(&error.to_string()))?;
        let sessions = Sessions::new().map_err(|error| refused(&error.to_string()))?;
        let site = Site { machine, actor: folder::actor(), address, sessions, doings: Doings::default() };
        Ok(Self { listener, site: Arc::new(site) })
    }

    /// Returns the link that lets one browser in, once.
    pub(crate) fn link(&self) -> String {
        self.site.link()
    }

    /// Serves until it is dropped.
    pub(crate) async fn serve(self) {
        let router = Router::new().fallback(entrance).with_state(self.site);
        if let Err(error) = axum::serve(self.listener, router).await {
            tracing::error!(%error, "the console ended");
        }
    }
}

impl Site {
    fn link(&self) -> String {
        format!("http://{}/?token={}", self.address, self.sessions.token())
    }

    /// Asks a question.
    async fn ask(&self, request: Request) -> Result<Answer, ConsoleError> {
        console::handle::handle(request, &self.actor, self.machine.as_ref(), &Silent).await
    }

    /// Gives an order, which is carried out to its end even if the browser goes away.
    async fn order(self: &Arc<Self>, request: Request) -> Result<Answer, ConsoleError> {
        let site = Arc::clone(self);
        let working = tokio::spawn(async move { site.ask(request).await });
        working.await.unwrap_or_else(|_| Err(ConsoleError::new(Code::Bug, "the order ended without an answer", "")))
    }

    /// Says who looks.
    fn visitor(&self, csrf: String) -> Visitor {
        Visitor {
            name: self.actor.name.clone(),
            role: self.actor.role,
            csrf,
            zone: TimeZone::system(),
            now: Timestamp::now(),
            notice: None,
        }
    }
}

async fn entrance(State(site): State<Arc<Site>>, request: axum::extract::Request) -> axum::response::Response {
    guard::answer(&site, request).await
}

/// Listens where it is told to, on this machine alone: there is no sign-in but the link, and no encryption.
async fn listen(wanted: Option<SocketAddr>) -> Result<TcpListener, Failure> {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    if let Some(address) = wanted.filter(|address| !address.ip().is_loopback()) {
        let message = format!("the console listens on this machine alone, and {address} can be reached from others");
        return Err(Failure::usage(message, "leave --listen out, and reach it from elsewhere through an ssh tunnel"));
    }
    match (wanted, TcpListener::bind(wanted.unwrap_or(usual)).await) {
        (_, Ok(listener)) => Ok(listener),
        (None, Err(_)) => {
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| refused(&error.to_string()))
        }
        (Some(address), Err(error)) => Err(refused(&format!("{address}: {error}"))),
    }
}

fn refused(why: &str) -> Failure {
    let hint = "choose another address with --listen, such as 127.0.0.1:9000";
    Failure::new("listen", format!("the console cannot listen: {why}"), hint)
}

/// Says that an answer is not the one to its question.
fn unexpected(answer: &Answer) -> ConsoleError {
    tracing::error!(?answer, "an answer that does not belong to its question");
    ConsoleError::new(Code::Bug, "the answer does not belong to the question", "please report it")
}
