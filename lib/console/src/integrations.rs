//! Setting integrations up: added → verified → configured, paused and resumed, secrets rotated.

mod change;
mod same;
pub(crate) mod types;

use std::collections::{BTreeMap, BTreeSet};

use apis::account::{Account, SettingsError};
use apis::call::Secret;
use apis::feed::Vendor;
use apis::vendors;
use engine::ports::{Clock, Secrets, Table};
use engine::schedule::Schedule;
use engine::store::audit::newest;
use engine::store::catalogue::{self, Shelf};
use engine::store::integrations::{Integration, IntegrationState, SCHEDULE_DEFAULT, list as load_all, save, update};
use engine::store::runs::{Slot, slot};
use engine::store::{entries, integrations as store, roster};
use engine::verifying::verify;
use jiff::Timestamp;
use reconcile::ids::IntegrationId;
use reconcile::record::Kind;

use crate::answer::Answer;
use crate::cost::expected_cost;
use crate::error::{Code, ConsoleError};
use crate::handle::Deps;
use crate::request::{IntegrationChange, Page};
use crate::verify::Verdicts;
use crate::views::{IntegrationView, List, RemovedView, TypeView, VerifyView};
use crate::{find, nearest, paging};

/// The time zone where none is set.
const TIME_ZONE_DEFAULT: &str = "UTC";

/// Returns the vendor with this id.
pub(crate) fn vendor(id: &str) -> Result<&'static Vendor, ConsoleError> {
    vendors::find(id).ok_or_else(|| {
        let known = vendors::ALL.iter().map(|vendor| vendor.id);
        ConsoleError::new(Code::Usage, format!("there is no vendor {id:?}"), nearest::hint(id, known, ""))
    })
}

impl From<SettingsError> for ConsoleError {
    fn from(error: SettingsError) -> Self {
        match &error {
            SettingsError::CredentialsInUrl | SettingsError::PlainHttp { .. } | SettingsError::Loopback { .. } => {
                Self::new(Code::Refused, error.to_string(), "nothing was sent")
            }
            _ => Self::new(Code::Usage, error.to_string(), "nothing was changed"),
        }
    }
}

/// Returns an integration as people see it.
pub(crate) fn view(integration: &Integration, now: Timestamp) -> IntegrationView {
    let kinds = vendors::find(&integration.vendor).map(|vendor| vendor.kinds.to_vec()).unwrap_or_default();
    IntegrationView {
        integration: integration.id.clone(),
        vendor: integration.vendor.clone(),
        state: integration.state.into(),
        settings: integration.settings.clone(),
        kinds,
        sync: integration.sync.iter().copied().collect(),
        auto_create: integration.auto_create.iter().copied().collect(),
        types: integration.types.as_ref().map(|types| types.iter().cloned().collect()),
        schedule: Some(integration.schedule.clone()).filter(|line| !line.is_empty()),
        time_zone: integration.time_zone.clone(),
        archive_stale: integration.archive_stale,
        next_run_at: next_run_at(integration, now),
        expected_cost: None,
    }
}

/// Returns when an integration runs next by itself: only a live one does.
pub(crate) fn next_run_at(integration: &Integration, now: Timestamp) -> Option<Timestamp> {
    if integration.state != IntegrationState::Live || integration.schedule.is_empty() {
        return None;
    }
    Schedule::parse(&integration.schedule, &integration.time_zone, now).ok()?.after(now)
}

/// `integration add`.
pub(crate) async fn add<D: Deps>(
    deps: &D,
    id: &str,
    vendor_id: &str,
    mut settings: BTreeMap<String, String>,
    secret: Secret,
) -> Result<Answer, ConsoleError> {
    let id = IntegrationId::parse(id)
        .map_err(|error| ConsoleError::new(Code::Usage, error.to_string(), "give another id"))?;
    let vendor = vendor(vendor_id)?;
    let now = deps.clock().now();
    let time_zone = settings.remove("time_zone").unwrap_or_else(|| TIME_ZONE_DEFAULT.to_owned());
    change::check_schedule(SCHEDULE_DEFAULT, &time_zone, now)?;
    settings.retain(|_, value| !value.trim().is_empty());
    let account = Account::new(vendor, settings, secret, deps.surroundings())?;
    if store::load(deps.table(), &id).await?.is_some() {
        let message = format!("there is an integration {id} already");
        return Err(ConsoleError::new(
            Code::AlreadyExists,
            message,
            "choose another id, or `integration set` changes it",
        ));
    }
    check_reused_id(deps.table(), &id, vendor).await?;
    same::refuse_same_account(deps, &account).await?;
    let mut integration = Integration {
        time_zone,
        // An earlier integration of this id may have left digests; no epoch of its is as large as this one.
        epoch: now.as_second().unsigned_abs(),
        ..Integration::draft(id.clone(), vendor, account.settings.clone(), now)
    };
    save(deps.table(), &mut integration).await?;
    deps.secrets().propose(&id, &account.secret).await?;
    deps.secrets().promote(&id).await?;
    Ok(Answer::Integration(view(&integration, now)))
}

/// Refuses an id that belonged to an integration of another vendor: plans and runs of that one are kept under it.
async fn check_reused_id(table: &impl Table, id: &IntegrationId, vendor: &Vendor) -> Result<(), ConsoleError> {
    let added = newest(table, id.as_str(), 1000).await?.into_iter().find(|entry| entry.what == "integration add");
    let Some(before) = added else { return Ok(()) };
    if before.on.ends_with(&format!("vendor {}", vendor.id)) {
        return Ok(());
    }
    let message = format!("the id {id} belonged to an integration of another vendor, and its history is kept");
    Err(ConsoleError::new(Code::AlreadyExists, message, "choose another id"))
}

/// `integration list`.
pub(crate) async fn list<D: Deps>(deps: &D, page: &Page) -> Result<Answer, ConsoleError> {
    let now = deps.clock().now();
    let all = load_all(deps.table()).await?;
    let list = paging::slice(all, page, |one| one.id.to_string())?;
    let items = list.items.iter().map(|one| view(one, now)).collect();
    Ok(Answer::Integrations(List { items, next: list.next }))
}

/// `integration show`.
pub(crate) async fn show<D: Deps>(deps: &D, id: &str) -> Result<Answer, ConsoleError> {
    told(deps, &find::integration(deps.table(), id).await?).await
}

/// Answers with an integration and what its next run costs.
async fn told<D: Deps>(deps: &D, integration: &Integration) -> Result<Answer, ConsoleError> {
    let expected_cost = expected_cost(deps.table(), integration).await?;
    Ok(Answer::Integration(IntegrationView { expected_cost, ..view(integration, deps.clock().now()) }))
}

/// Refuses while a run is open: it would go on writing.
async fn refuse_while_running(table: &impl Table, id: &IntegrationId) -> Result<(), ConsoleError> {
    match slot(table, id).await? {
        Slot::Free { .. } => Ok(()),
        Slot::Taken(run) if run.run.is_held() => {
            let hint = "approve or discard its plan first: `plans ID` shows it";
            Err(ConsoleError::new(Code::Held, format!("the run {} waits for a person", run.run_id), hint))
        }
        Slot::Taken(run) => {
            let message = format!("the run {} is under way", run.run_id);
            Err(ConsoleError::new(Code::Busy, message, "wait for its end, then repeat"))
        }
    }
}

/// The most vendor records that leave their documentation records in one transaction.
const REMOVED_AT_ONCE: usize = 40;
const _: () = assert!(2 * REMOVED_AT_ONCE < engine::ports::TRANSACTION_WRITES_MAX);

/// `integration remove`: its vendor records and decisions go, and the documentation keeps the values as its own. Given
/// again after a crash it goes on where it stopped.
pub(crate) async fn remove<D: Deps>(deps: &D, id: &str) -> Result<Answer, ConsoleError> {
    let table = deps.table();
    let integration = find::integration(table, id).await?;
    refuse_while_running(table, &integration.id).await?;
    let mut mappings_removed = 0;
    // Clients come last: they are the way to the records below them.
    for kind in [Kind::Asset, Kind::Contact, Kind::Location, Kind::User, Kind::Client] {
        for scope in find::scopes(table, &integration, kind).await? {
            let range = entries::IdRange::default();
            let found = entries::load_range(table, &integration.id, &scope, kind, &range).await?;
            let found: Vec<_> = found.into_values().collect();
            for some in found.chunks(REMOVED_AT_ONCE) {
                mappings_removed += remove_entries(table, &integration.id, some).await?;
            }
        }
    }
    let noted = entries::staged_scopes(table, &integration.id).await?;
    entries::clear_staged(table, &integration.id, &noted).await?;
    roster::forget(table, &integration.id).await?;
    deps.secrets().remove(&integration.id).await?;
    store::remove(table, &integration).await?;
    Ok(Answer::Removed(RemovedView { integration: integration.id, mappings_removed }))
}

async fn remove_entries(
    table: &impl Table,
    integration: &IntegrationId,
    some: &[reconcile::mapping::Entry],
) -> Result<u64, ConsoleError> {
    let mut by_shelf: BTreeMap<Option<Shelf>, Vec<&reconcile::mapping::Entry>> = BTreeMap::new();
    for entry in some {
        by_shelf.entry(entry.mapping.doc.as_ref().map(Shelf::of)).or_default().push(entry);
    }
    let mut mapped = 0;
    for (shelf, entries_there) in by_shelf {
        let mut writes: Vec<_> = entries_there.iter().map(|entry| entries::delete(integration, entry)).collect();
        if let Some(shelf) = shelf {
            mapped += entries_there.len() as u64;
            let loaded = catalogue::load_shelf(table, &shelf).await?;
            let docs = entries_there.iter().filter_map(|entry| loaded.docs.get(entry.mapping.doc.as_ref()?));
            for doc in docs {
                let mut doc = doc.clone();
                if let Some(source) = doc.sources.remove(integration) {
                    for (field, value) in source.fields.iter() {
                        if doc.imported.get(field).is_none() {
                            doc.imported.set(field, value.clone());
                        }
                    }
                    writes.push(catalogue::write(&doc));
                }
            }
            writes.push(catalogue::move_version(&shelf, loaded.version));
        }
        table.transact(writes).await?;
    }
    Ok(mapped)
}

/// `integration pause`.
pub(crate) async fn pause<D: Deps>(deps: &D, id: &str) -> Result<Answer, ConsoleError> {
    let integration = find::integration(deps.table(), id).await?;
    if integration.state == IntegrationState::CredentialsRejected {
        let message = format!("{id} is stopped already: the vendor refused its secret");
        return Err(ConsoleError::new(Code::Refused, message, format!("`secret rotate {id}` brings it back")));
    }
    let paused = update(deps.table(), &integration.id, |integration| {
        let stands = integration.state;
        if !matches!(stands, IntegrationState::Paused | IntegrationState::CredentialsRejected) {
            integration.resumes_to = Some(stands);
            integration.state = IntegrationState::Paused;
        }
    });
    changed(deps, id, paused.await?).await
}

/// `integration resume`.
pub(crate) async fn resume<D: Deps>(deps: &D, id: &str) -> Result<Answer, ConsoleError> {
    let integration = find::integration(deps.table(), id).await?;
    if integration.state == IntegrationState::CredentialsRejected {
        let message = format!("{id} cannot be resumed: the vendor refuses its secret");
        let hint =
            format!("`secret rotate {id}` with a new one, or `integration verify {id}` if the old one works again");
        return Err(ConsoleError::new(Code::CredentialsRejected, message, hint));
    }
    let resumed = update(deps.table(), &integration.id, |integration| {
        if integration.state == IntegrationState::Paused {
            integration.state = integration.resumes_to.take().unwrap_or(IntegrationState::Draft);
        }
    });
    changed(deps, id, resumed.await?).await
}

async fn changed<D: Deps>(deps: &D, id: &str, after: Option<Integration>) -> Result<Answer, ConsoleError> {
    match after {
        Some(integration) => Ok(Answer::Integration(view(&integration, deps.clock().now()))),
        None => Err(ConsoleError::new(Code::Changed, format!("{id} was removed meanwhile"), "")),
    }
}

/// Returns the account of an integration with `secret`.
fn account<D: Deps>(deps: &D, integration: &Integration, secret: Secret) -> Result<Account, ConsoleError> {
    let vendor = vendor(&integration.vendor)?;
    Ok(Account::new(vendor, integration.settings.clone(), secret, deps.surroundings())?)
}

async fn current_secret<D: Deps>(deps: &D, integration: &Integration) -> Result<Secret, ConsoleError> {
    deps.secrets().current(&integration.id).await?.ok_or_else(|| {
        let message = format!("{} has no secret", integration.id);
        ConsoleError::new(Code::NotVerified, message, format!("`secret rotate {}` gives it one", integration.id))
    })
}

/// Returns the kinds that are asked about: those that are synced, and all of the vendor before any is chosen.
fn kinds_to_verify(integration: &Integration, vendor: &Vendor) -> BTreeSet<Kind> {
    if integration.sync.is_empty() { vendor.kinds.iter().copied().collect() } else { integration.sync.clone() }
}

/// Says whether the vendor's answers are enough: of chosen kinds all must work, before the choice one is enough.
fn is_enough(integration: &Integration, verdicts: &Verdicts) -> bool {
    if integration.sync.is_empty() { verdicts.any_works() } else { verdicts.all_work() }
}

/// `integration verify`.
pub(crate) async fn check<D: Deps>(deps: &D, id: &str) -> Result<Answer, ConsoleError> {
    let integration = find::integration(deps.table(), id).await?;
    let secret = current_secret(deps, &integration).await?;
    let account = account(deps, &integration, secret)?;
    let kinds = kinds_to_verify(&integration, account.vendor);
    let verdicts = Verdicts::new(&verify(&account, &kinds, deps.transport()).await, &kinds);
    let ok = is_enough(&integration, &verdicts);
    let after = update(deps.table(), &integration.id, |integration| {
        if ok {
            accept(integration);
        } else if verdicts.is_secret_refused {
            reject(integration);
        }
    });
    let state = after.await?.map_or(integration.state, |after| after.state);
    let view =
        VerifyView { integration: integration.id, ok, state: state.into(), items: verdicts.kinds, promoted: None };
    Ok(Answer::Verified(view))
}

/// Moves an integration on, whose secret works.
fn accept(integration: &mut Integration) {
    use IntegrationState::{Configured, CredentialsRejected, Draft, Live, Paused, Verified};
    match integration.state {
        Draft | CredentialsRejected => {
            let before = integration.resumes_to.take().filter(|state| *state != Draft);
            integration.state = before.unwrap_or(Verified);
        }
        Paused if integration.resumes_to == Some(Draft) => integration.resumes_to = Some(Verified),
        Paused | Verified | Configured | Live => {}
    }
}

/// Stops an integration whose secret is refused; one that never worked stays a draft.
fn reject(integration: &mut Integration) {
    use IntegrationState::{Configured, CredentialsRejected, Draft, Live, Paused, Verified};
    if matches!(integration.state, Verified | Configured | Live) {
        integration.resumes_to = Some(integration.state);
        integration.state = CredentialsRejected;
    } else {
        debug_assert!(matches!(integration.state, Draft | Paused | CredentialsRejected));
    }
}

/// `secret rotate`: verified before it becomes current; a refused one leaves the old one where it is.
pub(crate) async fn rotate<D: Deps>(deps: &D, id: &str, secret: Secret) -> Result<Answer, ConsoleError> {
    let integration = find::integration(deps.table(), id).await?;
    let account = account(deps, &integration, secret)?;
    let kinds = kinds_to_verify(&integration, account.vendor);
    let verdicts = Verdicts::new(&verify(&account, &kinds, deps.transport()).await, &kinds);
    let ok = is_enough(&integration, &verdicts);
    let mut state = integration.state;
    if ok {
        deps.secrets().propose(&integration.id, &account.secret).await?;
        deps.secrets().promote(&integration.id).await?;
        state = update(deps.table(), &integration.id, accept).await?.map_or(state, |after| after.state);
    }
    Ok(Answer::Verified(VerifyView {
        integration: integration.id,
        ok,
        state: state.into(),
        items: verdicts.kinds,
        promoted: Some(ok),
    }))
}

/// So often a change is tried again when somebody else changes the integration at the same time.
const CHANGE_TRIES_MAX: usize = 5;

/// `integration set`.
pub(crate) async fn set<D: Deps>(deps: &D, id: &str, wanted: &IntegrationChange) -> Result<Answer, ConsoleError> {
    let now = deps.clock().now();
    let known_types = known_types(deps, &find::integration(deps.table(), id).await?, wanted).await?;
    for _ in 0..CHANGE_TRIES_MAX {
        let mut integration = find::integration(deps.table(), id).await?;
        let vendor = vendor(&integration.vendor)?;
        let facts = change::Facts {
            vendor,
            has_mapped_clients: has_mapped_clients(deps.table(), &integration, wanted).await?,
            known_types: &known_types,
            now,
        };
        let before = integration.clone();
        change::apply(&mut integration, wanted, &facts)?;
        if integration.settings != before.settings {
            let secret = current_secret(deps, &integration).await?;
            let account = account(deps, &integration, secret)?;
            integration.settings = account.settings;
        }
        if integration == before {
            return told(deps, &integration).await;
        }
        match save(deps.table(), &mut integration).await {
            Ok(()) => return told(deps, &integration).await,
            Err(error) if error.is_conflict() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ConsoleError::new(Code::Changed, format!("{id} is being changed by somebody else"), "repeat in a moment"))
}

async fn has_mapped_clients(
    table: &impl Table,
    integration: &Integration,
    wanted: &IntegrationChange,
) -> Result<bool, ConsoleError> {
    let needed = wanted.sync.as_ref().is_some_and(|sync| !sync.contains(&Kind::Client));
    if !needed {
        return Ok(true);
    }
    let clients = find::entries_of(table, integration, Kind::Client).await?;
    Ok(clients.iter().any(|entry| entry.mapping.doc.is_some()))
}

/// Returns the types that a change may name; nobody is asked where it names none, or may name none yet.
async fn known_types<D: Deps>(
    deps: &D,
    integration: &Integration,
    wanted: &IntegrationChange,
) -> Result<Vec<TypeView>, ConsoleError> {
    let names_some = wanted.types.as_ref().is_some_and(|types| types.iter().any(|word| !word.trim().is_empty()));
    if !names_some || integration.types.is_none() || integration.state == IntegrationState::Draft {
        return Ok(Vec::new());
    }
    types::known(deps, integration).await
}

/// Says that nothing is possible before `verify` succeeds.
pub(crate) fn not_verified(integration: &Integration) -> ConsoleError {
    let message = format!("{} is not verified yet", integration.id);
    ConsoleError::new(Code::NotVerified, message, format!("`integration verify {}` comes first", integration.id))
}
