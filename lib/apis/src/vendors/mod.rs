//! The vendors: one value in one file each, and the list of them.

mod autotask;
mod auvik;
mod connectwise;
mod kaseya_bms;
mod nable_rmm;

pub use self::autotask::AUTOTASK;
pub use self::auvik::AUVIK;
pub use self::connectwise::CONNECTWISE;
pub use self::kaseya_bms::KASEYA_BMS;
pub use self::nable_rmm::NABLE_RMM;
use crate::feed::Vendor;

/// All vendors. Who needs one alone names it, and has the others' code not in its program.
pub static ALL: &[&Vendor] = &[&AUVIK, &NABLE_RMM, &AUTOTASK, &CONNECTWISE, &KASEYA_BMS];

/// Returns the vendor with this id.
pub fn find(id: &str) -> Option<&'static Vendor> {
    ALL.iter().copied().find(|vendor| vendor.id == id)
}
