//! The ports' contracts against a stand-in of AWS on this machine, named by `MSP_SYNC_TEST_AWS_ENDPOINT`.
//!
//! Where it is not set, these tests say so and prove nothing about AWS; the project's own test run sets it.

use std::time::{SystemTime, UNIX_EPOCH};

use aws::Config;
use aws::queue::SqsQueue;
use aws::secrets::SecretsManager;
use aws::table::DynamoTable;
use aws_sdk_sqs::types::QueueAttributeName;
use engine::contract;
use engine::ports::{ATTEMPTS_MAX, Envelope, QueueIn, QueueOut};

const ENDPOINT: &str = "MSP_SYNC_TEST_AWS_ENDPOINT";

/// Returns a configuration that can reach the stand-in and nothing else.
fn stand_in() -> Option<Config> {
    let Ok(endpoint) = std::env::var(ENDPOINT) else {
        eprintln!("{ENDPOINT} is not set: nothing was checked against a stand-in of AWS");
        return None;
    };
    let loopback = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"];
    assert!(loopback.iter().any(|start| endpoint.starts_with(start)), "{endpoint} is not on this machine");
    Some(aws::config_at(&endpoint))
}

/// A name that no earlier run on the same stand-in used.
fn fresh(what: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    format!("{what}-{}-{}", std::process::id(), now.as_nanos())
}

/// Makes a FIFO queue that gives up as ours does.
async fn make_queue(client: &aws_sdk_sqs::Client) -> String {
    let fifo = async |name: String, redrive: Option<String>| {
        let request = client.create_queue().queue_name(format!("{name}.fifo"));
        let request = request.attributes(QueueAttributeName::FifoQueue, "true");
        let request = match redrive {
            Some(policy) => request.attributes(QueueAttributeName::RedrivePolicy, policy),
            None => request,
        };
        request.send().await.expect("the queue is made").queue_url.expect("it has a URL")
    };
    let dead = fifo(fresh("dead"), None).await;
    let attributes = client.get_queue_attributes().queue_url(dead).attribute_names(QueueAttributeName::QueueArn);
    let attributes = attributes.send().await.expect("it is there").attributes.expect("it has an ARN");
    let arn = &attributes[&QueueAttributeName::QueueArn];
    let policy = format!("{{\"deadLetterTargetArn\":\"{arn}\",\"maxReceiveCount\":{ATTEMPTS_MAX}}}");
    fifo(fresh("records"), Some(policy)).await
}

#[tokio::test]
async fn the_table_passes_the_contract() {
    let Some(config) = stand_in() else { return };
    let table = DynamoTable::open(&config, fresh("table"));
    table.create_if_missing().await.expect("the table is made");
    table.create_if_missing().await.expect("making it twice is harmless");
    contract::table(&table).await;
}

#[tokio::test]
async fn the_queue_passes_the_contract() {
    let Some(config) = stand_in() else { return };
    let client = aws_sdk_sqs::Client::new(&config);
    let url = make_queue(&client).await;
    contract::queue(&SqsQueue::new(client, url)).await;
}

#[tokio::test]
async fn groups_that_sqs_would_refuse_keep_their_order() {
    let Some(config) = stand_in() else { return };
    let client = aws_sdk_sqs::Client::new(&config);
    let url = make_queue(&client).await;
    let queue = SqsQueue::new(client, url);
    let group = format!("client:Müller & Söhne {}", "x".repeat(500));
    let envelope =
        |n: u32| Envelope { group: group.clone(), deduplication: format!("{group} {n}"), body: n.to_string() };
    let refused = queue.send((0..12).map(envelope).collect()).await.expect("reachable");
    assert_eq!(refused, Vec::<usize>::new());
    for n in 0..12 {
        let taken = queue.receive(10).await.expect("reachable");
        assert_eq!(taken.iter().map(|delivery| delivery.body.as_str()).collect::<Vec<_>>(), [n.to_string()]);
        queue.done(&taken[0].receipt).await.expect("reachable");
    }
}

#[tokio::test]
async fn the_secrets_pass_the_contract() {
    let Some(config) = stand_in() else { return };
    contract::secrets(&SecretsManager::open(&config, fresh("msp-sync/test"))).await;
}
