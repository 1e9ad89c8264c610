//! Reading answers in XML, event by event: no tree is built, and what is kept is what was asked for.
//!
//! Nothing in an answer can make it large: entities other than the five of XML itself and numbered characters are not
//! expanded, whatever a `DOCTYPE` says of them, and nothing is fetched. Depth, rows and the length of a text are bounded.
//!
//! Bytes are taken as UTF-8 where they are that, and else as windows-1252, whatever the declaration says. This is decided
//! letter by letter, since a decision for the whole body would let one row, or the place where a body breaks off, change
//! the names of all others.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::errors::{Error, SyntaxError};
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};

/// Elements within elements after which a body is given up.
const DEPTH_MAX: usize = 32;

/// Rows after which a body is given up: more than fit into one with texts in them.
const ROWS_MAX: usize = 100_000;

/// Bytes of one text after which it counts as unreadable.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// What the bytes from 0x80 to 0x9F mean in windows-1252; five mean nothing and stay control characters.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Where the rows of a list are, and what is read of them.
pub(crate) struct Wanted {
    /// The element of the document.
    pub root: &'static str,
    /// The element below it that holds the rows.
    pub list: &'static str,
    /// The element of a row.
    pub row: &'static str,
    /// The elements of a row that are read; others are passed over.
    pub fields: &'static [&'static str],
}

/// A list in XML, read as far as it goes.
#[derive(Debug, PartialEq)]
pub(crate) struct XmlList {
    /// The rows.
    pub rows: Vec<XmlRow>,
    /// Why the list is not whole; the rows before the break are there all the same.
    pub broken: Option<String>,
}

/// What was read of a row.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct XmlRow {
    texts: Vec<(&'static str, String)>,
    unreadable: Vec<&'static str>,
}

impl XmlRow {
    /// Returns the text of an element, trimmed; empty where the row has none.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.texts.iter().find(|(name, _)| *name == field).map_or("", |(_, text)| text)
    }

    /// Returns the elements whose text cannot be read: one that holds elements, is too long, or names an entity.
    pub(crate) fn unreadable(&self) -> &[&'static str] {
        &self.unreadable
    }

    /// Returns all that was read, in the order of names: the same for the same row, whatever the order of its elements.
    pub(crate) fn sorted(&self) -> Vec<(&'static str, &str)> {
        let mut all: Vec<_> = self.texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
        all.sort_unstable();
        all
    }
}

/// Reads a list. A row is there once its end is; a body without the list, or with an end that is not the document's, is
/// broken.
pub(crate) fn list(body: &[u8], wanted: &Wanted) -> XmlList {
    let text = decoded(body);
    let mut rows = Vec::new();
    let mut walk = Walk::new(&text);
    let broken = rows_of(&mut walk, wanted, &mut rows).err();
    XmlList { rows, broken }
}

fn rows_of(walk: &mut Walk<'_>, wanted: &Wanted, rows: &mut Vec<XmlRow>) -> Result<(), String> {
    let root = walk.root()?;
    if root.name().as_ref() != wanted.root {
        return Err(format!("it is not the XML that was expected (no <{}>)", wanted.root));
    }
    let mut has_list = false;
    while let Some(part) = walk.child()? {
        if part.name().as_ref() != wanted.list {
            walk.skip()?;
            continue;
        }
        has_list = true;
        while let Some(row) = walk.child()? {
            if row.name().as_ref() == wanted.row {
                if rows.len() >= ROWS_MAX {
                    return Err(format!("it has more than {ROWS_MAX} rows"));
                }
                rows.push(self::row(walk, wanted.fields)?);
            } else {
                walk.skip()?;
            }
        }
    }
    walk.end()?;
    if has_list { Ok(()) } else { Err("it holds no list".to_owned()) }
}

fn row(walk: &mut Walk<'_>, fields: &[&'static str]) -> Result<XmlRow, String> {
    let mut row = XmlRow::default();
    while let Some(element) = walk.child()? {
        let name = element.name();
        let Some(field) = fields.iter().find(|field| **field == name.as_ref()) else {
            walk.skip()?;
            continue;
        };
        match walk.text()? {
            Some(text) if text.is_empty() => {}
            Some(text) => row.texts.push((field, text)),
            None => row.unreadable.push(field),
        }
    }
    Ok(row)
}

/// Returns the text of the first element of this name, wherever it is.
pub(crate) fn first_text(body: &[u8], name: &str) -> Option<String> {
    let text = decoded(body);
    let mut walk = Walk::new(&text);
    loop {
        match walk.event().ok()? {
            Event::Start(element) if element.name().as_ref() == name => return walk.text().ok()?,
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// A way through a document, element by element. Errors say why it goes no further.
pub(crate) struct Walk<'a> {
    reader: Reader<&'a [u8]>,
    bytes: usize,
    depth: usize,
}

impl<'a> Walk<'a> {
    /// Begins before the document's element.
    pub(crate) fn new(text: &'a str) -> Self {
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        // A lone `&` is a `&`: what else could it be?
        reader.config_mut().allow_dangling_amp = true;
        Self { reader, bytes: text.len(), depth: 0 }
    }

    /// Goes into the document's element.
    pub(crate) fn root(&mut self) -> Result<BytesStart<'a>, String> {
        if self.bytes == 0 {
            return Err("it is empty".to_owned());
        }
        loop {
            match self.event()? {
                Event::Start(element) if element.name().as_ref().eq_ignore_ascii_case("html") => {
                    return Err("it is HTML instead of XML".to_owned());
                }
                Event::Start(element) => return Ok(element),
                Event::Eof => return Err(self.breaks_off()),
                Event::Text(text) if text.trim().is_empty() => {}
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_) => {}
                _ => return Err(self.not_expected()),
            }
        }
    }

    /// Goes into the next element within this one, or, where there is none, out of this one. Texts are passed over.
    pub(crate) fn child(&mut self) -> Result<Option<BytesStart<'a>>, String> {
        loop {
            match self.event()? {
                Event::Start(element) => return Ok(Some(element)),
                Event::End(_) => return Ok(None),
                Event::Eof => return Err(self.breaks_off()),
                _ => {}
            }
        }
    }

    /// Goes out of this element, past everything in it.
    pub(crate) fn skip(&mut self) -> Result<(), String> {
        let outside = self.depth - 1;
        while self.depth > outside {
            if let Event::Eof = self.event()? {
                return Err(self.breaks_off());
            }
        }
        Ok(())
    }

    /// Returns the text of this element, trimmed, and goes out of it; `None` where it cannot be read.
    pub(crate) fn text(&mut self) -> Result<Option<String>, String> {
        let mut whole = Some(String::new());
        loop {
            let part = match self.event()? {
                Event::End(_) => return Ok(whole.map(|text| text.trim().to_owned())),
                Event::Eof => return Err(self.breaks_off()),
                Event::Text(text) => Some(text.into_inner()),
                Event::CData(text) => Some(text.into_inner()),
                Event::GeneralRef(name) => match name.resolve_char_ref() {
                    Ok(Some(letter)) => Some(Cow::Owned(letter.to_string())),
                    Ok(None) => resolve_xml_entity(&name).map(Cow::Borrowed),
                    Err(_) => None,
                },
                Event::Start(_) => {
                    self.skip()?;
                    None
                }
                _ => continue,
            };
            whole = whole.zip(part).map(|(text, part)| text + &part).filter(|text| text.len() <= TEXT_BYTES_MAX);
        }
    }

    /// Makes sure that nothing follows the document.
    pub(crate) fn end(&mut self) -> Result<(), String> {
        loop {
            match self.event()? {
                Event::Eof => return Ok(()),
                Event::Text(text) if text.trim().is_empty() => {}
                Event::Comment(_) | Event::PI(_) => {}
                _ => return Err(self.not_expected()),
            }
        }
    }

    fn event(&mut self) -> Result<Event<'a>, String> {
        match self.reader.read_event() {
            Ok(event) => {
                match event {
                    Event::Start(_) if self.depth >= DEPTH_MAX => {
                        return Err(format!("it has elements more than {DEPTH_MAX} deep"));
                    }
                    Event::Start(_) => self.depth += 1,
                    Event::End(_) => self.depth -= 1,
                    _ => {}
                }
                Ok(event)
            }
            Err(Error::Syntax(SyntaxError::InvalidBangMarkup)) => Err(self.not_expected()),
            Err(Error::Syntax(_)) => Err(self.breaks_off()),
            // The message of the reader could repeat a piece of the body; the place is enough.
            Err(_) => Err(self.not_expected()),
        }
    }

    fn breaks_off(&self) -> String {
        format!("it breaks off after {} bytes", self.bytes)
    }

    fn not_expected(&self) -> String {
        format!("it is not the XML that was expected (byte {})", self.reader.buffer_position())
    }
}

/// Returns a body as text.
pub(crate) fn decoded(body: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let mut text = String::with_capacity(body.len() + body.len() / 8);
            for chunk in body.utf8_chunks() {
                text.push_str(chunk.valid());
                text.extend(chunk.invalid().iter().map(|byte| windows_1252(*byte)));
            }
            Cow::Owned(text)
        }
    }
}

fn windows_1252(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
        other => char::from(other),
    }
}

#[cfg(test)]
mod tests;
