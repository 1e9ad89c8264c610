//! The log-in, and the renewal of what it gave (kaseya_bms.md section 2).

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::answers::{one, text};
use crate::account::Account;
use crate::call::{Reply, SecretText};
use crate::feed::{Ask, Body, Token};
use crate::refusal::Cause;

/// Asks for a token. The description wants the form in several parts; the plain one works for real clients.
pub(super) fn ask(account: &Account) -> Ask {
    let secret = |part: &str| SecretText::new(account.secret.part(part));
    let form = vec![
        ("GrantType", SecretText::new("password")),
        ("UserName", secret("username")),
        ("Password", secret("password")),
        ("Tenant", SecretText::new(account.setting("tenant").unwrap_or_default())),
    ];
    post("v2/security/authenticate", form)
}

/// Asks for a new token in exchange for one that is about to expire.
pub(super) fn renew(token: &Token) -> Option<Ask> {
    let refresh = token.refresh.clone()?;
    Some(post("v2/security/refreshtoken", vec![("AccessToken", token.access.clone()), ("RefreshToken", refresh)]))
}

fn post(path: &str, form: Vec<(&'static str, SecretText)>) -> Ask {
    Ask { path: path.to_owned(), query: Vec::new(), body: Some(Body::Form(form)) }
}

/// Reads the answer to either; an answer without a token is none of this API.
pub(super) fn read(reply: &Reply) -> Result<Token, Cause> {
    let result = one(reply).map_err(|_| Cause::NotTheApi)?;
    let token = |name: &str| Some(text(&result, name).trim()).filter(|text| !text.is_empty()).map(SecretText::new);
    Ok(Token {
        access: token("accessToken").ok_or(Cause::NotTheApi)?,
        refresh: token("refreshToken"),
        expires_at: instant(text(&result, "accessTokenExpireOn")),
    })
}

/// Reads an instant; one without a zone is in UTC (section 1).
fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp()))
}
