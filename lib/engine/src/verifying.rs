//! Asks a vendor whether an account works, kind by kind.

use std::collections::BTreeSet;

use apis::account::Account;
use apis::refusal::{Cause, Refusal};
use apis::verify::{Check, CheckAnswer, answer, checks};
use reconcile::record::Kind;

use crate::ports::{Route, Transport};

/// What a vendor said about one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// The kind.
    pub kind: Kind,
    /// What was tried.
    pub what: &'static str,
    /// What came of it.
    pub answer: Result<(), Refused>,
}

/// Why a kind cannot be read.
#[derive(Debug, Clone, PartialEq)]
pub enum Refused {
    /// The vendor answered no.
    ByVendor(Refusal),
    /// No answer came.
    NoAnswer(String),
}

/// Tries one cheap call per kind. Nothing is stored; may be repeated.
pub async fn verify(account: &Account, kinds: &BTreeSet<Kind>, transport: &impl Transport) -> Vec<Verified> {
    let mut verified = Vec::new();
    for check in checks(account, kinds) {
        let (kind, what) = (check.kind, check.what);
        let answer = ask(account, check, transport).await;
        let secret_refused = matches!(&answer, Err(Refused::ByVendor(refusal)) if refusal.cause == Cause::Credentials);
        verified.push(Verified { kind, what, answer });
        if secret_refused {
            break;
        }
    }
    verified
}

async fn ask(account: &Account, mut check: Check, transport: &impl Transport) -> Result<(), Refused> {
    loop {
        let reply = transport
            .send(&check.call, &Route::of(account))
            .await
            .map_err(|error| Refused::NoAnswer(error.to_string()))?;
        match answer(account, &check, &reply) {
            CheckAnswer::Works => return Ok(()),
            CheckAnswer::Refused(refusal) => return Err(Refused::ByVendor(refusal)),
            CheckAnswer::Instead(other) => check = *other,
        }
    }
}
