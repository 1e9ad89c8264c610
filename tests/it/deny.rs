//! `deny.toml` enforced on what cargo resolves, with no tool to compile: licences, bans, doubles, sources.
//!
//! `cargo tree` is asked, not `Cargo.lock` or `cargo metadata`: those also list crates that no feature switches on.

use std::collections::{BTreeMap, BTreeSet};

use crate::workspace::{assert_none, cargo, root};

/// One resolved package that is really compiled.
struct Package {
    name: String,
    version: String,
    /// Its licence expression; empty if it states none.
    license: String,
    is_ours: bool,
}

fn config() -> toml::Table {
    let text = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml lies in the root");
    text.parse().expect("deny.toml is TOML")
}

fn packages() -> Vec<Package> {
    let format = "{p}\t{l}";
    let tree = cargo(&["tree", "--workspace", "-e", "normal,build,dev", "--prefix", "none", "-f", format]);
    let lines: BTreeSet<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    let packages: Vec<Package> = lines.into_iter().filter(|line| !line.is_empty()).map(package).collect();
    assert!(packages.len() > 100, "cargo tree printed too little: {tree}");
    packages
}

/// Reads `name vVERSION (a note or a path)<tab>licence`.
fn package(line: &str) -> Package {
    let (id, license) = line.split_once('\t').expect("the format has a tab");
    let mut words = id.split(' ');
    let name = words.next().expect("a line has a name").to_owned();
    let version = words.next().and_then(|word| word.strip_prefix('v')).expect("a version follows").to_owned();
    Package { name, version, license: license.to_owned(), is_ours: id.contains(" (/") }
}

/// The entries of a list in the section `bans` as (name, version rule).
fn ban_entries(config: &toml::Table, list: &str) -> Vec<(String, String)> {
    let entries = config["bans"][list].as_array().expect("the list is an array");
    let entry = |entry: &toml::Value| {
        let spec = entry["crate"].as_str().expect("an entry names a crate");
        assert!(entry["reason"].as_str().is_some_and(|reason| reason.len() > 10), "{spec} has no reason");
        let end = spec.find(['@', ':']).unwrap_or(spec.len());
        (spec[..end].to_owned(), spec[end..].to_owned())
    };
    entries.iter().map(entry).collect()
}

/// Tells whether a version falls under a rule: empty for any, `@1.2` for that version or one below it, `:<1` for a major
/// version below.
fn matches(version: &str, rule: &str) -> bool {
    if let Some(bound) = rule.strip_prefix(":<") {
        let major = |text: &str| text.split('.').next().and_then(|part| part.parse::<u64>().ok());
        return major(version).expect("a version is a number") < major(bound).expect("a bound is a number");
    }
    match rule.strip_prefix('@') {
        None => {
            assert!(rule.is_empty(), "{rule} is a rule that this check cannot read");
            true
        }
        Some(wanted) => version == wanted || version.starts_with(&format!("{wanted}.")),
    }
}

/// Tells whether an SPDX expression can be met with the allowed licences alone. Older manifests write `/` for `OR`.
fn may_be_used(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ").replace(" WITH ", "+WITH+");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let met = any_of(&mut rest, allowed);
    assert!(rest.is_empty(), "{expression} is not a licence expression");
    met
}

fn any_of(rest: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    let mut met = all_of(rest, allowed);
    while let Some(("OR", after)) = rest.split_first().map(|(first, after)| (*first, after)) {
        *rest = after;
        met |= all_of(rest, allowed);
    }
    met
}

fn all_of(rest: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    let mut met = one(rest, allowed);
    while let Some(("AND", after)) = rest.split_first().map(|(first, after)| (*first, after)) {
        *rest = after;
        met &= one(rest, allowed);
    }
    met
}

fn one(rest: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    let Some((first, after)) = rest.split_first() else { return false };
    *rest = after;
    if *first != "(" {
        return allowed.contains(first);
    }
    let met = any_of(rest, allowed);
    assert_eq!(rest.first(), Some(&")"), "a bracket is not closed");
    *rest = &rest[1..];
    met
}

#[test]
fn every_licence_is_allowed_and_every_allowed_licence_is_used() {
    let config = config();
    let listed = config["licenses"]["allow"].as_array().expect("an array");
    let allowed: BTreeSet<&str> = listed.iter().filter_map(toml::Value::as_str).collect();
    let packages: Vec<Package> = packages().into_iter().filter(|package| !package.is_ours).collect();
    let refused = packages.iter().filter(|package| !may_be_used(&package.license, &allowed));
    assert_none(
        "these licences are not allowed",
        refused.map(|package| format!("{} {}: {:?}", package.name, package.version, package.license)).collect(),
    );
    let unused = allowed.iter().filter(|license| !packages.iter().any(|package| package.license.contains(**license)));
    assert_none("no package has these licences", unused.map(|license| (*license).to_owned()).collect());
}

#[test]
fn banned_crates_are_absent() {
    let bans = ban_entries(&config(), "deny");
    for banned in ["ring", "hyper", "openssl-sys"] {
        assert!(bans.iter().any(|(name, _)| name == banned), "deny.toml no longer bans {banned}");
    }
    let packages = packages();
    let found = packages
        .iter()
        .filter(|package| bans.iter().any(|(name, rule)| *name == package.name && matches(&package.version, rule)));
    assert_none("banned", found.map(|package| format!("{} {}", package.name, package.version)).collect());
}

#[test]
fn only_listed_crates_are_there_twice_and_no_entry_is_idle() {
    let config = config();
    assert_eq!(config["bans"]["multiple-versions"].as_str(), Some("deny"));
    let skips = ban_entries(&config, "skip");
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages() {
        versions.entry(package.name).or_default().insert(package.version);
    }
    let skipped = |name: &str, version: &str| {
        skips.iter().any(|(skip, rule)| skip == name && (rule.is_empty() || matches(version, rule)))
    };
    let mut findings = Vec::new();
    for (name, versions) in &versions {
        let counted: Vec<&String> = versions.iter().filter(|version| !skipped(name, version)).collect();
        if counted.len() > 1 {
            findings.push(format!("{name} in the versions {counted:?}"));
        }
    }
    assert_none("these crates are there more than once", findings);
    let idle = skips.iter().filter(|(name, _)| versions.get(name).is_none_or(|versions| versions.len() < 2));
    assert_none("these doubles are gone; take them off the list", idle.map(|(name, _)| name.clone()).collect());
}

#[test]
fn every_package_comes_from_the_public_registry() {
    let config = config();
    assert_eq!(config["sources"]["unknown-registry"].as_str(), Some("deny"));
    assert_eq!(config["sources"]["unknown-git"].as_str(), Some("deny"));
    let listed = config["sources"]["allow-registry"].as_array().expect("an array");
    let allowed: Vec<String> =
        listed.iter().filter_map(toml::Value::as_str).map(|registry| format!("registry+{registry}")).collect();
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock lies in the root");
    let lock: toml::Table = lock.parse().expect("Cargo.lock is TOML");
    let mut findings = Vec::new();
    for package in lock["package"].as_array().expect("an array of packages") {
        match package.get("source").and_then(toml::Value::as_str) {
            Some(source) if !allowed.iter().any(|registry| registry == source) => {
                findings.push(format!("{:?} from {source}", package["name"]));
            }
            _ => {}
        }
    }
    assert_none("these packages come from elsewhere", findings);
}

#[test]
fn licence_expressions_are_read_as_written() {
    let allowed = BTreeSet::from(["MIT", "ISC", "Apache-2.0"]);
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("", false),
        ("MIT OR GPL-3.0-only", true),
        ("GPL-3.0-only/MIT", true),
        ("MIT AND GPL-3.0-only", false),
        ("ISC AND (GPL-3.0-only OR MIT)", true),
        ("(MIT OR ISC) AND GPL-3.0-only", false),
        ("GPL-3.0-only OR MIT AND ISC", true),
        ("Apache-2.0 WITH LLVM-exception", false),
        ("Apache-2.0 WITH LLVM-exception OR MIT", true),
    ] {
        assert_eq!(may_be_used(expression, &allowed), expected, "{expression:?}");
    }
}

#[test]
fn version_rules_are_read_as_written() {
    for (version, rule, expected) in [
        ("0.14.32", ":<1", true),
        ("1.12.0", ":<1", false),
        ("0.22.1", "@0.22", true),
        ("0.220.0", "@0.22", false),
        ("2.0.119", "@2", true),
        ("3.0.9", "@2", false),
        ("3.0.9", "", true),
    ] {
        assert_eq!(matches(version, rule), expected, "{version} {rule}");
    }
}
