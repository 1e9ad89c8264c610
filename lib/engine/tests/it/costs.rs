//! What nights read and write, counted in a table that bills as DynamoDB does.

use std::collections::BTreeSet;
use std::time::Duration;

use engine::ports::{Consumed, Table};
use reconcile::record::Kind;
use reconcile::run::{Outcome, Trigger};
use sandbox::World;
use sandbox::world::{DeviceNo, System};

use crate::lab::{INVOCATION, Lab, Told};

/// Returns the devices of customers that Auvik shows and that have a model.
fn seen(world: &World) -> Vec<DeviceNo> {
    let devices = world.clients.iter().flat_map(|client| &client.devices);
    devices
        .filter(|device| device.is_seen_by(System::Network) && device.model.is_some())
        .map(|one| one.number)
        .collect()
}

/// Gives every `nth` device another model, and returns how many.
fn change_models(lab: &Lab, nth: usize) -> u64 {
    lab.vendors.world.change(|world| {
        let some: Vec<DeviceNo> = seen(world).into_iter().step_by(nth).collect();
        for number in &some {
            world.change_device(*number, |device| {
                device.model = device.model.take().map(|model| format!("{model} II").into());
            });
        }
        some.len() as u64
    })
}

/// Runs a night and returns it with what the table consumed.
async fn night(lab: &Lab, vendor: &str, trigger: Trigger) -> (Told, Consumed) {
    let before = lab.table.meter().read();
    let told = lab.run(vendor, trigger, INVOCATION).await;
    let after = lab.table.meter().read();
    assert_eq!(told.run.run.outcome(), Some(Outcome::Complete), "{:?}", told.run.log);
    let consumed = Consumed {
        requests: after.requests - before.requests,
        items_written: after.items_written - before.items_written,
        read_units: after.read_units - before.read_units,
        write_units: after.write_units - before.write_units,
    };
    (told, consumed)
}

/// A night's reads and writes follow what changed, and not how many records the clients have in which it changed.
#[tokio::test]
async fn a_night_of_changes_reads_three_units_a_change() {
    let lab = Lab::new(60, 3_000);
    lab.add("auvik", &[]).await;
    for _ in 0..3 {
        lab.run("auvik", Trigger::Manual, INVOCATION).await;
    }
    lab.pass(Duration::from_secs(20 * 3600));
    let (_, unchanged) = night(&lab, "auvik", Trigger::Schedule).await;
    lab.pass(Duration::from_secs(20 * 3600));
    let changed = change_models(&lab, 100);
    assert!(changed >= 20, "{changed} devices are too few to count by");
    let (told, consumed) = night(&lab, "auvik", Trigger::Schedule).await;
    assert!(told.run.run.reports[&Kind::Asset].of_changes, "{:?}", told.run.log);
    assert_eq!(told.run.counts[&Kind::Asset].updated, changed, "{:?}", told.run.counts);
    let (reads, writes) = (consumed.read_units - unchanged.read_units, consumed.items_written);
    // The entry twice and its documentation record once; beside them the run, its marks and digests, whatever changed.
    assert!(reads <= 3.0 * changed as f64 + 90.0, "{reads} units for {changed} changes");
    assert!(writes <= 2 * changed + 40, "{writes} items for {changed} changes");
}

/// Nights that look at what changed alone lead where nights lead that read and look at everything.
#[tokio::test]
async fn narrow_nights_lead_where_complete_reads_do() {
    let (narrow, whole) = (Lab::new(8, 400), Lab::new(8, 400));
    for lab in [&narrow, &whole] {
        for vendor in ["auvik", "nable-rmm"] {
            lab.add(vendor, &[]).await;
        }
        for vendor in ["auvik", "nable-rmm", "auvik", "nable-rmm", "auvik"] {
            lab.run(vendor, Trigger::Manual, INVOCATION).await;
        }
    }
    assert!(narrow.catalogue() == whole.catalogue(), "the same reads lead to the same");
    let mut narrow_scopes = BTreeSet::new();
    for round in 0..5_usize {
        for lab in [&narrow, &whole] {
            lab.pass(Duration::from_secs(20 * 3600));
            lab.vendors.world.change(|world| {
                for (place, number) in seen(world).into_iter().enumerate().skip(round).step_by(23) {
                    world.change_device(number, |device| match (place + round) % 4 {
                        0 => device.serial = Some(format!("SN{place}X{round}")),
                        1 => device.name = device.name.take().map(|name| format!("{name}{round}")),
                        _ => device.model = Some(format!("model {round}").into()),
                    });
                }
            });
        }
        let (alone, _) = night(&narrow, "auvik", Trigger::Schedule).await;
        let (complete, _) = night(&whole, "auvik", Trigger::Manual).await;
        assert!(alone.run.run.reports[&Kind::Asset].of_changes, "{:?}", alone.run.log);
        assert_eq!(alone.run.counts[&Kind::Asset], complete.run.counts[&Kind::Asset], "night {round}");
        let (ours, theirs) = (narrow.catalogue(), whole.catalogue());
        let differing: Vec<&String> = ours.keys().filter(|place| ours.get(*place) != theirs.get(*place)).collect();
        assert_eq!((differing, ours.len()), (Vec::new(), theirs.len()), "night {round}");
        let marks = narrow.table.dump().into_iter().filter(|item| item.key.sk.starts_with("applied#"));
        narrow_scopes.extend(marks.filter(|item| item.body.contains("\"narrow\":true")).map(|item| item.key));
    }
    assert!(narrow_scopes.len() >= 3, "scopes are looked at narrowly, and not once only: {narrow_scopes:?}");
    // What was remembered of scopes that were looked at narrowly is what a complete read brings.
    let (last, consumed) = night(&narrow, "auvik", Trigger::Manual).await;
    let (fetched, skipped) =
        last.run.run.reports.values().fold((0, 0), |sum, of| (sum.0 + of.fetched, sum.1 + of.skipped));
    assert!(skipped * 10 >= fetched * 9, "{skipped} of {fetched} records were recognised, {consumed:?}");
}
