use clap::{Command, CommandFactory};

use super::Cli;

/// Calls `look` for every command, the innermost ones too.
fn each(command: &Command, path: &str, look: &mut impl FnMut(&Command, &str)) {
    look(command, path);
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        each(inner, &format!("{path} {}", inner.get_name()), look);
    }
}

#[test]
fn every_command_shows_examples_that_are_understood() {
    let mut examples = 0;
    each(&Cli::command(), "msp-sync", &mut |command, path| {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.starts_with("Examples:"), "{path} has no examples");
        let joined = help.replace("\\\n", " ").replace("|\n", "| ");
        for line in joined.lines().filter_map(|line| line.split("msp-sync ").nth(1)) {
            let line = line.split("  ").next().unwrap_or_default().split(['>', '<', '|']).next().unwrap_or_default();
            let line = line.replace("'0 20 * * *'", "0_20_*_*_*");
            let words = ["msp-sync"].into_iter().chain(line.split_whitespace());
            if let Err(error) = <Cli as clap::Parser>::try_parse_from(words) {
                panic!("{path}: {line}: {error}");
            }
            examples += 1;
        }
    });
    assert!(examples > 60, "only {examples} examples were read");
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}
