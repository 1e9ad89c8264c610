//! Who may ask what: one table for all requests.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Code, ConsoleError};
use crate::request::Request;

/// What somebody may do; each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Decides, syncs, edits.
    Operator,
    /// Sets integrations up and changes secrets.
    Admin,
}

impl Role {
    /// All roles, the least first.
    pub const ALL: [Role; 3] = [Role::Viewer, Role::Operator, Role::Admin];

    /// Returns the word.
    pub fn code(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The name that the audit log keeps.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// Returns a request's name, as the audit log and messages say it, and the least role that may ask it.
pub fn rule(request: &Request) -> (&'static str, Role) {
    use Role::{Admin, Operator, Viewer};
    match request {
        Request::IntegrationAdd { .. } => ("integration add", Admin),
        Request::IntegrationList { .. } => ("integration list", Viewer),
        Request::IntegrationShow { .. } => ("integration show", Viewer),
        Request::IntegrationRemove { .. } => ("integration remove", Admin),
        Request::Pause { .. } => ("integration pause", Operator),
        Request::Resume { .. } => ("integration resume", Operator),
        Request::Verify { .. } => ("integration verify", Operator),
        Request::IntegrationSet { .. } => ("integration set", Admin),
        Request::Types { .. } => ("integration types", Operator),
        Request::SecretRotate { .. } => ("secret rotate", Admin),
        Request::Sync { .. } => ("sync", Operator),
        Request::Records { .. } => ("records", Viewer),
        Request::AutoMatch { .. } => ("auto-match", Operator),
        Request::Match { .. } => ("match", Operator),
        Request::Create { .. } => ("create", Operator),
        Request::Exclude { .. } => ("exclude", Operator),
        Request::Reset { .. } => ("reset", Operator),
        Request::CreateUnmatched { .. } => ("create-unmatched", Operator),
        Request::Decide { .. } => ("decide", Operator),
        Request::Wizard { .. } => ("wizard", Viewer),
        Request::Candidates { .. } => ("candidates", Viewer),
        Request::Preview { .. } => ("preview", Viewer),
        Request::Finish { .. } => ("finish", Operator),
        Request::Plans { .. } => ("plans", Viewer),
        Request::PlanShow { .. } => ("plan show", Viewer),
        Request::PlanApprove { .. } => ("plan approve", Operator),
        Request::PlanDiscard { .. } => ("plan discard", Operator),
        Request::Status { .. } => ("status", Viewer),
        Request::Runs { .. } => ("runs", Viewer),
        Request::RunShow { .. } => ("run show", Viewer),
        Request::Unsynced { .. } | Request::UnsyncedExport { .. } => ("unsynced", Viewer),
        Request::DocsList { .. } => ("docs list", Viewer),
        Request::DocsShow { .. } => ("docs show", Viewer),
        Request::DocsHistory { .. } => ("docs history", Viewer),
        Request::DocsImport { .. } => ("docs import", Operator),
        Request::DocsExport { .. } => ("docs export", Viewer),
        Request::DocsEdit { .. } => ("docs edit", Operator),
        Request::DocsArchive { .. } => ("docs archive", Operator),
        Request::DocsRestore { .. } => ("docs restore", Operator),
        Request::Undo { .. } => ("undo", Operator),
        Request::MappingsExport { .. } => ("mappings export", Viewer),
        Request::MappingsImport { .. } => ("mappings import", Operator),
        Request::Audit { .. } => ("audit", Operator),
    }
}

/// Refuses what `who` may not ask.
pub fn allow(request: &Request, who: &Actor) -> Result<(), ConsoleError> {
    let (command, least) = rule(request);
    if who.role >= least {
        return Ok(());
    }
    Err(ConsoleError::new(
        Code::Forbidden,
        format!("`{command}` needs the role {least}; {} is {}", who.name, who.role),
        "ask somebody with that role",
    ))
}
