//! Decisions about single records, made on a page that somebody else's decision may have outdated.

use std::collections::{BTreeMap, BTreeSet};

use engine::ports::Table;
use engine::store::integrations::Integration;
use engine::store::{entries, roster};
use reconcile::ids::{Scope, VendorId};
use reconcile::mapping::{Decision, Entry};
use reconcile::record::Kind;

use super::{checked_match, decidable, staging};
use crate::answer::Answer;
use crate::error::{Code, ConsoleError};
use crate::find;
use crate::reader::{Read, Reader};
use crate::records::revision;
use crate::request::{Choice, Deciding};
use crate::views::{LeftView, StagedView};

/// Why a decision is left that was made on an outdated page.
const CHANGED: &str = "changed";

/// Stages decisions about single records. One about a record that somebody has decided about since the page was made is left,
/// and told; the others are staged.
pub(crate) async fn decide_some(
    table: &impl Table,
    id: &str,
    kind: Kind,
    decisions: &[Deciding],
) -> Result<Answer, ConsoleError> {
    let integration = decidable(table, id, Some(kind)).await?;
    if decisions.is_empty() {
        return Err(ConsoleError::new(Code::Usage, "no record is picked", "tick the boxes of some records first"));
    }
    let mut by_scope: BTreeMap<Scope, Vec<&Deciding>> = BTreeMap::new();
    let mut named = BTreeSet::new();
    for deciding in decisions {
        if !named.insert((deciding.client.as_deref().map(str::trim), deciding.vendor_id.trim())) {
            let message = format!("the {kind} {:?} is decided twice", deciding.vendor_id);
            return Err(ConsoleError::new(Code::Usage, message, "decide once about each record"));
        }
        let client = deciding.client.as_deref().and_then(|client| VendorId::parse(client).ok());
        let scope = Scope::of(kind, client.as_ref()).ok_or_else(|| not_found(&integration, kind, deciding))?;
        by_scope.entry(scope).or_default().push(deciding);
    }
    let clients: Vec<VendorId> = by_scope.keys().filter_map(client_id).collect();
    let reader = Reader::of_clients(table, &integration, &clients).await?;
    let mut report = StagedView::default();
    let mut decided = Vec::new();
    for (scope, decisions) in &by_scope {
        decided.extend(decide_in(table, &reader, kind, scope, decisions, &mut report).await?);
    }
    staging::stage(table, &integration, decided, &mut report).await?;
    Ok(Answer::Staged(report))
}

fn client_id(scope: &Scope) -> Option<VendorId> {
    match scope {
        Scope::Client(id) => Some(id.clone()),
        Scope::Clients | Scope::Users => None,
    }
}

fn not_found(integration: &Integration, kind: Kind, deciding: &Deciding) -> ConsoleError {
    let message = format!("there is no {kind} with the vendor id {:?}", deciding.vendor_id);
    ConsoleError::new(
        Code::NotFound,
        message,
        format!("`records {} --kind {kind}` shows what was read", integration.id),
    )
}

/// Rules on the decisions about one scope's records.
async fn decide_in(
    table: &impl Table,
    reader: &Reader<'_>,
    kind: Kind,
    scope: &Scope,
    decisions: &[&Deciding],
    report: &mut StagedView,
) -> Result<Vec<(Read, Entry)>, ConsoleError> {
    let id = &reader.integration.id;
    let ids: Vec<VendorId> = decisions.iter().filter_map(|one| VendorId::parse(&one.vendor_id).ok()).collect();
    let known = entries::load_ids(table, id, scope, kind, &ids).await?;
    let standing = reader.standing(scope);
    let read = |entry: Entry| Read { scope: scope.clone(), standing: standing.clone(), entry };
    let others = match decisions.iter().any(|one| matches!(one.choice, Choice::Match(_))) {
        true => others(table, id, kind, scope).await?.into_iter().map(read).collect(),
        false => Vec::new(),
    };
    let mut decided: Vec<(Read, Entry)> = Vec::new();
    for deciding in decisions {
        let entry = ids.iter().find(|id| id.as_str() == deciding.vendor_id.trim()).and_then(|id| known.get(id));
        let Some(entry) = entry else { return Err(not_found(reader.integration, kind, deciding)) };
        let read = read(entry.clone());
        if deciding.revision.as_ref().is_some_and(|seen| *seen != revision(entry)) {
            report.left.push(changed(reader, &read));
            continue;
        }
        let ruled = match &deciding.choice {
            Choice::Match(doc) => {
                let doc = find::doc(table, doc).await?;
                checked_match(reader, &read, &doc, &others).map_err(|error| left(&read, &error))
            }
            Choice::Create => ruled(reader, &read, Decision::Create),
            Choice::Exclude => ruled(reader, &read, Decision::Exclude),
            Choice::Reset => ruled(reader, &read, Decision::Reset),
        };
        match ruled {
            Ok(after) => decided.push((read, after)),
            Err(left) => report.left.push(left),
        }
    }
    Ok(decided)
}

fn ruled(reader: &Reader<'_>, read: &Read, decision: Decision) -> Result<Entry, LeftView> {
    staging::decide(reader, read, decision, None, &[]).map_err(|refusal| staging::left(reader, read, &refusal, &[]))
}

/// Returns the records among which another one may hold or want the same documentation record.
async fn others(
    table: &impl Table,
    integration: &reconcile::ids::IntegrationId,
    kind: Kind,
    scope: &Scope,
) -> Result<Vec<Entry>, ConsoleError> {
    Ok(match scope {
        Scope::Clients | Scope::Users => roster::load(table, integration, kind).await?.into_values().collect(),
        Scope::Client(_) => {
            let range = entries::IdRange::default();
            entries::load_range(table, integration, scope, kind, &range).await?.into_values().collect()
        }
    })
}

fn changed(reader: &Reader<'_>, read: &Read) -> LeftView {
    let record = &read.entry.record;
    let wanted = reader.wanted(&read.entry, &read.standing);
    let staged = if wanted.is_staged { ", staged" } else { "" };
    LeftView {
        kind: record.kind,
        vendor_id: record.vendor_id.to_string(),
        reason: CHANGED.to_owned(),
        message: format!("{}: somebody else has decided meanwhile; it is {}{staged}", record.name, wanted.state),
    }
}

fn left(read: &Read, error: &ConsoleError) -> LeftView {
    LeftView {
        kind: read.entry.record.kind,
        vendor_id: read.entry.record.vendor_id.to_string(),
        reason: "refused".to_owned(),
        message: format!("{}. {}", error.message, error.hint),
    }
}
