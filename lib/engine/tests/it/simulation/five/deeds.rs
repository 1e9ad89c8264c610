//! What happens in a day at the MSP and at its clients, so that it shows at the vendors.

use std::net::Ipv4Addr;

use fastrand::Rng;
use sandbox::World;
use sandbox::world::{Client, ClientNo, Device, DeviceNo, PersonNo, SiteNo};

/// Clients beyond which no more are taken on, and devices of one client.
const CLIENTS_MAX: usize = 6;
const DEVICES_MAX: usize = 8;

/// What was taken away and may come back.
#[derive(Debug, Default)]
pub struct Away {
    clients: Vec<Client>,
    devices: Vec<(ClientNo, Device)>,
}

/// One thing that somebody does. Returns what it was. In a consistent world no identifier changes.
pub fn some_deed(rng: &mut Rng, world: &mut World, away: &mut Away, is_consistent: bool) -> String {
    let client = world.clients[rng.usize(..world.clients.len())].number;
    let done = match rng.u32(..if is_consistent { 20 } else { 28 }) {
        0..9 => with_devices(rng, world, away, client),
        9..12 => with_clients(rng, world, away, client),
        12..15 => with_contacts(rng, world, client),
        15..17 => with_sites(rng, world, client),
        17..20 => with_users(rng, world),
        _ => muddle(rng, world, client),
    };
    done.unwrap_or_else(|| "nothing".to_owned())
}

fn pick<T>(rng: &mut Rng, things: &[T]) -> Option<usize> {
    (!things.is_empty()).then(|| rng.usize(..things.len()))
}

fn some_device(rng: &mut Rng, world: &World, client: ClientNo) -> Option<Device> {
    let devices = &world.client(client)?.devices;
    Some(devices[pick(rng, devices)?].clone())
}

/// Puts a device to where its number belongs.
fn put_in(world: &mut World, client: ClientNo, mut device: Device) -> bool {
    let now_ms = world.now_ms;
    let Some(client) = world.clients.iter_mut().find(|one| one.number == client) else { return false };
    device.modified_ms = now_ms;
    device.site = device.site.min(client.sites.len() - 1);
    let place = client.devices.partition_point(|other| other.number < device.number);
    client.devices.insert(place, device);
    true
}

/// Gives a device another address. Kaseya BMS's list shows that, but neither model nor interfaces (kaseya_bms.md section 6),
/// and nobody but a forced run would notice.
fn move_to_address(rng: &mut Rng, world: &mut World, number: DeviceNo) {
    let address = Ipv4Addr::new(10, 99, rng.u8(..), rng.u8(1..255));
    world.change_device(number, |device| device.ips = vec![address.into()]);
}

fn with_devices(rng: &mut Rng, world: &mut World, away: &mut Away, client: ClientNo) -> Option<String> {
    let choice = rng.u32(..9);
    if choice < 3 {
        if world.client(client)?.devices.len() >= DEVICES_MAX {
            return None;
        }
        let number = world.add_device(client)?;
        return Some(format!("{number:?} is new at {client:?}"));
    }
    if choice == 3 {
        let (client, device) = away.devices.pop()?;
        let number = device.number;
        return put_in(world, client, device).then(|| format!("{number:?} is back at {client:?}"));
    }
    let device = some_device(rng, world, client)?;
    let number = device.number;
    let now_ms = world.now_ms;
    Some(match choice {
        4 => {
            world.retire_device(number);
            format!("{number:?} is scrapped")
        }
        5 => {
            world.retire_device(number);
            away.devices.push((client, device));
            format!("{number:?} is lost")
        }
        6 => {
            let model = format!("M{}", rng.u32(..9));
            world.change_device(number, |device| device.model = Some(model.into()));
            move_to_address(rng, world, number);
            format!("{number:?} is another model")
        }
        7 => {
            world.retire_device(number);
            let other = world.clients[rng.usize(..world.clients.len())].number;
            put_in(world, other, Device { contact: None, ..device });
            format!("{number:?} moves from {client:?} to {other:?}")
        }
        _ => {
            world.change_device(number, |device| device.update_software(now_ms));
            move_to_address(rng, world, number);
            format!("{number:?} has other software")
        }
    })
}

fn with_clients(rng: &mut Rng, world: &mut World, away: &mut Away, client: ClientNo) -> Option<String> {
    // The MSP itself stays, and so does a customer.
    let may_go = world.clients.len() > 2 && world.clients[0].number != client;
    match rng.u32(..4) {
        0 if may_go => {
            world.retire_client(client);
            Some(format!("{client:?} is gone"))
        }
        1 if may_go => {
            away.clients.extend(world.client(client).cloned());
            world.retire_client(client);
            Some(format!("{client:?} is hidden"))
        }
        2 => {
            let mut back = away.clients.pop()?;
            let number = back.number;
            back.modified_ms = world.now_ms;
            let place = world.clients.partition_point(|other| other.number < number);
            world.clients.insert(place, back);
            Some(format!("{number:?} is back"))
        }
        _ if world.clients.len() < CLIENTS_MAX => {
            let name = format!("Newcomer {}", rng.u32(..1_000_000));
            let number = world.add_client(&name);
            world.add_device(number);
            Some(format!("{number:?} is new: {name}"))
        }
        _ => None,
    }
}

fn with_contacts(rng: &mut Rng, world: &mut World, client: ClientNo) -> Option<String> {
    let choice = rng.u32(..5);
    if choice == 0 {
        return world.add_contact(client).map(|number| format!("contact {number:?} is new"));
    }
    let contacts = &world.client(client)?.contacts;
    let number: PersonNo = contacts[pick(rng, contacts)?].number;
    let phone = format!("+1 555 {:04}", rng.u32(..10_000));
    Some(match choice {
        1 => {
            world.delete_contact(number);
            format!("contact {number:?} is deleted")
        }
        2 => {
            world.change_contact(number, |contact| contact.is_active = !contact.is_active);
            format!("contact {number:?} leaves, or is back")
        }
        _ => {
            world.change_contact(number, |contact| contact.phone = phone);
            format!("contact {number:?} has another telephone")
        }
    })
}

fn with_sites(rng: &mut Rng, world: &mut World, client: ClientNo) -> Option<String> {
    let choice = rng.u32(..4);
    if choice == 0 {
        return world.add_site(client).map(|number| format!("site {number:?} is new"));
    }
    let sites = &world.client(client)?.sites;
    let number: SiteNo = sites[pick(rng, sites)?].number;
    let street = format!("{} Other Street", rng.u32(1..99));
    Some(match choice {
        1 => format!("site {number:?} is deleted: {}", world.delete_site(number)),
        2 => {
            world.change_site(number, |site| site.is_active = !site.is_active);
            format!("site {number:?} is given up, or is used again")
        }
        _ => {
            world.change_site(number, |site| site.address.street = street);
            format!("site {number:?} moves")
        }
    })
}

fn with_users(rng: &mut Rng, world: &mut World) -> Option<String> {
    let choice = rng.u32(..4);
    if choice == 0 && world.users.len() < CLIENTS_MAX {
        return Some(format!("user {:?} is new", world.add_user()));
    }
    let number = world.users[pick(rng, &world.users)?].number;
    let phone = format!("+1 555 {:04}", rng.u32(..10_000));
    Some(match choice {
        1 => {
            world.delete_user(number);
            format!("user {number:?} is deleted")
        }
        2 => {
            world.change_user(number, |user| user.is_active = !user.is_active);
            format!("user {number:?} leaves, or is back")
        }
        _ => {
            world.change_user(number, |user| user.phone = phone);
            format!("user {number:?} has another telephone")
        }
    })
}

/// Things get names and numbers that are not theirs, or none.
fn muddle(rng: &mut Rng, world: &mut World, client: ClientNo) -> Option<String> {
    let (device, other) = (some_device(rng, world, client), some_device(rng, world, client));
    let namesake = world.clients[rng.usize(..world.clients.len())].name.clone();
    let contacts = world.client(client)?.contacts.clone();
    let number = device.as_ref().map(|device| device.number);
    Some(match rng.u32(..9) {
        0 => {
            world.change_device(number?, |device| device.serial = other.and_then(|other| other.serial));
            format!("{number:?} has the serial number of another device")
        }
        1 => {
            world.change_device(number?, |device| device.written_serial = other.and_then(|other| other.serial));
            format!("{number:?} has the serial number of another device written down")
        }
        2 => {
            world.change_device(number?, |device| device.name = other.and_then(|other| other.name));
            format!("{number:?} has the name of another device")
        }
        3 => {
            world.change_device(number?, |device| device.interfaces = other.expect("there is one").interfaces);
            move_to_address(rng, world, number?);
            format!("{number:?} has the interfaces of another device")
        }
        4 => {
            let serial = [None, Some("Default string".to_owned()), Some(format!("SN{}", rng.u32(..999)))];
            world.change_device(number?, |device| device.serial = serial[rng.usize(..3)].clone());
            format!("{number:?} has another serial number")
        }
        5 => {
            world.change_device(number?, |device| device.managed = !device.managed);
            format!("{number:?} is looked after, or not any more")
        }
        6 => {
            world.change_company(client, |client| client.name = namesake);
            format!("{client:?} has the name of a client")
        }
        7 => {
            let (one, other) = (&contacts[pick(rng, &contacts)?], &contacts[pick(rng, &contacts)?]);
            world.change_contact(one.number, |contact| contact.email.clone_from(&other.email));
            format!("contact {:?} has the address of {:?}", one.number, other.number)
        }
        _ => {
            let (one, other) = (&contacts[pick(rng, &contacts)?], &contacts[pick(rng, &contacts)?]);
            let (given, family) = (other.given_name.clone(), other.family_name.clone());
            world.change_contact(one.number, |contact| (contact.given_name, contact.family_name) = (given, family));
            format!("contact {:?} has the name of {:?}", one.number, other.number)
        }
    })
}
