//! Verifying an account: one cheap call per kind, answered kind by kind.

use std::collections::BTreeSet;

use reconcile::record::Kind;

use crate::account::Account;
use crate::call::{Call, Reply};
use crate::feed::{Ask, Body, Probe};
use crate::refusal::{Cause, Judged, Refusal};

/// One call that verifies a kind. A kind works when all its checks do.
#[derive(Clone)]
pub struct Check {
    /// The kind that it speaks for.
    pub kind: Kind,
    /// What it tries, for a person.
    pub what: &'static str,
    /// The call to send.
    pub call: Call,
    probe: &'static Probe,
    is_second_path: bool,
}

/// What the answer to a check says.
pub enum CheckAnswer {
    /// It works.
    Works,
    /// The vendor does not know this path: send this check in its place.
    Instead(Box<Check>),
    /// The vendor refused, or something else answered.
    Refused(Refusal),
}

/// Returns the checks for `kinds` on an account that is open, in the order in which they are to be sent. The first answer that refuses the
/// credentials makes the others pointless.
pub fn checks(account: &Account, kinds: &BTreeSet<Kind>) -> Vec<Check> {
    let Some(first) = kinds.first().copied() else { return Vec::new() };
    account
        .vendor
        .probes
        .iter()
        .filter(|probe| probe.kind.is_none_or(|kind| kinds.contains(&kind)))
        .map(|probe| check(account, probe, probe.kind.unwrap_or(first), false))
        .collect()
}

fn check(account: &Account, probe: &'static Probe, kind: Kind, is_second_path: bool) -> Check {
    let path = if is_second_path { probe.instead.unwrap_or(probe.path) } else { probe.path };
    let query = probe.query.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let body = probe.body.map(|json| Body::Json(json.to_owned()));
    let call = account.call(Ask { path: path.to_owned(), query, body });
    Check { kind, what: probe.what, call, probe, is_second_path }
}

/// Returns what `reply` to `check` says.
pub fn answer(account: &Account, check: &Check, reply: &Reply) -> CheckAnswer {
    let cause = match (account.vendor.judge)(reply) {
        Judged::Good if (check.probe.is_answer)(&reply.body) => return CheckAnswer::Works,
        Judged::Good => Cause::NotTheApi,
        Judged::Passing | Judged::PassingIn(_) => Cause::Unavailable,
        Judged::Refused(Cause::NotFound) if check.probe.instead.is_some() && !check.is_second_path => {
            return CheckAnswer::Instead(Box::new(self::check(account, check.probe, check.kind, true)));
        }
        Judged::Refused(cause) => cause,
    };
    CheckAnswer::Refused(Refusal::new(cause, account, &check.call, reply))
}
