//! Where the API is: looked up with the company's id at the host where people sign in (connectwise_psa.md section 1).

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::account::Account;
use crate::call::Reply;
use crate::feed::Ask;
use crate::refusal::Cause;

/// Domains of the vendor's own cloud.
const CLOUDS: &[&str] = &[".myconnectwise.net", ".connectwisedev.com"];
/// What API hosts of the cloud have before the name of the sign-in host.
const API: &str = "api-";

/// The company, as far as it says where its API is. `IsCloud` comes as a boolean and as a text.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Company {
    #[serde(default)]
    codebase: Option<String>,
    #[serde(default)]
    is_cloud: Option<Value>,
    #[serde(default)]
    site_url: Option<String>,
}

/// Says what is wrong with a company's id: it stands in a path.
pub(super) fn is_company_id(text: &str) -> Result<(), String> {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if text.bytes().all(is_fit) {
        return Ok(());
    }
    Err("give what you type as Company when you sign in: letters, digits, hyphens and underscores".to_owned())
}

/// Returns the host to ask, given what people paste: the address where they sign in, a page below it, or the API's host.
pub(super) fn sign_in(url: Option<&Url>) -> Result<Url, String> {
    let mut url = url.cloned().ok_or("give the address where you sign in")?;
    let host = url.host_str().unwrap_or_default().to_owned();
    if is_cloud(&host) {
        if url.port().is_some() {
            return Err("ConnectWise's cloud is at the usual https port; leave the port out".to_owned());
        }
        let host = host.strip_prefix(API).unwrap_or(&host);
        url.set_host(Some(host)).map_err(|error| error.to_string())?;
    }
    url.set_path("/");
    Ok(url)
}

/// Asks for the company; the release of a cloud changes, so this is done anew for each run.
pub(super) fn ask(account: &Account) -> Option<Ask> {
    let company = account.setting("company_id").unwrap_or_default();
    Some(Ask::get(format!("login/companyinfo/{company}"), Vec::new()))
}

/// Reads the answer. A host of the vendor's cloud is taken from anyone's answer, since only the vendor can serve it. From
/// the cloud nothing else is taken; a server of the MSP's own is meant itself, whatever name it has for itself.
pub(super) fn api(account: &Account, reply: &Reply) -> Result<Url, Cause> {
    let asked = account.base();
    let company: Option<Company> = serde_json::from_slice(&reply.body).map_err(|_| Cause::NotTheApi)?;
    // An unknown company is a null under 200.
    let company = company.ok_or(Cause::NotFound)?;
    let codebase = company.codebase.as_deref().map_or("", |text| text.trim().trim_matches('/'));
    if codebase.is_empty() || !codebase.bytes().all(is_fit_for_path) || codebase.split('/').any(|part| part == "..") {
        return Err(Cause::NotTheApi);
    }
    let named = company.site_url.as_deref().and_then(|site| host_named(site.trim(), asked.scheme()));
    let is_from_cloud = asked.host_str().is_some_and(is_cloud);
    let mut base = match named {
        Some(url) if url.host_str().is_some_and(is_cloud) && url.scheme() == "https" && url.port().is_none() => {
            with_api_host(url, company.is_cloud.as_ref())?
        }
        Some(url) if url.origin() == asked.origin() => url,
        _ if is_from_cloud => return Err(Cause::NotTheApi),
        _ => asked.clone(),
    };
    base.set_path(&format!("{codebase}/apis/3.0"));
    Ok(base)
}

/// A site is a bare host; one with a scheme is taken too.
fn host_named(site: &str, scheme: &str) -> Option<Url> {
    let full = if site.contains("://") { site.to_owned() } else { format!("{scheme}://{site}") };
    let url = Url::parse(&full).ok()?;
    (url.username().is_empty() && url.password().is_none()).then_some(url)
}

/// The cloud's sign-in hosts refuse API calls, and a client may put `api-` before them itself.
fn with_api_host(mut url: Url, is_cloud: Option<&Value>) -> Result<Url, Cause> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let is_own_server = match is_cloud {
        Some(Value::Bool(is_cloud)) => !is_cloud,
        Some(Value::String(text)) => text.trim().eq_ignore_ascii_case("false"),
        _ => false,
    };
    if !host.starts_with(API) && !is_own_server {
        url.set_host(Some(&format!("{API}{host}"))).map_err(|_| Cause::NotTheApi)?;
    }
    Ok(url)
}

fn is_cloud(host: &str) -> bool {
    CLOUDS.iter().any(|domain| host.ends_with(domain))
}

fn is_fit_for_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'/')
}
