//! The line to a vendor: an account that is open, the vendor's pace, and bounded tries, shared by all that is asked at once.
//!
//! What has to be asked before the lists (where the API is, a token) is asked when the first call is made, again when a
//! token is about to expire, and once more when credentials that worked are refused. Nothing of it is stored.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use apis::account::{Account, NotOpened};
use apis::call::{Call, Reply};
use apis::feed::PerHour;
use apis::limits::retry;
use apis::refusal::{Cause, Refusal};
use futures_util::lock::Mutex as AsyncMutex;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ports::{Clock, Route, SendError, Transport};

/// What must be left of an invocation when a call is sent: the longest time-out of a call and the time to save what came.
pub const MARGIN: Duration = Duration::from_secs(60);

/// An invocation that lives less long than this is paid by the time it takes.
const PAID_BELOW: Duration = Duration::from_secs(3600);

/// The longest wait that a paid invocation sleeps through; for a longer one it ends, and the next one goes on.
const PAID_WAIT_MAX: Duration = Duration::from_secs(20);

/// An hour of a vendor's limit, and what was spent of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Hour {
    began: Timestamp,
    requests: u32,
}

/// What was spent at the vendor: all that a continuation has to know of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Requests sent in all.
    pub requests: u64,
    /// Requests of the present hour, by endpoint.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    hours: BTreeMap<String, Hour>,
}

/// The vendor's pace, shared by all that is asked at once, and the count of requests.
#[derive(Debug)]
pub struct Pace {
    interval: Option<SignedDuration>,
    per_hour: Option<PerHour>,
    next: Mutex<Option<Timestamp>>,
    hours: Mutex<BTreeMap<String, Hour>>,
    requests: AtomicU64,
}

impl Pace {
    /// Makes the pace of an account, of which something may be spent already.
    pub fn new(account: &Account, spent: &Spent) -> Self {
        let per_minute = account.requests_per_minute();
        Self {
            interval: per_minute.map(|count| SignedDuration::from_millis(60_000 / i64::from(count.max(1)))),
            per_hour: account.vendor.limits.per_hour,
            next: Mutex::new(None),
            hours: Mutex::new(spent.hours.clone()),
            requests: AtomicU64::new(spent.requests),
        }
    }

    /// Returns how many requests were sent.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Returns what was spent.
    pub fn spent(&self) -> Spent {
        let hours = self.hours.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Spent { requests: self.requests(), hours }
    }

    /// Returns how long to wait for the next free place in time; a wait of nothing takes the place.
    fn place(&self, endpoint: &str, now: Timestamp) -> Duration {
        let mut hours = self.hours.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(limit) = self.per_hour {
            let name = if limit.per_endpoint { endpoint } else { "" };
            let hour = hours.entry(name.to_owned()).or_insert(Hour { began: now, requests: 0 });
            let left = HOUR - now.duration_since(hour.began);
            if left <= SignedDuration::ZERO {
                *hour = Hour { began: now, requests: 0 };
            } else if hour.requests >= limit.requests {
                return left.try_into().unwrap_or_default();
            }
        }
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(interval) = self.interval {
            let slot = next.unwrap_or(now);
            if slot > now {
                return slot.duration_since(now).try_into().unwrap_or_default();
            }
            *next = now.checked_add(interval).ok();
        }
        if let Some(limit) = self.per_hour
            && let Some(hour) = hours.get_mut(if limit.per_endpoint { endpoint } else { "" })
        {
            hour.requests += 1;
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        Duration::ZERO
    }
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Why a call was not answered well, and will not be in this invocation.
#[derive(Debug, Clone, PartialEq)]
pub enum Hangup {
    /// The invocation's time is nearly over, or the vendor wants a wait that is not worth paying for.
    OutOfTime {
        /// When to go on; at once where it is not said.
        until: Option<Timestamp>,
    },
    /// The vendor refuses.
    Refused(Refusal),
    /// It was tried often enough, or cannot be tried.
    GaveUp(String),
}

/// What the taker of a reply says about it.
pub enum Heard<T> {
    /// It was good.
    Good(T),
    /// It may pass: ask again.
    Again {
        /// The wait that the vendor asks for.
        after: Option<Duration>,
        /// What happened.
        why: String,
    },
    /// The vendor refuses.
    Refused(Refusal),
}

/// Something to ask of a vendor. It may be asked several times, until an answer is heard as good.
pub trait Question: Send {
    /// What a good answer gives.
    type Answer;

    /// Returns the call, on an account that is open.
    fn call(&self, account: &Account) -> Call;

    /// Takes a reply to it.
    fn hear(&mut self, account: &Account, reply: &Reply) -> Heard<Self::Answer>;
}

/// What has to be asked before the lists.
struct Opening;

impl Question for Opening {
    type Answer = Result<Account, String>;

    fn call(&self, account: &Account) -> Call {
        account.opening().unwrap_or_else(|| Call::get(account.base().clone()))
    }

    fn hear(&mut self, account: &Account, reply: &Reply) -> Heard<Self::Answer> {
        match account.open(reply) {
            Ok(further) => Heard::Good(Ok(further)),
            Err(NotOpened::Again { after, why }) => Heard::Again { after, why },
            Err(NotOpened::Refused(refusal)) => Heard::Refused(refusal),
            Err(NotOpened::Broken(why)) => Heard::Good(Err(why)),
        }
    }
}

/// The account as far as it is open, and whether it was opened anew.
struct Opened {
    account: Arc<Account>,
    is_reopened: bool,
}

/// The line to the vendor of one account.
pub struct Line<'a, N, C> {
    transport: &'a N,
    clock: &'a C,
    pace: &'a Pace,
    route: Route,
    opened: AsyncMutex<Opened>,
}

impl<'a, N: Transport, C: Clock> Line<'a, N, C> {
    /// Prepares the line; nothing is asked yet.
    pub fn new(account: &Account, transport: &'a N, clock: &'a C, pace: &'a Pace) -> Self {
        let opened = Opened { account: Arc::new(account.clone()), is_reopened: false };
        Self { transport, clock, pace, route: Route::of(account), opened: AsyncMutex::new(opened) }
    }

    /// Returns the pace.
    pub fn pace(&self) -> &'a Pace {
        self.pace
    }

    /// Asks until a reply is heard as good, the vendor refuses, or it was tried often enough. `endpoint` is what the
    /// vendor's hourly limit counts by.
    pub async fn ask<Q: Question>(&self, endpoint: &str, question: &mut Q) -> Result<Q::Answer, Hangup> {
        loop {
            let account = self.account().await?;
            let refused = match self.tried(endpoint, &account, question).await {
                Err(Hangup::Refused(refusal)) if refusal.cause == Cause::Credentials => refusal,
                other => return other,
            };
            if !self.reopen(&account).await {
                return Err(Hangup::Refused(refused));
            }
        }
    }

    /// Returns the account, opened and with a token that lasts a while. Those who come meanwhile wait for the first one.
    pub async fn account(&self) -> Result<Arc<Account>, Hangup> {
        let mut opened = self.opened.lock().await;
        if let Some(renewing) = opened.account.to_renew(self.clock.now()) {
            opened.account = Arc::new(renewing);
        }
        while opened.account.opening().is_some() {
            let account = Arc::clone(&opened.account);
            let further = self.tried("opening", &account, &mut Opening).await?;
            opened.account = Arc::new(further.map_err(Hangup::GaveUp)?);
        }
        Ok(Arc::clone(&opened.account))
    }

    /// Lets an account whose credentials were refused be opened anew, once. Returns whether it is worth another try.
    async fn reopen(&self, refused: &Arc<Account>) -> bool {
        let mut opened = self.opened.lock().await;
        if !Arc::ptr_eq(&opened.account, refused) {
            return true;
        }
        let Some(fresh) = opened.account.to_reopen().filter(|_| !opened.is_reopened) else { return false };
        *opened = Opened { account: Arc::new(fresh), is_reopened: true };
        true
    }

    async fn tried<Q: Question>(
        &self,
        endpoint: &str,
        account: &Account,
        question: &mut Q,
    ) -> Result<Q::Answer, Hangup> {
        let mut attempt = 0;
        loop {
            self.take_place(endpoint).await?;
            attempt += 1;
            let call = question.call(account);
            let (why, after) = match self.transport.send(&call, &self.route).await {
                Ok(reply) => match question.hear(account, &reply) {
                    Heard::Good(good) => return Ok(good),
                    Heard::Refused(refusal) => return Err(Hangup::Refused(refusal)),
                    Heard::Again { after, why } => (why, after),
                },
                Err(error @ (SendError::Forbidden { .. } | SendError::TooLarge { .. })) => {
                    return Err(Hangup::GaveUp(error.to_string()));
                }
                Err(error) => (error.to_string(), None),
            };
            let Some(pause) = retry(attempt, after) else {
                return Err(Hangup::GaveUp(format!("gave up after {attempt} tries: {why}")));
            };
            self.wait(pause).await?;
        }
    }

    async fn take_place(&self, endpoint: &str) -> Result<(), Hangup> {
        loop {
            let wait = self.pace.place(endpoint, self.clock.now());
            if wait.is_zero() {
                // Not paid for in vain: a call that is sent must be able to end.
                return if self.clock.remaining() < MARGIN { Err(Hangup::OutOfTime { until: None }) } else { Ok(()) };
            }
            self.wait(wait).await?;
        }
    }

    /// Waits, unless that takes more time than there is, or more than is worth paying for.
    async fn wait(&self, wait: Duration) -> Result<(), Hangup> {
        let remaining = self.clock.remaining();
        let is_too_dear = remaining < PAID_BELOW && wait > PAID_WAIT_MAX;
        if remaining < wait + MARGIN || is_too_dear {
            let until = SignedDuration::try_from(wait).ok().and_then(|wait| self.clock.now().checked_add(wait).ok());
            return Err(Hangup::OutOfTime { until: until.filter(|_| wait > Duration::from_secs(1)) });
        }
        self.clock.sleep(wait).await;
        Ok(())
    }
}
