//! The ports' contracts, in memory and on disk.

use std::time::Duration;

use engine::contract;
use engine::ports::{Envelope, Expect, Key, QueueIn, QueueOut, Table, TableError, Write};
use local::Depth;

#[tokio::test]
async fn the_table_in_memory_passes_the_contract() {
    contract::table(&local::memory_table()).await;
    contract::table_costs(&local::memory_table()).await;
}

#[tokio::test]
async fn the_table_on_disk_passes_the_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    let local = local::open(folder.path()).expect("a new folder opens");
    contract::table(&local.table).await;
}

#[tokio::test]
async fn the_queue_passes_the_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    let local = local::open(folder.path()).expect("a new folder opens");
    contract::queue(&local.queue).await;
    assert_eq!(local.queue.depth().await.expect("readable"), Depth { waiting: 0, dead: 1 });
}

#[tokio::test]
async fn the_secrets_pass_the_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    let local = local::open(folder.path()).expect("a new folder opens");
    contract::secrets(&local.secrets).await;
}

#[tokio::test]
async fn the_table_that_is_made_at_opening_is_the_one_that_stand_ins_get() {
    let table = local::memory_table();
    table.create_if_missing().await.expect("it is there");
    table.write(Write::put(Key::new("p", "s"), Expect::Absent, "{}".to_owned())).await.expect("absent");
    table.create_if_missing().await.expect("making it twice is harmless");
    assert!(table.get(&Key::new("p", "s")).await.expect("reachable").is_some());
}

#[tokio::test]
async fn of_many_writers_at_one_version_exactly_one_wins() {
    let folder = tempfile::tempdir().expect("a folder");
    let local = std::sync::Arc::new(local::open(folder.path()).expect("a new folder opens"));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let local = std::sync::Arc::clone(&local);
        writers.spawn(async move {
            let put = |sk: &str| Write::put(Key::new("race", sk), Expect::Absent, writer.to_string());
            local.table.transact(vec![put(&format!("own-{writer}")), put("shared")]).await
        });
    }
    let outcomes = writers.join_all().await;
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let lost = outcomes.iter().filter(|outcome| matches!(outcome, Err(TableError::Conflict { index: 1, .. }))).count();
    assert_eq!((won, lost), (1, 7), "{outcomes:?}");
}

#[tokio::test]
async fn expired_items_are_forgotten_when_told_and_others_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let local = local::open(folder.path()).expect("a new folder opens");
    for (sk, expires_at) in [("past", Some(1_000_000_000)), ("future", Some(4_000_000_000)), ("for good", None)] {
        let write = Write { expires_at, ..Write::put(Key::new("p", sk), Expect::Absent, "{}".to_owned()) };
        local.table.write(write).await.expect("absent");
    }
    assert_eq!(local.forget_expired().await.expect("it sweeps"), 1);
    assert_eq!(local.table.get(&Key::new("p", "past")).await.expect("reachable"), None);
    assert!(local.table.get(&Key::new("p", "future")).await.expect("reachable").is_some());
}

#[tokio::test]
async fn a_waiting_worker_wakes_when_something_is_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let local = local::open(folder.path()).expect("a new folder opens");
    let worker = local.queue.clone();
    let waiting = tokio::spawn(async move {
        worker.wait().await;
        worker.receive(1).await.expect("reachable").len()
    });
    let envelope = Envelope { group: "g".into(), deduplication: "d".into(), body: "{}".into() };
    local.queue.send(vec![envelope]).await.expect("reachable");
    let taken = tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it wakes").expect("no panic");
    assert_eq!(taken, 1);
}
