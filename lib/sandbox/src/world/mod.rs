//! The MSP that every simulated vendor shows a part of: its clients, their people, places and devices.
//!
//! A world is made from a seed and knows no vendor: a device is one thing with faces, and a simulator shows the face that
//! its [`System`] sees. Names that differ from system to system, missing and doubled identifiers and shared docks are part
//! of the world, at the rates that stand beside each other below, since a sync is only as good as its answer to them.

mod changes;
mod contents;
mod making;
mod names;
mod stock;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

pub use making::{
    API_USERS, DOCK_ONE_IN, ENTITY_ONE_IN, FQDN_ONE_IN, LEFT_ONE_IN, MISCOPIED_SERIAL_ONE_IN, NAMELESS_THING_ONE_IN,
    NO_CUSTOMER_ONE_IN, NO_SERIAL_ONE_IN, OTHER_NAME_ONE_IN, PLACEHOLDER_SERIAL_ONE_IN, PLACEHOLDER_SERIALS,
    SAME_NAME_ONE_IN, SAME_SERIAL_ONE_IN, UNNAMED_ONE_IN, UNWRITTEN_SERIAL_ONE_IN,
};
pub use names::Address;
pub use stock::{CONFIGURATION_TYPES, Class, ConfigurationType, Model, STOCK};

/// When a new world begins: 2026-11-20, 20:00 UTC.
const BEGINNING_MS: u64 = 1_795_204_800_000;

/// How large a world is, and which one of that size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Customers of the MSP; the MSP itself comes on top.
    pub clients: usize,
    /// Devices in all, the MSP's own included.
    pub devices: usize,
    /// The same size and seed give the same world.
    pub seed: u64,
}

/// Number of a client; it is never given twice, and every vendor derives its own id from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientNo(pub u64);

/// Number of a device; it is never given twice, and every vendor derives its own id from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceNo(pub u64);

/// Number of a place; it is never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteNo(pub u64);

/// Number of a contact or user; it is never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonNo(pub u64);

/// Whose eyes see the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// A network monitor: sees every device that has a cable or an antenna.
    Network,
    /// A remote monitoring tool: sees the computers it has an agent on.
    Rmm,
    /// A service desk: sees what somebody wrote down.
    Psa,
}

/// What a company is to the MSP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The MSP's own company; always the first client.
    Msp,
    /// A company it works for.
    Customer,
    /// A company it would like to work for; only service desks list it, as they do the next two.
    Prospect,
    /// A company it buys from.
    Supplier,
    /// A company it worked for once; service desks keep it as inactive.
    Former,
}

/// A company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its number.
    pub number: ClientNo,
    /// Whether it is the MSP.
    pub standing: Standing,
    /// Its name without the legal form.
    pub name: String,
    /// `Ltd.` and the like, or empty.
    pub form: &'static str,
    /// Its name in host names and addresses: letters and digits, unique.
    pub slug: String,
    /// Its places; the first is the head office.
    pub sites: Vec<Site>,
    /// Its people.
    pub contacts: Vec<Person>,
    /// Its devices by number.
    pub devices: Vec<Device>,
    /// When its own data last changed; those of its people, places and devices have instants of their own.
    pub modified_ms: u64,
    devices_made: usize,
}

/// A place of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its number.
    pub number: SiteNo,
    /// What people call it.
    pub name: String,
    /// Where it is.
    pub address: Address,
    /// Whether it is still in use; a service desk keeps places that were given up, too.
    pub is_active: bool,
    /// When it last changed.
    pub modified_ms: u64,
}

/// A contact of a client, or one of the MSP's own people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Its number.
    pub number: PersonNo,
    /// First name.
    pub given_name: Cow<'static, str>,
    /// Last name.
    pub family_name: Cow<'static, str>,
    /// Position, or empty.
    pub title: Cow<'static, str>,
    /// Some have none.
    pub email: Option<String>,
    /// Telephone.
    pub phone: String,
    /// Whether they still work there; a service desk keeps those who left, too.
    pub is_active: bool,
    /// Whether this user is a program's and no person.
    pub is_api_only: bool,
    /// At which of the client's sites they work; nothing for users.
    pub site: Option<SiteNo>,
    /// When something about them last changed.
    pub modified_ms: u64,
}

/// When a device was last heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It is up: minutes ago, whenever one asks.
    Lately,
    /// It has been silent since.
    At(u64),
    /// Nobody noted it.
    Never,
}

/// A network interface of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The operating system's name for it.
    pub name: Cow<'static, str>,
    /// Its MAC address.
    pub mac: Option<[u8; 6]>,
    /// Whether it exists in software only; such a one often repeats its parent's MAC address.
    pub is_virtual: bool,
}

/// A thing with a plug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its number.
    pub number: DeviceNo,
    /// What it is.
    pub class: Class,
    /// Its host name, which nobody gave to some.
    pub name: Option<String>,
    /// Its serial number as its maker or a careless factory wrote it.
    pub serial: Option<String>,
    /// Its serial number as somebody wrote it down at the service desk.
    pub written_serial: Option<String>,
    /// Who made it, if that can be told.
    pub make: Option<Cow<'static, str>>,
    /// The model, if that can be told.
    pub model: Option<Cow<'static, str>>,
    /// Its operating system as a person would say it.
    pub os: Option<Cow<'static, str>>,
    /// Version of its software.
    pub software: Option<Cow<'static, str>>,
    /// Version of its firmware.
    pub firmware: Option<Cow<'static, str>>,
    /// Its interfaces.
    pub interfaces: Vec<Interface>,
    /// Its addresses; order means nothing.
    pub ips: Vec<IpAddr>,
    /// Which network of the client it hangs on.
    pub network: u8,
    /// Which of the client's sites it stands in.
    pub site: usize,
    /// Which contact uses it, as far as the service desk knows.
    pub contact: Option<PersonNo>,
    /// Whether the MSP pays for watching it.
    pub managed: bool,
    /// When it was last heard of.
    pub seen: Seen,
    /// When something about it last changed.
    pub modified_ms: u64,
}

/// The MSP with all it looks after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// The MSP itself, then its customers, by number.
    pub clients: Vec<Client>,
    /// Companies that are no customers, by number; they have no devices, and only service desks list them.
    pub others: Vec<Client>,
    /// The MSP's own people.
    pub users: Vec<Person>,
    /// What time it is in the world.
    pub now_ms: u64,
    next_client: u64,
    next_device: u64,
    next_person: u64,
    next_site: u64,
}

impl World {
    /// Makes the world of that size and seed.
    pub fn new(size: &Size) -> World {
        making::world(size, BEGINNING_MS)
    }

    /// Returns a client, unless it is gone.
    pub fn client(&self, number: ClientNo) -> Option<&Client> {
        let index = self.clients.binary_search_by_key(&number, |client| client.number).ok()?;
        self.clients.get(index)
    }

    /// Returns the companies that a system lists, customers first.
    pub fn companies(&self, system: System) -> impl Iterator<Item = &Client> {
        let others: &[Client] = if system == System::Psa { &self.others } else { &[] };
        self.clients.iter().chain(others)
    }

    /// Returns a company, customer or not, unless it is gone.
    pub fn company(&self, number: ClientNo) -> Option<&Client> {
        self.client(number).or_else(|| self.others.iter().find(|company| company.number == number))
    }

    /// Counts the devices of all clients.
    pub fn device_count(&self) -> usize {
        self.clients.iter().map(|client| client.devices.len()).sum()
    }
}

impl Client {
    /// Returns the name that a system shows. Systems were typed into by different people: a share of the clients has
    /// another legal form, none, or an escaped ampersand somewhere.
    pub fn name_in(&self, system: System) -> String {
        let full = if self.form.is_empty() { self.name.clone() } else { format!("{} {}", self.name, self.form) };
        if self.number.0.is_multiple_of(OTHER_NAME_ONE_IN) && system == System::Psa {
            return match self.form {
                "Ltd." => format!("{} Limited", self.name),
                "Inc." => format!("{}, Incorporated", self.name),
                "" => format!("{} Company", self.name),
                _ => self.name.clone(),
            };
        }
        if self.number.0 % ENTITY_ONE_IN == 1 && system != System::Psa {
            return full.replace('&', "&amp;");
        }
        full
    }

    /// Returns one of its devices.
    pub fn device(&self, number: DeviceNo) -> Option<&Device> {
        let index = self.devices.binary_search_by_key(&number, |device| device.number).ok()?;
        self.devices.get(index)
    }

    /// Returns one of its contacts.
    pub fn contact(&self, number: PersonNo) -> Option<&Person> {
        self.contacts.iter().find(|contact| contact.number == number)
    }

    /// Returns one of its sites.
    pub fn site(&self, number: SiteNo) -> Option<&Site> {
        self.sites.iter().find(|site| site.number == number)
    }

    fn device_mut(&mut self, number: DeviceNo) -> Option<&mut Device> {
        let index = self.devices.binary_search_by_key(&number, |device| device.number).ok()?;
        self.devices.get_mut(index)
    }
}

impl Device {
    /// Says whether a system knows the device. The network monitor sees all of them.
    pub fn is_seen_by(&self, system: System) -> bool {
        match system {
            System::Network => true,
            System::Rmm => self.class.is_computer() && !self.number.0.is_multiple_of(15),
            System::Psa => self.managed && self.number.0 % 5 != 3,
        }
    }

    /// Returns the host name that a system shows: a network monitor shows some with their domain, a service desk has
    /// them in capitals.
    pub fn name_in<'a>(&'a self, system: System, client: &Client) -> Option<Cow<'a, str>> {
        let name = self.name.as_deref()?;
        Some(match system {
            System::Network if self.class.is_computer() && self.number.0.is_multiple_of(FQDN_ONE_IN) => {
                Cow::Owned(format!("{}.{}.local", name.to_lowercase(), client.slug))
            }
            System::Psa => Cow::Owned(name.to_uppercase()),
            _ => Cow::Borrowed(name),
        })
    }

    /// Returns the serial number that a system shows: a service desk has what somebody wrote down.
    pub fn serial_in(&self, system: System) -> Option<&str> {
        match system {
            System::Psa => self.written_serial.as_deref(),
            System::Network | System::Rmm => self.serial.as_deref(),
        }
    }

    /// Returns the MAC addresses that a system shows, each once: a service desk has at most one.
    pub fn macs_in(&self, system: System) -> Vec<[u8; 6]> {
        let limit = match system {
            System::Network | System::Rmm => usize::MAX,
            System::Psa => usize::from(self.number.0.is_multiple_of(2)),
        };
        let mut macs = Vec::new();
        for mac in self.interfaces.iter().filter_map(|interface| interface.mac) {
            if macs.len() < limit && !macs.contains(&mac) {
                macs.push(mac);
            }
        }
        macs
    }

    /// Counts the software version up by one.
    pub fn update_software(&mut self, now_ms: u64) {
        let before = self.software.take().unwrap_or_default();
        let digits = before.len() - before.trim_end_matches(|letter: char| letter.is_ascii_digit()).len();
        let (head, tail) = before.split_at(before.len() - digits);
        self.software = Some(Cow::Owned(match tail.parse::<u64>() {
            Ok(number) => format!("{head}{:0digits$}", number + 1),
            Err(_) if before.is_empty() => "1.0.1".to_owned(),
            Err(_) => format!("{before}.1"),
        }));
        self.modified_ms = now_ms;
    }
}

impl Person {
    /// Returns first and last name.
    pub fn full_name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name)
    }
}

/// A world that several simulators show and a test changes meanwhile.
#[derive(Debug, Clone)]
pub struct SharedWorld(Arc<RwLock<World>>);

impl SharedWorld {
    /// Shares a world.
    pub fn new(world: World) -> Self {
        Self(Arc::new(RwLock::new(world)))
    }

    /// Looks at it; whoever wants to change it waits.
    pub fn read(&self) -> RwLockReadGuard<'_, World> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes it; every simulator shows the change from its next answer on.
    pub fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}
