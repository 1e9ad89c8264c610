//! The two functions over a stand-in for AWS: the whole way from the simulated vendor to the catalogue.
//!
//! They run where `MSP_SYNC_TEST_AWS_ENDPOINT` names a stand-in with DynamoDB, SQS and Secrets Manager, as in CI.

use std::collections::{BTreeMap, BTreeSet};

use apis::call::{Secret, SecretText};
use aws::queue::SqsQueue;
use aws::secrets::SecretsManager;
use aws::table::DynamoTable;
use engine::ports::{Delivery, QueueIn, Secrets};
use engine::store::integrations::{self, Integration, IntegrationState};
use engine::store::runs::{self, RunRecord};
use reconcile::ids::{IntegrationId, RunId};
use reconcile::record::Kind;
use reconcile::run::Outcome;
use sandbox::server::Sandbox;
use sandbox::world::{Size, World};
use serde_json::{Value, json};

use crate::runtime_api::Function;
use crate::stand_in;

const PREFIX: &str = "msp-sync-test";

/// Both functions, their vendor, and what they share.
struct Bundle {
    vendor: Function,
    reconciler: Function,
    sandbox: Sandbox,
    table: DynamoTable,
    queue: SqsQueue,
    id: IntegrationId,
}

impl Bundle {
    /// Makes a table, a queue, a secret and an integration of their own, and starts both functions. `None` where no
    /// stand-in is named.
    async fn start(name: &str) -> Option<Self> {
        let Ok(endpoint) = std::env::var("MSP_SYNC_TEST_AWS_ENDPOINT") else {
            eprintln!("not run: MSP_SYNC_TEST_AWS_ENDPOINT names no stand-in for AWS");
            return None;
        };
        let name = format!("{name}-{}", std::process::id());
        let config = aws::config_at(&endpoint);
        let table = DynamoTable::open(&config, &name);
        table.create_if_missing().await.expect("the stand-in makes a table");
        let queue_url = stand_in::create_fifo_queue(&endpoint, &name).await;
        let sandbox =
            Sandbox::start(0, World::new(&Size { clients: 4, devices: 40, seed: 1 })).await.expect("a port is free");
        let id = IntegrationId::parse(&name).expect("the name is a slug");
        let secrets = SecretsManager::open(&config, PREFIX);
        add_integration(&id, &sandbox, &table, &secrets).await;

        let variables = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("TABLE_NAME", name.as_str()),
            ("RECORDS_QUEUE_URL", queue_url.as_str()),
            ("SECRET_PREFIX", PREFIX),
            ("CONTINUATION_GROUP", "msp-sync-continuations"),
            ("SCHEDULER_ROLE_ARN", "arn:aws:iam::000000000000:role/scheduler"),
            ("MSP_SYNC_ALLOW_LOOPBACK", "1"),
        ];
        let vendor = Function::start(env!("CARGO_BIN_EXE_auvik"), &variables).await;
        // The reconciler reads no secret, so it is not told where they are.
        let reconciler = Function::start(env!("CARGO_BIN_EXE_reconciler"), &variables[..3]).await;
        let queue = SqsQueue::open(&config, &queue_url);
        Some(Self { vendor, reconciler, sandbox, table, queue, id })
    }

    /// Hands the queue's messages to the reconciler, as the event source mapping does, until none is left.
    async fn reconcile(&mut self) {
        loop {
            let deliveries = self.queue.receive(10).await.expect("the stand-in has the queue");
            if deliveries.is_empty() {
                return;
            }
            let records: Vec<Value> = deliveries.iter().enumerate().map(message).collect();
            let answer = self.reconciler.invoke(&json!({"Records": records})).await.expect("a batch is answered");
            let failures = answer["batchItemFailures"].as_array().expect("the answer lists failures");
            assert_eq!(failures, &Vec::<Value>::new());
            for delivery in &deliveries {
                self.queue.done(&delivery.receipt).await.expect("the stand-in has the queue");
            }
        }
    }

    /// Runs one night and returns the vendor function's answer and the closed run.
    async fn night(&mut self) -> (Value, RunRecord) {
        let event = json!({"integration": self.id, "force": false, "scheduled_at": "2026-11-22T20:00:00Z"});
        let answer = self.vendor.invoke(&event).await.expect("the vendor is read");
        self.reconcile().await;
        let run = RunId::parse(answer["run_id"].as_str().expect("the answer names the run")).expect("it is a run's id");
        let run = runs::load(&self.table, &run).await.expect("the stand-in has the table").expect("the run is stored");
        (answer, run)
    }
}

fn message((place, delivery): (usize, &Delivery)) -> Value {
    json!({
        "messageId": format!("message-{place}"),
        "receiptHandle": delivery.receipt,
        "body": delivery.body,
        "attributes": {"ApproximateReceiveCount": delivery.attempt.to_string(), "MessageGroupId": delivery.group},
        "eventSource": "aws:sqs",
        "awsRegion": "eu-west-1",
    })
}

async fn add_integration(id: &IntegrationId, sandbox: &Sandbox, table: &DynamoTable, secrets: &SecretsManager) {
    let listing = sandbox.describe().iter().find(|listing| listing.vendor == "auvik").expect("it simulates Auvik");
    let text = |(name, text): (&&str, &String)| ((*name).to_owned(), text.clone());
    let parts: BTreeMap<String, String> = listing.secret.iter().map(text).collect();
    let secret = Secret(parts.into_iter().map(|(name, part)| (name, SecretText::new(&part))).collect());
    secrets.propose(id, &secret).await.expect("the stand-in keeps secrets");
    secrets.promote(id).await.expect("the stand-in keeps secrets");
    let vendor = apis::vendors::find("auvik").expect("Auvik is a vendor");
    let mut integration = Integration {
        state: IntegrationState::Live,
        sync: BTreeSet::from([Kind::Client, Kind::Asset]),
        auto_create: BTreeSet::from([Kind::Client, Kind::Asset]),
        ..Integration::draft(
            id.clone(),
            vendor,
            listing.settings.iter().map(text).collect(),
            "2026-11-20T19:00:00Z".parse().expect("an instant"),
        )
    };
    integrations::save(table, &mut integration).await.expect("the stand-in has the table");
}

#[tokio::test]
async fn a_night_reaches_the_catalogue_and_the_next_one_changes_nothing() {
    let Some(mut bundle) = Bundle::start("two-nights").await else { return };
    let (answer, first) = bundle.night().await;
    assert_eq!((&answer["state"], &answer["continued"]), (&json!("read"), &json!(false)));
    assert!(answer["queued"]["messages"].as_u64() > Some(0), "{answer}");
    assert_eq!(first.run.outcome(), Some(Outcome::Complete), "{first:?}");
    for kind in [Kind::Client, Kind::Asset] {
        let counts = &first.counts[&kind];
        assert!(counts.created > 0 && counts.created == counts.synced, "{kind:?}: {counts:?}");
    }

    let (answer, second) = bundle.night().await;
    assert_eq!(second.run.outcome(), Some(Outcome::Complete), "{second:?}");
    for kind in [Kind::Client, Kind::Asset] {
        let (counts, before) = (&second.counts[&kind], &first.counts[&kind]);
        assert_eq!((counts.fetched, counts.synced), (before.fetched, before.synced), "{kind:?}");
        assert_eq!((counts.created, counts.updated, counts.unchanged), (0, 0, counts.synced), "{kind:?}");
    }
    let (clients, assets) = (&answer["kinds"]["client"], &answer["kinds"]["asset"]);
    assert_eq!(clients["skipped"], clients["fetched"], "the list of tenants is always read whole: {answer}");
    assert_eq!((&assets["of_changes"], &assets["fetched"]), (&json!(true), &json!(0)), "no device changed: {answer}");
    assert_eq!(answer["queued"]["messages"], json!(0), "{answer}");
}

#[tokio::test]
async fn a_key_that_was_revoked_pauses_the_integration_and_shows_nowhere() {
    let Some(mut bundle) = Bundle::start("revoked").await else { return };
    let new = sandbox::auvik::Credentials { api_key: "another-key".to_owned(), ..Default::default() };
    bundle.sandbox.auvik.with(|auvik| auvik.set_credentials(new));
    let (answer, run) = bundle.night().await;
    assert_eq!(answer["state"], "credentials_rejected");
    assert_eq!(run.run.outcome(), Some(Outcome::CredentialsRejected));
    let old = bundle.sandbox.describe()[0].secret["api_key"].clone();
    let log = bundle.vendor.stop().await;
    assert!(log.contains("refused the secret") && !log.contains(&old), "{log}");
}
