//! What a browser carries: a session, and before that a sign-in that was begun.

use console::roles::{Actor, Role};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use web::Guest;

use crate::seal::random;

/// A session ends so long after its sign-in, whatever happens: a working day, after which roles are asked for again.
pub const SESSION_MAX: SignedDuration = SignedDuration::from_hours(10);
/// A session that is not used for so long is over.
pub const IDLE_MAX: SignedDuration = SignedDuration::from_mins(60);
/// A session in use is noted as such so often: not with every answer.
pub(crate) const NOTED_EVERY: SignedDuration = SignedDuration::from_mins(5);
/// Somebody takes no longer than this at the provider's page.
pub(crate) const SIGN_IN_MAX: SignedDuration = SignedDuration::from_mins(10);

const _: () = assert!(NOTED_EVERY.as_secs() * 4 < IDLE_MAX.as_secs(), "who works is not taken for idle");

/// A session, sealed in its cookie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    /// Its id, by which it can be ended.
    pub(crate) id: String,
    /// The name that the audit log keeps.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) role: Role,
    /// What their forms carry.
    pub(crate) csrf: String,
    /// When they signed in.
    pub(crate) began: Timestamp,
    /// When it was last noted that they are there.
    pub(crate) noted: Timestamp,
}

impl Session {
    /// Begins one.
    pub(crate) fn begin(name: &str, role: Role, now: Timestamp) -> Self {
        Self { id: random(), name: name.to_owned(), role, csrf: random(), began: now, noted: now }
    }

    /// Says whether it is neither too old nor idle for too long. One from the future is no session: clocks differ by
    /// seconds.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.began);
        let idle = now.duration_since(self.noted);
        age < SESSION_MAX && idle < IDLE_MAX && age > -NOTED_EVERY
    }

    /// Returns it with a note that somebody is there, where the last one is old.
    pub(crate) fn noted_again(&self, now: Timestamp) -> Option<Self> {
        (now.duration_since(self.noted) >= NOTED_EVERY).then(|| Self { noted: now, ..self.clone() })
    }

    /// Returns when it is over at the latest, in seconds since 1970.
    pub(crate) fn over_at(&self) -> i64 {
        self.began.as_second() + SESSION_MAX.as_secs()
    }

    /// Returns whose it is.
    pub(crate) fn guest(&self) -> Guest {
        Guest {
            actor: Actor { name: self.name.clone(), role: self.role },
            session: self.id.clone(),
            csrf: self.csrf.clone(),
            may_leave: true,
        }
    }
}

/// A sign-in that was begun, sealed in its cookie until the provider sends the browser back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// What the provider gives back, which no page of others can know.
    pub(crate) state: String,
    /// What the ID token has to repeat.
    pub(crate) nonce: String,
    /// What proves to the provider that the code was asked for by us.
    pub(crate) verifier: String,
    /// The page that was asked for.
    pub(crate) back: String,
    /// When.
    pub(crate) at: Timestamp,
}

impl Begun {
    /// Begins one that leads to `back`.
    pub(crate) fn new(back: &str, now: Timestamp) -> Self {
        let back = if is_page_of_ours(back) { back } else { "/" };
        Self { state: random(), nonce: random(), verifier: random(), back: back.to_owned(), at: now }
    }

    /// Says whether it can still be ended.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.at);
        age < SIGN_IN_MAX && age > -NOTED_EVERY
    }
}

/// Says whether a path leads to one of our pages and cannot lead elsewhere.
fn is_page_of_ours(path: &str) -> bool {
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    plain && path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/sign-")
}
