use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::faults::{Fault, Trouble};
use crate::world::Size;

async fn sandbox() -> Sandbox {
    let world = World::new(&Size { clients: 3, devices: 40, seed: 1 });
    Sandbox::start(0, world).await.unwrap()
}

/// Sends a request as it stands and returns head and body of the answer, as far as it came.
async fn talk(sandbox: &Sandbox, verb: &str, target: &str) -> (String, String) {
    let listing = &sandbox.describe()[0];
    let token = STANDARD.encode(format!("{}:{}", listing.secret["username"], listing.secret["api_key"]));
    let head =
        format!("{verb} {target} HTTP/1.1\r\nhost: x\r\nauthorization: Basic {token}\r\nconnection: close\r\n\r\n");
    say(sandbox.servers[0].address(), head).await
}

/// The same with a head of one's own.
async fn say(address: SocketAddr, head: String) -> (String, String) {
    let raw = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut raw = Vec::new();
        // A cut connection is an error here; what came before it counts.
        let _ = stream.read_to_end(&mut raw);
        String::from_utf8_lossy(&raw).into_owned()
    });
    let raw = raw.await.unwrap();
    let (head, body) = raw.split_once("\r\n\r\n").unwrap_or((&raw, ""));
    (head.to_lowercase(), body.to_owned())
}

fn length(head: &str) -> usize {
    let line = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    line.and_then(|length| length.parse().ok()).expect("the answer says how long it is")
}

#[tokio::test]
async fn links_lead_back_to_the_server_with_raw_and_encoded_brackets_alike() {
    let sandbox = sandbox().await;
    let url = sandbox.describe()[0].url.clone();
    for target in ["/v1/inventory/device/info?page[first]=10", "/v1/inventory/device/info?page%5Bfirst%5D=10"] {
        let (head, body) = talk(&sandbox, "GET", target).await;
        assert!(head.starts_with("http/1.1 200") && head.contains("content-type: application/vnd.api+json"), "{head}");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let next = body["links"]["next"].as_str().unwrap();
        let (head, _) = talk(&sandbox, "GET", next.strip_prefix(&url).unwrap()).await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn head_has_no_body_and_other_verbs_are_refused() {
    let sandbox = sandbox().await;
    let (head, body) = talk(&sandbox, "HEAD", "/authentication/verify").await;
    assert!(head.starts_with("http/1.1 200") && body.is_empty(), "{head}");
    let (head, _) = talk(&sandbox, "DELETE", "/v1/tenants").await;
    assert!(head.starts_with("http/1.1 405"), "{head}");
}

#[tokio::test]
async fn a_cut_connection_never_brings_the_whole_answer() {
    let sandbox = sandbox().await;
    sandbox.auvik.with(|auvik| auvik.trouble(Trouble::new(Fault::CloseConnection).times(1)));
    let (_, cut) = talk(&sandbox, "GET", "/v1/tenants").await;
    let (head, whole) = talk(&sandbox, "GET", "/v1/tenants").await;
    assert!(cut.len() < whole.len(), "{} of {}", cut.len(), whole.len());
    assert_eq!(whole.len(), length(&head));
}

#[tokio::test]
async fn a_slow_body_arrives_whole() {
    let sandbox = sandbox().await;
    sandbox.auvik.with(|auvik| auvik.trouble(Fault::SlowBody { pause: Duration::from_millis(1) }));
    let (head, body) = talk(&sandbox, "GET", "/v1/tenants").await;
    assert_eq!(body.len(), length(&head));
    assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok());
}

#[tokio::test]
async fn the_world_changes_while_it_is_served() {
    let sandbox = sandbox().await;
    let (_, before) = talk(&sandbox, "GET", "/v1/tenants").await;
    sandbox.world.change(|world| world.add_client("Fenwick Joinery"));
    let (_, after) = talk(&sandbox, "GET", "/v1/tenants").await;
    assert!(!before.contains("fenwickjoinery") && after.contains("fenwickjoinery"));
}

#[tokio::test]
async fn a_stopped_server_frees_its_port() {
    let sandbox = sandbox().await;
    let port = sandbox.servers[0].address().port();
    let _silent = TcpStream::connect(sandbox.servers[0].address()).unwrap();
    sandbox.stop().await;
    let world = World::new(&Size { clients: 0, devices: 0, seed: 1 });
    let again = Sandbox::start(port, world).await.unwrap();
    assert_eq!(again.servers[0].address().port(), port);
}

#[tokio::test]
async fn a_stopped_server_answers_no_more_on_old_connections() {
    let sandbox = sandbox().await;
    let mut stream = TcpStream::connect(sandbox.servers[0].address()).unwrap();
    let request = "HEAD /v1/tenants HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut stream = tokio::task::spawn_blocking(move || {
        stream.write_all(request.as_bytes()).unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 401");
        stream
    })
    .await
    .unwrap();
    sandbox.stop().await;
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // Everything that the server ever said on this connection is the rest of its one answer.
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(!rest.contains("HTTP/1.1"), "{rest}");
}

#[tokio::test]
async fn each_vendor_is_listed_once_at_its_own_place() {
    let sandbox = sandbox().await;
    let vendors: HashSet<&str> = sandbox.describe().iter().map(|listing| listing.vendor).collect();
    let urls: HashSet<&str> = sandbox.describe().iter().map(|listing| listing.url.as_str()).collect();
    assert!(vendors.contains("auvik"));
    assert_eq!((vendors.len(), urls.len()), (sandbox.all().len(), sandbox.all().len()));
}

#[test]
fn ports_follow_one_another_to_the_last() {
    assert_eq!(nth_port(4001, 4).unwrap(), 4005);
    assert_eq!(nth_port(u16::MAX, 1).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn simulators_see_the_headers_that_vendors_ask_for_and_no_others() {
    let request = Request::builder().uri("/x?a=b").header("ApiIntegrationCode", "c0de").header("cookie", "no");
    let call = read(request.body(Body::empty()).unwrap(), "http://127.0.0.1:4001").await.unwrap();
    assert_eq!(call.url.as_str(), "http://127.0.0.1:4001/x?a=b");
    assert_eq!((call.header("apiintegrationcode"), call.header("cookie")), (Some("c0de"), None));
}

#[tokio::test]
async fn who_does_not_say_what_it_is_gets_a_page_where_the_vendor_wants_to_know() {
    let sandbox = sandbox().await;
    let nth = sandbox.describe().iter().position(|listing| listing.vendor == "nable-rmm").unwrap();
    let key = &sandbox.describe()[nth].secret["api_key"];
    for (header, status) in [("", "403"), ("user-agent: a client\r\n", "200")] {
        let target = format!("/api/?apikey={key}&service=list_clients");
        let head = format!("GET {target} HTTP/1.1\r\nhost: x\r\n{header}connection: close\r\n\r\n");
        let (head, _) = say(sandbox.servers[nth].address(), head).await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{head}");
    }
    sandbox.stop().await;
}
