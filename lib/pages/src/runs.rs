//! Runs: how the last ones went, and one of them whole.

use std::collections::BTreeMap;

use console::views::{IntegrationView, List, RunView};
use console::words::Outcome;
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
            (chart(visitor, &list.items))
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
const DRAWN_MAX: usize = 40;
/// How wide one run is drawn, and how high the tallest.
const BAR: (usize, u64) = (14, 64);

/// What one run is drawn from.
struct Drawn<'a> {
    run: &'a RunView,
    fetched: u64,
    synced: u64,
    seconds: u64,
}

impl<'a> Drawn<'a> {
    fn of(run: &'a RunView) -> Self {
        let sum = |of: fn(&Counts) -> u64| run.counts.values().map(of).sum::<u64>();
        let took = run.finished_at.map(|ended| ended.duration_since(run.started_at).as_secs());
        let seconds = took.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0);
        Self { run, fetched: sum(|of| of.fetched), synced: sum(|of| of.synced), seconds }
    }
}

/// Counts and duration, run by run, oldest first. The same stands in the table below, so that nobody needs the picture.
fn chart(visitor: &Visitor, runs: &[RunView]) -> Markup {
    let drawn: Vec<Drawn<'_>> = runs.iter().take(DRAWN_MAX).rev().map(Drawn::of).collect();
    let most = drawn.iter().map(|one| one.fetched).max().unwrap_or(0);
    let longest = drawn.iter().map(|one| one.seconds).max().unwrap_or(0).max(1);
    let (wide, high) = BAR;
    let width = drawn.len() * wide;
    html! {
        @if drawn.len() > 1 && most > 0 {
            div class="charts" {
                figure class="chart" {
                    figcaption { span class="key all" {} " fetched " span class="key part" {} " synced, at most " (words::count(most)) }
                    svg viewBox={ "0 0 " (width) " " (high) } width=(width) height=(high) role="img" aria-label={ "Records fetched and synced in the last " (drawn.len()) " runs" } {
                        @for (at, one) in drawn.iter().enumerate() {
                            @let (all, part) = ((one.fetched * high).div_ceil(most), (one.synced * high).div_ceil(most));
                            g {
                                title { (words::day(one.run.started_at, visitor)) ": " (words::count(one.synced)) " of " (words::count(one.fetched)) " synced" }
                                rect class="all" x=(at * wide) y=(high - all) width=(wide - 3) height=(all) {}
                                rect class="part" x=(at * wide) y=(high - part) width=(wide - 3) height=(part) {}
                            }
                        }
                    }
                }
                figure class="chart" {
                    figcaption { span class="key part" {} " duration, at most " (words::duration(longest)) }
                    svg viewBox={ "0 0 " (width) " " (high) } width=(width) height=(high) role="img" aria-label={ "Duration of the last " (drawn.len()) " runs" } {
                        @for (at, one) in drawn.iter().enumerate() {
                            @let part = (one.seconds * high).div_ceil(longest).max(1);
                            g {
                                title { (words::day(one.run.started_at, visitor)) ": " (words::duration(one.seconds)) }
                                rect class="part" x=(at * wide) y=(high - part) width=(wide - 3) height=(part) {}
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Returns one run.
pub fn page(visitor: &Visitor, view: &IntegrationView, run: &RunView, doing: Option<&Doing>) -> String {
    let is_open = run.outcome.is_none();
    let content = html! {
        (frame::integration_head(view, Part::Runs))
        p class="back" { a href=(links::integration(&view.integration, "runs")) { "All runs" } }
        div class="head" { h2 { (words::trigger(run.trigger)) } (words::outcome(run.outcome)) }
        div id="live" data-live=[is_open.then_some("yes")] {
            @if is_open {
                @match doing {
                    Some(doing) => (frame::doing(visitor, &view.integration, doing)),
                    None => (home::progress(visitor, run)),
                }
            }
            dl class="facts" {
                dt { "Began" } dd { (words::instant(run.started_at, visitor)) }
                @if let Some(ended) = run.finished_at {
                    dt { "Ended" } dd { (words::instant(ended, visitor)) ", after " (words::between(run.started_at, ended)) }
                }
                dt { "Vendor requests" } dd { (words::count(run.vendor_requests)) (pace(run)) }
                @if let Some(plan) = &run.plan_id {
                    @let does = if run.outcome == Some(Outcome::Held) { "What it would change" } else { "What it changed" };
                    dt { "Plan" } dd { a href=(links::plan(plan)) { (does) ", record by record" } }
                }
            }
            @if !run.counts.is_empty() { (counts(&run.counts, view)) }
            (log(visitor, run))
        }
    };
    frame::page(visitor, Place::Elsewhere, "Run", &content)
}

/// How many requests a minute a run made.
fn pace(run: &RunView) -> Markup {
    let took = run.finished_at.map(|ended| ended.duration_since(run.started_at).as_secs());
    let seconds = took.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
    html! { @if let Some(seconds) = seconds { ", " (words::count(run.vendor_requests * 60 / seconds)) " a minute" } }
}

/// What is to be known about it, each line with its instant where it has one.
fn log(visitor: &Visitor, run: &RunView) -> Markup {
    let dated: Vec<&str> = run.log.iter().map(|line| line.text.as_str()).collect();
    let undated: Vec<&String> = run.notes.iter().filter(|note| !dated.contains(&note.as_str())).collect();
    html! {
        section aria-labelledby="log" {
            h2 id="log" { "Log" }
            @if run.log.is_empty() && undated.is_empty() {
                p class="faint" { "Nothing out of the ordinary." }
            } @else {
                ol class="log" {
                    @for line in &run.log { li { span class="faint small" { (words::clock(line.at, visitor)) } " " (words::foreign(&line.text)) } }
                    @for note in undated { li { (words::foreign(note)) } }
                }
            }
        }
    }
}

fn counts(counts: &BTreeMap<Kind, Counts>, view: &IntegrationView) -> Markup {
    let all = together(counts);
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
                tbody { @for (kind, of) in counts { (row(view, Some(*kind), of)) } }
                @if counts.len() > 1 { tfoot { (row(view, None, &all)) } }
            }
        }
        p class="hint" {
            (words::count(all.fetched)) " fetched = " (words::count(all.synced)) " synced + " (words::count(all.unsynced)) " unsynced; "
            (words::count(all.synced)) " synced = " (words::count(all.created)) " created + " (words::count(all.matched)) " matched + "
            (words::count(all.updated)) " updated + " (words::count(all.unchanged)) " unchanged."
        }
    }
}

/// Adds up what the kinds came to, whatever they came to: a page shows what is stored.
fn together(counts: &BTreeMap<Kind, Counts>) -> Counts {
    let sum = |of: fn(&Counts) -> u64| counts.values().map(of).sum();
    Counts {
        fetched: sum(|of| of.fetched),
        synced: sum(|of| of.synced),
        created: sum(|of| of.created),
        matched: sum(|of| of.matched),
        updated: sum(|of| of.updated),
        unchanged: sum(|of| of.unchanged),
        excluded: sum(|of| of.excluded),
        unsynced: sum(|of| of.unsynced),
        // They stand with the kinds, each a link to its list.
        reasons: BTreeMap::new(),
    }
}

/// The counts of one kind, or of all.
fn row(view: &IntegrationView, kind: Option<Kind>, of: &Counts) -> Markup {
    let unsynced = links::integration(&view.integration, "unsynced");
    html! {
        tr {
            th scope="row" { (kind.map_or("All", words::kinds)) }
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
                    a href=(links::with(&unsynced, &[("kind", kind.map_or("", Kind::code)), ("reason", reason.code())])) {
                        (words::count(*number)) " " (reason.text())
                    }
                }
            }
        }
    }
}
