//! What `integration set` may change, and what it refuses: pure.

use std::collections::BTreeSet;

use apis::feed::Vendor;
use engine::schedule::Schedule;
use engine::store::integrations::{Integration, IntegrationState};
use jiff::Timestamp;
use reconcile::ids::IntegrationId;
use reconcile::record::Kind;

use super::not_verified;
use super::types::none_to_choose;
use crate::error::{Code, ConsoleError};
use crate::nearest;
use crate::request::IntegrationChange;
use crate::views::TypeView;

/// What a change is judged by, beside the integration itself.
pub(super) struct Facts<'a> {
    /// Its vendor.
    pub vendor: &'a Vendor,
    /// Whether at least one of its clients is mapped.
    pub has_mapped_clients: bool,
    /// The configuration types that may be chosen, where the change names some.
    pub known_types: &'a [TypeView],
    /// The present instant.
    pub now: Timestamp,
}

fn usage(message: impl Into<String>, hint: impl Into<String>) -> ConsoleError {
    ConsoleError::new(Code::Usage, message, hint)
}

fn refused(message: impl Into<String>, hint: impl Into<String>) -> ConsoleError {
    ConsoleError::new(Code::Refused, message, hint)
}

/// Checks a schedule; an empty line is "never".
pub(super) fn check_schedule(line: &str, time_zone: &str, now: Timestamp) -> Result<(), ConsoleError> {
    // The time zone is checked also where nothing fires in it.
    let line = if line.trim().is_empty() { "0 0 * * *" } else { line };
    match Schedule::parse(line, time_zone, now) {
        Ok(_) => Ok(()),
        Err(error) => Err(usage(error.to_string(), "for example: --schedule '0 20 * * *' --time-zone Europe/Berlin")),
    }
}

/// Applies a change, or says why not; then nothing is changed.
pub(super) fn apply(
    integration: &mut Integration,
    wanted: &IntegrationChange,
    facts: &Facts<'_>,
) -> Result<(), ConsoleError> {
    let mut changed = integration.clone();
    let only_settings = wanted.sync.is_none()
        && wanted.auto_create.is_none()
        && wanted.types.is_none()
        && wanted.schedule.is_none()
        && wanted.archive_stale.is_none();
    if integration.state == IntegrationState::Draft && !only_settings {
        return Err(not_verified(integration));
    }
    settings(&mut changed, wanted, facts)?;
    kinds(&mut changed, wanted, facts)?;
    types(&mut changed, wanted, facts)?;
    if let Some(line) = &wanted.schedule {
        changed.schedule = line.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    if let Some(zone) = &wanted.time_zone {
        changed.time_zone = zone.trim().to_owned();
    }
    check_schedule(&changed.schedule, &changed.time_zone, facts.now)?;
    if let Some(archive_stale) = wanted.archive_stale {
        changed.archive_stale = archive_stale;
    }
    if changed.policy() != integration.policy() {
        changed.epoch += 1;
    }
    if changed.state == IntegrationState::Verified && !changed.sync.is_empty() {
        changed.state = IntegrationState::Configured;
    }
    *integration = changed;
    Ok(())
}

/// Changes settings; another address or account at the vendor has to be verified again.
fn settings(changed: &mut Integration, wanted: &IntegrationChange, facts: &Facts<'_>) -> Result<(), ConsoleError> {
    let mut is_elsewhere = false;
    for (name, value) in &wanted.settings {
        if name == "time_zone" {
            changed.time_zone = value.trim().to_owned();
            continue;
        }
        let before = if value.trim().is_empty() {
            changed.settings.remove(name)
        } else {
            changed.settings.insert(name.clone(), value.trim().to_owned())
        };
        let is_vendors = facts.vendor.settings.iter().any(|spec| spec.name == name) && name != "company_types";
        is_elsewhere |= is_vendors && before.as_deref().unwrap_or_default() != value.trim();
    }
    let stands = changed.state;
    if is_elsewhere && !matches!(stands, IntegrationState::Draft | IntegrationState::Paused) {
        if stands != IntegrationState::CredentialsRejected {
            changed.resumes_to = Some(stands);
        }
        changed.state = IntegrationState::Draft;
    }
    Ok(())
}

fn kinds(changed: &mut Integration, wanted: &IntegrationChange, facts: &Facts<'_>) -> Result<(), ConsoleError> {
    let offered: Vec<&str> = facts.vendor.kinds.iter().map(|kind| kind.code()).collect();
    let asked = wanted.sync.iter().chain(&wanted.auto_create).flatten();
    if let Some(kind) = asked.into_iter().find(|kind| !facts.vendor.kinds.contains(kind)) {
        let message = format!("{} has no records of the kind {kind}", facts.vendor.name);
        return Err(refused(message, format!("it has: {}", offered.join(", "))));
    }
    if let Some(sync) = &wanted.sync {
        if sync.is_empty() {
            return Err(usage("no kind is given to sync", format!("`integration pause {}` stops it", changed.id)));
        }
        let below = sync.iter().find(|kind| kind.is_below_client());
        if let Some(kind) = below
            && !sync.contains(&Kind::Client)
            && !facts.has_mapped_clients
        {
            let message = format!("{kind} belongs to clients, and no client is mapped");
            return Err(refused(message, format!("sync client too: --sync client,{kind}")));
        }
        let by_default = sync.difference(&changed.sync).copied().filter(|kind| kind.is_below_client());
        let kept = changed.auto_create.intersection(sync).copied();
        changed.auto_create = kept.chain(by_default).collect::<BTreeSet<_>>();
        changed.sync = sync.clone();
    }
    if let Some(auto_create) = &wanted.auto_create {
        if let Some(kind) = auto_create.difference(&changed.sync).next() {
            let message = format!("{kind} cannot be created by itself while it is not synced");
            let all: Vec<&str> = changed.sync.iter().chain([kind]).map(|kind| kind.code()).collect();
            return Err(refused(message, format!("switch it on as well: --sync {}", all.join(","))));
        }
        changed.auto_create = auto_create.clone();
    }
    Ok(())
}

fn types(changed: &mut Integration, wanted: &IntegrationChange, facts: &Facts<'_>) -> Result<(), ConsoleError> {
    let Some(asked) = &wanted.types else { return Ok(()) };
    if !facts.vendor.has_asset_types {
        return Err(none_to_choose(facts.vendor));
    }
    let words = asked.iter().map(|word| word.trim()).filter(|word| !word.is_empty());
    changed.types = Some(words.map(|word| chosen(word, &changed.id, facts)).collect::<Result<_, _>>()?);
    Ok(())
}

/// Returns the id of the type that a word names: an id, or a name that no other type has.
fn chosen(word: &str, id: &IntegrationId, facts: &Facts<'_>) -> Result<String, ConsoleError> {
    if facts.known_types.iter().any(|one| one.id == word) {
        return Ok(word.to_owned());
    }
    let called: Vec<&str> =
        facts.known_types.iter().filter(|one| one.name == word).map(|one| one.id.as_str()).collect();
    match called[..] {
        [one] => Ok(one.to_owned()),
        [] => {
            let words = facts.known_types.iter().flat_map(|one| [one.id.as_str(), one.name.as_str()]);
            let otherwise = match facts.known_types {
                [] => format!("none are known before the assets were read: `sync {id}` reads them"),
                _ => format!("`integration types {id}` shows them"),
            };
            Err(usage(format!("there is no configuration type {word:?}"), nearest::hint(word, words, &otherwise)))
        }
        [..] => Err(usage(
            format!("several configuration types are called {word:?}"),
            format!("give the id of the one that is meant: {}", called.join(", ")),
        )),
    }
}
