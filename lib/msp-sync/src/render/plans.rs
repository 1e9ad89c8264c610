//! Plans: what is going to happen, or has happened, record by record.

use console::views::{FinishView, List, PlanChangeView, PlanCounts, PlanItemView, PlanSummary, PlanView, UndoView};
use console::words::{IntegrationState, PlanState};
use reconcile::plan::{Action, Change, Rule};

use super::more;
use super::runs;
use super::screen::{Ink, Screen, harmless};
use super::table::{Column, Sheet, Value};
use super::words::{count, counted, instant_or, plan_state};

/// `preview` and `plan show`.
pub(super) fn one(view: &PlanView, screen: Screen) -> String {
    if view.items.is_empty() && view.state == PlanState::Staged {
        return "Nothing is staged: there is nothing to do.\n".to_owned();
    }
    let id = screen.paint(Ink::Strong, view.plan_id.as_str());
    let mut text = format!("Plan {id}  ({})\n{}\n", view.state, sums(&view.counts));
    for line in &view.held_because {
        text.push_str(&format!("{} {}\n", screen.paint(Ink::Care, "held:"), harmless(line)));
    }
    if view.items.is_empty() {
        return text;
    }
    let mut sheet = Sheet::new([
        Column::id("ACTION"),
        Column::id("KIND").optional(1),
        Column::text("NAME"),
        Column::id("DOCUMENTATION").optional(3),
        Column::text("BY RULE").optional(4),
        Column::prose("CHANGES").optional(2),
    ]);
    for item in &view.items {
        sheet.row(row(item));
    }
    text.push_str(&format!("\n{}{}", sheet.render(screen), more(view.next.as_ref(), view.items.len())));
    match view.state {
        PlanState::Staged => {
            text.push_str(&format!(
                "\nDo exactly this: msp-sync finish {} --plan {}\n",
                view.integration, view.plan_id
            ));
        }
        PlanState::Held => {
            text.push_str(&format!(
                "\nDo it: msp-sync plan approve {0}\nDrop it: msp-sync plan discard {0}\n",
                view.plan_id
            ));
        }
        _ => {}
    }
    text
}

fn row(item: &PlanItemView) -> [Value; 6] {
    let changes: Vec<String> = item.changes.iter().map(change).collect();
    [
        Value::inked(ink(item.action), word(item.action)),
        item.kind.to_string().into(),
        (&item.name).into(),
        item.doc_id.as_ref().map(ToString::to_string).unwrap_or_default().into(),
        item.rule.filter(|rule| *rule != Rule::Decision).map(code).unwrap_or_default().into(),
        changes.join(", ").into(),
    ]
}

fn change(change: &Change) -> String {
    let side = |value: &Option<reconcile::record::Value>| value.as_ref().map(|value| harmless(&value.to_string()));
    match (side(&change.from), side(&change.to)) {
        (None, Some(to)) => format!("{} = {to}", change.field.code()),
        (Some(from), Some(to)) => format!("{}: {from} → {to}", change.field.code()),
        (Some(from), None) => format!("{}: {from} → nothing", change.field.code()),
        (None, None) => change.field.code().to_owned(),
    }
}

/// The word of a value whose JSON form is one.
fn code(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|json| json.as_str().map(str::to_owned)).unwrap_or_default()
}

fn word(action: Action) -> String {
    code(action)
}

fn ink(action: Action) -> Ink {
    match action {
        Action::Create | Action::Match | Action::Return => Ink::Good,
        Action::Update => Ink::Plain,
        Action::Stale | Action::Archive | Action::Detach => Ink::Care,
        Action::Exclude | Action::Reset => Ink::Faint,
    }
}

/// How much a plan does, in a line: the parts that do something.
pub(crate) fn sums(counts: &PlanCounts) -> String {
    let parts = [
        (counts.create, "create"),
        (counts.matched, "match"),
        (counts.exclude, "exclude"),
        (counts.update, "update"),
        (counts.stale, "stale"),
        (counts.returned, "return"),
        (counts.archive, "archive"),
        (counts.detach, "detach"),
        (counts.reset, "reset"),
    ];
    let told: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{} {word}", count(*number)))
        .collect();
    if told.is_empty() { "nothing to do".to_owned() } else { told.join(", ") }
}

/// `plans`.
pub(super) fn list(list: &List<PlanSummary>, screen: Screen) -> String {
    if list.items.is_empty() {
        return "No plans yet: a sync or a finish makes one.\n".to_owned();
    }
    let mut sheet = Sheet::new([
        Column::id("PLAN"),
        Column::id("STATE"),
        Column::text("DOES"),
        Column::id("MADE").optional(1),
        Column::id("RUN").optional(2),
    ]);
    for view in &list.items {
        sheet.row([
            view.plan_id.to_string().into(),
            plan_state(view.state),
            sums(&view.counts).into(),
            instant_or(view.created_at, "").into(),
            view.run_id.as_ref().map_or("finish".to_owned(), ToString::to_string).into(),
        ]);
    }
    let mut text = sheet.render(screen) + &more(list.next.as_ref(), list.items.len());
    for view in list.items.iter().filter(|view| view.state == PlanState::Held) {
        text.push_str(&format!("\n{} waits for you: {}\n", view.plan_id, harmless(&view.held_because.join("; "))));
    }
    text
}

/// `finish`.
pub(super) fn finished(view: &FinishView, screen: Screen) -> String {
    let mut text = format!("Applied {}: {}.\n", view.plan_id, sums(&view.counts));
    if view.state == IntegrationState::Live {
        text.push_str(&format!("{} is {}.\n", view.integration, screen.paint(Ink::Good, "live")));
    }
    match &view.run {
        Some(run) => text.push_str(&format!("\nThe first full sync:\n\n{}", runs::one(run, screen))),
        None => text.push_str(&format!("\nNext: msp-sync sync {}\n", view.integration)),
    }
    text
}

/// `plan approve` and `plan discard`.
pub(super) fn changed(view: &PlanChangeView, screen: Screen) -> String {
    let mut text = format!("Plan {} is {}.\n", view.plan_id, view.state);
    if let Some(run) = &view.run {
        text.push_str(&format!("\n{}", runs::one(run, screen)));
    }
    text
}

/// `undo`.
pub(super) fn undone(view: &UndoView, screen: Screen) -> String {
    let mut text = format!("Plan {} is {}: {} reversed.\n", view.plan_id, view.state, counted(view.undone, "item"));
    if !view.kept.is_empty() {
        text.push_str(&format!(
            "\n{} stay as they are because something changed since:\n\n",
            count(view.kept.len() as u64)
        ));
        let mut sheet = Sheet::new([
            Column::id("KIND"),
            Column::text("NAME"),
            Column::id("VENDOR ID").optional(1),
            Column::prose("WHAT CHANGED"),
        ]);
        for kept in &view.kept {
            sheet.row([
                kept.kind.to_string().into(),
                (&kept.name).into(),
                kept.vendor_id.as_str().into(),
                (&kept.message).into(),
            ]);
        }
        text.push_str(&sheet.render(screen));
    }
    text
}
