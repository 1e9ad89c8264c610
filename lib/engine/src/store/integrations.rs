//! Integrations: one configured account at a vendor.

use std::collections::{BTreeMap, BTreeSet};

use apis::feed::Vendor;
use jiff::Timestamp;
use reconcile::doc::Role;
use reconcile::ids::IntegrationId;
use reconcile::plan::Policy;
use reconcile::record::Kind;
use serde::{Deserialize, Serialize};

use super::{StoreError, decode, encode, query_all};
use crate::ports::{Expect, Key, Query, Table, Write};

/// Where an integration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntegrationState {
    /// Added, not verified yet.
    Draft,
    /// The vendor answered with these settings and this secret.
    Verified,
    /// Kinds are chosen.
    Configured,
    /// Finished: runs write.
    Live,
    /// A person paused it.
    Paused,
    /// The vendor refused the secret; no call is made until a new one is verified.
    CredentialsRejected,
}

/// One integration. Its secret is not here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integration {
    /// The slug.
    pub id: IntegrationId,
    /// The vendor's id.
    pub vendor: String,
    /// What sort of system it is.
    pub role: Role,
    /// The settings as given, normalised.
    pub settings: BTreeMap<String, String>,
    /// Where it stands.
    pub state: IntegrationState,
    /// The state to go back to when it is resumed, while paused or rejected.
    pub resumes_to: Option<IntegrationState>,
    /// Kinds that are synced.
    pub sync: BTreeSet<Kind>,
    /// Kinds whose new records are created by themselves.
    pub auto_create: BTreeSet<Kind>,
    /// The chosen configuration types by id; `None` where the vendor has none to choose.
    pub types: Option<BTreeSet<String>>,
    /// When it runs: five cron fields.
    pub schedule: String,
    /// The time zone of the schedule, an IANA name.
    pub time_zone: String,
    /// Whether documentation records are archived once all their sources are stale.
    pub archive_stale: bool,
    /// Kinds whose first sync is completed.
    pub first_synced: BTreeSet<Kind>,
    /// Moves whenever a decision or a switch changes what an unchanged read would lead to; digests of an older epoch
    /// skip nothing.
    pub epoch: u64,
    /// When it was added.
    pub added_at: Timestamp,
    /// The version the store holds; 0 for one that is not stored yet.
    #[serde(skip)]
    pub version: u64,
}

/// The schedule where none is set: 20:00 each day (product.md section 4).
pub const SCHEDULE_DEFAULT: &str = "0 20 * * *";

impl Integration {
    /// Makes an integration as it is when it is added: nothing is verified and nothing chosen.
    pub fn draft(id: IntegrationId, vendor: &Vendor, settings: BTreeMap<String, String>, added_at: Timestamp) -> Self {
        Self {
            id,
            vendor: vendor.id.to_owned(),
            role: vendor.role,
            settings,
            state: IntegrationState::Draft,
            resumes_to: None,
            sync: BTreeSet::new(),
            auto_create: BTreeSet::new(),
            types: vendor.has_asset_types.then(BTreeSet::new),
            schedule: SCHEDULE_DEFAULT.to_owned(),
            time_zone: "UTC".to_owned(),
            archive_stale: false,
            first_synced: BTreeSet::new(),
            epoch: 0,
            added_at,
            version: 0,
        }
    }

    /// Returns the switches that plans look at.
    pub fn policy(&self) -> Policy {
        let taken = self.settings.get("company_types").map(String::as_str).unwrap_or_default();
        Policy {
            sync: self.sync.clone(),
            auto_create: self.auto_create.clone(),
            asset_types: self.types.clone(),
            company_types: taken.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect(),
            first_sync: self.sync.difference(&self.first_synced).copied().collect(),
            archive_stale: self.archive_stale,
        }
    }
}

const PARTITION: &str = "integrations";

fn key(id: &IntegrationId) -> Key {
    Key::new(PARTITION, id.as_str())
}

/// Loads one integration.
pub async fn load(table: &impl Table, id: &IntegrationId) -> Result<Option<Integration>, StoreError> {
    let Some(item) = table.get(&key(id)).await? else { return Ok(None) };
    let mut integration: Integration = decode(&item)?;
    integration.version = item.version;
    Ok(Some(integration))
}

/// Loads all integrations, sorted by id.
pub async fn list(table: &impl Table) -> Result<Vec<Integration>, StoreError> {
    let mut integrations = Vec::new();
    for item in query_all(table, Query::partition(PARTITION)).await? {
        let mut integration: Integration = decode(&item)?;
        integration.version = item.version;
        integrations.push(integration);
    }
    Ok(integrations)
}

/// Returns the write that stores an integration at the version it was loaded with.
pub fn write(integration: &Integration) -> Write {
    Write::put(key(&integration.id), Expect::Version(integration.version), encode(integration))
}

/// Saves an integration at the version it was loaded with, and moves that version on.
pub async fn save(table: &impl Table, integration: &mut Integration) -> Result<(), StoreError> {
    let write = write(integration);
    let expect = write.expect;
    table.write(write).await?;
    integration.version = expect.next_version();
    Ok(())
}

/// Loads, changes and saves, again where somebody else wrote in between. Returns the integration as saved, or `None`
/// where there is none. `change` may run several times.
pub async fn update(
    table: &impl Table,
    id: &IntegrationId,
    change: impl Fn(&mut Integration) + Send,
) -> Result<Option<Integration>, StoreError> {
    loop {
        let Some(mut integration) = load(table, id).await? else { return Ok(None) };
        let before = integration.clone();
        change(&mut integration);
        if integration == before {
            return Ok(Some(integration));
        }
        match save(table, &mut integration).await {
            Err(error) if error.is_conflict() => {}
            other => return other.map(|()| Some(integration)),
        }
    }
}

/// Removes an integration's own item; its records and runs stay as history.
pub async fn remove(table: &impl Table, integration: &Integration) -> Result<(), StoreError> {
    Ok(table.write(Write::delete(key(&integration.id), Expect::Version(integration.version))).await?)
}
