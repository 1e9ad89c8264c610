//! Whose value wins, field by field, and by what a documentation record is known.
//!
//! The order of a field: a person's edit (also one that emptied it), then the sources, active ones before stale ones and
//! by rank of their system for the kind, ties by integration id, then what was imported. The order depends on nothing
//! that changes by itself, so two sources never take turns overwriting one another.

use std::collections::{BTreeMap, BTreeSet};

use crate::doc::{Doc, Origin, Role, Source};
use crate::ids::IntegrationId;
use crate::normal::{AddressKey, Email, Hostname, Mac, NameKey, Serial};
use crate::plan::Change;
use crate::record::{Field, Fields, Kind, Value};

/// Returns the rank of a system for a kind; the lowest wins. Devices belong to what runs on them, people and places to
/// where they are written down.
pub fn rank(kind: Kind, role: Role) -> u8 {
    match (kind == Kind::Asset, role) {
        (true, Role::Rmm) | (false, Role::Psa) => 0,
        (true, Role::Monitor) | (false, Role::Rmm) => 1,
        (true, Role::Psa) | (false, Role::Monitor) => 2,
    }
}

/// Returns the sources in the order in which their values win.
fn ranked(doc: &Doc) -> Vec<(&IntegrationId, &Source)> {
    let kind = doc.kind();
    let mut sources: Vec<_> = doc.sources.iter().collect();
    sources.sort_by_key(|(integration, source)| (source.stale, rank(kind, source.role), *integration));
    sources
}

/// Returns every field that has a value, with the value and where it comes from.
pub fn resolve(doc: &Doc) -> BTreeMap<Field, (Value, Origin)> {
    let sources = ranked(doc);
    let mut resolved = BTreeMap::new();
    for &field in Field::ALL {
        let found = match doc.edits.get(&field) {
            Some(edit) => edit.clone().map(|value| (value, Origin::Edit)),
            None => sources
                .iter()
                .find_map(|(integration, source)| {
                    source.fields.get(field).map(|value| (value.clone(), Origin::Source((*integration).clone())))
                })
                .or_else(|| doc.imported.get(field).map(|value| (value.clone(), Origin::Imported))),
        };
        if let Some(found) = found {
            resolved.insert(field, found);
        }
    }
    resolved
}

/// Returns the resolved values alone, as fields.
pub fn resolved_fields(doc: &Doc) -> Fields {
    let mut fields = Fields::default();
    for (field, (value, _)) in resolve(doc) {
        fields.set(field, value);
    }
    fields
}

/// Returns what changes in the resolved fields from `before` to `after`, in the order of the fields.
pub fn changes(before: Option<&Doc>, after: &Doc) -> Vec<Change> {
    let before = before.map(resolved_fields).unwrap_or_default();
    let after = resolved_fields(after);
    Field::ALL
        .iter()
        .filter(|&&field| before.get(field) != after.get(field))
        .map(|&field| Change { field, from: before.get(field).cloned(), to: after.get(field).cloned() })
        .collect()
}

/// Returns the sources whose name differs from the documentation's, with that name: a rename at the vendor that a person
/// may accept. Blanks and case are no difference.
pub fn drift(doc: &Doc) -> BTreeMap<IntegrationId, String> {
    let name = NameKey::parse(&doc.name).ok();
    doc.sources
        .iter()
        .filter(|(_, source)| NameKey::parse(&source.name).ok() != name)
        .map(|(integration, source)| (integration.clone(), source.name.clone()))
        .collect()
}

/// Everything by which a vendor record or a documentation record is known, in the form that is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identifiers {
    /// Serial numbers.
    pub serials: BTreeSet<Serial>,
    /// MAC addresses.
    pub macs: BTreeSet<Mac>,
    /// Host names.
    pub hostnames: BTreeSet<Hostname>,
    /// E-mail addresses.
    pub emails: BTreeSet<Email>,
    /// Street addresses.
    pub addresses: BTreeSet<AddressKey>,
    /// The name; a device is not known by it.
    pub name: Option<NameKey>,
}

impl Identifiers {
    /// Returns what a record of `kind` with this name and these fields is known by.
    pub fn of(kind: Kind, name: &str, fields: &Fields) -> Self {
        let mut known = Self::default();
        known.take(kind, fields);
        known.name = named(kind, name);
        known
    }

    /// Returns what a documentation record is known by: its resolved fields and those of all active sources, so that a
    /// device is found by the address that only its second source knows.
    pub fn of_doc(doc: &Doc) -> Self {
        let kind = doc.kind();
        let mut known = Self::default();
        known.take(kind, &resolved_fields(doc));
        doc.sources.values().filter(|source| !source.stale).for_each(|source| known.take(kind, &source.fields));
        known.name = named(kind, &doc.name);
        known
    }

    fn take(&mut self, kind: Kind, fields: &Fields) {
        match kind {
            Kind::Asset => {
                self.serials.extend(fields.text(Field::SerialNumber).and_then(|text| Serial::parse(text).ok()));
                self.macs.extend(fields.list(Field::MacAddresses).iter().filter_map(|text| Mac::parse(text).ok()));
                self.hostnames.extend(fields.text(Field::Hostname).and_then(|text| Hostname::parse(text).ok()));
            }
            Kind::Contact | Kind::User => {
                self.emails.extend(fields.text(Field::Email).and_then(|text| Email::parse(text).ok()));
            }
            Kind::Location => self.addresses.extend(AddressKey::of(fields).ok()),
            Kind::Client => {}
        }
    }
}

fn named(kind: Kind, name: &str) -> Option<NameKey> {
    if kind == Kind::Asset { None } else { NameKey::parse(name).ok() }
}

#[cfg(test)]
mod tests;
