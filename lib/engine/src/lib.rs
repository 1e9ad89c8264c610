//! The steps of a run, over small ports.
//!
//! A step is a free function: arguments, ports, outcome. It loads, calls `reconcile`, and stores. Every step may be run
//! twice, late, or after a crash half-way: what is true lies in the [`ports::Table`], whose writes are conditional; a
//! message only says *look again*. No SDK, no HTTP client and no async runtime is named here.

pub mod applying;
mod at_once;
pub mod closing;
pub mod contract;
pub mod error;
pub mod faults;
pub mod fetch;
pub mod finishing;
pub mod gather;
pub mod intake;
pub mod judging;
pub mod life;
pub mod line;
pub mod listing;
pub mod memory;
pub mod message;
mod narrowing;
pub mod planning;
pub mod ports;
pub mod reconciler;
pub mod schedule;
mod spool;
pub mod store;
pub mod syncing;
pub mod undoing;
pub mod verifying;
pub mod watch;
pub mod worlds;
mod writes;
