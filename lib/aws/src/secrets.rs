//! The integrations' secrets in Secrets Manager.
//!
//! A secret is called `PREFIX/<integration>` and holds a JSON object of its parts. The proposed one has the stage
//! `AWSPENDING`, the current one `AWSCURRENT`, and Secrets Manager itself keeps the one before as `AWSPREVIOUS`. Since a
//! secret's very first version is current at once, an empty object is stored first, which counts as none.

use std::collections::{BTreeMap, HashMap};

use apis::call::{Secret, SecretText};
use aws_sdk_secretsmanager::Client;
use engine::ports::{Cause, Secrets, SecretsError};
use reconcile::ids::IntegrationId;

use crate::Config;
use crate::failure::told;

const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";
/// The first version of a secret, before one was promoted.
const NONE_YET: &str = "{}";

/// Secrets Manager, below one prefix of names.
#[derive(Debug)]
pub struct SecretsManager {
    client: Client,
    prefix: String,
}

impl SecretsManager {
    /// Opens the secrets below `prefix`; nothing is sent.
    pub fn open(config: &Config, prefix: impl Into<String>) -> Self {
        Self::new(Client::new(config), prefix)
    }

    /// Uses the secrets below `prefix`.
    pub fn new(client: Client, prefix: impl Into<String>) -> Self {
        Self { client, prefix: prefix.into() }
    }

    fn name(&self, integration: &IntegrationId) -> String {
        format!("{}/{integration}", self.prefix)
    }

    async fn read(&self, integration: &IntegrationId, stage: &str) -> Result<Option<Secret>, Cause> {
        let request = self.client.get_secret_value().secret_id(self.name(integration)).version_stage(stage);
        match request.send().await {
            // A promotion that was interrupted leaves both stages on one version: it is current.
            Ok(found) if stage == PENDING && found.version_stages().iter().any(|label| label == CURRENT) => Ok(None),
            Ok(found) => parse(found.secret_string().unwrap_or_default()),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {
                Ok(None)
            }
            Err(error) => Err(told(&error).into()),
        }
    }

    async fn create(&self, integration: &IntegrationId) -> Result<(), Cause> {
        let request = self.client.create_secret().name(self.name(integration)).secret_string(NONE_YET);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_exists_exception()) => Ok(()),
            Err(error) => Err(told(&error).into()),
        }
    }

    /// Stores a proposed version; `false` where the secret does not exist yet.
    async fn put(&self, integration: &IntegrationId, text: &str) -> Result<bool, Cause> {
        let request = self.client.put_secret_value().secret_id(self.name(integration));
        match request.secret_string(text).version_stages(PENDING).send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {
                Ok(false)
            }
            Err(error) => Err(told(&error).into()),
        }
    }

    /// Returns the stages of the secret's versions; none where there is no secret.
    async fn stages(&self, integration: &IntegrationId) -> Result<Stages, Cause> {
        match self.client.describe_secret().secret_id(self.name(integration)).send().await {
            Ok(described) => Ok(Stages(described.version_ids_to_stages.unwrap_or_default())),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {
                Ok(Stages::default())
            }
            Err(error) => Err(told(&error).into()),
        }
    }

    async fn withdraw(&self, integration: &IntegrationId, pending: &str) -> Result<(), Cause> {
        let request = self.client.update_secret_version_stage().secret_id(self.name(integration));
        request.version_stage(PENDING).remove_from_version_id(pending).send().await.map_err(|error| told(&error))?;
        Ok(())
    }

    /// Withdraws an earlier proposal first: Secrets Manager moves the stage by itself, stand-ins leave it on both.
    async fn propose_text(&self, integration: &IntegrationId, text: &str) -> Result<(), Cause> {
        if let Some(pending) = self.stages(integration).await?.holder(PENDING) {
            self.withdraw(integration, pending).await?;
        }
        if self.put(integration, text).await? {
            return Ok(());
        }
        self.create(integration).await?;
        if self.put(integration, text).await? { Ok(()) } else { Err("the secret vanished while it was made".into()) }
    }

    /// Moves `AWSCURRENT` to the proposed version, then takes `AWSPENDING` off it. Interrupted between the two, the
    /// secret is current already, and promoting again does the rest.
    async fn promote_pending(&self, integration: &IntegrationId) -> Result<(), Cause> {
        let stages = self.stages(integration).await?;
        let Some(pending) = stages.holder(PENDING) else { return Ok(()) };
        let current = stages.holder(CURRENT);
        if current != Some(pending) {
            let request = self.client.update_secret_version_stage().secret_id(self.name(integration));
            let request = request.version_stage(CURRENT).move_to_version_id(pending);
            let request = request.set_remove_from_version_id(current.map(str::to_owned));
            request.send().await.map_err(|error| told(&error))?;
        }
        self.withdraw(integration, pending).await
    }

    async fn delete(&self, integration: &IntegrationId) -> Result<(), Cause> {
        let request = self.client.delete_secret().secret_id(self.name(integration));
        match request.force_delete_without_recovery(true).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {
                Ok(())
            }
            Err(error) => Err(told(&error).into()),
        }
    }
}

/// Secrets that are one text each and no integration's, such as the console's own.
#[derive(Debug)]
pub struct Texts(Client);

impl Texts {
    /// Opens them; nothing is sent.
    pub fn open(config: &Config) -> Self {
        Self(Client::new(config))
    }

    /// Returns the current text of the secret with this whole name; `None` where there is none.
    pub async fn current(&self, name: &str) -> Result<Option<SecretText>, Cause> {
        match self.0.get_secret_value().secret_id(name).version_stage(CURRENT).send().await {
            Ok(found) => Ok(found.secret_string().map(SecretText::new)),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {
                Ok(None)
            }
            Err(error) => Err(told(&error).into()),
        }
    }
}

/// The stages of each version.
#[derive(Debug, Default)]
struct Stages(HashMap<String, Vec<String>>);

impl Stages {
    fn holder(&self, stage: &str) -> Option<&str> {
        let mut versions = self.0.iter();
        versions.find(|(_, labels)| labels.iter().any(|label| label == stage)).map(|(version, _)| version.as_str())
    }
}

fn render(secret: &Secret) -> Result<String, Cause> {
    let parts: BTreeMap<&str, &str> = secret.0.iter().map(|(name, text)| (name.as_str(), text.expose())).collect();
    Ok(serde_json::to_string(&parts)?)
}

/// Reads the parts; the parser's own words are left out, since they quote what they could not read.
fn parse(text: &str) -> Result<Option<Secret>, Cause> {
    let parts: BTreeMap<String, String> =
        serde_json::from_str(text).map_err(|_| "the stored secret is not a JSON object of texts")?;
    let parts: BTreeMap<String, SecretText> =
        parts.into_iter().map(|(name, text)| (name, SecretText::new(&text))).collect();
    Ok((!parts.is_empty()).then_some(Secret(parts)))
}

fn error(integration: &IntegrationId, operation: &'static str) -> impl FnOnce(Cause) -> SecretsError {
    let integration = integration.clone();
    move |cause| SecretsError { integration, operation, cause }
}

impl Secrets for SecretsManager {
    async fn current(&self, integration: &IntegrationId) -> Result<Option<Secret>, SecretsError> {
        self.read(integration, CURRENT).await.map_err(error(integration, "read"))
    }

    async fn proposed(&self, integration: &IntegrationId) -> Result<Option<Secret>, SecretsError> {
        self.read(integration, PENDING).await.map_err(error(integration, "read"))
    }

    async fn propose(&self, integration: &IntegrationId, secret: &Secret) -> Result<(), SecretsError> {
        let failed = error(integration, "proposed");
        match render(secret) {
            Ok(text) => self.propose_text(integration, &text).await.map_err(failed),
            Err(cause) => Err(failed(cause)),
        }
    }

    async fn promote(&self, integration: &IntegrationId) -> Result<(), SecretsError> {
        self.promote_pending(integration).await.map_err(error(integration, "promoted"))
    }

    async fn remove(&self, integration: &IntegrationId) -> Result<(), SecretsError> {
        self.delete(integration).await.map_err(error(integration, "removed"))
    }
}

#[cfg(test)]
mod tests;
