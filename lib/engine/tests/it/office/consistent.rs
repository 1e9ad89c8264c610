//! Worlds without contradictions, and what must come of them.

use apis::feed::Vendor;
use apis::vendors;
use reconcile::doc::Role;
use reconcile::record::Kind;
use sandbox::World;
use sandbox::world::{Device, PLACEHOLDER_SERIALS, Person, System};

use super::shelf::Shown;

/// Takes contradictions out of a world: whatever identifies a device, a person or a place is made from its number, so that
/// no two share it, and nothing is written down wrongly. What has no such thing is left without. Doing it again, after
/// things were added, changes nothing about those that were there.
pub fn make_consistent(world: &mut World) {
    for company in world.clients.iter_mut().chain(&mut world.others) {
        company.devices.iter_mut().for_each(make_device_consistent);
        company.contacts.iter_mut().for_each(make_person_consistent);
        for site in &mut company.sites {
            site.name = numbered(&site.name, site.number.0);
        }
    }
    world.users.iter_mut().for_each(make_person_consistent);
}

fn make_device_consistent(device: &mut Device) {
    let number = device.number.0;
    if device.serial.as_ref().is_some_and(|text| !is_placeholder(text)) {
        device.serial = Some(format!("5CG{number:07}"));
    }
    if device.written_serial.is_some() {
        device.written_serial.clone_from(&device.serial);
    }
    if device.name.is_some() {
        device.name = Some(format!("HOST-{number}"));
    }
    let [.., high, low] = number.to_be_bytes();
    for (nth, interface) in (0..).zip(&mut device.interfaces) {
        interface.mac = interface.mac.map(|_| [0x00, 0x1b, 0x21, high, low, nth]);
    }
}

fn make_person_consistent(person: &mut Person) {
    let number = person.number.0;
    person.family_name = numbered(&person.family_name, number).into();
    if let Some((_, domain)) = person.email.as_deref().and_then(|email| email.split_once('@')) {
        person.email = Some(format!("person{number}@{domain}"));
    }
}

/// Returns a name with a number of its own behind it.
fn numbered(name: &str, number: u64) -> String {
    format!("{} #{number}", name.split(" #").next().unwrap_or_default())
}

fn is_placeholder(text: &str) -> bool {
    PLACEHOLDER_SERIALS.contains(&text)
}

/// Checks that each device with a serial number of its own is one document, with a source for every system that sees it;
/// returns how many those are.
pub fn each_device_is_one_document_of_all_that_see_it(world: &World, shown: &[Shown]) -> usize {
    let mut seen = 0;
    for device in world.clients.iter().flat_map(|client| &client.devices) {
        let Some(serial) = device.serial.as_deref().filter(|serial| !is_placeholder(serial)) else { continue };
        let value = format!("serial_number = {serial} (");
        let has = |doc: &&Shown| doc.fields.iter().any(|field| field.starts_with(&value));
        let mut found = shown.iter().filter(|doc| doc.kind == Kind::Asset).filter(has);
        let doc = found.next().unwrap_or_else(|| panic!("{serial} is in no document"));
        assert!(found.next().is_none(), "{serial} stands in two documents");
        // What a service desk knows neither by name nor by a number may be nobody's there.
        let is_known = |system| match system {
            System::Psa => device.is_seen_by(system) && (device.name.is_some() || device.written_serial.is_some()),
            System::Network | System::Rmm => device.is_seen_by(system),
        };
        for vendor in vendors::ALL.iter().filter(|vendor| is_known(system(vendor))) {
            let source = format!("{} ", vendor.id);
            assert!(doc.sources.iter().any(|of| of.starts_with(&source)), "{serial}: {} sees it: {doc:#?}", vendor.id);
        }
        seen += 1;
    }
    seen
}

/// The sort of system that a vendor is, as the world has it.
pub fn system(vendor: &Vendor) -> System {
    match vendor.role {
        Role::Monitor => System::Network,
        Role::Rmm => System::Rmm,
        Role::Psa => System::Psa,
    }
}
