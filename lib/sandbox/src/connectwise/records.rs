//! ConnectWise's records as they go over the wire (connectwise_psa.md, sections 7 and 8), written from the world. Fields
//! without a value are left out; addresses in `_info` have a doubled slash.

use serde_json::{Value, json};

use crate::dates;
use crate::world::{
    CONFIGURATION_TYPES, Client, ClientNo, ConfigurationType, Device, DeviceNo, Person, PersonNo, STOCK, Site, SiteNo,
    Standing, System, World,
};

/// How far a record's id is from its number in the world. No id is below 2: a client that starts above 1 would miss it.
const COMPANY_IDS: u64 = 248;
const CONTACT_IDS: u64 = 810;
const SITE_IDS: u64 = 310;
const CONFIGURATION_IDS: u64 = 1543;
const MEMBER_IDS: u64 = 175;
const TYPE_IDS: u64 = 16;
const MANUFACTURER_IDS: u64 = 5;

/// A row of the MSP's set-up tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word {
    pub id: u64,
    pub name: &'static str,
    pub inactive: bool,
}

pub(super) const ACTIVE: Word = Word { id: 2, name: "Active", inactive: false };
/// Statuses of companies. "Archived" says by its flag alone that a company is inactive.
pub(super) const STATUSES: &[Word] = &[
    ACTIVE,
    Word { id: 3, name: "Inactive", inactive: true },
    Word { id: 4, name: "Credit hold", inactive: false },
    Word { id: 5, name: "Archived", inactive: true },
];
pub(super) const COMPANY_TYPES: &[Word] = &[
    Word { id: 2, name: "Client", inactive: false },
    Word { id: 3, name: "Prospect", inactive: false },
    Word { id: 4, name: "Vendor", inactive: false },
    Word { id: 6, name: "Owner", inactive: false },
];

/// Returns the id of a company.
pub fn company_id(client: ClientNo) -> u64 {
    COMPANY_IDS + client.0
}

/// Returns the id of a contact.
pub fn contact_id(person: PersonNo) -> u64 {
    CONTACT_IDS + person.0
}

/// Returns the id of a site.
pub fn site_id(site: SiteNo) -> u64 {
    SITE_IDS + site.0
}

/// Returns the id of a configuration.
pub fn configuration_id(device: DeviceNo) -> u64 {
    CONFIGURATION_IDS + device.0
}

/// Returns the id of a member.
pub fn member_id(person: PersonNo) -> u64 {
    MEMBER_IDS + person.0
}

/// Returns the id of a configuration type.
pub fn type_id(of: ConfigurationType) -> u64 {
    TYPE_IDS + of.number
}

/// Returns the types of a company. A few customers are vendors besides, and a few were never given a type.
pub(super) fn company_types(company: &Client) -> Vec<Word> {
    let [client, prospect, vendor, owner] = COMPANY_TYPES else { unreachable!("there are four types") };
    match company.standing {
        Standing::Msp => vec![*owner],
        Standing::Customer if company.number.0 % 9 == 4 => vec![],
        Standing::Customer if company.number.0 % 7 == 3 => vec![*vendor, *client],
        Standing::Customer | Standing::Former => vec![*client],
        Standing::Prospect => vec![*prospect],
        Standing::Supplier => vec![*vendor],
    }
}

/// Returns the status of a company.
pub(super) fn company_status(company: &Client) -> Word {
    let [active, inactive, hold, archived] = STATUSES else { unreachable!("there are four statuses") };
    match company.standing {
        Standing::Former if company.number.0.is_multiple_of(2) => *archived,
        Standing::Former => *inactive,
        Standing::Customer if company.number.0 % 11 == 5 => *hold,
        _ => *active,
    }
}

/// Returns the name that somebody typed for a device: its host name in capitals, or words where it has none.
pub(super) fn configuration_name(client: &Client, device: &Device) -> String {
    let words = || format!("{} {}", device.class.configuration_type().name, configuration_id(device.number));
    device.name_in(System::Psa, client).map_or_else(words, |name| name.into_owned())
}

/// Writes records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writer<'a> {
    pub world: &'a World,
    /// What hrefs begin with: origin and path of the API, and the doubled slash.
    pub base: &'a str,
}

impl Writer<'_> {
    fn mention(&self, id: u64, name: &str, href: &str, path: &str) -> Value {
        json!({ "id": id, "name": name, "_info": { href: format!("{}{path}/{id}", self.base) } })
    }

    fn word(&self, word: Word, href: &str, path: &str) -> Value {
        self.mention(word.id, word.name, href, path)
    }

    fn country(&self, name: &str) -> Value {
        self.mention(2, name, "country_href", "company/countries")
    }

    fn company_mention(&self, company: &Client) -> Value {
        let mut mention = self.mention(
            company_id(company.number),
            &company.name_in(System::Psa),
            "company_href",
            "company/companies",
        );
        mention["identifier"] = json!(identifier(company));
        mention
    }

    fn site_mention(&self, company: &Client, site: &Site) -> Value {
        let path = format!("company/companies/{}/sites", company_id(company.number));
        self.mention(site_id(site.number), &site.name, "site_href", &path)
    }

    fn info(&self, modified_ms: u64, hrefs: &[(&str, String)]) -> Value {
        let mut info = json!({
            "lastUpdated": instant(modified_ms), "updatedBy": "jdoe", "dateEntered": "2021-05-03T13:11:08Z",
            "enteredBy": "jdoe",
        });
        for (name, path) in hrefs {
            info[*name] = json!(format!("{}{path}", self.base));
        }
        info
    }

    /// Writes a company.
    pub(super) fn company(&self, company: &Client) -> Value {
        let id = company_id(company.number);
        let types: Vec<Value> = company_types(company)
            .into_iter()
            .map(|of| self.word(of, "type_href", "company/companies/types"))
            .collect();
        let site = company.sites.first();
        let address = site.map(|site| &site.address);
        let contact = company.contacts.first().map(|contact| {
            self.mention(contact_id(contact.number), &contact.full_name(), "contact_href", "company/contacts")
        });
        filled(json!({
            "id": id,
            "identifier": identifier(company),
            "name": company.name_in(System::Psa),
            "status": self.word(company_status(company), "status_href", "company/companies/statuses"),
            "addressLine1": address.map(|address| &address.street),
            "addressLine2": address.and_then(|address| address.floor),
            "city": address.map(|address| address.city),
            "state": address.map(|address| address.state),
            "zip": address.map(|address| &address.postal_code),
            "country": address.map(|address| self.country(address.country)),
            "phoneNumber": phone_number(company),
            "faxNumber": "",
            "website": format!("www.{}.example", company.slug),
            "territory": self.mention(2, "Head Office", "location_href", "system/locations"),
            "accountNumber": "",
            "defaultContact": contact,
            "dateAcquired": "2021-05-03T04:00:00Z",
            "annualRevenue": 0.0,
            "leadFlag": company.standing == Standing::Prospect,
            "unsubscribeFlag": false,
            "taxCode": { "id": 8, "name": "Local" },
            "billToCompany": self.company_mention(company),
            "deletedFlag": false,
            "mobileGuid": guid(1, id),
            "isVendorFlag": company.standing == Standing::Supplier,
            "types": types,
            "site": site.map(|site| self.site_mention(company, site)),
            "customFields": [
                { "id": 4, "caption": "Contract tier", "type": "Text", "entryMethod": "List", "numberOfDecimals": 0,
                  "value": (["Gold", "Silver"][(company.number.0 % 2) as usize]) },
            ],
            "_info": self.info(company.modified_ms, &[
                ("contacts_href", format!("company/contacts?conditions=company/id={id}")),
                ("configurations_href", format!("company/configurations?conditions=company/id={id}")),
                ("sites_href", format!("company/companies/{id}/sites")),
            ]),
        }))
    }

    /// Writes a site.
    pub(super) fn site(&self, company: &Client, site: &Site) -> Value {
        let address = &site.address;
        let is_primary = company.sites.first().is_some_and(|first| first.number == site.number);
        let state = json!({ "id": 2 + u64::from(address.state.as_bytes()[0]), "identifier": address.state,
            "name": address.state });
        filled(json!({
            "id": site_id(site.number),
            "name": site.name,
            "addressLine1": address.street,
            "addressLine2": address.floor,
            "city": address.city,
            "stateReference": (!address.state.is_empty()).then_some(state),
            "zip": address.postal_code,
            "country": self.country(address.country),
            "addressFormat": format!("{}\r\n{}, {} {}", address.street, address.city, address.state, address.postal_code),
            "phoneNumber": is_primary.then(|| phone_number(company)),
            "faxNumber": "",
            "primaryAddressFlag": is_primary,
            "defaultShippingFlag": is_primary,
            "defaultBillingFlag": is_primary,
            "defaultMailingFlag": is_primary,
            "billSeparateFlag": false,
            "inactiveFlag": !site.is_active,
            "mobileGuid": guid(2, site_id(site.number)),
            "company": self.company_mention(company),
            "_info": self.info(site.modified_ms, &[]),
        }))
    }

    /// Writes a contact. There is no field for an e-mail address: it is one of the ways to reach them.
    pub(super) fn contact(&self, company: &Client, person: &Person) -> Value {
        let id = contact_id(person.number);
        let site = person.site.and_then(|site| company.site(site));
        filled(json!({
            "id": id,
            "firstName": person.given_name,
            "lastName": person.family_name,
            "company": self.company_mention(company),
            "site": site.map(|site| self.site_mention(company, site)),
            "addressLine1": site.map(|site| &site.address.street),
            "city": site.map(|site| site.address.city),
            "relationshipOverride": "",
            "inactiveFlag": !person.is_active,
            "title": (!person.title.is_empty()).then_some(&person.title),
            "marriedFlag": false,
            "childrenFlag": false,
            "portalSecurityLevel": 6,
            "disablePortalLoginFlag": true,
            "unsubscribeFlag": false,
            "mobileGuid": guid(3, id),
            "defaultPhoneType": "Direct",
            "defaultPhoneNbr": person.phone,
            "defaultBillingFlag": false,
            "defaultFlag": company.contacts.first().is_some_and(|first| first.number == person.number),
            "types": [],
            "communicationItems": communication_items(person),
            "_info": self.info(person.modified_ms, &[("communications_href", format!("company/contacts/{id}/communications"))]),
        }))
    }

    /// Writes a configuration.
    pub(super) fn configuration(&self, client: &Client, device: &Device) -> Value {
        let id = configuration_id(device.number);
        let of = device.class.configuration_type();
        let contact = device.contact.and_then(|number| client.contact(number));
        let make = device.make.as_deref().map(|make| {
            let at = STOCK.iter().position(|model| model.make == make).unwrap_or(STOCK.len());
            self.mention(MANUFACTURER_IDS + at as u64, make, "manufacturer_href", "procurement/manufacturers")
        });
        filled(json!({
            "id": id,
            "name": configuration_name(client, device),
            "type": self.mention(type_id(of), of.name, "type_href", "company/configurations/types"),
            "status": self.word(ACTIVE, "status_href", "company/configurations/statuses"),
            "company": self.company_mention(client),
            "contact": contact.map(|contact| {
                self.mention(contact_id(contact.number), &contact.full_name(), "contact_href", "company/contacts")
            }),
            "site": client.sites.get(device.site).map(|site| self.site_mention(client, site)),
            "locationId": 2,
            "businessUnitId": 10,
            "deviceIdentifier": device.number.0.is_multiple_of(3).then(|| guid(4, id)),
            "serialNumber": device.serial_in(System::Psa),
            "modelNumber": device.model,
            "purchaseDate": "2024-01-15T05:00:00Z",
            "macAddress": device.macs_in(System::Psa).first().map(|mac| mac_address(*mac, device.number.0 / 2)),
            "lastLoginName": contact.map(|contact| format!("CORP\\{}", contact.given_name.to_lowercase())),
            "billFlag": device.managed,
            "ipAddress": ip_addresses(device),
            "osType": device.os,
            "osInfo": device.software,
            "manufacturer": make,
            "questions": [
                { "answerId": 900 + id, "questionId": 31, "question": "BitLocker enabled?", "answer": true,
                  "sequenceNumber": 1.0, "numberOfDecimals": 0, "fieldType": "Checkbox", "requiredFlag": false },
            ],
            "activeFlag": true,
            "mobileGuid": guid(5, id),
            "showRemoteFlag": false,
            "showAutomateFlag": true,
            "needsRenewalFlag": false,
            "_info": self.info(device.modified_ms, &[]),
        }))
    }

    /// Writes a member. A user that is a program has the licence of an API member.
    pub(super) fn member(&self, person: &Person) -> Value {
        let id = member_id(person.number);
        filled(json!({
            "id": id,
            "identifier": member_name(person),
            "firstName": person.given_name,
            "lastName": person.family_name,
            "title": (!person.title.is_empty()).then_some(&person.title),
            "primaryEmail": person.email,
            "officeEmail": person.email,
            "defaultEmail": "Office",
            "defaultPhone": "Office",
            "officePhone": person.phone,
            "inactiveFlag": !person.is_active,
            "hireDate": "2019-04-01T00:00:00Z",
            "lastLogin": instant(self.world.now_ms),
            "adminFlag": false,
            "licenseClass": if person.is_api_only { "A" } else { "F" },
            "type": { "id": 2, "name": "Tech" },
            "securityRole": { "id": 63, "name": "Service" },
            "timeZone": { "id": 2, "name": "US Eastern" },
            // A client's models cannot do without these (section 7).
            "agreementInvoicingDisplayOptions": "RemainOnInvoicingScreen",
            "invoiceScreenDefaultTabFormat": "ShowInvoicingTab",
            "invoicingDisplayOptions": "RemainOnInvoicingScreen",
            "_info": self.info(person.modified_ms, &[("image_href", format!("system/members/{}/image", member_name(person)))]),
        }))
    }

    /// Writes a configuration type.
    pub(super) fn configuration_type(&self, of: ConfigurationType) -> Value {
        let is_unused = CONFIGURATION_TYPES.last().is_some_and(|last| last.number == of.number);
        json!({ "id": type_id(of), "name": of.name, "inactiveFlag": is_unused, "systemFlag": false,
            "_info": { "lastUpdated": "2020-01-02T12:00:00Z", "updatedBy": "zadmin" } })
    }

    /// Writes a row of a set-up table.
    pub(super) fn set_up(&self, word: Word) -> Value {
        json!({ "id": word.id, "name": word.name, "defaultFlag": word.id == 2, "inactiveFlag": word.inactive,
            "_info": { "lastUpdated": "2020-01-02T12:00:00Z", "updatedBy": "zadmin" } })
    }
}

/// Some contacts have an old address that comes first, and some a mobile telephone.
fn communication_items(person: &Person) -> Vec<Value> {
    let id = 10 * contact_id(person.number);
    let mail = |nth: u64, address: &str, is_default: bool| {
        json!({ "id": id + nth, "type": { "id": 2, "name": "Email" }, "value": address, "defaultFlag": is_default,
            "domain": address.find('@').map(|at| &address[at..]), "communicationType": "Email" })
    };
    let phone = |nth: u64, word: (u64, &str), is_default: bool| {
        json!({ "id": id + nth, "type": { "id": word.0, "name": word.1 }, "value": person.phone,
            "defaultFlag": is_default, "communicationType": "Phone" })
    };
    let mut items = Vec::new();
    if let Some(email) = &person.email {
        if person.number.0 % 4 == 1 {
            items.push(mail(0, &format!("old.{email}"), false));
        }
        items.push(mail(1, email, true));
    }
    items.push(phone(2, (3, "Direct"), true));
    if has_mobile(person) {
        items.push(phone(3, (4, "Cell"), false));
    }
    items
}

/// Says whether a contact's number is noted a second time, as that of a mobile telephone.
pub(super) fn has_mobile(person: &Person) -> bool {
    person.number.0.is_multiple_of(3)
}

/// A company's identifier has at most 30 letters.
fn identifier(company: &Client) -> String {
    match company.slug.len() {
        ..=30 => company.slug.clone(),
        _ => format!("{}{}", &company.slug[..20], company.number.0),
    }
}

fn phone_number(company: &Client) -> String {
    format!("813555{:04}", company.number.0 % 10_000)
}

/// A member's identifier has at most 15 letters.
fn member_name(person: &Person) -> String {
    let letters = person.given_name.chars().take(1).chain(person.family_name.chars());
    let name: String = letters.filter(char::is_ascii_alphabetic).take(9).collect();
    format!("{}{}", name.to_lowercase(), person.number.0)
}

/// The field is free text: people write addresses in their ways.
fn mac_address(mac: [u8; 6], way: u64) -> String {
    let pairs = mac.map(|byte| format!("{byte:02X}"));
    match way % 4 {
        0 => pairs.join(":"),
        1 => pairs.join("-").to_lowercase(),
        2 => pairs.concat(),
        _ => {
            let digits = pairs.concat().to_lowercase();
            format!("{}.{}.{}", &digits[..4], &digits[4..8], &digits[8..])
        }
    }
}

/// One text of at most 50 letters for all addresses.
fn ip_addresses(device: &Device) -> Option<String> {
    let separator = ["|", ", ", ";", " "][(device.number.0 % 4) as usize];
    let texts: Vec<String> = device.ips.iter().map(ToString::to_string).collect();
    (!texts.is_empty()).then(|| texts.join(separator))
}

/// Instants have no fractions (section 1).
fn instant(instant_ms: u64) -> String {
    dates::stamp(instant_ms / 1000 * 1000).replace(".000Z", "Z")
}

fn guid(table: u64, id: u64) -> String {
    format!("{table:08x}-5a0e-4b50-9a55-{id:012x}")
}

/// Leaves out what has no value.
fn filled(record: Value) -> Value {
    match record {
        Value::Object(fields) => Value::Object(fields.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        other => other,
    }
}
