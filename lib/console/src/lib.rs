//! What people may ask, and what they are answered.
//!
//! A [`request::Request`] is a question or an order as a value; [`handle::handle`] carries it out over the engine's ports;
//! [`answer::Answer`] and [`error::ConsoleError`] are what comes back. The command line, the local socket and the console
//! page are three ways of carrying the same values, so nothing here knows of an HTTP server, a terminal or an argument
//! vector.

pub mod answer;
pub mod audit;
mod catalogue;
mod cost;
pub mod csv;
mod decisions;
pub mod error;
mod find;
pub mod handle;
mod history;
mod integrations;
mod mappings;
pub mod nearest;
mod paging;
mod plans;
pub mod progress;
mod reader;
mod records;
pub mod request;
pub mod roles;
mod runs;
pub mod shown;
pub mod text;
mod unsynced;
mod verify;
pub mod views;
mod wizard;
pub mod words;
