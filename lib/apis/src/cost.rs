//! What a run will cost at the vendor, stated before it.

use std::collections::BTreeMap;

use reconcile::record::Kind;

use crate::feed::{Fan, Vendor};

/// The expected cost of one complete read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Requests to the vendor.
    pub requests: u64,
    /// Seconds, at the vendor's pace.
    pub seconds: u64,
}

/// Estimates a complete read of `clients` clients and so many `records` of each kind.
pub fn estimate(vendor: &Vendor, clients: u64, records: &BTreeMap<Kind, u64>) -> Estimate {
    let page_size = f64::from(vendor.limits.page_size);
    let requests: u64 = vendor
        .feeds
        .iter()
        .filter(|feed| feed.kinds.iter().any(|kind| *kind == Kind::Client || records.contains_key(kind)))
        .map(|feed| match feed.fan {
            Fan::Once => 1 + u64::from(feed.sequel.is_some()),
            Fan::PerClient => {
                let rows: u64 = feed.kinds.iter().filter_map(|kind| records.get(kind)).sum();
                clients + further_pages(clients, rows, page_size)
            }
        })
        .sum();
    let seconds = match vendor.limits.requests_per_minute {
        Some(pace) => (requests * 60).div_ceil(u64::from(pace)),
        None => (requests * vendor.limits.answer_ms_assumed).div_ceil(1000 * vendor.limits.in_flight as u64),
    };
    Estimate { requests, seconds }
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

#[cfg(test)]
mod tests;
