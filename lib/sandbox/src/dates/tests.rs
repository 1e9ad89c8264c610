use super::*;

#[test]
fn dates_are_written_and_read_back() {
    for (instant_ms, text) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (1_520_856_000_000, "2018-03-12T12:00:00.000Z"),
        (1_795_204_800_007, "2026-11-20T20:00:00.007Z"),
    ] {
        assert_eq!(stamp(instant_ms), text);
        assert_eq!(parse(text), Some(instant_ms));
    }
    assert_eq!(parse("2018-03-12T12:00:00Z"), Some(1_520_856_000_000));
}

#[test]
fn what_is_no_date_is_refused() {
    for text in ["", "yesterday", "2018-03-12", "2018-13-12T12:00:00Z", "2018-03-12T12:00:00+01:00", "2018-3T1Z"] {
        assert_eq!(parse(text), None, "{text}");
    }
}
