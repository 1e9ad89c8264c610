//! The main job in memory: from the vendor's API to the catalogue.

use reconcile::record::Kind;
use reconcile::run::{Outcome, Trigger};
use sandbox::world::Size;

use crate::machine::Machine;

const SIZE: Size = Size { clients: 12, devices: 150, seed: 7 };

#[tokio::test]
async fn first_sync_creates_what_is_eligible_and_counts_add_up() {
    let machine = Machine::live(&SIZE).await;
    let run = machine.run(Trigger::Manual).await;
    assert_eq!(run.run.outcome(), Some(Outcome::Complete), "{:?}", run.log);
    let clients = &run.counts[&Kind::Client];
    let assets = &run.counts[&Kind::Asset];
    assert!(clients.adds_up() && assets.adds_up(), "{:?}", run.counts);
    assert!(clients.created >= 12, "{clients:?}");
    assert!(assets.fetched >= 150 && assets.created > 100, "{assets:?}");
}

#[tokio::test]
async fn a_second_sync_changes_and_queues_nothing() {
    let machine = Machine::live(&SIZE).await;
    let first = machine.run(Trigger::Manual).await;
    machine.run(Trigger::Manual).await;
    let before = machine.consumed();
    let run = machine.run(Trigger::Schedule).await;
    let after = machine.consumed();
    assert_eq!(run.run.outcome(), Some(Outcome::Complete));
    for kind in [Kind::Client, Kind::Asset] {
        let (first, last) = (&first.counts[&kind], &run.counts[&kind]);
        assert_eq!(last.unchanged, first.synced, "{kind}: {first:?} then {last:?}");
        assert_eq!(last.fetched, first.fetched);
    }
    assert!(after.items_written - before.items_written <= 5, "{before:?} {after:?} {:?}", run.log);
}

#[tokio::test]
async fn a_changed_device_is_written_once_and_nothing_else() {
    let machine = Machine::live(&SIZE).await;
    machine.run(Trigger::Manual).await;
    machine.run(Trigger::Manual).await;
    machine.world.change(|world| world.night(3, 1.0));
    let before = machine.consumed();
    let run = machine.run(Trigger::Schedule).await;
    let after = machine.consumed();
    let assets = &run.counts[&Kind::Asset];
    assert!(assets.updated >= 1 && assets.created == 0, "{assets:?}");
    let units = after.write_units - before.write_units;
    assert!(units <= 2.5 * assets.updated as f64 + 32.0, "{units} units for {} changes", assets.updated);
}
