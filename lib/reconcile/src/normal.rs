//! Identifiers in the one form in which they are compared: made by parsing and only so, so that none holds a placeholder.
//!
//! What a placeholder is stands here and nowhere else. The list comes from what firmware, hypervisors and agents write
//! into an empty field; it compares letters and digits only, so that "To be filled by O.E.M." and "ToBeFilledByOEM" are one.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::record::{Field, Fields, fold_blanks};

/// Says why a text identifies nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Unusable {
    /// There is nothing, or nothing but blanks and punctuation.
    #[error("is empty")]
    Blank,
    /// It is what an empty field is filled with.
    #[error("is a placeholder")]
    Placeholder,
    /// It does not look like such an identifier.
    #[error("has the wrong shape")]
    Shape,
}

/// What stands in a field that nobody filled in, as lower-case letters and digits.
const PLACEHOLDERS: &[&str] = &[
    "assettag",
    "baseboardserialnumber",
    "biosserialnumber",
    "blank",
    "boardserialnumber",
    "chassisserialnumber",
    "default",
    "defaultstring",
    "empty",
    "error",
    "fail",
    "false",
    "filledbyoem",
    "invalid",
    "invalidserialnumber",
    "localhost",
    "mbserialnumber",
    "missing",
    "motherboardserialnumber",
    "na",
    "nan",
    "nil",
    "no",
    "noasset",
    "noassetinformation",
    "noassettag",
    "noemail",
    "noname",
    "none",
    "noserial",
    "noserialnumber",
    "notapplicable",
    "notavailable",
    "notdefined",
    "notfilled",
    "notfound",
    "notpresent",
    "notprovided",
    "notset",
    "notspecified",
    "notsupported",
    "null",
    "oem",
    "other",
    "productserialnumber",
    "serial",
    "serialno",
    "serialnumber",
    "sernum",
    "sn",
    "string",
    "systemmanufacturer",
    "systemproductname",
    "systemserialnumber",
    "systemversion",
    "tba",
    "tbd",
    "tobedetermined",
    "tobefilled",
    "tobefilledbyoem",
    "tobefilledoem",
    "undefined",
    "unknown",
    "unknownserialnumber",
    "unnamed",
    "unset",
    "unspecified",
    "void",
];

/// The digits that people type when a form insists; every beginning of at least five of them counts.
const COUNTING_DIGITS: [&str; 2] = ["12345678901234567890", "01234567890123456789"];

/// Returns `text` without surrounding blanks, or why it identifies nothing.
fn filled(text: &str) -> Result<&str, Unusable> {
    let text = text.trim();
    let bare: String = text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if bare.is_empty() {
        return Err(Unusable::Blank);
    }
    let first = bare.chars().next().unwrap_or_default();
    let repeats = bare.chars().all(|letter| letter == first);
    let bogus_repeat = repeats && (first == '0' || first == 'x' || bare.chars().count() >= 3);
    let counting = bare.len() >= 5 && COUNTING_DIGITS.iter().any(|digits| digits.starts_with(&bare));
    if bogus_repeat || counting || PLACEHOLDERS.binary_search(&bare.as_str()).is_ok() {
        return Err(Unusable::Placeholder);
    }
    Ok(text)
}

macro_rules! normal {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Returns the form that is compared.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

normal! {
    /// A serial number: upper case, blanks folded, at least two characters, no placeholder.
    Serial
}
normal! {
    /// A MAC address of one network card: twelve upper-case hexadecimal digits; not all zero, not broadcast, not multicast.
    Mac
}
normal! {
    /// A host name: lower case, without a final dot; no placeholder, not `localhost`, not an address.
    Hostname
}
normal! {
    /// An e-mail address: lower case, one `@`, no placeholder on either side of it.
    Email
}
normal! {
    /// A name as it is compared: HTML entities decoded, compatibility forms folded, blanks and case folded.
    NameKey
}
normal! {
    /// A street address as it is compared: its words in order, without case and punctuation.
    AddressKey
}

impl Serial {
    /// Parses a serial number.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        let text = fold_blanks(filled(text)?);
        if text.chars().filter(|letter| letter.is_alphanumeric()).count() < 2 {
            return Err(Unusable::Placeholder);
        }
        Ok(Self(text.to_uppercase()))
    }
}

impl Mac {
    /// Parses an address with any of the usual separators, or none.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Unusable::Blank);
        }
        let is_separator = |letter: char| matches!(letter, ':' | '-' | '.' | ' ');
        let digits: String = text.chars().filter(|&letter| !is_separator(letter)).collect();
        if digits.len() != 12 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Unusable::Shape);
        }
        let digits = digits.to_ascii_uppercase();
        let is_zero = digits.bytes().all(|byte| byte == b'0');
        let is_group = u8::from_str_radix(&digits[..2], 16).is_ok_and(|octet| octet & 1 == 1);
        if is_zero || is_group { Err(Unusable::Placeholder) } else { Ok(Self(digits)) }
    }

    /// Returns it as people read it: `00:1A:2B:3C:4D:5E`.
    pub fn display(&self) -> String {
        let pairs: Vec<&str> = (0..6).map(|pair| &self.0[2 * pair..2 * pair + 2]).collect();
        pairs.join(":")
    }
}

impl Hostname {
    /// Parses a host name, with or without its domain.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        let text = filled(text.trim().trim_end_matches('.'))?;
        if text.parse::<std::net::IpAddr>().is_ok() {
            return Err(Unusable::Shape);
        }
        let name = Self(fold_blanks(text).to_lowercase());
        filled(name.first_label())?;
        Ok(name)
    }

    /// Returns the name without its domain.
    pub fn first_label(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }

    /// Says whether both name one host: equal, or equal without domain where one of them has none.
    pub fn same(&self, other: &Hostname) -> bool {
        self.0 == other.0
            || (self.first_label() == other.first_label() && !(self.0.contains('.') && other.0.contains('.')))
    }
}

impl Email {
    /// Parses an address.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        let text = filled(text)?.to_lowercase();
        let Some((local, domain)) = text.split_once('@') else { return Err(Unusable::Shape) };
        let shaped = !local.is_empty()
            && !text.contains(char::is_whitespace)
            && !domain.contains('@')
            && domain.split('.').count() > 1
            && domain.split('.').all(|label| !label.is_empty());
        if !shaped {
            return Err(Unusable::Shape);
        }
        let label = domain.split('.').next().unwrap_or_default();
        if filled(local).is_err() && filled(label).is_err() {
            return Err(Unusable::Placeholder);
        }
        Ok(Self(text))
    }
}

/// Folds what makes one text look like another: HTML entities, compatibility forms, blanks and case.
fn fold(text: &str) -> String {
    let decoded = html_escape::decode_html_entities(text);
    let composed: String = decoded.nfkc().collect();
    // Upper case first: it writes out what has no single counterpart (a sharp s, a final sigma), lower case then folds.
    fold_blanks(&composed.to_uppercase().to_lowercase().nfkc().collect::<String>())
}

impl NameKey {
    /// Parses a name; only a blank one is unusable.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        let folded = fold(text);
        if folded.is_empty() { Err(Unusable::Blank) } else { Ok(Self(folded)) }
    }

    /// Iterates over its words: runs of letters and digits.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
    }
}

impl AddressKey {
    /// Parses a street address, together with the city where there is one.
    pub fn parse(address: &str, city: Option<&str>) -> Result<Self, Unusable> {
        filled(address)?;
        let whole = fold(&format!("{address} {}", city.unwrap_or_default()));
        let words: Vec<&str> =
            whole.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        Ok(Self(words.join(" ")))
    }

    /// Parses the address that stands in `fields`.
    pub fn of(fields: &Fields) -> Result<Self, Unusable> {
        Self::parse(fields.text(Field::Address).ok_or(Unusable::Blank)?, fields.text(Field::City))
    }
}

#[cfg(test)]
mod tests;
