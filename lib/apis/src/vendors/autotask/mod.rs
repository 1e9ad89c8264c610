//! Autotask PSA: companies as clients, resources as users, contacts, company locations, and configuration items as assets.
//! Facts from the sheet autotask_psa.md, whose sections are named.
//!
//! The API lives in one of many zones, so it is asked first where the account is ([`zone`]). Everything else is read by
//! queries of up to [`PAGE_SIZE`] rows, each above the highest id seen. That is the steadier of the two ways (section 4),
//! and it notices an API that leaves a condition unheeded: the reader refuses ids that are not above the last. Without
//! heed to a modified time more rows come than were asked for, which costs time and nothing else.
//!
//! Numbers in rows become words by lists that are read before them, one call for each 500 words:
//!
//! | list | its words | needed for |
//! |---|---|---|
//! | `company-fields` | company types | clients |
//! | `countries` | countries | clients, locations |
//! | `resource-fields` | licence types | users |
//! | `company-locations`, the locations themselves | names of locations | contacts, assets |
//! | `configuration-item-fields` | configuration item types, makes, models | assets |
//! | `products` | makes, models and names of products | assets |
//!
//! Locations are read for their names too, so that a contact keeps its place when locations are switched off. The name of a configuration item's category (section 11) is not asked for: only an item without a type
//! would show it, and such an item can never be chosen by its type.

mod companies;
mod contacts;
mod items;
mod locations;
mod resources;
mod rows;
mod words;
mod zone;

use reconcile::doc::Role;
use reconcile::record::Kind;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::account::{Account, is_anything};
use crate::call::{Reply, SecretText, Text};
use crate::feed::{
    Ask, At, Auth, Base, Body, Feed, Limits, LookUp, ORDINARY, Paging, PartSpec, PerHour, Probe, SettingSpec, Vendor,
};
use crate::refusal::{Cause, Judged, by_status};

/// Rows per page: the vendor's maximum (section 4).
const PAGE_SIZE: u32 = 500;

/// Half of what all integrations of a customer may ask together in an hour; above that, answers are delayed (section 7).
const REQUESTS_PER_HOUR: u32 = 5_000;

/// Autotask PSA.
pub static AUTOTASK: Vendor = Vendor {
    id: "autotask",
    name: "Autotask PSA",
    role: Role::Psa,
    kinds: &[Kind::Client, Kind::User, Kind::Asset, Kind::Contact, Kind::Location],
    settings: &[
        SettingSpec {
            name: "url",
            required: false,
            what: "the address of your Autotask zone, such as https://webservices5.autotask.net; found by itself where it \
                is left out",
            check: is_anything,
        },
        SettingSpec {
            name: "company_types",
            required: false,
            what: "company types to take in besides Customer, by id or name, parted by commas",
            check: is_anything,
        },
    ],
    secret_parts: &[
        PartSpec { name: "username", what: "the user name (key) of an API user in Autotask" },
        PartSpec { name: "secret", what: "the password (secret) of that API user" },
        PartSpec { name: "integration_code", what: "the tracking identifier that is chosen on that API user" },
    ],
    base: Base::LookedUp(LookUp { at: zone::at, ask: zone::ask, read: zone::read }),
    auth: Auth::Headers(credentials),
    accept: "application/json",
    feeds: &[
        COMPANY_FIELDS,
        COUNTRIES,
        COMPANIES,
        RESOURCE_FIELDS,
        RESOURCES,
        COMPANY_LOCATIONS,
        CONTACTS,
        CONFIGURATION_ITEM_FIELDS,
        PRODUCTS,
        CONFIGURATION_ITEMS,
    ],
    limits: Limits {
        // Threads of one tracking identifier at one endpoint (section 7).
        in_flight: 3,
        requests_per_minute: None,
        per_hour: Some(PerHour { requests: REQUESTS_PER_HOUR, per_endpoint: false }),
        page_size: PAGE_SIZE,
        pages_max: 4_000,
        body_bytes_max: 32 << 20,
        answer_ms_assumed: 1_000,
    },
    has_asset_types: true,
    type_list: Some(CONFIGURATION_ITEM_FIELDS.name),
    probes: &[
        probe(Kind::Client, "the list of companies", "V1.0/Companies/query"),
        probe(Kind::User, "the list of resources", "V1.0/Resources/query"),
        probe(Kind::Asset, "the list of configuration items", "V1.0/ConfigurationItems/query"),
        probe(Kind::Contact, "the list of contacts", "V1.0/Contacts/query"),
        probe(Kind::Location, "the list of company locations", "V1.0/CompanyLocations/query"),
    ],
    judge,
    hint,
};

const COMPANY_FIELDS: Feed = Feed {
    name: "company-fields",
    words_for: &[Kind::Client],
    ask: |_| Ask::get("V1.0/Companies/entityInformation/fields", Vec::new()),
    decode: words::company_fields,
    ..ORDINARY
};

const COUNTRIES: Feed = Feed {
    name: "countries",
    words_for: &[Kind::Client, Kind::Location],
    // Its fields are in no list that we have, so none are chosen; it is short.
    ask: |at| query(at, "Countries", &[], None),
    paging: Paging::AboveLast,
    decode: words::countries,
    ..ORDINARY
};

const COMPANIES: Feed = Feed {
    name: "companies",
    kinds: &[Kind::Client],
    ask: |at| query(at, "Companies", companies::FIELDS, Some("lastTrackedModifiedDateTime")),
    can_say_changes: true,
    paging: Paging::AboveLast,
    decode: companies::decode,
    ..ORDINARY
};

const RESOURCE_FIELDS: Feed = Feed {
    name: "resource-fields",
    words_for: &[Kind::User],
    ask: |_| Ask::get("V1.0/Resources/entityInformation/fields", Vec::new()),
    decode: words::resource_fields,
    ..ORDINARY
};

/// Without a modified time (section 9): always read whole.
const RESOURCES: Feed = Feed {
    name: "resources",
    kinds: &[Kind::User],
    ask: |at| query(at, "Resources", resources::FIELDS, None),
    paging: Paging::AboveLast,
    decode: resources::decode,
    ..ORDINARY
};

const CONTACTS: Feed = Feed {
    name: "contacts",
    kinds: &[Kind::Contact],
    ask: |at| query(at, "Contacts", contacts::FIELDS, Some("lastModifiedDate")),
    can_say_changes: true,
    paging: Paging::AboveLast,
    decode: contacts::decode,
    ..ORDINARY
};

/// Without a modified time (section 9): always read whole.
const COMPANY_LOCATIONS: Feed = Feed {
    name: "company-locations",
    kinds: &[Kind::Location],
    words_for: &[Kind::Contact, Kind::Asset],
    ask: |at| query(at, "CompanyLocations", locations::FIELDS, None),
    paging: Paging::AboveLast,
    decode: locations::decode,
    ..ORDINARY
};

const CONFIGURATION_ITEM_FIELDS: Feed = Feed {
    name: "configuration-item-fields",
    words_for: &[Kind::Asset],
    ask: |_| Ask::get("V1.0/ConfigurationItems/entityInformation/fields", Vec::new()),
    decode: words::configuration_item_fields,
    ..ORDINARY
};

const PRODUCTS: Feed = Feed {
    name: "products",
    words_for: &[Kind::Asset],
    ask: |at| query(at, "Products", words::PRODUCT_FIELDS, None),
    paging: Paging::AboveLast,
    decode: words::products,
    ..ORDINARY
};

/// It is uncertain whether an audit alone moves the modified time (section 11); complete reads see to that.
const CONFIGURATION_ITEMS: Feed = Feed {
    name: "configuration-items",
    kinds: &[Kind::Asset],
    ask: |at| query(at, "ConfigurationItems", items::FIELDS, Some("lastModifiedTime")),
    can_say_changes: true,
    paging: Paging::AboveLast,
    decode: items::decode,
    ..ORDINARY
};

/// Asks for one page of an entity. A filter is compulsory, and the first page begins with id 0: that company is the MSP
/// itself. Conditions at the top are joined by AND (section 4).
fn query(at: &At<'_>, entity: &str, fields: &[&str], modified: Option<&str>) -> Ask {
    let mut filter = vec![match at.above {
        Some(last) => json!({"op": "gt", "field": "id", "value": last}),
        None => json!({"op": "gte", "field": "id", "value": 0}),
    }];
    if let (Some(field), Some(since)) = (modified, at.since) {
        let since = since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        filter.push(json!({"op": "gte", "field": field, "value": since}));
    }
    let mut body = json!({"MaxRecords": at.page_size, "Filter": filter});
    if !fields.is_empty() {
        body["IncludeFields"] = json!(fields);
    }
    Ask { path: format!("V1.0/{entity}/query"), query: Vec::new(), body: Some(Body::Json(body.to_string())) }
}

/// Asks for one row of a list, of which the id is enough.
const fn probe(kind: Kind, what: &'static str, path: &'static str) -> Probe {
    Probe {
        kind: Some(kind),
        what,
        path,
        query: &[],
        body: Some(r#"{"MaxRecords":1,"IncludeFields":["id"],"Filter":[{"op":"gte","field":"id","value":0}]}"#),
        instead: None,
        is_answer: is_page,
    }
}

fn is_page(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|page| page["items"].is_array())
}

fn credentials(account: &Account) -> Vec<(&'static str, Text)> {
    let part = |name| Text::Secret(SecretText::new(account.secret.part(name)));
    vec![("username", part("username")), ("secret", part("secret")), ("apiintegrationcode", part("integration_code"))]
}

/// The place where the vendor says what is wrong, whatever the status.
#[derive(Deserialize)]
struct Complaint {
    #[serde(default, alias = "Errors")]
    errors: Option<Vec<Value>>,
}

/// A 500 is the usual status of a mistake, so only its words tell what it is: with an `errors` list it will not pass, unless
/// it speaks of a time-out or of a threshold; and some calls complain under 200 (sections 6, 7).
fn judge(reply: &Reply) -> Judged {
    let by_status = by_status(reply);
    if matches!(reply.status, 401 | 429) {
        return by_status;
    }
    let complaint = serde_json::from_slice::<Complaint>(&reply.body).ok().and_then(|body| body.errors);
    let Some(errors) = complaint.filter(|errors| by_status != Judged::Good || !errors.is_empty()) else {
        return by_status;
    };
    match (meaning(&errors), reply.status) {
        (Some(judged), _) => judged,
        (None, 200..=299 | 500) => Judged::Refused(Cause::BadRequest),
        (None, _) => by_status,
    }
}

/// Returns what the words of a complaint mean, where they are known.
fn meaning(errors: &[Value]) -> Option<Judged> {
    let said: String = errors.iter().map(|error| error.to_string().to_lowercase()).collect();
    let speaks_of = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if speaks_of(&["timeout", "time-out", "time out", "timed out", "threshold"]) {
        return Some(Judged::Passing);
    }
    if speaks_of(&["zone information could not be determined", "integrationcode", "integration code"]) {
        return Some(Judged::Refused(Cause::Credentials));
    }
    speaks_of(&["adequate permission", "not have permission"]).then_some(Judged::Refused(Cause::Permission))
}

fn hint(cause: &Cause) -> String {
    match cause {
        Cause::Credentials => "Autotask does not accept the API user: the user name, the secret or the integration code is \
            wrong or was changed, the user is inactive, or the account is in another zone than url names. Check the user \
            under Admin, Resources, with the security level \"API User (API-only)\" and the tracking identifier that is \
            the integration_code; leave url out, so that the zone is found by itself; rotate the secret, verify, and \
            resume"
            .to_owned(),
        Cause::Permission => "The API user may not read this. Give the user the security level \"API User (API-only)\", \
            or a copy of it that may view this list"
            .to_owned(),
        Cause::WrongPlace { .. } => "The account is in another zone. Leave the setting url out, so that the zone is found \
            by itself, then verify again"
            .to_owned(),
        Cause::NotFound => "Autotask does not know this address. Leave the setting url out, or set it to your zone, such \
            as https://webservices5.autotask.net"
            .to_owned(),
        Cause::BadRequest => "Autotask does not understand the request: a field or list that is asked for is not in this \
            account. Its words say which; please report it"
            .to_owned(),
        Cause::Unavailable => "Autotask is busy or out of order, or the threshold of 10,000 requests an hour that all \
            integrations of the account share is reached. Try again later"
            .to_owned(),
        Cause::NotTheApi => "Something else than Autotask's API answers there. Check url, and whether a proxy or portal \
            stands in between"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests;
