//! What the next run will cost at the vendor, stated before it (product.md section 5).
//!
//! Nobody is asked for it: the last run says how much there is, and what is stored says which rows need a call of their own.

use std::collections::BTreeMap;

use apis::cost::{Expected, estimate_of};
use apis::feed::{Fan, Vendor};
use apis::vendors;
use engine::fetch::is_worth_a_call;
use engine::ports::Table;
use engine::store::entries;
use engine::store::integrations::Integration;
use engine::store::runs::{RunRecord, history};
use reconcile::ids::Scope;
use reconcile::mapping::Entry;
use reconcile::reason::Reason;
use reconcile::record::Kind;
use reconcile::run::{Outcome, Trigger};

use crate::error::ConsoleError;
use crate::find;
use crate::views::CostView;

/// So many of the newest runs are looked through for one that tells how much there is.
const RUNS_LOOKED_AT: usize = 10;

/// Where there are more records than this, none is looked at to state a cost: what the last run counted has to do.
const LOOKED_AT_MAX: u64 = 5_000;

/// Returns what the next complete read is expected to cost; `None` before the first run.
pub(crate) async fn expected_cost(
    table: &impl Table,
    integration: &Integration,
) -> Result<Option<CostView>, ConsoleError> {
    let Some(vendor) = vendors::find(&integration.vendor) else { return Ok(None) };
    let (runs, _) = history(table, &integration.id, None, RUNS_LOOKED_AT).await?;
    let has_counts = |run: &&RunRecord| !run.counts.is_empty();
    let Some(last) = runs.iter().find(|run| is_complete(run)).or_else(|| runs.iter().find(has_counts)) else {
        return Ok(None);
    };
    let fetched = |kind: &Kind| last.counts.get(kind).map(|counts| counts.fetched);
    let clients = match fetched(&Kind::Client) {
        Some(clients) => clients,
        None => entries::client_ids(table, &integration.id).await?.len() as u64,
    };
    let records: BTreeMap<Kind, u64> =
        integration.sync.iter().map(|kind| (*kind, fetched(kind).unwrap_or_default())).collect();
    let expected = Expected {
        clients,
        no_customers: no_customers(table, integration, vendor, last).await?,
        records: &records,
        details: details(table, integration, vendor, last).await?,
        measured: measured(integration, vendor, last),
        requests_per_minute: integration.settings.get("requests_per_minute").and_then(|pace| pace.parse().ok()),
    };
    let estimate = estimate_of(vendor, &expected);
    Ok(Some(CostView { vendor_requests: estimate.requests, seconds: estimate.seconds }))
}

fn is_complete(run: &RunRecord) -> bool {
    run.run.outcome() == Some(Outcome::Complete) && !run.counts.is_empty()
}

/// Returns what the last run asked, where it read the same lists and all of them, and asked for no details.
fn measured(integration: &Integration, vendor: &Vendor, last: &RunRecord) -> Option<u64> {
    let reports = &last.run.reports;
    let is_whole = reports.values().all(|report| report.complete && !report.of_changes);
    let has_same_kinds = integration.sync.iter().all(|kind| reports.contains_key(kind))
        && reports.keys().all(|kind| *kind == Kind::Client || integration.sync.contains(kind));
    let has_details = last.run.trigger != Trigger::Setup && vendor.feeds.iter().any(|feed| feed.detail.is_some());
    let asks_same_clients = !passes_over(vendor) || last.epochs.integration == integration.epoch;
    (is_whole && has_same_kinds && !has_details && asks_same_clients).then_some(last.vendor_requests)
}

/// Says whether clients that are no customers are not asked for what they have.
fn passes_over(vendor: &Vendor) -> bool {
    vendor.feeds.iter().any(|feed| feed.fan == Fan::PerClient && feed.is_empty_below.is_some())
}

/// Counts the clients that are left out as no customers, where that saves calls: as the last run counted them, or as they
/// are stored where that run planned nothing; where there are very many, none is taken for one.
async fn no_customers(
    table: &impl Table,
    integration: &Integration,
    vendor: &Vendor,
    last: &RunRecord,
) -> Result<u64, ConsoleError> {
    if !passes_over(vendor) {
        return Ok(0);
    }
    if last.run.trigger != Trigger::Setup && last.epochs.integration == integration.epoch {
        let counts = last.counts.get(&Kind::Client);
        return Ok(counts.and_then(|counts| counts.reasons.get(&Reason::TypeNotSelected)).copied().unwrap_or_default());
    }
    if last.counts.get(&Kind::Client).is_some_and(|counts| counts.fetched > LOOKED_AT_MAX / 10) {
        return Ok(0);
    }
    let taken = integration.policy().company_types;
    let clients = entries::load_scope(table, &integration.id, &Scope::Clients).await?;
    let is_left_out = |entry: &&Entry| {
        let class = entry.record.class.as_ref();
        class.is_some_and(|class| !taken.contains(&class.id) && !taken.contains(&class.name))
    };
    Ok(clients.values().filter(is_left_out).count() as u64)
}

/// Counts the rows that were not completed yet by a call of their own. After a complete run under the same choices there
/// are none; of very many all are taken to be missing.
async fn details(
    table: &impl Table,
    integration: &Integration,
    vendor: &Vendor,
    last: &RunRecord,
) -> Result<u64, ConsoleError> {
    let is_settled =
        is_complete(last) && last.run.trigger != Trigger::Setup && last.epochs.integration == integration.epoch;
    let mut missing = 0;
    for feed in vendor.feeds.iter().filter(|feed| feed.detail.is_some() && !is_settled) {
        for kind in feed.kinds.iter().filter(|kind| integration.sync.contains(kind)) {
            let fetched = last.counts.get(kind).map(|counts| counts.fetched).unwrap_or_default();
            if fetched > LOOKED_AT_MAX {
                missing += fetched;
                continue;
            }
            let entries = find::entries_of(table, integration, *kind).await?;
            missing += entries.iter().filter(|entry| needs_call(entry, integration)).count() as u64;
        }
    }
    Ok(missing)
}

fn needs_call(entry: &Entry, integration: &Integration) -> bool {
    let is_there = !entry.absent.as_ref().is_some_and(|absence| absence.certain);
    entry.listed.is_none() && is_there && is_worth_a_call(&entry.record, integration)
}
