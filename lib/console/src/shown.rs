//! Making foreign text safe to show to a person.
//!
//! A vendor's text may hold terminal escapes, line breaks that fake a log line, or letters that turn the reading order
//! round. They are made visible here; JSON carries the text as it is.

/// Returns `text` with control, format and bidirectional letters written out (`\n`, `\u{202e}`), everything else as it is.
pub fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if is_hidden(letter) => out.push_str(&format!("\\u{{{:x}}}", u32::from(letter))),
            _ => out.push(letter),
        }
    }
    out
}

/// Says whether a letter is not seen, or changes how others are seen.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            // Zero-width letters, marks and embeddings; joiners among them, which can hide a difference between two names.
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Returns `text` shown and cut to `letters_max`, with an ellipsis where something was cut off.
pub fn shown_short(text: &str, letters_max: usize) -> String {
    let shown = shown(text);
    if shown.chars().count() <= letters_max {
        return shown;
    }
    shown.chars().take(letters_max.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_letters_become_visible_and_others_stay() {
        assert_eq!(shown("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(shown("invoice\u{202e}fdp.exe"), "invoice\\u{202e}fdp.exe");
        assert_eq!(shown("a\nb\rc\td\0"), "a\\nb\\rc\\td\\u{0}");
        assert_eq!(shown("zero\u{200b}width"), "zero\\u{200b}width");
        assert_eq!(shown("Zürich 株式会社 🏥"), "Zürich 株式会社 🏥");
    }

    #[test]
    fn a_long_text_is_cut_by_letters() {
        assert_eq!(shown_short("Zürich AG", 9), "Zürich AG");
        assert_eq!(shown_short("Zürich AG.", 9), "Zürich A…");
    }
}
