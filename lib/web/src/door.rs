//! Who is let in: on one machine whoever opens the link that is printed there; elsewhere the door is another crate's.

mod closed;
mod link;
mod sessions;

use console::roles::Actor;
use console::views::VerifyView;
use http::header::{COOKIE, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Response};
use pages::Notice;

use crate::Bytes;
pub use closed::ClosedDoor;
pub use link::LinkDoor;
pub use sessions::is_same;

/// Somebody who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// Who they are, and what they may do.
    pub actor: Actor,
    /// Their session.
    pub session: String,
    /// What their forms carry, which no page of others can know.
    pub csrf: String,
    /// Whether pages offer to sign out.
    pub may_leave: bool,
}

/// What is to be told on a session's next page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// What the last order came to.
    pub notice: Option<Notice>,
    /// What a vendor said of a secret.
    pub verdict: Option<VerifyView>,
}

/// Where a request came in: the scheme and the names that are ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    scheme: &'static str,
    hosts: Vec<String>,
    caller: String,
}

impl Place {
    /// A place reached without encryption, which is this machine alone. The first name is the one that we use.
    pub fn plain(hosts: Vec<String>) -> Self {
        Self { scheme: "http", hosts, caller: String::new() }
    }

    /// A place reached by https alone.
    pub fn secure(hosts: Vec<String>) -> Self {
        Self { scheme: "https", hosts, caller: String::new() }
    }

    /// Says which address a request came from, where somebody trustworthy knows it.
    pub fn with_caller(self, caller: impl Into<String>) -> Self {
        Self { caller: caller.into(), ..self }
    }

    /// Returns the address that the request came from; empty where nobody knows.
    pub fn caller(&self) -> &str {
        &self.caller
    }

    /// Says whether the way here is encrypted.
    pub fn is_secure(&self) -> bool {
        self.scheme == "https"
    }

    /// Returns the address of our pages, without a path.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.hosts.first().map(String::as_str).unwrap_or_default())
    }

    /// Says whether a request is for us: a name that somebody made point to us is theirs, and is refused.
    pub(crate) fn is_ours(&self, headers: &HeaderMap) -> bool {
        let named = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
        self.hosts.iter().any(|host| host == named)
    }

    /// Says whether an order comes from a page of ours. Browsers say where one comes from; one that comes from elsewhere is
    /// refused whatever it carries.
    pub(crate) fn is_own_order(&self, headers: &HeaderMap) -> bool {
        let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
        let origin = headers.get(ORIGIN).map(|value| value.to_str().unwrap_or_default());
        let is_ours = |origin: &str| self.hosts.iter().any(|host| origin == format!("{}://{host}", self.scheme));
        site.is_none_or(|site| site == "same-origin") && origin.is_none_or(is_ours)
    }
}

/// Decides who is let in, and keeps what is told to a session once.
///
/// A door that cannot look whether somebody may come in lets nobody in: it says so in its answer to the stranger.
pub trait Door: Send + Sync {
    /// Returns who asks; `None` for a stranger.
    fn guest(&self, place: &Place, headers: &HeaderMap) -> impl Future<Output = Option<Guest>> + Send;

    /// Answers a request that is about coming in; `None` for any other. `guest` is who asks, where somebody is known.
    fn receive(
        &self,
        place: &Place,
        head: &Parts,
        guest: Option<&Guest>,
    ) -> impl Future<Output = Option<Response<Bytes>>> + Send;

    /// Returns who a program is that shows this token; `None` for a stranger.
    fn bearer(&self, _token: &str) -> Option<Actor> {
        None
    }

    /// Answers a stranger who asks for anything else.
    fn stranger(&self, place: &Place, head: &Parts) -> Response<Bytes>;

    /// Ends a guest's session.
    fn leave(&self, place: &Place, guest: &Guest) -> impl Future<Output = Response<Bytes>> + Send;

    /// Returns what is to be told to a guest; what is left of it is kept again.
    fn told(&self, place: &Place, headers: &HeaderMap, guest: &Guest) -> Told;

    /// Keeps what is to be told on the guest's next page, in memory or in the answer.
    fn keep(&self, place: &Place, headers: &HeaderMap, guest: &Guest, told: Told, answer: &mut Response<Bytes>);
}

/// Returns the names and values of all cookies.
pub fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let sent = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    sent.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
}
