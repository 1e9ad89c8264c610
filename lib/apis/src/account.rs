//! One configured account at a vendor: settings and secret, checked, and what has to be asked before the vendor's lists.
//!
//! ```text
//! Account::new ──► opening() ─┬─► None: ready for Reading::call
//!                    ▲        └─► Some(Call) ··· Reply ──► open(reply) ─┐
//!                    └──────────────────────────────────────────────────┘
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::{SignedDuration, Timestamp};
use rapidfuzz::distance::damerau_levenshtein;
use url::{Host, Url};

use crate::call::{Call, Method, Reply, Secret, SecretText, Text, redacted};
use crate::feed::{Ask, Auth, Base, Body, LookUp, SettingSpec, Token, Vendor};
use crate::refusal::{Cause, Judged, Refusal, again_because};

/// Settings that every integration takes.
pub const COMMON_SETTINGS: &[SettingSpec] = &[
    SettingSpec {
        name: "requests_per_minute",
        required: false,
        what: "the pace at which the vendor is asked",
        check: is_count,
    },
    SettingSpec { name: "time_zone", required: false, what: "the time zone of its schedule", check: is_anything },
    SettingSpec {
        name: "ca_file",
        required: false,
        what: "certificates to trust besides the built-in ones",
        check: is_anything,
    },
    SettingSpec {
        name: "allow_private_network",
        required: false,
        what: "whether the vendor may be at a private address",
        check: is_choice,
    },
];

/// Secret texts shorter than this are not masked in a vendor's words: masking them would only garble the words.
const MASKED_CHARS_MIN: usize = 4;

/// Takes any value.
pub(crate) fn is_anything(_: &str) -> Result<(), String> {
    Ok(())
}

fn is_count(text: &str) -> Result<(), String> {
    match text.parse::<u32>() {
        Ok(1..) => Ok(()),
        _ => Err("give a whole number from 1 up".to_owned()),
    }
}

fn is_choice(text: &str) -> Result<(), String> {
    if matches!(text, "true" | "false") { Ok(()) } else { Err("give true or false".to_owned()) }
}

/// What the place where we run allows, read from the environment by the edges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Whether vendors may be at loopback addresses, over plain http too (`MSP_SYNC_ALLOW_LOOPBACK=1`).
    pub allow_loopback: bool,
}

/// Why settings or a secret are refused. No message holds a value of the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A setting that the vendor does not have.
    #[error("{vendor} has no setting {name:?}; {advice}")]
    UnknownSetting {
        /// The vendor's name.
        vendor: &'static str,
        /// The name that was given.
        name: String,
        /// The nearest valid one, or all of them.
        advice: String,
    },
    /// A needed setting is missing.
    #[error("{vendor} needs the setting {name:?}: {what}")]
    MissingSetting {
        /// The vendor's name.
        vendor: &'static str,
        /// The setting.
        name: &'static str,
        /// What it is.
        what: &'static str,
    },
    /// A secret part that the vendor does not have.
    #[error("{vendor} has no secret part {name:?}; {advice}")]
    UnknownSecret {
        /// The vendor's name.
        vendor: &'static str,
        /// The name that was given.
        name: String,
        /// The nearest valid one, or all of them.
        advice: String,
    },
    /// A secret part is missing or blank.
    #[error("{vendor} needs the secret part {name:?}: {what}")]
    MissingSecret {
        /// The vendor's name.
        vendor: &'static str,
        /// The part.
        name: &'static str,
        /// What it is.
        what: &'static str,
    },
    /// A secret part holds characters that no header carries.
    #[error("the secret part {name:?} holds a line break or another control character; paste it again, on one line")]
    UnusableSecret {
        /// The part.
        name: String,
    },
    /// A setting's value is not usable.
    #[error("the setting {name:?} cannot be {value:?}: {advice}")]
    BadValue {
        /// The setting.
        name: &'static str,
        /// The value, cut to 120 characters.
        value: String,
        /// What to give.
        advice: String,
    },
    /// The address carries a user name or password; it is not repeated here.
    #[error(
        "the setting \"url\" holds a user name or password; give the address alone, and the credentials as the secret"
    )]
    CredentialsInUrl,
    /// The address is not https.
    #[error("the setting \"url\" is {url}, which would send the credentials in the clear; give it with https://")]
    PlainHttp {
        /// The address.
        url: String,
    },
    /// The address is loopback, and that is not allowed here.
    #[error(
        "the setting \"url\" is {url}, an address of this machine; for the sandbox, set MSP_SYNC_ALLOW_LOOPBACK=1 in the environment"
    )]
    Loopback {
        /// The address.
        url: String,
    },
}

/// One configured account at a vendor. Made only by [`Account::new`], so its settings are known, its secret is complete
/// and its address is allowed.
#[derive(Clone)]
pub struct Account {
    /// The vendor.
    pub vendor: &'static Vendor,
    /// The settings, trimmed.
    pub settings: BTreeMap<String, String>,
    /// The secret.
    pub secret: Secret,
    surroundings: Surroundings,
    /// Where the setting `url`, or the vendor's own rule, points.
    pointed_at: Url,
    /// The API's address: the same until a look-up said otherwise.
    base: Url,
    session: Session,
}

/// How far an account is opened.
#[derive(Debug, Clone)]
enum Session {
    /// The vendor has to be asked where the API is.
    LookUp,
    /// The secret has to be exchanged for a token.
    LogIn,
    /// The token has to be exchanged for a new one.
    Renew(Token),
    /// Ready, with a token where the vendor gives one.
    Open(Option<Token>),
}

/// A token is renewed this long before it expires (kaseya_bms.md section 2).
const RENEWED_BEFORE: SignedDuration = SignedDuration::from_secs(60);

/// Why an account could not be opened.
#[derive(Debug, Clone, PartialEq)]
pub enum NotOpened {
    /// The vendor refuses; asking again changes nothing.
    Refused(Refusal),
    /// It may pass.
    Again {
        /// The wait that the vendor asks for.
        after: Option<Duration>,
        /// What happened, with the vendor's words; nothing in it is secret.
        why: String,
    },
    /// The answer cannot be used; the text says why.
    Broken(String),
}

impl fmt::Debug for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "account at {} ({})", self.vendor.id, redacted(&self.base))
    }
}

impl Account {
    /// Checks settings and secret, and works out the API's address.
    pub fn new(
        vendor: &'static Vendor,
        settings: BTreeMap<String, String>,
        secret: Secret,
        surroundings: &Surroundings,
    ) -> Result<Account, SettingsError> {
        let settings: BTreeMap<String, String> =
            settings.into_iter().map(|(name, value)| (name, value.trim().to_owned())).collect();
        check_names(vendor, &settings, &secret)?;
        for spec in vendor.settings.iter().chain(COMMON_SETTINGS) {
            if let Some(value) = settings.get(spec.name) {
                (spec.check)(value).map_err(|advice| bad_value(spec.name, value, advice))?;
            }
        }
        let base = base(vendor, settings.get("url").map_or("", String::as_str), surroundings)?;
        let pointed_at = base.clone();
        let session = Session::LookUp;
        let account =
            Account { vendor, settings, secret, surroundings: *surroundings, pointed_at, base, session }.settled();
        account.check_pace()?;
        Ok(account)
    }

    /// Returns the address of the API; its path ends with a slash.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Says whether the vendor may be at a private address.
    pub fn allow_private_network(&self) -> bool {
        self.setting("allow_private_network") == Some("true")
    }

    /// Returns the pace: the operator's, else the vendor's, else none.
    pub fn requests_per_minute(&self) -> Option<u32> {
        self.setting("requests_per_minute")
            .and_then(|text| text.parse().ok())
            .or(self.vendor.limits.requests_per_minute)
    }

    /// Returns a setting; a blank one counts as absent.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns the call that has to be made before the vendor's lists can be asked; `None` where there is nothing (more) to do.
    pub fn opening(&self) -> Option<Call> {
        match (&self.session, &self.vendor.base, &self.vendor.auth) {
            (Session::LookUp, Base::LookedUp(look_up), _) => {
                (look_up.ask)(self).map(|ask| self.bare(&self.pointed_at, ask))
            }
            (Session::LogIn, _, Auth::Login(login)) => Some(self.bare(&self.base, (login.ask)(self))),
            (Session::Renew(token), _, Auth::Login(login)) => {
                (login.renew)(token).map(|ask| self.bare(&self.base, ask))
            }
            _ => None,
        }
    }

    /// Takes the reply to [`Account::opening`] and returns the account, a step further.
    pub fn open(&self, reply: &Reply) -> Result<Account, NotOpened> {
        let judged = (self.vendor.judge)(reply);
        let read = match judged {
            Judged::Passing | Judged::PassingIn(_) => {
                return Err(NotOpened::Again { after: judged.wait(reply), why: again_because(self, reply) });
            }
            Judged::Good => match (&self.session, &self.vendor.base, &self.vendor.auth) {
                (Session::LookUp, Base::LookedUp(look_up), _) => self.looked_up(look_up, reply),
                (Session::LogIn | Session::Renew(_), _, Auth::Login(login)) => {
                    (login.read)(reply).map(|token| Account { session: Session::Open(Some(token)), ..self.clone() })
                }
                _ => return Ok(self.clone()),
            },
            // A log-in holds nothing but what shows who asks, so that is what such a vendor does not take; other statuses
            // are about the form of the request.
            Judged::Refused(Cause::BadRequest)
                if matches!(self.session, Session::LogIn) && matches!(reply.status, 200..=299 | 400 | 422) =>
            {
                Err(Cause::Credentials)
            }
            Judged::Refused(cause) => Err(cause),
        };
        match (read, &self.session) {
            (Ok(account), _) => Ok(account),
            // The old token is too old; the secret may be good.
            (Err(_), Session::Renew(_)) => Ok(Account { session: Session::LogIn, ..self.clone() }),
            (Err(Cause::NotTheApi), _) => {
                let what = if matches!(self.session, Session::LookUp) { "where the API is" } else { "a log-in" };
                Err(NotOpened::Broken(format!("the answer to the question for {what} cannot be used")))
            }
            (Err(cause), _) => {
                let call = self.opening().unwrap_or_else(|| Call::get(self.base.clone()));
                Err(NotOpened::Refused(Refusal::new(cause, self, &call, reply)))
            }
        }
    }

    fn looked_up(&self, look_up: &LookUp, reply: &Reply) -> Result<Account, Cause> {
        let mut base = (look_up.read)(self, reply)?;
        let is_allowed = match is_loopback(&base) {
            true => self.surroundings.allow_loopback && is_loopback(&self.pointed_at),
            false => base.scheme() == "https",
        };
        if !is_allowed || !base.username().is_empty() || base.password().is_some() {
            return Err(Cause::NotTheApi);
        }
        let path = format!("{}/", base.path().trim_end_matches('/'));
        base.set_path(&path);
        base.set_query(None);
        base.set_fragment(None);
        Ok(Account { base, session: Session::LogIn, ..self.clone() }.settled())
    }

    /// Leaves out the steps that the vendor, or this account, does without.
    fn settled(mut self) -> Account {
        let looks_up = matches!(&self.vendor.base, Base::LookedUp(look_up) if (look_up.ask)(&self).is_some());
        if matches!(self.session, Session::LookUp) && !looks_up {
            self.session = Session::LogIn;
        }
        if matches!(self.session, Session::LogIn) && !matches!(self.vendor.auth, Auth::Login(_)) {
            self.session = Session::Open(None);
        }
        self
    }

    /// Returns the account as it is before anything was asked, where opening it again may change what it can do: for a
    /// refusal of credentials that worked before (a site that moved, a token that was taken back).
    pub fn to_reopen(&self) -> Option<Account> {
        let fresh = Account { base: self.pointed_at.clone(), session: Session::LookUp, ..self.clone() }.settled();
        fresh.opening().is_some().then_some(fresh)
    }

    /// Returns the account with its token to be renewed, where that is due.
    pub fn to_renew(&self, now: Timestamp) -> Option<Account> {
        let Session::Open(Some(token)) = &self.session else { return None };
        let is_due = token.expires_at.is_some_and(|end| end.duration_since(now) <= RENEWED_BEFORE);
        let renews = matches!(&self.vendor.auth, Auth::Login(login) if (login.renew)(token).is_some());
        let session = if renews { Session::Renew(token.clone()) } else { Session::LogIn };
        is_due.then(|| Account { session, ..self.clone() })
    }

    /// Makes a call below the API's address.
    pub(crate) fn call(&self, ask: Ask) -> Call {
        self.signed(self.bare(&self.base, ask))
    }

    /// Makes a call to an address that a next link gave; the caller has compared its origin with the API's.
    pub(crate) fn call_at(&self, url: Url) -> Call {
        let mut call = Call::get(url);
        call.headers.push(("accept", Text::Plain(self.vendor.accept.to_owned())));
        self.signed(call)
    }

    /// Makes a call that says nothing of who asks.
    fn bare(&self, base: &Url, ask: Ask) -> Call {
        let mut url = base.clone();
        url.set_path(&format!("{}{}", base.path(), ask.path));
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        let mut call = Call::get(url);
        call.headers.push(("accept", Text::Plain(self.vendor.accept.to_owned())));
        if let Some(body) = ask.body {
            call.method = Method::Post;
            let (media_type, text) = match body {
                Body::Json(json) => ("application/json", Text::Plain(json)),
                Body::Form(fields) => {
                    let pairs = fields.iter().map(|(name, value)| (name, value.expose()));
                    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
                    ("application/x-www-form-urlencoded", Text::Secret(SecretText::new(&form)))
                }
            };
            call.headers.push(("content-type", Text::Plain(media_type.to_owned())));
            call.body = Some(text);
        }
        call
    }

    /// Adds what shows who asks.
    fn signed(&self, mut call: Call) -> Call {
        match &self.vendor.auth {
            Auth::Headers(_) | Auth::Login(_) => call.headers.extend(self.identity()),
            Auth::Query { name, part } => {
                call.url.query_pairs_mut().append_pair(name, self.secret.part(part));
            }
        }
        call
    }

    /// Returns the headers that show who asks.
    fn identity(&self) -> Vec<(&'static str, Text)> {
        match (&self.vendor.auth, &self.session) {
            (Auth::Headers(headers), _) => headers(self),
            (Auth::Login(_), Session::Open(Some(token))) => {
                let bearer = format!("Bearer {}", token.access.expose());
                vec![("authorization", Text::Secret(SecretText::new(&bearer)))]
            }
            _ => Vec::new(),
        }
    }

    /// Replaces everything secret in `text`, as it is and as it goes over the wire.
    pub(crate) fn mask(&self, text: &str) -> String {
        self.wire_secrets().iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret.as_str()) { text.replace(secret, "***") } else { text }
        })
    }

    /// Says whether `text` holds something secret.
    pub(crate) fn has_secret(&self, text: &str) -> bool {
        self.wire_secrets().iter().any(|secret| text.contains(secret.as_str()))
    }

    /// The forms in which secrets could come back, longest first, so that none is masked in part.
    fn wire_secrets(&self) -> Vec<String> {
        let mut secrets: Vec<String> = self.secret.0.values().map(|part| part.expose().to_owned()).collect();
        for (_, text) in self.identity() {
            if let Text::Secret(text) = text {
                secrets.extend(text.expose().split_once(' ').map(|(_, token)| token.to_owned()));
                secrets.push(text.expose().to_owned());
            }
        }
        if let Session::Open(Some(token)) | Session::Renew(token) = &self.session {
            let texts = [Some(&token.access), token.refresh.as_ref()];
            secrets.extend(texts.into_iter().flatten().map(|text| text.expose().to_owned()));
        }
        let encoded = secrets.iter().map(|text| url::form_urlencoded::byte_serialize(text.as_bytes()).collect());
        let mut forms: Vec<String> = secrets.iter().cloned().chain(encoded).collect();
        forms.retain(|form| form.chars().count() >= MASKED_CHARS_MIN);
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        forms
    }

    fn check_pace(&self) -> Result<(), SettingsError> {
        let (Some(asked), Some(most)) = (self.requests_per_minute(), self.vendor.limits.requests_per_minute) else {
            return Ok(());
        };
        if asked <= most || is_loopback(&self.base) {
            return Ok(());
        }
        let advice = format!("{} takes at most {most} requests a minute", self.vendor.name);
        Err(bad_value("requests_per_minute", &asked.to_string(), advice))
    }
}

fn check_names(
    vendor: &'static Vendor,
    settings: &BTreeMap<String, String>,
    secret: &Secret,
) -> Result<(), SettingsError> {
    let names: Vec<&str> = vendor.settings.iter().chain(COMMON_SETTINGS).map(|spec| spec.name).collect();
    let parts: Vec<&str> = vendor.secret_parts.iter().map(|spec| spec.name).collect();
    if let Some(name) = settings.keys().find(|name| !names.contains(&name.as_str())) {
        let advice = if parts.contains(&name.as_str()) {
            "it is a part of the secret: give it as one, so that it is kept apart".to_owned()
        } else {
            advice(name, &names)
        };
        return Err(SettingsError::UnknownSetting { vendor: vendor.name, name: cut(name), advice });
    }
    for (name, part) in &secret.0 {
        if !parts.contains(&name.as_str()) {
            return Err(SettingsError::UnknownSecret {
                vendor: vendor.name,
                name: cut(name),
                advice: advice(name, &parts),
            });
        }
        if part.expose().chars().any(char::is_control) {
            return Err(SettingsError::UnusableSecret { name: name.clone() });
        }
    }
    for spec in vendor.settings.iter().filter(|spec| spec.required) {
        if settings.get(spec.name).is_none_or(String::is_empty) {
            return Err(SettingsError::MissingSetting { vendor: vendor.name, name: spec.name, what: spec.what });
        }
    }
    for spec in vendor.secret_parts {
        if secret.part(spec.name).is_empty() {
            return Err(SettingsError::MissingSecret { vendor: vendor.name, name: spec.name, what: spec.what });
        }
    }
    Ok(())
}

/// Names the valid word nearest to a wrong one, or all of them where none is near.
fn advice(wrong: &str, valid: &[&str]) -> String {
    let distance = |word: &&&str| damerau_levenshtein::distance(wrong.chars(), word.chars());
    match valid.iter().min_by_key(distance) {
        Some(nearest) if distance(&nearest) <= 1 + nearest.len() / 3 => format!("did you mean {nearest:?}?"),
        _ => format!("it has {}", valid.join(", ")),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(120).collect()
}

fn bad_value(name: &'static str, value: &str, advice: String) -> SettingsError {
    SettingsError::BadValue { name, value: cut(value), advice }
}

/// Returns the header of HTTP Basic.
pub(crate) fn basic(user: &str, password: &str) -> (&'static str, Text) {
    let token = BASE64.encode(format!("{user}:{password}"));
    ("authorization", Text::Secret(SecretText::new(&format!("Basic {token}"))))
}

/// Works out where to ask first. An address without a scheme is taken as https, since people paste hosts.
fn base(vendor: &'static Vendor, text: &str, surroundings: &Surroundings) -> Result<Url, SettingsError> {
    if text.is_empty()
        && let Base::LookedUp(look_up) = &vendor.base
    {
        return (look_up.at)(None).map_err(|advice| bad_value("url", text, advice));
    }
    if text.contains('@') {
        return Err(SettingsError::CredentialsInUrl);
    }
    let full = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let mut url = match Url::parse(&full) {
        Ok(url) if url.host().is_some() => url,
        _ => return Err(bad_value("url", text, "it is not an address; give one like https://host".to_owned())),
    };
    url.set_query(None);
    url.set_fragment(None);
    if is_loopback(&url) {
        if !surroundings.allow_loopback {
            return Err(SettingsError::Loopback { url: cut(url.as_str()) });
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad_value("url", text, "give it with http:// or https://".to_owned()));
        }
        let path = match (url.path().trim_end_matches('/'), &vendor.base) {
            ("", Base::FromUrl(_, path)) => format!("/{path}"),
            (path, _) => format!("{path}/"),
        };
        url.set_path(&path);
        return Ok(url);
    }
    match url.scheme() {
        "https" => {}
        "http" => return Err(SettingsError::PlainHttp { url: cut(url.as_str()) }),
        _ => return Err(bad_value("url", text, "give it with https://".to_owned())),
    }
    let pointed_at = match &vendor.base {
        Base::FromUrl(rule, _) => rule(&url),
        Base::LookedUp(look_up) => (look_up.at)(Some(&url)),
    };
    pointed_at.map_err(|advice| bad_value("url", text, advice))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost" || domain.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|address| address.is_loopback())
        }
        None => false,
    }
}

#[cfg(test)]
mod tests;
