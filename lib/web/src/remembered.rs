//! Where somebody left the wizard, so that they come back to the same step, tab, filter and page.
//!
//! The browser keeps it, for each integration by itself: it is nobody else's business, and a page that is only looked at
//! writes nothing into the store.

use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, Response};

use crate::door::cookies;
use crate::{Bytes, looks};

/// So long a place is kept, in seconds: 90 days.
const KEPT_SECONDS: u32 = 90 * 24 * 3600;
/// A longer path is not kept: browsers take 4 KB for all of a cookie.
const PATH_BYTES_MAX: usize = 1_500;

fn name(integration: &str) -> String {
    format!("at_{integration}")
}

/// Says whether a path lies in the wizard, which begins with these parts.
fn is_in_wizard(parts: &[&str]) -> bool {
    matches!(parts, ["i", _, "match", _] | ["i", _, "preview"])
}

/// Returns where to go for the wizard of an integration, if it was left somewhere.
pub(crate) fn place(headers: &HeaderMap, integration: &str) -> Option<String> {
    let name = name(integration);
    let (_, kept) = cookies(headers).find(|(of, _)| *of == name)?;
    let path = looks::own_path(kept, "");
    let parts: Vec<&str> = path.split('?').next()?.split('/').filter(|part| !part.is_empty()).collect();
    (is_in_wizard(&parts) && parts.get(1) == Some(&integration)).then_some(path)
}

/// Lets the browser keep a page of the wizard as the place to come back to.
pub(crate) fn keep(answer: &mut Response<Bytes>, parts: &[&str], path: &str) {
    let Some(integration) = parts.get(1).filter(|_| is_in_wizard(parts)) else { return };
    if path.len() > PATH_BYTES_MAX || path.contains([';', ',', '"']) {
        return;
    }
    let name = name(integration);
    let cookie = format!("{name}={path}; Path=/i/{integration}; Max-Age={KEPT_SECONDS}; HttpOnly; SameSite=Lax");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        answer.headers_mut().append(SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;

    use super::*;

    /// Where one comes back to after a page was looked at.
    fn after(path: &str, integration: &str) -> Option<String> {
        let parts: Vec<&str> =
            path.split('?').next().unwrap_or_default().split('/').filter(|part| !part.is_empty()).collect();
        let mut answer = Response::new(Bytes::new());
        keep(&mut answer, &parts, path);
        let cookie = answer.headers().get(SET_COOKIE)?.to_str().ok()?.split(';').next()?.to_owned();
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_str(&cookie).ok()?);
        place(&headers, integration)
    }

    #[test]
    fn one_comes_back_to_the_step_tab_filter_and_page_that_one_left() {
        for path in ["/i/acme/match/client?state=excluded&search=a%26b&cursor=c0ffee", "/i/acme/preview"] {
            assert_eq!(after(path, "acme").as_deref(), Some(path));
            assert_eq!(after(path, "other"), None);
        }
    }

    #[test]
    fn what_is_no_page_of_the_wizard_is_not_kept_and_a_forged_place_leads_nowhere() {
        for path in ["/i/acme/unsynced", "/i/acme/match", "/"] {
            assert_eq!(after(path, "acme"), None, "{path}");
        }
        for forged in
            ["//evil.example/i/acme/preview", "https://evil.example", "/i/acme/../../audit", "/i/other/preview"]
        {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_str(&format!("at_acme={forged}")).expect("a value"));
            assert_eq!(place(&headers, "acme"), None, "{forged}");
        }
    }
}
