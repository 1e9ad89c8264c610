//! Matching: users, then clients, then preview and Finish. Decisions are staged; nothing is written before Finish.

use std::collections::BTreeMap;

use console::views::{DocView, IntegrationView, List, PlanView, RecordView, SuggestionView};
use console::words::IntegrationState;
use maud::{Markup, html};
use reconcile::mapping::State;
use reconcile::reason::Reason;
use reconcile::record::Kind;

use crate::frame::{self, Doing, Part, Place, Visitor};
use crate::{links, plans, words};

/// A step of the way to Finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Decide(Kind),
    Preview,
}

/// Which records are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Their state; `None` for all.
    pub state: Option<State>,
    /// A part of their name.
    pub search: String,
    /// Where the page begins.
    pub cursor: String,
}

impl Asked {
    /// Returns the parameters of a link that asks the same from the beginning.
    pub fn parameters(&self) -> [(&'static str, &str); 2] {
        [("state", self.state.map_or("", State::code)), ("search", &self.search)]
    }
}

/// What the page of one kind is made of.
#[derive(Debug, Clone, Copy)]
pub struct Matching<'a> {
    /// The integration.
    pub view: &'a IntegrationView,
    /// The kind.
    pub kind: Kind,
    /// Which records are asked for.
    pub asked: &'a Asked,
    /// The records.
    pub records: &'a List<RecordView>,
    /// How many there are in each state, where they are few enough to be counted.
    pub counts: Option<&'a BTreeMap<State, u64>>,
    /// Whether the vendor was read.
    pub was_read: bool,
}

/// The kinds that are matched by hand, users first.
pub fn kinds(view: &IntegrationView) -> Vec<Kind> {
    [Kind::User, Kind::Client].into_iter().filter(|kind| view.sync.contains(kind)).collect()
}

/// The steps from here to Finish.
fn steps(view: &IntegrationView, at: Step) -> Markup {
    let id = &view.integration;
    html! {
        ol class="steps" aria-label="Steps" {
            @for kind in kinds(view) {
                li { a href=(links::matching(id, kind)) aria-current=[(at == Step::Decide(kind)).then_some("step")] { (words::kinds(kind)) } }
            }
            li { a href=(links::integration(id, "preview")) aria-current=[(at == Step::Preview).then_some("step")] { "Preview and finish" } }
        }
    }
}

/// Returns the page of one kind.
pub fn page(visitor: &Visitor, of: &Matching<'_>) -> String {
    let Matching { view, kind, asked, records, .. } = *of;
    let path = links::matching(&view.integration, kind);
    let content = html! {
        (frame::integration_head(view, Part::Matching))
        (steps(view, Step::Decide(kind)))
        @if !of.was_read {
            (frame::empty("The vendor was not read yet", "Read it first; nothing is written by that."))
            @if visitor.may_decide() { (frame::button(visitor, &links::integration(&view.integration, "sync"), "Read the vendor", "button main")) }
        } @else {
            (together(visitor, of))
            (tabs(of, &path))
            form method="get" action=(path) class="filter" role="search" {
                @if let Some(state) = asked.state { input type="hidden" name="state" value=(state); }
                label class="quiet" for="search" { "Search" }
                input id="search" type="search" name="search" value=(asked.search) placeholder="Name or vendor id";
                button class="button" { "Search" }
            }
            @if records.items.is_empty() {
                (frame::empty("Nothing here", "No record has this state, or none fits the search."))
            } @else {
                (table(visitor, of, &path))
                (frame::more(&path, &asked.parameters(), records.next.as_deref()))
            }
        }
    };
    frame::page(visitor, Place::Elsewhere, &format!("{} of {}", words::kinds(kind), view.integration), &content)
}

/// What is done to all records at once, and the way on.
fn together(visitor: &Visitor, of: &Matching<'_>) -> Markup {
    let id = &of.view.integration;
    let next = kinds(of.view).into_iter().skip_while(|kind| *kind != of.kind).nth(1);
    let (onward, label) = match next {
        Some(kind) => (links::matching(id, kind), format!("Next: {}", words::kinds(kind))),
        None => (links::integration(id, "preview"), "Next: preview".to_owned()),
    };
    let act = |deed: &str, label: &str| {
        html! {
            form method="post" action=(links::integration(id, deed)) class="inline" {
                (frame::token(visitor))
                input type="hidden" name="kind" value=(of.kind);
                button class="button" { (label) }
            }
        }
    };
    html! {
        div class="buttons spread" {
            @if visitor.may_decide() {
                (act("auto-match", "Auto-match identical names"))
                (act("create-unmatched", "Create all unmatched"))
            }
            a class="button main" href=(onward) { (label) }
        }
    }
}

fn tabs(of: &Matching<'_>, path: &str) -> Markup {
    let states: [(Option<State>, &str); 5] = [
        (None, "All"),
        (Some(State::Unmatched), "Unmatched"),
        (Some(State::Matched), "Matched"),
        (Some(State::Created), "Created"),
        (Some(State::Excluded), "Excluded"),
    ];
    let number = |state: Option<State>| {
        of.counts.map(|counts| match state {
            Some(state) => counts.get(&state).copied().unwrap_or(0),
            None => counts.values().sum(),
        })
    };
    html! {
        nav class="tabs small" aria-label="States" {
            @for (state, name) in states {
                @let parameters = [("state", state.map_or("", State::code)), ("search", of.asked.search.as_str())];
                a href=(links::with(path, &parameters)) aria-current=[(state == of.asked.state).then_some("page")] {
                    (name) @if let Some(number) = number(state) { " " span class="badge" { (words::count(number)) } }
                }
            }
        }
    }
}

fn table(visitor: &Visitor, of: &Matching<'_>, path: &str) -> Markup {
    let back = links::with(path, &of.asked.parameters());
    html! {
        form method="post" action=(links::integration(&of.view.integration, "decide")) {
            (frame::token(visitor))
            input type="hidden" name="kind" value=(of.kind);
            input type="hidden" name="back" value=(back);
            div class="scroll" tabindex="0" role="region" aria-label="Records" {
                table class="records" {
                    thead {
                        tr {
                            @if visitor.may_decide() { th class="pick" { span class="quiet" { "Pick" } } }
                            th { "At the vendor" } th { "State" } th { "In the documentation" }
                            @if visitor.may_decide() { th { "Decide" } }
                        }
                    }
                    tbody { @for record in &of.records.items { (row(visitor, of, record)) } }
                }
            }
            @if visitor.may_decide() {
                div class="buttons bulk" role="group" aria-label="With the picked records" {
                    span class="faint" { "With the picked ones:" }
                    button class="button" name="all" value="create" { "Create" }
                    button class="button" name="all" value="exclude" { "Exclude" }
                    button class="button" name="all" value="reset" { "Reset" }
                }
            }
        }
    }
}

fn row(visitor: &Visitor, of: &Matching<'_>, record: &RecordView) -> Markup {
    let vendor_id = record.vendor_id.as_str();
    let pick =
        links::with(&format!("{}/pick", links::matching(&of.view.integration, of.kind)), &[("record", vendor_id)]);
    let name = console::shown::shown(&record.name);
    html! {
        tr {
            @if visitor.may_decide() {
                td class="pick" { input type="checkbox" name="record" value=(vendor_id) aria-label={ "Pick " (name) }; }
            }
            td class="wrap" {
                span class="strong" { (words::foreign(&record.name)) } " "
                (words::vendor_id(&record.vendor_id))
                @if record.new { " " (words::pill(frame::Tone::Plain, "New")) }
                @if record.stale { " " (words::pill(frame::Tone::Care, "Gone at the vendor")) }
            }
            td class="tight" { (words::mapping_state(record.state, record.staged)) }
            td class="wrap documented" { (documented(record)) }
            @if visitor.may_decide() {
                td class="acts" {
                    @if record.state == State::Unmatched {
                        @if let Some(suggestion) = &record.suggestion {
                            button class="button small main" name="one" value={ "match " (suggestion.doc_id) " " (vendor_id) } aria-label={ "Match " (name) } { "Match" }
                        }
                        a class="button small" href=(pick) aria-label={ "Find a match for " (name) } { "Find…" }
                        button class="button small" name="one" value={ "create " (vendor_id) } aria-label={ "Create " (name) } { "Create" }
                        button class="button small" name="one" value={ "exclude " (vendor_id) } aria-label={ "Exclude " (name) } { "Exclude" }
                    } @else {
                        button class="button small" name="one" value={ "reset " (vendor_id) } aria-label={ "Reset " (name) } { "Reset" }
                    }
                }
            }
        }
    }
}

/// What it is in the documentation, or could be.
fn documented(record: &RecordView) -> Markup {
    html! {
        @if let Some(doc) = &record.doc_id {
            @if record.state == State::Created && record.staged { span class="faint" { "a new record" } }
            @else { a href=(links::doc(doc)) { (words::foreign(record.doc_name.as_deref().unwrap_or(&record.name))) } }
        } @else if let Some(SuggestionView { name, score, rule, .. }) = &record.suggestion {
            (words::foreign(name)) " "
            span class="faint small" { (format!("{:.0} %", score * 100.0)) ", " (words::rule(*rule)) }
        } @else if let Some(reason) = record.reason.filter(|reason| *reason != Reason::Unmatched) {
            span class="faint" { (reason.text()) }
        }
    }
}

/// Returns the page on which the documentation record of one vendor record is chosen by hand.
pub fn pick(
    visitor: &Visitor,
    view: &IntegrationView,
    record: &RecordView,
    search: &str,
    found: &List<DocView>,
) -> String {
    let (id, kind) = (&view.integration, record.kind);
    let path = format!("{}/pick", links::matching(id, kind));
    let content = html! {
        (frame::integration_head(view, Part::Matching))
        p class="back" { a href=(links::matching(id, kind)) { "Back to " (words::kinds(kind).to_lowercase()) } }
        h2 { "Which record is " (words::foreign(&record.name)) "?" }
        dl class="facts" {
            dt { "Vendor id" } dd { (words::foreign(record.vendor_id.as_str())) }
            @for (field, value) in record.fields.iter() {
                dt { (words::field(field)) } dd { (words::foreign(&value.to_string())) }
            }
        }
        form method="get" action=(path) class="filter" role="search" {
            input type="hidden" name="record" value=(record.vendor_id.as_str());
            label class="quiet" for="search" { "Search the documentation" }
            input id="search" type="search" name="search" value=(search) placeholder="A part of the name or a field";
            button class="button" { "Search" }
        }
        @if found.items.is_empty() {
            (frame::empty("Nothing found", "Search for another part of the name."))
        } @else {
            form method="post" action=(links::integration(id, "decide")) {
                (frame::token(visitor))
                input type="hidden" name="kind" value=(kind);
                input type="hidden" name="back" value=(links::matching(id, kind));
                div class="scroll" tabindex="0" role="region" aria-label="Documentation records" {
                    table {
                        thead { tr { th { "In the documentation" } th { "Sources" } th { "Decide" } } }
                        tbody {
                            @for doc in &found.items {
                                tr {
                                    td class="wrap" { a href=(links::doc(&doc.doc_id)) { (words::foreign(&doc.name)) } }
                                    td class="faint" { (plans::sources(doc)) }
                                    td { @if visitor.may_decide() { button class="button small main" name="one" value={ "match " (doc.doc_id) " " (record.vendor_id) } { "Match" } } }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    frame::page(visitor, Place::Elsewhere, "Find a match", &content)
}

/// Returns the preview: what Finish will do, and the button that does exactly that.
pub fn preview(visitor: &Visitor, view: &IntegrationView, plan: &PlanView, doing: Option<&Doing>) -> String {
    let id = &view.integration;
    let is_live = view.state == IntegrationState::Live;
    let content = html! {
        (frame::integration_head(view, Part::Matching))
        (steps(view, Step::Preview))
        @if let Some(doing) = doing {
            div id="live" data-live="yes" { (frame::doing(id, doing)) }
        } @else if plan.items.is_empty() && is_live {
            (frame::empty("Nothing is staged", "Decisions wait here until they are finished."))
        } @else {
            div class="next" {
                @if plan.items.is_empty() {
                    p { "No decision is staged. Finishing makes the integration live with nothing mapped yet." }
                } @else {
                    (plans::sums(&plan.counts))
                    p class="hint" {
                        "Finish does exactly what is listed below."
                        @if !is_live { " Then the first full sync of the other kinds begins." }
                    }
                }
                @if visitor.may_decide() {
                    form method="post" action=(links::integration(id, "finish")) class="buttons" {
                        (frame::token(visitor))
                        input type="hidden" name="plan" value=(plan.plan_id);
                        button class="button main" { "Finish" }
                    }
                }
            }
            @for of in &plan.consequences {
                p class="notice care" { (words::foreign(&of.client_name)) ": " (words::counted(of.records, of.kind.code())) " below it: " (of.message) "." }
            }
            (plans::items(plan))
            (frame::more(&links::integration(id, "preview"), &[], plan.next.as_deref()))
        }
    };
    frame::page(visitor, Place::Elsewhere, &format!("Preview of {id}"), &content)
}
