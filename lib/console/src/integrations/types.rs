//! The configuration types that an operator chooses among: the vendor's own list, or what the assets that were read say.
//!
//! Where the vendor has a list, it is asked each time: it is one short answer, and a list that is remembered would offer
//! types that are gone and hide new ones.

use std::collections::BTreeMap;

use apis::feed::Vendor;
use apis::refusal::Cause;
use apis::words::{TYPES, Words};
use engine::line::{Line, Pace, Spent};
use engine::listing::{Ending, Listing, list};
use engine::ports::Table;
use engine::store::integrations::{Integration, IntegrationState, update};
use reconcile::record::Kind;

use super::{account, current_secret, not_verified, reject, vendor};
use crate::answer::Answer;
use crate::error::{Code, ConsoleError};
use crate::find;
use crate::handle::Deps;
use crate::paging;
use crate::request::Page;
use crate::runs::not_now;
use crate::views::TypeView;

/// `integration types`.
pub(crate) async fn types<D: Deps>(deps: &D, id: &str, page: &Page) -> Result<Answer, ConsoleError> {
    let integration = find::integration(deps.table(), id).await?;
    if integration.types.is_none() {
        return Err(none_to_choose(vendor(&integration.vendor)?));
    }
    if integration.state == IntegrationState::Draft {
        return Err(not_verified(&integration));
    }
    let types = known(deps, &integration).await?;
    Ok(Answer::Types(paging::slice(types, page, |one| one.id.clone())?))
}

/// Says that a vendor has no types.
pub(super) fn none_to_choose(vendor: &Vendor) -> ConsoleError {
    let message = format!("{} has no configuration types to choose from", vendor.name);
    ConsoleError::new(Code::Refused, message, "all of its assets are taken in")
}

/// Returns the types that may be chosen: those that the vendor lists, those that assets have, and those that are chosen.
pub(super) async fn known<D: Deps>(deps: &D, integration: &Integration) -> Result<Vec<TypeView>, ConsoleError> {
    let chosen = integration.types.clone().unwrap_or_default();
    let listed = match vendor(&integration.vendor)?.type_list {
        Some(feed) => listed(deps, integration, feed).await?,
        None => Words::default(),
    };
    let read = of_assets(deps.table(), integration).await?;
    let view = |id: &str, name: &str| TypeView {
        id: id.to_owned(),
        name: name.to_owned(),
        count: read.as_ref().map(|types| types.get(id).map_or(0, |(_, count)| *count)),
        selected: chosen.contains(id),
    };
    let mut types: BTreeMap<String, TypeView> =
        listed.of(TYPES).map(|(id, name)| (id.to_owned(), view(id, name))).collect();
    for (id, (name, _)) in read.iter().flatten() {
        types.entry(id.clone()).or_insert_with(|| view(id, name));
    }
    for id in &chosen {
        types.entry(id.clone()).or_insert_with(|| view(id, id));
    }
    let mut types: Vec<TypeView> = types.into_values().collect();
    types.sort_by(|one, other| order(&one.id).cmp(&order(&other.id)));
    Ok(types)
}

/// Ids are numbers mostly, and people look for 7 before 12.
fn order(id: &str) -> (u64, &str) {
    (id.parse().unwrap_or(u64::MAX), id)
}

/// Asks the vendor for its list.
async fn listed<D: Deps>(deps: &D, integration: &Integration, feed: &'static str) -> Result<Words, ConsoleError> {
    if integration.state == IntegrationState::CredentialsRejected {
        return Err(not_now(integration, integration.state));
    }
    let secret = current_secret(deps, integration).await?;
    let account = account(deps, integration, secret)?;
    let feed = account.vendor.feed(feed).expect("the list of types is one of the vendor's feeds");
    let pace = Pace::new(&account, &Spent::default());
    let line = Line::new(&account, deps.transport(), deps.clock(), &pace);
    let Listing { words, ending, .. } = list(&line, feed, None, None, &Words::default()).await;
    let failed = |code, why: String, hint: String| {
        let message = format!("the configuration types of {} cannot be listed: {why}", integration.id);
        Err(ConsoleError::new(code, message, hint))
    };
    match ending {
        Ending::Complete => Ok(words),
        Ending::Refused(refusal) if refusal.cause == Cause::Credentials => {
            update(deps.table(), &integration.id, reject).await?;
            failed(Code::CredentialsRejected, refusal.to_string(), refusal.hint)
        }
        Ending::Refused(refusal) => failed(Code::Vendor, refusal.to_string(), refusal.hint),
        Ending::Incomplete(why) => failed(Code::Vendor, why, "try again in a few minutes".to_owned()),
        Ending::OutOfTime(_) => {
            failed(Code::Vendor, "the vendor asks to wait".to_owned(), "try again in a few minutes".to_owned())
        }
    }
}

/// Returns names and numbers of the types that assets have; `None` before any was read.
async fn of_assets(
    table: &impl Table,
    integration: &Integration,
) -> Result<Option<BTreeMap<String, (String, u64)>>, ConsoleError> {
    let assets = find::entries_of(table, integration, Kind::Asset).await?;
    if assets.is_empty() {
        return Ok(None);
    }
    let mut types: BTreeMap<String, (String, u64)> = BTreeMap::new();
    for asset in assets.into_iter().filter(|asset| !asset.absent.as_ref().is_some_and(|absence| absence.certain)) {
        let Some(class) = asset.record.class else { continue };
        types.entry(class.id).or_insert((class.name, 0)).1 += 1;
    }
    Ok(Some(types))
}
