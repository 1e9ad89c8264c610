//! Home: a card per integration, and what waits for a person.

use console::shown::shown;
use console::views::{RunView, StatusView};
use console::words::{IntegrationState, Outcome};
use maud::{Markup, html};
use reconcile::plan::Counts;
use reconcile::reason::Reason;
use reconcile::record::Kind;

use crate::frame::{self, Doing, Place, Underway, Visitor};
use crate::{links, words};

/// An integration with the work that goes on for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Where it stands.
    pub status: StatusView,
    /// What goes on behind the page.
    pub doing: Option<Doing>,
}

impl Card {
    fn is_running(&self) -> bool {
        self.doing.is_some() || self.status.current_run.as_ref().is_some_and(|run| run.outcome.is_none())
    }
}

/// Returns the home page.
pub fn page(visitor: &Visitor, cards: &[Card]) -> String {
    if cards.is_empty() {
        return first(visitor);
    }
    let waiting = cards.iter().filter(|card| !tasks(&card.status).is_empty()).count() as u64;
    let content = html! {
        div class="head" {
            h1 { "Integrations" }
            @if visitor.may_set_up() { a class="button" href="/add" { "Add an integration" } }
        }
        div data-live=[cards.iter().any(Card::is_running).then_some("yes")] id="live" {
            p class="lead" {
                @match waiting {
                    0 => "Nothing waits for you.",
                    1 => "One integration waits for you.",
                    more => { (words::count(more)) " integrations wait for you." }
                }
            }
            div class="cards" {
                @for card in cards { (one(visitor, card)) }
            }
        }
    };
    frame::page(visitor, Place::Home, "Integrations", &content)
}

/// The page where nothing is set up yet.
fn first(visitor: &Visitor) -> String {
    let content = html! {
        div class="empty" {
            h1 { "No integrations yet" }
            p { "Connect a vendor, decide which of its clients are yours, and msp-sync keeps the documentation in step every night." }
            ol class="path" {
                li { "Add the vendor with its address and key, and verify it." }
                li { "Read it once. Nothing is written." }
                li { "Match, create or exclude users and clients." }
                li { "Look at the preview, then finish." }
            }
            @if visitor.may_set_up() {
                p { a class="button main" href="/add" { "Add the first integration" } }
            } @else {
                p class="hint" { "An administrator can add the first one." }
            }
        }
    };
    frame::page(visitor, Place::Home, "Integrations", &content)
}

fn one(visitor: &Visitor, card: &Card) -> Markup {
    let Card { status, doing } = card;
    let id = &status.integration;
    let tasks = tasks(status);
    html! {
        section class={ "card" @if !tasks.is_empty() { " waits" } } aria-labelledby={ "card-" (id) } {
            div class="head" {
                h2 id={ "card-" (id) } {
                    a href=(links::integration(id, "")) { (words::vendor(&status.vendor)) }
                    " " span class="faint" { (id) }
                }
                (words::integration_state(status.state))
            }
            @for (text, path, label) in &tasks {
                p class="task" { (text) " " a href=(path) { (label) } }
            }
            @for (text, path, label) in &open_questions(status) {
                p class="open" { (text) " " a href=(path) { (label) } }
            }
            @if let Some(doing) = doing {
                (frame::doing(visitor, id, doing))
            } @else if let Some(run) = status.current_run.as_ref().filter(|run| run.outcome.is_none()) {
                (progress(visitor, run))
            }
            @match status.last_run.as_ref() {
                Some(run) => {
                    (counts(status, run))
                    (last(visitor, run))
                }
                None => p class="faint" { "It has not been read yet." },
            }
            (foot(visitor, card))
        }
    }
}

/// A run that another process or an earlier order began.
pub(crate) fn progress(visitor: &Visitor, run: &RunView) -> Markup {
    let at = run.progress.as_ref();
    let of = Underway {
        phase: at.map(|at| at.phase),
        done: at.and_then(|at| at.total.map(|total| (at.done, total))),
        records: 0,
        vendor_requests: run.vendor_requests,
        expected: None,
        since: run.started_at,
    };
    frame::underway(visitor, &run.integration, "A run is under way", &of)
}

/// What waits for a person: a sentence, where to go, and what that link says.
fn tasks(status: &StatusView) -> Vec<(String, String, &'static str)> {
    let id = &status.integration;
    let mut tasks = Vec::new();
    match status.state {
        IntegrationState::Draft => {
            tasks.push(("It is not verified yet.".to_owned(), links::integration(id, ""), "Verify it"));
        }
        IntegrationState::Verified => {
            tasks.push(("No kinds are chosen yet.".to_owned(), links::integration(id, ""), "Choose kinds"));
        }
        IntegrationState::Configured if status.last_run.is_none() => {
            tasks.push(("It has not been read yet.".to_owned(), links::integration(id, ""), "Read it"));
        }
        IntegrationState::Configured => {
            tasks.push(("Users and clients wait for decisions.".to_owned(), links::integration(id, "match"), "Decide"));
        }
        IntegrationState::CredentialsRejected => {
            let text = "The vendor refuses the secret. Mappings are kept.".to_owned();
            tasks.push((text, format!("{}#secret", links::integration(id, "")), "Give a new secret"));
        }
        IntegrationState::Live | IntegrationState::Paused => {}
    }
    let held =
        [&status.current_run, &status.last_run].into_iter().flatten().find(|run| run.outcome == Some(Outcome::Held));
    if let Some(plan) = held.and_then(|run| run.plan_id.as_ref()) {
        tasks.push(("The guard stopped a large change.".to_owned(), links::plan(plan), "Look at the plan"));
    }
    if status.state == IntegrationState::Live && status.waiting.iter().any(|line| line.contains("staged")) {
        tasks.push(("Decisions are staged.".to_owned(), links::integration(id, "preview"), "Preview and finish"));
    }
    if let Some(run) = status.last_run.as_ref().filter(|_| status.state == IntegrationState::Live) {
        for reason in [Reason::AmbiguousName, Reason::AmbiguousMatch] {
            let number: u64 = Kind::ALL.into_iter().map(|kind| left(run, kind, &[reason])).sum();
            if number > 0 {
                let path = links::with(&links::integration(id, "unsynced"), &[("reason", reason.code())]);
                let wants = if number == 1 { "wants" } else { "want" };
                let text =
                    format!("{} {wants} a decision: {}.", words::counted(number, "record"), lower(reason.text()));
                tasks.push((text, path, "Resolve"));
            }
        }
    }
    tasks
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
}

/// What could be decided and does not have to be: leaving a record out for good is allowed.
fn open_questions(status: &StatusView) -> Vec<(String, String, &'static str)> {
    let id = &status.integration;
    let Some(run) = status.last_run.as_ref().filter(|_| status.state == IntegrationState::Live) else {
        return Vec::new();
    };
    let mut open = Vec::new();
    for kind in [Kind::User, Kind::Client] {
        let number = left(run, kind, &[Reason::Unmatched]);
        if number > 0 {
            let path = links::with(&links::matching(id, kind), &[("state", "unmatched")]);
            open.push((format!("{} not matched.", are(number, kind)), path, "Decide"));
        }
    }
    open
}

/// Counts the records of a kind that a run left out for some reasons.
fn left(run: &RunView, kind: Kind, reasons: &[Reason]) -> u64 {
    let Some(counts) = run.counts.get(&kind) else { return 0 };
    reasons.iter().filter_map(|reason| counts.reasons.get(reason)).sum()
}

/// `1 client is`, `2 clients are`.
fn are(number: u64, kind: Kind) -> String {
    format!("{} {}", words::counted(number, kind.code()), if number == 1 { "is" } else { "are" })
}

/// Synced of fetched, kind by kind.
fn counts(status: &StatusView, run: &RunView) -> Markup {
    let id = &status.integration;
    html! {
        @if !run.counts.is_empty() {
            table class="counts" {
                thead { tr { th { "Kind" } th class="number" { "Synced" } th class="number" { "Fetched" } th { span class="quiet" { "Share" } } th class="number" { "Unsynced" } } }
                tbody {
                    @for (kind, of) in &run.counts {
                        tr {
                            td { (words::kinds(*kind)) }
                            td class="number" { (words::count(of.synced)) }
                            td class="number" { (words::count(of.fetched)) }
                            td { (bar(of)) }
                            td class="number" {
                                @if of.unsynced == 0 { span class="faint" { "0" } }
                                @else { a href=(unsynced(id, *kind)) { (words::count(of.unsynced)) span class="quiet" { " unsynced " (words::kinds(*kind)) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn unsynced(id: &reconcile::ids::IntegrationId, kind: Kind) -> String {
    links::with(&links::integration(id, "unsynced"), &[("kind", kind.code())])
}

/// The share that is in the documentation, as a bar of a hundred.
pub(crate) fn bar(of: &Counts) -> Markup {
    let share = (of.synced * 100).checked_div(of.fetched).unwrap_or(0);
    html! {
        svg class="share" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label={ (share) " %" } {
            rect class="all" width="100" height="8" {}
            rect class="part" width=(share) height="8" {}
        }
    }
}

fn last(visitor: &Visitor, run: &RunView) -> Markup {
    html! {
        p class="last" {
            (words::outcome(run.outcome)) " "
            a href=(links::run(&run.run_id)) { (words::trigger(run.trigger)) } " "
            (words::instant(run.started_at, visitor))
            @if let Some(ended) = run.finished_at { ", " (words::between(run.started_at, ended)) }
            ", " (words::counted(run.vendor_requests, "request"))
        }
        @if let Some(note) = run.notes.first().filter(|_| !matches!(run.outcome, Some(Outcome::Complete | Outcome::Held) | None)) {
            p class="hint" { (shown(note)) }
        }
    }
}

fn foot(visitor: &Visitor, card: &Card) -> Markup {
    let status = &card.status;
    let id = &status.integration;
    let ready = matches!(status.state, IntegrationState::Live | IntegrationState::Configured);
    html! {
        div class="foot" {
            p class="faint" {
                @if let Some(next) = status.next_run_at { "Next run " (words::instant(next, visitor)) }
                @else if status.state == IntegrationState::Live { "No schedule" }
                @if let Some(cost) = &status.expected_cost {
                    @if status.next_run_at.is_some() { ": " }
                    @else if status.state == IntegrationState::Live { "; a sync costs " }
                    @else { "A sync costs " }
                    "about " (words::counted(cost.vendor_requests, "request")) ", " (words::duration(cost.seconds))
                }
            }
            @if visitor.may_decide() && ready && !card.is_running() {
                div class="buttons" {
                    (frame::button(visitor, &links::integration(id, "sync"), "Sync now", "button"))
                    @if status.state == IntegrationState::Live {
                        (frame::button(visitor, &links::integration(id, "force"), "Force full sync", "button quietly"))
                    }
                }
            }
        }
    }
}
