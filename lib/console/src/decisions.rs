//! Decisions about vendor records: staged here, applied by Finish.

mod single;
mod staging;

use std::collections::BTreeSet;

use engine::ports::Table;
use engine::store::integrations::{Integration, IntegrationState};
use engine::store::{entries, roster};
use engine::worlds;
use reconcile::doc::Doc;
use reconcile::mapping::{Decision, Entry, Refusal};
use reconcile::plan::{EntryKey, Purpose, World};
use reconcile::reason::Reason;
use reconcile::record::Kind;
use reconcile::suggest;

pub(crate) use self::single::decide_some;
use crate::answer::Answer;
use crate::error::{Code, ConsoleError};
use crate::reader::{Read, Reader};
use crate::request::Selection;
use crate::views::StagedView;
use crate::{find, integrations};

/// What is wanted for a record, where it needs nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Make a documentation record from it.
    Create,
    /// Leave it out.
    Exclude,
    /// Forget what was decided.
    Reset,
}

impl Wish {
    fn decision(self) -> Decision {
        match self {
            Wish::Create => Decision::Create,
            Wish::Exclude => Decision::Exclude,
            Wish::Reset => Decision::Reset,
        }
    }
}

/// Finds an integration that decisions can be made about.
pub(super) async fn decidable(table: &impl Table, id: &str, kind: Option<Kind>) -> Result<Integration, ConsoleError> {
    let integration = find::integration(table, id).await?;
    if integration.state == IntegrationState::Draft && integration.resumes_to.is_none() {
        return Err(integrations::not_verified(&integration));
    }
    match kind {
        Some(kind) if !integration.sync.contains(&kind) => {
            let message = format!("{} does not sync the kind {kind}", integration.id);
            let all: Vec<&str> = integration.sync.iter().chain([&kind]).map(|kind| kind.code()).collect();
            let hint = format!("switch it on first: `integration set {} --sync {}`", integration.id, all.join(","));
            Err(ConsoleError::new(Code::Refused, message, hint))
        }
        _ => Ok(integration),
    }
}

/// Finds the records of a selection; of ids, all or none.
async fn select(
    table: &impl Table,
    reader: &Reader<'_>,
    kind: Kind,
    selection: &Selection,
) -> Result<Vec<Read>, ConsoleError> {
    let ids = match selection {
        Selection::Filter(filter) => return reader.read(table, kind, filter).await,
        Selection::Ids(ids) => ids,
    };
    if ids.is_empty() {
        return Err(ConsoleError::new(Code::Usage, "no vendor record is named", "give at least one vendor id"));
    }
    let all = reader.read_all(table, kind).await?;
    let mut found: Vec<Read> = Vec::new();
    for id in ids {
        let named = all.iter().find(|read| read.entry.record.vendor_id.as_str() == id.trim());
        match named {
            Some(read) => {
                if found.iter().all(|other| other.entry.record.vendor_id != read.entry.record.vendor_id) {
                    found.push(read.clone());
                }
            }
            None => {
                let entries: Vec<Entry> = all.iter().map(|read| read.entry.clone()).collect();
                return Err(find::no_record(kind, id, &entries));
            }
        }
    }
    Ok(found)
}

/// `create`, `exclude`, `reset`.
pub(crate) async fn decide(
    table: &impl Table,
    id: &str,
    kind: Kind,
    selection: &Selection,
    wish: Wish,
) -> Result<Answer, ConsoleError> {
    let integration = decidable(table, id, Some(kind)).await?;
    let reader = Reader::load(table, &integration, kind).await?;
    let mut report = StagedView::default();
    let mut decided = Vec::new();
    for read in select(table, &reader, kind, selection).await? {
        match staging::decide(&reader, &read, wish.decision(), None, &[]) {
            Ok(after) => decided.push((read, after)),
            Err(refusal) => report.left.push(staging::left(&reader, &read, &refusal, &[])),
        }
    }
    staging::stage(table, &integration, decided, &mut report).await?;
    Ok(Answer::Staged(report))
}

/// `match`.
pub(crate) async fn match_one(
    table: &impl Table,
    id: &str,
    kind: Kind,
    vendor_id: &str,
    doc_id: &str,
) -> Result<Answer, ConsoleError> {
    let integration = decidable(table, id, Some(kind)).await?;
    let reader = Reader::load(table, &integration, kind).await?;
    let all = reader.read_all(table, kind).await?;
    let Some(read) = all.iter().find(|read| read.entry.record.vendor_id.as_str() == vendor_id.trim()) else {
        let entries: Vec<Entry> = all.into_iter().map(|read| read.entry).collect();
        return Err(find::no_record(kind, vendor_id, &entries));
    };
    let doc = find::doc(table, doc_id).await?;
    let after = checked_match(&reader, read, &doc, &all)?;
    let mut report = StagedView::default();
    staging::stage(table, &integration, vec![(read.clone(), after)], &mut report).await?;
    Ok(Answer::Staged(report))
}

/// Rules on a match. An archived record is refused, though it could be linked: what a person put away does not come back by
/// the way.
pub(super) fn checked_match(reader: &Reader<'_>, read: &Read, doc: &Doc, all: &[Read]) -> Result<Entry, ConsoleError> {
    if doc.archived {
        let hint = format!("`docs restore {}` brings it back first", doc.id);
        return Err(ConsoleError::new(Code::Refused, format!("{} ({}) is archived", doc.id, doc.name), hint));
    }
    let decision = Decision::Match(doc.id.clone());
    staging::decide(reader, read, decision, Some(doc), all).map_err(|no| staging::refused(reader, read, &no, all))
}

/// Stages a decision that came from elsewhere, if it can be carried out; else says why not.
pub(crate) async fn take_over(
    table: &impl Table,
    reader: &Reader<'_>,
    all: &[Read],
    read: &Read,
    decision: Decision,
    doc: Option<&Doc>,
) -> Result<StagedView, ConsoleError> {
    let after = match doc {
        Some(doc) => checked_match(reader, read, doc, all)?,
        None => staging::decide(reader, read, decision, None, all)
            .map_err(|refusal| staging::refused(reader, read, &refusal, all))?,
    };
    let mut report = StagedView::default();
    staging::stage(table, reader.integration, vec![(read.clone(), after)], &mut report).await?;
    Ok(report)
}

/// Returns the kinds that a decision without a kind is about: users first, then clients, as far as they are synced.
fn kinds_of(integration: &Integration, kind: Option<Kind>) -> Vec<Kind> {
    match kind {
        Some(kind) => vec![kind],
        None => [Kind::User, Kind::Client].into_iter().filter(|kind| integration.sync.contains(kind)).collect(),
    }
}

/// What the core finds for a record that nobody decided about.
type Finding = (EntryKey, Result<Decision, Reason>);

/// Asks the core about the undecided records of a kind, scope by scope, and stages what it finds. A record whose name or
/// identifiers are ambiguous is told, and keeps that as its reason; what else stays out is told if `told` says so.
async fn stage_found(
    table: &impl Table,
    integration: &Integration,
    kind: Kind,
    ask: impl Fn(&World<'_>) -> Vec<Finding>,
    told: impl Fn(Reason) -> bool,
    report: &mut StagedView,
) -> Result<(), ConsoleError> {
    let reader = Reader::load(table, integration, kind).await?;
    for scope in find::scopes(table, integration, kind).await? {
        let standing = reader.standing(&scope);
        let loaded = worlds::load(table, integration, &scope, &standing, &Purpose::Finish, &BTreeSet::new()).await?;
        let mut decided = Vec::new();
        let mut is_noted = false;
        for (key, found) in ask(&loaded.world(integration)) {
            let Some(entry) = loaded.entries.get(&key).filter(|_| key.0 == kind) else { continue };
            let read = Read { scope: scope.clone(), standing: standing.clone(), entry: entry.clone() };
            // The core found these free, so nobody else holds or wants them.
            let ruled = found.map_err(Refusal::NotEligible).and_then(|decision| {
                let doc = staging::target(&decision).and_then(|doc| loaded.docs.get(doc));
                staging::decide(&reader, &read, decision, doc, &[])
            });
            match ruled {
                Ok(after) => decided.push((read, after)),
                Err(refusal) => {
                    let reason = if let Refusal::NotEligible(reason) = refusal { Some(reason) } else { None };
                    if reason.is_none_or(&told) {
                        report.left.push(staging::left(&reader, &read, &refusal, &[]));
                    }
                    if let Some(reason) = reason.filter(|reason| is_ambiguous(*reason)) {
                        keep_reason(table, integration, entry, reason).await?;
                        is_noted = true;
                    }
                }
            }
        }
        if is_noted {
            roster::touch(table, &integration.id, &scope).await?;
        }
        staging::stage(table, integration, decided, report).await?;
    }
    Ok(())
}

fn is_ambiguous(reason: Reason) -> bool {
    matches!(reason, Reason::AmbiguousName | Reason::AmbiguousMatch | Reason::DuplicateAtVendor)
}

/// `auto-match`: what is identical and unique is matched; what is not unique is told, and keeps that as its reason.
pub(crate) async fn auto_match(table: &impl Table, id: &str, kind: Option<Kind>) -> Result<Answer, ConsoleError> {
    let integration = decidable(table, id, kind).await?;
    let mut report = StagedView::default();
    let ask = |world: &World<'_>| -> Vec<Finding> {
        let found = suggest::auto_match(world);
        found.into_iter().map(|(key, found)| (key, found.map(Decision::Match))).collect()
    };
    for kind in kinds_of(&integration, kind) {
        stage_found(table, &integration, kind, ask, is_ambiguous, &mut report).await?;
    }
    Ok(Answer::Staged(report))
}

/// Stores why a record wants a decision of its own, so that lists show it before the first plan does.
async fn keep_reason(
    table: &impl Table,
    integration: &Integration,
    entry: &Entry,
    reason: Reason,
) -> Result<(), ConsoleError> {
    if entry.mapping.reason == Some(reason) {
        return Ok(());
    }
    let mut after = entry.clone();
    after.mapping.reason = Some(reason);
    match table.write(entries::write(&integration.id, &after)).await.map_err(ConsoleError::from) {
        // A run wrote it meanwhile and knows the reason itself.
        Err(error) if error.code != Code::Changed => Err(error),
        _ => Ok(()),
    }
}

/// `create-unmatched`: all that are left; one that is documented already is matched rather than made twice, and one whose
/// name is not unique wants a decision of its own.
pub(crate) async fn create_unmatched(table: &impl Table, id: &str, kind: Option<Kind>) -> Result<Answer, ConsoleError> {
    let integration = decidable(table, id, kind).await?;
    let mut report = StagedView::default();
    for kind in kinds_of(&integration, kind) {
        stage_found(table, &integration, kind, suggest::create_unmatched, |_| true, &mut report).await?;
    }
    Ok(Answer::Staged(report))
}
