use console::views::IntegrationView;
use console::words::IntegrationState;
use engine::schedule::jitter;
use jiff::{SignedDuration, Timestamp};

use super::Agenda;

fn at(text: &str) -> Timestamp {
    format!("2026-11-{text}Z").parse().expect("an instant")
}

fn live(id: &str, schedule: &str, next: &str) -> IntegrationView {
    IntegrationView {
        integration: id.parse().expect("an id"),
        vendor: "auvik".to_owned(),
        state: IntegrationState::Live,
        settings: Default::default(),
        kinds: Vec::new(),
        sync: Vec::new(),
        auto_create: Vec::new(),
        types: None,
        schedule: Some(schedule.to_owned()),
        time_zone: "UTC".to_owned(),
        archive_stale: false,
        next_run_at: Some(at(next)),
        expected_cost: None,
    }
}

fn due(agenda: &mut Agenda, views: &[IntegrationView], now: &str) -> Vec<String> {
    agenda.look(views, at(now)).iter().map(ToString::to_string).collect()
}

/// The instant at which the integration `a` begins a run that is told for `instant`.
fn begins(instant: &str) -> Timestamp {
    at(instant) + jitter(&"a".parse().expect("an id"))
}

fn due_at(agenda: &mut Agenda, views: &[IntegrationView], now: Timestamp) -> Vec<String> {
    agenda.look(views, now).iter().map(ToString::to_string).collect()
}

#[test]
fn a_run_begins_once_at_its_share_of_the_half_hour() {
    let mut agenda = Agenda::default();
    let second = SignedDuration::from_secs(1);
    let tomorrow = [live("a", "0 20 * * *", "23T20:00:00")];
    assert_eq!(due(&mut agenda, &[live("a", "0 20 * * *", "22T20:00:00")], "22T19:00:00"), [""; 0]);
    // Between the schedule's instant and the run's own the next one told is tomorrow's; today's still counts.
    assert_eq!(due_at(&mut agenda, &tomorrow, begins("22T20:00:00") - second), [""; 0]);
    assert_eq!(due_at(&mut agenda, &tomorrow, begins("22T20:00:00")), ["a"]);
    assert_eq!(due_at(&mut agenda, &tomorrow, begins("22T20:00:00") + second), [""; 0]);
    let after = [live("a", "0 20 * * *", "24T20:00:00")];
    assert_eq!(due_at(&mut agenda, &after, begins("23T20:00:00")), ["a"]);
}

#[test]
fn a_changed_schedule_counts_at_once() {
    let mut agenda = Agenda::default();
    assert_eq!(due(&mut agenda, &[live("a", "0 20 * * *", "22T20:00:00")], "22T19:00:00"), [""; 0]);
    assert_eq!(due(&mut agenda, &[live("a", "0 22 * * *", "22T22:00:00")], "22T20:31:00"), [""; 0]);
    assert_eq!(due(&mut agenda, &[live("a", "0 22 * * *", "22T22:00:00")], "22T22:31:00"), ["a"]);
}

#[test]
fn an_integration_that_is_paused_is_not_due() {
    let mut agenda = Agenda::default();
    assert_eq!(due(&mut agenda, &[live("a", "0 20 * * *", "22T20:00:00")], "22T19:00:00"), [""; 0]);
    let paused = IntegrationView {
        state: IntegrationState::Paused,
        next_run_at: None,
        ..live("a", "0 20 * * *", "22T20:00:00")
    };
    assert_eq!(due(&mut agenda, &[paused], "22T20:31:00"), [""; 0]);
}
