use std::collections::{BTreeMap, BTreeSet};

use reconcile::ids::VendorId;

use super::*;
use crate::account::{Account, Surroundings};
use crate::call::{Reply, Secret, SecretText, redacted};
use crate::feed::{Below, Context};
use crate::reading::Reading;
use crate::verify::{CheckAnswer, answer, checks};
use crate::words::Words;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn account(settings: &[(&str, &str)]) -> Result<Account, String> {
    let settings: BTreeMap<_, _> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let secret = Secret(BTreeMap::from([("api_key".to_owned(), SecretText::new(KEY))]));
    Account::new(&NABLE_RMM, settings, secret, &Surroundings::default()).map_err(|error| error.to_string())
}

fn base(url: &str) -> String {
    account(&[("url", url)]).unwrap_or_else(|said| panic!("{url}: {said}")).base().to_string()
}

#[test]
fn what_people_paste_becomes_the_apis_address() {
    let pasted = [
        "https://www.systemmonitor.us",
        "https://www.systemmonitor.us/",
        "https://www.systemmonitor.us/dashboard/#/north-pane",
        "https://www.systemmonitor.us/api/?apikey=&service=list_clients",
        "https://www2.systemmonitor.us/dashboard",
        "https://dashboard.systemmonitor.us",
        "HTTPS://WWW.SystemMonitor.US:443",
        " www.systemmonitor.us ",
        "systemmonitor.us",
    ];
    for url in pasted {
        assert_eq!(base(url), "https://www.systemmonitor.us/api/", "{url}");
    }
    for (territory, server) in SERVERS {
        assert_eq!(base(server), format!("https://{server}/api/"), "{territory}");
    }
    assert_eq!(base("dashboard.wwweurope1.systemmonitor.eu.com"), "https://wwweurope1.systemmonitor.eu.com/api/");
    assert_eq!(base("www2europe1.systemmonitor.eu.com"), "https://wwweurope1.systemmonitor.eu.com/api/");
    assert_eq!(base("https://rmm.oak.example:8443/x"), "https://rmm.oak.example:8443/api/", "any host may serve it");
}

#[test]
fn an_address_that_is_no_server_is_refused_with_the_servers() {
    for url in ["us", "europe", "https://198.51.100.7", "https://[2001:db8::7]"] {
        let said = account(&[("url", url)]).expect_err(url);
        assert!(said.contains("www.systemmonitor.us (United States)"), "{url}: {said}");
    }
}

#[test]
fn the_pace_is_sixty_a_minute_at_most() {
    let url = ("url", "www.systemmonitor.us");
    assert_eq!(account(&[url]).unwrap().requests_per_minute(), Some(60));
    assert_eq!(account(&[url, ("requests_per_minute", "20")]).unwrap().requests_per_minute(), Some(20));
    let said = account(&[url, ("requests_per_minute", "61")]).expect_err("it is too fast");
    assert!(said.contains("at most 60 requests a minute"), "{said}");
}

#[test]
fn the_key_is_sent_and_never_shown() {
    let account = account(&[("url", "www.systemmonitor.us")]).unwrap();
    let below = Below { client: VendorId::parse("17").unwrap(), row: Some(VendorId::parse("23").unwrap()) };
    for feed in NABLE_RMM.feeds {
        let call = Reading::start(feed, Some(&below).filter(|_| feed.fan != Fan::Once), None).call(&account);
        assert!(call.url.as_str().ends_with(&format!("&apikey={KEY}")), "{}", feed.name);
        let shown = format!("{call:?} {} {} {account:?}", call.as_curl(), redacted(&call.url));
        assert!(shown.contains("apikey=***") && !shown.contains(KEY), "{shown}");
    }
}

fn xml(items: &str) -> Reply {
    let body = format!("<result status=\"OK\"><items>{items}</items></result>").into_bytes();
    Reply { status: 200, headers: Vec::new(), body }
}

#[test]
fn a_client_without_servers_or_workstations_is_not_asked_for_them() {
    let account = account(&[("url", "www.systemmonitor.us")]).unwrap();
    let client =
        |id: u64, counts: &str| format!("<client><clientid>{id}</clientid><name>N{id}</name>{counts}</client>");
    let rows = [
        client(1, "<server_count>0</server_count><workstation_count>4</workstation_count>"),
        client(2, "<server_count>1</server_count><workstation_count> 0 </workstation_count>"),
        client(3, ""),
        client(4, "<server_count/><workstation_count>many</workstation_count>"),
    ];
    let context = Context { account: &account, below: None, words: &Words::default() };
    let page = (CLIENTS.decode)(&xml(&rows.concat()), &context);
    let skipped = |feed: &Feed| -> Vec<u64> {
        let is_empty = feed.is_empty_below.expect("the feed can be skipped");
        (1..=4).filter(|id| is_empty(&page.words, &VendorId::parse(&id.to_string()).unwrap())).collect()
    };
    assert_eq!(skipped(&SERVERS_OF_SITE), [1]);
    assert_eq!(skipped(&WORKSTATIONS_OF_SITE), [2], "what is not said is no leave to skip");
}

#[test]
fn a_server_and_a_workstation_of_one_number_are_two_assets() {
    let account = account(&[("url", "www.systemmonitor.us")]).unwrap();
    let client = VendorId::parse("17").unwrap();
    let below = Below { client: client.clone(), row: Some(VendorId::parse("23").unwrap()) };
    let words = (SITES.decode)(
        &xml("<site><siteid>23</siteid><name>Mill</name></site>"),
        &Context { account: &account, below: Some(&client.into()), words: &Words::default() },
    )
    .words;
    let context = Context { account: &account, below: Some(&below), words: &words };
    let servers = (SERVERS_OF_SITE.decode)(&xml("<server><serverid>5</serverid><name>A</name></server>"), &context);
    let workstations = (WORKSTATIONS_OF_SITE.decode)(
        &xml("<workstation><workstationid>5</workstationid><name>B</name></workstation>"),
        &context,
    );
    let shown = |page: &crate::feed::Page| {
        let record = &page.records[0];
        (
            record.vendor_id.to_string(),
            record.fields.text(reconcile::record::Field::Location).unwrap_or_default().to_owned(),
        )
    };
    assert_eq!(shown(&servers), ("server-5".to_owned(), "Mill".to_owned()));
    assert_eq!(shown(&workstations), ("workstation-5".to_owned(), "Mill".to_owned()));
}

#[test]
fn verification_tells_causes_apart() {
    let account = account(&[("url", "www.systemmonitor.us")]).unwrap();
    let check = checks(&account, &BTreeSet::from([Kind::Asset])).remove(0);
    assert_eq!(redacted(&check.call.url), "https://www.systemmonitor.us/api/?service=list_clients&apikey=***");
    let said = |status: u16, body: &str| match answer(
        &account,
        &check,
        &Reply { status, headers: Vec::new(), body: body.as_bytes().to_vec() },
    ) {
        CheckAnswer::Works => Ok(()),
        CheckAnswer::Refused(refusal) => Err(refusal.cause),
        CheckAnswer::Instead(_) => panic!("there is no second path"),
    };
    let fail = |code: &str, words: &str| {
        format!(
            "<result status=\"FAIL\"><error><errorcode>{code}</errorcode><message>{words}</message></error></result>"
        )
    };
    assert_eq!(said(200, "<result status=\"OK\"><items/></result>"), Ok(()), "a group without clients");
    assert_eq!(said(200, &fail("3", "Login failed")), Err(Cause::Credentials));
    assert_eq!(said(200, &fail("2", "no")), Err(Cause::Credentials));
    assert_eq!(said(200, &fail("", "The API key was not found")), Err(Cause::Credentials));
    assert_eq!(said(200, &fail("4", "Invalid value for parameter: devicetype")), Err(Cause::BadRequest));
    assert_eq!(said(200, &fail("1", "Service unknown")), Err(Cause::NotFound));
    assert_eq!(said(200, &fail("9", "Rate limit exceeded")), Err(Cause::Unavailable));
    assert_eq!(said(403, &fail("3", "Login failed")), Err(Cause::Credentials));
    assert_eq!(said(403, "<html><title>Attention Required!</title>"), Err(Cause::NotTheApi));
    assert_eq!(said(403, "<html><title>Error 1015</title>You are being rate limited"), Err(Cause::Unavailable));
    assert_eq!(said(403, "no"), Err(Cause::Permission));
    assert_eq!(said(200, "<html><title>Sign in</title>"), Err(Cause::NotTheApi));
    assert_eq!(said(200, "<result status=\"OK\"><items>"), Err(Cause::NotTheApi), "half a list");
}

#[test]
fn a_loopback_host_alone_has_the_api_at_its_path() {
    for path in ["", "/", "/api", "/api/"] {
        let settings = [("url".to_owned(), format!("http://127.0.0.1:4002{path}"))];
        let secret = Secret([("api_key".to_owned(), SecretText::new("k"))].into());
        let surroundings = Surroundings { allow_loopback: true };
        let account = Account::new(&NABLE_RMM, settings.into(), secret, &surroundings).unwrap();
        assert_eq!(account.base().as_str(), "http://127.0.0.1:4002/api/", "{path:?}");
    }
}
