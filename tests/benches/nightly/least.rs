//! The least number of calls that a complete read takes, by the page sizes of the fact sheets: counted from the world, not
//! from what our client does.

use sandbox::World;
use sandbox::world::{Class, Client, Device, Standing, System};

/// Calls of a complete read besides those for single records, and the records that need a call each.
#[derive(Debug, Clone, Copy, Default)]
pub struct Least {
    /// Calls for lists, words and letting in.
    pub lists: u64,
    /// Records whose list row does not say enough.
    pub singles: u64,
}

/// Returns the least for a vendor; nothing where the sheets say nothing of it.
pub fn least(vendor: &str, world: &World) -> Option<Least> {
    let lists_alone = |lists| Some(Least { lists, singles: 0 });
    match vendor {
        "auvik" => lists_alone(auvik(world)),
        "nable-rmm" => lists_alone(nable(world)),
        "autotask" => lists_alone(autotask(world)),
        "connectwise" => lists_alone(connectwise(world)),
        "kaseya-bms" => Some(kaseya(world)),
        _ => None,
    }
}

fn pages(rows: usize, size: usize) -> u64 {
    rows.div_ceil(size).max(1) as u64
}

/// How many rows a service desk has of each sort.
struct Desk<'w> {
    companies: Vec<&'w Client>,
    items: usize,
    contacts: usize,
    sites: usize,
    users: usize,
}

impl<'w> Desk<'w> {
    fn of(world: &'w World) -> Self {
        let companies: Vec<&Client> = world.companies(System::Psa).collect();
        let sum = |of: fn(&Client) -> usize| companies.iter().map(|company| of(company)).sum();
        Self {
            items: sum(|company| company.devices.iter().filter(|device| device.is_seen_by(System::Psa)).count()),
            contacts: sum(|company| company.contacts.len()),
            sites: sum(|company| company.sites.len()),
            users: world.users.len(),
            companies,
        }
    }
}

/// Tenants, their details, and each tenant's devices in pages of 500 (auvik.md sections 3, 4 and 8).
fn auvik(world: &World) -> u64 {
    2 + world.clients.iter().map(|client| pages(client.devices.len(), 500)).sum::<u64>()
}

/// Clients, each client's sites, and each site's servers and workstations where the client has any (nable_rmm.md section 5).
fn nable(world: &World) -> u64 {
    let is_server = |device: &&Device| matches!(device.class, Class::Server | Class::VirtualMachine);
    let of_client = |client: &Client| {
        let seen = || client.devices.iter().filter(|device| device.is_seen_by(System::Rmm));
        let servers = seen().filter(is_server).count();
        let lists = usize::from(servers > 0) + usize::from(seen().count() > servers);
        1 + (client.sites.len() * lists) as u64
    };
    1 + world.clients.iter().map(of_client).sum::<u64>()
}

/// The zone, three lists of fields, countries and products, and five lists in pages of 500 (autotask_psa.md sections 1 and
/// 4 to 6). Each list is counted once.
fn autotask(world: &World) -> u64 {
    let desk = Desk::of(world);
    let lists = [desk.companies.len(), desk.users, desk.sites, desk.contacts, desk.items];
    1 + 3 + 2 + lists.into_iter().map(|rows| pages(rows, 500)).sum::<u64>()
}

/// The code base, statuses and types, four lists in pages of 1,000, and each customer's sites (connectwise_psa.md sections
/// 1, 4 and 11).
fn connectwise(world: &World) -> u64 {
    let desk = Desk::of(world);
    let is_customer = |company: &&&Client| matches!(company.standing, Standing::Msp | Standing::Customer);
    let customers = desk.companies.iter().filter(is_customer).count() as u64;
    let lists = [desk.companies.len(), desk.users, desk.contacts, desk.items];
    1 + 2 + lists.into_iter().map(|rows| pages(rows, 1000)).sum::<u64>() + customers
}

/// The log-in, the types of accounts, four lists in pages of 100, and each asset by itself (kaseya_bms.md sections 2, 4 and
/// 8).
fn kaseya(world: &World) -> Least {
    let desk = Desk::of(world);
    let lists = [desk.companies.len(), desk.contacts, desk.users, desk.items];
    Least { lists: 2 + lists.into_iter().map(|rows| pages(rows, 100)).sum::<u64>(), singles: desk.items as u64 }
}
