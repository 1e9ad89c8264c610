//! Wrong usage: what was not understood, and the nearest word that would have been.

use std::io::IsTerminal;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};
use console::nearest;

use crate::args::Cli;
use crate::failure::{Exit, Failure};

/// Prints what clap has to say: help and version on standard output, an error on standard error, as JSON where the
/// caller's words held `--json`.
pub(crate) fn report(error: &clap::Error, words: &[String]) -> Exit {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A closed pipe (`| head`) is no failure.
        let _ = error.print();
        return Exit::Done;
    }
    if words.iter().any(|word| word == "--json") {
        failure(error, words).print(true);
        return Exit::Usage;
    }
    let _ = error.print();
    if let Some(tip) = missing_tip(error, words) {
        let label = if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
            "\u{1b}[32mtip:\u{1b}[0m"
        } else {
            "tip:"
        };
        eprintln!("\n  {label} {tip}");
    }
    Exit::Usage
}

fn failure(error: &clap::Error, words: &[String]) -> Failure {
    let rendered = error.render().to_string();
    let first = rendered.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    let message = first.split_whitespace().collect::<Vec<_>>().join(" ");
    let hint = suggested(error).or_else(|| missing_tip(error, words));
    Failure::usage(message, &hint.unwrap_or_else(|| "msp-sync --help shows what there is".to_owned()))
}

/// What clap suggests by itself.
fn suggested(error: &clap::Error) -> Option<String> {
    let kinds = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    let word = kinds.into_iter().find_map(|kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.clone()),
        Some(ContextValue::Strings(words)) => words.first().cloned(),
        _ => None,
    })?;
    Some(format!("did you mean {word}?"))
}

/// The nearest word where clap found none near enough to name.
fn missing_tip(error: &clap::Error, words: &[String]) -> Option<String> {
    if suggested(error).is_some() {
        return None;
    }
    let wrong = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.clone()),
        _ => None,
    };
    let root = Cli::command();
    let command = innermost(&root, words);
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = wrong(ContextKind::InvalidSubcommand)?;
            let known: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
            Some(nearest::hint(&word, known.iter().copied(), &format!("the commands are {}", known.join(", "))))
        }
        ErrorKind::UnknownArgument => {
            let word = wrong(ContextKind::InvalidArg)?;
            let flags = command.get_arguments().chain(root.get_arguments()).filter_map(|arg| arg.get_long());
            let flag = word.strip_prefix("--")?;
            nearest::nearest(flag, flags).map(|near| format!("did you mean --{near}?"))
        }
        ErrorKind::InvalidValue => {
            let word = wrong(ContextKind::InvalidValue)?;
            let Some(ContextValue::Strings(known)) = error.get(ContextKind::ValidValue) else { return None };
            (!known.is_empty()).then(|| nearest::hint(&word, known.iter().map(String::as_str), ""))
        }
        _ => None,
    }
}

/// The command that `words` lead to, as far as they are understood.
fn innermost<'a>(root: &'a Command, words: &[String]) -> &'a Command {
    words.iter().skip(1).fold(root, |command, word| command.find_subcommand(word).unwrap_or(command))
}
