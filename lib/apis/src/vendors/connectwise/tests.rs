use std::collections::{BTreeMap, BTreeSet};

use reconcile::ids::VendorId;
use serde_json::json;

use super::*;
use crate::account::{NotOpened, Surroundings};
use crate::call::{Call, Secret};
use crate::cost::estimate;
use crate::feed::Context;
use crate::reading::{Reading, Then};
use crate::verify::{CheckAnswer, answer, checks};
use crate::words::Words;

fn account_of(url: &str, company_id: &str) -> Result<Account, String> {
    let secret = ["public_key", "private_key", "client_id"].map(|part| (part.to_owned(), SecretText::new("x-canary")));
    let settings = [("url", url), ("company_id", company_id)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let surroundings = Surroundings { allow_loopback: true };
    Account::new(&CONNECTWISE, settings.into(), Secret(secret.into()), &surroundings).map_err(|error| error.to_string())
}

fn reply(status: u16, body: impl ToString) -> Reply {
    Reply { status, headers: Vec::new(), body: body.to_string().into_bytes() }
}

fn company(site: &str, codebase: &str) -> serde_json::Value {
    json!({"CompanyName": "Larch MSP", "Codebase": codebase, "CompanyID": "larchmsp", "IsCloud": true, "SiteUrl": site})
}

/// Opens an account with an answer to the look-up, and returns where the API is then.
fn opened(url: &str, body: serde_json::Value) -> Result<String, NotOpened> {
    let account = account_of(url, "larchmsp").expect("the settings are valid");
    let account = account.open(&reply(200, body))?;
    assert!(account.opening().is_none(), "one call opens it");
    Ok(account.base().to_string())
}

fn look_up(url: &str) -> Call {
    account_of(url, "larchmsp").unwrap().opening().expect("the host has to be looked up")
}

#[test]
fn whatever_people_paste_is_looked_up_where_they_sign_in() {
    let pasted = [
        "https://na.myconnectwise.net",
        "https://na.myconnectwise.net/",
        "na.myconnectwise.net",
        "https://api-na.myconnectwise.net/v4_6_release/apis/3.0",
        "HTTPS://NA.MyConnectWise.net/v2025_1/connectwise.aspx?locale=en_US#x",
    ];
    for url in pasted {
        let call = look_up(url);
        assert_eq!(call.url.as_str(), "https://na.myconnectwise.net/login/companyinfo/larchmsp", "{url}");
        assert!(call.headers.iter().all(|(name, _)| *name == "accept"), "no key goes along: {call:?}");
    }
    let own = look_up("https://cw.larchmsp.example:8443/v4_6_release/");
    assert_eq!(own.url.as_str(), "https://cw.larchmsp.example:8443/login/companyinfo/larchmsp");
    assert!(account_of("https://na.myconnectwise.net:8443", "larchmsp").unwrap_err().contains("leave the port out"));
}

#[test]
fn a_company_id_that_is_no_part_of_a_path_is_refused() {
    for id in ["larchmsp", "Larch_MSP-2"] {
        assert!(account_of("https://na.myconnectwise.net", id).is_ok(), "{id}");
    }
    for id in ["Larch MSP", "larch/msp", "..", "larch?x", "larch+msp"] {
        let said = account_of("https://na.myconnectwise.net", id).unwrap_err();
        assert!(said.contains("what you type as Company"), "{id}: {said}");
    }
}

#[test]
fn the_api_is_where_the_look_up_says() {
    let cloud = "https://na.myconnectwise.net";
    let found = |url, body| opened(url, body).unwrap();
    let api = "https://api-na.myconnectwise.net/v2025_1/apis/3.0/";
    assert_eq!(found(cloud, company("api-na.myconnectwise.net", "v2025_1/")), api);
    assert_eq!(found(cloud, company("na.myconnectwise.net", "v2025_1/")), api, "the prefix is put before it");
    assert_eq!(found(cloud, company("https://api-na.myconnectwise.net/", "/v2025_1")), api);
    let moved = found(cloud, company("api-eu.myconnectwise.net", "v2025_1/"));
    assert_eq!(moved, "https://api-eu.myconnectwise.net/v2025_1/apis/3.0/", "a company may live in another region");
    let mut as_text = company("api-na.myconnectwise.net", "v2025_1/");
    as_text["IsCloud"] = json!("True");
    assert_eq!(found(cloud, as_text), api);
}

#[test]
fn a_server_of_ones_own_is_meant_itself() {
    let own = "https://cw.larchmsp.example:8443";
    let api = "https://cw.larchmsp.example:8443/v4_6_release/apis/3.0/";
    for site in ["cw.larchmsp.example:8443", "cw.larchmsp.example", "psa.local", "evil.example", "", "a b"] {
        let mut body = company(site, "v4_6_release/");
        body["IsCloud"] = json!("False");
        assert_eq!(opened(own, body).unwrap(), api, "{site}: keys go to the server that was named, and nowhere else");
    }
    let without = json!({"Codebase": "v4_6_release/"});
    assert_eq!(opened(own, without).unwrap(), api);
}

#[test]
fn on_loopback_the_scheme_of_the_setting_is_kept() {
    let url = "http://127.0.0.1:4001";
    let base = opened(url, company("127.0.0.1:4001", "v2025_1/")).unwrap();
    assert_eq!(base, "http://127.0.0.1:4001/v2025_1/apis/3.0/");
    assert_eq!(look_up(url).url.as_str(), "http://127.0.0.1:4001/login/companyinfo/larchmsp");
    let base = opened("https://localhost:4001", company("localhost:4001", "v2025_1/")).unwrap();
    assert_eq!(base, "https://localhost:4001/v2025_1/apis/3.0/");
}

#[test]
fn the_cloud_sends_nobody_elsewhere() {
    let hosts = [
        "evil.example",
        "myconnectwise.net.evil.example",
        "evilmyconnectwise.net",
        "127.0.0.1",
        "",
        "user@api-na.myconnectwise.net",
    ];
    for host in hosts {
        let not_opened = opened("https://na.myconnectwise.net", company(host, "v2025_1/")).unwrap_err();
        assert!(matches!(not_opened, NotOpened::Broken(_)), "{host}: {not_opened:?}");
    }
    for codebase in ["", "/", "../../x/", "v1?x=", "v 1"] {
        let not_opened = opened("https://na.myconnectwise.net", company("api-na.myconnectwise.net", codebase));
        assert!(matches!(not_opened, Err(NotOpened::Broken(_))), "{codebase}: {not_opened:?}");
    }
}

#[test]
fn an_unknown_company_is_refused_with_a_word_about_the_setting() {
    let Err(NotOpened::Refused(refusal)) = opened("https://na.myconnectwise.net", json!(null)) else {
        panic!("null is a refusal")
    };
    assert_eq!(refusal.cause, Cause::NotFound);
    assert!(refusal.hint.contains("Check company_id"), "{}", refusal.hint);
    assert!(refusal.hint.contains("/login/companyinfo/larchmsp"), "{}", refusal.hint);
}

#[test]
fn a_page_instead_of_the_look_up_and_a_busy_server_are_told_apart() {
    let account = account_of("https://na.myconnectwise.net", "larchmsp").unwrap();
    assert!(matches!(account.open(&reply(200, "<html>")), Err(NotOpened::Broken(_))));
    assert!(matches!(account.open(&reply(503, "")), Err(NotOpened::Again { .. })));
    let cannot_route = reply(400, "Cannot route. Codebase/company is invalid");
    let Err(NotOpened::Refused(refusal)) = account.open(&cannot_route) else { panic!("400 is a refusal") };
    assert_eq!(refusal.cause, Cause::WrongPlace { url: None });
}

#[test]
fn a_call_carries_company_keys_client_id_and_the_way_of_paging() {
    let account = account_of("http://127.0.0.1:4001", "larchmsp").unwrap();
    let call = Reading::start(&COMPANIES, None, None).call(&account);
    let (name, token) = basic("larchmsp+x-canary", "x-canary");
    assert_eq!(call.header(name), Some(token.expose()));
    assert_eq!(call.header("clientId"), Some("x-canary"));
    assert_eq!(call.header("pagination-type"), Some("forward-only"));
    assert_eq!(call.header("accept"), Some("application/json"));
    assert!(!call.as_curl().contains("canary"), "{}", call.as_curl());
}

#[test]
fn changes_are_asked_for_from_the_second_before_on() {
    let account = account_of("http://127.0.0.1:4001", "larchmsp").unwrap();
    let since = "2026-03-01T00:00:00.250Z".parse().ok();
    for feed in [&MEMBERS, &CONFIGURATIONS, &CONTACTS] {
        let call = Reading::start(feed, None, since).call(&account);
        let condition =
            call.url.query_pairs().find(|(name, _)| name == "conditions").map(|(_, value)| value.into_owned());
        assert_eq!(condition.as_deref(), Some("lastUpdated > [2026-02-28T23:59:59Z]"), "{}", feed.name);
    }
    let below = VendorId::parse("250").unwrap().into();
    let whole = [(&STATUSES, None), (&COMPANIES, None), (&TYPES_OF_CONFIGURATIONS, None), (&SITES, Some(&below))];
    for (feed, below) in whole {
        let reading = Reading::start(feed, below, since);
        assert!(!reading.is_of_changes(), "{} is always read whole", feed.name);
        assert!(!reading.call(&account).url.query().unwrap_or_default().contains("conditions"));
    }
}

#[test]
fn without_a_link_a_full_page_is_not_the_last() {
    let account = account_of("http://127.0.0.1:4001", "larchmsp").unwrap();
    let rows = |count: u64| -> serde_json::Value { (1..=count).map(|id| json!({"id": id, "name": "A"})).collect() };
    let ends = |count: u64, link: Option<&str>| {
        let headers = link.map(|link| ("link".to_owned(), link.to_owned())).into_iter().collect();
        let reply = Reply { headers, ..reply(200, rows(count)) };
        Reading::start(&COMPANIES, None, None).take(&account, &Words::default(), &reply).then
    };
    assert_eq!(ends(1000, None), Then::Next);
    assert_eq!(ends(999, None), Then::Done);
    assert_eq!(ends(1000, Some("")), Then::Done, "an empty link says that nothing follows");
    assert_eq!(ends(3, Some("<https://x.example/y?pageId=3>; rel=\"next\"")), Then::Next);
}

fn decoded(feed: &Feed, body: serde_json::Value) -> crate::feed::Page {
    let account = account_of("http://127.0.0.1:4001", "larchmsp").unwrap();
    (feed.decode)(&reply(200, body), &Context { account: &account, below: None, words: &Words::default() })
}

#[test]
fn words_are_inactive_statuses_and_all_types() {
    let row = |id: u64, name: &str, flag: bool| json!({"id": id, "name": name, "inactiveFlag": flag});
    let body = json!([row(1, "Active", false), row(2, "On  hold", true), {"id": 3}, {"name": "no id"}, 5]);
    let words = |feed| {
        let page = decoded(feed, body.clone());
        assert_eq!((page.ids, page.rows, page.records.len()), (vec![1, 2, 3], Some(5), 0));
        page.words
    };
    let table = |words: &Words, table: &str| -> Vec<(String, String)> {
        words.of(table).map(|(id, word)| (id.to_owned(), word.to_owned())).collect()
    };
    let pair = |id: &str, name: &str| (id.to_owned(), name.to_owned());
    assert_eq!(table(&words(&STATUSES), "inactive_statuses"), [pair("2", "On hold")]);
    assert_eq!(table(&words(&TYPES_OF_CONFIGURATIONS), TYPES), [pair("1", "Active"), pair("2", "On hold")]);
}

#[test]
fn sites_are_not_asked_for_where_nobody_wants_them() {
    let company = |id: u64, kind: &str, deleted: bool| json!({"id": id, "name": "A", "types": [{"id": 3, "name": kind}], "deletedFlag": deleted});
    let rows = json!([
        company(1, "Client", false),
        company(2, "Client", true),
        company(3, "Vendor", false),
        {"id": 4, "name": "A", "status": {"id": 2, "name": "Inactive"}},
    ]);
    let words = decoded(&COMPANIES, rows).words;
    let is_empty = SITES.is_empty_below.unwrap();
    let saved = [1, 2, 3, 4, 5].map(|id: u64| is_empty(&words, &rows::vendor_id(id)));
    assert_eq!(saved, [false, true, true, false, false], "deleted, and no customer");
}

#[test]
fn a_type_is_of_customers_unless_its_name_says_otherwise() {
    let class_of = |kind: &str| {
        let row = json!([{"id": 1, "name": "A", "types": [{"id": 3, "name": kind}]}]);
        decoded(&COMPANIES, row).records.remove(0).class.map(|class| class.id)
    };
    let customers = [
        "Client",
        "CUSTOMER",
        "Key-Clients",
        "Owner",
        "Managed",
        "Break/Fix",
        "Kunde",
        "",
        "Vendor & Client",
        "Past due",
    ];
    for kind in customers {
        assert_eq!(class_of(kind), None, "{kind}");
    }
    let others = [
        "Prospect",
        "Vendors",
        "Supplier (IT)",
        "lead",
        "Competitor",
        "Former Client",
        "Ex-customer",
        "Non-Client",
        "Channel Partner",
    ];
    for kind in others {
        assert_eq!(class_of(kind).as_deref(), Some("3"), "{kind}");
    }
}

#[test]
fn each_kind_is_tried_with_what_it_is_read_from() {
    let account = account_of("http://127.0.0.1:4001", "larchmsp").unwrap();
    let paths = |kind| -> Vec<String> {
        checks(&account, &BTreeSet::from([kind])).iter().map(|check| check.call.url.path().to_owned()).collect()
    };
    let with = |paths: &[&str]| -> Vec<String> {
        ["/system/info"].iter().chain(paths).map(|path| (*path).to_owned()).collect()
    };
    assert_eq!(paths(Kind::Client), with(&["/company/companies", "/company/companies/statuses"]));
    assert_eq!(paths(Kind::User), with(&["/system/members"]));
    assert_eq!(paths(Kind::Asset), with(&["/company/configurations", "/company/configurations/types"]));
    assert_eq!(paths(Kind::Contact), with(&["/company/contacts"]));
    assert_eq!(paths(Kind::Location), with(&["/company/companies"]));
}

#[test]
fn a_missing_right_is_named() {
    let account = account_of("http://127.0.0.1:4001", "larchmsp").unwrap();
    let refused = json!({"code": "Security", "message": "You do not have security permission to perform this action."});
    for check in checks(&account, &CONNECTWISE.kinds.iter().copied().collect()) {
        let CheckAnswer::Refused(refusal) = answer(&account, &check, &reply(403, &refused)) else {
            panic!("403 is a refusal")
        };
        assert_eq!(refusal.cause, Cause::Permission);
        assert_eq!(refusal.vendor_words, "You do not have security permission to perform this action.");
        for right in ["Company Maintenance", "Contacts", "Configurations", "Member Maintenance", "Table Setup"] {
            assert!(refusal.hint.contains(right), "{right}: {}", refusal.hint);
        }
    }
}

#[test]
fn the_cost_is_a_call_for_a_thousand_rows_and_one_for_the_sites_of_each_company() {
    let records = |locations: u64| {
        BTreeMap::from([(Kind::User, 40), (Kind::Asset, 12_500), (Kind::Contact, 3_000), (Kind::Location, locations)])
    };
    let stated = estimate(&CONNECTWISE, 400, &records(700), 0);
    // The look-up, statuses, companies, members, 13 pages of configurations, 3 of contacts, and the sites.
    assert_eq!(stated.requests, 1 + 1 + 1 + 1 + 13 + 3 + 400);
    let mut without_sites = records(0);
    without_sites.remove(&Kind::Location);
    assert_eq!(estimate(&CONNECTWISE, 400, &without_sites, 0).requests, 20);
}
