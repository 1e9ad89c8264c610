//! What went wrong once, or would be bad if it did: small worlds, one mishap each.

use std::collections::BTreeSet;
use std::time::Duration;

use engine::faults::is_crash;
use engine::finishing::{Finished, finish};
use engine::life;
use engine::ports::Table;
use engine::store::catalogue;
use engine::store::entries;
use engine::store::integrations::{self, IntegrationState};
use engine::store::runs::{self, RunRecord, Slot};
use fastrand::Rng;
use reconcile::doc::Doc;
use reconcile::ids::{DocId, Scope};
use reconcile::mapping::{Decision, Entry, State};
use reconcile::reason::Reason;
use reconcile::record::Kind;
use reconcile::run::{Outcome, Trigger};

use super::Sim;
use super::auvik::{Auvik, Device, Tenant};
use super::pair::{Pair, integration};
use super::rest::sync_one;

fn device(number: usize) -> Device {
    Device {
        name: format!("host-{number}"),
        serial: format!("SN{number}X42"),
        mac: String::new(),
        model: "M1".to_owned(),
        broken: false,
        doubled: false,
    }
}

/// Two clients, `t0` and `t1`, with some devices each: `t0-0` and so on.
fn auvik(devices: usize) -> Auvik {
    let mut auvik = Auvik::default();
    for (number, name) in ["Acme", "Birch"].into_iter().enumerate() {
        let ids = (0..devices).map(|count| (format!("t{number}-{count}"), device(number * 100 + count)));
        let tenant = Tenant { name: name.to_owned(), broken: false, devices: ids.collect() };
        auvik.tenants.insert(format!("t{number}"), tenant);
    }
    auvik
}

async fn world(devices: usize) -> Sim<Pair> {
    Sim::of(1, Rng::with_seed(1), Pair::of([auvik(devices), Auvik::default()])).await
}

async fn night(sim: &mut Sim<Pair>) -> RunRecord {
    sync_one(sim, 0, Trigger::Manual, false).await.expect("the guard lets it pass")
}

fn entry<'a>(sim: &'a Sim<Pair>, vendor_id: &str, scope: &str) -> &'a Entry {
    let found = sim.laws.stored().entries.iter().find(|((of, within, _), entry)| {
        *of == integration(0) && within.ends_with(scope) && entry.record.vendor_id.as_str() == vendor_id
    });
    found.unwrap_or_else(|| panic!("{vendor_id} is not stored")).1
}

fn with_device(sim: &Sim<Pair>, tenant: &str, device: &str, change: impl FnOnce(&mut Device)) {
    let mut vendor = sim.vendor(0);
    let tenant = vendor.tenants.get_mut(tenant).expect("there");
    change(tenant.devices.get_mut(device).expect("there"));
}

/// The catalogue and the records, without what no person sees.
fn seen(sim: &Sim<Pair>) -> Vec<String> {
    let stored = sim.laws.stored();
    let docs = stored.docs.values().map(|doc| format!("{} {:?}", doc.id, doc.sources));
    let entries = stored.entries.iter().map(|(key, entry)| format!("{key:?} {:?} {:?}", entry.record, entry.mapping));
    docs.chain(entries).collect()
}

#[tokio::test]
async fn a_list_that_cannot_be_read_to_its_end_makes_nothing_stale() {
    let troubles: [fn(&mut Auvik); 4] = [
        |auvik| auvik.troubles.html = BTreeSet::from(["t0".to_owned()]),
        |auvik| auvik.troubles.cut = BTreeSet::from(["t0".to_owned()]),
        |auvik| auvik.troubles.circling = BTreeSet::from(["t0".to_owned()]),
        |auvik| auvik.troubles.down = BTreeSet::from(["t0".to_owned()]),
    ];
    for trouble in troubles {
        let mut sim = world(4).await;
        night(&mut sim).await;
        trouble(&mut sim.vendor(0));
        for _ in 0..3 {
            let before = sim.vendor(0).calls;
            let run = night(&mut sim).await;
            assert_eq!(run.run.outcome(), Some(Outcome::Incomplete), "{:?}", run.log);
            assert!(!run.run.reports[&Kind::Asset].problems.is_empty());
            assert!(sim.vendor(0).calls - before <= 10, "tries are bounded");
        }
        for number in 0..4 {
            let entry = entry(&sim, &format!("t0-{number}"), "client:t0");
            assert_eq!((entry.mapping.state, entry.mapping.missed), (State::Created, 0), "{entry:?}");
        }
        sim.vendor(0).troubles = Default::default();
        assert_eq!(night(&mut sim).await.run.outcome(), Some(Outcome::Complete));
    }
}

#[tokio::test]
async fn a_refused_client_keeps_its_records() {
    let mut sim = world(3).await;
    night(&mut sim).await;
    let before = seen(&sim);
    sim.vendor(0).troubles.forbidden = BTreeSet::from(["t0".to_owned()]);
    for _ in 0..3 {
        let run = night(&mut sim).await;
        assert_eq!(run.run.outcome(), Some(Outcome::Incomplete));
        assert_eq!(run.run.reports[&Kind::Asset].refused, 1);
    }
    assert_eq!(seen(&sim), before);
}

#[tokio::test]
async fn a_key_refused_in_the_middle_leaves_everything_and_stops_the_calls() {
    let mut sim = world(3).await;
    night(&mut sim).await;
    let before = seen(&sim);
    let calls = sim.vendor(0).calls;
    sim.vendor(0).troubles.revoked_at = Some(calls + 2);
    let run = night(&mut sim).await;
    assert_eq!(run.run.outcome(), Some(Outcome::CredentialsRejected));
    let known = integrations::load(&sim.table, &integration(0)).await.expect("readable").expect("added");
    assert_eq!((known.state, known.resumes_to), (IntegrationState::CredentialsRejected, Some(IntegrationState::Live)));
    let calls = sim.vendor(0).calls;
    sim.invoke(0, Trigger::Manual, false).await.expect("nothing fails");
    assert_eq!((sim.vendor(0).calls, seen(&sim)), (calls, before));
    sim.vendor(0).troubles = Default::default();
    sim.rotate(0).await;
    assert_eq!(night(&mut sim).await.run.outcome(), Some(Outcome::Complete));
}

#[tokio::test]
async fn a_run_closed_half_way_does_not_reject_a_renewed_key() {
    for calls in 0..60 {
        let mut sim = world(1).await;
        night(&mut sim).await;
        let revoked = sim.vendor(0).calls + 2;
        sim.vendor(0).troubles.revoked_at = Some(revoked);
        sim.faults.crash_after(calls);
        let crashed = sim.invoke(0, Trigger::Manual, false).await.is_err();
        sim.faults.revive();
        sim.vendor(0).troubles = Default::default();
        sim.rotate(0).await;
        sim.clock.advance(Duration::from_secs(3600));
        sim.left = vec![None, None];
        let run = night(&mut sim).await;
        let run = if run.run.outcome() == Some(Outcome::CredentialsRejected) {
            // It had not been put away yet, and is now; the key is asked for once more.
            sim.rotate(0).await;
            night(&mut sim).await
        } else {
            run
        };
        assert_eq!(run.run.outcome(), Some(Outcome::Complete), "after {calls} calls: {:?}", run.log);
        if !crashed {
            return;
        }
    }
    panic!("a refused read has fewer calls than that");
}

#[tokio::test]
async fn rows_that_are_broken_or_doubled_cost_themselves_only() {
    let mut sim = world(3).await;
    with_device(&sim, "t0", "t0-0", |device| device.broken = true);
    with_device(&sim, "t0", "t0-1", |device| device.doubled = true);
    let run = night(&mut sim).await;
    let assets = &run.counts[&Kind::Asset];
    assert_eq!((run.run.outcome(), assets.fetched, assets.created), (Some(Outcome::Complete), 6, 4));
    assert_eq!(entry(&sim, "t0-0", "t0").mapping.reason, Some(Reason::MalformedRecord));
    assert_eq!(entry(&sim, "t0-1", "t0").mapping.reason, Some(Reason::DuplicateAtVendor));
}

#[tokio::test]
async fn devices_of_a_client_whose_row_is_broken_are_read_all_the_same() {
    let mut sim = world(2).await;
    night(&mut sim).await;
    sim.vendor(0).tenants.get_mut("t0").expect("there").broken = true;
    for _ in 0..3 {
        night(&mut sim).await;
    }
    assert_eq!(entry(&sim, "t0", "clients").mapping.reason, Some(Reason::MalformedRecord));
    assert_eq!((entry(&sim, "t0-0", "t0").mapping.missed, entry(&sim, "t0-0", "t0").absent.is_some()), (0, false));
}

#[tokio::test]
async fn a_client_that_comes_to_be_mapped_takes_its_unchanged_devices_along() {
    let mut sim = world(2).await;
    sim.vendor(0).tenants.get_mut("t0").expect("there").broken = true;
    night(&mut sim).await;
    assert_eq!(entry(&sim, "t0-0", "t0").mapping.reason, Some(Reason::ClientUnmatched));
    let id = integration(0);
    let changed = integrations::update(&sim.table, &id, |known| known.first_synced.clear());
    changed.await.expect("memory never fails");
    sim.vendor(0).tenants.get_mut("t0").expect("there").broken = false;
    night(&mut sim).await;
    assert_eq!(entry(&sim, "t0-0", "t0").mapping.state, State::Created);
}

#[tokio::test]
async fn what_is_missed_twice_is_stale_and_returns() {
    let mut sim = world(2).await;
    night(&mut sim).await;
    let gone = sim.vendor(0).tenants.get_mut("t0").expect("there").devices.remove("t0-0").expect("there");
    for missed in 1..=3 {
        night(&mut sim).await;
        assert_eq!(entry(&sim, "t0-0", "t0").mapping.missed, missed.min(2));
    }
    let doc = entry(&sim, "t0-0", "t0").mapping.doc.clone().expect("it stays mapped");
    assert!(sim.laws.stored().docs[&doc].is_stale());
    sim.vendor(0).tenants.get_mut("t0").expect("there").devices.insert("t0-0".to_owned(), gone);
    night(&mut sim).await;
    assert!(!sim.laws.stored().docs[&doc].is_stale());
    assert_eq!(entry(&sim, "t0-0", "t0").mapping.missed, 0);
}

#[tokio::test]
async fn devices_of_a_vanished_client_go_stale() {
    let mut sim = world(2).await;
    night(&mut sim).await;
    sim.vendor(0).tenants.remove("t0");
    night(&mut sim).await;
    night(&mut sim).await;
    assert!(entry(&sim, "t0", "clients").is_stale() && entry(&sim, "t0-0", "t0").is_stale());
}

#[tokio::test]
async fn a_device_that_moves_is_new_below_its_new_client_and_stale_below_the_old() {
    let mut sim = world(2).await;
    night(&mut sim).await;
    let moved = sim.vendor(0).tenants.get_mut("t0").expect("there").devices.remove("t0-0").expect("there");
    sim.vendor(0).tenants.get_mut("t1").expect("there").devices.insert("t0-0".to_owned(), moved);
    night(&mut sim).await;
    night(&mut sim).await;
    assert!(entry(&sim, "t0-0", "client:t0").is_stale());
    let (old, new) = (entry(&sim, "t0-0", "client:t0"), entry(&sim, "t0-0", "client:t1"));
    assert_eq!(new.mapping.state, State::Created);
    assert_ne!(old.mapping.doc, new.mapping.doc);
}

#[tokio::test]
async fn a_way_back_after_a_failed_run_is_noticed() {
    let mut sim = world(2).await;
    night(&mut sim).await;
    with_device(&sim, "t0", "t0-0", |device| device.model = "M2".to_owned());
    // A run that brings clients goes from message to message.
    sim.vendor(0).tenants.get_mut("t1").expect("there").name = "Beech".to_owned();
    sim.clock.advance(Duration::from_secs(3600));
    sim.invoke(0, Trigger::Manual, false).await.expect("nothing fails");
    sim.deliver_some().await;
    let Slot::Taken(open) = runs::slot(&sim.table, &integration(0)).await.expect("readable") else {
        panic!("the run is open")
    };
    life::give_up(&open.run_id, "a test", &sim.table, &sim.queue, &sim.clock).await.expect("nothing fails");
    with_device(&sim, "t0", "t0-0", |device| device.model = "M1".to_owned());
    night(&mut sim).await;
    let record = &entry(&sim, "t0-0", "t0").record;
    assert_eq!(record.fields.text(reconcile::record::Field::Model), Some("M1"));
}

#[tokio::test]
async fn a_held_plan_is_written_when_it_is_approved_and_never_before() {
    for approve in [true, false] {
        let mut sim = world(20).await;
        night(&mut sim).await;
        for number in 0..20 {
            for tenant in ["t0", "t1"] {
                with_device(&sim, tenant, &format!("{tenant}-{number}"), |device| device.model = "M2".to_owned());
            }
        }
        let docs = sim.laws.stored().docs.clone();
        assert!(sync_one(&mut sim, 0, Trigger::Manual, false).await.is_none(), "40 of 40 change");
        assert_eq!(sim.laws.stored().docs, docs);
        sim.decide_held(0, approve).await;
        while sim.queue.depth() > 0 {
            sim.deliver_some().await;
        }
        sim.laws.check(&sim.table).await;
        let (history, _) = runs::history(&sim.table, &integration(0), None, 1).await.expect("readable");
        let assets = &history[0].counts[&Kind::Asset];
        let expected = if approve { (Some(Outcome::Complete), 40) } else { (Some(Outcome::Held), 0) };
        assert_eq!((history[0].run.outcome(), assets.updated), expected, "{assets:?}");
        assert_eq!(sim.laws.stored().docs == docs, !approve);
        let next = sync_one(&mut sim, 0, Trigger::Manual, false).await;
        assert_eq!(next.is_some(), approve, "what was discarded is held again");
    }
}

#[tokio::test]
async fn a_read_in_several_invocations_ends_like_one() {
    let mut whole = world(7).await;
    night(&mut whole).await;
    let mut pieces = world(7).await;
    sync_one(&mut pieces, 0, Trigger::Manual, true).await.expect("nothing is held");
    assert!(pieces.log.iter().any(|line| line.contains("Continues")), "{:?}", pieces.log);
    assert_eq!(seen(&pieces), seen(&whole));
}

/// Lets a run crash after its first call, after its second, and so on, and compares where the nights after it lead with
/// where it leads undisturbed.
async fn crash_after_any_call(begin: impl AsyncFn() -> Sim<Pair>, trigger: Trigger) {
    let mut whole = begin().await;
    sync_one(&mut whole, 0, trigger, false).await.expect("the guard lets it pass");
    let expected = seen(&whole);
    for calls in 0.. {
        let mut sim = begin().await;
        sim.faults.crash_after(calls);
        let mut crashed = false;
        if let Err(error) = sim.invoke(0, trigger, false).await {
            assert!(is_crash(&error), "{error}");
            crashed = true;
        }
        while !crashed && sim.queue.depth() > 0 {
            sim.deliver_some().await;
            crashed = sim.faults.crashed() || sim.log.last().is_some_and(|line| line.contains("dead"));
        }
        sim.faults.revive();
        sim.queue.give_back_in_flight();
        sim.left = vec![None, None];
        for _ in 0..3 {
            sim.clock.advance(Duration::from_secs(3600));
            night(&mut sim).await;
        }
        assert_eq!(seen(&sim), expected, "after {calls} calls");
        if !crashed {
            assert!(calls > 30, "the run has more calls than that");
            return;
        }
    }
}

#[tokio::test]
async fn a_crash_after_any_call_changes_nothing_about_the_end() {
    crash_after_any_call(async || world(2).await, Trigger::Manual).await;
}

#[tokio::test]
async fn a_crash_in_a_night_of_one_change_changes_nothing_about_the_end() {
    let one_changed = async || {
        let mut sim = world(8).await;
        for _ in 0..2 {
            night(&mut sim).await;
        }
        with_device(&sim, "t1", "t1-3", |device| device.model = "M2".to_owned());
        sim
    };
    crash_after_any_call(one_changed, Trigger::Schedule).await;
}

#[tokio::test]
async fn what_one_integration_creates_is_found_by_the_other_whose_list_did_not_change() {
    let mut sim = Sim::of(1, Rng::with_seed(1), Pair::of([auvik(0), auvik(0)])).await;
    for which in [0, 1] {
        sync_one(&mut sim, which, Trigger::Manual, false).await.expect("nothing is held");
    }
    let id = integration(0);
    let off = integrations::update(&sim.table, &id, |known| {
        known.auto_create.remove(&Kind::Asset);
        known.epoch += 1;
    });
    off.await.expect("memory never fails");
    sim.vendor(0).tenants.get_mut("t0").expect("there").devices.insert("t0-0".to_owned(), device(0));
    night(&mut sim).await;
    assert_eq!(entry(&sim, "t0-0", "t0").mapping.reason, Some(Reason::Unmatched));
    sim.vendor(1).tenants.get_mut("t0").expect("there").devices.insert("other".to_owned(), device(0));
    sync_one(&mut sim, 1, Trigger::Manual, false).await.expect("nothing is held");
    night(&mut sim).await;
    assert_eq!(entry(&sim, "t0-0", "t0").mapping.state, State::Matched);
}

#[tokio::test]
async fn a_vendor_that_asks_to_wait_longer_than_an_invocation_lives_is_left_incomplete() {
    let mut sim = world(1).await;
    night(&mut sim).await;
    sim.vendor(0).troubles.throttled = u32::MAX;
    sim.vendor(0).troubles.throttled_seconds = 1_800;
    let run = night(&mut sim).await;
    assert_eq!(run.run.outcome(), Some(Outcome::Incomplete), "{:?}", run.log);
}

#[tokio::test]
async fn a_client_that_is_matched_elsewhere_leaves_its_old_record_to_the_other_integration() {
    let mut sim = Sim::of(1, Rng::with_seed(1), Pair::of([auvik(0), auvik(0)])).await;
    let other = integration(1);
    let archives = integrations::update(&sim.table, &other, |known| known.archive_stale = true);
    archives.await.expect("memory never fails");
    let spare = DocId::imported(Kind::Client, None, "spare", 0);
    let write = catalogue::write(&Doc::new(spare.clone(), "Spare"));
    sim.table.write(write).await.expect("memory never fails");
    for which in [0, 1] {
        sync_one(&mut sim, which, Trigger::Manual, false).await.expect("nothing is held");
    }
    sim.vendor(1).tenants.remove("t0");
    for _ in 0..2 {
        sync_one(&mut sim, 1, Trigger::Manual, false).await.expect("nothing is held");
    }
    let mut moved = entry(&sim, "t0", "clients").clone();
    let left = moved.mapping.doc.clone().expect("it is mapped");
    moved.mapping.staged = Some(Decision::Match(spare));
    sim.table.write(entries::write(&integration(0), &moved)).await.expect("memory never fails");
    entries::note_staged(&sim.table, &integration(0), &Scope::Clients).await.expect("memory never fails");
    let known = integrations::load(&sim.table, &integration(0)).await.expect("readable").expect("it was added");
    let finished = finish(&known, None, &sim.table, &sim.clock).await.expect("nothing fails here");
    assert!(matches!(finished, Finished::Done { .. }), "{finished:?}");
    sync_one(&mut sim, 1, Trigger::Manual, false).await.expect("nothing is held");
    let left = catalogue::load(&sim.table, &left).await.expect("readable").expect("nothing is deleted");
    assert!(left.archived, "all its sources are stale: {left:?}");
}
