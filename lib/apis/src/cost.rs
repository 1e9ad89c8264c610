//! What a run will cost at the vendor, stated before it.

use std::collections::BTreeMap;

use reconcile::record::Kind;

use crate::feed::{Auth, Base, Fan, Feed, Paging, Vendor};

/// The expected cost of one complete read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Requests to the vendor.
    pub requests: u64,
    /// Seconds, at the vendor's pace.
    pub seconds: u64,
}

/// What a complete read is expected to meet.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Clients.
    pub clients: u64,
    /// Those of them that are no customers: what such a client has is not asked for where the vendor can tell.
    pub no_customers: u64,
    /// Records of each kind that is read.
    pub records: &'a BTreeMap<Kind, u64>,
    /// Rows that need a call of their own.
    pub details: u64,
    /// Requests that a read of the same lists took without such rows, where there was one: better than any estimate.
    pub measured: Option<u64>,
    /// The pace that the operator has set, if one is set.
    pub requests_per_minute: Option<u32>,
}

/// Estimates a complete read of `clients` clients and so many `records` of each kind that is read, `details` of whose rows
/// need a call of their own.
pub fn estimate(vendor: &Vendor, clients: u64, records: &BTreeMap<Kind, u64>, details: u64) -> Estimate {
    estimate_of(
        vendor,
        &Expected { clients, no_customers: 0, records, details, measured: None, requests_per_minute: None },
    )
}

/// Estimates a complete read.
pub fn estimate_of(vendor: &Vendor, expected: &Expected<'_>) -> Estimate {
    let Expected { clients, records, details, .. } = *expected;
    let wanted = |kind: &Kind| *kind == Kind::Client || records.contains_key(kind);
    let is_wanted = |feed: &Feed| feed.kinds.iter().chain(feed.words_for).any(wanted);
    let hangs_on = |feed: &Feed, other: &Feed| matches!(feed.fan, Fan::PerRow(name) if name == other.name);
    let is_read =
        |feed: &&Feed| is_wanted(feed) || vendor.feeds.iter().any(|one| hangs_on(one, feed) && is_wanted(one));
    let rows = |feed: &Feed| match feed.kinds.contains(&Kind::Client) {
        true => clients,
        false => feed.kinds.iter().filter_map(|kind| records.get(kind)).sum(),
    };
    // What only other lists hang on is not counted anywhere: a client has one of them at least.
    let parents = |name: &str| vendor.feed(name).map_or(0, |feed| if is_wanted(feed) { rows(feed) } else { clients });
    let of_feed = |feed: &Feed| match feed.fan {
        Fan::Once if feed.paging == Paging::Single => 1 + u64::from(feed.sequel.is_some()),
        Fan::Once => rows(feed).div_ceil(u64::from(vendor.limits.page_size)).max(1),
        Fan::PerClient => {
            let passed_over = if feed.is_empty_below.is_some() { expected.no_customers } else { 0 };
            let asked = clients.saturating_sub(passed_over);
            asked + further_pages(asked, rows(feed), f64::from(vendor.limits.page_size))
        }
        Fan::PerRow(other) if feed.is_empty_below.is_none() => parents(other),
        Fan::PerRow(other) => {
            let alike = vendor.feeds.iter().filter(|one| one.fan == feed.fan && one.kinds == feed.kinds).count();
            not_empty(parents(other), rows(feed), clients * alike as u64)
        }
    };
    let endpoints: Vec<u64> = vendor.feeds.iter().filter(is_read).map(of_feed).chain([details]).collect();
    let opening =
        u64::from(matches!(vendor.base, Base::LookedUp(_))) + u64::from(matches!(vendor.auth, Auth::Login(_)));
    let estimated = opening + endpoints.iter().sum::<u64>();
    let requests = expected.measured.map_or(estimated, |measured| measured + details);
    let limits = &vendor.limits;
    let per_minute = expected.requests_per_minute.or(limits.requests_per_minute);
    let by_minute = per_minute.map_or(0, |pace| (requests * 60).div_ceil(u64::from(pace.max(1))));
    let by_hour = limits.per_hour.map_or(0, |hour| {
        let most = if hour.per_endpoint { endpoints.iter().copied().max().unwrap_or_default() } else { requests };
        // What fits into the first hour need not wait.
        most.saturating_sub(1) / u64::from(hour.requests) * 3600
    });
    let by_answers = (requests * limits.answer_ms_assumed).div_ceil(1000 * limits.in_flight as u64);
    Estimate { requests, seconds: by_minute.max(by_hour).max(by_answers) }
}

/// Pages beyond the first of each client. Clients differ in size, few large and many small, so their sizes are taken to be
/// spread exponentially: of clients with `mean` rows, a share of `e^(-k · page / mean)` has more than `k` pages.
fn further_pages(clients: u64, rows: u64, page_size: f64) -> u64 {
    if clients == 0 || rows == 0 {
        return 0;
    }
    let mean = rows as f64 / clients as f64;
    (clients as f64 / (page_size / mean).exp_m1()).round() as u64
}

/// Those of `parents` that are asked where clients that say they have no rows are passed over. Clients differ in size, so
/// their sizes are taken to be spread geometrically: of clients with `mean` rows, a share of `1 / (1 + mean)` has none.
fn not_empty(parents: u64, rows: u64, lists: u64) -> u64 {
    let mean = rows as f64 / lists.max(1) as f64;
    (parents as f64 * mean / (1.0 + mean)).round() as u64
}

#[cfg(test)]
mod tests;
