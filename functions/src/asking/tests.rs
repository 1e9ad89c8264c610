use apis::account::Surroundings;
use apis::call::{Call, Reply};
use console::handle::Ports;
use engine::life::Holder;
use engine::memory::{FnTransport, ManualClock, MemoryQueue, MemorySecrets, MemoryTable};
use engine::ports::SendError;

use super::*;

pub(crate) type Nobody = FnTransport<fn(&Call) -> Result<Reply, SendError>>;

/// A console over in-memory ports, whose vendors answer nothing.
pub(crate) type Desk = Ports<MemoryTable, MemoryQueue, Nobody, MemorySecrets, ManualClock>;

fn nobody(_: &Call) -> Result<Reply, SendError> {
    Err(SendError::TimedOut { host: "nowhere.example".to_owned(), seconds: 1 })
}

pub(crate) fn desk() -> Desk {
    Desk {
        table: MemoryTable::new(),
        queue: MemoryQueue::new(),
        transport: FnTransport::new(nobody),
        secrets: MemorySecrets::new(),
        clock: ManualClock::new("2026-11-22T20:00:00Z".parse().unwrap()),
        holder: Holder { name: "console".to_owned(), gone_after: std::time::Duration::ZERO },
        surroundings: Surroundings { allow_loopback: false },
    }
}

fn ann() -> Value {
    json!({"iam": {"userArn": "arn:aws:sts::123456789012:assumed-role/Desk/ann@acme.example", "callerId": "AROA:ann"}})
}

fn token(claims: Value) -> Value {
    json!({"jwt": {"claims": claims, "scopes": null}})
}

fn event(role: &str, authorizer: Value, body: &str) -> Value {
    json!({
        "version": "2.0",
        "routeKey": format!("POST /ask/{role}"),
        "rawPath": format!("/ask/{role}"),
        "requestContext": {"authorizer": authorizer, "http": {"method": "POST"}},
        "body": body,
        "isBase64Encoded": false,
    })
}

const STATUS: &str = r#"{"ask":"status","id":null,"page":{"limit":10}}"#;
const DISCARD: &str = r#"{"ask":"plan_discard","plan":"acme.0123456789abcdef"}"#;

async fn ask(event: &Value) -> (u64, Value) {
    let answer = handle(event, &desk()).await;
    assert_eq!((&answer["isBase64Encoded"], &answer["headers"]["cache-control"]), (&json!(false), &json!("no-store")));
    let body = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    (answer["statusCode"].as_u64().unwrap(), body)
}

#[tokio::test]
async fn a_question_is_answered_with_its_variant_named() {
    let (status, answer) = ask(&event("viewer", ann(), STATUS)).await;
    assert_eq!((status, answer), (200, json!({"answer": "status", "of": {"items": [], "next": null}})));
}

#[tokio::test]
async fn the_role_that_is_taken_bounds_what_may_be_asked() {
    let (status, answer) = ask(&event("viewer", ann(), DISCARD)).await;
    assert_eq!((status, &answer["error"]["code"]), (403, &json!("forbidden")), "{answer}");
    let (status, answer) = ask(&event("operator", ann(), DISCARD)).await;
    assert_eq!((status, &answer["error"]["code"]), (404, &json!("not_found")), "{answer}");
}

#[tokio::test]
async fn nobody_is_let_in_without_a_caller() {
    for authorizer in
        [json!(null), json!({}), json!({"iam": {"userArn": ""}}), token(json!({})), token(json!({"sub": "1"}))]
    {
        let (status, answer) = ask(&event("viewer", authorizer.clone(), STATUS)).await;
        assert_eq!((status, &answer["error"]["code"]), (403, &json!("forbidden")), "{authorizer}");
    }
}

#[tokio::test]
async fn a_token_says_the_most_that_its_bearer_may_be() {
    let operator = || token(json!({"sub": "17", "email": "ann@acme.example", "msp_sync_role": "operator"}));
    assert_eq!(ask(&event("viewer", operator(), STATUS)).await.0, 200);
    assert_eq!(ask(&event("operator", operator(), STATUS)).await.0, 200);
    assert_eq!(ask(&event("admin", operator(), STATUS)).await.0, 403);
}

#[test]
fn the_audit_log_learns_who_called() {
    let (_, actor) = asked(&event("admin", ann(), STATUS)).unwrap();
    assert_eq!(actor, Actor { name: "assumed-role/Desk/ann@acme.example".to_owned(), role: Role::Admin });
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_without_being_repeated() {
    let secret = r#"{"ask":"secret_rotate","id":"acme","secret":{"api_key":"c4nary"},}"#;
    for (body, expected) in [("", 400), ("[]", 400), (r#"{"ask":"nonsense"}"#, 400), (secret, 400)] {
        let (status, answer) = ask(&event("admin", ann(), body)).await;
        assert_eq!((status, &answer["error"]["code"]), (expected, &json!("usage")), "{body}");
        assert!(!answer.to_string().contains("c4nary"), "{answer}");
    }
    let mut elsewhere = event("admin", ann(), STATUS);
    elsewhere["rawPath"] = json!("/ask/root");
    assert_eq!(ask(&elsewhere).await.0, 404);
    for strange in [json!(null), json!([]), json!({"Records": []}), json!({"rawPath": "/ask/viewer"})] {
        assert!(ask(&strange).await.0 >= 400, "{strange}");
    }
}

/// A program's call, as the HTTP API hands it on.
fn call(method: &str, path: &str, authorizer: Value, kind: &str, body: &str) -> Value {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    json!({
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"content-type": kind, "host": "abc.execute-api.eu-west-1.amazonaws.com"},
        "requestContext": {"authorizer": authorizer, "http": {"method": method}},
        "body": body,
        "isBase64Encoded": false,
    })
}

async fn called(desk: &Desk, event: &Value) -> (u64, Value) {
    let answer = handle(event, desk).await;
    let body = answer["body"].as_str().unwrap();
    let body = match answer["headers"]["content-type"].as_str() {
        Some("application/json") => serde_json::from_str(body).unwrap(),
        _ => json!(body),
    };
    (answer["statusCode"].as_u64().unwrap(), body)
}

#[tokio::test]
async fn a_program_gets_the_contracts_documents() {
    let desk = desk();
    let (status, answer) = called(&desk, &call("GET", "/viewer/api/v1/status", ann(), "", "")).await;
    assert_eq!((status, answer), (200, json!({"items": [], "next": null})));
    let (status, answer) = called(&desk, &call("GET", "/viewer/api/v1/openapi.json", ann(), "", "")).await;
    assert_eq!((status, &answer["openapi"]), (200, &json!("3.1.0")));
    let (status, answer) = called(&desk, &call("GET", "/viewer/api/v1/runs?limit=0", ann(), "", "")).await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!("usage")));
    let (status, answer) = called(&desk, &call("GET", "/viewer/api/v1/integrations/acme", ann(), "", "")).await;
    assert_eq!((status, &answer["error"]["code"]), (404, &json!("not_found")));
    let answer = handle(&call("PUT", "/admin/api/v1/status", ann(), "", ""), &desk).await;
    assert_eq!((&answer["statusCode"], &answer["headers"]["allow"]), (&json!(405), &json!("GET")));
}

#[tokio::test]
async fn a_programs_order_is_carried_out_and_noted_with_its_caller() {
    let desk = desk();
    let mut import = call("POST", "/operator/api/v1/docs.csv?kind=client", ann(), "text/csv", "bmFtZQpBY21lCg==");
    import["isBase64Encoded"] = json!(true);
    let (status, answer) = called(&desk, &import).await;
    assert_eq!((status, &answer["created"]), (200, &json!(1)), "{answer}");
    let (status, file) = called(&desk, &call("GET", "/viewer/api/v1/docs.csv?kind=client", ann(), "", "")).await;
    assert!(status == 200 && file.as_str().unwrap().contains("Acme"), "{file}");
    let (_, audit) = called(&desk, &call("GET", "/operator/api/v1/audit", ann(), "", "")).await;
    assert_eq!(audit["items"][0]["who"], "assumed-role/Desk/ann@acme.example", "{audit}");
}

#[tokio::test]
async fn a_programs_role_stands_in_its_path_and_bounds_it() {
    let desk = desk();
    let discard = |role: &str, who: Value| call("POST", &format!("/{role}/api/v1/plans/acme.1/discard"), who, "", "");
    let token = |role: &str| token(json!({"sub": "17", "email": "ann@acme.example", "msp_sync_role": role}));
    for (role, who, expected) in [
        ("viewer", ann(), 403),
        ("operator", ann(), 404),
        ("operator", token("viewer"), 403),
        ("operator", token("operator"), 404),
        ("operator", json!({}), 403),
        ("operator", json!(null), 403),
        ("root", ann(), 404),
    ] {
        let (status, answer) = called(&desk, &discard(role, who)).await;
        assert_eq!(status, expected, "{role}: {answer}");
    }
}
