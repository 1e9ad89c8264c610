use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::account::Surroundings;
use crate::call::{Secret, SecretText};
use crate::verify::{Check, CheckAnswer, answer, checks};

fn account(settings: &[(&str, &str)]) -> Result<Account, String> {
    let secret = ["username", "api_key"].map(|part| (part.to_owned(), SecretText::new("x-canary")));
    let settings: BTreeMap<_, _> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Account::new(&AUVIK, settings, Secret(secret.into()), &Surroundings::default()).map_err(|error| error.to_string())
}

#[test]
fn what_people_paste_becomes_the_apis_address() {
    let pasted = [
        "https://us1.my.auvik.com",
        "https://us1.my.auvik.com/",
        "https://pinemsp.us1.my.auvik.com/#tenant/512/dashboard?x=1",
        "https://auvikapi.us1.my.auvik.com/v1",
        "HTTPS://US1.My.Auvik.Com",
        " us1.my.auvik.com ",
        "us1",
    ];
    for url in pasted {
        assert_eq!(account(&[("url", url)]).unwrap().base().as_str(), "https://auvikapi.us1.my.auvik.com/", "{url}");
    }
    let others = ["us6", "eu2", "au1", "ca1", "us10", "lnx"];
    for region in others {
        assert!(account(&[("url", region)]).is_ok(), "{region}");
    }
}

#[test]
fn an_address_without_a_region_or_elsewhere_is_refused_with_an_example() {
    let wrong = [
        "https://pinemsp.my.auvik.com",
        "https://my.auvik.com",
        "https://us.my.auvik.com",
        "https://auvik.com",
        "https://us1.my.auvik.com.example.net",
        "https://us1.my.auvik.com:8443",
        "https://us1my.auvik.com",
        "https://192.168.4.4",
        "pine",
    ];
    for url in wrong {
        let said = account(&[("url", url)]).expect_err(url);
        assert!(said.contains("https://us1.my.auvik.com") || said.contains("leave the port out"), "{url}: {said}");
    }
}

#[test]
fn a_dashboard_address_as_domain_is_refused() {
    let said = account(&[("url", "us1"), ("domain", "pinemsp.us1.my.auvik.com")]).expect_err("it is refused");
    assert!(said.contains("the part alone"), "{said}");
}

fn sign_in(account: &Account) -> Check {
    checks(account, &BTreeSet::from([Kind::Asset])).remove(0)
}

fn status(status: u16) -> Reply {
    Reply { status, ..Reply::default() }
}

#[test]
fn the_sign_in_is_tried_at_the_second_path_where_the_first_is_unknown() {
    let account = account(&[("url", "us1")]).unwrap();
    let first = sign_in(&account);
    assert_eq!((first.kind, first.call.url.path()), (Kind::Asset, "/v1/authentication/verify"));
    assert!(matches!(answer(&account, &first, &status(200)), CheckAnswer::Works));
    let CheckAnswer::Instead(second) = answer(&account, &first, &status(404)) else { panic!("404 leads on") };
    assert_eq!(second.call.url.path(), "/authentication/verify");
    assert!(matches!(answer(&account, &second, &status(200)), CheckAnswer::Works));
    let CheckAnswer::Refused(refusal) = answer(&account, &second, &status(404)) else { panic!("404 ends it") };
    assert_eq!(refusal.cause, Cause::NotFound);
}

#[test]
fn kinds_are_verified_one_by_one() {
    let account = account(&[("url", "us1")]).unwrap();
    let paths = |kinds: &[Kind]| -> Vec<(Kind, String)> {
        let all = checks(&account, &kinds.iter().copied().collect());
        all.into_iter().map(|check| (check.kind, check.call.url.path().to_owned())).collect()
    };
    let tenants = (Kind::Client, "/v1/tenants".to_owned());
    let devices = (Kind::Asset, "/v1/inventory/device/info".to_owned());
    assert_eq!(paths(&[Kind::Client, Kind::Asset])[1..], [tenants.clone(), devices.clone()]);
    assert_eq!(paths(&[Kind::Client])[1..], [tenants]);
    assert_eq!(paths(&[Kind::Asset])[1..], [devices]);
}

#[test]
fn verification_tells_causes_apart() {
    let account = account(&[("url", "us1")]).unwrap();
    let list = checks(&account, &BTreeSet::from([Kind::Client])).remove(1);
    let cause = |reply: Reply| match answer(&account, &list, &reply) {
        CheckAnswer::Refused(refusal) => refusal.cause,
        _ => panic!("{reply:?} is a refusal"),
    };
    let with_body = |status, body: &str| Reply { status, headers: Vec::new(), body: body.as_bytes().to_vec() };
    assert_eq!(cause(status(401)), Cause::Credentials);
    assert_eq!(cause(status(403)), Cause::Permission);
    assert_eq!(cause(with_body(403, "You hit the Rate Limit")), Cause::Unavailable);
    assert_eq!(cause(status(503)), Cause::Unavailable);
    assert_eq!(cause(with_body(200, "<html>")), Cause::NotTheApi);
    assert_eq!(cause(status(200)), Cause::NotTheApi);
    let moved = vec![("location".to_owned(), "https://auvikapi.ca1.my.auvik.com/v1/tenants".to_owned())];
    let elsewhere = Reply { status: 308, headers: moved, body: Vec::new() };
    assert_eq!(cause(elsewhere), Cause::WrongPlace { url: Some("https://ca1.my.auvik.com".to_owned()) });
}
