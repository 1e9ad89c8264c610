//! What is written on: how wide it is, whether it takes colour, and what vendor text may do to it (nothing).

use std::io::IsTerminal;

/// The output that a person reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Screen {
    /// Columns of the terminal; `None` where it is none, and nothing is cut.
    pub(crate) width: Option<u16>,
    /// Whether colours are wanted.
    pub(crate) colour: bool,
}

impl Screen {
    /// Looks at standard output.
    pub(crate) fn of_stdout() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let width = terminal.then(|| comfy_table::Table::new().width().unwrap_or(80));
        Self { width, colour: terminal && colour_wanted() }
    }

    /// A screen that nothing is cut for and that takes no colour: a pipe, a file.
    #[cfg(test)]
    pub(crate) const PLAIN: Screen = Screen { width: None, colour: false };

    /// Paints a text where colours are wanted.
    pub(crate) fn paint(self, ink: Ink, text: &str) -> String {
        if self.colour && ink != Ink::Plain {
            format!("\u{1b}[{}m{text}\u{1b}[0m", ink.code())
        } else {
            text.to_owned()
        }
    }
}

/// Says whether the environment lets programs use colours (no-color.org; a dumb terminal shows none).
pub(crate) fn colour_wanted() -> bool {
    let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !forbidden && !dumb
}

/// What a word means, as a colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Ink {
    /// As any text.
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// Wants a look.
    Care,
    /// Wants a person.
    Bad,
    /// Less important.
    Faint,
    /// A heading.
    Strong,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Ink::Plain => "0",
            Ink::Good => "32",
            Ink::Care => "33",
            Ink::Bad => "31",
            Ink::Faint => "2",
            Ink::Strong => "1",
        }
    }
}

/// A command as it is typed, with a prompt before it; where it does not fit, it goes on as a shell takes it.
pub(crate) fn command(text: &str, screen: Screen) -> String {
    // What stands in quotes is one word.
    let quoted = text.split('\'').enumerate().map(|(nth, part)| match nth % 2 {
        1 => part.replace(' ', "\u{a0}"),
        _ => part.to_owned(),
    });
    let text = quoted.collect::<Vec<_>>().join("'");
    // Room for the blank and the backslash that end a line.
    let lines = lines(&text, screen.width.map(|width| usize::from(width).saturating_sub(8)));
    format!("  $ {}", lines.join(" \\\n      ").replace('\u{a0}', " "))
}

/// A paragraph with its line break. Lines after the first begin where the first did.
pub(crate) fn paragraph(text: &str, screen: Screen) -> String {
    let words = text.trim_start();
    let indent = &text[..text.len() - words.len()];
    let room = screen.width.map(|width| usize::from(width).saturating_sub(indent.len()));
    let lines = lines(words, room);
    lines.iter().map(|line| format!("{indent}{line}\n")).collect()
}

/// Breaks a text between words into lines of at most `room` letters; a longer word has a line of its own.
fn lines(text: &str, room: Option<usize>) -> Vec<String> {
    let Some(room) = room else { return vec![text.to_owned()] };
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The most letters of one value that a table shows.
const LETTERS_MAX: usize = 300;

/// Returns a vendor's text as a table may show it: nothing in it moves the cursor, hides or reverses anything.
pub(crate) fn harmless(text: &str) -> String {
    console::shown::shown_short(text, LETTERS_MAX)
}

/// The same for texts of several lines, each of which is kept whole.
pub(crate) fn harmless_lines(text: &str) -> String {
    text.lines().map(console::shown::shown).collect::<Vec<_>>().join("\n")
}
