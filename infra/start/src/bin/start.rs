//! A start, part by part: `infra/cold-start` counts the instructions of `start`, `start logging`, `start logging configuration` and
//! so on, and what is more each time is what that part costs.

use std::process::exit;
use std::time::Duration;

use aws::queue::SqsQueue;
use aws::secrets::SecretsManager;
use aws::table::DynamoTable;
use tls::Tls;
use transport::{Options, Transport};

/// Does the parts that its arguments name, in that order, and ends without tidying up.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let bundle = || Tls::of_bundle(std::env::var("SSL_CERT_FILE").ok()?.as_ref()).ok();
    let tls = || bundle().unwrap_or_else(Tls::compiled_in);
    let mut config = None;
    let mut kept: Vec<Box<dyn std::any::Any>> = Vec::new();
    for part in std::env::args().skip(1) {
        match part.as_str() {
            "logging" => functions::logging::start(),
            "roots" => kept.push(Box::new(tls())),
            "configuration" => config = Some(aws::config_of_function(&tls(), |name| std::env::var(name).ok())),
            "vendors" => {
                let transport = Transport::new(Options { tls: Some(tls()), ..Options::default() });
                transport.prepare().expect("it can be built");
                kept.push(Box::new(transport));
            }
            "vendors-by-themselves" => {
                let transport = Transport::new(Options::default());
                transport.prepare().expect("this machine has certificates");
                kept.push(Box::new(transport));
            }
            "connection" => {
                let config = config.as_ref().expect("a configuration comes before connections");
                config.open_connections(&["dynamodb"], Duration::from_secs(60)).await;
            }
            client => {
                let config = config.as_ref().expect("a configuration comes before clients");
                kept.push(match client {
                    "table" => Box::new(DynamoTable::open(config, "catalogue")),
                    "queue" => Box::new(SqsQueue::open(config, "https://sqs.example/records.fifo")),
                    "secrets" => Box::new(SecretsManager::open(config, "msp-sync")),
                    other => panic!("{other} is no part of a start"),
                });
            }
        }
    }
    exit(0)
}
