//! The AWS Lambda functions: events in, the engine's steps over the AWS adapters, answers out.
//!
//! A binary is about ten lines: [`bootstrap`] makes logging and adapters once, [`fetching`], [`reconciling`], [`asking`]
//! and [`browsing`] handle one event each. Nothing here decides anything about a record; the same steps run on one machine without this crate.
//! Handlers keep no state between events, so that one sandbox may serve several at a time.

pub mod asking;
pub mod batch;
pub mod bootstrap;
pub mod browsing;
pub mod clock;
pub mod desk;
pub mod events;
pub mod failure;
pub mod fetching;
pub mod kept;
pub mod logging;
pub mod metrics;
pub mod onward;
mod programs;
pub mod reconciling;
pub mod signing_in;
