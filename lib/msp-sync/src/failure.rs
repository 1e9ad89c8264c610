//! How a command ends that could not do what it was asked.

use std::io::IsTerminal;

use console::error::ConsoleError;
use serde_json::json;

/// What the process answers its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Not done.
    Failed = 1,
    /// Not understood.
    Usage = 2,
    /// Done, but something waits for a person.
    Waits = 3,
}

impl Exit {
    /// The exit status of the contract.
    pub(crate) fn from_status(status: u8) -> Self {
        match status {
            0 => Exit::Done,
            2 => Exit::Usage,
            3 => Exit::Waits,
            _ => Exit::Failed,
        }
    }
}

/// What happened, and what a person does about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// One word for scripts.
    pub(crate) code: String,
    /// What happened, and why.
    pub(crate) message: String,
    /// What to do.
    pub(crate) hint: String,
    /// What the process answers.
    pub(crate) exit: Exit,
}

impl Failure {
    /// A command that was understood and could not be carried out.
    pub(crate) fn new(code: &str, message: impl Into<String>, hint: &str) -> Self {
        Self { code: code.to_owned(), message: message.into(), hint: hint.to_owned(), exit: Exit::Failed }
    }

    /// A command that was not understood.
    pub(crate) fn usage(message: impl Into<String>, hint: &str) -> Self {
        Self { exit: Exit::Usage, ..Self::new("usage", message, hint) }
    }

    /// A mistake of ours, or of the machine's, with its causes.
    pub(crate) fn internal(error: &anyhow::Error) -> Self {
        let hint = "this should not happen; RUST_LOG=debug shows more. What was done so far is kept";
        Self::new("internal", format!("{error:#}"), hint)
    }

    /// Prints it on standard error.
    pub(crate) fn print(&self, json: bool) {
        if json {
            let error = json!({"error": {"code": self.code, "message": self.message, "hint": self.hint}});
            eprintln!("{error}");
            return;
        }
        let paint = std::io::stderr().is_terminal() && crate::render::colour_wanted();
        let (red, bold, plain) = if paint { ("\u{1b}[31;1m", "\u{1b}[1m", "\u{1b}[0m") } else { ("", "", "") };
        eprintln!("{red}error:{plain} {}", crate::render::harmless_lines(&self.message));
        for line in self.hint.lines().filter(|line| !line.is_empty()) {
            eprintln!("  {bold}→{plain} {}", crate::render::harmless_lines(line));
        }
    }
}

impl From<ConsoleError> for Failure {
    fn from(error: ConsoleError) -> Self {
        let exit = Exit::from_status(error.exit_code());
        Self { code: error.code.code().to_owned(), message: error.message, hint: error.hint, exit }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::internal(&error)
    }
}
