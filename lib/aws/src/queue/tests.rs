use super::*;

fn envelope(bytes: usize) -> Envelope {
    Envelope { group: "g".into(), deduplication: "d".into(), body: "x".repeat(bytes) }
}

fn check(sizes: &[usize], expected_chunks: &[&[usize]], expected_refused: &[usize]) {
    let (chunks, refused) = chunks(sizes.iter().map(|bytes| envelope(*bytes)).collect());
    let positions: Vec<Vec<usize>> =
        chunks.iter().map(|chunk| chunk.iter().map(|(position, _)| *position).collect()).collect();
    assert_eq!(positions, expected_chunks, "of {sizes:?}");
    assert_eq!(refused, expected_refused, "of {sizes:?}");
}

#[test]
fn a_batch_is_split_where_a_call_would_be_too_large() {
    const HALF: usize = BATCH_BYTES_MAX / 2;
    check(&[], &[], &[]);
    check(&[1, 2, 3], &[&[0, 1, 2]], &[]);
    check(&[HALF, HALF, 1], &[&[0, 1], &[2]], &[]);
    check(&[1; 12], &[&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], &[10, 11]], &[]);
    check(&[1, BATCH_BYTES_MAX + 1, 0, 2], &[&[0, 3]], &[1, 2]);
}

#[test]
fn ids_that_sqs_would_refuse_are_hashed_and_stay_apart() {
    assert_eq!(id("auvik/client:17"), "auvik/client:17");
    let long = "x".repeat(600);
    for text in ["", "with blank", "Müller", long.as_str()] {
        let id = id(text);
        assert!(id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{text:?} becomes {id}");
    }
    assert_ne!(id("with blank"), id("with  blank"));
}

#[test]
fn characters_that_sqs_refuses_are_escaped() {
    assert_eq!(sendable("{\"a\":\"\u{FFFE}é\u{FFFF}\"}".to_owned()), "{\"a\":\"\\ufffeé\\uffff\"}");
}

#[test]
fn a_message_without_a_deduplication_id_is_never_taken_for_an_earlier_one() {
    let look = Envelope { deduplication: String::new(), ..envelope(7) };
    let ids = [deduplication(&look), deduplication(&look)];
    assert_ne!(ids[0], ids[1]);
    assert!(ids.iter().all(|id| id.len() == 64), "{ids:?}");
    assert_eq!(deduplication(&envelope(7)), "d");
}
