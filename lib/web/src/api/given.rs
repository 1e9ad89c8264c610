//! What a call gives: parts of the path, parameters, a body; read strictly, so that a wrong word is never ignored.

use std::collections::BTreeMap;

use console::error::{Code, ConsoleError};
use console::request::{PAGE_LIMIT, PAGE_LIMIT_MAX, Page, RecordFilter};
use reconcile::ids::DocId;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::form_urlencoded;

use super::operations::{Body, Operation, PATH_PARTS};

/// What a call gives, each part of it known to its operation.
#[derive(Debug)]
pub(super) struct Given<'a> {
    path: BTreeMap<&'static str, String>,
    query: BTreeMap<String, String>,
    body: &'a [u8],
}

fn usage(message: impl Into<String>, hint: impl Into<String>) -> ConsoleError {
    ConsoleError::new(Code::Usage, message, hint)
}

/// Refuses parameters where there are none.
pub(super) fn no_more(query: &str) -> Result<(), ConsoleError> {
    match form_urlencoded::parse(query.as_bytes()).next() {
        None => Ok(()),
        Some((name, _)) => Err(usage(format!("there is no parameter {name:?}"), "leave it out")),
    }
}

impl<'a> Given<'a> {
    /// Takes a call apart. The path is known to fit the operation's.
    pub(super) fn read(
        operation: &'static Operation,
        path: &str,
        query: &str,
        body: &'a [u8],
    ) -> Result<Self, ConsoleError> {
        let mut given = Self { path: BTreeMap::new(), query: BTreeMap::new(), body };
        for (name, text) in operation.path_parts(path) {
            let part = PATH_PARTS.iter().find(|part| part.name == name).expect("a test looks at all paths");
            (part.check)(text).map_err(|error| usage(error.to_string(), "see the id in a list"))?;
            given.path.insert(name, text.to_owned());
        }
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if operation.parameters.iter().all(|parameter| parameter.name != name) {
                let known: Vec<&str> = operation.parameters.iter().map(|parameter| parameter.name).collect();
                let hint = if known.is_empty() {
                    "leave it out".to_owned()
                } else {
                    format!("there is: {}", known.join(", "))
                };
                return Err(usage(format!("there is no parameter {name:?}"), hint));
            }
            if given.query.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(usage(format!("the parameter {name:?} is given twice"), "give it once"));
            }
        }
        for parameter in operation.parameters.iter().filter(|parameter| parameter.is_required) {
            if !given.query.contains_key(parameter.name) {
                return Err(usage(format!("the parameter {:?} is missing", parameter.name), parameter.what));
            }
        }
        if matches!(operation.body, Body::Json { is_required: true, .. }) && body.is_empty() {
            return Err(usage("the body is missing", "send a JSON object; the document says what is in it"));
        }
        Ok(given)
    }

    /// Returns a part of the path.
    pub(super) fn part(&self, name: &str) -> String {
        self.path.get(name).cloned().expect("a test asks every operation with what its path holds")
    }

    /// Returns a parameter as it stands.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.query.get(name).cloned()
    }

    /// Returns a parameter that is one of some words.
    pub(super) fn word<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ConsoleError> {
        let Some(text) = self.query.get(name) else { return Ok(None) };
        let read = serde_json::from_value(Value::String(text.clone()));
        read.map(Some).map_err(|error| usage(format!("the parameter {name:?} cannot be read: {error}"), ""))
    }

    /// Returns a parameter that is the id of a documentation record.
    pub(super) fn doc(&self, name: &str) -> Result<Option<String>, ConsoleError> {
        let id: Option<DocId> = self.word(name)?;
        Ok(id.map(String::from))
    }

    /// Returns a parameter that is one of some words and has to be there.
    pub(super) fn needed<T: DeserializeOwned>(&self, name: &str) -> Result<T, ConsoleError> {
        self.word(name)?.ok_or_else(|| usage(format!("the parameter {name:?} is missing"), ""))
    }

    /// Returns which part of a list is wanted.
    pub(super) fn page(&self) -> Result<Page, ConsoleError> {
        let limit = match self.query.get("limit") {
            None => PAGE_LIMIT,
            Some(text) => {
                let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
                number.filter(|limit| (1..=PAGE_LIMIT_MAX).contains(limit)).ok_or_else(|| {
                    usage(format!("a page cannot have {text:?} items"), format!("from 1 to {PAGE_LIMIT_MAX}"))
                })?
            }
        };
        let cursor = self.text("cursor");
        if let Some(cursor) = &cursor {
            let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            if cursor.is_empty() || !cursor.len().is_multiple_of(2) || !cursor.bytes().all(is_hex) {
                return Err(usage(format!("{cursor:?} is no cursor"), "give the `next` of the page before"));
            }
        }
        Ok(Page { limit, cursor })
    }

    /// Returns which records are wanted.
    pub(super) fn filter(&self) -> Result<RecordFilter, ConsoleError> {
        let new = match self.query.get("new").map(String::as_str) {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => return Err(usage(format!("the parameter \"new\" is {other:?}"), "true or false")),
        };
        let (state, reason) = (self.word("state")?, self.word("reason")?);
        Ok(RecordFilter { state, reason, search: self.text("search"), new })
    }

    /// Reads the body; one that is left out is an empty object, which says what is missing, if anything is.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ConsoleError> {
        serde_json::from_slice(self.object()?)
            .map_err(|error| usage(format!("the body cannot be read: {error}"), "the document says what it is"))
    }

    /// Reads a body that holds a secret, which no message may repeat.
    pub(super) fn secret_json<T: DeserializeOwned>(&self) -> Result<T, ConsoleError> {
        serde_json::from_slice(self.object()?).map_err(|error| {
            let message = format!("the body cannot be read, at line {}, column {}", error.line(), error.column());
            usage(message, "the document says what it is")
        })
    }

    /// Returns the body, which is an object: a list of its values would be read as one, too.
    fn object(&self) -> Result<&'a [u8], ConsoleError> {
        match self.body.trim_ascii_start().first() {
            None if self.body.is_empty() => Ok(b"{}"),
            Some(b'{') => Ok(self.body),
            _ => Err(usage("the body is no JSON object", "the document says what it is")),
        }
    }

    /// Returns the text of a file.
    pub(super) fn csv(&self) -> Result<String, ConsoleError> {
        let text = str::from_utf8(self.body).map_err(|_| usage("the file is not UTF-8 text", "save it as UTF-8"))?;
        Ok(text.trim_start_matches('\u{FEFF}').to_owned())
    }
}
