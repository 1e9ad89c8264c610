//! The console in a browser, for one machine: a listener on loopback in front of `web::Console`.
//!
//! Who opens the link that is printed at start gets a session ([`LinkDoor`]).

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::Response;
use tokio::net::TcpListener;
use web::{Console, FORM_BYTES_MAX, LinkDoor, Place, api};

use crate::failure::Failure;
use crate::folder;
use crate::machine::Machine;

/// Where the console listens unless told otherwise; where that is taken, any free port will do.
const PORT: u16 = 8080;

/// The console, ready to be served.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
    entrance: Arc<Entrance>,
}

#[derive(Debug)]
struct Entrance {
    console: Console<Machine, LinkDoor>,
    place: Place,
}

impl Listener {
    /// Takes the port.
    pub(crate) async fn open(
        wanted: Option<SocketAddr>,
        machine: Arc<Machine>,
        folder: &Path,
    ) -> Result<Self, Failure> {
        let listener = listen(wanted).await?;
        let address = listener.local_addr().map_err(|error| refused(&error.to_string()))?;
        let door = LinkDoor::new(address, folder::actor(), announce).map_err(|error| refused(&error.to_string()))?;
        let token = local::api_token(folder).map_err(|error| unmade(folder, &error))?;
        let door = door.with_token(token);
        let place = Place::plain(vec![address.to_string(), format!("localhost:{}", address.port())]);
        let entrance = Entrance { console: Console::new(machine, door), place };
        Ok(Self { listener, entrance: Arc::new(entrance) })
    }

    /// Returns where programs ask.
    pub(crate) fn api(&self) -> String {
        format!("{}{}", self.entrance.place.origin(), api::PREFIX)
    }

    /// Returns the link that lets one browser in, once.
    pub(crate) fn link(&self) -> String {
        self.entrance.console.door().link()
    }

    /// Serves until it is dropped.
    pub(crate) async fn serve(self) {
        let router = Router::new().fallback(enter).with_state(self.entrance);
        if let Err(error) = axum::serve(self.listener, router).await {
            tracing::error!(%error, "the console ended");
        }
    }
}

async fn enter(State(entrance): State<Arc<Entrance>>, request: axum::extract::Request) -> Response {
    let (head, body) = request.into_parts();
    let is_program = api::is_below(head.uri.path());
    let answer = match to_bytes(body, if is_program { api::BYTES_MAX } else { FORM_BYTES_MAX }).await {
        Ok(body) => entrance.console.answer(&entrance.place, axum::http::Request::from_parts(head, body)).await,
        Err(_) if is_program => api::too_large(api::BYTES_MAX),
        Err(_) => web::too_large(),
    };
    answer.map(Body::from)
}

fn announce(link: &str) {
    eprintln!("A browser has signed in. For another one: {link}");
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

fn unmade(folder: &Path, error: &std::io::Error) -> Failure {
    let path = folder.join(local::API_TOKEN);
    let message = format!("the programs' token {} cannot be read or made: {error}", path.display());
    Failure::new("folder", message, "look at its permissions, or delete it for another one")
}

fn refused(why: &str) -> Failure {
    let hint = "choose another address with --listen, such as 127.0.0.1:9000";
    Failure::new("listen", format!("the console cannot listen: {why}"), hint)
}
