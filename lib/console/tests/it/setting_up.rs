//! Adding, verifying, configuring, pausing, rotating and removing integrations.

use std::collections::{BTreeMap, BTreeSet};

use console::answer::Answer;
use console::error::Code;
use console::request::{Page, Request, SecretParts, SyncTarget};
use console::roles::Role;
use console::words::{IntegrationState, Outcome};
use reconcile::record::Kind;
use sandbox::auvik::Credentials;

use crate::desk::{Desk, ID, ORIGIN};

fn id() -> String {
    ID.to_owned()
}

#[tokio::test]
async fn an_integration_goes_from_draft_to_live() {
    let desk = Desk::new();
    desk.ask(desk.adding(ID)).await.unwrap();
    assert_eq!(desk.show().await.state, IntegrationState::Draft);
    assert_eq!(desk.verify().await.state, IntegrationState::Verified);
    let view = desk.set(|change| change.sync = Some(BTreeSet::from([Kind::Client, Kind::Asset]))).await.unwrap();
    assert_eq!(view.state, IntegrationState::Configured);
    assert_eq!(view.auto_create, [Kind::Asset], "on by default for assets, off for clients");
    assert_eq!(view.next_run_at, None);
    desk.sync().await;
    desk.finish(None).await.unwrap();
    let live = desk.show().await;
    assert_eq!(live.state, IntegrationState::Live);
    assert_eq!(live.next_run_at, Some("2026-11-20T20:00:00Z".parse().unwrap()));
}

#[tokio::test]
async fn nothing_is_possible_before_verify_succeeds() {
    let desk = Desk::new();
    desk.ask(desk.adding(ID)).await.unwrap();
    let kind = Kind::Client;
    for request in [
        Request::Records { id: id(), kind, filter: Default::default(), page: Page::default() },
        Request::AutoMatch { id: id(), kind: None },
        Request::CreateUnmatched { id: id(), kind: None },
        Request::Preview { id: id(), page: Page::default() },
        Request::Finish { id: id(), plan: None, no_sync: true },
    ] {
        let error = desk.refused(request.clone()).await;
        assert_eq!(error.code, Code::NotVerified, "{request:?}: {error}");
    }
    assert_eq!(desk.set(|change| change.sync = Some([kind].into())).await.unwrap_err().code, Code::NotVerified);
    let view = desk.sync().await;
    assert_eq!(view.not_run[0].error.code, Code::NotVerified);
}

#[tokio::test]
async fn a_refused_secret_is_told_with_the_vendors_words_and_never_shown() {
    let desk = Desk::new();
    desk.auvik.with(|auvik| {
        auvik.set_credentials(Credentials { username: "other@x.example".to_owned(), api_key: "another".to_owned() });
    });
    let Request::IntegrationAdd { settings, vendor, .. } = desk.adding(ID) else { unreachable!() };
    let secret = SecretParts::new([
        ("username".to_owned(), "ann@x.example".to_owned()),
        ("api_key".to_owned(), "c4nary-key".to_owned()),
    ]);
    assert!(!format!("{secret:?}").contains("c4nary"));
    desk.ask(Request::IntegrationAdd { id: id(), vendor, settings, secret }).await.unwrap();
    let answer = desk.ask(Request::Verify { id: id() }).await.unwrap();
    assert_eq!(answer.exit_code(), 1);
    let Answer::Verified(view) = &answer else { panic!("{answer:?}") };
    assert_eq!(view.state, IntegrationState::Draft);
    assert_eq!(view.items.len(), 2);
    for item in &view.items {
        assert!(!item.ok && !item.message.is_empty() && !item.hint.is_empty(), "{item:?}");
        assert!(item.curl.starts_with("curl") && item.curl.contains("***"), "{item:?}");
    }
    for text in [answer.json().to_string(), desk.json(Request::IntegrationShow { id: id() }).await.to_string()] {
        assert!(!text.contains("c4nary"), "{text}");
    }
}

#[tokio::test]
async fn what_cannot_be_added_is_refused_with_the_reason() {
    let desk = Desk::new();
    desk.ask(desk.adding(ID)).await.unwrap();
    let error = desk.refused(desk.adding(ID)).await;
    assert_eq!((error.code, error.exit_code()), (Code::AlreadyExists, 1));
    let error = desk.refused(desk.adding("auvik-again")).await;
    assert_eq!(error.code, Code::AlreadyExists);
    assert!(error.message.contains("same Auvik account") && error.message.contains(ID), "{error}");
    let add = |id: &str, vendor: &str, settings: &[(&str, &str)]| Request::IntegrationAdd {
        id: id.to_owned(),
        vendor: vendor.to_owned(),
        settings: settings.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        secret: desk.secret(),
    };
    let error = desk.refused(add("other", "auvic", &[])).await;
    assert_eq!((error.code, error.exit_code(), error.hint.as_str()), (Code::Usage, 2, "did you mean auvik?"));
    let error = desk.refused(add("Other!", "auvik", &[("url", ORIGIN)])).await;
    assert_eq!(error.code, Code::Usage);
    let error = desk.refused(add("other", "auvik", &[("url", ORIGIN), ("domian", "x")])).await;
    assert!(error.code == Code::Usage && error.message.contains("domain"), "{error}");
    let error = desk.refused(add("other", "auvik", &[("url", "http://us1.my.auvik.com")])).await;
    assert_eq!((error.code, error.exit_code()), (Code::Refused, 1));
    let error = desk.refused(add("other", "auvik", &[("url", ORIGIN), ("time_zone", "Europe/Berlim")])).await;
    assert!(error.code == Code::Usage && error.message.contains("Europe/Berlim"), "{error}");
    let Answer::Integrations(list) = desk.ask(Request::IntegrationList { page: Page::default() }).await.unwrap() else {
        panic!()
    };
    assert_eq!(list.items.len(), 1);
}

#[tokio::test]
async fn switches_that_do_not_fit_together_are_refused() {
    let desk = Desk::verified().await;
    let refused = |error: console::error::ConsoleError, words: &str| {
        assert!(error.code == Code::Refused && error.message.contains(words), "{error}");
    };
    refused(desk.set(|change| change.sync = Some([Kind::Asset].into())).await.unwrap_err(), "no client is mapped");
    refused(desk.set(|change| change.sync = Some([Kind::Contact].into())).await.unwrap_err(), "no records of the kind");
    desk.set(|change| change.sync = Some([Kind::Client].into())).await.unwrap();
    let error = desk.set(|change| change.auto_create = Some([Kind::Asset].into())).await.unwrap_err();
    refused(error, "while it is not synced");
    refused(desk.set(|change| change.types = Some(vec!["x".to_owned()])).await.unwrap_err(), "no configuration types");
    refused(desk.refused(Request::Types { id: id(), page: Page::default() }).await, "no configuration types");
    let error = desk.set(|change| change.sync = Some(BTreeSet::new())).await.unwrap_err();
    assert_eq!(error.code, Code::Usage);
}

#[tokio::test]
async fn a_schedule_is_five_fields_in_a_time_zone() {
    let desk = Desk::live().await;
    for (line, zone) in [("0 20 * *", "UTC"), ("61 20 * * *", "UTC"), ("0 20 * * *", "Mars"), ("0 0 31 2 *", "UTC")] {
        let error = desk.set(|change| {
            change.schedule = Some(line.to_owned());
            change.time_zone = Some(zone.to_owned());
        });
        assert_eq!(error.await.unwrap_err().code, Code::Usage, "{line} {zone}");
    }
    let view = desk.set(|change| {
        change.schedule = Some("30  6 * * 1-5".to_owned());
        change.time_zone = Some("America/New_York".to_owned());
    });
    let view = view.await.unwrap();
    assert_eq!(view.schedule.as_deref(), Some("30 6 * * 1-5"));
    // 2026-11-20 is a Friday, and it is past 6:30 in New York.
    assert_eq!(view.next_run_at, Some("2026-11-23T11:30:00Z".parse().unwrap()));
    let view = desk.set(|change| change.schedule = Some(String::new())).await.unwrap();
    assert_eq!((view.schedule, view.next_run_at), (None, None));
}

#[tokio::test]
async fn another_address_must_be_verified_again() {
    let desk = Desk::live().await;
    let elsewhere = |change: &mut console::request::IntegrationChange| {
        change.settings = BTreeMap::from([("url".to_owned(), "http://127.0.0.1:4002".to_owned())]);
    };
    assert_eq!(desk.set(elsewhere).await.unwrap().state, IntegrationState::Draft);
    assert_eq!(desk.verify().await.state, IntegrationState::Live, "and is what it was");
    let pace = |change: &mut console::request::IntegrationChange| {
        change.settings = BTreeMap::from([("requests_per_minute".to_owned(), "600".to_owned())]);
    };
    let view = desk.set(pace).await.unwrap();
    assert_eq!((view.state, view.settings["requests_per_minute"].as_str()), (IntegrationState::Live, "600"));
}

#[tokio::test]
async fn a_paused_integration_does_not_run_and_resumes_where_it_was() {
    let desk = Desk::live().await;
    desk.ask(Request::Pause { id: id() }).await.unwrap();
    desk.ask(Request::Pause { id: id() }).await.unwrap();
    assert_eq!(desk.show().await.state, IntegrationState::Paused);
    let calls = desk.auvik.with(|auvik| auvik.calls());
    let view = desk.sync().await;
    assert_eq!((view.items.len(), view.not_run[0].error.code), (0, Code::Refused));
    let all = desk.ask(Request::Sync { target: SyncTarget::All, force: false }).await.unwrap();
    assert_eq!(all.exit_code(), 0, "one that a person paused is no failure of the others");
    assert_eq!(desk.auvik.with(|auvik| auvik.calls()), calls);
    desk.ask(Request::Resume { id: id() }).await.unwrap();
    assert_eq!(desk.show().await.state, IntegrationState::Live);
}

#[tokio::test]
async fn a_revoked_key_stops_the_integration_until_a_new_one_is_verified() {
    let desk = Desk::live().await;
    let fresh = Credentials { api_key: "fr3sh-key".to_owned(), ..Credentials::default() };
    desk.auvik.with(|auvik| auvik.set_credentials(fresh));
    let target = SyncTarget::Ids(vec![id()]);
    let answer = desk.ask(Request::Sync { target: target.clone(), force: false }).await.unwrap();
    assert_eq!(answer.exit_code(), 3);
    let Answer::Synced(view) = &answer else { panic!("{answer:?}") };
    assert_eq!(view.items[0].outcome, Some(Outcome::CredentialsRejected));
    assert!(view.items[0].notes.iter().any(|note| note.contains("curl")), "{:?}", view.items[0].notes);
    assert_eq!(desk.show().await.state, IntegrationState::CredentialsRejected);
    let calls = desk.auvik.with(|auvik| auvik.calls());
    let again = desk.ask(Request::Sync { target, force: false }).await.unwrap();
    assert_eq!(again.exit_code(), 3);
    assert_eq!(desk.auvik.with(|auvik| auvik.calls()), calls, "the vendor is not asked any more");
    assert_eq!(desk.refused(Request::Resume { id: id() }).await.exit_code(), 3);

    let wrong = SecretParts::new([
        ("username".to_owned(), Credentials::default().username),
        ("api_key".to_owned(), "wr0ng".to_owned()),
    ]);
    let answer = desk.ask(Request::SecretRotate { id: id(), secret: wrong }).await.unwrap();
    assert_eq!(answer.exit_code(), 1);
    assert_eq!(desk.show().await.state, IntegrationState::CredentialsRejected);
    let answer = desk.ask(Request::SecretRotate { id: id(), secret: desk.secret() }).await.unwrap();
    assert_eq!(answer.exit_code(), 0);
    assert_eq!(desk.show().await.state, IntegrationState::Live);
    let mapped = desk.records(Kind::Client).await.iter().filter(|record| record.doc_id.is_some()).count();
    assert!(mapped > 0, "mappings are kept");
}

#[tokio::test]
async fn removing_an_integration_keeps_the_documentation() {
    let desk = Desk::live().await;
    let before = desk.docs(Kind::Asset).await;
    assert!(!before.is_empty());
    let answer = desk.ask(Request::IntegrationRemove { id: id() }).await.unwrap();
    let Answer::Removed(view) = answer else { panic!("{answer:?}") };
    assert!(view.mappings_removed as usize >= before.len(), "{view:?}");
    let after = desk.docs(Kind::Asset).await;
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((&before.doc_id, &before.fields), (&after.doc_id, &after.fields));
        assert!(after.sources.is_empty());
    }
    assert_eq!(desk.refused(Request::IntegrationShow { id: id() }).await.code, Code::NotFound);
    // The same account may come back under the same id, and finds its records by their identifiers.
    desk.ask(desk.adding(ID)).await.unwrap();
}

#[tokio::test]
async fn unknown_things_are_told_with_the_nearest() {
    let desk = Desk::live().await;
    let page = Page::default;
    let run = desk.status().await.last_run.unwrap().run_id.to_string();
    let doc = desk.docs(Kind::Client).await[0].clone();
    for (request, hint) in [
        (Request::IntegrationShow { id: "auvik-mian".to_owned() }, ID.to_owned()),
        (Request::RunShow { run: format!("{run}0") }, run.clone()),
        (Request::PlanShow { plan: format!("{ID}.0"), page: page() }, String::new()),
        (Request::DocsShow { doc: doc.name.clone() }, doc.doc_id.to_string()),
        (Request::DocsShow { doc: "c_0123456789abcdef".to_owned() }, String::new()),
    ] {
        let error = desk.refused(request.clone()).await;
        assert_eq!((error.code, error.exit_code()), (Code::NotFound, 1), "{request:?}");
        assert!(error.hint.contains(&hint) && !error.hint.is_empty(), "{request:?}: {} wants {hint}", error.hint);
    }
}

#[tokio::test]
async fn roles_are_kept_and_decisions_are_written_down() {
    let mut desk = Desk::live().await;
    let Answer::Audit(log) = desk.ask(Request::Audit { page: Page::default() }).await.unwrap() else { panic!() };
    let done: Vec<&str> = log.items.iter().rev().map(|entry| entry.what.as_str()).collect();
    let wanted = ["integration add", "integration verify", "integration set", "sync", "create-unmatched", "finish"];
    assert_eq!(done, wanted);
    assert!(log.items.iter().all(|entry| entry.who == "ann"));
    desk.role = Role::Viewer;
    desk.status().await;
    assert_eq!(desk.refused(Request::Pause { id: id() }).await.code, Code::Forbidden);
    desk.role = Role::Operator;
    desk.ask(Request::Pause { id: id() }).await.unwrap();
    assert_eq!(desk.refused(desk.adding("another")).await.code, Code::Forbidden);
    assert_eq!(desk.refused(Request::SecretRotate { id: id(), secret: desk.secret() }).await.code, Code::Forbidden);
}

#[tokio::test]
async fn another_user_or_domain_at_the_same_address_is_another_account() {
    let desk = Desk::new();
    desk.ask(desk.adding(ID)).await.unwrap();
    let Request::IntegrationAdd { vendor, settings, secret, .. } = desk.adding(ID) else { unreachable!() };
    let other_user = SecretParts::new([
        ("username".to_owned(), "other@x.example".to_owned()),
        ("api_key".to_owned(), secret.0.part("api_key").to_owned()),
    ]);
    let same_user_other_key = SecretParts::new([
        ("username".to_owned(), secret.0.part("username").to_uppercase()),
        ("api_key".to_owned(), "regenerated".to_owned()),
    ]);
    let add = |id: &str, secret: SecretParts| Request::IntegrationAdd {
        id: id.to_owned(),
        vendor: vendor.clone(),
        settings: settings.clone(),
        secret,
    };
    assert_eq!(desk.refused(add("again", same_user_other_key)).await.code, Code::AlreadyExists);
    desk.ask(add("other-user", other_user)).await.unwrap();
    // The id of a removed integration may be used again for the same vendor.
    desk.ask(Request::IntegrationRemove { id: "other-user".to_owned() }).await.unwrap();
    desk.refused(Request::Verify { id: "other-user".to_owned() }).await;
}
