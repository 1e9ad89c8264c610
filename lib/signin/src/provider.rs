//! The provider: what it publishes, and the two things that are asked of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use apis::call::{Call, Method, Reply, SecretText, Text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use console::shown::shown;
use engine::error::with_causes;
use engine::ports::{Route, SendError, Transport};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::form_urlencoded::{Serializer, byte_serialize};
use url::{Host, Url};

use crate::settings::Settings;

/// What the provider publishes is asked for again after so long.
const PUBLISHED_KEPT: SignedDuration = SignedDuration::from_hours(1);
/// Keys are asked for again at most so often, whatever tokens name.
const KEYS_ASKED_EVERY: SignedDuration = SignedDuration::from_secs(30);
/// The longest that one answer is waited for: a sign-in takes up to four, within the HTTP API's 30 seconds.
const ANSWER_MAX: Duration = Duration::from_secs(6);

/// Why the provider was of no help.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProviderError {
    #[error("the provider could not be asked for {what}")]
    NotAsked {
        what: &'static str,
        #[source]
        cause: SendError,
    },
    #[error("the provider did not answer within {} s when it was asked for {what}", ANSWER_MAX.as_secs())]
    Silent { what: &'static str },
    #[error("the provider answered status {status} when it was asked for {what}")]
    Status { what: &'static str, status: u16 },
    #[error("what the provider answered cannot be read as {what}")]
    Unreadable { what: &'static str },
    #[error("the provider's configuration is refused: {0}")]
    Configuration(String),
    #[error("the provider refuses the code: {0}")]
    Refused(String),
}

/// An address that a provider names.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Address(Url);

impl TryFrom<String> for Address {
    type Error = url::ParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Url::parse(&text).map(Self)
    }
}

/// What the provider publishes of itself (OpenID Connect Discovery, section 3).
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metadata {
    issuer: String,
    authorization_endpoint: Address,
    token_endpoint: Address,
    jwks_uri: Address,
    userinfo_endpoint: Option<Address>,
    end_session_endpoint: Option<Address>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// What came for a code.
#[derive(Deserialize)]
pub(crate) struct Tokens {
    pub(crate) id_token: String,
    pub(crate) access_token: Option<String>,
}

#[derive(Debug, Default)]
struct Published {
    metadata: Option<(Timestamp, Arc<Metadata>)>,
    keys: Option<(Timestamp, Arc<JwkSet>)>,
}

/// A provider, with what it published kept for a while.
#[derive(Debug)]
pub struct Provider {
    pub(crate) settings: Settings,
    published: Mutex<Published>,
}

impl Provider {
    /// Takes the settings; nothing is asked before somebody signs in.
    pub fn new(settings: Settings) -> Self {
        Self { settings, published: Mutex::default() }
    }

    fn published(&self) -> MutexGuard<'_, Published> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what the provider publishes of itself.
    pub(crate) async fn metadata<T: Transport>(
        &self,
        transport: &T,
        now: Timestamp,
    ) -> Result<Arc<Metadata>, ProviderError> {
        let kept = self.published().metadata.clone();
        if let Some((_, metadata)) = kept.filter(|(at, _)| now.duration_since(*at) < PUBLISHED_KEPT) {
            return Ok(metadata);
        }
        let what = "its configuration";
        let address = format!("{}/.well-known/openid-configuration", self.settings.issuer.trim_end_matches('/'));
        let address = Url::parse(&address).map_err(|error| ProviderError::Configuration(error.to_string()))?;
        let metadata: Metadata = asked(transport, what, &Call::get(address)).await?;
        if metadata.issuer != self.settings.issuer {
            let why = format!("it calls itself {:?}, and the stack {:?}", metadata.issuer, self.settings.issuer);
            return Err(ProviderError::Configuration(shown(&why)));
        }
        if !self.may_be_opened(metadata.page()) {
            return Err(ProviderError::Configuration("its page is not reached by https".to_owned()));
        }
        let metadata = Arc::new(metadata);
        self.published().metadata = Some((now, Arc::clone(&metadata)));
        Ok(metadata)
    }

    /// Says whether a browser may be sent there; what we call ourselves is judged by the transport.
    fn may_be_opened(&self, page: &Url) -> bool {
        let is_loopback = match page.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        page.scheme() == "https" || (self.settings.allow_loopback && is_loopback)
    }

    /// Returns where a browser ends the provider's own session and is sent back to `back` (OpenID Connect RP-Initiated
    /// Logout, section 2). We name ourselves and show no ID token: with the groups that roles come from one may be larger
    /// than the cookie that would have to keep it, and the provider knows by its own cookie whose session it is.
    pub(crate) async fn leaving<T: Transport>(&self, transport: &T, back: &str, now: Timestamp) -> Option<Url> {
        let metadata = match self.metadata(transport, now).await {
            Ok(metadata) => metadata,
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "it is not known where the provider's session is ended");
                return None;
            }
        };
        let mut page = metadata.leaving().filter(|page| self.may_be_opened(page))?.clone();
        page.query_pairs_mut()
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("post_logout_redirect_uri", back);
        Some(page)
    }

    /// Returns the keys that the provider signs with; `again` where one is missing among those that are known.
    pub(crate) async fn keys<T: Transport>(
        &self,
        transport: &T,
        now: Timestamp,
        again: bool,
    ) -> Result<Arc<JwkSet>, ProviderError> {
        let kept_for = if again { KEYS_ASKED_EVERY } else { PUBLISHED_KEPT };
        let kept = self.published().keys.clone();
        if let Some((_, keys)) = kept.filter(|(at, _)| now.duration_since(*at) < kept_for) {
            return Ok(keys);
        }
        let metadata = self.metadata(transport, now).await?;
        let keys = Arc::new(asked(transport, "its keys", &Call::get(metadata.jwks_uri.0.clone())).await?);
        self.published().keys = Some((now, Arc::clone(&keys)));
        Ok(keys)
    }

    /// Exchanges a code for tokens.
    pub(crate) async fn exchange<T: Transport>(
        &self,
        transport: &T,
        metadata: &Metadata,
        code: &str,
        verifier: &str,
        redirect_uri: &str,
    ) -> Result<Tokens, ProviderError> {
        let call = self.token_call(metadata, code, verifier, redirect_uri);
        let what = "tokens";
        let reply = sent(transport, what, &call).await?;
        if reply.status == 400 || reply.status == 401 {
            let said: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
            return Err(ProviderError::Refused(shown(said["error"].as_str().unwrap_or("it does not say why"))));
        }
        read(what, &reply)
    }

    fn token_call(&self, metadata: &Metadata, code: &str, verifier: &str, redirect_uri: &str) -> Call {
        let Settings { client_id, client_secret, .. } = &self.settings;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code").append_pair("code", code);
        form.append_pair("redirect_uri", redirect_uri).append_pair("code_verifier", verifier);
        let plain = |text: &str| Text::Plain(text.to_owned());
        let mut headers =
            vec![("content-type", plain("application/x-www-form-urlencoded")), ("accept", plain("application/json"))];
        match client_secret {
            // RFC 6749, section 2.3.1: both parts are encoded before they are put together.
            Some(secret) if metadata.takes("client_secret_basic") => {
                let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let pair = STANDARD.encode(format!("{}:{}", encoded(client_id), encoded(secret.expose())));
                headers.push(("authorization", Text::Secret(SecretText::new(&format!("Basic {pair}")))));
            }
            Some(secret) => {
                form.append_pair("client_id", client_id).append_pair("client_secret", secret.expose());
            }
            None => {
                form.append_pair("client_id", client_id);
            }
        }
        let body = Some(Text::Secret(SecretText::new(&form.finish())));
        Call { method: Method::Post, url: metadata.token_endpoint.0.clone(), headers, body }
    }

    /// Asks for what the provider says of somebody beside the ID token; only of the one that the token is about.
    pub(crate) async fn about<T: Transport>(
        &self,
        transport: &T,
        metadata: &Metadata,
        access_token: &str,
        subject: &str,
    ) -> Result<Map<String, Value>, ProviderError> {
        let Some(Address(address)) = &metadata.userinfo_endpoint else { return Ok(Map::new()) };
        let bearer = Text::Secret(SecretText::new(&format!("Bearer {access_token}")));
        let headers = vec![("authorization", bearer), ("accept", Text::Plain("application/json".to_owned()))];
        let what = "what it knows of somebody";
        let said: Map<String, Value> = asked(transport, what, &Call { headers, ..Call::get(address.clone()) }).await?;
        // OpenID Connect Core, section 5.3.2: another subject's claims must not be used.
        if said.get("sub").and_then(Value::as_str) == Some(subject) {
            Ok(said)
        } else {
            Err(ProviderError::Unreadable { what })
        }
    }
}

impl Metadata {
    /// Returns the page that a browser is sent to.
    pub(crate) fn page(&self) -> &Url {
        &self.authorization_endpoint.0
    }

    /// Returns the page at which the provider's own session is ended, where it has one.
    fn leaving(&self) -> Option<&Url> {
        self.end_session_endpoint.as_ref().map(|Address(page)| page)
    }

    /// Says whether the provider takes this way of proving who we are; what it does not say is the first of them.
    fn takes(&self, method: &str) -> bool {
        self.token_endpoint_auth_methods_supported.as_ref().is_none_or(|all| all.iter().any(|one| one == method))
    }
}

async fn sent<T: Transport>(transport: &T, what: &'static str, call: &Call) -> Result<Reply, ProviderError> {
    match tokio::time::timeout(ANSWER_MAX, transport.send(call, &Route::default())).await {
        Err(_) => Err(ProviderError::Silent { what }),
        Ok(Err(cause)) => Err(ProviderError::NotAsked { what, cause }),
        Ok(Ok(reply)) => Ok(reply),
    }
}

/// Reads an answer; the parser's words would quote it, and it may hold a token.
fn read<A: DeserializeOwned>(what: &'static str, reply: &Reply) -> Result<A, ProviderError> {
    if reply.status != 200 {
        return Err(ProviderError::Status { what, status: reply.status });
    }
    serde_json::from_slice(&reply.body).map_err(|_| ProviderError::Unreadable { what })
}

async fn asked<A: DeserializeOwned, T: Transport>(
    transport: &T,
    what: &'static str,
    call: &Call,
) -> Result<A, ProviderError> {
    read(what, &sent(transport, what, call).await?)
}
