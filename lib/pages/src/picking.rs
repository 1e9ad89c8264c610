//! Choosing by hand which documentation record a vendor record is.
//!
//! The page works by itself; with script the same part of it opens above the list that it was asked from, and is searched
//! while one types.

use console::views::{CandidateView, CandidatesView, IntegrationView};
use maud::{Markup, html};

use crate::frame::{self, Part, Place, Visitor};
use crate::{links, words};

/// What the page is made of.
#[derive(Debug, Clone, Copy)]
pub struct Picking<'a> {
    /// The integration.
    pub view: &'a IntegrationView,
    /// The record with what it could be.
    pub candidates: &'a CandidatesView,
    /// What was searched for; empty for the nearest ones.
    pub search: &'a str,
    /// The page that one comes from and goes back to.
    pub back: &'a str,
}

/// Returns the page.
pub fn page(visitor: &Visitor, of: &Picking<'_>) -> String {
    let Picking { view, candidates, search, back } = *of;
    let (id, record) = (&view.integration, &candidates.record);
    let content = html! {
        (frame::integration_head(view, Part::Matching))
        p class="back" { a href=(back) { "Back to the list" } }
        div id="pick" {
            h2 id="pick-title" { "Which record is " (words::foreign(&record.name)) "?" }
            details {
                summary { "What the vendor has" }
                dl class="facts" {
                    dt { "Vendor id" } dd { (words::foreign(record.vendor_id.as_str())) }
                    @for (field, value) in record.fields.iter() {
                        dt { (words::field(field)) } dd { (words::foreign(&value.to_string())) }
                    }
                }
            }
            form method="get" action=(links::integration(id, &format!("match/{}/pick", record.kind))) class="filter" role="search" data-find="yes" {
                input type="hidden" name="record" value=(record.vendor_id.as_str());
                @if let Some(client) = &record.client_vendor_id { input type="hidden" name="client" value=(client.as_str()); }
                input type="hidden" name="back" value=(back);
                label class="quiet" for="find" { "Search the documentation" }
                input id="find" type="search" name="search" value=(search) placeholder="Search the documentation" autocomplete="off" aria-controls="found";
                button class="button" { "Search" }
            }
            div id="found" role="status" { (found(visitor, of)) }
        }
    };
    frame::page(visitor, Place::Elsewhere, "Find a match", &content)
}

/// The records that were found, each with its button.
fn found(visitor: &Visitor, of: &Picking<'_>) -> Markup {
    let Picking { view, candidates, search, back } = *of;
    let record = &candidates.record;
    html! {
        @if candidates.items.is_empty() {
            p class="faint" { (if search.is_empty() { "No name comes near. Search for a part of the one you mean." } else { "No record that is free holds that text." }) }
        } @else {
            p class="faint small" { (if search.is_empty() { "The nearest names:" } else { "Found:" }) }
            @let list = html! { ul class="found" { @for one in &candidates.items { (candidate(visitor, of, one)) } } };
            @if visitor.may_decide() {
                form method="post" action=(links::integration(&view.integration, "decide")) data-swap="yes" {
                    (frame::token(visitor))
                    input type="hidden" name="kind" value=(record.kind);
                    input type="hidden" name="back" value=(back);
                    input type="hidden" name="seen" value={ (record.revision) " " (record.vendor_id) };
                    @if let Some(client) = &record.client_vendor_id { input type="hidden" name="client" value=(client.as_str()); }
                    (list)
                }
            } @else { (list) }
            @if candidates.more { p class="faint small" { "There are more. Type more of the name." } }
        }
    }
}

fn candidate(visitor: &Visitor, of: &Picking<'_>, one: &CandidateView) -> Markup {
    let name = console::shown::shown(&one.name);
    html! {
        li {
            div class="wrap" {
                a href=(links::doc(&one.doc_id)) { (words::foreign(&one.name)) }
                @if !one.detail.is_empty() { " " span class="faint small" { (words::foreign(&one.detail)) } }
                @if let (Some(score), Some(rule)) = (one.score, one.rule) { " " span class="faint small" { (words::score(score)) ", " (words::rule(rule)) } }
            }
            @if visitor.may_decide() {
                button class="button small main" name="one" value={ "match " (one.doc_id) " " (of.candidates.record.vendor_id) } aria-label={ "Match with " (name) } { "Match" }
            }
        }
    }
}
