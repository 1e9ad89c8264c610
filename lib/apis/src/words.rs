//! Words for numbers: what a vendor keeps in lists of their own (picklists, countries, products) and its rows only refer to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The table whose words are the types of assets that an operator chooses among.
pub const TYPES: &str = "types";

/// Tables of words, each from ids to texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Words(BTreeMap<String, BTreeMap<String, String>>);

impl Words {
    /// Sets a word; a blank one is none.
    pub fn set(&mut self, table: &str, id: impl Into<String>, word: impl Into<String>) {
        let word = word.into();
        if !word.trim().is_empty() {
            self.0.entry(table.to_owned()).or_default().insert(id.into(), word);
        }
    }

    /// Returns the word for an id.
    pub fn get(&self, table: &str, id: &str) -> Option<&str> {
        self.0.get(table)?.get(id).map(String::as_str)
    }

    /// Iterates over the ids and words of a table.
    pub fn of<'a>(&'a self, table: &str) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.0.get(table).into_iter().flatten().map(|(id, word)| (id.as_str(), word.as_str()))
    }

    /// Takes in the words of another list.
    pub fn extend(&mut self, other: Words) {
        for (table, words) in other.0 {
            self.0.entry(table).or_default().extend(words);
        }
    }

    /// Says whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
