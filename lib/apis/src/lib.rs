//! What the outside looks like: calls and replies as values, and each vendor as one value in one file.
//!
//! Nothing here sends anything: a [`call::Call`] is data that any transport can carry, and a [`call::Reply`] is data that
//! any transport brought. No clock, no randomness, no environment.
//!
//! ```text
//! settings, secret ──► Account ──► (opening) ──► Reading::call ──► Call ··· transport ··· Reply ──► Reading::take ──► records, and what next
//! ```
//!
//! A vendor is a [`feed::Vendor`] in its own file below [`vendors`]: tags for what is ordinary, function pointers for what
//! is odd. Nothing outside such a file knows which vendor it deals with.

pub mod account;
pub mod call;
pub mod cost;
mod decode;
pub mod feed;
pub mod limits;
pub mod reading;
pub mod refusal;
pub mod vendors;
pub mod verify;
pub mod words;

#[cfg(test)]
mod suite;
