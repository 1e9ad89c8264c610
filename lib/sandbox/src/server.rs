//! A thin HTTP server before a simulator: it reads a request, lets the simulator answer, and sends that as it should arrive.

#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use apis::call::{Call, Method, SecretText, Text};
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use http_body::Frame;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use url::Url;

use crate::simulator::{Answer, Delivery, Listing, Shared, Simulator};
use crate::vendors::Vendors;
use crate::world::World;

/// Request headers that a simulator may look at.
const HEADERS: &[&str] = &[
    "accept",
    "apiintegrationcode",
    "authorization",
    "clientid",
    "content-type",
    "pagination-type",
    "secret",
    "user-agent",
    "username",
];
/// Length of the longest request body.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// A simulator that is listening. It ends when this is stopped or dropped.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// The simulated vendors over one world, each listening at a port of its own.
#[derive(Debug)]
pub struct Sandbox {
    vendors: Vendors,
    servers: Vec<Running>,
    listings: Vec<Listing>,
}

/// What somebody who uses the sandbox has to know; as JSON it fits on a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary<'a> {
    /// Where each vendor is and how to be let in.
    pub vendors: &'a [Listing],
    /// How much there is.
    pub world: Counts,
}

/// How much there is in a world, for comparing with what a client read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Clients, the MSP itself included.
    pub clients: usize,
    /// Devices of all clients.
    pub devices: usize,
}

#[derive(Clone)]
struct Behind {
    simulator: Shared<dyn Simulator>,
    origin: String,
}

impl Running {
    /// Lets a simulator listen on 127.0.0.1 at `port`; 0 takes any that is free.
    pub async fn start(port: u16, simulator: Shared<dyn Simulator>) -> io::Result<Running> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let behind = Behind { simulator, origin: format!("http://{address}") };
        let router = Router::new().fallback(answer).with_state(behind);
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = axum::serve(listener, router).with_graceful_shutdown(async {
            // A sender that was dropped means the same as a word from it.
            let _ = stopped.await;
        });
        let task = tokio::spawn(async move { serving.await.unwrap_or_default() });
        Ok(Running { address, stop: Some(stop), task })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address as settings have it: `http://127.0.0.1:4001`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it: waits for the answers it is giving, closes every connection and frees its port.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        // A task that was cancelled with its runtime has freed the port as well.
        let _ = self.task.await;
    }
}

impl Sandbox {
    /// Starts every simulated vendor over a world, the first at `port`, the next ones at those after it; 0 takes any free.
    pub async fn start(port: u16, world: World) -> io::Result<Sandbox> {
        let vendors = Vendors::new(world);
        let (mut servers, mut listings) = (Vec::new(), Vec::new());
        for (nth, simulator) in vendors.all().iter().enumerate() {
            let port = if port == 0 { 0 } else { nth_port(port, nth)? };
            let server = Running::start(port, simulator.clone()).await?;
            listings.push(simulator.with(|simulator| simulator.listing(&server.url())));
            servers.push(server);
        }
        Ok(Sandbox { vendors, servers, listings })
    }

    /// Returns where each vendor is and how to be let in.
    pub fn describe(&self) -> &[Listing] {
        &self.listings
    }

    /// Returns the same together with how much there is.
    pub fn summary(&self) -> Summary<'_> {
        let world = self.vendors.world.read();
        let world = Counts { clients: world.clients.len(), devices: world.device_count() };
        Summary { vendors: &self.listings, world }
    }

    /// Ends all of them.
    pub async fn stop(self) {
        for server in self.servers {
            server.stop().await;
        }
    }
}

/// What the sandbox shows, and each simulator for switching faults on.
impl Deref for Sandbox {
    type Target = Vendors;

    fn deref(&self) -> &Vendors {
        &self.vendors
    }
}

fn nth_port(first: u16, nth: usize) -> io::Result<u16> {
    let port = u16::try_from(nth).ok().and_then(|nth| first.checked_add(nth));
    port.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "there are not enough ports above this one"))
}

async fn answer(State(behind): State<Behind>, request: Request) -> Response {
    match read(request, &behind.origin).await {
        Ok(call) => send(behind.simulator.with(|simulator| simulator.serve(&call, &behind.origin))),
        Err(status) => plain(status),
    }
}

/// Reads a request as a call; everything in a header or a body may be secret.
async fn read(request: Request, origin: &str) -> Result<Call, StatusCode> {
    let method = match request.method().as_str() {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        _ => return Err(StatusCode::METHOD_NOT_ALLOWED),
    };
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let url = Url::parse(&format!("{origin}{target}")).map_err(|_| StatusCode::BAD_REQUEST)?;
    let secret = |text: &str| Text::Secret(SecretText::new(text));
    let header = |name: &&'static str| Some((*name, secret(request.headers().get(*name)?.to_str().ok()?)));
    let mut headers: Vec<(&str, Text)> = HEADERS.iter().filter_map(header).collect();
    // Some vendors refuse who does not say what they are; a call that never was on the wire says nothing either way.
    if !headers.iter().any(|(name, _)| *name == "user-agent") {
        headers.push(("user-agent", secret("")));
    }
    let body = axum::body::to_bytes(request.into_body(), REQUEST_BYTES_MAX).await;
    let body = body.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let body = (!body.is_empty()).then(|| secret(&String::from_utf8_lossy(&body)));
    Ok(Call { method, url, headers, body })
}

fn send(answer: Answer) -> Response {
    let Answer { reply, delivery } = answer;
    let length = reply.body.len();
    let body = match delivery {
        Delivery::Whole => Body::from(reply.body),
        Delivery::Cut => Body::new(Pieces::cut(&reply.body)),
        Delivery::Slow { pieces, pause } => Body::new(Pieces::slow(&reply.body, pieces, pause)),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    if delivery != Delivery::Whole {
        headers.insert(axum::http::header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

fn plain(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A body in pieces, which may break off.
struct Pieces {
    /// Reversed: the next one is last.
    left: Vec<Bytes>,
    breaks_off: bool,
    pause: Duration,
    waiting: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Pieces {
    fn cut(body: &[u8]) -> Self {
        let left = vec![Bytes::copy_from_slice(&body[..body.len() / 2])];
        Self { left, breaks_off: true, pause: Duration::ZERO, waiting: None }
    }

    fn slow(body: &[u8], pieces: usize, pause: Duration) -> Self {
        let size = body.len().div_ceil(pieces.max(1)).max(1);
        let left = body.chunks(size).rev().map(Bytes::copy_from_slice).collect();
        Self { left, breaks_off: false, pause, waiting: None }
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if !self.pause.is_zero() && !self.left.is_empty() {
            let pause = self.pause;
            let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
            if waiting.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.waiting = None;
        }
        Poll::Ready(match self.left.pop() {
            Some(piece) => Some(Ok(Frame::data(piece))),
            None if self.breaks_off => Some(Err(io::Error::from(io::ErrorKind::ConnectionAborted))),
            None => None,
        })
    }
}
