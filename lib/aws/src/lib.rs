//! DynamoDB, SQS and Secrets Manager behind the engine's ports.
//!
//! The only crate that builds requests with the AWS SDKs; no SDK type leaves it except a client that is handed in. What
//! the SDK retries by itself (three attempts) is not retried here.

pub mod dead_letters;
mod failure;
pub mod functions;
pub mod queue;
pub mod schedules;
pub mod secrets;
mod signed;
pub mod stack;
pub mod table;

pub use signed::CallError;

use std::time::Duration;

pub use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_credential_types::Credentials;

/// The longest that one attempt of one call may take. The largest request, a transaction of 4 MB, takes about one second.
const ATTEMPT_MAX: Duration = Duration::from_secs(6);
/// The longest that one call may take with all its attempts; a step looks at its remaining time between calls.
const OPERATION_MAX: Duration = Duration::from_secs(20);

const _: () = assert!(ATTEMPT_MAX.as_secs() * 3 < OPERATION_MAX.as_secs(), "three attempts fit");

/// Loads region, credentials and endpoint from the environment, with timeouts that the SDK lacks by default.
///
/// The behaviour version is pinned, so that retries and timeouts change with our code and not with a lock file.
pub async fn config() -> SdkConfig {
    defaults().load().await
}

/// Returns the configuration for a stand-in on this machine, with made-up credentials, whatever the environment holds.
pub async fn config_at(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::from_keys("test", "test", None);
    let region = Region::from_static("eu-west-1");
    defaults().endpoint_url(endpoint).region(region).credentials_provider(credentials).load().await
}

fn defaults() -> ConfigLoader {
    let timeouts =
        TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_MAX).operation_timeout(OPERATION_MAX).build();
    aws_config::defaults(BehaviorVersion::v2026_01_12()).timeout_config(timeouts)
}
