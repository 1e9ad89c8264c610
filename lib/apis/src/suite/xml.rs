//! Fixtures whose bodies are XML: their rows as texts, and ways to break one.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use crate::call::Reply;

/// How deep rows lie: below the document's element and the list.
const ROW_DEPTH: usize = 2;

/// Ways to break a row, as many as JSON has.
pub(super) const BREAKERS: [fn(&str) -> String; 5] = [
    |row| format!("<{}/>", element(row)),
    |row| format!("<{0}>17</{0}>", element(row)),
    |row| format!("<{0}>{1}</{0}>", element(row), id(row)),
    |row| format!("<{0}>{1}<name>&undeclared;</name></{0}>", element(row), id(row)),
    |row| format!("<{0}>{1}<name>a<b>c</b></name></{0}>", element(row), id(row)),
];

/// Returns the name of a row's element.
fn element(row: &str) -> &str {
    row[1..].split(['>', '/', ' ']).next().expect("a row is an element")
}

/// Returns the element that holds a row's id.
fn id(row: &str) -> &str {
    let (open, close) = (format!("<{}id>", element(row)), format!("</{}id>", element(row)));
    let start = row.find(&open).expect("a row has an id");
    let end = row.find(&close).expect("the element of the id ends") + close.len();
    &row[start..end]
}

/// Applies `change` to the rows of an XML reply; `None` where it has none, is not whole, or no UTF-8.
pub(super) fn with_rows(reply: &Reply, change: impl FnOnce(&mut Vec<Value>)) -> Option<Reply> {
    let text = std::str::from_utf8(&reply.body).ok()?;
    let spans = spans(text)?;
    let (first, last) = (spans.first()?.0, spans.last()?.1);
    let mut rows: Vec<Value> = spans.iter().map(|(start, end)| Value::from(&text[*start..*end])).collect();
    change(&mut rows);
    let rows: Vec<&str> = rows.iter().map(|row| row.as_str().expect("rows are texts")).collect();
    let body = format!("{}{}{}", &text[..first], rows.join("\n"), &text[last..]);
    Some(Reply { body: body.into_bytes(), ..reply.clone() })
}

/// Returns where the rows begin and end; `None` where the text is no whole document, or one that no
/// vendor writes.
fn spans(text: &str) -> Option<Vec<(usize, usize)>> {
    let mut reader = Reader::from_str(text);
    let (mut spans, mut depth, mut start) = (Vec::new(), 0, 0);
    loop {
        let before = usize::try_from(reader.buffer_position()).expect("a position in the text");
        match reader.read_event() {
            Ok(Event::Start(_)) => {
                if depth == ROW_DEPTH {
                    start = before;
                }
                depth += 1;
                if depth > 2 * ROW_DEPTH {
                    return None;
                }
            }
            Ok(Event::Empty(_)) if depth == ROW_DEPTH => spans.push((before, reader.buffer_position() as usize)),
            Ok(Event::End(_)) => {
                depth -= 1;
                if depth == ROW_DEPTH {
                    spans.push((start, reader.buffer_position() as usize));
                }
            }
            Ok(Event::Eof) => return (depth == 0).then_some(spans),
            Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// Writes a body in ISO-8859-1.
pub(super) fn latin_1(body: &str) -> Vec<u8> {
    body.chars().map(|letter| u8::try_from(u32::from(letter)).expect("the letters are of ISO-8859-1")).collect()
}
