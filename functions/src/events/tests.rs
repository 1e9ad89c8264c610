use serde_json::json;

use super::*;

fn request(trigger: Trigger, continues: Option<&str>) -> FetchRequest {
    let integration = IntegrationId::parse("auvik-main").unwrap();
    FetchRequest { integration, trigger, continues: continues.map(|run| RunId::parse(run).unwrap()) }
}

#[track_caller]
fn check_recorded(event: &str, expected: FetchRequest) {
    assert_eq!(parse(&serde_json::from_str(event).unwrap()), Ok(expected));
}

#[test]
fn a_person_runs_it_by_hand() {
    check_recorded(include_str!("../../fixtures/by_hand.json"), request(Trigger::Manual, None));
    check_recorded(include_str!("../../fixtures/by_hand_short.json"), request(Trigger::Manual, None));
    check_recorded(include_str!("../../fixtures/by_hand_forced.json"), request(Trigger::Forced, None));
}

#[test]
fn a_schedule_runs_it() {
    let expected = || request(Trigger::Schedule, None);
    check_recorded(include_str!("../../fixtures/scheduler_with_its_time.json"), expected());
    check_recorded(include_str!("../../fixtures/scheduler_with_its_time_not_filled_in.json"), expected());
    check_recorded(include_str!("../../fixtures/event_bus_rule.json"), expected());
}

#[test]
fn it_goes_on_with_its_own_run() {
    let expected = request(Trigger::Manual, Some("auvik-main.20261122T200000000Z"));
    check_recorded(include_str!("../../fixtures/continuation.json"), expected);
}

#[track_caller]
fn check_refused(event: Value, expected: &str) {
    let error = parse(&event).unwrap_err();
    assert!(error.to_string().contains(expected), "{event}: {error}");
}

#[test]
fn an_event_that_is_not_understood_is_refused_with_what_to_send() {
    check_refused(json!(null), "not a JSON object");
    check_refused(json!([]), "not a JSON object");
    check_refused(json!("auvik-main"), EXAMPLE);
    check_refused(json!({}), "names no integration");
    check_refused(json!({"integration": null}), "names no integration");
    check_refused(json!({"integration": 7}), "\"integration\" must be a text");
    check_refused(json!({"integration": "Auvik Main"}), "\"integration\" is refused");
    check_refused(json!({"integration": "a", "force": "yes"}), "\"force\" must be true or false");
    check_refused(json!({"integration": "a", "forced": true}), "unknown field \"forced\"");
    check_refused(json!({"integration": "a", "continues": "nonsense"}), "\"continues\" is refused");
    check_refused(json!({"integration": "a", "continues": "b.20261122T200000000Z"}), "not one of the integration a");
    check_refused(json!({"Records": []}), "unknown field \"Records\"");
    check_refused(json!({"detail-type": "Scheduled Event"}), "names no integration");
    check_refused(json!({"detail-type": "Scheduled Event", "detail": 7}), "\"detail\" must be an object");
}

#[test]
fn a_schedule_without_input_says_where_the_input_belongs() {
    let event = serde_json::from_str(include_str!("../../fixtures/scheduler_without_input.json")).unwrap();
    check_refused(event, "as the input of a schedule");
}
