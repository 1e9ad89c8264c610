//! Asks a vendor whether an account works, kind by kind.

use std::collections::BTreeSet;

use apis::account::{Account, NotOpened};
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

/// Opens the account and tries one cheap call per kind. Nothing is stored; may be repeated.
pub async fn verify(account: &Account, kinds: &BTreeSet<Kind>, transport: &impl Transport) -> Vec<Verified> {
    if kinds.is_empty() {
        return Vec::new();
    }
    let account = &match open(account, transport).await {
        Ok(account) => account,
        // No kind can be asked for, whatever the reason.
        Err(refused) => {
            let refused = |kind| Verified { kind, what: "the sign-in", answer: Err(refused.clone()) };
            return kinds.iter().copied().map(refused).collect();
        }
    };
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

/// Asks what has to be asked before the lists: where the API is, a token.
async fn open(account: &Account, transport: &impl Transport) -> Result<Account, Refused> {
    let mut account = account.clone();
    while let Some(call) = account.opening() {
        let reply =
            transport.send(&call, &Route::of(&account)).await.map_err(|error| Refused::NoAnswer(error.to_string()))?;
        account = account.open(&reply).map_err(|not_opened| match not_opened {
            NotOpened::Refused(refusal) => Refused::ByVendor(refusal),
            NotOpened::Again { why, .. } | NotOpened::Broken(why) => Refused::NoAnswer(why),
        })?;
    }
    Ok(account)
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
