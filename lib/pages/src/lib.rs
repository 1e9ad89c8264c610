//! The console's pages: answers of the console as HTML, and nothing else.
//!
//! Every function here takes answers as values and returns text. Nothing knows of an HTTP server, a session store or a
//! network; what a page needs to know of who looks at it is a [`Visitor`]. A page works without script: links ask,
//! forms order, and [`SCRIPT`] only spares reloads: while a run is under way, while one searches, after a decision. It also turns
//! instants into the viewer's own zone.
//!
//! ```text
//! console::Answer ──► home, matching, … ──► frame ──► text
//! ```
//!
//! What a vendor wrote goes through [`words::foreign`] alone: control and bidirectional letters are written out, and the
//! template library escapes the rest. No page has inline style or script, so that the policy the server sends can forbid
//! both.

pub mod adding;
pub mod audit;
pub mod catalogue;
pub mod frame;
pub mod home;
pub mod integration;
pub mod links;
pub mod matching;
pub mod picking;
pub mod plans;
pub mod preview;
pub mod refusal;
pub mod runs;
pub mod unsynced;
pub mod words;

pub use frame::{Doing, Notice, Tone, Visitor};

/// The one style sheet.
pub const STYLE: &str = include_str!("page.css");

/// The mark in the browser's tab.
pub const ICON: &str = include_str!("page.svg");

/// The one script; every page works without it.
pub const SCRIPT: &str = include_str!("page.js");

#[cfg(test)]
mod tests;
