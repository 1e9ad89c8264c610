//! ID tokens: nothing in one is believed before all of it is checked.

use console::shown::shown;
use jiff::Timestamp;
use jsonwebtoken::jwk::{Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};
use web::door::is_same;

use crate::claims::Claims;

/// Ours and the provider's clock may differ by so much.
const CLOCKS_DIFFER_SECONDS: i64 = 60;

/// Signatures that only the provider can make. Those with a shared secret are not among them: whoever knows a public key
/// could pass it for the secret.
const ALGORITHMS: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// What a token has to say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected<'e> {
    pub(crate) issuer: &'e str,
    pub(crate) client_id: &'e str,
    pub(crate) nonce: &'e str,
    pub(crate) now: Timestamp,
}

/// Why a token is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenRefused {
    /// The provider may have new keys.
    #[error("it is signed with a key that the provider does not publish")]
    UnknownKey,
    /// Something in it is wrong.
    #[error("{0}")]
    Wrong(String),
}

fn wrong(why: impl ToString) -> TokenRefused {
    TokenRefused::Wrong(shown(&why.to_string()))
}

/// Checks a token and returns its claims (OpenID Connect Core, section 3.1.3.7).
pub(crate) fn verify(token: &str, keys: &JwkSet, expected: &Expected<'_>) -> Result<Claims, TokenRefused> {
    let header = decode_header(token).map_err(wrong)?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(wrong(format!("it is signed with {:?}", header.alg)));
    }
    let fits = |key: &&Jwk| {
        let signs = key.common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature);
        let named = header.kid.is_none() || key.common.key_id == header.kid;
        signs && named && key.common.key_algorithm.is_none_or(|of| of == KeyAlgorithm::from(header.alg))
    };
    let mut validation = Validation::new(header.alg);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.client_id]);
    // Held against our own clock below.
    validation.validate_exp = false;
    let mut refused = TokenRefused::UnknownKey;
    for key in keys.keys.iter().filter(fits) {
        let Ok(key) = DecodingKey::from_jwk(key) else { continue };
        match decode::<Map<String, Value>>(token, &key, &validation) {
            Ok(token) => return judge(token.claims, expected),
            Err(error) => refused = wrong(error),
        }
    }
    Err(refused)
}

/// Checks what the library does not.
fn judge(claims: Map<String, Value>, expected: &Expected<'_>) -> Result<Claims, TokenRefused> {
    let instant = |name: &str| claims.get(name).and_then(Value::as_f64).map(|seconds| seconds as i64);
    let now = expected.now.as_second();
    if instant("exp").is_none_or(|at| at + CLOCKS_DIFFER_SECONDS <= now) {
        return Err(wrong("it has expired"));
    }
    if ["iat", "nbf"].iter().any(|name| instant(name).is_some_and(|at| at - CLOCKS_DIFFER_SECONDS > now)) {
        return Err(wrong("it is not valid yet"));
    }
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if !is_same(text("nonce").unwrap_or_default(), expected.nonce) {
        return Err(wrong("it belongs to another sign-in"));
    }
    if text("azp").is_some_and(|party| party != expected.client_id) {
        return Err(wrong("it was made for another application"));
    }
    if text("sub").is_none_or(str::is_empty) {
        return Err(wrong("it says of nobody"));
    }
    Ok(Claims(claims))
}
