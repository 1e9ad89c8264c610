//! The preview: what Finish will do, record by record and field by field, and the button that does exactly that.

use console::views::{IntegrationView, PlanView};
use console::words::IntegrationState;
use maud::{Markup, html};

use crate::frame::{self, Doing, Part, Place, Visitor};
use crate::matching::{Step, steps};
use crate::{links, plans, words};

/// Returns the page.
pub fn page(visitor: &Visitor, view: &IntegrationView, plan: &PlanView, doing: Option<&Doing>) -> String {
    let id = &view.integration;
    let is_live = view.state == IntegrationState::Live;
    let content = html! {
        (frame::integration_head(view, Part::Matching))
        (steps(view, Step::Preview))
        @if let Some(doing) = doing {
            div id="live" data-live="yes" { (frame::doing(visitor, id, doing)) }
        } @else if plan.items.is_empty() && is_live {
            (frame::empty("Nothing is staged", "Decisions wait here until they are finished."))
        } @else {
            (finish(visitor, view, plan))
            @for of in &plan.consequences {
                p class="notice care" { (words::foreign(&of.client_name)) ": " (words::counted(of.records, of.kind.code())) " below it: " (of.message) "." }
            }
            (plans::items(plan))
            (frame::more(&links::integration(id, "preview"), &[], plan.next.as_deref()))
        }
    };
    frame::page(visitor, Place::Elsewhere, &format!("Preview of {id}"), &content)
}

/// How much it is, and the button.
fn finish(visitor: &Visitor, view: &IntegrationView, plan: &PlanView) -> Markup {
    let id = &view.integration;
    let is_live = view.state == IntegrationState::Live;
    html! {
        div class="next" {
            @if plan.items.is_empty() {
                p { "No decision is staged. Finishing makes the integration live with nothing mapped yet." }
            } @else {
                (plans::sums(&plan.counts))
                p class="hint" {
                    "Finish does exactly what is listed below, and nothing if any of it has changed by then."
                    @if !is_live { " Then the first full sync of the other kinds begins." }
                    @if let (false, Some(cost)) = (is_live, &view.expected_cost) {
                        " It takes about " (words::counted(cost.vendor_requests, "vendor request")) ", " (words::duration(cost.seconds)) " at the vendor's limit."
                    }
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
    }
}
