//! The catalogue as CSV: one row a documentation record.
//!
//! Columns: `doc_id`, `name`, `client` (below a client: name or doc id), the field names, `archived`. Only `name` is
//! required, and `client` below a client.

use std::collections::BTreeSet;

use reconcile::normal::Mac;
use reconcile::record::{Field, Fields, Kind, fold_blanks};

use super::{Row, Table};
use crate::error::ConsoleError;
use crate::nearest;
use crate::views::{DocView, RowProblem};

/// One row of an import, read but not yet placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocRow {
    /// Its line.
    pub line: u64,
    /// The documentation record it is about, where the row names one.
    pub doc_id: Option<String>,
    /// Its name, blanks folded.
    pub name: String,
    /// Its client's name or doc id; empty for kinds that are not below one.
    pub client: String,
    /// Whether it is archived, where the row says so.
    pub archived: Option<bool>,
    /// Its fields.
    pub fields: Fields,
}

/// An import file, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocFile {
    /// The fields that the file has columns for: those of an existing record are replaced, others are left.
    pub fields: BTreeSet<Field>,
    /// The rows that can be taken.
    pub rows: Vec<DocRow>,
    /// The rows and columns that cannot.
    pub problems: Vec<RowProblem>,
}

/// Reads an import file. A column that is no field is left out and told once, on line 1.
pub fn parse(kind: Kind, text: &str) -> Result<DocFile, ConsoleError> {
    let required: &[&str] = if kind.is_below_client() { &["name", "client"] } else { &["name"] };
    let Table { columns, rows, problems } = super::read(text, required)?;
    let mut file = DocFile::default();
    for column in columns.iter().filter(|column| !column.is_empty()) {
        match Field::from_code(column) {
            Some(field) => {
                file.fields.insert(field);
            }
            None if is_own_column(kind, column) => {}
            None => {
                let codes = Field::ALL.iter().map(|field| field.code());
                let hint = nearest::nearest(column, codes).map(|near| format!("; did you mean {near}?"));
                let message = format!("the column {column:?} is no field and was left out{}", hint.unwrap_or_default());
                file.problems.push(RowProblem { line: 1, message });
            }
        }
    }
    file.problems.extend(problems.into_iter().map(|(line, message)| RowProblem { line, message }));
    for row in rows {
        match take(kind, &row, &file.fields) {
            Ok(row) => file.rows.push(row),
            Err(message) => file.problems.push(RowProblem { line: row.line, message }),
        }
    }
    file.problems.sort_by_key(|problem| problem.line);
    Ok(file)
}

fn is_own_column(kind: Kind, column: &str) -> bool {
    matches!(column, "doc_id" | "name" | "archived") || (column == "client" && kind.is_below_client())
}

fn take(kind: Kind, row: &Row, columns: &BTreeSet<Field>) -> Result<DocRow, String> {
    let name = fold_blanks(row.cell("name"));
    if name.is_empty() {
        return Err("the name is missing".to_owned());
    }
    let client = fold_blanks(row.cell("client"));
    if kind.is_below_client() && client.is_empty() {
        return Err("the client is missing".to_owned());
    }
    let archived = match row.cell("archived").to_lowercase().as_str() {
        "" => None,
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
        other => return Err(format!("archived is {other:?}, not true or false")),
    };
    let mut fields = Fields::default();
    for field in columns {
        set_from_text(&mut fields, *field, row.cell(field.code()));
    }
    let doc_id = Some(row.cell("doc_id").to_owned()).filter(|id| !id.is_empty());
    Ok(DocRow { line: row.line, doc_id, name, client, archived, fields })
}

/// Sets a field from what a person wrote: several values are parted by `;`, MAC addresses written as everywhere else.
pub(crate) fn set_from_text(fields: &mut Fields, field: Field, text: &str) {
    if !field.is_list() {
        return fields.set_text(field, text);
    }
    let values = text.split(';').map(|value| match (field, Mac::parse(value)) {
        (Field::MacAddresses, Ok(mac)) => mac.display(),
        _ => value.to_owned(),
    });
    fields.set_list(field, values);
}

/// Writes records of one kind; `client_name` gives the name of a record's client.
pub fn write<'a>(
    kind: Kind,
    docs: impl IntoIterator<Item = &'a DocView> + 'a,
    client_name: impl Fn(&DocView) -> String + 'a,
) -> String {
    let mut header = vec!["doc_id", "name"];
    if kind.is_below_client() {
        header.push("client");
    }
    header.extend(Field::ALL.iter().map(|field| field.code()));
    header.push("archived");
    let rows = docs.into_iter().map(move |doc| {
        let mut row = vec![doc.doc_id.to_string(), doc.name.clone()];
        if kind.is_below_client() {
            row.push(client_name(doc));
        }
        row.extend(Field::ALL.iter().map(|field| doc.fields.get(*field).map(ToString::to_string).unwrap_or_default()));
        row.push(if doc.archived { "true" } else { "" }.to_owned());
        row
    });
    super::write(&header, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_fields_and_several_values_are_parted() {
        let text = "name,client,mac_addresses,ip_addresses\n FS01 ,Acme,0011.2233.4455;66-77-88-99-aa-bb,\n";
        let file = parse(Kind::Asset, text).unwrap();
        assert!(file.problems.is_empty());
        let row = &file.rows[0];
        assert_eq!((row.line, row.name.as_str(), row.client.as_str()), (2, "FS01", "Acme"));
        assert_eq!(row.fields.list(Field::MacAddresses), ["00:11:22:33:44:55", "66:77:88:99:AA:BB"]);
        assert!(row.fields.get(Field::IpAddresses).is_none());
        assert_eq!(file.fields.len(), 2);
    }

    #[test]
    fn rows_that_cannot_be_taken_are_told_by_line_and_the_others_go_in() {
        let text = "name,client,serail_number,archived\nA,Acme,1,\n,Acme,2,\nC,,3,\nD,Acme,4,perhaps\nE,Acme,5,yes\n";
        let file = parse(Kind::Asset, text).unwrap();
        let taken: Vec<&str> = file.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(taken, ["A", "E"]);
        let problems: Vec<(u64, &str)> =
            file.problems.iter().map(|problem| (problem.line, problem.message.as_str())).collect();
        assert_eq!(
            problems,
            [
                (1, "the column \"serail_number\" is no field and was left out; did you mean serial_number?"),
                (3, "the name is missing"),
                (4, "the client is missing"),
                (5, "archived is \"perhaps\", not true or false"),
            ]
        );
    }

    #[test]
    fn an_asset_file_without_clients_is_refused() {
        assert_eq!(parse(Kind::Asset, "name\nA\n").unwrap_err().message, "the column client is missing");
        assert_eq!(parse(Kind::Client, "name\nA\n").unwrap().rows.len(), 1);
    }
}
