//! What becomes of answers that no stand-in can be made to give.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws::queue::SqsQueue;
use aws::table::DynamoTable;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use engine::ports::{Envelope, Expect, ITEM_FORM, Key, QueueOut, Table, TableError, Write};

/// Stands in error texts where a document could show through.
const CANARY: &str = "c4n4ry-of-a-document";

/// A status and a body; `None` is a connection that cannot be made.
type Answer = Option<(u16, String)>;

/// Gives the answers in turn, the last one for ever.
#[derive(Debug, Clone)]
struct Recorded(Arc<Mutex<VecDeque<Answer>>>);

impl HttpConnector for Recorded {
    fn call(&self, _request: HttpRequest) -> HttpConnectorFuture {
        let mut answers = self.0.lock().expect("no one panics");
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        HttpConnectorFuture::ready(match answer.flatten() {
            Some((status, body)) => {
                let status = StatusCode::try_from(status).expect("a status");
                Ok(HttpResponse::new(status, SdkBody::from(body)))
            }
            None => Err(ConnectorError::io("connection refused".into())),
        })
    }
}

fn config(answers: &[Option<(u16, &str)>]) -> SdkConfig {
    config_trying(answers, RetryConfig::disabled())
}

fn config_trying(answers: &[Option<(u16, &str)>], retries: RetryConfig) -> SdkConfig {
    let answers = answers.iter().map(|answer| answer.map(|(status, body)| (status, body.to_owned()))).collect();
    let connector = SharedHttpConnector::new(Recorded(Arc::new(Mutex::new(answers))));
    let http: SharedHttpClient =
        http_client_fn(move |_: &HttpConnectorSettings, _: &RuntimeComponents| connector.clone());
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("eu-central-1"))
        .endpoint_url("http://127.0.0.1:9")
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("dummy", "dummy", None, None, "test")))
        .http_client(http)
        .retry_config(retries)
        .build()
}

fn table(answers: &[Option<(u16, &str)>]) -> DynamoTable {
    DynamoTable::new(aws_sdk_dynamodb::Client::new(&config(answers)), "msp-sync")
}

/// A table whose client tries again by itself, as it does on AWS.
fn trying_table(answers: &[Option<(u16, &str)>]) -> DynamoTable {
    let retries = RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(1));
    DynamoTable::new(aws_sdk_dynamodb::Client::new(&config_trying(answers, retries)), "msp-sync")
}

fn put(sk: &str) -> Write {
    Write::put(Key::new("p", sk), Expect::Absent, format!("\"{CANARY}\""))
}

fn error(kind: &str) -> String {
    format!(
        "{{\"__type\":\"com.amazonaws.dynamodb.v20120810#{kind}\",\"message\":\"told\",\"Item\":{{\"body\":{{\"S\":\"{CANARY}\"}}}}}}"
    )
}

fn cancelled(codes: &[&str]) -> String {
    let reasons: Vec<String> = codes.iter().map(|code| format!("{{\"Code\":\"{code}\"}}")).collect();
    format!(
        "{{\"__type\":\"com.amazonaws.dynamodb.v20120810#TransactionCanceledException\",\"Message\":\"cancelled\",\
         \"CancellationReasons\":[{}]}}",
        reasons.join(",")
    )
}

/// Names what came of a call, and makes sure that no document shows in the error.
fn outcome<T>(answer: Result<T, TableError>) -> String {
    let Err(error) = answer else { return "done".to_owned() };
    let mut shown = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        shown.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    assert!(!shown.contains(CANARY), "a document shows in {shown}");
    match error {
        TableError::Conflict { index, key } => format!("conflict at {index} ({})", key.sk),
        TableError::Unavailable { operation, .. } => format!("{operation} unavailable"),
        TableError::Refused { operation, .. } => format!("{operation} refused"),
        TableError::Newer { form, known } => format!("form {form} beyond {known}"),
    }
}

#[tokio::test]
async fn errors_of_a_write_are_told_apart() {
    let cases = [
        (400, "ConditionalCheckFailedException", "conflict at 0 (a)"),
        (400, "ProvisionedThroughputExceededException", "write unavailable"),
        (400, "ThrottlingException", "write unavailable"),
        (400, "RequestLimitExceeded", "write unavailable"),
        (400, "TransactionConflictException", "write unavailable"),
        (500, "InternalServerError", "write unavailable"),
        (503, "ServiceUnavailable", "write unavailable"),
        (400, "ValidationException", "write refused"),
        (400, "ResourceNotFoundException", "write refused"),
        (400, "AccessDeniedException", "write refused"),
        (400, "SomethingNobodyHeardOf", "write refused"),
    ];
    for (status, kind, expected) in cases {
        let answer = table(&[Some((status, &error(kind)))]).write(put("a")).await;
        assert_eq!(outcome(answer), expected, "{kind}");
    }
    assert_eq!(outcome(table(&[None]).write(put("a")).await), "write unavailable", "no connection");
    assert_eq!(outcome(table(&[Some((502, "<html>"))]).write(put("a")).await), "write unavailable", "a proxy's page");
}

#[tokio::test]
async fn a_cancelled_transaction_names_its_failing_write_or_may_be_tried_again() {
    let cases: [(&[&str], &str); 6] = [
        (&["None", "None", "ConditionalCheckFailed"], "conflict at 2 (c)"),
        (&["TransactionConflict", "ConditionalCheckFailed", "ConditionalCheckFailed"], "conflict at 1 (b)"),
        (&["None", "TransactionConflict", "None"], "transact unavailable"),
        (&["None", "ThrottlingError", "None"], "transact unavailable"),
        (&["None", "ProvisionedThroughputExceeded", "None"], "transact unavailable"),
        (&["None", "ItemCollectionSizeLimitExceeded", "None"], "transact refused"),
    ];
    for (codes, expected) in cases {
        let table = table(&[Some((400, &cancelled(codes)))]);
        let answer = table.transact(vec![put("a"), put("b"), put("c")]).await;
        assert_eq!(outcome(answer), expected, "{codes:?}");
    }
    let in_progress = table(&[Some((400, &error("TransactionInProgressException")))]);
    assert_eq!(outcome(in_progress.transact(vec![put("a")]).await), "transact unavailable");
}

/// One item of a batch read, with another one left over.
fn partial(sk: &str, left: Option<&str>) -> String {
    let key = |sk: &str| format!("\"pk\":{{\"S\":\"p\"}},\"sk\":{{\"S\":\"{sk}\"}}");
    let left = left.map_or_else(String::new, |sk| format!("\"msp-sync\":{{\"Keys\":[{{{}}}]}}", key(sk)));
    format!(
        "{{\"Responses\":{{\"msp-sync\":[{{{},\"v\":{{\"N\":\"3\"}},\"body\":{{\"S\":\"{{}}\"}}}}]}},\
         \"UnprocessedKeys\":{{{left}}},\"ConsumedCapacity\":[{{\"TableName\":\"msp-sync\",\"CapacityUnits\":1.0}}]}}",
        key(sk)
    )
}

#[tokio::test]
async fn what_a_batch_read_leaves_over_is_asked_for_again_within_a_bound() {
    let keys = [Key::new("p", "a"), Key::new("p", "b")];
    let two_rounds = table(&[Some((200, &partial("a", Some("b")))), Some((200, &partial("b", None)))]);
    let items = two_rounds.get_many(&keys).await.expect("the second round brings the rest");
    assert_eq!(items.iter().map(|item| (item.key.sk.as_str(), item.version)).collect::<Vec<_>>(), [("a", 3), ("b", 3)]);
    let consumed = two_rounds.meter().read();
    assert_eq!((consumed.requests, consumed.read_units), (2, 2.0));

    let nothing = "{\"Responses\":{},\"UnprocessedKeys\":{\"msp-sync\":{\"Keys\":[{\"pk\":{\"S\":\"p\"},\"sk\":{\"S\":\"a\"}}]}}}";
    let answer = table(&[Some((200, nothing))]).get_many(&keys).await;
    assert_eq!(outcome(answer), "get_many unavailable", "a table that gives nothing for ever");
}

#[tokio::test]
async fn an_item_that_is_none_of_ours_is_refused_and_not_shown() {
    let foreign =
        format!("{{\"Item\":{{\"pk\":{{\"S\":\"p\"}},\"sk\":{{\"S\":\"a\"}},\"body\":{{\"S\":\"{CANARY}\"}}}}}}");
    let answer = table(&[Some((200, &foreign))]).get(&Key::new("p", "a")).await;
    assert_eq!(outcome(answer), "get refused");
}

#[tokio::test]
async fn messages_that_sqs_refuses_are_named_by_their_positions() {
    let answer = "{\"Successful\":[{\"Id\":\"0\",\"MessageId\":\"m\",\"MD5OfMessageBody\":\"d\"}],\
                  \"Failed\":[{\"Id\":\"3\",\"Code\":\"InternalError\",\"SenderFault\":false},\
                  {\"Id\":\"1\",\"Code\":\"InvalidMessageContents\",\"SenderFault\":true}]}";
    let client = aws_sdk_sqs::Client::new(&config(&[Some((200, answer))]));
    let queue = SqsQueue::new(client, "http://127.0.0.1:9/1/records.fifo");
    let envelope = |body: &str| Envelope { group: "g".into(), deduplication: body.into(), body: body.into() };
    let batch = vec![envelope("0"), envelope("1"), envelope(""), envelope("3")];
    assert_eq!(queue.send(batch).await.expect("SQS answered"), [1, 2, 3]);
}

/// What a read shows after somebody wrote this body at `a`.
fn shown(body: &str) -> String {
    serde_json::json!({"Item": {
        "pk": {"S": "p"}, "sk": {"S": "a"}, "v": {"N": "1"}, "form": {"N": ITEM_FORM.to_string()}, "body": {"S": body},
    }})
    .to_string()
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_no_conflict_with_itself() {
    let failed = error("ConditionalCheckFailedException");
    let (ours, other) = (shown(&format!("\"{CANARY}\"")), shown("\"somebody else's\""));
    let lost = |found: &str| outcome_of_a_second_try(&failed, found.to_owned(), put("a"));
    assert_eq!(lost(&ours).await, "done");
    assert_eq!(lost(&other).await, "conflict at 0 (a)");
    assert_eq!(lost("{}").await, "conflict at 0 (a)");

    let deletion = || Write::delete(Key::new("p", "a"), Expect::Version(1));
    assert_eq!(outcome_of_a_second_try(&failed, "{}".to_owned(), deletion()).await, "done");
    assert_eq!(outcome_of_a_second_try(&failed, other, deletion()).await, "conflict at 0 (a)");

    // At the first try a failed condition is a conflict, whatever lies there.
    let answers = [Some((400, failed.as_str())), Some((200, ours.as_str()))];
    assert_eq!(outcome(trying_table(&answers).write(put("a")).await), "conflict at 0 (a)");
}

async fn outcome_of_a_second_try(failed: &str, found: String, write: Write) -> String {
    let answers = [None, Some((400, failed)), Some((200, found.as_str()))];
    outcome(trying_table(&answers).write(write).await)
}
