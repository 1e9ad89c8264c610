//! Whole flows, and the rules of the house.

mod arrows;
mod deny;
mod driver;
mod reading;
mod tidy;
mod workspace;
