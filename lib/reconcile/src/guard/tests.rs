use std::collections::BTreeMap;

use super::*;
use crate::plan::Counts;
use crate::reason::Reason;

fn totals(created: u64, updated: u64, unchanged: u64, left_out: u64, stale: u64) -> Totals {
    let synced = created + updated + unchanged;
    let mut reasons = BTreeMap::new();
    if left_out > 0 {
        reasons.insert(Reason::Unmatched, left_out);
    }
    let counts = Counts {
        fetched: synced + left_out,
        synced,
        created,
        updated,
        unchanged,
        unsynced: left_out,
        reasons,
        ..Counts::default()
    };
    assert!(counts.adds_up());
    Totals {
        counts: [(Kind::Asset, counts)].into(),
        stale: [(Kind::Asset, stale)].into(),
        complete: [Kind::Asset].into(),
    }
}

fn is_held(plan: &Totals, history: &Totals) -> bool {
    judge(plan, history, &Limits::default()) != Verdict::Go
}

#[test]
fn a_fifth_of_the_kind_passes_and_one_more_is_held() {
    let history = totals(0, 0, 200, 0, 0);
    assert!(!is_held(&totals(40, 0, 200, 0, 0), &history));
    assert!(is_held(&totals(41, 0, 200, 0, 0), &history));
    assert!(is_held(&totals(0, 41, 159, 0, 0), &history));
    assert!(is_held(&totals(0, 0, 159, 0, 41), &history));
}

#[test]
fn created_updated_and_stale_count_together() {
    assert!(is_held(&totals(14, 14, 172, 0, 14), &totals(0, 0, 200, 0, 0)));
}

#[test]
fn fewer_than_25_records_never_hold() {
    let history = totals(0, 0, 10, 0, 0);
    assert!(!is_held(&totals(24, 0, 10, 0, 0), &history));
    assert!(is_held(&totals(25, 0, 10, 0, 0), &history));
}

#[test]
fn the_first_sync_of_a_kind_may_do_anything() {
    let limits = Limits { first_sync: [Kind::Asset].into(), ..Limits::default() };
    assert_eq!(judge(&totals(5000, 0, 0, 0, 0), &Totals::default(), &limits), Verdict::Go);
    let others = Limits { first_sync: [Kind::Contact].into(), ..Limits::default() };
    assert_ne!(judge(&totals(5000, 0, 0, 0, 0), &Totals::default(), &others), Verdict::Go);
}

#[test]
fn less_than_half_of_the_last_complete_read_is_held() {
    let history = totals(0, 0, 90, 10, 0);
    assert!(!is_held(&totals(0, 0, 50, 0, 0), &history));
    assert_eq!(
        judge(&totals(0, 0, 40, 9, 0), &history, &Limits::default()),
        Verdict::Held(vec![Why::TooLittle { kind: Kind::Asset, fetched: 49, before: 100 }])
    );
    let incomplete = Totals { complete: BTreeSet::new(), ..totals(0, 0, 49, 0, 0) };
    assert!(!is_held(&incomplete, &history));
}

#[test]
fn less_than_half_but_hardly_fewer_is_no_alarm() {
    let history = totals(0, 0, 48, 0, 0);
    assert!(!is_held(&totals(0, 0, 23, 1, 0), &history), "24 fewer");
    assert!(!is_held(&totals(0, 0, 24, 0, 0), &history), "a half");
    assert!(is_held(&totals(0, 0, 23, 0, 0), &history), "25 fewer and less than half");
}

#[test]
fn reasons_carry_the_numbers() {
    let Verdict::Held(why) = judge(&totals(30, 20, 150, 0, 10), &totals(0, 0, 200, 0, 0), &Limits::default()) else {
        panic!("60 of 200 passed")
    };
    assert_eq!(
        why[0].to_string(),
        "60 of 200 asset records would change (30 created, 20 updated, 10 marked stale); 20 % may without asking"
    );
    let little = Why::TooLittle { kind: Kind::Asset, fetched: 3, before: 90 };
    assert_eq!(little.to_string(), "the vendor returned 3 asset records where the last complete read had 90");
}
