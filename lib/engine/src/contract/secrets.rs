//! What a secrets store promises.

use std::collections::BTreeMap;

use apis::call::{Secret, SecretText};
use reconcile::ids::IntegrationId;

use crate::ports::Secrets;

fn secret(key: &str) -> Secret {
    let parts = [("username", "näme \"quoted\" \\ 🔑"), ("api_key", key)];
    Secret(BTreeMap::from(parts.map(|(name, text)| (name.to_owned(), SecretText::new(text)))))
}

async fn current(store: &impl Secrets, integration: &IntegrationId) -> Option<Secret> {
    store.current(integration).await.expect("current is readable")
}

async fn proposed(store: &impl Secrets, integration: &IntegrationId) -> Option<Secret> {
    store.proposed(integration).await.expect("proposed is readable")
}

/// Checks an empty store: nothing is current before a promotion, a promotion happens once, integrations are apart.
pub async fn secrets(store: &impl Secrets) {
    let [first, second] =
        ["contract-one", "contract-two"].map(|slug| IntegrationId::parse(slug).expect("the slug is valid"));

    assert_eq!(current(store, &first).await, None, "nothing is there at first");
    assert_eq!(proposed(store, &first).await, None, "nothing is proposed at first");
    store.promote(&first).await.expect("promoting nothing is harmless");
    store.remove(&first).await.expect("removing nothing is harmless");

    store.propose(&first, &secret("one")).await.expect("a first secret may be proposed");
    assert_eq!(current(store, &first).await, None, "a proposed secret is not current");
    assert_eq!(proposed(store, &first).await, Some(secret("one")), "every part comes back as it was");

    store.propose(&first, &secret("two")).await.expect("a proposed secret may be replaced");
    assert_eq!(proposed(store, &first).await, Some(secret("two")), "the later proposal counts");

    store.promote(&first).await.expect("the proposed secret can be promoted");
    assert_eq!(current(store, &first).await, Some(secret("two")), "the promoted secret is current");
    assert_eq!(proposed(store, &first).await, None, "a promoted secret is not proposed any more");
    store.promote(&first).await.expect("promoting twice is harmless");
    assert_eq!(current(store, &first).await, Some(secret("two")), "promoting twice changes nothing");

    store.propose(&first, &secret("three")).await.expect("another one may be proposed");
    assert_eq!(current(store, &first).await, Some(secret("two")), "the current one stays until the promotion");
    store.promote(&first).await.expect("the proposed secret can be promoted");
    assert_eq!(current(store, &first).await, Some(secret("three")), "the promoted secret is current");

    store.propose(&first, &secret("two")).await.expect("an earlier secret may come back");
    store.promote(&first).await.expect("the proposed secret can be promoted");
    assert_eq!(current(store, &first).await, Some(secret("two")), "an earlier secret can be current again");

    store.propose(&second, &secret("other")).await.expect("another integration has its own");
    assert_eq!(current(store, &second).await, None, "integrations are apart");
    store.remove(&first).await.expect("it can be removed");
    store.remove(&first).await.expect("removing twice is harmless");
    assert_eq!(current(store, &first).await, None, "a removed secret is gone");
    assert_eq!(proposed(store, &second).await, Some(secret("other")), "removing one leaves the other");

    store.propose(&first, &secret("again")).await.expect("a removed integration may come back");
    store.promote(&first).await.expect("the proposed secret can be promoted");
    assert_eq!(current(store, &first).await, Some(secret("again")), "a removed integration can come back");
    store.remove(&first).await.expect("it can be removed");
    store.remove(&second).await.expect("it can be removed");
}
