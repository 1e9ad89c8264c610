//! What the stack says of its provider.

use apis::call::SecretText;

use crate::roles::RoleMap;

/// A provider and what we are there.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The provider, as it calls itself in its tokens.
    pub issuer: String,
    /// What it calls us.
    pub client_id: String,
    /// What proves that we are that; none for a public client, which PKCE alone protects.
    pub client_secret: Option<SecretText>,
    /// What is asked for, divided by blanks; `openid` among them.
    pub scopes: String,
    /// The claim that roles come from: its name, or the way to it with dots (`realm_access.roles`).
    pub role_claim: String,
    /// Which of its values make somebody what.
    pub roles: RoleMap,
    /// Whether the provider may be on this machine, by plain http: in tests only.
    pub allow_loopback: bool,
}
