//! The catalogue: clients with what lies below them, users, and one record with where each value comes from.

use console::shown::shown;
use console::views::{DocView, HistoryView, List};
use maud::{Markup, html};
use reconcile::record::{Field, Kind};

use crate::frame::{self, Place, Tone, Visitor};
use crate::{links, plans, words};

/// What a list is made of.
#[derive(Debug, Clone, Copy)]
pub struct Listing<'a> {
    /// The kind.
    pub kind: Kind,
    /// The client below which to look.
    pub client: Option<&'a DocView>,
    /// What is searched for.
    pub search: &'a str,
    /// The records.
    pub list: &'a List<DocView>,
}

/// Returns a list of documentation records.
pub fn list(visitor: &Visitor, of: &Listing<'_>) -> String {
    let Listing { kind, client, search, list } = *of;
    let below = client.map_or("", |client| client.doc_id.as_str());
    let parameters = [("kind", kind.code()), ("client", below), ("search", search)];
    let content = html! {
        div class="head" {
            h1 {
                "Catalogue"
                @if let Some(client) = client { span class="faint" { " of " (words::foreign(&client.name)) } }
            }
        }
        nav class="tabs" aria-label="Kinds" {
            @for one in Kind::ALL.into_iter().filter(|one| client.is_none() || one.is_below_client()) {
                a href=(links::with("/catalogue", &[("kind", one.code()), ("client", below)])) aria-current=[(one == kind).then_some("page")] { (words::kinds(one)) }
            }
        }
        form method="get" action="/catalogue" class="filter" role="search" {
            input type="hidden" name="kind" value=(kind);
            @if client.is_some() { input type="hidden" name="client" value=(below); }
            label class="quiet" for="search" { "Search" }
            input id="search" type="search" name="search" value=(search) placeholder="Name or field";
            button class="button" { "Search" }
            a class="button quietly" href=(links::with("/catalogue.csv", &[("kind", kind.code())])) { "Download all as CSV" }
        }
        @if list.items.is_empty() && list.next.is_some() {
            (frame::empty("Nothing so far", "There are more clients than are looked through for one page."))
            (frame::more("/catalogue", &parameters, list.next.as_deref()))
        } @else if list.items.is_empty() {
            (frame::empty("Nothing here", "No record of this kind is documented, or none fits the search."))
        } @else {
            div class="scroll" tabindex="0" role="region" aria-label="Documentation records" {
                table class="stacks brief" {
                    thead { tr { th { "Name" } @for field in columns(kind) { th { (words::field(*field)) } } th { "Sources" } } }
                    tbody { @for doc in &list.items { (row(doc, kind)) } }
                }
            }
            (frame::more("/catalogue", &parameters, list.next.as_deref()))
        }
    };
    frame::page(visitor, Place::Catalogue, "Catalogue", &content)
}

/// The fields that tell records of a kind apart at a glance.
fn columns(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::Client => &[Field::City, Field::Phone],
        Kind::User | Kind::Contact => &[Field::Email, Field::Phone, Field::Title],
        Kind::Asset => &[Field::Type, Field::SerialNumber, Field::Make, Field::Model],
        Kind::Location => &[Field::Address, Field::City],
    }
}

fn row(doc: &DocView, kind: Kind) -> Markup {
    html! {
        tr {
            td class="wrap" {
                a href=(links::doc(&doc.doc_id)) { (words::foreign(&doc.name)) }
                @if doc.archived { " " (words::pill(Tone::Plain, "Archived")) }
                @if doc.stale { " " (words::pill(Tone::Care, "Stale")) }
            }
            @for field in columns(kind) {
                td class="wrap" { @if let Some(value) = doc.fields.get(*field) { (words::foreign(&value.to_string())) } }
            }
            td class="faint wrap" { (plans::sources(doc)) }
        }
    }
}

/// Where a shown part of a history begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    /// With the newest.
    Newest,
    /// Further back.
    Earlier,
}

/// Returns one documentation record; `client` is the one it lies below, `history` what happened to it.
pub fn record(
    visitor: &Visitor,
    doc: &DocView,
    client: Option<&DocView>,
    history: (&List<HistoryView>, Begins),
) -> String {
    let content = html! {
        p class="back" {
            a href=(links::with("/catalogue", &[("kind", doc.kind.code())])) { (words::kinds(doc.kind)) }
            @if let Some(client) = client { " of " a href=(links::doc(&client.doc_id)) { (words::foreign(&client.name)) } }
        }
        div class="head" {
            h1 { (words::foreign(&doc.name)) }
            @if doc.archived { (words::pill(Tone::Plain, "Archived")) }
            @if doc.stale { (words::pill(Tone::Care, "Stale")) }
        }
        @if doc.kind == Kind::Client {
            p class="buttons" {
                @for kind in Kind::ALL.into_iter().filter(|kind| kind.is_below_client()) {
                    a class="button" href=(links::with("/catalogue", &[("kind", kind.code()), ("client", doc.doc_id.as_str())])) { (words::kinds(kind)) }
                }
            }
        }
        (fields(visitor, doc))
        (sources(doc))
        @if visitor.may_decide() { (edit(visitor, doc)) }
        (happened(visitor, doc, history))
        p class="faint small below" { (doc.doc_id) }
    };
    frame::page(visitor, Place::Catalogue, &shown(&doc.name), &content)
}

fn fields(visitor: &Visitor, doc: &DocView) -> Markup {
    html! {
        section aria-labelledby="fields" {
            h2 id="fields" { "Fields" }
            @if doc.fields.iter().next().is_none() {
                p class="faint" { "No field has a value." }
            } @else {
                div class="scroll" tabindex="0" role="region" aria-label="Values by field" {
                    table class="stacks brief" {
                        thead { tr { th { "Field" } th { "Value" } th { "From" } @if visitor.may_decide() { th { span class="quiet" { "Change" } } } } }
                        tbody {
                            @for (field, value) in doc.fields.iter() {
                                @let origin = doc.origins.get(&field).map_or("", String::as_str);
                                tr {
                                    td class="tight" { (words::field(field)) }
                                    td class="wrap" { (words::foreign(&value.to_string())) }
                                    td class="faint" { @match origin { "edit" => "edited by a person", "imported" => "imported", other => (other) } }
                                    @if visitor.may_decide() { td { (change(visitor, doc, field, &value.to_string(), origin)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Setting a field anew, and giving an edit up so that the sources are followed again.
fn change(visitor: &Visitor, doc: &DocView, field: Field, value: &str, origin: &str) -> Markup {
    let path = links::doc(&doc.doc_id);
    let id = format!("edit-{}", field.code());
    let name = words::field(field);
    // A value with letters that are not seen is not offered for editing: what one sees is what is saved.
    let is_plain = shown(value) == value;
    html! {
        details class="change" {
            summary { "Edit" span class="quiet" { " " (name) } }
            form method="post" action={ (path) "/edit" } class="filter" {
                (frame::token(visitor))
                input type="hidden" name="field" value=(field.code());
                label class="quiet" for=(id) { "New value of " (name) }
                input id=(id) name="value" value=[is_plain.then_some(value)];
                button class="button small" { "Save" }
            }
        }
        @if origin == "edit" {
            form method="post" action={ (path) "/release" } class="inline" {
                (frame::token(visitor))
                input type="hidden" name="field" value=(field.code());
                button class="button small" aria-label={ "Release " (name) } { "Release" }
            }
        }
    }
}

/// What happened to a record, newest first.
fn happened(visitor: &Visitor, doc: &DocView, (history, begins): (&List<HistoryView>, Begins)) -> Markup {
    let own = links::doc(&doc.doc_id);
    html! {
        section aria-labelledby="history" {
            h2 id="history" { "History" @if begins == Begins::Earlier { ", further back" } }
            @if history.items.is_empty() {
                p class="faint" {
                    @match (begins, &history.next) {
                        (_, Some(_)) => "Nothing happened to it in the part of the past that was looked through.",
                        (Begins::Newest, None) => "No plan and no person changed it since it was read in.",
                        (Begins::Earlier, None) => "Nothing happened to it before.",
                    }
                }
            } @else {
                ol class="history" {
                    @for one in &history.items {
                        li {
                            span class="faint" { (words::instant(one.at, visitor)) } " "
                            span class="strong" { (shown(&one.what)) } " by " (shown(&one.who))
                            @if !one.detail.is_empty() { ": " (words::foreign(&one.detail)) }
                            @if let Some(plan) = &one.plan_id { ", " a href=(links::plan(plan)) { "plan" } }
                            (plans::changes(&one.changes))
                        }
                    }
                }
            }
            @if history.next.is_some() || begins == Begins::Earlier {
                p class="more" {
                    @if begins == Begins::Earlier { a class="button" href={ (own) "#history" } { "Newest" } " " }
                    @if let Some(next) = &history.next {
                        a class="button" href={ (links::with(&own, &[("cursor", next)])) "#history" } { "Look further back" }
                    }
                }
            }
        }
    }
}

fn sources(doc: &DocView) -> Markup {
    html! {
        section aria-labelledby="sources" {
            h2 id="sources" { "Sources" }
            @if doc.sources.is_empty() {
                p class="faint" { "No vendor record is mapped to it." }
            } @else {
                ul class="plain" {
                    @for source in &doc.sources {
                        li {
                            a href=(links::integration(&source.integration, "")) { (source.integration) } ": "
                            (words::foreign(&source.name)) " " (words::vendor_id(&source.vendor_id))
                            @if source.stale { " " (words::pill(Tone::Care, "Gone at the vendor")) }
                        }
                    }
                }
            }
        }
    }
}

fn edit(visitor: &Visitor, doc: &DocView) -> Markup {
    let path = links::doc(&doc.doc_id);
    html! {
        section aria-labelledby="edit" {
            h2 id="edit" { "Edit" }
            p class="hint" { "What a person sets, no sync overwrites until it is released." }
            @for field in doc.origins.iter().filter(|(field, from)| *from == "edit" && doc.fields.get(**field).is_none()).map(|(field, _)| *field) {
                p { (words::field(field)) " was emptied by a person. "
                    form method="post" action={ (path) "/release" } class="inline" {
                        (frame::token(visitor))
                        input type="hidden" name="field" value=(field.code());
                        button class="button small" aria-label={ "Release " (words::field(field)) } { "Release" }
                    }
                }
            }
            form method="post" action={ (path) "/edit" } class="filter" {
                (frame::token(visitor))
                label for="field" { "Field" }
                select id="field" name="field" {
                    option value="name" { "Name" }
                    @for field in Field::ALL { option value=(field.code()) { (words::field(*field)) } }
                }
                label for="value" { "Value" }
                input id="value" name="value";
                button class="button" { "Set" }
            }
            @if doc.archived { (frame::button(visitor, &format!("{path}/restore"), "Restore", "button")) }
            @else { (frame::button(visitor, &format!("{path}/archive"), "Archive", "button")) }
        }
    }
}
