//! Our client against the simulated Autotask: what is read is what is there, at the least number of calls.

use std::collections::{BTreeMap, BTreeSet};

use apis::cost::estimate;
use apis::feed::Feed;
use apis::reading::{Reading, Then};
use apis::refusal::Cause;
use apis::words::{TYPES, Words};
use reconcile::ids::VendorId;
use reconcile::record::{Activity, Class, Field, Fields, Kind, VendorRecord};
use sandbox::autotask::{Blank, Credentials, Forms};
use sandbox::dates;
use sandbox::world::{CONFIGURATION_TYPES, Client, Device, Person, Site, Standing, System};
use sandbox::{AutotaskSim, Fault, SharedWorld, Simulator, Size, Trouble, World};

use serde_json::json;

use crate::driver::{Night, ORIGIN, account, open, read};

/// Rows of a page.
const PAGE: usize = 500;

fn autotask(clients: usize, devices: usize) -> (SharedWorld, AutotaskSim) {
    let world = SharedWorld::new(World::new(&Size { clients, devices, seed: 7 }));
    (world.clone(), AutotaskSim::new(world, Credentials::default()))
}

fn vendor_id(id: &str) -> VendorId {
    VendorId::parse(id).expect("the simulator's ids are ids")
}

fn record(kind: Kind, id: &str, name: &str, client: Option<&Client>, is_active: bool) -> VendorRecord {
    VendorRecord {
        kind,
        vendor_id: vendor_id(id),
        client: client.map(|client| vendor_id(&AutotaskSim::company_id(client.number))),
        name: name.to_owned(),
        fields: Fields::default(),
        class: None,
        activity: if is_active { Activity::Active } else { Activity::Inactive },
        malformed: None,
    }
}

fn place(fields: &mut Fields, site: &Site) {
    let address = &site.address;
    let lines: Vec<&str> = [Some(address.street.as_str()), address.floor].into_iter().flatten().collect();
    fields.set_text(Field::Address, &lines.join(", "));
    fields.set_text(Field::City, address.city);
    fields.set_text(Field::State, address.state);
    fields.set_text(Field::PostalCode, &address.postal_code);
    fields.set_text(Field::Country, address.country);
}

fn company(company: &Client) -> VendorRecord {
    let id = AutotaskSim::company_id(company.number);
    let is_active = company.standing != Standing::Former;
    let mut record = record(Kind::Client, &id, &company.name_in(System::Psa), None, is_active);
    record.class = match company.standing {
        Standing::Prospect => Some(Class { id: "3".to_owned(), name: "Prospect".to_owned() }),
        Standing::Supplier => Some(Class { id: "7".to_owned(), name: "Vendor".to_owned() }),
        Standing::Msp | Standing::Customer | Standing::Former => None,
    };
    let (phone, website) = AutotaskSim::phone_and_website(company);
    record.fields.set_text(Field::Phone, &phone);
    record.fields.set_text(Field::Website, &website);
    place(&mut record.fields, &company.sites[0]);
    record
}

fn person(kind: Kind, person: &Person, client: Option<&Client>) -> VendorRecord {
    let id = match kind {
        Kind::User => AutotaskSim::resource_id(person.number),
        _ => AutotaskSim::contact_id(person.number),
    };
    let mut record = record(kind, &id, &person.full_name(), client, person.is_active);
    record.fields.set_text(Field::Email, person.email.as_deref().unwrap_or_default());
    record.fields.set_text(Field::Phone, &person.phone);
    record.fields.set_text(Field::Title, &person.title);
    let site = person.site.and_then(|site| client?.site(site));
    record.fields.set_text(Field::Location, site.map_or("", |site| &site.name));
    record
}

fn location(client: &Client, site: &Site) -> VendorRecord {
    let id = AutotaskSim::location_id(site.number);
    let mut record = record(Kind::Location, &id, &site.name, Some(client), site.is_active);
    place(&mut record.fields, site);
    record
}

/// A device that the RMM audits shows what the audit found; of any other there is what somebody typed in.
fn item(client: &Client, device: &Device) -> VendorRecord {
    let (product, make, model) = match AutotaskSim::product(device) {
        Ok((make, model)) => (format!("{make} {model}"), make, model),
        Err(name) => (name.to_owned(), "", name),
    };
    let host = device.name_in(System::Psa, client);
    let id = AutotaskSim::item_id(device.number);
    let mut record = record(Kind::Asset, &id, host.as_deref().unwrap_or(&product), Some(client), true);
    let filed = device.class.configuration_type();
    record.class = Some(Class { id: filed.number.to_string(), name: filed.name.to_owned() });
    let fields = &mut record.fields;
    fields.set_text(Field::Hostname, host.as_deref().unwrap_or_default());
    fields.set_text(Field::SerialNumber, device.serial_in(System::Psa).unwrap_or_default());
    fields.set_text(Field::Make, make);
    fields.set_text(Field::Model, model);
    fields.set_text(Field::Type, filed.name);
    fields.set_text(Field::Location, &client.sites[device.site].name);
    if device.is_seen_by(System::Rmm) {
        let written = |mac: [u8; 6]| mac.map(|byte| format!("{byte:02X}")).join(":");
        fields.set_list(Field::MacAddresses, device.macs_in(System::Psa).into_iter().map(written));
        fields.set_list(Field::IpAddresses, device.ips.first().map(ToString::to_string));
        fields.set_text(Field::Os, device.os.as_deref().unwrap_or_default());
    }
    record
}

/// Returns what there is to be read, in the order of [`Night::sorted`].
fn expected(world: &World) -> Vec<VendorRecord> {
    let mut all: Vec<VendorRecord> = world.companies(System::Psa).map(company).collect();
    all.extend(world.users.iter().filter(|user| !user.is_api_only).map(|user| person(Kind::User, user, None)));
    for client in world.companies(System::Psa) {
        all.extend(client.contacts.iter().map(|contact| person(Kind::Contact, contact, Some(client))));
        all.extend(client.sites.iter().map(|site| location(client, site)));
        let seen = client.devices.iter().filter(|device| device.is_seen_by(System::Psa));
        all.extend(seen.map(|device| item(client, device)));
    }
    Night { records: all, ..Night::default() }.sorted()
}

#[test]
fn every_row_is_read_as_the_world_has_it() {
    for (clients, devices) in [(0, 0), (12, 300), (40, 1_500)] {
        let (world, mut simulator) = autotask(clients, devices);
        let night = read(&account(&simulator.listing(ORIGIN)), &mut simulator);
        assert_eq!(night.ends, []);
        let types: Vec<_> = night.words.of(TYPES).map(|(id, name)| (id.to_owned(), name.to_owned())).collect();
        let known: Vec<_> = CONFIGURATION_TYPES.iter().map(|of| (of.number.to_string(), of.name.to_owned())).collect();
        assert_eq!(types, known);
        let (found, there) = (night.sorted(), expected(&world.read()));
        assert_eq!(found.len(), there.len());
        for (found, there) in found.iter().zip(&there) {
            assert_eq!(found, there);
        }
    }
}

#[test]
fn a_night_costs_the_least_calls_that_pages_of_500_allow() {
    for (clients, devices) in [(3, 40), (700, 2_500)] {
        let (world, mut simulator) = autotask(clients, devices);
        let account = account(&simulator.listing(ORIGIN));
        let night = read(&account, &mut simulator);
        let world = world.read();
        let companies: Vec<&Client> = world.companies(System::Psa).collect();
        let pages = |rows: usize| rows.div_ceil(PAGE).max(1) as u64;
        let sites = companies.iter().map(|company| company.sites.len()).sum::<usize>();
        let contacts = companies.iter().map(|company| company.contacts.len()).sum::<usize>();
        let least = BTreeMap::from([
            ("opening", 1),
            ("company-fields", 1),
            ("countries", 1),
            ("companies", pages(companies.len())),
            ("resource-fields", 1),
            ("resources", pages(world.users.len())),
            ("contacts", pages(contacts)),
            ("company-locations", pages(sites)),
            ("configuration-item-fields", 1),
            ("products", 1),
            ("configuration-items", pages(night.count(Kind::Asset) as usize)),
        ]);
        assert_eq!(night.calls, least);
        assert_eq!(simulator.calls(), night.calls());

        let counts = [Kind::User, Kind::Asset, Kind::Contact, Kind::Location].map(|kind| (kind, night.count(kind)));
        let stated = estimate(account.vendor, night.count(Kind::Client), &BTreeMap::from(counts), 0).requests;
        assert_eq!(stated, night.calls(), "stated is one call for each list of words");
    }
}

#[test]
fn the_forms_that_the_vendor_leaves_open_make_no_difference() {
    let read_with = |forms: Forms| {
        let (_, mut simulator) = autotask(12, 300);
        simulator.set_forms(forms);
        let night = read(&account(&simulator.listing(ORIGIN)), &mut simulator);
        assert_eq!(night.ends, [], "{forms:?}");
        night.sorted()
    };
    let usual = read_with(Forms::default());
    for (blank, is_other) in [(Blank::Null, false), (Blank::Empty, true), (Blank::AsInSamples, true)] {
        let forms = Forms { blank, capital_field_names: is_other, dates_have_zone: !is_other, ..Forms::default() };
        assert_eq!(read_with(forms), usual, "{forms:?}");
    }
}

#[test]
fn an_answer_that_does_not_heed_the_ids_is_never_the_end() {
    let (_, mut simulator) = autotask(12, 1_500);
    simulator.trouble(Trouble::new(Fault::RepeatPage).at_path("/ATServicesRest/V1.0/ConfigurationItems").on_page(2));
    let night = read(&account(&simulator.listing(ORIGIN)), &mut simulator);
    assert!(matches!(&night.ends[..], [Then::Broken(_)]), "{:?}", night.ends);
    assert!(night.count(Kind::Contact) > 0);
}

#[test]
fn a_list_without_rights_costs_that_list_only() {
    for no_rights_status in [500, 403] {
        let (_, mut simulator) = autotask(12, 100);
        let account = account(&simulator.listing(ORIGIN));
        let whole = read(&account, &mut simulator);
        simulator.set_forms(Forms { no_rights_status, ..Forms::default() });
        simulator.trouble(Trouble::new(Fault::Forbidden).at_path("/ATServicesRest/V1.0/Contacts"));
        let night = read(&account, &mut simulator);
        let [Then::Refused(refusal)] = &night.ends[..] else { panic!("one refusal, not {:?}", night.ends) };
        assert_eq!((&refusal.cause, refusal.status), (&Cause::Permission, no_rights_status));
        let others: Vec<_> = whole.sorted().into_iter().filter(|record| record.kind != Kind::Contact).collect();
        assert_eq!(night.sorted(), others);
    }
}

#[test]
fn what_may_pass_is_asked_again() {
    let (world, mut simulator) = autotask(3, 40);
    let account = account(&simulator.listing(ORIGIN));
    for fault in [
        Fault::ThrottleAs429 { retry_after_s: None },
        Fault::ThrottleAs403,
        Fault::ServerError { status: 500 },
        Fault::ServerError { status: 504 },
    ] {
        simulator.trouble(Trouble::new(fault).after(2).times(2));
    }
    let night = read(&account, &mut simulator);
    assert_eq!(night.ends, []);
    assert_eq!(night.sorted(), expected(&world.read()));
}

#[test]
fn a_night_of_changes_brings_what_changed_alone() {
    let (world, mut simulator) = autotask(30, 900);
    let account = open(&account(&simulator.listing(ORIGIN)), &mut simulator, &mut Night::default());
    let since = serde_json::from_value(json!(dates::stamp(world.read().now_ms + 1_000))).expect("it is an instant");
    world.change(|world| world.night(3, 5.0));
    let (contact, client) = world.change(|world| {
        let (contact, client) = (world.clients[4].contacts[0].number, world.clients[5].number);
        assert!(world.change_contact(contact, |contact| contact.title = "Director".into()));
        assert!(world.change_company(client, |client| client.name = "Fenwick Woodwork".to_owned()));
        (contact, client)
    });
    let mut changed = |feed: &str| -> BTreeSet<String> {
        let feed: &Feed = account.vendor.feed(feed).unwrap();
        let mut reading = Reading::start(feed, None, since);
        let taken = reading.take(&account, &Words::default(), &simulator.answer(&reading.call(&account), ORIGIN));
        assert!(taken.then == Then::Done && reading.is_of_changes());
        taken.records.into_iter().map(|record| record.vendor_id.to_string()).collect()
    };
    assert_eq!(changed("contacts"), BTreeSet::from([AutotaskSim::contact_id(contact)]));
    assert_eq!(changed("companies"), BTreeSet::from([AutotaskSim::company_id(client)]));
    let world = world.read();
    let devices = world.clients.iter().flat_map(|client| &client.devices).filter(|one| one.is_seen_by(System::Psa));
    let updated: BTreeSet<String> = devices
        .filter(|device| device.modified_ms == world.now_ms)
        .map(|device| AutotaskSim::item_id(device.number))
        .collect();
    assert!(updated.len() > 10);
    assert_eq!(changed("configuration-items"), updated);
}
