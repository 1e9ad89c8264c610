use std::collections::BTreeSet;

use console::request::{IntegrationChange, Page, RecordFilter, Selection};
use console::views::{List, RunView, TypeView};
use expect_test::expect_file;
use reconcile::record::Kind;
use serde_json::{Value, json};

use super::*;

fn call(method: &str, target: &str, kind: &str, body: &str) -> Result<Wanted, Refusal> {
    let uri: Uri = format!("{PREFIX}{target}").parse().unwrap();
    let mut headers = HeaderMap::new();
    if !kind.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
    }
    read(&method.parse().unwrap(), &uri, &headers, body.as_bytes())
}

fn asked(method: &str, target: &str, body: &str) -> Asked {
    let kind = if target.contains(".csv") { CSV } else { JSON };
    match call(method, target, if body.is_empty() { "" } else { kind }, body) {
        Ok(Wanted::Ask(asked)) => *asked,
        other => panic!("{method} {target}: {other:?}"),
    }
}

/// Returns the status and the error of what must be refused.
fn turned_down(method: &str, target: &str, kind: &str, body: &str) -> (u16, Value) {
    let reply = call(method, target, kind, body).expect_err(target);
    assert_eq!(reply.headers()[CONTENT_TYPE], JSON);
    let document: Value = serde_json::from_slice(reply.body()).unwrap();
    let error = document["error"].clone();
    for part in ["code", "message", "hint"] {
        assert!(error[part].is_string(), "{document}");
    }
    (reply.status().as_u16(), error)
}

#[test]
fn every_request_has_a_place() {
    // The parser names all variants when it is given one that is none.
    let refusal = serde_json::from_str::<Request>(r#"{"ask":"?"}"#).unwrap_err().to_string();
    let all: BTreeSet<&str> = refusal.split('`').skip(3).step_by(2).collect();
    assert!(all.contains("integration_add") && all.contains("audit"), "{refusal}");
    let requests: Vec<Value> =
        operations::all().map(|operation| serde_json::to_value(document::example(operation)).unwrap()).collect();
    let reached: BTreeSet<&str> = requests.iter().map(|request| request["ask"].as_str().unwrap()).collect();
    assert_eq!(reached, all);
}

#[test]
fn places_and_names_are_unlike_one_another() {
    let places: BTreeSet<(&str, &str)> = operations::all().map(|one| (one.verb.word(), one.path)).collect();
    let names: BTreeSet<&str> = operations::all().map(|one| one.id).collect();
    assert_eq!((places.len(), names.len()), (operations::all().count(), operations::all().count()));
    for one in operations::all() {
        let there = operations::at(one.path);
        assert!(there.iter().all(|other| other.path == one.path), "{} is taken for another", one.path);
    }
}

#[test]
fn the_document_is_the_one_that_is_kept() {
    let mut text = serde_json::to_string_pretty(&document::document()).unwrap();
    text.push('\n');
    expect_file!["../../../../docs/openapi.json"].assert_eq(&text);
}

#[test]
fn a_question_becomes_its_request() {
    let page = Page { limit: 2, cursor: Some("61".to_owned()) };
    let filter = RecordFilter { search: Some("a b".to_owned()), ..RecordFilter::default() };
    let request = asked("GET", "/integrations/acme/records?kind=asset&search=a+b&limit=2&cursor=61", "").request;
    assert_eq!(request, Request::Records { id: "acme".to_owned(), kind: Kind::Asset, filter, page });
    let request = asked("GET", "/status", "").request;
    assert_eq!(request, Request::Status { id: None, page: Page::default() });
}

#[test]
fn an_order_becomes_its_request() {
    let body = r#"{"kind":"client","records":{"ids":["1","2"]}}"#;
    let asked_for = asked("POST", "/integrations/acme/create", body);
    assert!(asked_for.is_order());
    let records = Selection::Ids(vec!["1".to_owned(), "2".to_owned()]);
    assert_eq!(asked_for.request, Request::Create { id: "acme".to_owned(), kind: Kind::Client, records });
    let request = asked("PATCH", "/integrations/acme", r#"{"archive_stale":true}"#).request;
    let change = IntegrationChange { archive_stale: Some(true), ..IntegrationChange::default() };
    assert_eq!(request, Request::IntegrationSet { id: "acme".to_owned(), change });
    let request = asked("POST", "/docs.csv?kind=client", "\u{FEFF}name\nAcme\n").request;
    assert_eq!(request, Request::DocsImport { kind: Kind::Client, csv: "name\nAcme\n".to_owned() });
}

#[test]
fn a_body_that_may_be_left_out_is_left_out() {
    for body in ["", "{}", r#"{"kind":null}"#] {
        let request = asked("POST", "/integrations/acme/auto-match", body).request;
        assert_eq!(request, Request::AutoMatch { id: "acme".to_owned(), kind: None }, "{body}");
    }
}

#[test]
fn what_the_document_forbids_is_refused() {
    let records = "/integrations/acme/records";
    for target in [
        records.to_owned(),
        format!("{records}?kind=device"),
        format!("{records}?kind=asset&kind=asset"),
        format!("{records}?kind=asset&limit=0"),
        format!("{records}?kind=asset&limit=%2B1"),
        format!("{records}?kind=asset&limit=100001"),
        format!("{records}?kind=asset&cursor=6g"),
        format!("{records}?kind=asset&sort=name"),
        "/integrations/-acme".to_owned(),
        "/integrations/Acme/runs".to_owned(),
        "/plans/acme".to_owned(),
        "/docs/c_1".to_owned(),
        "/docs?kind=asset&client=acme".to_owned(),
        "/openapi.json?pretty".to_owned(),
    ] {
        let (status, error) = turned_down("GET", &target, "", "");
        assert_eq!((status, &error["code"]), (400, &json!("usage")), "{target}");
    }
    for (target, body) in [
        ("/integrations/acme/create", ""),
        ("/integrations/acme/create", "[]"),
        ("/integrations/acme/create", r#"{"kind":"client"}"#),
        ("/integrations/acme/create", r#"{"kind":"client","records":{"filter":{"name":"a"}}}"#),
        ("/integrations/acme/create-unmatched", r#"{"kinds":["client"]}"#),
        ("/integrations/acme/sync", r#"{"force":1}"#),
        ("/sync", r#"{"integrations":["Not an id"]}"#),
        // Values without their names.
        ("/sync", "[null,true]"),
        ("/integrations/acme/exclude", r#"{"kind":"client","records":{"filter":[null,null]}}"#),
        ("/integrations/acme/decide", r#"{"kind":"client","decisions":[["1",null,"create"]]}"#),
    ] {
        let (status, error) = turned_down("POST", target, JSON, body);
        assert_eq!((status, &error["code"]), (400, &json!("usage")), "{target} {body}");
    }
    assert_eq!(turned_down("POST", "/integrations/acme/pause", JSON, "{}").0, 400, "it takes no body");
    assert_eq!(turned_down("PATCH", "/integrations/acme", JSON, "").0, 400, "its body is missing");
}

#[test]
fn paths_methods_and_types_that_are_not_known_are_told() {
    for target in ["", "/", "/nothing", "/integrations/", "/integrations/acme/records/1", "/plans"] {
        let expected = if target == "/integrations/" { 400 } else { 404 };
        assert_eq!(turned_down("GET", target, "", "").0, expected, "{target}");
    }
    let reply = call("DELETE", "/integrations", "", "").expect_err("a list is not removed");
    assert_eq!(
        (reply.status(), &reply.headers()[ALLOW]),
        (StatusCode::METHOD_NOT_ALLOWED, &HeaderValue::from_static("GET, POST"))
    );
    let reply = call("POST", "/openapi.json", "", "").expect_err("the document is read only");
    assert_eq!(
        (reply.status(), &reply.headers()[ALLOW]),
        (StatusCode::METHOD_NOT_ALLOWED, &HeaderValue::from_static("GET"))
    );
    let form = "application/x-www-form-urlencoded";
    assert_eq!(turned_down("POST", "/integrations/acme/create", form, "kind=client").0, 415);
    assert_eq!(turned_down("POST", "/integrations/acme/create", "", "{}").0, 415);
    assert_eq!(turned_down("POST", "/docs.csv?kind=client", JSON, "name\n").0, 415);
    let long = format!(r#"{{"kind":"client","records":{{"ids":["{}"]}}}}"#, "1".repeat(JSON_BYTES_MAX));
    assert_eq!(turned_down("POST", "/integrations/acme/create", JSON, &long).0, 413);
}

#[test]
fn a_secret_that_was_sent_is_repeated_nowhere() {
    let canary = "c4naryc4nary";
    for (method, target, body) in [
        ("PUT", "/integrations/acme/secret", format!(r#"{{"api_key":["{canary}"]}}"#)),
        ("PUT", "/integrations/acme/secret", format!(r#""{canary}""#)),
        ("POST", "/integrations", format!(r#"{{"id":"acme","secret":"{canary}"}}"#)),
        ("POST", "/integrations", format!(r#"{{"id":"acme","vendor":"auvik","settings":{{}},"{canary}":1}}"#)),
    ] {
        let (status, error) = turned_down(method, target, JSON, &body);
        assert_eq!(status, 400, "{body}");
        assert!(!error.to_string().contains(canary), "{error}");
    }
    let sent = asked("PUT", "/integrations/acme/secret", &format!(r#"{{"api_key":"{canary}"}}"#));
    assert!(!format!("{sent:?}").contains(canary));
}

#[test]
fn answers_are_the_contracts_documents() {
    let runs: List<RunView> = List { items: Vec::new(), next: Some("61".to_owned()) };
    let reply = asked("GET", "/runs", "").reply(Ok(Answer::Runs(runs)));
    assert_eq!((reply.status(), &reply.headers()[CONTENT_TYPE]), (StatusCode::OK, &HeaderValue::from_static(JSON)));
    assert_eq!(serde_json::from_slice::<Value>(reply.body()).unwrap(), json!({"items": [], "next": "61"}));
    let reply = asked("GET", "/docs.csv?kind=client", "").reply(Ok(Answer::Csv("name\n".to_owned())));
    assert_eq!((reply.status(), reply.body().as_ref()), (StatusCode::OK, b"name\n".as_slice()));
    let types: List<TypeView> = List { items: Vec::new(), next: None };
    let reply = asked("GET", "/docs.csv?kind=client", "").reply(Ok(Answer::Types(types)));
    assert_eq!(reply.status(), StatusCode::INTERNAL_SERVER_ERROR, "the wrong answer is not passed off as a file");
}

#[test]
fn every_code_has_its_status_in_the_document() {
    let document: Value = serde_json::from_str(&DOCUMENT).unwrap();
    let known = document["paths"]["/integrations/{integration}"]["patch"]["responses"].as_object().unwrap();
    for code in Code::ALL {
        let error = ConsoleError::new(*code, "why", "what to do");
        let reply = asked("PATCH", "/integrations/acme", "{}").reply(Err(error));
        assert!(known.contains_key(reply.status().as_str()), "{code}: {}", reply.status());
        let told: Value = serde_json::from_slice(reply.body()).unwrap();
        assert_eq!(told, json!({"error": {"code": code.code(), "message": "why", "hint": "what to do"}}));
    }
}
