use std::collections::BTreeMap;

use super::*;
use crate::plan::World;
use crate::reason::Reason;
use crate::worlds::{OwnedWorld, planned};

/// How many records of each kind the scope holds beside those of the world, synced and one excluded.
const OTHERS: u64 = 40;

/// Plans the records of a world without the rest of their scope.
fn check(text: &str) -> Option<ScopePlan> {
    let world = OwnedWorld::parse(text);
    let stood = Kind::ALL.into_iter().filter_map(|kind| {
        let here = world.entries.keys().filter(|(of, _)| *of == kind).count() as u64;
        let synced = OTHERS - 1 + here;
        let reasons = BTreeMap::from([(Reason::Excluded, 1)]);
        let fetched = synced + 1;
        let counts =
            Counts { fetched, synced, unchanged: synced, excluded: 1, unsynced: 1, reasons, ..Counts::default() };
        (here > 0).then_some((kind, counts))
    });
    let made = narrow(&World { docs_version: 0, ..world.borrow() }, &stood.collect());
    if let Some(made) = &made {
        let (whole, after) = planned(&world);
        assert_eq!(whole.items, made.items);
        for (version, doc) in made.after.as_ref().expect("a narrow plan carries what it writes") {
            assert_eq!(*version, world.docs[&doc.id].version);
            assert_eq!(crate::doc::Doc { version: after.docs[&doc.id].version, ..doc.clone() }, after.docs[&doc.id]);
        }
    }
    made
}

#[test]
fn another_model_is_planned_without_the_rest_of_the_client() {
    let made = check(
        r#"
        asset 1 "FS01" serial=ABC model=new created=d1
        doc asset d1 "FS01"
          source rmm 1 rmm serial=ABC model=old
        "#,
    );
    let made = made.expect("nobody is known by a model");
    let counts = &made.counts[&Kind::Asset];
    assert_eq!((counts.fetched, counts.updated, counts.unchanged, counts.excluded), (41, 1, 39, 1));
    assert_eq!(made.items.len(), 1);
    assert!(made.settled && made.unsynced.is_empty());
}

#[test]
fn what_changes_nothing_that_is_shown_is_written_and_counted_as_unchanged() {
    let made = check(
        r#"
        run role=monitor
        asset 1 "FS01" serial=ABC os=auvik created=d1
        doc asset d1 "FS01"
          source rmm 1 monitor serial=ABC os=older
          source agent 7 rmm os=agent
        "#,
    );
    let made = made.expect("nobody is known by an operating system");
    assert_eq!((made.items.len(), made.counts[&Kind::Asset].updated, made.counts[&Kind::Asset].unchanged), (0, 0, 40));
    assert_eq!(made.after.map(|after| after.len()), Some(1));
}

#[test]
fn an_identifier_written_otherwise_is_no_other_identifier() {
    let made = check(
        r#"
        asset 1 "FS01" serial=abc host=FS01 created=d1
        doc asset d1 "FS01"
          source rmm 1 rmm serial=ABC host=fs01
        "#,
    );
    assert!(made.is_some());
}

#[test]
fn what_stays_out_because_its_client_is_not_mapped_is_planned_alone() {
    let text = r#"
        run client=unmatched
        asset 1 "FS01" serial=ABC reason=client_unmatched
        "#;
    let world = OwnedWorld::parse(text);
    let reasons = BTreeMap::from([(Reason::ClientUnmatched, 9)]);
    let stood = BTreeMap::from([(Kind::Asset, Counts { fetched: 9, unsynced: 9, reasons, ..Counts::default() })]);
    let made = narrow(&world.borrow(), &stood).expect("nobody is matched there");
    assert_eq!((made.counts, made.unsynced, made.after), (stood, Vec::new(), Some(Vec::new())));
    assert_eq!(check(text), None, "none stayed out for that reason before");
}

#[test]
fn what_may_matter_to_others_is_left_to_a_plan_of_the_whole_scope() {
    for (why, text) in [
        (
            "another serial number",
            r#"asset 1 "FS01" serial=DEF created=d1
               doc asset d1 "FS01"
                 source rmm 1 rmm serial=ABC"#,
        ),
        ("a new record", r#"asset 1 "FS01" serial=ABC"#),
        ("a record that is mapped on one side", r#"asset 1 "FS01" serial=ABC created=d1"#),
        (
            "an absence",
            r#"asset 1 "FS01" serial=ABC created=d1 absent
               doc asset d1 "FS01""#,
        ),
        (
            "a return",
            r#"asset 1 "FS01" serial=ABC created=d1 missed=1
               doc asset d1 "FS01""#,
        ),
        (
            "a source that had gone stale",
            r#"asset 1 "FS01" serial=ABC created=d1
               doc asset d1 "FS01"
                 source rmm 1 rmm serial=ABC stale"#,
        ),
        (
            "an archived documentation record that comes back",
            r#"asset 1 "FS01" serial=ABC created=d1
               doc asset d1 "FS01" shelved"#,
        ),
        (
            "a record that is in use no longer",
            r#"asset 1 "FS01" serial=ABC created=d1 inactive
               doc asset d1 "FS01""#,
        ),
        (
            "a record that stayed out before",
            r#"asset 1 "FS01" serial=ABC created=d1 reason=inactive_at_vendor
               doc asset d1 "FS01""#,
        ),
        (
            "an id that came twice",
            r#"asset 1 "FS01" serial=ABC created=d1 copies=2
               doc asset d1 "FS01""#,
        ),
        (
            "a row that cannot be read",
            r#"asset 1 "FS01" serial=ABC created=d1 malformed=name
               doc asset d1 "FS01""#,
        ),
        (
            "a contact's other name",
            r#"contact 1 "Ann" email=a@x.example created=d1
               doc contact d1 "Ann"
                 source rmm 1 rmm name=Anne email=a@x.example"#,
        ),
        (
            "a city that completes an address of another source",
            r#"location 1 "Main" city=Leeds created=d1
               doc location d1 "Main"
                 source rmm 1 rmm city=York
                 source other 7 monitor address="1 Main St""#,
        ),
        (
            "a record that would stay out for another reason",
            r#"run client=unmatched
               asset 1 "FS01" serial=ABC reason=inactive_at_vendor"#,
        ),
        (
            "a record that waits for its client with what it holds",
            r#"run client=unmatched
               asset 1 "FS01" serial=ABC created=d1 reason=client_unmatched"#,
        ),
        (
            "a kind that is not synced",
            r#"run sync=client
               asset 1 "FS01" serial=ABC os=new created=d1
               doc asset d1 "FS01"
                 source rmm 1 rmm serial=ABC os=old"#,
        ),
        (
            "a decision that Finish carries out",
            r#"finish
               asset 1 "FS01" serial=ABC created=d1 stage=exclude
               doc asset d1 "FS01""#,
        ),
    ] {
        assert_eq!(check(text), None, "{why}");
    }
}

#[test]
fn counts_that_cannot_hold_the_records_are_not_believed() {
    let world = OwnedWorld::parse(
        r#"
        asset 1 "FS01" serial=ABC created=d1
        doc asset d1 "FS01"
        "#,
    );
    assert_eq!(narrow(&world.borrow(), &BTreeMap::new()), None);
    assert_eq!(narrow(&world.borrow(), &BTreeMap::from([(Kind::Asset, Counts::default())])), None);
}
