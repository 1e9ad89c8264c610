//! The one thing that the tests ask of the stand-in for AWS beyond the adapters: a queue.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest wait for an answer: a stand-in that hangs fails the test and not the whole run.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// Makes a FIFO queue and returns its URL.
pub async fn create_fifo_queue(endpoint: &str, name: &str) -> String {
    let name = format!("{name}.fifo");
    let request = json!({"QueueName": name, "Attributes": {"FifoQueue": "true", "VisibilityTimeout": "600"}});
    let answer = tokio::time::timeout(ANSWER_MAX, post(endpoint, "AmazonSQS.CreateQueue", &request));
    let answer = answer.await.expect("the stand-in answers in time");
    answer["QueueUrl"].as_str().unwrap_or_else(|| panic!("no queue was made: {answer}")).to_owned()
}

/// Sends one request of SQS's JSON protocol. Stand-ins look at the credential's service and not at the signature.
async fn post(endpoint: &str, target: &str, body: &Value) -> Value {
    let address = endpoint.trim_start_matches("http://").trim_end_matches('/');
    let body = body.to_string();
    let request = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/x-amz-json-1.0\r\n\
         x-amz-target: {target}\r\ncontent-length: {}\r\nauthorization: AWS4-HMAC-SHA256 \
         Credential=test/20261122/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=00\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.expect("the stand-in listens");
    stream.write_all(request.as_bytes()).await.expect("the stand-in listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("the stand-in answers");
    let json = answer.find('{').map(|start| &answer[start..=answer.rfind('}').unwrap_or(start)]);
    let json = json.unwrap_or_else(|| panic!("the stand-in answered {answer:?}"));
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}
