//! The secrets of a stack's integrations, each below its vendor's name.
//!
//! A vendor's function may read below `PREFIX/VENDOR` and nowhere else. Who serves people has to know the vendor of an
//! integration first, which the table says.

use apis::call::Secret;
use aws_sdk_secretsmanager::Client;
use engine::ports::{Secrets, SecretsError};
use engine::store::integrations;
use reconcile::ids::IntegrationId;

use crate::Config;
use crate::secrets::SecretsManager;
use crate::table::DynamoTable;

/// Secrets Manager, below one prefix a vendor.
#[derive(Debug)]
pub struct VendorSecrets {
    client: Client,
    prefix: String,
    table: DynamoTable,
}

impl VendorSecrets {
    /// Opens the secrets below `prefix` of the integrations in `table`; nothing is sent.
    pub fn open(config: &Config, prefix: &str, table: DynamoTable) -> Self {
        Self { client: Client::new(config), prefix: prefix.to_owned(), table }
    }

    /// Returns the secrets of the integration's vendor.
    async fn of(&self, id: &IntegrationId, operation: &'static str) -> Result<SecretsManager, SecretsError> {
        let failed = |cause| SecretsError { integration: id.clone(), operation, cause };
        let integration = integrations::load(&self.table, id).await.map_err(|error| failed(error.into()))?;
        let integration = integration.ok_or_else(|| failed("there is no such integration".into()))?;
        Ok(SecretsManager::new(self.client.clone(), format!("{}/{}", self.prefix, integration.vendor)))
    }
}

impl Secrets for VendorSecrets {
    async fn current(&self, id: &IntegrationId) -> Result<Option<Secret>, SecretsError> {
        self.of(id, "read").await?.current(id).await
    }

    async fn proposed(&self, id: &IntegrationId) -> Result<Option<Secret>, SecretsError> {
        self.of(id, "read").await?.proposed(id).await
    }

    async fn propose(&self, id: &IntegrationId, secret: &Secret) -> Result<(), SecretsError> {
        self.of(id, "proposed").await?.propose(id, secret).await
    }

    async fn promote(&self, id: &IntegrationId) -> Result<(), SecretsError> {
        self.of(id, "promoted").await?.promote(id).await
    }

    async fn remove(&self, id: &IntegrationId) -> Result<(), SecretsError> {
        self.of(id, "removed").await?.remove(id).await
    }
}
