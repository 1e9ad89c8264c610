use std::sync::atomic::{AtomicU64, Ordering};

use apis::call::SecretText;
use engine::memory::MemorySecrets;

use super::*;

/// Secrets that count how often they are read.
#[derive(Default)]
struct Counted {
    secrets: MemorySecrets,
    reads: AtomicU64,
}

impl Secrets for Counted {
    async fn current(&self, id: &IntegrationId) -> Result<Option<Secret>, SecretsError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.secrets.current(id).await
    }
    async fn proposed(&self, id: &IntegrationId) -> Result<Option<Secret>, SecretsError> {
        self.secrets.proposed(id).await
    }
    async fn propose(&self, id: &IntegrationId, secret: &Secret) -> Result<(), SecretsError> {
        self.secrets.propose(id, secret).await
    }
    async fn promote(&self, id: &IntegrationId) -> Result<(), SecretsError> {
        self.secrets.promote(id).await
    }
    async fn remove(&self, id: &IntegrationId) -> Result<(), SecretsError> {
        self.secrets.remove(id).await
    }
}

fn id(text: &str) -> IntegrationId {
    IntegrationId::parse(text).unwrap()
}

fn secret(key: &str) -> Secret {
    Secret(BTreeMap::from([("api_key".to_owned(), SecretText::new(key))]))
}

async fn put(kept: &KeptSecrets<Counted>, of: &str, key: &str) {
    kept.secrets.propose(&id(of), &secret(key)).await.unwrap();
    kept.secrets.promote(&id(of)).await.unwrap();
}

fn reads(kept: &KeptSecrets<Counted>) -> u64 {
    kept.secrets.reads.load(Ordering::Relaxed)
}

fn start() -> Timestamp {
    "2026-11-22T20:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn a_secret_is_asked_for_once_until_its_time_is_over() {
    let kept = KeptSecrets::new(Counted::default());
    put(&kept, "acme", "first").await;
    let last = KEPT_FOR - SignedDuration::from_millis(1);
    for (after, expected) in [(SignedDuration::ZERO, 1), (last, 1), (KEPT_FOR, 2), (KEPT_FOR + last, 2)] {
        let found = kept.current(&id("acme"), start() + after).await.unwrap();
        assert_eq!((found, reads(&kept)), (Some(secret("first")), expected), "after {after}");
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_nothing_last_longer() {
    let kept = KeptSecrets::new(Counted::default());
    put(&kept, "acme", "first").await;
    kept.current(&id("acme"), start()).await.unwrap();
    kept.current(&id("acme"), start() - SignedDuration::from_secs(1)).await.unwrap();
    assert_eq!(reads(&kept), 2);
}

#[tokio::test]
async fn a_secret_that_is_renewed_is_the_new_one_from_then_on() {
    let kept = KeptSecrets::new(Counted::default());
    put(&kept, "acme", "first").await;
    kept.current(&id("acme"), start()).await.unwrap();
    put(&kept, "acme", "second").await;
    assert_eq!(kept.current(&id("acme"), start()).await.unwrap(), Some(secret("first")));
    assert_eq!(kept.renew(&id("acme"), start()).await.unwrap(), Some(secret("second")));
    assert_eq!(kept.current(&id("acme"), start()).await.unwrap(), Some(secret("second")));
    assert_eq!(reads(&kept), 2);
}

#[tokio::test]
async fn integrations_have_their_own_and_what_is_missing_is_asked_for_each_time() {
    let kept = KeptSecrets::new(Counted::default());
    put(&kept, "acme", "first").await;
    put(&kept, "other", "second").await;
    assert_eq!(kept.current(&id("acme"), start()).await.unwrap(), Some(secret("first")));
    assert_eq!(kept.current(&id("other"), start()).await.unwrap(), Some(secret("second")));
    assert_eq!(kept.current(&id("none"), start()).await.unwrap(), None);
    put(&kept, "none", "late").await;
    assert_eq!(kept.current(&id("none"), start()).await.unwrap(), Some(secret("late")));
}

#[tokio::test]
async fn what_is_over_is_not_held_in_memory() {
    let kept = KeptSecrets::new(Counted::default());
    for name in ["one", "two", "three"] {
        put(&kept, name, "canary").await;
        kept.current(&id(name), start()).await.unwrap();
    }
    kept.current(&id("one"), start() + KEPT_FOR).await.unwrap();
    assert_eq!(kept.kept().len(), 1);
}

#[tokio::test]
async fn nothing_that_is_printed_shows_a_secret() {
    let kept = KeptSecrets::new(MemorySecrets::default());
    kept.secrets.propose(&id("acme"), &secret("canary-of-a-key")).await.unwrap();
    kept.secrets.promote(&id("acme")).await.unwrap();
    kept.current(&id("acme"), start()).await.unwrap();
    assert_eq!(kept.kept().len(), 1);
    let shown = format!("{kept:?} {kept:#?}");
    assert!(!shown.contains("canary"), "{shown}");
}
