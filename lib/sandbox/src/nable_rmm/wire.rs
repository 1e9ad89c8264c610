//! XML the way N-able RMM writes it (nable_rmm.md, section 3): texts as CDATA, numbers and dates plain, bytes of ISO-8859-1.

use std::borrow::Cow;

use super::{EmptyText, Encoding, Forms};
use crate::faults::RowDamage;

/// An element, before it is written.
#[derive(Debug, Clone)]
pub(super) struct Element {
    pub name: Cow<'static, str>,
    pub attributes: Vec<(&'static str, String)>,
    pub inside: Inside,
}

/// What an element holds.
#[derive(Debug, Clone)]
pub(super) enum Inside {
    /// A number or a date, or a text that is not free.
    Plain(String),
    /// A free text.
    Free(String),
    /// Elements.
    Elements(Vec<Element>),
}

/// Makes an element of elements.
pub(super) fn parent(name: &'static str, children: Vec<Element>) -> Element {
    Element { name: Cow::Borrowed(name), attributes: Vec::new(), inside: Inside::Elements(children) }
}

/// Makes an element of a number, a date or a word.
pub(super) fn plain(name: &'static str, value: impl ToString) -> Element {
    Element { name: Cow::Borrowed(name), attributes: Vec::new(), inside: Inside::Plain(value.to_string()) }
}

/// Makes an element of a free text.
pub(super) fn free(name: &'static str, text: impl Into<String>) -> Element {
    Element { name: Cow::Borrowed(name), attributes: Vec::new(), inside: Inside::Free(text.into()) }
}

/// Damages a row as far as XML can be damaged so: it has no types, and its rows never say whose they are.
pub(super) fn damage(row: &mut Element, damage: RowDamage) {
    let id = format!("{}id", row.name);
    let Inside::Elements(children) = &mut row.inside else { return };
    match damage {
        RowDamage::NoObject => row.inside = Inside::Plain("broken".to_owned()),
        RowDamage::NoId => children.retain(|child| child.name != id),
        RowDamage::NoAttributes => children.retain(|child| child.name == id),
        RowDamage::NumbersForTexts => {
            for child in children.iter_mut().filter(|child| matches!(child.inside, Inside::Free(_))) {
                child.inside = Inside::Elements(vec![plain("value", 7)]);
            }
        }
        RowDamage::NoOwner => {}
    }
}

/// Writes a document.
pub(super) fn document(root: &Element, forms: &Forms) -> Vec<u8> {
    let mut text = match forms.encoding {
        Encoding::Latin1 | Encoding::Utf8SaidToBeLatin1 => "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n",
        Encoding::Utf8 => "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        Encoding::Utf8Undeclared => "<?xml version=\"1.0\"?>\n",
    }
    .to_owned();
    write(&mut text, root, forms, 0);
    match forms.encoding {
        // What the encoding lacks becomes a question mark: CDATA knows no references.
        Encoding::Latin1 => text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?')).collect(),
        _ => text.into_bytes(),
    }
}

fn write(out: &mut String, element: &Element, forms: &Forms, depth: usize) {
    let Element { name, attributes, inside } = element;
    let indent = "  ".repeat(depth);
    let attributes: String = attributes.iter().map(|(name, value)| format!(" {name}=\"{}\"", escaped(value))).collect();
    let written = match inside {
        Inside::Elements(children) if children.is_empty() => None,
        Inside::Elements(children) => {
            out.push_str(&format!("{indent}<{name}{attributes}>\n"));
            children.iter().for_each(|child| write(out, child, forms, depth + 1));
            out.push_str(&format!("{indent}</{name}>\n"));
            return;
        }
        Inside::Plain(text) | Inside::Free(text) if text.is_empty() => match forms.empty_text {
            EmptyText::OneTag => None,
            EmptyText::TwoTags => Some(String::new()),
            EmptyText::CData => Some("<![CDATA[]]>".to_owned()),
            EmptyText::Missing => return,
        },
        Inside::Plain(text) => Some(escaped(text)),
        Inside::Free(text) if forms.plain_texts => Some(escaped(text)),
        // The only text that cannot stand in CDATA is its own end.
        Inside::Free(text) => Some(format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>"))),
    };
    match written {
        Some(text) => out.push_str(&format!("{indent}<{name}{attributes}>{text}</{name}>\n")),
        None => out.push_str(&format!("{indent}<{name}{attributes}/>\n")),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
