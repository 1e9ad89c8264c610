//! Rules of the house that a compiler does not check.

use std::path::Path;

use crate::workspace::{TextFile, assert_none, text_files};

const LINES_MAX: usize = 600;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] =
    &["common", "util", "utils", "helper", "helpers", "manager", "managers", "misc", "service", "services"];

const VENDOR_IDS: &[&str] = &["auvik", "nable-rmm", "autotask", "connectwise", "kaseya-bms"];

/// Texts that stand in no source file, in two halves so that this file does not hold them.
const BANNED_IN_RUST: &[(&str, &str, &str)] = &[
    ("to", "do!(", "finish it, or leave it out"),
    ("un", "implemented!(", "finish it, or leave it out"),
    ("db", "g!(", "a debugging aid"),
    ("#[ig", "nore", "a test runs or goes"),
    ("dry_", "run: bool", "a plan is made and applied by two functions"),
];

/// Folders of one machine, in two halves for the same reason.
const MACHINE_PATHS: &[(&str, &str)] =
    &[("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/"), ("/Us", "ers/"), ("/tmp/", "bash_"), ("C:", "\\Users")];

/// Returns `path:line` for every line for which `finds` says so.
fn lines_where(files: &[TextFile], finds: impl Fn(&TextFile, &str) -> bool) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            if finds(file, line) {
                findings.push(format!("{}:{}: {}", file.path, index + 1, line.trim()));
            }
        }
    }
    findings
}

fn rust_files() -> Vec<TextFile> {
    text_files().into_iter().filter(TextFile::is_rust).collect()
}

#[test]
fn files_are_short_or_say_why_not() {
    let long = rust_files()
        .iter()
        .filter(|file| file.text.lines().count() > LINES_MAX && !file.text.contains("//! Long because "))
        .map(|file| format!("{} has {} lines", file.path, file.text.lines().count()))
        .collect();
    assert_none("split it, or add `//! Long because …`", long);
}

#[test]
fn no_source_holds_a_stub_a_debugging_aid_or_a_skipped_test() {
    let files = rust_files();
    for (first, second, why) in BANNED_IN_RUST {
        let banned = format!("{first}{second}");
        assert_none(why, lines_where(&files, |_, line| line.contains(&banned)));
    }
}

#[test]
fn modules_are_named_after_what_is_in_them() {
    let mut findings = Vec::new();
    for file in rust_files() {
        let path = Path::new(&file.path);
        for part in path.with_extension("").components() {
            if EMPTY_NAMES.contains(&part.as_os_str().to_string_lossy().as_ref()) {
                findings.push(file.path.clone());
            }
        }
    }
    findings.extend(lines_where(&rust_files(), |_, line| {
        let mut words = line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(crate) ").split(' ');
        words.next() == Some("mod")
            && words.next().is_some_and(|name| EMPTY_NAMES.contains(&name.trim_end_matches([';', '{'])))
    }));
    assert_none("such a name holds anything", findings);
}

/// A vendor is one value in one file; whoever asks which vendor it is misses a field of that value. Tests and the
/// functions' own binaries may name vendors, and so may the simulators.
#[test]
fn nobody_asks_which_vendor_it_is() {
    let at_home = |path: &str| {
        ["lib/apis/src/vendors/", "lib/sandbox/", "functions/src/bin/", "tests/"]
            .iter()
            .any(|home| path.starts_with(home))
            || path.contains("/tests/")
            || path.ends_with("/tests.rs")
            || path.ends_with("_tests.rs")
    };
    let asks = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        VENDOR_IDS.iter().any(|id| {
            let quoted = format!("\"{id}\"");
            [format!("== {quoted}"), format!("!= {quoted}"), format!("{quoted} =="), format!("{quoted} =>")]
                .iter()
                .any(|question| code.contains(question))
        })
    };
    assert_none(
        "give the vendor's value a field instead",
        lines_where(&rust_files(), |file, line| !at_home(&file.path) && asks(line)),
    );
}

/// The steps of adding a vendor that nothing else would miss.
#[test]
fn every_vendor_has_its_fixtures_and_its_function() {
    let mut missing = Vec::new();
    for vendor in apis::vendors::ALL {
        let folder = format!("lib/apis/fixtures/{}", vendor.id);
        let function = format!("functions/src/bin/{}.rs", vendor.id);
        missing.extend([folder, function].into_iter().filter(|path| !crate::workspace::root().join(path).exists()));
        assert!(VENDOR_IDS.contains(&vendor.id), "{} is not among the ids that this file looks for", vendor.id);
    }
    assert_none("a vendor lacks", missing);
}

#[test]
fn nothing_names_a_folder_of_one_machine() {
    let starts_a_path = |line: &str, path: &str| {
        line.match_indices(path).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            before.is_none_or(|before| !before.is_alphanumeric() && !"./_-}>$".contains(before))
        })
    };
    for (first, second) in MACHINE_PATHS {
        let path = format!("{first}{second}");
        let findings = lines_where(&text_files(), |_, line| starts_a_path(line, &path));
        assert_none("this path exists on one machine only", findings);
    }
}

#[test]
fn no_package_source_of_one_machine_is_named() {
    let findings = lines_where(&text_files(), |file, line| {
        let line = line.trim_start();
        match Path::new(&file.path).extension().and_then(|extension| extension.to_str()) {
            Some("toml") if file.path.contains(".cargo/") => {
                line.starts_with("[source") || line.starts_with("[registr") || line.starts_with("replace-with")
            }
            Some("txt") => line.starts_with("--index-url") || line.starts_with("--extra-index-url"),
            _ => false,
        }
    });
    assert_none("packages come from where everybody gets them", findings);
}
