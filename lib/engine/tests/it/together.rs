//! Every vendor over one world, into one catalogue: whatever the order in which integrations are set up and synced, the
//! same documents come of it.
//!
//! A seed makes a world, an order, syncs in between and nights that change devices. What is compared is what stands in a
//! document: its kind, its client, its sources, and each value with where it comes from. Its id and an asset's name are the
//! work of whoever made it first, and are left out.
//!
//! `MSP_SYNC_TOGETHER_CASES` says how many seeds are played, `MSP_SYNC_TOGETHER_SEED` plays one alone.

use std::sync::atomic::{AtomicU64, Ordering};

use engine::ports::Table;
use engine::store::entries;
use fastrand::Rng;
use reconcile::ids::Scope;
use reconcile::plan::Counts;
use reconcile::reason::Reason;
use reconcile::record::Kind;
use reconcile::run::Trigger;
use sandbox::world::{ClientNo, DeviceNo, Size, System, World};

use crate::office::Office;
use crate::office::consistent::{each_device_is_one_document_of_all_that_see_it, make_consistent};
use crate::office::shelf::{self, Shown};

/// Seeds played where nothing else is asked for.
const CASES: u64 = 3;
/// A world that is made and synced ten times over in a few seconds.
const SIZE: Size = Size { clients: 3, devices: 45, seed: 0 };

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// Runs `check` for each seed, side by side.
fn for_each_seed(check: impl Fn(u64) + Sync) {
    if let Some(seed) = number("MSP_SYNC_TOGETHER_SEED") {
        return check(seed);
    }
    let (cases, last) = (number("MSP_SYNC_TOGETHER_CASES").unwrap_or(CASES), AtomicU64::new(0));
    let players = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..players {
            scope.spawn(|| {
                while let seed @ 1.. = last.fetch_add(1, Ordering::Relaxed) + 1
                    && seed <= cases
                {
                    check(seed);
                }
            });
        }
    });
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(work)
}

/// Plays one order of setting up and syncing, and returns what the catalogue holds once nothing moves any more.
async fn play(world: World, nights: u64, rng: &mut Rng) -> Vec<Shown> {
    let office = Office::new(world).await;
    let mut order: Vec<usize> = (0..office.count()).collect();
    rng.shuffle(&mut order);
    let mut passed = 0;
    for (nth, &which) in order.iter().enumerate() {
        office.set_up(which).await;
        for _ in 0..rng.usize(..3) {
            office.sync(order[rng.usize(..=nth)]).await;
        }
        if passed < nights && rng.bool() {
            office.night(passed);
            passed += 1;
        }
    }
    for night in passed..nights {
        office.night(night);
        office.sync(order[rng.usize(..order.len())]).await;
    }
    office.settle(rng).await
}

fn told(seed: u64) -> String {
    format!("play it again with MSP_SYNC_TOGETHER_SEED={seed}")
}

#[test]
fn integrations_in_any_order_and_repeated_end_in_the_same_catalogue() {
    for_each_seed(|seed| {
        let mut rng = Rng::with_seed(seed);
        let mut world = World::new(&Size { seed, ..SIZE });
        make_consistent(&mut world);
        let nights = rng.u64(..3);
        let first = block_on(play(world.clone(), nights, &mut rng));
        let second = block_on(play(world.clone(), nights, &mut rng));
        for (one, other) in first.iter().zip(&second) {
            assert_eq!(one, other, "{}", told(seed));
        }
        assert_eq!(first.len(), second.len(), "{}", told(seed));
        let seen = each_device_is_one_document_of_all_that_see_it(&world, &first);
        assert!(seen > 10, "{seen} devices were looked at; {}", told(seed));
    });
}

#[test]
fn a_world_with_contradictions_comes_to_rest_too() {
    for_each_seed(|seed| {
        let mut rng = Rng::with_seed(seed);
        let world = World::new(&Size { seed: seed + 1000, ..SIZE });
        let nights = rng.u64(..3);
        let shown = block_on(play(world, nights, &mut rng));
        assert!(shown.iter().any(|doc| doc.sources.len() > 1), "{}", told(seed));
    });
}

/// A device that the service desks know, and one at the same client that they do not.
fn two_devices(world: &World) -> (ClientNo, DeviceNo, DeviceNo) {
    let found = world.clients.iter().skip(1).find_map(|client| {
        let named = || client.devices.iter().filter(|device| device.name.is_some() && device.serial.is_some());
        let known = named().find(|device| device.is_seen_by(System::Psa))?;
        let unknown = named().find(|device| !device.is_seen_by(System::Psa))?;
        Some((client.number, known.number, unknown.number))
    });
    found.expect("some client has both")
}

#[tokio::test]
async fn identifiers_that_point_at_two_devices_wait_for_a_person_until_they_are_put_right() {
    let mut world = World::new(&Size { seed: 5, ..SIZE });
    make_consistent(&mut world);
    let (client, known, unknown) = two_devices(&world);
    let wrong = world.client(client).unwrap().device(unknown).unwrap().serial.clone();
    world.change_device(known, |device| (device.serial, device.written_serial) = (None, wrong));
    let office = Office::new(world).await;
    let monitor = office.first_of(System::Network);
    let desk = office.first_of(System::Psa);
    office.set_up(monitor).await;
    let before = shelf::shown(&office.catalogue().await);
    office.set_up(desk).await;
    let held = held(&office, desk).await;
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!((held[0].0, held[0].1.len()), (Reason::AmbiguousMatch, 2), "{held:?}");
    let assets = |shown: &[Shown]| shown.iter().filter(|doc| doc.kind == Kind::Asset).count();
    assert_eq!(assets(&shelf::shown(&office.catalogue().await)), assets(&before), "nothing is made of it");

    office.vendors.world.change(|world| world.change_device(known, |device| device.written_serial = None));
    assert_eq!(office.sync(desk).await, 1);
    assert!(self::held(&office, desk).await.is_empty());
}

/// The assets of an integration that wait with an ambiguity, with the documents that they could be.
async fn held(office: &Office, which: usize) -> Vec<(Reason, Vec<reconcile::ids::DocId>)> {
    let id = office.integration(which);
    let mut held = Vec::new();
    for client in entries::client_ids(&office.table, &id).await.expect("readable") {
        let all = entries::load_scope(&office.table, &id, &Scope::Client(client)).await.expect("readable");
        let waiting = all.into_values().filter(|entry| entry.record.kind == Kind::Asset);
        held.extend(waiting.filter_map(|entry| match entry.mapping.reason {
            Some(reason @ Reason::AmbiguousMatch) => Some((reason, entry.mapping.candidates)),
            _ => None,
        }));
    }
    held
}

#[tokio::test]
async fn an_unchanged_scheduled_night_writes_nothing_but_the_run_with_any_vendor() {
    let mut world = World::new(&Size { seed: 5, ..SIZE });
    make_consistent(&mut world);
    let office = Office::new(world).await;
    for which in 0..office.count() {
        office.set_up(which).await;
    }
    office.settle(&mut Rng::with_seed(1)).await;
    for _ in 0..2 {
        office.pass_a_day();
        for which in 0..office.count() {
            let before = office.table.meter().read();
            let run = office.run(which, Trigger::Schedule).await;
            let written = office.table.meter().read().items_written - before.items_written;
            assert!(written <= 3, "{}: {written} items: {:?}", office.integration(which), run.log);
            let is_quiet = |of: &Counts| of.created + of.matched + of.updated == 0 && of.adds_up();
            assert!(run.counts.values().all(is_quiet), "{:?}", run.counts);
        }
    }
}
