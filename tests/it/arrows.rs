//! The walls between the crates: who may use whom, and which third-party crates the pure ones may name.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::workspace::{assert_none, cargo, members};

/// What a crate of the workspace may name among the others; its tests may name `in_tests` as well.
struct Arrows {
    of: &'static str,
    to: &'static [&'static str],
    in_tests: &'static [&'static str],
}

/// `reconcile ← apis ← engine ← adapters, console ← functions, msp-sync, tests`. `local` runs the store code of `aws`.
const ARROWS: &[Arrows] = &[
    Arrows { of: "reconcile", to: &[], in_tests: &[] },
    Arrows { of: "apis", to: &["reconcile"], in_tests: &[] },
    Arrows { of: "engine", to: &["apis", "reconcile"], in_tests: &["sandbox"] },
    Arrows { of: "tls", to: &[], in_tests: &[] },
    Arrows { of: "transport", to: &["apis", "engine", "tls"], in_tests: &[] },
    Arrows { of: "aws", to: &["apis", "engine", "reconcile", "tls"], in_tests: &[] },
    Arrows { of: "local", to: &["apis", "aws", "engine", "reconcile"], in_tests: &[] },
    Arrows { of: "console", to: &["apis", "engine", "reconcile"], in_tests: &["sandbox"] },
    Arrows { of: "pages", to: &["apis", "console", "reconcile"], in_tests: &[] },
    Arrows { of: "web", to: &["apis", "console", "pages", "reconcile"], in_tests: &[] },
    Arrows { of: "signin", to: &["apis", "console", "engine", "pages", "web"], in_tests: &["reconcile"] },
    Arrows { of: "sandbox", to: &["apis", "reconcile"], in_tests: &[] },
    Arrows {
        of: "functions",
        to: &["apis", "aws", "console", "engine", "reconcile", "signin", "tls", "transport", "web"],
        in_tests: &["local", "sandbox"],
    },
    Arrows { of: "start", to: &["aws", "functions", "tls", "transport"], in_tests: &[] },
    Arrows {
        of: "msp-sync",
        to: &["apis", "aws", "console", "engine", "local", "reconcile", "sandbox", "transport", "web"],
        in_tests: &[],
    },
    Arrows {
        of: "tests",
        to: &[],
        in_tests: &[
            "apis",
            "aws",
            "console",
            "engine",
            "functions",
            "local",
            "reconcile",
            "sandbox",
            "transport",
            "web",
        ],
    },
];

/// The third-party crates that a pure crate may name. A longer list needs a reason in the commit.
const PURE: &[(&str, &[&str])] = &[
    (
        "reconcile",
        &["html-escape", "rapidfuzz", "schemars", "serde", "serde_json", "sha2", "thiserror", "unicode-normalization"],
    ),
    (
        "apis",
        &[
            "base64",
            "encoding_rs",
            "httpdate",
            "jiff",
            "quick-xml",
            "rapidfuzz",
            "secrecy",
            "serde",
            "serde_json",
            "thiserror",
            "url",
        ],
    ),
    (
        "engine",
        &["cronexpr", "futures-util", "jiff", "miniz_oxide", "serde", "serde_json", "sha2", "thiserror", "tracing"],
    ),
    ("pages", &["jiff", "maud", "url"]),
    ("console", &["csv", "jiff", "rapidfuzz", "schemars", "serde", "serde_json", "thiserror", "tracing"]),
];

/// What a pure crate's dependencies may not bring in either, however deep.
const IMPURE: &[&str] = &["tokio", "async-std", "smol", "mio", "socket2", "hyper", "reqwest", "rand", "getrandom"];

/// Third-party crates that only these crates may name.
const RESERVED: &[(&str, &[&str])] = &[
    ("reqwest", &["transport"]),
    ("rustls", &["tls"]),
    ("webpki-roots", &["tls"]),
    ("dynoxide-rs", &["local"]),
    ("rusqlite", &["local"]),
    ("lambda_runtime", &["functions", "start"]),
    ("aws_lambda_events", &["functions"]),
    ("clap", &["msp-sync"]),
    ("anyhow", &["msp-sync", "tests"]),
    ("jsonwebtoken", &["signin"]),
    ("aws-lc-rs", &["signin"]),
];

/// The direct dependencies of a package as (name, whether for tests only).
fn dependencies(package: &Value) -> Vec<(String, bool)> {
    let listed = package["dependencies"].as_array().expect("a package lists its dependencies");
    let pair = |dependency: &Value| {
        (dependency["name"].as_str().expect("a dependency has a name").to_owned(), dependency["kind"] == "dev")
    };
    listed.iter().map(pair).collect()
}

fn name(package: &Value) -> &str {
    package["name"].as_str().expect("a package has a name")
}

/// Tells a dependency on a member from one on a third-party crate: `console` is both.
fn member_dependencies(package: &Value) -> Vec<(String, bool)> {
    let listed = package["dependencies"].as_array().expect("a package lists its dependencies");
    let ours: BTreeSet<&str> =
        listed.iter().filter(|dependency| dependency["path"].is_string()).filter_map(|d| d["name"].as_str()).collect();
    dependencies(package).into_iter().filter(|(name, _)| ours.contains(name.as_str())).collect()
}

#[test]
fn every_member_has_its_arrows_and_every_arrow_its_member() {
    let members = members();
    let found: BTreeSet<&str> = members.iter().map(name).collect();
    let listed: BTreeSet<&str> = ARROWS.iter().map(|arrows| arrows.of).collect();
    assert_eq!(found, listed);
}

#[test]
fn arrows_between_crates_point_one_way() {
    let mut findings = Vec::new();
    for package in &members() {
        let arrows = ARROWS.iter().find(|arrows| arrows.of == name(package)).expect("checked by the test above");
        for (dependency, in_tests) in member_dependencies(package) {
            let allowed = arrows.to.contains(&dependency.as_str())
                || (in_tests && (arrows.in_tests.contains(&dependency.as_str()) || dependency == arrows.of));
            if !allowed {
                findings.push(format!("{} names {dependency}", arrows.of));
            }
        }
    }
    assert_none("these arrows point the wrong way", findings);
}

#[test]
fn pure_crates_name_only_what_is_listed() {
    let mut findings = Vec::new();
    for package in &members() {
        let Some((_, listed)) = PURE.iter().find(|(pure, _)| *pure == name(package)) else { continue };
        let ours: Vec<String> = member_dependencies(package).into_iter().map(|(name, _)| name).collect();
        for (dependency, in_tests) in dependencies(package) {
            if !in_tests && !ours.contains(&dependency) && !listed.contains(&dependency.as_str()) {
                findings.push(format!("{} names {dependency}", name(package)));
            }
        }
    }
    assert_none("these dependencies of pure crates are not listed", findings);
}

#[test]
fn pure_crates_bring_in_no_runtime_network_or_randomness_however_deep() {
    let mut findings = Vec::new();
    for (pure, _) in PURE {
        let package = format!("{pure}@{}", env!("CARGO_PKG_VERSION"));
        let tree = cargo(&["tree", "-p", &package, "-e", "normal", "--prefix", "none", "-f", "{p}"]);
        assert!(tree.starts_with(pure), "cargo tree answered for another package: {tree}");
        for line in tree.lines() {
            let found = line.split(' ').next().unwrap_or_default();
            if IMPURE.contains(&found) || found.starts_with("aws-") {
                findings.push(format!("{pure} brings in {found}"));
            }
        }
    }
    findings.sort();
    findings.dedup();
    assert_none("pure crates know no outside", findings);
}

#[test]
fn some_libraries_are_named_in_one_place_only() {
    let mut findings = Vec::new();
    for package in &members() {
        for (dependency, _) in dependencies(package) {
            let named = RESERVED.iter().find(|(library, _)| *library == dependency).map(|(_, places)| *places);
            let sdk = dependency.starts_with("aws-").then_some(&["aws", "local"] as &[&str]);
            let reserved = named.or(sdk);
            if reserved.is_some_and(|places| !places.contains(&name(package))) {
                findings.push(format!("{} names {dependency}", name(package)));
            }
        }
    }
    assert_none("these libraries are reserved for other crates", findings);
}

#[test]
fn versions_stand_in_the_root_manifest_only() {
    let mut findings = Vec::new();
    for file in crate::workspace::text_files() {
        if file.path.ends_with("/Cargo.toml") {
            let manifest: toml::Table = file.text.parse().expect("cargo has read it before");
            for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
                let Some(section) = manifest.get(section).and_then(toml::Value::as_table) else { continue };
                for (dependency, wanted) in section {
                    if wanted.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                        findings.push(format!("{}: {dependency}", file.path));
                    }
                }
            }
        }
    }
    assert_none("these dependencies do not take their version from the workspace", findings);
}
