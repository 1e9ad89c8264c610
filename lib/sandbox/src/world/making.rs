//! How a world is made from its seed, oddities included.

use std::borrow::Cow;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fastrand::Rng;

use super::{
    Class, Client, ClientNo, Device, DeviceNo, Interface, Model, Person, PersonNo, STOCK, Seen, Site, SiteNo, Size,
    Standing, System, World, names,
};
use crate::dates::DAY_MS;

/// One device in so many has no host name.
pub const UNNAMED_ONE_IN: u32 = 40;
/// One device in so many is a thing that was met on the network and has neither name, serial number nor MAC address.
pub const NAMELESS_THING_ONE_IN: u32 = 80;
/// One device in so many has no serial number.
pub const NO_SERIAL_ONE_IN: u32 = 12;
/// One device in so many has a placeholder for a serial number.
pub const PLACEHOLDER_SERIAL_ONE_IN: u32 = 60;
/// One device in so many repeats the serial number of an earlier one at the same client.
pub const SAME_SERIAL_ONE_IN: u32 = 400;
/// One device in so many repeats the host name of an earlier one at the same client.
pub const SAME_NAME_ONE_IN: u32 = 300;
/// One laptop in so many sits in its client's one dock and shows that dock's MAC address.
pub const DOCK_ONE_IN: u32 = 6;
/// One computer in so many is shown with its domain by the network monitor.
pub const FQDN_ONE_IN: u64 = 10;
/// One client in so many has another name in the service desk.
pub const OTHER_NAME_ONE_IN: u64 = 8;
/// One client in so many has its ampersand escaped by the monitoring tools.
pub const ENTITY_ONE_IN: u64 = 6;
/// For so many customers there is one company more that is none, in the service desk alone.
pub const NO_CUSTOMER_ONE_IN: usize = 12;
/// One contact or user in so many has left and is kept as inactive by the service desk.
pub const LEFT_ONE_IN: u64 = 14;
/// Users of the service desk that are programs.
pub const API_USERS: usize = 2;
/// One device in so many has its serial number not written down at the service desk.
pub const UNWRITTEN_SERIAL_ONE_IN: u64 = 11;
/// Of the devices without a serial number of their own, one in so many has that of another device of its client, which the
/// service desk does not know, written down at the service desk.
pub const MISCOPIED_SERIAL_ONE_IN: u64 = 4;
/// What careless factories write where the serial number belongs.
pub const PLACEHOLDER_SERIALS: &[&str] =
    &["To be filled by O.E.M.", "Default string", "System Serial Number", "0", "None", "Not Specified"];

/// How the MSP's own addresses begin.
pub(super) const MSP_SLUG: &str = "larchmsp";
/// One client in so many has no devices.
const EMPTY_CLIENT_ONE_IN: usize = 25;
/// One client in so many has the name of the one before it.
const SAME_CLIENT_NAME_ONE_IN: usize = 100;
/// Devices on one network.
const NETWORK_DEVICES_MAX: usize = 240;

/// Makes a world.
pub(super) fn world(size: &Size, now_ms: u64) -> World {
    let mut rng = Rng::with_seed(size.seed);
    let mut world = World {
        clients: Vec::new(),
        others: Vec::new(),
        users: Vec::new(),
        now_ms,
        next_client: 1,
        next_device: 1,
        next_person: 1,
        next_site: 1,
    };
    client(&mut world, &mut rng, Standing::Msp, "Larch Managed Services", "Inc.");
    let mut taken = HashSet::new();
    let mut last = names::company(&mut rng);
    for index in 1..=size.clients {
        if index % SAME_CLIENT_NAME_ONE_IN != 0 {
            last = company(&mut rng, &mut taken);
        }
        client(&mut world, &mut rng, Standing::Customer, &last.0, last.1);
    }
    for _ in 0..(3 + size.clients / 8) {
        let user = person(&mut world, &mut rng, MSP_SLUG);
        world.users.push(user);
    }
    for (index, share) in shares(&mut rng, world.clients.len(), size.devices).into_iter().enumerate() {
        world.clients[index].devices.reserve_exact(share);
        for _ in 0..share {
            device(&mut world, &mut rng, index);
        }
    }
    others(&mut world, &mut rng, size.clients.div_ceil(NO_CUSTOMER_ONE_IN), &mut taken);
    for program in ["Sync", "Reports"].into_iter().cycle().take(API_USERS) {
        let user = person(&mut world, &mut rng, MSP_SLUG);
        let (given_name, family_name) = (Cow::Borrowed("API"), Cow::Borrowed(program));
        world.users.push(Person { given_name, family_name, is_api_only: true, is_active: true, ..user });
    }
    world
}

/// Makes the companies that are no customers.
fn others(world: &mut World, rng: &mut Rng, count: usize, taken: &mut HashSet<String>) {
    for nth in 0..count {
        let (name, form) = company(rng, taken);
        let standing = [Standing::Prospect, Standing::Supplier, Standing::Former][nth % 3];
        client(world, rng, standing, &name, form);
        world.others.extend(world.clients.pop());
    }
}

/// Returns a company's name that nobody has yet; where names run out, branches are founded.
fn company(rng: &mut Rng, taken: &mut HashSet<String>) -> (String, &'static str) {
    let (name, form) = names::company(rng);
    let mut unique = name.clone();
    while !taken.insert(unique.clone()) {
        unique = format!("{name} {}", rng.u32(2..10_000));
    }
    (unique, form)
}

/// Parts `total` devices among the clients, unevenly: a few have many, some have none, the MSP has a handful.
fn shares(rng: &mut Rng, clients: usize, total: usize) -> Vec<usize> {
    let weight = |rng: &mut Rng, index: usize| match index {
        0 => 0.1,
        _ if index % EMPTY_CLIENT_ONE_IN == EMPTY_CLIENT_ONE_IN - 1 => 0.0,
        _ => 0.2 + 3.0 * rng.f64().powi(4),
    };
    let weights: Vec<f64> = (0..clients).map(|index| weight(rng, index)).collect();
    let sum: f64 = weights.iter().sum();
    let mut shares: Vec<usize> = weights.iter().map(|weight| (weight / sum * total as f64) as usize).collect();
    let mut left = total - shares.iter().sum::<usize>();
    for index in (0..clients).rev().cycle() {
        if left == 0 {
            break;
        }
        if weights[index] > 0.0 {
            shares[index] += 1;
            left -= 1;
        }
    }
    shares
}

/// Makes a client and puts it into the world.
pub(super) fn client(world: &mut World, rng: &mut Rng, standing: Standing, name: &str, form: &'static str) -> ClientNo {
    let number = ClientNo(world.next_client);
    world.next_client += 1;
    let slug = match standing {
        Standing::Msp => MSP_SLUG.to_owned(),
        _ => format!("{}{}", names::slug(name), number.0),
    };
    let mut sites = vec![site(world, rng, 0)];
    for nth in 1..=rng.usize(0..3) {
        sites.push(site(world, rng, nth));
    }
    let mut contacts: Vec<Person> = (0..rng.usize(1..6)).map(|_| person(world, rng, &slug)).collect();
    if rng.u32(0..20) == 0 {
        let namesake = Person { email: Some(format!("office@{slug}.example")), ..contacts[0].clone() };
        contacts.push(Person { number: PersonNo(world.next_person), ..namesake });
        world.next_person += 1;
    }
    for contact in &mut contacts {
        contact.site = Some(sites[contact.number.0 as usize % sites.len()].number);
    }
    let modified_ms = some_time_ago(world.now_ms, number.0);
    let (name, devices, devices_made) = (name.to_owned(), Vec::new(), 0);
    let made = Client { number, standing, name, form, slug, sites, contacts, devices, modified_ms, devices_made };
    world.clients.push(made);
    number
}

/// Makes the `nth` site of a client, counted from 0, which is the head office.
pub(super) fn site(world: &mut World, rng: &mut Rng, nth: usize) -> Site {
    let number = SiteNo(world.next_site);
    world.next_site += 1;
    let address = names::address(rng);
    let name = if nth == 0 { "Head Office".to_owned() } else { format!("{} {nth}", address.city) };
    Site { number, name, address, is_active: true, modified_ms: some_time_ago(world.now_ms, number.0) }
}

/// Returns an instant before `now_ms` that a number decides.
fn some_time_ago(now_ms: u64, number: u64) -> u64 {
    now_ms - (number * 7919 % 400 + 1) * DAY_MS
}

/// Makes somebody who works for whoever has the addresses of `slug`.
pub(super) fn person(world: &mut World, rng: &mut Rng, slug: &str) -> Person {
    let (given_name, family_name, title) = names::person(rng);
    let number = PersonNo(world.next_person);
    world.next_person += 1;
    let mailbox = format!("{}.{}{}", names::slug(given_name), names::slug(family_name), number.0);
    Person {
        number,
        given_name: Cow::Borrowed(given_name),
        family_name: Cow::Borrowed(family_name),
        title: Cow::Borrowed(title),
        email: (rng.u32(0..15) != 0).then(|| format!("{mailbox}@{slug}.example")),
        phone: names::phone(rng),
        is_active: !number.0.is_multiple_of(LEFT_ONE_IN),
        is_api_only: false,
        site: None,
        modified_ms: some_time_ago(world.now_ms, number.0),
    }
}

/// Makes a device and puts it into the client at `index`.
pub(super) fn device(world: &mut World, rng: &mut Rng, index: usize) -> DeviceNo {
    let number = DeviceNo(world.next_device);
    world.next_device += 1;
    let now_ms = world.now_ms;
    let client = &mut world.clients[index];
    let made = client.devices_made;
    client.devices_made += 1;
    let model = STOCK.get(made).filter(|_| made < 4).unwrap_or_else(|| pick(rng));
    let host = format!("{}-{}{:02}", names::initials(&client.name), model.class.tag(), made + 1);
    let subnet = (made / NETWORK_DEVICES_MAX) as u8;
    let ip = Ipv4Addr::new(10, 40 + (index % 200) as u8, subnet, (made % NETWORK_DEVICES_MAX + 1) as u8);
    let mut device = Device {
        number,
        class: model.class,
        name: Some(host),
        serial: Some(format!("{}{:08}", model.serial_prefix, number.0 * 7919 % 100_000_000)),
        written_serial: None,
        make: Some(Cow::Borrowed(model.make)),
        model: Some(Cow::Borrowed(model.model)),
        os: text(model.os),
        software: text(model.software),
        firmware: text(model.firmware),
        interfaces: interfaces(model, number),
        ips: vec![IpAddr::V4(ip)],
        network: subnet,
        site: rng.usize(0..client.sites.len()),
        contact: None,
        managed: rng.u32(0..10) != 0,
        seen: seen(rng, now_ms),
        modified_ms: now_ms - rng.u64(1..400) * DAY_MS / 3,
    };
    if model.class == Class::Firewall {
        device.ips.push(IpAddr::V4(Ipv4Addr::new(203, 0, 113, rng.u8(1..255))));
    } else if rng.u32(0..30) == 0 {
        device.ips.push(IpAddr::V6(Ipv6Addr::new(0xfd00, index as u16, 0, 0, 0, 0, 0, (made as u16).wrapping_add(1))));
    }
    make_odd(&mut device, client, rng);
    write_down(&mut device, client);
    client.devices.push(device);
    number
}

/// Gives a device the oddities that fate has for it; the rates stand on top of this file.
fn make_odd(device: &mut Device, client: &Client, rng: &mut Rng) {
    if rng.u32(0..NAMELESS_THING_ONE_IN) == 0 {
        device.class = Class::Unknown;
        (device.name, device.serial, device.make, device.model) = (None, None, None, None);
        (device.os, device.software, device.firmware) = (None, None, None);
        device.interfaces.clear();
        return;
    }
    if rng.u32(0..UNNAMED_ONE_IN) == 0 {
        device.name = None;
    }
    let earlier = (!client.devices.is_empty()).then(|| &client.devices[rng.usize(0..client.devices.len())]);
    if rng.u32(0..NO_SERIAL_ONE_IN) == 0 {
        device.serial = None;
    } else if rng.u32(0..PLACEHOLDER_SERIAL_ONE_IN) == 0 {
        device.serial = Some(PLACEHOLDER_SERIALS[rng.usize(0..PLACEHOLDER_SERIALS.len())].to_owned());
    } else if rng.u32(0..SAME_SERIAL_ONE_IN) == 0
        && let Some(earlier) = earlier
    {
        device.serial.clone_from(&earlier.serial);
    }
    if rng.u32(0..SAME_NAME_ONE_IN) == 0
        && let Some(earlier) = earlier
    {
        device.name.clone_from(&earlier.name);
    }
    if device.class == Class::Laptop && rng.u32(0..DOCK_ONE_IN) == 0 {
        let [.., third, second, first] = client.number.0.to_be_bytes();
        let mac = Some([0x00, 0xe0, 0x4c, third, second, first]);
        device.interfaces.push(Interface { name: Cow::Borrowed("Ethernet 3"), mac, is_virtual: false });
    }
    if device.class == Class::Printer && rng.u32(0..20) == 0 {
        device.interfaces[0].mac = Some([0; 6]);
    }
}

/// Decides what the service desk knows of a device, oddities included.
fn write_down(device: &mut Device, client: &Client) {
    let number = device.number.0;
    let has_own = device.serial.as_deref().is_some_and(|serial| !PLACEHOLDER_SERIALS.contains(&serial));
    let unknown = client.devices.iter().rev().find(|other| !other.is_seen_by(System::Psa) && other.serial.is_some());
    device.written_serial = match unknown {
        _ if number.is_multiple_of(UNWRITTEN_SERIAL_ONE_IN) => None,
        Some(other) if !has_own && number.is_multiple_of(MISCOPIED_SERIAL_ONE_IN) => other.serial.clone(),
        _ => device.serial.clone(),
    };
    if matches!(device.class, Class::Workstation | Class::Laptop | Class::Phone) && !client.contacts.is_empty() {
        let user = &client.contacts[number as usize % client.contacts.len()];
        device.contact = user.is_active.then_some(user.number);
    }
}

fn interfaces(model: &Model, number: DeviceNo) -> Vec<Interface> {
    let mac = |nth: usize| {
        let [.., third, second, first] = ((number.0 * 4 + nth as u64) as u32).to_be_bytes();
        Some([model.oui[0], model.oui[1], model.oui[2], third, second, first])
    };
    let interface = |(nth, name): (usize, &&'static str)| {
        let (mac, is_virtual) = match name.chars().last() {
            Some('*') => (None, true),
            Some('=') => (mac(0), true),
            _ => (mac(nth), false),
        };
        Interface { name: Cow::Borrowed(name.trim_end_matches(['*', '='])), mac, is_virtual }
    };
    model.interfaces.iter().enumerate().map(interface).collect()
}

fn seen(rng: &mut Rng, now_ms: u64) -> Seen {
    match rng.u32(0..100) {
        0 => Seen::Never,
        1..8 => Seen::At(now_ms - rng.u64(1..120) * DAY_MS - rng.u64(0..DAY_MS)),
        _ => Seen::Lately,
    }
}

fn pick(rng: &mut Rng) -> &'static Model {
    let total: u32 = STOCK.iter().map(|model| model.weight).sum();
    let mut left = rng.u32(0..total);
    STOCK
        .iter()
        .find(|model| {
            let found = left < model.weight;
            left = left.saturating_sub(model.weight);
            found
        })
        .expect("the weights add up to the total")
}

fn text(text: &'static str) -> Option<Cow<'static, str>> {
    (!text.is_empty()).then_some(Cow::Borrowed(text))
}
