//! Making the table where no template did: on one machine and on stand-ins.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableStatus,
    TimeToLiveSpecification,
};
use engine::ports::TableError;

use super::{DynamoTable, failure};

/// Looks at a table that is being made; in process it is ready at once.
const READY_LOOKS_MAX: u32 = 40;
const READY_WAIT: std::time::Duration = std::time::Duration::from_millis(250);

impl DynamoTable {
    /// Makes the table with its key and its time to live unless it is there, and waits until it can be used. Doing so
    /// twice is harmless. On AWS the template makes the table.
    pub async fn create_if_missing(&self) -> Result<(), TableError> {
        if self.is_ready().await? == Some(true) {
            return Ok(());
        }
        self.create().await?;
        for _ in 0..READY_LOOKS_MAX {
            if self.is_ready().await? == Some(true) {
                return self.forget_expired().await;
            }
            tokio::time::sleep(READY_WAIT).await;
        }
        let cause = format!("the table {} did not become active", self.name).into();
        Err(TableError::Unavailable { operation: "create_table", cause })
    }

    /// Says whether the table can be used; `None` where there is none.
    async fn is_ready(&self) -> Result<Option<bool>, TableError> {
        match self.client.describe_table().table_name(&self.name).send().await {
            Ok(output) => {
                let status = output.table.and_then(|table| table.table_status);
                Ok(Some(status == Some(TableStatus::Active)))
            }
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {
                Ok(None)
            }
            Err(error) => Err(failure("describe_table", &error)),
        }
    }

    async fn create(&self) -> Result<(), TableError> {
        let text = |name: &str| {
            let definition = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
            definition.build().expect("name and type are set")
        };
        let part = |name: &str, key_type| {
            let element = KeySchemaElement::builder().attribute_name(name).key_type(key_type);
            element.build().expect("name and type are set")
        };
        let answer = self
            .client
            .create_table()
            .table_name(&self.name)
            .attribute_definitions(text("pk"))
            .attribute_definitions(text("sk"))
            .key_schema(part("pk", KeyType::Hash))
            .key_schema(part("sk", KeyType::Range))
            .billing_mode(BillingMode::PayPerRequest)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception()) => Ok(()),
            Err(error) => Err(failure("create_table", &error)),
        }
    }

    async fn forget_expired(&self) -> Result<(), TableError> {
        let expiry = TimeToLiveSpecification::builder().attribute_name("expires_at").enabled(true).build();
        self.client
            .update_time_to_live()
            .table_name(&self.name)
            .time_to_live_specification(expiry.expect("name and switch are set"))
            .send()
            .await
            .map(drop)
            .map_err(|error| failure("update_time_to_live", &error))
    }
}
