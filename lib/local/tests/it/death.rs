//! A process is killed while it writes.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use engine::ports::{Envelope, Expect, Key, Query, QueueIn, QueueOut, Table, Write};
use local::Local;

const FOLDER: &str = "MSP_SYNC_TEST_WRITER_FOLDER";
/// Answered rounds that are awaited before the kill.
const ROUNDS: usize = 25;

/// Writes until it is killed, and says which rounds were answered.
async fn write_on(folder: &Path) {
    let local = local::open(folder).expect("a new folder opens");
    let mut told = std::io::stdout();
    for round in 0.. {
        let put = |pk: &str| Write::put(Key::new(pk, format!("{round:06}")), Expect::Absent, round.to_string());
        local.table.transact(vec![put("left"), put("right")]).await.expect("absent");
        let envelope = Envelope { group: "g".into(), deduplication: round.to_string(), body: round.to_string() };
        local.queue.send(vec![envelope]).await.expect("reachable");
        if round == 0 {
            local.queue.receive(1).await.expect("reachable");
        }
        if writeln!(told, "answered {round}").and_then(|()| told.flush()).is_err() {
            return;
        }
    }
}

async fn places(local: &Local, pk: &str) -> Vec<String> {
    let mut query = Query::partition(pk);
    let mut places = Vec::new();
    loop {
        let page = local.table.query(&query).await.expect("reachable");
        places.extend(page.items.into_iter().map(|item| item.key.sk));
        let Some(next) = page.next else { return places };
        query.after = Some(next);
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_that_was_answered_and_leaves_the_folder_free() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return write_on(Path::new(&folder)).await;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = Command::new(std::env::current_exe().expect("a test has a program"))
        .args(["--exact", "death::a_killed_process_loses_nothing_that_was_answered_and_leaves_the_folder_free"])
        .arg("--nocapture")
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test runs itself");
    let told = BufReader::new(writer.stdout.take().expect("it is piped"));
    let mut answered = 0;
    for line in told.lines() {
        if line.expect("text").starts_with("answered") {
            answered += 1;
        }
        if answered == ROUNDS {
            writer.kill().expect("it is ours");
        }
    }
    writer.wait().expect("it ends");
    assert!(answered >= ROUNDS, "the writer wrote: {answered}");

    let local = local::open(folder.path()).expect("the folder is free at once");
    let left = places(&local, "left").await;
    assert_eq!(left, places(&local, "right").await, "a transaction is there as a whole or not at all");
    assert!(left.len() >= answered, "{answered} rounds were answered, {} are there", left.len());
    let waiting = local.queue.depth().await.expect("reachable").waiting;
    assert!(waiting >= answered as u64, "{answered} messages were taken, {waiting} are there");
    let first = local.queue.receive(1).await.expect("reachable");
    let first: Vec<(&str, u32)> = first.iter().map(|message| (message.body.as_str(), message.attempt)).collect();
    assert_eq!(first, [("0", 2)], "what the dead process held comes again");
}
