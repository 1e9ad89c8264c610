//! The SDK's way to the engine in process: what would be an HTTP request is a call of a function.
//!
//! Nothing is signed, retried, resolved or timed, since there is no network; the SDK only writes and reads its JSON.

use std::fmt;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, IdentityCache, Region, StalledStreamProtectionConfig};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Where a call is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// In the calling task: an engine in memory does not wait for anything.
    Inline,
    /// On a thread for blocking work: a write waits for the disk, and a read for a write.
    Blocking,
}

/// Makes a client whose every call goes to `database`.
pub(crate) fn client(database: Database, work: Work) -> Client {
    let connector = SharedHttpConnector::new(Connector { database, work });
    let http = http_client_fn(move |_: &HttpConnectorSettings, _: &RuntimeComponents| connector.clone());
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("local"))
        .allow_no_auth()
        .identity_cache(IdentityCache::no_cache())
        .endpoint_resolver(InProcess)
        .http_client(http)
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build();
    Client::from_conf(config)
}

/// An endpoint that is never connected to.
#[derive(Debug)]
struct InProcess;

impl ResolveEndpoint for InProcess {
    fn resolve_endpoint<'a>(&'a self, _params: &'a Params) -> EndpointFuture<'a> {
        EndpointFuture::ready(Ok(Endpoint::builder().url("http://in-process.invalid").build()))
    }
}

struct Connector {
    database: Database,
    work: Work,
}

impl fmt::Debug for Connector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Connector").field("work", &self.work).finish_non_exhaustive()
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match self.work {
            Work::Inline => HttpConnectorFuture::ready(Ok(answer(&self.database, &request))),
            Work::Blocking => {
                let database = self.database.clone();
                HttpConnectorFuture::new(async move {
                    tokio::task::spawn_blocking(move || answer(&database, &request))
                        .await
                        .map_err(|error| ConnectorError::other(error.into(), None))
                })
            }
        }
    }
}

/// The status and the JSON of an answer.
type Answer = (u16, Vec<u8>);

fn answer(database: &Database, request: &HttpRequest) -> HttpResponse {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let body = request.body().bytes().unwrap_or_default();
    let (status, json) = match operation {
        "GetItem" => run(body, |request| database.get_item(request)),
        "BatchGetItem" => run(body, |request| database.batch_get_item(request)),
        "Query" => run(body, |request| database.query(request)),
        "PutItem" => run(body, |request| database.put_item(request)),
        "DeleteItem" => run(body, |request| database.delete_item(request)),
        "TransactWriteItems" => run(body, |request| transact(database, request)),
        "DescribeTable" => run(body, |request| database.describe_table(request)),
        "CreateTable" => run(body, |request| database.create_table(request)),
        "UpdateTimeToLive" => run(body, |request| database.update_time_to_live(request)),
        other => failed(&DynoxideError::ValidationException(format!("{other} is not used on one machine"))),
    };
    let status = StatusCode::try_from(status).expect("the engine answers with statuses of HTTP");
    HttpResponse::new(status, SdkBody::from(json))
}

/// Without the SDK's token the engine need not hash the whole request: nothing is sent twice where nothing is lost.
fn transact(
    database: &Database,
    mut request: dynoxide::actions::transact_write_items::TransactWriteItemsRequest,
) -> dynoxide::Result<dynoxide::actions::transact_write_items::TransactWriteItemsResponse> {
    request.client_request_token = None;
    database.transact_write_items(request)
}

fn run<Q: DeserializeOwned, A: Serialize>(body: &[u8], work: impl FnOnce(Q) -> dynoxide::Result<A>) -> Answer {
    let request = match serde_json::from_slice(body) {
        Ok(request) => request,
        // serde's own words would quote the document.
        Err(error) => {
            let place = format!("the request could not be read at column {}", error.column());
            return failed(&DynoxideError::SerializationException(place));
        }
    };
    match work(request) {
        Ok(answer) => (200, serde_json::to_vec(&answer).expect("the engine's answers are JSON")),
        Err(error) => failed(&error),
    }
}

fn failed(error: &DynoxideError) -> Answer {
    (error.status_code(), error.to_json().into_bytes())
}
