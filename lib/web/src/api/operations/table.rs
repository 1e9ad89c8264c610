//! The rows of the table, by what they are about.

use console::request::{IntegrationChange, Request, SecretParts, SyncTarget};
use console::views::{
    AuditView, CandidatesView, DocView, FinishView, HistoryView, ImportView, IntegrationView, List, PlanChangeView,
    PlanSummary, PlanView, RecordView, RemovedView, RunView, StagedView, StatusView, SyncView, TypeView, UndoView,
    UnsyncedView, VerifyView, WizardView,
};
use schemars::SchemaGenerator;

use super::{
    ANY_KIND, Answered, Body, CLIENT, CURSOR, KIND, LIMIT, NEW, OF_CLIENT, Operation, PAGE, REASON, SEARCH, STATE,
    VENDOR_ID, Verb, file, get, post,
};
use crate::api::bodies::{
    Adding, DecidingEach, DecidingMany, Editing, Finishing, Matching, OfKind, Secret, Syncing, SyncingOne,
};

/// All rows.
pub(super) static ALL: &[&[Operation]] = &[INTEGRATIONS, DECISIONS, PLANS, RUNS, CATALOGUE];

static INTEGRATIONS: &[Operation] = &[
    get(
        "/integrations",
        "integration_list",
        "Lists the integrations.",
        PAGE,
        SchemaGenerator::subschema_for::<List<IntegrationView>>,
        |given| Ok(Request::IntegrationList { page: given.page()? }),
    ),
    Operation {
        verb: Verb::Post,
        path: "/integrations",
        id: "integration_add",
        summary: "Adds an integration; verify it next.",
        parameters: &[],
        body: Body::json(
            SchemaGenerator::subschema_for::<Adding>,
            r#"{"id":"acme","vendor":"auvik","settings":{"url":"us1","domain":"acme"},"secret":{"username":"api@acme.example","api_key":"…"}}"#,
        ),
        answer: Answered::Created(SchemaGenerator::subschema_for::<IntegrationView>),
        request: |given| {
            let Adding { id, vendor, settings, secret } = given.secret_json()?;
            Ok(Request::IntegrationAdd { id: id.to_string(), vendor, settings, secret: SecretParts::new(secret) })
        },
    },
    get(
        "/integrations/{integration}",
        "integration_show",
        "Shows an integration; never its secret.",
        &[],
        SchemaGenerator::subschema_for::<IntegrationView>,
        |given| Ok(Request::IntegrationShow { id: given.part("integration") }),
    ),
    Operation {
        verb: Verb::Patch,
        ..post(
            "/integrations/{integration}",
            "integration_set",
            "Changes settings, kinds, types or the schedule; what is left out stays as it is.",
            Body::json(
                SchemaGenerator::subschema_for::<IntegrationChange>,
                r#"{"sync":["client","asset"],"auto_create":["asset"]}"#,
            ),
            SchemaGenerator::subschema_for::<IntegrationView>,
            |given| Ok(Request::IntegrationSet { id: given.part("integration"), change: given.json()? }),
        )
    },
    Operation {
        verb: Verb::Delete,
        ..post(
            "/integrations/{integration}",
            "integration_remove",
            "Removes an integration with its mappings; the documentation stays.",
            Body::None,
            SchemaGenerator::subschema_for::<RemovedView>,
            |given| Ok(Request::IntegrationRemove { id: given.part("integration") }),
        )
    },
    post(
        "/integrations/{integration}/pause",
        "integration_pause",
        "Pauses an integration.",
        Body::None,
        SchemaGenerator::subschema_for::<IntegrationView>,
        |given| Ok(Request::Pause { id: given.part("integration") }),
    ),
    post(
        "/integrations/{integration}/resume",
        "integration_resume",
        "Resumes a paused integration.",
        Body::None,
        SchemaGenerator::subschema_for::<IntegrationView>,
        |given| Ok(Request::Resume { id: given.part("integration") }),
    ),
    post(
        "/integrations/{integration}/verify",
        "integration_verify",
        "Asks the vendor for a row of each kind.",
        Body::None,
        SchemaGenerator::subschema_for::<VerifyView>,
        |given| Ok(Request::Verify { id: given.part("integration") }),
    ),
    Operation {
        verb: Verb::Put,
        ..post(
            "/integrations/{integration}/secret",
            "secret_rotate",
            "Gives a new secret, which becomes current only if the vendor takes it.",
            Body::json(SchemaGenerator::subschema_for::<Secret>, r#"{"username":"api@acme.example","api_key":"…"}"#),
            SchemaGenerator::subschema_for::<VerifyView>,
            |given| {
                let secret = given.secret_json::<Secret>()?.parts();
                Ok(Request::SecretRotate { id: given.part("integration"), secret })
            },
        )
    },
    get(
        "/integrations/{integration}/types",
        "integration_types",
        "Lists the vendor's configuration types.",
        PAGE,
        SchemaGenerator::subschema_for::<List<TypeView>>,
        |given| Ok(Request::Types { id: given.part("integration"), page: given.page()? }),
    ),
];

static DECISIONS: &[Operation] = &[
    get(
        "/integrations/{integration}/records",
        "records",
        "Lists vendor records with state, reason and best suggestion.",
        &[KIND, STATE, REASON, SEARCH, NEW, LIMIT, CURSOR],
        SchemaGenerator::subschema_for::<List<RecordView>>,
        |given| {
            let (kind, filter) = (given.needed("kind")?, given.filter()?);
            Ok(Request::Records { id: given.part("integration"), kind, filter, page: given.page()? })
        },
    ),
    post(
        "/integrations/{integration}/auto-match",
        "auto_match",
        "Stages a match for each record whose name is identical on both sides and unique.",
        Body::some(SchemaGenerator::subschema_for::<OfKind>, r#"{"kind":"client"}"#),
        SchemaGenerator::subschema_for::<StagedView>,
        |given| Ok(Request::AutoMatch { id: given.part("integration"), kind: given.json::<OfKind>()?.kind }),
    ),
    post(
        "/integrations/{integration}/match",
        "match",
        "Stages a match of a vendor record with a documentation record.",
        Body::json(
            SchemaGenerator::subschema_for::<Matching>,
            r#"{"kind":"client","vendor_id":"736251904418273650","doc_id":"c_0123456789abcdef"}"#,
        ),
        SchemaGenerator::subschema_for::<StagedView>,
        |given| {
            let Matching { kind, vendor_id, doc_id } = given.json()?;
            Ok(Request::Match { id: given.part("integration"), kind, vendor_id, doc_id })
        },
    ),
    post(
        "/integrations/{integration}/create",
        "create",
        "Stages a creation for vendor records.",
        Body::json(
            SchemaGenerator::subschema_for::<DecidingMany>,
            r#"{"kind":"client","records":{"ids":["736251904418273650"]}}"#,
        ),
        SchemaGenerator::subschema_for::<StagedView>,
        |given| {
            let DecidingMany { kind, records } = given.json()?;
            Ok(Request::Create { id: given.part("integration"), kind, records })
        },
    ),
    post(
        "/integrations/{integration}/exclude",
        "exclude",
        "Stages that vendor records are left out.",
        Body::json(
            SchemaGenerator::subschema_for::<DecidingMany>,
            r#"{"kind":"client","records":{"filter":{"search":"test"}}}"#,
        ),
        SchemaGenerator::subschema_for::<StagedView>,
        |given| {
            let DecidingMany { kind, records } = given.json()?;
            Ok(Request::Exclude { id: given.part("integration"), kind, records })
        },
    ),
    post(
        "/integrations/{integration}/reset",
        "reset",
        "Stages that decisions are forgotten.",
        Body::json(
            SchemaGenerator::subschema_for::<DecidingMany>,
            r#"{"kind":"client","records":{"filter":{"state":"excluded"}}}"#,
        ),
        SchemaGenerator::subschema_for::<StagedView>,
        |given| {
            let DecidingMany { kind, records } = given.json()?;
            Ok(Request::Reset { id: given.part("integration"), kind, records })
        },
    ),
    post(
        "/integrations/{integration}/decide",
        "decide",
        "Stages a decision for each of some vendor records, unless somebody else decided since they were shown.",
        Body::json(
            SchemaGenerator::subschema_for::<DecidingEach>,
            r#"{"kind":"client","decisions":[{"vendor_id":"736251904418273650","choice":"create"}]}"#,
        ),
        SchemaGenerator::subschema_for::<StagedView>,
        |given| {
            let DecidingEach { kind, decisions } = given.json()?;
            Ok(Request::Decide { id: given.part("integration"), kind, decisions })
        },
    ),
    get(
        "/integrations/{integration}/wizard",
        "wizard",
        "Lists the users or clients that are decided about, with how many there are in each state.",
        &[KIND, STATE, REASON, SEARCH, NEW, LIMIT, CURSOR],
        SchemaGenerator::subschema_for::<WizardView>,
        |given| {
            let (kind, filter) = (given.needed("kind")?, given.filter()?);
            Ok(Request::Wizard { id: given.part("integration"), kind, filter, page: given.page()? })
        },
    ),
    get(
        "/integrations/{integration}/candidates",
        "candidates",
        "Lists the documentation records that a vendor record could be matched with, the nearest first.",
        &[KIND, VENDOR_ID, OF_CLIENT, SEARCH],
        SchemaGenerator::subschema_for::<CandidatesView>,
        |given| {
            let (kind, vendor_id, client) = (given.needed("kind")?, given.needed("vendor_id")?, given.text("client"));
            let search = given.text("search");
            Ok(Request::Candidates { id: given.part("integration"), kind, vendor_id, client, search })
        },
    ),
    post(
        "/integrations/{integration}/create-unmatched",
        "create_unmatched",
        "Stages a creation for all that are left, but for those whose name is not unique.",
        Body::some(SchemaGenerator::subschema_for::<OfKind>, r#"{"kind":"client"}"#),
        SchemaGenerator::subschema_for::<StagedView>,
        |given| Ok(Request::CreateUnmatched { id: given.part("integration"), kind: given.json::<OfKind>()?.kind }),
    ),
    file(
        "/integrations/{integration}/mappings.csv",
        "mappings_export",
        "Writes the decisions as CSV, to be carried to another deployment.",
        &[],
        |given| Ok(Request::MappingsExport { id: given.part("integration") }),
    ),
    post(
        "/integrations/{integration}/mappings.csv",
        "mappings_import",
        "Stages the decisions of a file.",
        Body::Csv { example: "kind,vendor_id,state,doc_id\nclient,736251904418273650,excluded,\n" },
        SchemaGenerator::subschema_for::<ImportView>,
        |given| Ok(Request::MappingsImport { id: given.part("integration"), csv: given.csv()? }),
    ),
    get(
        "/integrations/{integration}/preview",
        "preview",
        "Shows what Finish would do, record by record and field by field.",
        PAGE,
        SchemaGenerator::subschema_for::<PlanView>,
        |given| Ok(Request::Preview { id: given.part("integration"), page: given.page()? }),
    ),
    post(
        "/integrations/{integration}/finish",
        "finish",
        "Applies the staged decisions; the first full sync follows.",
        Body::some(SchemaGenerator::subschema_for::<Finishing>, r#"{"plan":"acme.46bb1ab8531540d8"}"#),
        SchemaGenerator::subschema_for::<FinishView>,
        |given| {
            let Finishing { plan, no_sync } = given.json()?;
            Ok(Request::Finish { id: given.part("integration"), plan, no_sync })
        },
    ),
    get(
        "/integrations/{integration}/unsynced",
        "unsynced",
        "Lists what is not in the documentation, and why.",
        &[ANY_KIND, STATE, REASON, SEARCH, NEW, LIMIT, CURSOR],
        SchemaGenerator::subschema_for::<List<UnsyncedView>>,
        |given| {
            let (kind, filter) = (given.word("kind")?, given.filter()?);
            Ok(Request::Unsynced { id: given.part("integration"), kind, filter, page: given.page()? })
        },
    ),
    file(
        "/integrations/{integration}/unsynced.csv",
        "unsynced_export",
        "Writes what is not in the documentation, and why, as CSV.",
        &[ANY_KIND, STATE, REASON, SEARCH, NEW],
        |given| {
            let (kind, filter) = (given.word("kind")?, given.filter()?);
            Ok(Request::UnsyncedExport { id: given.part("integration"), kind, filter })
        },
    ),
];

static PLANS: &[Operation] = &[
    get(
        "/integrations/{integration}/plans",
        "plans",
        "Lists an integration's plans.",
        PAGE,
        SchemaGenerator::subschema_for::<List<PlanSummary>>,
        |given| Ok(Request::Plans { id: given.part("integration"), page: given.page()? }),
    ),
    get("/plans/{plan_id}", "plan_show", "Shows a plan.", PAGE, SchemaGenerator::subschema_for::<PlanView>, |given| {
        Ok(Request::PlanShow { plan: given.part("plan_id"), page: given.page()? })
    }),
    post(
        "/plans/{plan_id}/approve",
        "plan_approve",
        "Applies a plan that the guard held.",
        Body::None,
        SchemaGenerator::subschema_for::<PlanChangeView>,
        |given| Ok(Request::PlanApprove { plan: given.part("plan_id") }),
    ),
    post(
        "/plans/{plan_id}/discard",
        "plan_discard",
        "Discards a plan.",
        Body::None,
        SchemaGenerator::subschema_for::<PlanChangeView>,
        |given| Ok(Request::PlanDiscard { plan: given.part("plan_id") }),
    ),
    post(
        "/plans/{plan_id}/undo",
        "undo",
        "Reverses an applied plan where nothing changed since.",
        Body::None,
        SchemaGenerator::subschema_for::<UndoView>,
        |given| Ok(Request::Undo { plan: given.part("plan_id") }),
    ),
];

static RUNS: &[Operation] = &[
    post(
        "/sync",
        "sync",
        "Syncs integrations to the end of their runs.",
        Body::some(SchemaGenerator::subschema_for::<Syncing>, r#"{"integrations":["acme"]}"#),
        SchemaGenerator::subschema_for::<SyncView>,
        |given| {
            let Syncing { integrations, force } = given.json()?;
            let target = match integrations {
                None => SyncTarget::All,
                Some(ids) => SyncTarget::Ids(ids.iter().map(ToString::to_string).collect()),
            };
            Ok(Request::Sync { target, force })
        },
    ),
    post(
        "/integrations/{integration}/sync",
        "integration_sync",
        "Syncs an integration to the end of its run.",
        Body::some(SchemaGenerator::subschema_for::<SyncingOne>, r#"{"force":false}"#),
        SchemaGenerator::subschema_for::<SyncView>,
        |given| {
            let SyncingOne { force } = given.json()?;
            Ok(Request::Sync { target: SyncTarget::Ids(vec![given.part("integration")]), force })
        },
    ),
    get(
        "/status",
        "status",
        "Says where all integrations stand.",
        PAGE,
        SchemaGenerator::subschema_for::<List<StatusView>>,
        |given| Ok(Request::Status { id: None, page: given.page()? }),
    ),
    get(
        "/integrations/{integration}/status",
        "integration_status",
        "Says where an integration stands.",
        PAGE,
        SchemaGenerator::subschema_for::<List<StatusView>>,
        |given| Ok(Request::Status { id: Some(given.part("integration")), page: given.page()? }),
    ),
    get(
        "/runs",
        "runs",
        "Lists the runs of all integrations.",
        PAGE,
        SchemaGenerator::subschema_for::<List<RunView>>,
        |given| Ok(Request::Runs { id: None, page: given.page()? }),
    ),
    get(
        "/integrations/{integration}/runs",
        "integration_runs",
        "Lists an integration's runs.",
        PAGE,
        SchemaGenerator::subschema_for::<List<RunView>>,
        |given| Ok(Request::Runs { id: Some(given.part("integration")), page: given.page()? }),
    ),
    get("/runs/{run_id}", "run_show", "Shows a run.", &[], SchemaGenerator::subschema_for::<RunView>, |given| {
        Ok(Request::RunShow { run: given.part("run_id") })
    }),
];

static CATALOGUE: &[Operation] = &[
    get(
        "/docs",
        "docs_list",
        "Lists documentation records of a kind.",
        &[KIND, CLIENT, SEARCH, LIMIT, CURSOR],
        SchemaGenerator::subschema_for::<List<DocView>>,
        |given| {
            let (kind, client, search) = (given.needed("kind")?, given.doc("client")?, given.text("search"));
            Ok(Request::DocsList { kind, client, search, page: given.page()? })
        },
    ),
    file("/docs.csv", "docs_export", "Writes documentation records of a kind as CSV.", &[KIND], |given| {
        Ok(Request::DocsExport { kind: given.needed("kind")? })
    }),
    Operation {
        parameters: &[KIND],
        ..post(
            "/docs.csv",
            "docs_import",
            "Reads documentation records of a kind in.",
            Body::Csv { example: "name\nNorthgate Insurance Ltd.\n" },
            SchemaGenerator::subschema_for::<ImportView>,
            |given| Ok(Request::DocsImport { kind: given.needed("kind")?, csv: given.csv()? }),
        )
    },
    get(
        "/docs/{doc_id}",
        "docs_show",
        "Shows a documentation record with where each value comes from.",
        &[],
        SchemaGenerator::subschema_for::<DocView>,
        |given| Ok(Request::DocsShow { doc: given.part("doc_id") }),
    ),
    get(
        "/docs/{doc_id}/history",
        "docs_history",
        "Lists what happened to a documentation record, newest first.",
        &[CURSOR],
        SchemaGenerator::subschema_for::<List<HistoryView>>,
        |given| Ok(Request::DocsHistory { doc: given.part("doc_id"), cursor: given.text("cursor") }),
    ),
    Operation {
        verb: Verb::Patch,
        ..post(
            "/docs/{doc_id}",
            "docs_edit",
            "Edits a documentation record; no sync overwrites the edit until it is released.",
            Body::json(
                SchemaGenerator::subschema_for::<Editing>,
                r#"{"set":{"phone":"+1 555 0100"},"release":["email"]}"#,
            ),
            SchemaGenerator::subschema_for::<DocView>,
            |given| {
                let Editing { set, release } = given.json()?;
                Ok(Request::DocsEdit { doc: given.part("doc_id"), set, release })
            },
        )
    },
    post(
        "/docs/{doc_id}/archive",
        "docs_archive",
        "Archives a documentation record.",
        Body::None,
        SchemaGenerator::subschema_for::<DocView>,
        |given| Ok(Request::DocsArchive { doc: given.part("doc_id") }),
    ),
    post(
        "/docs/{doc_id}/restore",
        "docs_restore",
        "Brings an archived documentation record back.",
        Body::None,
        SchemaGenerator::subschema_for::<DocView>,
        |given| Ok(Request::DocsRestore { doc: given.part("doc_id") }),
    ),
    get(
        "/audit",
        "audit",
        "Lists who decided what, newest first.",
        PAGE,
        SchemaGenerator::subschema_for::<List<AuditView>>,
        |given| Ok(Request::Audit { page: given.page()? }),
    ),
];
