//! The [`engine::ports::Transport`] port over reqwest.
//!
//! A call goes out only if its URL and every address its name leads to may be called (see [`Transport`]); an answer is
//! read up to a limit and within time limits. Redirects are not followed, environment proxies are not used (a proxy
//! would resolve the name out of our sight), and no body is compressed: the size limit then means what it says, and
//! pages of a few hundred kilobytes a second are far from any link's limit.
//!
//! Nothing here knows a vendor, waits for a rate limit, or repeats a call that a vendor answered: those decisions are
//! the engine's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use apis::call::{Call, Method, Reply, Text, redacted};
use engine::ports::{Route, SendError};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client};
use tls::{CertificateDer, Tls};
use url::{Host, Url};

mod address;
mod resolver;

use address::Reach;
use resolver::{Guarded, LeadsInward, Lookup};

/// Whether this process may call its own machine, also by plain http: for the sandbox and for tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Loopback {
    /// Calls to this machine are refused.
    #[default]
    Refused,
    /// Calls to `127.0.0.0/8`, `::1` and `localhost` are let through.
    Allowed,
}

impl Loopback {
    /// Reads the value of the environment variable `MSP_SYNC_ALLOW_LOOPBACK`: only `1` allows.
    pub fn from_setting(value: Option<&str>) -> Self {
        if value == Some("1") { Loopback::Allowed } else { Loopback::Refused }
    }
}

/// How long and how much a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands, TLS included.
    pub connect: Duration,
    /// Between two pieces of an answer, and until its first.
    pub silence: Duration,
    /// For the whole call, a repetition included; below the time that the engine keeps in hand when it sends a call.
    pub total: Duration,
    /// For the body; the largest pages known (1 000 devices with details) have about 2 MB.
    pub body_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            total: Duration::from_secs(45),
            body_bytes_max: 16 * 1024 * 1024,
        }
    }
}

/// What a transport is made from.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whether this machine may be called.
    pub loopback: Loopback,
    /// Time and size limits.
    pub limits: Limits,
    /// Whom to trust; the machine's certificates where nothing is said.
    pub tls: Option<Tls>,
}

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The HTTP client cannot be built; on Linux most often because the machine has no CA certificates.
    #[error("the HTTPS client could not be built; are the machine's CA certificates installed?")]
    Client {
        /// Why.
        #[source]
        cause: reqwest::Error,
    },
}

/// Carries calls to vendors.
///
/// Refused before a byte is sent, as [`SendError::Forbidden`]:
/// - any scheme but https; plain http goes to this machine only, and only with [`Loopback::Allowed`];
/// - a URL with a user or password in it;
/// - an address that is not public, written out or as one of those that the name resolves to. `allow_private` lets RFC
///   1918 and unique local addresses through, never link-local, metadata or loopback ones. `localhost` and loopback
///   addresses are reached only when written out: another name that leads to this machine is refused.
///
/// A GET or HEAD whose connection breaks before any answer is sent once more: a pooled connection may have died while
/// the process was frozen or idle. Nothing else is repeated.
///
/// Clients are built at first use, one for each reach, and kept; [`Transport::prepare`] does it ahead of time.
#[derive(Debug)]
pub struct Transport {
    loopback: Loopback,
    limits: Limits,
    tls: Option<Tls>,
    extra_roots: Vec<CertificateDer<'static>>,
    lookup: Lookup,
    public: OnceLock<Client>,
    private: OnceLock<Client>,
    this_machine: OnceLock<Client>,
    trusting: Mutex<BTreeMap<PathBuf, Arc<Transport>>>,
}

/// Idle connections are dropped after this: shorter than the idle limits of common load balancers (60 s and more), long
/// enough for a paced vendor (one call a second at the slowest pace that keeps one open).
const POOL_IDLE: Duration = Duration::from_secs(15);

/// Connections kept per host: as many as any vendor lets be in flight.
const POOL_CONNECTIONS_MAX: usize = 4;

impl Transport {
    /// Makes a transport; no network or file is touched.
    pub fn new(options: Options) -> Self {
        Self {
            loopback: options.loopback,
            limits: options.limits,
            tls: options.tls,
            extra_roots: Vec::new(),
            lookup: resolver::system_lookup,
            public: OnceLock::new(),
            private: OnceLock::new(),
            this_machine: OnceLock::new(),
            trusting: Mutex::new(BTreeMap::new()),
        }
    }

    /// Builds the client for public addresses, which loads the machine's certificates unless [`Options::tls`] brings some:
    /// at a start that costs less than in the first call, where somebody waits.
    pub fn prepare(&self) -> Result<(), TransportError> {
        self.client(Reach::Public).map(drop)
    }

    fn client(&self, reach: Reach) -> Result<&Client, TransportError> {
        let cell = match reach {
            Reach::Public => &self.public,
            Reach::Private => &self.private,
            Reach::Loopback => &self.this_machine,
        };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let client = self.build(reach).map_err(|cause| TransportError::Client { cause })?;
        Ok(cell.get_or_init(|| client))
    }

    fn build(&self, reach: Reach) -> reqwest::Result<Client> {
        let builder = Client::builder()
            .user_agent(concat!("msp-sync/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(self.limits.connect)
            .read_timeout(self.limits.silence)
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_CONNECTIONS_MAX)
            .dns_resolver(Guarded { lookup: self.lookup, reach });
        let extra = || self.extra_roots.iter().map(|root| Certificate::from_der(root)).collect::<Result<Vec<_>, _>>();
        match (reach, &self.tls) {
            (Reach::Loopback, _) => builder.tls_certs_only(extra()?).build(),
            (Reach::Public | Reach::Private, None) => builder.tls_certs_merge(extra()?).build(),
            (Reach::Public | Reach::Private, Some(tls)) => {
                let config = tls.and_trusting(&self.extra_roots).client(&["h2", "http/1.1"]);
                builder.tls_backend_preconfigured(config).build()
            }
        }
    }

    /// Judges the URL by itself; names are judged when they are resolved.
    fn admit(&self, url: &Url, allow_private: bool) -> Result<Reach, &'static str> {
        let plain = match url.scheme() {
            "https" => false,
            "http" => true,
            _ => return Err("only https is called"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the URL has a user or password in it");
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(_)) => None,
            None => return Err("the URL has no host"),
        };
        let this_machine = match address {
            Some(address) => address::refusal(address, Reach::Loopback).is_none(),
            None => url.host_str().is_some_and(is_localhost),
        };
        if this_machine {
            return match self.loopback {
                Loopback::Allowed => Ok(Reach::Loopback),
                Loopback::Refused => Err("it is a loopback address"),
            };
        }
        if plain {
            return Err("plain http is not called");
        }
        let reach = if allow_private { Reach::Private } else { Reach::Public };
        match address.and_then(|address| address::refusal(address, reach)) {
            Some(why) => Err(why),
            None => Ok(reach),
        }
    }

    async fn attempt(
        &self,
        client: &Client,
        call: &Call,
        headers: &HeaderMap,
        left: Duration,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let verb = match call.method {
            Method::Get => reqwest::Method::GET,
            Method::Head => reqwest::Method::HEAD,
            Method::Post => reqwest::Method::POST,
        };
        let mut request = client.request(verb, call.url.clone()).headers(headers.clone()).timeout(left);
        if let Some(body) = &call.body {
            request = request.body(body.expose().to_owned());
        }
        request.send().await
    }

    async fn read(&self, host: &str, mut response: reqwest::Response) -> Result<Reply, ReadError> {
        let bytes_max = self.limits.body_bytes_max;
        let too_large = || ReadError::Known(SendError::TooLarge { host: host.to_owned(), bytes_max });
        let announced = response.content_length().unwrap_or(0);
        if announced > bytes_max as u64 {
            return Err(too_large());
        }
        let mut body = Vec::with_capacity(announced as usize);
        while let Some(chunk) = response.chunk().await.map_err(ReadError::Unknown)? {
            if body.len() + chunk.len() > bytes_max {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        let headers = response.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        Ok(Reply { status: response.status().as_u16(), headers, body })
    }

    /// Tells what a failure means. The error loses its URL on the way, whose query may hold a key.
    fn failure(&self, host: &str, error: reqwest::Error, elapsed: Duration) -> SendError {
        let host = host.to_owned();
        let error = error.without_url();
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(cause) = source {
            if let Some(inward) = cause.downcast_ref::<LeadsInward>() {
                return SendError::Forbidden { host, why: inward.to_string() };
            }
            source = cause.source();
        }
        if error.is_timeout() {
            let limit = if error.is_connect() {
                self.limits.connect
            } else if elapsed >= self.limits.total {
                self.limits.total
            } else {
                self.limits.silence
            };
            return SendError::TimedOut { host, seconds: limit.as_secs().max(1) };
        }
        SendError::Broken { host, cause: error.into() }
    }
}

/// Tells a name that stands for this machine by definition (RFC 6761); what it resolves to is judged like any other.
fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

/// Why an answer could not be read.
enum ReadError {
    Known(SendError),
    Unknown(reqwest::Error),
}

/// Tells a connection that broke before any answer from one that could not be made or stayed silent.
fn broke_before_an_answer(error: &reqwest::Error) -> bool {
    error.is_request() && !error.is_connect() && !error.is_timeout()
}

/// Makes the headers; an error names the header and never shows its value.
fn header_map(call: &Call) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, text) in &call.headers {
        let unfit = || format!("the header {name} holds characters that a header cannot carry");
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit())?;
        let mut value = HeaderValue::from_str(text.expose()).map_err(|_| unfit())?;
        value.set_sensitive(matches!(text, Text::Secret(_)));
        headers.append(key, value);
    }
    Ok(headers)
}

impl engine::ports::Transport for Transport {
    async fn send(&self, call: &Call, route: &Route) -> Result<Reply, SendError> {
        match &route.ca_file {
            None => self.carry(call, route.allow_private).await,
            Some(file) => self.trusting(file, call)?.carry(call, route.allow_private).await,
        }
    }
}

impl Transport {
    /// Returns the transport that trusts the certificates of a file, too; it is made at first use and kept.
    fn trusting(&self, file: &Path, call: &Call) -> Result<Arc<Transport>, SendError> {
        let mut known = self.trusting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(transport) = known.get(file) {
            return Ok(Arc::clone(transport));
        }
        let forbidden = |why: String| SendError::Forbidden {
            host: call.url.host_str().unwrap_or_default().to_owned(),
            why: format!("the setting ca_file names {}, but {why}", file.display()),
        };
        let pem = std::fs::read(file).map_err(|error| forbidden(error.to_string()))?;
        let extra_roots = tls::certificates(&pem).unwrap_or_default();
        if extra_roots.is_empty() {
            return Err(forbidden("it holds no readable PEM certificate".to_owned()));
        }
        let options = Options { loopback: self.loopback, limits: self.limits, tls: self.tls.clone() };
        let transport = Arc::new(Transport { extra_roots, lookup: self.lookup, ..Transport::new(options) });
        known.insert(file.to_owned(), Arc::clone(&transport));
        Ok(transport)
    }

    async fn carry(&self, call: &Call, allow_private: bool) -> Result<Reply, SendError> {
        let host = call.url.host_str().unwrap_or_default();
        let reach = self
            .admit(&call.url, allow_private)
            .map_err(|why| SendError::Forbidden { host: host.to_owned(), why: why.to_owned() })?;
        let broken = |cause| SendError::Broken { host: host.to_owned(), cause };
        let client = self.client(reach).map_err(|error| broken(error.into()))?;
        let headers = header_map(call).map_err(|text| broken(text.into()))?;

        let started = Instant::now();
        let left = || self.limits.total.saturating_sub(started.elapsed());
        let mut answer = self.attempt(client, call, &headers, left()).await;
        if call.method != Method::Post && answer.as_ref().is_err_and(broke_before_an_answer) {
            tracing::debug!(host, "the connection broke before an answer; the call is sent once more");
            answer = self.attempt(client, call, &headers, left()).await;
        }
        let reply = match answer {
            Ok(response) => self.read(host, response).await,
            Err(error) => Err(ReadError::Unknown(error)),
        };
        let reply = reply.map_err(|error| match error {
            ReadError::Known(error) => error,
            ReadError::Unknown(error) => self.failure(host, error, started.elapsed()),
        });
        let duration_ms = started.elapsed().as_millis() as u64;
        match &reply {
            Ok(reply) => tracing::debug!(
                url = redacted(&call.url),
                method = call.method.verb(),
                status = reply.status,
                bytes = reply.body.len(),
                duration_ms,
                "a vendor answered"
            ),
            Err(error) => {
                tracing::debug!(url = redacted(&call.url), %error, duration_ms, "a vendor gave no answer");
            }
        }
        reply
    }
}

#[cfg(test)]
mod tests;
