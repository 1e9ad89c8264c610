//! Which documentation record a vendor record is, by its identifiers.
//!
//! An existing mapping is not looked at here: it always goes first. For what is left, per kind, in this order:
//! asset: serial number, MAC address, host name; contact and user: e-mail, name; location: name, address; client: name.
//!
//! - For assets all three are looked at together: identifiers that point at different records are an ambiguity. A lower one
//!   joins nothing whose higher ones are both present and differ. For the other kinds the first that finds anything decides,
//!   and a contact of the same name with another e-mail address is an ambiguity.
//! - A documentation record that another record of the integration holds is no candidate. One whose holder is missing but not
//!   stale yet is a candidate that nobody wins: either the holder returns, or it goes stale and makes room.
//! - Of several records that claim one documentation record, the one with the highest identifier wins if it is alone with
//!   it; else nobody does. A record that claims several blocks all of them but wins none.
//! - A MAC (or e-mail) address that several records of one integration carry in the scope identifies none of them.
//! - For clients and users a name counts only where it is unique on both sides, taken records among them.
//! - Archived records are looked at where no other fits.
//!
//! Claims are settled in rounds, all of a round at once, until nothing moves; so the order of the input cannot matter, and
//! planning again after a plan was carried out finds the rest as it was.

use std::collections::{BTreeMap, BTreeSet};

use crate::doc::Doc;
use crate::ids::DocId;
use crate::mapping::{Entry, State};
use crate::normal::{Email, Mac};
use crate::ownership::Identifiers;
use crate::plan::{EntryKey, Rule, World};
use crate::reason::Reason;
use crate::record::Kind;

/// What was found for one vendor record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// It is this documentation record.
    Same(DocId, Rule),
    /// A person must decide, between these if there are any.
    Held(Reason, Vec<DocId>),
    /// Nothing fits.
    Nothing,
}

/// One vendor record that is eligible and not mapped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unmapped<'w> {
    /// Its key.
    pub(crate) key: &'w EntryKey,
    /// The record.
    pub(crate) entry: &'w Entry,
    /// Whether it is created where nothing fits.
    pub(crate) may_create: bool,
    /// Whether it may be linked at all; if not it is only there for others to be told apart from.
    pub(crate) may_match: bool,
}

/// Whether a documentation record can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Nobody of this integration holds it, or only a stale record does.
    Free,
    /// Its holder is missing, but not for long enough.
    Reserved,
    /// Another record of this integration holds it.
    Taken,
}

/// Says whether `doc` can be had by a record that does not hold it.
pub(crate) fn hold(world: &World<'_>, doc: &Doc) -> Hold {
    let Some(source) = doc.sources.get(world.integration) else { return Hold::Free };
    let known = world.entries.get(&(doc.kind(), source.vendor_id.clone()));
    match (world.holder(doc), known.filter(|entry| source.is_of(&entry.record))) {
        (Some((_, holder)), _) if holder.absent.is_none() => Hold::Taken,
        (Some(_), _) if !source.stale => Hold::Reserved,
        // A source without its record's mapping holds nothing.
        (Some(_), _) | (None, Some(_)) => Hold::Free,
        (None, None) if source.stale => Hold::Free,
        (None, None) => Hold::Taken,
    }
}

/// Finds the documentation records of all unmapped entries of one kind.
pub(crate) fn assign<'w>(world: &World<'w>, kind: Kind, unmapped: &[Unmapped<'w>]) -> BTreeMap<EntryKey, Finding> {
    if unmapped.is_empty() {
        return BTreeMap::new();
    }
    let vendor = VendorSide::new(world, kind, unmapped);
    let catalogue = Catalogue::new(world, kind, &vendor);
    let mut rounds = Rounds::new(world, &vendor, &catalogue, unmapped);
    rounds.settle();
    rounds.findings()
}

/// Returns the reason for a record of `kind` that a person must decide about.
pub(crate) fn ambiguity(kind: Kind) -> Reason {
    if kind.is_below_client() { Reason::AmbiguousMatch } else { Reason::AmbiguousName }
}

/// What the vendor's records of one kind tell about one another.
struct VendorSide {
    /// How many records that are eligible or mapped have the serial number or name.
    seen: BTreeMap<(Rule, String), usize>,
    /// Addresses that several records carry.
    shared_macs: BTreeSet<Mac>,
    shared_emails: BTreeSet<Email>,
}

impl VendorSide {
    fn new(world: &World<'_>, kind: Kind, unmapped: &[Unmapped<'_>]) -> Self {
        let waiting: BTreeSet<&EntryKey> = unmapped.iter().map(|one| one.key).collect();
        let mut seen = BTreeMap::new();
        let mut macs = BTreeMap::new();
        let mut emails = BTreeMap::new();
        let present = world
            .entries
            .iter()
            .filter(|((of, _), entry)| *of == kind && entry.absent.is_none() && entry.record.malformed.is_none());
        for (key, entry) in present {
            let known = Identifiers::of(kind, &entry.record.name, &entry.record.fields);
            if waiting.contains(key) || (entry.mapping.state != State::Excluded && world.linked(entry).is_some()) {
                for serial in &known.serials {
                    *seen.entry((Rule::Serial, serial.as_str().to_owned())).or_insert(0) += 1;
                }
                if let Some(name) = &known.name {
                    *seen.entry((Rule::IdenticalName, name.as_str().to_owned())).or_insert(0) += 1;
                }
            }
            known.macs.into_iter().for_each(|mac| *macs.entry(mac).or_insert(0) += 1);
            known.emails.into_iter().for_each(|email| *emails.entry(email).or_insert(0) += 1);
        }
        Self { seen, shared_macs: several(macs), shared_emails: several(emails) }
    }

    fn is_repeated(&self, rule: Rule, text: &str) -> bool {
        self.seen.get(&(rule, text.to_owned())).is_some_and(|&count| count > 1)
    }
}

fn several<T: Ord>(counts: BTreeMap<T, usize>) -> BTreeSet<T> {
    counts.into_iter().filter(|(_, count)| *count > 1).map(|(value, _)| value).collect()
}

/// One documentation record of the kind.
struct Candidate<'w> {
    doc: &'w Doc,
    known: Identifiers,
    hold: Hold,
}

/// The documentation records of one kind, by what they are known by.
struct Catalogue<'w> {
    candidates: Vec<Candidate<'w>>,
    by_id: BTreeMap<&'w DocId, usize>,
    index: BTreeMap<(Rule, String), Vec<usize>>,
    /// Addresses that identify nothing: shared among the vendor's records, or among those of another integration.
    shared_macs: BTreeSet<Mac>,
    shared_emails: BTreeSet<Email>,
}

impl<'w> Catalogue<'w> {
    fn new(world: &World<'w>, kind: Kind, vendor: &VendorSide) -> Self {
        let docs: Vec<&'w Doc> = world.docs.values().filter(|doc| doc.kind() == kind).collect();
        let (mut macs, mut emails) = (BTreeMap::new(), BTreeMap::new());
        for doc in &docs {
            let others = doc.sources.iter().filter(|(of, source)| *of != world.integration && !source.stale);
            for (integration, source) in others {
                let known = Identifiers::of(kind, "", &source.fields);
                known.macs.into_iter().for_each(|mac| *macs.entry((integration, mac)).or_insert(0) += 1);
                known.emails.into_iter().for_each(|email| *emails.entry((integration, email)).or_insert(0) += 1);
            }
        }
        let mut shared_macs = vendor.shared_macs.clone();
        shared_macs.extend(several(macs).into_iter().map(|(_, mac)| mac));
        let mut shared_emails = vendor.shared_emails.clone();
        shared_emails.extend(several(emails).into_iter().map(|(_, email)| email));
        let mut catalogue =
            Self { candidates: Vec::new(), by_id: BTreeMap::new(), index: BTreeMap::new(), shared_macs, shared_emails };
        for doc in docs {
            let place = catalogue.candidates.len();
            let known = catalogue.identifying(Identifiers::of_doc(doc));
            for key in lookup_keys(&known) {
                catalogue.index.entry(key).or_default().push(place);
            }
            catalogue.by_id.insert(&doc.id, place);
            catalogue.candidates.push(Candidate { doc, known, hold: hold(world, doc) });
        }
        catalogue
    }

    fn identifying(&self, mut known: Identifiers) -> Identifiers {
        known.macs.retain(|mac| !self.shared_macs.contains(mac));
        known.emails.retain(|email| !self.shared_emails.contains(email));
        known
    }

    /// Returns the places of the documentation records that `rule` finds for `known`, archived ones or the others.
    fn found(&self, rule: Rule, known: &Identifiers, archived: bool) -> BTreeSet<usize> {
        lookup_keys(known)
            .into_iter()
            .filter(|(of, _)| *of == rule)
            .filter_map(|key| self.index.get(&key))
            .flatten()
            .copied()
            .filter(|&place| self.candidates[place].doc.archived == archived)
            .filter(|&place| rule != Rule::Hostname || share_host(known, &self.candidates[place].known))
            .collect()
    }
}

/// Returns what a record is looked up by. Host names are looked up without domain and compared afterwards.
pub(crate) fn lookup_keys(known: &Identifiers) -> Vec<(Rule, String)> {
    let mut keys = Vec::new();
    keys.extend(known.serials.iter().map(|serial| (Rule::Serial, serial.as_str().to_owned())));
    keys.extend(known.macs.iter().map(|mac| (Rule::Mac, mac.as_str().to_owned())));
    let hosts: BTreeSet<&str> = known.hostnames.iter().map(|host| host.first_label()).collect();
    keys.extend(hosts.into_iter().map(|host| (Rule::Hostname, host.to_owned())));
    keys.extend(known.emails.iter().map(|email| (Rule::Email, email.as_str().to_owned())));
    keys.extend(known.name.iter().map(|name| (Rule::IdenticalName, name.as_str().to_owned())));
    keys.extend(known.addresses.iter().map(|address| (Rule::Address, address.as_str().to_owned())));
    keys
}

fn share_host(left: &Identifiers, right: &Identifiers) -> bool {
    left.hostnames.iter().any(|host| right.hostnames.iter().any(|other| host.same(other)))
}

/// Says whether both sides have such identifiers and none in common.
fn differ<T: Ord>(left: &BTreeSet<T>, right: &BTreeSet<T>) -> bool {
    !left.is_empty() && !right.is_empty() && left.is_disjoint(right)
}

/// The documentation records that fit one vendor record, each with the highest identifier that found it.
#[derive(Default)]
struct Claims {
    docs: BTreeMap<usize, Rule>,
    /// Whether one alone may win.
    joins: bool,
}

/// The settling of claims.
struct Rounds<'a, 'w> {
    world: &'a World<'w>,
    vendor: &'a VendorSide,
    catalogue: &'a Catalogue<'w>,
    unmapped: &'a [Unmapped<'w>],
    known: Vec<Identifiers>,
    /// Documentation records that were won in an earlier round.
    won: BTreeSet<usize>,
    claims: Vec<Claims>,
    claimants: BTreeMap<usize, BTreeSet<usize>>,
    settled: BTreeMap<usize, Finding>,
}

impl<'a, 'w> Rounds<'a, 'w> {
    fn new(
        world: &'a World<'w>,
        vendor: &'a VendorSide,
        catalogue: &'a Catalogue<'w>,
        unmapped: &'a [Unmapped<'w>],
    ) -> Self {
        let known = unmapped
            .iter()
            .map(|one| {
                catalogue.identifying(Identifiers::of(one.key.0, &one.entry.record.name, &one.entry.record.fields))
            })
            .collect();
        let mut rounds = Self {
            world,
            vendor,
            catalogue,
            unmapped,
            known,
            won: BTreeSet::new(),
            claims: Vec::new(),
            claimants: BTreeMap::new(),
            settled: BTreeMap::new(),
        };
        for (place, one) in unmapped.iter().enumerate() {
            rounds.claims.push(Claims::default());
            if rounds.known[place].serials.iter().any(|serial| vendor.is_repeated(Rule::Serial, serial.as_str())) {
                rounds.settled.insert(place, Finding::Held(Reason::DuplicateAtVendor, Vec::new()));
            } else if !one.may_match {
                rounds.settled.insert(place, Finding::Nothing);
            } else {
                rounds.claim(place);
            }
        }
        rounds
    }

    /// Settles claims round by round. A round looks at the documentation records whose claimants changed in the last one.
    fn settle(&mut self) {
        let mut contested: BTreeSet<usize> = self.claimants.keys().copied().collect();
        while !contested.is_empty() {
            let winners: Vec<(usize, usize, Rule)> = contested
                .iter()
                .filter_map(|&doc| self.winner(doc).map(|(record, rule)| (doc, record, rule)))
                .collect();
            let mut losers = BTreeSet::new();
            for &(doc, record, rule) in &winners {
                self.won.insert(doc);
                let id = self.catalogue.candidates[doc].doc.id.clone();
                self.settled.insert(record, Finding::Same(id, rule));
                losers.extend(self.claimants.remove(&doc).unwrap_or_default());
            }
            losers.retain(|record| !self.settled.contains_key(record));
            contested.clear();
            for record in losers {
                contested.extend(self.claims[record].docs.keys());
                self.claim(record);
                contested.extend(self.claims[record].docs.keys());
            }
            contested.retain(|doc| !self.won.contains(doc));
        }
    }

    /// Returns the record that wins `doc`: alone with the highest identifier, and with no other choice.
    fn winner(&self, doc: usize) -> Option<(usize, Rule)> {
        let mut claimants: Vec<(Rule, usize)> = self
            .claimants
            .get(&doc)?
            .iter()
            .filter_map(|&record| self.claims[record].docs.get(&doc).map(|&rule| (rule, record)))
            .collect();
        claimants.sort_unstable();
        let &(rule, record) = claimants.first()?;
        let alone = claimants.get(1).is_none_or(|&(second, _)| second != rule);
        let claims = &self.claims[record];
        (alone && claims.joins && claims.docs.len() == 1).then_some((record, rule))
    }

    /// Works out anew what fits one record.
    fn claim(&mut self, record: usize) {
        for doc in std::mem::take(&mut self.claims[record].docs).into_keys() {
            self.claimants.entry(doc).or_default().remove(&record);
        }
        let claims = self.fitting(record);
        for &doc in claims.docs.keys() {
            self.claimants.entry(doc).or_default().insert(record);
        }
        self.claims[record] = claims;
    }

    fn fitting(&self, record: usize) -> Claims {
        let kind = self.unmapped[record].key.0;
        for archived in [false, true] {
            let claims = match kind {
                Kind::Asset => self.fitting_devices(record, archived),
                Kind::Contact | Kind::User => self.first_fitting(record, &[Rule::Email, Rule::IdenticalName], archived),
                Kind::Location => self.first_fitting(record, &[Rule::IdenticalName, Rule::Address], archived),
                Kind::Client => self.first_fitting(record, &[Rule::IdenticalName], archived),
            };
            if !claims.docs.is_empty() {
                return claims;
            }
        }
        self.own_record(record)
    }

    /// Looks at all identifiers of a device together.
    fn fitting_devices(&self, record: usize, archived: bool) -> Claims {
        let known = &self.known[record];
        let mut claims = Claims { docs: BTreeMap::new(), joins: true };
        for rule in [Rule::Serial, Rule::Mac, Rule::Hostname] {
            for place in self.catalogue.found(rule, known, archived) {
                let other = &self.catalogue.candidates[place].known;
                let joins = (rule == Rule::Serial || !differ(&known.serials, &other.serials))
                    && (rule != Rule::Hostname || !differ(&known.macs, &other.macs));
                if joins && self.hold(place) != Hold::Taken {
                    claims.docs.entry(place).or_insert(rule);
                }
            }
        }
        claims.joins = claims.docs.keys().all(|&place| self.hold(place) == Hold::Free);
        claims
    }

    /// Takes the first rule that finds anything.
    fn first_fitting(&self, record: usize, rules: &[Rule], archived: bool) -> Claims {
        let known = &self.known[record];
        let is_top = !self.unmapped[record].key.0.is_below_client();
        for &rule in rules {
            let mut found = self.catalogue.found(rule, known, archived);
            found.retain(|&place| is_top || self.hold(place) != Hold::Taken);
            if found.is_empty() {
                continue;
            }
            let repeated = is_top
                && rule == Rule::IdenticalName
                && known.name.iter().any(|name| self.vendor.is_repeated(rule, name.as_str()));
            let free = found.iter().all(|&place| self.hold(place) == Hold::Free);
            let agree = rule != Rule::IdenticalName
                || found.iter().all(|&place| !differ(&known.emails, &self.catalogue.candidates[place].known.emails));
            return Claims {
                docs: found.into_iter().map(|place| (place, rule)).collect(),
                joins: free && agree && !repeated,
            };
        }
        Claims::default()
    }

    /// Looks for the record that was made from this one before, so that nothing is made twice.
    fn own_record(&self, record: usize) -> Claims {
        let Unmapped { key, entry, may_create, .. } = self.unmapped[record];
        let own = own_id(self.world, key, entry);
        match own.as_ref().and_then(|own| self.catalogue.by_id.get(own)) {
            Some(&place) if may_create => {
                Claims { docs: BTreeMap::from([(place, Rule::SameRecord)]), joins: self.hold(place) == Hold::Free }
            }
            _ => Claims::default(),
        }
    }

    fn hold(&self, place: usize) -> Hold {
        if self.won.contains(&place) { Hold::Taken } else { self.catalogue.candidates[place].hold }
    }

    fn findings(mut self) -> BTreeMap<EntryKey, Finding> {
        let mut findings = BTreeMap::new();
        for (place, one) in self.unmapped.iter().enumerate() {
            let finding = match self.settled.remove(&place) {
                Some(Finding::Nothing) if !one.may_match => self.left_alone(place),
                Some(finding) => finding,
                None => self.unsettled(place),
            };
            findings.insert(one.key.clone(), finding);
        }
        findings
    }

    /// Returns what is said of a record that waits for a person: for users and clients, whether their name stands more than
    /// once on one side, which is what keeps auto-match from them.
    fn left_alone(&self, record: usize) -> Finding {
        let kind = self.unmapped[record].key.0;
        if kind.is_below_client() {
            return Finding::Nothing;
        }
        let namesakes = [false, true]
            .map(|archived| self.catalogue.found(Rule::IdenticalName, &self.known[record], archived).len());
        if namesakes.iter().sum::<usize>() < 2 && !self.repeats_name(record) {
            return Finding::Nothing;
        }
        Finding::Held(ambiguity(kind), Vec::new())
    }

    fn repeats_name(&self, record: usize) -> bool {
        let mut names = self.known[record].name.iter();
        names.any(|name| self.vendor.is_repeated(Rule::IdenticalName, name.as_str()))
    }

    fn unsettled(&self, record: usize) -> Finding {
        let kind = self.unmapped[record].key.0;
        let ids = |docs: &BTreeMap<usize, Rule>| {
            let mut ids: Vec<DocId> =
                docs.keys().map(|&place| self.catalogue.candidates[place].doc.id.clone()).collect();
            ids.sort();
            ids
        };
        let docs = &self.claims[record].docs;
        let name_repeats = !kind.is_below_client() && self.repeats_name(record);
        if docs.is_empty() && !name_repeats { Finding::Nothing } else { Finding::Held(ambiguity(kind), ids(docs)) }
    }
}

/// Returns the id that a documentation record made from the entry has; `None` below a client that is not mapped.
pub(crate) fn own_id(world: &World<'_>, key: &EntryKey, entry: &Entry) -> Option<DocId> {
    let client = world.standing.client();
    if key.0.is_below_client() != client.is_some() {
        return None;
    }
    let key = crate::ids::RecordKey {
        integration: world.integration.clone(),
        kind: key.0,
        vendor_id: entry.record.vendor_id.clone(),
    };
    Some(DocId::created(&key, client))
}

#[cfg(test)]
mod tests;
