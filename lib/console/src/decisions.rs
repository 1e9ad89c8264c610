//! Decisions about vendor records: staged here, applied by Finish.

use std::collections::{BTreeMap, BTreeSet};

use engine::ports::{TRANSACTION_WRITES_MAX, Table};
use engine::store::entries;
use engine::store::integrations::{Integration, IntegrationState};
use engine::worlds;
use reconcile::doc::Doc;
use reconcile::ids::Scope;
use reconcile::mapping::{Decision, Entry, State};
use reconcile::plan::{EntryKey, Purpose, Standing, World};
use reconcile::reason::Reason;
use reconcile::record::Kind;
use reconcile::suggest;

use crate::answer::Answer;
use crate::error::{Code, ConsoleError};
use crate::reader::{Read, Reader};
use crate::request::Selection;
use crate::views::{LeftView, StagedView};
use crate::{find, integrations};

/// The most decisions staged in one transaction.
const STAGED_AT_ONCE: usize = 90;
const _: () = assert!(STAGED_AT_ONCE <= TRANSACTION_WRITES_MAX);

/// So often a record is decided about again when a run writes it at the same time.
const TRIES_MAX: usize = 5;

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
async fn decidable(table: &impl Table, id: &str, kind: Option<Kind>) -> Result<Integration, ConsoleError> {
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

/// Returns the staged decision after `decision` is made: none where it only says what holds.
fn staged_after(entry: &Entry, decision: &Decision) -> Option<Decision> {
    let holds = match decision {
        Decision::Match(doc) => entry.mapping.doc.as_ref() == Some(doc),
        Decision::Create => entry.mapping.state == State::Created,
        Decision::Exclude => entry.mapping.state == State::Excluded,
        Decision::Reset => entry.mapping.state == State::Unmatched,
    };
    (!holds).then(|| decision.clone())
}

/// Stages decisions, each for the record it was made about, and adds them to the report.
async fn stage(
    table: &impl Table,
    integration: &Integration,
    decided: Vec<(Read, Decision)>,
    report: &mut StagedView,
) -> Result<(), ConsoleError> {
    let mut by_scope: BTreeMap<Scope, Vec<(Entry, Decision)>> = BTreeMap::new();
    for (read, decision) in decided {
        if staged_after(&read.entry, &decision) == read.entry.mapping.staged {
            report.unchanged += 1;
            continue;
        }
        by_scope.entry(read.scope).or_default().push((read.entry, decision));
    }
    for (scope, decided) in by_scope {
        // Noted before, so that a crash half-way hides no decision, and after, as Finish may forget the note meanwhile.
        entries::note_staged(table, &integration.id, &scope).await?;
        for some in decided.chunks(STAGED_AT_ONCE) {
            let writes = some.iter().map(|(entry, decision)| entries::write(&integration.id, &with(entry, decision)));
            match table.transact(writes.collect()).await.map_err(ConsoleError::from) {
                Ok(()) => {}
                Err(error) if error.code == Code::Changed => stage_singly(table, integration, &scope, some).await?,
                Err(error) => return Err(error),
            }
            for (entry, _) in some {
                report.staged += 1;
                *report.counts.entry(entry.record.kind).or_default() += 1;
            }
        }
        entries::note_staged(table, &integration.id, &scope).await?;
    }
    Ok(())
}

fn with(entry: &Entry, decision: &Decision) -> Entry {
    let mut entry = entry.clone();
    entry.mapping.staged = staged_after(&entry, decision);
    entry
}

/// Stages decisions one by one, on what a run made of the records meanwhile.
async fn stage_singly(
    table: &impl Table,
    integration: &Integration,
    scope: &Scope,
    decided: &[(Entry, Decision)],
) -> Result<(), ConsoleError> {
    for (entry, decision) in decided {
        let record = &entry.record;
        let mut tries = 0;
        loop {
            let loaded = entries::load(table, &integration.id, scope, record.kind, &record.vendor_id).await?;
            let Some(present) = loaded else { break };
            let after = with(&present, decision);
            if after == present {
                break;
            }
            tries += 1;
            match table.write(entries::write(&integration.id, &after)).await.map_err(ConsoleError::from) {
                Ok(()) => break,
                Err(error) if error.code == Code::Changed && tries < TRIES_MAX => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Finds the records of a selection; of ids, all or none.
async fn select(
    table: &impl Table,
    reader: &Reader<'_>,
    kind: Kind,
    selection: &Selection,
) -> Result<Vec<Read>, ConsoleError> {
    let ids = match selection {
        Selection::Filter(filter) => return reader.read(table, kind, filter, None, usize::MAX).await,
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

fn left(read: &Read, reason: Reason) -> LeftView {
    let record = &read.entry.record;
    LeftView {
        kind: record.kind,
        vendor_id: record.vendor_id.to_string(),
        reason: reason.code().to_owned(),
        message: format!("{}. {}", reason.text(), reason.fix()),
    }
}

/// Returns the reason for which a record cannot be created, whatever is decided. One whose client is not mapped can be: it
/// waits for the client.
fn obstacle(reader: &Reader<'_>, read: &Read) -> Option<Reason> {
    reader
        .obstacle(&read.entry, &read.standing)
        .filter(|reason| !matches!(reason, Reason::ClientUnmatched | Reason::ClientExcluded))
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
        let refused = if wish == Wish::Create { obstacle(&reader, &read) } else { None };
        match refused {
            Some(reason) => report.left.push(left(&read, reason)),
            None => decided.push((read, wish.decision())),
        }
    }
    stage(table, &integration, decided, &mut report).await?;
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
    check_match(&reader, &integration, read, &doc, &all)?;
    let mut report = StagedView::default();
    stage(table, &integration, vec![(read.clone(), Decision::Match(doc.id))], &mut report).await?;
    Ok(Answer::Staged(report))
}

/// Refuses a match that Finish could not carry out.
fn check_match(
    reader: &Reader<'_>,
    integration: &Integration,
    read: &Read,
    doc: &Doc,
    all: &[Read],
) -> Result<(), ConsoleError> {
    let record = &read.entry.record;
    let refused = |message: String, hint: String| Err(ConsoleError::new(Code::Refused, message, hint));
    if doc.kind() != record.kind {
        let message =
            format!("{} is a {}, the vendor record {} a {}", doc.id, doc.kind(), record.vendor_id, record.kind);
        return refused(message, format!("`docs list --kind {}` shows what fits", record.kind));
    }
    if doc.archived {
        let hint = format!("`docs restore {}` brings it back first", doc.id);
        return refused(format!("{} ({}) is archived", doc.id, doc.name), hint);
    }
    if let Some(client) = doc.id.client() {
        match &read.standing {
            Standing::Mapped(mapped) if *mapped == client => {}
            Standing::Mapped(mapped) => {
                let message =
                    format!("{} belongs to the client {client}, the vendor record's client is {mapped}", doc.id);
                return refused(
                    message,
                    format!("`docs list --kind {} --client {mapped}` shows what fits", record.kind),
                );
            }
            Standing::Excluded => {
                return refused("its client is excluded".to_owned(), Reason::ClientExcluded.fix().to_owned());
            }
            Standing::Unmatched | Standing::Top => {
                return refused("its client is not matched yet".to_owned(), Reason::ClientUnmatched.fix().to_owned());
            }
        }
    }
    if let Some(reason) = obstacle(reader, read) {
        return refused(format!("{}: {}", record.vendor_id, reason.text()), reason.fix().to_owned());
    }
    let holder = all.iter().find(|other| {
        other.entry.record.vendor_id != record.vendor_id
            && other.entry.absent.is_none()
            && reader.wanted(&other.entry, &other.standing).doc.as_ref() == Some(&doc.id)
    });
    if let Some(holder) = holder {
        let other = &holder.entry.record;
        let message = format!("{} is taken by the vendor record {} ({})", doc.id, other.vendor_id, other.name);
        let id = &integration.id;
        return refused(message, format!("`reset {id} --kind {} {}` frees it", other.kind, other.vendor_id));
    }
    Ok(())
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
        for (key, found) in ask(&loaded.world(integration)) {
            let Some(entry) = loaded.entries.get(&key).filter(|_| key.0 == kind) else { continue };
            let read = Read { scope: scope.clone(), standing: standing.clone(), entry: entry.clone() };
            match found {
                Ok(decision) => decided.push((read, decision)),
                Err(reason) => {
                    if told(reason) {
                        report.left.push(left(&read, reason));
                    }
                    if is_ambiguous(reason) {
                        keep_reason(table, integration, entry, reason).await?;
                    }
                }
            }
        }
        stage(table, integration, decided, report).await?;
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

/// Stages a decision that came from elsewhere, if it can be carried out; else says why not.
pub(crate) async fn take_over(
    table: &impl Table,
    integration: &Integration,
    reader: &Reader<'_>,
    all: &[Read],
    read: &Read,
    decision: Decision,
    doc: Option<&Doc>,
) -> Result<StagedView, ConsoleError> {
    if let Some(doc) = doc {
        check_match(reader, integration, read, doc, all)?;
    }
    let mut report = StagedView::default();
    stage(table, integration, vec![(read.clone(), decision)], &mut report).await?;
    Ok(report)
}
