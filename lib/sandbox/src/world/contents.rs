//! The world as JSON, as one sort of system sees it: for checks in other languages, which compare with it what they read.

use serde_json::{Value, json};

use super::{Client, Device, Person, Site, Standing, System, World};

impl World {
    /// Returns the companies that a system lists with their sites, contacts and devices, and the users. Names, serial
    /// numbers and MAC addresses are those that the system shows; numbers are the world's own, from which each vendor
    /// derives its ids.
    pub fn contents(&self, system: System) -> Value {
        let companies: Vec<Value> = self.companies(system).map(|of| company(of, system)).collect();
        let users: Vec<Value> = self.users.iter().map(person).collect();
        json!({ "companies": companies, "users": users })
    }
}

fn company(company: &Client, system: System) -> Value {
    let standing = match company.standing {
        Standing::Msp => "msp",
        Standing::Customer => "customer",
        Standing::Prospect => "prospect",
        Standing::Supplier => "supplier",
        Standing::Former => "former",
    };
    let devices = company.devices.iter().filter(|device| device.is_seen_by(system));
    json!({
        "number": company.number.0, "standing": standing, "name": company.name_in(system), "slug": company.slug,
        "sites": company.sites.iter().map(site).collect::<Vec<_>>(),
        "contacts": company.contacts.iter().map(person).collect::<Vec<_>>(),
        "devices": devices.map(|one| device(company, one, system)).collect::<Vec<_>>(),
    })
}

fn site(site: &Site) -> Value {
    let address = &site.address;
    json!({
        "number": site.number.0, "name": site.name, "street": address.street, "floor": address.floor,
        "city": address.city, "state": address.state, "postal_code": address.postal_code, "country": address.country,
        "is_active": site.is_active,
    })
}

fn person(person: &Person) -> Value {
    json!({
        "number": person.number.0, "given_name": person.given_name, "family_name": person.family_name,
        "title": person.title, "email": person.email, "phone": person.phone, "is_active": person.is_active,
        "is_api_only": person.is_api_only, "site": person.site.map(|site| site.0),
    })
}

fn device(company: &Client, device: &Device, system: System) -> Value {
    let written = |mac: [u8; 6]| mac.map(|byte| format!("{byte:02X}")).join(":");
    json!({
        "number": device.number.0, "name": device.name_in(system, company), "serial": device.serial_in(system),
        "macs": device.macs_in(system).into_iter().map(written).collect::<Vec<_>>(),
        "ips": device.ips, "make": device.make, "model": device.model, "os": device.os,
        "type": device.class.configuration_type().name,
        "site": company.sites.get(device.site).map(|site| site.number.0),
        "contact": device.contact.map(|contact| contact.0),
        "has_agent": device.is_seen_by(System::Rmm),
    })
}
