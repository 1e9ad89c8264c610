//! A table that fits: columns keep their place by importance, ids are never cut, numbers stand right.

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, LineStyle, Row, Table, TableStyle,
    Width,
};

use super::screen::{Ink, Screen, harmless};

/// How a column behaves where the screen is narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// Stands right, is never cut.
    Number,
    /// Is never cut: a cut id cannot be copied.
    Id,
    /// Is cut at the end, down to this many columns.
    Text(u16),
    /// Goes on in the next line, down to this many columns.
    Prose(u16),
}

/// A column: its title, how it behaves, and whether it may be left out where there is no room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    title: &'static str,
    sort: Sort,
    /// 0 stays always; of the others the lowest are shown first.
    dispensable: u8,
}

impl Column {
    /// A column of numbers.
    pub(crate) const fn number(title: &'static str) -> Self {
        Self { title, sort: Sort::Number, dispensable: 0 }
    }

    /// A column of ids and fixed words.
    pub(crate) const fn id(title: &'static str) -> Self {
        Self { title, sort: Sort::Id, dispensable: 0 }
    }

    /// A column of names and values.
    pub(crate) const fn text(title: &'static str) -> Self {
        Self { title, sort: Sort::Text(14), dispensable: 0 }
    }

    /// A column of sentences.
    pub(crate) const fn prose(title: &'static str) -> Self {
        Self { title, sort: Sort::Prose(24), dispensable: 0 }
    }

    /// The same column, which may be left out: where there is no room for all, the lowest ranks are shown.
    pub(crate) const fn optional(mut self, rank: u8) -> Self {
        self.dispensable = rank;
        self
    }
}

/// One value of a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Value {
    text: String,
    ink: Ink,
}

impl Value {
    /// A value in a colour.
    pub(crate) fn inked(ink: Ink, text: impl AsRef<str>) -> Self {
        Self { text: harmless(text.as_ref()), ink }
    }
}

impl<T: ToString> From<T> for Value {
    fn from(value: T) -> Self {
        Self { text: harmless(&value.to_string()), ink: Ink::Plain }
    }
}

/// Rows under columns.
#[derive(Debug)]
pub(crate) struct Sheet {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
}

/// Blanks between two columns.
const GAP: u16 = 2;

impl Sheet {
    /// Begins a table.
    pub(crate) fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new() }
    }

    /// Adds a row; one value a column.
    pub(crate) fn row(&mut self, values: impl Into<Vec<Value>>) {
        let values = values.into();
        assert_eq!(values.len(), self.columns.len(), "a row has one value a column");
        self.rows.push(values);
    }

    /// Returns the lines of the table, each with its line break. Columns without any value are left out where they may.
    pub(crate) fn render(mut self, screen: Screen) -> String {
        let empty: Vec<bool> = (0..self.columns.len())
            .map(|at| self.columns[at].dispensable > 0 && self.rows.iter().all(|row| row[at].text.is_empty()))
            .collect();
        self.keep(|at| !empty[at]);
        let mut widths = self.natural_widths();
        if let Some(room) = screen.width {
            let shown = self.chosen(&widths, room);
            self.keep(|at| shown.contains(&at));
            widths = shown.into_iter().map(|at| widths[at]).collect();
            fit(&self.columns, &mut widths, room);
        }
        let colour = screen.colour;
        let last = self.columns.len().saturating_sub(1);
        let mut table = self.table(colour);
        for (at, width) in widths.into_iter().enumerate() {
            let column = table.column_mut(at).expect("the header has made every column");
            let gap = if at == last { 0 } else { GAP };
            column.set_padding((0, gap));
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width + gap)));
        }
        let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n");
        lines.collect()
    }

    fn keep(&mut self, wanted: impl Fn(usize) -> bool) {
        fn filtered<T>(of: &mut Vec<T>, wanted: &impl Fn(usize) -> bool) {
            let mut at = 0;
            of.retain(|_| {
                at += 1;
                wanted(at - 1)
            });
        }
        filtered(&mut self.columns, &wanted);
        for row in &mut self.rows {
            filtered(row, &wanted);
        }
    }

    /// The columns that are shown in so much room: those that stay always, then the others by rank as long as they fit.
    fn chosen(&self, widths: &[u16], room: u16) -> Vec<usize> {
        let mut ranked: Vec<usize> = (0..self.columns.len()).collect();
        ranked.sort_by_key(|at| self.columns[*at].dispensable);
        let mut chosen: Vec<usize> = Vec::new();
        for at in ranked {
            let mut tried = chosen.clone();
            tried.push(at);
            tried.sort_unstable();
            let columns: Vec<Column> = tried.iter().map(|at| self.columns[*at]).collect();
            let mut needed: Vec<u16> = tried.iter().map(|at| widths[*at]).collect();
            if self.columns[at].dispensable == 0 || fit(&columns, &mut needed, room) {
                chosen = tried;
            }
        }
        chosen
    }

    fn natural_widths(&self) -> Vec<u16> {
        self.table(false).column_max_content_widths()
    }

    fn table(&self, colour: bool) -> Table {
        let mut table = Table::new();
        table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─')));
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_truncation_indicator("…");
        table.force_no_tty();
        if colour {
            table.enforce_styling();
        }
        let title = |column: &Column| aligned(Cell::new(column.title), column.sort).add_attribute(Attribute::Bold);
        table.set_header(self.columns.iter().map(title));
        // Beside a sentence of several lines a long name has room to go on too.
        let several_lines = self.columns.iter().any(|column| matches!(column.sort, Sort::Prose(_)));
        for values in &self.rows {
            let cells = values.iter().zip(&self.columns).map(|(value, column)| {
                let cell = cell(value, *column);
                // Where a name is cut, it is cut at the edge and not before its last word.
                let cut = matches!(column.sort, Sort::Text(_)) && !several_lines;
                if cut { cell.set_delimiter('\u{0}') } else { cell }
            });
            let mut row = Row::from(cells);
            if !several_lines {
                row.max_height(1);
            }
            table.add_row(row);
        }
        table
    }
}

fn aligned(cell: Cell, sort: Sort) -> Cell {
    cell.set_alignment(if sort == Sort::Number { CellAlignment::Right } else { CellAlignment::Left })
}

fn cell(value: &Value, column: Column) -> Cell {
    let cell = aligned(Cell::new(&value.text), column.sort);
    match value.ink {
        Ink::Plain => cell,
        Ink::Good => cell.fg(Color::Green),
        Ink::Care => cell.fg(Color::Yellow),
        Ink::Bad => cell.fg(Color::Red),
        Ink::Faint => cell.add_attribute(Attribute::Dim),
        Ink::Strong => cell.add_attribute(Attribute::Bold),
    }
}

/// Shrinks what may shrink, the widest first, until the table fits; says whether it does.
fn fit(columns: &[Column], widths: &mut [u16], room: u16) -> bool {
    let gaps = GAP * u16::try_from(columns.len().saturating_sub(1)).unwrap_or(u16::MAX / GAP);
    loop {
        let needed: u32 = widths.iter().map(|width| u32::from(*width)).sum::<u32>() + u32::from(gaps);
        let Some(excess) = needed.checked_sub(u32::from(room)).filter(|excess| *excess > 0) else { return true };
        let shrinkable = columns.iter().zip(widths.iter_mut()).filter_map(|(column, width)| match column.sort {
            Sort::Text(least) | Sort::Prose(least) if *width > least => Some((width, least)),
            _ => None,
        });
        let Some((widest, least)) = shrinkable.max_by_key(|(width, _)| **width) else { return false };
        let cut = u16::try_from(excess).unwrap_or(u16::MAX).min(*widest - least).min((*widest / 8).max(1));
        *widest -= cut;
    }
}

/// A value a line, under no heading: what a record consists of.
pub(crate) fn facts(rows: &[(&str, Value)], screen: Screen) -> String {
    let widest = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    let line = |(label, value): &(&str, Value)| {
        let pad = " ".repeat(widest - label.chars().count());
        let label = screen.paint(Ink::Faint, label);
        format!("{label}{pad}  {}\n", screen.paint(value.ink, &value.text))
    };
    rows.iter().map(line).collect()
}
