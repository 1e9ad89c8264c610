//! The command line: argv becomes a question, the answer becomes text or JSON.
//!
//! ```text
//! argv ── args ── ask ──► console::Request ── carry ──► the running serve, or the data folder itself
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
mod failure;
mod folder;
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

use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser};
use tracing_subscriber::EnvFilter;

use crate::args::{Cli, Command, Place};
use crate::failure::{Exit, Failure};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let exit = match Cli::try_parse() {
        Err(error) => usage::report(&error, &words),
        Ok(cli) => {
            log();
            let json = cli.place.json;
            act(cli).unwrap_or_else(|failure| {
                failure.print(json);
                failure.exit
            })
        }
    };
    ExitCode::from(exit as u8)
}

/// Logs to standard error: warnings, or what `RUST_LOG` asks for.
fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
}

/// As much stack as the main thread has: `serve` carries out on other threads what a command carries out on that one, and
/// a build that is not optimised needs more for a whole sync than threads have by default.
const STACK_BYTES: usize = 8 << 20;

fn act(cli: Cli) -> Result<Exit, Failure> {
    let Place { aws, json, .. } = &cli.place;
    if let Some(stack) = aws {
        let message = format!("this build works on data folders only and cannot reach the deployed stack {stack:?}");
        return Err(Failure::usage(message, "leave --aws out, or name a folder with --data-dir"));
    }
    let json = *json;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build();
    let runtime = runtime.context("the threads could not be started")?;
    let named = cli.place.data_dir;
    let outcome = match cli.command {
        Command::Completions { shell } => completions(shell),
        Command::Sandbox(wanted) => runtime.block_on(sandbox::run(wanted, json)),
        Command::Demo(wanted) => runtime.block_on(demo::run(wanted, named, json)),
        Command::Serve(wanted) => runtime.block_on(serve::run(wanted, folder::choose(named)?, json)),
        command => match ask::request(command)? {
            Some(request) => runtime.block_on(carry::out(request, &folder::choose(named)?, json)),
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
