//! The ports, with their faults.

use apis::call::{Call, Reply, Secret};
use reconcile::ids::IntegrationId;

use super::{Fault, Faulty, Injected};
use crate::ports::{
    Cause, Delivery, Envelope, Item, Key, Meter, Page, Query, QueueError, QueueIn, QueueOut, Route, Secrets,
    SecretsError, SendError, Table, TableError, Transport, Write,
};

fn table_lost(operation: &'static str) -> impl FnOnce(Cause) -> TableError {
    move |cause| TableError::Unavailable { operation, cause }
}

fn queue_lost(operation: &'static str) -> impl FnOnce(Cause) -> QueueError {
    move |cause| QueueError::Unavailable { operation, cause }
}

fn secret_lost(integration: &IntegrationId, operation: &'static str) -> impl FnOnce(Cause) -> SecretsError {
    let integration = integration.clone();
    move |cause| SecretsError { integration, operation, cause }
}

impl<T: Table> Table for Faulty<T> {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.call("get", self.port.get(key), table_lost("get")).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        self.call("get_many", self.port.get_many(keys), table_lost("get_many")).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.call("query", self.port.query(query), table_lost("query")).await
    }

    async fn write(&self, write: Write) -> Result<(), TableError> {
        let choices = [Fault::Before, Fault::After, Fault::Throttle, Fault::Twice];
        let lost = table_lost("write");
        match self.faults.decide("write", &choices) {
            Ok(None) => self.port.write(write).await,
            Ok(Some(Fault::Twice)) => {
                drop(self.port.write(write.clone()).await);
                self.port.write(write).await
            }
            Ok(Some(fault)) => {
                if fault == Fault::After {
                    drop(self.port.write(write).await);
                }
                Err(lost(Injected(fault).into()))
            }
            Err(crashed) => Err(lost(crashed.into())),
        }
    }

    /// A transaction that the SDK sends again carries the same token and is answered as the first time.
    async fn transact(&self, writes: Vec<Write>) -> Result<(), TableError> {
        self.call("transact", self.port.transact(writes), table_lost("transact")).await
    }

    fn meter(&self) -> &Meter {
        self.port.meter()
    }
}

impl<T: QueueOut> Faulty<T> {
    /// Sends the batch without one message, whose position it returns.
    async fn send_but_one(&self, mut batch: Vec<Envelope>) -> Result<Vec<usize>, QueueError> {
        if batch.is_empty() {
            return self.port.send(batch).await;
        }
        let position = self.faults.below(batch.len());
        batch.remove(position);
        let mut refused = self.port.send(batch).await?;
        refused.iter_mut().filter(|other| **other >= position).for_each(|other| *other += 1);
        refused.push(position);
        refused.sort_unstable();
        Ok(refused)
    }

    /// Sends the batch, and one message of it a second time: at once, or with a later batch. Another de-duplication id
    /// stands for one that the queue has forgotten.
    async fn send_twice(&self, batch: Vec<Envelope>) -> Result<Vec<usize>, QueueError> {
        let copy = (!batch.is_empty()).then(|| batch[self.faults.below(batch.len())].clone());
        let refused = self.port.send(batch).await?;
        if let Some(mut copy) = copy {
            copy.deduplication = format!("{}~{}", copy.deduplication, self.faults.calls());
            if self.faults.below(2) == 0 {
                self.port.send(vec![copy]).await?;
            } else {
                self.faults.held().echoes.push(copy);
            }
        }
        Ok(refused)
    }
}

impl<T: QueueOut> QueueOut for Faulty<T> {
    async fn send(&self, batch: Vec<Envelope>) -> Result<Vec<usize>, QueueError> {
        let choices = [Fault::Before, Fault::After, Fault::Throttle, Fault::Twice, Fault::Refuse];
        let lost = queue_lost("send");
        let decided = match self.faults.decide("send", &choices) {
            Ok(decided) => decided,
            Err(crashed) => return Err(lost(crashed.into())),
        };
        let echoes = std::mem::take(&mut self.faults.held().echoes);
        for echo in echoes {
            self.port.send(vec![echo]).await?;
        }
        match decided {
            None => self.port.send(batch).await,
            Some(Fault::Twice) => self.send_twice(batch).await,
            Some(Fault::Refuse) => self.send_but_one(batch).await,
            Some(fault) => {
                if fault == Fault::After {
                    drop(self.port.send(batch).await);
                }
                Err(lost(Injected(fault).into()))
            }
        }
    }
}

impl<T: QueueIn> QueueIn for Faulty<T> {
    /// Messages whose delivery is lost are given back, as the visibility timeout does in time.
    async fn receive(&self, limit: usize) -> Result<Vec<Delivery>, QueueError> {
        match self.faults.decide("receive", &[Fault::Before, Fault::After, Fault::Throttle]) {
            Ok(None) => self.port.receive(limit).await,
            Ok(Some(fault)) => {
                if fault == Fault::After {
                    for delivery in self.port.receive(limit).await? {
                        self.port.back(&delivery.receipt).await?;
                    }
                }
                Err(queue_lost("receive")(Injected(fault).into()))
            }
            Err(crashed) => Err(queue_lost("receive")(crashed.into())),
        }
    }

    async fn done(&self, receipt: &str) -> Result<(), QueueError> {
        self.call("done", self.port.done(receipt), queue_lost("settle")).await
    }

    async fn back(&self, receipt: &str) -> Result<(), QueueError> {
        self.call("back", self.port.back(receipt), queue_lost("give back")).await
    }
}

impl<T: Transport> Transport for Faulty<T> {
    async fn send(&self, call: &Call, route: &Route) -> Result<Reply, SendError> {
        let host = || call.url.host_str().unwrap_or_default().to_owned();
        let broken = |cause: Cause| SendError::Broken { host: host(), cause };
        match self.faults.decide("call", &[Fault::Before, Fault::After, Fault::Throttle]) {
            Ok(None) => self.port.send(call, route).await,
            Ok(Some(Fault::Throttle)) => {
                Ok(Reply { status: 429, headers: vec![("retry-after".to_owned(), "1".to_owned())], body: Vec::new() })
            }
            Ok(Some(Fault::After)) => {
                drop(self.port.send(call, route).await);
                Err(SendError::TimedOut { host: host(), seconds: 30 })
            }
            Ok(Some(fault)) => Err(broken(Injected(fault).into())),
            Err(crashed) => Err(broken(crashed.into())),
        }
    }
}

impl<T: Secrets> Secrets for Faulty<T> {
    async fn current(&self, integration: &IntegrationId) -> Result<Option<Secret>, SecretsError> {
        self.call("current", self.port.current(integration), secret_lost(integration, "read")).await
    }

    async fn proposed(&self, integration: &IntegrationId) -> Result<Option<Secret>, SecretsError> {
        self.call("proposed", self.port.proposed(integration), secret_lost(integration, "read")).await
    }

    async fn propose(&self, integration: &IntegrationId, secret: &Secret) -> Result<(), SecretsError> {
        self.call("propose", self.port.propose(integration, secret), secret_lost(integration, "proposed")).await
    }

    async fn promote(&self, integration: &IntegrationId) -> Result<(), SecretsError> {
        self.call("promote", self.port.promote(integration), secret_lost(integration, "promoted")).await
    }

    async fn remove(&self, integration: &IntegrationId) -> Result<(), SecretsError> {
        self.call("remove", self.port.remove(integration), secret_lost(integration, "removed")).await
    }
}
