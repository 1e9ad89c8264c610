//! The reference model: the same rules once more, as plainly as they can be said, for tests to compare with.
//!
//! No index, no plan, no effects, no care for cost: a scope is settled by looking at every pair and writing into copies.
//! It is public because the simulation of the engine runs it beside the real thing. Nothing that ships calls it.

use std::collections::{BTreeMap, BTreeSet};

use crate::doc::{Doc, Role};
use crate::eligibility;
use crate::ids::{DocId, IntegrationId, RecordKey, RunId, Scope};
use crate::mapping::{Absence, Entry, Mapping, STALE_AFTER, State};
use crate::ownership::Identifiers;
use crate::plan::{EntryKey, Policy, Purpose, Rule, Standing, World};
use crate::reason::Reason;
use crate::record::{Kind, VendorRecord};

/// What is stored of a scope after a run: its entries and the documentation records.
pub type Settled = (BTreeMap<EntryKey, Entry>, BTreeMap<DocId, Doc>);

/// Returns how a scope stands after a run of `world`. Versions are left as they are.
pub fn settle(world: &World<'_>) -> Settled {
    let naive = Naive { world };
    let (mut entries, mut docs) = (world.entries.clone(), world.docs.clone());
    let mut matched = naive.match_all();
    for (key, entry) in world.entries {
        let doc = naive.linked(entry).cloned();
        let after = entries.get_mut(key).expect("it is a copy");
        if entry.absent.is_some() {
            continue;
        }
        let end = match eligibility::check(entry, world.policy, world.standing) {
            Err(reason) => End::Out(reason, Vec::new(), Keeps::Mapping),
            Ok(()) => match doc {
                Some(doc) => End::In(doc, entry.mapping.state),
                None => matched.remove(key).expect("everything unmapped was looked at"),
            },
        };
        naive.end(after, end, &mut docs);
    }
    for (key, entry) in world.entries.iter().filter(|(_, entry)| entry.absent.is_some()) {
        let held =
            |doc: &&mut Doc| doc.sources.get(world.integration).is_some_and(|source| source.is_of(&entry.record));
        let doc = naive.linked(entry).and_then(|doc| docs.get_mut(doc)).filter(held);
        naive.miss(entries.get_mut(key).expect("it is a copy"), doc);
    }
    // A record that had to make room keeps nothing of the documentation record that another one took.
    for (key, entry) in &mut entries {
        let holder = |doc: &DocId| docs.get(doc)?.sources.get(world.integration).map(|source| source.vendor_id.clone());
        let was_linked = naive.linked(&world.entries[key]).is_some();
        if was_linked && entry.mapping.doc.as_ref().and_then(holder).is_some_and(|holder| holder != key.1) {
            entry.mapping = Mapping {
                state: State::Unmatched,
                doc: None,
                reason: None,
                candidates: Vec::new(),
                ..entry.mapping.clone()
            };
        }
    }
    (entries, docs)
}

/// How a record that is there ends.
enum End {
    In(DocId, State),
    Out(Reason, Vec<DocId>, Keeps),
}

/// Whether a record that stays out keeps its mapping, which some day may hold again, or has lost it.
enum Keeps {
    Mapping,
    Nothing,
}

struct Naive<'a, 'w> {
    world: &'a World<'w>,
}

impl<'w> Naive<'_, 'w> {
    fn linked(&self, entry: &Entry) -> Option<&'w DocId> {
        let doc = self.world.docs.get(entry.mapping.doc.as_ref()?)?;
        let is_ours = doc.sources.get(self.world.integration)?.is_of(&entry.record);
        is_ours.then_some(&doc.id)
    }

    /// Counts a miss, marks what is missed for good, and archives what nobody has any more.
    fn miss(&self, entry: &mut Entry, doc: Option<&mut Doc>) {
        let world = self.world;
        let Purpose::Run(run) = world.purpose else { return };
        let kind = entry.record.kind;
        let is_read = world.complete.contains(&kind) && world.policy.sync.contains(&kind);
        let counts = |absence: &&mut Absence| is_read && absence.certain && absence.run == *run && !absence.counted;
        if let Some(absence) = entry.absent.as_mut().filter(counts) {
            absence.counted = true;
            entry.mapping.missed = (entry.mapping.missed + 1).min(STALE_AFTER);
        }
        let Some(doc) = doc.filter(|_| is_read && entry.mapping.missed == STALE_AFTER) else { return };
        if let Some(source) = doc.sources.get_mut(world.integration) {
            source.stale = true;
        }
        if world.policy.archive_stale && doc.sources.values().all(|source| source.stale) && !doc.archived_when_stale {
            doc.archived_when_stale |= !doc.archived;
            doc.archived = true;
        }
    }

    fn end(&self, entry: &mut Entry, end: End, docs: &mut BTreeMap<DocId, Doc>) {
        match end {
            End::In(id, state) => {
                let doc = docs.entry(id.clone()).or_insert_with(|| Doc::new(id.clone(), &entry.record.name));
                doc.sources.insert(self.world.integration.clone(), self.world.source_of(entry));
                if doc.archived_when_stale {
                    doc.archived = false;
                    doc.archived_when_stale = false;
                }
                let staged = entry.mapping.staged.take();
                entry.mapping = Mapping { state, doc: Some(id), staged, ..Mapping::default() };
            }
            End::Out(reason, candidates, keeps) => {
                entry.mapping.reason = Some(reason);
                entry.mapping.candidates = candidates;
                if entry.mapping.missed < STALE_AFTER {
                    entry.mapping.missed = 0;
                }
                if matches!(keeps, Keeps::Nothing) && entry.mapping.doc.take().is_some() {
                    entry.mapping.state = State::Unmatched;
                }
            }
        }
    }

    fn is_open(&self, entry: &Entry) -> bool {
        entry.absent.is_none()
            && eligibility::check(entry, self.world.policy, self.world.standing).is_ok()
            && self.linked(entry).is_none()
    }

    fn may_create(&self, entry: &Entry) -> bool {
        let kind = entry.record.kind;
        let is_new = kind.is_below_client() || entry.is_new;
        entry.mapping.staged.is_none()
            && (self.world.policy.first_sync.contains(&kind)
                || (self.world.policy.auto_create.contains(&kind) && is_new))
    }

    fn may_match(&self, entry: &Entry) -> bool {
        entry.mapping.staged.is_none() && (entry.record.kind.is_below_client() || self.may_create(entry))
    }

    /// Settles all open records: whoever alone has the best claim on the one documentation record that fits it wins it;
    /// then everybody looks again, until nobody wins any more.
    fn match_all(&self) -> BTreeMap<EntryKey, End> {
        let open: Vec<(&EntryKey, &Entry)> =
            self.world.entries.iter().filter(|(_, entry)| self.is_open(entry)).collect();
        let mut won: BTreeMap<DocId, EntryKey> = BTreeMap::new();
        loop {
            let claims: BTreeMap<&EntryKey, (BTreeMap<DocId, Rule>, bool)> = open
                .iter()
                .filter(|(key, entry)| {
                    self.may_match(entry)
                        && !self.repeats_serial(key, entry)
                        && !won.values().any(|winner| winner == *key)
                })
                .map(|(key, entry)| (*key, self.fitting(key, entry, &won)))
                .collect();
            let mut winners = Vec::new();
            for (key, (fits, joins)) in &claims {
                let [(doc, rule)] = fits.iter().collect::<Vec<_>>()[..] else { continue };
                let is_beaten = claims
                    .iter()
                    .any(|(other, (fits, _))| other != key && fits.get(doc).is_some_and(|theirs| theirs <= rule));
                if *joins && !is_beaten {
                    winners.push((doc.clone(), (*key).clone()));
                }
            }
            if winners.is_empty() {
                return open.iter().map(|(key, entry)| ((*key).clone(), self.outcome(key, entry, &won))).collect();
            }
            won.extend(winners);
        }
    }

    fn outcome(&self, key: &EntryKey, entry: &Entry, won: &BTreeMap<DocId, EntryKey>) -> End {
        let held = |reason, candidates| End::Out(reason, candidates, Keeps::Nothing);
        if let Some((doc, _)) = won.iter().find(|(_, winner)| *winner == key) {
            return End::In(doc.clone(), State::Matched);
        }
        if self.repeats_serial(key, entry) {
            return held(Reason::DuplicateAtVendor, Vec::new());
        }
        if !self.may_match(entry) {
            let name = self.known(entry).name;
            let docs = self.world.docs.values().filter(|doc| doc.kind() == key.0);
            let namesakes = docs.filter(|doc| name.is_some() && Identifiers::of_doc(doc).name == name).count();
            let is_ambiguous = !key.0.is_below_client() && (namesakes > 1 || self.repeats_name(entry));
            return held(if is_ambiguous { Reason::AmbiguousName } else { Reason::Unmatched }, Vec::new());
        }
        let (fits, _) = self.fitting(key, entry, won);
        let is_top = !key.0.is_below_client();
        if !fits.is_empty() || (is_top && self.repeats_name(entry)) {
            let reason = if is_top { Reason::AmbiguousName } else { Reason::AmbiguousMatch };
            return held(reason, fits.into_keys().collect());
        }
        if self.may_create(entry) {
            End::In(self.own(key), State::Created)
        } else {
            held(Reason::Unmatched, Vec::new())
        }
    }

    fn own(&self, key: &EntryKey) -> DocId {
        let integration = self.world.integration.clone();
        let key = RecordKey { integration, kind: key.0, vendor_id: key.1.clone() };
        DocId::created(&key, self.world.standing.client())
    }

    /// Returns the documentation records that fit, with the identifier that says so, and whether one alone may be won.
    fn fitting(&self, key: &EntryKey, entry: &Entry, won: &BTreeMap<DocId, EntryKey>) -> (BTreeMap<DocId, Rule>, bool) {
        let known = self.known(entry);
        let is_top = !key.0.is_below_client();
        for archived in [false, true] {
            let in_reach = |doc: &&Doc| doc.kind() == key.0 && doc.archived == archived;
            let docs: Vec<&Doc> = self.world.docs.values().filter(in_reach).collect();
            let rules: &[&[Rule]] = match key.0 {
                Kind::Asset => &[&[Rule::Serial, Rule::Mac, Rule::Hostname]],
                Kind::Contact | Kind::User => &[&[Rule::Email], &[Rule::IdenticalName]],
                Kind::Location => &[&[Rule::IdenticalName], &[Rule::Address]],
                Kind::Client => &[&[Rule::IdenticalName]],
            };
            for rules in rules {
                let mut fits = BTreeMap::new();
                let mut joins = true;
                for doc in &docs {
                    let other = self.identifying(Identifiers::of_doc(doc));
                    let Some(rule) = rules.iter().copied().find(|rule| fits_by(*rule, &known, &other)) else {
                        continue;
                    };
                    let hold = self.hold(doc, won);
                    if hold == Hold::Taken && !is_top {
                        continue;
                    }
                    joins &= hold == Hold::Free;
                    joins &= rule != Rule::IdenticalName || !differ(&known.emails, &other.emails);
                    joins &= rule != Rule::IdenticalName || !is_top || !self.repeats_name(entry);
                    fits.insert(doc.id.clone(), rule);
                }
                if !fits.is_empty() {
                    return (fits, joins);
                }
            }
        }
        match self.world.docs.get(&self.own(key)) {
            Some(own) if self.may_create(entry) => {
                (BTreeMap::from([(own.id.clone(), Rule::SameRecord)]), self.hold(own, won) == Hold::Free)
            }
            _ => (BTreeMap::new(), false),
        }
    }

    fn hold(&self, doc: &Doc, won: &BTreeMap<DocId, EntryKey>) -> Hold {
        if won.contains_key(&doc.id) {
            return Hold::Taken;
        }
        let Some(source) = doc.sources.get(self.world.integration) else { return Hold::Free };
        let holder =
            self.world.entries.values().find(|entry| entry.record.kind == doc.kind() && source.is_of(&entry.record));
        match holder {
            None => {
                if source.stale {
                    Hold::Free
                } else {
                    Hold::Taken
                }
            }
            Some(holder) if holder.mapping.doc.as_ref() != Some(&doc.id) => Hold::Free,
            Some(holder) if holder.absent.is_none() => Hold::Taken,
            Some(_) => {
                if source.stale {
                    Hold::Free
                } else {
                    Hold::Reserved
                }
            }
        }
    }

    /// Returns what a record is known by, without the addresses that it shares.
    fn known(&self, entry: &Entry) -> Identifiers {
        self.identifying(Identifiers::of(entry.record.kind, &entry.record.name, &entry.record.fields))
    }

    fn identifying(&self, mut known: Identifiers) -> Identifiers {
        let vendor: Vec<Identifiers> = self
            .world
            .entries
            .values()
            .filter(|entry| entry.absent.is_none() && entry.record.malformed.is_none())
            .map(|entry| Identifiers::of(entry.record.kind, &entry.record.name, &entry.record.fields))
            .collect();
        let others: BTreeSet<&IntegrationId> = self
            .world
            .docs
            .values()
            .flat_map(|doc| doc.sources.keys())
            .filter(|id| *id != self.world.integration)
            .collect();
        let mut groups = vec![vendor];
        for other in others {
            let says = |doc: &Doc| {
                let source = doc.sources.get(other).filter(|source| !source.stale)?;
                Some(Identifiers::of(doc.kind(), "", &source.fields))
            };
            groups.push(self.world.docs.values().filter_map(says).collect());
        }
        let is_shared = |has: &dyn Fn(&Identifiers) -> bool| {
            groups.iter().any(|group| group.iter().filter(|one| has(one)).count() > 1)
        };
        known.macs.retain(|mac| !is_shared(&|one| one.macs.contains(mac)));
        known.emails.retain(|email| !is_shared(&|one| one.emails.contains(email)));
        known
    }

    fn repeats_serial(&self, key: &EntryKey, entry: &Entry) -> bool {
        let serials = self.known(entry).serials;
        self.told_apart(key).any(|(_, other)| !self.known(other).serials.is_disjoint(&serials))
    }

    fn repeats_name(&self, entry: &Entry) -> bool {
        let key = (entry.record.kind, entry.record.vendor_id.clone());
        let name = self.known(entry).name;
        name.is_some() && self.told_apart(&key).any(|(_, other)| self.known(other).name == name)
    }

    /// Returns the other records of the kind that are in the documentation or might come in.
    fn told_apart<'s>(&'s self, key: &EntryKey) -> impl Iterator<Item = (&'w EntryKey, &'w Entry)> + 's {
        let key = key.clone();
        self.world.entries.iter().filter(move |(other, entry)| {
            let is_in = entry.record.malformed.is_none()
                && entry.mapping.state != State::Excluded
                && self.linked(entry).is_some();
            other.0 == key.0 && **other != key && entry.absent.is_none() && (is_in || self.is_open(entry))
        })
    }
}

#[derive(PartialEq, Eq)]
enum Hold {
    Free,
    Reserved,
    Taken,
}

fn differ<T: Ord>(left: &BTreeSet<T>, right: &BTreeSet<T>) -> bool {
    !left.is_empty() && !right.is_empty() && left.is_disjoint(right)
}

/// Says whether two records are one by this identifier, nothing higher being against it.
fn fits_by(rule: Rule, left: &Identifiers, right: &Identifiers) -> bool {
    let serials_differ = differ(&left.serials, &right.serials);
    let macs_differ = differ(&left.macs, &right.macs);
    match rule {
        Rule::Serial => !left.serials.is_disjoint(&right.serials),
        Rule::Mac => !serials_differ && !left.macs.is_disjoint(&right.macs),
        Rule::Hostname => {
            let is_same = left.hostnames.iter().any(|host| right.hostnames.iter().any(|other| host.same(other)));
            !serials_differ && !macs_differ && is_same
        }
        Rule::Email => !left.emails.is_disjoint(&right.emails),
        Rule::IdenticalName => left.name.is_some() && left.name == right.name,
        Rule::Address => !left.addresses.is_disjoint(&right.addresses),
        _ => false,
    }
}

/// Everything that is stored, for a model of whole nights.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    /// Vendor records by integration and scope.
    pub entries: BTreeMap<(IntegrationId, Scope), BTreeMap<EntryKey, Entry>>,
    /// All documentation records.
    pub docs: BTreeMap<DocId, Doc>,
}

/// One run of one integration, as the model sees it.
#[derive(Debug, Clone)]
pub struct Night<'a> {
    /// The integration.
    pub integration: &'a IntegrationId,
    /// What sort of system it is.
    pub role: Role,
    /// The run.
    pub run: &'a RunId,
    /// The switches.
    pub policy: &'a Policy,
    /// Kinds that were read completely.
    pub complete: &'a BTreeSet<Kind>,
}

impl Model {
    /// Stores what a read brought: every record of the scopes in `read`, which were read to their end if `certain`.
    pub fn intake(
        &mut self,
        night: &Night<'_>,
        read: &BTreeSet<Scope>,
        records: &[VendorRecord],
        certain: bool,
        is_new: bool,
    ) {
        let mut seen: BTreeMap<(Scope, EntryKey), u32> = BTreeMap::new();
        for record in records {
            let Some(scope) = Scope::of(record.kind, record.client.as_ref()) else { continue };
            let key = (record.kind, record.vendor_id.clone());
            let entries = self.entries.entry((night.integration.clone(), scope.clone())).or_default();
            let entry = entries.entry(key.clone()).or_insert_with(|| Entry { is_new, ..Entry::new(record.clone()) });
            let copies = seen.entry((scope, key)).or_default();
            *copies += 1;
            entry.copies = *copies;
            entry.record = record.clone();
            entry.absent = None;
        }
        for scope in read {
            let entries = self.entries.entry((night.integration.clone(), scope.clone())).or_default();
            for (key, entry) in entries {
                if !seen.contains_key(&(scope.clone(), key.clone())) {
                    entry.absent = Some(Absence { run: night.run.clone(), certain, counted: false });
                }
            }
        }
    }

    /// Settles every scope of the integration: users and clients first, then what lies below each client.
    pub fn settle(&mut self, night: &Night<'_>) {
        self.settle_scope(night, &Scope::Users, &Standing::Top);
        self.settle_scope(night, &Scope::Clients, &Standing::Top);
        let clients = self.entries.get(&(night.integration.clone(), Scope::Clients)).cloned().unwrap_or_default();
        let scopes: Vec<Scope> =
            self.entries.keys().filter(|(of, _)| of == night.integration).map(|(_, scope)| scope.clone()).collect();
        for scope in scopes {
            let Scope::Client(client) = &scope else { continue };
            let standing = match clients.get(&(Kind::Client, client.clone())).map(|client| &client.mapping) {
                Some(Mapping { state: State::Excluded, .. }) => Standing::Excluded,
                Some(Mapping { state: State::Matched | State::Created, doc: Some(doc), .. }) => {
                    Standing::Mapped(doc.clone())
                }
                _ => Standing::Unmatched,
            };
            self.detach(night.integration, &scope, &standing);
            self.settle_scope(night, &scope, &standing);
        }
    }

    /// Lets the children of a client leave the records of the one that theirs was mapped to.
    fn detach(&mut self, integration: &IntegrationId, scope: &Scope, standing: &Standing) {
        let Standing::Mapped(client) = standing else { return };
        for entry in
            self.entries.get_mut(&(integration.clone(), scope.clone())).into_iter().flatten().map(|(_, entry)| entry)
        {
            let Some(old) = entry.mapping.doc.clone().filter(|doc| doc.client().as_ref() != Some(client)) else {
                continue;
            };
            if let Some(doc) = self.docs.get_mut(&old) {
                doc.sources.retain(|of, source| of != integration || !source.is_of(&entry.record));
            }
            entry.mapping.state = State::Unmatched;
            entry.mapping.doc = None;
            entry.mapping.reason = None;
            entry.mapping.candidates.clear();
        }
    }

    fn settle_scope(&mut self, night: &Night<'_>, scope: &Scope, standing: &Standing) {
        let place = (night.integration.clone(), scope.clone());
        let Some(entries) = self.entries.get(&place) else { return };
        let is_here = |doc: &Doc| match scope {
            Scope::Users => doc.kind() == Kind::User,
            Scope::Clients => doc.kind() == Kind::Client,
            Scope::Client(_) => doc.id.client().is_some() && doc.id.client().as_ref() == standing.client(),
        };
        let docs =
            self.docs.iter().filter(|(_, doc)| is_here(doc)).map(|(id, doc)| (id.clone(), doc.clone())).collect();
        let purpose = Purpose::Run(night.run.clone());
        let (entries, docs) = settle(&World {
            integration: night.integration,
            role: night.role,
            scope,
            purpose: &purpose,
            standing,
            policy: night.policy,
            complete: night.complete,
            entries,
            docs: &docs,
            docs_version: 0,
        });
        self.entries.insert(place, entries);
        self.docs.extend(docs);
    }
}
