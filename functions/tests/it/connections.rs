//! What a start does for the first event: certificates read, connections open. AWS is a server with TLS on this machine.

use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::runtime_api::Function;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../lib/transport/fixtures");
const VENDOR: &str = env!("CARGO_BIN_EXE_auvik");
const RECONCILER: &str = env!("CARGO_BIN_EXE_reconciler");
const CONSOLE: &str = env!("CARGO_BIN_EXE_console");

/// A stand-in of AWS that has nothing, and remembers in order what came: handshakes, and the first word of each request.
struct Bare {
    url: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Bare {
    async fn start() -> Self {
        let file = |name: &str| Path::new(FIXTURES).join(name);
        let chain = vec![CertificateDer::from_pem_file(file("server.pem")).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_file(file("server_key.pem")).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the defaults")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("they belong together");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        // The certificate is for this name.
        let url = format!("https://localhost:{}", listener.local_addr().expect("it has an address").port());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, acceptor.clone(), Arc::clone(&log)));
            }
        });
        Self { url, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("no one panics").clone()
    }
}

/// Answers every request with an empty find until the other side hangs up.
async fn answer(stream: TcpStream, acceptor: TlsAcceptor, log: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let told = |what: &str| log.lock().expect("no one panics").push(what.to_owned());
    let mut stream = acceptor.accept(stream).await?;
    told("handshake");
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        stream.read_exact(&mut vec![0; length]).await?;
        told(head.split(' ').next().unwrap_or_default());
        let found = r#"{"Count":0,"Items":[],"Responses":{},"UnprocessedKeys":{}}"#;
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n{found}",
            found.len()
        );
        stream.write_all(answer.as_bytes()).await?;
    }
}

/// Starts a function that finds AWS at `url` and trusts the certificates of `bundle`.
async fn start(binary: &str, url: &str, bundle: &str) -> Function {
    let queue = format!("{url}/000000000000/records.fifo");
    let variables = [
        ("AWS_ENDPOINT_URL", url),
        ("SSL_CERT_FILE", bundle),
        ("TABLE_NAME", "catalogue"),
        ("RECORDS_QUEUE_URL", queue.as_str()),
        ("SECRET_PREFIX", "msp-sync"),
        ("CONTINUATION_GROUP", "continuations"),
        ("SCHEDULE_GROUP", "schedules"),
        ("SCHEDULER_ROLE_ARN", "arn:aws:iam::123456789012:role/scheduler"),
        ("FUNCTION_ARN_PREFIX", "arn:aws:lambda:eu-west-1:123456789012:function:msp-sync-"),
        ("FAILED_EVENTS_ARN", "arn:aws:sqs:eu-west-1:123456789012:failed-events"),
    ];
    Function::start(binary, &variables).await
}

/// An event that makes the function read the table, and no more.
fn event(binary: &str) -> Value {
    match binary {
        CONSOLE => json!({
            "version": "2.0",
            "rawPath": "/ask/viewer",
            "requestContext": {
                "http": {"method": "POST", "path": "/ask/viewer"},
                "authorizer": {"iam": {"userArn": "arn:aws:iam::123456789012:user/a"}},
            },
            "body": json!({"ask": "status", "id": null, "page": {"limit": 100}}).to_string(),
            "isBase64Encoded": false,
        }),
        RECONCILER => {
            let body = json!({"do": "look", "run": "auvik-main.20261122T200000000Z"}).to_string();
            let attributes = json!({"ApproximateReceiveCount": "1", "MessageGroupId": "a"});
            json!({"Records": [{"messageId": "m", "receiptHandle": "r", "body": body, "attributes": attributes}]})
        }
        _ => json!({"integration": "auvik-main", "force": false}),
    }
}

#[tokio::test]
async fn the_first_event_finds_certificates_read_and_connections_open() {
    for binary in [VENDOR, RECONCILER, CONSOLE] {
        let aws = Bare::start().await;
        let folder = tempfile::tempdir().expect("a folder");
        let bundle = folder.path().join("bundle.pem");
        std::fs::copy(Path::new(FIXTURES).join("authority.pem"), &bundle).expect("it is there");
        let mut function = start(binary, &aws.url, &bundle.to_string_lossy()).await;
        function.started().await;
        assert_eq!(aws.heard(), ["handshake", "get"], "{binary}");
        // Whatever reads it again finds nothing.
        drop(folder);
        let answer = function.invoke(&event(binary)).await;
        let heard = aws.heard();
        assert_eq!(heard.get(2).map(String::as_str), Some("post"), "{binary} asks the table: {heard:?} {answer:?}");
        assert_eq!(heard.iter().filter(|what| *what == "handshake").count(), 1, "{binary}: {heard:?}");
    }
}

#[tokio::test]
async fn a_start_is_held_up_by_no_service() {
    // It takes connections, and never says a word.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let silent = format!("https://localhost:{}", listener.local_addr().expect("it has an address").port());
    let nowhere = TcpListener::bind("127.0.0.1:0").await.expect("a port is free").local_addr().expect("an address");
    for url in [silent, format!("https://localhost:{}", nowhere.port())] {
        let mut function = start(RECONCILER, &url, "").await;
        let failed = function.invoke(&json!({})).await.unwrap_err();
        assert!(failed.message.contains("not a batch"), "{failed:?}");
    }
}

#[tokio::test]
async fn a_bundle_that_is_not_there_is_what_every_event_is_answered() {
    for binary in [VENDOR, RECONCILER, CONSOLE] {
        let mut function = start(binary, "https://localhost:9", "/nowhere/bundle.pem").await;
        let failed = function.invoke(&event(binary)).await.unwrap_err();
        assert!(failed.error_type == "Person" && failed.message.contains("/nowhere/bundle.pem"), "{failed:?}");
    }
}

/// What is in a function is told by the names in its binary, which a dev build keeps.
#[test]
fn a_function_has_no_jitter_source() {
    let program = std::fs::read(RECONCILER).expect("cargo has built it");
    let names = String::from_utf8_lossy(&program);
    assert!(names.contains("RAND_bytes"), "{RECONCILER} has no names that can be read");
    assert!(!names.contains("jent_read_entropy"), "AWS_LC_SYS_NO_JITTER_ENTROPY was not set when it was built");
}
