//! The suite that every implementation of a port must pass: in memory, on one machine, on AWS or its stand-in.
//!
//! Each function takes an empty implementation and panics with what it expected. The suite knows the promises of
//! [`crate::ports`] and nothing of any implementation; where implementations may differ (the size of a page, the order of
//! groups) it accepts either.

mod queue;
mod secrets;
mod table;

pub use self::queue::queue;
pub use self::secrets::secrets;
pub use self::table::{table, table_costs};
