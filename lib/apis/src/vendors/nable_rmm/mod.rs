//! N-able RMM (N-sight): clients, sites as locations, servers and workstations as assets. Facts from the sheet
//! nable_rmm.md, whose sections are named.
//!
//! One call lists the clients, one for each client its sites, and two for each site its servers and its workstations; a
//! client that has none of the one or the other says so in the list of clients, which saves the calls (section 5). No list
//! has pages or says what changed (section 3).
//!
//! Not read, since the sheet is not sure of their form: mobile devices, whose element is unknown, and the list of
//! agentless assets, which is being retired (section 6). Agentless devices come among the workstations. Nor are there
//! people: the users of a directory at a client are no contacts that anybody chose (section 8).

mod answers;
mod devices;
mod places;

use reconcile::doc::Role;
use reconcile::record::Kind;
use url::{Host, Url};

use crate::account::is_anything;
use crate::feed::{Ask, At, Auth, Base, Fan, Feed, Limits, ORDINARY, PartSpec, Probe, SettingSpec, Vendor};
use crate::refusal::Cause;

/// The servers by territory (section 1).
const SERVERS: &[(&str, &str)] = &[
    ("Americas", "www.am.remote.management"),
    ("Asia", "wwwasia.system-monitor.com"),
    ("Australia", "www.system-monitor.com"),
    ("Europe", "wwweurope1.systemmonitor.eu.com"),
    ("France (FR)", "wwwfrance.systemmonitor.eu.com"),
    ("France1", "wwwfrance1.systemmonitor.eu.com"),
    ("Germany", "wwwgermany1.systemmonitor.eu.com"),
    ("Ireland", "wwwireland.systemmonitor.eu.com"),
    ("Poland", "wwwpoland1.systemmonitor.eu.com"),
    ("United Kingdom", "www.systemmonitor.co.uk"),
    ("United States", "www.systemmonitor.us"),
];

/// N-able RMM.
pub static NABLE_RMM: Vendor = Vendor {
    id: "nable-rmm",
    name: "N-able RMM",
    role: Role::Rmm,
    kinds: &[Kind::Client, Kind::Asset, Kind::Location],
    settings: &[SettingSpec {
        name: "url",
        required: true,
        what: "the server of your territory, such as https://www.systemmonitor.us: it is in the e-mail that brought the \
            API key",
        check: is_anything,
    }],
    secret_parts: &[PartSpec {
        name: "api_key",
        what: "the API key from Settings > General Settings > API in the dashboard; making a new one ends the old one",
    }],
    base: Base::FromUrl(api_address, "api/"),
    auth: Auth::Query { name: "apikey", part: "api_key" },
    // What is sent back as type is not certain (section 3).
    accept: "text/xml, */*",
    feeds: &[CLIENTS, SITES, SERVERS_OF_SITE, WORKSTATIONS_OF_SITE],
    limits: Limits {
        in_flight: 1,
        // What N-able's own client keeps to; the call every 90 seconds that its guide asks for is meant for polling
        // (section 5).
        requests_per_minute: Some(60),
        per_hour: None,
        // No list has pages (section 3).
        page_size: u32::MAX,
        pages_max: 1,
        // About 6,000 devices at one site.
        body_bytes_max: 16 << 20,
        answer_ms_assumed: 1_000,
    },
    has_asset_types: false,
    type_list: None,
    // The key has no rights list by list (section 2), and every list but that of the clients needs an id from the one
    // above it. So one call stands for all kinds: it proves the server and the key, and no more can be proved cheaply.
    probes: &[
        Probe { kind: Some(Kind::Client), what: "the list of clients", ..LIST_CLIENTS },
        Probe { kind: Some(Kind::Location), what: "the list of clients, for their sites", ..LIST_CLIENTS },
        Probe { kind: Some(Kind::Asset), what: "the list of clients, for their devices", ..LIST_CLIENTS },
    ],
    judge: answers::judge,
    hint,
};

const LIST_CLIENTS: Probe = Probe {
    kind: None,
    what: "",
    path: "",
    query: &[("service", "list_clients")],
    body: None,
    instead: None,
    is_answer: places::is_list_of_clients,
};

const CLIENTS: Feed = Feed {
    name: "clients",
    kinds: &[Kind::Client],
    ask: |_| service("list_clients"),
    decode: places::clients,
    ..ORDINARY
};

const SITES: Feed = Feed {
    name: "sites",
    kinds: &[Kind::Location],
    fan: Fan::PerClient,
    ask: |at| service_of("list_sites", "clientid", at),
    decode: places::sites,
    ..ORDINARY
};

const SERVERS_OF_SITE: Feed = Feed {
    name: "servers",
    kinds: &[Kind::Asset],
    fan: Fan::PerRow("sites"),
    is_empty_below: Some(|words, client| words.get(places::SERVERS, client.as_str()) == Some("0")),
    ask: |at| service_of("list_servers", "siteid", at),
    decode: devices::servers,
    ..ORDINARY
};

const WORKSTATIONS_OF_SITE: Feed = Feed {
    name: "workstations",
    kinds: &[Kind::Asset],
    fan: Fan::PerRow("sites"),
    is_empty_below: Some(|words, client| words.get(places::WORKSTATIONS, client.as_str()) == Some("0")),
    ask: |at| service_of("list_workstations", "siteid", at),
    decode: devices::workstations,
    ..ORDINARY
};

/// Every list is at the same path, and told apart by a parameter (section 1).
fn service(name: &str) -> Ask {
    Ask::get("", vec![("service", name.to_owned())])
}

fn service_of(name: &str, parent: &'static str, at: &At<'_>) -> Ask {
    let mut ask = service(name);
    ask.query.push((parent, at.parent().to_owned()));
    ask
}

/// Turns what people paste into the API's address: the server of a territory with or without a path, its `www2` twin, its
/// name without `www`, or the dashboard below it (section 1). Any other host is taken too, since N-able adds territories.
fn api_address(url: &Url) -> Result<Url, String> {
    let Some(Host::Domain(given)) = url.host() else {
        return Err(format!("give the name of your territory's server: {}", territories()));
    };
    let given = given.trim_end_matches('.');
    if !given.contains('.') {
        return Err(format!("{given:?} is no server; N-able RMM has {}", territories()));
    }
    let host = match given.strip_prefix("www2") {
        Some(rest) => format!("www{rest}"),
        None => given.strip_prefix("dashboard.").unwrap_or(given).to_owned(),
    };
    let known = SERVERS.iter().map(|(_, server)| *server);
    let host = known.into_iter().find(|server| server.strip_prefix("www.") == Some(host.as_str())).unwrap_or(&host);
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    // Without the slash at the end the answer is a redirection (section 1).
    Url::parse(&format!("https://{host}{port}/api/")).map_err(|_| "it is not an address".to_owned())
}

fn territories() -> String {
    let all: Vec<String> = SERVERS.iter().map(|(territory, server)| format!("{server} ({territory})")).collect();
    all.join(", ")
}

fn hint(cause: &Cause) -> String {
    match cause {
        Cause::Credentials => "N-able RMM does not accept the API key: it is wrong, a newer one was made since, which ends \
            the old one at once, or it belongs to another territory than the server in url. Take the key from Settings > \
            General Settings > API, rotate the secret, verify, and resume"
            .to_owned(),
        Cause::Permission => "The API key may not read this. It acts as the Agent Key user of N-able RMM: check that \
            user's rights and client group"
            .to_owned(),
        Cause::WrongPlace { .. } => format!(
            "The server sends us elsewhere, so it is not the one of the API. Set url to your territory's server: {}",
            territories()
        ),
        Cause::NotFound => format!(
            "The server does not know what was asked for. Check that url is your territory's server: {}",
            territories()
        ),
        Cause::BadRequest => "N-able RMM does not take the request: the client or site may have been removed while it was \
            read, which the next run sets right. If it stays so, check the setting url"
            .to_owned(),
        Cause::Unavailable => "N-able RMM is busy, or was asked too often. Try again in a few minutes".to_owned(),
        Cause::NotTheApi => format!(
            "Something else than N-able RMM's API answers: the address in url is not a server of the API, or what stands in \
             front of it turned us away. Set url to your territory's server ({}), and check whether a proxy changes \
             requests",
            territories()
        ),
    }
}

#[cfg(test)]
mod tests;
