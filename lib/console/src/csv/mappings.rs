//! Mappings as CSV: decisions that can be carried to another deployment, where documentation ids differ.
//!
//! A row names its documentation record by id and by kind, name and client's name; the id is tried first.

use reconcile::mapping::State;
use reconcile::record::Kind;

use super::{Row, Table};
use crate::error::ConsoleError;
use crate::nearest;
use crate::views::RowProblem;

const HEADER: [&str; 7] = ["vendor", "kind", "vendor_id", "state", "doc_id", "doc_name", "doc_client"];

/// One mapping of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingRow {
    /// Its line; 0 on the way out.
    pub line: u64,
    /// The vendor's id.
    pub vendor: String,
    /// What it is.
    pub kind: Kind,
    /// The vendor record.
    pub vendor_id: String,
    /// What was decided.
    pub state: State,
    /// The documentation record's id; may be empty.
    pub doc_id: String,
    /// Its name; may be empty.
    pub doc_name: String,
    /// The name of its client; may be empty.
    pub doc_client: String,
}

/// Writes mappings.
pub fn write(rows: impl IntoIterator<Item = MappingRow>) -> String {
    let cells = rows.into_iter().map(|row| {
        vec![
            row.vendor,
            row.kind.code().to_owned(),
            row.vendor_id,
            row.state.code().to_owned(),
            row.doc_id,
            row.doc_name,
            row.doc_client,
        ]
    });
    super::write(&HEADER, cells.collect::<Vec<_>>())
}

/// Reads mappings; rows of another vendor than `vendor` are problems.
pub fn parse(vendor: &str, text: &str) -> Result<(Vec<MappingRow>, Vec<RowProblem>), ConsoleError> {
    let Table { rows, problems, .. } = super::read(text, &["kind", "vendor_id", "state"])?;
    let mut problems: Vec<RowProblem> =
        problems.into_iter().map(|(line, message)| RowProblem { line, message }).collect();
    let mut mappings = Vec::new();
    for row in rows {
        match take(vendor, &row) {
            Ok(mapping) => mappings.push(mapping),
            Err(message) => problems.push(RowProblem { line: row.line, message }),
        }
    }
    problems.sort_by_key(|problem| problem.line);
    Ok((mappings, problems))
}

fn take(vendor: &str, row: &Row) -> Result<MappingRow, String> {
    let named = row.cell("vendor");
    if !named.is_empty() && named != vendor {
        return Err(format!("is of the vendor {named:?}, and the integration of {vendor}"));
    }
    let kind =
        Kind::from_code(row.cell("kind")).ok_or_else(|| not_a("kind", row.cell("kind"), &Kind::ALL.map(Kind::code)))?;
    let state = State::from_code(row.cell("state"))
        .ok_or_else(|| not_a("state", row.cell("state"), &State::ALL.map(State::code)))?;
    if row.cell("vendor_id").is_empty() {
        return Err("the vendor_id is missing".to_owned());
    }
    Ok(MappingRow {
        line: row.line,
        vendor: vendor.to_owned(),
        kind,
        vendor_id: row.cell("vendor_id").to_owned(),
        state,
        doc_id: row.cell("doc_id").to_owned(),
        doc_name: row.cell("doc_name").to_owned(),
        doc_client: row.cell("doc_client").to_owned(),
    })
}

fn not_a(what: &str, word: &str, words: &[&str]) -> String {
    format!("{word:?} is no {what}; {}", nearest::hint(word, words.iter().copied(), ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(vendor_id: &str, state: State) -> MappingRow {
        MappingRow {
            line: 0,
            vendor: "auvik".to_owned(),
            kind: Kind::Client,
            vendor_id: vendor_id.to_owned(),
            state,
            doc_id: "c_0123456789abcdef".to_owned(),
            doc_name: "=Acme".to_owned(),
            doc_client: String::new(),
        }
    }

    #[test]
    fn mappings_come_back_as_they_went() {
        let text = write([row("1", State::Matched), row("-2", State::Excluded)]);
        assert!(text.contains("'-2") && text.contains("'=Acme"), "{text}");
        let (rows, problems) = parse("auvik", &text).unwrap();
        assert!(problems.is_empty());
        assert_eq!(
            rows,
            [MappingRow { line: 2, ..row("1", State::Matched) }, MappingRow { line: 3, ..row("-2", State::Excluded) }]
        );
    }

    #[test]
    fn wrong_words_are_told_by_line() {
        let text = "vendor,kind,vendor_id,state\nauvik,clinet,1,matched\nauvik,client,,matched\nauvik,client,1,matchd\n\
                    autotask,client,1,matched\n";
        let (rows, problems) = parse("auvik", text).unwrap();
        assert!(rows.is_empty());
        let told: Vec<(u64, &str)> = problems.iter().map(|one| (one.line, one.message.as_str())).collect();
        assert_eq!(
            told,
            [
                (2, "\"clinet\" is no kind; did you mean client?"),
                (3, "the vendor_id is missing"),
                (4, "\"matchd\" is no state; did you mean matched?"),
                (5, "is of the vendor \"autotask\", and the integration of auvik"),
            ]
        );
    }
}
