//! Several integrations seen together: their runs, what their records became in the one catalogue, and what did not.

use std::collections::BTreeMap;

use console::views::{DocView, RunView, UnsyncedView};
use console::words::Outcome;
use reconcile::plan::Counts;
use reconcile::reason::Reason;
use reconcile::record::{Field, Kind};

use super::Names;
use super::screen::{Ink, Screen, paragraph};
use super::table::{Column, Sheet, Value};
use super::words::{count, counted, outcome};

/// So many shared devices are shown.
const SHARED_SHOWN: usize = 12;
/// So many records are shown for each reason.
const EXAMPLES: usize = 3;
/// What a record with so many sources is counted under; the last one holds those with more, too.
const BY_SOURCES: [&str; 6] = ["0", "1", "2", "3", "4", "5"];

/// Runs of several integrations, a line each.
pub(crate) fn runs_together(runs: &[RunView], screen: Screen) -> String {
    let mut sheet = Sheet::new([
        Column::id("INTEGRATION"),
        Column::id("OUTCOME"),
        Column::number("FETCHED"),
        Column::number("SYNCED"),
        Column::number("CHANGED"),
        Column::number("UNSYNCED"),
        Column::number("REQUESTS"),
    ]);
    for run in runs {
        let sum = |of: fn(&Counts) -> u64| Value::from(count(run.counts.values().map(of).sum()));
        sheet.row([
            run.integration.to_string().into(),
            outcome(run.outcome),
            sum(|counts| counts.fetched),
            sum(|counts| counts.synced),
            sum(|counts| counts.created + counts.matched + counts.updated),
            sum(|counts| counts.unsynced),
            count(run.vendor_requests).into(),
        ]);
    }
    let changes = runs.iter().flat_map(|run| run.counts.values()).map(|of| of.created + of.matched + of.updated).sum();
    let is_held = runs.iter().any(|run| run.outcome == Some(Outcome::Held));
    let told = match changes {
        0 if is_held => "The guard stopped a large change: nothing was written, and its plan waits for you.".to_owned(),
        0 => "Nothing has changed at the vendors, so nothing was written.".to_owned(),
        _ => format!("Changed: {}.", counted(changes, "record")),
    };
    format!("{}\n{told}\n", sheet.render(screen))
}

/// How many documentation records of each kind have how many sources.
pub(crate) fn by_sources(docs: &BTreeMap<Kind, Vec<DocView>>, screen: Screen) -> String {
    let last = BY_SOURCES.len() - 1;
    let with =
        |docs: &[DocView], sources: usize| docs.iter().filter(|doc| doc.sources.len().min(last) == sources).count();
    let shown: Vec<usize> =
        (0..BY_SOURCES.len()).filter(|sources| docs.values().any(|docs| with(docs, *sources) > 0)).collect();
    let mut columns = vec![Column::id("KIND"), Column::number("RECORDS")];
    columns.extend(shown.iter().map(|sources| Column::number(BY_SOURCES[*sources])));
    let mut sheet = Sheet::new(columns);
    for (kind, docs) in docs.iter().filter(|(_, docs)| !docs.is_empty()) {
        let mut row: Vec<Value> = vec![kind.to_string().into(), number(docs.len())];
        row.extend(shown.iter().map(|sources| number(with(docs, *sources))));
        sheet.row(row);
    }
    let told = "Records by the number of vendors that have them; 0 stands for what was typed in by hand alone.";
    format!("{}\n{}", sheet.render(screen), paragraph(told, screen))
}

/// The devices with the most sources, and which of `integrations` (vendor and id) have them.
pub(crate) fn shared(
    assets: &[DocView],
    integrations: &[(&'static str, &str)],
    names: &Names,
    screen: Screen,
) -> String {
    let mut shared: Vec<&DocView> = assets.iter().filter(|doc| doc.sources.len() > 1).collect();
    shared.sort_by_key(|doc| (std::cmp::Reverse(doc.sources.len()), &doc.name));
    if shared.is_empty() {
        return "No device is known to more than one vendor.\n".to_owned();
    }
    let mut columns = vec![Column::text("NAME"), Column::text("CLIENT").optional(1), Column::id("SERIAL").optional(2)];
    columns.extend(integrations.iter().map(|(vendor, _)| Column::id(vendor)));
    let mut sheet = Sheet::new(columns);
    for doc in shared.iter().take(SHARED_SHOWN) {
        let serial = doc.fields.text(Field::SerialNumber).unwrap_or_default();
        let mut row: Vec<Value> = vec![(&doc.name).into(), names.doc(doc.client_doc_id.as_ref()).into(), serial.into()];
        let has = |id: &str| doc.sources.iter().any(|source| source.integration.as_str() == id);
        row.extend(
            integrations
                .iter()
                .map(|(_, id)| if has(id) { Value::inked(Ink::Good, "yes") } else { Value::inked(Ink::Faint, "-") }),
        );
        sheet.row(row);
    }
    let (all, shown) = (shared.len(), shared.len().min(SHARED_SHOWN));
    let rest = if all > shown { format!(", {shown} of them are shown") } else { String::new() };
    format!("{}\n{} have several sources{rest}.\n", sheet.render(screen), counted(all as u64, "device"))
}

/// What is not in the documentation: how many records for each reason and integration (vendor, id and records), what to do,
/// and some of the records.
pub(crate) fn unsynced_together(left: &[(&'static str, &str, &[UnsyncedView])], screen: Screen) -> String {
    let mut by_reason: BTreeMap<Reason, BTreeMap<&str, Vec<&UnsyncedView>>> = BTreeMap::new();
    for (_, id, views) in left {
        for view in *views {
            by_reason.entry(view.reason).or_default().entry(id).or_default().push(view);
        }
    }
    if by_reason.is_empty() {
        return "Every record that was read is in the documentation.\n".to_owned();
    }
    let mut columns = vec![Column::id("REASON")];
    columns.extend(left.iter().map(|(vendor, ..)| Column::number(vendor)));
    let mut sums = Sheet::new(columns);
    let mut what = Sheet::new([Column::id("REASON"), Column::prose("WHAT IT MEANS"), Column::prose("WHAT TO DO")]);
    let mut some = Sheet::new([
        Column::id("REASON"),
        Column::id("KIND").optional(2),
        Column::text("FOR EXAMPLE"),
        Column::id("INTEGRATION").optional(1),
    ]);
    for (reason, by_integration) in &by_reason {
        let mut row: Vec<Value> = vec![reason.code().into()];
        row.extend(left.iter().map(|(_, id, _)| number(by_integration.get(id).map_or(0, Vec::len))));
        sums.row(row);
        what.row([reason.code().into(), reason.text().into(), reason.fix().into()]);
        for (id, view) in spread(by_integration) {
            some.row([reason.code().into(), view.kind.to_string().into(), (&view.name).into(), id.into()]);
        }
    }
    let id = left.first().map_or("ID", |(_, id, _)| id);
    format!(
        "{}\n{}\n{}\nEach record: msp-sync unsynced {id}\n",
        sums.render(screen),
        what.render(screen),
        some.render(screen)
    )
}

/// Returns a few records, from as many integrations as there are.
fn spread<'v>(by_integration: &BTreeMap<&'v str, Vec<&'v UnsyncedView>>) -> Vec<(&'v str, &'v UnsyncedView)> {
    let longest = by_integration.values().map(Vec::len).max().unwrap_or(0);
    let all =
        (0..longest).flat_map(|nth| by_integration.iter().filter_map(move |(id, views)| Some((*id, *views.get(nth)?))));
    all.take(EXAMPLES).collect()
}

fn number(of: usize) -> Value {
    if of == 0 { Value::inked(Ink::Faint, "0") } else { count(of as u64).into() }
}
