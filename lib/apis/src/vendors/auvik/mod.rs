//! Auvik: tenants as clients, devices as assets. Facts from the sheet auvik.md, whose sections are named.
//!
//! Tenants come in one call, their display names in a second. Devices come tenant by tenant, since rights are given
//! tenant by tenant and one refusal must cost one tenant (section 2), with their interfaces included, which is the cheap
//! source of MAC addresses (section 4): one call for each tenant of up to [`PAGE_SIZE`] devices.

mod devices;
mod tenants;

use reconcile::doc::Role;
use reconcile::record::Kind;
use url::Url;

use crate::account::{Account, basic, is_anything};
use crate::call::Reply;
use crate::feed::{
    Ask, At, Auth, Base, Fan, Feed, Limits, ORDINARY, Paging, PartSpec, Probe, Sequel, SettingSpec, Vendor,
};
use crate::refusal::{Cause, Judged, by_status};

/// Devices per page: the upper end of what is advised; larger pages time out (section 8).
const PAGE_SIZE: u32 = 500;

/// All API hosts are `auvikapi.<region>.my.auvik.com` (section 1).
const DOMAIN: &str = ".my.auvik.com";

/// Regions that are known (section 1); others of the same shape are taken too, since Auvik adds regions.
const REGIONS: &str = "us1 to us6, eu1, eu2, au1 or ca1";

/// Auvik.
pub static AUVIK: Vendor = Vendor {
    id: "auvik",
    name: "Auvik",
    role: Role::Monitor,
    kinds: &[Kind::Client, Kind::Asset],
    settings: &[
        SettingSpec {
            name: "url",
            required: true,
            what: "the address of your Auvik dashboard with its region, such as https://us1.my.auvik.com",
            check: is_anything,
        },
        SettingSpec {
            name: "domain",
            required: false,
            what: "the domain prefix of your own (main) Auvik account; found by itself where it is left out",
            check: is_domain_prefix,
        },
    ],
    secret_parts: &[
        PartSpec { name: "username", what: "the e-mail address of the Auvik user whose key it is" },
        PartSpec { name: "api_key", what: "the API key from that user's profile in Auvik" },
    ],
    base: Base::FromUrl(api_address, ""),
    auth: Auth::Headers(|account| vec![basic(account.secret.part("username"), account.secret.part("api_key"))]),
    accept: "application/vnd.api+json",
    feeds: &[TENANTS, DEVICES],
    limits: Limits {
        in_flight: 4,
        // No numbers are published (section 9); throttling is waited for when it comes.
        requests_per_minute: None,
        per_hour: None,
        page_size: PAGE_SIZE,
        pages_max: 400,
        body_bytes_max: 16 << 20,
        answer_ms_assumed: 800,
    },
    has_asset_types: false,
    type_list: None,
    probes: &[
        Probe {
            kind: None,
            what: "the sign-in",
            path: "v1/authentication/verify",
            query: &[],
            body: None,
            // Also served without the version (section 2).
            instead: Some("authentication/verify"),
            is_answer: is_not_markup,
        },
        Probe {
            kind: Some(Kind::Client),
            what: "the list of tenants",
            path: "v1/tenants",
            query: &[],
            body: None,
            instead: None,
            is_answer: is_list,
        },
        Probe {
            kind: Some(Kind::Asset),
            what: "the list of devices",
            path: "v1/inventory/device/info",
            query: &[("page[first]", "1")],
            body: None,
            instead: None,
            is_answer: is_list,
        },
    ],
    judge,
    hint,
};

const TENANTS: Feed = Feed {
    name: "tenants",
    kinds: &[Kind::Client],
    ask: |_| Ask::get("v1/tenants", Vec::new()),
    // A key sees its own tenant at least, so a 404 here is no empty list.
    nothing: &[204],
    decode: tenants::decode,
    // The one place with display names and addresses; without the right to it, prefixes serve as names (section 3).
    sequel: Some(Sequel { ask: ask_details, join: tenants::join, dispensable: &[204, 400, 403, 404] }),
    ..ORDINARY
};

const DEVICES: Feed = Feed {
    name: "devices",
    kinds: &[Kind::Asset],
    fan: Fan::PerClient,
    ask: ask_devices,
    can_say_changes: true,
    paging: Paging::NextLink,
    // Both are seen for "no results" (section 9).
    nothing: &[204, 404],
    decode: devices::decode,
    ..ORDINARY
};

/// Needs the prefix of the main account: as configured, else as the list of tenants shows it.
fn ask_details(account: &Account, found: Option<&str>) -> Option<Ask> {
    let domain = account.setting("domain").or(found)?;
    Some(Ask::get("v1/tenants/detail", vec![("tenantDomainPrefix", domain.to_owned())]))
}

fn ask_devices(at: &At<'_>) -> Ask {
    let mut query = vec![
        ("tenants", at.parent().to_owned()),
        ("page[first]", at.page_size.to_string()),
        ("include", "deviceDetail".to_owned()),
        ("fields[deviceDetail]", "interfaces".to_owned()),
    ];
    query.extend(at.since.map(|since| ("filter[modifiedAfter]", since.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())));
    Ask::get("v1/inventory/device/info", query)
}

/// Turns what people paste into the API's address: the dashboard with or without their own prefix, the API host itself,
/// or the region alone (section 1).
fn api_address(url: &Url) -> Result<Url, String> {
    let host = url.host_str().unwrap_or_default();
    let in_domain = host.strip_suffix(DOMAIN);
    if in_domain.is_none() && host.contains('.') {
        return Err(format!("Auvik is at addresses like https://us1{DOMAIN}, with the region of your dashboard"));
    }
    if url.port().is_some() {
        return Err("Auvik is at the usual https port; leave the port out".to_owned());
    }
    let region = in_domain.unwrap_or(host).rsplit('.').next().unwrap_or_default();
    if !is_region(region) {
        return Err(format!(
            "{region:?} is no region; sign in to Auvik and take the address from the browser, such as https://us1{DOMAIN} (regions are {REGIONS})"
        ));
    }
    Url::parse(&format!("https://auvikapi.{region}{DOMAIN}/")).map_err(|_| "it is not an address".to_owned())
}

/// Two letters and one or two digits, or the cluster that one client lists besides (section 1).
fn is_region(text: &str) -> bool {
    let (letters, digits) = text.split_at_checked(2).unwrap_or_default();
    let is_usual = letters.bytes().all(|byte| byte.is_ascii_lowercase())
        && (1..=2).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_usual || text == "lnx"
}

fn is_domain_prefix(text: &str) -> Result<(), String> {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
        return Ok(());
    }
    Err(format!(
        "give the part alone that stands before the region in your dashboard's address: larchmsp for https://larchmsp.us1{DOMAIN}"
    ))
}

fn is_list(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'{')
}

/// A valid sign-in is answered with an empty body (section 2); a portal in between answers with a page.
fn is_not_markup(body: &[u8]) -> bool {
    !crate::refusal::is_markup(body)
}

/// Auvik throttles with 403 as well as with 429; only the body tells it from a missing right (section 9). The region to
/// go to is in the `Location` of a 308, and a 401 is known by its words in whatever envelope and status (section 2).
fn judge(reply: &Reply) -> Judged {
    match by_status(reply) {
        Judged::Refused(Cause::Permission) if is_throttling(&reply.body) => Judged::Passing,
        Judged::Refused(Cause::Permission) if says(&reply.body, b"full authentication is required") => {
            Judged::Refused(Cause::Credentials)
        }
        Judged::Refused(Cause::WrongPlace { .. }) => {
            let url = reply.header("location").and_then(region_of).map(|region| format!("https://{region}{DOMAIN}"));
            Judged::Refused(Cause::WrongPlace { url })
        }
        judged => judged,
    }
}

fn region_of(location: &str) -> Option<String> {
    let url = Url::parse(location).ok()?;
    let region = url.host_str()?.strip_suffix(DOMAIN)?.rsplit('.').next()?;
    is_region(region).then(|| region.to_owned())
}

fn is_throttling(body: &[u8]) -> bool {
    [b"rate limit".as_slice(), b"rate-limit", b"ratelimit", b"quota", b"throttl"].iter().any(|words| says(body, words))
}

/// Says whether a body holds these words, whatever their case.
fn says(body: &[u8], words: &[u8]) -> bool {
    body.windows(words.len()).any(|window| window.eq_ignore_ascii_case(words))
}

fn hint(cause: &Cause) -> String {
    match cause {
        Cause::Credentials => "Auvik does not accept the user name and API key: the key is wrong, was regenerated or \
            revoked, belongs to another user, or the account is in another region or without API access. Take the \
            current key from the user's profile in Auvik, rotate the secret, verify, and resume"
            .to_owned(),
        Cause::Permission => "The Auvik user may not read this. Give the user a role with API access to this tenant, \
            such as \"API access only\""
            .to_owned(),
        Cause::WrongPlace { url: Some(url) } => {
            format!("The account is in another region. Set url={url}, then verify again")
        }
        Cause::WrongPlace { url: None } => "The account is elsewhere, and Auvik does not say where. Set url to the \
            address that your Auvik dashboard shows in the browser, then verify again"
            .to_owned(),
        Cause::NotFound => {
            "Auvik does not know this address. Check that url is the address of your Auvik dashboard".to_owned()
        }
        Cause::BadRequest => "Auvik does not understand the request. Check the settings url and domain".to_owned(),
        Cause::Unavailable => "Auvik is busy or out of order. Try again in a few minutes".to_owned(),
        Cause::NotTheApi => "Something else than Auvik's API answers there. Check url, and whether a proxy or portal \
            stands in between"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests;
