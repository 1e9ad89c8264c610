//! What stands where a page cannot be: not let in, not found, not allowed, not possible.

use console::error::ConsoleError;
use console::shown::shown;
use maud::html;

use crate::frame::{self, Place, Visitor};

/// The page of somebody without a session.
pub fn not_signed_in() -> String {
    frame::bare(
        "Sign in",
        &html! {
            h1 { "You are not signed in" }
            p { "Open the link that " code { "msp-sync" } " printed in its terminal when it started. It works once; after that this browser is remembered until the program ends." }
            p class="hint" { "Used it already, in another browser? The terminal shows a new link each time one is used." }
        },
    )
}

/// The page of a request that no page of ours can have sent.
pub fn turned_away(why: &str) -> String {
    frame::bare(
        "Turned away",
        &html! {
            h1 { "Turned away" }
            p { (why) }
            p class="hint" { "Nothing was changed." }
            p { a class="button" href="/" { "To the integrations" } }
        },
    )
}

/// The page of an error.
pub fn error(visitor: &Visitor, error: &ConsoleError) -> String {
    frame::page(
        visitor,
        Place::Elsewhere,
        "Not possible",
        &html! {
            div class="empty" {
                h1 { "That did not work" }
                p { (shown(&error.message)) }
                @if !error.hint.is_empty() { p class="hint" { (shown(&error.hint)) } }
                p { a class="button" href="/" { "To the integrations" } }
            }
        },
    )
}
