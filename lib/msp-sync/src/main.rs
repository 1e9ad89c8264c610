//! The command line: argv becomes a question, the answer becomes text or JSON.
//!
//! ```text
//! argv ── args ── ask ──► console::Request ── carry ──► the running serve, the data folder itself, or a deployed stack
//!                                                │
//! tables or JSON ◄── render ◄── console::Answer ◄┘
//! ```
//!
//! Nothing here decides anything about records. Standard output carries answers only; what happens meanwhile, and what
//! went wrong, goes to standard error.

mod args;
mod ask;
mod carry;
mod demo;
mod deployed;
mod failure;
mod folder;
mod listener;
mod machine;
mod out;
mod progress;
mod render;
mod sandbox;
mod scheduler;
mod serve;
mod signals;
mod socket;
mod usage;
mod worker;

use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser};
use tracing_subscriber::EnvFilter;

use crate::args::{Cli, Command, Place};
use crate::carry::Way;
use crate::deployed::Deployed;
use crate::failure::{Exit, Failure};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let exit = match Cli::try_parse() {
        Err(error) => usage::report(&error, &words),
        Ok(cli) => {
            let json = cli.place.json;
            log(&cli.command, json);
            act(cli).unwrap_or_else(|failure| {
                failure.print(json);
                failure.exit
            })
        }
    };
    ExitCode::from(exit as u8)
}

/// Logs to standard error: warnings, or what `RUST_LOG` asks for. A person at a terminal is told by the command itself how
/// a run ended and what waits, in its tables; a line of the log among them would say it a second time.
fn log(command: &Command, json: bool) {
    let is_watched = !json && std::io::stderr().is_terminal();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(logged(command, is_watched)));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
}

/// Returns what is logged where `RUST_LOG` says nothing.
fn logged(command: &Command, is_watched: bool) -> &'static str {
    match command {
        Command::Serve(_) => "warn",
        _ if is_watched => "warn,engine::life=off,engine::closing=off",
        _ => "warn",
    }
}

/// As much stack as the main thread has: `serve` carries out on other threads what a command carries out on that one, and
/// a build that is not optimised needs more for a whole sync than threads have by default.
const STACK_BYTES: usize = 8 << 20;

fn act(cli: Cli) -> Result<Exit, Failure> {
    let Place { aws, json, data_dir: named } = cli.place;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build();
    let runtime = runtime.context("the threads could not be started")?;
    let outcome = match (cli.command, aws) {
        (Command::Completions { shell }, _) => completions(shell),
        (Command::Sandbox(_) | Command::Demo(_) | Command::Serve(_), Some(_)) => {
            Err(Failure::usage("this command works on this machine only", "leave --aws out"))
        }
        (Command::Dlq(_), None) => {
            let hint = "name a deployed stack: msp-sync --aws STACK dlq list; a data folder keeps no dead letters";
            Err(Failure::usage("no stack is named", hint))
        }
        (Command::Sandbox(wanted), None) => runtime.block_on(sandbox::run(wanted, json)),
        (Command::Demo(wanted), None) => runtime.block_on(demo::run(wanted, named, json)),
        (Command::Serve(wanted), None) => runtime.block_on(serve::run(wanted, folder::choose(named)?, json)),
        (Command::Dlq(wanted), Some(stack)) => runtime.block_on(deployed::dead_letters(wanted, &stack, json)),
        (command, aws) => match ask::request(command)? {
            Some(request) => runtime.block_on(async {
                let way = match aws {
                    Some(stack) => Way::Deployed(Box::new(Deployed::open(&stack).await?)),
                    None => Way::find(&folder::choose(named)?).await?,
                };
                carry::out(request, way, json).await
            }),
            None => unreachable!("the commands without a question are dealt with above"),
        },
    };
    // Work that blocks a thread (a name being looked up, a file being written) must not keep the process alive.
    runtime.shutdown_background();
    outcome
}

fn completions(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "msp-sync", &mut script);
    out::write(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_watches_a_command_is_told_how_a_run_ended_by_the_command_alone() {
        let of = |words: &[&str], is_watched| {
            let cli = Cli::try_parse_from([&["msp-sync"], words].concat()).expect("a command");
            logged(&cli.command, is_watched)
        };
        for words in [&["demo"][..], &["sync", "acme"], &["finish", "acme"]] {
            assert!(of(words, true).contains("engine::life=off"), "{words:?}");
            assert_eq!(of(words, false), "warn", "{words:?}");
        }
        assert_eq!(of(&["serve"], true), "warn", "nobody asked for these runs, and nobody else tells");
    }
}
