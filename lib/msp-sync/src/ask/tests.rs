use std::collections::BTreeSet;

use clap::Parser;
use console::request::{Page, RecordFilter, Request, Selection, SyncTarget};
use reconcile::mapping::State;
use reconcile::record::Kind;

use super::request;
use crate::args::Cli;
use crate::failure::Exit;

fn asked(line: &str) -> Request {
    let cli = Cli::try_parse_from(line.split_whitespace()).expect("the line is understood");
    request(cli.command).expect("the line is complete").expect("the line asks something")
}

fn refused(line: &str) -> String {
    let cli = Cli::try_parse_from(line.split_whitespace()).expect("clap understands the line");
    let failure = request(cli.command).expect_err("the line is refused");
    assert_eq!(failure.exit, Exit::Usage);
    format!("{failure:?}")
}

#[test]
fn settings_and_secrets_are_taken_one_by_one_or_together() {
    let apart = asked(
        "msp-sync integration add acme --vendor auvik --setting url=us1 --setting domain=a=b --secret username=u --secret api_key=k==",
    );
    let together = asked(
        "msp-sync integration add acme --vendor auvik --setting url=us1 domain=a=b --secret username=u api_key=k==",
    );
    assert_eq!(apart, together);
    let Request::IntegrationAdd { settings, secret, .. } = apart else { panic!("another request") };
    assert_eq!(settings["domain"], "a=b");
    assert_eq!(secret.0.part("api_key"), "k==");
}

#[test]
fn a_set_says_all_kinds_and_none_is_a_word() {
    let Request::IntegrationSet { change, .. } =
        asked("msp-sync integration set acme --sync assets,client --auto-create none --types none --archive-stale on")
    else {
        panic!("another request")
    };
    assert_eq!(change.sync, Some(BTreeSet::from([Kind::Client, Kind::Asset])));
    assert_eq!(change.auto_create, Some(BTreeSet::new()));
    assert_eq!(change.types, Some(Vec::new()));
    assert_eq!(change.archive_stale, Some(true));
    assert_eq!(change.schedule, None);
}

#[test]
fn a_change_of_nothing_is_wrong_usage() {
    assert!(refused("msp-sync docs edit c_0123456789abcdef").contains("nothing to edit"));
    assert!(refused("msp-sync integration set acme").contains("nothing to set"));
}

#[test]
fn decisions_take_ids_or_a_filter() {
    let ids = asked("msp-sync exclude acme --kind clients 1 2");
    let wanted = Selection::Ids(vec!["1".to_owned(), "2".to_owned()]);
    assert_eq!(ids, Request::Exclude { id: "acme".to_owned(), kind: Kind::Client, records: wanted });
    let Request::Create { records, .. } = asked("msp-sync create acme --kind client --state unmatched --search north")
    else {
        panic!("another request")
    };
    let filter =
        RecordFilter { state: Some(State::Unmatched), search: Some("north".to_owned()), ..RecordFilter::default() };
    assert_eq!(records, Selection::Filter(filter));
    for line in ["msp-sync create acme --kind client", "msp-sync create acme --kind client 1 --search x"] {
        assert!(Cli::try_parse_from(line.split_whitespace()).is_err(), "{line}");
    }
}

#[test]
fn a_secret_that_is_written_wrongly_is_never_repeated() {
    for line in [
        "msp-sync secret rotate acme --secret hunter2",
        "msp-sync secret rotate acme --secret =hunter2",
        "msp-sync secret rotate acme --secret a=hunter2 --secret a=hunter2",
    ] {
        assert!(!refused(line).contains("hunter2"), "{line}");
    }
    let unknown = Cli::try_parse_from(["msp-sync", "secret", "rotate", "acme", "--secrets=api_key=hunter2"]);
    assert!(!unknown.expect_err("no such flag").render().to_string().contains("hunter2"));
}

#[test]
fn lists_have_a_limit_of_a_thousand() {
    let Request::Records { page, .. } = asked("msp-sync records acme --kind asset") else { panic!("another request") };
    assert_eq!(page, Page { limit: 1000, cursor: None });
    let Request::Runs { page, id } = asked("msp-sync runs --limit 5 --cursor abc") else { panic!("another request") };
    assert_eq!((page, id), (Page { limit: 5, cursor: Some("abc".to_owned()) }, None));
}

#[test]
fn a_sync_is_of_some_or_of_all() {
    assert_eq!(asked("msp-sync sync --all --force"), Request::Sync { target: SyncTarget::All, force: true });
    let two = SyncTarget::Ids(vec!["a".to_owned(), "b".to_owned()]);
    assert_eq!(asked("msp-sync sync a b"), Request::Sync { target: two, force: false });
    assert!(Cli::try_parse_from(["msp-sync", "sync"]).is_err());
    assert!(Cli::try_parse_from(["msp-sync", "sync", "a", "--all"]).is_err());
}
