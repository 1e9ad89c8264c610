//! What every simulated vendor has in common: a call goes in, an answer comes out.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use apis::call::{Call, Reply};
use serde::Serialize;

use crate::faults::Troubles;

/// How an answer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    /// At once and whole.
    #[default]
    Whole,
    /// The connection is cut before the answer's end; how much of it came before is not certain.
    Cut,
    /// The body comes in pieces with a pause before each.
    Slow {
        /// Number of pieces.
        pieces: usize,
        /// Pause before each.
        pause: Duration,
    },
}

/// What a simulator says, and how it arrives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The reply as the vendor meant it.
    pub reply: Reply,
    /// How much of it arrives, and when.
    pub delivery: Delivery,
}

/// A simulated vendor. The same calls on the same world give the same answers.
pub trait Simulator: fmt::Debug + Send + 'static {
    /// Returns the vendor's id.
    fn vendor(&self) -> &'static str;

    /// Answers a call; `own_origin` (`http://127.0.0.1:4001`) is what absolute addresses in the answer begin with.
    fn serve(&mut self, call: &Call, own_origin: &str) -> Answer;

    /// Returns what somebody has to enter to use it at `url`.
    fn listing(&self, url: &str) -> Listing;

    /// Returns what goes wrong, to let more go wrong or end it, for tests that do not care which vendor it is.
    fn troubles(&mut self) -> &mut Troubles;

    /// Returns the reply alone, for transports inside the process; a cut connection is a reply with status 0.
    fn answer(&mut self, call: &Call, own_origin: &str) -> Reply {
        match self.serve(call, own_origin) {
            Answer { delivery: Delivery::Cut, .. } => Reply::default(),
            Answer { reply, .. } => reply,
        }
    }
}

/// Where a simulated vendor is and how to be let in. Nothing in it is worth hiding: it opens made-up data only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// The vendor's id.
    pub vendor: &'static str,
    /// Its address.
    pub url: String,
    /// Settings of an integration with it.
    pub settings: BTreeMap<&'static str, String>,
    /// The parts of its secret.
    pub secret: BTreeMap<&'static str, String>,
}

/// A simulator that a server and a test hold together.
#[derive(Debug)]
pub struct Shared<S: ?Sized>(Arc<Mutex<S>>);

impl<S: ?Sized> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Shared<S> {
    /// Shares a simulator.
    pub fn new(simulator: S) -> Self {
        Self(Arc::new(Mutex::new(simulator)))
    }
}

impl<S: Simulator> Shared<S> {
    /// Returns the same simulator for whoever need not know which one it is.
    pub fn of_any_type(self) -> Shared<dyn Simulator> {
        Shared(self.0)
    }
}

impl<S: ?Sized> Shared<S> {
    /// Does something with it between two of its answers.
    pub fn with<T>(&self, act: impl FnOnce(&mut S) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
