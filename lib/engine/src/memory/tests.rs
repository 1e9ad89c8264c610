use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::ports::{ATTEMPTS_MAX, Clock, Envelope, Expect, Key, QueueIn, QueueOut, Table, Write};

fn key(sk: &str) -> Key {
    Key::new("p", sk)
}

#[tokio::test]
async fn a_kilobyte_costs_a_unit_and_twice_that_in_a_transaction() {
    let table = MemoryTable::new();
    table.write(Write::put(key("a"), Expect::Absent, "x".repeat(2500))).await.expect("absent");
    assert_eq!(table.meter().read().write_units, 3.0);
    table.transact(vec![Write::put(key("b"), Expect::Absent, "x".repeat(2500))]).await.expect("absent");
    assert_eq!(table.meter().read().write_units, 9.0);
    assert_eq!(table.meter().read().items_written, 2);
}

#[tokio::test]
async fn a_failed_condition_is_billed_and_writes_nothing() {
    let table = MemoryTable::new();
    let write = || Write::put(key("a"), Expect::Absent, "{}".to_owned());
    table.write(write()).await.expect("absent");
    table.write(write()).await.expect_err("it is there");
    let consumed = table.meter().read();
    assert_eq!((consumed.requests, consumed.items_written, consumed.write_units), (2, 1, 2.0));
}

#[tokio::test]
async fn expired_items_go_only_when_the_store_forgets_them() {
    let table = MemoryTable::new();
    let write = Write { expires_at: Some(100), ..Write::put(key("a"), Expect::Absent, "{}".to_owned()) };
    table.write(write).await.expect("absent");
    table.forget_expired(100);
    assert!(table.get(&key("a")).await.expect("reachable").is_some());
    table.forget_expired(101);
    assert!(table.get(&key("a")).await.expect("reachable").is_none());
}

#[tokio::test]
async fn what_a_crashed_receiver_held_comes_again_and_ends_as_a_dead_letter() {
    let queue = MemoryQueue::new();
    let envelope = Envelope { group: "g".into(), deduplication: "1".into(), body: "poison".into() };
    queue.send(vec![envelope]).await.expect("reachable");
    for attempt in 1..=ATTEMPTS_MAX {
        let taken = queue.receive(10).await.expect("reachable");
        assert_eq!(taken.first().map(|delivery| delivery.attempt), Some(attempt));
        queue.give_back_in_flight();
    }
    assert_eq!(queue.depth(), 0);
    assert_eq!(queue.dead_letters(), [DeadLetter { group: "g".into(), body: "poison".into() }]);
}

#[tokio::test]
async fn a_sleep_moves_the_clock_and_uses_up_the_time_remaining() {
    let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
    clock.set_remaining(Duration::from_secs(10));
    clock.sleep(Duration::from_secs(4)).await;
    assert_eq!(clock.now().as_second(), 4);
    assert_eq!(clock.remaining(), Duration::from_secs(6));
    clock.sleep(Duration::from_secs(7)).await;
    assert_eq!(clock.remaining(), Duration::ZERO);
}

#[tokio::test]
async fn the_table_passes_the_contract() {
    crate::contract::table(&MemoryTable::new()).await;
    crate::contract::table_costs(&MemoryTable::new()).await;
}

#[tokio::test]
async fn the_queue_passes_the_contract() {
    let queue = MemoryQueue::new();
    crate::contract::queue(&queue).await;
    assert_eq!(queue.depth(), 0);
}

#[tokio::test]
async fn the_secrets_pass_the_contract() {
    crate::contract::secrets(&MemorySecrets::new()).await;
}
