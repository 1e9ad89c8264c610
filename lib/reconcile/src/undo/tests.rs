use super::*;
use crate::worlds::{OwnedWorld, planned};

/// Plans and applies a world, lets something happen, and undoes the plan. Returns what stayed and the world after.
fn undone(text: &str, meanwhile: impl FnOnce(&mut OwnedWorld)) -> (Vec<(String, &'static str)>, OwnedWorld) {
    let world = OwnedWorld::parse(text);
    let (made, mut after) = planned(&world);
    meanwhile(&mut after);
    let undoing = undo(&made, &world.integration, &after.entries, &after.docs);
    after.apply(undoing.effects);
    (undoing.changed.into_iter().map(|changed| (changed.key.1.to_string(), changed.what)).collect(), after)
}

#[test]
fn what_was_made_is_archived_and_found_again() {
    let (changed, after) = undone("asset 1 FS01 serial=S1", |_| {});
    assert_eq!(changed, []);
    let doc = after.docs.values().next().unwrap();
    assert!(doc.archived && doc.sources.is_empty());
    let (made, again) = planned(&after);
    assert_eq!(made.items[0].action, Action::Match);
    assert!(!again.docs.values().next().unwrap().archived);
}

#[test]
fn what_another_integration_joined_stays() {
    let (changed, after) = undone("asset 1 FS01 serial=S1", |world| {
        let other = OwnedWorld::parse("doc asset x x\n source auvik 1 monitor host=fs01");
        let sources = other.docs.into_values().next().unwrap().sources;
        world.docs.values_mut().next().unwrap().sources.extend(sources);
    });
    assert_eq!(changed, [("1".to_owned(), "somebody else wrote in the documentation record that was made")]);
    assert_eq!(after.docs.values().next().unwrap().sources.len(), 2);
}

#[test]
fn what_was_updated_since_stays_and_the_rest_goes_back() {
    let text = "asset 1 a serial=S1 os=new matched=d1\n asset 2 b serial=S2 os=new matched=d2\n \
        doc asset d1 a\n source rmm 1 rmm serial=S1 os=old\n doc asset d2 b\n source rmm 2 rmm serial=S2 os=old";
    let (changed, after) = undone(text, |world| {
        let doc = world.docs.values_mut().find(|doc| doc.name == "a").unwrap();
        let source = doc.sources.get_mut(&world.integration).unwrap();
        source.fields.set_text(crate::record::Field::Os, "newer");
    });
    assert_eq!(changed, [("1".to_owned(), "its documentation record was changed")]);
    let os = |name| {
        let doc = after.docs.values().find(|doc| doc.name == name).unwrap();
        crate::ownership::resolve(doc)[&crate::record::Field::Os].0.to_string()
    };
    assert_eq!((os("a"), os("b")), ("newer".to_owned(), "old".to_owned()));
}

#[test]
fn finish_is_undone_with_what_was_staged() {
    let text = "finish\n client 1 Acme stage=match:d1\n client 2 Globex stage=exclude\n doc client d1 A";
    let (changed, after) = undone(text, |_| {});
    assert_eq!(changed, []);
    let before = OwnedWorld::parse(text);
    for (key, entry) in &after.entries {
        assert_eq!(entry.mapping, before.entries[key].mapping);
    }
    assert!(after.docs.values().all(|doc| doc.sources.is_empty()));
}

#[test]
fn a_new_decision_or_mapping_stays() {
    use crate::mapping::Decision;
    let text = "finish\n client 1 Acme stage=exclude";
    let staged =
        |world: &mut OwnedWorld| world.entries.values_mut().next().unwrap().mapping.staged = Some(Decision::Create);
    assert_eq!(undone(text, staged).0, [("1".to_owned(), "another decision is staged")]);
    let reset = |world: &mut OwnedWorld| world.entries.values_mut().next().unwrap().mapping.state = State::Unmatched;
    assert_eq!(undone(text, reset).0, [("1".to_owned(), "its mapping was changed")]);
    let gone = |world: &mut OwnedWorld| world.entries.clear();
    assert_eq!(undone(text, gone).0, [("1".to_owned(), "the vendor record is not stored any more")]);
}

#[test]
fn records_that_changed_places_go_back_together_or_not_at_all() {
    let text = "finish\n client 1 A stage=match:d2 matched=d1\n client 2 B stage=match:d1 matched=d2\n \
        doc client d1 One\n doc client d2 Two";
    let (changed, after) = undone(text, |_| {});
    assert_eq!(changed, []);
    let before = OwnedWorld::parse(text);
    assert_eq!(crate::worlds::content(&after), crate::worlds::content(&before));
    let (changed, _) = undone(text, |world| {
        let doc = world.docs.values_mut().find(|doc| doc.name == "One").unwrap();
        doc.archived = true;
    });
    let together = "it belongs together with one that was changed";
    assert_eq!(changed, [("1".to_owned(), together), ("2".to_owned(), "its documentation record was changed")]);
}

#[test]
fn what_it_left_and_somebody_took_stays() {
    let text = "finish\n client 1 A stage=match:d2 matched=d1\n doc client d1 One\n doc client d2 Two";
    let (changed, _) = undone(text, |world| {
        let two = world.docs.values().find(|doc| doc.name == "Two").unwrap().sources.clone();
        let one = world.docs.values_mut().find(|doc| doc.name == "One").unwrap();
        one.sources = two;
        one.sources.values_mut().for_each(|source| source.vendor_id = crate::ids::VendorId::parse("9").unwrap());
    });
    assert_eq!(changed, [("1".to_owned(), "the documentation record that it left is taken")]);
}
