use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_credential_types::provider::ProvideCredentials;
use tokio::net::TcpListener;

use super::*;

/// The configuration that a function gets from these variables.
fn function(variables: &[(&str, &str)]) -> Config {
    let variable =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    config_of_function(&Tls::compiled_in(), variable)
}

const IN_LAMBDA: &[(&str, &str)] = &[
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "hidden"),
    ("AWS_SESSION_TOKEN", "token"),
];

#[tokio::test]
async fn a_function_has_region_and_keys_of_its_environment() {
    let config = function(IN_LAMBDA);
    assert_eq!(config.region().map(Region::as_ref), Some("eu-central-1"));
    let credentials = config.credentials_provider().unwrap().provide_credentials().await.unwrap();
    assert_eq!(
        (credentials.access_key_id(), credentials.secret_access_key(), credentials.session_token()),
        ("ASIAEXAMPLE", "hidden", Some("token"))
    );
    assert_eq!((config.endpoint_url(), config.use_fips(), config.use_dual_stack()), (None, None, None));
}

#[test]
fn a_function_heeds_what_a_person_sets_for_the_sdk_and_takes_empty_for_unset() {
    let config = function(&[
        ("AWS_DEFAULT_REGION", "us-gov-west-1"),
        ("AWS_REGION", ""),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
        ("AWS_USE_FIPS_ENDPOINT", "TRUE"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "false"),
        ("AWS_SDK_UA_APP_ID", "auvik"),
        ("AWS_ACCESS_KEY_ID", " "),
    ]);
    assert_eq!(config.region().map(Region::as_ref), Some("us-gov-west-1"));
    assert_eq!(config.endpoint_url(), Some("http://127.0.0.1:4566"));
    assert_eq!((config.use_fips(), config.use_dual_stack()), (Some(true), Some(false)));
    assert_eq!(config.app_name().map(ToString::to_string).as_deref(), Some("auvik"));
    assert!(config.credentials_provider().is_none());
}

#[test]
fn services_are_called_where_the_sdk_calls_them() {
    assert_eq!(function(IN_LAMBDA).endpoint("sqs"), "https://sqs.eu-central-1.amazonaws.com");
    let china = function(&[("AWS_REGION", "cn-north-1")]);
    assert_eq!(china.endpoint("dynamodb"), "https://dynamodb.cn-north-1.amazonaws.com.cn");
    let stand_in = function(&[("AWS_REGION", "eu-west-1"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566/")]);
    assert_eq!(stand_in.endpoint("dynamodb"), "http://127.0.0.1:4566");
}

#[tokio::test]
async fn a_stand_in_that_speaks_plain_http_hears_nothing_ahead_of_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heard = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&heard);
    let server = tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    let config = function(&[("AWS_REGION", "eu-west-1"), ("AWS_ENDPOINT_URL", &url)]);
    config.open_connections(&["dynamodb", "sqs"], Duration::from_secs(60)).await;
    // Whoever had connected before this one would have been counted before it.
    tokio::net::TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
    while heard.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(heard.load(Ordering::SeqCst), 1);
    server.abort();
}
