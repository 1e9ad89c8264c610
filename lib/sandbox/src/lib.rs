//! The simulated vendors: one made-up MSP, shown by one pure state machine a vendor, and a thin HTTP server before each.
//!
//! ```text
//! SharedWorld ── AuvikSim::serve(Call) → Answer ── Running (axum on 127.0.0.1)
//!      ▲                 ▲
//!   a test changes it    a test switches troubles on
//! ```
//!
//! A simulator speaks the wire form of its vendor's fact sheet and nothing of our own code but [`apis::call`]: it must not
//! share a misunderstanding with the client that is tested against it. Simulators know no clock and no randomness; the
//! world's time passes when a test lets it.

pub mod autotask;
pub mod auvik;
pub mod connectwise;
pub mod dates;
pub mod faults;
pub mod kaseya_bms;
pub mod nable_rmm;
pub mod server;
pub mod simulator;
pub mod vendors;
pub mod world;

pub use autotask::AutotaskSim;
pub use auvik::AuvikSim;
pub use connectwise::ConnectWiseSim;
pub use faults::{Fault, RowDamage, Trouble};
pub use kaseya_bms::KaseyaBmsSim;
pub use nable_rmm::NableRmmSim;
pub use server::{Counts, Running, Sandbox, Summary};
pub use simulator::{Answer, Delivery, Listing, Shared, Simulator};
pub use vendors::Vendors;
pub use world::{SharedWorld, Size, World};
