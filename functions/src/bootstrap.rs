//! What every function does before its first event: read the environment, build the adapters once.
//!
//! Clients are built here and not at first use, since Lambda gives the init phase a full processor and does not charge
//! the caller's patience for it. `SSL_CERT_FILE` in the function's environment makes them load one bundle instead of a
//! folder of certificates.
//!
//! A wrong environment does not end the process, which would show as `Runtime.ExitError` without a word: the function
//! starts and answers every event with what is wrong.

use apis::account::Surroundings;
use aws::queue::SqsQueue;
use aws::secrets::SecretsManager;
use aws::table::DynamoTable;
use engine::error::with_causes;
use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
use serde::Serialize;
use serde_json::Value;
use tracing::Instrument;
use transport::{Loopback, Options, Transport};

use crate::clock::InvocationClock;
use crate::failure::Failure;
use crate::{fetching, logging, reconciling};

/// The environment of a function, as `template.yaml` sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// The table.
    pub table_name: String,
    /// The records queue.
    pub records_queue_url: String,
    /// Secrets are called `SECRET_PREFIX/<integration>`; empty in functions that read none.
    pub secret_prefix: String,
    /// Whether vendors may be on this machine: in tests only.
    pub loopback: Loopback,
}

/// Why a function cannot work.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// Variables are missing or empty.
    #[error("the function's environment lacks {}", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// The HTTP client cannot be built.
    #[error("the function cannot call vendors")]
    Transport(#[source] transport::TransportError),
}

/// Variables that every function needs.
const STORE_VARIABLES: &[&str] = &["TABLE_NAME", "RECORDS_QUEUE_URL"];
/// Variables that a function which reads vendors needs.
const VENDOR_VARIABLES: &[&str] = &["TABLE_NAME", "RECORDS_QUEUE_URL", "SECRET_PREFIX"];

impl Configuration {
    /// Reads the variables; all that are missing are named at once.
    fn read(
        needed: &[&'static str],
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Configuration, ConfigurationError> {
        let value = |name: &str| variable(name).unwrap_or_default().trim().to_owned();
        let missing: Vec<&str> = needed.iter().copied().filter(|name| value(name).is_empty()).collect();
        if !missing.is_empty() {
            return Err(ConfigurationError::Missing(missing));
        }
        Ok(Configuration {
            table_name: value("TABLE_NAME"),
            records_queue_url: value("RECORDS_QUEUE_URL"),
            secret_prefix: value("SECRET_PREFIX"),
            loopback: Loopback::from_setting(variable("MSP_SYNC_ALLOW_LOOPBACK").as_deref()),
        })
    }
}

/// The adapters of a vendor function.
pub type VendorPorts = fetching::Ports<DynamoTable, SqsQueue, SecretsManager, Transport>;
/// The adapters of the reconciler.
pub type ReconcilerPorts = reconciling::Ports<DynamoTable, SqsQueue>;

/// Builds the adapters of a vendor function.
async fn vendor_ports() -> Result<VendorPorts, ConfigurationError> {
    let configuration = Configuration::read(VENDOR_VARIABLES, |name| std::env::var(name).ok())?;
    let options = Options { loopback: configuration.loopback, ..Options::default() };
    let transport = Transport::new(options);
    transport.prepare().map_err(ConfigurationError::Transport)?;
    let config = aws::config().await;
    Ok(fetching::Ports {
        table: DynamoTable::open(&config, &configuration.table_name),
        queue: SqsQueue::open(&config, &configuration.records_queue_url),
        secrets: SecretsManager::open(&config, &configuration.secret_prefix),
        transport,
        surroundings: Surroundings { allow_loopback: configuration.loopback == Loopback::Allowed },
    })
}

/// Builds the adapters of the reconciler.
async fn reconciler_ports() -> Result<ReconcilerPorts, ConfigurationError> {
    let configuration = Configuration::read(STORE_VARIABLES, |name| std::env::var(name).ok())?;
    let config = aws::config().await;
    Ok(reconciling::Ports {
        table: DynamoTable::open(&config, &configuration.table_name),
        queue: SqsQueue::open(&config, &configuration.records_queue_url),
    })
}

/// Runs the function of the vendor with this id until Lambda ends the process.
pub async fn run_vendor(vendor_id: &str) -> Result<(), Error> {
    logging::start();
    let vendor = apis::vendors::find(vendor_id).ok_or_else(|| format!("there is no vendor {vendor_id}"))?;
    let ports = told(vendor_ports().await);
    serve(async |event, request_id, clock| {
        let ports = ports.as_ref().map_err(Failure::from)?;
        fetching::handle(vendor, &event, &request_id, ports, &clock).await
    })
    .await
}

/// Runs the reconciler until Lambda ends the process.
pub async fn run_reconciler() -> Result<(), Error> {
    logging::start();
    let ports = told(reconciler_ports().await);
    serve(async |event, _, clock| {
        let ports = ports.as_ref().map_err(Failure::from)?;
        reconciling::handle(event, ports, &clock).await
    })
    .await
}

/// Logs a wrong environment once, at the start.
fn told<T>(ports: Result<T, ConfigurationError>) -> Result<T, ConfigurationError> {
    if let Err(error) = &ports {
        tracing::error!(error = with_causes(error), "the function cannot work; it answers every event with this");
    }
    ports
}

/// Takes events one after the other. Each is handled within a span that carries its request id.
async fn serve<A: Serialize>(
    handle: impl AsyncFn(Value, String, InvocationClock) -> Result<A, Failure>,
) -> Result<(), Error> {
    let handle = &handle;
    let service = service_fn(|event: LambdaEvent<Value>| {
        let clock = InvocationClock::of(&event.context);
        let request_id = event.context.request_id;
        let span = logging::span(&request_id);
        let handled = async move {
            // Boxed: an event's future is kilobytes large, and the compiler need not see through all of it at once.
            let answer = Box::pin(handle(event.payload, request_id, clock)).await;
            if let Err(failure) = &answer {
                tracing::error!(disposition = failure.disposition, error = failure.text, "the event failed");
            }
            answer
        };
        handled.instrument(span)
    });
    Runtime::new(service).run().await
}

#[cfg(test)]
mod tests;
