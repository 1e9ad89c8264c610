//! Cuts what changes into steps that are committed together and are legal by themselves.

use std::collections::BTreeMap;

use super::{Effect, EntryKey, Item};
use crate::doc::Doc;
use crate::ids::{DocId, IntegrationId};
use crate::mapping::Entry;
use crate::ownership::Identifiers;

/// What is stored before the change.
pub(crate) struct Stored<'a> {
    pub(crate) integration: &'a IntegrationId,
    pub(crate) docs: &'a BTreeMap<DocId, Doc>,
    pub(crate) entries: &'a BTreeMap<EntryKey, Entry>,
}

/// Returns what differs from what is stored. An entry goes together with the documentation records that it leaves and takes,
/// and with whatever else leaves and takes those.
pub(crate) fn group(
    stored: &Stored<'_>,
    mut docs: BTreeMap<DocId, Doc>,
    mut entries: BTreeMap<EntryKey, Entry>,
    items: &[Item],
) -> Vec<Effect> {
    docs.retain(|id, doc| stored.docs.get(id) != Some(doc));
    entries.retain(|key, entry| stored.entries.get(key) != Some(entry));
    let mut groups = Groups::default();
    for (key, entry) in &entries {
        let node = groups.node(Node::Entry(key.clone()));
        let before = stored.entries.get(key).and_then(|entry| entry.mapping.doc.as_ref());
        for doc in [before, entry.mapping.doc.as_ref()].into_iter().flatten().filter(|doc| docs.contains_key(*doc)) {
            let other = groups.node(Node::Doc(doc.clone()));
            groups.join(node, other);
        }
    }
    for item in items.iter().filter(|item| entries.contains_key(&item.key())) {
        if let Some(doc) = item.doc_id.as_ref().filter(|doc| docs.contains_key(*doc)) {
            let (entry, doc) = (groups.node(Node::Entry(item.key())), groups.node(Node::Doc(doc.clone())));
            groups.join(entry, doc);
        }
    }
    docs.keys().for_each(|id| {
        groups.node(Node::Doc(id.clone()));
    });
    groups.into_effects(stored, docs, entries)
}

/// Says whether the change of `doc` changes who is who.
fn moves_identity(stored: &Stored<'_>, doc: &Doc) -> bool {
    let Some(before) = stored.docs.get(&doc.id) else { return true };
    let holder =
        |doc: &Doc| doc.sources.get(stored.integration).map(|source| (source.vendor_id.clone(), source.client.clone()));
    before.archived != doc.archived
        || holder(before) != holder(doc)
        || Identifiers::of_doc(before) != Identifiers::of_doc(doc)
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Entry(EntryKey),
    Doc(DocId),
}

/// Which changes belong together.
#[derive(Default)]
struct Groups {
    nodes: BTreeMap<Node, usize>,
    parent: Vec<usize>,
}

impl Groups {
    fn node(&mut self, node: Node) -> usize {
        let next = self.parent.len();
        let place = *self.nodes.entry(node).or_insert(next);
        if place == next {
            self.parent.push(next);
        }
        place
    }

    fn root(&self, mut place: usize) -> usize {
        while self.parent[place] != place {
            place = self.parent[place];
        }
        place
    }

    fn join(&mut self, left: usize, right: usize) {
        let (left, right) = (self.root(left), self.root(right));
        self.parent[left.max(right)] = left.min(right);
    }

    fn into_effects(
        self,
        stored: &Stored<'_>,
        mut docs: BTreeMap<DocId, Doc>,
        mut entries: BTreeMap<EntryKey, Entry>,
    ) -> Vec<Effect> {
        let mut effects: BTreeMap<usize, Effect> = BTreeMap::new();
        for (node, place) in &self.nodes {
            let effect = effects.entry(self.root(*place)).or_insert_with(|| Effect {
                docs: Vec::new(),
                entries: Vec::new(),
                moves_identity: false,
            });
            match node {
                Node::Entry(key) => effect.entries.extend(entries.remove(key)),
                Node::Doc(id) => {
                    let doc = docs.remove(id).expect("only changed records are nodes");
                    effect.moves_identity |= moves_identity(stored, &doc);
                    effect.docs.push(doc);
                }
            }
        }
        effects.into_values().collect()
    }
}
