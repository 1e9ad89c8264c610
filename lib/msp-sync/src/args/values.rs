//! What a word on the command line may be, and what it becomes.

use apis::call::SecretText;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use reconcile::mapping::State;
use reconcile::reason::Reason;
use reconcile::record::Kind;

/// `K=V`: cut at the first `=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    /// Before it.
    pub(crate) key: String,
    /// After it.
    pub(crate) value: String,
}

impl std::str::FromStr for Pair {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                Ok(Pair { key: key.trim().to_owned(), value: value.to_owned() })
            }
            _ => Err("write KEY=VALUE".to_owned()),
        }
    }
}

/// `K=V` whose value must not be shown, not even in the message of a wrong one.
#[derive(Debug, Clone)]
pub(crate) struct SecretPair {
    /// The name of the part.
    pub(crate) key: String,
    /// The part.
    pub(crate) value: SecretText,
}

/// A secret part's text, taken apart later: a parse error of clap's would repeat it.
impl std::str::FromStr for SecretPair {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = text.split_once('=').unwrap_or(("", text));
        Ok(SecretPair { key: key.trim().to_owned(), value: SecretText::new(value) })
    }
}

/// `on` or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// A list of kinds, possibly empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kinds(pub(crate) Vec<Kind>);

/// A list of words, possibly empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words(pub(crate) Vec<String>);

/// Parses `client,asset` or `none`.
pub(crate) fn kinds_or_none(text: &str) -> Result<Kinds, String> {
    let Words(words) = words_or_none(text)?;
    let kind = |word: String| {
        let lower = word.to_lowercase();
        Kind::from_code(&lower).or_else(|| Kind::from_code(lower.trim_end_matches('s'))).ok_or_else(|| {
            let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.code()).collect();
            let hint = console::nearest::hint(&lower, known.iter().copied(), "");
            format!("{word:?} is no kind; {hint} [kinds: {}, or none]", known.join(", "))
        })
    };
    let mut kinds = words.into_iter().map(kind).collect::<Result<Vec<Kind>, String>>()?;
    kinds.sort_unstable();
    kinds.dedup();
    Ok(Kinds(kinds))
}

/// Parses `a,b` or `none`.
pub(crate) fn words_or_none(text: &str) -> Result<Words, String> {
    if matches!(text.trim(), "" | "none") {
        return Ok(Words(Vec::new()));
    }
    Ok(Words(text.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()))
}

/// The kinds; the plural is understood too.
pub(crate) fn kind() -> impl TypedValueParser<Value = Kind> {
    let words = Kind::ALL.map(|kind| PossibleValue::new(kind.code()).alias(plural(kind)));
    PossibleValuesParser::new(words).map(|word| {
        let singular = Kind::from_code(&word).or_else(|| Kind::from_code(word.trim_end_matches('s')));
        singular.expect("clap let only kinds and their plurals through")
    })
}

fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::Client => "clients",
        Kind::User => "users",
        Kind::Asset => "assets",
        Kind::Contact => "contacts",
        Kind::Location => "locations",
    }
}

/// The states of a mapping.
pub(crate) fn state() -> impl TypedValueParser<Value = State> {
    PossibleValuesParser::new(State::ALL.map(State::code))
        .map(|word| State::from_code(&word).expect("clap let only states through"))
}

/// The reasons.
pub(crate) fn reason() -> impl TypedValueParser<Value = Reason> {
    PossibleValuesParser::new(Reason::ALL.iter().map(|reason| reason.code()))
        .map(|word| Reason::from_code(&word).expect("clap let only reasons through"))
}

/// The vendors that this build knows.
pub(crate) fn vendor() -> PossibleValuesParser {
    PossibleValuesParser::new(apis::vendors::ALL.iter().map(|vendor| vendor.id))
}
