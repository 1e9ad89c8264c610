//! Who plays: the vendors behind the transport, and the people who work there.

use std::collections::BTreeMap;

use apis::call::{Call, Reply, Secret};
use engine::ports::SendError;
use engine::store::integrations::Integration;
use fastrand::Rng;
use jiff::Timestamp;
use reconcile::doc::Doc;
use reconcile::ids::VendorId;
use reconcile::record::{Kind, VendorRecord};

use crate::office::shelf::Shown;

/// Records by kind, id and client, each with how often the vendor shows it.
pub type There = BTreeMap<(Kind, VendorId, Option<VendorId>), (VendorRecord, u32)>;

/// What must be there once all is at rest.
pub struct Expected {
    /// What a complete read of each integration stores.
    pub there: Vec<There>,
    /// What synced records stand in the catalogue as, where that follows from the vendors alone.
    pub shown: Option<Vec<Shown>>,
}

/// A device as somebody writes it into the documentation, with the record of its client.
pub struct Thing {
    pub client: Doc,
    pub serial: String,
    pub name: String,
}

/// A cast. A clone is the same one.
pub trait Cast: Clone + Send + Sync + 'static {
    /// Returns the integrations as they are added; the place of one is what it is called by.
    fn integrations(&self, now: Timestamp) -> Vec<(Integration, Secret)>;

    /// Answers a call of one integration.
    fn answer(&self, which: usize, call: &Call, now: Timestamp) -> Result<Reply, SendError>;

    /// Lets people work at the vendors for a day, and tonight go wrong there, or go right. Returns what happened.
    fn day(&self, rng: &mut Rng, now: Timestamp) -> Vec<String>;

    /// Lets somebody do one thing at the vendors, now. Returns what it was.
    fn deed(&self, rng: &mut Rng, now: Timestamp) -> String;

    /// Ends what goes wrong at one vendor.
    fn heal(&self, which: usize);

    /// Returns what must be there at rest.
    fn expected(&self, rng: &mut Rng) -> impl Future<Output = Expected>;

    /// Returns a device that somebody may write into the documentation.
    fn thing(&self, rng: &mut Rng) -> Thing;

    /// Returns what the documentation has of its own.
    fn documentation(&self) -> Vec<Doc> {
        Vec::new()
    }

    /// Returns the documentation's name of a client that a vendor calls so.
    fn documented(&self, name: &str) -> String {
        name.to_owned()
    }

    /// Says whether identifiers are never shared and never change. People who work with our records then decide nothing
    /// but what they recognise, and whatever happens, one catalogue comes of it.
    fn is_consistent(&self) -> bool {
        false
    }
}
