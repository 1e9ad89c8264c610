//! Pages are made from answers that hold the worst that a vendor can write.

use std::collections::BTreeMap;

use console::error::{Code, ConsoleError};
use console::roles::Role;
use console::views::{
    AuditView, CandidateView, CandidatesView, DocView, HistoryView, IntegrationView, List, LogView, PlanCounts,
    PlanItemView, PlanView, RecordView, RunView, SourceView, StatusView, SuggestionView, UnsyncedView, WizardView,
};
use console::words::{IntegrationState, Outcome, PlanState, Trigger};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use reconcile::ids::{DocId, IntegrationId, PlanId, RunId, VendorId};
use reconcile::mapping::State;
use reconcile::plan::{Action, Change, Counts, Rule};
use reconcile::reason::Reason;
use reconcile::record::{Field, Fields, Kind, Value};

use crate::frame::{Notice, Visitor};
use crate::{audit, catalogue, home, integration, links, matching, picking, plans, preview, refusal, runs, unsynced};

/// Markup, an attribute's end, a reading order turned round, a terminal's escape, a line break.
const HOSTILE: &str = "\"'><img src=x onerror=alert(1)>\u{202e}gpj.exe\u{1b}[2J\nGone & <b>";

/// What is searched for stands in its field again as it was typed.
const SEARCHED: &str = "\"'><img src=x onerror=alert(1)>";

fn visitor(role: Role) -> Visitor {
    Visitor {
        name: "dana".to_owned(),
        role,
        csrf: "7e57".to_owned(),
        may_leave: true,
        zone: TimeZone::UTC,
        now: at(),
        notice: Some(Notice::care(HOSTILE, HOSTILE)),
    }
}

fn at() -> Timestamp {
    "2026-11-22T05:00:00Z".parse().unwrap()
}

fn id() -> IntegrationId {
    IntegrationId::parse("acme-auvik").unwrap()
}

fn vendor_id() -> VendorId {
    VendorId::parse("1\"><script>alert(1)</script>").unwrap()
}

fn doc_id(kind: &str) -> DocId {
    DocId::parse(&format!("{kind}_0123456789abcdef")).unwrap()
}

fn view(state: IntegrationState) -> IntegrationView {
    IntegrationView {
        integration: id(),
        vendor: "auvik".to_owned(),
        state,
        settings: BTreeMap::from([("url".to_owned(), HOSTILE.to_owned())]),
        kinds: vec![Kind::Client, Kind::Asset],
        sync: vec![Kind::Client, Kind::Asset],
        auto_create: vec![Kind::Asset],
        types: None,
        schedule: Some("0 20 * * *".to_owned()),
        time_zone: "Europe/Berlin".to_owned(),
        archive_stale: false,
        next_run_at: Some(at()),
        expected_cost: None,
    }
}

fn fields() -> Fields {
    let mut fields = Fields::default();
    fields.set_text(Field::Make, HOSTILE);
    fields
}

fn run(outcome: Outcome) -> RunView {
    let reasons = BTreeMap::from([(Reason::AmbiguousMatch, 2), (Reason::Excluded, 1)]);
    let counts = Counts { fetched: 1213, synced: 1210, unchanged: 1210, unsynced: 3, reasons, ..Counts::default() };
    RunView {
        run_id: RunId::parse("acme-auvik.20261122T050000Z").unwrap(),
        integration: id(),
        trigger: Trigger::Schedule,
        outcome: Some(outcome),
        started_at: at(),
        finished_at: Some(at()),
        counts: BTreeMap::from([(Kind::Asset, counts)]),
        vendor_requests: 41,
        plan_id: Some(PlanId::parse("acme-auvik.0123abcd").unwrap()),
        progress: None,
        notes: vec![HOSTILE.to_owned()],
        log: vec![LogView { at: at(), text: HOSTILE.to_owned() }],
    }
}

fn record() -> RecordView {
    RecordView {
        vendor_id: vendor_id(),
        kind: Kind::Client,
        name: HOSTILE.to_owned(),
        client_vendor_id: None,
        state: State::Unmatched,
        staged: false,
        doc_id: None,
        reason: Some(Reason::Unmatched),
        candidates: Vec::new(),
        suggestion: Some(SuggestionView {
            doc_id: doc_id("c"),
            name: HOSTILE.to_owned(),
            score: 0.914,
            rule: Rule::NearName,
        }),
        fields: fields(),
        new: true,
        stale: false,
        doc_name: None,
        revision: "unmatched..".to_owned(),
    }
}

fn wizard() -> WizardView {
    WizardView {
        items: vec![record()],
        next: Some("c0ffee".to_owned()),
        found: 312,
        counts: BTreeMap::from([(State::Unmatched, 312), (State::Excluded, 4)]),
        new: 1,
        ambiguous: 2,
        staged: 3,
        was_read: true,
    }
}

fn candidate() -> CandidateView {
    CandidateView {
        doc_id: doc_id("c"),
        name: HOSTILE.to_owned(),
        detail: HOSTILE.to_owned(),
        score: Some(0.914),
        rule: Some(Rule::NearName),
    }
}

fn happened() -> HistoryView {
    HistoryView {
        at: at(),
        who: HOSTILE.to_owned(),
        what: "updated".to_owned(),
        plan_id: Some(PlanId::parse("acme-auvik.0123abcd").unwrap()),
        changes: plan(PlanState::Applied).items.remove(0).changes,
        detail: HOSTILE.to_owned(),
    }
}

fn doc() -> DocView {
    DocView {
        doc_id: doc_id("c"),
        kind: Kind::Client,
        name: HOSTILE.to_owned(),
        client_doc_id: None,
        archived: false,
        stale: true,
        fields: fields(),
        sources: vec![SourceView { integration: id(), vendor_id: vendor_id(), name: HOSTILE.to_owned(), stale: true }],
        origins: BTreeMap::from([(Field::Make, "edit".to_owned())]),
    }
}

fn plan(state: PlanState) -> PlanView {
    let change = Change {
        field: Field::Make,
        from: Some(Value::Text(HOSTILE.to_owned())),
        to: Some(Value::Text(HOSTILE.to_owned())),
    };
    let item = PlanItemView {
        action: Action::Update,
        kind: Kind::Client,
        vendor_id: vendor_id(),
        name: HOSTILE.to_owned(),
        doc_id: Some(doc_id("c")),
        doc_name: Some(HOSTILE.to_owned()),
        rule: Some(Rule::Serial),
        changes: vec![change],
    };
    PlanView {
        plan_id: PlanId::parse("acme-auvik.0123abcd").unwrap(),
        integration: id(),
        state,
        created_at: Some(at()),
        run_id: None,
        counts: PlanCounts { update: 1, ..PlanCounts::default() },
        items: vec![item],
        next: None,
        held_because: vec![HOSTILE.to_owned()],
        consequences: Vec::new(),
    }
}

fn status(state: IntegrationState, last_run: Option<RunView>) -> StatusView {
    StatusView {
        integration: id(),
        vendor: "auvik".to_owned(),
        state,
        last_run,
        current_run: None,
        next_run_at: Some(at()),
        expected_cost: None,
        waiting: Vec::new(),
    }
}

/// Every page, as somebody with this role sees it.
fn pages(role: Role) -> Vec<(&'static str, String)> {
    let visitor = visitor(role);
    let live = view(IntegrationState::Live);
    let asked = matching::Asked { search: SEARCHED.to_owned(), ..matching::Asked::default() };
    let wizard = wizard();
    let of = matching::Matching { view: &live, kind: Kind::Client, asked: &asked, wizard: &wizard };
    let candidates = CandidatesView { record: record(), items: vec![candidate()], more: true };
    let picking =
        picking::Picking { view: &live, candidates: &candidates, search: SEARCHED, back: "/i/acme-auvik/match/client" };
    let left = UnsyncedView {
        kind: Kind::Client,
        vendor_id: vendor_id(),
        name: HOSTILE.to_owned(),
        client_vendor_id: Some(vendor_id()),
        client_name: Some(HOSTILE.to_owned()),
        reason: Reason::AmbiguousMatch,
        message: HOSTILE.to_owned(),
        fix: HOSTILE.to_owned(),
        candidates: vec![doc_id("c")],
        candidate_names: BTreeMap::from([(doc_id("c"), HOSTILE.to_owned())]),
        staged: None,
        revision: "unmatched..".to_owned(),
    };
    let missed = unsynced::Unsynced {
        view: &live,
        asked: &unsynced::Asked { search: SEARCHED.to_owned(), ..unsynced::Asked::default() },
        list: &List::whole(vec![left]),
        last_run: Some(&run(Outcome::Complete)),
    };
    let settings = integration::Settings {
        view: &live,
        vendor: apis::vendors::find("auvik").unwrap(),
        types: None,
        verdict: None,
        was_read: true,
        doing: None,
    };
    let line = AuditView {
        at: at(),
        who: HOSTILE.to_owned(),
        what: "match".to_owned(),
        about: HOSTILE.to_owned(),
        detail: format!("{HOSTILE} and more"),
    };
    let card = home::Card { status: status(IntegrationState::Live, Some(run(Outcome::Failed))), doing: None };
    let docs = List::whole(vec![doc()]);
    let listing = catalogue::Listing { kind: Kind::Client, client: None, search: SEARCHED, list: &docs };
    vec![
        ("home", home::page(&visitor, &[card])),
        ("integration", integration::page(&visitor, &settings)),
        ("matching", matching::page(&visitor, &of)),
        ("pick", picking::page(&visitor, &picking)),
        ("preview", preview::page(&visitor, &live, &plan(PlanState::Staged), None)),
        ("unsynced", unsynced::page(&visitor, &missed)),
        ("plan", plans::page(&visitor, &live, &plan(PlanState::Held), None)),
        ("runs", runs::list(&visitor, &live, &List::whole(vec![run(Outcome::Complete), run(Outcome::Held)]))),
        ("run", runs::page(&visitor, &live, &run(Outcome::Incomplete), None)),
        ("catalogue", catalogue::list(&visitor, &listing)),
        (
            "record",
            catalogue::record(
                &visitor,
                &doc(),
                Some(&doc()),
                (&List::whole(vec![happened()]), catalogue::Begins::Newest),
            ),
        ),
        ("audit", audit::page(&visitor, &List::whole(vec![line]))),
        ("error", refusal::error(&visitor, &ConsoleError::new(Code::Refused, HOSTILE, HOSTILE))),
    ]
}

#[test]
fn no_text_of_a_vendor_becomes_markup_or_turns_the_reading_order() {
    for (name, page) in pages(Role::Admin) {
        assert!(page.contains("&lt;img src=x"), "{name} shows the name");
        for bad in ["<img", "<script>", "<b>", "\u{202e}", "\u{1b}", "'><"] {
            assert!(!page.contains(bad), "{name} holds {bad:?}");
        }
        assert!(page.contains("\\u{202e}gpj.exe"), "{name} writes the hidden letter out");
    }
}

#[test]
fn no_page_needs_what_the_policy_forbids_or_asks_anybody_else() {
    for (name, page) in pages(Role::Admin) {
        for bad in [" style=", " onclick=", "<style", "javascript:", "http://", "https://"] {
            let text = page.replace("such as https://us1.my.auvik.com", "");
            assert!(!text.contains(bad), "{name} holds {bad:?}");
        }
        assert_eq!(page.matches("<script").count(), 1, "{name} has the one script of ours");
    }
}

#[test]
fn every_order_carries_the_token() {
    for (name, page) in pages(Role::Admin) {
        let orders = page.matches("method=\"post\"").count();
        assert_eq!(page.matches("name=\"csrf\" value=\"7e57\"").count(), orders, "{name}");
    }
}

#[test]
fn a_viewer_is_offered_no_order() {
    for (name, page) in pages(Role::Viewer) {
        let (bar, page) = page.split_once("</header>").unwrap_or(("", &page));
        assert_eq!(bar.matches("<form").count(), 1, "{name}: to sign out is no order");
        assert!(!bar.contains("href=\"/audit\""), "{name}: a viewer is shown no way to what is refused");
        assert!(!page.contains("method=\"post\""), "{name}");
        assert!(!page.contains("<button class=\"button small"), "{name}: {page}");
    }
}

#[test]
fn an_empty_home_leads_to_the_first_integration() {
    assert!(home::page(&visitor(Role::Admin), &[]).contains("href=\"/add\""));
    assert!(!home::page(&visitor(Role::Viewer), &[]).contains("href=\"/add\""));
}

#[test]
fn a_card_says_what_waits_and_links_to_it() {
    let check = |state, last_run, path: &str| {
        let page = home::page(&visitor(Role::Operator), &[home::Card { status: status(state, last_run), doing: None }]);
        assert!(page.contains("One integration waits for you."), "{page}");
        assert!(page.contains(&format!("<a href=\"{path}\"")), "{path}: {page}");
    };
    check(IntegrationState::Configured, Some(run(Outcome::Complete)), "/i/acme-auvik/match");
    check(IntegrationState::CredentialsRejected, Some(run(Outcome::CredentialsRejected)), "/i/acme-auvik#secret");
    check(IntegrationState::Live, Some(run(Outcome::Held)), "/plan/acme-auvik.0123abcd");
}

#[test]
fn a_link_carries_any_text_and_stays_one_link() {
    let path = links::with("/i/acme/unsynced", &[("kind", ""), ("search", "a&kind=user#\"> é")]);
    assert_eq!(path, "/i/acme/unsynced?search=a%26kind%3Duser%23%22%3E+%C3%A9");
}

#[test]
fn all_that_a_filter_finds_can_be_decided_about_and_not_only_the_page() {
    let page = &pages(Role::Operator).into_iter().find(|(name, _)| *name == "matching").unwrap().1;
    assert!(page.contains("All 312 clients that match this filter"), "{page}");
    assert!(page.contains("name=\"seen\" value=\"unmatched.. 1&quot;"), "each row carries what was seen: {page}");
    for tab in ["All", "Unmatched", "New", "Matched", "Created", "Excluded", "Ambiguous"] {
        assert!(page.contains(&format!("{tab} <span class=\"badge")), "{tab}");
    }
}

#[test]
fn a_run_under_way_tells_its_pace_and_what_is_left() {
    let since = at() - jiff::SignedDuration::from_secs(60);
    let event = console::progress::ProgressEvent {
        integration: id(),
        phase: console::progress::Phase::Reading,
        kind: Some(Kind::Asset),
        done: 1,
        total: Some(4),
        records: 900,
        vendor_requests: 100,
        expected_cost: None,
    };
    let expected = console::views::CostView { vendor_requests: 400, seconds: 240 };
    let doing = crate::Doing { what: "Syncing", progress: Some(event), expected: Some(expected), since };
    let card = home::Card { status: status(IntegrationState::Live, None), doing: Some(doing) };
    let page = home::page(&visitor(Role::Viewer), &[card]);
    for said in [
        "1 min 00 s so far",
        "900 records",
        "100 requests of about 400",
        "100 a minute",
        "about 3 min 00 s of reading left",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
}

#[test]
fn the_first_page_weighs_less_than_sixty_kilobytes_with_all_that_it_needs() {
    let statuses =
        (0..5).map(|_| home::Card { status: status(IntegrationState::Live, Some(run(Outcome::Held))), doing: None });
    let home = home::page(&visitor(Role::Admin), &statuses.collect::<Vec<_>>());
    let weigh = |text: &str| miniz_oxide::deflate::compress_to_vec_zlib(text.as_bytes(), 6).len();
    let shared = weigh(crate::STYLE) + weigh(crate::SCRIPT) + weigh(crate::ICON);
    println!("style, script and icon: {shared} bytes packed");
    assert!(weigh(&home) + shared < 60_000);
    for (name, page) in pages(Role::Admin) {
        println!("{name}: {} bytes packed", weigh(&page));
    }
    let rows: Vec<RecordView> = (0..100).map(|_| record()).collect();
    let (live, wizard, asked) =
        (view(IntegrationState::Live), WizardView { items: rows, ..wizard() }, Default::default());
    let of = matching::Matching { view: &live, kind: Kind::Client, asked: &asked, wizard: &wizard };
    let full = weigh(&matching::page(&visitor(Role::Admin), &of));
    println!("a wizard page of a hundred rows: {full} bytes packed");
    assert!(full + shared < 60_000);
}

#[test]
fn the_audit_log_says_beside_an_integration_what_was_done_and_not_its_name_again() {
    let line = |detail: &str| AuditView {
        at: at(),
        who: "ann".to_owned(),
        what: "auto-match".to_owned(),
        about: "a".to_owned(),
        detail: detail.to_owned(),
    };
    let details = ["a, client", "a: types", "a.0f13", "a", "asset 7"];
    let page = audit::page(&visitor(Role::Admin), &List::whole(details.map(line).to_vec()));
    let shown: Vec<&str> = page
        .split("<td class=\"wrap\"><bdi>")
        .skip(1)
        .map(|cell| cell.split("</bdi>").next().expect("a split has a beginning"))
        .collect();
    assert_eq!(shown, ["client", "types", "0f13", "", "asset 7"]);
}
