//! Help, wrong words, completions.

use crate::bench::{Bench, ran};

#[test]
fn help_is_an_answer_and_shows_examples() {
    let bench = Bench::new();
    for words in [&["--help"][..], &["sync", "--help"], &["help", "docs", "import"], &["integration", "set", "-h"]] {
        let ran = bench.run(words);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{words:?}");
        assert!(ran.out.contains("Examples:"), "{words:?}: {}", ran.out);
    }
    assert!(!bench.data().exists(), "asking for help makes no data folder");
}

#[test]
fn a_wrong_word_exits_2_and_names_the_nearest() {
    let bench = Bench::new();
    for (words, nearest) in [
        (&["statsu"][..], "status"),
        (&["integration", "lst"], "list"),
        (&["status", "--jsn"], "--json"),
        (&["sync", "acme", "--forec"], "--force"),
        (&["records", "acme", "--kind", "aset"], "asset"),
        (&["integration", "add", "acme", "--vendor", "auvic"], "auvik"),
        (&["integration", "set", "acme", "--sync", "client,asst"], "asset"),
        (&["records", "acme", "--kind", "asset", "--reason", "ambigous_name"], "ambiguous_name"),
        (&["frobnicate"], "status"),
    ] {
        let ran = bench.run(words);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{words:?}");
        assert!(ran.err.contains(nearest), "{words:?}: {}", ran.err);
        let error = bench.json(words).error(2);
        assert_eq!(error["code"], "usage", "{words:?}");
        assert!(error.to_string().contains(nearest), "{words:?}: {error}");
    }
    assert!(!bench.data().exists(), "wrong words make no data folder");
}

#[test]
fn no_words_at_all_show_the_help_and_exit_2() {
    let ran = Bench::new().run(&[]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("msp-sync demo"), "{}", ran.err);
}

#[test]
fn what_belongs_to_one_place_is_refused_at_the_other() {
    let error = Bench::new().json(&["dlq", "list"]).error(2);
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("--aws STACK dlq list")), "{error}");
    for command in ["demo", "sandbox", "serve"] {
        let error = Bench::new().json(&["--aws", "prod", command]).error(2);
        assert!(error["message"].as_str().is_some_and(|said| said.contains("this machine only")), "{error}");
    }
}

#[test]
fn completions_know_every_command() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish"] {
        let ran = bench.run(&["completions", shell]);
        assert_eq!(ran.code, 0);
        for word in ["create-unmatched", "mappings", "archive-stale"] {
            assert!(ran.out.contains(word), "{shell} lacks {word}");
        }
    }
}

#[test]
fn the_sandbox_prints_one_document_and_ends_when_asked() {
    use std::io::{BufRead, BufReader, Read};
    let bench = Bench::new();
    let mut child =
        bench.command(&["sandbox", "--json", "--clients", "3", "--devices", "5"]).spawn().expect("it starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    let document: serde_json::Value = serde_json::from_str(&line).expect("a document");
    let auvik = &document["items"][0];
    assert_eq!(auvik["vendor"], "auvik");
    assert_eq!(auvik["settings"]["url"], auvik["url"]);
    assert!(auvik["secret"]["api_key"].is_string());
    let ended = ran(std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]));
    assert_eq!(ended.code, 0);
    assert!(child.wait().expect("it ends").success());
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("the end");
    assert_eq!(rest, "");
}

#[test]
fn colours_stay_out_of_pipes() {
    let bench = Bench::new();
    for words in [&["status"][..], &["statsu"], &["docs", "list", "--kind", "client"]] {
        let mut command = bench.command(words);
        let ran = ran(command.env("NO_COLOR", "1").env("TERM", "xterm-256color"));
        assert!(!format!("{}{}", ran.out, ran.err).contains('\u{1b}'), "{ran:?}");
    }
}
