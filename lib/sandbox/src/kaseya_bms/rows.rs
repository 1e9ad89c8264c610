//! The rows of Kaseya BMS, as its service desk has them (kaseya_bms.md sections 7 and 8).

use serde_json::{Value, json};

use super::Forms;
use super::lists::{Asked, Filter, How, Page};
use crate::dates;
use crate::world::{Client, ClientNo, Device, DeviceNo, Person, PersonNo, Site, SiteNo, Standing, System, World};

/// The employee who entered everything.
const CLERK: u64 = 14;
/// When everything was entered.
const CREATED: &str = "2021-05-03T13:11:08.113";

/// Returns the id of a company.
pub fn account_id(client: ClientNo) -> u64 {
    1_000 + client.0 * 7
}

/// Returns the id of a place.
pub fn location_id(site: SiteNo) -> u64 {
    2_000 + site.0 * 3
}

/// Returns the id of a contact.
pub fn contact_id(person: PersonNo) -> u64 {
    5_000 + person.0
}

/// Returns the id of one of the MSP's own people.
pub fn employee_id(person: PersonNo) -> u64 {
    10 + person.0
}

/// Returns the id of a device.
pub fn asset_id(device: DeviceNo) -> u64 {
    8_000 + device.0
}

/// The lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listed {
    Accounts,
    Contacts,
    Employees,
    Assets,
}

impl Listed {
    /// Returns its filters (section 6).
    fn filters(self) -> &'static [Filter] {
        match self {
            Listed::Accounts => &[
                ("AccountName", "accountName", How::Contains),
                ("AccountCode", "accountCode", How::Contains),
                ("AccountTypeId", "accountTypeId", How::Is),
                ("AccountTypeName", "accountType", How::Contains),
                ("CreatedOnFrom", "createdOn", How::From),
                ("CreatedOnTo", "createdOn", How::To),
                ("ModifiedOnFrom", "modifiedOn", How::From),
                ("ModifiedOnTo", "modifiedOn", How::To),
                ("IsActive", "isActive", How::Is),
            ],
            Listed::Contacts => &[
                ("AccountId", "accountId", How::Is),
                ("AccountName", "accountName", How::Contains),
                ("FirstName", "firstName", How::Contains),
                ("LastName", "lastName", How::Contains),
                ("CreatedOnFrom", "createdOn", How::From),
                ("CreatedOnTo", "createdOn", How::To),
                ("ModifiedOnFrom", "modifiedOn", How::From),
                ("ModifiedOnTo", "modifiedOn", How::To),
                ("IsActive", "isActive", How::Is),
            ],
            Listed::Employees => &[
                ("Ids", "id", How::OneOf),
                ("Filter_Text", "lastName", How::Contains),
                ("IsActive", "isActive", How::Is),
            ],
            Listed::Assets => &[
                ("CategoryIds", "categoryId", How::OneOf),
                ("AssetName", "assetName", How::Contains),
                ("MachineGroupId", "machineGroupId", How::Contains),
                ("LocationName", "locationName", How::Contains),
                ("SerialNumber", "serialNumber", How::Contains),
                ("IPAddress", "ipAddress", How::Contains),
                ("AccountId", "accountId", How::Is),
                ("ContactId", "contactId", How::Is),
                ("ContactName", "contactName", How::Contains),
                ("ExcludedId", "id", How::IsNot),
                ("IsActive", "isActive", How::Is),
            ],
        }
    }
}

/// The types of accounts: all that are no clients have another one.
pub(super) fn account_types() -> Value {
    let kind = |id: u64, name: &str, is_client: bool, is_vendor: bool| json!({ "id": id, "name": name, "isActive": true, "isClient": is_client, "isVendor": is_vendor });
    json!([kind(1, "Client", true, false), kind(2, "Vendor", false, true), kind(3, "Prospect", false, false)])
}

fn account_type(standing: Standing) -> (u64, &'static str) {
    match standing {
        Standing::Msp | Standing::Customer | Standing::Former => (1, "Client"),
        Standing::Supplier => (2, "Vendor"),
        Standing::Prospect => (3, "Prospect"),
    }
}

/// Writes names as the vendor's description has them (section 1).
pub(super) fn with_capitals(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            // The two calls about assets write this one differently.
            let is_list_row = fields.contains_key("assetName");
            let capital = |name: String| match name.as_str() {
                "dnsServers" => "DNSServers".to_owned(),
                "dhcpEnabled" => "DHCPEnabled".to_owned(),
                "dhcpServer" => "DHCPServer".to_owned(),
                "ipAddress" if is_list_row => "IPAddress".to_owned(),
                _ => {
                    let mut letters = name.chars();
                    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
                }
            };
            Value::Object(fields.into_iter().map(|(name, value)| (capital(name), with_capitals(value))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(with_capitals).collect()),
        other => other,
    }
}

/// Writes rows of a world.
pub(super) struct Writer<'a> {
    pub world: &'a World,
    pub forms: &'a Forms,
    pub tenant: &'a str,
}

impl<'a> Writer<'a> {
    /// Writes one page of a list.
    pub(super) fn page(&self, listed: Listed, asked: &Asked) -> Result<Page, &'static str> {
        let (filters, size) = (listed.filters(), self.forms.page_size_max);
        let again = self.forms.repeats_last_page;
        match listed {
            Listed::Accounts => asked.cut(&self.companies(), |company| self.account(company), filters, size, again),
            Listed::Contacts => {
                let all: Vec<_> = self.contacts().collect();
                asked.cut(&all, |(company, contact)| self.contact(company, contact), filters, size, again)
            }
            Listed::Employees => asked.cut(&self.employees(), |user| self.employee(user), filters, size, again),
            Listed::Assets => {
                let all: Vec<_> = self.assets().collect();
                asked.cut(&all, |(client, device)| self.asset_row(client, device), filters, size, again)
            }
        }
    }

    /// Writes one row with everything there is about it.
    pub(super) fn one(&self, listed: Listed, id: u64) -> Option<Value> {
        match listed {
            Listed::Accounts => {
                self.companies().iter().find(|one| account_id(one.number) == id).map(|one| self.account(one))
            }
            Listed::Contacts => self
                .contacts()
                .find(|(_, one)| contact_id(one.number) == id)
                .map(|(company, one)| self.contact(company, one)),
            Listed::Employees => {
                self.employees().iter().find(|one| employee_id(one.number) == id).map(|one| self.employee(one))
            }
            Listed::Assets => {
                let number = DeviceNo(id.checked_sub(asset_id(DeviceNo(0)))?);
                let found = self.world.clients.iter().find_map(|client| Some((client, client.device(number)?)));
                found
                    .filter(|(_, device)| device.is_seen_by(System::Psa))
                    .map(|(client, device)| self.asset(client, device))
            }
        }
    }

    fn companies(&self) -> Vec<&'a Client> {
        self.world.companies(System::Psa).collect()
    }

    fn contacts(&self) -> impl Iterator<Item = (&'a Client, &'a Person)> + use<'a> {
        let companies = self.world.companies(System::Psa);
        companies.flat_map(|company| company.contacts.iter().map(move |contact| (company, contact)))
    }

    fn employees(&self) -> Vec<&'a Person> {
        self.world.users.iter().filter(|user| !user.is_api_only || self.forms.lists_programs).collect()
    }

    fn assets(&self) -> impl Iterator<Item = (&'a Client, &'a Device)> + use<'a> {
        let devices = |client: &'a Client| client.devices.iter().map(move |device| (client, device));
        self.world.clients.iter().flat_map(devices).filter(|(_, device)| device.is_seen_by(System::Psa))
    }

    /// Dates have no zone unless that is wished for.
    fn date(&self, text: &str) -> String {
        let bare = text.trim_end_matches('Z');
        if self.forms.zoned_dates { format!("{bare}Z") } else { bare.to_owned() }
    }

    fn instant(&self, instant_ms: u64) -> String {
        self.date(&dates::stamp(instant_ms))
    }

    fn account(&self, company: &Client) -> Value {
        let (type_id, type_name) = account_type(company.standing);
        let locations = company.sites.iter().enumerate().map(|(nth, site)| self.location(nth == 0, site));
        json!({
            "id": account_id(company.number), "createdBy": CLERK, "createdOn": self.date(CREATED), "modifiedBy": CLERK,
            "modifiedOn": self.instant(company.modified_ms), "parentId": null,
            "accountCode": company.slug.to_uppercase(), "accountTypeId": type_id, "accountType": type_name,
            "accountName": company.name_in(System::Psa), "businessTypeId": 3, "businessType": "Other",
            "serviceTypeId": null, "serviceType": null, "accountManagerId": CLERK, "accountManagerUserName": "jdoe",
            "currencyId": 1, "currencyName": "USD", "creditLimit": 0, "netDays": 30, "salesTaxItemId": null,
            "salesTaxItemName": null, "website": format!("www.{}.example", company.slug), "description": null,
            "classId": null, "className": null, "isActive": company.standing != Standing::Former, "isBilling": true,
            "acquiredDate": self.date("2021-05-03T00:00:00"), "tenantName": self.tenant,
            "locations": locations.collect::<Vec<_>>(),
        })
    }

    fn location(&self, is_main: bool, site: &Site) -> Value {
        let address = json!({
            "id": location_id(site.number) + 1, "createdBy": CLERK, "createdOn": self.date(CREATED), "modifiedBy": null,
            "modifiedOn": null, "address1": site.address.street, "address2": site.address.floor,
            "city": site.address.city, "state": site.address.state, "zipCode": site.address.postal_code,
            "countryId": 1, "country": site.address.country, "phone": null, "fax": null, "latitude": null,
            "longitude": null, "emailAddress": null, "isMain": true, "isBilling": is_main, "addressTypeId": 1,
            "addressType": "Office",
        });
        json!({
            "id": location_id(site.number), "createdBy": CLERK, "createdOn": self.date(CREATED), "modifiedBy": CLERK,
            "modifiedOn": self.instant(site.modified_ms), "locationName": site.name, "isMain": is_main,
            "isActive": site.is_active, "timeZoneId": 15, "dateFormatId": 1, "timeFormatId": 1, "addresses": [address],
        })
    }

    fn contact(&self, company: &Client, contact: &Person) -> Value {
        let id = contact_id(contact.number);
        let site = contact.site.and_then(|site| company.site(site));
        let entry = |value: Value, own: Value| {
            let (mut value, own) = (value, own);
            value["id"] = json!(id * 2);
            value["createdBy"] = json!(CLERK);
            value["createdOn"] = json!(self.date(CREATED));
            value["modifiedBy"] = Value::Null;
            value["modifiedOn"] = Value::Null;
            value["isDefault"] = own;
            value
        };
        let email = contact
            .email
            .iter()
            .map(|email| entry(json!({ "emailAddress": email, "emailTypeId": 1, "emailType": "Work" }), json!(true)));
        let phone = entry(json!({ "phone": contact.phone, "phoneTypeId": 1, "phoneType": "Work" }), json!(true));
        json!({
            "id": id, "createdBy": CLERK, "createdOn": self.date(CREATED), "modifiedBy": CLERK,
            "modifiedOn": self.instant(contact.modified_ms), "accountId": account_id(company.number),
            "accountName": company.name_in(System::Psa), "locationId": site.map(|site| location_id(site.number)),
            "locationName": site.map(|site| site.name.as_str()), "firstName": contact.given_name,
            "lastName": contact.family_name, "jobTitle": filled(&contact.title), "isPoc": false,
            "isActive": contact.is_active, "effectiveDate": null, "isBillable": true,
            "emails": email.collect::<Vec<_>>(), "phones": [phone], "canRecieveInvoices": false,
        })
    }

    fn employee(&self, user: &Person) -> Value {
        json!({
            "id": employee_id(user.number), "firstName": user.given_name, "lastName": user.family_name,
            "emailAddress": user.email, "username": username(user), "jobTitle": filled(&user.title),
            "isActive": user.is_active,
        })
    }

    fn asset_row(&self, client: &Client, device: &Device) -> Value {
        let contact = device.contact.and_then(|contact| client.contact(contact));
        let kind = device.class.configuration_type();
        json!({
            "id": asset_id(device.number), "categoryName": kind.name, "categoryId": kind.number,
            "locationName": client.sites.get(device.site).map(|site| site.name.as_str()),
            "assetName": device.name_in(System::Psa, client), "serialNumber": device.serial_in(System::Psa),
            "machineGroupId": machine_group(client, device), "ipAddress": device.ips.first(),
            "contactId": contact.map_or(0, |contact| contact_id(contact.number)),
            "contactName": contact.map(Person::full_name), "accountId": account_id(client.number),
            "accountName": client.name_in(System::Psa), "isActive": true,
        })
    }

    fn asset(&self, client: &Client, device: &Device) -> Value {
        let contact = device.contact.and_then(|contact| client.contact(contact));
        let site = client.sites.get(device.site);
        let kind = device.class.configuration_type();
        let mac = device.macs_in(System::Psa).first().map(|mac| mac.map(|byte| format!("{byte:02X}")).join("-"));
        let mut asset = json!({
            "id": asset_id(device.number), "name": device.name_in(System::Psa, client),
            "accountId": account_id(client.number), "accountName": client.name_in(System::Psa),
            "accountLocationId": site.map(|site| location_id(site.number)),
            "accountLocation": site.map(|site| site.name.as_str()),
            "contactId": contact.map_or(0, |contact| contact_id(contact.number)),
            "contactFirstName": contact.map(|contact| &contact.given_name),
            "contactLastName": contact.map(|contact| &contact.family_name),
            "contactEmailAddress": contact.and_then(|contact| contact.email.as_ref()),
            "contactPhoneNumber": contact.map(|contact| &contact.phone),
            "categoryId": kind.number, "category": kind.name, "manufacturer": device.make,
            "modelNumber": device.model, "productName": null, "serialNumber": device.serial_in(System::Psa),
            "machineGroupId": machine_group(client, device), "ipAddress": device.ips.first(),
            "macAddress": mac, "osType": device.os, "osInfo": null, "isActive": true,
            "dhcpEnabled": true, "winsEnabled": false, "diskVolumes": [], "statuses": [],
            "createdById": CLERK, "createdBy": "Jamie Doe", "createdOn": self.date(CREATED),
            "modifiedById": CLERK, "modifiedBy": "Jamie Doe", "modifiedOn": self.instant(device.modified_ms),
            // Volatile: it moves whenever one looks.
            "lastCheckIn": self.instant(self.world.now_ms),
        });
        for name in EMPTY_IN_ASSETS {
            asset[*name] = Value::Null;
        }
        asset
    }

    /// Writes who is logged in.
    pub(super) fn user_info(&self, username: &str) -> Value {
        let mut info = json!({
            "userId": CLERK, "fullName": "API Sync", "emailAddress": format!("{username}@larchmsp.example"),
            "tenantId": 77, "businessName": self.tenant, "isUserSystemAdmin": false, "newTicketingUI": true,
            "timeZoneValue": 0.0, "timeStamp": self.instant(self.world.now_ms), "queuesMenus": [], "viewsMenus": [],
            "specialFeatures": [{ "id": 31 }], "userAccessRights": [],
        });
        for name in ["accountId", "contactId", "locationId", "cultureCode", "currencyCode", "pictureUrl"] {
            info[name] = Value::Null;
        }
        info
    }
}

/// What nobody fills in.
const EMPTY_IN_ASSETS: &[&str] = &[
    "brandId",
    "brand",
    "businessImpactId",
    "businessImpact",
    "stateId",
    "state",
    "locationInfo",
    "description",
    "barCode",
    "assetTag",
    "vendorId",
    "webRemoteUrl",
    "vendor",
    "subnetMask",
    "defaultGateway",
    "dnsServers",
    "dhcpServer",
    "primaryWinsServer",
    "secondaryWinsServer",
    "connectionGatewayIp",
    "majorVersion",
    "minorVersion",
    "loginName",
    "lastLoginname",
    "currentUser",
    "machineVersion",
    "motherboardManufacturerId",
    "motherboardManufacturer",
    "motherboardProductCode",
    "motherboardSerialNumber",
    "motherboardVersion",
    "chassisAssetTag",
    "chassisManufacturerId",
    "chassisManufacturer",
    "chassisSerialNumber",
    "chassisType",
    "chassisVersion",
    "busSpeed",
    "manufacturerId",
    "maxMemorySize",
    "maxMemorySlots",
    "purchaseCost",
    "warrantyExpirationDate",
    "expirationDate",
    "acquisitionDate",
    "firstCheckIn",
    "lastReboot",
    "agentId",
    "integrationTypeId",
];

/// What an agent of Kaseya calls a machine.
fn machine_group(client: &Client, device: &Device) -> Option<String> {
    let name = device.name.as_deref().filter(|_| device.is_seen_by(System::Rmm))?;
    let site = client.sites.get(device.site).map_or("main", |site| site.name.as_str());
    Some(format!("{}.{}.{}", name, site.replace(' ', "-"), client.slug).to_lowercase())
}

fn username(user: &Person) -> String {
    format!("{}.{}", user.given_name, user.family_name).to_lowercase().replace(' ', "")
}

fn filled(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
