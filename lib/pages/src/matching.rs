//! The wizard: users, then clients, then preview and Finish. Decisions are staged; nothing is written before Finish.
//!
//! A list is a form of its own: each row has its buttons, the picked rows or all that the filter finds are decided about
//! together. Each row carries what was seen of it, so that of two people who decide at once the second learns of the first.

use console::views::{IntegrationView, RecordView, SuggestionView, WizardView};
use maud::{Markup, html};
use reconcile::mapping::State;
use reconcile::reason::Reason;
use reconcile::record::Kind;

use crate::frame::{self, Part, Place, Tone, Visitor};
use crate::{links, words};

/// A step of the way to Finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Users or clients are decided about.
    Decide(Kind),
    /// What Finish will do is looked at.
    Preview,
}

/// Which records are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Their state; `None` for all.
    pub state: Option<State>,
    /// Only those that came since the first sync.
    pub new: bool,
    /// Why they are not in the documentation; `None` for whatever reason.
    pub reason: Option<Reason>,
    /// A part of their name.
    pub search: String,
    /// Where the page begins.
    pub cursor: String,
}

impl Asked {
    /// Returns the parameters of a link that asks the same from the beginning.
    pub fn parameters(&self) -> [(&'static str, &str); 4] {
        [
            ("state", self.state.map_or("", State::code)),
            ("new", if self.new { "yes" } else { "" }),
            ("reason", self.reason.map_or("", Reason::code)),
            ("search", &self.search),
        ]
    }

    /// Returns the path of this very page.
    pub fn path(&self, view: &IntegrationView, kind: Kind) -> String {
        let parameters: Vec<(&str, &str)> =
            self.parameters().into_iter().chain([("cursor", self.cursor.as_str())]).collect();
        links::with(&links::matching(&view.integration, kind), &parameters)
    }

    fn is_everything(&self) -> bool {
        *self == Asked { cursor: self.cursor.clone(), ..Asked::default() }
    }
}

/// What the page of one kind is made of.
#[derive(Debug, Clone, Copy)]
pub struct Matching<'a> {
    /// The integration.
    pub view: &'a IntegrationView,
    /// The kind.
    pub kind: Kind,
    /// Which records are asked for.
    pub asked: &'a Asked,
    /// The records, and how many there are of each state.
    pub wizard: &'a WizardView,
}

/// The kinds that are matched by hand, users first.
pub fn kinds(view: &IntegrationView) -> Vec<Kind> {
    [Kind::User, Kind::Client].into_iter().filter(|kind| view.sync.contains(kind)).collect()
}

/// Returns the steps from here to Finish.
pub fn steps(view: &IntegrationView, at: Step) -> Markup {
    let id = &view.integration;
    html! {
        ol class="steps" aria-label="Steps" {
            @for kind in kinds(view) {
                li { a href=(links::matching(id, kind)) aria-current=[(at == Step::Decide(kind)).then_some("step")] { (words::kinds(kind)) } }
            }
            li { a href=(links::integration(id, "preview")) aria-current=[(at == Step::Preview).then_some("step")] { "Preview" } }
            li { span class="step" { "Finish" } }
        }
    }
}

/// Returns the page of one kind.
pub fn page(visitor: &Visitor, of: &Matching<'_>) -> String {
    let Matching { view, kind, wizard, .. } = *of;
    let path = links::matching(&view.integration, kind);
    let content = html! {
        (frame::integration_head(view, Part::Matching))
        (steps(view, Step::Decide(kind)))
        @if !wizard.was_read {
            (frame::empty("The vendor was not read yet", "Read it first; nothing is written by that."))
            @if visitor.may_decide() { (frame::button(visitor, &links::integration(&view.integration, "sync"), "Read the vendor", "button main")) }
        } @else {
            (together(visitor, of))
            (tabs(of, &path))
            (filter(of, &path))
            @if wizard.items.is_empty() {
                (nothing(of))
            } @else {
                (table(visitor, of))
            }
        }
    };
    frame::page(visitor, Place::Elsewhere, &format!("{} of {}", words::kinds(kind), view.integration), &content)
}

/// What stands where no record is shown.
fn nothing(of: &Matching<'_>) -> Markup {
    let Matching { asked, wizard, .. } = *of;
    let unmatched = wizard.counts.get(&State::Unmatched).copied().unwrap_or(0);
    match asked.state {
        _ if !asked.search.is_empty() => {
            frame::empty("Nothing found", "No name, vendor id or e-mail address here holds that text.")
        }
        Some(State::Unmatched) if unmatched == 0 => {
            frame::empty("All are decided", "Nothing is left unmatched. Go on to the next step.")
        }
        Some(State::Excluded) => {
            frame::empty("Nothing is excluded", "Excluded records are listed here and can be matched or created later.")
        }
        _ if asked.new => frame::empty("Nothing is new", "What the vendor adds from now on is listed here."),
        _ => frame::empty("Nothing here", "No record has this state."),
    }
}

/// What is done to all records at once, what is staged, and the way on.
fn together(visitor: &Visitor, of: &Matching<'_>) -> Markup {
    let id = &of.view.integration;
    let next = kinds(of.view).into_iter().skip_while(|kind| *kind != of.kind).nth(1);
    let (onward, label) = match next {
        Some(kind) => (links::matching(id, kind), format!("Next: {}", words::kinds(kind).to_lowercase())),
        None => (links::integration(id, "preview"), "Next: preview".to_owned()),
    };
    let act = |deed: &str, label: &str| {
        html! {
            form method="post" action=(links::integration(id, deed)) class="inline" data-swap="yes" {
                (frame::token(visitor))
                input type="hidden" name="kind" value=(of.kind);
                button class="button" { (label) }
            }
        }
    };
    html! {
        div class="buttons spread" {
            @if visitor.may_decide() {
                (act("auto-match", "Auto-match identical names"))
                (act("create-unmatched", "Create all unmatched"))
            }
            span class="faint staged" role="status" {
                @if of.wizard.staged > 0 { (words::counted(of.wizard.staged, "decision")) " staged, nothing written yet" }
            }
            a class="button main" href=(onward) { (label) }
        }
    }
}

fn tabs(of: &Matching<'_>, path: &str) -> Markup {
    let wizard = of.wizard;
    let count = |state: State| wizard.counts.get(&state).copied().unwrap_or(0);
    let all = wizard.counts.values().sum();
    let states: [(Option<State>, bool, &str, u64); 6] = [
        (None, false, "All", all),
        (Some(State::Unmatched), false, "Unmatched", count(State::Unmatched)),
        (None, true, "New", wizard.new),
        (Some(State::Matched), false, "Matched", count(State::Matched)),
        (Some(State::Created), false, "Created", count(State::Created)),
        (Some(State::Excluded), false, "Excluded", count(State::Excluded)),
    ];
    html! {
        nav class="tabs small" aria-label="States" {
            @for (state, new, name, number) in states {
                @let asked = Asked { state, new, search: of.asked.search.clone(), ..Asked::default() };
                @let is_here = state == of.asked.state && new == of.asked.new && of.asked.reason.is_none();
                a href=(links::with(path, &asked.parameters())) aria-current=[is_here.then_some("page")] {
                    (name) " " span class="badge" { (words::count(number)) }
                }
            }
            @if wizard.ambiguous > 0 {
                @let asked = Asked { reason: Some(Reason::AmbiguousName), ..Asked::default() };
                a href=(links::with(path, &asked.parameters())) aria-current=[of.asked.reason.map(|_| "page")] {
                    "Ambiguous " span class="badge care" { (words::count(wizard.ambiguous)) }
                }
            }
        }
    }
}

fn filter(of: &Matching<'_>, path: &str) -> Markup {
    let asked = of.asked;
    html! {
        form method="get" action=(path) class="filter" role="search" {
            @if let Some(state) = asked.state { input type="hidden" name="state" value=(state); }
            @if asked.new { input type="hidden" name="new" value="yes"; }
            label class="quiet" for="search" { "Search" }
            input id="search" type="search" name="search" value=(asked.search) placeholder="Name or vendor id";
            button class="button" { "Search" }
            @if !asked.search.is_empty() { a href=(links::with(path, &Asked { search: String::new(), cursor: String::new(), ..asked.clone() }.parameters())) { "Clear" } }
        }
    }
}

fn table(visitor: &Visitor, of: &Matching<'_>) -> Markup {
    let Matching { view, kind, asked, wizard } = *of;
    let path = links::matching(&view.integration, kind);
    let list = html! {
        (rows(visitor, of))
        (frame::more(&path, &asked.parameters(), wizard.next.as_deref()))
    };
    html! {
        @if visitor.may_decide() {
            form method="post" action=(links::integration(&view.integration, "decide")) data-swap="yes" {
                (frame::token(visitor))
                input type="hidden" name="kind" value=(kind);
                input type="hidden" name="back" value=(asked.path(view, kind));
                @for (name, value) in asked.parameters().iter().filter(|(_, value)| !value.is_empty()) {
                    input type="hidden" name=(name) value=(value);
                }
                (list)
                (bulk(of))
            }
        } @else {
            (list)
        }
    }
}

fn rows(visitor: &Visitor, of: &Matching<'_>) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-label="Records" {
            table class="records" {
                thead {
                    tr {
                        @if visitor.may_decide() { th class="pick" { span class="quiet" { "Pick" } } }
                        th { "At the vendor" } th { "State" } th { "In the documentation" }
                        @if visitor.may_decide() { th { "Decide" } }
                    }
                }
                tbody { @for record in &of.wizard.items { (row(visitor, of, record)) } }
            }
        }
    }
}

/// What is done to the picked rows, or to all that the filter finds, on whatever page they are.
fn bulk(of: &Matching<'_>) -> Markup {
    let Matching { kind, asked, wizard, .. } = *of;
    let what = if asked.is_everything() { "" } else { " that match this filter" };
    html! {
        fieldset class="bulk" {
            legend { "Decide together" }
            label class="check" { input type="radio" name="scope" value="picked" checked; " The picked ones " span class="faint" data-picked="yes" {} }
            label class="check" {
                input type="radio" name="scope" value="found";
                " All " (words::counted(wizard.found, kind.code())) (what)
            }
            input type="hidden" name="found" value=(wizard.found);
            div class="buttons" {
                button class="button" name="all" value="create" { "Create" }
                button class="button" name="all" value="exclude" { "Exclude" }
                button class="button" name="all" value="reset" { "Reset" }
            }
        }
    }
}

fn row(visitor: &Visitor, of: &Matching<'_>, record: &RecordView) -> Markup {
    let vendor_id = record.vendor_id.as_str();
    let name = console::shown::shown(&record.name);
    html! {
        tr {
            @if visitor.may_decide() {
                td class="pick" {
                    input type="checkbox" name="record" value=(vendor_id) aria-label={ "Pick " (name) };
                    input type="hidden" name="seen" value={ (record.revision) " " (vendor_id) };
                }
            }
            td class="wrap" {
                span class="strong" { (words::foreign(&record.name)) } " "
                (words::vendor_id(&record.vendor_id))
                @if record.new { " " (words::pill(Tone::Plain, "New")) }
                @if record.stale { " " (words::pill(Tone::Care, "Gone at the vendor")) }
            }
            td class="tight" { (words::mapping_state(record.state, record.staged)) }
            td class="wrap documented" { (documented(record)) }
            @if visitor.may_decide() { td class="acts" { (acts(of, record, &name)) } }
        }
    }
}

/// The buttons of a row: what can be decided about a record as it stands.
fn acts(of: &Matching<'_>, record: &RecordView, name: &str) -> Markup {
    let vendor_id = record.vendor_id.as_str();
    let back = of.asked.path(of.view, of.kind);
    let pick = links::pick(&of.view.integration, of.kind, vendor_id, None, &back);
    let one = |word: &str, label: &str| {
        html! { button class="button small" name="one" value={ (word) " " (vendor_id) } aria-label={ (label) " " (name) } { (label) } }
    };
    html! {
        @if let Some(suggestion) = record.suggestion.as_ref().filter(|_| record.state == State::Unmatched) {
            button class="button small main" name="one" value={ "match " (suggestion.doc_id) " " (vendor_id) } aria-label={ "Match " (name) } { "Match" }
        }
        a class="button small" href=(pick) data-pick="yes" aria-label={ "Find a match for " (name) } { "Find…" }
        @if matches!(record.state, State::Unmatched | State::Excluded) { (one("create", "Create")) }
        @if record.state != State::Excluded { (one("exclude", "Exclude")) }
        @if record.state != State::Unmatched || record.staged { (one("reset", "Reset")) }
    }
}

/// What it is in the documentation, or could be.
fn documented(record: &RecordView) -> Markup {
    html! {
        @if let Some(doc) = &record.doc_id {
            @if record.state == State::Created && record.staged { span class="faint" { "a new record" } }
            @else { a href=(links::doc(doc)) { (words::foreign(record.doc_name.as_deref().unwrap_or(&record.name))) } }
        } @else {
            @if let Some(reason) = record.reason.filter(|reason| !matches!(reason, Reason::Unmatched | Reason::Excluded)) {
                span class="why" { (reason.text()) } " "
            }
            @if let Some(suggestion) = &record.suggestion { (suggested(suggestion)) }
        }
    }
}

/// A suggestion with its score and the rule behind it.
fn suggested(suggestion: &SuggestionView) -> Markup {
    html! {
        a class="plainly" href=(links::doc(&suggestion.doc_id)) { (words::foreign(&suggestion.name)) } " "
        span class="faint small" { (words::score(suggestion.score)) ", " (words::rule(suggestion.rule)) }
    }
}
