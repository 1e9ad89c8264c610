//! DynamoDB, SQS and Secrets Manager behind the engine's ports.
//!
//! The only crate that builds requests with the AWS SDKs; no SDK type leaves it except a client that is handed in. What
//! the SDK retries by itself (three attempts) is not retried here.

#[cfg(feature = "chain")]
mod chain;
mod config;
pub mod dead_letters;
mod failure;
pub mod functions;
mod https;
pub mod queue;
pub mod schedules;
pub mod secrets;
mod signed;
pub mod stack;
pub mod table;

use std::time::Duration;

#[cfg(feature = "chain")]
pub use chain::config;
pub use config::{Config, config_at, config_of_function};
pub use signed::CallError;

/// The longest that one attempt of one call may take. The largest request, a transaction of 4 MB, takes about one second.
const ATTEMPT_MAX: Duration = Duration::from_secs(6);
/// The longest that one call may take with all its attempts; a step looks at its remaining time between calls.
const OPERATION_MAX: Duration = Duration::from_secs(20);

const _: () = assert!(ATTEMPT_MAX.as_secs() * 3 < OPERATION_MAX.as_secs(), "three attempts fit");
