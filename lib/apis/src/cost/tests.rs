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
