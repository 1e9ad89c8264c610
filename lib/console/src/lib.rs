//! What people may ask, and what they are answered.
//!
//! A [`request::Request`] is a question or an order as a value; [`answer::Answer`] and [`error::ConsoleError`] are what comes
//! back. The command line, the local socket and the console page are three ways of carrying the same two values, so
//! nothing here knows of an HTTP server, a terminal or an argument vector.

pub mod answer;
pub mod csv;
pub mod error;
pub mod nearest;
pub mod progress;
pub mod request;
pub mod roles;
pub mod shown;
pub mod views;
pub mod words;
