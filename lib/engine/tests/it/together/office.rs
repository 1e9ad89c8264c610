//! An MSP with every vendor, and the person who sets the integrations up.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use apis::account::Surroundings;
use apis::call::{Call, Reply, Secret, SecretText};
use apis::feed::Vendor;
use apis::vendors;
use engine::finishing::{Finished, finish};
use engine::life::Holder;
use engine::memory::{FnTransport, ManualClock, MemoryQueue, MemorySecrets, MemoryTable};
use engine::ports::{Clock, Secrets, SendError, Table};
use engine::store::catalogue::{self, Shelf};
use engine::store::entries;
use engine::store::integrations::{self, Integration, IntegrationState};
use engine::store::runs::RunRecord;
use engine::syncing::{Synced, sync};
use engine::watch::Unwatched;
use jiff::Timestamp;
use reconcile::doc::{Doc, Role};
use reconcile::ids::{DocId, IntegrationId, Scope};
use reconcile::mapping::Decision;
use reconcile::normal::NameKey;
use reconcile::record::{Activity, Field, Kind};
use reconcile::run::{Outcome, Trigger};
use sandbox::world::{PLACEHOLDER_SERIALS, System};
use sandbox::{Listing, Vendors, World};

use super::shelf::{self, Shown};

/// All that the syncs of one MSP need.
pub struct Office {
    pub table: MemoryTable,
    queue: MemoryQueue,
    secrets: MemorySecrets,
    clock: ManualClock,
    pub vendors: Vendors,
    listings: Vec<Listing>,
}

impl Office {
    /// Makes an office whose documentation knows every client and user by name, and has nothing from a vendor yet.
    pub async fn new(world: World) -> Self {
        let vendors = Vendors::new(world);
        let office = Self {
            table: MemoryTable::new(),
            queue: MemoryQueue::new(),
            secrets: MemorySecrets::new(),
            clock: ManualClock::new("2026-11-20T20:00:00Z".parse::<Timestamp>().expect("an instant")),
            listings: vendors.listings(),
            vendors,
        };
        let world = office.vendors.world.read().clone();
        let clients = world.clients.iter().map(|client| (Kind::Client, client.name_in(System::Rmm), None));
        let users = world.users.iter().filter(|user| !user.is_api_only);
        let users = users.map(|user| (Kind::User, user.full_name(), user.email.clone()));
        for (nth, (kind, name, email)) in clients.chain(users).enumerate() {
            let mut doc = Doc::new(DocId::imported(kind, None, &name, nth), &name);
            if let Some(email) = email {
                doc.imported.set_text(Field::Email, &email);
            }
            let shelf = Shelf::of(&doc.id);
            let version = catalogue::load_shelf(&office.table, &shelf).await.expect("readable").version;
            let writes = vec![catalogue::write(&doc), catalogue::move_version(&shelf, version)];
            office.table.transact(writes).await.expect("nobody is in between");
        }
        office
    }

    /// Returns how many vendors there are.
    pub fn count(&self) -> usize {
        self.listings.len()
    }

    /// Returns the id of the integration with a vendor.
    pub fn integration(&self, which: usize) -> IntegrationId {
        IntegrationId::parse(self.listings[which].vendor).expect("a vendor's id is a slug")
    }

    /// Returns the first vendor of a sort.
    pub fn first_of(&self, sort: System) -> usize {
        let is_it = |listing: &Listing| vendors::find(listing.vendor).is_some_and(|vendor| system(vendor) == sort);
        self.listings.iter().position(is_it).expect("there is a vendor of each sort")
    }

    /// Lets a night pass in which devices change.
    pub fn night(&self, nth: u64) {
        self.vendors.world.change(|world| world.night(nth, 5.0));
    }

    /// Lets a day pass for everybody.
    pub fn pass_a_day(&self) {
        self.vendors.world.change(|world| world.night(99, 0.0));
        self.clock.advance(Duration::from_secs(24 * 3600));
    }

    /// Sets an integration up: reads it, takes all types, decides about clients and users, finishes, and syncs once.
    pub async fn set_up(&self, which: usize) {
        self.add(which).await;
        assert_eq!(self.run(which, Trigger::Manual).await.run.trigger, Trigger::Setup);
        self.take_all_types(which).await;
        for (scope, kind) in [(Scope::Clients, Kind::Client), (Scope::Users, Kind::User)] {
            self.decide(which, &scope, kind).await;
        }
        let known = self.known(which).await;
        let finished = finish(&known, None, &self.table, &self.clock).await.expect("nothing fails here");
        assert!(matches!(finished, Finished::Done { .. }), "{finished:?}");
        self.sync(which).await;
    }

    async fn add(&self, which: usize) {
        let (listing, id) = (&self.listings[which], self.integration(which));
        let parts = listing.secret.iter().map(|(name, text)| ((*name).to_owned(), SecretText::new(text)));
        self.secrets.propose(&id, &Secret(parts.collect())).await.expect("memory never fails");
        self.secrets.promote(&id).await.expect("memory never fails");
        let vendor = vendors::find(listing.vendor).expect("a simulated vendor is one of ours");
        let settings = listing.settings.iter().map(|(name, text)| ((*name).to_owned(), text.clone()));
        let mut added = Integration {
            state: IntegrationState::Configured,
            sync: vendor.kinds.iter().copied().collect(),
            auto_create: vendor.kinds.iter().copied().filter(|kind| kind.is_below_client()).collect(),
            ..Integration::draft(id, vendor, settings.collect(), self.clock.now())
        };
        integrations::save(&self.table, &mut added).await.expect("memory never fails");
    }

    async fn known(&self, which: usize) -> Integration {
        let loaded = integrations::load(&self.table, &self.integration(which)).await;
        loaded.expect("readable").expect("it was added")
    }

    /// Chooses every configuration type that an asset was read with.
    async fn take_all_types(&self, which: usize) {
        let id = self.integration(which);
        if self.known(which).await.types.is_none() {
            return;
        }
        let mut types = BTreeSet::new();
        for client in entries::client_ids(&self.table, &id).await.expect("readable") {
            let scope = Scope::Client(client);
            let all = entries::load_scope(&self.table, &id, &scope).await.expect("readable");
            let assets = all.into_iter().filter(|((kind, _), _)| *kind == Kind::Asset);
            types.extend(assets.filter_map(|(_, entry)| entry.record.class).map(|class| class.id));
        }
        assert!(!types.is_empty(), "{id} shows no types");
        let changed = integrations::update(&self.table, &id, |known| {
            known.types = Some(types.clone());
            known.epoch += 1;
        });
        changed.await.expect("memory never fails");
    }

    /// Stages a match with the documentation for every record that a person would recognise.
    async fn decide(&self, which: usize, scope: &Scope, kind: Kind) {
        let id = self.integration(which);
        let world = self.vendors.world.read().clone();
        let shelf = if kind == Kind::Client { Shelf::Clients } else { Shelf::Users };
        let docs = catalogue::load_shelf(&self.table, &shelf).await.expect("readable").docs;
        let mut staged = 0;
        for (_, mut entry) in entries::load_scope(&self.table, &id, scope).await.expect("readable") {
            let record = &entry.record;
            if record.activity == Activity::Inactive || record.class.is_some() {
                continue;
            }
            let is_it = |doc: &&Doc| match record.fields.text(Field::Email) {
                Some(email) if kind == Kind::User => doc.imported.text(Field::Email) == Some(email),
                _ => key(&doc.name) == key(&documented(&world, &record.name)),
            };
            let mut found = docs.values().filter(is_it);
            if let (Some(doc), None) = (found.next(), found.next()) {
                entry.mapping.staged = Some(Decision::Match(doc.id.clone()));
                self.table.write(entries::write(&id, &entry)).await.expect("memory never fails");
                staged += 1;
            }
        }
        if staged > 0 {
            entries::note_staged(&self.table, &id, scope).await.expect("memory never fails");
        }
    }

    /// Syncs an integration once and returns how many records it created, matched or updated.
    pub async fn sync(&self, which: usize) -> u64 {
        let run = self.run(which, Trigger::Manual).await;
        assert_eq!(run.run.outcome(), Some(Outcome::Complete), "{}: {:?}", self.integration(which), run.log);
        assert!(run.counts.values().all(|counts| counts.adds_up()), "{:?}", run.counts);
        run.counts.values().map(|counts| counts.created + counts.matched + counts.updated).sum()
    }

    /// Syncs an integration once and returns the run.
    pub async fn run(&self, which: usize, trigger: Trigger) -> RunRecord {
        let vendors = self.vendors.clone();
        let transport = FnTransport::new(move |call: &Call| -> Result<Reply, SendError> {
            Ok(vendors.answer(call).expect("calls go to the listed addresses only"))
        });
        let holder = Holder { name: "test".to_owned(), gone_after: Duration::ZERO };
        let surroundings = Surroundings { allow_loopback: true };
        self.clock.advance(Duration::from_secs(3600));
        let id = self.integration(which);
        let synced = sync(
            &id,
            trigger,
            &holder,
            &surroundings,
            &self.table,
            &self.queue,
            &transport,
            &self.secrets,
            &self.clock,
            &Unwatched,
        );
        match synced.await.expect("nothing fails here") {
            Synced::Ran(record) => *record,
            other => panic!("the sync did not run: {other:?}"),
        }
    }

    /// Returns every document.
    pub async fn catalogue(&self) -> BTreeMap<DocId, Doc> {
        shelf::load(&self.table).await
    }
}

fn key(name: &str) -> Option<NameKey> {
    NameKey::parse(name).ok()
}

/// Returns the documentation's name of what a vendor calls so: a client has other names in other systems, and in one that
/// knows none it is called by its slug.
fn documented(world: &World, name: &str) -> String {
    let systems = [System::Network, System::Rmm, System::Psa];
    let is_it = |client: &&sandbox::world::Client| {
        client.slug == name || systems.iter().any(|system| key(&client.name_in(*system)) == key(name))
    };
    let found = world.clients.iter().find(is_it);
    found.map_or_else(|| name.to_owned(), |client| client.name_in(System::Rmm))
}

/// Takes contradictions out of a world: no serial number, host name or MAC address that two devices share, and nothing
/// written down wrongly.
pub fn make_consistent(world: &mut World) {
    for client in &mut world.clients {
        let (mut serials, mut names, mut macs) = (HashSet::new(), HashSet::new(), HashMap::new());
        for device in &mut client.devices {
            if device.serial.as_ref().is_some_and(|text| !is_placeholder(text) && !serials.insert(text.clone())) {
                device.serial = None;
            }
            if device.written_serial.is_some() {
                device.written_serial.clone_from(&device.serial);
            }
            if device.name.as_ref().is_some_and(|text| !names.insert(text.clone())) {
                device.name = None;
            }
            let number = device.number;
            device
                .interfaces
                .retain(|interface| interface.mac.is_none_or(|mac| *macs.entry(mac).or_insert(number) == number));
        }
    }
}

fn is_placeholder(text: &str) -> bool {
    PLACEHOLDER_SERIALS.contains(&text)
}

/// Checks that each device with a serial number of its own is one document, with a source for every system that sees it;
/// returns how many those are.
pub fn each_device_is_one_document_of_all_that_see_it(world: &World, shown: &[Shown]) -> usize {
    let mut seen = 0;
    for device in world.clients.iter().flat_map(|client| &client.devices) {
        let Some(serial) = device.serial.as_deref().filter(|serial| !is_placeholder(serial)) else { continue };
        let value = format!("serial_number = {serial} (");
        let has = |doc: &&Shown| doc.fields.iter().any(|field| field.starts_with(&value));
        let mut found = shown.iter().filter(|doc| doc.kind == Kind::Asset).filter(has);
        let doc = found.next().unwrap_or_else(|| panic!("{serial} is in no document"));
        assert!(found.next().is_none(), "{serial} stands in two documents");
        // What a service desk knows neither by name nor by a number may be nobody's there.
        let is_known = |system| match system {
            System::Psa => device.is_seen_by(system) && (device.name.is_some() || device.written_serial.is_some()),
            System::Network | System::Rmm => device.is_seen_by(system),
        };
        for vendor in vendors::ALL.iter().filter(|vendor| is_known(system(vendor))) {
            let source = format!("{} ", vendor.id);
            assert!(doc.sources.iter().any(|of| of.starts_with(&source)), "{serial}: {} sees it: {doc:#?}", vendor.id);
        }
        seen += 1;
    }
    seen
}

/// The sort of system that a vendor is, as the world has it.
fn system(vendor: &Vendor) -> System {
    match vendor.role {
        Role::Monitor => System::Network,
        Role::Rmm => System::Rmm,
        Role::Psa => System::Psa,
    }
}
