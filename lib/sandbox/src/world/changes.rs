//! What happens to a world: nights pass; clients, people, places and devices come, change and go. Every change of a thing
//! is noted in its own `modified_ms`.

use fastrand::Rng;

use super::{Client, ClientNo, Device, DeviceNo, Person, PersonNo, Site, SiteNo, Standing, World, making};
use crate::dates::DAY_MS;

impl World {
    /// Lets a day pass and changes the software version of `percent_changed` of all devices, chosen by `seed`; returns
    /// how many that were. Devices that are up are heard of again; nothing else moves.
    pub fn night(&mut self, seed: u64, percent_changed: f64) -> usize {
        self.now_ms += DAY_MS;
        let now_ms = self.now_ms;
        let mut devices: Vec<&mut Device> = self.clients.iter_mut().flat_map(|client| &mut client.devices).collect();
        let changed = ((devices.len() as f64) * percent_changed / 100.0).round() as usize;
        let mut rng = Rng::with_seed(seed);
        for index in 0..changed.min(devices.len()) {
            let other = rng.usize(index..devices.len());
            devices.swap(index, other);
            devices[index].update_software(now_ms);
        }
        changed
    }

    /// Takes on a customer without devices.
    pub fn add_client(&mut self, name: &str) -> ClientNo {
        making::client(self, &mut Rng::with_seed(self.next_client), Standing::Customer, name, "")
    }

    /// Returns a customer to change, and notes when that was.
    pub fn client_mut(&mut self, number: ClientNo) -> Option<&mut Client> {
        let index = self.clients.binary_search_by_key(&number, |client| client.number).ok()?;
        let client = self.clients.get_mut(index)?;
        client.modified_ms = self.now_ms;
        Some(client)
    }

    /// Changes a company, customer or not, and notes when; says whether it was there.
    pub fn change_company(&mut self, number: ClientNo, change: impl FnOnce(&mut Client)) -> bool {
        let now_ms = self.now_ms;
        let found = self.clients.iter_mut().chain(&mut self.others).find(|company| company.number == number);
        changed(found, now_ms, change, |company| &mut company.modified_ms)
    }

    /// Lets go of a client and everything it has; says whether it was there.
    pub fn retire_client(&mut self, number: ClientNo) -> bool {
        let before = self.clients.len();
        self.clients.retain(|client| client.number != number);
        self.clients.len() < before
    }

    /// Puts a device into a client, made from the device's number; nothing happens at a client that is gone.
    pub fn add_device(&mut self, client: ClientNo) -> Option<DeviceNo> {
        let index = self.clients.binary_search_by_key(&client, |client| client.number).ok()?;
        let mut rng = Rng::with_seed(self.next_device);
        Some(making::device(self, &mut rng, index))
    }

    /// Changes a device and notes when; says whether it was there.
    pub fn change_device(&mut self, number: DeviceNo, change: impl FnOnce(&mut Device)) -> bool {
        let now_ms = self.now_ms;
        let found = self.clients.iter_mut().find_map(|client| client.device_mut(number));
        changed(found, now_ms, change, |device| &mut device.modified_ms)
    }

    /// Scraps a device; says whether it was there.
    pub fn retire_device(&mut self, number: DeviceNo) -> bool {
        let before = self.device_count();
        for client in &mut self.clients {
            client.devices.retain(|device| device.number != number);
        }
        self.device_count() < before
    }

    /// Lets somebody start at a client, made from the person's number; nothing happens at a client that is gone.
    pub fn add_contact(&mut self, client: ClientNo) -> Option<PersonNo> {
        let mut rng = Rng::with_seed(self.next_person);
        let index = self.clients.binary_search_by_key(&client, |client| client.number).ok()?;
        let slug = self.clients[index].slug.clone();
        let mut contact = making::person(self, &mut rng, &slug);
        contact.modified_ms = self.now_ms;
        contact.site = self.clients[index].sites.first().map(|site| site.number);
        let number = contact.number;
        self.clients[index].contacts.push(contact);
        Some(number)
    }

    /// Changes a contact and notes when; says whether they were there.
    pub fn change_contact(&mut self, number: PersonNo, change: impl FnOnce(&mut Person)) -> bool {
        let now_ms = self.now_ms;
        let everybody = self.companies_mut().flat_map(|company| &mut company.contacts);
        changed(everybody.into_iter().find(|contact| contact.number == number), now_ms, change, |contact| {
            &mut contact.modified_ms
        })
    }

    /// Lets a contact leave: they stay in lists as inactive. Says whether they were there.
    pub fn retire_contact(&mut self, number: PersonNo) -> bool {
        self.change_contact(number, |contact| contact.is_active = false)
    }

    /// Takes a contact out of every list; says whether they were there.
    pub fn delete_contact(&mut self, number: PersonNo) -> bool {
        self.companies_mut().any(|company| {
            let before = company.contacts.len();
            company.contacts.retain(|contact| contact.number != number);
            company.contacts.len() < before
        })
    }

    /// Opens a place of a client, made from the place's number; nothing happens at a client that is gone.
    pub fn add_site(&mut self, client: ClientNo) -> Option<SiteNo> {
        let mut rng = Rng::with_seed(self.next_site);
        let index = self.clients.binary_search_by_key(&client, |client| client.number).ok()?;
        let nth = self.clients[index].sites.len();
        let mut site = making::site(self, &mut rng, nth);
        site.modified_ms = self.now_ms;
        let number = site.number;
        self.clients[index].sites.push(site);
        Some(number)
    }

    /// Changes a place and notes when; says whether it was there.
    pub fn change_site(&mut self, number: SiteNo, change: impl FnOnce(&mut Site)) -> bool {
        let now_ms = self.now_ms;
        let all = self.companies_mut().flat_map(|company| &mut company.sites);
        changed(all.into_iter().find(|site| site.number == number), now_ms, change, |site| &mut site.modified_ms)
    }

    /// Gives a place up: it stays in lists as inactive. Says whether it was there.
    pub fn retire_site(&mut self, number: SiteNo) -> bool {
        self.change_site(number, |site| site.is_active = false)
    }

    /// Takes a place out of every list, whose devices move to the head office; says whether it was there. The head office
    /// stays.
    pub fn delete_site(&mut self, number: SiteNo) -> bool {
        let now_ms = self.now_ms;
        self.companies_mut().any(|company| {
            let Some(gone) = company.sites.iter().position(|site| site.number == number) else { return false };
            if gone == 0 {
                return false;
            }
            company.sites.remove(gone);
            for device in company.devices.iter_mut().filter(|device| device.site >= gone) {
                if device.site == gone {
                    (device.site, device.modified_ms) = (0, now_ms);
                } else {
                    device.site -= 1;
                }
            }
            let head_office = company.sites.first().map(|site| site.number);
            for contact in company.contacts.iter_mut().filter(|contact| contact.site == Some(number)) {
                (contact.site, contact.modified_ms) = (head_office, now_ms);
            }
            true
        })
    }

    /// Lets somebody start at the MSP.
    pub fn add_user(&mut self) -> PersonNo {
        let mut rng = Rng::with_seed(self.next_person);
        let mut user = making::person(self, &mut rng, making::MSP_SLUG);
        user.modified_ms = self.now_ms;
        let number = user.number;
        self.users.push(user);
        number
    }

    /// Changes a user and notes when; says whether they were there.
    pub fn change_user(&mut self, number: PersonNo, change: impl FnOnce(&mut Person)) -> bool {
        let now_ms = self.now_ms;
        let found = self.users.iter_mut().find(|user| user.number == number);
        changed(found, now_ms, change, |user| &mut user.modified_ms)
    }

    /// Lets a user leave: they stay in lists as inactive. Says whether they were there.
    pub fn retire_user(&mut self, number: PersonNo) -> bool {
        self.change_user(number, |user| user.is_active = false)
    }

    /// Takes a user out of every list; says whether they were there.
    pub fn delete_user(&mut self, number: PersonNo) -> bool {
        let before = self.users.len();
        self.users.retain(|user| user.number != number);
        self.users.len() < before
    }

    fn companies_mut(&mut self) -> impl Iterator<Item = &mut Client> {
        self.clients.iter_mut().chain(&mut self.others)
    }
}

/// Changes a thing that was found and notes when; says whether it was found.
fn changed<T>(
    found: Option<&mut T>,
    now_ms: u64,
    change: impl FnOnce(&mut T),
    modified_ms: impl FnOnce(&mut T) -> &mut u64,
) -> bool {
    found.is_some_and(|thing| {
        change(thing);
        *modified_ms(thing) = now_ms;
        true
    })
}
