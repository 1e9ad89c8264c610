//! The fixed words with their colours, times, durations and counts as people read them.

use console::views::CostView;
use console::words::{IntegrationState, Outcome, PlanState};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use reconcile::mapping::State;

use super::screen::Ink;
use super::table::Value;

/// An integration's state.
pub(super) fn integration_state(state: IntegrationState) -> Value {
    let ink = match state {
        IntegrationState::Live => Ink::Good,
        IntegrationState::CredentialsRejected => Ink::Bad,
        IntegrationState::Paused => Ink::Care,
        IntegrationState::Draft | IntegrationState::Verified | IntegrationState::Configured => Ink::Plain,
    };
    Value::inked(ink, state.code())
}

/// How a run ended; a run without an outcome is still running.
pub(super) fn outcome(outcome: Option<Outcome>) -> Value {
    let ink = match outcome {
        None => Ink::Plain,
        Some(Outcome::Complete) => Ink::Good,
        Some(Outcome::Incomplete | Outcome::Held) => Ink::Care,
        Some(Outcome::Failed | Outcome::CredentialsRejected) => Ink::Bad,
    };
    Value::inked(ink, outcome.map_or("running", Outcome::code))
}

/// Where a plan stands.
pub(super) fn plan_state(state: PlanState) -> Value {
    let ink = match state {
        PlanState::Applied => Ink::Good,
        PlanState::Held | PlanState::Staged => Ink::Care,
        PlanState::Discarded | PlanState::Outdated | PlanState::Undone => Ink::Faint,
    };
    Value::inked(ink, state.code())
}

/// A mapping's state; what waits for Finish has a star.
pub(super) fn mapping_state(state: State, staged: bool) -> Value {
    let ink = match state {
        State::Matched | State::Created => Ink::Good,
        State::Unmatched => Ink::Care,
        State::Excluded => Ink::Faint,
    };
    let star = if staged { "*" } else { "" };
    Value::inked(ink, format!("{}{star}", state.code()))
}

/// An instant in this machine's time zone, to the minute.
pub(super) fn instant(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The same, or nothing.
pub(super) fn instant_or(at: Option<Timestamp>, otherwise: &str) -> String {
    at.map_or(otherwise.to_owned(), instant)
}

/// How long something took.
pub(super) fn between(from: Timestamp, to: Timestamp) -> String {
    duration(u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0))
}

/// A number of seconds.
pub(super) fn duration(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => "< 1 s".to_owned(),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

/// What a run is expected to cost: `about 501 vendor requests, about 8 minutes at the vendor's limit`.
pub(crate) fn expected(cost: &CostView) -> String {
    let time = match cost.seconds {
        seconds @ 0..60 => counted(seconds.max(1), "second"),
        seconds @ 60..7200 => counted(seconds.div_ceil(60), "minute"),
        seconds => counted(seconds.div_ceil(3600), "hour"),
    };
    format!("about {}, about {time} at the vendor's limit", counted(cost.vendor_requests, "vendor request"))
}

/// A count with its digits in groups: 12,345.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 record`, `2 records`.
pub(super) fn counted(number: u64, one: &str) -> String {
    format!("{} {one}{}", count(number), if number == 1 { "" } else { "s" })
}

/// The words joined by commas; a word of one's own for none.
pub(super) fn listed<T: ToString>(words: &[T], none: &str) -> String {
    if words.is_empty() {
        return none.to_owned();
    }
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The words in a sentence: `a, b and c`.
pub(crate) fn and(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [several @ .., last] => format!("{} and {last}", several.join(", ")),
    }
}
