//! The nearest word that exists, for whoever mistyped one.

use rapidfuzz::distance::osa;

/// Below this likeness a suggestion confuses more than it helps.
const LIKENESS_MIN: f64 = 0.5;

/// Returns the candidate most like `word`, whatever its case; the first of several equally alike; `None` where none is alike.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates {
        let likeness = osa::normalized_similarity(word.chars(), candidate.to_lowercase().chars());
        if likeness >= LIKENESS_MIN && best.is_none_or(|(top, _)| likeness > top) {
            best = Some((likeness, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Returns a hint that names the nearest candidate, or what there is, or `otherwise` where there is nothing.
pub fn hint<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>, otherwise: &str) -> String {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    match nearest(word, candidates.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None if candidates.is_empty() || candidates.len() > LISTED_MAX => otherwise.to_owned(),
        None => format!("there are: {}", candidates.join(", ")),
    }
}

/// So many candidates are still listed in a hint.
const LISTED_MAX: usize = 25;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_word() {
        let vendors = ["auvik", "nable-rmm", "autotask", "connectwise", "kaseya-bms"];
        for (typed, wanted) in
            [("auvic", "auvik"), ("Autotsak", "autotask"), ("conectwise", "connectwise"), ("nable_rmm", "nable-rmm")]
        {
            assert_eq!(nearest(typed, vendors), Some(wanted));
        }
        assert_eq!(nearest("zzz", vendors), None);
    }

    #[test]
    fn a_word_like_nothing_gets_the_list_and_an_empty_list_the_other_hint() {
        assert_eq!(hint("zzz", ["one", "two"], "add one"), "there are: one, two");
        assert_eq!(hint("zzz", [], "add one"), "add one");
        assert_eq!(hint("tow", ["one", "two"], "add one"), "did you mean two?");
    }
}
