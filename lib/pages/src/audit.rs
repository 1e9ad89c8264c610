//! The audit log: who decided what, and when.

use console::shown::shown;
use console::views::{AuditView, List};
use maud::html;

use crate::frame::{self, Place, Visitor};
use crate::words;

/// What a line's detail says beyond what it is about, which stands beside it.
fn beyond(line: &AuditView) -> &str {
    match line.detail.strip_prefix(line.about.as_str()) {
        Some(rest) if rest.is_empty() || rest.starts_with([',', ':', '.']) => {
            rest.trim_start_matches([',', ':', '.', ' '])
        }
        _ => &line.detail,
    }
}

/// Returns a page of the log, newest first.
pub fn page(visitor: &Visitor, list: &List<AuditView>) -> String {
    let content = html! {
        div class="head" { h1 { "Audit" } }
        p class="lead" { "Every decision, with who made it and when. Newest first." }
        @if list.items.is_empty() {
            (frame::empty("No decisions yet", "What people decide here or on the command line is listed from then on."))
        } @else {
            div class="scroll" tabindex="0" role="region" aria-label="Decisions" {
                table class="stacks" {
                    thead { tr { th { "When" } th { "Who" } th { "What" } th { "About" } th { "Detail" } } }
                    tbody {
                        @for line in &list.items {
                            tr {
                                td class="tight" { (words::instant(line.at, visitor)) }
                                td { (shown(&line.who)) }
                                td class="tight" { (line.what) }
                                td { (shown(&line.about)) }
                                td class="wrap" { (words::foreign(beyond(line))) }
                            }
                        }
                    }
                }
            }
            (frame::more("/audit", &[], list.next.as_deref()))
        }
    };
    frame::page(visitor, Place::Audit, "Audit", &content)
}
