//! What is not in the documentation, and why: the list that a service desk works off.

use std::collections::BTreeMap;

use console::views::{IntegrationView, List, RunView, UnsyncedView};
use maud::{Markup, html};
use reconcile::ids::VendorId;
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
    /// The names of the clients that they belong to.
    pub clients: &'a BTreeMap<VendorId, String>,
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
            a class="button quietly" href=(links::integration(&view.integration, "unsynced.csv")) { "Download all as CSV" }
        }
        @if list.items.is_empty() {
            (frame::empty("Nothing is left out", "Every record that was read and fits the filter is in the documentation."))
        } @else {
            (table(visitor, of, &links::with(&path, &asked.parameters())))
            (frame::more(&path, &asked.parameters(), list.next.as_deref()))
        }
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

fn table(visitor: &Visitor, of: &Unsynced<'_>, back: &str) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-label="Unsynced records" {
            table {
                thead { tr { th { "Record" } th { "Kind" } th { "Client" } th { "Why" } th { "What to do" } } }
                tbody {
                    @for record in &of.list.items {
                        tr {
                            td class="wrap" {
                                span class="strong" { (words::foreign(&record.name)) } " "
                                (words::vendor_id(&record.vendor_id))
                            }
                            td { (record.kind) }
                            td class="wrap" {
                                @if let Some(client) = &record.client_vendor_id {
                                    (words::foreign(of.clients.get(client).map_or(client.as_str(), String::as_str)))
                                }
                            }
                            td class="wrap" { (words::foreign(&record.message)) }
                            td class="wrap" {
                                (words::foreign(&record.fix)) " "
                                @if let Some(path) = decided_at(of, record) { a href=(path) { "Decide" } }
                                (candidates(visitor, of.view, record, back))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Where a person decides about it, or about its client.
fn decided_at(of: &Unsynced<'_>, record: &UnsyncedView) -> Option<String> {
    let at = |kind, name: &str| links::with(&links::matching(&of.view.integration, kind), &[("search", name)]);
    match record.reason {
        Reason::ClientUnmatched | Reason::ClientExcluded => {
            let client = record.client_vendor_id.as_ref()?;
            Some(at(Kind::Client, of.clients.get(client).map_or(client.as_str(), String::as_str)))
        }
        Reason::Unmatched | Reason::Excluded | Reason::AmbiguousName if !record.kind.is_below_client() => {
            Some(at(record.kind, &record.name))
        }
        _ => None,
    }
}

/// The documentation records that fit, to be chosen among.
fn candidates(visitor: &Visitor, view: &IntegrationView, record: &UnsyncedView, back: &str) -> Markup {
    html! {
        @if !record.candidates.is_empty() {
            form method="post" action=(links::integration(&view.integration, "decide")) class="candidates" {
                (frame::token(visitor))
                input type="hidden" name="kind" value=(record.kind);
                input type="hidden" name="back" value=(back);
                @for doc in &record.candidates {
                    p {
                        a href=(links::doc(doc)) { (doc) } " "
                        @if visitor.may_decide() {
                            button class="button small" name="one" value={ "match " (doc) " " (record.vendor_id) } { "Match" }
                        }
                    }
                }
            }
        }
    }
}
