//! Worlds as text, for tests: a world in, its plan out, both as a person would write them down.
//!
//! ```text
//! run complete=asset auto=asset            options of the run; without the line everything is read and created
//! asset 17 "FS01" serial=ABC host=fs01     a vendor record of the integration that is planned for
//! doc asset d1 "FS01" serial=ABC           a documentation record with imported values
//!   source auvik 9 monitor host=fs01       what another integration says in it
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use expect_test::Expect;

use crate::doc::{Doc, Role, Source};
use crate::ids::{DocId, IntegrationId, RecordKey, RunId, Scope, VendorId};
use crate::lint::lint;
use crate::mapping::{Absence, Decision, Entry, State};
use crate::plan::{Action, Effect, EntryKey, Policy, Purpose, ScopePlan, Standing, World, effects, plan};
use crate::record::{Activity, Class, Field, Fields, Kind, Value, VendorRecord};

/// A world that owns what [`World`] borrows.
#[derive(Debug, Clone)]
pub(crate) struct OwnedWorld {
    pub(crate) integration: IntegrationId,
    pub(crate) role: Role,
    pub(crate) scope: Scope,
    pub(crate) purpose: Purpose,
    pub(crate) standing: Standing,
    pub(crate) policy: Policy,
    pub(crate) complete: BTreeSet<Kind>,
    pub(crate) entries: BTreeMap<EntryKey, Entry>,
    pub(crate) docs: BTreeMap<DocId, Doc>,
    names: BTreeMap<DocId, String>,
}

/// The client that worlds below a client are about.
pub(crate) fn acme() -> DocId {
    DocId::imported(Kind::Client, None, "acme", 0)
}

pub(crate) fn doc_id(kind: Kind, client: &DocId, alias: &str) -> DocId {
    DocId::imported(kind, kind.is_below_client().then_some(client), alias, 0)
}

impl OwnedWorld {
    pub(crate) fn borrow(&self) -> World<'_> {
        World {
            integration: &self.integration,
            role: self.role,
            scope: &self.scope,
            purpose: &self.purpose,
            standing: &self.standing,
            policy: &self.policy,
            complete: &self.complete,
            entries: &self.entries,
            docs: &self.docs,
            docs_version: 1,
        }
    }

    /// Makes a world without records, below `acme`.
    pub(crate) fn empty() -> Self {
        let integration = IntegrationId::parse("rmm").unwrap();
        Self {
            role: Role::Rmm,
            scope: Scope::Client(VendorId::parse("4").unwrap()),
            purpose: Purpose::Run(RunId::new(&integration, "1")),
            standing: Standing::Mapped(acme()),
            policy: Policy {
                sync: Kind::ALL.into(),
                auto_create: [Kind::Asset, Kind::Contact, Kind::Location].into(),
                ..Policy::default()
            },
            complete: Kind::ALL.into(),
            entries: BTreeMap::new(),
            docs: BTreeMap::new(),
            names: BTreeMap::new(),
            integration,
        }
    }

    pub(crate) fn parse(text: &str) -> Self {
        let mut world = Self::empty();
        let mut last_doc = None;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words = split(line);
            match words[0].as_str() {
                "run" | "finish" => world.options(&words),
                "doc" => last_doc = Some(world.doc(&words[1..])),
                "source" => world.source(last_doc.as_ref().expect("a source follows a doc"), &words[1..]),
                "edit" => world.edit(last_doc.as_ref().expect("an edit follows a doc"), &words[1..]),
                _ => world.entry(&words),
            }
        }
        for entry in world.entries.clone().values() {
            world.attach(entry);
        }
        world
    }

    fn options(&mut self, words: &[String]) {
        if words[0] == "finish" {
            self.purpose = Purpose::Finish;
            self.complete.clear();
        }
        let kinds = |text: &str| -> BTreeSet<Kind> { text.split(',').filter_map(Kind::from_code).collect() };
        for word in &words[1..] {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            match key {
                "complete" => self.complete = kinds(value),
                "auto" => self.policy.auto_create = kinds(value),
                "first" => self.policy.first_sync = kinds(value),
                "sync" => self.policy.sync = kinds(value),
                "types" => self.policy.asset_types = Some(value.split(',').map(str::to_owned).collect()),
                "companies" => self.policy.company_types = value.split(',').map(str::to_owned).collect(),
                "archive" => self.policy.archive_stale = true,
                "role" => self.role = role(value),
                "client" => {
                    self.standing = match value {
                        "unmatched" => Standing::Unmatched,
                        "excluded" => Standing::Excluded,
                        alias => Standing::Mapped(DocId::imported(Kind::Client, None, alias, 0)),
                    }
                }
                _ => panic!("no option {key}"),
            }
        }
    }

    fn client(&self) -> DocId {
        self.standing.client().cloned().unwrap_or_else(acme)
    }

    fn doc(&mut self, words: &[String]) -> DocId {
        let kind = Kind::from_code(&words[0]).expect("a kind follows doc");
        let id = match words[1].strip_prefix("new:") {
            Some(vendor_id) => self.created(kind, vendor_id),
            None => doc_id(kind, &self.client(), &words[1]),
        };
        let mut doc = Doc::new(id.clone(), &words[2]);
        doc.version = 1;
        for word in &words[3..] {
            match word.as_str() {
                "archived" => doc.archived = true,
                "shelved" => (doc.archived, doc.archived_when_stale) = (true, true),
                "unshelved" => doc.archived_when_stale = true,
                word => set(&mut doc.imported, word),
            }
        }
        self.names.insert(id.clone(), words[1].clone());
        self.docs.insert(id.clone(), doc);
        id
    }

    pub(crate) fn created(&self, kind: Kind, vendor_id: &str) -> DocId {
        let vendor_id = VendorId::parse(vendor_id).unwrap();
        let key = RecordKey { integration: self.integration.clone(), kind, vendor_id };
        DocId::created(&key, kind.is_below_client().then_some(&self.client()))
    }

    fn source(&mut self, doc: &DocId, words: &[String]) {
        let doc = self.docs.get_mut(doc).unwrap();
        let mut source = Source {
            vendor_id: VendorId::parse(&words[1]).unwrap(),
            client: doc.kind().is_below_client().then(|| VendorId::parse("4").unwrap()),
            role: role(&words[2]),
            name: doc.name.clone(),
            fields: Fields::default(),
            stale: false,
        };
        for word in &words[3..] {
            match word.split_once('=') {
                None => source.stale = true,
                Some(("name", name)) => source.name = name.to_owned(),
                _ => set(&mut source.fields, word),
            }
        }
        doc.sources.insert(IntegrationId::parse(&words[0]).unwrap(), source);
    }

    fn edit(&mut self, doc: &DocId, words: &[String]) {
        let doc = self.docs.get_mut(doc).unwrap();
        for word in words {
            let mut fields = Fields::default();
            set(&mut fields, word);
            let field = field(word.split_once('=').unwrap().0);
            doc.edits.insert(field, fields.get(field).cloned());
        }
    }

    fn entry(&mut self, words: &[String]) {
        let kind = Kind::from_code(&words[0]).unwrap_or_else(|| panic!("no kind {}", words[0]));
        self.scope = Scope::of(kind, Some(&VendorId::parse("4").unwrap())).unwrap();
        if !kind.is_below_client() {
            self.standing = Standing::Top;
        }
        let mut entry = Entry::new(VendorRecord {
            kind,
            vendor_id: VendorId::parse(&words[1]).unwrap(),
            client: kind.is_below_client().then(|| VendorId::parse("4").unwrap()),
            name: words[2].clone(),
            fields: Fields::default(),
            class: None,
            activity: Activity::Active,
            malformed: None,
        });
        entry.version = 1;
        for word in &words[3..] {
            self.entry_word(&mut entry, kind, word);
        }
        self.entries.insert((kind, entry.record.vendor_id.clone()), entry);
    }

    fn entry_word(&self, entry: &mut Entry, kind: Kind, word: &str) {
        let target = |alias: &str| match alias.split_once('/') {
            Some((client, alias)) => doc_id(kind, &DocId::imported(Kind::Client, None, client, 0), alias),
            None if alias.starts_with("new:") => self.created(kind, &alias[4..]),
            None => doc_id(kind, &self.client(), alias),
        };
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let run = |instant| RunId::new(&self.integration, instant);
        match key {
            "matched" | "created" => {
                entry.mapping.state = State::from_code(key).unwrap();
                entry.mapping.doc = Some(target(value));
            }
            "excluded" => entry.mapping.state = State::Excluded,
            "stage" => {
                entry.mapping.staged = Some(match value.split_once(':') {
                    Some(("match", alias)) => Decision::Match(target(alias)),
                    _ if value == "create" => Decision::Create,
                    _ if value == "exclude" => Decision::Exclude,
                    _ => Decision::Reset,
                });
            }
            "absent" => entry.absent = Some(Absence { run: run("1"), certain: true, counted: false }),
            "counted" => entry.absent = Some(Absence { run: run("1"), certain: true, counted: true }),
            "unseen" => entry.absent = Some(Absence { run: run("1"), certain: false, counted: false }),
            "earlier" => entry.absent = Some(Absence { run: run("0"), certain: true, counted: true }),
            "missed" => entry.mapping.missed = value.parse().unwrap(),
            "reason" => entry.mapping.reason = crate::reason::Reason::from_code(value),
            "new" => entry.is_new = true,
            "copies" => entry.copies = value.parse().unwrap(),
            "inactive" => entry.record.activity = Activity::Inactive,
            "class" => entry.record.class = Some(Class { id: value.to_owned(), name: format!("class {value}") }),
            "malformed" => entry.record.malformed = Some(value.to_owned()),
            _ => set(&mut entry.record.fields, word),
        }
    }

    /// Lets the documentation record of a mapped entry say what the entry says, unless the text gave it something else.
    fn attach(&mut self, entry: &Entry) {
        let source = self.borrow().source_of(entry);
        if let Some(doc) = entry.mapping.doc.as_ref().and_then(|doc| self.docs.get_mut(doc)) {
            doc.sources.entry(self.integration.clone()).or_insert(source);
        }
    }

    /// Carries effects out, as the store would.
    pub(crate) fn apply(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            for mut doc in effect.docs {
                doc.version += 1;
                self.docs.insert(doc.id.clone(), doc);
            }
            for mut entry in effect.entries {
                entry.version += 1;
                self.entries.insert((entry.record.kind, entry.record.vendor_id.clone()), entry);
            }
        }
    }

    /// Returns how a documentation record is called in the text.
    pub(crate) fn alias(&self, id: &DocId) -> String {
        if let Some(name) = self.names.get(id) {
            return name.clone();
        }
        let own = self.entries.values().find(|entry| {
            self.created(entry.record.kind, entry.record.vendor_id.as_str()) == *id && entry.record.kind == id.kind()
        });
        own.map_or_else(|| id.to_string(), |entry| format!("new:{}", entry.record.vendor_id))
    }

    pub(crate) fn render(&self, plan: &ScopePlan) -> String {
        let mut out = String::new();
        for item in &plan.items {
            let action = format!("{:?}", item.action).to_lowercase();
            write!(out, "{action} {} {} {:?}", item.kind, item.vendor_id, item.name).unwrap();
            if let Some(doc) = &item.doc_id {
                write!(out, " -> {}", self.alias(doc)).unwrap();
            }
            if let Some(rule) = item.rule {
                write!(out, " by {rule:?}").unwrap();
            }
            for change in &item.changes {
                let show = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
                write!(out, "; {} {} => {}", change.field, show(&change.from), show(&change.to)).unwrap();
            }
            out.push('\n');
        }
        for left in &plan.unsynced {
            let candidates: Vec<String> = left.candidates.iter().map(|doc| self.alias(doc)).collect();
            let candidates =
                if candidates.is_empty() { String::new() } else { format!(" ({})", sorted(candidates).join(", ")) };
            writeln!(out, "{} {}: {}{candidates}", left.kind, left.vendor_id, left.reason).unwrap();
        }
        if !plan.settled && matches!(self.purpose, Purpose::Run(_)) {
            out.push_str("not settled\n");
        }
        out
    }
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

fn role(text: &str) -> Role {
    match text {
        "rmm" => Role::Rmm,
        "monitor" => Role::Monitor,
        "psa" => Role::Psa,
        _ => panic!("no role {text}"),
    }
}

fn field(key: &str) -> Field {
    match key {
        "serial" => Field::SerialNumber,
        "mac" => Field::MacAddresses,
        "host" => Field::Hostname,
        key => Field::from_code(key).unwrap_or_else(|| panic!("no field {key}")),
    }
}

/// Sets `serial=ABC` or `mac=aa,bb`. A MAC may be written as one letter.
fn set(fields: &mut Fields, word: &str) {
    let (key, value) = word.split_once('=').unwrap_or_else(|| panic!("{word:?} is no field"));
    match field(key) {
        Field::MacAddresses => fields.set_list(Field::MacAddresses, value.split(',').map(mac)),
        list if list.is_list() => fields.set_list(list, value.split(',')),
        text => fields.set_text(text, value),
    }
}

fn mac(text: &str) -> String {
    if text.len() == 1 { format!("00:1A:00:00:00:{:02X}", text.as_bytes()[0]) } else { text.to_owned() }
}

fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut is_quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            letter => word.push(letter),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Plans a world, checks every law that holds for any plan, and returns the plan with the world it leads to.
///
/// Planning again finds nothing to do, except where what goes stale or is archived makes room for a record that waited for
/// it, or where a user's new address tells others apart: such a plan is not settled, and a few more runs come to rest.
pub(crate) fn planned(world: &OwnedWorld) -> (ScopePlan, OwnedWorld) {
    let made = plan(&world.borrow());
    assert_eq!(lint(&world.borrow(), &made), Vec::<String>::new(), "{world:#?}\n{made:#?}");
    assert_eq!(plan(&world.borrow()), made, "the same world gives the same plan");
    let steps = effects(&world.borrow(), &made);
    assert!(steps.iter().all(|step| step.docs.len() + step.entries.len() > 0), "no effect is empty");
    let mut after = world.clone();
    after.apply(steps.clone());
    assert_eq!(effects(&after.borrow(), &made), [], "carrying out twice is the same as once\n{world:#?}\n{made:#?}");
    // What is archived or restored changes whom others may be taken for, so there the order of the steps shows; it must
    // still come to rest, with nothing made twice.
    let moves_others = |item: &crate::plan::Item| {
        matches!(item.action, Action::Stale | Action::Archive | Action::Return)
            || item.before.archived_when_stale
            || item.kind == Kind::User && item.action == Action::Update
    };
    let again = plan(&after.borrow());
    let rest = at_rest(after.clone());
    if again.items.is_empty() && effects(&after.borrow(), &again).is_empty() {
        assert_eq!(content(&rest), content(&after));
    } else {
        let may_go_on = made.items.iter().any(moves_others) && !made.settled;
        assert!(may_go_on, "planning again finds more\n{}then\n{}", world.render(&made), after.render(&again));
    }
    let mut halfway = world.clone();
    halfway.apply(steps.into_iter().step_by(2).collect());
    let halfway = at_rest(halfway);
    if made.items.iter().any(moves_others) {
        assert!(halfway.docs.len() <= rest.docs.len(), "going on after a crash half-way makes something twice");
    } else {
        assert_eq!(content(&halfway), content(&rest), "going on after a crash half-way leads to the same");
    }
    (made, after)
}

/// Runs until nothing is left to do.
fn at_rest(mut world: OwnedWorld) -> OwnedWorld {
    for _ in 0..4 {
        let made = plan(&world.borrow());
        let steps = effects(&world.borrow(), &made);
        if made.items.is_empty() && steps.is_empty() {
            return world;
        }
        world.apply(steps);
    }
    panic!("it does not come to rest\n{world:#?}");
}

/// Returns what is stored, without versions.
pub(crate) fn content(world: &OwnedWorld) -> (Vec<Entry>, Vec<Doc>) {
    let entries = world.entries.values().map(|entry| Entry { version: 0, ..entry.clone() }).collect();
    (entries, world.docs.values().map(|doc| Doc { version: 0, ..doc.clone() }).collect())
}

/// Compares the plan of a world with the expected one.
pub(crate) fn check(text: &str, expected: Expect) -> OwnedWorld {
    let world = OwnedWorld::parse(text);
    let (made, after) = planned(&world);
    expected.assert_eq(&world.render(&made));
    after
}
