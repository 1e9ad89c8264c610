//! What nights read and write, counted in a table that bills as DynamoDB does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use engine::memory::{item_bytes, write_units};
use engine::ports::{Consumed, Item, Key, Table};
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

/// What became of the table in a night, in write units as DynamoDB bills packed items: by the first word of the partition.
/// An item that was written several times counts at its last size; removed ones do not.
fn billed(before: &[Item], after: &[Item]) -> BTreeMap<String, f64> {
    let versions: BTreeMap<&Key, u64> = before.iter().map(|item| (&item.key, item.version)).collect();
    let mut billed = BTreeMap::new();
    for item in after {
        let times = item.version - versions.get(&item.key).copied().unwrap_or_default();
        let packed = miniz_oxide::deflate::compress_to_vec(item.body.as_bytes(), 8).len();
        let body = if item.body.len() > 1024 && packed * 2 <= item.body.len() { packed } else { item.body.len() };
        let bytes = body + item_bytes(&item.key, item.version, "", None);
        let family = item.key.pk.split('#').next().expect("there is a first word").to_owned();
        *billed.entry(family).or_default() += write_units(bytes) * times as f64;
    }
    billed
}

/// A night's reads and writes follow what changed, and not how many records the clients have in which it changed.
#[tokio::test]
async fn a_night_of_changes_reads_two_units_a_change() {
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
    let before = lab.table.dump();
    let (told, consumed) = night(&lab, "auvik", Trigger::Schedule).await;
    assert!(told.run.run.reports[&Kind::Asset].of_changes, "{:?}", told.run.log);
    assert_eq!(told.run.counts[&Kind::Asset].updated, changed, "{:?}", told.run.counts);
    let (reads, writes) = (consumed.read_units - unchanged.read_units, consumed.items_written);
    let billed = billed(&before, &lab.table.dump());
    // The entry and its documentation record once each; beside them the run, its marks and digests, whatever changed.
    assert!(reads <= 2.0 * changed as f64 + 36.0, "{reads} units for {changed} changes");
    assert!(writes <= 2 * changed + 12, "{writes} items for {changed} changes");
    for (family, units) in &billed {
        let allowed = match family.as_str() {
            "records" | "catalogue" => changed as f64,
            "digests" => 1.0,
            "runs" => 5.0,
            "run" => 4.0,
            "plans" => 2.0,
            "plan" => (changed as f64 * 0.2).ceil(),
            _ => 0.0,
        };
        assert!(*units <= allowed, "{family} was written for {units} units, {allowed} are known of: {billed:?}");
    }
    let of_run = format!("run#{}", told.run.run_id);
    let marks = lab.table.dump().into_iter().filter(|item| item.key.pk == of_run);
    let marks: Vec<String> = marks.map(|item| item.key.sk).collect();
    assert_eq!(marks, ["applied#00000001", "in#00000000", "planned#00000001"], "one message, carried through at once");
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
