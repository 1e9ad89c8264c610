//! Where things are: the paths of the pages, with what they carry written so that no text of a vendor can break out.

use std::fmt::Display;

use reconcile::record::Kind;
use url::form_urlencoded::Serializer;

/// Returns the page of an integration; `part` is `""` for its own, or a word such as `unsynced`.
pub fn integration(id: &impl Display, part: &str) -> String {
    if part.is_empty() { format!("/i/{id}") } else { format!("/i/{id}/{part}") }
}

/// Returns the matching page of a kind.
pub fn matching(id: &impl Display, kind: Kind) -> String {
    format!("/i/{id}/match/{kind}")
}

/// Returns the page on which a match is chosen for a record, and `back` where one goes from there.
pub fn pick(id: &impl Display, kind: Kind, record: &str, client: Option<&str>, back: &str) -> String {
    let parameters = [("record", record), ("client", client.unwrap_or_default()), ("back", back)];
    with(&format!("{}/pick", matching(id, kind)), &parameters)
}

/// Returns the page of a documentation record.
pub fn doc(id: &impl Display) -> String {
    format!("/doc/{id}")
}

/// Returns the page of a plan.
pub fn plan(id: &impl Display) -> String {
    format!("/plan/{id}")
}

/// Returns the page of a run.
pub fn run(id: &impl Display) -> String {
    format!("/run/{id}")
}

/// Returns `path` with the parameters that are not empty.
pub fn with(path: &str, parameters: &[(&str, &str)]) -> String {
    let given: Vec<&(&str, &str)> = parameters.iter().filter(|(_, value)| !value.is_empty()).collect();
    if given.is_empty() {
        return path.to_owned();
    }
    let mut query = Serializer::new(String::new());
    for (name, value) in given {
        query.append_pair(name, value);
    }
    format!("{path}?{}", query.finish())
}
