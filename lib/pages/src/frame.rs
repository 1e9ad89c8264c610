//! What all pages share: the frame around them, who looks, notices, forms that carry their token, paging.

use console::error::{Code, ConsoleError};
use console::progress::{Phase, ProgressEvent};
use console::roles::Role;
use console::shown::shown;
use console::views::{CostView, IntegrationView};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, html};
use reconcile::ids::IntegrationId;

use crate::{links, words};

/// Who looks at a page, and from where.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The name that the audit log keeps.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// What proves that a form was sent from a page of this session.
    pub csrf: String,
    /// Whether they can sign out.
    pub may_leave: bool,
    /// The zone that instants are shown in.
    pub zone: TimeZone,
    /// The present instant.
    pub now: Timestamp,
    /// What their last order came to, told once.
    pub notice: Option<Notice>,
}

impl Visitor {
    /// Says whether they may decide.
    pub fn may_decide(&self) -> bool {
        self.role >= Role::Operator
    }

    /// Says whether they may set integrations up.
    pub fn may_set_up(&self) -> bool {
        self.role >= Role::Admin
    }
}

/// How a thing is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    Plain,
    /// All is well.
    Good,
    /// A person should look.
    Care,
    /// Something is wrong.
    Bad,
}

impl Tone {
    /// Returns the class of the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Tone::Plain => "plain",
            Tone::Good => "good",
            Tone::Care => "care",
            Tone::Bad => "bad",
        }
    }
}

/// What an order came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How to take it.
    pub tone: Tone,
    /// What happened.
    pub text: String,
    /// What to do; may be empty.
    pub hint: String,
}

impl Notice {
    /// Makes one that all went well.
    pub fn good(text: impl Into<String>) -> Self {
        Self { tone: Tone::Good, text: text.into(), hint: String::new() }
    }

    /// Makes one that a person should look at.
    pub fn care(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { tone: Tone::Care, text: text.into(), hint: hint.into() }
    }
}

impl From<&ConsoleError> for Notice {
    fn from(error: &ConsoleError) -> Self {
        let hint = match error.code {
            // The command line's advice names commands; the page that this is shown on has the button.
            Code::PlanOutdated => {
                "What is shown here is the plan as it is by now. Look at it, then finish again.".to_owned()
            }
            _ => error.hint.clone(),
        };
        Self { tone: Tone::Bad, text: error.message.clone(), hint }
    }
}

/// Work that an order began and that goes on behind the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doing {
    /// What, in the words of the button.
    pub what: &'static str,
    /// How far it is, where that was told.
    pub progress: Option<ProgressEvent>,
    /// What it was expected to cost, where that was told before it began.
    pub expected: Option<CostView>,
    /// Since when.
    pub since: Timestamp,
}

/// The places of the top bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The cards.
    Home,
    /// The documentation.
    Catalogue,
    /// Who decided what.
    Audit,
    /// None of them.
    Elsewhere,
}

/// The parts of an integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Settings, secret and state.
    Settings,
    /// Matching, preview and Finish.
    Matching,
    /// What is not in the documentation.
    Unsynced,
    /// Held, staged and applied plans.
    Plans,
    /// History.
    Runs,
}

/// Returns a whole page.
pub fn page(visitor: &Visitor, place: Place, title: &str, content: &Markup) -> String {
    let places = [
        (Place::Home, "/", "Integrations"),
        (Place::Catalogue, "/catalogue", "Catalogue"),
        (Place::Audit, "/audit", "Audit"),
    ];
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body {
                a class="skip" href="#main" { "Skip to the content" }
                header class="bar" {
                    a class="brand" href="/" { "msp-sync" }
                    nav aria-label="Main" {
                        // The audit log is not for those who only look.
                        @for (of, path, name) in places.into_iter().filter(|(of, ..)| *of != Place::Audit || visitor.may_decide()) {
                            a href=(path) aria-current=[(of == place).then_some("page")] { (name) }
                        }
                    }
                    span class="who" { (shown(&visitor.name)) " · " (visitor.role) }
                    @if visitor.may_leave { (button(visitor, "/sign-out", "Sign out", "button quietly small")) }
                }
                main id="main" {
                    @if let Some(notice) = &visitor.notice { (notice_of(notice)) }
                    (content)
                }
            }
        }
    };
    page.into_string()
}

/// Returns a page for somebody who is not let in.
pub fn bare(title: &str, content: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body { main id="main" class="bare" { (content) } }
        }
    };
    page.into_string()
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · msp-sync" }
            link rel="stylesheet" href="/page.css";
            link rel="icon" type="image/svg+xml" href="/page.svg";
            script src="/page.js" defer {}
        }
    }
}

/// Returns a notice.
pub fn notice_of(notice: &Notice) -> Markup {
    html! {
        div class={ "notice " (notice.tone.class()) } role=(if notice.tone == Tone::Bad { "alert" } else { "status" }) {
            p { (shown(&notice.text)) }
            @if !notice.hint.is_empty() { p class="hint" { (shown(&notice.hint)) } }
        }
    }
}

/// Returns the head of an integration's pages: its name, its state, the way to its parts.
pub fn integration_head(view: &IntegrationView, part: Part) -> Markup {
    let id = &view.integration;
    let first = view.sync.iter().copied().find(|kind| !kind.is_below_client());
    let matching = first.map_or_else(|| links::integration(id, "preview"), |_| links::integration(id, "match"));
    let parts = [
        (Part::Settings, links::integration(id, ""), "Settings"),
        (Part::Matching, matching, "Matching"),
        (Part::Unsynced, links::integration(id, "unsynced"), "Unsynced"),
        (Part::Plans, links::integration(id, "plans"), "Plans"),
        (Part::Runs, links::integration(id, "runs"), "Runs"),
    ];
    html! {
        div class="head" {
            h1 { (words::vendor(&view.vendor)) " " span class="faint" { (id) } }
            (words::integration_state(view.state))
        }
        nav class="tabs" aria-label="Integration" {
            @for (of, path, name) in parts {
                a href=(path) aria-current=[(of == part).then_some("page")] { (name) }
            }
        }
    }
}

/// Returns the hidden field that every form carries.
pub fn token(visitor: &Visitor) -> Markup {
    html! { input type="hidden" name="csrf" value=(visitor.csrf); }
}

/// Returns a form that is one button.
pub fn button(visitor: &Visitor, path: &str, label: &str, class: &str) -> Markup {
    html! {
        form method="post" action=(path) class="inline" {
            (token(visitor))
            button class=(class) { (label) }
        }
    }
}

/// Returns the way to the next page of a list.
pub fn more(path: &str, parameters: &[(&str, &str)], next: Option<&str>) -> Markup {
    html! {
        @if let Some(next) = next {
            @let all: Vec<(&str, &str)> = parameters.iter().copied().chain([("cursor", next)]).collect();
            p class="more" { a class="button" href=(links::with(path, &all)) { "Next page" } }
        }
    }
}

/// Returns what stands where a list has nothing.
pub fn empty(title: &str, text: &str) -> Markup {
    html! { div class="empty" { p class="strong" { (title) } p { (text) } } }
}

/// How far a run is, whoever carries it out.
#[derive(Debug, Clone, Copy)]
pub struct Underway<'a> {
    /// What it is doing; `None` before it says so.
    pub phase: Option<Phase>,
    /// Lists read to their end, or parts planned or applied, of so many.
    pub done: Option<(u64, u64)>,
    /// Records read so far.
    pub records: u64,
    /// Requests sent so far.
    pub vendor_requests: u64,
    /// What it was expected to cost.
    pub expected: Option<&'a CostView>,
    /// Since when.
    pub since: Timestamp,
}

/// Fewer requests than this say nothing about a pace.
const REQUESTS_OF_A_PACE: u64 = 5;

impl Underway<'_> {
    fn seconds(&self, now: Timestamp) -> u64 {
        u64::try_from(now.duration_since(self.since).as_secs()).unwrap_or(0)
    }

    /// Returns requests a minute.
    fn pace(&self, now: Timestamp) -> Option<u64> {
        let seconds = self.seconds(now);
        (self.vendor_requests >= REQUESTS_OF_A_PACE && seconds > 0).then(|| self.vendor_requests * 60 / seconds)
    }

    /// Estimates for how many seconds the vendor is still read: at the present pace to what was expected, or by the lists.
    fn seconds_left(&self, now: Timestamp) -> Option<u64> {
        if self.phase != Some(Phase::Reading) {
            return None;
        }
        let seconds = self.seconds(now);
        match (self.expected, self.done) {
            (Some(cost), _)
                if self.vendor_requests >= REQUESTS_OF_A_PACE && cost.vendor_requests > self.vendor_requests =>
            {
                Some(seconds * (cost.vendor_requests - self.vendor_requests) / self.vendor_requests)
            }
            (None, Some((done, total))) if done > 0 && total > done => Some(seconds * (total - done) / done),
            _ => None,
        }
    }
}

/// The phases of a run that people see.
const PHASES: [(Phase, &str); 3] = [(Phase::Reading, "Read"), (Phase::Planning, "Plan"), (Phase::Applying, "Write")];

/// Returns how far work is that goes on behind the page; the script refreshes what is around it.
pub fn doing(visitor: &Visitor, id: &IntegrationId, doing: &Doing) -> Markup {
    let told = doing.progress.as_ref();
    let of = Underway {
        phase: told.map(|event| event.phase),
        done: told.and_then(|event| event.total.map(|total| (event.done, total))),
        records: told.map_or(0, |event| event.records),
        vendor_requests: told.map_or(0, |event| event.vendor_requests),
        expected: doing.expected.as_ref(),
        since: doing.since,
    };
    underway(visitor, id, doing.what, &of)
}

/// Returns how far a run is: its phases, what it has done, its pace and what is left.
pub fn underway(visitor: &Visitor, id: &IntegrationId, before: &str, of: &Underway<'_>) -> Markup {
    let what = match of.phase {
        Some(Phase::Reading) => "Reading the vendor",
        Some(Phase::Planning) => "Comparing with the documentation",
        Some(Phase::Applying) => "Writing to the documentation",
        Some(Phase::Closed) => "Closing the run",
        None => before,
    };
    html! {
        div class="doing" {
            p role="status" { span class="spin" aria-hidden="true" {} (what) "…" }
            @if let Some((done, total)) = of.done {
                progress max=(total.max(1)) value=(done.min(total)) aria-label={ "Progress of " (id) } {}
            } @else {
                progress aria-label={ "Progress of " (id) } {}
            }
            ol class="phases" aria-label="Phases" {
                @for (phase, name) in PHASES {
                    li class=(if of.phase > Some(phase) { "past" } else { "" }) aria-current=[(of.phase == Some(phase)).then_some("step")] { (name) }
                }
            }
            p class="faint small" {
                (words::duration(of.seconds(visitor.now))) " so far"
                @if of.records > 0 { ", " (words::counted(of.records, "record")) }
                @if of.vendor_requests > 0 {
                    ", " (words::counted(of.vendor_requests, "request"))
                    @if let Some(cost) = of.expected { " of about " (words::count(cost.vendor_requests)) }
                }
                @if let Some(pace) = of.pace(visitor.now) { ", " (words::count(pace)) " a minute" }
                @if let Some(left) = of.seconds_left(visitor.now) { "; about " (words::duration(left)) " of reading left" }
            }
        }
    }
}
