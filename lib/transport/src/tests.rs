//! The transport against a rude server on loopback: it keeps silent, talks without end, breaks off and lies.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use apis::account::{Account, Surroundings};
use apis::call::{Call, Method, Reply, Secret, SecretText, Text};
use apis::vendors;
use engine::ports::{Route, SendError, Transport as _};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use url::Url;

use super::*;

/// One act of the server on a connection.
#[derive(Clone)]
enum Act {
    /// Reads a request to the end of its head.
    Hear,
    /// Writes these bytes.
    Say(&'static str),
    /// Writes a byte now and then until the other side hangs up.
    Drip,
    /// Writes one chunk after the other until the other side hangs up.
    Babble,
    /// Says nothing until the other side hangs up.
    Brood,
    /// Breaks the connection with a reset instead of an end.
    Reset,
}
use Act::{Babble, Brood, Drip, Hear, Reset, Say};

const FINE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nx-odd: \u{fc}\r\n\r\nfine";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// A server that plays one script per connection, in turn, and ends each connection after its script.
struct Rude {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Rude {
    async fn with(scripts: Vec<Vec<Act>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        tokio::spawn(async move {
            for script in scripts {
                let (stream, _) = listener.accept().await.unwrap();
                let counter = Arc::clone(&counter);
                tokio::spawn(play(stream, script, counter));
            }
        });
        Self { address, requests }
    }

    fn call(&self) -> Call {
        Call::get(Url::parse(&format!("http://{}/v1/tenants?apikey=canary", self.address)).unwrap())
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// An error of the socket means that the client has hung up, which ends the script.
async fn play(mut stream: TcpStream, script: Vec<Act>, requests: Arc<AtomicUsize>) -> io::Result<()> {
    for act in script {
        match act {
            Hear => {
                let mut heard = Vec::new();
                while !heard.ends_with(b"\r\n\r\n") {
                    heard.push(stream.read_u8().await?);
                }
                requests.fetch_add(1, Ordering::SeqCst);
            }
            Say(text) => stream.write_all(text.as_bytes()).await?,
            Drip => {
                let mut drops = tokio::time::interval(Duration::from_millis(10));
                loop {
                    drops.tick().await;
                    stream.write_all(b"1\r\n.\r\n").await?;
                }
            }
            Babble => loop {
                stream.write_all(b"10\r\n0123456789abcdef\r\n").await?;
            },
            Brood => drop(stream.read_to_end(&mut Vec::new()).await?),
            Reset => stream.set_zero_linger()?,
        }
    }
    Ok(())
}

fn transport(limits: Limits) -> Transport {
    Transport::new(Options { loopback: Loopback::Allowed, limits, tls: None })
}

/// Sends one call to a server with one script, and checks that no error ever shows the key in the query.
async fn answer_of(script: Vec<Act>, limits: Limits) -> Result<Reply, SendError> {
    let server = Rude::with(vec![script]).await;
    let answer = transport(limits).send(&server.call(), &Route::default()).await;
    if let Err(error) = &answer {
        assert_secretless(error);
    }
    answer
}

fn assert_secretless(error: &SendError) {
    let mut shown = format!("{error:?}");
    let mut source: Option<&dyn Error> = Some(error);
    while let Some(cause) = source {
        shown.push_str(&cause.to_string());
        source = cause.source();
    }
    assert!(!shown.contains("canary"), "{shown}");
}

fn impatient() -> Limits {
    Limits { silence: Duration::from_millis(50), ..Limits::default() }
}

#[tokio::test]
async fn a_reply_has_status_lower_case_headers_and_body() {
    let reply = answer_of(vec![Hear, Say(FINE)], Limits::default()).await.unwrap();
    assert_eq!((reply.status, reply.body.as_slice()), (200, b"fine".as_slice()));
    assert_eq!(reply.header("content-length"), Some("4"));
    assert_eq!(reply.header("x-odd"), Some("\u{fc}"));
}

#[tokio::test]
async fn an_error_status_is_a_reply_with_its_body() {
    let script = vec![Hear, Say("HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\ncontent-length: 2\r\n\r\nno")];
    let reply = answer_of(script, Limits::default()).await.unwrap();
    assert_eq!((reply.status, reply.header("retry-after"), reply.body.as_slice()), (429, Some("7"), b"no".as_slice()));
}

#[tokio::test]
async fn a_redirect_is_given_back_and_not_followed() {
    let server =
        Rude::with(vec![vec![Hear, Say("HTTP/1.1 308 Moved\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n"), Hear]])
            .await;
    let reply = transport(Limits::default()).send(&server.call(), &Route::default()).await.unwrap();
    assert_eq!((reply.status, reply.header("location")), (308, Some("/other")));
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_server_that_never_answers_times_out() {
    let error = answer_of(vec![Hear, Brood], impatient()).await.unwrap_err();
    assert!(matches!(error, SendError::TimedOut { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_stops_within_its_headers_times_out() {
    let error = answer_of(vec![Hear, Say("HTTP/1.1 200 OK\r\ncontent-"), Brood], impatient()).await.unwrap_err();
    assert!(matches!(error, SendError::TimedOut { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_stops_within_its_body_times_out() {
    let script = vec![Hear, Say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart"), Brood];
    let error = answer_of(script, impatient()).await.unwrap_err();
    assert!(matches!(error, SendError::TimedOut { .. }), "{error:?}");
}

#[tokio::test]
async fn a_body_that_drips_for_ever_ends_at_the_total_limit() {
    let limits = Limits { total: Duration::from_millis(100), ..Limits::default() };
    let error = answer_of(vec![Hear, Say(CHUNKED), Drip], limits).await.unwrap_err();
    assert!(matches!(error, SendError::TimedOut { seconds: 1, .. }), "{error:?}");
}

#[tokio::test]
async fn a_body_announced_too_large_is_not_read() {
    let limits = Limits { body_bytes_max: 100, ..Limits::default() };
    let script = vec![Hear, Say("HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n"), Brood];
    let error = answer_of(script, limits).await.unwrap_err();
    assert!(matches!(error, SendError::TooLarge { bytes_max: 100, .. }), "{error:?}");
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_limit() {
    let limits = Limits { body_bytes_max: 100_000, ..Limits::default() };
    let error = answer_of(vec![Hear, Say(CHUNKED), Babble], limits).await.unwrap_err();
    assert!(matches!(error, SendError::TooLarge { bytes_max: 100_000, .. }), "{error:?}");
}

#[tokio::test]
async fn a_body_exactly_as_long_as_the_limit_is_read() {
    let limits = Limits { body_bytes_max: 4, ..Limits::default() };
    assert_eq!(answer_of(vec![Hear, Say(FINE)], limits).await.unwrap().body, b"fine");
}

#[tokio::test]
async fn a_body_shorter_than_announced_is_broken_and_not_a_short_page() {
    let script = vec![Hear, Say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart")];
    let error = answer_of(script, Limits::default()).await.unwrap_err();
    assert!(matches!(error, SendError::Broken { .. }), "{error:?}");
}

#[tokio::test]
async fn a_chunked_body_without_its_end_is_broken() {
    let error = answer_of(vec![Hear, Say(CHUNKED), Say("4\r\npart\r\n")], Limits::default()).await.unwrap_err();
    assert!(matches!(error, SendError::Broken { .. }), "{error:?}");
}

#[tokio::test]
async fn a_body_longer_than_announced_is_cut_at_what_was_announced() {
    let script = vec![Hear, Say("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine and more"), Brood];
    assert_eq!(answer_of(script, Limits::default()).await.unwrap().body, b"fine");
}

#[tokio::test]
async fn what_is_not_http_is_broken() {
    let server = Rude::with(vec![vec![Hear, Say("220 mail.example ESMTP\r\n")], vec![Hear, Say("220 \r\n")]]).await;
    let error = transport(Limits::default()).send(&server.call(), &Route::default()).await.unwrap_err();
    assert!(matches!(error, SendError::Broken { .. }), "{error:?}");
    assert_secretless(&error);
}

#[tokio::test]
async fn a_reset_within_the_body_is_broken_and_not_repeated() {
    let script = vec![Hear, Say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart"), Reset];
    let server = Rude::with(vec![script, vec![Hear, Say(FINE)]]).await;
    let error = transport(Limits::default()).send(&server.call(), &Route::default()).await.unwrap_err();
    assert!(matches!(error, SendError::Broken { .. }), "{error:?}");
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_kept_connection_that_died_is_replaced_without_a_word() {
    for dying in [vec![Hear, Say(FINE)], vec![Hear, Say(FINE), Hear], vec![Hear, Say(FINE), Hear, Reset]] {
        let server = Rude::with(vec![dying, vec![Hear, Say(FINE), Hear, Say(FINE), Brood]]).await;
        let transport = transport(Limits::default());
        for _ in 0..3 {
            assert_eq!(transport.send(&server.call(), &Route::default()).await.unwrap().body, b"fine");
        }
    }
}

#[tokio::test]
async fn a_server_that_breaks_every_connection_is_asked_twice_and_no_more() {
    let server = Rude::with(vec![vec![Hear], vec![Hear, Reset], vec![Hear, Say(FINE)]]).await;
    let error = transport(Limits::default()).send(&server.call(), &Route::default()).await.unwrap_err();
    assert!(matches!(error, SendError::Broken { .. }), "{error:?}");
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_post_that_broke_is_not_repeated() {
    let server = Rude::with(vec![vec![Hear], vec![Hear, Say(FINE)]]).await;
    let call = Call { method: Method::Post, body: Some(Text::Plain(String::new())), ..server.call() };
    let error = transport(Limits::default()).send(&call, &Route::default()).await.unwrap_err();
    assert!(matches!(error, SendError::Broken { .. }), "{error:?}");
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_header_that_cannot_be_carried_is_named_and_its_value_hidden() {
    let server = Rude::with(vec![vec![Hear, Say(FINE)]]).await;
    let mut call = server.call();
    call.headers.push(("authorization", Text::Secret(SecretText::new("canary\nx: y"))));
    let error = transport(Limits::default()).send(&call, &Route::default()).await.unwrap_err();
    assert_secretless(&error);
    assert!(error.source().unwrap().to_string().contains("authorization"));
    assert_eq!(server.requests(), 0);
}

// ------------------------------------------------------------------------------------------------------ who is called

/// The names that the tests resolve; any other does not exist.
fn table(name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
    let addresses: &[&str] = match name.as_str() {
        "inward.example" => &["127.0.0.1"],
        "half-inward.example" => &["93.184.216.34", "::1"],
        "metadata.example" => &["169.254.169.254"],
        "office.example" => &["192.168.7.7"],
        "localhost" => &["203.0.113.9"],
        _ => &[],
    };
    let found = addresses.iter().map(|address| address.parse().unwrap()).collect::<Vec<IpAddr>>();
    Box::pin(async move { if found.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(found) } })
}

async fn check_forbidden(loopback: Loopback, url: &str, allow_private: bool, expected: &str) {
    let mut transport = Transport::new(Options { loopback, ..Options::default() });
    transport.lookup = table;
    let error = transport
        .send(&Call::get(Url::parse(url).unwrap()), &Route { allow_private, ca_file: None })
        .await
        .unwrap_err();
    assert_secretless(&error);
    match error {
        SendError::Forbidden { why, .. } => assert!(why.contains(expected), "{url}: {why:?} instead of {expected:?}"),
        other => panic!("{url}: {other:?} instead of {expected:?}"),
    }
}

#[tokio::test]
async fn urls_that_may_not_be_called_are_refused_by_rule() {
    for (url, expected) in [
        ("ftp://vendor.example/", "only https"),
        ("http://vendor.example/", "plain http"),
        ("http://8.8.8.8/", "plain http"),
        ("http://10.0.0.1/", "plain http"),
        ("http://127.0.0.1:1/", "loopback"),
        ("https://127.0.0.1:1/", "loopback"),
        ("https://0x7f.1/", "loopback"),
        ("https://2130706433/", "loopback"),
        ("https://[::1]/", "loopback"),
        ("https://[::ffff:127.0.0.1]/", "loopback"),
        ("http://localhost/", "loopback"),
        ("https://localhost./", "loopback"),
        ("http://auvik.localhost/", "loopback"),
        ("https://10.0.0.1/", "private"),
        ("https://169.254.169.254/latest/meta-data/?x=canary", "metadata"),
        ("https://[fd00:ec2::254]/", "metadata"),
        ("https://0.0.0.0/", "unspecified"),
        ("https://canary:canary@vendor.example/", "user or password"),
        ("https://inward.example/?x=canary", "127.0.0.1"),
        ("https://half-inward.example/", "::1"),
        ("https://metadata.example/", "metadata"),
        ("https://office.example/", "private"),
    ] {
        check_forbidden(Loopback::Refused, url, false, expected).await;
    }
}

#[tokio::test]
async fn allow_private_opens_no_way_to_this_machine_or_the_metadata() {
    for (url, expected) in [
        ("http://10.0.0.1/", "plain http"),
        ("https://127.0.0.1/", "loopback"),
        ("https://169.254.169.254/", "metadata"),
        ("https://metadata.example/", "metadata"),
        ("https://inward.example/", "loopback"),
    ] {
        check_forbidden(Loopback::Refused, url, true, expected).await;
    }
}

#[tokio::test]
async fn allowed_loopback_opens_nothing_else() {
    for (url, expected) in [
        ("http://vendor.example/", "plain http"),
        ("http://10.0.0.1/", "plain http"),
        ("https://inward.example/", "loopback"),
        ("https://office.example/", "private"),
        ("http://localhost/", "not an address of this machine"),
    ] {
        check_forbidden(Loopback::Allowed, url, false, expected).await;
    }
}

#[tokio::test]
async fn no_connection_is_made_where_a_name_leads_inward() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    check_forbidden(Loopback::Allowed, &format!("https://inward.example:{port}/"), true, "loopback").await;
    let listener = listener.into_std().unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn localhost_is_called_by_name_too() {
    let server = Rude::with(vec![vec![Hear, Say(FINE)]]).await;
    let mut transport = transport(Limits::default());
    transport.lookup = |_| Box::pin(async { Ok(vec![IpAddr::from([127, 0, 0, 1])]) });
    let call = Call::get(Url::parse(&format!("http://localhost:{}/", server.address.port())).unwrap());
    assert_eq!(transport.send(&call, &Route::default()).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_a_broken_connection() {
    let mut transport = transport(Limits::default());
    transport.lookup = table;
    let call = Call::get(Url::parse("https://nowhere.example/?x=canary").unwrap());
    let error = transport.send(&call, &Route::default()).await.unwrap_err();
    assert!(matches!(error, SendError::Broken { .. }), "{error:?}");
    assert_secretless(&error);
}

// ---------------------------------------------------------------------------------------------------------------- TLS

/// Answers one call over TLS as `localhost`, with a certificate of an authority that no system trusts. Both certificates
/// are made up, valid from 2020 to 2119; the authority's key was thrown away, and the server's opens nothing else.
async fn tls_server(answer: &'static str) -> SocketAddr {
    let chain = vec![CertificateDer::from_pem_slice(include_bytes!("../fixtures/server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../fixtures/server_key.pem")).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        let mut stream = acceptor.accept(stream).await?;
        let mut heard = Vec::new();
        while !heard.ends_with(b"\r\n\r\n") {
            heard.push(stream.read_u8().await?);
        }
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    });
    address
}

async fn call_tls_server(ca_file: Option<&str>, host: &str) -> Result<Reply, SendError> {
    let mut transport = Transport::new(Options { loopback: Loopback::Allowed, ..Options::default() });
    transport.lookup = |_| Box::pin(async { Ok(vec![IpAddr::from([127, 0, 0, 1])]) });
    let port = tls_server(FINE).await.port();
    let call = Call::get(Url::parse(&format!("https://{host}:{port}/?x=canary")).unwrap());
    let route = Route { allow_private: false, ca_file: ca_file.map(Into::into) };
    let answer = transport.send(&call, &route).await;
    answer.inspect_err(assert_secretless)
}

const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/authority.pem");

#[tokio::test]
async fn a_certificate_of_an_extra_authority_is_trusted() {
    assert_eq!(call_tls_server(Some(AUTHORITY), "localhost").await.unwrap().body, b"fine");
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_or_for_another_name_is_refused() {
    for (roots, host) in [(None, "localhost"), (Some(AUTHORITY), "vendor.localhost")] {
        let error = call_tls_server(roots, host).await.unwrap_err();
        let mut causes = format!("{error}");
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        assert!(matches!(error, SendError::Broken { .. }) && causes.contains("certificate"), "{host}: {causes}");
    }
}

/// A vendor's server in an MSP's own house, which says where its API is.
const COMPANY: &str = concat!(
    "HTTP/1.1 200 OK\r\ncontent-length: 59\r\n\r\n",
    r#"{"Codebase":"v4_6_release/","SiteUrl":"cw","IsCloud":false}"#
);

#[tokio::test]
async fn a_vendors_own_server_is_reached_with_the_authority_that_its_setting_names_and_not_without() {
    let transport = Transport::new(Options { loopback: Loopback::Allowed, ..Options::default() });
    for ca_file in [Some(AUTHORITY), None] {
        let url = format!("https://localhost:{}", tls_server(COMPANY).await.port());
        let settings = [("url", url.as_str()), ("company_id", "larchmsp"), ("ca_file", ca_file.unwrap_or_default())];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let secret =
            ["public_key", "private_key", "client_id"].map(|part| (part.to_owned(), SecretText::new("canary")));
        let vendor = vendors::find("connectwise").unwrap();
        let surroundings = Surroundings { allow_loopback: true };
        let account = Account::new(vendor, settings, Secret(secret.into()), &surroundings).unwrap();
        let answer = transport.send(&account.opening().unwrap(), &Route::of(&account)).await;
        match ca_file {
            Some(_) => {
                let opened = account.open(&answer.unwrap()).unwrap();
                assert_eq!(opened.base().as_str(), format!("{url}/v4_6_release/apis/3.0/"));
            }
            None => assert!(matches!(answer.unwrap_err(), SendError::Broken { .. })),
        }
    }
}

#[test]
fn only_the_value_1_allows_loopback() {
    assert_eq!(Loopback::from_setting(Some("1")), Loopback::Allowed);
    for value in [None, Some(""), Some("0"), Some("true"), Some(" 1")] {
        assert_eq!(Loopback::from_setting(value), Loopback::Refused, "{value:?}");
    }
}

#[tokio::test]
async fn a_ca_file_without_a_certificate_is_refused_before_a_byte_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    for (name, pem) in [("empty", ""), ("text", "hello"), ("torn", "-----BEGIN CERTIFICATE-----\n!!\n")] {
        let file = folder.path().join(name);
        std::fs::write(&file, pem).unwrap();
        let error = call_tls_server(file.to_str(), "localhost").await.unwrap_err();
        assert!(matches!(&error, SendError::Forbidden { why, .. } if why.contains("ca_file")), "{error}");
    }
    let error = call_tls_server(Some("/nowhere/ca.pem"), "localhost").await.unwrap_err();
    assert!(matches!(&error, SendError::Forbidden { why, .. } if why.contains("/nowhere/ca.pem")), "{error}");
}
