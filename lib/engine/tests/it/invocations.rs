//! Reads that are longer than an invocation, and nights that ask for changes alone.

use std::time::Duration;

use reconcile::record::{Field, Kind};
use reconcile::run::{Outcome, Trigger};

use crate::lab::{INVOCATION, Lab};

/// A read of 2,000 clients at a call a second takes hours, and goes on from invocation to invocation to the same end, with
/// the same calls, as one that nobody cuts off.
#[tokio::test]
async fn a_read_of_hours_goes_on_from_invocation_to_invocation() {
    let (cut, whole) = (Lab::new(2_000, 5_000), Lab::new(2_000, 5_000));
    for lab in [&cut, &whole] {
        lab.add("nable-rmm", &[]).await;
    }
    let in_pieces = cut.run("nable-rmm", Trigger::Forced, INVOCATION).await;
    let at_once = whole.run("nable-rmm", Trigger::Forced, Duration::MAX).await;
    assert_eq!(in_pieces.run.run.outcome(), Some(Outcome::Complete), "{:?}", in_pieces.run.log);
    assert_eq!(at_once.invocations, 1);
    assert!(in_pieces.invocations >= 5, "{} invocations", in_pieces.invocations);
    assert!(in_pieces.paid > Duration::from_secs(3600), "{:?}", in_pieces.paid);
    assert!(cut.catalogue() == whole.catalogue(), "the catalogues differ");
    assert_eq!(in_pieces.run.counts, at_once.run.counts);
    // A client whose lists were cut off is asked for again.
    let (cut_calls, whole_calls) = (in_pieces.all_calls(), at_once.all_calls());
    assert!(
        cut_calls <= whole_calls + 8 * u64::from(in_pieces.invocations),
        "{cut_calls} calls, {whole_calls} at once"
    );
    assert_eq!(in_pieces.run.vendor_requests, cut_calls, "requests are counted over all invocations");
    let a_second_each = Duration::from_secs(cut_calls + 2 * u64::from(in_pieces.invocations));
    assert!(in_pieces.paid <= a_second_each, "{:?} were paid for {cut_calls} calls", in_pieces.paid);
}

/// The vendor lets an endpoint be asked 1,500 times an hour. What is over is waited for outside of invocations, and no row
/// is completed twice.
#[tokio::test]
async fn an_hourly_limit_is_waited_for_unpaid_and_no_detail_is_read_twice() {
    let lab = Lab::new(20, 8_000);
    let chosen = types();
    let chosen: Vec<&str> = chosen.iter().map(String::as_str).collect();
    lab.add("kaseya-bms", &chosen).await;
    let first = lab.run("kaseya-bms", Trigger::Manual, INVOCATION).await;
    assert_eq!(first.run.run.outcome(), Some(Outcome::Complete), "{:?}", first.run.log);
    let details = first.calls_to("hardwareasset/") - first.calls_to("hardwareasset/searchselect");
    assert!(details > 1_500, "{details} details are no more than an hour's");
    let asked_again: Vec<_> = first.calls.iter().filter(|(path, count)| is_detail(path) && **count > 1).collect();
    assert!(asked_again.is_empty(), "{asked_again:?}");
    let answers = Duration::from_millis(300) * first.all_calls() as u32;
    let margin = Duration::from_secs(60) * first.invocations;
    assert!(first.paid <= answers + margin, "{:?} paid for {answers:?} of answers", first.paid);

    let second = lab.run("kaseya-bms", Trigger::Manual, INVOCATION).await;
    assert_eq!(second.calls.keys().filter(|path| is_detail(path)).count(), 0, "nothing changed: {:?}", second.calls);
    assert_eq!(second.run.counts[&Kind::Asset].unchanged, second.run.counts[&Kind::Asset].synced);
}

/// Returns the devices that service desks show and that can be told from others.
fn shown(world: &sandbox::World) -> impl Iterator<Item = sandbox::world::DeviceNo> + use<'_> {
    let shown = |device: &&sandbox::world::Device| {
        device.is_seen_by(sandbox::world::System::Psa) && device.name.is_some() && device.written_serial.is_some()
    };
    let customers = world.clients.iter().filter(|client| client.standing == sandbox::world::Standing::Customer);
    customers.flat_map(move |client| client.devices.iter().filter(shown)).map(|device| device.number)
}

fn is_detail(path: &str) -> bool {
    path.contains("hardwareasset/") && !path.contains("searchselect")
}

/// Returns all ids that a service desk could have given its types of configurations.
fn types() -> Vec<String> {
    (1..100).map(|id| id.to_string()).collect()
}

/// A changed row alone is completed again, and its client alone is looked at.
#[tokio::test]
async fn a_changed_row_costs_one_detail() {
    let lab = Lab::new(10, 400);
    let chosen = types();
    let chosen: Vec<&str> = chosen.iter().map(String::as_str).collect();
    lab.add("kaseya-bms", &chosen).await;
    let first = lab.run("kaseya-bms", Trigger::Manual, INVOCATION).await;
    assert!(first.calls.keys().any(|path| is_detail(path)), "assets are completed");
    lab.vendors.world.change(|world| {
        let device = shown(world).next().expect("a device");
        world.change_device(device, |device| device.written_serial = Some("CHANGED-0001".to_owned()))
    });
    let second = lab.run("kaseya-bms", Trigger::Manual, INVOCATION).await;
    let details: Vec<&String> = second.calls.keys().filter(|path| is_detail(path)).collect();
    assert_eq!(details.len(), 1, "{details:?}");
    assert_eq!(second.run.counts[&Kind::Asset].updated, 1, "{:?}", second.run.counts);
}

/// A forced run makes no call for assets of a type that is chosen no longer; what earlier calls told of them stays.
#[tokio::test]
async fn a_forced_run_keeps_the_details_of_a_type_chosen_no_longer() {
    let lab = Lab::new(10, 400);
    let chosen = types();
    let chosen: Vec<&str> = chosen.iter().map(String::as_str).collect();
    lab.add("kaseya-bms", &chosen).await;
    lab.run("kaseya-bms", Trigger::Manual, INVOCATION).await;
    let told = lab.vendor_records("kaseya-bms", Kind::Asset);
    let with_interfaces = told.values().filter(|record| record.fields.get(Field::MacAddresses).is_some()).count();
    assert!(with_interfaces > 100, "{with_interfaces} assets are known by their interfaces");
    lab.choose_types("kaseya-bms", &[]).await;
    let forced = lab.run("kaseya-bms", Trigger::Forced, INVOCATION).await;
    assert!(!forced.calls.keys().any(|path| is_detail(path)), "{:?}", forced.calls);
    let left = lab.vendor_records("kaseya-bms", Kind::Asset);
    let differing: Vec<&String> = told.keys().filter(|place| told.get(*place) != left.get(*place)).collect();
    assert_eq!((differing, told.len()), (Vec::new(), left.len()));
}

/// A service desk that can say what changed is asked for that on scheduled nights, and for everything every seventh night
/// and whenever a person asks.
#[tokio::test]
async fn scheduled_nights_ask_for_changes_and_every_seventh_for_everything() {
    let lab = Lab::new(30, 3_000);
    let chosen = types();
    let chosen: Vec<&str> = chosen.iter().map(String::as_str).collect();
    for vendor in ["autotask", "connectwise", "auvik"] {
        lab.add(vendor, &chosen).await;
        let first = lab.run(vendor, Trigger::Schedule, INVOCATION).await;
        assert!(!first.run.run.reports[&Kind::Asset].of_changes, "{vendor}: nothing is known before the first read");
        // Two integrations that meet for the first time look at each other's records once more.
        lab.run(vendor, Trigger::Manual, INVOCATION).await;
        lab.run(vendor, Trigger::Manual, INVOCATION).await;
        let mut complete = Vec::new();
        let mut fewest = u64::MAX;
        let manual = lab.run(vendor, Trigger::Manual, INVOCATION).await;
        for night in 1..=14 {
            lab.pass(Duration::from_secs(23 * 3600));
            let run = lab.run(vendor, Trigger::Schedule, INVOCATION).await;
            assert_eq!(run.run.run.outcome(), Some(Outcome::Complete), "{vendor}: {:?}", run.run.log);
            let (now, then) = (&run.run.counts[&Kind::Asset], &manual.run.counts[&Kind::Asset]);
            assert_eq!((now.fetched, now.synced, &now.reasons), (then.fetched, then.synced, &then.reasons), "{vendor}");
            if run.run.run.reports[&Kind::Asset].of_changes {
                fewest = fewest.min(run.all_calls());
                // Clients with something ambiguous are looked at each night, whole.
                let rows = run.run.run.reports[&Kind::Asset].fetched;
                assert!(rows * 5 < now.fetched, "{vendor}: {rows} of {} rows, and nothing changed", now.fetched);
            } else {
                complete.push(night);
            }
        }
        assert_eq!(complete, [7, 14], "{vendor}");
        assert!(fewest <= manual.all_calls(), "{vendor}: {fewest} calls, {} for everything", manual.all_calls());
    }
}

/// What changes alone bring is what a complete read would bring; what is gone is noticed by complete reads only.
#[tokio::test]
async fn changes_alone_lead_to_the_same_catalogue_and_make_nothing_stale() {
    let lab = Lab::new(6, 300);
    let chosen = types();
    let chosen: Vec<&str> = chosen.iter().map(String::as_str).collect();
    lab.add("autotask", &chosen).await;
    for _ in 0..3 {
        lab.run("autotask", Trigger::Manual, INVOCATION).await;
    }
    lab.pass(Duration::from_secs(20 * 3600));
    let before = lab.catalogue();
    let (changed, gone) = lab.vendors.world.change(|world| {
        let mut devices = shown(world);
        let (one, other) = (devices.next().expect("a device"), devices.next().expect("another"));
        drop(devices);
        world.change_device(one, |device| device.written_serial = Some("CHANGED-0002".to_owned()));
        world.retire_device(other);
        (one, other)
    });
    assert_ne!(changed, gone);
    let night = lab.run("autotask", Trigger::Schedule, INVOCATION).await;
    assert!(night.run.run.reports[&Kind::Asset].of_changes, "{:?}", night.run.log);
    assert_eq!(night.run.run.reports[&Kind::Asset].fetched, 1, "one item changed");
    assert_eq!(night.run.counts[&Kind::Asset].updated, 1, "{:?} {:?}", night.run.counts, night.run.log);
    let after = lab.catalogue();
    let differing: Vec<&String> = after.keys().filter(|place| before.get(*place) != after.get(*place)).collect();
    assert_eq!(differing.len(), 1, "{differing:?}");
    // Two complete reads later the retired device is stale, and the changed one is as it was left.
    for _ in 0..2 {
        lab.run("autotask", Trigger::Manual, INVOCATION).await;
    }
    let last = lab.catalogue();
    assert_eq!(last.get(differing[0]), after.get(differing[0]));
    let stale: Vec<&String> = last.keys().filter(|place| after.get(*place) != last.get(*place)).collect();
    assert_eq!(stale.len(), 1, "{stale:?}");
}

/// A token lasts minutes and a read hours: it is renewed on the way, and a vendor that forgot it is logged in to again.
#[tokio::test]
async fn a_token_is_renewed_on_the_way() {
    let lab = Lab::new(20, 1_500);
    let chosen = types();
    let chosen: Vec<&str> = chosen.iter().map(String::as_str).collect();
    lab.add("kaseya-bms", &chosen).await;
    lab.vendors.kaseya_bms.with(|sim| {
        sim.set_forms(sandbox::kaseya_bms::Forms { token_ms: 3 * 60 * 1000, ..Default::default() });
    });
    let run = lab.run("kaseya-bms", Trigger::Manual, Duration::MAX).await;
    assert_eq!(run.run.run.outcome(), Some(Outcome::Complete), "{:?}", run.run.log);
    assert_eq!(run.calls_to("authenticate"), 1);
    assert!(run.calls_to("refreshtoken") >= 1, "{:?}", run.calls);
    lab.vendors.kaseya_bms.with(|sim| sim.forget_tokens());
    let run = lab.run("kaseya-bms", Trigger::Manual, Duration::MAX).await;
    assert_eq!(run.run.run.outcome(), Some(Outcome::Complete), "{:?}", run.run.log);
}

/// A client without any assets is no reason to look at it each night.
#[tokio::test]
async fn clients_without_rows_are_left_alone_on_nights_of_changes() {
    // Two clients of one name are looked at once more, and with them the list of all clients.
    let lab = Lab::new(220, 900);
    let chosen = types();
    let chosen: Vec<&str> = chosen.iter().map(String::as_str).collect();
    lab.add("autotask", &chosen).await;
    let mut messages = Vec::new();
    for _ in 0..4 {
        lab.pass(Duration::from_secs(23 * 3600));
        let run = lab.run("autotask", Trigger::Schedule, INVOCATION).await;
        let of_run = format!("run#{}", run.run.run_id);
        let marks = lab.table.dump().into_iter().filter(|item| item.key.pk == of_run && item.key.sk.starts_with("in#"));
        messages.push(marks.count());
    }
    assert!(messages[0] > 0, "the first night brings everything");
    assert_eq!(messages[2..], [0, 0], "messages of four nights: {messages:?}");
}
