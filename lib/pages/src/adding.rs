//! Adding an integration: which vendor, then its settings and secret.

use std::collections::BTreeMap;

use apis::account::COMMON_SETTINGS;
use apis::feed::{SettingSpec, Vendor};
use console::shown::shown;
use maud::{Markup, html};

use crate::frame::{self, Notice, Place, Visitor};
use crate::{links, words};

/// What was typed so far; secrets are never shown again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    /// The id.
    pub id: String,
    /// Settings by name.
    pub settings: BTreeMap<String, String>,
}

/// Returns the choice of a vendor.
pub fn choose(visitor: &Visitor) -> String {
    let content = html! {
        div class="head" { h1 { "Add an integration" } }
        p class="lead" { "Which system do you want to connect?" }
        ul class="choices" {
            @for vendor in apis::vendors::ALL {
                li {
                    a href=(links::with("/add", &[("vendor", vendor.id)])) {
                        span class="strong" { (vendor.name) }
                        span class="faint" {
                            @for (at, kind) in vendor.kinds.iter().enumerate() {
                                @if at > 0 { ", " }
                                (words::kinds(*kind).to_lowercase())
                            }
                        }
                    }
                }
            }
        }
    };
    frame::page(visitor, Place::Home, "Add an integration", &content)
}

/// Returns the form for a vendor, with what was typed and what is wrong with it.
pub fn form(visitor: &Visitor, vendor: &Vendor, typed: &Typed, wrong: Option<&Notice>) -> String {
    let required = vendor.settings.iter().filter(|spec| spec.required);
    let optional = vendor.settings.iter().filter(|spec| !spec.required);
    let content = html! {
        p class="back" { a href="/add" { "Another vendor" } }
        div class="head" { h1 { "Connect " (vendor.name) } }
        @if let Some(wrong) = wrong { (frame::notice_of(wrong)) }
        form method="post" action="/add" class="sheet" autocomplete="off" {
            (frame::token(visitor))
            input type="hidden" name="vendor" value=(vendor.id);
            div class="field" {
                label for="id" { "Name of this integration" }
                input id="id" name="id" required pattern="[a-z0-9\\-]{1,40}" maxlength="40" value=(typed.id) aria-describedby="id-what" placeholder={ "acme-" (vendor.id) };
                p class="hint" id="id-what" { "Small letters, digits and hyphens. It stays as it is." }
            }
            @for spec in required { (setting(spec, &typed.settings, true)) }
            (secret(vendor))
            details {
                summary { "Further settings" }
                @for spec in optional.chain(COMMON_SETTINGS) { (setting(spec, &typed.settings, true)) }
            }
            div class="buttons" {
                button class="button main" { "Add and verify" }
                a class="button quietly" href="/" { "Cancel" }
            }
        }
    };
    frame::page(visitor, Place::Home, &format!("Connect {}", vendor.name), &content)
}

/// Returns the field of a setting.
pub(crate) fn setting(spec: &SettingSpec, values: &BTreeMap<String, String>, must: bool) -> Markup {
    let id = format!("setting-{}", spec.name);
    let what = format!("{id}-what");
    html! {
        div class="field" {
            label for=(id) { (label(spec.name)) @if !spec.required { span class="faint" { " optional" } } }
            input id=(id) name={ "setting." (spec.name) } required[must && spec.required] aria-describedby=(what)
                value=(values.get(spec.name).map(|value| shown(value)).unwrap_or_default());
            p class="hint" id=(what) { (sentence(spec.what)) }
        }
    }
}

/// Returns the fields of a secret, which are written and never shown.
pub(crate) fn secret(vendor: &Vendor) -> Markup {
    html! {
        @for part in vendor.secret_parts {
            @let id = format!("secret-{}", part.name);
            @let what = format!("{id}-what");
            div class="field" {
                label for=(id) { (label(part.name)) }
                input id=(id) name={ "secret." (part.name) } type="password" required autocomplete="new-password" spellcheck="false" aria-describedby=(what);
                p class="hint" id=(what) { (sentence(part.what)) }
            }
        }
    }
}

/// `api_key` as `Api key`, but for what is an abbreviation.
fn label(name: &str) -> String {
    sentence_start(&name.replace('_', " "))
        .replace("Url", "Address")
        .replace("Api", "API")
        .replace("Ca file", "CA file")
        .replace(" id", " ID")
}

fn sentence(text: &str) -> String {
    format!("{}.", sentence_start(text))
}

fn sentence_start(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}
