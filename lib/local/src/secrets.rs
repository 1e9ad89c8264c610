//! The integrations' secrets in a file that only its owner may read.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use apis::call::{Secret, SecretText};
use engine::ports::{Cause, Secrets, SecretsError};
use reconcile::ids::IntegrationId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::folder;

/// Secrets in a JSON file, mode 0600, replaced as a whole with every change. A file that others may read is refused, since
/// what stood in it must be taken as known.
#[derive(Debug, Clone)]
pub struct SecretsFile {
    /// Held while the file is read, changed and replaced.
    path: Arc<Mutex<PathBuf>>,
}

type Stored = BTreeMap<IntegrationId, Stages>;

#[derive(Default, Serialize, Deserialize)]
struct Stages {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proposed: Option<Parts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    current: Option<Parts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Parts>,
}

/// A secret that may be written to its file, and nowhere else.
struct Parts(Secret);

impl Serialize for Parts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.0.iter().map(|(name, text)| (name, text.expose())))
    }
}

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts: BTreeMap<String, String> = BTreeMap::deserialize(deserializer)?;
        Ok(Self(Secret(parts.into_iter().map(|(name, text)| (name, SecretText::new(&text))).collect())))
    }
}

impl SecretsFile {
    /// Uses the file at `path`, which need not be there.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path: Arc::new(Mutex::new(path)) }
    }

    /// Works on the file on a thread where waiting for the disk blocks nobody.
    async fn with<T: Send + 'static>(
        &self,
        integration: &IntegrationId,
        operation: &'static str,
        work: impl FnOnce(&Path, &IntegrationId) -> Result<T, Cause> + Send + 'static,
    ) -> Result<T, SecretsError> {
        let path = Arc::clone(&self.path);
        let whose = integration.clone();
        let done = tokio::task::spawn_blocking(move || {
            let path = path.lock().expect("no one panics while holding the path");
            work(&path, &whose)
        });
        let done = done.await.unwrap_or_else(|error| Err(error.into()));
        done.map_err(|cause| SecretsError { integration: integration.clone(), operation, cause })
    }
}

fn load(path: &Path) -> Result<Stored, Cause> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Stored::new()),
        Err(error) => return Err(error.into()),
    };
    check_private(path)?;
    // The parser's own words would quote what it could not read.
    serde_json::from_str(&text)
        .map_err(|error| format!("{} is damaged in line {}", path.display(), error.line()).into())
}

#[cfg(unix)]
fn check_private(path: &Path) -> Result<(), Cause> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path)?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(format!("{path} can be read by others (mode {mode:o}): change the secrets, then `chmod 600 {path}`").into())
}

#[cfg(not(unix))]
fn check_private(_path: &Path) -> Result<(), Cause> {
    Ok(())
}

fn save(path: &Path, stored: &Stored) -> Result<(), Cause> {
    Ok(folder::replace(path, serde_json::to_string_pretty(stored)?.as_bytes())?)
}

impl Secrets for SecretsFile {
    async fn current(&self, integration: &IntegrationId) -> Result<Option<Secret>, SecretsError> {
        self.with(integration, "read", |path, whose| {
            Ok(load(path)?.remove(whose).and_then(|stages| stages.current).map(|parts| parts.0))
        })
        .await
    }

    async fn proposed(&self, integration: &IntegrationId) -> Result<Option<Secret>, SecretsError> {
        self.with(integration, "read", |path, whose| {
            Ok(load(path)?.remove(whose).and_then(|stages| stages.proposed).map(|parts| parts.0))
        })
        .await
    }

    async fn propose(&self, integration: &IntegrationId, secret: &Secret) -> Result<(), SecretsError> {
        let secret = secret.clone();
        self.with(integration, "proposed", move |path, whose| {
            let mut stored = load(path)?;
            stored.entry(whose.clone()).or_default().proposed = Some(Parts(secret));
            save(path, &stored)
        })
        .await
    }

    async fn promote(&self, integration: &IntegrationId) -> Result<(), SecretsError> {
        self.with(integration, "promoted", |path, whose| {
            let mut stored = load(path)?;
            let Some(stages) = stored.get_mut(whose) else { return Ok(()) };
            let Some(proposed) = stages.proposed.take() else { return Ok(()) };
            stages.previous = stages.current.replace(proposed);
            save(path, &stored)
        })
        .await
    }

    async fn remove(&self, integration: &IntegrationId) -> Result<(), SecretsError> {
        self.with(integration, "removed", |path, whose| {
            let mut stored = load(path)?;
            if stored.remove(whose).is_some() { save(path, &stored) } else { Ok(()) }
        })
        .await
    }
}
