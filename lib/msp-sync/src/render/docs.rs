//! The documentation: records, one record with where each value comes from, imports, the audit log.

use console::request::Request;
use console::views::{AuditView, DocView, ImportView, List};
use reconcile::record::{Field, Kind};

use super::screen::{Ink, Screen, harmless};
use super::table::{Column, Sheet, Value, facts};
use super::words::{count, instant};
use super::{Names, more};

/// The fields that a list of a kind shows.
fn shown_fields(kind: Kind) -> &'static [(Field, &'static str)] {
    match kind {
        Kind::Client => &[(Field::City, "CITY"), (Field::Phone, "PHONE")],
        Kind::User | Kind::Contact => &[(Field::Email, "E-MAIL"), (Field::Phone, "PHONE")],
        Kind::Asset => &[(Field::SerialNumber, "SERIAL"), (Field::Type, "TYPE"), (Field::Make, "MAKE")],
        Kind::Location => &[(Field::Address, "ADDRESS"), (Field::City, "CITY")],
    }
}

/// `docs list`.
pub(super) fn list(asked: &Request, list: &List<DocView>, names: &Names, screen: Screen) -> String {
    let Some(first) = list.items.first() else { return none(asked) };
    let fields = shown_fields(first.kind);
    let mut columns = vec![Column::id("DOCUMENTATION"), Column::text("NAME")];
    if first.kind.is_below_client() {
        columns.push(Column::text("CLIENT").optional(2));
    }
    for (at, (_, title)) in fields.iter().enumerate() {
        columns.push(Column::text(title).optional(4 + u8::try_from(at).unwrap_or(9)));
    }
    columns.extend([Column::text("SOURCES").optional(1), Column::id("").optional(3)]);
    let mut sheet = Sheet::new(columns);
    for view in &list.items {
        let mut row: Vec<Value> = vec![view.doc_id.to_string().into(), (&view.name).into()];
        if first.kind.is_below_client() {
            row.push(names.doc(view.client_doc_id.as_ref()).into());
        }
        row.extend(fields.iter().map(|(field, _)| Value::from(value(view, *field))));
        let sources: Vec<&str> = view.sources.iter().map(|source| source.integration.as_str()).collect();
        row.extend([sources.join(", ").into(), flag(view)]);
        sheet.row(row);
    }
    sheet.render(screen) + &more(list.next.as_ref(), list.items.len())
}

fn value(view: &DocView, field: Field) -> String {
    view.fields.get(field).map(ToString::to_string).unwrap_or_default()
}

fn flag(view: &DocView) -> Value {
    match (view.archived, view.stale) {
        (true, _) => Value::inked(Ink::Faint, "archived"),
        (false, true) => Value::inked(Ink::Care, "stale"),
        (false, false) => Value::default(),
    }
}

fn none(asked: &Request) -> String {
    match asked {
        Request::DocsList { kind, client: None, search: None, .. } => {
            format!("The documentation has no {kind} yet. Read some in: msp-sync docs import --kind {kind} FILE.csv\n")
        }
        Request::DocsList { kind, .. } => format!("No {kind} is like that.\n"),
        _ => "Nothing.\n".to_owned(),
    }
}

/// `docs show`, and what `edit`, `archive` and `restore` leave behind.
pub(super) fn one(view: &DocView, names: &Names, screen: Screen) -> String {
    let mut rows: Vec<(&str, Value)> =
        vec![("documentation", view.doc_id.to_string().into()), ("name", (&view.name).into())];
    if view.kind.is_below_client() {
        rows.push(("client", names.doc(view.client_doc_id.as_ref()).into()));
    }
    if view.archived || view.stale {
        rows.push(("state", flag(view)));
    }
    let mut text = facts(&rows, screen);
    let mut fields = Sheet::new([Column::id("FIELD"), Column::prose("VALUE"), Column::id("COMES FROM").optional(1)]);
    let mut any = false;
    for field in Field::ALL {
        let origin = view.origins.get(field);
        let Some(value) = view.fields.get(*field).map(ToString::to_string).or(origin.map(|_| String::new())) else {
            continue;
        };
        any = true;
        let ink = if origin.is_some_and(|origin| origin == "edit") { Ink::Strong } else { Ink::Plain };
        fields.row([field.code().into(), value.into(), Value::inked(ink, origin.map_or("", String::as_str))]);
    }
    if any {
        text.push_str(&format!("\n{}", fields.render(screen)));
    }
    if view.sources.is_empty() {
        return text + "\nNo integration has it.\n";
    }
    let mut sources = Sheet::new([
        Column::id("SOURCE"),
        Column::text("NAME THERE"),
        Column::id("VENDOR ID"),
        Column::id("").optional(1),
    ]);
    for source in &view.sources {
        let stale = if source.stale { Value::inked(Ink::Care, "stale") } else { Value::default() };
        sources.row([
            source.integration.to_string().into(),
            (&source.name).into(),
            source.vendor_id.as_str().into(),
            stale,
        ]);
    }
    text + "\n" + &sources.render(screen)
}

/// `docs import` and `mappings import`.
pub(super) fn imported(asked: &Request, view: &ImportView, screen: Screen) -> String {
    let (made, what) = match asked {
        Request::MappingsImport { .. } => ("staged", "decisions"),
        _ => ("new", "records"),
    };
    let mut text = format!(
        "Read in: {} {made}, {} changed, {} as they were ({what}).\n",
        count(view.created),
        count(view.updated),
        count(view.unchanged)
    );
    if !view.problems.is_empty() {
        text.push_str(&format!("\nNot taken: {}\n\n", super::words::counted(view.problems.len() as u64, "row")));
        let mut sheet = Sheet::new([Column::number("LINE"), Column::prose("WHY")]);
        for problem in &view.problems {
            sheet.row([problem.line.to_string().into(), (&problem.message).into()]);
        }
        text.push_str(&sheet.render(screen));
    }
    if let Request::MappingsImport { id, .. } = asked {
        text.push_str(&format!("\nNothing is written yet. Look at the plan: msp-sync preview {id}\n"));
    }
    text
}

/// `audit`.
pub(super) fn audit(list: &List<AuditView>, screen: Screen) -> String {
    if list.items.is_empty() {
        return "Nobody has decided anything yet.\n".to_owned();
    }
    let mut sheet = Sheet::new([
        Column::id("WHEN"),
        Column::text("WHO").optional(1),
        Column::id("WHAT"),
        Column::text("ABOUT"),
        Column::prose("DETAIL").optional(2),
    ]);
    for view in &list.items {
        sheet.row([
            instant(view.at).into(),
            (&view.who).into(),
            harmless(&view.what).into(),
            (&view.about).into(),
            (&view.detail).into(),
        ]);
    }
    sheet.render(screen) + &more(list.next.as_ref(), list.items.len())
}
