use super::*;

#[test]
fn formulas_are_quoted_and_come_back_as_they_were() {
    for (cell, guarded) in [
        ("=1+1", "'=1+1"),
        ("+49 30 1", "'+49 30 1"),
        ("-", "'-"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("＝1", "'＝1"),
        ("'=1", "''=1"),
        ("'tis", "'tis"),
        ("'", "'"),
        ("", ""),
        ("a=1", "a=1"),
    ] {
        assert_eq!(guard(cell), guarded);
        assert_eq!(unguard(&guard(cell)), cell);
    }
}

#[test]
fn what_is_written_can_be_read() {
    let rows = vec![vec!["=cmd()".to_owned(), "a \"b\", c".to_owned()], vec!["'=x".to_owned(), String::new()]];
    let text = write(&["name", "os"], rows);
    let table = read(&text, &["name"]).unwrap();
    assert_eq!(table.rows[0].cell("name"), "=cmd()");
    assert_eq!(table.rows[0].cell("os"), "a \"b\", c");
    assert_eq!(table.rows[1].cell("name"), "'=x");
    assert_eq!(table.rows[1].cell("os"), "");
    assert!(table.problems.is_empty());
}

#[test]
fn a_broken_row_costs_that_row_and_keeps_its_line() {
    let table = read("\u{feff}Name,Serial Number\nA,1\n\n\"B\nb\",2\nC\nD,4\n", &["name"]).unwrap();
    assert_eq!(table.columns, ["name", "serial_number"]);
    let lines: Vec<(u64, &str)> = table.rows.iter().map(|row| (row.line, row.cell("name"))).collect();
    assert_eq!(lines, [(2, "A"), (4, "B\nb"), (7, "D")]);
    assert_eq!(table.problems, [(6, "has 1 cells, the header 2".to_owned())]);
}

#[test]
fn a_file_without_its_columns_is_refused_whole() {
    for (text, message) in [
        ("", "the file is empty; its first line must name the columns"),
        ("serial_number\n1\n", "the column name is missing"),
        ("name;os\nA;1\n", "the column name is missing; its columns seem to be parted by semicolons, not commas"),
        ("name,os,Name\n", "the column name stands twice"),
    ] {
        let error = read(text, &["name"]).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (Code::BadFile, message));
    }
}
