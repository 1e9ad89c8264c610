//! The main job in memory: from the vendor's API to the catalogue.

use engine::finishing::{Finished, finish};
use engine::life::{self, Holder, Opened};
use engine::ports::Table;
use engine::store::entries;
use engine::store::integrations::{self, IntegrationState};
use engine::store::runs::{self, Slot};
use engine::syncing::settle;
use engine::watch::Unwatched;
use reconcile::ids::Scope;
use reconcile::mapping::Decision;
use reconcile::reason::Reason;
use reconcile::record::Kind;
use reconcile::run::{Outcome, Phase, Trigger};
use sandbox::world::Size;

use crate::machine::{Machine, integration};

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
    assert!(after.items_written - before.items_written <= 3, "{before:?} {after:?} {:?}", run.log);
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

#[tokio::test]
async fn only_decided_clients_and_their_assets_are_in_the_catalogue_after_finish() {
    let machine = Machine::new(&SIZE);
    machine.add(IntegrationState::Configured, &[Kind::Asset]).await;
    let read = machine.run(Trigger::Manual).await;
    assert_eq!(read.run.trigger, Trigger::Setup);
    let (entries, _) = entries::page(&machine.table, &integration(), &Scope::Clients, Kind::Client, None, 100)
        .await
        .expect("readable");
    let chosen = entries.iter().find(|entry| entry.record.name.contains(' ')).expect("a client with a name").clone();
    let mut staged = chosen.clone();
    staged.mapping.staged = Some(Decision::Create);
    machine.table.write(entries::write(&integration(), &staged)).await.expect("memory never fails");
    entries::note_staged(&machine.table, &integration(), &Scope::Clients).await.expect("memory never fails");

    let settings = integrations::load(&machine.table, &integration()).await.expect("readable").expect("added");
    let finished = finish(&settings, None, &machine.table, &machine.clock).await.expect("nothing fails here");
    assert!(matches!(finished, Finished::Done { .. }), "{finished:?}");
    let run = machine.run(Trigger::Manual).await;
    let (clients, assets) = (&run.counts[&Kind::Client], &run.counts[&Kind::Asset]);
    assert_eq!(clients.synced, 1, "{clients:?}");
    assert_eq!(clients.reasons[&Reason::Unmatched], clients.fetched - 1, "{clients:?}");
    assert!(assets.created > 0, "{assets:?}");
    assert!(assets.reasons[&Reason::ClientUnmatched] > assets.synced, "{assets:?}");
}

#[tokio::test]
async fn a_run_that_somebody_else_is_closing_is_not_told_before_it_is_in_the_history() {
    let machine = Machine::live(&SIZE).await;
    let settings = integrations::load(&machine.table, &integration()).await.expect("readable").expect("added");
    let holder = Holder { name: "test".to_owned(), gone_after: std::time::Duration::ZERO };
    let opened = life::open(&settings, Trigger::Manual, &holder, &machine.table, &machine.queue, &machine.clock).await;
    let Ok(Opened::New(mut record)) = opened else { panic!("no run opens: {opened:?}") };
    record.run.phase = Phase::Closed { outcome: Outcome::Complete };
    runs::save(&machine.table, &mut record).await.expect("memory never fails");

    let over = settle(&record.run_id, &machine.table, &machine.queue, &machine.clock, &Unwatched).await;
    assert!(over.expect("nothing fails here").finished_at.is_some());
    let slot = runs::slot(&machine.table, &integration()).await.expect("readable");
    assert!(matches!(slot, Slot::Free { .. }), "{slot:?}");
}

#[tokio::test]
async fn a_run_whose_reader_is_known_to_be_dead_makes_room_at_once() {
    let machine = Machine::live(&SIZE).await;
    let settings = integrations::load(&machine.table, &integration()).await.expect("readable").expect("added");
    let reader = |name: &str| Holder { name: name.to_owned(), gone_after: std::time::Duration::from_secs(960) };
    let open = async |name: &str| {
        life::open(&settings, Trigger::Manual, &reader(name), &machine.table, &machine.queue, &machine.clock).await
    };
    let give_up = async |name: &str| {
        life::give_up_reading(&integration(), name, "it died", &machine.table, &machine.queue, &machine.clock).await
    };
    assert!(!give_up("first").await.expect("memory never fails"), "there is no run");
    let Ok(Opened::New(first)) = open("first").await else { panic!("no run opens") };
    assert!(!give_up("second").await.expect("memory never fails"), "the run is another reader's");
    assert!(matches!(open("second").await, Ok(Opened::Running(_))), "a silent reader may be at work");

    assert!(give_up("first").await.expect("memory never fails"));
    let over = runs::load(&machine.table, &first.run_id).await.expect("readable").expect("there");
    assert_eq!(over.ended(), Some(Outcome::Failed));
    assert!(over.log.iter().any(|line| line.text == "it died"), "{:?}", over.log);

    machine.clock.advance(std::time::Duration::from_secs(1));
    let Ok(Opened::New(mut second)) = open("second").await else { panic!("no run opens") };
    second.run.phase = Phase::Arriving { messages: 1 };
    runs::save(&machine.table, &mut second).await.expect("memory never fails");
    assert!(!give_up("second").await.expect("memory never fails"), "all was read, so the run goes on");
}
