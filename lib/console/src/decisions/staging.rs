//! Staging decisions: ruled on by the core, written here.

use std::collections::BTreeMap;

use engine::ports::{TRANSACTION_WRITES_MAX, Table, TableError};
use engine::store::integrations::Integration;
use engine::store::{entries, roster};
use reconcile::doc::Doc;
use reconcile::ids::{DocId, Scope, VendorId};
use reconcile::mapping::{Decision, Entry, Facts, Refusal, stage as rule};

use crate::error::{Code, ConsoleError};
use crate::reader::{Read, Reader};
use crate::views::{LeftView, StagedView};

/// The most decisions staged in one transaction, beside the buckets of a roster.
const STAGED_AT_ONCE: usize = 80;
const _: () = assert!(STAGED_AT_ONCE + roster::BUCKETS <= TRANSACTION_WRITES_MAX);

/// So often a record is decided about again when a run writes it at the same time.
const TRIES_MAX: usize = 5;

/// Rules on a decision about a record: returns the entry with it, or why it cannot be staged. `all` are the integration's
/// records of the kind, among which another one may hold or want the same documentation record.
pub(crate) fn decide(
    reader: &Reader<'_>,
    read: &Read,
    decision: Decision,
    doc: Option<&Doc>,
    all: &[Read],
) -> Result<Entry, Refusal> {
    let source = doc.and_then(|doc| doc.sources.get(&reader.integration.id));
    let holder = source.and_then(|source| find(all, &source.vendor_id));
    let wanted = doc.map(|doc| Decision::Match(doc.id.clone()));
    let rival = all.iter().map(|other| &other.entry).find(|other| {
        other.record.vendor_id != read.entry.record.vendor_id
            && other.mapping.staged.is_some()
            && other.mapping.staged == wanted
    });
    let key = reader.key(&read.entry);
    let facts = Facts { key: &key, policy: &reader.policy, standing: &read.standing, doc, holder, rival };
    rule(&read.entry, decision, &facts)
}

fn find<'r>(all: &'r [Read], vendor_id: &VendorId) -> Option<&'r Entry> {
    all.iter().map(|read| &read.entry).find(|entry| entry.record.vendor_id == *vendor_id)
}

/// Says why a decision was refused, and what to do about it.
pub(crate) fn refused(reader: &Reader<'_>, read: &Read, refusal: &Refusal, all: &[Read]) -> ConsoleError {
    let record = &read.entry.record;
    let id = &reader.integration.id;
    let hint = match refusal {
        Refusal::NotFound(_) | Refusal::OtherKind(_) => format!("`docs list --kind {}` shows what fits", record.kind),
        Refusal::OtherClient(_) => match read.standing.client() {
            Some(client) => format!("`docs list --kind {} --client {client}` shows what fits", record.kind),
            None => "match or create its client first".to_owned(),
        },
        Refusal::Taken(other) | Refusal::StagedElsewhere(other) => {
            let name = find(all, other).map(|entry| entry.record.name.as_str()).unwrap_or_default();
            format!("that is {name:?}; `reset {id} --kind {} {other}` frees it", record.kind)
        }
        Refusal::NotEligible(reason) => reason.fix().to_owned(),
        Refusal::Gone => format!("`sync {id}` looks whether it is back"),
    };
    let code = if matches!(refusal, Refusal::NotFound(_)) { Code::NotFound } else { Code::Refused };
    ConsoleError::new(code, format!("{} ({}): {refusal}", record.name, record.vendor_id), hint)
}

/// Tells a record that a decision in bulk leaves out.
pub(crate) fn left(reader: &Reader<'_>, read: &Read, refusal: &Refusal, all: &[Read]) -> LeftView {
    let reason = match refusal {
        Refusal::NotEligible(reason) => reason.code(),
        Refusal::Gone => "gone",
        Refusal::NotFound(_) => "not_found",
        Refusal::OtherKind(_) | Refusal::OtherClient(_) | Refusal::Taken(_) | Refusal::StagedElsewhere(_) => "refused",
    };
    let error = refused(reader, read, refusal, all);
    LeftView {
        kind: read.entry.record.kind,
        vendor_id: read.entry.record.vendor_id.to_string(),
        reason: reason.to_owned(),
        message: format!("{}. {}", error.message, error.hint),
    }
}

/// Writes staged decisions, given as the record read and the entry afterwards, and adds them to the report.
pub(crate) async fn stage(
    table: &impl Table,
    integration: &Integration,
    decided: Vec<(Read, Entry)>,
    report: &mut StagedView,
) -> Result<(), ConsoleError> {
    let mut by_scope: BTreeMap<Scope, Vec<Entry>> = BTreeMap::new();
    for (read, after) in decided {
        if after == read.entry {
            report.unchanged += 1;
        } else {
            by_scope.entry(read.scope).or_default().push(after);
        }
    }
    for (scope, decided) in by_scope {
        // Noted before, so that a crash half-way hides no decision, and after, as Finish may forget the note meanwhile.
        entries::note_staged(table, &integration.id, &scope).await?;
        for some in decided.chunks(STAGED_AT_ONCE) {
            if !stage_together(table, integration, &scope, some).await? {
                stage_singly(table, integration, &scope, some).await?;
                roster::touch(table, &integration.id, &scope).await?;
            }
            for entry in some {
                report.staged += 1;
                *report.counts.entry(entry.record.kind).or_default() += 1;
            }
        }
        entries::note_staged(table, &integration.id, &scope).await?;
    }
    Ok(())
}

/// Stages decisions in one transaction, the roster with them; says whether nobody wrote one of the records meanwhile. Two
/// people who decide about different records may meet in a bucket of the roster, which is then read again.
async fn stage_together(
    table: &impl Table,
    integration: &Integration,
    scope: &Scope,
    some: &[Entry],
) -> Result<bool, ConsoleError> {
    for _ in 0..TRIES_MAX {
        let rewrites = roster::rewrites(table, &integration.id, scope, some).await?;
        let is_followed = rewrites.is_some();
        let entries = some.iter().map(|entry| entries::write(&integration.id, entry));
        match table.transact(entries.chain(rewrites.into_iter().flatten()).collect()).await {
            Ok(()) => {
                if !is_followed {
                    roster::touch(table, &integration.id, scope).await?;
                }
                return Ok(true);
            }
            Err(TableError::Conflict { key, .. }) if roster::is_place(&key) => {}
            Err(TableError::Conflict { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}

/// Stages decisions one by one, on what a run made of the records meanwhile; Finish rules on them once more.
async fn stage_singly(
    table: &impl Table,
    integration: &Integration,
    scope: &Scope,
    decided: &[Entry],
) -> Result<(), ConsoleError> {
    for wanted in decided {
        let record = &wanted.record;
        for attempt in 1.. {
            let loaded = entries::load(table, &integration.id, scope, record.kind, &record.vendor_id).await?;
            let Some(mut after) = loaded.filter(|entry| entry.mapping.staged != wanted.mapping.staged) else { break };
            after.mapping.staged.clone_from(&wanted.mapping.staged);
            match table.write(entries::write(&integration.id, &after)).await.map_err(ConsoleError::from) {
                Ok(()) => break,
                Err(error) if error.code == Code::Changed && attempt < TRIES_MAX => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Returns the documentation record that a decision names.
pub(crate) fn target(decision: &Decision) -> Option<&DocId> {
    match decision {
        Decision::Match(doc) => Some(doc),
        Decision::Create | Decision::Exclude | Decision::Reset => None,
    }
}
