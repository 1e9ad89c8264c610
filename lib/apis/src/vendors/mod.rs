//! The vendors: one value in one file each, and the list of them.

mod autotask;
mod auvik;

use crate::feed::Vendor;

/// All vendors.
pub static ALL: &[&Vendor] = &[&auvik::AUVIK, &autotask::AUTOTASK];

/// Returns the vendor with this id.
pub fn find(id: &str) -> Option<&'static Vendor> {
    ALL.iter().copied().find(|vendor| vendor.id == id)
}
