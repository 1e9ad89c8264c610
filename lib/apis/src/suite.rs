//! The standard suite: what every vendor must keep, shown with its fixtures.
//!
//! A fixture `fixtures/<vendor>/<case>.http` names a feed and holds the vendor's replies in order; `<case>.expected`
//! holds the calls that were made, the records that came, and how it ended (`UPDATE_EXPECT=1` writes it anew). A vendor
//! added to [`vendors::ALL`] is under this suite without a line here, unless its rows are elsewhere than under `data`:
//! then [`with_rows`] has to know. The secret of every account is made of canaries.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use reconcile::ids::VendorId;
use reconcile::record::{Kind, VendorRecord};
use serde_json::Value;

use crate::account::{Account, Surroundings};
use crate::call::{Reply, Secret, SecretText, redacted};
use crate::feed::{Ask, Below, Fan, Feed, Paging, Vendor};
use crate::reading::{Reading, Taken, Then};
use crate::refusal::Cause;
use crate::vendors;
use crate::verify::{CheckAnswer, answer, checks};
use crate::words::Words;

mod xml;

/// What the names of a vendor's fixtures must begin with, at least once each.
const NEEDED_CASES: &[&str] =
    &["one_page", "empty", "row_", "refused_", "throttled_", "bad_key_", "html_", "truncated_"];

/// Something that a feed can be read below, where it fans out.
fn below(feed: &Feed) -> Option<Below> {
    let one = VendorId::parse("1").unwrap();
    match feed.fan {
        Fan::Once => None,
        Fan::PerClient => Some(one.into()),
        Fan::PerRow(_) => Some(Below { client: one.clone(), row: Some(one) }),
    }
}

struct Fixture {
    path: PathBuf,
    account: Account,
    feed: &'static Feed,
    below: Option<Below>,
    words: Words,
    replies: Vec<Reply>,
}

fn folder(vendor: &Vendor) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(vendor.id)
}

/// The secret of `vendor` made of texts that must never be seen again.
fn canaries(vendor: &Vendor) -> Secret {
    let parts = vendor.secret_parts.iter();
    Secret(parts.map(|part| (part.name.to_owned(), SecretText::new(&canary(part.name)))).collect())
}

fn canary(part: &str) -> String {
    format!("CANARY/{part}+x9")
}

/// The forms in which a canary could be seen.
fn canary_forms(vendor: &'static Vendor) -> Vec<String> {
    let plain: Vec<String> = vendor.secret_parts.iter().map(|part| canary(part.name)).collect();
    let encoded = plain.iter().map(|text| url::form_urlencoded::byte_serialize(text.as_bytes()).collect());
    // What stands in the header of HTTP Basic is as good as the secret.
    let signed = account(vendor, &[]).call(Ask::default());
    let token = signed.header("authorization").and_then(|text| text.split_once(' ')).map(|(_, token)| token.to_owned());
    plain.iter().cloned().chain(encoded).chain(token).collect()
}

fn account(vendor: &'static Vendor, more: &[(String, String)]) -> Account {
    let text = std::fs::read_to_string(folder(vendor).join("settings.json")).expect("every vendor has settings.json");
    let mut settings: BTreeMap<String, String> = serde_json::from_str(&text).expect("settings are texts");
    settings.extend(more.iter().cloned());
    Account::new(vendor, settings, canaries(vendor), &Surroundings::default()).expect("the settings are valid")
}

fn fixture(vendor: &'static Vendor, path: PathBuf) -> Fixture {
    let text = std::fs::read_to_string(&path).expect("fixtures are text");
    let (head, replies) = text.split_once("\n\n").expect("a blank line after the head");
    let mut feed = &vendor.feeds[0];
    let (mut below, mut settings, mut words) = (None::<Below>, Vec::new(), Words::default());
    let mut as_bytes: fn(&str) -> Vec<u8> = |body| body.as_bytes().to_vec();
    for line in head.lines() {
        match line.splitn(3, ' ').collect::<Vec<_>>()[..] {
            ["feed", name] => feed = vendor.feed(name).expect("the feed exists"),
            ["client", id] => below = Some(VendorId::parse(id).unwrap().into()),
            ["row", id] => below.as_mut().expect("a client before its row").row = Some(VendorId::parse(id).unwrap()),
            ["word", table, pair] => {
                let (id, word) = pair.split_once('=').expect("id=word");
                words.set(table, id, word);
            }
            ["encoding", "latin-1"] => as_bytes = xml::latin_1,
            ["setting", name, value] => settings.push((name.to_owned(), value.to_owned())),
            _ => panic!("{}: what is {line:?}?", path.display()),
        }
    }
    let replies = replies.split("\n-----\n").map(|text| reply(text, as_bytes)).collect();
    Fixture { account: account(vendor, &settings), path, feed, below, words, replies }
}

fn reply(text: &str, as_bytes: fn(&str) -> Vec<u8>) -> Reply {
    let text = text.strip_prefix("HTTP ").expect("a reply begins with HTTP and the status");
    let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.parse().ok()).expect("a status");
    let headers = lines.map(|line| line.split_once(": ").expect("name: value"));
    Reply {
        status,
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: as_bytes(body.trim_end_matches('\n')),
    }
}

fn fixtures() -> Vec<Fixture> {
    let mut all = Vec::new();
    for vendor in vendors::ALL {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder(vendor))
            .expect("every vendor has fixtures")
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "http"));
        paths.sort();
        all.extend(paths.into_iter().map(|path| fixture(vendor, path)));
    }
    all
}

/// Feeds the replies to a reading, through a checkpoint before each, and hands every step to `look`.
fn drive(fixture: &Fixture, replies: &[Reply], mut look: impl FnMut(&Reading, &Taken)) -> (Vec<VendorRecord>, Then) {
    let mut reading = Reading::start(fixture.feed, fixture.below.as_ref(), None);
    let mut records = Vec::new();
    let mut then = Then::Next;
    for reply in replies {
        assert!(
            matches!(then, Then::Next | Then::Again { .. }),
            "{}: a reply after the end {then:?}",
            fixture.path.display()
        );
        let checkpoint = serde_json::to_string(&reading).unwrap();
        let mut restored: Reading = serde_json::from_str(&checkpoint).unwrap();
        assert_eq!(restored, reading, "a checkpoint restores the reading");
        let taken = restored.take(&fixture.account, &fixture.words, reply);
        look(&reading, &taken);
        records.extend(taken.records);
        then = taken.then;
        reading = restored;
    }
    (records, then)
}

fn all_of(fixture: &Fixture, replies: &[Reply]) -> (Vec<VendorRecord>, Then) {
    drive(fixture, replies, |_, _| {})
}

/// Like [`all_of`], for replies of which the last ones may not be asked for.
fn as_far_as_it_goes(fixture: &Fixture, replies: &[Reply]) -> (Vec<VendorRecord>, Then) {
    let mut reading = Reading::start(fixture.feed, fixture.below.as_ref(), None);
    let (mut records, mut then) = (Vec::new(), Then::Next);
    for reply in replies {
        let taken = reading.take(&fixture.account, &fixture.words, reply);
        records.extend(taken.records);
        then = taken.then;
        if then != Then::Next {
            break;
        }
    }
    (records, then)
}

fn render(record: &VendorRecord) -> String {
    let mut line = format!("{} {} {:?}", record.kind, record.vendor_id, record.name);
    if let Some(client) = &record.client {
        line.push_str(&format!(" client={client}"));
    }
    if record.activity != Default::default() {
        line.push_str(" inactive");
    }
    if let Some(class) = &record.class {
        line.push_str(&format!(" class={}:{:?}", class.id, class.name));
    }
    for (field, value) in record.fields.iter() {
        line.push_str(&format!("\n    {field} = {value}"));
    }
    if let Some(field) = &record.malformed {
        line.push_str(&format!("\n    malformed: {field}"));
    }
    line
}

fn render_then(then: &Then) -> String {
    match then {
        Then::Next => "next".to_owned(),
        Then::Done => "done".to_owned(),
        Then::Refused(refusal) => {
            format!("refused ({}): {refusal}\n  hint: {}", refusal.cause.code(), refusal.hint)
        }
        Then::Again { after, why } => format!("again after {after:?}: {why}"),
        Then::Broken(why) => format!("broken: {why}"),
    }
}

#[test]
fn every_fixture_gives_what_stands_beside_it() {
    for fixture in fixtures() {
        let mut seen = String::new();
        drive(&fixture, &fixture.replies, |reading, taken| {
            let call = reading.call(&fixture.account);
            seen.push_str(&format!("{} {}\n", call.method.verb(), redacted(&call.url)));
            for record in &taken.records {
                seen.push_str(&format!("  {}\n", render(record)));
            }
            if !taken.words.is_empty() {
                seen.push_str(&format!("  words {}\n", serde_json::to_string(&taken.words).unwrap()));
            }
            seen.push_str(&format!("  → {}\n", render_then(&taken.then)));
        });
        expect_test::expect_file![fixture.path.with_extension("expected")].assert_eq(&seen);
    }
}

#[test]
fn every_vendor_has_the_needed_fixtures_for_its_feeds() {
    let all = fixtures();
    for vendor in vendors::ALL {
        let of_vendor: Vec<&Fixture> = all.iter().filter(|one| one.account.vendor.id == vendor.id).collect();
        for case in NEEDED_CASES {
            let found = of_vendor.iter().any(|one| stem(one).starts_with(case));
            assert!(found, "{} has no fixture {case}*", vendor.id);
        }
        for feed in vendor.feeds {
            let has =
                |case: &str| of_vendor.iter().any(|one| one.feed.name == feed.name && stem(one).starts_with(case));
            assert!(has("one_page"), "{} has no fixture one_page* for {}", vendor.id, feed.name);
            assert!(feed.paging == Paging::Single || has("two_pages"), "no fixture two_pages* for {}", feed.name);
        }
    }
}

fn stem(fixture: &Fixture) -> &str {
    fixture.path.file_stem().and_then(|stem| stem.to_str()).expect("fixtures have plain names")
}

#[test]
fn ids_are_unique_stable_and_below_the_parent() {
    for fixture in fixtures() {
        let (records, _) = all_of(&fixture, &fixture.replies);
        assert_eq!(records, all_of(&fixture, &fixture.replies).0, "reading twice gives the same");
        let ids: BTreeSet<_> = records.iter().map(|record| (record.kind, &record.vendor_id)).collect();
        assert_eq!(ids.len(), records.len(), "{}: an id comes twice", fixture.path.display());
        for record in &records {
            assert_eq!(record.client.is_some(), record.kind.is_below_client(), "{record:?}");
            assert!(
                fixture.feed.fan == Fan::Once
                    || record.client.as_ref() == fixture.below.as_ref().map(|below| &below.client),
                "{record:?}"
            );
            assert!(!record.name.is_empty(), "{record:?} has no name");
        }
    }
}

/// Applies `change` to the rows of a reply, which are its list or the body itself; `None` where it has none. Rows in XML
/// are texts.
fn with_rows(reply: &Reply, change: impl FnOnce(&mut Vec<Value>)) -> Option<Reply> {
    if crate::refusal::is_markup(&reply.body) {
        return xml::with_rows(reply, change);
    }
    let mut body: Value = serde_json::from_slice(&reply.body).ok()?;
    let rows = match &mut body {
        Value::Array(rows) => rows,
        body => ["data", "items", "result"]
            .into_iter()
            .find(|name| body[*name].is_array())
            .map(|name| &mut body[name])?
            .as_array_mut()?,
    };
    change(rows);
    Some(Reply { body: body.to_string().into_bytes(), ..reply.clone() })
}

fn row_count(reply: &Reply) -> usize {
    let mut count = 0;
    with_rows(reply, |rows| count = rows.len());
    count
}

#[test]
fn the_order_of_rows_does_not_matter() {
    for fixture in fixtures() {
        let reversed: Vec<Reply> = fixture
            .replies
            .iter()
            .map(|reply| with_rows(reply, |rows| rows.reverse()).unwrap_or_else(|| reply.clone()))
            .collect();
        let sorted = |replies: &[Reply]| {
            let mut records = all_of(&fixture, replies).0;
            records.sort_by(|one, other| (one.kind, &one.vendor_id).cmp(&(other.kind, &other.vendor_id)));
            records
        };
        assert_eq!(sorted(&reversed), sorted(&fixture.replies), "{}", fixture.path.display());
    }
}

/// Ways to break a row.
const BREAKERS: [fn(&Value) -> Value; 5] = [
    |_| Value::Null,
    |_| Value::from(17),
    |_| serde_json::json!({}),
    |row| serde_json::json!({"id": row["id"]}),
    |row| serde_json::json!({"id": row["id"], "attributes": [1]}),
];

/// Breaks a row in one of the ways.
fn broken(row: &Value, way: usize) -> Value {
    match row.as_str().filter(|text| text.starts_with('<')) {
        Some(text) => Value::from(xml::BREAKERS[way](text)),
        None => BREAKERS[way](row),
    }
}

#[test]
fn a_broken_row_costs_that_row() {
    let lists = fixtures().into_iter().filter(|one| stem(one).starts_with("one_page"));
    for fixture in lists.filter(|one| !one.feed.kinds.is_empty()) {
        // A row of several records stands for one of the feed's first kind.
        let of_rows = |records: Vec<VendorRecord>| -> Vec<VendorRecord> {
            records.into_iter().filter(|record| record.kind == fixture.feed.kinds[0]).collect()
        };
        let whole = of_rows(all_of(&fixture, &fixture.replies).0);
        let rows = row_count(&fixture.replies[0]);
        assert_eq!(rows, whole.len(), "{}: a record for each row", fixture.path.display());
        for (way, index) in (0..BREAKERS.len()).flat_map(|way| (0..rows).map(move |index| (way, index))) {
            let mut replies = fixture.replies.clone();
            replies[0] = with_rows(&replies[0], |rows| rows[index] = broken(&rows[index], way)).unwrap();
            let (records, then) = all_of(&fixture, &replies);
            let mut records = of_rows(records);
            assert_eq!(then, Then::Done, "a broken row does not break the page");
            assert_eq!(records.len(), whole.len(), "a broken row is counted");
            let broken = records.remove(index);
            assert!(broken.malformed.is_some(), "{broken:?}");
            let others: Vec<_> =
                whole.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, one)| one.clone()).collect();
            assert_eq!(records, others, "the others are as they were");
        }
    }
}

#[test]
fn a_body_that_breaks_off_is_never_the_end_and_invents_nothing() {
    for fixture in fixtures().into_iter().filter(|one| stem(one).starts_with("one_page")) {
        let (whole, _) = all_of(&fixture, &fixture.replies);
        for (step, reply) in fixture.replies.iter().enumerate() {
            for bytes in 0..reply.body.len() {
                let mut replies = fixture.replies.clone();
                replies[step].body.truncate(bytes);
                let (records, then) = as_far_as_it_goes(&fixture, &replies);
                assert!(matches!(then, Then::Broken(_)), "{}, {bytes} bytes: {then:?}", fixture.path.display());
                assert!(records.iter().all(|record| whole.contains(record)), "{bytes} bytes: {records:?}");
            }
        }
    }
}

#[test]
fn a_vendor_that_repeats_a_page_is_left() {
    for fixture in fixtures() {
        let mut reading = Reading::start(fixture.feed, fixture.below.as_ref(), None);
        for reply in &fixture.replies {
            let taken = reading.take(&fixture.account, &fixture.words, reply);
            if taken.then != Then::Next || fixture.feed.paging == Paging::Single {
                continue;
            }
            let mut repeated = reading.clone();
            let ends = (0..3)
                .map(|_| repeated.take(&fixture.account, &fixture.words, reply).then)
                .find(|then| *then != Then::Next);
            assert!(matches!(ends, Some(Then::Broken(_))), "{}: {ends:?}", fixture.path.display());
        }
    }
}

#[test]
fn no_bad_status_is_an_end_and_every_refusal_has_a_hint() {
    for vendor in vendors::ALL {
        let account = account(vendor, &[]);
        for feed in vendor.feeds {
            for status in (300..600).filter(|status| !feed.nothing.contains(status)) {
                let mut reading = Reading::start(feed, below(feed).as_ref(), None);
                let before = reading.clone();
                let taken = reading.take(&account, &Words::default(), &Reply { status, ..Reply::default() });
                assert!(taken.records.is_empty());
                if status != 504 {
                    assert_eq!(reading, before, "status {status} moves nothing");
                }
                match taken.then {
                    Then::Again { .. } => assert!(status >= 500 || matches!(status, 408 | 429), "{status}"),
                    Then::Refused(refusal) => {
                        assert_eq!(refusal.status, status);
                        assert!(refusal.hint.contains("curl -X "), "{refusal:?}");
                        assert_eq!(refusal.cause == Cause::Credentials, status == 401, "{status}");
                    }
                    then => panic!("{} {} after {status}: {then:?}", vendor.id, feed.name),
                }
            }
        }
    }
}

/// Bodies in which a vendor says back what it was sent.
fn echoes(form: &str) -> Vec<Vec<u8>> {
    let texts = [
        format!("bad key {form} for you"),
        format!("{form}{}", "x".repeat(500)),
        format!("<html><title>{form}</title></html>"),
        serde_json::json!({"errors": [{"title": form, "detail": format!("key {form}")}]}).to_string(),
        serde_json::json!({"message": format!("{}{form}", "y".repeat(290)), "error": form}).to_string(),
        format!("<result status=\"FAIL\"><error><message><![CDATA[{form}]]></message></error></result>"),
        serde_json::json!({"data": [], "links": {"next": format!("/v1/more?key={form}")}}).to_string(),
        serde_json::json!({"data": [], "links": {"next": format!("https://{form}.example/v1")}}).to_string(),
    ];
    texts.into_iter().map(String::into_bytes).collect()
}

#[test]
fn no_canary_is_ever_shown() {
    for vendor in vendors::ALL {
        let account = account(vendor, &[]);
        let kinds: BTreeSet<Kind> = vendor.kinds.iter().copied().collect();
        let forms = canary_forms(vendor);
        let clean = |what: &str, text: String| {
            for form in &forms {
                assert!(!text.contains(form.as_str()), "{} shows {form} in {what}: {text}", vendor.id);
            }
        };
        clean("the account", format!("{account:?}"));
        if let Some(call) = account.opening() {
            clean("the opening", format!("{call:?} {} {}", call.as_curl(), redacted(&call.url)));
        }
        for (form, status) in
            forms.iter().flat_map(|form| [200, 302, 400, 401, 403, 429, 500].map(|status| (form, status)))
        {
            for body in echoes(form) {
                let headers = vec![("location".to_owned(), format!("https://{form}.example/"))];
                let reply = Reply { status, headers, body };
                for feed in vendor.feeds {
                    let mut reading = Reading::start(feed, below(feed).as_ref(), None);
                    let call = reading.call(&account);
                    clean("a call", format!("{call:?} {} {}", call.as_curl(), redacted(&call.url)));
                    clean("what was taken", format!("{:?}", reading.take(&account, &Words::default(), &reply)));
                    clean("a checkpoint", serde_json::to_string(&reading).unwrap());
                }
                for check in checks(&account, &kinds) {
                    if let CheckAnswer::Refused(refusal) = answer(&account, &check, &reply) {
                        clean("a refusal", format!("{refusal} {refusal:?}"));
                    }
                }
                clean("a reply", format!("{reply:?}"));
            }
        }
    }
}

#[test]
fn a_vendors_words_are_short_and_on_one_line() {
    for vendor in vendors::ALL {
        let account = account(vendor, &[]);
        let feed = &vendor.feeds[0];
        for text in ["a\u{1b}[31mred\r\nline\u{202e}x", &"ä".repeat(1000)] {
            let reply = Reply { status: 400, headers: Vec::new(), body: text.as_bytes().to_vec() };
            let Then::Refused(refusal) =
                Reading::start(feed, None, None).take(&account, &Words::default(), &reply).then
            else {
                panic!("400 is a refusal");
            };
            let words = refusal.vendor_words;
            assert!(words.chars().count() <= 300 && !words.is_empty(), "{words}");
            assert!(!words.chars().any(|letter| letter.is_control() || letter == '\u{202e}'), "{words:?}");
        }
    }
}

#[test]
fn every_kind_is_verified_and_listed() {
    for vendor in vendors::ALL {
        let account = account(vendor, &[]);
        for kind in vendor.kinds {
            let listed = vendor.feeds.iter().any(|feed| feed.kinds.contains(kind));
            assert!(listed, "{} lists no {kind}", vendor.id);
            let all = checks(&account, &BTreeSet::from([*kind]));
            assert!(!all.is_empty(), "{} verifies no {kind}", vendor.id);
            for check in all {
                assert_eq!(check.kind, *kind);
                let refused = Reply { status: 401, ..Reply::default() };
                match answer(&account, &check, &refused) {
                    CheckAnswer::Refused(refusal) => assert_eq!(refusal.cause, Cause::Credentials),
                    _ => panic!("401 refuses {}", check.what),
                }
                let page =
                    Reply { status: 200, body: b"<!DOCTYPE html><title>Log in</title>".to_vec(), ..Reply::default() };
                let is_works = matches!(answer(&account, &check, &page), CheckAnswer::Works);
                assert!(!is_works, "a log-in page is no answer to {}", check.what);
            }
        }
        assert!(checks(&account, &BTreeSet::new()).is_empty());
    }
}
