//! Plans: what is going to happen, or has happened, record by record.

use console::views::{DocView, IntegrationView, List, PlanCounts, PlanItemView, PlanSummary, PlanView};
use console::words::PlanState;
use maud::{Markup, html};
use reconcile::plan::{Action, Change, Rule};
use reconcile::record::Value;

use crate::frame::{self, Doing, Part, Place, Visitor};
use crate::{links, words};

/// Returns an integration's plans.
pub fn list(visitor: &Visitor, view: &IntegrationView, list: &List<PlanSummary>) -> String {
    let content = html! {
        (frame::integration_head(view, Part::Plans))
        @if list.items.is_empty() {
            (frame::empty("No plans yet", "A sync or a finish makes one."))
        } @else {
            div class="scroll" tabindex="0" role="region" aria-label="Plans" {
                table class="stacks" {
                    thead { tr { th { "Plan" } th { "State" } th { "Made" } th { "By" } th { "What it does" } } }
                    tbody {
                        @for plan in &list.items {
                            tr {
                                td class="tight" { a href=(links::plan(&plan.plan_id)) { (short(plan.plan_id.as_str())) } }
                                td { (words::plan_state(plan.state)) }
                                td class="tight" { @if let Some(at) = plan.created_at { (words::instant(at, visitor)) } }
                                td { @match &plan.run_id { Some(run) => a href=(links::run(run)) { "a run" }, None => "Finish" } }
                                td class="wrap" { (sums(&plan.counts)) }
                            }
                        }
                    }
                }
            }
            (frame::more(&links::integration(&view.integration, "plans"), &[], list.next.as_deref()))
        }
    };
    frame::page(visitor, Place::Elsewhere, &format!("Plans of {}", view.integration), &content)
}

/// The part of a plan's id that tells it from the others of its integration.
fn short(id: &str) -> &str {
    let digest = id.rsplit('.').next().unwrap_or(id);
    digest.get(..12).unwrap_or(digest)
}

/// Returns one plan.
pub fn page(visitor: &Visitor, view: &IntegrationView, plan: &PlanView, doing: Option<&Doing>) -> String {
    let path = links::plan(&plan.plan_id);
    let content = html! {
        (frame::integration_head(view, Part::Plans))
        div class="head" { h2 { "Plan " (short(plan.plan_id.as_str())) } (words::plan_state(plan.state)) }
        p class="faint" {
            @if let Some(at) = plan.created_at { "Made " (words::instant(at, visitor)) " " }
            @match &plan.run_id { Some(run) => { "by a " a href=(links::run(run)) { "run" } "." }, None => "by Finish." }
        }
        @if let Some(doing) = doing {
            div id="live" data-live="yes" { (frame::doing(visitor, &view.integration, doing)) }
        } @else {
            div class="next" {
                (sums(&plan.counts))
                @let held = if plan.state == PlanState::Held { "Held: " } else { "It was held: " };
                @for line in &plan.held_because { p { (held) (words::foreign(line)) } }
                @if visitor.may_decide() { (acts(visitor, plan, &path)) }
            }
        }
        (items(plan))
        (frame::more(&path, &[], plan.next.as_deref()))
    };
    frame::page(visitor, Place::Elsewhere, "Plan", &content)
}

/// What it is about in the documentation.
fn documented(item: &PlanItemView) -> Markup {
    html! {
        @match (&item.doc_id, &item.doc_name) {
            (Some(doc), Some(name)) => a href=(links::doc(doc)) { (words::foreign(name)) },
            (Some(_), None) if item.action == Action::Create => span class="faint" { "a new record" },
            (Some(doc), None) => span class="faint small" { (doc) },
            (None, _) => {}
        }
    }
}

fn acts(visitor: &Visitor, plan: &PlanView, path: &str) -> Markup {
    html! {
        @match plan.state {
            PlanState::Held => {
                form method="post" action={ (path) "/approve" } class="sheet" {
                    (frame::token(visitor))
                    (confirmation(plan, "To approve or discard it"))
                    div class="buttons" {
                        button class="button main" { "Approve" }
                        button class="button" formaction={ (path) "/discard" } { "Discard" }
                    }
                    p class="hint" { "Approving carries it out at once. Discarding writes nothing; the next run plans anew." }
                }
            }
            PlanState::Staged => {
                div class="buttons" { a class="button main" href=(links::integration(&plan.integration, "preview")) { "Preview and finish" } }
                form method="post" action={ (path) "/discard" } class="sheet" {
                    (frame::token(visitor))
                    (confirmation(plan, "To discard it with its decisions"))
                    div class="buttons" { button class="button" { "Discard" } }
                }
            }
            // Nothing was done that could be undone.
            PlanState::Applied if plan.items.is_empty() => {}
            PlanState::Applied => div class="buttons" { (frame::button(visitor, &format!("{path}/undo"), "Undo where nothing changed since", "button")) },
            PlanState::Discarded | PlanState::Outdated | PlanState::Undone => {}
        }
    }
}

/// The field that says that one means it.
fn confirmation(plan: &PlanView, why: &str) -> Markup {
    html! {
        div class="field" {
            label for="confirm" { (why) ", type " strong { (plan.integration) } }
            input id="confirm" name="confirm" required autocomplete="off" autocapitalize="none" spellcheck="false";
        }
    }
}

/// Returns how much a plan does.
pub fn sums(counts: &PlanCounts) -> Markup {
    let parts = [
        (counts.create, "to create"),
        (counts.matched, "to match"),
        (counts.exclude, "to exclude"),
        (counts.update, "to update"),
        (counts.stale, "to mark stale"),
        (counts.returned, "back again"),
        (counts.archive, "to archive"),
        (counts.detach, "to detach"),
        (counts.reset, "to reset"),
    ];
    html! {
        ul class="sums" {
            @for (number, word) in parts.iter().filter(|(number, _)| *number > 0) {
                li { span class="strong" { (words::count(*number)) } " " (word) }
            }
            @if parts.iter().all(|(number, _)| *number == 0) { li { "nothing to do" } }
        }
    }
}

/// Returns what a plan does, item by item.
pub fn items(plan: &PlanView) -> Markup {
    html! {
        @if !plan.items.is_empty() {
            div class="scroll" tabindex="0" role="region" aria-label="What the plan does" {
                table class="stacks" {
                    thead { tr { th { "Action" } th { "Kind" } th { "At the vendor" } th { "In the documentation" } th { "Changes" } } }
                    tbody {
                        @for item in &plan.items {
                            tr {
                                td class="tight" { (words::action(item.action)) }
                                td { (item.kind) }
                                td class="wrap" { (words::foreign(&item.name)) " " (words::vendor_id(&item.vendor_id)) }
                                td class="wrap" {
                                    (documented(item))
                                    @if let Some(rule) = item.rule.filter(|rule| *rule != Rule::Decision) { " " span class="faint small" { (words::rule(rule)) } }
                                }
                                td class="wrap" { (changes(&item.changes)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Returns what changes, field by field.
pub(crate) fn changes(changes: &[Change]) -> Markup {
    let side = |value: &Option<Value>| value.as_ref().map(|value| html! { (words::foreign(&value.to_string())) });
    html! {
        @if !changes.is_empty() {
            details {
                summary { (words::counted(changes.len() as u64, "field")) }
                dl class="facts small" {
                    @for change in changes {
                        dt { (words::field(change.field)) }
                        dd {
                            @if let Some(from) = side(&change.from) { del { (from) } " " }
                            @match side(&change.to) { Some(to) => ins { (to) }, None => span class="faint" { "nothing" } }
                        }
                    }
                }
            }
        }
    }
}

/// Returns the integrations that a documentation record comes from.
pub fn sources(doc: &DocView) -> String {
    let mut names: Vec<&str> = doc.sources.iter().map(|source| source.integration.as_str()).collect();
    names.dedup();
    if names.is_empty() { "by hand".to_owned() } else { names.join(", ") }
}
