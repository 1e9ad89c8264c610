//! How a person's process finds AWS: as the command lines of AWS do, with their profiles, roles, metadata and proxies.
//!
//! Only with the feature `chain`: in a function none of this is looked at, and none of it is built.

use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::SharedHttpConnector;

use crate::config::{Config, behaviour, timeouts};

/// Loads region, credentials and endpoint as the command lines of AWS do, with timeouts that the SDK lacks by default.
pub async fn config() -> Config {
    let sdk = aws_config::defaults(behaviour()).timeout_config(timeouts()).load().await;
    let builder: ConnectorBuilder = Connector::builder();
    let connector = SharedHttpConnector::new(builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build());
    Config { sdk, connector, https: None }
}
