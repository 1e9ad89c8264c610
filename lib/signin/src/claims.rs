//! What a provider says of somebody.

use serde_json::{Map, Value};

/// The claims of a verified ID token, with those of the user-info endpoint where they were asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Claims(pub(crate) Map<String, Value>);

impl Claims {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// Returns who it is to the provider: never anybody else's, and never changed.
    pub(crate) fn subject(&self) -> &str {
        self.text("sub").unwrap_or_default()
    }

    /// Returns the name that the audit log keeps. An address that the provider says is not verified is nobody's name: its
    /// owner may be somebody else.
    pub(crate) fn name(&self) -> &str {
        let is_theirs = self.0.get("email_verified").is_none_or(|said| said == true || said == "true");
        let email = self.text("email").filter(|_| is_theirs);
        email.or_else(|| self.text("preferred_username")).unwrap_or(self.subject())
    }

    /// Returns the texts of a claim, named as it is or by the way to it.
    pub(crate) fn texts(&self, path: &str) -> Option<Vec<&str>> {
        let whole = self.0.get(path);
        let found = whole.or_else(|| {
            let mut parts = path.split('.');
            let first = self.0.get(parts.next()?)?;
            parts.try_fold(first, |value, part| value.get(part))
        })?;
        Some(match found {
            Value::String(text) => vec![text.as_str()],
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        })
    }

    /// Adds what is not said already.
    pub(crate) fn add(&mut self, others: Map<String, Value>) {
        for (name, value) in others {
            self.0.entry(name).or_insert(value);
        }
    }
}
