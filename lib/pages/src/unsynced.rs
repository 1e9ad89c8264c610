//! What is not in the documentation, and why: the list that a service desk works off.

use std::collections::BTreeMap;

use console::views::{IntegrationView, List, RunView, UnsyncedView};
use maud::{Markup, html};
use reconcile::reason::Reason;
use reconcile::record::Kind;

use crate::frame::{self, Part, Place, Visitor};
use crate::{links, words};

/// Which records are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Their kind.
    pub kind: Option<Kind>,
    /// Why they are left out.
    pub reason: Option<Reason>,
    /// A part of their name, id or a field.
    pub search: String,
    /// Where the page begins.
    pub cursor: String,
}

impl Asked {
    fn parameters(&self) -> [(&'static str, &str); 3] {
        [
            ("kind", self.kind.map_or("", Kind::code)),
            ("reason", self.reason.map_or("", Reason::code)),
            ("search", &self.search),
        ]
    }
}

/// What the page is made of.
#[derive(Debug, Clone, Copy)]
pub struct Unsynced<'a> {
    /// The integration.
    pub view: &'a IntegrationView,
    /// Which records are asked for.
    pub asked: &'a Asked,
    /// The records.
    pub list: &'a List<UnsyncedView>,
    /// The last run, whose counts say how many there are of each reason.
    pub last_run: Option<&'a RunView>,
}

/// Returns the page.
pub fn page(visitor: &Visitor, of: &Unsynced<'_>) -> String {
    let Unsynced { view, asked, list, .. } = *of;
    let path = links::integration(&view.integration, "unsynced");
    let content = html! {
        (frame::integration_head(view, Part::Unsynced))
        (reasons(of, &path))
        form method="get" action=(path) class="filter" role="search" {
            label for="kind" { "Kind" }
            select id="kind" name="kind" {
                option value="" { "All" }
                @for kind in &view.kinds { option value=(kind) selected[asked.kind == Some(*kind)] { (words::kinds(*kind)) } }
            }
            label for="reason" { "Reason" }
            select id="reason" name="reason" {
                option value="" { "All" }
                @for reason in Reason::ALL { option value=(reason) selected[asked.reason == Some(*reason)] { (reason.text()) } }
            }
            label class="quiet" for="search" { "Search" }
            input id="search" type="search" name="search" value=(asked.search) placeholder="Name, id or field";
            button class="button" { "Show" }
            a class="button quietly" href=(links::with(&links::integration(&view.integration, "unsynced.csv"), &asked.parameters())) { "Download as CSV" }
        }
        @match (list.items.is_empty(), list.next.is_some()) {
            (true, true) => (frame::empty("Nothing found so far", "A page looks through a part of a long list. Go on to look through the next part.")),
            (true, false) => (frame::empty("Nothing is left out", "Every record that was read and fits the filter is in the documentation.")),
            (false, _) => (table(visitor, of)),
        }
        (frame::more(&path, &asked.parameters(), list.next.as_deref()))
    };
    frame::page(visitor, Place::Elsewhere, &format!("Unsynced of {}", view.integration), &content)
}

/// How many there are of each reason, as the last run counted; each is a filter.
fn reasons(of: &Unsynced<'_>, path: &str) -> Markup {
    let mut counts: BTreeMap<Reason, u64> = BTreeMap::new();
    for (kind, run) in of.last_run.iter().flat_map(|run| &run.counts) {
        if of.asked.kind.is_none_or(|wanted| wanted == *kind) {
            for (reason, number) in &run.reasons {
                *counts.entry(*reason).or_default() += number;
            }
        }
    }
    let kind = of.asked.kind.map_or("", Kind::code);
    html! {
        @if !counts.is_empty() {
            ul class="chips" aria-label="Reasons in the last run" {
                @for (reason, number) in counts {
                    li {
                        a href=(links::with(path, &[("kind", kind), ("reason", reason.code())])) aria-current=[(of.asked.reason == Some(reason)).then_some("true")] {
                            span class="strong" { (words::count(number)) } " " (reason.text())
                        }
                    }
                }
            }
        }
    }
}

fn table(visitor: &Visitor, of: &Unsynced<'_>) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-label="Unsynced records" {
            table class="unsynced" {
                thead { tr { th { "Record" } th { "Client" } th { "Why" } th { "What to do" } @if visitor.may_decide() { th { "Decide" } } } }
                tbody { @for record in &of.list.items { (row(visitor, of, record)) } }
            }
        }
    }
}

fn row(visitor: &Visitor, of: &Unsynced<'_>, record: &UnsyncedView) -> Markup {
    html! {
        tr {
            td class="wrap" {
                span class="strong" { (words::foreign(&record.name)) } " "
                span class="faint small" { (record.kind) " " } (words::vendor_id(&record.vendor_id))
            }
            td class="wrap" {
                @if let Some(client) = &record.client_vendor_id {
                    (words::foreign(record.client_name.as_deref().unwrap_or(client.as_str())))
                }
            }
            td class="wrap" { (words::foreign(&record.message)) }
            td class="wrap" { (words::foreign(&record.fix)) }
            @if visitor.may_decide() { td class="acts" { (acts(visitor, of, record)) } }
        }
    }
}

/// Where a person decides about the client of a record that waits for it.
fn at_client(of: &Unsynced<'_>, record: &UnsyncedView) -> Option<String> {
    let client = record.client_vendor_id.as_ref()?;
    let name = record.client_name.as_deref().unwrap_or(client.as_str());
    let waits = matches!(record.reason, Reason::ClientUnmatched | Reason::ClientExcluded);
    waits.then(|| links::with(&links::matching(&of.view.integration, Kind::Client), &[("search", name)]))
}

/// Where a person chooses the type of a record that is left out for it.
fn at_types(of: &Unsynced<'_>, record: &UnsyncedView) -> Option<String> {
    let place = if record.kind == Kind::Client { "settings" } else { "types" };
    let path = links::integration(&of.view.integration, "");
    (record.reason == Reason::TypeNotSelected).then(|| format!("{path}#{place}"))
}

/// What can be decided right here: which of the candidates it is, another one, a new one, none. It is staged like any other
/// decision.
fn acts(visitor: &Visitor, of: &Unsynced<'_>, record: &UnsyncedView) -> Markup {
    let id = &of.view.integration;
    let back = back(of);
    let (vendor_id, name) = (record.vendor_id.as_str(), console::shown::shown(&record.name));
    let client = record.client_vendor_id.as_ref().map(|client| client.as_str());
    let is_open =
        matches!(record.reason, Reason::Unmatched | Reason::Excluded | Reason::AmbiguousName | Reason::AmbiguousMatch);
    let one = |word: &str, label: &str| {
        html! { button class="button small" name="one" value={ (word) " " (vendor_id) } aria-label={ (label) " " (name) } { (label) } }
    };
    html! {
        @if let Some(path) = at_client(of, record) { a class="button small" href=(path) aria-label={ "To its client: " (name) } { "To its client" } }
        @if let Some(path) = at_types(of, record) { a class="button small" href=(path) aria-label={ "To the types, for " (name) } { "To the types" } }
        @if is_open {
            form method="post" action=(links::integration(id, "decide")) class="decisions" data-swap="yes" {
                (frame::token(visitor))
                input type="hidden" name="kind" value=(record.kind);
                input type="hidden" name="back" value=(back);
                input type="hidden" name="seen" value={ (record.revision) " " (vendor_id) };
                @if let Some(client) = client { input type="hidden" name="client" value=(client); }
                @if let Some(state) = record.staged { (words::mapping_state(state, true)) " " a href=(links::integration(id, "preview")) { "Preview" } " " (one("reset", "Reset")) }
                @else {
                    @for doc in &record.candidates {
                        @let called = record.candidate_names.get(doc).map_or(doc.as_str(), String::as_str);
                        p class="candidate" {
                            a href=(links::doc(doc)) { (words::foreign(called)) } " "
                            button class="button small main" name="one" value={ "match " (doc) " " (vendor_id) } aria-label={ "Match " (name) " with " (console::shown::shown(called)) } { "Match" }
                        }
                    }
                    a class="button small" href=(links::pick(id, record.kind, vendor_id, client, &back)) data-pick="yes" aria-label={ "Find a match for " (name) } { "Find…" }
                    (one("create", "Create"))
                    @if record.reason != Reason::Excluded { (one("exclude", "Exclude")) }
                }
            }
        }
    }
}

/// The path of this very page.
fn back(of: &Unsynced<'_>) -> String {
    let parameters: Vec<(&str, &str)> =
        of.asked.parameters().into_iter().chain([("cursor", of.asked.cursor.as_str())]).collect();
    links::with(&links::integration(&of.view.integration, "unsynced"), &parameters)
}
