//! Vendor records: the list, what a decision staged, what is not in the documentation.

use std::collections::BTreeMap;

use console::request::Request;
use console::views::{List, RecordView, StagedView, UnsyncedView};
use reconcile::reason::Reason;
use reconcile::record::Kind;

use super::screen::{Ink, Screen, harmless};
use super::table::{Column, Sheet, Value};
use super::words::{count, counted, mapping_state};
use super::{Names, more};

/// `records`.
pub(super) fn list(asked: &Request, list: &List<RecordView>, names: &Names, screen: Screen) -> String {
    if list.items.is_empty() {
        return none(asked);
    }
    let mut sheet = Sheet::new([
        Column::id("VENDOR ID"),
        Column::text("NAME"),
        Column::text("CLIENT").optional(1),
        Column::id("STATE"),
        Column::text("REASON").optional(2),
        Column::id("DOCUMENTATION").optional(4),
        Column::text("LOOKS LIKE").optional(3),
        Column::id("").optional(5),
    ]);
    let mut staged = false;
    for view in &list.items {
        staged |= view.staged;
        let suggestion = view.suggestion.as_ref().map(|near| format!("{} ({:.0} %)", near.name, near.score * 100.0));
        let flags = match (view.stale, view.new) {
            (true, _) => Value::inked(Ink::Care, "stale"),
            (false, true) => Value::inked(Ink::Care, "new"),
            (false, false) => Value::default(),
        };
        sheet.row([
            view.vendor_id.as_str().into(),
            (&view.name).into(),
            names.vendor(view.client_vendor_id.as_ref()).into(),
            mapping_state(view.state, view.staged),
            reason(view).into(),
            view.doc_id.as_ref().map(ToString::to_string).unwrap_or_default().into(),
            suggestion.unwrap_or_default().into(),
            flags,
        ]);
    }
    let mut text = sheet.render(screen) + &more(list.next.as_ref(), list.items.len());
    if let (true, Request::Records { id, .. }) = (staged, asked) {
        text.push_str(&format!("\n* staged, waits for: msp-sync finish {id}\n"));
    }
    text
}

/// The reason, where the state does not say the same.
fn reason(view: &RecordView) -> &'static str {
    match view.reason {
        None | Some(Reason::Unmatched | Reason::Excluded) => "",
        Some(reason) => reason.code(),
    }
}

fn none(asked: &Request) -> String {
    match asked {
        Request::Records { id, kind, filter, .. } if *filter == Default::default() => {
            format!("No {kind} records were read yet. Read the vendor: msp-sync sync {id}\n")
        }
        Request::Records { kind, .. } => format!("No {kind} record is like that.\n"),
        _ => "Nothing.\n".to_owned(),
    }
}

/// `auto-match`, `match`, `create`, `exclude`, `reset` and `create-unmatched`.
pub(super) fn staged(asked: &Request, view: &StagedView, screen: Screen) -> String {
    if *view == StagedView::default() {
        return "There is nothing left to stage.\n".to_owned();
    }
    let kinds: Vec<String> = view.counts.iter().map(|(kind, number)| counted(*number, kind.code())).collect();
    let detail = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
    let mut text = format!("Staged for {}{detail}.", counted(view.staged, "record"));
    if view.unchanged > 0 {
        text.push_str(&format!(" {} had that already.", counted(view.unchanged, "record")));
    }
    text.push('\n');
    if !view.left.is_empty() {
        text.push_str(&format!("\nLeft as they were: {}\n\n", counted(view.left.len() as u64, "record")));
        let mut sheet = Sheet::new([
            Column::id("KIND").optional(1),
            Column::id("VENDOR ID"),
            Column::id("REASON"),
            Column::prose("WHY").optional(2),
        ]);
        for left in &view.left {
            sheet.row([
                left.kind.to_string().into(),
                (&left.vendor_id).into(),
                Value::inked(Ink::Care, &left.reason),
                (&left.message).into(),
            ]);
        }
        text.push_str(&sheet.render(screen));
    }
    if let (Some(id), true) = (integration_of(asked), view.staged > 0) {
        text.push_str(&format!("\nNothing is written yet. Look at the plan: msp-sync preview {id}\n"));
    }
    text
}

fn integration_of(asked: &Request) -> Option<&str> {
    match asked {
        Request::AutoMatch { id, .. }
        | Request::Match { id, .. }
        | Request::Create { id, .. }
        | Request::Exclude { id, .. }
        | Request::Reset { id, .. }
        | Request::CreateUnmatched { id, .. } => Some(id),
        _ => None,
    }
}

/// `unsynced`: what is to be done about each reason, then each record.
pub(super) fn unsynced(list: &List<UnsyncedView>, names: &Names, screen: Screen) -> String {
    if list.items.is_empty() {
        return "Every record that was read is in the documentation.\n".to_owned();
    }
    let mut sheet = Sheet::new([
        Column::id("KIND"),
        Column::text("NAME"),
        Column::text("CLIENT").optional(1),
        Column::id("REASON"),
        Column::id("VENDOR ID").optional(2),
    ]);
    let mut by_reason: BTreeMap<(Reason, &str), u64> = BTreeMap::new();
    for view in &list.items {
        *by_reason.entry((view.reason, view.fix.as_str())).or_default() += 1;
        sheet.row([
            view.kind.to_string().into(),
            (&view.name).into(),
            client(view, names).into(),
            view.reason.code().into(),
            view.vendor_id.as_str().into(),
        ]);
    }
    let mut reasons = Sheet::new([
        Column::number("RECORDS"),
        Column::id("REASON"),
        Column::prose("WHAT IT MEANS").optional(1),
        Column::prose("WHAT TO DO"),
    ]);
    for ((reason, fix), number) in by_reason {
        let ink = if reason == Reason::Excluded { Ink::Faint } else { Ink::Care };
        reasons.row([count(number).into(), Value::inked(ink, reason.code()), reason.text().into(), fix.into()]);
    }
    format!("{}\n{}{}", sheet.render(screen), reasons.render(screen), more(list.next.as_ref(), list.items.len()))
}

fn client(view: &UnsyncedView, names: &Names) -> String {
    if view.kind == Kind::Client { String::new() } else { harmless(&names.vendor(view.client_vendor_id.as_ref())) }
}
