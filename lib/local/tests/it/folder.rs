//! Which data folders are taken, and what is left untouched of those that are not.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use apis::call::{Secret, SecretText};
use engine::ports::{Envelope, QueueIn, QueueOut, Secrets};
use local::OpenError;
use reconcile::ids::IntegrationId;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("the folder is readable")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

fn secret(text: &str) -> Secret {
    Secret(BTreeMap::from([("api_key".to_owned(), SecretText::new(text))]))
}

#[test]
fn a_new_folder_belongs_to_its_owner_alone() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("a").join("b");
    local::open(&folder).expect("a new folder opens");
    assert_eq!(mode(&folder), 0o700);
}

#[test]
fn a_folder_in_use_is_refused_and_names_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = local::open(folder.path()).expect("a new folder opens");
    match local::open(folder.path()) {
        Err(OpenError::InUse { process, .. }) => assert_eq!(process, Some(std::process::id())),
        other => panic!("it is in use: {other:?}"),
    }
    drop(first);
    local::open(folder.path()).expect("it opens as soon as it is free");
}

#[test]
fn a_newer_folder_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("version"), "7\n").expect("writable");
    let refused = local::open(folder.path());
    assert!(matches!(refused, Err(OpenError::Newer { found: 7, known: 1, .. })), "{refused:?}");
    assert_eq!(names(folder.path()), ["version"]);
}

#[test]
fn a_folder_with_an_unreadable_layout_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("version"), "one").expect("writable");
    let refused = local::open(folder.path());
    assert!(matches!(refused, Err(OpenError::Unreadable { .. })), "{refused:?}");
    assert_eq!(names(folder.path()), ["version"]);
}

#[test]
fn a_read_only_folder_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o555)).expect("ours");
    let refused = local::open(folder.path());
    assert!(matches!(refused, Err(OpenError::NotWritable { .. })), "{refused:?}");
    assert_eq!(names(folder.path()), Vec::<String>::new());
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).expect("ours");
}

#[test]
fn a_damaged_catalogue_is_refused_by_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("catalogue.sqlite"), "this is not a database, whatever its name says").expect("ours");
    let refused = local::open(folder.path()).expect_err("it is damaged");
    assert!(refused.to_string().contains("catalogue.sqlite"), "{refused}");
}

#[tokio::test]
async fn what_was_sent_and_proposed_is_there_after_reopening() {
    let folder = tempfile::tempdir().expect("a folder");
    let auvik = IntegrationId::parse("auvik").expect("a slug");
    let local = local::open(folder.path()).expect("a new folder opens");
    let envelope = |n: &str| Envelope { group: "g".into(), deduplication: n.into(), body: n.into() };
    local.queue.send(vec![envelope("1"), envelope("2")]).await.expect("reachable");
    assert_eq!(local.queue.receive(10).await.expect("reachable").len(), 1);
    local.secrets.propose(&auvik, &secret("k3y-s3cret")).await.expect("writable");
    drop(local);

    let local = local::open(folder.path()).expect("it reopens");
    let again = local.queue.receive(10).await.expect("reachable");
    assert_eq!(again.iter().map(|message| (message.body.as_str(), message.attempt)).collect::<Vec<_>>(), [("1", 2)]);
    local.queue.send(vec![envelope("1")]).await.expect("reachable");
    assert_eq!(local.queue.depth().await.expect("reachable").waiting, 2, "ids are remembered across openings");
    assert_eq!(local.secrets.proposed(&auvik).await.expect("readable"), Some(secret("k3y-s3cret")));
}

#[tokio::test]
async fn secrets_that_others_may_read_are_refused_and_not_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let auvik = IntegrationId::parse("auvik").expect("a slug");
    let local = local::open(folder.path()).expect("a new folder opens");
    local.secrets.propose(&auvik, &secret("k3y-s3cret")).await.expect("writable");
    let path = folder.path().join("secrets.json");
    assert_eq!(mode(&path), 0o600);

    fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("ours");
    let refused = local.secrets.proposed(&auvik).await.expect_err("the group may read it");
    assert!(refused.cause.to_string().contains("chmod 600"), "{refused:?}");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("ours");

    fs::write(&path, "{\"auvik\": {\"proposed\": [\"k3y-s3cret\"]}}").expect("ours");
    let damaged = local.secrets.proposed(&auvik).await.expect_err("it is damaged");
    assert!(!format!("{damaged:?} {}", damaged.cause).contains("k3y-s3cret"), "{damaged:?}");
    assert!(!format!("{local:?}").contains("k3y-s3cret"));
}
