use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::*;
use crate::account::{NotOpened, Surroundings};
use crate::call::{Call, Secret, redacted};
use crate::cost::estimate;
use crate::feed::Context;
use crate::reading::{Reading, Then};
use crate::verify::{CheckAnswer, answer, checks};
use crate::words::{TYPES, Words};

const USER: &str = "sync+canary@larchmsp.example";

fn account_at(url: Option<&str>, allow_loopback: bool) -> Result<Account, String> {
    let parts = [("username", USER), ("secret", "s3cret-canary"), ("integration_code", "CODE-canary")];
    let secret = parts.map(|(part, text)| (part.to_owned(), SecretText::new(text)));
    let settings: BTreeMap<_, _> = url.map(|url| ("url".to_owned(), url.to_owned())).into_iter().collect();
    Account::new(&AUTOTASK, settings, Secret(secret.into()), &Surroundings { allow_loopback })
        .map_err(|error| error.to_string())
}

fn account() -> Account {
    account_at(Some("https://webservices5.autotask.net"), false).unwrap()
}

fn reply(status: u16, body: &str) -> Reply {
    Reply { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
}

fn zone(url: &str) -> Reply {
    let zone = json!({"zoneName": "America East", "url": url, "webUrl": "https://ww2.autotask.net/", "ci": 284_113});
    reply(200, &zone.to_string())
}

#[test]
fn a_zone_that_is_named_is_not_looked_up() {
    for url in ["https://webservices5.autotask.net", "WebServices5.Autotask.Net/atservicesrest/v1.0/"] {
        let account = account_at(Some(url), false).unwrap();
        assert_eq!(account.base().as_str(), "https://webservices5.autotask.net/ATServicesRest/", "{url}");
        assert_eq!(account.opening(), None);
        assert!(account.to_reopen().is_none());
    }
}

#[test]
fn other_addresses_of_autotask_lead_to_the_directory() {
    for url in [None, Some(""), Some("https://ww2.autotask.net/Mvc/Home"), Some("https://webservices.autotask.net")] {
        let account = account_at(url, false).unwrap();
        let call = account.opening().expect("the zone is asked for");
        let path = "https://webservices.autotask.net/atservicesrest/v1.0/zoneInformation?user=";
        assert_eq!(call.url.as_str(), format!("{path}sync%2Bcanary%40larchmsp.example"), "{url:?}");
        assert_eq!(redacted(&call.url), format!("{path}***"));
        assert!(call.header("secret").is_none() && call.header("username").is_none(), "it needs no credentials");
        assert!(!format!("{call:?} {} {account:?}", call.as_curl()).contains("canary"));
    }
}

#[test]
fn an_address_elsewhere_is_refused_with_an_example() {
    let wrong = [
        "https://autotask.net.example.com",
        "https://webservices5.autotask.net.example.com",
        "https://webservices.example.com",
        "https://webservicesx.autotask.net",
        "https://webservices1234.autotask.net",
        "https://webservices5.autotask.net:8443",
        "https://webservices5autotask.net",
        "http://webservices5.autotask.net",
        "https://192.168.4.4",
    ];
    for url in wrong {
        let said = account_at(Some(url), false).expect_err(url);
        assert!(["webservices5", "port", "https://"].iter().any(|word| said.contains(word)), "{url}: {said}");
    }
}

#[test]
fn the_directory_says_where_the_credentials_go_and_can_name_zones_alone() {
    let account = account_at(None, false).unwrap();
    let open = account.open(&zone("https://webservices2.autotask.net/ATServicesRest/")).unwrap();
    assert_eq!(open.opening(), None);
    let call = Reading::start(&COMPANIES, None, None).call(&open);
    assert_eq!(call.url.as_str(), "https://webservices2.autotask.net/ATServicesRest/V1.0/Companies/query");
    assert_eq!(call.header("UserName"), Some(USER));
    assert_eq!(
        (call.header("secret"), call.header("apiintegrationcode")),
        (Some("s3cret-canary"), Some("CODE-canary"))
    );
    for elsewhere in [
        "https://webservices2.autotask.net.example.com/",
        "http://webservices2.autotask.net/ATServicesRest/",
        "https://webservices2.autotask.net:4444/",
        "https://webservices.example.com/",
        "https://user@webservices2.autotask.net/",
        "http://127.0.0.1:4001/",
        "",
        "/ATServicesRest/",
    ] {
        assert!(matches!(account.open(&zone(elsewhere)), Err(NotOpened::Broken(_))), "{elsewhere}");
    }
    for body in ["{}", r#"{"url": null}"#, "<html>", ""] {
        assert!(matches!(account.open(&reply(200, body)), Err(NotOpened::Broken(_))), "{body}");
    }
}

#[test]
fn a_sandbox_is_asked_for_its_zone_and_names_itself() {
    let account = account_at(Some("http://127.0.0.1:4001"), true).unwrap();
    let asked = account.opening().expect("the zone is asked for").url;
    assert_eq!(
        (asked.origin().ascii_serialization().as_str(), asked.path()),
        ("http://127.0.0.1:4001", "/atservicesrest/v1.0/zoneInformation")
    );
    let open = account.open(&zone("http://127.0.0.1:4001/ATServicesRest/")).unwrap();
    assert_eq!(open.base().as_str(), "http://127.0.0.1:4001/ATServicesRest/");
    for elsewhere in ["http://127.0.0.1:4002/", "https://webservices2.autotask.net/ATServicesRest/"] {
        assert!(matches!(account.open(&zone(elsewhere)), Err(NotOpened::Broken(_))), "{elsewhere}");
    }
}

#[test]
fn an_account_that_moved_is_looked_up_again() {
    let there =
        account_at(None, false).unwrap().open(&zone("https://webservices2.autotask.net/ATServicesRest/")).unwrap();
    let taken = Reading::start(&COMPANIES, None, None).take(&there, &Words::default(), &reply(401, ""));
    assert!(matches!(taken.then, Then::Refused(refusal) if refusal.cause == Cause::Credentials));
    let again = there.to_reopen().expect("the directory can be asked again");
    assert_eq!(
        again.opening().map(|call| call.url.host_str().map(str::to_owned)),
        Some(Some("webservices.autotask.net".to_owned()))
    );
    let here = again.open(&zone("https://webservices16.autotask.net/ATServicesRest/")).unwrap();
    assert_eq!(here.base().host_str(), Some("webservices16.autotask.net"));
}

#[test]
fn a_user_that_the_directory_does_not_know_has_wrong_credentials() {
    let account = account_at(None, false).unwrap();
    let unknown = reply(500, r#"{"errors":["Zone information could not be determined"]}"#);
    let Err(NotOpened::Refused(refusal)) = account.open(&unknown) else { panic!("it is refused") };
    assert_eq!(refusal.cause, Cause::Credentials);
    assert!(!format!("{refusal:?}").contains("canary"), "{refusal:?}");
    assert!(matches!(account.open(&reply(500, "")), Err(NotOpened::Again { .. })));
}

fn body(call: &Call) -> Value {
    serde_json::from_str(call.body.as_ref().expect("queries are POSTs").expose()).unwrap()
}

#[test]
fn the_first_page_begins_with_company_0_and_each_other_above_the_last() {
    let account = account();
    let mut reading = Reading::start(&COMPANY_LOCATIONS, None, None);
    let first = body(&reading.call(&account));
    assert_eq!(first["Filter"], json!([{"op": "gte", "field": "id", "value": 0}]));
    assert_eq!(first["MaxRecords"], 500);
    assert!(first["IncludeFields"].as_array().is_some_and(|fields| fields.contains(&json!("id"))));
    let page =
        json!({"items": [{"id": 9, "companyID": 0, "name": "Head office"}], "pageDetails": {"nextPageUrl": "x"}});
    let taken = reading.take(&account, &Words::default(), &reply(200, &page.to_string()));
    assert_eq!(taken.then, Then::Next);
    assert_eq!(body(&reading.call(&account))["Filter"], json!([{"op": "gt", "field": "id", "value": 9}]));
    reading.take(&account, &Words::default(), &reply(504, ""));
    let smaller = body(&reading.call(&account));
    assert_eq!((smaller["MaxRecords"].clone(), smaller["Filter"][0]["value"].clone()), (json!(250), json!(9)));
}

#[test]
fn changes_are_asked_for_where_there_is_a_modified_time() {
    let account = account();
    let since: Timestamp = "2026-11-20T20:00:00.987Z".parse().unwrap();
    let modified = |feed: &Feed| {
        let reading = Reading::start(feed, None, Some(since));
        let call = reading.call(&account);
        call.body.is_some().then(|| body(&call)["Filter"][1].clone()).filter(|filter| !filter.is_null())
    };
    let at = |field: &str| Some(json!({"op": "gte", "field": field, "value": "2026-11-20T20:00:00Z"}));
    assert_eq!(modified(&COMPANIES), at("lastTrackedModifiedDateTime"));
    assert_eq!(modified(&CONTACTS), at("lastModifiedDate"));
    assert_eq!(modified(&CONFIGURATION_ITEMS), at("lastModifiedTime"));
    for feed in AUTOTASK.feeds.iter().filter(|feed| !feed.can_say_changes) {
        assert_eq!(modified(feed), None, "{}", feed.name);
    }
}

fn words(feed: &Feed, body: &Value) -> Vec<String> {
    let account = account();
    let context = Context { account: &account, below: None, words: &Words::default() };
    let page = (feed.decode)(&reply(200, &body.to_string()), &context);
    assert_eq!(page.broken, None);
    let tables = [
        TYPES,
        words::COMPANY_TYPES,
        words::LICENSE_TYPES,
        words::COUNTRIES,
        words::LOCATIONS,
        words::MAKES,
        words::MODELS,
        words::PRODUCTS,
        words::PRODUCT_MAKES,
        words::PRODUCT_MODELS,
    ];
    let lines = |table| page.words.of(table).map(move |(id, word)| format!("{table} {id}={word}"));
    tables.into_iter().flat_map(lines).collect()
}

fn picklist(name: &str, choices: Value) -> Value {
    json!({"name": name, "isPickList": true, "picklistValues": choices})
}

#[test]
fn picklists_give_words_whatever_the_case_of_the_field() {
    let choice = |value: &str, label: &str| json!({"value": value, "label": label, "isActive": false});
    let items = json!({"fields": [
        {"name": "Id", "isPickList": false, "picklistValues": null},
        null,
        picklist("ConfigurationItemType", json!([choice("1", "Server"), null, {"value": 2}, choice("3", " Workstation ")])),
        picklist("rmmDeviceAuditManufacturerId", json!([choice("4", "Dell Inc."), choice("5", "")])),
        picklist("rmmDeviceAuditModelID", json!([choice("57", "OptiPlex 7010")])),
        picklist("rmmDeviceAuditDomainID", json!([choice("1", "ALDER")])),
    ]});
    let expected = ["types 1=Server", "types 3=Workstation", "makes 4=Dell Inc.", "models 57=OptiPlex 7010"];
    assert_eq!(words(&CONFIGURATION_ITEM_FIELDS, &items), expected);
    let companies = json!({"fields": [picklist("companyType", json!([choice("3", "Prospect")]))]});
    assert_eq!(words(&COMPANY_FIELDS, &companies), ["company_types 3=Prospect"]);
    let resources = json!({"fields": [picklist("LicenseType", json!([choice("7", "API User (API-only)")]))]});
    assert_eq!(words(&RESOURCE_FIELDS, &resources), ["license_types 7=API User (API-only)"]);
}

#[test]
fn lists_of_words_keep_what_can_be_read() {
    let countries = json!({"items": [{"id": 14, "displayName": "Austria", "name": "AUT"}, {"id": 237, "name": "United States"}, {"id": "x"}]});
    assert_eq!(words(&COUNTRIES, &countries), ["countries 14=Austria", "countries 237=United States"]);
    let names = json!({"items": [{"id": 91, "companyID": 7, "name": "Main office"}, {"id": 92, "name": null}, null]});
    assert_eq!(words(&COMPANY_LOCATIONS, &names), ["locations 91=Main office"]);
    let products = json!({"items": [
        {"id": 5, "name": "Desktop computer", "manufacturerName": null, "manufacturerProductName": ""},
        {"id": 6, "name": "NAS", "manufacturerName": "Synology", "manufacturerProductName": "DS920+"},
    ]});
    let expected =
        ["products 5=Desktop computer", "products 6=NAS", "product_makes 6=Synology", "product_models 6=DS920+"];
    assert_eq!(words(&PRODUCTS, &products), expected);
}

#[test]
fn every_kind_is_verified_with_one_row_of_its_own_list() {
    let account = account();
    for (kind, path) in [
        (Kind::Client, "Companies"),
        (Kind::User, "Resources"),
        (Kind::Asset, "ConfigurationItems"),
        (Kind::Contact, "Contacts"),
        (Kind::Location, "CompanyLocations"),
    ] {
        let [check] = &checks(&account, &BTreeSet::from([kind]))[..] else { panic!("one call for {kind}") };
        assert_eq!(check.call.url.path(), format!("/ATServicesRest/V1.0/{path}/query"));
        assert_eq!(body(&check.call)["MaxRecords"], 1);
        assert!(matches!(answer(&account, check, &reply(200, r#"{"items":[]}"#)), CheckAnswer::Works));
        let cause = |reply: &Reply| match answer(&account, check, reply) {
            CheckAnswer::Refused(refusal) => refusal.cause,
            _ => panic!("{reply:?} is a refusal"),
        };
        assert_eq!(cause(&reply(200, r#"{"item":null}"#)), Cause::NotTheApi);
        assert_eq!(cause(&reply(401, "")), Cause::Credentials);
        assert_eq!(cause(&reply(429, "")), Cause::Unavailable);
        let rights = r#"{"errors":["The logged in Resource does not have the adequate permissions"]}"#;
        assert_eq!(cause(&reply(500, rights)), Cause::Permission);
    }
}

#[test]
fn a_500_is_a_mistake_where_it_has_errors_and_may_pass_where_not() {
    let refused = Judged::Refused;
    for (status, body, expected) in [
        (500, r#"{"errors":["Unable to find foo in the InstalledProduct Entity."]}"#, refused(Cause::BadRequest)),
        (500, r#"{"Errors":["Unable to find foo in the Account Entity."]}"#, refused(Cause::BadRequest)),
        (500, r#"{"errors":[]}"#, refused(Cause::BadRequest)),
        (500, r#"{"errors":["IntegrationCode is invalid"]}"#, refused(Cause::Credentials)),
        (500, r#"{"errors":["The Autotask API request threshold has been exceeded."]}"#, Judged::Passing),
        (500, r#"{"errors":["The query timed out."]}"#, Judged::Passing),
        (500, r#"{"errors":"a text"}"#, Judged::Passing),
        (500, r#"{"Message":"An error has occurred."}"#, Judged::Passing),
        (500, "", Judged::Passing),
        (503, r#"{"errors":["Maintenance"]}"#, Judged::Passing),
        (429, r#"{"errors":["The Autotask API thread threshold of 3 threads has been exceeded."]}"#, Judged::Passing),
        (429, r#"{"errors":["Slow down"]}"#, Judged::Passing),
        (401, r#"{"errors":["threshold"]}"#, refused(Cause::Credentials)),
        (403, r#"{"errors":["No"]}"#, refused(Cause::Permission)),
        (200, r#"{"items":[],"errors":["Unable to find foo"]}"#, refused(Cause::BadRequest)),
        (200, r#"{"items":[],"errors":[]}"#, Judged::Good),
        (200, r#"{"items":[],"errors":null}"#, Judged::Good),
        (200, r#"{"items":[{"errors":["in a row"]}]}"#, Judged::Good),
    ] {
        assert_eq!(judge(&reply(status, body)), expected, "{status} {body}");
    }
}

#[test]
fn a_run_costs_the_zone_the_words_and_a_call_for_each_500_rows() {
    let records = [(Kind::User, 40), (Kind::Asset, 100_000), (Kind::Contact, 1_400), (Kind::Location, 1_000)];
    let cost = estimate(&AUTOTASK, 501, &BTreeMap::from(records), 0);
    let (zone, words, lists) = (1, 5, 2 + 1 + 200 + 3 + 2);
    assert_eq!(cost.requests, zone + words + lists);
    assert_eq!(cost.seconds, cost.requests.div_ceil(3), "three at a time, a second each");
    let clients = estimate(&AUTOTASK, 501, &BTreeMap::new(), 0);
    assert_eq!(clients.requests, zone + 2 + 2, "the words of clients alone");
    let huge = estimate(&AUTOTASK, 501, &BTreeMap::from([(Kind::Asset, 6_000_000)]), 0);
    assert!(huge.seconds >= 2 * 3600, "12,000 requests take more than two hours at 5,000 an hour: {huge:?}");
}
