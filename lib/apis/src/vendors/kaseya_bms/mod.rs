//! Kaseya BMS, and Vorex, whose API is the same: accounts as clients, their places as locations, employees as users, besides
//! contacts and hardware assets. Facts from the sheet kaseya_bms.md, whose sections are named.
//!
//! A log-in gives a token that lasts for minutes (section 2). Lists come in pages of [`PAGE_SIZE`]; that of the assets says
//! too little, so each asset that is new or changed costs a call of its own (section 10). Names of fields begin with a
//! capital in the vendor's description and with a small letter on the wire (section 1): both are read.

mod accounts;
mod answers;
mod assets;
mod login;
mod people;

use reconcile::doc::Role;
use reconcile::record::{Kind, VendorRecord};
use url::Url;

use crate::account::is_anything;
use crate::feed::{
    Ask, At, Auth, Base, Detail, Feed, Limits, Login, ORDINARY, Paging, PartSpec, PerHour, Probe, SettingSpec, Vendor,
};
use crate::refusal::Cause;

/// Rows per page: as many as the first version of the API gave at most, and real clients ask for (section 4).
const PAGE_SIZE: u32 = 100;

/// Hosts of the vendor are `api.` before the host of the portal (section 1).
const PORTAL_DOMAINS: &[&str] = &[".kaseya.com", "vorexlogin.com"];

/// Kaseya BMS.
pub static KASEYA_BMS: Vendor = Vendor {
    id: "kaseya-bms",
    name: "Kaseya BMS",
    role: Role::Psa,
    kinds: &[Kind::Client, Kind::User, Kind::Asset, Kind::Contact, Kind::Location],
    settings: &[
        SettingSpec {
            name: "url",
            required: true,
            what: "the address of your BMS portal, such as https://bms.kaseya.com",
            check: is_anything,
        },
        SettingSpec {
            name: "tenant",
            required: true,
            what: "your company's name as it stands in the portal under My Settings",
            check: is_anything,
        },
        SettingSpec {
            name: "company_types",
            required: false,
            what: "types of accounts to take in although they are no clients, by name or id, parted by commas",
            check: is_anything,
        },
    ],
    secret_parts: &[
        PartSpec { name: "username", what: "the user name of a BMS user of type API Employee" },
        PartSpec { name: "password", what: "that user's password" },
    ],
    base: Base::FromUrl(api_address, ""),
    auth: Auth::Login(Login { ask: login::ask, renew: login::renew, read: login::read }),
    accept: "application/json",
    feeds: &[ACCOUNT_TYPES, ACCOUNTS, CONTACTS, EMPLOYEES, ASSETS],
    limits: Limits {
        in_flight: 4,
        requests_per_minute: None,
        // Section 5.
        per_hour: Some(PerHour { requests: 1500, per_endpoint: true }),
        page_size: PAGE_SIZE,
        pages_max: 1000,
        body_bytes_max: 16 << 20,
        answer_ms_assumed: 600,
    },
    has_asset_types: true,
    // No list of categories is described (section 12).
    type_list: None,
    probes: &[
        Probe { what: "the list of account types", path: ACCOUNT_TYPES_PATH, query: &[], ..probe(Kind::Client) },
        Probe { what: "the list of accounts", path: ACCOUNTS_PATH, ..probe(Kind::Client) },
        Probe { what: "the list of employees", path: EMPLOYEES_PATH, ..probe(Kind::User) },
        Probe { what: "the list of hardware assets", path: ASSETS_PATH, ..probe(Kind::Asset) },
        Probe { what: "the list of contacts", path: CONTACTS_PATH, ..probe(Kind::Contact) },
        Probe { what: "the list of accounts with their locations", path: ACCOUNTS_PATH, ..probe(Kind::Location) },
    ],
    judge: answers::judge,
    hint,
};

// Section 6.
const ACCOUNT_TYPES_PATH: &str = "v2/system/accounttypes/lookup";
const ACCOUNTS_PATH: &str = "v2/crm/accounts/summary";
const CONTACTS_PATH: &str = "v2/crm/contacts/summary";
const EMPLOYEES_PATH: &str = "v2/hr/employees/searchselect";
const ASSETS_PATH: &str = "v2/servicedesk/hardwareasset/searchselect";

/// A probe that asks for one row.
const fn probe(kind: Kind) -> Probe {
    Probe {
        kind: Some(kind),
        what: "",
        path: "",
        query: &[("PageSize", "1"), ("PageNumber", "1")],
        body: None,
        instead: None,
        is_answer: answers::is_object,
    }
}

/// Says which accounts are no clients.
const ACCOUNT_TYPES: Feed = Feed {
    name: "account_types",
    words_for: &[Kind::Client],
    ask: |_| Ask::get(ACCOUNT_TYPES_PATH, Vec::new()),
    decode: accounts::decode_types,
    ..ORDINARY
};

/// Accounts with their locations, which come nowhere else without a call for each account.
const ACCOUNTS: Feed = Feed {
    name: "accounts",
    kinds: &[Kind::Client, Kind::Location],
    ask: |at| ask_page(ACCOUNTS_PATH, at),
    decode: accounts::decode,
    ..NUMBERED
};

const CONTACTS: Feed = Feed {
    name: "contacts",
    kinds: &[Kind::Contact],
    ask: |at| ask_page(CONTACTS_PATH, at),
    decode: people::decode_contacts,
    ..NUMBERED
};

const EMPLOYEES: Feed = Feed {
    name: "employees",
    kinds: &[Kind::User],
    ask: |at| ask_page(EMPLOYEES_PATH, at),
    decode: people::decode_employees,
    ..NUMBERED
};

const ASSETS: Feed = Feed {
    name: "assets",
    kinds: &[Kind::Asset],
    ask: |at| ask_page(ASSETS_PATH, at),
    decode: assets::decode,
    detail: Some(Detail { ask: ask_asset, join: assets::join }),
    ..NUMBERED
};

const NUMBERED: Feed = Feed { paging: Paging::Numbered, ..ORDINARY };

fn ask_page(path: &str, at: &At<'_>) -> Ask {
    Ask::get(path, vec![("PageSize", at.page_size.to_string()), ("PageNumber", at.page.to_string())])
}

fn ask_asset(record: &VendorRecord) -> Ask {
    Ask::get(format!("v2/servicedesk/hardwareasset/{}", record.vendor_id), Vec::new())
}

/// Turns what people paste into the API's address: the portal or the API of a region, or an installation of their own with
/// whatever stands before the version (section 1).
fn api_address(url: &Url) -> Result<Url, String> {
    let host = url.host_str().unwrap_or_default();
    let is_name_with_dots = host.contains('.') && !host.ends_with('.');
    if !is_name_with_dots {
        return Err(format!("{host:?} is no whole host name; {EXAMPLE}"));
    }
    let mut address = url.clone();
    if !PORTAL_DOMAINS.iter().any(|domain| host.ends_with(domain)) {
        let before_version: Vec<&str> = url
            .path_segments()
            .into_iter()
            .flatten()
            .take_while(|segment| !matches!(*segment, "" | "v2" | "swagger") && !segment.contains('.'))
            .collect();
        address.set_path(&before_version.iter().map(|segment| format!("{segment}/")).collect::<String>());
        return Ok(address);
    }
    let bare = host.strip_prefix("api.").or(host.strip_prefix("www.")).unwrap_or(host);
    let is_region = bare.strip_suffix(".kaseya.com").is_some_and(|name| name.starts_with("bms") && !name.contains('.'));
    if !is_region && !matches!(bare, "vorexlogin.com" | "vorexlogin.kaseya.com") {
        return Err(format!("that is no address of BMS; {EXAMPLE}"));
    }
    if url.port().is_some() {
        return Err("Kaseya BMS is at the usual https port; leave the port out".to_owned());
    }
    Url::parse(&format!("https://api.{bare}/")).map_err(|_| EXAMPLE.to_owned())
}

const EXAMPLE: &str = "give the address of your BMS portal, such as https://bms.kaseya.com, https://bmsemea.kaseya.com, \
    https://bmsapac.kaseya.com or https://www.vorexlogin.com, or that of your own installation";

/// What a person does about a refusal (section 2: what the user of an API has to be).
fn hint(cause: &Cause) -> String {
    match cause {
        Cause::Credentials => "Kaseya BMS does not let this user in: the user name, the password or the setting tenant is \
            wrong, the password was changed, the user is locked, or it is asked for a one-time code. Use a user of type API \
            Employee without a one-time code, and the tenant as My Settings in the portal shows it; then rotate the \
            secret, verify, and resume"
            .to_owned(),
        Cause::Permission => "The BMS user may not read this. Give its security role the special feature \"Has API \
            Access\" and the right to view accounts and contacts in CRM, employees in HR, and assets in Service Desk"
            .to_owned(),
        Cause::WrongPlace { .. } => "The account is elsewhere. Set url to the address of your BMS portal with its region, \
            then verify again"
            .to_owned(),
        Cause::NotFound => "Kaseya BMS does not know this address. Check that url is the address of your BMS portal or \
            installation"
            .to_owned(),
        Cause::BadRequest => "Kaseya BMS does not understand the request, or refuses it for a reason that stands in its \
            words. Check the settings url and tenant"
            .to_owned(),
        Cause::Unavailable => "Kaseya BMS is busy, out of order, or was asked more than 1,500 times in an hour. Try again \
            in a few minutes"
            .to_owned(),
        Cause::NotTheApi => "Something else than the API of Kaseya BMS answers there. Check url, and whether a proxy or \
            portal stands in between"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests;
