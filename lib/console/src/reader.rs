//! Reading vendor records: scope by scope, with the decisions that wait for Finish taken into account.
//!
//! A page of a list is read from where the last one ended until it is full, whatever there is in all ([`Reader::walk`]). Users
//! and clients are found by their roster and need no walk.

use std::collections::BTreeMap;

use engine::ports::Table;
use engine::store::digests::Digests;
use engine::store::integrations::Integration;
use engine::store::{entries, roster};
use reconcile::eligibility;
use reconcile::ids::{DocId, RecordKey, Scope, VendorId};
use reconcile::mapping::{Decision, Entry, State};
use reconcile::plan::{Policy, Standing};
use reconcile::reason::Reason;
use reconcile::record::{Kind, Value};

use crate::error::ConsoleError;
use crate::find;
use crate::request::RecordFilter;

/// So many entries are read at once, where all are wanted.
const ENTRIES_READ: usize = 500;
/// So many are read at once for a page: about what the page holds.
const ENTRIES_READ_FOR_PAGE: usize = 128;

/// A page looks through at most so many records for each one that it may hold, so that a filter that finds almost nothing
/// costs no reading of everything; it then ends before it is full, and the next one goes on from there.
const LOOKED_THROUGH_EACH: usize = 20;
/// And through at least so many.
const LOOKED_THROUGH_MIN: usize = 2_000;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct From {
    /// The kind that it has come to.
    pub kind: Kind,
    /// The client's vendor id, for scopes below one.
    pub client: String,
    /// After this record.
    pub vendor_id: String,
}

impl From {
    fn after(read: &Read) -> Self {
        let record = &read.entry.record;
        Self { kind: record.kind, client: client_of(&read.scope).to_owned(), vendor_id: record.vendor_id.to_string() }
    }
}

/// A page in the making: what was found so far, and where the walk through the records has come to.
#[derive(Debug)]
pub(crate) struct Walk {
    /// What was found.
    pub found: Vec<Read>,
    /// Where it began.
    from: Option<From>,
    /// Where the next page goes on; `None` while the end was not met.
    next: Option<From>,
    limit: usize,
    may_look_at: usize,
}

impl Walk {
    /// Begins a page of so many records, after `from`.
    pub(crate) fn page(from: Option<From>, limit: usize) -> Self {
        let may_look_at = limit.saturating_mul(LOOKED_THROUGH_EACH).max(LOOKED_THROUGH_MIN);
        Self { found: Vec::new(), from, next: None, limit, may_look_at }
    }

    /// Begins a walk that ends with the last record.
    pub(crate) fn everything() -> Self {
        Self { found: Vec::new(), from: None, next: None, limit: usize::MAX, may_look_at: usize::MAX }
    }

    fn at_once(&self) -> usize {
        if self.limit == usize::MAX { ENTRIES_READ } else { ENTRIES_READ_FOR_PAGE.min(self.limit.saturating_add(1)) }
    }

    /// Looks at a record. The page is over with the first one that it has no room for, or that may not be looked at any
    /// more; the next page begins with that one.
    fn look_at(&mut self, read: Read, wanted: impl Fn(&Read) -> bool) {
        if wanted(&read) {
            if self.found.len() == self.limit {
                self.next = self.found.last().map(From::after);
                return;
            }
            self.found.push(read.clone());
        }
        self.may_look_at -= 1;
        if self.may_look_at == 0 {
            self.next = Some(From::after(&read));
        }
    }

    /// Says whether the page is at its end.
    pub(crate) fn is_over(&self) -> bool {
        self.next.is_some()
    }

    /// Returns where the next page goes on; `None` where everything was looked at.
    pub(crate) fn next(&self) -> Option<&From> {
        self.next.as_ref()
    }
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

    /// Prepares lists: where clients stand is taken from their roster, which is current but in the moments of a crash.
    pub(crate) async fn look(
        table: &impl Table,
        integration: &'a Integration,
        kind: Kind,
    ) -> Result<Reader<'a>, ConsoleError> {
        let clients = match kind.is_below_client() {
            true => roster::load(table, &integration.id, Kind::Client).await?,
            false => BTreeMap::new(),
        };
        Ok(Self { integration, policy: integration.policy(), clients })
    }

    /// Prepares decisions about records of a few clients.
    pub(crate) async fn of_clients(
        table: &impl Table,
        integration: &'a Integration,
        clients: &[VendorId],
    ) -> Result<Reader<'a>, ConsoleError> {
        let clients = entries::load_ids(table, &integration.id, &Scope::Clients, Kind::Client, clients).await?;
        Ok(Self { integration, policy: integration.policy(), clients })
    }

    /// Returns the name of a client, where it is known.
    pub(crate) fn client_name(&self, id: &VendorId) -> Option<&str> {
        self.clients.get(id).map(|client| client.record.name.as_str())
    }

    /// Returns the scopes that may hold records of a kind, in order: of the clients that are known, and of those that records
    /// were read below.
    pub(crate) fn scopes(&self, kind: Kind, remembered: &Digests) -> Vec<Scope> {
        match kind {
            Kind::Client => return vec![Scope::Clients],
            Kind::User => return vec![Scope::Users],
            Kind::Asset | Kind::Contact | Kind::Location => {}
        }
        let mut scopes: Vec<Scope> = self.clients.keys().cloned().map(Scope::Client).collect();
        scopes.extend(remembered.scopes());
        scopes.sort();
        scopes.dedup();
        scopes
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
    pub(crate) fn finds(&self, filter: &RecordFilter, read: &Read) -> bool {
        let Read { entry, standing, .. } = read;
        filter.state.is_none_or(|state| self.wanted(entry, standing).state == state)
            && filter.reason.is_none_or(|reason| self.reason(entry, standing) == Some(reason))
            && (!filter.new || entry.is_new)
            && filter.search.as_deref().is_none_or(|text| mentions(entry, &text.to_lowercase()))
    }

    /// Reads records of a kind that the filter finds, all of them.
    pub(crate) async fn read(
        &self,
        table: &impl Table,
        kind: Kind,
        filter: &RecordFilter,
    ) -> Result<Vec<Read>, ConsoleError> {
        let scopes = find::scopes(table, self.integration, kind).await?;
        let mut walk = Walk::everything();
        let wanted = |read: &Read| self.finds(filter, read);
        self.walk(table, kind, &scopes, &mut walk, wanted).await?;
        Ok(walk.found)
    }

    /// Goes on with a walk through some scopes, in the order of clients and vendor ids, until its page is full or it has
    /// looked through as much as it may.
    pub(crate) async fn walk(
        &self,
        table: &impl Table,
        kind: Kind,
        scopes: &[Scope],
        walk: &mut Walk,
        wanted: impl Fn(&Read) -> bool,
    ) -> Result<(), ConsoleError> {
        for scope in scopes {
            let client = client_of(scope);
            let mut after = None;
            if let Some(from) = walk.from.as_ref().filter(|from| from.kind == kind) {
                if client < from.client.as_str() {
                    continue;
                }
                if client == from.client {
                    after = VendorId::parse(&from.vendor_id).ok();
                }
            }
            let standing = self.standing(scope);
            loop {
                let (page, next) =
                    entries::page(table, &self.integration.id, scope, kind, after.as_ref(), walk.at_once()).await?;
                for entry in page {
                    let read = Read { scope: scope.clone(), standing: standing.clone(), entry };
                    walk.look_at(read, &wanted);
                    if walk.is_over() {
                        return Ok(());
                    }
                }
                match next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        Ok(())
    }
    /// Reads all records of a kind.
    pub(crate) async fn read_all(&self, table: &impl Table, kind: Kind) -> Result<Vec<Read>, ConsoleError> {
        self.read(table, kind, &RecordFilter::default()).await
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
