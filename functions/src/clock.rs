//! Time within one invocation.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use engine::ports::Clock;
use jiff::Timestamp;
use lambda_runtime::Context;

/// The system's clock, and the instant at which Lambda ends the invocation.
#[derive(Debug, Clone, Copy)]
pub struct InvocationClock {
    deadline: SystemTime,
}

impl InvocationClock {
    /// Takes the deadline from the invocation.
    pub fn of(context: &Context) -> Self {
        Self { deadline: UNIX_EPOCH + Duration::from_millis(context.deadline) }
    }
}

impl Clock for InvocationClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn remaining(&self) -> Duration {
        self.deadline.duration_since(SystemTime::now()).unwrap_or_default()
    }

    async fn sleep(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }
}
