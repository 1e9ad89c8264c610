//! Texts that only we can read and make: AES-256-GCM with a key of the stack's own.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The least letters of a key: the template makes one of 64.
const KEY_LETTERS_MIN: usize = 32;
/// As many random bytes as no one guesses.
const RANDOM_BYTES: usize = 32;

/// The key is too short to keep anything secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key has less than {KEY_LETTERS_MIN} letters")]
pub struct KeyTooShort;

/// Seals and opens. What is sealed for one purpose cannot be opened for another.
#[derive(Debug)]
pub struct Sealer {
    cipher: RandomizedNonceKey,
    names: hmac::Key,
}

impl Sealer {
    /// Takes a key of random letters.
    pub fn new(key: &str) -> Result<Self, KeyTooShort> {
        let key = key.trim();
        if key.len() < KEY_LETTERS_MIN {
            return Err(KeyTooShort);
        }
        // The letters are random enough; the digests make them as many bytes as is wanted, a different key for each use.
        let key = |of: &str| digest(&SHA256, format!("msp-sync {of}\0{key}").as_bytes());
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, key("cookies").as_ref());
        let cipher = cipher.expect("SHA-256 gives as many bytes as AES-256 takes");
        Ok(Self { cipher, names: hmac::Key::new(hmac::HMAC_SHA256, key("names").as_ref()) })
    }

    /// Returns letters that stand for a text and do not tell it to anybody without the key.
    pub(crate) fn pseudonym(&self, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.names, text.as_bytes()))
    }

    /// Seals a value as letters that a cookie can carry.
    pub fn seal(&self, purpose: &str, value: &impl Serialize) -> String {
        let plain = serde_json::to_vec(value).expect("sealed types have text keys and no foreign serialisers");
        self.seal_bytes(purpose, plain)
    }

    pub(crate) fn seal_bytes(&self, purpose: &str, mut bytes: Vec<u8>) -> String {
        let sealed = self.cipher.seal_in_place_append_tag(Aad::from(purpose.as_bytes()), &mut bytes);
        let nonce = sealed.expect("a text of some kilobytes is far below the cipher's limit");
        URL_SAFE_NO_PAD.encode([nonce.as_ref().as_slice(), bytes.as_slice()].concat())
    }

    /// Opens what was sealed for this purpose with this key; `None` for anything else.
    pub fn open<T: DeserializeOwned>(&self, purpose: &str, text: &str) -> Option<T> {
        serde_json::from_slice(&self.open_bytes(purpose, text)?).ok()
    }

    pub(crate) fn open_bytes(&self, purpose: &str, text: &str) -> Option<Vec<u8>> {
        let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.cipher.open_in_place(nonce, Aad::from(purpose.as_bytes()), sealed).ok()?;
        Some(plain.to_vec())
    }
}

/// Returns letters that nobody can guess.
pub(crate) fn random() -> String {
    let mut bytes = [0_u8; RANDOM_BYTES];
    rand::fill(&mut bytes).expect("the operating system gives random bytes");
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Returns the digest of a text as letters, as PKCE's `S256` wants it.
pub(crate) fn digested(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}
