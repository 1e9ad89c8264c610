//! Works off what lies in the queue while `serve` runs: what a killed command left behind, and what was approved.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::machine::Machine;

/// How often the queue is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often items whose time is over are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Works for good. A failure is told, and the work comes again.
pub(crate) async fn run(machine: Arc<Machine>) {
    if let Err(error) = machine.resume().await {
        tracing::error!(error = %anyhow::Error::new(error), "runs that were cut off could not be taken up");
    }
    let mut forgotten: Option<Instant> = None;
    loop {
        if let Err(error) = machine.work().await {
            tracing::error!(error = %anyhow::Error::new(error), "messages could not be worked off");
        }
        if forgotten.is_none_or(|at| at.elapsed() >= FORGET_EVERY) {
            forgotten = Some(Instant::now());
            if let Err(error) = machine.forget_expired().await {
                tracing::error!(%error, "items whose time is over could not be forgotten");
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
