use super::*;
use crate::ids::VendorId;
use crate::record::{Activity, Fields};
use crate::worlds::OwnedWorld;

fn docs(names: impl IntoIterator<Item = String>) -> Vec<Doc> {
    let id = |place| DocId::imported(Kind::Client, None, "x", place);
    names.into_iter().enumerate().map(|(place, name)| Doc::new(id(place), &name)).collect()
}

fn client(name: &str) -> VendorRecord {
    VendorRecord {
        kind: Kind::Client,
        vendor_id: VendorId::parse("1").unwrap(),
        client: None,
        name: name.to_owned(),
        fields: Fields::default(),
        class: None,
        activity: Activity::Active,
        malformed: None,
    }
}

/// Returns the best suggestion for a name among others.
fn best(name: &str, among: &[&str]) -> Option<(String, f64, Rule)> {
    let docs = docs(among.iter().map(|name| (*name).to_owned()));
    let (found, _) = Index::new(Kind::Client, &docs).suggest(&client(name), 1);
    found.into_iter().next().map(|best| (best.name, best.score, best.rule))
}

#[test]
fn an_identical_name_scores_one() {
    assert_eq!(best("ACME  ltd", &["Acme Ltd", "Acme Inc"]), Some(("Acme Ltd".into(), 1.0, Rule::IdenticalName)));
}

#[test]
fn a_misspelt_name_is_found_by_its_letters() {
    let (name, score, rule) = best("Northwind Tradres", &["Northwind Traders", "Southwind Traders", "Globex"]).unwrap();
    assert_eq!((name.as_str(), rule), ("Northwind Traders", Rule::NearName));
    assert!((0.85..1.0).contains(&score), "{score}");
}

#[test]
fn words_in_another_order_or_beside_others_are_found() {
    let (name, _, _) = best("Wayne, Bruce Dental Practice", &["Bruce Wayne Dental", "Dental Supplies"]).unwrap();
    assert_eq!(name, "Bruce Wayne Dental");
    let among = ["Contoso Pharmaceuticals of Northern Ireland", "Fabrikam", "Ireland Tours"];
    let (name, score, _) = best("Contoso Pharmaceuticals", &among).unwrap();
    assert_eq!(name, among[0]);
    assert!(score >= SCORE_MIN);
}

#[test]
fn legal_words_do_not_make_names_alike() {
    assert_eq!(best("Globex Holdings Ltd", &["Initech Holdings Ltd"]), None);
    assert_eq!(best("Globex Ltd", &["Globex Inc", "Initech Ltd"]).map(|best| best.0), Some("Globex Inc".into()));
}

#[test]
fn letters_that_are_alike_by_chance_suggest_nothing() {
    let others = ["CEDAR OPTICAL PARTNERS", "Larkspur Legal Partners", "Quarry Motors Partners"];
    assert_eq!(best("Rosewood Dental Partners", &others), None);
}

#[test]
fn nothing_near_suggests_nothing() {
    assert_eq!(best("Acme", &["Globex", "Initech"]), None);
    assert_eq!(best("", &["Globex"]), None);
}

#[test]
fn a_shared_serial_number_goes_before_a_near_name() {
    let world = OwnedWorld::parse("asset 1 FS01 serial=S9\n doc asset d1 FS02\n doc asset d2 Other serial=s9");
    let (found, _) =
        Index::new(Kind::Asset, world.docs.values()).suggest(&world.entries.values().next().unwrap().record, 5);
    assert_eq!((found[0].name.as_str(), found[0].score, found[0].rule), ("Other", 1.0, Rule::Serial));
}

#[test]
fn two_thousand_against_two_thousand_stay_far_from_all_pairs() {
    let words =
        ["north", "south", "river", "dental", "legal", "tech", "care", "hill", "lake", "stone", "green", "metal"];
    let name = |place: usize| {
        format!("{}{} {} {} Ltd", words[place % 12], place / 144, words[place / 12 % 12], words[(place * 7 + 3) % 12])
    };
    let docs = docs((0..2000).map(name));
    let index = Index::new(Kind::Client, &docs);
    let mut compared = 0;
    let mut right = 0;
    for place in 0..2000 {
        let (found, count) = index.suggest(&client(&format!("{} Group", name(place))), 1);
        compared += count;
        right += usize::from(found.first().is_some_and(|best| best.name == name(place)));
    }
    assert!(compared <= 2000 * COMPARED_MAX, "{compared} comparisons");
    assert!(right >= 1990, "only {right} of 2000 found their own");
}

#[test]
fn free_records_are_those_that_nobody_active_holds() {
    let world = OwnedWorld::parse(
        "asset 1 a host=x1 matched=d1\n doc asset d1 a\n doc asset d2 b\n source rmm 9 rmm stale\n doc asset d3 c\n source auvik 1 monitor",
    );
    let names: BTreeSet<&str> =
        free(&world.integration, world.docs.values()).into_iter().map(|doc| doc.name.as_str()).collect();
    assert_eq!(names, ["b", "c"].into());
}

fn staged(text: &str) -> (Vec<String>, Vec<String>) {
    let world = OwnedWorld::parse(text);
    let show = |doc: &DocId| world.alias(doc);
    let matched = auto_match(&world.borrow()).into_iter().map(|((_, id), found)| match found {
        Ok(doc) => format!("{id}={}", show(&doc)),
        Err(reason) => format!("{id}:{reason}"),
    });
    let created = create_unmatched(&world.borrow()).into_iter().map(|((_, id), found)| match found {
        Ok(Decision::Match(doc)) => format!("{id}={}", show(&doc)),
        Ok(decision) => format!("{id}={decision:?}"),
        Err(reason) => format!("{id}:{reason}"),
    });
    (matched.collect(), created.collect())
}

#[test]
fn auto_match_links_names_that_are_unique_on_both_sides() {
    let (matched, created) = staged(
        r#"
        client 1 "Acme &amp; Co"
        client 2 Globex
        client 3 globex
        client 4 Initech
        client 5 Hooli
        client 6 Gone inactive
        client 7 Known excluded
        client 8 Open stage=exclude
        doc client d1 "ACME & Co"
        doc client d2 Globex
        doc client d4 Initech
        doc client d5 initech
        doc client d7 Known
        "#,
    );
    let left = ["2:ambiguous_name", "3:ambiguous_name", "4:ambiguous_name"];
    assert_eq!(matched, [&["1=d1"][..], &left, &["5:unmatched", "6:inactive_at_vendor"]].concat());
    assert_eq!(created, [&["1=d1"][..], &left, &["5=Create", "6:inactive_at_vendor"]].concat());
}

#[test]
fn users_are_matched_by_email_before_name() {
    let (matched, _) = staged(
        r#"
        user 1 "Ann Smith" email=ann@acme.example
        user 2 "Bob Jones" email=bob@acme.example
        user 3 "Ann Smith" email=other@acme.example
        doc user d1 "Ann S." email=ANN@acme.example
        doc user d2 "Bob Jones"
        "#,
    );
    assert_eq!(matched, ["1=d1", "2=d2", "3:ambiguous_name"]);
}

#[test]
fn what_is_staged_already_is_left_alone_and_takes_its_target() {
    let (matched, _) = staged("client 1 Acme\n client 2 Other stage=match:d1\n doc client d1 Acme");
    assert_eq!(matched, ["1:ambiguous_name"]);
}
