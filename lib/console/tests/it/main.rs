//! Requests and answers over a whole deployment in memory, with a simulated Auvik as the vendor.

#![allow(clippy::unwrap_used)] // The exemption for tests does not reach the functions that tests share.

mod catalogue;
mod contract;
mod deciding;
mod desk;
mod running;
mod setting_up;
