//! Whole nights of two integrations over the same clients, planned and carried out scope by scope, beside the reference
//! model: clients come and go and are matched elsewhere, children move with them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::doc::{Doc, Role};
use crate::ids::{DocId, IntegrationId, RunId, Scope, VendorId};
use crate::lint::lint;
use crate::mapping::{Entry, State};
use crate::plan::{
    EntryKey, Policy, Purpose, ScopePlan, Standing, World, children_standing, detach, effects, foreign_clients, plan,
};
use crate::record::{Activity, Field, Fields, Kind, VendorRecord};
use crate::reference::{Model, Night};

/// Settles every scope of an integration as the engine does: plans, then carries out.
fn run(model: &mut Model, night: &Night<'_>) {
    let users = settle(model, night, &Scope::Users, &Standing::Top);
    assert!(users.is_none_or(|plan| !plan.is_detachment()));
    let clients_before = model.entries.get(&(night.integration.clone(), Scope::Clients)).cloned().unwrap_or_default();
    let top = settle(model, night, &Scope::Clients, &Standing::Top);
    let scopes: Vec<Scope> =
        model.entries.keys().filter(|(of, _)| of == night.integration).map(|(_, scope)| scope.clone()).collect();
    for scope in scopes {
        let Scope::Client(client) = &scope else { continue };
        let client = clients_before.get(&(Kind::Client, client.clone()));
        let standing = top.as_ref().map_or(Standing::Unmatched, |top| children_standing(client, top));
        let entries = model.entries[&(night.integration.clone(), scope.clone())].clone();
        for from in foreign_clients(entries.values(), &standing) {
            carry_out(model, night, &scope, &standing, Some(&from));
        }
        let left = model.entries[&(night.integration.clone(), scope.clone())].clone();
        let made = settle(model, night, &scope, &standing).expect("the scope has entries");
        for item in &made.items {
            assert_eq!(item.entry_version, left[&item.key()].version, "planned on the version that detaching leaves");
        }
    }
}

fn settle(model: &mut Model, night: &Night<'_>, scope: &Scope, standing: &Standing) -> Option<ScopePlan> {
    model.entries.get(&(night.integration.clone(), scope.clone()))?;
    Some(carry_out(model, night, scope, standing, None))
}

/// Plans a scope, or its children's leaving of the client `from`, and carries the plan out. Only the documentation records
/// of that place are loaded, as in the store.
fn carry_out(
    model: &mut Model,
    night: &Night<'_>,
    scope: &Scope,
    standing: &Standing,
    from: Option<&DocId>,
) -> ScopePlan {
    let place = (night.integration.clone(), scope.clone());
    let below = from.or(standing.client());
    let is_here = |doc: &Doc| match scope {
        Scope::Users => doc.kind() == Kind::User,
        Scope::Clients => doc.kind() == Kind::Client,
        Scope::Client(_) => doc.id.client().is_some() && doc.id.client().as_ref() == below,
    };
    let docs: BTreeMap<DocId, Doc> =
        model.docs.iter().filter(|(_, doc)| is_here(doc)).map(|(id, doc)| (id.clone(), doc.clone())).collect();
    let entries: BTreeMap<EntryKey, Entry> = model.entries[&place].clone();
    let purpose = Purpose::Run(night.run.clone());
    let world = World {
        integration: night.integration,
        role: night.role,
        scope,
        purpose: &purpose,
        standing,
        policy: night.policy,
        complete: night.complete,
        entries: &entries,
        docs: &docs,
        docs_version: 0,
    };
    let made = from.map_or_else(|| plan(&world), |from| detach(&world, from));
    assert_eq!(made.is_detachment(), from.is_some());
    assert_eq!(lint(&world, &made), Vec::<String>::new());
    for effect in effects(&world, &made) {
        model.docs.extend(effect.docs.into_iter().map(|doc| (doc.id.clone(), Doc { version: doc.version + 1, ..doc })));
        let stored = model.entries.get_mut(&place).expect("the scope has entries");
        for entry in effect.entries {
            let key = (entry.record.kind, entry.record.vendor_id.clone());
            stored.insert(key, Entry { version: entry.version + 1, ..entry });
        }
    }
    made
}

fn record(kind: Kind, id: u8, client: Option<u8>, looks: u8) -> VendorRecord {
    let vendor = |id: u8| VendorId::parse(&format!("{id}")).unwrap();
    let mut fields = Fields::default();
    if kind == Kind::Asset {
        fields.set_text(Field::SerialNumber, ["", "S1", "S2"][usize::from(looks % 3)]);
        fields.set_text(Field::Hostname, ["h1", "h2"][usize::from(looks / 3 % 2)]);
        fields.set_text(Field::Os, ["", "one"][usize::from(looks / 6 % 2)]);
    }
    VendorRecord {
        kind,
        vendor_id: vendor(id),
        client: client.map(vendor),
        name: format!("{kind} {}", looks % 2),
        fields,
        class: None,
        activity: if looks == 23 { Activity::Inactive } else { Activity::Active },
        malformed: None,
    }
}

/// What a vendor shows in one night: clients, and devices by client; each with its looks.
type Shown = (BTreeMap<u8, u8>, BTreeMap<(u8, u8), u8>);

fn shown() -> impl Strategy<Value = Shown> {
    let clients = prop::collection::btree_map(1..4u8, 0..24u8, 0..4);
    (clients, prop::collection::btree_map((1..4u8, 1..4u8), 0..24u8, 0..5))
}

/// What a person does between nights: nothing, or matches or excludes a client.
fn person(model: &mut Model, integration: &IntegrationId, act: u8) {
    let Some(entries) = model.entries.get_mut(&(integration.clone(), Scope::Clients)) else { return };
    let Some(entry) = entries.values_mut().nth(usize::from(act / 4 % 3)) else { return };
    let leave = |docs: &mut BTreeMap<DocId, Doc>, entry: &Entry| {
        if let Some(doc) = entry.mapping.doc.as_ref().and_then(|doc| docs.get_mut(doc)) {
            doc.sources.remove(integration);
        }
    };
    let target = DocId::imported(Kind::Client, None, "spare", usize::from(act % 2));
    match act % 4 {
        0 if model.docs.get(&target).is_some_and(|doc| !doc.sources.contains_key(integration)) => {
            leave(&mut model.docs, entry);
            entry.mapping.state = State::Matched;
            entry.mapping.doc = Some(target.clone());
            let source = crate::doc::Source {
                vendor_id: entry.record.vendor_id.clone(),
                client: None,
                role: Role::Rmm,
                name: entry.record.name.clone(),
                fields: Fields::default(),
                stale: false,
            };
            model.docs.get_mut(&target).unwrap().sources.insert(integration.clone(), source);
        }
        1 => {
            leave(&mut model.docs, entry);
            entry.mapping.state = State::Excluded;
            entry.mapping.doc = None;
        }
        _ => {}
    }
}

fn without_versions(model: &Model) -> Model {
    let mut plain = model.clone();
    plain.docs.values_mut().for_each(|doc| doc.version = 0);
    plain.entries.values_mut().flatten().for_each(|(_, entry)| entry.version = 0);
    plain
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nights_of_two_integrations_end_as_in_the_reference_model(
        nights in prop::collection::vec((any::<bool>(), shown(), 0..5u8, 0..12u8), 1..7),
        archives in any::<bool>(),
    ) {
        let policy = Policy {
            sync: Kind::ALL.into(),
            auto_create: Kind::ALL.into(),
            archive_stale: archives,
            ..Policy::default()
        };
        let mut real = Model::default();
        for place in 0..2 {
            let id = DocId::imported(Kind::Client, None, "spare", place);
            real.docs.insert(id.clone(), Doc::new(id, &format!("Spare {place}")));
        }
        for (number, (is_first, (clients, devices), cut, act)) in nights.into_iter().enumerate() {
            let integration = IntegrationId::parse(if is_first { "one" } else { "two" }).unwrap();
            let certain = cut > 0;
            let night = Night {
                integration: &integration,
                role: if is_first { Role::Rmm } else { Role::Monitor },
                run: &RunId::new(&integration, &number.to_string()),
                policy: &policy,
                complete: &if certain { Kind::ALL.into() } else { BTreeSet::new() },
            };
            let mut records: Vec<VendorRecord> =
                clients.iter().map(|(id, looks)| record(Kind::Client, *id, None, *looks)).collect();
            records.extend(devices.iter().map(|((client, id), looks)| record(Kind::Asset, *id, Some(*client), *looks)));
            let mut read: BTreeSet<Scope> = real.entries.keys().filter(|(of, _)| *of == integration).map(|(_, scope)| scope.clone()).collect();
            read.insert(Scope::Clients);
            real.intake(&night, &read, &records, certain, true);
            person(&mut real, &integration, act);
            let mut model = real.clone();
            model.settle(&night);
            run(&mut real, &night);
            let (ours, theirs) = (without_versions(&real), without_versions(&model));
            prop_assert_eq!(&ours.docs, &theirs.docs);
            prop_assert_eq!(&ours.entries, &theirs.entries);
            holds_together(&real)?;
        }
    }
}

/// Every mapping has its source and every source its mapping, and nothing is mapped across clients.
fn holds_together(model: &Model) -> Result<(), TestCaseError> {
    let mut held = BTreeSet::new();
    for ((integration, scope), entries) in &model.entries {
        for (key, entry) in entries {
            let Some(id) = &entry.mapping.doc else { continue };
            let source = model.docs.get(id).and_then(|doc| doc.sources.get(integration));
            let is_held = source.is_some_and(|source| source.is_of(&entry.record));
            // Of what is gone for good, another client's record may have taken the place.
            if !is_held && entry.is_stale() {
                continue;
            }
            prop_assert!(is_held, "{key:?} of {scope} is not in {id}");
            prop_assert!(held.insert((integration.clone(), id.clone())), "{id} is held twice by {integration}");
        }
    }
    for doc in model.docs.values() {
        for integration in doc.sources.keys() {
            prop_assert!(
                held.contains(&(integration.clone(), doc.id.clone())),
                "{} has a source without a mapping",
                doc.id
            );
        }
    }
    Ok(())
}
