//! What holds after every step.

use std::collections::{BTreeMap, BTreeSet};

use engine::memory::MemoryTable;
use engine::ports::{Item, Query, Table};
use engine::store::runs::RunRecord;
use reconcile::doc::Doc;
use reconcile::ids::{DocId, IntegrationId};
use reconcile::mapping::{Entry, State};
use reconcile::record::Kind;
use reconcile::run::{Outcome, Trigger};

/// What was seen last, so that only what changed is read again.
pub struct Laws {
    integrations: Vec<IntegrationId>,
    written: u64,
    seen: Stored,
    versions: BTreeMap<(String, String), u64>,
    checked: BTreeSet<String>,
}

/// The catalogue and the records, read from outside.
#[derive(Default, Clone)]
pub struct Stored {
    pub docs: BTreeMap<DocId, Doc>,
    /// By integration, scope and place.
    pub entries: BTreeMap<(IntegrationId, String, String), Entry>,
}

impl Laws {
    /// Makes the laws of these integrations, over a table in which nothing was seen yet.
    pub fn new(integrations: Vec<IntegrationId>) -> Self {
        Self { integrations, written: 0, seen: Stored::default(), versions: BTreeMap::new(), checked: BTreeSet::new() }
    }

    /// Reads what changed and checks everything.
    pub async fn check(&mut self, table: &MemoryTable) {
        let written = table.meter().read().items_written;
        if written == self.written {
            return;
        }
        self.written = written;
        self.look(table).await;
        self.docs();
        self.entries();
    }

    /// Returns the catalogue and the records.
    pub fn stored(&self) -> &Stored {
        &self.seen
    }

    /// Reads the partitions of the catalogue, the records and the runs.
    async fn look(&mut self, table: &MemoryTable) {
        let mut partitions = vec!["catalogue#clients".to_owned(), "catalogue#users".to_owned()];
        for id in &self.integrations {
            partitions.extend([format!("runs#{id}"), format!("records#{id}#clients"), format!("records#{id}#users")]);
        }
        for partition in &partitions {
            self.read(all(table, partition).await);
        }
        let clients = self.seen.docs.keys().filter(|id| id.kind() == Kind::Client);
        let mut partitions: Vec<String> = clients.map(|client| format!("catalogue#{client}")).collect();
        let known = self.seen.entries.iter().filter(|(_, entry)| entry.record.kind == Kind::Client);
        partitions.extend(known.map(|((id, ..), entry)| format!("records#{id}#client:{}", entry.record.vendor_id)));
        for partition in &partitions {
            self.read(all(table, partition).await);
        }
    }

    fn read(&mut self, items: Vec<Item>) {
        for item in items {
            let key = (item.key.pk.clone(), item.key.sk.clone());
            let known = self.versions.insert(key, item.version);
            if known == Some(item.version) {
                continue;
            }
            let parsed = |text: &str| IntegrationId::parse(text).expect("a slug");
            if item.key.pk.starts_with("catalogue#") && item.key.sk != "#version" {
                let mut doc: Doc = serde_json::from_str(&item.body).expect("a record of the catalogue");
                doc.version = item.version;
                self.seen.docs.insert(doc.id.clone(), doc);
            } else if let Some(rest) = item.key.pk.strip_prefix("records#") {
                let (integration, scope) = rest.split_once('#').expect("an integration and a scope");
                let mut entry: Entry = serde_json::from_str(&item.body).expect("an entry");
                entry.version = item.version;
                self.seen.entries.insert((parsed(integration), scope.to_owned(), item.key.sk), entry);
            } else if item.key.pk.starts_with("runs#") {
                let record: Option<RunRecord> = serde_json::from_str(&item.body).expect("a run");
                if item.key.sk != "open" && self.checked.insert(item.key.sk) {
                    closed(&record.expect("the history holds runs"));
                }
            }
        }
    }

    /// Every source names one record that is mapped to it, and a record below a client has that client.
    fn docs(&self) {
        let mut holders: BTreeMap<&DocId, Vec<(&IntegrationId, &Entry)>> = BTreeMap::new();
        for ((integration, ..), entry) in &self.seen.entries {
            if let Some(doc) = &entry.mapping.doc {
                holders.entry(doc).or_default().push((integration, entry));
            }
        }
        for doc in self.seen.docs.values() {
            if let Some(client) = doc.id.client() {
                assert!(self.seen.docs.contains_key(&client), "{} lies below {client}, which is not there", doc.id);
            }
            for (integration, source) in &doc.sources {
                let mut named = holders.get(&doc.id).into_iter().flatten();
                let is_named =
                    named.any(|(of, entry)| *of == integration && entry.record.vendor_id == source.vendor_id);
                assert!(is_named, "{}: {integration} {} is no record mapped to it", doc.id, source.vendor_id);
            }
            let all = holders.get(&doc.id).into_iter().flatten();
            let creators = all.filter(|(_, entry)| entry.mapping.state == State::Created).count();
            assert!(creators <= 1, "{} was created by {creators} records", doc.id);
        }
    }

    /// Every mapping names a record that names it back; who is excluded or unmatched has none.
    fn entries(&self) {
        let mut active: BTreeMap<(&IntegrationId, &DocId), &Entry> = BTreeMap::new();
        for ((integration, scope, place), entry) in &self.seen.entries {
            let what = || format!("{integration} {scope} {place}: {:?}", entry.mapping);
            let is_mapped = matches!(entry.mapping.state, State::Matched | State::Created);
            assert_eq!(is_mapped, entry.mapping.doc.is_some(), "{}", what());
            let Some(id) = &entry.mapping.doc else { continue };
            let doc = self.seen.docs.get(id).unwrap_or_else(|| panic!("{}: no such record", what()));
            if entry.absent.is_some() {
                continue;
            }
            let source = doc.sources.get(integration);
            let is_its = source.is_some_and(|source| source.vendor_id == entry.record.vendor_id);
            assert!(is_its, "{}: the record says {source:?}", what());
            let other = active.insert((integration, id), entry);
            assert!(other.is_none(), "{}: it is also {other:?}", what());
        }
    }
}

async fn all(table: &MemoryTable, partition: &str) -> Vec<Item> {
    let query = Query { limit: usize::MAX, ..Query::partition(partition) };
    table.query(&query).await.expect("memory never fails").items
}

/// A closed run's counts add up, and count every row that was read.
fn closed(record: &RunRecord) {
    let outcome = record.run.outcome().expect("a run in the history is over");
    for (kind, counts) in &record.counts {
        assert!(counts.adds_up(), "{}: {kind} {counts:?}", record.run_id);
    }
    if record.run.trigger == Trigger::Setup || matches!(outcome, Outcome::Failed | Outcome::CredentialsRejected) {
        return;
    }
    // Of changes, the rest is counted as it stands.
    for (kind, report) in record.run.reports.iter().filter(|(_, report)| !report.of_changes) {
        let counts = &record.counts[kind];
        assert_eq!(counts.fetched, report.fetched, "{} {outcome:?}: {kind} {counts:?} {report:?}", record.run_id);
    }
}
