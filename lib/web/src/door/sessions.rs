//! Who has been let in: sessions in memory, gone with the process.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Told;

/// So many browsers may be signed in at once; the one that was used longest ago goes first.
const SESSIONS_MAX: usize = 32;
/// A session that is not used for so long is over.
const IDLE_MAX: Duration = Duration::from_secs(12 * 3600);
/// As many random bytes as no one guesses.
const SECRET_BYTES: usize = 32;

/// One browser.
#[derive(Debug)]
struct Session {
    csrf: String,
    used: Instant,
    told: Told,
}

/// All of them, and the token that opens the next one.
#[derive(Debug)]
pub(crate) struct Sessions(Mutex<State>);

#[derive(Debug)]
struct State {
    token: String,
    open: BTreeMap<String, Session>,
}

impl Sessions {
    /// Begins without any.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(Mutex::new(State { token: random()?, open: BTreeMap::new() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves nothing half-done in here.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the token that is good for one sign-in.
    pub(crate) fn token(&self) -> String {
        self.state().token.clone()
    }

    /// Exchanges the token for a session and makes the next token; `None` where it is not the token.
    pub(crate) fn enter(&self, token: &str) -> io::Result<Option<String>> {
        let (key, csrf, next) = (random()?, random()?, random()?);
        let mut state = self.state();
        if !is_same(token, &state.token) {
            return Ok(None);
        }
        state.token = next;
        if state.open.len() >= SESSIONS_MAX {
            let oldest = state.open.iter().min_by_key(|(_, session)| session.used).map(|(key, _)| key.clone());
            oldest.and_then(|key| state.open.remove(&key));
        }
        let session = Session { csrf, used: Instant::now(), told: Told::default() };
        state.open.insert(key.clone(), session);
        Ok(Some(key))
    }

    /// Ends a session.
    pub(crate) fn leave(&self, key: &str) {
        self.state().open.remove(key);
    }

    /// Returns what a form of this session has to carry; `None` where there is no such session.
    pub(crate) fn csrf(&self, key: &str) -> Option<String> {
        let mut state = self.state();
        state.open.retain(|_, session| session.used.elapsed() < IDLE_MAX);
        let session = state.open.get_mut(key)?;
        session.used = Instant::now();
        Some(session.csrf.clone())
    }

    /// Keeps what is to be told on the next page, beside what waits already.
    pub(crate) fn keep(&self, key: &str, told: Told) {
        if let Some(session) = self.state().open.get_mut(key) {
            session.told.notice = told.notice.or(session.told.notice.take());
            session.told.verdict = told.verdict.or(session.told.verdict.take());
        }
    }

    /// Returns what is to be told, once.
    pub(crate) fn take(&self, key: &str) -> Told {
        self.state().open.get_mut(key).map(|session| std::mem::take(&mut session.told)).unwrap_or_default()
    }
}

/// Says whether two texts are the same, in a time that does not tell where they differ.
pub fn is_same(one: &str, other: &str) -> bool {
    let differs = one.bytes().zip(other.bytes()).fold(0, |differs, (one, other)| differs | (one ^ other));
    one.len() == other.len() && differs == 0
}

/// Returns what nobody can guess. The operating system gives it; a data folder needs one that has this file anyway.
fn random() -> io::Result<String> {
    let mut bytes = [0_u8; SECRET_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use pages::Notice;

    use super::*;

    #[test]
    fn a_token_opens_one_session_and_no_second() {
        let sessions = Sessions::new().unwrap();
        let token = sessions.token();
        assert_eq!(sessions.enter("guessed").unwrap(), None);
        let key = sessions.enter(&token).unwrap().expect("the token is right");
        assert_eq!(sessions.enter(&token).unwrap(), None);
        assert_ne!(sessions.token(), token);
        assert!(sessions.csrf(&key).is_some());
        assert_eq!(sessions.csrf("another"), None);
    }

    #[test]
    fn the_session_used_longest_ago_makes_room() {
        let sessions = Sessions::new().unwrap();
        let enter = || sessions.enter(&sessions.token()).unwrap().expect("the token is right");
        let first = enter();
        let second = enter();
        assert!(sessions.csrf(&first).is_some(), "the first is used again");
        let others: Vec<String> = (0..SESSIONS_MAX - 1).map(|_| enter()).collect();
        assert!(sessions.csrf(&first).is_some());
        assert_eq!(sessions.csrf(&second), None);
        assert!(others.iter().all(|key| sessions.csrf(key).is_some()));
    }

    #[test]
    fn what_is_told_is_told_once() {
        let sessions = Sessions::new().unwrap();
        let key = sessions.enter(&sessions.token()).unwrap().expect("the token is right");
        sessions.keep(&key, Told { notice: Some(Notice::good("done")), verdict: None });
        sessions.keep(&key, Told::default());
        assert_eq!(sessions.take(&key).notice, Some(Notice::good("done")));
        assert_eq!(sessions.take(&key), Told::default());
    }
}
