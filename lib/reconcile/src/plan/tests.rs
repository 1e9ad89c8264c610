use std::collections::BTreeMap;

use expect_test::expect;

use super::*;
use crate::ids::RecordKey;
use crate::worlds::{OwnedWorld, check, planned};

#[test]
fn new_assets_are_created_and_known_ones_matched() {
    check(
        r#"
        asset 1 "FS01" serial=ABC host=fs01
        asset 2 "FS02" serial=DEF host=fs02
        doc asset d1 "File server" serial=abc
        "#,
        expect![[r#"
            match asset 1 "FS01" -> d1 by Serial; hostname - => fs01; serial_number abc => ABC
            create asset 2 "FS02" -> new:2; hostname - => fs02; serial_number - => DEF
        "#]],
    );
}

#[test]
fn a_changed_value_updates_and_an_equal_one_does_not() {
    check(
        r#"
        asset 1 "FS01" serial=ABC os=new matched=d1
        asset 2 "FS02" serial=DEF os=same matched=d2
        doc asset d1 "FS01"
          source rmm 1 rmm serial=ABC os=old
        doc asset d2 "FS02"
        "#,
        expect![[r#"
            update asset 1 "FS01" -> d1; os old => new
        "#]],
    );
}

#[test]
fn a_value_that_another_source_or_a_person_owns_is_kept_quietly() {
    let after = check(
        r#"
        run role=monitor
        asset 1 "FS01" host=fs01 os=auvik model=m1 matched=d1
        doc asset d1 "FS01"
          edit model=mine
          source rmm 1 monitor host=fs01 os=older
          source agent 7 rmm os=agent
        "#,
        expect![""],
    );
    let source = after.docs.values().next().unwrap().sources[&after.integration].clone();
    assert_eq!(source.fields.text(Field::Os), Some("auvik"), "what the vendor says is kept beside it");
}

#[test]
fn a_rename_at_the_vendor_changes_no_name() {
    let after = check(
        r#"
        asset 1 "New name" host=fs01 matched=d1
        doc asset d1 "Old name"
          source rmm 1 rmm host=fs01
        "#,
        expect![[r#""#]],
    );
    let doc = after.docs.values().next().unwrap();
    assert_eq!(doc.name, "Old name");
    assert_eq!(crate::ownership::drift(doc).into_values().collect::<Vec<_>>(), ["New name"]);
}

#[test]
fn every_record_that_does_not_move_has_its_reason() {
    check(
        r#"
        run types=1 auto=contact
        asset 1 a class=1
        asset 2 b host=pc2 class=2
        asset 3 c host=pc3 class=1 inactive
        asset 4 d malformed=name class=1
        asset 5 e host=pc5 class=1 excluded
        asset 6 f host=pc6 class=1 copies=2
        asset 7 g host=pc7 class=1
        "#,
        expect![[r#"
            asset 1: missing_identifier
            asset 2: type_not_selected
            asset 3: inactive_at_vendor
            asset 4: malformed_record
            asset 5: excluded
            asset 6: duplicate_at_vendor
            asset 7: unmatched
        "#]],
    );
    check(
        "run client=excluded\n asset 1 a host=pc1",
        expect![[r#"
        asset 1: client_excluded
    "#]],
    );
    check(
        "run client=unmatched\n asset 1 a host=pc1",
        expect![[r#"
        asset 1: client_unmatched
    "#]],
    );
    check(
        "run sync=contact\n asset 1 a host=pc1",
        expect![[r#"
        asset 1: kind_off
    "#]],
    );
}

#[test]
fn the_first_sync_creates_whatever_the_switches_say() {
    check(
        "run auto= first=asset\n asset 1 a host=pc1\n asset 2 b host=pc2 excluded",
        expect![[r#"
        create asset 1 "a" -> new:1; hostname - => pc1
        asset 2: excluded
    "#]],
    );
}

#[test]
fn a_record_with_a_staged_decision_waits_for_finish() {
    let after = check(
        r#"
        asset 1 a host=pc1 stage=exclude
        asset 2 b host=pc2 stage=match:d2
        asset 3 c host=pc3 os=new stage=exclude matched=d3
        doc asset d2 b host=pc2
        doc asset d3 c
          source rmm 3 rmm host=pc3
        "#,
        expect![[r#"
            update asset 3 "c" -> d3; os - => new
            asset 1: unmatched
            asset 2: unmatched
        "#]],
    );
    assert!(after.entries.values().all(|entry| entry.mapping.staged.is_some()));
}

#[test]
fn a_record_missing_from_two_complete_reads_is_stale() {
    check(
        "asset 1 a host=pc1 matched=d1 absent\n doc asset d1 a",
        expect![[r#"
        not settled
    "#]],
    );
    let after = check(
        "asset 1 a host=pc1 matched=d1 absent missed=1\n doc asset d1 a",
        expect![[r#"
        stale asset 1 "a" -> d1
    "#]],
    );
    assert!(after.docs.values().all(Doc::is_stale));
    check(
        "asset 1 a host=pc1 matched=d1 counted missed=1\n doc asset d1 a",
        expect![[r#"
        not settled
    "#]],
    );
    check(
        "asset 1 a host=pc1 matched=d1 unseen missed=1\n doc asset d1 a",
        expect![[r#"
        not settled
    "#]],
    );
    check(
        "asset 1 a host=pc1 matched=d1 earlier missed=1\n doc asset d1 a",
        expect![[r#"
        not settled
    "#]],
    );
    check(
        "run complete=contact\n asset 1 a host=pc1 matched=d1 absent missed=1\n doc asset d1 a",
        expect![[r#"
        not settled
    "#]],
    );
}

#[test]
fn a_record_that_is_back_is_no_longer_stale_and_starts_counting_anew() {
    let after = check(
        r#"
        asset 1 a host=pc1 matched=d1 missed=2
        asset 2 b host=pc2 matched=d2 missed=1
        doc asset d1 a shelved
          source rmm 1 rmm stale host=pc1
        doc asset d2 b
        "#,
        expect![[r#"
            return asset 1 "a" -> d1
        "#]],
    );
    assert!(after.entries.values().all(|entry| entry.mapping.missed == 0));
    assert!(after.docs.values().all(|doc| !doc.archived && !doc.is_stale()));
}

#[test]
fn archiving_is_opt_in_and_waits_for_the_last_source() {
    let gone = "asset 1 a host=pc1 matched=d1 absent missed=1\n doc asset d1 a\n";
    let with = |source: &str| format!("run archive\n {gone} {source}");
    check(
        &with(""),
        expect![[r#"
        stale asset 1 "a" -> d1
        archive asset 1 "a" -> d1
    "#]],
    );
    check(
        &with("source auvik 1 monitor host=pc1"),
        expect![[r#"
        stale asset 1 "a" -> d1
    "#]],
    );
    check(
        &with("source auvik 1 monitor stale host=pc1"),
        expect![[r#"
        stale asset 1 "a" -> d1
        archive asset 1 "a" -> d1
    "#]],
    );
    let restored = "run archive\n asset 1 a host=pc1 matched=d1 counted missed=2\n doc asset d1 a unshelved\n source rmm 1 rmm stale";
    check(restored, expect![[r#""#]]);
}

#[test]
fn what_a_person_archived_is_linked_and_stays_archived() {
    let after = check(
        "asset 1 a serial=S1\n doc asset d1 a serial=S1 archived",
        expect![[r#"
        match asset 1 "a" -> d1 by Serial
    "#]],
    );
    assert!(after.docs.values().all(|doc| doc.archived));
}

#[test]
fn finish_carries_out_what_is_staged_and_nothing_else() {
    let after = check(
        r#"
        finish
        client 1 Acme stage=match:d1
        client 2 Globex stage=create
        client 3 Initech stage=exclude matched=d3
        client 4 Hooli stage=reset matched=d4
        client 5 Left
        client 6 Back excluded stage=create
        client 7 Idle stage=match:d7 matched=d7
        doc client d1 "Acme Ltd" phone=1
        doc client d3 Initech
        doc client d4 Hooli
        doc client d7 Idle
        doc client d8 Left
        "#,
        expect![[r#"
            match client 1 "Acme" -> d1 by Decision
            create client 2 "Globex" -> new:2 by Decision
            exclude client 3 "Initech" -> d3 by Decision
            reset client 4 "Hooli" -> d4 by Decision
            create client 6 "Back" -> new:6 by Decision
            client 3: excluded
            client 4: unmatched
            client 5: unmatched
        "#]],
    );
    assert!(after.entries.values().all(|entry| entry.mapping.staged.is_none()));
}

#[test]
fn what_finish_cannot_carry_out_stays_staged_with_the_reason() {
    let after = check(
        r#"
        finish
        client 1 Acme stage=match:gone
        client 2 Globex stage=match:d2
        client 3 Initech matched=d2
        client 4 One stage=match:d4
        client 5 Two stage=match:d4
        client 6 Off inactive stage=create
        doc client d2 Globex
        doc client d4 Both
        "#,
        expect![[r#"
            client 1: unmatched
            client 2: ambiguous_name (d2)
            client 4: ambiguous_name (d4)
            client 5: ambiguous_name (d4)
            client 6: inactive_at_vendor
        "#]],
    );
    let staged = after.entries.values().filter(|entry| entry.mapping.staged.is_some()).count();
    assert_eq!(staged, 5);
}

#[test]
fn records_may_change_places_in_one_step() {
    let text = "finish\n client 1 A stage=match:d2 matched=d1\n client 2 B stage=match:d1 matched=d2\n \
        doc client d1 One\n doc client d2 Two";
    let world = OwnedWorld::parse(text);
    let (made, _) = planned(&world);
    let steps = effects(&world.borrow(), &made);
    assert_eq!(steps.len(), 1);
    assert_eq!((steps[0].docs.len(), steps[0].entries.len(), steps[0].moves_identity), (2, 2, true));
}

#[test]
fn a_refused_exchange_refuses_those_that_counted_on_it() {
    check(
        r#"
        finish
        client 1 A stage=match:d2 matched=d1
        client 2 B stage=match:d3 matched=d2
        client 3 C matched=d3
        doc client d1 One
        doc client d2 Two
        doc client d3 Three
        "#,
        expect![[r#""#]],
    );
}

#[test]
fn only_changes_of_who_is_who_move_identity() {
    let moved = |text: &str| -> Vec<bool> {
        let world = OwnedWorld::parse(text);
        let (made, _) = planned(&world);
        effects(&world.borrow(), &made).iter().map(|step| step.moves_identity).collect()
    };
    let update = "asset 1 a serial=S1 {} matched=d1\n doc asset d1 a\n source rmm 1 rmm serial=S1 os=old";
    assert_eq!(moved(&update.replace("{}", "os=new")), [false]);
    assert_eq!(moved(&update.replace("{}", "os=old host=pc1")), [true]);
    assert_eq!(moved("asset 1 a serial=S1"), [true]);
    assert_eq!(moved("asset 1 a"), [false], "a reason alone");
    assert!(moved("asset 1 a host=pc1 matched=d1\n doc asset d1 a").is_empty(), "nothing changed, nothing written");
}

#[test]
fn children_of_a_client_that_is_matched_elsewhere_leave_the_old_one() {
    let mut world = OwnedWorld::parse(
        "run client=globex\n asset 1 a serial=S1 matched=acme/d1\n asset 2 b serial=S2 matched=d2\n doc asset d2 b",
    );
    let old = world.entries.values().next().unwrap().mapping.doc.clone().unwrap();
    assert_eq!(foreign_clients(world.entries.values(), &world.standing), [old.client().unwrap()].into());
    assert_eq!(foreign_clients(world.entries.values(), &Standing::Excluded), BTreeSet::new(), "they only wait");
    let (own, _) = planned(&world);
    let versions: BTreeMap<&str, u64> =
        own.items.iter().map(|item| (item.vendor_id.as_str(), item.entry_version)).collect();
    assert_eq!(versions, [("1", 2)].into(), "planned on the version that the detachment leaves");
    let mut doc = Doc::new(old.clone(), "a");
    let entry = world.entries.values().next().unwrap();
    doc.sources.insert(world.integration.clone(), world.borrow().source_of(entry));
    let kept = std::mem::take(&mut world.docs);
    world.docs.insert(old.clone(), doc);
    let made = detach(&world.borrow(), &old.client().unwrap());
    assert!(made.is_detachment());
    assert_eq!(
        made.items.iter().map(|item| (item.action, item.vendor_id.as_str())).collect::<Vec<_>>(),
        [(Action::Detach, "1")]
    );
    let steps = effects(&world.borrow(), &made);
    world.apply(steps);
    assert!(world.docs[&old].sources.is_empty());
    assert_eq!(effects(&world.borrow(), &made), []);
    world.docs = kept;
    let (after, _) = planned(&world);
    assert_eq!(after.items[0].entry_version, own.items[0].entry_version);
    assert_eq!(after.items[0].action, Action::Create);
}

#[test]
fn children_stand_where_the_plan_of_their_client_leaves_it() {
    let standing = |text: &str| {
        let world = OwnedWorld::parse(text);
        let (made, after) = planned(&world);
        let standing = children_standing(world.entries.values().next(), &made);
        let alias = standing.client().map(|doc| after.alias(doc));
        (alias, standing)
    };
    let mapped = |text: &str| standing(text).0.unwrap();
    assert_eq!(mapped("run auto=client\n client 1 A new"), "new:1");
    assert_eq!(mapped("run auto=client\n client 1 A new\n doc client d1 A"), "d1");
    assert_eq!(mapped("client 1 A matched=d1\n doc client d1 A"), "d1");
    assert_eq!(
        mapped("client 1 A inactive matched=d1\n doc client d1 A"),
        "d1",
        "an inactive client keeps its children"
    );
    assert_eq!(mapped("finish\n client 1 A stage=match:d2 matched=d1\n doc client d1 A\n doc client d2 B"), "d2");
    assert_eq!(standing("client 1 A excluded").1, Standing::Excluded);
    assert_eq!(standing("finish\n client 1 A stage=exclude matched=d1\n doc client d1 A").1, Standing::Excluded);
    assert_eq!(standing("finish\n client 1 A stage=reset matched=d1\n doc client d1 A").1, Standing::Unmatched);
    assert_eq!(standing("client 1 A").1, Standing::Unmatched);
    assert_eq!(standing("client 1 A matched=lost").1, Standing::Unmatched, "its documentation record is not there");
    let top = planned(&OwnedWorld::parse("client 1 A")).0;
    assert_eq!(children_standing(None, &top), Standing::Unmatched);
}

#[test]
fn counts_tell_how_every_record_ended() {
    let world = OwnedWorld::parse(
        r#"
        asset 1 a serial=S1
        asset 2 b serial=S2
        asset 3 c serial=S3 os=new matched=d3
        asset 4 d serial=S4 matched=d4
        asset 5 e
        asset 6 f host=pc6 excluded
        asset 7 g host=pc7 matched=d7 absent missed=1
        doc asset d2 b serial=S2
        doc asset d3 c
          source rmm 3 rmm serial=S3
        doc asset d4 d
        doc asset d7 g
        "#,
    );
    let (made, _) = planned(&world);
    let counts = &made.counts[&Kind::Asset];
    assert_eq!((counts.fetched, counts.synced, counts.unsynced), (6, 4, 2));
    assert_eq!((counts.created, counts.matched, counts.updated, counts.unchanged), (1, 1, 1, 1));
    assert_eq!(counts.excluded, 1);
    assert_eq!(counts.reasons, [(Reason::MissingIdentifier, 1), (Reason::Excluded, 1)].into());
    assert_eq!(made.stale, [(Kind::Asset, 1)].into());
    let held = counts.held();
    assert_eq!((held.fetched, held.synced, held.unchanged, held.reasons[&Reason::GuardHeld]), (6, 2, 2, 2));
    let carried = counts.carried_over();
    assert_eq!((carried.unchanged, carried.created, carried.unsynced), (4, 0, 2));
    let mut totals = Totals::default();
    totals.add(&made);
    totals.carry_over(&made.counts);
    totals.merge(&totals.clone());
    let sum = totals.counts.get_mut(&Kind::Asset).unwrap();
    sum.add_unreadable(0);
    sum.add_unreadable(3);
    assert!(sum.adds_up());
    assert_eq!((sum.fetched, sum.synced, sum.unchanged, sum.created), (27, 16, 10, 2));
    assert_eq!(sum.reasons[&Reason::MalformedRecord], 3);
    assert_eq!(totals.stale[&Kind::Asset], 2);
    assert_eq!(totals.held().stale, BTreeMap::new());
}

#[test]
fn a_plan_is_named_by_its_content_and_the_versions_it_rests_on() {
    let world = OwnedWorld::parse("asset 1 a serial=S1");
    let (made, _) = planned(&world);
    let name = digest(std::slice::from_ref(&made));
    assert_eq!(name.len(), 16);
    assert_eq!(digest(&[plan(&world.borrow())]), name);
    let moved = ScopePlan { docs_version: 2, ..made.clone() };
    assert_ne!(digest(&[moved]), name);
    assert_ne!(digest(&[made.clone(), made]), name);
}

#[test]
fn a_created_record_has_the_id_that_follows_from_the_vendor_key() {
    let world = OwnedWorld::parse("asset 1 a serial=S1");
    let (made, _) = planned(&world);
    let key = RecordKey {
        integration: world.integration.clone(),
        kind: Kind::Asset,
        vendor_id: made.items[0].vendor_id.clone(),
    };
    assert_eq!(made.items[0].doc_id, Some(DocId::created(&key, world.standing.client())));
}

#[test]
fn a_scope_is_settled_when_nothing_is_pending() {
    let settled = |text: &str| planned(&OwnedWorld::parse(text)).0.settled;
    assert!(settled("asset 1 a host=pc1\n asset 2 b\n asset 3 c host=pc3 excluded"));
    assert!(!settled("asset 1 a host=pc1 matched=d1 absent\n doc asset d1 a"), "an absence is pending");
    assert!(settled("asset 1 a host=pc1 matched=d1 absent missed=1\n doc asset d1 a"), "it is stale");
    assert!(settled("run sync=contact\n asset 1 a host=pc1 matched=d1 absent\n doc asset d1 a"), "nobody asks");
    assert!(!settled("asset 1 a host=pc1\n doc asset d1 a host=pc1\n doc asset d2 b host=pc1"), "an ambiguity");
    assert!(!settled("finish\n client 1 A"), "Finish settles nothing");
}

#[test]
fn what_only_a_complete_read_may_archive_is_looked_at_again() {
    check(
        r#"
        run complete=client archive
        asset 1 "FS01" serial=ABC created=d1 earlier missed=2
        doc asset d1 "FS01"
          source rmm 1 rmm serial=ABC stale
          source other 7 monitor serial=ABC stale
        "#,
        expect![[r#"
            not settled
        "#]],
    );
}
