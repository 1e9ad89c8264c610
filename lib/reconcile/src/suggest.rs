//! Suggestions: documentation records whose names come near, with a score and the rule behind it; and the decisions that an
//! operator asks for in bulk. A suggestion is never applied by itself.
//!
//! Names are compared only where they share something rare: an [`Index`] is built once over the documentation records, by
//! whole words and by the beginnings and ends of words, and a record is compared with the [`COMPARED_MAX`] that share the
//! rarest of these with it. So 2,000 records against 2,000 names stay far from all pairs.

use std::collections::{BTreeMap, BTreeSet};

use rapidfuzz::distance::{indel, jaro_winkler};

use crate::doc::Doc;
use crate::eligibility;
use crate::ids::{DocId, IntegrationId};
use crate::mapping::{Decision, State};
use crate::matching::{self, Finding, Unmapped};
use crate::normal::NameKey;
use crate::ownership::Identifiers;
use crate::plan::{EntryKey, Rule, World};
use crate::reason::Reason;
use crate::record::{Kind, VendorRecord};

/// A record is compared with at most this many names.
pub const COMPARED_MAX: usize = 24;

/// Parts of words that more names than this share say nothing about any of them.
const COMMON_MIN: usize = 200;

/// What scores less is not worth a person's look.
pub const SCORE_MIN: f64 = 0.6;

/// Any two names share letters; where they are less alike than this, it is chance.
const NEAR_NAME_MIN: f64 = 0.72;

/// Words that tell what a company is, not which one it is.
const LEGAL_WORDS: &[&str] = &[
    "ab",
    "ag",
    "and",
    "as",
    "bv",
    "co",
    "company",
    "corp",
    "corporation",
    "gmbh",
    "group",
    "holding",
    "holdings",
    "inc",
    "incorporated",
    "kg",
    "limited",
    "llc",
    "llp",
    "ltd",
    "nv",
    "of",
    "oy",
    "plc",
    "pty",
    "sa",
    "sarl",
    "srl",
    "the",
];

/// A documentation record that might be the one.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// The documentation record.
    pub doc_id: DocId,
    /// Its name.
    pub name: String,
    /// How near it comes, from [`SCORE_MIN`] to 1, in hundredths.
    pub score: f64,
    /// What the score rests on.
    pub rule: Rule,
}

/// The names and identifiers of documentation records of one kind, for looking up what comes near.
#[derive(Debug)]
pub struct Index<'d> {
    kind: Kind,
    docs: Vec<Indexed<'d>>,
    /// By identifier that both sides must have equal.
    equal: BTreeMap<(Rule, String), Vec<usize>>,
    /// By part of a name.
    parts: BTreeMap<String, Vec<usize>>,
}

#[derive(Debug)]
struct Indexed<'d> {
    doc: &'d Doc,
    name: Name,
}

/// A name taken apart.
#[derive(Debug)]
struct Name {
    /// All its words, joined: how it reads.
    whole: String,
    /// Its telling words, in order of the alphabet.
    words: BTreeSet<String>,
}

impl Name {
    fn of(name: &str) -> Option<Name> {
        let key = NameKey::parse(name).ok()?;
        let all: Vec<&str> = key.words().collect();
        let telling: BTreeSet<String> =
            all.iter().filter(|word| !LEGAL_WORDS.contains(word)).map(|word| (*word).to_owned()).collect();
        let words = if telling.is_empty() { all.iter().map(|word| (*word).to_owned()).collect() } else { telling };
        Some(Name { whole: all.concat(), words })
    }

    /// Returns what it is looked up by.
    fn parts(&self) -> BTreeSet<String> {
        let mut parts = BTreeSet::new();
        for word in &self.words {
            let letters: Vec<char> = word.chars().collect();
            parts.insert(word.clone());
            if letters.len() > 3 {
                parts.insert(format!("{}*", letters[..3].iter().collect::<String>()));
                parts.insert(format!("*{}", letters[letters.len() - 3..].iter().collect::<String>()));
            }
        }
        parts
    }
}

/// Returns the documentation records that a record of `integration` may be matched with: those that no active record of it
/// holds.
pub fn free<'d>(integration: &IntegrationId, docs: impl IntoIterator<Item = &'d Doc>) -> Vec<&'d Doc> {
    docs.into_iter().filter(|doc| doc.sources.get(integration).is_none_or(|source| source.stale)).collect()
}

impl<'d> Index<'d> {
    /// Builds the index over the documentation records of one kind; others are passed over.
    pub fn new(kind: Kind, docs: impl IntoIterator<Item = &'d Doc>) -> Self {
        let mut index = Self { kind, docs: Vec::new(), equal: BTreeMap::new(), parts: BTreeMap::new() };
        for doc in docs.into_iter().filter(|doc| doc.kind() == kind) {
            let Some(name) = Name::of(&doc.name) else { continue };
            let place = index.docs.len();
            for key in matching::lookup_keys(&Identifiers::of_doc(doc)) {
                index.equal.entry(key).or_default().push(place);
            }
            for part in name.parts() {
                index.parts.entry(part).or_default().push(place);
            }
            index.docs.push(Indexed { doc, name });
        }
        index
    }

    /// Returns up to `limit` suggestions for a record, the best first, and with how many names it was compared.
    pub fn suggest(&self, record: &VendorRecord, limit: usize) -> (Vec<Suggestion>, usize) {
        let mut scores: BTreeMap<usize, (u32, Rule)> = BTreeMap::new();
        for (rule, key) in matching::lookup_keys(&Identifiers::of(self.kind, &record.name, &record.fields)) {
            for &place in self.equal.get(&(rule, key)).into_iter().flatten() {
                keep_best(&mut scores, place, equal_score(rule), rule);
            }
        }
        let name = Name::of(&record.name);
        let near = name.as_ref().map(|name| self.nearest(name)).unwrap_or_default();
        for &place in &near {
            let Some(name) = &name else { continue };
            let (score, rule) = self.compare(name, &self.docs[place].name);
            keep_best(&mut scores, place, score, rule);
        }
        let mut found: Vec<(u32, usize, Rule)> = scores
            .into_iter()
            .filter(|(_, (score, _))| f64::from(*score) >= SCORE_MIN * 100.0)
            .map(|(place, (score, rule))| (score, place, rule))
            .collect();
        found.sort_by_key(|&(score, place, _)| (std::cmp::Reverse(score), &self.docs[place].doc.id));
        let suggestion = |(score, place, rule): (u32, usize, Rule)| {
            let doc = self.docs[place].doc;
            Suggestion { doc_id: doc.id.clone(), name: doc.name.clone(), score: f64::from(score) / 100.0, rule }
        };
        (found.into_iter().take(limit).map(suggestion).collect(), near.len())
    }

    /// Returns the names that share the rarest parts.
    fn nearest(&self, name: &Name) -> Vec<usize> {
        let mut votes: BTreeMap<usize, u64> = BTreeMap::new();
        for part in name.parts() {
            let sharing = self.parts.get(&part).map(Vec::as_slice).unwrap_or_default();
            if sharing.len() > COMMON_MIN.max(self.docs.len() / 20) {
                continue;
            }
            for &place in sharing {
                *votes.entry(place).or_default() += 1_000_000 / sharing.len() as u64;
            }
        }
        let mut places: Vec<(u64, usize)> = votes.into_iter().map(|(place, votes)| (votes, place)).collect();
        places.sort_by_key(|&(votes, place)| (std::cmp::Reverse(votes), &self.docs[place].doc.id));
        places.into_iter().take(COMPARED_MAX).map(|(_, place)| place).collect()
    }

    /// Scores two names in hundredths: by their letters, or by how much of their telling words they share, each word
    /// weighing the more the rarer it is.
    fn compare(&self, left: &Name, right: &Name) -> (u32, Rule) {
        let joined = |name: &Name| name.words.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        let letters = indel::normalized_similarity(left.whole.chars(), right.whole.chars())
            .max(indel::normalized_similarity(joined(left).chars(), joined(right).chars()));
        let begins = jaro_winkler::similarity(left.whole.chars(), right.whole.chars());
        let near = 0.8 * letters + 0.2 * begins;
        let weight = |word: &String| 1.0 / (1.0 + self.parts.get(word).map_or(0, Vec::len) as f64).ln_1p();
        let shared: f64 = left.words.intersection(&right.words).map(weight).sum();
        let all: f64 = left.words.union(&right.words).map(weight).sum();
        let words = if all > 0.0 { shared / all } else { 0.0 };
        // A near name is never quite an identical one.
        let hundredths = |score: f64| ((score * 100.0).floor() as u32).min(99);
        if near >= words && near >= NEAR_NAME_MIN {
            (hundredths(near), Rule::NearName)
        } else {
            (hundredths(words), Rule::SharedWords)
        }
    }
}

fn keep_best(scores: &mut BTreeMap<usize, (u32, Rule)>, place: usize, score: u32, rule: Rule) {
    let best = scores.entry(place).or_insert((score, rule));
    if score > best.0 {
        *best = (score, rule);
    }
}

/// What an equal identifier is worth, in hundredths: the order in which they identify.
fn equal_score(rule: Rule) -> u32 {
    match rule {
        Rule::Serial | Rule::Email | Rule::IdenticalName => 100,
        Rule::Mac => 95,
        Rule::Hostname | Rule::Address => 90,
        _ => 0,
    }
}

/// Returns, for every record that nobody decided about, the documentation record that "Auto-match all" would stage, or why
/// it stages none: identical unique names for clients, e-mail addresses before names for users, and the identity rules of a
/// run for what lies below clients.
pub fn auto_match(world: &World<'_>) -> Vec<(EntryKey, Result<DocId, Reason>)> {
    undecided(world)
        .into_iter()
        .map(|(key, finding)| {
            let found = finding.and_then(|finding| match finding {
                Finding::Same(doc, _) => Ok(doc),
                Finding::Held(reason, _) => Err(reason),
                Finding::Nothing => Err(Reason::Unmatched),
            });
            (key, found)
        })
        .collect()
}

/// Returns, for every record that nobody decided about, what "Create unmatched" would stage, or why it stages nothing. A
/// record that is in the documentation already is matched rather than made twice; an ambiguous one wants a decision of its
/// own.
pub fn create_unmatched(world: &World<'_>) -> Vec<(EntryKey, Result<Decision, Reason>)> {
    undecided(world)
        .into_iter()
        .map(|(key, finding)| {
            let decision = finding.and_then(|finding| match finding {
                Finding::Same(doc, _) => Ok(Decision::Match(doc)),
                Finding::Held(reason, _) => Err(reason),
                Finding::Nothing => Ok(Decision::Create),
            });
            (key, decision)
        })
        .collect()
}

/// Returns what is found for every record that nobody decided about and that is there.
fn undecided(world: &World<'_>) -> BTreeMap<EntryKey, Result<Finding, Reason>> {
    let staged: BTreeSet<&DocId> = world
        .entries
        .values()
        .filter_map(|entry| match &entry.mapping.staged {
            Some(Decision::Match(doc)) => Some(doc),
            _ => None,
        })
        .collect();
    let mut found = BTreeMap::new();
    let mut unmapped = Vec::new();
    for (key, entry) in world.entries.iter().filter(|(_, entry)| entry.absent.is_none()) {
        let is_open = entry.mapping.staged.is_none() && entry.mapping.state != State::Excluded;
        match eligibility::check(entry, world.policy, world.standing) {
            _ if world.linked(entry).is_some() || entry.mapping.staged == Some(Decision::Exclude) => {}
            Ok(()) => unmapped.push(Unmapped { key, entry, may_create: false, may_match: is_open }),
            Err(reason) if is_open => {
                found.insert(key.clone(), Err(reason));
            }
            Err(_) => {}
        }
    }
    for kind in Kind::ALL {
        let of_kind: Vec<Unmapped<'_>> = unmapped.iter().filter(|one| one.key.0 == kind).copied().collect();
        let findings = matching::assign(world, kind, &of_kind);
        let open: BTreeSet<&EntryKey> = of_kind.iter().filter(|one| one.may_match).map(|one| one.key).collect();
        for (key, finding) in findings.into_iter().filter(|(key, _)| open.contains(key)) {
            let finding = match finding {
                Finding::Same(doc, _) if staged.contains(&doc) => Err(matching::ambiguity(kind)),
                finding => Ok(finding),
            };
            found.insert(key, finding);
        }
    }
    found
}

#[cfg(test)]
mod tests;
