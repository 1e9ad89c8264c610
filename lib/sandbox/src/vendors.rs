//! The list of simulated vendors: the one place that names them all.

use apis::call::{Call, Reply};

use crate::autotask::{self, AutotaskSim};
use crate::auvik::{self, AuvikSim};
use crate::connectwise::{self, ConnectWiseSim};
use crate::kaseya_bms::{self, KaseyaBmsSim};
use crate::nable_rmm::{self, NableRmmSim};
use crate::simulator::{Listing, Shared, Simulator};
use crate::world::{SharedWorld, World};

/// Every simulated vendor over one world, without a server. A vendor is a field here and a line in [`Vendors::new`].
#[derive(Debug, Clone)]
pub struct Vendors {
    /// What they all show.
    pub world: SharedWorld,
    /// Auvik, for switching faults on.
    pub auvik: Shared<AuvikSim>,
    /// N-able RMM, for the same.
    pub nable_rmm: Shared<NableRmmSim>,
    /// Autotask PSA, for the same.
    pub autotask: Shared<AutotaskSim>,
    /// ConnectWise PSA, for the same.
    pub connectwise: Shared<ConnectWiseSim>,
    /// Kaseya BMS, for the same.
    pub kaseya_bms: Shared<KaseyaBmsSim>,
    listed: Listed,
}

/// The simulators whatever their types, in the order in which they are listed.
#[derive(Debug, Clone, Default)]
struct Listed(Vec<Shared<dyn Simulator>>);

impl Vendors {
    /// Makes all of them; they are listed in the order of these lines.
    pub fn new(world: World) -> Self {
        let world = SharedWorld::new(world);
        let mut listed = Listed::default();
        Self {
            // A line each.
            auvik: listed.add(AuvikSim::new(world.clone(), auvik::Credentials::default())),
            nable_rmm: listed.add(NableRmmSim::new(world.clone(), nable_rmm::API_KEY)),
            autotask: listed.add(AutotaskSim::new(world.clone(), autotask::Credentials::default())),
            connectwise: listed.add(ConnectWiseSim::new(world.clone(), connectwise::Credentials::default())),
            kaseya_bms: listed.add(KaseyaBmsSim::new(world.clone(), kaseya_bms::Credentials::default())),
            listed,
            world,
        }
    }

    /// Returns the simulators whatever their types.
    pub fn all(&self) -> &[Shared<dyn Simulator>] {
        &self.listed.0
    }

    /// Returns how to be let in where no server stands before them: [`Vendors::answer`] is at these addresses.
    pub fn listings(&self) -> Vec<Listing> {
        let listing = |(nth, simulator): (usize, &Shared<dyn Simulator>)| simulator.with(|of| of.listing(&origin(nth)));
        self.all().iter().enumerate().map(listing).collect()
    }

    /// Answers a call to one of the addresses in [`Vendors::listings`]; a call to any other gets nothing.
    pub fn answer(&self, call: &Call) -> Option<Reply> {
        let asked = call.url.origin().ascii_serialization();
        let nth = (0..self.all().len()).find(|nth| origin(*nth) == asked)?;
        Some(self.all()[nth].with(|simulator| simulator.answer(call, &origin(nth))))
    }
}

/// The address of a simulator within the process.
fn origin(nth: usize) -> String {
    format!("http://127.0.0.1:{}", 4001 + nth)
}

impl Listed {
    fn add<S: Simulator>(&mut self, simulator: S) -> Shared<S> {
        let shared = Shared::new(simulator);
        self.0.push(shared.clone().of_any_type());
        shared
    }
}
