//! Laws that hold for any world: generated ones, and all small ones.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::doc::{Doc, Role, Source};
use crate::ids::{IntegrationId, RunId, Scope, VendorId};
use crate::mapping::{Absence, Decision, Entry, State};
use crate::plan::{Action, EntryKey, Purpose, Standing, effects, narrow, narrow_docs, plan};
use crate::record::{Activity, Class, Field, Fields, Kind, Value, VendorRecord};
use crate::reference;
use crate::undo::undo;
use crate::worlds::{OwnedWorld, acme, content, doc_id, planned};

/// Reads choices from bytes; at the end of the bytes every choice is the first one, so that worlds shrink.
struct Dice<'b> {
    bytes: std::slice::Iter<'b, u8>,
}

impl Dice<'_> {
    fn roll(&mut self, sides: u8) -> u8 {
        self.bytes.next().copied().unwrap_or_default() % sides
    }

    fn one_in(&mut self, sides: u8) -> bool {
        self.roll(sides) == sides - 1
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.roll(choices.len() as u8))]
    }

    fn fields(&mut self, kind: Kind) -> Fields {
        let mut fields = Fields::default();
        let text = |fields: &mut Fields, field, value: &str| fields.set_text(field, value);
        match kind {
            Kind::Asset => {
                text(&mut fields, Field::SerialNumber, self.pick(&["", "S1", "S2", "n/a"]));
                text(&mut fields, Field::Hostname, self.pick(&["", "h1", "h2", "h1.acme.local"]));
                fields.set_list(
                    Field::MacAddresses,
                    match self.roll(5) {
                        0 | 1 => &[][..],
                        2 => &["00:1A:00:00:00:01"][..],
                        3 => &["00:1A:00:00:00:02"][..],
                        _ => &["00:1A:00:00:00:01", "00:1A:00:00:00:02"][..],
                    },
                );
                text(&mut fields, Field::Os, self.pick(&["", "one", "two"]));
            }
            Kind::Contact | Kind::User => {
                text(&mut fields, Field::Email, self.pick(&["", "a@x.example", "b@x.example"]));
                text(&mut fields, Field::Phone, self.pick(&["", "1"]));
            }
            Kind::Location => text(&mut fields, Field::Address, self.pick(&["", "1 Main St", "2 High St"])),
            Kind::Client => text(&mut fields, Field::Phone, self.pick(&["", "1", "2"])),
        }
        fields
    }
}

fn vendor(id: usize) -> VendorId {
    VendorId::parse(&format!("v{id}")).unwrap()
}

/// Makes a world that a store could hold: a link stands on both sides, and each record and each documentation record has
/// at most one.
fn world(bytes: &[u8], is_finish: bool) -> OwnedWorld {
    let mut dice = Dice { bytes: bytes.iter() };
    let mut world = OwnedWorld::empty();
    let kinds = match dice.roll(5) {
        0..=2 => vec![dice.pick(&[Kind::Asset, Kind::Asset, Kind::Contact, Kind::Location])],
        3 => vec![Kind::Client],
        _ => vec![Kind::User],
    };
    let kind = kinds[0];
    world.scope = Scope::of(kind, Some(&vendor(99))).unwrap();
    world.standing = match (kind.is_below_client(), dice.roll(8)) {
        (false, _) => Standing::Top,
        (true, 6) => Standing::Unmatched,
        (true, 7) => Standing::Excluded,
        (true, _) => Standing::Mapped(acme()),
    };
    if is_finish {
        world.purpose = Purpose::Finish;
        world.complete.clear();
    } else if dice.one_in(4) {
        world.complete.clear();
    }
    if dice.one_in(2) {
        world.policy.auto_create = Kind::ALL.into();
    }
    if dice.one_in(3) {
        world.policy.auto_create.clear();
    }
    if dice.one_in(6) {
        world.policy.first_sync.insert(kind);
    }
    world.policy.archive_stale = dice.one_in(2);
    if dice.one_in(12) {
        world.policy.sync.clear();
    }
    make_docs(&mut dice, &mut world, kind);
    make_entries(&mut dice, &mut world, kind);
    if kind.is_below_client() && world.standing.client().is_none() {
        world.docs.clear();
    }
    world
}

fn make_docs(dice: &mut Dice<'_>, world: &mut OwnedWorld, kind: Kind) {
    for place in 0..dice.roll(5) {
        let id = if dice.one_in(6) {
            world.created(kind, &format!("v{place}"))
        } else {
            doc_id(kind, &acme(), &format!("d{place}"))
        };
        let mut doc = Doc::new(id.clone(), dice.pick(&["Ann", "Bob", "ann "]));
        doc.version = 1;
        doc.imported = dice.fields(kind);
        if dice.one_in(3) {
            let role = dice.pick(&[Role::Monitor, Role::Psa]);
            let source = Source {
                client: None,
                vendor_id: vendor(7),
                role,
                name: doc.name.clone(),
                fields: dice.fields(kind),
                stale: dice.one_in(3),
            };
            doc.sources.insert(IntegrationId::parse("other").unwrap(), source);
        }
        if dice.one_in(5) {
            doc.edits.insert(Field::Os, dice.one_in(2).then(|| Value::Text("edited".to_owned())));
        }
        doc.archived = dice.one_in(5);
        doc.archived_when_stale = dice.one_in(if doc.archived { 2 } else { 9 });
        world.docs.insert(id, doc);
    }
}

fn make_entries(dice: &mut Dice<'_>, world: &mut OwnedWorld, kind: Kind) {
    let mut free: Vec<_> = world.docs.keys().cloned().collect();
    for place in 0..usize::from(dice.roll(6)) {
        let mut entry = Entry::new(VendorRecord {
            kind,
            vendor_id: vendor(place),
            client: kind.is_below_client().then(|| vendor(99)),
            name: dice.pick(&["Ann", "Bob", "Cy"]).to_owned(),
            fields: dice.fields(kind),
            class: None,
            activity: if dice.one_in(9) { Activity::Inactive } else { Activity::Active },
            malformed: dice.one_in(12).then(|| "name".to_owned()),
        });
        entry.version = 1;
        entry.is_new = dice.one_in(2);
        entry.copies = if dice.one_in(12) { 2 } else { 1 };
        if dice.one_in(4) {
            let run = RunId::new(&world.integration, dice.pick(&["1", "1", "0"]));
            entry.absent = Some(Absence { counted: run.to_string() == "rmm.0", run, certain: !dice.one_in(4) });
            entry.mapping.missed = dice.roll(3);
        } else if dice.one_in(5) {
            entry.mapping.missed = dice.roll(3);
        }
        if dice.one_in(9) {
            entry.record.class = Some(Class { id: "odd".to_owned(), name: "odd".to_owned() });
        }
        match dice.roll(6) {
            0..=2 => {}
            3 => entry.mapping.state = State::Excluded,
            _ if free.is_empty() => {}
            _ => {
                let id = free.remove(usize::from(dice.roll(free.len() as u8)));
                link(dice, world, &mut entry, &id);
            }
        }
        stage(dice, world, &mut entry, place);
        world.entries.insert((kind, entry.record.vendor_id.clone()), entry);
    }
}

fn link(dice: &mut Dice<'_>, world: &mut OwnedWorld, entry: &mut Entry, id: &crate::ids::DocId) {
    let mut source = world.borrow().source_of(entry);
    if dice.one_in(3) {
        source.fields = dice.fields(entry.record.kind);
    }
    source.stale = entry.is_stale() && !dice.one_in(3);
    entry.mapping.state = dice.pick(&[State::Matched, State::Created]);
    entry.mapping.doc = Some(id.clone());
    let doc = world.docs.get_mut(id).unwrap();
    match dice.roll(12) {
        10 => {}
        11 => source.vendor_id = vendor(50),
        _ => {}
    }
    if !dice.one_in(12) {
        doc.sources.insert(world.integration.clone(), source);
    }
}

fn stage(dice: &mut Dice<'_>, world: &OwnedWorld, entry: &mut Entry, place: usize) {
    if !dice.one_in(if world.purpose == Purpose::Finish { 2 } else { 8 }) {
        return;
    }
    let docs: Vec<_> = world.docs.keys().cloned().collect();
    entry.mapping.staged = Some(match dice.roll(6) {
        0 => Decision::Create,
        1 => Decision::Exclude,
        2 => Decision::Reset,
        _ if docs.is_empty() => Decision::Match(doc_id(entry.record.kind, &acme(), "gone")),
        _ => Decision::Match(docs[(usize::from(dice.roll(docs.len() as u8)) + place) % docs.len()].clone()),
    });
}

/// Lets the vendor say something else of a record.
fn change(dice: &mut Dice<'_>, entry: &mut Entry) {
    match dice.roll(4) {
        0 => entry.record.fields = dice.fields(entry.record.kind),
        1 => entry.record.name = dice.pick(&["Ann", "Bob", "Cy"]).to_owned(),
        2 => entry.record.fields.set_text(Field::Os, dice.pick(&["", "one", "two"])),
        _ => entry.record.fields.set_text(Field::Location, dice.pick(&["", "here"])),
    }
    if dice.one_in(9) {
        entry.record.activity = Activity::Inactive;
    }
    entry.copies = if dice.one_in(12) { 2 } else { 1 };
}

fn without_versions(
    entries: &BTreeMap<EntryKey, Entry>,
    docs: &BTreeMap<crate::ids::DocId, Doc>,
) -> (Vec<Entry>, Vec<Doc>) {
    let entries = entries.values().map(|entry| Entry { version: 0, ..entry.clone() }).collect();
    (entries, docs.values().map(|doc| Doc { version: 0, ..doc.clone() }).collect())
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..160)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// `planned` holds the laws of one plan: linted, the same again, nothing left after it, nothing lost half-way.
    #[test]
    fn a_run_leaves_what_the_reference_model_leaves(bytes in bytes()) {
        let world = world(&bytes, false);
        let (made, after) = planned(&world);
        let (entries, docs) = reference::settle(&world.borrow());
        let (entries, docs) = without_versions(&entries, &docs);
        let (our_entries, our_docs) = content(&after);
        for (ours, theirs) in our_entries.iter().zip(&entries) {
            prop_assert_eq!(ours, theirs, "{}", world.render(&made));
        }
        for (ours, theirs) in our_docs.iter().zip(&docs) {
            prop_assert_eq!(ours, theirs, "{}", world.render(&made));
        }
        prop_assert_eq!((our_entries.len(), our_docs.len()), (entries.len(), docs.len()));
    }

    /// Of a scope that was settled, some records change: where they can be planned alone, that is the plan of the whole
    /// scope, with the same counts, and it writes the same; and what nobody is known by can always be planned alone.
    #[test]
    fn a_narrow_plan_is_the_plan_of_the_whole_scope(bytes in bytes(), changes in bytes(), harmless in any::<bool>()) {
        let (made, mut whole) = planned(&world(&bytes, false));
        prop_assume!(made.settled);
        let stood = plan(&whole.borrow()).counts;
        whole.purpose = Purpose::Run(RunId::new(&whole.integration, "2"));
        whole.complete.clear();
        let mut dice = Dice { bytes: changes.iter() };
        let (mut some, before) = (whole.clone(), whole.clone());
        some.entries.clear();
        for (key, entry) in whole.entries.iter_mut().filter(|(_, entry)| entry.absent.is_none()) {
            if dice.one_in(2) {
                continue;
            }
            if harmless {
                entry.record.fields.set_text(Field::Model, dice.pick(&["", "one", "two"]));
            } else {
                change(&mut dice, entry);
            }
            entry.version += 1;
            some.entries.insert(key.clone(), entry.clone());
        }
        let docs = narrow_docs(some.entries.values()).into_iter().cloned().collect::<BTreeSet<_>>();
        some.docs = whole.docs.iter().filter(|(id, _)| docs.contains(id)).map(|(id, doc)| (id.clone(), doc.clone())).collect();
        let fits = |world: &OwnedWorld, entry: &Entry| {
            let linked = world.borrow().linked(entry).is_some_and(|doc| !doc.sources[&world.integration].stale);
            linked && entry.mapping.reason.is_none() && entry.mapping.missed == 0
        };
        let Some(alone) = narrow(&some.borrow(), &stood) else {
            prop_assert!(!harmless || some.entries.keys().any(|key| !fits(&before, &before.entries[key])), "{some:#?}");
            return Ok(());
        };
        let full = plan(&whole.borrow());
        prop_assert_eq!(&alone.items, &full.items);
        prop_assert_eq!(&alone.counts, &full.counts);
        prop_assert_eq!((alone.settled, full.settled), (true, true));
        let written: Vec<(u64, Doc)> = effects(&whole.borrow(), &full).into_iter().flat_map(|effect| {
            assert!(effect.entries.is_empty() && !effect.moves_identity, "{effect:?}");
            effect.docs.into_iter().map(|doc| (doc.version, doc))
        }).collect();
        prop_assert_eq!(alone.after, Some(written));
    }

    #[test]
    fn finish_clears_what_it_carries_out_and_keeps_what_it_refuses(bytes in bytes()) {
        let world = world(&bytes, true);
        let (made, after) = planned(&world);
        for item in &made.items {
            let staged = &after.entries[&item.key()].mapping.staged;
            prop_assert!(staged.is_none() || item.action == Action::Detach, "{item:?} is still staged");
        }
        for (key, entry) in &after.entries {
            let before = &world.entries[key];
            prop_assert!(entry.mapping.staged.is_none() || entry.mapping.staged == before.mapping.staged);
            let is_acted = made.items.iter().any(|item| item.key() == *key);
            prop_assert!(is_acted || entry.mapping.doc == before.mapping.doc, "nobody decided about {key:?}");
        }
    }

    #[test]
    fn an_incomplete_read_marks_nothing_stale(bytes in bytes()) {
        let mut world = world(&bytes, false);
        world.complete.clear();
        let made = plan(&world.borrow());
        let is_about_absence = |action| matches!(action, Action::Stale | Action::Archive);
        prop_assert!(!made.items.iter().any(|item| is_about_absence(item.action)));
    }

    #[test]
    fn undo_after_apply_restores(bytes in bytes(), is_finish in any::<bool>()) {
        let world = world(&bytes, is_finish);
        let (made, after) = planned(&world);
        let undoing = undo(&made, &world.integration, &after.entries, &after.docs);
        prop_assert_eq!(&undoing.changed, &[]);
        let mut back = after.clone();
        back.apply(undoing.effects);
        for item in &made.items {
            prop_assert_eq!(&back.entries[&item.key()].mapping, &world.entries[&item.key()].mapping, "{:?}", item);
            let doc = item.doc_id.as_ref().and_then(|id| back.docs.get(id));
            let before = item.doc_id.as_ref().and_then(|id| world.docs.get(id));
            match (item.action, doc, before) {
                (Action::Create, Some(doc), None) => prop_assert!(doc.archived && doc.sources.is_empty()),
                (_, doc, before) => prop_assert_eq!(
                    doc.map(|doc| Doc { version: 0, ..doc.clone() }),
                    before.map(|doc| Doc { version: 0, ..doc.clone() })
                ),
            }
        }
        let twice = undo(&made, &world.integration, &back.entries, &back.docs);
        prop_assert!(twice.effects.is_empty(), "what is undone is not undone again");
    }

    /// Vendor ids decide the order of the input; what happens to whom must not depend on it.
    #[test]
    fn the_order_of_the_input_is_irrelevant(bytes in bytes()) {
        let mut world = world(&bytes, false);
        world.docs.retain(|id, _| (0..9).all(|place| *id != world_created(id.kind(), place)));
        for entry in world.entries.values_mut() {
            if entry.mapping.doc.as_ref().is_some_and(|doc| !world.docs.contains_key(doc)) {
                entry.mapping.doc = None;
                entry.mapping.state = State::Unmatched;
            }
        }
        let mut turned = world.clone();
        turned.entries = BTreeMap::new();
        let turn = |id: &VendorId| VendorId::parse(&format!("w{}", 99 - id.as_str()[1..].parse::<usize>().unwrap())).unwrap();
        for ((kind, id), entry) in &world.entries {
            let mut entry = entry.clone();
            entry.record.vendor_id = turn(id);
            turned.entries.insert((*kind, turn(id)), entry);
        }
        for doc in turned.docs.values_mut() {
            if let Some(source) = doc.sources.get_mut(&world.integration) {
                source.vendor_id = turn(&source.vendor_id);
            }
        }
        let seen = |world: &OwnedWorld, turn: &dyn Fn(&VendorId) -> VendorId| {
            let made = plan(&world.borrow());
            let items: BTreeSet<String> = made.items.iter().map(|item| {
                let doc = item.doc_id.as_ref().filter(|_| item.action != Action::Create);
                format!("{} {:?} {doc:?} {:?} {:?}", turn(&item.vendor_id), item.action, item.rule, item.changes)
            }).collect();
            let left: BTreeSet<String> = made.unsynced.iter().map(|left| {
                format!("{} {} {:?}", turn(&left.vendor_id), left.reason, left.candidates)
            }).collect();
            (items, left)
        };
        prop_assert_eq!(seen(&world, &turn), seen(&turned, &|id: &VendorId| id.clone()), "{:#?}", world);
    }
}

fn world_created(kind: Kind, place: usize) -> crate::ids::DocId {
    OwnedWorld::empty().created(kind, &format!("v{place}"))
}
