use std::time::Duration;

use super::*;

fn asked(headers: &[(&str, &str)]) -> Option<Duration> {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    retry_after(&Reply { status: 429, headers, body: Vec::new() })
}

#[test]
fn waits_double_and_end() {
    let waits: Vec<_> = (1..=TRIES_MAX + 1).map(|attempt| retry(attempt, None).map(|wait| wait.as_secs())).collect();
    assert_eq!(waits, [Some(1), Some(2), Some(4), Some(8), None, None]);
}

#[test]
fn what_the_vendor_asks_for_is_honoured_within_reason() {
    assert_eq!(retry(1, Some(Duration::from_secs(600))), Some(Duration::from_secs(600)));
    assert_eq!(retry(1, Some(Duration::ZERO)), Some(Duration::ZERO));
    assert_eq!(retry(1, Some(Duration::from_secs(3601))), None);
    assert_eq!(retry(TRIES_MAX, Some(Duration::from_secs(1))), None, "a wait that is asked for gives no further try");
}

#[test]
fn retry_after_is_read_as_seconds_or_as_a_date_beside_the_answers_own() {
    let later = "Sun, 01 Mar 2026 10:01:30 GMT";
    let date = "Sun, 01 Mar 2026 10:00:00 GMT";
    assert_eq!(asked(&[("Retry-After", " 17 ")]), Some(Duration::from_secs(17)));
    assert_eq!(asked(&[("retry-after", later), ("date", date)]), Some(Duration::from_secs(90)));
    assert_eq!(asked(&[("retry-after", date), ("date", later)]), Some(Duration::ZERO), "a date in the past");
    assert_eq!(asked(&[("retry-after", later)]), None, "no date to compare with");
    assert_eq!(asked(&[("retry-after", "soon"), ("date", date)]), None);
    assert_eq!(asked(&[("retry-after", "-5")]), None);
    assert_eq!(asked(&[]), None);
}
