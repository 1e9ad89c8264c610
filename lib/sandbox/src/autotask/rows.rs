//! How Autotask writes down what it sees of the world: its ids, its numbers for words, its dates and its gaps.

use serde_json::{Map, Value, json};

use super::entities::{COUNTRIES, Entity, Field, Type, make_number, model_number};
use super::{Blank, Forms};
use crate::dates;
use crate::world::{
    CONFIGURATION_TYPES, Client, ClientNo, ConfigurationType, Device, DeviceNo, Person, PersonNo, STOCK, Site, SiteNo,
    Standing, System, World,
};

/// The product of a device whose model nobody knows.
pub(super) const UNKNOWN_PRODUCT: &str = "Unidentified device";

/// Categories of configuration items; every item is in the first one.
const CATEGORIES: &[&str] = &["Standard", "Datto BCDR", "Domain", "SSL Certificate"];

/// Something that is a row of an entity.
#[derive(Debug, Clone, Copy)]
pub(super) enum Thing<'w> {
    Company(&'w Client),
    Contact(&'w Client, &'w Person),
    Location(&'w Client, &'w Site),
    Item(&'w Client, &'w Device),
    Type(ConfigurationType),
    Category(usize),
    Resource(&'w Person),
    /// A number in the stock, or the one after it.
    Product(usize),
    Country(usize),
}

/// Returns the id of a company; the MSP's own is 0 (section 4).
pub(super) fn company_id(company: &Client) -> u64 {
    if company.standing == Standing::Msp { 0 } else { numbered_company_id(company.number) }
}

pub(super) fn numbered_company_id(number: ClientNo) -> u64 {
    if number == ClientNo(1) { 0 } else { 160 + number.0 }
}

pub(super) fn contact_id(number: PersonNo) -> u64 {
    30_684_000 + number.0
}

pub(super) fn resource_id(number: PersonNo) -> u64 {
    29_682_800 + number.0
}

pub(super) fn location_id(number: SiteNo) -> u64 {
    900 + number.0
}

pub(super) fn item_id(number: DeviceNo) -> u64 {
    155_000 + number.0
}

fn product_id(nth: usize) -> u64 {
    29_683_500 + nth as u64
}

impl Thing<'_> {
    /// Returns its id.
    pub(super) fn id(&self) -> u64 {
        match self {
            Thing::Company(company) => company_id(company),
            Thing::Contact(_, person) => contact_id(person.number),
            Thing::Location(_, site) => location_id(site.number),
            Thing::Item(_, device) => item_id(device.number),
            Thing::Type(of) => of.number,
            Thing::Category(nth) => *nth as u64 + 1,
            Thing::Resource(person) => resource_id(person.number),
            Thing::Product(nth) => product_id(*nth),
            Thing::Country(nth) => COUNTRIES[*nth].0,
        }
    }

    /// Returns the company that it is, or that it belongs to.
    pub(super) fn company(&self) -> Option<&Client> {
        match self {
            Thing::Company(company)
            | Thing::Contact(company, _)
            | Thing::Location(company, _)
            | Thing::Item(company, _) => Some(company),
            _ => None,
        }
    }
}

/// Calls `look` with every row of an entity, in no certain order.
pub(super) fn each<'w>(entity: Entity, world: &'w World, mut look: impl FnMut(Thing<'w>)) {
    let companies = || world.companies(System::Psa);
    match entity {
        Entity::Companies => companies().for_each(|company| look(Thing::Company(company))),
        Entity::Contacts => {
            let contacts = |company: &'w Client| company.contacts.iter().map(move |one| Thing::Contact(company, one));
            companies().flat_map(contacts).for_each(look);
        }
        Entity::CompanyLocations => {
            let sites = |company: &'w Client| company.sites.iter().map(move |site| Thing::Location(company, site));
            companies().flat_map(sites).for_each(look);
        }
        Entity::ConfigurationItems => {
            let items = |company: &'w Client| {
                let seen = company.devices.iter().filter(|device| device.is_seen_by(System::Psa));
                seen.map(move |device| Thing::Item(company, device))
            };
            companies().flat_map(items).for_each(look);
        }
        Entity::ConfigurationItemTypes => CONFIGURATION_TYPES.iter().for_each(|of| look(Thing::Type(*of))),
        Entity::ConfigurationItemCategories => (0..CATEGORIES.len()).for_each(|nth| look(Thing::Category(nth))),
        Entity::Resources => world.users.iter().for_each(|user| look(Thing::Resource(user))),
        Entity::Products => (0..=STOCK.len()).for_each(|nth| look(Thing::Product(nth))),
        Entity::Countries => (0..COUNTRIES.len()).for_each(|nth| look(Thing::Country(nth))),
    }
}

/// Writes rows in the forms that were chosen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writer {
    pub forms: Forms,
}

impl Writer {
    /// Writes the fields of a row, and its user-defined ones (section 4).
    pub(super) fn row(&self, entity: Entity, fields: &[Field], thing: &Thing<'_>) -> Value {
        let mut row: Map<String, Value> =
            fields.iter().map(|field| (field.name.to_owned(), self.value(thing, field))).collect();
        row.insert("userDefinedFields".to_owned(), user_defined(entity, thing));
        Value::Object(row)
    }

    /// Returns the value of a field.
    pub(super) fn value(&self, thing: &Thing<'_>, field: &Field) -> Value {
        if field.name == "id" {
            return json!(thing.id());
        }
        let value = match thing {
            Thing::Company(company) => self.of_company(company, field.name),
            Thing::Contact(company, person) => self.of_contact(company, person, field.name),
            Thing::Location(company, site) => of_location(company, site, field.name),
            Thing::Item(company, device) => self.of_item(company, device, field.name),
            Thing::Resource(person) => of_resource(person, field.name),
            Thing::Type(of) => named(field.name, of.name),
            Thing::Category(nth) => named(field.name, CATEGORIES[*nth]),
            Thing::Product(nth) => of_product(*nth, field.name),
            Thing::Country(nth) => of_country(*nth, field.name),
        };
        match value {
            Some(Value::String(text)) if text.is_empty() => self.blank(thing, field),
            Some(value) => value,
            None => self.blank(thing, field),
        }
    }

    /// Blank values come as a blank text and as null (section 9); in the samples, items have null and the others a text.
    fn blank(&self, thing: &Thing<'_>, field: &Field) -> Value {
        let is_item = matches!(thing, Thing::Item(..));
        match (field.of, self.forms.blank) {
            (Type::Text(_), Blank::Empty) => json!(""),
            (Type::Text(_), Blank::AsInSamples) if !is_item => json!(""),
            (Type::Bool, _) if !is_item => json!(false),
            _ => Value::Null,
        }
    }

    /// Writes an instant: no trailing zeros in the fraction, and with or without `Z` (section 8).
    pub(super) fn date(&self, instant_ms: u64) -> Option<Value> {
        let stamp = dates::stamp(instant_ms);
        let trimmed = stamp.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
        let whole = if trimmed.contains('.') { trimmed } else { &stamp[..19] };
        Some(json!(if self.forms.dates_have_zone { format!("{whole}Z") } else { whole.to_owned() }))
    }

    fn of_company(&self, company: &Client, field: &str) -> Option<Value> {
        let address = company.sites.first().map(|site| &site.address);
        Some(match field {
            "companyName" => json!(company.name_in(System::Psa)),
            "companyType" => json!(match company.standing {
                Standing::Prospect => 3,
                Standing::Supplier => 7,
                Standing::Msp | Standing::Customer | Standing::Former => 1,
            }),
            "isActive" => json!(company.standing != Standing::Former),
            "companyNumber" => json!(company.slug.to_uppercase()),
            "phone" => json!(company_phone(company)),
            "address1" => json!(address?.street),
            "address2" => json!(address?.floor),
            "city" => json!(address?.city),
            "state" => json!(address?.state),
            "postalCode" => json!(address?.postal_code),
            "countryID" => json!(country_number(address?.country)),
            "webAddress" => json!(website(company)),
            "ownerResourceID" => json!(resource_id(PersonNo(1))),
            "createDate" => self.date(company.modified_ms - dates::DAY_MS)?,
            "lastActivityDate" | "lastTrackedModifiedDateTime" => self.date(company.modified_ms)?,
            _ => return None,
        })
    }

    fn of_contact(&self, company: &Client, person: &Person, field: &str) -> Option<Value> {
        Some(match field {
            "companyID" => json!(company_id(company)),
            "firstName" => json!(person.given_name),
            "lastName" => json!(person.family_name),
            "isActive" => json!(u8::from(person.is_active)),
            "companyLocationID" => json!(person.site.map(location_id)),
            "emailAddress" => json!(person.email.as_deref().unwrap_or_default()),
            "phone" => json!(person.phone),
            "title" => json!(person.title),
            "primaryContact" => json!(company.contacts.first().is_some_and(|first| first.number == person.number)),
            "createDate" => self.date(person.modified_ms - dates::DAY_MS)?,
            "lastActivityDate" | "lastModifiedDate" => self.date(person.modified_ms)?,
            _ => return None,
        })
    }

    /// An item that the RMM knows has been audited by it; of any other there is what somebody typed in.
    fn of_item(&self, company: &Client, device: &Device, field: &str) -> Option<Value> {
        let audited = device.is_seen_by(System::Rmm);
        if field.starts_with("rmm") && !audited {
            return None;
        }
        let name = device.name_in(System::Psa, company);
        Some(match field {
            "companyID" => json!(company_id(company)),
            "productID" => json!(product_id(product_of(device))),
            "isActive" => json!(true),
            "referenceTitle" | "rmmDeviceAuditHostname" => json!(name?),
            "referenceNumber" => json!(format!("{}-{:05}", company.slug.to_uppercase(), device.number.0)),
            "serialNumber" => json!(device.serial_in(System::Psa)?),
            "configurationItemType" => json!(device.class.configuration_type().number),
            "configurationItemCategoryID" => json!(1),
            "companyLocationID" => json!(location_id(company.sites.get(device.site)?.number)),
            "contactID" => json!(contact_id(device.contact?)),
            "rmmDeviceID" => json!(1_800_000 + device.number.0),
            "rmmDeviceAuditIPAddress" => json!(device.ips.first()?.to_string()),
            "rmmDeviceAuditMacAddress" => json!(macs(device)),
            "rmmDeviceAuditOperatingSystem" => json!(device.os.as_deref()?),
            "rmmDeviceAuditManufacturerID" => json!(make_number(device.make.as_deref()?)?),
            "rmmDeviceAuditModelID" => json!(model_number(device.model.as_deref()?)?),
            "rmmOpenAlertCount" | "rmmDeviceAuditMissingPatchCount" => json!(0),
            "rmmIsInMaintenanceMode" => json!(false),
            "createDate" | "installDate" => self.date(device.modified_ms / dates::DAY_MS * dates::DAY_MS)?,
            "lastModifiedTime" => self.date(device.modified_ms)?,
            _ => return None,
        })
    }
}

/// Returns the telephone number of a company.
pub(super) fn company_phone(company: &Client) -> String {
    format!("+1 555 02{:02} {:03}", company.number.0 % 100, company.number.0 * 7 % 1000)
}

/// Returns the web site of a company.
pub(super) fn website(company: &Client) -> String {
    format!("www.{}.example", company.slug)
}

fn country_number(name: &str) -> Option<u64> {
    COUNTRIES.iter().find(|(_, known, _)| *known == name).map(|(number, ..)| *number)
}

/// Returns the place of a device's product in the stock, or the one after it.
pub(super) fn product_of(device: &Device) -> usize {
    let model = STOCK.iter().position(|known| device.model.as_deref() == Some(known.model));
    model.unwrap_or(STOCK.len())
}

/// Writes MAC addresses as free text, in one of the usual ways (section 11).
fn macs(device: &Device) -> String {
    let one = |mac: [u8; 6]| {
        let pairs = mac.map(|byte| format!("{byte:02X}"));
        match device.number.0 % 3 {
            0 => pairs.join("-"),
            1 => pairs.concat().to_lowercase(),
            _ => pairs.join(":"),
        }
    };
    device.macs_in(System::Psa).into_iter().map(one).collect::<Vec<_>>().join("; ")
}

fn of_location(company: &Client, site: &Site, field: &str) -> Option<Value> {
    Some(match field {
        "companyID" => json!(company_id(company)),
        "name" => json!(site.name),
        "address1" => json!(site.address.street),
        "address2" => json!(site.address.floor?),
        "city" => json!(site.address.city),
        "state" => json!(site.address.state),
        "postalCode" => json!(site.address.postal_code),
        "countryID" => json!(country_number(site.address.country)),
        "isActive" => json!(site.is_active),
        "isPrimary" => json!(company.sites.first().is_some_and(|first| first.number == site.number)),
        "isTaxExempt" => Value::Null,
        "roundtripDistance" => json!(0.0),
        _ => return None,
    })
}

fn of_resource(person: &Person, field: &str) -> Option<Value> {
    Some(match field {
        "firstName" => json!(person.given_name),
        "lastName" => json!(person.family_name),
        "email" => json!(person.email.as_deref().unwrap_or_default()),
        "emailTypeCode" => json!("PRIMARY"),
        "userName" => json!(format!("user{}", person.number.0)),
        "title" => json!(person.title),
        "isActive" => json!(person.is_active),
        "resourceType" => json!("Employee"),
        "licenseType" => json!(if person.is_api_only { 7 } else { 1 }),
        "userType" | "payrollType" => json!(1),
        "locationID" => json!(10),
        "officePhone" => json!(person.phone),
        "dateFormat" => json!("MM/dd/yyyy"),
        "timeFormat" => json!("hh:mm a"),
        "numberFormat" => json!("X,XXX.XX"),
        "internalCost" => json!(0.0),
        _ => return None,
    })
}

fn of_product(nth: usize, field: &str) -> Option<Value> {
    let model = STOCK.get(nth);
    Some(match field {
        "name" => json!(model.map_or(UNKNOWN_PRODUCT.to_owned(), |model| format!("{} {}", model.make, model.model))),
        "manufacturerName" => json!(model?.make),
        "manufacturerProductName" => json!(model?.model),
        "isActive" | "isSerialized" => json!(true),
        "productBillingCodeID" => json!(29_682_801),
        _ => return None,
    })
}

fn of_country(nth: usize, field: &str) -> Option<Value> {
    let (_, name, code) = COUNTRIES[nth];
    Some(match field {
        "displayName" | "name" => json!(name),
        "countryCode" => json!(code),
        "isActive" => json!(true),
        _ => return None,
    })
}

fn named(field: &str, name: &str) -> Option<Value> {
    Some(match field {
        "name" => json!(name),
        "nickname" => json!(name.get(..3)),
        "isActive" => json!(true),
        "isGlobalDefault" => json!(name == CATEGORIES[0]),
        _ => return None,
    })
}

/// Values are texts or null, numbers among them (section 5).
pub(super) fn user_defined_value(thing: &Thing<'_>, name: &str) -> Value {
    match (thing, name) {
        (Thing::Company(company), "Contract tier") => json!(["Gold", "Silver"][company.number.0 as usize % 2]),
        (Thing::Company(company), "Number of Employees") if company.number.0.is_multiple_of(3) => {
            json!(format!("{}.0000", company.contacts.len()))
        }
        _ => Value::Null,
    }
}

fn user_defined(entity: Entity, thing: &Thing<'_>) -> Value {
    let entry = |name: &&str| json!({ "name": name, "value": user_defined_value(thing, name) });
    entity.user_defined().iter().map(entry).collect()
}
