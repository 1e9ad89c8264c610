//! Secrets, kept in memory between the invocations of one environment.
//!
//! A read that goes on over several invocations, and integrations that share a function, would ask Secrets Manager each
//! time. What was read is kept for [`KEPT_FOR`] instead. A secret that was replaced meanwhile is met at once all the same:
//! when the vendor refuses what was kept, [`KeptSecrets::renew`] drops it and asks again.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use apis::call::Secret;
use engine::ports::{Secrets, SecretsError};
use jiff::{SignedDuration, Timestamp};
use reconcile::ids::IntegrationId;

/// How long a secret is used without asking for it again: long enough for the next invocation of the same read, short
/// enough that one which was taken back does not live on in an idle environment's next nights.
pub const KEPT_FOR: SignedDuration = SignedDuration::from_mins(5);

/// Secrets with a memory. Printing it shows none.
#[derive(Debug)]
pub struct KeptSecrets<S> {
    secrets: S,
    kept: Mutex<BTreeMap<IntegrationId, Kept>>,
}

#[derive(Debug)]
struct Kept {
    secret: Secret,
    read_at: Timestamp,
}

impl Kept {
    /// An environment is frozen between invocations and its clock may be set back: an age below zero is none.
    fn is_fresh(&self, now: Timestamp) -> bool {
        (SignedDuration::ZERO..KEPT_FOR).contains(&now.duration_since(self.read_at))
    }
}

impl<S: Secrets> KeptSecrets<S> {
    /// Begins with nothing kept.
    pub fn new(secrets: S) -> Self {
        Self { secrets, kept: Mutex::default() }
    }

    /// Returns the current secret of an integration: the kept one while it is fresh.
    pub async fn current(&self, id: &IntegrationId, now: Timestamp) -> Result<Option<Secret>, SecretsError> {
        let kept = self.kept().get(id).filter(|kept| kept.is_fresh(now)).map(|kept| kept.secret.clone());
        match kept {
            Some(secret) => Ok(Some(secret)),
            None => self.renew(id, now).await,
        }
    }

    /// Drops what is kept of an integration and asks again. A secret that is missing is not remembered as such: it may be
    /// put there at any moment.
    pub async fn renew(&self, id: &IntegrationId, now: Timestamp) -> Result<Option<Secret>, SecretsError> {
        self.kept().retain(|other, kept| other != id && kept.is_fresh(now));
        let read = self.secrets.current(id).await?;
        if let Some(secret) = &read {
            self.kept().insert(id.clone(), Kept { secret: secret.clone(), read_at: now });
        }
        Ok(read)
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<IntegrationId, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
