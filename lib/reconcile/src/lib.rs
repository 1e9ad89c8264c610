//! What should happen to an MSP's documentation, given what its vendors say.
//!
//! Everything here is a pure function of its arguments: no input or output, no clock, no randomness, no environment.
//! The one entry point that matters is [`plan::plan`]: a [`plan::World`] in, a [`plan::ScopePlan`] out; the same world
//! gives the same plan, byte for byte. Nothing in this crate knows that a network, a queue or a database exists.

pub mod doc;
pub mod eligibility;
pub mod guard;
pub mod ids;
pub mod lint;
pub mod mapping;
pub mod matching;
pub mod normal;
pub mod ownership;
pub mod plan;
pub mod reason;
pub mod record;
pub mod reference;
pub mod run;
pub mod suggest;
pub mod undo;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod nights;
#[cfg(test)]
mod small_worlds;
#[cfg(test)]
mod worlds;
