//! Data folders: in use, left over, read-only, of a newer version; and `serve`, which lets commands through.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use sandbox::Fault;
use serde_json::Value;

use crate::bench::{Bench, ID, Running, Vendors, ran};

/// Starts a `serve` and waits until it says that it serves.
fn serve(bench: &Bench) -> Running {
    let mut child = bench.command(&["serve"]).spawn().expect("it starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    assert!(line.starts_with("Serving"), "{line}");
    Running(child)
}

fn end(mut serve: Running) {
    assert_eq!(ran(std::process::Command::new("kill").args(["-INT", &serve.0.id().to_string()])).code, 0);
    assert!(serve.0.wait().expect("it ends").success());
}

#[test]
fn commands_are_carried_out_through_a_running_serve() {
    let (bench, vendors) = (Bench::new(), Vendors::start(3, 12));
    let serving = serve(&bench);
    bench.go_live(&vendors);
    assert_eq!(bench.json(&["status", ID]).json(0)["items"][0]["state"], "live");
    assert_eq!(bench.json(&["status", "acne"]).error(1)["code"], "not_found");
    end(serving);
    assert!(!bench.data().join("serve.sock").exists(), "its socket goes with it");
    assert_eq!(bench.json(&["status", ID]).json(0)["items"][0]["state"], "live");
}

#[test]
fn a_killed_serve_leaves_nothing_in_the_way() {
    let bench = Bench::new();
    drop(serve(&bench));
    assert!(bench.data().join("serve.sock").exists(), "a killed process leaves its socket file");
    assert_eq!(bench.json(&["status"]).json(0)["items"], serde_json::json!([]));
    end(serve(&bench));
}

#[test]
fn a_second_serve_is_refused_at_once() {
    let bench = Bench::new();
    let _serving = serve(&bench);
    assert_eq!(bench.json(&["serve"]).error(1)["code"], "busy");
}

#[test]
fn a_command_waits_for_another_one_and_says_so() {
    let bench = Bench::new();
    let held = local::open(&bench.data()).expect("a new folder");
    let mut waiting = Running(bench.command(&["status", "--json"]).spawn().expect("it starts"));
    let mut line = String::new();
    BufReader::new(waiting.0.stderr.take().expect("a pipe")).read_line(&mut line).expect("a line");
    assert!(line.contains("30 s"), "{line}");
    drop(held);
    assert!(waiting.0.wait().expect("it ends").success());
}

fn all_files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap_or_default()))
        .collect();
    files.sort();
    files
}

#[test]
fn a_folder_of_a_newer_version_is_refused_and_left_alone() {
    let bench = Bench::new();
    assert_eq!(bench.run(&["status"]).code, 0);
    std::fs::write(bench.data().join("version"), "999\n").expect("the folder is ours");
    let before = all_files(&bench.data());
    let error = bench.json(&["status"]).error(1);
    assert!(error["message"].as_str().is_some_and(|said| said.contains("999")), "{error}");
    assert_eq!(all_files(&bench.data()), before);
}

#[test]
fn a_folder_that_cannot_be_written_to_is_refused() {
    let bench = Bench::new();
    std::fs::create_dir(bench.data()).expect("a folder");
    std::fs::set_permissions(bench.data(), std::fs::Permissions::from_mode(0o500)).expect("our folder");
    let error = bench.json(&["status"]).error(1);
    assert_eq!(error["code"], "data_folder");
    assert_eq!(all_files(&bench.data()), []);
    let file = bench.file("occupied", "not a folder");
    let error = bench.json(&["status", "--data-dir", &file]).error(1);
    assert_eq!(error["code"], "data_folder", "{error}");
}

#[test]
fn a_sync_that_is_killed_goes_on_with_the_next_command() {
    let (bench, vendors) = (Bench::new(), Vendors::start(5, 80));
    bench.set_up(&vendors);
    bench.json(&["sync", ID]).json(0);
    bench.json(&["create-unmatched", ID]).json(0);
    bench.json(&["finish", ID, "--no-sync"]).json(0);
    // The vendor answers one of the first calls very slowly: the sync is killed in the middle of its read, for sure.
    let calls = vendors.sandbox.auvik.with(|auvik| auvik.calls());
    vendors.sandbox.auvik.with(|auvik| auvik.trouble(Fault::SlowBody { pause: Duration::from_secs(60) }));
    let syncing = Running(bench.command(&["sync", ID]).spawn().expect("it starts"));
    while vendors.sandbox.auvik.with(|auvik| auvik.calls()) == calls {
        std::thread::yield_now();
    }
    drop(syncing);
    vendors.sandbox.auvik.with(|auvik| auvik.heal());
    let run = bench.json(&["sync", ID]).json(0);
    assert_eq!(run["items"][0]["outcome"], "complete");
    let assets = bench.json(&["docs", "list", "--kind", "asset"]).json(0);
    let mut ids: Vec<&Value> = assets["items"].as_array().expect("assets").iter().map(|of| &of["doc_id"]).collect();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all, "nothing is doubled");
    assert_eq!(run["items"][0]["counts"]["asset"]["synced"], all as u64, "nothing is lost");
    let again = bench.json(&["sync", ID]).json(0);
    assert_eq!(again["items"][0]["counts"]["asset"]["created"], 0);
}
