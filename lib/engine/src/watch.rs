//! How a run tells those who wait how far it is. What is told decides nothing.

use reconcile::run::Outcome;

/// A sign of progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// The vendor is read: `done` of `total` lists of a feed, and requests so far.
    Reading {
        /// The feed's name.
        feed: &'static str,
        /// Lists read.
        done: u64,
        /// Lists to read.
        total: u64,
        /// Records so far, in all feeds.
        records: u64,
        /// Requests so far, in all feeds.
        requests: u64,
    },
    /// Scopes are planned or written: `done` of `total` parts.
    Parts {
        /// `planning` or `applying`.
        phase: &'static str,
        /// Parts done.
        done: u64,
        /// Parts in all.
        total: u64,
    },
    /// The run is over.
    Closed(Outcome),
}

/// Whoever wants to know.
pub trait Watch: Send + Sync {
    /// Takes a sign; returns at once.
    fn sign(&self, sign: Sign);
}

/// Nobody wants to know.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn sign(&self, _: Sign) {}
}
