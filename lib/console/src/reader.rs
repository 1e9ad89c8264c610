//! Reading vendor records: scope by scope, with the decisions that wait for Finish taken into account.

use std::collections::BTreeMap;

use engine::ports::Table;
use engine::store::entries;
use engine::store::integrations::Integration;
use reconcile::eligibility;
use reconcile::ids::{DocId, RecordKey, Scope, VendorId};
use reconcile::mapping::{Decision, Entry, State};
use reconcile::plan::{Policy, Standing};
use reconcile::reason::Reason;
use reconcile::record::{Kind, Value};

use crate::error::ConsoleError;
use crate::find;
use crate::request::RecordFilter;

/// So many entries are read at once.
const ENTRIES_READ: usize = 500;

/// Where a record stands once everything staged is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The state.
    pub state: State,
    /// The documentation record.
    pub doc: Option<DocId>,
    /// Whether it waits for Finish.
    pub is_staged: bool,
}

/// Knows what the records of one integration are read against.
pub(crate) struct Reader<'a> {
    /// The integration.
    pub integration: &'a Integration,
    /// Its switches.
    pub policy: Policy,
    clients: BTreeMap<VendorId, Entry>,
}

/// One record with the scope that it lies in and where that scope's client stands.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    /// The scope.
    pub scope: Scope,
    /// Where its client will stand.
    pub standing: Standing,
    /// The record.
    pub entry: Entry,
}

/// Where a list goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct From {
    /// The client's vendor id, for scopes below one.
    pub client: String,
    /// After this record.
    pub vendor_id: String,
}

impl<'a> Reader<'a> {
    /// Loads what is needed to read records of `kind`.
    pub(crate) async fn load(
        table: &impl Table,
        integration: &'a Integration,
        kind: Kind,
    ) -> Result<Reader<'a>, ConsoleError> {
        let clients = if kind.is_below_client() {
            let loaded = entries::load_scope(table, &integration.id, &Scope::Clients).await?;
            loaded.into_iter().map(|((_, id), entry)| (id, entry)).collect()
        } else {
            BTreeMap::new()
        };
        Ok(Self { integration, policy: integration.policy(), clients })
    }

    /// Returns where a record stands once everything staged is applied.
    pub(crate) fn wanted(&self, entry: &Entry, standing: &Standing) -> Wanted {
        let staged = |state, doc| Wanted { state, doc, is_staged: true };
        match &entry.mapping.staged {
            None => Wanted { state: entry.mapping.state, doc: entry.mapping.doc.clone(), is_staged: false },
            Some(Decision::Match(doc)) => staged(State::Matched, Some(doc.clone())),
            Some(Decision::Create) => staged(State::Created, self.created(entry, standing)),
            Some(Decision::Exclude) => staged(State::Excluded, None),
            Some(Decision::Reset) => staged(State::Unmatched, None),
        }
    }

    /// Returns the id of the documentation record that a record would create; `None` while its client has none.
    fn created(&self, entry: &Entry, standing: &Standing) -> Option<DocId> {
        let record = &entry.record;
        let client = standing.client();
        if record.kind.is_below_client() && client.is_none() {
            return None;
        }
        Some(DocId::created(&self.key(entry), client))
    }

    /// Returns the key of a record.
    pub(crate) fn key(&self, entry: &Entry) -> RecordKey {
        RecordKey {
            integration: self.integration.id.clone(),
            kind: entry.record.kind,
            vendor_id: entry.record.vendor_id.clone(),
        }
    }

    /// Returns where the client of a scope stands once everything staged is applied.
    pub(crate) fn standing(&self, scope: &Scope) -> Standing {
        let Scope::Client(id) = scope else { return Standing::Top };
        let Some(client) = self.clients.get(id) else { return Standing::Unmatched };
        let wanted = self.wanted(client, &Standing::Top);
        match (wanted.state, wanted.doc) {
            (State::Excluded, _) => Standing::Excluded,
            (_, Some(doc)) => Standing::Mapped(doc),
            (_, None) => Standing::Unmatched,
        }
    }

    /// Returns why a record is not in the documentation; `None` for one that is, or will be once what is staged is
    /// applied. Before the first plan the reason is what a plan would say first.
    pub(crate) fn reason(&self, entry: &Entry, standing: &Standing) -> Option<Reason> {
        let wanted = self.wanted(entry, standing);
        match (wanted.is_staged, wanted.state) {
            (_, State::Excluded) => return Some(Reason::Excluded),
            (true, State::Matched | State::Created) => return None,
            (false, State::Matched | State::Created) => return entry.mapping.reason,
            (_, State::Unmatched) => {}
        }
        if let (false, Some(reason)) = (wanted.is_staged, entry.mapping.reason) {
            return Some(reason);
        }
        Some(eligibility::check(entry, &self.policy, standing).err().unwrap_or(Reason::Unmatched))
    }

    /// Says whether the filter finds a record.
    fn finds(&self, filter: &RecordFilter, read: &Read) -> bool {
        let Read { entry, standing, .. } = read;
        filter.state.is_none_or(|state| self.wanted(entry, standing).state == state)
            && filter.reason.is_none_or(|reason| self.reason(entry, standing) == Some(reason))
            && filter.search.as_deref().is_none_or(|text| mentions(entry, &text.to_lowercase()))
    }

    /// Reads records of a kind that the filter finds, after `from`, in the order of clients and vendor ids; so many, and
    /// one more where there are more.
    pub(crate) async fn read(
        &self,
        table: &impl Table,
        kind: Kind,
        filter: &RecordFilter,
        from: Option<&From>,
        limit: usize,
    ) -> Result<Vec<Read>, ConsoleError> {
        let mut found = Vec::new();
        for scope in find::scopes(table, self.integration, kind).await? {
            let client = client_of(&scope);
            let mut after = None;
            if let Some(from) = from {
                if client < from.client.as_str() {
                    continue;
                }
                if client == from.client {
                    after = VendorId::parse(&from.vendor_id).ok();
                }
            }
            let standing = self.standing(&scope);
            loop {
                let (page, next) =
                    entries::page(table, &self.integration.id, &scope, kind, after.as_ref(), ENTRIES_READ).await?;
                for entry in page {
                    let read = Read { scope: scope.clone(), standing: standing.clone(), entry };
                    if self.finds(filter, &read) {
                        found.push(read);
                        if found.len() > limit {
                            return Ok(found);
                        }
                    }
                }
                match next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        Ok(found)
    }

    /// Reads all records of a kind.
    pub(crate) async fn read_all(&self, table: &impl Table, kind: Kind) -> Result<Vec<Read>, ConsoleError> {
        self.read(table, kind, &RecordFilter::default(), None, usize::MAX).await
    }
}

/// Returns the client's vendor id of a scope, or an empty text.
pub(crate) fn client_of(scope: &Scope) -> &str {
    match scope {
        Scope::Client(id) => id.as_str(),
        Scope::Clients | Scope::Users => "",
    }
}

/// Says whether a record mentions a text, given in lower case.
fn mentions(entry: &Entry, text: &str) -> bool {
    let record = &entry.record;
    let has = |value: &str| value.to_lowercase().contains(text);
    has(&record.name)
        || has(record.vendor_id.as_str())
        || record.fields.iter().any(|(_, value)| match value {
            Value::Text(value) => has(value),
            Value::List(values) => values.iter().any(|value| has(value)),
        })
}
