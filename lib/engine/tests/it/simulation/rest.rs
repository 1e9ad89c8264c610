//! What holds once faults and people are quiet: the catalogue follows from what the vendors have.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::ports::{Item, Table};
use engine::store::entries;
use engine::store::integrations::{self, IntegrationState};
use engine::store::runs::{self, RunRecord, Slot};
use engine::worlds;
use reconcile::ids::{IntegrationId, Scope, VendorId};
use reconcile::lint::lint;
use reconcile::mapping::{Entry, State};
use reconcile::plan::{Purpose, children_standing, effects, plan};
use reconcile::reason::Reason;
use reconcile::record::Kind;
use reconcile::reference;
use reconcile::run::Trigger;

use super::Sim;
use super::cast::{Cast, There};
use super::laws::Stored;
use crate::office::shelf;

/// After so many rounds without faults nothing may change any more.
const ROUNDS_MAX: usize = 8;
/// In so many of them somebody decides what came last.
const ROUNDS_WITH_FINISH: usize = 2;
/// Items that a run is: opened, and moved from there into the history.
const WRITES_OF_A_RUN: u64 = 3;

/// Stops all faults and troubles, syncs until nothing changes, and compares.
pub async fn come_to_rest<C: Cast>(sim: &mut Sim<C>) {
    for which in 0..sim.ids.len() {
        sim.cast.heal(which);
        sim.rotate(which).await;
        sim.left[which] = None;
    }
    sim.clock.advance(Duration::from_secs(3600));
    for round in 0.. {
        assert!(round < ROUNDS_MAX, "it does not come to rest");
        let before = lasting(sim);
        if round < ROUNDS_WITH_FINISH {
            finish_all(sim).await;
        }
        sync_all(sim, Trigger::Manual).await;
        if round > 1 && lasting(sim) == before {
            break;
        }
    }
    let expected = sim.cast.expected(&mut sim.rng).await;
    everything_is_as_the_vendors_have_it(sim, expected.there).await;
    if let Some(expected) = expected.shown {
        assert_eq!(shelf::synced(sim.laws.stored()), expected, "an undisturbed start leads to another catalogue");
    }
    let before = lasting(sim);
    sync_all(sim, Trigger::Forced).await;
    same(&before, &lasting(sim), "a forced run changed what ordinary ones had left");
    sim.clock.advance(Duration::from_secs(24 * 3600));
    for which in 0..sim.ids.len() {
        let written = sim.table.meter().read().items_written;
        sync_one(sim, which, Trigger::Schedule, false).await.expect("nothing changes, so nothing is held");
        let written = sim.table.meter().read().items_written - written;
        let is_run_alone = written <= WRITES_OF_A_RUN || !sim.cast.is_consistent();
        assert!(is_run_alone, "{}: a night without changes writes {written} items", sim.ids[which]);
    }
    same(&before, &lasting(sim), "a night without changes changed something");
}

/// Whoever sets an integration up, or is careful, has decided everything after the first rounds.
async fn finish_all<C: Cast>(sim: &mut Sim<C>) {
    for which in 0..sim.ids.len() {
        let known = integrations::load(&sim.table, &sim.ids[which]).await.expect("readable").expect("added");
        let is_new = known.state == IntegrationState::Configured;
        if is_new {
            sync_one(sim, which, Trigger::Setup, false).await;
        }
        if is_new || sim.cast.is_consistent() {
            sim.finish(which).await.expect("nothing fails");
        }
    }
}

/// Returns what a run that changes nothing leaves alone: all but runs, plans and marks.
fn lasting<C>(sim: &Sim<C>) -> BTreeMap<(String, String), Item> {
    let is_lasting = |item: &Item| ["catalogue", "records#", "staged#"].iter().any(|own| item.key.pk.starts_with(own));
    let items = sim.table.dump().into_iter().filter(is_lasting);
    items.map(|item| ((item.key.pk.clone(), item.key.sk.clone()), item)).collect()
}

fn same(before: &BTreeMap<(String, String), Item>, after: &BTreeMap<(String, String), Item>, law: &str) {
    let changed: Vec<String> = after
        .iter()
        .filter(|(key, item)| before.get(*key) != Some(*item))
        .map(|(key, item)| format!("{key:?}\nwas {:?}\nis  {:?}", before.get(key).map(|item| &item.body), item.body))
        .collect();
    assert!(changed.is_empty(), "{law}:\n{}", changed.join("\n"));
}

async fn sync_all<C: Cast>(sim: &mut Sim<C>, trigger: Trigger) {
    for which in 0..sim.ids.len() {
        while sync_one(sim, which, trigger, false).await.is_none() {
            sim.decide_held(which, true).await;
        }
    }
}

/// Syncs one integration without faults. Returns the run, or `None` where it waits for a person.
pub async fn sync_one<C: Cast>(sim: &mut Sim<C>, which: usize, trigger: Trigger, hurried: bool) -> Option<RunRecord> {
    sim.clock.advance(Duration::from_secs(3600));
    let mut opened = false;
    for step in 0.. {
        assert!(step < 400, "a run without faults does not end");
        let slot = runs::slot(&sim.table, &sim.ids[which]).await.expect("readable");
        match slot {
            Slot::Taken(record) if record.run.is_held() => return None,
            Slot::Free { .. } if opened && sim.queue.depth() == 0 => break,
            _ if sim.queue.depth() > 0 => sim.deliver_some().await,
            slot => {
                opened |= matches!(slot, Slot::Free { .. });
                sim.invoke(which, trigger, hurried).await.expect("nothing fails");
            }
        }
        sim.laws.check(&sim.table).await;
    }
    let (mut history, _) = runs::history(&sim.table, &sim.ids[which], None, 1).await.expect("readable");
    Some(history.remove(0))
}

/// Compares with the vendors, and with what the core says of what is stored.
async fn everything_is_as_the_vendors_have_it<C: Cast>(sim: &Sim<C>, there: Vec<There>) {
    let stored = sim.laws.stored();
    for (id, mut there) in sim.ids.iter().zip(there) {
        let known = integrations::load(&sim.table, id).await.expect("readable").expect("added");
        for ((_, scope, _), entry) in stored.entries.iter().filter(|((of, ..), _)| of == id) {
            let record = &entry.record;
            let what = format!("{id} {scope} {} {}", record.kind, record.vendor_id);
            let Some((row, copies)) = there.remove(&(record.kind, record.vendor_id.clone(), record.client.clone()))
            else {
                assert!(entry.absent.is_some(), "{what} is gone, and stored as there: {entry:?}");
                assert!(entry.is_stale(), "{what} is gone, and not stale: {entry:?}");
                continue;
            };
            assert!(entry.absent.is_none(), "{what} is there, and stored as gone: {entry:?}");
            assert_eq!(entry.copies, copies, "{what}");
            assert_eq!(entry.record.malformed.is_some(), row.malformed.is_some(), "{what}: {entry:?}");
            if row.malformed.is_some() {
                assert_eq!(entry.mapping.reason, Some(Reason::MalformedRecord), "{what}");
                continue;
            }
            // Nobody asks for the details of what stays out for its type.
            if entry.mapping.reason != Some(Reason::TypeNotSelected) {
                assert_eq!(entry.record, row, "{what}: the stored content is not the vendor's");
            }
            one_outcome(stored, id, entry, &what);
        }
        assert!(there.is_empty(), "{id}: never stored: {:?}", there.keys().collect::<Vec<_>>());
        nothing_is_left_to_plan(sim, &known).await;
    }
}

/// A record that is there is either in the documentation as it is, or has a reason.
fn one_outcome(stored: &Stored, id: &IntegrationId, entry: &Entry, what: &str) {
    let synced = entry.mapping.reason.is_none();
    if synced {
        let doc = entry.mapping.doc.as_ref().and_then(|doc| stored.docs.get(doc));
        let doc = doc.unwrap_or_else(|| panic!("{what} has neither record nor reason: {entry:?}"));
        let source = &doc.sources[id];
        assert!(!source.stale, "{what} is there and stale in {}", doc.id);
        assert_eq!((&source.name, &source.fields), (&entry.record.name, &entry.record.fields), "{what} in {}", doc.id);
        assert_eq!(entry.mapping.missed, 0, "{what}");
        if let Some(client) = doc.id.client() {
            let own = stored.entries.iter().find(|((of, ..), other)| {
                of == id
                    && Some(&other.record.vendor_id) == entry.record.client.as_ref()
                    && other.record.kind == Kind::Client
            });
            assert_eq!(
                own.and_then(|(_, own)| own.mapping.doc.as_ref()),
                Some(&client),
                "{what} lies below another client"
            );
        }
    }
    if entry.mapping.state == State::Excluded {
        let own = entry.mapping.reason == Some(Reason::Excluded);
        assert!(own, "{what} is excluded, and {:?}", entry.mapping.reason);
    }
}

/// Planning what is stored once more finds nothing to do, and the plan has no flaw; and the reference model, which settles
/// the same scope naively, leaves records and catalogue as they are.
async fn nothing_is_left_to_plan<C: Cast>(sim: &Sim<C>, known: &integrations::Integration) {
    let run = reconcile::ids::RunId::new(&known.id, "99999999T000000000Z");
    let purpose = Purpose::Run(run);
    let clients = entries::load_scope(&sim.table, &known.id, &Scope::Clients).await.expect("readable");
    let complete = Kind::ALL.into();
    let mut scopes = vec![Scope::Clients, Scope::Users];
    scopes.extend(clients.keys().map(|(_, id): &(Kind, VendorId)| Scope::Client(id.clone())));
    let mut top = None;
    for scope in &scopes {
        let standing = match (&top, scope) {
            (Some(top), Scope::Client(id)) => children_standing(clients.get(&(Kind::Client, id.clone())), top),
            _ => reconcile::plan::Standing::Top,
        };
        let loaded = worlds::load(&sim.table, known, scope, &standing, &purpose, &complete).await.expect("readable");
        let world = loaded.world(known);
        let made = plan(&world);
        let flaws = lint(&world, &made);
        assert!(flaws.is_empty(), "{} {scope}: {flaws:?}", known.id);
        assert!(made.items.is_empty(), "{} {scope}: something is left to do: {:?}", known.id, made.items);
        let writes = effects(&world, &made);
        assert!(writes.is_empty(), "{} {scope}: something is left to write: {writes:?}", known.id);
        let (entries, docs) = reference::settle(&world);
        assert_eq!(entries, loaded.entries, "{} {scope}: the reference model ends the records otherwise", known.id);
        assert_eq!(docs, loaded.docs, "{} {scope}: the reference model leaves another catalogue", known.id);
        if *scope == Scope::Clients {
            top = Some(made);
        }
    }
}
