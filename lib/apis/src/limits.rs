//! How long to wait, and when to stop trying.

use std::time::Duration;

use crate::call::Reply;

/// Tries of one call, the first included (auvik.md section 9: about five).
pub const TRIES_MAX: u32 = 5;
/// The longest wait that we choose ourselves (auvik.md section 9).
const OWN_WAIT_MAX: Duration = Duration::from_secs(300);
/// The longest wait that a vendor may ask for; beyond it the read ends incomplete and the next run goes on.
const ASKED_WAIT_MAX: Duration = Duration::from_secs(3600);

/// Returns how long to wait before the next try, after `attempt` tries (the first is 1) failed in a way that may pass;
/// `None` when it is time to give up. What the vendor asked for is honoured; without it, the wait doubles from a second.
/// Jitter is the caller's: here nothing is random.
pub fn retry(attempt: u32, after: Option<Duration>) -> Option<Duration> {
    if attempt >= TRIES_MAX {
        return None;
    }
    match after {
        Some(asked) if asked > ASKED_WAIT_MAX => None,
        Some(asked) => Some(asked),
        None => Some(Duration::from_secs(1 << attempt.saturating_sub(1)).min(OWN_WAIT_MAX)),
    }
}

/// Returns what `Retry-After` asks for: seconds, or a date, which is compared with the answer's own `Date`, so that no
/// clock of ours comes in. A date without a `Date` beside it says nothing.
pub fn retry_after(reply: &Reply) -> Option<Duration> {
    let asked = reply.header("retry-after")?.trim();
    if let Ok(seconds) = asked.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(asked).ok()?;
    let now = httpdate::parse_http_date(reply.header("date")?.trim()).ok()?;
    Some(until.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests;
