//! CSV, in and out: cells that no spreadsheet takes for a formula, and tables with named columns and line numbers.

pub mod docs;
pub mod mappings;

use std::collections::BTreeMap;

use crate::error::{Code, ConsoleError};

/// Letters that make a spreadsheet take a cell for a formula; the wide forms count in some of them.
const FORMULA_STARTS: &[char] = &['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// Says whether `cell`, after any quotes at its beginning, begins like a formula.
fn is_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(FORMULA_STARTS)
}

/// Returns the cell with a quote before it where a spreadsheet would compute it. [`unguard`] gives back exactly what went in.
pub fn guard(cell: &str) -> String {
    if is_formula(cell) { format!("'{cell}") } else { cell.to_owned() }
}

/// Takes off the quote that [`guard`] set.
pub fn unguard(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_formula(rest) => rest,
        _ => cell,
    }
}

/// Writes a table; every cell is guarded.
pub fn write<'a>(header: &[&str], rows: impl IntoIterator<Item = Vec<String>> + 'a) -> String {
    let mut writer = ::csv::WriterBuilder::new().from_writer(Vec::new());
    let written = "a vector takes every byte";
    writer.write_record(header).expect(written);
    for row in rows {
        assert_eq!(row.len(), header.len(), "a row has a cell for each column");
        writer.write_record(row.iter().map(|cell| guard(cell))).expect(written);
    }
    String::from_utf8(writer.into_inner().expect(written)).expect("texts make a text")
}

/// One row of a table that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line on which it begins; the header is line 1.
    pub line: u64,
    /// The cells that are not blank, by column, unguarded and trimmed.
    pub cells: BTreeMap<String, String>,
}

impl Row {
    /// Returns a cell, or an empty text.
    pub fn cell(&self, column: &str) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }
}

/// A table that was read, row by row, and what could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// The columns: lower case, blanks as underscores.
    pub columns: Vec<String>,
    /// The rows that could be read and are not blank.
    pub rows: Vec<Row>,
    /// The others: line and why.
    pub problems: Vec<(u64, String)>,
}

/// Reads a table. The first line names the columns; a byte order mark before it and blank lines do no harm.
///
/// # Errors
/// Where there is no header, a required column is missing, or a column stands twice: then no row can be trusted.
pub fn read(text: &str, required: &[&str]) -> Result<Table, ConsoleError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = ::csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| bad_file(format!("the header cannot be read: {error}")))?;
    let columns: Vec<String> = header.iter().map(column_name).collect();
    if columns.iter().all(String::is_empty) {
        return Err(bad_file("the file is empty; its first line must name the columns".to_owned()));
    }
    for (index, column) in columns.iter().enumerate() {
        if !column.is_empty() && columns[..index].contains(column) {
            return Err(bad_file(format!("the column {column} stands twice")));
        }
    }
    if let Some(missing) = required.iter().find(|name| !columns.iter().any(|column| column == *name)) {
        let separated = if columns.len() == 1 && text.lines().next().unwrap_or_default().contains(';') {
            "; its columns seem to be parted by semicolons, not commas"
        } else {
            ""
        };
        return Err(bad_file(format!("the column {missing} is missing{separated}")));
    }
    let mut table = Table { columns, ..Table::default() };
    for record in reader.records() {
        match record {
            Ok(record) => {
                let line = record.position().map_or(0, |position| line_of(text, position));
                take_row(&mut table, line, &record);
            }
            Err(error) => {
                let line = error.position().map_or(0, |position| line_of(text, position));
                table.problems.push((line, format!("cannot be read: {error}")));
            }
        }
    }
    Ok(table)
}

/// Returns the line on which the record at `position` begins: the reader's own count stops before blank lines.
fn line_of(text: &str, position: &::csv::Position) -> u64 {
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX).min(text.len());
    let blank = text.as_bytes()[start..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
    position.line() + blank.filter(|byte| **byte == b'\n').count() as u64
}

fn take_row(table: &mut Table, line: u64, record: &::csv::StringRecord) {
    if record.iter().all(|cell| cell.trim().is_empty()) {
        return;
    }
    if record.len() != table.columns.len() {
        let message = format!("has {} cells, the header {}", record.len(), table.columns.len());
        table.problems.push((line, message));
        return;
    }
    let cells = table.columns.iter().zip(record.iter());
    let cells = cells.map(|(column, cell)| (column.clone(), unguard(cell.trim_matches(' ')).trim().to_owned()));
    let cells = cells.filter(|(column, cell)| !column.is_empty() && !cell.is_empty()).collect();
    table.rows.push(Row { line, cells });
}

fn column_name(text: &str) -> String {
    unguard(text.trim()).trim().to_lowercase().split([' ', '-']).collect::<Vec<_>>().join("_")
}

fn bad_file(message: String) -> ConsoleError {
    ConsoleError::new(Code::BadFile, message, "the first line names the columns, parted by commas")
}

#[cfg(test)]
mod tests;
