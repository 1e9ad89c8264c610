//! Requests and answers over a whole deployment in memory, with simulated vendors.

#![allow(clippy::unwrap_used)] // The exemption for tests does not reach the functions that tests share.

mod catalogue;
mod contract;
mod cost;
mod deciding;
mod desk;
mod history;
mod office;
mod pages;
mod running;
mod setting_up;
mod types;
mod verifying;
