//! The vendors: one value in one file each, and the list of them.

mod autotask;
mod auvik;
mod connectwise;
mod kaseya_bms;
mod nable_rmm;

use crate::feed::Vendor;

/// All vendors.
pub static ALL: &[&Vendor] =
    &[&auvik::AUVIK, &nable_rmm::NABLE_RMM, &autotask::AUTOTASK, &connectwise::CONNECTWISE, &kaseya_bms::KASEYA_BMS];

/// Returns the vendor with this id.
pub fn find(id: &str) -> Option<&'static Vendor> {
    ALL.iter().copied().find(|vendor| vendor.id == id)
}
