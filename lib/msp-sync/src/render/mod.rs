//! What people see: each answer as tables and sentences.
//!
//! Everything here is a function from an answer to a text. Vendor text passes [`harmless`] on its way; ids are never cut,
//! so that they can be copied; every table that is empty says what to do next.

mod docs;
mod integrations;
mod plans;
mod records;
mod runs;
mod screen;
mod table;
mod together;
mod words;

use std::collections::BTreeMap;

use console::answer::Answer;
use console::request::Request;
use reconcile::ids::{DocId, VendorId};

pub(crate) use plans::sums as plan_counts;
pub(crate) use runs::counts as run_counts;
pub(crate) use screen::{Ink, Screen, colour_wanted, command, harmless, harmless_lines, paragraph};
pub(crate) use together::{by_sources, runs_together, shared, unsynced_together};
pub(crate) use words::{and, expected};

/// Names of clients, for tables that would show their ids.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// Of documentation records.
    pub(crate) docs: BTreeMap<DocId, String>,
    /// Of vendor records.
    pub(crate) vendor: BTreeMap<VendorId, String>,
}

impl Names {
    /// The name of a client in the documentation; its id where it is not known.
    pub(crate) fn doc(&self, id: Option<&DocId>) -> String {
        id.map_or(String::new(), |id| self.docs.get(id).cloned().unwrap_or_else(|| id.to_string()))
    }

    /// The name of a client at the vendor; its id where it is not known.
    pub(crate) fn vendor(&self, id: Option<&VendorId>) -> String {
        id.map_or(String::new(), |id| self.vendor.get(id).cloned().unwrap_or_else(|| id.to_string()))
    }
}

/// Returns what a person reads as the answer to `asked`.
pub(crate) fn answer(asked: &Request, answer: &Answer, names: &Names, screen: Screen) -> String {
    match answer {
        Answer::Integration(view) => integrations::one(asked, view, screen),
        Answer::Integrations(list) => integrations::list(list, screen),
        Answer::Removed(view) => integrations::removed(view),
        Answer::Verified(view) => integrations::verified(view, screen),
        Answer::Types(list) => integrations::types(asked, list, screen),
        Answer::Synced(view) => runs::synced(view, screen),
        Answer::Records(list) => records::list(asked, list, names, screen),
        // What only pages ask for.
        Answer::Wizard(_) | Answer::Candidates(_) | Answer::History(_) => format!("{:#}\n", answer.json()),
        Answer::Staged(view) => records::staged(asked, view, screen),
        Answer::Plan(view) => plans::one(view, screen),
        Answer::Finished(view) => plans::finished(view, screen),
        Answer::Plans(list) => plans::list(list, screen),
        Answer::PlanChanged(view) => plans::changed(view, screen),
        Answer::Status(list) => runs::status(asked, list, screen),
        Answer::Runs(list) => runs::list(list, screen),
        Answer::Run(view) => runs::one(view, screen),
        Answer::Unsynced(list) => records::unsynced(list, names, screen),
        Answer::Docs(list) => docs::list(asked, list, names, screen),
        Answer::Doc(view) => docs::one(view, names, screen),
        Answer::Imported(view) => docs::imported(asked, view, screen),
        Answer::Csv(text) => text.clone(),
        Answer::Undone(view) => plans::undone(view, screen),
        Answer::Audit(list) => docs::audit(list, screen),
    }
}

/// The line under a list that goes on.
fn more(next: Option<&String>, shown: usize) -> String {
    next.map_or(String::new(), |cursor| {
        format!("\n{shown} shown, and there are more: add --cursor {}\n", harmless(cursor))
    })
}

#[cfg(test)]
mod tests;
