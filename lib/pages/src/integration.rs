//! One integration: what to do next, what the vendor said, settings, switches, schedule, secret, pause.

use apis::account::COMMON_SETTINGS;
use apis::feed::Vendor;
use console::shown::shown;
use console::views::{IntegrationView, TypeView, VerifyView};
use console::words::IntegrationState;
use maud::{Markup, html};
use reconcile::record::Kind;

use crate::frame::{self, Doing, Part, Place, Tone, Visitor};
use crate::{adding, links, words};

/// What the page of an integration is made of.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    /// The integration.
    pub view: &'a IntegrationView,
    /// Its vendor.
    pub vendor: &'a Vendor,
    /// Its configuration types; `None` where the vendor has none.
    pub types: Option<&'a [TypeView]>,
    /// What the vendor has just said.
    pub verdict: Option<&'a VerifyView>,
    /// Whether it was read at least once.
    pub was_read: bool,
    /// What goes on behind the page.
    pub doing: Option<&'a Doing>,
}

/// Returns the page.
pub fn page(visitor: &Visitor, of: &Settings<'_>) -> String {
    let view = of.view;
    let content = html! {
        (frame::integration_head(view, Part::Settings))
        div id="live" data-live=[of.doing.map(|_| "yes")] {
            @match of.doing {
                Some(doing) => (frame::doing(visitor, &view.integration, doing)),
                None => (next(visitor, of)),
            }
        }
        @if let Some(verdict) = of.verdict { (said(verdict)) }
        @if visitor.may_set_up() {
            div class="columns" {
                @if view.state != IntegrationState::Draft { (switches(visitor, view)) }
                @if let Some(types) = of.types { (choice_of_types(visitor, view, types)) }
                (settings(visitor, of))
                (secret(visitor, of))
                (ending(visitor, view))
            }
        } @else {
            p class="hint" { "Only an administrator can change settings." }
        }
    };
    frame::page(visitor, Place::Elsewhere, view.integration.as_str(), &content)
}

/// The one thing to do next.
fn next(visitor: &Visitor, of: &Settings<'_>) -> Markup {
    let view = of.view;
    let id = &view.integration;
    let at = |part: &str| links::integration(id, part);
    let (text, act) = match view.state {
        IntegrationState::Draft => (
            "Ask the vendor whether address and secret are right.",
            frame::button(visitor, &at("verify"), "Verify", "button main"),
        ),
        IntegrationState::Verified => ("The vendor lets us in. Choose below which kinds to sync.", html! {}),
        IntegrationState::Configured if !of.was_read => (
            "Read the vendor for the first time. Nothing is written to the documentation.",
            frame::button(visitor, &at("sync"), "Read the vendor", "button main"),
        ),
        IntegrationState::Configured => (
            "The vendor was read. Decide which of its records are which of yours.",
            html! { a class="button main" href=(at("match")) { "Go to matching" } },
        ),
        IntegrationState::CredentialsRejected => (
            "The vendor refuses the secret, so nothing is called. All mappings are kept.",
            html! { a class="button main" href="#secret" { "Give a new secret" } },
        ),
        IntegrationState::Paused => (
            "It is paused: nothing is read and nothing is written.",
            frame::button(visitor, &at("resume"), "Resume", "button main"),
        ),
        IntegrationState::Live => (
            "It is live and follows its schedule.",
            html! {
                (frame::button(visitor, &at("sync"), "Sync now", "button"))
                (frame::button(visitor, &at("verify"), "Verify", "button quietly"))
            },
        ),
    };
    html! { div class="next" { p { (text) } @if visitor.may_decide() { div class="buttons" { (act) } } } }
}

/// What the vendor answered, kind by kind.
fn said(verdict: &VerifyView) -> Markup {
    html! {
        section aria-labelledby="said" {
            h2 id="said" { "What the vendor said" }
            div class="scroll" tabindex="0" role="region" aria-label="Answers by kind" {
                table {
                    thead { tr { th { "Kind" } th { "Answer" } th { "In its words" } th { "What to do" } } }
                    tbody {
                        @for item in &verdict.items {
                            tr {
                                td { (words::kinds(item.kind)) }
                                td { (if item.ok { words::pill(Tone::Good, "Works") } else { words::pill(Tone::Bad, "Refused") }) }
                                td class="wrap" { (words::foreign(&item.message)) }
                                td class="wrap" {
                                    (shown(&item.hint))
                                    @if !item.curl.is_empty() { details { summary { "Try it yourself" } pre { (shown(&item.curl)) } } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Kinds, auto-create and schedule.
fn switches(visitor: &Visitor, view: &IntegrationView) -> Markup {
    let checked = |of: &[Kind], kind: Kind, otherwise: bool| of.contains(&kind) || (view.sync.is_empty() && otherwise);
    html! {
        section aria-labelledby="switches" {
            h2 id="switches" { "What is synced, and when" }
            form method="post" action=(links::integration(&view.integration, "switches")) class="sheet" {
                (frame::token(visitor))
                table class="switches" {
                    thead { tr { th { "Kind" } th { "Sync" } th { "Create new ones by themselves" } } }
                    tbody {
                        @for kind in &view.kinds {
                            tr {
                                td { (words::kinds(*kind)) }
                                td { label { input type="checkbox" name="sync" value=(kind) checked[checked(&view.sync, *kind, true)]; span class="quiet" { "Sync " (words::kinds(*kind)) } } }
                                td { label { input type="checkbox" name="auto_create" value=(kind) checked[checked(&view.auto_create, *kind, kind.is_below_client())]; span class="quiet" { "Create new " (words::kinds(*kind)) " by themselves" } } }
                            }
                        }
                    }
                }
                div class="row" {
                    div class="field" {
                        label for="schedule" { "Schedule" }
                        input id="schedule" name="schedule" value=(view.schedule.as_deref().unwrap_or(if view.state == IntegrationState::Verified { "0 20 * * *" } else { "" })) aria-describedby="schedule-what";
                        p class="hint" id="schedule-what" { "A cron line: minute, hour, day, month, weekday. 0 20 * * * is every day at 20:00. Empty is never." }
                    }
                    div class="field" {
                        label for="time_zone" { "Time zone" }
                        input id="time_zone" name="time_zone" value=(view.time_zone) aria-describedby="zone-what";
                        p class="hint" id="zone-what" { "Such as Europe/Berlin or America/New_York." }
                    }
                }
                label class="check" { input type="checkbox" name="archive_stale" value="on" checked[view.archive_stale]; " Archive a documentation record once all its sources are gone" }
                div class="buttons" { button class={ "button" @if view.state == IntegrationState::Verified { " main" } } { "Save" } }
            }
        }
    }
}

fn choice_of_types(visitor: &Visitor, view: &IntegrationView, types: &[TypeView]) -> Markup {
    html! {
        section aria-labelledby="types" {
            h2 id="types" { "Configuration types" }
            @if types.is_empty() {
                p class="hint" { "The types are known once the vendor was read." }
            } @else {
                p class="hint" { "Only assets of the chosen types are documented. None chosen means none." }
                form method="post" action=(links::integration(&view.integration, "types")) class="sheet" {
                    (frame::token(visitor))
                    div class="checks" {
                        @for one in types {
                            label class="check" {
                                input type="checkbox" name="type" value=(one.id) checked[one.selected];
                                " " (words::foreign(&one.name))
                                @if let Some(count) = one.count { span class="faint" { " " (words::count(count)) } }
                            }
                        }
                    }
                    div class="buttons" { button class="button" { "Save the types" } }
                }
            }
        }
    }
}

fn settings(visitor: &Visitor, of: &Settings<'_>) -> Markup {
    html! {
        section aria-labelledby="settings" {
            h2 id="settings" { "Address and settings" }
            form method="post" action=(links::integration(&of.view.integration, "settings")) class="sheet" autocomplete="off" {
                (frame::token(visitor))
                @for spec in of.vendor.settings.iter().chain(COMMON_SETTINGS).filter(|spec| spec.name != "time_zone") {
                    (adding::setting(spec, &of.view.settings, false))
                }
                div class="buttons" { button class="button" { "Save the settings" } }
                p class="hint" { "Another address or account has to be verified again." }
            }
        }
    }
}

fn secret(visitor: &Visitor, of: &Settings<'_>) -> Markup {
    let id = &of.view.integration;
    html! {
        section aria-labelledby="secret" {
            h2 id="secret" { "Secret" }
            p class="hint" { "It is stored apart and never shown. A new one is tried at the vendor first; if that fails, the old one stays." }
            form method="post" action=(links::integration(id, "rotate")) class="sheet" autocomplete="off" {
                (frame::token(visitor))
                (adding::secret(of.vendor))
                div class="buttons" { button class="button" { "Verify and replace" } }
            }
        }
    }
}

fn ending(visitor: &Visitor, view: &IntegrationView) -> Markup {
    let id = &view.integration;
    html! {
        section aria-labelledby="ending" {
            h2 id="ending" { "Pause or remove" }
            @if view.state != IntegrationState::Paused && view.state != IntegrationState::Draft {
                p class="hint" { "A paused integration keeps its mappings and does nothing." }
                (frame::button(visitor, &links::integration(id, "pause"), "Pause", "button"))
            }
            form method="post" action=(links::integration(id, "remove")) class="sheet danger" {
                (frame::token(visitor))
                div class="field" {
                    label for="confirm" { "To remove it with its mappings, runs and plans, type " strong { (id) } }
                    input id="confirm" name="confirm" required autocomplete="off";
                    p class="hint" { "Documentation records stay as they are." }
                }
                div class="buttons" { button class="button bad" { "Remove" } }
            }
        }
    }
}
