use engine::error::Disposition;
use engine::memory::MemoryTable;
use engine::ports::{Expect, Key};
use reconcile::plan::Counts;
use reconcile::record::Kind;
use reconcile::run::Phase;

use super::*;

fn record(phase: Phase, fetched: u64) -> RunRecord {
    let text = r#"{"run_id":"acme.20261122T200000000Z","run":{"trigger":"schedule","phase":"reading","reports":{}},
        "holder":"","started_at":"2026-11-22T20:00:00Z","touched_at":"2026-11-22T20:00:00Z",
        "epochs":{"integration":1,"catalogue":1},"vendor_requests":7}"#;
    let mut record: RunRecord = serde_json::from_str(text).unwrap();
    record.run.phase = phase;
    let counts = Counts { fetched, synced: fetched, created: fetched, ..Counts::default() };
    record.counts.insert(Kind::Asset, counts);
    record
}

fn closed(outcome: Outcome, fetched: u64) -> RunRecord {
    record(Phase::Closed { outcome }, fetched)
}

fn write(place: &str, record: &RunRecord) -> Write {
    Write::put(Key::new("runs#acme", place), Expect::Absent, serde_json::to_string(record).unwrap())
}

#[track_caller]
fn check(place: &str, record: &RunRecord, expected: &[&str]) {
    let counts = News::of(&write(place, record)).map(|news| news.counts()).unwrap_or_default();
    let counted: Vec<&str> = counts
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| name.starts_with("Runs") || name.starts_with("Cred"))
        .collect();
    assert_eq!(counted, expected, "{place}");
}

#[test]
fn how_a_run_ended_is_read_off_the_write_that_ends_it() {
    let place = "run#acme.20261122T200000000Z";
    check(place, &closed(Outcome::Complete, 5), &["RunsEnded"]);
    check(place, &closed(Outcome::Complete, 0), &["RunsEnded", "RunsPoor"]);
    check(place, &closed(Outcome::Incomplete, 5), &["RunsEnded", "RunsPoor"]);
    check(place, &closed(Outcome::Failed, 0), &["RunsEnded", "RunsFailed"]);
    check(place, &closed(Outcome::CredentialsRejected, 0), &["RunsEnded", "CredentialsRejected"]);
    check(place, &closed(Outcome::Held, 5), &["RunsEnded"]);
}

#[test]
fn each_disposition_is_counted_apart() {
    let all = [
        Disposition::Again { after: None },
        Disposition::Person,
        Disposition::Drop(reconcile::reason::Reason::Unmatched),
        Disposition::Bug,
    ];
    let metrics = all.map(|one| of_failure(one.name()));
    assert_eq!(metrics, ["EventsToComeAgain", "EventsForAPerson", "EventsDropped", "EventsOfBugs"]);
}

#[test]
fn a_run_under_way_is_no_news() {
    check("open", &record(Phase::Reading, 0), &[]);
    check("open", &closed(Outcome::Complete, 5), &[]);
    let elsewhere = Write::put(Key::new("integrations", "acme"), Expect::Absent, "{}".to_owned());
    assert!(News::of(&elsewhere).is_none());
    let freed = Write::put(Key::new("runs#acme", "open"), Expect::Version(3), "null".to_owned());
    assert!(News::of(&freed).is_none());
}

#[test]
fn a_line_has_the_metrics_and_what_they_are_about() {
    let now = "2026-11-22T20:00:00Z".parse().unwrap();
    let line = line("msp-sync/acme", now, &[("RunsEnded", 1)], &[("run", json!("acme.1"))]);
    assert_eq!(
        line,
        json!({
            "_aws": {"Timestamp": 1_795_377_600_000_i64, "CloudWatchMetrics": [{
                "Namespace": "msp-sync/acme",
                "Dimensions": [[]],
                "Metrics": [{"Name": "RunsEnded", "Unit": "Count"}],
            }]},
            "run": "acme.1",
            "RunsEnded": 1,
        })
    );
}

#[tokio::test]
async fn a_write_that_is_not_taken_tells_nothing_and_fails_as_before() {
    let table = Told::new(MemoryTable::new(), Metrics::default());
    let ended = write("run#acme.20261122T200000000Z", &closed(Outcome::Complete, 1));
    table.write(ended.clone()).await.unwrap();
    assert!(matches!(table.write(ended.clone()).await, Err(TableError::Conflict { .. })));
    assert!(matches!(table.transact(vec![ended.clone()]).await, Err(TableError::Conflict { .. })));
    assert!(table.get(&ended.key).await.unwrap().is_some());
}
