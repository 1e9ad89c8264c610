//! N-able RMM's client against the simulated N-able RMM: what is read is what is there, at the price that was stated.

use std::collections::{BTreeMap, BTreeSet};

use apis::cost::estimate;
use apis::reading::Then;
use apis::refusal::Cause;
use reconcile::record::{Field, Kind, VendorRecord};
use sandbox::nable_rmm::{API_KEY, EmptyText, Encoding, Forms, Throttling};
use sandbox::world::{Class, Client, Device, System};
use sandbox::{Fault, NableRmmSim, RowDamage, SharedWorld, Simulator, Size, Trouble, World};

use crate::driver::{Night, ORIGIN, account, read};

fn rmm(world: World) -> NableRmmSim {
    NableRmmSim::new(SharedWorld::new(world), API_KEY)
}

fn world(clients: usize, devices: usize) -> World {
    World::new(&Size { clients, devices, seed: 7 })
}

fn read_all(simulator: &mut NableRmmSim) -> Night {
    read(&account(&simulator.listing(ORIGIN)), simulator)
}

fn is_server(device: &Device) -> bool {
    matches!(device.class, Class::Server | Class::VirtualMachine)
}

fn with_agent(client: &Client) -> impl Iterator<Item = &Device> {
    client.devices.iter().filter(|device| device.is_seen_by(System::Rmm))
}

/// What has to be read of the world, written down from the world alone: a line for each record.
fn expected(world: &World) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for client in &world.clients {
        let id = NableRmmSim::client_id(client.number);
        lines.insert(format!("client {id} {}", client.name_in(System::Rmm)));
        lines.extend(
            client
                .sites
                .iter()
                .map(|site| format!("location {} {} of {id}", NableRmmSim::site_id(site.number), site.name)),
        );
        for device in with_agent(client) {
            let sort = if is_server(device) { "server" } else { "workstation" };
            let os = device.os.as_deref().unwrap_or_default();
            let build = device.software.as_deref().unwrap_or_default().split('.').nth(2).unwrap_or_default();
            let os = if os.contains("Windows") { format!("{os}, 64-bit (build {build})") } else { os.to_owned() };
            let what = match device.class {
                Class::Laptop => "laptop",
                _ => sort,
            };
            let mut macs = device.macs_in(System::Rmm);
            macs.sort_unstable();
            let macs = macs.into_iter().map(|mac| mac.map(|byte| format!("{byte:02X}")).join(":")).collect::<Vec<_>>();
            let said = |text: Option<&str>| text.filter(|text| *text != "None").unwrap_or_default().to_owned();
            let name = device.name_in(System::Rmm, client).unwrap_or_default();
            lines.insert(format!(
                "asset {sort}-{} of {id}: {name} | {} | {} | {} | {} | {} | {os} | {what} | {}",
                NableRmmSim::device_id(device),
                said(device.serial_in(System::Rmm)),
                macs.join("; "),
                device.ips[0],
                said(device.make.as_deref()),
                said(device.model.as_deref()),
                client.sites[device.site].name,
            ));
        }
    }
    lines
}

fn line(record: &VendorRecord) -> String {
    assert_eq!(record.malformed, None, "{record:?}");
    let id = &record.vendor_id;
    let client = record.client.as_ref().map(ToString::to_string).unwrap_or_default();
    let field = |field: Field| record.fields.get(field).map(ToString::to_string).unwrap_or_default();
    match record.kind {
        Kind::Client => format!("client {id} {}", record.name),
        Kind::Location => format!("location {id} {} of {client}", record.name),
        _ => format!(
            "asset {id} of {client}: {}",
            [
                Field::Hostname,
                Field::SerialNumber,
                Field::MacAddresses,
                Field::IpAddresses,
                Field::Make,
                Field::Model,
                Field::Os,
                Field::Type,
                Field::Location
            ]
            .map(field)
            .join(" | ")
        ),
    }
}

/// The least number of calls: one for the clients, one for each client's sites, and two for each site, less those of
/// clients that have no server or no workstation (nable_rmm.md, section 5).
fn calls_min(world: &World) -> u64 {
    let of_client = |client: &Client| {
        let has_server = with_agent(client).any(is_server);
        let has_workstation = with_agent(client).any(|device| !is_server(device));
        1 + client.sites.len() * (usize::from(has_server) + usize::from(has_workstation))
    };
    1 + world.clients.iter().map(of_client).sum::<usize>() as u64
}

#[test]
fn every_row_is_the_worlds_and_no_call_is_made_in_vain() {
    for (clients, devices) in [(3, 40), (40, 2_000), (100, 300)] {
        let world = world(clients, devices);
        let (lines, least) = (expected(&world), calls_min(&world));
        let mut simulator = rmm(world);
        let account = account(&simulator.listing(ORIGIN));
        let night = read(&account, &mut simulator);
        assert_eq!(night.ends, []);
        let (made, locations) = (night.calls(), night.count(Kind::Location));
        let counts = BTreeMap::from([(Kind::Location, locations), (Kind::Asset, night.count(Kind::Asset))]);
        let stated = estimate(account.vendor, clients as u64 + 1, &counts, 0).requests;
        eprintln!("{clients} clients, {devices} devices: {made} calls, {least} at least, {stated} stated");
        assert_eq!(made, least);
        assert_eq!(made, simulator.calls());
        assert!(made <= 1 + clients as u64 + 1 + 2 * locations);
        // How servers and workstations are spread over the clients is not known beforehand.
        assert!(stated.abs_diff(made) <= made / 3, "{stated} stated, {made} made");
        let read: Vec<String> = night.records.iter().map(line).collect();
        assert_eq!(read.len(), lines.len(), "each record comes once");
        assert_eq!(read.into_iter().collect::<BTreeSet<_>>(), lines);
    }
}

#[test]
fn the_forms_that_the_vendor_leaves_open_make_no_difference() {
    let read_with = |forms: Forms| {
        let mut world = world(8, 300);
        let number = world.clients[2].number;
        let client = world.client_mut(number).expect("it is there");
        "Café <Nord> & Söhne".clone_into(&mut client.name);
        let mut simulator = rmm(world);
        simulator.set_forms(forms);
        let night = read_all(&mut simulator);
        assert_eq!(night.ends, [], "{forms:?}");
        night.sorted()
    };
    let usual = read_with(Forms::default());
    assert!(usual.iter().any(|record| record.name.starts_with("Café <Nord> & Söhne")));
    let encodings = [Encoding::Utf8SaidToBeLatin1, Encoding::Utf8, Encoding::Utf8Undeclared, Encoding::Latin1];
    let empty = [EmptyText::TwoTags, EmptyText::CData, EmptyText::Missing, EmptyText::OneTag];
    for (encoding, empty_text) in encodings.into_iter().zip(empty) {
        for plain_texts in [false, true] {
            let forms = Forms {
                encoding,
                empty_text,
                plain_texts,
                plain_site_names: !plain_texts,
                server_details: plain_texts,
                no_status: !plain_texts,
                ..Forms::default()
            };
            assert_eq!(read_with(forms), usual, "{forms:?}");
        }
    }
}

#[test]
fn numbers_that_are_counted_apart_stay_apart() {
    let mut simulator = rmm(world(8, 600));
    simulator.set_forms(Forms { numbers_apart: true, ..Forms::default() });
    let night = read_all(&mut simulator);
    let ids: BTreeSet<_> = night.records.iter().map(|record| (record.kind, &record.vendor_id)).collect();
    assert_eq!(ids.len(), night.records.len());
    let numbers: BTreeSet<_> = night
        .records
        .iter()
        .filter(|record| record.kind == Kind::Asset)
        .filter_map(|record| record.vendor_id.as_str().split_once('-'))
        .map(|(_, number)| number)
        .collect();
    assert!((numbers.len() as u64) < night.count(Kind::Asset), "a server and a workstation have the same number");
}

#[test]
fn a_key_that_was_replaced_is_refused_once() {
    let mut simulator = rmm(world(3, 40));
    let account = account(&simulator.listing(ORIGIN));
    simulator.set_api_key("the one that somebody made since");
    let night = read(&account, &mut simulator);
    let [Then::Refused(refusal)] = &night.ends[..] else { panic!("one refusal, not {:?}", night.ends) };
    assert_eq!((refusal.cause.clone(), refusal.vendor_words.as_str()), (Cause::Credentials, "Login failed"));
    assert_eq!(night.calls(), 1, "a refused key is not tried again");
    assert!(!format!("{refusal:?}").contains(API_KEY));
}

#[test]
fn too_many_calls_are_waited_for_in_every_form() {
    let usual = read_all(&mut rmm(world(4, 100))).sorted();
    for throttling in [Throttling::Status429, Throttling::PageUnder403, Throttling::Fail] {
        let mut simulator = rmm(world(4, 100));
        simulator.set_forms(Forms { throttling, ..Forms::default() });
        let busy = Fault::ThrottleAs429 { retry_after_s: None };
        simulator.trouble(Trouble::new(busy).at_path("list_servers").times(3));
        let night = read_all(&mut simulator);
        assert_eq!(night.ends, [], "{throttling:?}");
        assert_eq!(night.sorted(), usual, "{throttling:?}");
    }
}

#[test]
fn a_site_that_is_gone_or_broken_costs_that_site_only() {
    let mut simulator = rmm(world(4, 100));
    let whole = read_all(&mut simulator);
    let victim =
        whole.records.iter().find(|record| record.kind == Kind::Asset).and_then(|record| record.client.clone());
    let victim = victim.expect("there are assets");
    for fault in [Fault::Forbidden, Fault::Html, Fault::Truncated] {
        simulator.heal();
        simulator.trouble(Trouble::new(fault.clone()).at_path("list_workstations").for_tenant(victim.as_str()));
        let night = read_all(&mut simulator);
        if fault == Fault::Forbidden {
            assert!(night.records.iter().all(|record| record.vendor_id != victim), "it is outside the key's group");
            assert_eq!(night.ends, []);
            continue;
        }
        assert!(
            night.ends.iter().all(|end| matches!(end, Then::Broken(_))) && !night.ends.is_empty(),
            "{:?}",
            night.ends
        );
        let others = |night: &Night| -> BTreeSet<String> {
            let theirs = night.records.iter().filter(|record| record.client.as_ref() != Some(&victim));
            theirs.map(line).collect()
        };
        assert_eq!(others(&night), others(&whole), "{fault:?}");
    }
}

#[test]
fn a_damaged_row_costs_that_row() {
    let mut simulator = rmm(world(4, 100));
    let whole = read_all(&mut simulator);
    for damage in [RowDamage::NoObject, RowDamage::NoId, RowDamage::NoAttributes, RowDamage::NumbersForTexts] {
        simulator.heal();
        simulator.trouble(Trouble::new(Fault::Row { index: 0, damage }).at_path("list_workstations").times(1));
        let night = read_all(&mut simulator);
        assert_eq!((night.ends.len(), night.records.len()), (0, whole.records.len()), "{damage:?}");
        let malformed: Vec<_> = night.records.iter().filter(|record| record.malformed.is_some()).collect();
        assert_eq!(malformed.len(), 1, "{damage:?}: {malformed:?}");
        let known = night.records.iter().filter(|record| whole.records.contains(record)).count();
        assert_eq!(known, whole.records.len() - 1, "{damage:?}");
    }
}
