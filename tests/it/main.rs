//! Whole flows, and the rules of the house.

mod arrows;
mod deny;
mod driver;
mod lean;
mod reading;
mod reading_autotask;
mod reading_connectwise;
mod reading_kaseya_bms;
mod reading_nable_rmm;
mod template;
mod tidy;
mod upgrade;
mod workspace;
