//! What a queue promises.

use crate::ports::{ATTEMPTS_MAX, Delivery, Envelope, QueueIn, QueueOut};

/// A queue on a network may answer a poll with nothing although something waits.
const POLLS_MAX: usize = 5;

fn envelope(group: &str, deduplication: &str, body: &str) -> Envelope {
    Envelope { group: group.to_owned(), deduplication: deduplication.to_owned(), body: body.to_owned() }
}

async fn send(queue: &impl QueueOut, batch: Vec<Envelope>) {
    let refused = queue.send(batch).await.expect("the queue is reachable");
    assert_eq!(refused, Vec::<usize>::new(), "nothing is refused");
}

/// Takes messages until `expected` of them came or the queue stays silent.
async fn take(queue: &impl QueueIn, limit: usize, expected: usize) -> Vec<Delivery> {
    let mut taken = Vec::new();
    for _ in 0..POLLS_MAX {
        taken.extend(queue.receive(limit).await.expect("the queue is reachable"));
        if taken.len() >= expected {
            break;
        }
    }
    taken
}

async fn take_one(queue: &impl QueueIn) -> Delivery {
    let mut taken = take(queue, 1, 1).await;
    assert_eq!(taken.len(), 1, "a message waits");
    taken.remove(0)
}

async fn assert_silent(queue: &impl QueueIn, why: &str) {
    let taken = queue.receive(10).await.expect("the queue is reachable");
    assert!(taken.is_empty(), "{why}: {taken:?}");
}

fn sorted<'a>(taken: &'a [Delivery], part: impl Fn(&'a Delivery) -> &'a str) -> Vec<&'a str> {
    let mut parts: Vec<&str> = taken.iter().map(part).collect();
    parts.sort_unstable();
    parts
}

/// Checks an empty queue: order and one in flight within a group, redelivery, de-duplication, dead letters.
pub async fn queue<Q: QueueOut + QueueIn>(queue: &Q) {
    assert_silent(queue, "an empty queue gives nothing").await;
    queue.done("no-such-receipt").await.expect("an unknown receipt is harmless");
    queue.back("no-such-receipt").await.expect("an unknown receipt is harmless");

    order_and_groups(queue).await;
    bodies(queue).await;
    deduplication(queue).await;
    dead_letters(queue).await;
    assert_silent(queue, "all was settled").await;
}

async fn order_and_groups(queue: &(impl QueueOut + QueueIn)) {
    let batch = [("a", "a1"), ("a", "a2"), ("b", "b1"), ("a", "a3")];
    send(queue, batch.iter().map(|(group, body)| envelope(group, body, body)).collect()).await;

    let heads = take(queue, 10, 2).await;
    assert_eq!(sorted(&heads, |delivery| &delivery.body), ["a1", "b1"], "one of each group, the oldest");
    assert_eq!(sorted(&heads, |delivery| &delivery.group), ["a", "b"], "the group comes along");
    assert!(heads.iter().all(|delivery| delivery.attempt == 1), "a first delivery has attempt 1");
    assert_silent(queue, "nothing of a group comes while one is in flight").await;

    let of = |body: &str| heads.iter().find(|delivery| delivery.body == body).expect("it was taken");
    queue.back(&of("a1").receipt).await.expect("it can be given back");
    let again = take_one(queue).await;
    assert_eq!((again.body.as_str(), again.attempt), ("a1", 2), "what was given back comes again before the next");
    queue.done(&again.receipt).await.expect("it can be settled");
    queue.done(&again.receipt).await.expect("settling twice is harmless");

    for body in ["a2", "a3"] {
        let next = take_one(queue).await;
        assert_eq!(next.body, body, "the group goes on in order");
        queue.done(&next.receipt).await.expect("it can be settled");
    }
    queue.done(&of("b1").receipt).await.expect("it can be settled");
    assert_silent(queue, "all was settled").await;
}

async fn bodies(queue: &(impl QueueOut + QueueIn)) {
    let texts = ["{\"name\":\"Müller & Söhne 🏢 \\\"x\\\" <a>\"}".to_owned(), "x".repeat(200 * 1024)];
    send(queue, texts.iter().map(|text| envelope("bodies", &text[..8], text)).collect()).await;
    for text in &texts {
        let taken = take_one(queue).await;
        assert!(&taken.body == text, "a body of {} bytes comes back as it was", text.len());
        queue.done(&taken.receipt).await.expect("it can be settled");
    }
    let ten: Vec<Envelope> = (0..10).map(|n| envelope(&format!("ten-{n}"), &format!("ten-{n}"), "{}")).collect();
    send(queue, ten).await;
    let few = queue.receive(3).await.expect("the queue is reachable");
    assert!(few.len() <= 3, "at most as many as asked for");
    let rest = take(queue, 10, 10 - few.len()).await;
    assert_eq!(few.len() + rest.len(), 10, "ten groups, ten messages at once");
    for delivery in few.iter().chain(&rest) {
        queue.done(&delivery.receipt).await.expect("it can be settled");
    }
}

async fn deduplication(queue: &(impl QueueOut + QueueIn)) {
    send(queue, vec![envelope("twice", "same", "first"), envelope("twice", "same", "first")]).await;
    send(queue, vec![envelope("twice", "same", "first")]).await;
    let taken = take_one(queue).await;
    queue.done(&taken.receipt).await.expect("it can be settled");
    assert_silent(queue, "a message with the same id came within moments").await;
    send(queue, vec![envelope("twice", "same", "first")]).await;
    assert_silent(queue, "nor does it come after the first was settled").await;

    send(queue, vec![envelope("look", "", "look"), envelope("look", "", "look")]).await;
    for _ in 0..2 {
        let taken = take_one(queue).await;
        assert_eq!(taken.body, "look", "a message without an id is never taken for an earlier one");
        queue.done(&taken.receipt).await.expect("it can be settled");
    }
}

async fn dead_letters(queue: &(impl QueueOut + QueueIn)) {
    send(queue, vec![envelope("poison", "poison-1", "poison"), envelope("poison", "poison-2", "after")]).await;
    for attempt in 1..=ATTEMPTS_MAX {
        let taken = take_one(queue).await;
        assert_eq!((taken.body.as_str(), taken.attempt), ("poison", attempt), "deliveries are counted");
        queue.back(&taken.receipt).await.expect("it can be given back");
    }
    let next = take_one(queue).await;
    assert_eq!((next.body.as_str(), next.attempt), ("after", 1), "poison makes room after {ATTEMPTS_MAX} deliveries");
    queue.done(&next.receipt).await.expect("it can be settled");
}
