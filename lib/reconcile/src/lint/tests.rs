use super::*;
use crate::worlds::{OwnedWorld, planned};

/// Spoils the plan of a world with something of everything and returns what the linter says.
fn spoilt(spoil: impl FnOnce(&mut ScopePlan)) -> String {
    let world = OwnedWorld::parse(
        r#"
        asset 1 a serial=S1
        asset 2 b serial=S2
        asset 3 c serial=S3 os=new matched=d3
        asset 4 d host=pc4 excluded
        asset 5 e host=pc5 matched=d5 absent missed=1
        doc asset d2 b serial=S2
        doc asset d3 c
          source rmm 3 rmm serial=S3
        doc asset d5 e
        "#,
    );
    let (mut made, _) = planned(&world);
    spoil(&mut made);
    lint(&world.borrow(), &made).join("\n")
}

fn complains(spoil: impl FnOnce(&mut ScopePlan), about: &str) {
    let said = spoilt(spoil);
    assert!(said.contains(about), "{about:?} is not among\n{said}");
}

#[test]
fn an_unspoilt_plan_passes() {
    assert_eq!(spoilt(|_| {}), "");
}

#[test]
fn items_in_disorder_or_twice_are_found() {
    complains(|plan| plan.items.reverse(), "items are sorted");
    complains(|plan| plan.items.insert(0, plan.items[0].clone()), "has two items");
}

#[test]
fn two_claims_on_one_record_are_found() {
    complains(|plan| plan.items[0].doc_id = plan.items[1].doc_id.clone(), "two items claim");
    complains(|plan| plan.items[1].doc_id = plan.items[2].doc_id.clone(), "changes what another record claims");
}

#[test]
fn a_claim_across_clients_is_found() {
    let elsewhere = DocId::imported(Kind::Client, None, "globex", 0);
    complains(
        |plan| plan.items[1].doc_id = Some(DocId::imported(Kind::Asset, Some(&elsewhere), "x", 0)),
        "crosses clients",
    );
}

#[test]
fn acting_on_an_excluded_record_is_found() {
    complains(|plan| plan.items[1].vendor_id = crate::ids::VendorId::parse("4").unwrap(), "the record is excluded");
}

#[test]
fn a_created_record_with_an_id_of_its_own_choice_is_found() {
    complains(
        |plan| plan.items[0].doc_id = plan.items[2].doc_id.clone(),
        "not the id that follows from the vendor key",
    );
}

#[test]
fn staleness_of_a_record_that_is_there_is_found() {
    complains(|plan| plan.items[2].action = Action::Stale, "two complete reads must miss it");
}

#[test]
fn counts_that_are_not_those_of_the_items_are_found() {
    complains(|plan| plan.items.truncate(2), "the counts are those of the items");
    complains(|plan| plan.counts.get_mut(&Kind::Asset).unwrap().fetched += 1, "does not add up");
    complains(|plan| plan.unsynced.clear(), "the reasons are those of the records that stay out");
}

#[test]
fn an_update_that_changes_nothing_is_found() {
    complains(|plan| plan.items[2].changes.clear(), "changes nothing");
}
