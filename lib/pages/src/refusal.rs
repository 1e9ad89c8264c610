//! What stands where a page cannot be: not let in, not found, not allowed, not possible.

use console::error::{Code, ConsoleError};
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

/// The page of somebody who has to sign in with the MSP's own provider; `path` leads there.
pub fn sign_in(path: &str) -> String {
    frame::bare(
        "Sign in",
        &html! {
            h1 { "msp-sync" }
            p { "Sign in with your organisation's account." }
            p { a class="button main" href=(path) { "Sign in" } }
        },
    )
}

/// The page of a sign-in that came to nothing; `path` begins another.
pub fn sign_in_failed(why: &str, hint: &str, path: &str) -> String {
    frame::bare(
        "Not signed in",
        &html! {
            h1 { "You are not signed in" }
            p { (shown(why)) }
            @if !hint.is_empty() { p class="hint" { (shown(hint)) } }
            p { a class="button" href=(path) { "Sign in again" } }
        },
    )
}

/// The page of somebody who went; `path` lets somebody else sign in, and `elsewhere` ends the session that the
/// organisation's sign-in keeps by itself. It is a link: whoever follows it is signed out of other programs, too.
pub fn signed_out(path: &str, elsewhere: Option<&str>) -> String {
    frame::bare(
        "Signed out",
        &html! {
            h1 { "You are signed out" }
            @match elsewhere {
                Some(page) => {
                    p { "This browser has no access to msp-sync any more." }
                    p class="hint" { "Your organisation's own sign-in may still be open in it. Ending that signs you out of everything that uses it." }
                    p class="buttons" {
                        a class="button main" href=(path) { "Sign in" }
                        a class="button" href=(page) { "Sign out of the organisation, too" }
                    }
                }
                None => {
                    p { "This browser has no access any more. Your organisation's own sign-in may still be open in it." }
                    p { a class="button" href=(path) { "Sign in" } }
                }
            }
        },
    )
}

/// The page of a console that nobody can sign in to yet.
pub fn sign_in_not_set_up() -> String {
    frame::bare(
        "Not set up",
        &html! {
            h1 { "Sign-in is not set up" }
            p {
                "Deploy the stack with the parameters " code { "SignInIssuer" } " and " code { "SignInClientId" }
                " of your OpenID Connect provider, and this page lets your people in."
            }
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

/// Returns what an error is called on its page.
fn heading(code: Code) -> &'static str {
    match code {
        Code::NotFound => "Not found",
        Code::Forbidden => "You may not do that",
        Code::Busy => "Busy at the moment",
        Code::Unavailable => "Out of reach at the moment",
        _ => "That did not work",
    }
}

/// The page of an error.
pub fn error(visitor: &Visitor, error: &ConsoleError) -> String {
    frame::page(
        visitor,
        Place::Elsewhere,
        heading(error.code),
        &html! {
            div class="empty" {
                h1 { (heading(error.code)) }
                p { (shown(&error.message)) }
                @if !error.hint.is_empty() { p class="hint" { (shown(&error.hint)) } }
                p { a class="button" href="/" { "To the integrations" } }
            }
        },
    )
}
