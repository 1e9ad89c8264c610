use std::sync::Arc;

use console::roles::{Actor, Role};
use http::request::Parts;
use http::{StatusCode, header};
use web::{Guest, Told};

use super::*;
use crate::asking::tests::desk;

/// A door that lets everybody in and tells what it saw.
struct Mirror;

impl Door for Mirror {
    async fn guest(&self, _place: &Place, _headers: &HeaderMap) -> Option<Guest> {
        let actor = Actor { name: "ann".to_owned(), role: Role::Admin };
        Some(Guest { actor, session: "s".to_owned(), csrf: "c".to_owned(), may_leave: true })
    }

    async fn receive(&self, place: &Place, head: &Parts, _guest: Option<&Guest>) -> Option<Response<Bytes>> {
        if !head.uri.path().starts_with("/mirror") {
            return None;
        }
        let cookies = head.headers.get(COOKIE).map(|value| value.to_str().unwrap()).unwrap_or_default();
        let seen = format!("{} {} {} {} {cookies}", head.method, place.origin(), head.uri, place.caller());
        let mut answer = Response::new(Bytes::from(seen));
        if head.uri.path() == "/mirror/bytes" {
            *answer.body_mut() = Bytes::from_static(&[0xff, 0xfe]);
        }
        for cookie in ["a=1; Path=/", "b=2; Path=/"] {
            answer.headers_mut().append(SET_COOKIE, HeaderValue::from_static(cookie));
        }
        Some(answer)
    }

    fn stranger(&self, _place: &Place, _head: &Parts) -> Response<Bytes> {
        web::reply::html(StatusCode::UNAUTHORIZED, String::new())
    }

    async fn leave(&self, place: &Place, _guest: &Guest) -> Response<Bytes> {
        web::reply::html(StatusCode::OK, place.origin())
    }

    fn told(&self, _place: &Place, _headers: &HeaderMap, _guest: &Guest) -> Told {
        Told::default()
    }

    fn keep(&self, _place: &Place, _headers: &HeaderMap, _guest: &Guest, _told: Told, _answer: &mut Response<Bytes>) {}
}

const HOST: &str = "abc123.execute-api.eu-west-1.amazonaws.com";

fn event(method: &str, path: &str, query: &str) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "cookies": ["one=1", "two=2"],
        "headers": {"host": HOST, "x-forwarded-for": "198.51.100.1", "content-type": "application/x-www-form-urlencoded"},
        "requestContext": {
            "domainName": HOST,
            "http": {"method": method, "path": path, "sourceIp": "203.0.113.9", "protocol": "HTTP/1.1"},
        },
        "isBase64Encoded": false,
    })
}

async fn asked(event: &Value) -> Value {
    handle(event, &Console::new(Arc::new(desk()), Mirror), false).await
}

#[tokio::test]
async fn a_request_arrives_as_the_browser_sent_it_and_the_api_vouches_for() {
    let answer = asked(&event("GET", "/mirror/a b/ü", "back=%2Faudit&x=1?2")).await;
    let seen = "GET https://abc123.execute-api.eu-west-1.amazonaws.com /mirror/a%20b/%C3%BC?back=%2Faudit&x=1?2 \
                203.0.113.9 one=1; two=2";
    assert_eq!(answer["body"], seen);
    assert_eq!(answer["cookies"], json!(["a=1; Path=/", "b=2; Path=/"]), "one cookie, one entry");
    assert_eq!(answer["headers"].get("set-cookie"), None);
}

#[tokio::test]
async fn bodies_are_text_where_they_are_and_base64_where_they_are_not() {
    let answer = asked(&event("GET", "/mirror/bytes", "")).await;
    assert_eq!((&answer["body"], &answer["isBase64Encoded"]), (&json!("//4="), &json!(true)));
    let mut form = event("POST", "/sign-out", "");
    // csrf=c
    form["body"] = json!("Y3NyZj1j");
    assert_eq!(asked(&form).await["statusCode"], 403, "it is not what it says");
    form["isBase64Encoded"] = json!(true);
    assert_eq!(asked(&form).await["statusCode"], 200);
    form["body"] = json!("csrf=c");
    assert_eq!(asked(&form).await["statusCode"], 400);
}

#[tokio::test]
async fn a_page_carries_the_policy_and_another_host_gets_none() {
    let answer = asked(&event("GET", "/", "")).await;
    assert_eq!(answer["statusCode"], 200);
    let policy = answer["headers"][header::CONTENT_SECURITY_POLICY.as_str()].as_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let mut elsewhere = event("GET", "/", "");
    elsewhere["headers"]["host"] = json!("evil.example");
    assert_eq!(asked(&elsewhere).await["statusCode"], 421);
    let mut here = event("GET", "/mirror", "");
    here["requestContext"]["domainName"] = json!("127.0.0.1:4000");
    here["headers"]["host"] = json!("127.0.0.1:4000");
    assert!(asked(&here).await["body"].as_str().unwrap().contains("https://127.0.0.1:4000"), "only tests are here");
}

#[tokio::test]
async fn a_console_without_a_provider_says_how_it_gets_one() {
    let console = Console::new(Arc::new(desk()), web::ClosedDoor);
    let answer = handle(&event("GET", "/", ""), &console, false).await;
    assert_eq!(answer["statusCode"], 503);
    assert!(answer["body"].as_str().unwrap().contains("SignInIssuer"), "{answer}");
}

#[tokio::test]
async fn an_event_that_is_no_request_is_refused() {
    for (method, path) in [("", "/"), ("GET", ""), ("GET", "elsewhere")] {
        assert_eq!(asked(&event(method, path, "")).await["statusCode"], 400, "{method} {path}");
    }
}

#[test]
fn signed_questions_are_not_for_the_pages() {
    for (path, expected) in [
        ("/", true),
        ("/asking", true),
        ("/ask", false),
        ("/ask/viewer", false),
        ("/ask/x", false),
        ("/viewer/api/v1/status", false),
        ("/admin/api/v1", false),
        ("/owner/api/v1/status", true),
        ("/api/v1/status", true),
    ] {
        assert_eq!(is_for_pages(&event("POST", path, "")), expected, "{path}");
    }
    assert!(!is_for_pages(&json!({"rawPath": "/"})), "not from the HTTP API");
}
