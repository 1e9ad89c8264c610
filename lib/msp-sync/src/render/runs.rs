//! Status and runs: what happened, and what happens next.

use std::collections::BTreeMap;

use console::request::Request;
use console::views::{List, RunView, StatusView, SyncView};
use console::words::Outcome;
use reconcile::plan::Counts;
use reconcile::reason::Reason;

use super::integrations::NONE_YET;
use super::more;
use super::screen::{Ink, Screen, harmless};
use super::table::{Column, Sheet, Value, facts};
use super::words::{between, count, counted, expected, instant, instant_or, integration_state, outcome};

/// `status`.
pub(super) fn status(asked: &Request, list: &List<StatusView>, screen: Screen) -> String {
    if list.items.is_empty() {
        return NONE_YET.to_owned();
    }
    let mut sheet = Sheet::new([
        Column::id("INTEGRATION"),
        Column::id("VENDOR").optional(4),
        Column::id("STATE"),
        Column::id("LAST RUN").optional(3),
        Column::id("OUTCOME"),
        Column::number("SYNCED"),
        Column::number("UNSYNCED"),
        Column::id("NEXT RUN").optional(2),
    ]);
    for view in &list.items {
        let last = view.last_run.as_ref();
        let sum = |of: fn(&Counts) -> u64| last.map(|run| count(run.counts.values().map(of).sum())).unwrap_or_default();
        sheet.row([
            view.integration.to_string().into(),
            (&view.vendor).into(),
            integration_state(view.state),
            instant_or(last.map(|run| run.started_at), "never").into(),
            last.map(|run| outcome(run.outcome)).unwrap_or_default(),
            sum(|counts| counts.synced).into(),
            sum(|counts| counts.unsynced).into(),
            instant_or(view.next_run_at, "-").into(),
        ]);
    }
    let mut text = sheet.render(screen);
    let single = matches!(asked, Request::Status { id: Some(_), .. }) || list.items.len() == 1;
    for view in &list.items {
        text.push_str(&details(view, single, screen));
    }
    text + &more(list.next.as_ref(), list.items.len())
}

/// What stands under the table for one integration: its counts where it is the only one, and what waits.
fn details(view: &StatusView, single: bool, screen: Screen) -> String {
    let mut text = String::new();
    if let (true, Some(run)) = (single, &view.last_run) {
        text.push_str(&format!("\nLast run: {}, {}\n\n{}", run.run_id, trigger(run), counts(run, screen)));
        text.push_str(&reasons(run));
    }
    if let Some(run) = &view.current_run {
        let progress = run.progress.as_ref().map_or(String::new(), |progress| {
            let total = progress.total.map_or(String::new(), |total| format!(" of {}", count(total)));
            format!(": {}, {}{total}", progress.phase.code(), count(progress.done))
        });
        text.push_str(&format!("\n{} runs{progress}  ({})\n", view.integration, run.run_id));
    }
    if let (true, Some(cost)) = (single, &view.expected_cost) {
        text.push_str(&format!("\nThe next run costs {}.\n", expected(cost)));
    }
    for line in &view.waiting {
        let mark = screen.paint(Ink::Care, "waits for you:");
        text.push_str(&format!("\n{} {mark} {}\n", view.integration, harmless(line)));
    }
    text
}

fn trigger(run: &RunView) -> String {
    let took =
        run.finished_at.map_or("still running".to_owned(), |end| format!("took {}", between(run.started_at, end)));
    format!("{}, {took}, {}", run.trigger, counted(run.vendor_requests, "vendor request"))
}

/// A run's counts by kind.
pub(crate) fn counts(run: &RunView, screen: Screen) -> String {
    if run.counts.is_empty() {
        return "No records were counted.\n".to_owned();
    }
    let mut sheet = Sheet::new([
        Column::id("KIND"),
        Column::number("FETCHED"),
        Column::number("SYNCED"),
        Column::number("CREATED").optional(1),
        Column::number("MATCHED").optional(1),
        Column::number("UPDATED").optional(1),
        Column::number("UNCHANGED").optional(1),
        Column::number("UNSYNCED"),
    ]);
    for (kind, of) in &run.counts {
        let mut row: Vec<Value> = vec![kind.to_string().into()];
        row.extend([of.fetched, of.synced].map(|number| count(number).into()));
        row.extend([of.created, of.matched, of.updated, of.unchanged].map(quiet));
        row.push(if of.unsynced == 0 { quiet(0) } else { Value::inked(Ink::Care, count(of.unsynced)) });
        sheet.row(row);
    }
    sheet.render(screen)
}

/// A run's reasons over all kinds, in words.
fn reasons(run: &RunView) -> String {
    let mut sums: BTreeMap<Reason, u64> = BTreeMap::new();
    for (reason, number) in run.counts.values().flat_map(|counts| &counts.reasons) {
        *sums.entry(*reason).or_default() += number;
    }
    if sums.is_empty() {
        return String::new();
    }
    let line =
        |(reason, number): (Reason, u64)| format!("{:>8}  {}: {}\n", count(number), reason.code(), reason.text());
    let lines: String = sums.into_iter().map(line).collect();
    format!("\nNot in the documentation (each record: msp-sync unsynced {}):\n{lines}", run.integration)
}

/// A number that stands back where it is nought.
fn quiet(number: u64) -> Value {
    if number == 0 { Value::inked(Ink::Faint, "0") } else { count(number).into() }
}

/// `sync`.
pub(super) fn synced(view: &SyncView, screen: Screen) -> String {
    let mut parts: Vec<String> = view.items.iter().map(|run| one(run, screen)).collect();
    for left in &view.not_run {
        let mark = screen.paint(Ink::Bad, "was not run:");
        let hint =
            if left.error.hint.is_empty() { String::new() } else { format!("  → {}\n", harmless(&left.error.hint)) };
        parts.push(format!("{} {mark} {}\n{hint}", left.integration, harmless(&left.error.message)));
    }
    if parts.is_empty() { NONE_YET.to_owned() } else { parts.join("\n") }
}

/// `runs`.
pub(super) fn list(list: &List<RunView>, screen: Screen) -> String {
    if list.items.is_empty() {
        return "No runs yet. Start one: msp-sync sync --all\n".to_owned();
    }
    let mut sheet = Sheet::new([
        Column::id("RUN"),
        Column::id("TRIGGER").optional(2),
        Column::id("OUTCOME"),
        Column::id("STARTED").optional(4),
        Column::id("TOOK").optional(3),
        Column::number("FETCHED"),
        Column::number("CHANGED"),
        Column::number("UNSYNCED"),
        Column::number("REQUESTS").optional(5),
    ]);
    for run in &list.items {
        let sum = |of: fn(&Counts) -> u64| Value::from(count(run.counts.values().map(of).sum()));
        sheet.row([
            run.run_id.to_string().into(),
            run.trigger.to_string().into(),
            outcome(run.outcome),
            instant(run.started_at).into(),
            run.finished_at.map(|end| between(run.started_at, end)).unwrap_or_default().into(),
            sum(|counts| counts.fetched),
            sum(|counts| counts.created + counts.matched + counts.updated),
            sum(|counts| counts.unsynced),
            count(run.vendor_requests).into(),
        ]);
    }
    sheet.render(screen) + &more(list.next.as_ref(), list.items.len())
}

/// `run show`, and each run of a `sync`.
pub(super) fn one(run: &RunView, screen: Screen) -> String {
    let mut rows: Vec<(&str, Value)> = vec![
        ("run", run.run_id.to_string().into()),
        ("outcome", outcome(run.outcome)),
        ("started", format!("{}  ({})", instant(run.started_at), trigger(run)).into()),
    ];
    if let Some(plan) = &run.plan_id {
        rows.push(("plan", plan.to_string().into()));
    }
    let mut text = format!("{}\n{}", facts(&rows, screen), counts(run, screen));
    text.push_str(&reasons(run));
    if !run.notes.is_empty() {
        text.push('\n');
    }
    for note in &run.notes {
        text.push_str(&format!("{} {}\n", screen.paint(Ink::Faint, "note:"), harmless(note)));
    }
    if run.outcome == Some(Outcome::Held)
        && let Some(plan) = &run.plan_id
    {
        text.push_str(&format!("\nIt waits for you: msp-sync plan show {plan}, then plan approve or plan discard\n"));
    }
    text
}
