//! Where the account is: the zone look-up (autotask_psa.md section 1).

use serde::Deserialize;
use url::Url;

use crate::account::Account;
use crate::call::Reply;
use crate::feed::Ask;
use crate::refusal::Cause;

/// The host that knows every account's zone.
const DIRECTORY: &str = "webservices.autotask.net";

/// What stands in front of the version in every zone.
const API_PATH: &str = "/ATServicesRest/";

/// Says where to ask: a zone that is named is the API itself, anything else of Autotask's leads to the directory, since the
/// number of a zone's web pages need not be the number of its API.
pub(super) fn at(url: Option<&Url>) -> Result<Url, String> {
    let directory = || Url::parse(&format!("https://{DIRECTORY}/")).map_err(|_| "it is not an address".to_owned());
    let Some(url) = url else { return directory() };
    if url.port().is_some() {
        return Err("Autotask is at the usual https port; leave the port out".to_owned());
    }
    let host = url.host_str().unwrap_or_default();
    if is_zone(host) {
        return Url::parse(&format!("https://{host}{API_PATH}")).map_err(|_| "it is not an address".to_owned());
    }
    if host == DIRECTORY || host == "ww.autotask.net" || is_numbered(host, "ww") {
        return directory();
    }
    Err("leave it out, so that the zone is found by itself, or give your zone, such as https://webservices5.autotask.net"
        .to_owned())
}

/// Asks without credentials, save the user name that the directory goes by.
pub(super) fn ask(account: &Account) -> Option<Ask> {
    let is_known = account.base().host_str().is_some_and(is_zone);
    let user = account.secret.part("username").to_owned();
    (!is_known).then(|| Ask::get("atservicesrest/v1.0/zoneInformation", vec![("user", user)]))
}

#[derive(Deserialize)]
struct ZoneInformation {
    url: String,
}

/// Reads where the API is. The directory can name zones alone; a loopback address only itself.
pub(super) fn read(account: &Account, reply: &Reply) -> Result<Url, Cause> {
    let zone: ZoneInformation = serde_json::from_slice(&reply.body).map_err(|_| Cause::NotTheApi)?;
    let url = Url::parse(zone.url.trim()).map_err(|_| Cause::NotTheApi)?;
    let asked = account.base();
    let is_allowed = match asked.host_str() {
        Some(DIRECTORY) => url.scheme() == "https" && url.port().is_none() && url.host_str().is_some_and(is_zone),
        _ => url.origin() == asked.origin(),
    };
    if is_allowed { Ok(url) } else { Err(Cause::NotTheApi) }
}

fn is_zone(host: &str) -> bool {
    is_numbered(host, "webservices")
}

/// Says whether a host is `<name><number>.autotask.net`. Known zones have one or two digits.
fn is_numbered(host: &str, name: &str) -> bool {
    let number = host.strip_prefix(name).and_then(|rest| rest.strip_suffix(".autotask.net")).unwrap_or_default();
    (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
}
