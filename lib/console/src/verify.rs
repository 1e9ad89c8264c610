//! What a vendor said about a secret, as people are told it.

use std::collections::BTreeSet;

use apis::refusal::Cause;
use engine::verifying::{Refused, Verified};
use reconcile::record::Kind;

use crate::views::KindVerdict;

/// What the vendor said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdicts {
    /// Kind by kind, in the order of [`Kind::ALL`].
    pub kinds: Vec<KindVerdict>,
    /// Whether the vendor refused the secret itself.
    pub is_secret_refused: bool,
}

impl Verdicts {
    /// Sums up the checks of `kinds`. A kind works when all its checks do; where the secret is refused none does, asked
    /// about or not.
    pub(crate) fn new(checked: &[Verified], kinds: &BTreeSet<Kind>) -> Self {
        let problems: Vec<(Kind, KindVerdict)> = checked.iter().filter_map(problem).collect();
        let is_secret_refused = checked.iter().any(
            |check| matches!(&check.answer, Err(Refused::ByVendor(refusal)) if refusal.cause == Cause::Credentials),
        );
        let of = |kind: Kind| {
            let own = problems.iter().find(|(refused, _)| *refused == kind);
            let shared = problems.last().filter(|_| is_secret_refused);
            match own.or(shared) {
                Some((_, verdict)) => KindVerdict { kind, ..verdict.clone() },
                None => works(kind),
            }
        };
        let kinds = Kind::ALL.into_iter().filter(|kind| kinds.contains(kind)).map(of).collect();
        Self { kinds, is_secret_refused }
    }

    /// Says whether every kind works.
    pub(crate) fn all_work(&self) -> bool {
        self.kinds.iter().all(|verdict| verdict.ok)
    }

    /// Says whether at least one kind works.
    pub(crate) fn any_works(&self) -> bool {
        self.kinds.iter().any(|verdict| verdict.ok)
    }
}

fn works(kind: Kind) -> KindVerdict {
    KindVerdict {
        kind,
        ok: true,
        message: "works".to_owned(),
        cause: String::new(),
        hint: String::new(),
        curl: String::new(),
    }
}

fn problem(check: &Verified) -> Option<(Kind, KindVerdict)> {
    let refused = check.answer.as_ref().err()?;
    let (message, cause, hint, curl) = match refused {
        Refused::ByVendor(refusal) => {
            // The hint ends with the command that does the same, which has a field of its own here.
            let (hint, curl) = refusal.hint.split_once(". To see it yourself: ").unwrap_or((&refusal.hint, ""));
            (refusal.to_string(), refusal.cause.code(), hint, curl)
        }
        Refused::NoAnswer(why) => {
            let hint = "check the setting url, and whether this machine may reach it; then verify again";
            (why.clone(), "no_answer", hint, "")
        }
    };
    let verdict = KindVerdict {
        kind: check.kind,
        ok: false,
        message: format!("{}: {message}", check.what),
        cause: cause.to_owned(),
        hint: hint.to_owned(),
        curl: curl.to_owned(),
    };
    Some((check.kind, verdict))
}
