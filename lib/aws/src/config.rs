//! How AWS is reached: region, credentials, endpoint, time limits, and the HTTP client.
//!
//! A person's process asks the SDK's chain of profiles, roles and metadata ([`crate::chain`]). A function's does not: Lambda
//! puts the region and the role's keys into the environment, and the chain costs three times the rest of a start to find
//! them there. Its clients share one connection pool and one TLS configuration, where the SDK would make both for each of
//! them.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::{AppName, BehaviorVersion, IdentityCache};
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::sdk_config::Builder;
use tls::Tls;
use tokio::task::JoinSet;

use crate::https::Https;
use crate::{ATTEMPT_MAX, OPERATION_MAX};

/// The SDK's configuration, and what calls are sent with that no SDK client makes.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) sdk: SdkConfig,
    pub(crate) connector: SharedHttpConnector,
    /// The HTTP client of all clients, where they share one.
    pub(crate) https: Option<Https>,
}

impl Deref for Config {
    type Target = SdkConfig;

    fn deref(&self) -> &SdkConfig {
        &self.sdk
    }
}

/// Returns the configuration for a stand-in on this machine, with made-up credentials, whatever the environment holds.
pub fn config_at(endpoint: &str) -> Config {
    let credentials = Credentials::from_keys("test", "test", None);
    let sdk = builder()
        .endpoint_url(endpoint)
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials));
    of_our_client(sdk, Https::new(&Tls::compiled_in()))
}

/// Returns the configuration of a function from the variables that Lambda sets; nothing else is asked, and no file is
/// read. Of what a person may set for the SDK, these are heeded: `AWS_ENDPOINT_URL`, `AWS_USE_FIPS_ENDPOINT`,
/// `AWS_USE_DUALSTACK_ENDPOINT` and `AWS_SDK_UA_APP_ID`.
pub fn config_of_function(tls: &Tls, variable: impl Fn(&str) -> Option<String>) -> Config {
    let value = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let switch = |name: &str| value(name).map(|value| value.eq_ignore_ascii_case("true"));
    let mut sdk = builder().region(value("AWS_REGION").or_else(|| value("AWS_DEFAULT_REGION")).map(Region::new));
    if let (Some(key), Some(secret)) = (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY")) {
        // They live as long as the process: Lambda starts another one with newer keys.
        let credentials = Credentials::new(key, secret, value("AWS_SESSION_TOKEN"), None, "LambdaEnvironment");
        sdk = sdk.credentials_provider(SharedCredentialsProvider::new(credentials));
    }
    sdk.set_endpoint_url(value("AWS_ENDPOINT_URL"));
    sdk.set_use_fips(switch("AWS_USE_FIPS_ENDPOINT"));
    sdk.set_use_dual_stack(switch("AWS_USE_DUALSTACK_ENDPOINT"));
    sdk.set_app_name(value("AWS_SDK_UA_APP_ID").and_then(|name| AppName::new(name).ok()));
    of_our_client(sdk, Https::new(tls))
}

impl Config {
    /// Opens a connection to each of these services (`dynamodb`, `sqs`), so that the first call finds it: name look-up,
    /// handshake and certificate check belong into a start, for which Lambda gives a whole processor. Each is asked for
    /// nothing in particular, unsigned, and its answer is not looked at. What fails is told at level debug only: the call
    /// that needs the service will say more. Takes `within` at most.
    ///
    /// Plain http, as stand-ins speak it, has nothing worth doing early; neither has a configuration without a client of
    /// its own.
    pub async fn open_connections(&self, services: &[&str], within: Duration) {
        let Some(https) = &self.https else { return };
        // Their addresses are another matter, which the SDK alone knows.
        if [self.use_fips(), self.use_dual_stack()].contains(&Some(true)) {
            return;
        }
        let endpoints: BTreeSet<String> = services.iter().map(|service| self.endpoint(service)).collect();
        let mut opening = JoinSet::new();
        for endpoint in endpoints.into_iter().filter(|endpoint| endpoint.starts_with("https://")) {
            let https = https.clone();
            opening.spawn(async move {
                if let Err(error) = https.open(&endpoint).await {
                    tracing::debug!(endpoint, error, "no connection was opened ahead of time");
                }
            });
        }
        let all = async { while opening.join_next().await.is_some() {} };
        if tokio::time::timeout(within, all).await.is_err() {
            tracing::debug!("not all connections could be opened ahead of time");
        }
    }

    /// Where a service is called.
    pub(crate) fn endpoint(&self, service: &str) -> String {
        if let Some(url) = self.endpoint_url() {
            return url.trim_end_matches('/').to_owned();
        }
        let region = self.region().map(Region::as_ref).unwrap_or_default();
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        format!("https://{service}.{region}.{suffix}")
    }
}

fn builder() -> Builder {
    SdkConfig::builder()
        .behavior_version(behaviour())
        .timeout_config(timeouts())
        .retry_config(RetryConfig::standard())
        .identity_cache(IdentityCache::lazy().build())
}

fn of_our_client(sdk: Builder, https: Https) -> Config {
    let sdk = sdk.http_client(https.clone()).build();
    Config { sdk, connector: SharedHttpConnector::new(https.clone()), https: Some(https) }
}

/// Pinned, so that retries and timeouts change with our code and not with a lock file.
pub(crate) fn behaviour() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

pub(crate) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_MAX).operation_timeout(OPERATION_MAX).build()
}

#[cfg(test)]
mod tests;
