//! Recognising two integrations that point at one account: their records would be everything twice.

use std::collections::BTreeMap;

use apis::account::Account;
use apis::call::Secret;
use apis::vendors;
use engine::ports::Secrets;
use engine::store::integrations::list;

use crate::error::{Code, ConsoleError};
use crate::handle::Deps;

/// Parts of secrets that tell whose account it is, the most telling first. Others are shared between accounts (a client id
/// of ours) or change while the account stays (a regenerated key beside a user name).
const IDENTITY_PARTS: &[&str] = &["username", "public_key", "api_key"];

/// Refuses an account that an integration points at already.
pub(super) async fn refuse_same_account<D: Deps>(deps: &D, account: &Account) -> Result<(), ConsoleError> {
    for other in list(deps.table()).await? {
        if other.vendor != account.vendor.id {
            continue;
        }
        let (Some(vendor), Some(secret)) = (vendors::find(&other.vendor), deps.secrets().current(&other.id).await?)
        else {
            continue;
        };
        // Settings that no longer pass point nowhere.
        let Ok(existing) = Account::new(vendor, other.settings.clone(), secret, deps.surroundings()) else { continue };
        if let Some(why) = is_same(account, &existing) {
            let message = format!(
                "the integration {} points at the same {} account ({why}); its records would all come twice",
                other.id, vendor.name
            );
            let hint = format!("use {} as it is; `integration set` and `secret rotate` change it", other.id);
            return Err(ConsoleError::new(Code::AlreadyExists, message, hint));
        }
    }
    Ok(())
}

/// Returns why two accounts at one vendor are the same; `None` where nothing says so.
fn is_same(one: &Account, other: &Account) -> Option<String> {
    if one.base() != other.base() {
        return None;
    }
    let own = |account: &Account| -> BTreeMap<String, String> {
        let names = account.vendor.settings.iter().map(|spec| spec.name).filter(|name| *name != "url");
        names.filter_map(|name| Some((name.to_owned(), account.setting(name)?.to_lowercase()))).collect()
    };
    let (settings, others) = (own(one), own(other));
    if settings.iter().any(|(name, value)| others.get(name).is_some_and(|there| there != value)) {
        return None;
    }
    // A tenant or company names the account by itself, whoever's key it is.
    if let Some(name) = ["tenant", "company_id"].into_iter().find(|name| settings.contains_key(*name)) {
        return others.contains_key(name).then(|| format!("same address and {name}"));
    }
    let part = IDENTITY_PARTS.iter().find(|part| has(&one.secret, part) && has(&other.secret, part))?;
    let equal = one.secret.part(part).eq_ignore_ascii_case(other.secret.part(part));
    equal.then(|| format!("same address and {}", part.replace('_', " ")))
}

fn has(secret: &Secret, part: &str) -> bool {
    !secret.part(part).is_empty()
}
