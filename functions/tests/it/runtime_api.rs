//! A small Runtime API: it starts a function's binary, hands it events, and takes its answers and log lines.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc, watch};

/// One event on its way to the function.
struct Invocation {
    request_id: String,
    deadline_ms: u128,
    payload: String,
}

/// What the function said about one event.
#[derive(Debug)]
struct Said {
    request_id: String,
    failed: bool,
    payload: Value,
}

struct Api {
    polled: watch::Sender<bool>,
    events: Mutex<mpsc::Receiver<Invocation>>,
    answers: mpsc::Sender<Said>,
}

/// A function that runs.
pub struct Function {
    child: Child,
    polled: watch::Receiver<bool>,
    events: mpsc::Sender<Invocation>,
    answers: mpsc::Receiver<Said>,
    invocations: usize,
    /// How long each invocation may take.
    pub timeout: Duration,
}

/// What a failed invocation answers.
#[derive(Debug, PartialEq, Eq)]
pub struct Failed {
    /// The disposition's name.
    pub error_type: String,
    /// What happened.
    pub message: String,
}

impl Function {
    /// Starts a function's binary with these variables besides those that Lambda and the tests always set.
    pub async fn start(binary: &str, variables: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let (events, incoming) = mpsc::channel(1);
        let (outgoing, answers) = mpsc::channel(1);
        let (polling, polled) = watch::channel(false);
        let api = Arc::new(Api { polled: polling, events: Mutex::new(incoming), answers: outgoing });
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{outcome}", post(outcome))
            .with_state(api);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let child = Command::new(binary)
            .env_clear()
            .envs(std::env::vars().filter(|(name, _)| name.starts_with("SSL_CERT_")))
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", address.to_string().as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", "function-under-test"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
                ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
                ("AWS_REGION", "eu-west-1"),
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
                ("AWS_EC2_METADATA_DISABLED", "true"),
            ])
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("cargo has built the function");
        Self { child, polled, events, answers, invocations: 0, timeout: Duration::from_secs(300) }
    }

    /// Waits until the function asks for its first event.
    pub async fn started(&mut self) {
        self.polled.wait_for(|polled| *polled).await.expect("the Runtime API listens");
    }

    /// Sends an event and returns the answer.
    pub async fn invoke(&mut self, event: &Value) -> Result<Value, Failed> {
        self.invocations += 1;
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970") + self.timeout;
        let request_id = format!("request-{}", self.invocations);
        let event = Invocation {
            request_id: request_id.clone(),
            deadline_ms: deadline.as_millis(),
            payload: event.to_string(),
        };
        self.events.send(event).await.expect("the Runtime API listens");
        let said = self.answers.recv().await.expect("the Runtime API listens");
        assert_eq!(said.request_id, request_id, "the function answered another event");
        if !said.failed {
            return Ok(said.payload);
        }
        let text = |field: &str| said.payload[field].as_str().unwrap_or_default().to_owned();
        Err(Failed { error_type: text("errorType"), message: text("errorMessage") })
    }

    /// Ends the function and returns what it logged.
    pub async fn stop(mut self) -> String {
        self.child.start_kill().expect("the function still runs");
        let mut log = String::new();
        let mut output = self.child.stdout.take().expect("its output is piped");
        output.read_to_string(&mut log).await.expect("it logs UTF-8");
        log
    }
}

/// Returns log lines as JSON; a line that is none fails the test.
pub fn json_lines(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?}: {error}"))).collect()
}

/// Waits for an event, as Lambda freezes a function without one.
async fn next(State(api): State<Arc<Api>>) -> impl IntoResponse {
    api.polled.send_replace(true);
    let Some(event) = api.events.lock().await.recv().await else { return StatusCode::GONE.into_response() };
    let headers = [
        ("lambda-runtime-aws-request-id", event.request_id),
        ("lambda-runtime-deadline-ms", event.deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-1:123456789012:function:test".to_owned()),
        (header::CONTENT_TYPE.as_str(), "application/json".to_owned()),
    ];
    (headers, event.payload).into_response()
}

async fn outcome(
    State(api): State<Arc<Api>>,
    Path((request_id, outcome)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    let payload = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let said = Said { request_id, failed: outcome == "error", payload };
    if api.answers.send(said).await.is_err() { StatusCode::GONE } else { StatusCode::ACCEPTED }
}
