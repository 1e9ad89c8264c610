use super::*;
use crate::vendors;

fn requests(clients: u64, assets: Option<u64>) -> u64 {
    let records = assets.map(|count| (Kind::Asset, count)).into_iter().collect();
    estimate(vendors::find("auvik").unwrap(), clients, &records, 0).requests
}

#[test]
fn every_client_costs_a_call_and_large_ones_cost_more() {
    assert_eq!(requests(10, Some(0)), 2 + 10, "an empty client is asked too");
    assert_eq!(requests(10, Some(50)), 2 + 10, "small clients have one page");
    assert_eq!(
        requests(500, Some(100_000)),
        2 + 500 + 45,
        "a few of the clients with 200 rows on average have more than 500"
    );
    let huge = requests(1, Some(100_000));
    assert!((200..=205).contains(&huge), "about a call for each of 200 full pages, not {huge}");
}

#[test]
fn a_kind_that_is_not_read_costs_nothing() {
    assert_eq!(requests(500, None), 2);
    assert_eq!(requests(0, Some(0)), 2);
}

#[test]
fn time_follows_the_requests_in_flight() {
    let vendor = vendors::find("auvik").unwrap();
    let estimate = estimate(vendor, 500, &BTreeMap::from([(Kind::Asset, 100_000)]), 0);
    let limits = vendor.limits;
    assert_eq!(
        estimate.seconds,
        (estimate.requests * limits.answer_ms_assumed).div_ceil(limits.in_flight as u64 * 1000)
    );
}

#[test]
fn sites_cost_two_calls_each_less_those_of_clients_that_have_nothing() {
    let vendor = vendors::find("nable-rmm").unwrap();
    let requests = |clients: u64, records: &[(Kind, u64)]| {
        let estimate = estimate(vendor, clients, &records.iter().copied().collect(), 0);
        assert_eq!(estimate.seconds, estimate.requests, "sixty a minute");
        estimate.requests
    };
    assert_eq!(requests(100, &[]), 1);
    assert_eq!(requests(100, &[(Kind::Location, 150)]), 1 + 100);
    assert_eq!(requests(100, &[(Kind::Location, 150), (Kind::Asset, 0)]), 1 + 100, "no devices, no calls for them");
    let full = 1 + 100 + 2 * 150;
    let many = requests(100, &[(Kind::Location, 150), (Kind::Asset, 40_000)]);
    assert!((full - 2..=full).contains(&many), "nearly every client has both, not {many}");
    assert_eq!(requests(100, &[(Kind::Location, 150), (Kind::Asset, 200)]), 1 + 100 + 150, "half of them are empty");
    let hidden = requests(100, &[(Kind::Asset, 40_000)]);
    assert!((299..=301).contains(&hidden), "sites are read for their devices, at least one a client: {hidden}");
}

/// A read of clients and what they have.
fn read_of(clients: u64, records: &BTreeMap<Kind, u64>) -> Expected<'_> {
    Expected { clients, no_customers: 0, records, details: 0, measured: None, requests_per_minute: None }
}

#[test]
fn companies_that_are_no_customers_are_not_asked_for_their_sites() {
    let vendor = vendors::find("connectwise").unwrap();
    let records = BTreeMap::from([(Kind::Location, 500)]);
    let of = |no_customers| estimate_of(vendor, &Expected { no_customers, ..read_of(900, &records) }).requests;
    assert_eq!(of(0) - of(600), 600);
}

#[test]
fn a_pace_that_is_set_counts_in_place_of_the_vendors() {
    let vendor = vendors::find("nable-rmm").unwrap();
    let records = BTreeMap::from([(Kind::Location, 150)]);
    let at = |requests_per_minute| {
        let estimate = estimate_of(vendor, &Expected { requests_per_minute, ..read_of(119, &records) });
        (estimate.requests, estimate.seconds)
    };
    assert_eq!((at(None), at(Some(30))), ((120, 120), (120, 240)));
}

#[test]
fn what_a_read_took_is_believed_and_details_come_on_top() {
    let vendor = vendors::find("nable-rmm").unwrap();
    let records = BTreeMap::from([(Kind::Location, 150)]);
    let expected = Expected { measured: Some(90), details: 7, ..read_of(119, &records) };
    assert_eq!(estimate_of(vendor, &expected), Estimate { requests: 97, seconds: 97 });
}
