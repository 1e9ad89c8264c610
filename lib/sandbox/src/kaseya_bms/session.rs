//! Log-ins and tokens (kaseya_bms.md section 2).

use std::collections::BTreeMap;

use apis::call::Call;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::Credentials;
use crate::dates;

/// How long a refresh token outlives its access token; in the vendor's sample it is good for a day.
const REFRESH_LONGER_MS: u64 = dates::DAY_MS;

/// The tokens that were given.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    given: u64,
    access: BTreeMap<String, u64>,
    /// Refresh tokens with the access token they go with, and how long they are good.
    refresh: BTreeMap<String, (String, u64)>,
}

/// The fields of a form, names in lower case since their case does not matter (section 2).
pub(super) type Form = BTreeMap<String, String>;

impl Sessions {
    /// Returns the same without any token; no token is ever given twice.
    pub(super) fn without_tokens(&self) -> Sessions {
        Sessions { given: self.given, ..Sessions::default() }
    }

    /// Says whether a token opens anything at that time.
    pub(super) fn lets_in(&self, token: &str, now_ms: u64) -> bool {
        self.access.get(token).is_some_and(|end_ms| now_ms < *end_ms)
    }

    /// Gives tokens for credentials, or says why not.
    pub(super) fn log_in(
        &mut self,
        form: &Form,
        credentials: &Credentials,
        now_ms: u64,
        token_ms: u64,
    ) -> Result<Value, &'static str> {
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        if field("granttype") != "password" {
            return Err("The grant type is not supported");
        }
        let is_tenant = field("tenant").eq_ignore_ascii_case(&credentials.tenant);
        if !is_tenant || field("username") != credentials.username || field("password") != credentials.password {
            return Err("Invalid user name, password or company");
        }
        Ok(self.give(now_ms, token_ms))
    }

    /// Gives new tokens for a pair that was given before, or says why not. The old refresh token is used up.
    pub(super) fn renew(&mut self, form: &Form, now_ms: u64, token_ms: u64) -> Result<Value, &'static str> {
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        let refresh = field("refreshtoken");
        match self.refresh.get(refresh) {
            Some((access, end_ms)) if access == field("accesstoken") && now_ms < *end_ms => {}
            _ => return Err("The refresh token is not valid"),
        }
        self.refresh.remove(refresh);
        Ok(self.give(now_ms, token_ms))
    }

    fn give(&mut self, now_ms: u64, token_ms: u64) -> Value {
        self.given += 1;
        let access = ["{\"alg\":\"HS256\"}".to_owned(), format!("{{\"jti\":{:06}}}", self.given), "sim".to_owned()];
        let access = access.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        let refresh = format!("6d0f3c1e9b{:06x}", self.given);
        let ends_ms = (now_ms + token_ms, now_ms + token_ms + REFRESH_LONGER_MS);
        self.access.insert(access.clone(), ends_ms.0);
        self.refresh.insert(refresh.clone(), (access.clone(), ends_ms.1));
        json!({
            "accessToken": access,
            "refreshToken": refresh,
            "accessTokenExpireOn": dates::stamp(ends_ms.0),
            "refreshTokenExpireOn": dates::stamp(ends_ms.1),
        })
    }
}

/// Reads a form, in one part or in several (section 2).
pub(super) fn form(call: &Call) -> Form {
    let body = call.body.as_ref().map_or("", |body| body.expose());
    let media_type = call.header("content-type").unwrap_or_default();
    let boundary = media_type.split(';').filter_map(|part| part.trim().strip_prefix("boundary=")).next();
    match boundary {
        Some(boundary) if media_type.starts_with("multipart/form-data") => {
            body.split(&format!("--{}", boundary.trim_matches('"'))).filter_map(part).collect()
        }
        _ => url::form_urlencoded::parse(body.as_bytes())
            .map(|(name, value)| (name.to_lowercase(), value.into_owned()))
            .collect(),
    }
}

/// Reads one part: headers, a blank line, the value.
fn part(text: &str) -> Option<(String, String)> {
    let (head, value) = text.split_once("\r\n\r\n")?;
    let name = head.split_once("name=\"")?.1.split('"').next()?;
    Some((name.to_lowercase(), value.strip_suffix("\r\n").unwrap_or(value).to_owned()))
}
