//! Our client of ConnectWise PSA against the simulated one: what is read is what the service desk has, with the least
//! calls that its page sizes allow.

use std::collections::{BTreeMap, BTreeSet};

use apis::account::{Account, NotOpened, Surroundings};
use apis::call::{Secret, SecretText};
use apis::cost::estimate;
use apis::reading::{Reading, Then};
use apis::refusal::Cause;
use apis::verify::{CheckAnswer, answer, checks};
use apis::words::{TYPES, Words};
use jiff::Timestamp;
use reconcile::ids::VendorId;
use reconcile::record::{Activity, Class, Field, Fields, Kind, VendorRecord};
use sandbox::connectwise::{
    Credentials, Forms, Hosting, Throttling, Unauthorized, company_id, configuration_id, contact_id, member_id,
    site_id, type_id,
};
use sandbox::world::{CONFIGURATION_TYPES, Client, Device, Person, Site, Standing, System};
use sandbox::{ConnectWiseSim, Fault, RowDamage, SharedWorld, Simulator, Size, Trouble, World};

use crate::driver::{Night, ORIGIN, account, open, read};

fn world(clients: usize, devices: usize) -> World {
    World::new(&Size { clients, devices, seed: 7 })
}

fn simulator(clients: usize, devices: usize) -> ConnectWiseSim {
    ConnectWiseSim::new(SharedWorld::new(world(clients, devices)), Credentials::default())
}

fn record(kind: Kind, id: u64, client: Option<u64>, name: &str, is_active: bool) -> VendorRecord {
    let vendor_id = |id: u64| VendorId::parse(&id.to_string()).expect("digits make an id");
    VendorRecord {
        kind,
        vendor_id: vendor_id(id),
        client: client.map(vendor_id),
        name: name.to_owned(),
        fields: Fields::default(),
        class: None,
        activity: if is_active { Activity::Active } else { Activity::Inactive },
        malformed: None,
    }
}

fn of_company(company: &Client) -> VendorRecord {
    let name = company.name_in(System::Psa);
    let is_active = company.standing != Standing::Former;
    let mut record = record(Kind::Client, company_id(company.number), None, &name, is_active);
    record.class = match company.standing {
        Standing::Prospect => Some(Class { id: "3".to_owned(), name: "Prospect".to_owned() }),
        Standing::Supplier => Some(Class { id: "4".to_owned(), name: "Vendor".to_owned() }),
        Standing::Msp | Standing::Customer | Standing::Former => None,
    };
    set_address(&mut record.fields, &company.sites[0]);
    record.fields.set_text(Field::Phone, &format!("813555{:04}", company.number.0));
    record.fields.set_text(Field::Website, &format!("www.{}.example", company.slug));
    record
}

fn set_address(fields: &mut Fields, site: &Site) {
    let address = &site.address;
    let lines: Vec<&str> = [Some(address.street.as_str()), address.floor].into_iter().flatten().collect();
    fields.set_text(Field::Address, &lines.join(", "));
    fields.set_text(Field::City, address.city);
    fields.set_text(Field::State, address.state);
    fields.set_text(Field::PostalCode, &address.postal_code);
    fields.set_text(Field::Country, address.country);
}

fn of_site(company: &Client, site: &Site) -> VendorRecord {
    let owner = Some(company_id(company.number));
    let mut record = record(Kind::Location, site_id(site.number), owner, &site.name, site.is_active);
    set_address(&mut record.fields, site);
    if site.number == company.sites[0].number {
        record.fields.set_text(Field::Phone, &format!("813555{:04}", company.number.0));
    }
    record
}

fn of_person(mut record: VendorRecord, person: &Person) -> VendorRecord {
    record.fields.set_text(Field::Email, person.email.as_deref().unwrap_or_default());
    record.fields.set_text(Field::Phone, &person.phone);
    record.fields.set_text(Field::Title, &person.title);
    record
}

fn of_contact(company: &Client, contact: &Person) -> VendorRecord {
    let owner = Some(company_id(company.number));
    let bare = record(Kind::Contact, contact_id(contact.number), owner, &contact.full_name(), contact.is_active);
    let mut record = of_person(bare, contact);
    if contact.number.0.is_multiple_of(3) {
        record.fields.set_text(Field::Mobile, &contact.phone);
    }
    let site = contact.site.and_then(|site| company.site(site));
    record.fields.set_text(Field::Location, site.map_or("", |site| &site.name));
    record
}

fn of_user(user: &Person) -> VendorRecord {
    of_person(record(Kind::User, member_id(user.number), None, &user.full_name(), user.is_active), user)
}

fn of_device(client: &Client, device: &Device) -> VendorRecord {
    let id = configuration_id(device.number);
    let of = device.class.configuration_type();
    let host = device.name_in(System::Psa, client);
    let name = host.as_deref().map_or_else(|| format!("{} {id}", of.name), str::to_owned);
    let mut record = record(Kind::Asset, id, Some(company_id(client.number)), &name, true);
    record.class = Some(Class { id: type_id(of).to_string(), name: of.name.to_owned() });
    let fields = &mut record.fields;
    fields.set_text(Field::Hostname, host.as_deref().unwrap_or_default());
    fields.set_text(Field::SerialNumber, device.serial_in(System::Psa).unwrap_or_default());
    // What some firmware says instead of an address is none.
    let macs = device.macs_in(System::Psa).into_iter().filter(|mac| *mac != [0; 6]);
    fields.set_list(Field::MacAddresses, macs.map(|mac| mac.map(|byte| format!("{byte:02X}")).join(":")));
    fields.set_list(Field::IpAddresses, device.ips.iter().map(ToString::to_string));
    fields.set_text(Field::Make, device.make.as_deref().unwrap_or_default());
    fields.set_text(Field::Model, device.model.as_deref().unwrap_or_default());
    let system = device.os.as_deref().or(device.software.as_deref());
    fields.set_text(Field::Os, system.unwrap_or_default());
    fields.set_text(Field::Type, of.name);
    fields.set_text(Field::Location, &client.sites[device.site].name);
    record
}

/// Says whether a company's sites are read: nothing is documented below one that is no customer.
fn has_sites_read(company: &&Client) -> bool {
    !matches!(company.standing, Standing::Prospect | Standing::Supplier)
}

/// Everything that the service desk has and that is read, in order.
fn all_of(world: &World) -> Vec<VendorRecord> {
    let mut all: Vec<VendorRecord> = world.users.iter().filter(|user| !user.is_api_only).map(of_user).collect();
    for company in world.companies(System::Psa) {
        all.push(of_company(company));
        all.extend(company.contacts.iter().map(|contact| of_contact(company, contact)));
        let devices = company.devices.iter().filter(|device| device.is_seen_by(System::Psa));
        all.extend(devices.map(|device| of_device(company, device)));
    }
    for company in world.companies(System::Psa).filter(has_sites_read) {
        all.extend(company.sites.iter().map(|site| of_site(company, site)));
    }
    all.sort_by(|one, other| (one.kind, &one.vendor_id).cmp(&(other.kind, &other.vendor_id)));
    all
}

/// Compares record by record, so that a failure shows one and not thousands.
fn assert_same(found: &[VendorRecord], there: &[VendorRecord]) {
    for (found, there) in found.iter().zip(there) {
        assert_eq!(found, there);
    }
    assert_eq!(found.len(), there.len());
}

#[test]
fn everything_is_read_as_it_is_with_the_least_calls() {
    for (clients, devices) in [(3, 60), (150, 2_600), (1, 1_700)] {
        let mut simulator = simulator(clients, devices);
        let world = world(clients, devices);
        let account = account(&simulator.listing(ORIGIN));
        let night = read(&account, &mut simulator);
        assert_eq!(night.ends, []);
        let count = |kind| night.count(kind);
        let pages = |kind: Kind| night.count(kind).div_ceil(1000).max(1);
        let customers = world.companies(System::Psa).filter(has_sites_read).count() as u64;
        let least = BTreeMap::from([
            ("opening", 1),
            ("statuses", 1),
            ("configuration_types", 1),
            ("companies", pages(Kind::Client)),
            ("members", 1),
            ("configurations", pages(Kind::Asset)),
            ("contacts", pages(Kind::Contact)),
            ("sites", customers),
        ]);
        assert_eq!(night.calls, least);
        let types: BTreeSet<&str> = night.words.of(TYPES).map(|(_, word)| word).collect();
        assert_eq!(types, CONFIGURATION_TYPES.iter().map(|of| of.name).collect());
        let kinds = [Kind::User, Kind::Asset, Kind::Contact, Kind::Location].map(|kind| (kind, count(kind)));
        let stated = estimate(account.vendor, count(Kind::Client), &kinds.into(), 0).requests;
        let made = night.calls();
        // A call for the sites of each company is stated, and those that are no customers turn out to be spared.
        let spared = count(Kind::Client) - customers;
        assert_eq!(stated - spared, made - 1, "and the list of types is asked for by people alone");
        assert_same(&night.sorted(), &all_of(&world));
    }
}

#[test]
fn the_forms_that_the_vendor_leaves_open_make_no_difference() {
    let usual = all_of(&world(4, 200));
    for hosting in [Hosting::Cloud, Hosting::CloudInWords, Hosting::OnPremise] {
        for links_are_dropped in [false, true] {
            let mut simulator = simulator(4, 200);
            simulator.set_forms(Forms { hosting, links_are_dropped, ..Forms::default() });
            let night = read(&account(&simulator.listing(ORIGIN)), &mut simulator);
            assert_eq!(night.ends, [], "{hosting:?}");
            assert_same(&night.sorted(), &usual);
        }
    }
    for throttling in [Throttling::Own, Throttling::Envelope] {
        let mut simulator = simulator(4, 200);
        simulator.set_forms(Forms { throttling, ..Forms::default() });
        simulator.trouble(Trouble::new(Fault::ThrottleAs429 { retry_after_s: Some(1) }).after(2).times(3));
        let night = read(&account(&simulator.listing(ORIGIN)), &mut simulator);
        assert_eq!(night.ends, [], "{throttling:?}");
        assert_same(&night.sorted(), &usual);
    }
}

#[test]
fn a_page_full_to_the_last_row_costs_a_further_call_only_where_nothing_says_that_it_is_the_last() {
    let seen = |devices: usize| {
        let world = world(1, devices);
        world.clients.iter().flat_map(|client| &client.devices).filter(|one| one.is_seen_by(System::Psa)).count()
    };
    let devices = (1_200..1_600).find(|devices| seen(*devices) == 1000).expect("some world fills a page");
    for (links_are_dropped, calls) in [(false, 1), (true, 2)] {
        let mut simulator = simulator(1, devices);
        simulator.set_forms(Forms { links_are_dropped, ..Forms::default() });
        let night = read(&account(&simulator.listing(ORIGIN)), &mut simulator);
        assert_eq!((night.ends.len(), night.calls["configurations"]), (0, calls));
        assert_eq!(night.count(Kind::Asset), 1000);
    }
}

#[test]
fn companies_of_types_that_are_taken_in_have_their_sites_read() {
    let mut simulator = simulator(40, 10);
    let mut listing = simulator.listing(ORIGIN);
    listing.settings.insert("company_types", "Vendor, 3".to_owned());
    let night = read(&account(&listing), &mut simulator);
    let companies = world(40, 10).companies(System::Psa).count() as u64;
    assert_eq!(night.calls["sites"], companies);
    let classes: BTreeSet<String> = night
        .records
        .iter()
        .filter(|one| one.kind == Kind::Client)
        .filter_map(|one| Some(one.class.clone()?.name))
        .collect();
    assert_eq!(classes, BTreeSet::from(["Prospect".to_owned(), "Vendor".to_owned()]), "the class stays, and is wanted");
}

#[test]
fn a_night_of_changes_reads_what_changed_alone() {
    let shared = SharedWorld::new(world(6, 300));
    let mut simulator = ConnectWiseSim::new(shared.clone(), Credentials::default());
    let opened = open(&account(&simulator.listing(ORIGIN)), &mut simulator, &mut Night::default());
    let since = Timestamp::from_millisecond(shared.read().now_ms as i64).unwrap();
    let changed = shared.change(|world| {
        world.night(3, 0.0);
        let device = world.clients[1].devices.iter().find(|one| one.is_seen_by(System::Psa)).unwrap().number;
        let contact = world.clients[2].contacts[0].number;
        let user = world.users[0].number;
        assert!(world.change_device(device, |device| device.site = 0));
        assert!(world.change_contact(contact, |contact| contact.title = "Owner".into()));
        assert!(world.change_user(user, |user| user.title = "Lead".into()));
        [configuration_id(device), contact_id(contact), member_id(user)].map(|id| id.to_string())
    });
    for (feed, id) in ["configurations", "contacts", "members"].into_iter().zip(changed) {
        let mut reading = Reading::start(opened.vendor.feed(feed).unwrap(), None, Some(since));
        let reply = simulator.answer(&reading.call(&opened), ORIGIN);
        let taken = reading.take(&opened, &Words::default(), &reply);
        assert_eq!(taken.then, Then::Done, "{feed}");
        let ids: Vec<&str> = taken.records.iter().map(|record| record.vendor_id.as_str()).collect();
        assert_eq!(ids, [id], "{feed}");
    }
}

#[test]
fn a_right_that_is_missing_costs_its_kind_and_is_told() {
    let mut simulator = simulator(4, 100);
    let account = account(&simulator.listing(ORIGIN));
    let whole = read(&account, &mut simulator).sorted();
    simulator.trouble(Trouble::new(Fault::Forbidden).at_path("/company/contacts"));
    let night = read(&account, &mut simulator);
    let [Then::Refused(refusal)] = &night.ends[..] else { panic!("one refusal, not {:?}", night.ends) };
    assert_eq!(refusal.cause, Cause::Permission);
    assert!(refusal.hint.contains("Companies > Contacts"), "{}", refusal.hint);
    let others: Vec<_> = whole.into_iter().filter(|record| record.kind != Kind::Contact).collect();
    assert_same(&night.sorted(), &others);
    let opened = open(&account, &mut simulator, &mut Night::default());
    for check in checks(&opened, &Kind::ALL.into()) {
        let works = matches!(answer(&opened, &check, &simulator.answer(&check.call, ORIGIN)), CheckAnswer::Works);
        assert_eq!(works, check.kind != Kind::Contact, "{}", check.what);
    }
}

fn opening(account: &Account, simulator: &mut ConnectWiseSim) -> Result<Account, NotOpened> {
    account.open(&simulator.answer(&account.opening().expect("it is looked up first"), ORIGIN))
}

#[test]
fn wrong_keys_and_a_missing_client_id_are_refusals_of_the_secret() {
    for unauthorized in [Unauthorized::Keys, Unauthorized::NotAuthenticated] {
        for part in ["public_key", "private_key", "client_id"] {
            let mut simulator = simulator(1, 5);
            simulator.set_forms(Forms { unauthorized, missing_client_id_is_403: true, ..Forms::default() });
            let mut listing = simulator.listing(ORIGIN);
            listing.secret.insert(part, "wrong".to_owned());
            let opened = opening(&account(&listing), &mut simulator).expect("the look-up needs no secret");
            let mut reading = Reading::start(&opened.vendor.feeds[1], None, None);
            let reply = simulator.answer(&reading.call(&opened), ORIGIN);
            let Then::Refused(refusal) = reading.take(&opened, &Words::default(), &reply).then else {
                panic!("{part} is refused")
            };
            assert_eq!(refusal.cause, Cause::Credentials, "{part}");
        }
    }
}

#[test]
fn a_company_that_nobody_knows_is_refused_at_the_look_up() {
    let mut simulator = simulator(1, 5);
    let mut listing = simulator.listing(ORIGIN);
    listing.settings.insert("company_id", "larchmps".to_owned());
    let Err(NotOpened::Refused(refusal)) = opening(&account(&listing), &mut simulator) else { panic!("it is refused") };
    assert!(refusal.hint.contains("company_id"), "{}", refusal.hint);
}

#[test]
fn an_upgrade_of_the_cloud_is_found_by_looking_up_again() {
    let mut simulator = simulator(1, 5);
    let cloud = account(&simulator.listing(ORIGIN));
    let opened = opening(&cloud, &mut simulator).unwrap();
    assert_eq!(opened.base().path(), "/v2025_1/apis/3.0/");
    simulator.set_forms(Forms { hosting: Hosting::OnPremise, ..Forms::default() });
    let mut reading = Reading::start(&opened.vendor.feeds[0], None, None);
    let reply = simulator.answer(&reading.call(&opened), ORIGIN);
    let Then::Refused(refusal) = reading.take(&opened, &Words::default(), &reply).then else { panic!("it is gone") };
    assert_eq!(refusal.cause, Cause::WrongPlace { url: None });
    let again = opening(&opened.to_reopen().expect("looking up may help"), &mut simulator).unwrap();
    assert_eq!(again.base().path(), "/v4_6_release/apis/3.0/");
}

#[test]
fn broken_rows_cost_those_rows() {
    let damages =
        [RowDamage::NoObject, RowDamage::NoId, RowDamage::NoAttributes, RowDamage::NumbersForTexts, RowDamage::NoOwner];
    for (path, damage) in ["/company/configurations", "/company/contacts"]
        .into_iter()
        .flat_map(|path| damages.map(|damage| (path, damage)))
    {
        let mut simulator = simulator(2, 80);
        let account = account(&simulator.listing(ORIGIN));
        let usual = read(&account, &mut simulator).sorted();
        simulator.trouble(Trouble::new(Fault::Row { index: 3, damage }).at_path(path).times(2));
        let night = read(&account, &mut simulator);
        assert_eq!(night.ends, [], "{path} {damage:?}");
        let odd: Vec<_> = night.records.iter().filter(|record| !usual.contains(record)).collect();
        let [odd] = odd[..] else { panic!("one row of {path} is odd after {damage:?}: {odd:?}") };
        assert_eq!(night.records.len(), usual.len(), "{path} {damage:?}");
        // A row without a company can be read: it belongs to nobody that we know.
        let is_stray = odd.client.as_ref().is_some_and(|client| client.as_str() == "none") && odd.malformed.is_none();
        assert!(odd.malformed.is_some() || (damage == RowDamage::NoOwner && is_stray), "{path} {damage:?}: {odd:?}");
    }
}

#[test]
fn a_list_without_end_and_answers_that_are_none_end_nothing_as_complete() {
    let faults =
        [Fault::RepeatPage, Fault::Html, Fault::Truncated, Fault::Moved { origin: "https://x.example".into() }];
    for fault in faults {
        let mut simulator = simulator(2, 60);
        let account = account(&simulator.listing(ORIGIN));
        simulator.trouble(Trouble::new(fault.clone()).at_path("/company/configurations"));
        let night = read(&account, &mut simulator);
        assert!(!night.ends.is_empty(), "{fault:?}");
        assert!(night.ends.iter().all(|end| matches!(end, Then::Broken(_) | Then::Refused(_))), "{:?}", night.ends);
    }
}

#[test]
fn a_link_to_another_server_is_not_where_the_keys_go() {
    let mut simulator = simulator(2, 60);
    let opened = open(&account(&simulator.listing(ORIGIN)), &mut simulator, &mut Night::default());
    simulator.trouble(Fault::NextElsewhere { origin: "https://evil.example".to_owned() });
    let mut reading = Reading::start(opened.vendor.feed("configurations").unwrap(), None, None);
    let reply = simulator.answer(&reading.call(&opened), ORIGIN);
    assert_eq!(reading.take(&opened, &Words::default(), &reply).then, Then::Next);
    assert!(reading.call(&opened).url.as_str().starts_with(ORIGIN), "the link says that there is more, and no address");
}

#[test]
fn without_company_id_there_is_no_account() {
    let listing = simulator(1, 1).listing(ORIGIN);
    let secret = listing.secret.iter().map(|(name, value)| ((*name).to_owned(), SecretText::new(value))).collect();
    let vendor = apis::vendors::find("connectwise").unwrap();
    let settings = BTreeMap::from([("url".to_owned(), ORIGIN.to_owned())]);
    let refused = Account::new(vendor, settings, Secret(secret), &Surroundings { allow_loopback: true });
    assert!(refused.unwrap_err().to_string().contains("company_id"));
}
