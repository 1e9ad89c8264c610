//! The answers' parts, field by field as the contract names them (product.md section 6).
//!
//! Long because whoever writes a program against the interface reads all of them in one place.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use reconcile::ids::{DocId, IntegrationId, PlanId, RunId, VendorId};
use reconcile::mapping::State;
use reconcile::plan::{Action, Change, Counts, Rule};
use reconcile::reason::Reason;
use reconcile::record::{Field, Fields, Kind};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::error::ConsoleError;
use crate::progress::Phase;
use crate::words::{IntegrationState, Outcome, PlanState, Trigger};

/// How an instant is described: as RFC 3339 writes it.
struct Instant;

impl JsonSchema for Instant {
    fn schema_name() -> Cow<'static, str> {
        "Instant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ListOf{T}")]
pub struct List<T> {
    /// The items of the page.
    pub items: Vec<T>,
    /// The cursor of the next page; `None` at the end.
    pub next: Option<String>,
}

impl<T> List<T> {
    /// Makes a list that is whole.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// One integration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IntegrationView {
    /// Its id.
    pub integration: IntegrationId,
    /// The vendor's id.
    pub vendor: String,
    /// Its state.
    pub state: IntegrationState,
    /// Its settings by name; never a secret.
    pub settings: BTreeMap<String, String>,
    /// The kinds that the vendor has.
    pub kinds: Vec<Kind>,
    /// The kinds that are synced.
    pub sync: Vec<Kind>,
    /// The kinds whose new records are created by themselves.
    pub auto_create: Vec<Kind>,
    /// The chosen configuration types by id; `None` where the vendor has none to choose.
    pub types: Option<Vec<String>>,
    /// The cron line of its schedule; `None` where it has none.
    pub schedule: Option<String>,
    /// The time zone of the schedule.
    pub time_zone: String,
    /// Whether documentation records are archived once all their sources are stale.
    pub archive_stale: bool,
    /// When it runs next by itself; `None` unless it is live and has a schedule.
    #[schemars(with = "Option<Instant>")]
    pub next_run_at: Option<Timestamp>,
    /// What the next run is expected to cost; only where one integration is shown or was
    /// changed, and not before its first run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_cost: Option<CostView>,
}

/// An integration that was removed. Its documentation records stay, with the values that they had from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RemovedView {
    /// Which.
    pub integration: IntegrationId,
    /// How many mappings went with it.
    pub mappings_removed: u64,
}

/// What the vendor said to one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KindVerdict {
    /// The kind.
    pub kind: Kind,
    /// Whether it can be read.
    pub ok: bool,
    /// The vendor's own words, or what was seen.
    pub message: String,
    /// The likely cause; empty where it works.
    pub cause: String,
    /// What to do; empty where it works.
    pub hint: String,
    /// The command that asks the same, with the secret masked; empty where it works.
    pub curl: String,
}

/// What `verify` and `secret rotate` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifyView {
    /// Which integration.
    pub integration: IntegrationId,
    /// Whether every kind can be read.
    pub ok: bool,
    /// Its state afterwards.
    pub state: IntegrationState,
    /// Kind by kind.
    pub items: Vec<KindVerdict>,
    /// For `secret rotate`: whether the new secret is the current one.
    pub promoted: Option<bool>,
}

/// A configuration type of the vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TypeView {
    /// The vendor's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many of the assets read have it; `None` before the first read.
    pub count: Option<u64>,
    /// Whether it is chosen.
    pub selected: bool,
}

/// What a run is expected to cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CostView {
    /// Requests to the vendor.
    pub vendor_requests: u64,
    /// How long they take at the vendor's limit.
    pub seconds: u64,
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProgressView {
    /// What it is doing.
    pub phase: Phase,
    /// Records read, or parts planned or applied.
    pub done: u64,
    /// Of so many, where that is known.
    pub total: Option<u64>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunView {
    /// Its id.
    pub run_id: RunId,
    /// Whose.
    pub integration: IntegrationId,
    /// Why it began.
    pub trigger: Trigger,
    /// How it ended; `None` while it runs.
    pub outcome: Option<Outcome>,
    /// When it began.
    #[schemars(with = "Instant")]
    pub started_at: Timestamp,
    /// When it ended.
    #[schemars(with = "Option<Instant>")]
    pub finished_at: Option<Timestamp>,
    /// How the records ended, by kind.
    pub counts: BTreeMap<Kind, Counts>,
    /// Requests sent to the vendor.
    pub vendor_requests: u64,
    /// The plan that it made, where it changed or would change something.
    pub plan_id: Option<PlanId>,
    /// How far it is, while it runs.
    pub progress: Option<ProgressView>,
    /// What a person should know, in sentences: why it was held, what could not be read.
    pub notes: Vec<String>,
    /// The dated log; only where one run is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<LogView>,
}

/// One line of a run's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogView {
    /// When.
    #[schemars(with = "Instant")]
    pub at: Timestamp,
    /// What happened.
    pub text: String,
}

/// What `sync` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncView {
    /// The runs, in the order in which the integrations were named.
    pub items: Vec<RunView>,
    /// Always `None`: all runs are told at once.
    pub next: Option<String>,
    /// Integrations that were not run, and why.
    pub not_run: Vec<NotRun>,
}

/// An integration that was not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotRun {
    /// Which.
    pub integration: IntegrationId,
    /// Why.
    pub error: ConsoleError,
}

/// A documentation record that looks like a vendor record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SuggestionView {
    /// The documentation record.
    pub doc_id: DocId,
    /// Its name.
    pub name: String,
    /// How alike they are: 0 to 1.
    pub score: f64,
    /// The rule that says so.
    pub rule: Rule,
}

/// One vendor record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordView {
    /// The vendor's id.
    pub vendor_id: VendorId,
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The vendor's id of the client it belongs to.
    pub client_vendor_id: Option<VendorId>,
    /// Its state; a staged decision shows as the state it leads to.
    pub state: State,
    /// Whether the state waits for Finish.
    pub staged: bool,
    /// The documentation record that it is, or is staged to be, matched with or created as.
    pub doc_id: Option<DocId>,
    /// Why it is not in the documentation.
    pub reason: Option<Reason>,
    /// The documentation records that fit, where the reason is an ambiguity.
    pub candidates: Vec<DocId>,
    /// The most alike documentation record, where it has none.
    pub suggestion: Option<SuggestionView>,
    /// The normalised fields.
    pub fields: Fields,
    /// First seen after the first completed sync of its kind.
    pub new: bool,
    /// Not there in two complete reads in a row.
    pub stale: bool,
    /// The documentation record's name, where it differs from the vendor's.
    pub doc_name: Option<String>,
    /// Stands for what is decided about it; another one says that somebody has decided since.
    #[serde(default)]
    pub revision: String,
}

/// A page of the users or clients that are decided about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WizardView {
    /// The records of the page.
    pub items: Vec<RecordView>,
    /// The cursor of the next page; `None` at the end.
    pub next: Option<String>,
    /// How many the filter finds, all pages together.
    pub found: u64,
    /// How many there are in each state, staged decisions taken in, whatever the filter.
    pub counts: BTreeMap<State, u64>,
    /// How many were first seen after the first completed sync of the kind.
    pub new: u64,
    /// How many of the unmatched ones wait for a decision of their own, because they are ambiguous.
    pub ambiguous: u64,
    /// How many decisions wait for Finish.
    pub staged: u64,
    /// Whether the vendor was read.
    pub was_read: bool,
}

/// A documentation record that a vendor record could be matched with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CandidateView {
    /// The documentation record.
    pub doc_id: DocId,
    /// Its name.
    pub name: String,
    /// What tells it from others of that name: an e-mail address, a serial number; may be empty.
    pub detail: String,
    /// How alike they are, 0 to 1; `None` where it was searched for.
    pub score: Option<f64>,
    /// The rule that says so.
    pub rule: Option<Rule>,
}

/// The documentation records that a vendor record could be matched with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CandidatesView {
    /// The vendor record.
    pub record: RecordView,
    /// The best ones; of more than fit there are more to search for.
    pub items: Vec<CandidateView>,
    /// Whether there are more.
    pub more: bool,
}

/// One thing that happened to a documentation record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryView {
    /// When.
    #[schemars(with = "Instant")]
    pub at: Timestamp,
    /// Who: a person's name, or an integration's id.
    pub who: String,
    /// What was done: the action of a plan, or the word of a person's request.
    pub what: String,
    /// The plan, where one did it.
    pub plan_id: Option<PlanId>,
    /// What changed, field by field, where that is known.
    pub changes: Vec<Change>,
    /// Which fields a person set or released.
    pub detail: String,
}

/// What a decision staged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StagedView {
    /// How many records it was staged for.
    pub staged: u64,
    /// The same by kind.
    pub counts: BTreeMap<Kind, u64>,
    /// How many were as wanted already.
    pub unchanged: u64,
    /// Records that it was not staged for, and why.
    pub left: Vec<LeftView>,
}

/// A record that a decision was not staged for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftView {
    /// What it is.
    pub kind: Kind,
    /// The vendor's id.
    pub vendor_id: String,
    /// Why, as a code: a reason, `not_found` or `refused`.
    pub reason: String,
    /// Why, as a sentence.
    pub message: String,
}

/// How much a plan does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanCounts {
    /// Documentation records made.
    pub create: u64,
    /// Vendor records linked.
    #[serde(rename = "match")]
    pub matched: u64,
    /// Vendor records left out.
    pub exclude: u64,
    /// Documentation records changed.
    pub update: u64,
    /// Vendor records marked stale.
    pub stale: u64,
    /// Decisions forgotten.
    pub reset: u64,
    /// Documentation records archived.
    pub archive: u64,
    /// Vendor records that leave a documentation record.
    pub detach: u64,
    /// Vendor records that are back.
    #[serde(rename = "return")]
    pub returned: u64,
}

impl PlanCounts {
    /// Counts items that do the same.
    pub fn add(&mut self, action: Action, items: u64) {
        let count = match action {
            Action::Create => &mut self.create,
            Action::Match => &mut self.matched,
            Action::Exclude => &mut self.exclude,
            Action::Reset => &mut self.reset,
            Action::Update => &mut self.update,
            Action::Stale => &mut self.stale,
            Action::Return => &mut self.returned,
            Action::Archive => &mut self.archive,
            Action::Detach => &mut self.detach,
        };
        *count += items;
    }
}

/// One thing that a plan does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanItemView {
    /// What.
    pub action: Action,
    /// The kind of the record.
    pub kind: Kind,
    /// The vendor record.
    pub vendor_id: VendorId,
    /// Its name.
    pub name: String,
    /// The documentation record.
    pub doc_id: Option<DocId>,
    /// Its name, where it exists already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc_name: Option<String>,
    /// The rule by which it was found.
    pub rule: Option<Rule>,
    /// What changes, field by field.
    pub changes: Vec<Change>,
}

/// A plan with a page of its items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanView {
    /// Its id.
    pub plan_id: PlanId,
    /// Whose.
    pub integration: IntegrationId,
    /// Where it stands.
    pub state: PlanState,
    /// When it was made.
    #[schemars(with = "Option<Instant>")]
    pub created_at: Option<Timestamp>,
    /// The run that made it; `None` for Finish.
    pub run_id: Option<RunId>,
    /// How much it does, all pages together.
    pub counts: PlanCounts,
    /// What it does.
    pub items: Vec<PlanItemView>,
    /// The cursor of the next page of items.
    pub next: Option<String>,
    /// Why the guard held it.
    pub held_because: Vec<String>,
    /// What becomes of the records below a client that leaves its documentation record; only in a preview.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consequences: Vec<ConsequenceView>,
}

/// What a decision about a client means for the records below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsequenceView {
    /// The client.
    pub client_vendor_id: VendorId,
    /// Its name.
    pub client_name: String,
    /// The kind of the records.
    pub kind: Kind,
    /// How many of them are documented below the record that the client leaves.
    pub records: u64,
    /// What becomes of them, as a sentence.
    pub message: String,
}

/// A plan in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanSummary {
    /// Its id.
    pub plan_id: PlanId,
    /// Whose.
    pub integration: IntegrationId,
    /// Where it stands.
    pub state: PlanState,
    /// When it was made.
    #[schemars(with = "Option<Instant>")]
    pub created_at: Option<Timestamp>,
    /// The run that made it; `None` for Finish.
    pub run_id: Option<RunId>,
    /// How much it does.
    pub counts: PlanCounts,
    /// Why the guard held it.
    pub held_because: Vec<String>,
}

/// What `finish` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FinishView {
    /// The plan that was applied.
    pub plan_id: PlanId,
    /// Which integration.
    pub integration: IntegrationId,
    /// Its state afterwards.
    pub state: IntegrationState,
    /// How much was applied.
    pub counts: PlanCounts,
    /// The first full sync, unless it was left out or is over.
    pub run: Option<RunView>,
    /// Why the first full sync did not begin, where it should have.
    pub not_run: Option<ConsoleError>,
}

/// What `plan approve`, `plan discard` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanChangeView {
    /// The plan.
    pub plan_id: PlanId,
    /// Where it stands.
    pub state: PlanState,
    /// The run that it belongs to, as it is afterwards.
    pub run: Option<RunView>,
}

/// What `undo` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UndoView {
    /// The plan.
    pub plan_id: PlanId,
    /// Where it stands.
    pub state: PlanState,
    /// How many of its items were reversed.
    pub undone: u64,
    /// Items that stay as they are because something changed since.
    pub kept: Vec<KeptView>,
}

/// An item that could not be reversed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeptView {
    /// The kind of the record.
    pub kind: Kind,
    /// The vendor record.
    pub vendor_id: VendorId,
    /// Its name.
    pub name: String,
    /// What changed since.
    pub message: String,
}

/// Where an integration stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusView {
    /// Which integration.
    pub integration: IntegrationId,
    /// The vendor's id.
    pub vendor: String,
    /// Its state.
    pub state: IntegrationState,
    /// The last run that ended.
    pub last_run: Option<RunView>,
    /// The run that is under way, or waits for approval.
    pub current_run: Option<RunView>,
    /// When it runs next by itself.
    #[schemars(with = "Option<Instant>")]
    pub next_run_at: Option<Timestamp>,
    /// What the next run is expected to cost.
    pub expected_cost: Option<CostView>,
    /// What waits for a person, in sentences.
    pub waiting: Vec<String>,
}

/// A vendor record that is not in the documentation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnsyncedView {
    /// What it is.
    pub kind: Kind,
    /// The vendor's id.
    pub vendor_id: VendorId,
    /// Its name.
    pub name: String,
    /// The vendor's id of the client it belongs to.
    pub client_vendor_id: Option<VendorId>,
    /// That client's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// Why, as a code.
    pub reason: Reason,
    /// Why, as a sentence.
    pub message: String,
    /// What to do, naming the vendor field to fix.
    pub fix: String,
    /// The documentation records that fit, where the reason is an ambiguity.
    pub candidates: Vec<DocId>,
    /// What those are called, by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub candidate_names: BTreeMap<DocId, String>,
    /// What is staged for it, where something is: the state that it leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staged: Option<State>,
    /// Stands for what is decided about it.
    #[serde(default)]
    pub revision: String,
}

/// Where a documentation record's values come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceView {
    /// The integration.
    pub integration: IntegrationId,
    /// The vendor record.
    pub vendor_id: VendorId,
    /// Its name at the vendor.
    pub name: String,
    /// Not there in two complete reads in a row.
    pub stale: bool,
}

/// One documentation record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DocView {
    /// Its id.
    pub doc_id: DocId,
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The client it lies below.
    pub client_doc_id: Option<DocId>,
    /// Whether it is archived.
    pub archived: bool,
    /// Whether all its sources are stale.
    pub stale: bool,
    /// Its fields.
    pub fields: Fields,
    /// The vendor records mapped to it.
    pub sources: Vec<SourceView>,
    /// Where each field's value comes from (`edit`, `imported` or an integration's id); only in `docs show`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub origins: BTreeMap<Field, String>,
}

/// A row of a file that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowProblem {
    /// The line of the file on which the row begins; the header is line 1.
    pub line: u64,
    /// Why.
    pub message: String,
}

/// What an import took in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportView {
    /// Records made, or decisions staged.
    pub created: u64,
    /// Records changed.
    pub updated: u64,
    /// Records that were as the file says.
    pub unchanged: u64,
    /// Rows that could not be taken.
    pub problems: Vec<RowProblem>,
}

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditView {
    /// When.
    #[schemars(with = "Instant")]
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What was asked: the word of the request.
    pub what: String,
    /// Whose log it is in: an integration's id, or `catalogue`.
    pub about: String,
    /// On what: ids and names of settings and fields.
    pub detail: String,
}
