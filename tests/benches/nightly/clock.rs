//! A clock for syncs on later nights, which never waits: what a vendor's pace would cost is counted.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use engine::ports::Clock;
use jiff::{SignedDuration, Timestamp};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The system's time so many days later, and later by every wait that was skipped.
#[derive(Debug)]
pub struct Skipping {
    later: SignedDuration,
    skipped_ns: AtomicI64,
}

impl Skipping {
    /// Makes the clock of a night, counted from today.
    pub fn at_night(night: u32) -> Self {
        Self { later: DAY * i32::try_from(night).unwrap_or(i32::MAX), skipped_ns: AtomicI64::new(0) }
    }

    /// Lets the time be this at least.
    pub fn skip_to(&self, instant: Option<Timestamp>) {
        let Some(instant) = instant else { return };
        // Waits that are waited for at once pass at once; to the nanosecond, since a rest would be waited for in a loop.
        let left = instant.duration_since(self.now());
        let left_ns = i64::try_from(left.as_nanos()).unwrap_or(i64::MAX);
        self.skipped_ns.fetch_add(left_ns.max(0), Ordering::Relaxed);
    }

    /// Returns how long the waits were.
    pub fn skipped_seconds(&self) -> u64 {
        u64::try_from(self.skipped_ns.load(Ordering::Relaxed) / 1_000_000_000).unwrap_or_default()
    }
}

impl Clock for Skipping {
    fn now(&self) -> Timestamp {
        let skipped = SignedDuration::from_nanos(self.skipped_ns.load(Ordering::Relaxed));
        Timestamp::now().saturating_add(self.later + skipped).unwrap_or(Timestamp::MAX)
    }

    fn remaining(&self) -> Duration {
        Duration::MAX
    }

    async fn sleep(&self, wait: Duration) {
        let until = self.now().saturating_add(SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX));
        self.skip_to(until.ok());
        // Others have their turn, as they would while one waits.
        tokio::task::yield_now().await;
    }
}
