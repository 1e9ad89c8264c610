//! The JSON that scripts rely on (product.md section 6): at least these fields, under these names.

use console::error::{Code, ConsoleError};
use console::request::{Page, RecordFilter, Request, Selection, SyncTarget};
use reconcile::record::Kind;
use serde_json::{Value, json};

use crate::desk::{Desk, ID};

fn id() -> String {
    ID.to_owned()
}

/// Checks that an object has at least these fields.
fn has(value: &Value, fields: &[&str]) {
    let object = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    for field in fields {
        assert!(object.contains_key(*field), "{field} is missing in {value}");
    }
}

/// Returns the items of a list, whose shape it checks.
fn items(value: &Value) -> &Vec<Value> {
    has(value, &["items", "next"]);
    assert!(value["next"].is_null() || value["next"].is_string());
    value["items"].as_array().unwrap()
}

fn records(kind: Kind, limit: usize) -> Request {
    Request::Records { id: id(), kind, filter: RecordFilter::default(), page: Page { limit, cursor: None } }
}

#[tokio::test]
async fn records_have_their_fields() {
    let desk = Desk::read().await;
    let name = desk.records(Kind::Client).await[0].name.clone();
    desk.clients_called(&[&format!("{name} Holding")]).await;
    let list = desk.json(records(Kind::Client, 3)).await;
    assert_eq!(items(&list).len(), 3);
    assert!(list["next"].is_string());
    for record in items(&list) {
        has(
            record,
            &["vendor_id", "kind", "name", "client_vendor_id", "state", "doc_id", "reason", "suggestion", "fields"],
        );
        assert_eq!(
            (&record["kind"], &record["state"], &record["doc_id"]),
            (&json!("client"), &json!("unmatched"), &Value::Null)
        );
    }
    has(&items(&list)[0]["suggestion"], &["doc_id", "name", "score", "rule"]);
    assert!(items(&list)[0]["suggestion"]["score"].is_f64());
    let assets = desk.json(records(Kind::Asset, 1000)).await;
    assert!(assets["next"].is_null());
    let with_macs = items(&assets).iter().find(|asset| asset["fields"]["mac_addresses"].is_array()).unwrap();
    assert!(with_macs["client_vendor_id"].is_string());
}

#[tokio::test]
async fn documentation_records_have_their_fields() {
    let desk = Desk::live().await;
    let list =
        desk.json(Request::DocsList { kind: Kind::Asset, client: None, search: None, page: Page::default() }).await;
    assert!(!items(&list).is_empty());
    for doc in items(&list) {
        has(doc, &["doc_id", "kind", "name", "client_doc_id", "archived", "stale", "fields", "sources"]);
        assert!(doc["client_doc_id"].is_string() && doc["archived"] == false && doc["stale"] == false);
        has(&doc["sources"][0], &["integration", "vendor_id"]);
        assert_eq!(doc["sources"][0]["integration"], ID);
    }
    let doc = items(&list)[0]["doc_id"].as_str().unwrap().to_owned();
    has(&desk.json(Request::DocsShow { doc }).await, &["doc_id", "fields", "sources", "origins"]);
}

#[tokio::test]
async fn status_and_runs_have_their_fields() {
    let desk = Desk::live().await;
    for id in [None, Some(id())] {
        let list = desk.json(Request::Status { id, page: Page::default() }).await;
        let status = &items(&list)[0];
        has(status, &["integration", "vendor", "state", "last_run", "next_run_at"]);
        assert_eq!((&status["vendor"], &status["state"]), (&json!("auvik"), &json!("live")));
        let run = &status["last_run"];
        let fields = ["run_id", "trigger", "outcome", "started_at", "finished_at", "counts", "vendor_requests"];
        has(run, &fields);
        for kind in ["client", "asset"] {
            let counts = &run["counts"][kind];
            let fields =
                ["fetched", "synced", "created", "matched", "updated", "unchanged", "excluded", "unsynced", "reasons"];
            has(counts, &fields);
            let n = |field: &str| counts[field].as_u64().unwrap();
            assert_eq!(n("fetched"), n("synced") + n("unsynced"));
            assert_eq!(n("synced"), n("created") + n("matched") + n("updated") + n("unchanged"));
            let reasons = counts["reasons"].as_object().unwrap();
            assert_eq!(n("unsynced"), reasons.values().map(|count| count.as_u64().unwrap()).sum::<u64>());
        }
    }
    let runs = desk.json(Request::Runs { id: Some(id()), page: Page { limit: 1, cursor: None } }).await;
    assert_eq!(items(&runs).len(), 1);
    assert!(runs["next"].is_string());
    let synced = desk.json(Request::Sync { target: SyncTarget::All, force: false }).await;
    has(&items(&synced)[0], &["run_id", "trigger", "outcome", "counts"]);
}

#[tokio::test]
async fn a_preview_has_its_fields() {
    let desk = Desk::read().await;
    let empty = desk.json(Request::Preview { id: id(), page: Page::default() }).await;
    assert_eq!(empty["counts"]["create"], 0);
    let everything = Selection::Filter(RecordFilter::default());
    desk.ask(Request::Create { id: id(), kind: Kind::Client, records: everything }).await.unwrap();
    let plan = desk.json(Request::Preview { id: id(), page: Page { limit: 2, cursor: None } }).await;
    has(&plan, &["plan_id", "counts", "items", "next"]);
    has(&plan["counts"], &["create", "match", "exclude", "update", "stale"]);
    assert_eq!((&plan["counts"]["create"], plan["items"].as_array().unwrap().len()), (&json!(7), 2));
    for item in plan["items"].as_array().unwrap() {
        has(item, &["action", "kind", "vendor_id", "name", "doc_id", "changes"]);
        assert_eq!(item["action"], "create");
        for change in item["changes"].as_array().unwrap() {
            has(change, &["field", "from", "to"]);
        }
    }
    let cursor = plan["next"].as_str().map(str::to_owned);
    let rest = desk.json(Request::Preview { id: id(), page: Page { limit: 1000, cursor } }).await;
    assert_eq!(rest["items"].as_array().unwrap().len(), 5);
    let plan_id = plan["plan_id"].as_str().unwrap().to_owned();
    let shown = desk.json(Request::PlanShow { plan: plan_id.clone(), page: Page::default() }).await;
    assert_eq!(shown["items"].as_array().unwrap().len(), 7);
    let plans = desk.json(Request::Plans { id: id(), page: Page::default() }).await;
    assert_eq!((&items(&plans)[0]["plan_id"], &items(&plans)[0]["state"]), (&json!(plan_id), &json!("staged")));
}

#[tokio::test]
async fn a_client_that_creates_takes_its_fields_from_the_vendor() {
    let desk = Desk::read().await;
    desk.ask(Request::CreateUnmatched { id: id(), kind: None }).await.unwrap();
    let finished = desk.json(Request::Finish { id: id(), plan: None, no_sync: true }).await;
    has(&finished, &["plan_id", "integration", "state", "counts", "run"]);
    assert_eq!((&finished["state"], &finished["run"]), (&json!("live"), &Value::Null));
}

#[test]
fn an_error_is_an_object_with_code_message_and_hint() {
    let error = ConsoleError::new(Code::PlanOutdated, "it moved", "look again");
    assert_eq!(error.json(), json!({"error": {"code": "plan_outdated", "message": "it moved", "hint": "look again"}}));
}
