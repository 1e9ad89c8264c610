use std::collections::BTreeMap;

use reconcile::ids::VendorId;

use super::*;
use crate::account::Surroundings;
use crate::call::{Secret, SecretText};
use crate::vendors;

fn account(url: &str) -> Account {
    let secret = ["username", "api_key"].map(|part| (part.to_owned(), SecretText::new("canary")));
    let settings = BTreeMap::from([("url".to_owned(), url.to_owned())]);
    let surroundings = Surroundings { allow_loopback: true };
    Account::new(vendors::find("auvik").unwrap(), settings, Secret(secret.into()), &surroundings).unwrap()
}

fn devices(account: &Account) -> Reading {
    Reading::start(account.vendor.feed("devices").unwrap(), Some(&VendorId::parse("7").unwrap().into()), None)
}

/// A page with one device, whose next link is on the account's own host.
fn page(account: &Account, number: u32) -> Reply {
    let next = format!("{}v1/inventory/device/info?page%5Bafter%5D=c{number}", account.base());
    let body = format!(
        r#"{{"data":[{{"id":"d{number}","attributes":{{"deviceName":"D{number}"}}}}],"links":{{"next":"{next}"}}}}"#
    );
    Reply { status: 200, headers: Vec::new(), body: body.into_bytes() }
}

#[test]
fn a_list_without_end_is_given_up_at_the_page_limit() {
    let account = account("https://us1.my.auvik.com");
    let mut reading = devices(&account);
    let limit = account.vendor.limits.pages_max;
    for number in 1..limit {
        assert_eq!(reading.take(&account, &Words::default(), &page(&account, number)).then, Then::Next);
    }
    let last = reading.take(&account, &Words::default(), &page(&account, limit));
    assert_eq!(last.records.len(), 1, "the last page counts");
    assert_eq!(last.then, Then::Broken(format!("the list has more than {limit} pages")));
    let checkpoint = serde_json::to_string(&reading).unwrap();
    assert!(checkpoint.len() < 32 << 10, "the longest checkpoint has {} bytes", checkpoint.len());
}

#[test]
fn the_next_page_is_asked_for_as_the_vendor_wrote_it() {
    let account = account("https://us1.my.auvik.com");
    let mut reading = devices(&account);
    reading.take(&account, &Words::default(), &page(&account, 1));
    let call = reading.call(&account);
    assert_eq!(call.url.as_str(), "https://auvikapi.us1.my.auvik.com/v1/inventory/device/info?page%5Bafter%5D=c1");
    assert_eq!(reading.call(&account), call, "asking twice changes nothing");
}

#[test]
fn a_checkpoint_does_not_decide_where_credentials_go() {
    let before = account("https://us1.my.auvik.com");
    let mut reading = devices(&before);
    reading.take(&before, &Words::default(), &page(&before, 1));
    let checkpoint = serde_json::to_string(&reading).unwrap();
    assert!(!checkpoint.contains("auvik.com"), "{checkpoint}");
    let moved = account("https://eu1.my.auvik.com");
    assert_eq!(reading.call(&moved).url.host_str(), Some("auvikapi.eu1.my.auvik.com"));
    let mut forged = before.base().clone();
    forged.set_path("//elsewhere.example/v1");
    let body = format!(r#"{{"data":[],"links":{{"next":"{forged}"}}}}"#);
    let mut reading = devices(&before);
    reading.take(&before, &Words::default(), &Reply { status: 200, headers: Vec::new(), body: body.into_bytes() });
    assert_eq!(reading.call(&before).url.host_str(), Some("auvikapi.us1.my.auvik.com"));
}

#[test]
fn on_loopback_the_path_of_the_address_stays_in_front() {
    let account = account("http://127.0.0.1:4010/sim");
    let mut reading = devices(&account);
    assert_eq!(reading.call(&account).url.path(), "/sim/v1/inventory/device/info");
    assert_eq!(reading.take(&account, &Words::default(), &page(&account, 1)).then, Then::Next);
    assert_eq!(reading.call(&account).url.path(), "/sim/v1/inventory/device/info");
}

#[test]
fn after_a_gateways_time_out_the_first_page_is_asked_for_smaller() {
    let account = account("https://us1.my.auvik.com");
    let mut reading = devices(&account);
    let asked = |reading: &Reading| {
        let url = reading.call(&account).url;
        url.query_pairs().find(|(name, _)| name == "page[first]").map(|(_, size)| size.into_owned())
    };
    let timed_out = Reply { status: 504, ..Reply::default() };
    let sizes: Vec<_> = (0..3)
        .map(|_| {
            let size = asked(&reading);
            assert!(matches!(reading.take(&account, &Words::default(), &timed_out).then, Then::Again { .. }));
            size.expect("a page size")
        })
        .collect();
    assert_eq!(sizes, ["500", "250", "125"]);
    for _ in 0..20 {
        reading.take(&account, &Words::default(), &timed_out);
    }
    assert_eq!(asked(&reading).as_deref(), Some("1"), "a page has one row at least");
    reading.take(&account, &Words::default(), &page(&account, 1));
    let call = reading.call(&account);
    reading.take(&account, &Words::default(), &timed_out);
    assert_eq!(reading.call(&account), call, "the vendor's links stay as they are");
}
