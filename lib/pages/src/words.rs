//! The fixed words as people read them on a page: states as pills, instants, durations, counts, foreign text.

use console::shown::shown;
use console::words::{IntegrationState, Outcome, PlanState, Trigger};
use jiff::Timestamp;
use maud::{Markup, html};
use reconcile::ids::VendorId;
use reconcile::mapping::State;
use reconcile::plan::{Action, Rule};
use reconcile::record::{Field, Kind};

use crate::frame::{Tone, Visitor};

/// Returns text that somebody else wrote: hostile letters written out, its reading order kept to itself.
pub fn foreign(text: &str) -> Markup {
    html! { bdi { (shown(text)) } }
}

/// The longest vendor id that is shown whole.
const ID_LETTERS_MAX: usize = 24;

/// Returns a vendor's id; of a long one the ends, with the whole on hover.
pub fn vendor_id(id: &VendorId) -> Markup {
    let whole = shown(id.as_str());
    let letters: Vec<char> = whole.chars().collect();
    let short = (letters.len() > ID_LETTERS_MAX).then(|| {
        let (start, end) = (&letters[..8], &letters[letters.len() - 8..]);
        start.iter().chain(&['…']).chain(end).collect::<String>()
    });
    html! { bdi class="faint small" title=[short.as_ref().map(|_| &whole)] { (short.as_ref().unwrap_or(&whole)) } }
}

/// Returns a word on a coloured ground.
pub fn pill(tone: Tone, word: &str) -> Markup {
    html! { span class={ "pill " (tone.class()) } { (word) } }
}

/// Returns an integration's state.
pub fn integration_state(state: IntegrationState) -> Markup {
    match state {
        IntegrationState::Draft => pill(Tone::Plain, "Not verified"),
        IntegrationState::Verified => pill(Tone::Plain, "Verified"),
        IntegrationState::Configured => pill(Tone::Care, "Being set up"),
        IntegrationState::Live => pill(Tone::Good, "Live"),
        IntegrationState::Paused => pill(Tone::Care, "Paused"),
        IntegrationState::CredentialsRejected => pill(Tone::Bad, "Credentials rejected"),
    }
}

/// Returns how a run ended; one without an outcome is under way.
pub fn outcome(outcome: Option<Outcome>) -> Markup {
    match outcome {
        None => pill(Tone::Plain, "Running"),
        Some(Outcome::Complete) => pill(Tone::Good, "Complete"),
        Some(Outcome::Incomplete) => pill(Tone::Care, "Incomplete"),
        Some(Outcome::Held) => pill(Tone::Care, "Held"),
        Some(Outcome::Failed) => pill(Tone::Bad, "Failed"),
        Some(Outcome::CredentialsRejected) => pill(Tone::Bad, "Credentials rejected"),
    }
}

/// Returns where a plan stands.
pub fn plan_state(state: PlanState) -> Markup {
    match state {
        PlanState::Staged => pill(Tone::Care, "Staged"),
        PlanState::Held => pill(Tone::Care, "Held"),
        PlanState::Applied => pill(Tone::Good, "Applied"),
        PlanState::Discarded => pill(Tone::Plain, "Discarded"),
        PlanState::Outdated => pill(Tone::Plain, "Outdated"),
        PlanState::Undone => pill(Tone::Plain, "Undone"),
    }
}

/// Returns a mapping's state; what waits for Finish says so.
pub fn mapping_state(state: State, staged: bool) -> Markup {
    let (tone, word) = match state {
        State::Unmatched => (Tone::Care, "Unmatched"),
        State::Matched => (Tone::Good, "Matched"),
        State::Created => (Tone::Good, "Created"),
        State::Excluded => (Tone::Plain, "Excluded"),
    };
    html! {
        (pill(tone, word))
        @if staged { span class="faint" { " staged" } }
    }
}

/// Returns what a plan does to a record.
pub fn action(action: Action) -> Markup {
    match action {
        Action::Create => pill(Tone::Good, "Create"),
        Action::Match => pill(Tone::Good, "Match"),
        Action::Exclude => pill(Tone::Plain, "Exclude"),
        Action::Reset => pill(Tone::Plain, "Reset"),
        Action::Update => pill(Tone::Plain, "Update"),
        Action::Stale => pill(Tone::Care, "Mark stale"),
        Action::Return => pill(Tone::Good, "Back again"),
        Action::Archive => pill(Tone::Care, "Archive"),
        Action::Detach => pill(Tone::Care, "Detach"),
    }
}

/// Returns why a run began.
pub fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Setup => "First read",
        Trigger::Manual => "Run by hand",
        Trigger::Forced => "Forced run",
        Trigger::Schedule => "Scheduled run",
    }
}

/// Returns the rule by which two records were found to be the same.
pub fn rule(rule: Rule) -> &'static str {
    match rule {
        Rule::Decision => "decided by a person",
        Rule::Serial => "same serial number",
        Rule::Mac => "same MAC address",
        Rule::Hostname => "same host name",
        Rule::Email => "same e-mail address",
        Rule::IdenticalName => "identical name",
        Rule::Address => "same address",
        Rule::SameRecord => "made from this record before",
        Rule::NearName => "similar name",
        Rule::SharedWords => "shared words",
    }
}

/// Returns how alike two names are.
pub fn score(score: f64) -> String {
    format!("{:.0} %", score * 100.0)
}

/// Returns a kind's word for several of it.
pub fn kinds(kind: Kind) -> &'static str {
    match kind {
        Kind::Client => "Clients",
        Kind::User => "Users",
        Kind::Asset => "Assets",
        Kind::Contact => "Contacts",
        Kind::Location => "Locations",
    }
}

/// Returns a field's name as people say it.
pub fn field(field: Field) -> String {
    match field {
        Field::MacAddresses => "MAC addresses".to_owned(),
        Field::IpAddresses => "IP addresses".to_owned(),
        Field::Os => "Operating system".to_owned(),
        Field::Email => "E-mail".to_owned(),
        other => {
            let words = other.code().replace('_', " ");
            let mut letters = words.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
        }
    }
}

/// Returns an instant in the visitor's zone, with the full one on hover.
pub fn instant(at: Timestamp, visitor: &Visitor) -> Markup {
    let zoned = at.to_zoned(visitor.zone.clone());
    let today = visitor.now.to_zoned(visitor.zone.clone()).date();
    let short = if zoned.date() == today { "today %H:%M" } else { "%Y-%m-%d %H:%M" };
    html! {
        time datetime=(at) title=(zoned.strftime("%A, %Y-%m-%d %H:%M:%S %Z")) { (zoned.strftime(short)) }
    }
}

/// Returns an instant to the second, for a log.
pub fn clock(at: Timestamp, visitor: &Visitor) -> Markup {
    let zoned = at.to_zoned(visitor.zone.clone());
    html! {
        time datetime=(at) title=(zoned.strftime("%A, %Y-%m-%d %H:%M:%S %Z")) data-show="clock" { (zoned.strftime("%Y-%m-%d %H:%M:%S")) }
    }
}

/// Returns the day of an instant as plain text.
pub fn day(at: Timestamp, visitor: &Visitor) -> String {
    at.to_zoned(visitor.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Returns how long something took.
pub fn between(from: Timestamp, to: Timestamp) -> String {
    duration(u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0))
}

/// Returns a number of seconds as people say it.
pub fn duration(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => "under 1 s".to_owned(),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

/// Returns a count with its digits in groups.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// Returns `1 record`, `2 records`.
pub fn counted(number: u64, one: &str) -> String {
    format!("{} {one}{}", count(number), if number == 1 { "" } else { "s" })
}

/// Returns the name of a vendor as people know it.
pub fn vendor(id: &str) -> &str {
    apis::vendors::find(id).map_or(id, |vendor| vendor.name)
}
