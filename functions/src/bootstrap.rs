//! What every function does before its first event: read the environment, build the adapters once.
//!
//! Clients are built here and not at first use, and connections to the services that a function always calls are opened
//! here, since Lambda gives the init phase a full processor. Certificate roots are compiled in; `SSL_CERT_FILE` in the
//! function's environment names a bundle that takes their place, and is read here, once. What each part of a start costs
//! stands in docs/cold-start.md.
//!
//! A wrong environment does not end the process, which would show as `Runtime.ExitError` without a word: the function
//! starts and answers every event with what is wrong.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use apis::account::Surroundings;
use aws::Config;
use aws::functions::Functions;
use aws::queue::SqsQueue;
use aws::schedules::Schedules;
use aws::secrets::SecretsManager;
use aws::stack::{Parts, Stack};
use aws::table::DynamoTable;
use engine::error::with_causes;
use engine::life::Holder;
use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
use serde::Serialize;
use serde_json::{Value, json};
use signin::OidcDoor;
use tls::Tls;
use tracing::Instrument;
use transport::{Loopback, Options, Transport};
use web::ClosedDoor;

use crate::clock::InvocationClock;
use crate::desk::{Desk, Patience};
use crate::failure::Failure;
use crate::kept::KeptSecrets;
use crate::metrics::{Metrics, Told, of_failure};
use crate::onward::BySelf;
use crate::signing_in::{Kept, SignIn};
use crate::{asking, browsing, fetching, logging, reconciling};

/// The environment of a function, as `template.yaml` sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// The table.
    pub table_name: String,
    /// The records queue.
    pub records_queue_url: String,
    /// Secrets are called `SECRET_PREFIX/<integration>`; the console puts the vendor in between. Empty in functions that
    /// read none.
    pub secret_prefix: String,
    /// The role that schedules run as.
    pub scheduler_role_arn: String,
    /// Where metrics go; nowhere without a namespace.
    pub metrics: Metrics,
    /// Whether vendors may be on this machine: in tests only.
    pub loopback: Loopback,
}

/// Why a function cannot work.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// Variables are missing or empty.
    #[error("the function's environment lacks {}", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// The bundle of certificates that `SSL_CERT_FILE` names is of no use.
    #[error("the function cannot tell whom to trust")]
    Certificates(#[source] tls::BundleError),
    /// The HTTP client cannot be built.
    #[error("the function cannot call vendors")]
    Transport(#[source] transport::TransportError),
    /// The parameters of the sign-in cannot be read.
    #[error("{0}")]
    SignIn(String),
}

/// Variables that the reconciler needs.
pub const RECONCILER_VARIABLES: &[&str] = &["TABLE_NAME", "RECORDS_QUEUE_URL"];
/// Variables that a function which reads vendors needs.
pub const VENDOR_VARIABLES: &[&str] =
    &["TABLE_NAME", "RECORDS_QUEUE_URL", "SECRET_PREFIX", "CONTINUATION_GROUP", "SCHEDULER_ROLE_ARN"];
/// Variables that the console needs.
pub const CONSOLE_VARIABLES: &[&str] = &[
    "TABLE_NAME",
    "RECORDS_QUEUE_URL",
    "SECRET_PREFIX",
    "SCHEDULE_GROUP",
    "SCHEDULER_ROLE_ARN",
    "FUNCTION_ARN_PREFIX",
    "FAILED_EVENTS_ARN",
];
/// Variables that any function reads where they are set.
pub const OPTIONAL_VARIABLES: &[&str] = &["METRICS_NAMESPACE", "MSP_SYNC_ALLOW_LOOPBACK", "SSL_CERT_FILE"];

/// The longest that opening connections may hold up a start. A handshake takes some tens of milliseconds; a service that
/// is slow today is waited for where it is needed, with the time limits of a call.
const OPENING_MAX: Duration = Duration::from_secs(1);

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
            scheduler_role_arn: value("SCHEDULER_ROLE_ARN"),
            metrics: Metrics::new(Some(value("METRICS_NAMESPACE"))),
            loopback: Loopback::from_setting(variable("MSP_SYNC_ALLOW_LOOPBACK").as_deref()),
        })
    }
}

/// The adapters of a vendor function.
pub type VendorPorts = fetching::Ports<Told<DynamoTable>, SqsQueue, SecretsManager, Transport>;
/// The adapters of the reconciler.
pub type ReconcilerPorts = reconciling::Ports<Told<DynamoTable>, SqsQueue>;

/// A vendor function: its adapters, and what makes its continuation.
struct Vendor {
    ports: VendorPorts,
    config: Config,
    continuation_group: String,
    scheduler_role_arn: String,
}

/// The console: the stack, the way to vendors, and how people sign in.
struct Console {
    stack: Arc<Stack>,
    transport: Arc<Transport>,
    surroundings: Surroundings,
    holder: Holder,
    sign_in: Option<SignIn>,
}

impl Console {
    fn desk(&self, patience: Patience, clock: InvocationClock) -> Desk {
        Desk {
            stack: Arc::clone(&self.stack),
            transport: Arc::clone(&self.transport),
            patience,
            clock,
            holder: self.holder.clone(),
            surroundings: self.surroundings,
        }
    }

    /// Answers a signed question, or a browser.
    async fn answer(&self, event: &Value, clock: InvocationClock) -> Result<Value, Failure> {
        if !browsing::is_for_pages(event) {
            return Ok(asking::handle(event, &self.desk(Patience::ToItsEnd, clock)).await);
        }
        let desk = Arc::new(self.desk(Patience::UntilBegun, clock));
        let on_loopback = self.surroundings.allow_loopback;
        let Some(sign_in) = &self.sign_in else {
            return Ok(browsing::handle(event, &web::Console::of_a_function(desk, ClosedDoor), on_loopback).await);
        };
        let Kept { provider, sealer } = sign_in.kept().await.map_err(Failure::person)?;
        let door = OidcDoor::new(Arc::clone(&desk), provider, sealer);
        Ok(browsing::handle(event, &web::Console::of_a_function(desk, door), on_loopback).await)
    }
}

fn from_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn certificates() -> Result<Tls, ConfigurationError> {
    match from_environment("SSL_CERT_FILE").as_deref().map(str::trim) {
        None | Some("") => Ok(Tls::compiled_in()),
        Some(bundle) => Tls::of_bundle(Path::new(bundle)).map_err(ConfigurationError::Certificates),
    }
}

fn transport(configuration: &Configuration, tls: Tls) -> Result<(Transport, Surroundings), ConfigurationError> {
    let loopback = configuration.loopback;
    let transport = Transport::new(Options { loopback, tls: Some(tls), ..Options::default() });
    transport.prepare().map_err(ConfigurationError::Transport)?;
    Ok((transport, Surroundings { allow_loopback: loopback == Loopback::Allowed }))
}

async fn vendor_function() -> Result<Vendor, ConfigurationError> {
    let configuration = Configuration::read(VENDOR_VARIABLES, from_environment)?;
    let tls = certificates()?;
    let config = aws::config_of_function(&tls, from_environment);
    let (transport, surroundings) = transport(&configuration, tls)?;
    let metrics = configuration.metrics;
    let ports = fetching::Ports {
        table: Told::new(DynamoTable::open(&config, &configuration.table_name), metrics.clone()),
        queue: SqsQueue::open(&config, &configuration.records_queue_url),
        secrets: KeptSecrets::new(SecretsManager::open(&config, &configuration.secret_prefix)),
        transport,
        surroundings,
        metrics,
    };
    let continuation_group = from_environment("CONTINUATION_GROUP").unwrap_or_default();
    config.open_connections(&["dynamodb", "secretsmanager", "sqs"], OPENING_MAX).await;
    Ok(Vendor { ports, config, continuation_group, scheduler_role_arn: configuration.scheduler_role_arn })
}

async fn reconciler_ports() -> Result<ReconcilerPorts, ConfigurationError> {
    let configuration = Configuration::read(RECONCILER_VARIABLES, from_environment)?;
    let config = aws::config_of_function(&certificates()?, from_environment);
    let metrics = configuration.metrics;
    let ports = reconciling::Ports {
        table: Told::new(DynamoTable::open(&config, &configuration.table_name), metrics.clone()),
        queue: SqsQueue::open(&config, &configuration.records_queue_url),
        metrics,
    };
    config.open_connections(&["dynamodb", "sqs"], OPENING_MAX).await;
    Ok(ports)
}

async fn console_function() -> Result<Console, ConfigurationError> {
    let configuration = Configuration::read(CONSOLE_VARIABLES, from_environment)?;
    let tls = certificates()?;
    let config = aws::config_of_function(&tls, from_environment);
    let (transport, surroundings) = transport(&configuration, tls)?;
    let value = |name: &str| from_environment(name).unwrap_or_default().trim().to_owned();
    let parts = Parts {
        table_name: configuration.table_name,
        records_queue_url: configuration.records_queue_url,
        failed_events_arn: value("FAILED_EVENTS_ARN"),
        secret_prefix: configuration.secret_prefix,
        schedule_group: value("SCHEDULE_GROUP"),
        scheduler_role_arn: configuration.scheduler_role_arn,
        function_arn_prefix: value("FUNCTION_ARN_PREFIX"),
    };
    let sign_in = SignIn::read(value, &config, &parts.secret_prefix, surroundings.allow_loopback);
    let sign_in = sign_in.map_err(ConfigurationError::SignIn)?;
    let stack = Arc::new(Stack::open(&config, parts));
    // The first page wants the secrets of the sign-in.
    let services: &[&str] = if sign_in.is_some() { &["dynamodb", "secretsmanager"] } else { &["dynamodb"] };
    config.open_connections(services, OPENING_MAX).await;
    let holder = Holder { name: "console".to_owned(), gone_after: fetching::READER_GONE_AFTER };
    Ok(Console { stack, transport: Arc::new(transport), surroundings, holder, sign_in })
}

/// Runs a vendor's function until Lambda ends the process.
pub async fn run_vendor(vendor: &'static apis::feed::Vendor) -> Result<(), Error> {
    logging::start();
    let function = told(vendor_function().await);
    serve(async |event, call| {
        let function = function.as_ref().map_err(Failure::from)?;
        let Vendor { ports, config, continuation_group, scheduler_role_arn } = function;
        // Opening sends nothing, and most invocations never go on: the way is made when it is first used.
        let (functions, schedules) = (Functions::open(config), Schedules::open(config, continuation_group));
        let onward = BySelf::new(functions, schedules, call.function_arn, scheduler_role_arn.clone());
        fetching::handle(vendor, &event, &call.request_id, ports, &onward, &call.clock).await
    })
    .await
}

/// Runs the reconciler until Lambda ends the process.
pub async fn run_reconciler() -> Result<(), Error> {
    logging::start();
    let ports = told(reconciler_ports().await);
    serve(async |event, call| {
        let ports = ports.as_ref().map_err(Failure::from)?;
        reconciling::handle(event, ports, &call.clock).await
    })
    .await
}

/// Runs the console until Lambda ends the process.
pub async fn run_console() -> Result<(), Error> {
    logging::start();
    let console = told(console_function().await);
    serve(async |event, call| console.as_ref().map_err(Failure::from)?.answer(&event, call.clock).await).await
}

/// What Lambda says of one invocation.
struct Invocation {
    request_id: String,
    function_arn: String,
    clock: InvocationClock,
}

/// Logs a wrong environment once, at the start.
fn told<T>(ports: Result<T, ConfigurationError>) -> Result<T, ConfigurationError> {
    if let Err(error) = &ports {
        tracing::error!(error = with_causes(error), "the function cannot work; it answers every event with this");
    }
    ports
}

/// Takes events one after the other. Each is handled within a span that carries its request id.
async fn serve<A: Serialize>(handle: impl AsyncFn(Value, Invocation) -> Result<A, Failure>) -> Result<(), Error> {
    let handle = &handle;
    let service = service_fn(|event: LambdaEvent<Value>| {
        let clock = InvocationClock::of(&event.context);
        let request_id = event.context.request_id;
        let span = logging::span(&request_id);
        let call = Invocation { request_id, function_arn: event.context.invoked_function_arn, clock };
        let handled = async move {
            // Boxed: an event's future is kilobytes large, and the compiler need not see through all of it at once.
            let answer = Box::pin(handle(event.payload, call)).await;
            if let Err(failure) = &answer {
                tracing::error!(disposition = failure.disposition, error = failure.text, "the event failed");
                let metrics = Metrics::new(from_environment("METRICS_NAMESPACE"));
                metrics.count(&[(of_failure(failure.disposition), 1)], &[("disposition", json!(failure.disposition))]);
            }
            answer
        };
        handled.instrument(span)
    });
    Runtime::new(service).run().await
}

#[cfg(test)]
mod tests;
