//! Our client of Kaseya BMS against the simulated one: what is read is what the service desk has, at the least price.

use std::collections::BTreeMap;

use apis::account::{Account, NotOpened};
use apis::cost::estimate;
use apis::reading::{Reading, Then};
use apis::refusal::Cause;
use apis::words::Words;
use jiff::Timestamp;
use reconcile::record::{Activity, Kind, VendorRecord};
use sandbox::kaseya_bms::{Credentials, Forms, account_id, asset_id, contact_id, employee_id, location_id};
use sandbox::world::{Client, Device, Person, Site, Standing, System};
use sandbox::{Fault, KaseyaBmsSim, RowDamage, SharedWorld, Simulator, Size, Trouble, World};

use crate::driver::{Night, ORIGIN, account, open, read};

fn world(clients: usize, devices: usize) -> SharedWorld {
    SharedWorld::new(World::new(&Size { clients, devices, seed: 7 }))
}

fn simulator(clients: usize, devices: usize) -> KaseyaBmsSim {
    KaseyaBmsSim::new(world(clients, devices), Credentials::default())
}

/// A record as text: what must be the same here and in the world.
fn shown(record: &VendorRecord) -> String {
    let owner = record.client.as_ref().map_or("", |client| client.as_str());
    let class = record.class.as_ref().map_or("", |class| class.name.as_str());
    let state = if record.activity == Activity::Active { "" } else { "inactive" };
    let fields: Vec<String> = record.fields.iter().map(|(field, value)| format!("{field}={value}")).collect();
    let broken = record.malformed.as_deref().unwrap_or_default();
    let head = [record.kind.code(), record.vendor_id.as_str(), &record.name, owner, class, state, broken];
    format!("{} | {}", head.join(" | "), fields.join(" | "))
}

/// A record of the world in the same words; fields without a value are left out.
fn told(head: [&str; 6], fields: &[(&str, String)]) -> String {
    let fields = fields.iter().filter(|(_, value)| !value.is_empty());
    let fields: Vec<String> = fields.map(|(field, value)| format!("{field}={value}")).collect();
    format!("{} |  | {}", head.join(" | "), fields.join(" | "))
}

fn off(is_active: bool) -> &'static str {
    if is_active { "" } else { "inactive" }
}

fn of_client(company: &Client) -> String {
    let class = match company.standing {
        Standing::Prospect => "Prospect",
        Standing::Supplier => "Vendor",
        Standing::Msp | Standing::Customer | Standing::Former => "",
    };
    let (id, name) = (account_id(company.number).to_string(), company.name_in(System::Psa));
    let state = off(company.standing != Standing::Former);
    told(["client", &id, &name, "", class, state], &[("website", format!("www.{}.example", company.slug))])
}

fn of_site(company: &Client, site: &Site) -> String {
    let (id, owner) = (location_id(site.number).to_string(), account_id(company.number).to_string());
    let lines: Vec<&str> = [Some(site.address.street.as_str()), site.address.floor].into_iter().flatten().collect();
    let fields = [
        ("address", lines.join(", ")),
        ("city", site.address.city.to_owned()),
        ("state", site.address.state.to_owned()),
        ("postal_code", site.address.postal_code.clone()),
        ("country", site.address.country.to_owned()),
    ];
    told(["location", &id, &site.name, &owner, "", off(site.is_active)], &fields)
}

fn of_contact(company: &Client, contact: &Person) -> String {
    let (id, owner) = (contact_id(contact.number).to_string(), account_id(company.number).to_string());
    let site = contact.site.and_then(|site| company.site(site)).map(|site| site.name.clone());
    let fields = [
        ("location", site.unwrap_or_default()),
        ("email", contact.email.clone().unwrap_or_default()),
        ("phone", contact.phone.clone()),
        ("title", contact.title.to_string()),
    ];
    told(["contact", &id, &contact.full_name(), &owner, "", off(contact.is_active)], &fields)
}

fn of_user(user: &Person) -> String {
    let fields = [("email", user.email.clone().unwrap_or_default()), ("title", user.title.to_string())];
    let id = employee_id(user.number).to_string();
    told(["user", &id, &user.full_name(), "", "", off(user.is_active)], &fields)
}

fn of_device(client: &Client, device: &Device) -> String {
    let (id, owner) = (asset_id(device.number).to_string(), account_id(client.number).to_string());
    let name = device.name_in(System::Psa, client).unwrap_or_default();
    let serial = device.serial_in(System::Psa).unwrap_or_default();
    // What some firmware says instead of an address is none.
    let mac = device.macs_in(System::Psa).into_iter().find(|mac| *mac != [0; 6]);
    let mac = mac.map(|mac| mac.map(|byte| format!("{byte:02X}")).join(":"));
    let kind = device.class.configuration_type().name;
    let text = |text: &Option<std::borrow::Cow<'static, str>>| text.as_deref().unwrap_or_default().to_owned();
    let fields = [
        ("hostname", name.to_string()),
        ("serial_number", serial.to_owned()),
        ("mac_addresses", mac.unwrap_or_default()),
        ("ip_addresses", device.ips.first().map(ToString::to_string).unwrap_or_default()),
        ("make", text(&device.make)),
        ("model", text(&device.model)),
        ("os", text(&device.os)),
        ("type", kind.to_owned()),
        ("location", client.sites[device.site].name.clone()),
    ];
    let shown = [&*name, serial, &id].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    told(["asset", &id, shown, &owner, kind, ""], &fields)
}

/// Everything that the service desk has, in the order of the texts.
fn all_of(world: &World) -> Vec<String> {
    let mut all: Vec<String> = world.users.iter().filter(|user| !user.is_api_only).map(of_user).collect();
    for company in world.companies(System::Psa) {
        all.push(of_client(company));
        all.extend(company.sites.iter().map(|site| of_site(company, site)));
        all.extend(company.contacts.iter().map(|contact| of_contact(company, contact)));
        let devices = company.devices.iter().filter(|device| device.is_seen_by(System::Psa));
        all.extend(devices.map(|device| of_device(company, device)));
    }
    all.sort();
    all
}

fn texts(night: &Night) -> Vec<String> {
    let mut texts: Vec<String> = night.records.iter().map(shown).collect();
    texts.sort();
    texts
}

/// What only one of two lists has.
fn differences(found: &[String], there: &[String]) -> Vec<String> {
    let only = |what: &str, one: &[String], other: &[String]| -> Vec<String> {
        one.iter().filter(|text| other.binary_search(text).is_err()).map(|text| format!("{what} {text}")).collect()
    };
    [only("read", found, there), only("there", there, found)].concat()
}

/// Pages of a list that tells its total, and of one that ends with a page that is not full.
fn pages(rows: u64) -> [u64; 2] {
    [rows.div_ceil(100).max(1), rows / 100 + 1]
}

#[test]
fn everything_is_read_as_it_is_with_the_least_calls() {
    for (clients, devices) in [(3, 60), (120, 300), (1, 700)] {
        let mut simulator = simulator(clients, devices);
        let shared = world(clients, devices);
        let account = account(&simulator.listing(ORIGIN));
        let night = read(&account, &mut simulator);
        assert_eq!(night.ends, []);
        let all = all_of(&shared.read());
        assert_eq!(differences(&texts(&night), &all), [""; 0]);
        assert_eq!(night.records.len(), all.len(), "each once");
        let count = |kind| night.count(kind);
        let assets = count(Kind::Asset);
        let least = BTreeMap::from([
            ("opening", 1),
            ("account_types", 1),
            ("accounts", pages(count(Kind::Client))[0]),
            ("contacts", pages(count(Kind::Contact))[0]),
            ("employees", pages(count(Kind::User))[0]),
            ("assets", pages(assets)[1]),
            ("detail", assets),
        ]);
        assert_eq!(night.calls, least);
        let kinds = [Kind::Asset, Kind::Contact, Kind::User, Kind::Location].map(|kind| (kind, count(kind)));
        let stated = estimate(account.vendor, count(Kind::Client), &kinds.into(), assets);
        let made = night.calls();
        assert!(stated.requests.abs_diff(made) <= made / 20, "{} stated, {made} made", stated.requests);
    }
}

#[test]
fn the_details_of_many_assets_take_hours_at_the_vendors_limit() {
    let vendor = account(&simulator(1, 1).listing(ORIGIN)).vendor;
    let records = BTreeMap::from([(Kind::Asset, 4_000)]);
    let first = estimate(vendor, 100, &records, 4_000);
    assert_eq!(first.requests, 1 + 1 + 1 + 40 + 4_000, "log-in, types, accounts, list, details");
    assert_eq!(first.seconds, 2 * 3600, "1,500 in each hour");
    let later = estimate(vendor, 100, &records, 12);
    assert_eq!(later.requests, 1 + 1 + 1 + 40 + 12, "only what is new or changed costs a call of its own");
    assert!(later.seconds < 60, "{}", later.seconds);
}

#[test]
fn the_forms_that_the_vendor_leaves_open_make_no_difference() {
    let usual = all_of(&world(4, 200).read());
    let forms = [
        Forms { capitals: true, ..Forms::default() },
        Forms { null_error: true, zoned_dates: true, ..Forms::default() },
        Forms { no_totals: true, bare_objects: true, ..Forms::default() },
        Forms { capitals: true, bare_objects: true, null_error: true, no_totals: true, ..Forms::default() },
    ];
    for forms in forms {
        let mut simulator = simulator(4, 200);
        simulator.set_forms(forms);
        let night = read(&account(&simulator.listing(ORIGIN)), &mut simulator);
        assert_eq!(night.ends, [], "{forms:?}");
        assert_eq!(differences(&texts(&night), &usual), [""; 0], "{forms:?}");
    }
}

#[test]
fn our_own_user_is_left_out_where_programs_are_listed() {
    let mut simulator = simulator(1, 1);
    simulator.set_forms(Forms { lists_programs: true, ..Forms::default() });
    let night = read(&account(&simulator.listing(ORIGIN)), &mut simulator);
    assert_eq!(night.ends, []);
    let names: Vec<&str> = night.records.iter().map(|record| record.name.as_str()).collect();
    assert!(names.contains(&"API Reports") && !names.contains(&"API Sync"), "{names:?}");
}

#[test]
fn a_full_last_page_that_is_repeated_ends_nothing_as_complete() {
    let assets = |devices: usize| {
        let world = World::new(&Size { clients: 1, devices, seed: 7 });
        world.clients.iter().flat_map(|client| &client.devices).filter(|one| one.is_seen_by(System::Psa)).count()
    };
    let devices = (100..400).find(|devices| assets(*devices) == 100).expect("some world has a full page of assets");
    for (repeats_last_page, is_whole) in [(false, true), (true, false)] {
        let mut simulator = simulator(1, devices);
        simulator.set_forms(Forms { repeats_last_page, ..Forms::default() });
        let night = read(&account(&simulator.listing(ORIGIN)), &mut simulator);
        assert_eq!(night.ends.is_empty(), is_whole, "{:?}", night.ends);
        assert!(night.ends.iter().all(|end| matches!(end, Then::Broken(_))));
        assert_eq!(night.count(Kind::Asset), 100, "what came is there");
    }
}

#[test]
fn a_vendor_that_gives_one_page_for_another_is_left() {
    let mut simulator = simulator(2, 400);
    simulator.trouble(Trouble::new(Fault::RepeatPage).at_path("/v2/servicedesk/hardwareasset/searchselect").on_page(2));
    let night = read(&account(&simulator.listing(ORIGIN)), &mut simulator);
    assert!(matches!(&night.ends[..], [Then::Broken(_)]), "{:?}", night.ends);
}

#[test]
fn broken_rows_cost_those_rows() {
    let list = "/v2/servicedesk/hardwareasset/searchselect";
    for damage in
        [RowDamage::NoObject, RowDamage::NoId, RowDamage::NoAttributes, RowDamage::NumbersForTexts, RowDamage::NoOwner]
    {
        let mut simulator = simulator(2, 80);
        let account = account(&simulator.listing(ORIGIN));
        let usual = texts(&read(&account, &mut simulator));
        simulator.trouble(Trouble::new(Fault::Row { index: 3, damage }).at_path(list));
        let night = read(&account, &mut simulator);
        let broken = night.records.iter().filter(|record| record.malformed.is_some()).count();
        assert_eq!((broken, night.records.len()), (1, usual.len()), "{damage:?}");
        let others = texts(&night).into_iter().filter(|text| usual.contains(text)).count();
        assert_eq!(others, usual.len() - 1, "{damage:?}");
    }
}

/// One call of a list on an account that is open.
fn first_page(account: &Account, simulator: &mut KaseyaBmsSim) -> Then {
    let mut reading = Reading::start(account.vendor.feed("employees").expect("it has employees"), None, None);
    reading.take(account, &Words::default(), &simulator.answer(&reading.call(account), ORIGIN)).then
}

fn now(world: &SharedWorld) -> Timestamp {
    Timestamp::from_millisecond(world.read().now_ms as i64).expect("an instant")
}

#[test]
fn a_token_is_renewed_in_time_and_a_void_one_is_replaced() {
    let world = world(1, 1);
    let mut simulator = KaseyaBmsSim::new(world.clone(), Credentials::default());
    simulator.set_forms(Forms { token_ms: 15 * 60_000, ..Forms::default() });
    let account = account(&simulator.listing(ORIGIN));
    let opened = open(&account, &mut simulator, &mut Night::default());
    assert_eq!(first_page(&opened, &mut simulator), Then::Done);
    assert!(opened.to_renew(now(&world)).is_none());

    world.change(|world| world.now_ms += 14 * 60_000);
    let renewing = opened.to_renew(now(&world)).expect("a minute is left");
    let renewed = open(&renewing, &mut simulator, &mut Night::default());
    world.change(|world| world.now_ms += 2 * 60_000);
    let Then::Refused(refusal) = first_page(&opened, &mut simulator) else { panic!("the old token is too old") };
    assert_eq!(refusal.cause, Cause::Credentials);
    assert_eq!(first_page(&renewed, &mut simulator), Then::Done);

    let mut asked = Night::default();
    let again = open(&renewing, &mut simulator, &mut asked);
    assert_eq!(asked.calls(), 2, "a refresh token that was used up, then the secret");
    assert_eq!(first_page(&again, &mut simulator), Then::Done);

    simulator.forget_tokens();
    assert!(matches!(first_page(&again, &mut simulator), Then::Refused(_)));
    let reopened = open(&again.to_reopen().expect("a log-in may help"), &mut simulator, &mut Night::default());
    assert_eq!(first_page(&reopened, &mut simulator), Then::Done);
}

#[test]
fn a_changed_password_is_told_whatever_the_status() {
    for refused_log_in in [200, 400, 401] {
        let mut simulator = simulator(1, 1);
        simulator.set_forms(Forms { refused_log_in, ..Forms::default() });
        let account = account(&simulator.listing(ORIGIN));
        simulator.set_credentials(Credentials { password: "another".to_owned(), ..Credentials::default() });
        let refused = account.open(&simulator.answer(&account.opening().unwrap(), ORIGIN));
        let Err(NotOpened::Refused(refusal)) = refused else { panic!("{refused_log_in} refuses") };
        assert_eq!((refusal.cause, refusal.status), (Cause::Credentials, refused_log_in));
    }
}

#[test]
fn the_limit_of_an_hour_is_counted_by_endpoint() {
    let world = world(1, 1);
    let mut simulator = KaseyaBmsSim::new(world.clone(), Credentials::default());
    simulator.set_forms(Forms { per_hour: Some(3), ..Forms::default() });
    let opened = open(&account(&simulator.listing(ORIGIN)), &mut simulator, &mut Night::default());
    for _ in 0..3 {
        assert_eq!(first_page(&opened, &mut simulator), Then::Done);
    }
    let Then::Again { after: Some(wait), .. } = first_page(&opened, &mut simulator) else { panic!("it is too much") };
    assert_eq!(wait.as_secs(), 60);
    world.change(|world| world.now_ms += 3_600_000);
    assert_eq!(first_page(&opened, &mut simulator), Then::Done);
}
