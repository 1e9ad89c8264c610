//! The system's time.

use std::time::Duration;

use engine::ports::Clock;
use jiff::Timestamp;

/// The system's clock, in a process that may run as long as it likes.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn remaining(&self) -> Duration {
        Duration::MAX
    }

    async fn sleep(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }
}
