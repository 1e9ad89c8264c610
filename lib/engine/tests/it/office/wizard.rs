//! The person who sets an integration up: adds it, takes its types, decides what they recognise.

use std::collections::BTreeSet;

use apis::call::{Secret, SecretText};
use apis::vendors;
use engine::memory::{MemorySecrets, MemoryTable};
use engine::ports::{Secrets, Table};
use engine::store::catalogue::{self, Shelf};
use engine::store::entries;
use engine::store::integrations::{self, Integration, IntegrationState};
use jiff::Timestamp;
use reconcile::doc::Doc;
use reconcile::ids::{DocId, IntegrationId, Scope};
use reconcile::mapping::{Decision, State};
use reconcile::normal::NameKey;
use reconcile::record::{Activity, Field, Kind};
use sandbox::world::{Client, System};
use sandbox::{Listing, World};

/// Returns the integration with a vendor as it is when its kinds are chosen, with its secret.
pub fn integration(listing: &Listing, now: Timestamp) -> (Integration, Secret) {
    let vendor = vendors::find(listing.vendor).expect("a simulated vendor is one of ours");
    let id = IntegrationId::parse(vendor.id).expect("a vendor's id is a slug");
    let settings = listing.settings.iter().map(|(name, text)| ((*name).to_owned(), text.clone()));
    let added = Integration {
        state: IntegrationState::Configured,
        sync: vendor.kinds.iter().copied().collect(),
        auto_create: vendor.kinds.iter().copied().filter(|kind| kind.is_below_client()).collect(),
        ..Integration::draft(id, vendor, settings.collect(), now)
    };
    let parts = listing.secret.iter().map(|(name, text)| ((*name).to_owned(), SecretText::new(text)));
    (added, Secret(parts.collect()))
}

/// Stores a new integration with its secret.
pub async fn add(table: &MemoryTable, secrets: &MemorySecrets, mut added: Integration, secret: &Secret) {
    secrets.propose(&added.id, secret).await.expect("memory never fails");
    secrets.promote(&added.id).await.expect("memory never fails");
    integrations::save(table, &mut added).await.expect("memory never fails");
}

/// Returns what the documentation has of its own: every client and user by name, a user with their address, too.
pub fn documentation(world: &World) -> Vec<Doc> {
    let clients = world.clients.iter().map(|client| (Kind::Client, client.name_in(System::Rmm), client.number.0, None));
    let users = world.users.iter().filter(|user| !user.is_api_only);
    let users = users.map(|user| (Kind::User, user.full_name(), user.number.0, user.email.clone()));
    let doc = |(kind, name, number, email): (Kind, String, u64, Option<String>)| {
        let number = usize::try_from(number).expect("a world is small");
        let mut doc = Doc::new(DocId::imported(kind, None, &name, number), &name);
        if let Some(email) = email {
            doc.imported.set_text(Field::Email, &email);
        }
        doc
    };
    clients.chain(users).map(doc).collect()
}

/// Writes a record as a person does: that moves the shelf, so that nobody commits on what they saw before, and the
/// catalogue's epoch, so that every next read looks again.
pub async fn put(table: &MemoryTable, doc: &Doc) {
    let shelf = Shelf::of(&doc.id);
    let version = catalogue::load_shelf(table, &shelf).await.expect("readable").version;
    let writes = vec![catalogue::write(doc), catalogue::move_version(&shelf, version)];
    table.transact(writes).await.expect("nobody is in between");
    catalogue::move_epoch(table).await.expect("memory never fails");
}

/// Writes those of `docs` that the documentation does not have.
pub async fn document(table: &MemoryTable, docs: Vec<Doc>) {
    for doc in docs {
        if catalogue::load(table, &doc.id).await.expect("readable").is_none() {
            put(table, &doc).await;
        }
    }
}

/// Chooses every configuration type that an asset was read with, beside those that are chosen already.
pub async fn take_all_types(table: &MemoryTable, id: &IntegrationId) {
    let known = integrations::load(table, id).await.expect("readable").expect("it was added");
    let Some(chosen) = known.types else { return };
    let mut types = BTreeSet::new();
    for client in entries::client_ids(table, id).await.expect("readable") {
        let all = entries::load_scope(table, id, &Scope::Client(client)).await.expect("readable");
        let assets = all.into_iter().filter(|((kind, _), _)| *kind == Kind::Asset);
        types.extend(assets.filter_map(|(_, entry)| entry.record.class).map(|class| class.id));
    }
    if types.is_subset(&chosen) {
        return;
    }
    types.extend(chosen);
    let changed = integrations::update(table, id, |known| {
        known.types = Some(types.clone());
        known.epoch += 1;
    });
    changed.await.expect("memory never fails");
}

/// Stages a match with the documentation for every client and user that is still unmatched and that a person would
/// recognise. `documented` says by which name the documentation has a client.
pub async fn decide(table: &MemoryTable, id: &IntegrationId, documented: &impl Fn(&str) -> String) {
    for (scope, kind, shelf) in
        [(Scope::Clients, Kind::Client, Shelf::Clients), (Scope::Users, Kind::User, Shelf::Users)]
    {
        let docs = catalogue::load_shelf(table, &shelf).await.expect("readable").docs;
        let mut staged = 0;
        for (_, mut entry) in entries::load_scope(table, id, &scope).await.expect("readable") {
            let record = &entry.record;
            let is_open = entry.mapping.state == State::Unmatched && entry.mapping.staged.is_none();
            if !is_open || entry.absent.is_some() || record.activity == Activity::Inactive || record.class.is_some() {
                continue;
            }
            let is_it = |doc: &&Doc| match record.fields.text(Field::Email) {
                Some(email) if kind == Kind::User => doc.imported.text(Field::Email) == Some(email),
                _ => key(&doc.name) == key(&documented(&record.name)),
            };
            let mut found = docs.values().filter(is_it);
            if let (Some(doc), None) = (found.next(), found.next()) {
                entry.mapping.staged = Some(Decision::Match(doc.id.clone()));
                table.write(entries::write(id, &entry)).await.expect("memory never fails");
                staged += 1;
            }
        }
        if staged > 0 {
            entries::note_staged(table, id, &scope).await.expect("memory never fails");
        }
    }
}

fn key(name: &str) -> Option<NameKey> {
    NameKey::parse(name).ok()
}

/// Returns the documentation's name of what a vendor calls so: a client has other names in other systems, and in one that
/// knows none it is called by its slug.
pub fn documented(world: &World, name: &str) -> String {
    let systems = [System::Network, System::Rmm, System::Psa];
    let is_it = |client: &&Client| {
        client.slug == name || systems.iter().any(|system| key(&client.name_in(*system)) == key(name))
    };
    let found = world.clients.iter().find(is_it);
    found.map_or_else(|| name.to_owned(), |client| client.name_in(System::Rmm))
}
