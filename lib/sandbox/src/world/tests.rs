use std::collections::{HashMap, HashSet};

use super::*;

fn world(clients: usize, devices: usize, seed: u64) -> World {
    World::new(&Size { clients, devices, seed })
}

fn devices(world: &World) -> impl Iterator<Item = &Device> {
    world.clients.iter().flat_map(|client| &client.devices)
}

#[test]
fn the_seed_decides_everything() {
    assert_eq!(world(20, 400, 5), world(20, 400, 5));
    assert_ne!(world(20, 400, 5), world(20, 400, 6));
}

#[test]
fn a_world_has_the_size_it_was_asked_for() {
    for (clients, count) in [(0, 0), (0, 3), (1, 0), (1, 1), (30, 1000), (200, 199)] {
        let world = world(clients, count, 1);
        assert_eq!((world.clients.len(), world.device_count()), (clients + 1, count));
        assert_eq!(world.clients[0].standing, Standing::Msp);
    }
}

#[test]
fn slugs_and_numbers_are_unique() {
    let world = world(400, 4000, 2);
    let slugs: HashSet<_> = world.clients.iter().map(|client| &client.slug).collect();
    let numbers: HashSet<_> = devices(&world).map(|device| device.number).collect();
    assert_eq!((slugs.len(), numbers.len()), (401, 4000));
}

#[test]
fn oddities_come_at_their_rates() {
    let world = world(300, 30_000, 3);
    let about = |found: usize, one_in: u32| {
        let expected = 30_000 / one_in as usize;
        assert!(found > expected / 2 && found < expected * 2, "{found}, expected about {expected}");
    };
    about(devices(&world).filter(|device| device.class == Class::Unknown).count(), NAMELESS_THING_ONE_IN);
    let named_things = devices(&world).filter(|device| device.class != Class::Unknown).collect::<Vec<_>>();
    about(named_things.iter().filter(|device| device.name.is_none()).count(), UNNAMED_ONE_IN);
    about(named_things.iter().filter(|device| device.serial.is_none()).count(), NO_SERIAL_ONE_IN);
    let placeholder =
        |device: &&&Device| device.serial.as_deref().is_some_and(|text| PLACEHOLDER_SERIALS.contains(&text));
    about(named_things.iter().filter(placeholder).count(), PLACEHOLDER_SERIAL_ONE_IN);
    let mut twins = 0;
    for client in &world.clients {
        let mut seen = HashSet::new();
        let serials = client.devices.iter().filter_map(|device| device.serial.as_deref());
        twins += serials.filter(|text| !PLACEHOLDER_SERIALS.contains(text) && !seen.insert(*text)).count();
    }
    about(twins, SAME_SERIAL_ONE_IN);
}

#[test]
fn a_dock_is_shared_within_its_client_only() {
    let world = world(60, 3000, 4);
    let mut owners: HashMap<[u8; 6], Vec<(ClientNo, DeviceNo)>> = HashMap::new();
    for client in &world.clients {
        for device in &client.devices {
            let own: HashSet<[u8; 6]> = device.interfaces.iter().filter_map(|interface| interface.mac).collect();
            for mac in own.into_iter().filter(|mac| *mac != [0; 6]) {
                owners.entry(mac).or_default().push((client.number, device.number));
            }
        }
    }
    let shared: Vec<_> = owners.values().filter(|owners| owners.len() > 1).collect();
    assert!(shared.len() > 10, "{} docks", shared.len());
    assert!(shared.iter().all(|owners| owners.iter().all(|owner| owner.0 == owners[0].0)));
}

#[test]
fn systems_differ_in_names_and_in_what_they_see() {
    let world = world(200, 4000, 5);
    let differing = world.clients.iter().filter(|client| client.name_in(System::Psa) != client.name_in(System::Rmm));
    assert!((15..80).contains(&differing.count()));
    let escaped = world.clients.iter().filter(|client| client.name_in(System::Network).contains("&amp;"));
    assert!(escaped.count() > 1);
    for client in &world.clients {
        for device in client.devices.iter().filter(|device| device.is_seen_by(System::Network)) {
            let shown = device.name_in(System::Network, client).map(|name| name.to_lowercase());
            let own = device.name.as_deref().map(str::to_lowercase);
            assert!(shown == own || shown.unwrap().starts_with(&format!("{}.", own.unwrap())));
        }
    }
    let seen = |system| devices(&world).filter(|device| device.is_seen_by(system)).count();
    assert!(seen(System::Rmm) < seen(System::Psa) && seen(System::Psa) < seen(System::Network));
}

#[test]
fn a_night_changes_the_share_it_was_told_and_nothing_else() {
    let before = world(20, 1000, 6);
    let mut after = before.clone();
    assert_eq!(after.night(9, 1.0), 10);
    let changed: Vec<_> = devices(&before).zip(devices(&after)).filter(|(old, new)| old != new).collect();
    assert_eq!(changed.len(), 10);
    for (old, new) in changed {
        let mut expected = old.clone();
        expected.update_software(after.now_ms);
        assert_eq!(*new, expected);
        assert_ne!(new.software, old.software);
    }
    let mut again = before.clone();
    again.night(9, 1.0);
    assert_eq!(again, after);
    let mut quiet = before.clone();
    assert_eq!(quiet.night(9, 0.0), 0);
    assert_eq!(quiet.clients, before.clients);
}

#[test]
fn versions_count_up_and_keep_their_form() {
    let mut device = world(0, 1, 1).clients.remove(0).devices.remove(0);
    for (before, after) in [
        (Some("10.0.22631.4317"), "10.0.22631.4318"),
        (Some("v7.2.8,build1639,240309"), "v7.2.8,build1639,240310"),
        (Some("6.99"), "6.100"),
        (Some("2024a"), "2024a.1"),
        (Some("1.009"), "1.010"),
        (None, "1.0.1"),
    ] {
        device.software = before.map(Cow::Borrowed);
        device.update_software(5);
        assert_eq!((device.software.as_deref(), device.modified_ms), (Some(after), 5));
    }
}

#[test]
fn people_come_and_go_without_a_number_used_twice() {
    let mut world = world(3, 30, 7);
    let client = world.add_client("Fenwick Joinery");
    let device = world.add_device(client).unwrap();
    assert_eq!((world.clients.len(), world.device_count()), (5, 31));
    assert!(world.change_device(device, |device| device.name = Some("NEW".to_owned())));
    assert_eq!(world.client(client).unwrap().device(device).unwrap().name.as_deref(), Some("NEW"));
    world.client_mut(client).unwrap().name = "Fenwick Woodwork".to_owned();
    assert_eq!(world.client(client).unwrap().name_in(System::Rmm), "Fenwick Woodwork");
    assert!(world.retire_device(device));
    assert!(!world.retire_device(device) && !world.change_device(device, |_| {}));
    assert_ne!(world.add_device(client), Some(device));
    assert!(world.retire_client(client));
    assert_eq!((world.add_device(client), world.client(client)), (None, None));
    assert_ne!(world.add_client("Fenwick Joinery"), client);
}

#[test]
fn only_a_service_desk_lists_companies_that_are_no_customers() {
    let world = world(60, 100, 8);
    let standings: HashSet<_> = world.others.iter().map(|company| format!("{:?}", company.standing)).collect();
    assert_eq!(world.others.len(), 60usize.div_ceil(NO_CUSTOMER_ONE_IN));
    assert_eq!(standings.len(), 3, "{standings:?}");
    let numbers = |system| world.companies(system).map(|company| company.number).collect::<HashSet<_>>();
    assert_eq!(numbers(System::Network), numbers(System::Rmm));
    assert_eq!(numbers(System::Psa).len(), 61 + world.others.len());
    for company in &world.others {
        assert_eq!((world.company(company.number), world.client(company.number)), (Some(company), None));
        assert!(company.devices.is_empty() && !company.sites.is_empty());
    }
}

#[test]
fn people_and_places_have_numbers_of_their_own_and_oddities() {
    let world = world(120, 100, 9);
    let companies: Vec<&Client> = world.companies(System::Psa).collect();
    let sites: Vec<SiteNo> = companies.iter().flat_map(|company| &company.sites).map(|site| site.number).collect();
    let people: Vec<&Person> = companies.iter().flat_map(|company| &company.contacts).chain(&world.users).collect();
    assert_eq!(sites.iter().collect::<HashSet<_>>().len(), sites.len());
    assert_eq!(people.iter().map(|person| person.number).collect::<HashSet<_>>().len(), people.len());
    assert!(people.iter().filter(|person| person.email.is_none()).count() > 5);
    assert!(people.iter().filter(|person| !person.is_active).count() > 5);
    assert_eq!(world.users.iter().filter(|user| user.is_api_only).count(), API_USERS);
    let namesakes = companies.iter().filter(|company| {
        let names: HashSet<String> = company.contacts.iter().map(Person::full_name).collect();
        names.len() < company.contacts.len()
    });
    assert!(namesakes.count() > 2);
    for company in companies {
        let is_here = |contact: &Person| contact.site.is_some_and(|site| company.site(site).is_some());
        assert!(company.contacts.iter().all(is_here));
    }
}

#[test]
fn a_service_desk_knows_of_a_device_what_somebody_wrote_down() {
    let world = world(60, 6000, 10);
    let (mut same, mut missing, mut wrong) = (0, 0, 0);
    for device in devices(&world) {
        let own = device.serial_in(System::Rmm);
        match device.serial_in(System::Psa) {
            written if written == own => same += 1,
            None => missing += 1,
            Some(_) => wrong += 1,
        }
        assert!(device.macs_in(System::Psa).len() <= 1);
        assert!(CONFIGURATION_TYPES.contains(&device.class.configuration_type()));
    }
    assert!(same > 5000 && (300..700).contains(&missing) && (60..250).contains(&wrong), "{same} {missing} {wrong}");
    for client in &world.clients {
        let unseen = client.devices.iter().filter(|device| !device.is_seen_by(System::Psa));
        let unseen: HashSet<_> = unseen.filter_map(|device| device.serial.as_ref()).collect();
        let own = |device: &Device| device.written_serial == device.serial;
        let copied = |device: &Device| device.written_serial.as_ref().is_none_or(|serial| unseen.contains(serial));
        assert!(client.devices.iter().all(|device| own(device) || copied(device)));
        assert!(client.devices.iter().filter_map(|device| device.contact).all(|user| client.contact(user).is_some()));
    }
}

#[test]
fn people_and_places_change_and_each_change_is_noted() {
    let mut world = world(5, 60, 11);
    let client = world.clients[2].number;
    world.night(1, 0.0);
    let now_ms = world.now_ms;
    let (contact, site, user) = (world.add_contact(client).unwrap(), world.add_site(client).unwrap(), world.add_user());
    let old = world.clients[2].contacts[0].number;
    assert!(world.clients[2].contact(old).unwrap().modified_ms < now_ms);
    for number in [contact, old] {
        assert!(world.change_contact(number, |contact| contact.family_name = "Quirke-Ueda".into()));
        let changed = world.clients[2].contact(number).unwrap();
        assert_eq!((changed.family_name.as_ref(), changed.modified_ms), ("Quirke-Ueda", now_ms));
    }
    assert!(world.retire_contact(old) && !world.clients[2].contact(old).unwrap().is_active);
    assert!(world.delete_contact(old) && !world.delete_contact(old) && !world.retire_contact(old));
    assert!(world.change_user(user, |user| user.email = None) && world.retire_user(user));
    assert_eq!(world.users.last().map(|user| (user.is_active, user.modified_ms)), Some((false, now_ms)));
    assert!(world.delete_user(user) && !world.delete_user(user));
    assert!(world.retire_site(site) && !world.clients[2].site(site).unwrap().is_active);
    assert!(world.change_company(client, |client| client.name = "Fenwick Woodwork".to_owned()));
    assert_eq!(world.client(client).unwrap().modified_ms, now_ms);
    let other = world.others[0].number;
    assert!(world.change_company(other, |company| company.standing = Standing::Prospect));
    assert_eq!(world.others[0].modified_ms, now_ms);
}

#[test]
fn what_stood_at_a_place_that_is_no_more_moves_to_the_head_office() {
    let mut world = world(30, 900, 12);
    let at = world.clients.iter().position(|client| client.sites.len() == 3).unwrap();
    let before = world.clients[at].clone();
    assert!(!world.delete_site(before.sites[0].number));
    assert!(world.delete_site(before.sites[1].number) && !world.delete_site(before.sites[1].number));
    let after = &world.clients[at];
    assert!(
        before.devices.iter().any(|device| device.site == 1) && before.devices.iter().any(|device| device.site == 2)
    );
    for (old, new) in before.devices.iter().zip(&after.devices) {
        let stood = before.sites[old.site].number;
        let expected = if stood == before.sites[1].number { before.sites[0].number } else { stood };
        assert_eq!(after.sites[new.site].number, expected);
    }
    assert!(after.contacts.iter().all(|contact| after.site(contact.site.unwrap()).is_some()));
}

#[test]
fn the_contents_are_what_each_sort_of_system_sees() {
    let world = world(30, 900, 13);
    let count = |system| {
        let contents = world.contents(system);
        let companies = contents["companies"].as_array().unwrap().clone();
        let devices = companies.iter().map(|company| company["devices"].as_array().unwrap().len());
        (companies.len(), devices.sum::<usize>(), contents["users"].as_array().unwrap().len())
    };
    let (companies, devices, users) = count(System::Network);
    assert_eq!((companies, devices, users), (31, 900, world.users.len()));
    let seen = |system| self::devices(&world).filter(|device| device.is_seen_by(system)).count();
    assert_eq!(count(System::Rmm), (31, seen(System::Rmm), users));
    assert_eq!(count(System::Psa), (31 + world.others.len(), seen(System::Psa), users));
    let device = &world.contents(System::Psa)["companies"][0]["devices"][0];
    let same = world.clients[0].devices.iter().find(|one| device["number"] == one.number.0).unwrap();
    assert_eq!(device["serial"].as_str(), same.serial_in(System::Psa));
    assert_eq!(device["macs"].as_array().map(Vec::len), Some(same.macs_in(System::Psa).len()));
}
