//! Reads one list of a vendor to its end: page after page, with the vendor's pace, bounded retries, and an eye on the time
//! that is left.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use apis::account::Account;
use apis::feed::{Below, Feed};
use apis::limits::retry;
use apis::reading::{Reading, Then};
use apis::refusal::Refusal;
use apis::words::Words;
use jiff::{SignedDuration, Timestamp};
use reconcile::ids::VendorId;
use reconcile::record::VendorRecord;

use crate::ports::{Clock, Route, SendError, Transport};

/// What must be left of an invocation when a call is sent: the longest time-out of a call and the time to save what came.
pub const MARGIN: Duration = Duration::from_secs(60);

/// How a list ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// By the vendor's own rule.
    Complete,
    /// Part of it is missing; what came is good.
    Incomplete(String),
    /// The vendor refuses this list.
    Refused(Refusal),
    /// The invocation's time is nearly over; what came is dropped, and the list is read again by the next one.
    OutOfTime,
}

/// One list, as far as it could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// What came, in the vendor's order.
    pub records: Vec<VendorRecord>,
    /// How it ended.
    pub ending: Ending,
}

/// The vendor's pace, shared by all lists that are read at once, and the count of requests.
#[derive(Debug)]
pub struct Pace {
    interval: Option<SignedDuration>,
    next: Mutex<Option<Timestamp>>,
    requests: AtomicU64,
}

impl Pace {
    /// Makes the pace of an account; `requests` were sent before.
    pub fn new(account: &Account, requests: u64) -> Self {
        let per_minute = account.requests_per_minute();
        Self {
            interval: per_minute.map(|count| SignedDuration::from_millis(60_000 / i64::from(count.max(1)))),
            next: Mutex::new(None),
            requests: AtomicU64::new(requests),
        }
    }

    /// Returns how many requests were sent.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Takes the next free place in time and returns how long to wait for it.
    fn wait(&self, now: Timestamp) -> Duration {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let Some(interval) = self.interval else { return Duration::ZERO };
        let mut next = self.next.lock().expect("nothing panics while it holds the lock");
        let slot = next.map_or(now, |slot| slot.max(now));
        *next = slot.checked_add(interval).ok();
        slot.duration_since(now).try_into().unwrap_or_default()
    }
}

/// Waits, unless too little time would be left; then returns `false` at once.
async fn wait(clock: &impl Clock, wait: Duration) -> bool {
    if clock.remaining() < wait + MARGIN {
        return false;
    }
    if !wait.is_zero() {
        clock.sleep(wait).await;
    }
    true
}

/// Reads one list, below `parent` where the feed fans out.
pub async fn list(
    account: &Account,
    feed: &Feed,
    parent: Option<&VendorId>,
    transport: &impl Transport,
    clock: &impl Clock,
    pace: &Pace,
) -> Listing {
    let route = Route::of(account);
    let below = parent.map(|client| Below::from(client.clone()));
    let mut reading = Reading::start(feed, below.as_ref(), None);
    let mut records = Vec::new();
    let mut attempt = 0;
    let end = |records, ending| Listing { records, ending };
    loop {
        if !wait(clock, pace.wait(clock.now())).await {
            return end(Vec::new(), Ending::OutOfTime);
        }
        attempt += 1;
        let (why, after) = match transport.send(&reading.call(account), &route).await {
            Ok(reply) => {
                let taken = reading.take(account, &Words::default(), &reply);
                records.extend(taken.records);
                match taken.then {
                    Then::Next => {
                        attempt = 0;
                        continue;
                    }
                    Then::Done => return end(records, Ending::Complete),
                    Then::Refused(refusal) => return end(records, Ending::Refused(refusal)),
                    Then::Broken(why) => return end(records, Ending::Incomplete(why)),
                    Then::Again { after, why } => (why, after),
                }
            }
            Err(error @ (SendError::Forbidden { .. } | SendError::TooLarge { .. })) => {
                return end(records, Ending::Incomplete(error.to_string()));
            }
            Err(error) => (error.to_string(), None),
        };
        let Some(pause) = retry(attempt, after) else {
            return end(records, Ending::Incomplete(format!("gave up after {attempt} tries: {why}")));
        };
        if !wait(clock, pause).await {
            return end(Vec::new(), Ending::OutOfTime);
        }
    }
}
