//! Runs: how the last ones went, and one of them whole.

use std::collections::BTreeMap;

use console::views::{IntegrationView, List, RunView};
use maud::{Markup, html};
use reconcile::plan::Counts;
use reconcile::record::Kind;

use crate::frame::{self, Doing, Part, Place, Visitor};
use crate::{home, links, words};

/// Returns an integration's runs, newest first.
pub fn list(visitor: &Visitor, view: &IntegrationView, list: &List<RunView>) -> String {
    let content = html! {
        (frame::integration_head(view, Part::Runs))
        @if list.items.is_empty() {
            (frame::empty("No runs yet", "The first one reads the vendor and writes nothing."))
        } @else {
            (chart(&list.items))
            div class="scroll" tabindex="0" role="region" aria-label="Runs" {
                table {
                    thead {
                        tr {
                            th { "Began" } th { "Why" } th { "Outcome" } th class="number" { "Took" }
                            th class="number" { "Fetched" } th class="number" { "Synced" } th class="number" { "Created" }
                            th class="number" { "Updated" } th class="number" { "Unsynced" } th class="number" { "Requests" }
                        }
                    }
                    tbody {
                        @for run in &list.items {
                            @let sum = |of: fn(&Counts) -> u64| words::count(run.counts.values().map(of).sum());
                            tr {
                                td class="tight" { a href=(links::run(&run.run_id)) { (words::instant(run.started_at, visitor)) } }
                                td class="tight" { (words::trigger(run.trigger)) }
                                td { (words::outcome(run.outcome)) }
                                td class="number" { @if let Some(ended) = run.finished_at { (words::between(run.started_at, ended)) } }
                                td class="number" { (sum(|of| of.fetched)) }
                                td class="number" { (sum(|of| of.synced)) }
                                td class="number" { (sum(|of| of.created)) }
                                td class="number" { (sum(|of| of.updated)) }
                                td class="number" { (sum(|of| of.unsynced)) }
                                td class="number" { (words::count(run.vendor_requests)) }
                            }
                        }
                    }
                }
            }
            (frame::more(&links::integration(&view.integration, "runs"), &[], list.next.as_deref()))
        }
    };
    frame::page(visitor, Place::Elsewhere, &format!("Runs of {}", view.integration), &content)
}

/// So many runs are drawn.
const DRAWN_MAX: usize = 30;

/// Synced and unsynced records, run by run, oldest first.
fn chart(runs: &[RunView]) -> Markup {
    let sum = |run: &RunView, of: fn(&Counts) -> u64| run.counts.values().map(of).sum::<u64>();
    let drawn: Vec<(u64, u64)> =
        runs.iter().take(DRAWN_MAX).rev().map(|run| (sum(run, |of| of.synced), sum(run, |of| of.fetched))).collect();
    let highest = drawn.iter().map(|(_, fetched)| *fetched).max().unwrap_or(0);
    html! {
        @if drawn.len() > 1 && highest > 0 {
            figure class="chart" {
                svg viewBox={ "0 0 " (drawn.len() * 12) " 48" } role="img" aria-label="Fetched and synced records, run by run" {
                    @for (at, (synced, fetched)) in drawn.iter().enumerate() {
                        @let (all, part) = (fetched * 48 / highest, synced * 48 / highest);
                        rect class="all" x=(at * 12) y=(48 - all) width="10" height=(all) {}
                        rect class="part" x=(at * 12) y=(48 - part) width="10" height=(part) {}
                    }
                }
                figcaption class="faint small" { "Fetched, and of those synced, over the last " (drawn.len()) " runs" }
            }
        }
    }
}

/// Returns one run.
pub fn page(visitor: &Visitor, view: &IntegrationView, run: &RunView, doing: Option<&Doing>) -> String {
    let content = html! {
        (frame::integration_head(view, Part::Runs))
        div class="head" { h2 { (words::trigger(run.trigger)) } (words::outcome(run.outcome)) }
        @if let Some(doing) = doing.filter(|_| run.outcome.is_none()) {
            div id="live" data-live="yes" { (frame::doing(&view.integration, doing)) }
        }
        dl class="facts" {
            dt { "Began" } dd { (words::instant(run.started_at, visitor)) }
            @if let Some(ended) = run.finished_at {
                dt { "Ended" } dd { (words::instant(ended, visitor)) ", after " (words::between(run.started_at, ended)) }
            }
            dt { "Vendor requests" } dd { (words::count(run.vendor_requests)) }
            @if let Some(plan) = &run.plan_id { dt { "Plan" } dd { a href=(links::plan(plan)) { "What it changed, record by record" } } }
        }
        (counts(&run.counts, view))
        @if !run.notes.is_empty() {
            section aria-labelledby="log" {
                h2 id="log" { "Log" }
                ol class="log" { @for note in &run.notes { li { (words::foreign(note)) } } }
            }
        }
    };
    frame::page(visitor, Place::Elsewhere, "Run", &content)
}

fn counts(counts: &BTreeMap<Kind, Counts>, view: &IntegrationView) -> Markup {
    let id = &view.integration;
    html! {
        div class="scroll" tabindex="0" role="region" aria-label="Counts" {
            table {
                thead {
                    tr {
                        th { "Kind" } th class="number" { "Fetched" } th class="number" { "Synced" } th { span class="quiet" { "Share" } }
                        th class="number" { "Created" } th class="number" { "Matched" } th class="number" { "Updated" }
                        th class="number" { "Unchanged" } th class="number" { "Unsynced" } th { "Why" }
                    }
                }
                tbody {
                    @for (kind, of) in counts {
                        tr {
                            td { (words::kinds(*kind)) }
                            td class="number" { (words::count(of.fetched)) }
                            td class="number" { (words::count(of.synced)) }
                            td { (home::bar(of)) }
                            td class="number" { (words::count(of.created)) }
                            td class="number" { (words::count(of.matched)) }
                            td class="number" { (words::count(of.updated)) }
                            td class="number" { (words::count(of.unchanged)) }
                            td class="number" { (words::count(of.unsynced)) }
                            td class="wrap" {
                                @for (at, (reason, number)) in of.reasons.iter().enumerate() {
                                    @if at > 0 { br; }
                                    a href=(links::with(&links::integration(id, "unsynced"), &[("kind", kind.code()), ("reason", reason.code())])) {
                                        (words::count(*number)) " " (reason.text())
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
