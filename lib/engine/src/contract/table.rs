//! What a table promises.

use crate::ports::{Expect, Item, Key, Query, TRANSACTION_WRITES_MAX, Table, TableError, Write};

const KIB: usize = 1024;

fn put(pk: &str, sk: &str, expect: Expect, body: &str) -> Write {
    Write::put(Key::new(pk, sk), expect, body.to_owned())
}

/// Makes a JSON text of exactly `bytes` bytes, which does not get much smaller when it is packed.
fn body_of(bytes: usize) -> String {
    let mut state = bytes as u64 | 1;
    let letters = (2..bytes).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'0' + (state >> 32) as u8 % 43)
    });
    let text: String = letters.map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    format!("\"{text}\"")
}

async fn stored(table: &impl Table, pk: &str, sk: &str) -> Option<(u64, String)> {
    let key = Key::new(pk, sk);
    let item = table.get(&key).await.expect("the table is reachable")?;
    assert_eq!(item.key, key, "an item says where it lies");
    Some((item.version, item.body))
}

fn is(version: u64, body: &str) -> Option<(u64, String)> {
    Some((version, body.to_owned()))
}

fn assert_conflict(outcome: Result<(), TableError>, index: usize, pk: &str, sk: &str, why: &str) {
    match outcome {
        Err(TableError::Conflict { index: failing, key }) => {
            assert_eq!((failing, key), (index, Key::new(pk, sk)), "{why}: the conflict names the failing write");
        }
        other => panic!("{why}: expected a conflict at write {index}, found {other:?}"),
    }
}

/// Reads a query to its end.
async fn all(table: &impl Table, query: &Query) -> Vec<Item> {
    let mut query = query.clone();
    let mut items = Vec::new();
    for _ in 0..1000 {
        let page = table.query(&query).await.expect("the table is reachable");
        assert!(page.items.len() <= query.limit, "a page holds at most what was asked for");
        items.extend(page.items);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return items,
        }
    }
    panic!("{query:?} does not end");
}

async fn places(table: &impl Table, query: &Query) -> Vec<String> {
    all(table, query).await.into_iter().map(|item| item.key.sk).collect()
}

/// Checks an empty table: conditions, transactions, queries, keys, large bodies.
pub async fn table(table: &impl Table) {
    conditions(table).await;
    deletions(table).await;
    transactions(table).await;
    large_transactions(table).await;
    ranges(table).await;
    pages(table).await;
    odd_texts(table).await;
    many(table).await;
    large_bodies(table).await;
    expiring(table).await;
}

async fn conditions(table: &impl Table) {
    let pk = "conditions";
    assert_eq!(stored(table, pk, "a").await, None, "nothing is there at first");

    table.write(put(pk, "a", Expect::Absent, "1")).await.expect("nothing is there");
    assert_eq!(stored(table, pk, "a").await, is(1, "1"), "the first version is 1");
    let again = table.write(put(pk, "a", Expect::Absent, "1")).await;
    assert_conflict(again, 0, pk, "a", "sent again after a lost answer");

    table.write(put(pk, "a", Expect::Version(1), "2")).await.expect("version 1 is there");
    assert_eq!(stored(table, pk, "a").await, is(2, "2"), "the version grows by one");
    let again = table.write(put(pk, "a", Expect::Version(1), "2")).await;
    assert_conflict(again, 0, pk, "a", "an update sent again after a lost answer");

    for (expect, why) in [
        (Expect::Absent, "it is there"),
        (Expect::Version(0), "0 is the same as absent"),
        (Expect::Version(1), "an older version"),
        (Expect::Version(3), "a version that is not yet there"),
    ] {
        assert_conflict(table.write(put(pk, "a", expect, "no")).await, 0, pk, "a", why);
        assert_eq!(stored(table, pk, "a").await, is(2, "2"), "a conflict writes nothing");
    }

    table.write(put(pk, "b", Expect::Version(0), "{}")).await.expect("0 is the same as absent");
    assert_eq!(stored(table, pk, "b").await, is(1, "{}"), "0 is the same as absent");
    let missing = table.write(put(pk, "c", Expect::Version(1), "{}")).await;
    assert_conflict(missing, 0, pk, "c", "no item has no version");
    assert_eq!(stored(table, pk, "c").await, None, "a conflict writes nothing");
}

async fn deletions(table: &impl Table) {
    let pk = "deletions";
    let delete = |sk: &str, expect| Write::delete(Key::new(pk, sk), expect);
    table.write(put(pk, "a", Expect::Absent, "{}")).await.expect("nothing is there");
    assert_conflict(table.write(delete("a", Expect::Version(2))).await, 0, pk, "a", "the wrong version");
    assert_conflict(table.write(delete("a", Expect::Absent)).await, 0, pk, "a", "it is there");
    assert_eq!(stored(table, pk, "a").await, is(1, "{}"), "a conflict deletes nothing");

    table.write(delete("a", Expect::Version(1))).await.expect("version 1 is there");
    assert_eq!(stored(table, pk, "a").await, None, "a deleted item is gone");
    assert_conflict(table.write(delete("a", Expect::Version(1))).await, 0, pk, "a", "deleted already");
    table.write(delete("a", Expect::Absent)).await.expect("deleting nothing, knowingly");
    table.write(put(pk, "a", Expect::Absent, "[]")).await.expect("a deleted item may come back");
    assert_eq!(stored(table, pk, "a").await, is(1, "[]"), "and begins with version 1");
}

async fn transactions(table: &impl Table) {
    let pk = "transactions";
    let other = "transactions-other";
    table.transact(Vec::new()).await.expect("no writes are no work");
    table.write(put(pk, "old", Expect::Absent, "1")).await.expect("nothing is there");
    table.write(put(pk, "gone", Expect::Absent, "1")).await.expect("nothing is there");

    let attempt = |old: u64, gone: u64| {
        vec![
            put(other, "new", Expect::Absent, "1"),
            put(pk, "old", Expect::Version(old), "2"),
            Write::delete(Key::new(pk, "gone"), Expect::Version(gone)),
        ]
    };
    assert_conflict(table.transact(attempt(2, 1)).await, 1, pk, "old", "an update in the middle");
    assert_conflict(table.transact(attempt(1, 2)).await, 2, pk, "gone", "a deletion at the end");
    assert_conflict(table.transact(attempt(2, 2)).await, 1, pk, "old", "the first of two");
    assert_eq!(stored(table, other, "new").await, None, "all or nothing");
    assert_eq!(stored(table, pk, "old").await, is(1, "1"), "all or nothing");
    assert_eq!(stored(table, pk, "gone").await, is(1, "1"), "all or nothing");

    table.transact(attempt(1, 1)).await.expect("every condition holds");
    assert_eq!(stored(table, other, "new").await, is(1, "1"), "all were written");
    assert_eq!(stored(table, pk, "old").await, is(2, "2"), "all were written");
    assert_eq!(stored(table, pk, "gone").await, None, "all were written");
    let again = table.transact(attempt(1, 1)).await;
    assert_conflict(again, 0, other, "new", "a transaction sent again after a lost answer");
}

async fn large_transactions(table: &impl Table) {
    let pk = "hundred";
    let writes = |expect: &dyn Fn(usize) -> Expect| -> Vec<Write> {
        (0..TRANSACTION_WRITES_MAX).map(|n| put(pk, &format!("{n:03}"), expect(n), "{}")).collect()
    };
    table.transact(writes(&|_| Expect::Absent)).await.expect("a hundred writes fit");
    let one_wrong = writes(&|n| Expect::Version(if n == 73 { 2 } else { 1 }));
    assert_conflict(table.transact(one_wrong).await, 73, pk, "073", "one of a hundred");
    table.transact(writes(&|_| Expect::Version(1))).await.expect("a hundred updates fit");
    let items = all(table, &Query::partition(pk)).await;
    assert_eq!(items.len(), TRANSACTION_WRITES_MAX, "a hundred items");
    assert!(items.iter().all(|item| item.version == 2), "each written twice");
}

async fn ranges(table: &impl Table) {
    let pk = "ranges";
    let sks = ["a", "a#1", "a#2", "b", "b#1", "c"];
    for sk in sks {
        table.write(put(pk, sk, Expect::Absent, "{}")).await.expect("nothing is there");
    }
    table.write(put("ranges2", "a", Expect::Absent, "{}")).await.expect("nothing is there");

    let whole = Query::partition(pk);
    let range = |from: &str, to: &str| Query { from: from.to_owned(), to: to.to_owned(), ..Query::partition(pk) };
    let after = |query: Query, sk: &str| Query { after: Some(sk.to_owned()), ..query };
    let newest = |query: Query| Query { newest_first: true, ..query };
    let cases: Vec<(Query, &[&str])> = vec![
        (whole.clone(), &sks),
        (Query::partition("no-such-partition"), &[]),
        (Query::prefix(pk, "a#"), &["a#1", "a#2"]),
        (Query::prefix(pk, "a"), &["a", "a#1", "a#2"]),
        (range("a#1", "b"), &["a#1", "a#2", "b"]),
        (range("a#0", "a#9"), &["a#1", "a#2"]),
        (range("b", ""), &["b", "b#1", "c"]),
        (range("", "a#1"), &["a", "a#1"]),
        (range("b", "b"), &["b"]),
        (range("c", "a"), &[]),
        (range("x", "y"), &[]),
        (after(whole.clone(), "b"), &["b#1", "c"]),
        (after(whole.clone(), "a#15"), &["a#2", "b", "b#1", "c"]),
        (after(whole.clone(), "c"), &[]),
        (after(range("b", "b#1"), "b"), &["b#1"]),
        (after(range("b", "b#1"), "a"), &["b", "b#1"]),
        (after(range("b", "b#1"), "b#1"), &[]),
        (after(range("b", "b#1"), "c"), &[]),
        (newest(whole.clone()), &["c", "b#1", "b", "a#2", "a#1", "a"]),
        (newest(range("a#1", "b")), &["b", "a#2", "a#1"]),
        (newest(after(whole.clone(), "b")), &["a#2", "a#1", "a"]),
        (newest(after(range("a#1", "b"), "a#2")), &["a#1"]),
        (newest(after(range("a#1", "b"), "c")), &["b", "a#2", "a#1"]),
        (newest(after(range("a#1", "b"), "a")), &[]),
    ];
    for (query, expected) in cases {
        for limit in [1, 2, 6, 1000] {
            let query = Query { limit, ..query.clone() };
            assert_eq!(places(table, &query).await, expected, "{query:?}");
        }
    }
    let first = table.query(&Query { limit: 2, ..whole }).await.expect("the table is reachable");
    assert_eq!(first.items.len(), 2, "a page is as full as was asked for");
    assert_eq!(first.next.as_deref(), Some("a#1"), "a page goes on after its last place");
}

async fn pages(table: &impl Table) {
    let pk = "pages";
    for n in 0..12 {
        table.write(put(pk, &format!("{n:02}"), Expect::Absent, &body_of(150 * KIB))).await.expect("nothing is there");
    }
    let expected: Vec<String> = (0..12).map(|n| format!("{n:02}")).collect();
    let first = table.query(&Query::partition(pk)).await.expect("the table is reachable");
    assert!(!first.items.is_empty() && first.items.len() < 12, "a page holds less than 1.8 MB");
    assert_eq!(places(table, &Query::partition(pk)).await, expected, "the pages together hold everything once");
    let newest = Query { newest_first: true, ..Query::partition(pk) };
    let backwards: Vec<String> = expected.into_iter().rev().collect();
    assert_eq!(places(table, &newest).await, backwards, "also from the end");
}

async fn odd_texts(table: &impl Table) {
    let pk = "odd \"pk\" \\ #/?&=%20 ü 🏢";
    // Sorted by their UTF-8 bytes: U+FFFD before U+1F600, which UTF-16 sorts the other way.
    let sks = [" ", "\"", "#", "'; --", "A", "\\", "a", "a\tb", "e\u{301}", "{}", "é", "日本", "\u{FFFD}", "😀"];
    let bodies = ["{}", "[ 1.0 , 1e2 ]", "\"é \\u00e9 \\n \\\\ 😀 \u{2028}\"", "{\"b\":1,\"a\":{\"$\":\"<&>\"}}"];
    for (n, sk) in sks.iter().enumerate() {
        let body = bodies[n % bodies.len()];
        table.write(put(pk, sk, Expect::Absent, body)).await.expect("nothing is there");
        assert_eq!(stored(table, pk, sk).await, is(1, body), "{sk:?} holds its text byte for byte");
    }
    let mut sorted = sks;
    sorted.sort_unstable();
    assert_eq!(places(table, &Query::partition(pk)).await, sorted, "places are sorted by their bytes");
    for sk in sks {
        let query = Query { from: sk.to_owned(), to: sk.to_owned(), ..Query::partition(pk) };
        assert_eq!(places(table, &query).await, [sk], "{sk:?} is found by itself");
    }
    assert_eq!(places(table, &Query { limit: 1, ..Query::partition(pk) }).await, sorted, "one at a time");

    let long = "k".repeat(900);
    table.write(put(pk, &long, Expect::Absent, "{}")).await.expect("a long key fits");
    assert_eq!(stored(table, pk, &long).await, is(1, "{}"), "a long key is found");
}

async fn many(table: &impl Table) {
    let pk = "many";
    assert_eq!(table.get_many(&[]).await.expect("no keys are no work"), [], "no keys, no items");
    let writes = (0..60).map(|n| put(pk, &format!("{n:02}"), Expect::Absent, &n.to_string())).collect();
    table.transact(writes).await.expect("nothing is there");

    let keys: Vec<Key> = (0..100).map(|n| Key::new(pk, format!("{n:02}"))).collect();
    let mut found = table.get_many(&keys).await.expect("the table is reachable");
    found.sort_by(|left, right| left.key.cmp(&right.key));
    let bodies: Vec<String> = found.into_iter().map(|item| item.body).collect();
    let expected: Vec<String> = (0..60).map(|n| n.to_string()).collect();
    assert_eq!(bodies, expected, "what exists comes once, what does not is left out");

    let twice = [Key::new(pk, "07"), Key::new(pk, "nothing"), Key::new(pk, "07"), Key::new("many-other", "07")];
    let found = table.get_many(&twice).await.expect("a key may be asked for twice");
    assert_eq!(found, [Item { key: Key::new(pk, "07"), version: 1, body: "7".to_owned() }], "and comes once");
    let none = table.get_many(&[Key::new(pk, "nothing")]).await.expect("the table is reachable");
    assert_eq!(none, [], "nothing is left of what does not exist");
}

async fn large_bodies(table: &impl Table) {
    let pk = "large";
    let large = body_of(350 * KIB);
    table.write(put(pk, "a", Expect::Absent, &large)).await.expect("350 KiB fit");
    assert!(stored(table, pk, "a").await == is(1, &large), "350 KiB come back as they were");
    table.write(put(pk, "a", Expect::Version(1), &large)).await.expect("350 KiB can be replaced");
    let several = (0..8).map(|n| put(pk, &format!("t{n}"), Expect::Absent, &large)).collect();
    table.transact(several).await.expect("2.8 MiB fit a transaction");
    let keys: Vec<Key> = (0..8).map(|n| Key::new(pk, format!("t{n}"))).collect();
    let found = table.get_many(&keys).await.expect("the table is reachable");
    assert_eq!(found.len(), 8, "2.8 MiB can be read at once");
    assert!(found.iter().all(|item| item.body == large), "all come back as they were");

    let too_large = table.write(put(pk, "b", Expect::Absent, &body_of(401 * KIB))).await;
    assert!(matches!(too_large, Err(TableError::Refused { .. })), "more than 400 KiB are refused: {too_large:?}");
    assert_eq!(stored(table, pk, "b").await, None, "what was refused is not there");
}

async fn expiring(table: &impl Table) {
    let far_future = 4_000_000_000;
    let write = Write { expires_at: Some(far_future), ..put("expiring", "a", Expect::Absent, "{}") };
    table.write(write.clone()).await.expect("nothing is there");
    assert_eq!(stored(table, "expiring", "a").await, is(1, "{}"), "it is there until it expires");
    table.transact(vec![Write { expect: Expect::Version(1), ..write }]).await.expect("it can be replaced");
    table.write(put("expiring", "a", Expect::Version(2), "{}")).await.expect("it can be kept for good");
    assert_eq!(stored(table, "expiring", "a").await, is(3, "{}"), "it is there");
}

/// Checks that an empty table counts what DynamoDB bills; for implementations that tell costs truly.
pub async fn table_costs(table: &impl Table) {
    let pk = "costs";
    let mut before = table.meter().read();
    let mut cost = || {
        let now = table.meter().read();
        let cost = (
            now.requests - before.requests,
            now.items_written - before.items_written,
            now.read_units - before.read_units,
            now.write_units - before.write_units,
        );
        before = now;
        cost
    };
    table.write(put(pk, "a", Expect::Absent, &body_of(2500))).await.expect("nothing is there");
    assert_eq!(cost(), (1, 1, 0.0, 3.0), "a put of 2.5 kB");
    table.write(put(pk, "a", Expect::Version(1), "{}")).await.expect("version 1 is there");
    assert_eq!(cost(), (1, 1, 0.0, 3.0), "the larger of before and after counts");
    table.write(put(pk, "a", Expect::Version(1), "{}")).await.expect_err("version 2 is there");
    assert_eq!(cost(), (1, 0, 0.0, 1.0), "a failed condition is billed");
    let writes = |expect| vec![put(pk, "b", expect, "{}"), put(pk, "c", expect, &body_of(1500))];
    table.transact(writes(Expect::Absent)).await.expect("nothing is there");
    assert_eq!(cost(), (1, 2, 0.0, 6.0), "a transaction costs twice");
    table.transact(writes(Expect::Absent)).await.expect_err("they are there");
    assert_eq!(cost(), (1, 0, 0.0, 6.0), "a cancelled transaction is billed");
    table.write(Write::delete(Key::new(pk, "c"), Expect::Version(1))).await.expect("version 1 is there");
    assert_eq!(cost(), (1, 1, 0.0, 2.0), "a deletion costs what it deletes");

    table.write(put(pk, "d", Expect::Absent, &body_of(9000))).await.expect("nothing is there");
    cost();
    table.get(&Key::new(pk, "d")).await.expect("the table is reachable");
    assert_eq!(cost(), (1, 0, 3.0, 0.0), "a consistent read of 9 kB");
    table.get(&Key::new(pk, "nothing")).await.expect("the table is reachable");
    assert_eq!(cost(), (1, 0, 1.0, 0.0), "a read of nothing");
    let keys = ["a", "d", "nothing"].map(|sk| Key::new(pk, sk));
    table.get_many(&keys).await.expect("the table is reachable");
    assert_eq!(cost(), (1, 0, 5.0, 0.0), "each item is rounded up");
    table.query(&Query::partition(pk)).await.expect("the table is reachable");
    assert_eq!(cost(), (1, 0, 3.0, 0.0), "a page is rounded up as a whole");
}
