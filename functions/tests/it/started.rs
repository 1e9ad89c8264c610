//! What a function does before it needs anything of AWS: configuration, events, errors, log lines.

use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::runtime_api::{Function, json_lines};

const VENDOR: &str = env!("CARGO_BIN_EXE_auvik");
const RECONCILER: &str = env!("CARGO_BIN_EXE_reconciler");

/// An address on this machine where nobody listens.
async fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    format!("http://{}", listener.local_addr().expect("a listener has an address"))
}

async fn start(binary: &str, more: &[(&str, &str)]) -> Function {
    let nowhere = nowhere().await;
    let queue = format!("{nowhere}/000000000000/records.fifo");
    let mut variables = vec![
        ("AWS_ENDPOINT_URL", nowhere.as_str()),
        ("TABLE_NAME", "catalogue"),
        ("RECORDS_QUEUE_URL", queue.as_str()),
        ("SECRET_PREFIX", "msp-sync"),
        ("CONTINUATION_GROUP", "msp-sync-continuations"),
        ("SCHEDULER_ROLE_ARN", "arn:aws:iam::123456789012:role/scheduler"),
    ];
    variables.extend(more);
    Function::start(binary, &variables).await
}

fn by_hand() -> Value {
    json!({"integration": "auvik-main", "force": false})
}

#[tokio::test]
async fn a_function_with_a_wrong_environment_answers_what_is_wrong() {
    for (binary, missing) in
        [(VENDOR, "TABLE_NAME, SECRET_PREFIX, CONTINUATION_GROUP, SCHEDULER_ROLE_ARN"), (RECONCILER, "TABLE_NAME")]
    {
        let mut function = Function::start(binary, &[("RECORDS_QUEUE_URL", "https://sqs.example/records.fifo")]).await;
        for _ in 0..2 {
            let failed = function.invoke(&by_hand()).await.unwrap_err();
            assert_eq!(failed.error_type, "Person");
            assert!(failed.message.ends_with(&format!("lacks {missing}")), "{failed:?}");
        }
        let log = function.stop().await;
        assert!(json_lines(&log)[0]["error"].as_str().is_some_and(|error| error.contains(missing)), "{log}");
    }
}

#[tokio::test]
async fn an_event_that_is_not_understood_costs_that_event_only() {
    let mut function = start(VENDOR, &[]).await;
    for (event, expected) in [(json!([]), "not a JSON object"), (json!({"integratoin": "a"}), "integratoin")] {
        let failed = function.invoke(&event).await.unwrap_err();
        assert!(failed.error_type == "Person" && failed.message.contains(expected), "{failed:?}");
    }
    let mut function = start(RECONCILER, &[]).await;
    let failed = function.invoke(&by_hand()).await.unwrap_err();
    assert!(failed.error_type == "Person" && failed.message.contains("not a batch"), "{failed:?}");
}

#[tokio::test]
async fn a_store_that_cannot_be_reached_is_tried_again() {
    let mut function = start(VENDOR, &[]).await;
    assert_eq!(function.invoke(&by_hand()).await.unwrap_err().error_type, "Again");

    let message = |id: &str, group: &str| {
        let body = json!({"do": "look", "run": "auvik-main.20261122T200000000Z"}).to_string();
        let attributes = json!({"ApproximateReceiveCount": "1", "MessageGroupId": group});
        json!({"messageId": id, "receiptHandle": "r", "body": body, "attributes": attributes})
    };
    let mut function = start(RECONCILER, &[]).await;
    let answer = function.invoke(&json!({"Records": [message("m1", "a"), message("m2", "a")]})).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]}));
}

#[tokio::test]
async fn every_line_has_a_timestamp_a_level_and_the_request_id_at_every_level() {
    for level in ["DEBUG", "INFO", "WARN", "ERROR"] {
        let mut function = start(VENDOR, &[("AWS_LAMBDA_LOG_LEVEL", level), ("RUST_LOG", "trace")]).await;
        function.invoke(&json!({})).await.unwrap_err();
        function.invoke(&json!({})).await.unwrap_err();
        let lines = json_lines(&function.stop().await);
        assert_eq!(lines.len(), 2, "{level}: {lines:?}");
        for (line, request_id) in lines.iter().zip(["request-1", "request-2"]) {
            let timestamp = line["timestamp"].as_str().unwrap_or_default();
            assert!(timestamp.parse::<jiff::Timestamp>().is_ok(), "{level}: {line}");
            assert_eq!(line["level"], "ERROR", "{level}: {line}");
            assert_eq!(line["spans"][0]["requestId"], request_id, "{level}: {line}");
            assert_eq!(line["disposition"], "Person", "{level}: {line}");
        }
    }
}

#[tokio::test]
async fn lines_are_plain_where_lambda_is_set_to_text() {
    let mut function = start(VENDOR, &[("AWS_LAMBDA_LOG_FORMAT", "Text")]).await;
    function.invoke(&json!({})).await.unwrap_err();
    let log = function.stop().await;
    assert!(log.contains("ERROR") && log.contains("requestId=\"request-1\""), "{log}");
    assert!(serde_json::from_str::<Value>(log.trim()).is_err(), "{log}");
}
