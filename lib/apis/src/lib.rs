//! What the outside looks like: calls and replies as values, and each vendor as one value in one file.
//!
//! Nothing here sends anything: a [`call::Call`] is data that any transport can carry, and a [`call::Reply`] is data that
//! any transport brought. No clock, no randomness, no environment.

pub mod call;
