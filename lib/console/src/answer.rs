//! What comes back for a request, and what it looks like as JSON.
//!
//! An answer is written twice: tagged with its variant on the local socket, so that the other side knows what it got, and
//! as the bare document of the contract ([`Answer::json`]).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ConsoleError;
use crate::progress::ProgressEvent;
use crate::views::{
    AuditView, CandidatesView, DocView, FinishView, HistoryView, ImportView, IntegrationView, List, PlanChangeView,
    PlanSummary, PlanView, RecordView, RemovedView, RunView, StagedView, StatusView, SyncView, TypeView, UndoView,
    UnsyncedView, VerifyView, WizardView,
};
use crate::words::{Outcome, PlanState};

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", content = "of", rename_all = "snake_case")]
pub enum Answer {
    /// `integration add, show, set, pause, resume`.
    Integration(IntegrationView),
    /// `integration list`.
    Integrations(List<IntegrationView>),
    /// `integration remove`.
    Removed(RemovedView),
    /// `integration verify`, `secret rotate`.
    Verified(VerifyView),
    /// `integration types`.
    Types(List<TypeView>),
    /// `sync`.
    Synced(SyncView),
    /// `records`.
    Records(List<RecordView>),
    /// The users or clients that are decided about.
    Wizard(WizardView),
    /// The documentation records that a vendor record could be matched with.
    Candidates(CandidatesView),
    /// `auto-match`, `match`, `create`, `exclude`, `reset`, `create-unmatched`.
    Staged(StagedView),
    /// `preview`, `plan show`.
    Plan(PlanView),
    /// `finish`.
    Finished(FinishView),
    /// `plans`.
    Plans(List<PlanSummary>),
    /// `plan approve`, `plan discard`.
    PlanChanged(PlanChangeView),
    /// `status`.
    Status(List<StatusView>),
    /// `runs`.
    Runs(List<RunView>),
    /// `run show`.
    Run(RunView),
    /// `unsynced`.
    Unsynced(List<UnsyncedView>),
    /// `docs list`.
    Docs(List<DocView>),
    /// `docs show, edit, archive, restore`.
    Doc(DocView),
    /// What happened to a documentation record.
    History(List<HistoryView>),
    /// `docs import`, `mappings import`.
    Imported(ImportView),
    /// `docs export`, `mappings export`, `unsynced --csv`: the file's text, written to standard output as it is, also with
    /// `--json`.
    Csv(String),
    /// `undo`.
    Undone(UndoView),
    /// The audit log.
    Audit(List<AuditView>),
}

impl Answer {
    /// Returns the document that goes to standard output with `--json`; a CSV file comes as one text.
    pub fn json(&self) -> Value {
        match self {
            Answer::Integration(view) => plain(view),
            Answer::Integrations(view) => plain(view),
            Answer::Removed(view) => plain(view),
            Answer::Verified(view) => plain(view),
            Answer::Types(view) => plain(view),
            Answer::Synced(view) => plain(view),
            Answer::Records(view) => plain(view),
            Answer::Wizard(view) => plain(view),
            Answer::Candidates(view) => plain(view),
            Answer::Staged(view) => plain(view),
            Answer::Plan(view) => plain(view),
            Answer::Finished(view) => plain(view),
            Answer::Plans(view) => plain(view),
            Answer::PlanChanged(view) => plain(view),
            Answer::Status(view) => plain(view),
            Answer::Runs(view) => plain(view),
            Answer::Run(view) => plain(view),
            Answer::Unsynced(view) => plain(view),
            Answer::Docs(view) => plain(view),
            Answer::Doc(view) => plain(view),
            Answer::History(view) => plain(view),
            Answer::Imported(view) => plain(view),
            Answer::Csv(text) => Value::String(text.clone()),
            Answer::Undone(view) => plain(view),
            Answer::Audit(view) => plain(view),
        }
    }

    /// Returns the exit status of the command: 0 done, 1 failed, 3 done but something waits for a person. Where several
    /// runs ended differently, failure counts most.
    pub fn exit_code(&self) -> u8 {
        match self {
            Answer::Verified(view) => u8::from(!view.ok),
            Answer::Synced(view) => {
                let runs = view.items.iter().map(run_exit_code);
                worst(runs.chain(view.not_run.iter().map(|left| left.error.exit_code())))
            }
            Answer::Finished(view) => {
                let not_run = view.not_run.iter().map(ConsoleError::exit_code);
                worst(view.run.iter().map(run_exit_code).chain(not_run))
            }
            Answer::PlanChanged(view) if view.state == PlanState::Applied => worst(view.run.iter().map(run_exit_code)),
            Answer::Imported(view) if !view.problems.is_empty() => 3,
            Answer::Undone(view) if !view.kept.is_empty() => 3,
            _ => 0,
        }
    }
}

fn plain(view: &impl Serialize) -> Value {
    serde_json::to_value(view).expect("views have text keys and no failing serialisers")
}

fn run_exit_code(run: &RunView) -> u8 {
    match run.outcome {
        Some(Outcome::Complete) | None => 0,
        Some(Outcome::Incomplete | Outcome::Failed) => 1,
        Some(Outcome::Held | Outcome::CredentialsRejected) => 3,
    }
}

fn worst(codes: impl Iterator<Item = u8>) -> u8 {
    codes
        .max_by_key(|code| match code {
            0 => 0,
            3 => 1,
            2 => 2,
            _ => 3,
        })
        .unwrap_or(0)
}

/// What travels back over the local socket for one request: progress, then one answer or error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    /// How far it is.
    Progress(ProgressEvent),
    /// The end, done.
    Answer(Box<Answer>),
    /// The end, not done.
    Error(ConsoleError),
}

#[cfg(test)]
mod tests;
