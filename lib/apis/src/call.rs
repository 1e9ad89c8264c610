//! Calls and replies as plain values, and secrets that cannot be printed.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// A secret text: no way of printing it shows it.
#[derive(Clone)]
pub struct SecretText(SecretString);

impl SecretText {
    /// Takes a secret in; blanks at its ends are cut off (pasted keys carry them).
    pub fn new(text: &str) -> Self {
        Self(SecretString::from(text.trim().to_owned()))
    }

    /// Returns the secret itself: only for putting it on the wire or into the secrets store.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[secret]")
    }
}

impl fmt::Display for SecretText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[secret]")
    }
}

impl PartialEq for SecretText {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

/// An integration's secret: its parts by name (`username`, `api_key`, …). Not serialisable on purpose; the secrets stores
/// read it part by part.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Secret(pub BTreeMap<String, SecretText>);

impl Secret {
    /// Returns a part; an empty text where it is missing, which every vendor refuses.
    pub fn part(&self, name: &str) -> &str {
        self.0.get(name).map_or("", SecretText::expose)
    }
}

/// The verb of a call. Vendors are only ever read; `Post` is for queries and log-ins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// POST.
    Post,
}

impl Method {
    /// Returns the verb.
    pub fn verb(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
        }
    }
}

/// A header's or body's text: plain or secret.
#[derive(Debug, Clone, PartialEq)]
pub enum Text {
    /// May be shown.
    Plain(String),
    /// Must not be shown.
    Secret(SecretText),
}

impl Text {
    /// Returns the text itself, for the wire.
    pub fn expose(&self) -> &str {
        match self {
            Text::Plain(text) => text,
            Text::Secret(text) => text.expose(),
        }
    }
}

/// One request to a vendor.
#[derive(Clone, PartialEq)]
pub struct Call {
    /// The verb.
    pub method: Method,
    /// Where to; its query may hold a secret, so it is shown only by [`redacted`].
    pub url: Url,
    /// Headers, names in lower case.
    pub headers: Vec<(&'static str, Text)>,
    /// The body, with its content type among the headers.
    pub body: Option<Text>,
}

impl Call {
    /// Makes a GET without headers.
    pub fn get(url: Url) -> Self {
        Self { method: Method::Get, url, headers: Vec::new(), body: None }
    }

    /// Returns a header's text, for the wire and for simulated vendors.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, text)| text.expose())
    }

    /// Returns the curl command that does the same, with secrets masked.
    pub fn as_curl(&self) -> String {
        let mut command = format!("curl -X {} '{}'", self.method.verb(), redacted(&self.url).replace('\'', "%27"));
        for (name, text) in &self.headers {
            let shown = match text {
                Text::Plain(text) => text.replace('\'', "'\\''"),
                Text::Secret(_) => "***".to_owned(),
            };
            command.push_str(&format!(" -H '{name}: {shown}'"));
        }
        match &self.body {
            Some(Text::Plain(body)) => command.push_str(&format!(" --data '{}'", body.replace('\'', "'\\''"))),
            Some(Text::Secret(_)) => command.push_str(" --data '***'"),
            None => {}
        }
        command
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.method.verb(), redacted(&self.url))
    }
}

/// Query parameters that may be shown; the value of any other is masked, since keys ride in queries (nable_rmm.md).
const SHOWN_PARAMETERS: &[&str] = &[
    "page[first]",
    "page[after]",
    "page",
    "pageSize",
    "pageNumber",
    "tenants",
    "include",
    "fields[deviceDetail]",
    "tenantDomainPrefix",
    "service",
    "clientid",
    "siteid",
    "devicetype",
    "conditions",
    "orderBy",
    "pageId",
    "fields",
    "filter[modifiedAfter]",
    "filter[availableTenants]",
    "PageSize",
    "PageNumber",
];

/// Returns the URL without user, password, fragment and the values of parameters that are not known to be harmless.
pub fn redacted(url: &Url) -> String {
    let mut text = format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default());
    if let Some(port) = url.port() {
        text.push_str(&format!(":{port}"));
    }
    text.push_str(url.path());
    for (index, (name, value)) in url.query_pairs().enumerate() {
        let shown = if SHOWN_PARAMETERS.contains(&name.as_ref()) { value.as_ref() } else { "***" };
        text.push_str(&format!("{}{name}={shown}", if index == 0 { '?' } else { '&' }));
    }
    text
}

/// One answer of a vendor.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, at most as long as the transport's limit.
    pub body: Vec<u8>,
}

impl Reply {
    /// Returns a header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, text)| text.as_str())
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} with {} bytes", self.status, self.body.len())
    }
}

#[cfg(test)]
mod tests;
