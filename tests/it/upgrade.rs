//! Tables of other versions: what the version before wrote is kept and worked on, what a later one wrote is refused.
//!
//! `fixtures/form_1` is the whole table of a small MSP with two vendors, as the last version without forms left it, and what
//! its command line answered. Nobody changes it: the next form gets a folder of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use apis::account::Surroundings;
use apis::call::{Call, Reply, Secret, SecretText};
use aws::table::DynamoTable;
use console::error::{Code, ConsoleError};
use console::handle::{Ports, handle};
use console::progress::Silent;
use console::roles::{Actor, Role};
use engine::life::Holder;
use engine::memory::{FnTransport, ManualClock, MemoryQueue, MemorySecrets};
use engine::ports::{ITEM_FORM, Key, Secrets as _, SendError, Table as _, TableError};
use functions::fetching;
use functions::kept::KeptSecrets;
use functions::metrics::Metrics;
use jiff::Timestamp;
use reconcile::ids::{IntegrationId, RunId};
use sandbox::Vendors;
use sandbox::world::{Size, World};
use serde_json::{Value, json};

use crate::workspace::root;

type Send = Box<dyn Fn(&Call) -> Result<Reply, SendError> + std::marker::Send + Sync>;

/// The integrations of the fixture, and every kind.
const INTEGRATIONS: [&str; 2] = ["main-auvik", "main-autotask"];
const KINDS: [&str; 5] = ["client", "user", "asset", "contact", "location"];

/// This version over a table that another one wrote, with the vendors as they were then.
struct Office {
    ports: Ports<DynamoTable, MemoryQueue, FnTransport<Send>, MemorySecrets, ManualClock>,
}

fn fixture(name: &str) -> String {
    let path = root().join("tests/it/fixtures/form_1").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn items() -> Vec<Value> {
    fixture("table.jsonl").lines().map(|line| serde_json::from_str(line).expect("a line is an item")).collect()
}

impl Office {
    async fn over(items: Vec<Value>) -> Self {
        let vendors = Vendors::new(World::new(&Size { clients: 4, devices: 40, seed: 11 }));
        let secrets = MemorySecrets::new();
        for listing in vendors.listings() {
            let Ok(id) = IntegrationId::parse(&format!("main-{}", listing.vendor)) else { continue };
            let parts = listing.secret.iter().map(|(name, text)| ((*name).to_owned(), SecretText::new(text)));
            secrets.propose(&id, &Secret(parts.collect())).await.expect("memory takes it");
            secrets.promote(&id).await.expect("memory takes it");
        }
        let send: Send = Box::new(move |call| {
            vendors
                .answer(call)
                .ok_or_else(|| SendError::TimedOut { host: call.url.authority().to_owned(), seconds: 30 })
        });
        let ports = Ports {
            table: local::memory_table_of(items),
            queue: MemoryQueue::new(),
            transport: FnTransport::new(send),
            secrets,
            clock: ManualClock::new("2026-11-23T20:00:00Z".parse::<Timestamp>().expect("an instant")),
            holder: Holder { name: "test".to_owned(), gone_after: Duration::ZERO },
            surroundings: Surroundings { allow_loopback: true },
        };
        Self { ports }
    }

    async fn try_ask(&self, request: Value) -> Result<Value, ConsoleError> {
        self.ports.clock.advance(Duration::from_secs(60));
        let request = serde_json::from_value(request).expect("the request is one of ours");
        let who = Actor { name: "ann".to_owned(), role: Role::Admin };
        // Boxed: the future of all that may be asked is too large for the stack of a test.
        Box::pin(handle(request, &who, &self.ports, &Silent)).await.map(|answer| answer.json())
    }

    async fn ask(&self, request: Value) -> Value {
        let shown = request.to_string();
        self.try_ask(request).await.unwrap_or_else(|error| panic!("{shown}: {error:?}"))
    }

    async fn docs(&self) -> BTreeMap<String, Value> {
        let mut docs = BTreeMap::new();
        for kind in KINDS {
            let asked =
                json!({"ask": "docs_list", "kind": kind, "client": null, "search": null, "page": {"limit": 1000}});
            docs.insert(kind.to_owned(), self.ask(asked).await["items"].take());
        }
        docs
    }
}

/// Leaves of each row the fields that the fixture recorded.
fn pared(rows: &Value, like: &Value) -> Value {
    let rows = rows.as_array().expect("rows");
    let wanted: Vec<&String> = like[0].as_object().into_iter().flatten().map(|(name, _)| name).collect();
    let pare = |row: &Value| wanted.iter().map(|name| ((*name).clone(), row[name.as_str()].clone())).collect();
    rows.iter().map(|row| Value::Object(pare(row))).collect()
}

/// Puts vendor records into one order: versions list them differently.
fn by_id(mut rows: Value) -> Value {
    if let Some(rows) = rows.as_array_mut() {
        rows.sort_by_key(|row| row["vendor_id"].to_string());
    }
    rows
}

#[tokio::test]
async fn a_table_of_the_version_before_keeps_data_mappings_and_decisions() {
    let office = Office::over(items()).await;
    let told: Value = serde_json::from_str(&fixture("answers.json")).expect("JSON");
    let page = json!({"limit": 1000});
    let status = office.ask(json!({"ask": "status", "id": null, "page": page})).await;
    assert_eq!(pared(&status["items"], &told["integrations"]), told["integrations"]);
    for id in INTEGRATIONS {
        for kind in KINDS {
            let asked = json!({"ask": "records", "id": id, "kind": kind, "filter": {}, "page": page});
            let records = office.ask(asked).await;
            let before = told["records"][id].get(kind).cloned().unwrap_or_else(|| json!([]));
            assert_eq!(by_id(pared(&records["items"], &before)), by_id(before), "{id} {kind}");
        }
        let mappings = office.ask(json!({"ask": "mappings_export", "id": id})).await;
        assert_eq!(mappings, told["mappings"][id], "{id}");
        for list in ["runs", "plans"] {
            let found = office.ask(json!({"ask": list, "id": id, "page": page})).await;
            assert_eq!(pared(&found["items"], &told[list][id]), told[list][id], "{id} {list}");
        }
    }
    for (kind, docs) in office.docs().await {
        assert_eq!(pared(&docs, &told["docs"][&kind]), told["docs"][&kind], "{kind}");
    }
    // What was staged then is previewed as the same plan, to the letter of its id.
    let preview = office.ask(json!({"ask": "preview", "id": "main-auvik", "page": page})).await;
    assert_eq!((&preview["plan_id"], &preview["counts"]), (&told["preview"]["plan_id"], &told["preview"]["counts"]));
}

/// As large as a function's: without optimisation, a whole sync does not fit on the stack that a test is given.
const STACK_BYTES: usize = 8 << 20;

#[test]
fn a_table_of_the_version_before_is_worked_on() {
    let working = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(work_on_the_table_of_the_version_before());
    });
    working.expect("a thread").join().expect("the work is done");
}

async fn work_on_the_table_of_the_version_before() {
    let office = Office::over(items()).await;
    let before = office.docs().await;
    for id in INTEGRATIONS {
        let synced = office.ask(json!({"ask": "sync", "target": {"ids": [id]}, "force": true})).await;
        let run = &synced["items"][0];
        assert_eq!(run["outcome"], "complete", "{run}");
        for (kind, counts) in run["counts"].as_object().expect("counts by kind") {
            let changed = ["created", "matched", "updated"].map(|what| counts[what].as_u64());
            assert_eq!(changed, [Some(0); 3], "{id} {kind}: {counts}");
        }
    }
    assert_eq!(office.docs().await, before, "nothing is made twice");
    // The decision that was staged then is carried out now.
    let finished = office.ask(json!({"ask": "finish", "id": "main-auvik", "plan": null, "no_sync": true})).await;
    assert_eq!(finished["counts"]["exclude"], 1, "{finished}");
}

/// The fixture, with the integration `main-auvik` as a later version would write it.
fn of_a_later_version() -> Vec<Value> {
    let mut items = items();
    let integration =
        items.iter_mut().find(|item| item["pk"]["S"] == "integrations" && item["sk"]["S"] == "main-auvik");
    let integration = integration.expect("the integration is there");
    integration["form"] = json!({"N": (ITEM_FORM + 1).to_string()});
    items
}

#[tokio::test]
async fn people_are_told_in_a_sentence_that_a_later_version_wrote_the_table() {
    let office = Office::over(of_a_later_version()).await;
    let next = ITEM_FORM + 1;
    let sentence = format!(
        "the table holds items of form {next}, and this version of msp-sync knows forms up to {ITEM_FORM}: use the later one"
    );
    for asked in [
        json!({"ask": "status", "id": null, "page": {"limit": 10}}),
        json!({"ask": "sync", "target": {"ids": ["main-auvik"]}, "force": false}),
        json!({"ask": "pause", "id": "main-auvik"}),
    ] {
        let error = office.try_ask(asked.clone()).await;
        let error = match error {
            // A sync of several says of each what became of it.
            Ok(answer) => {
                assert!(answer.to_string().contains(&sentence), "{asked}: {answer}");
                continue;
            }
            Err(error) => error,
        };
        assert_eq!((error.code, error.message.as_str()), (Code::Refused, sentence.as_str()), "{asked}");
    }
    let left = office.ports.table.get(&Key::new("integrations", "main-auvik")).await;
    assert!(matches!(left, Err(TableError::Newer { .. })), "it lies there as it was: {left:?}");
}

/// A function goes on by itself nowhere in these tests.
struct Nowhere;

impl functions::onward::Onward for Nowhere {
    async fn go_on(&self, run: &RunId, _: Option<Timestamp>, _: Timestamp) -> Result<(), aws::CallError> {
        panic!("{run} is gone on with")
    }
}

#[tokio::test]
async fn a_function_that_meets_a_later_table_leaves_it_to_a_person() {
    let office = Office::over(of_a_later_version()).await.ports;
    let ports = fetching::Ports {
        table: office.table,
        queue: office.queue.clone(),
        secrets: KeptSecrets::new(office.secrets),
        transport: office.transport,
        surroundings: office.surroundings,
        metrics: Metrics::default(),
    };
    let vendor = apis::vendors::find("auvik").expect("Auvik is a vendor");
    let event = json!({"integration": "main-auvik"});
    let failure = fetching::handle(vendor, &event, "request-1", &ports, &Nowhere, &office.clock).await;
    let failure = failure.expect_err("the table is of a later version");
    assert_eq!(failure.disposition, "Person");
    assert!(failure.text.contains("use the later one"), "{failure:?}");
    assert_eq!(office.queue.depth(), 0);
}
