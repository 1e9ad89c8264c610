//! Whether a vendor record may be in the documentation at all, as far as the record, its decision and its client say.
//!
//! The first of these that holds is the reason, so that a record always has one and the same:
//!
//! 1. `malformed_record`: nothing else in the row can be relied on;
//! 2. `kind_off`: the operator does not want the kind;
//! 3. `excluded`: a person said so of this very record;
//! 4. `inactive_at_vendor`, 5. `type_not_selected`, 6. `missing_identifier`: what the record itself says;
//! 7. `duplicate_at_vendor`: the read brought the id more than once, so nobody knows which of them is true;
//! 8. `client_excluded`, `client_unmatched`: what would sync if its client did.
//!
//! A record that is mapped and is not eligible keeps its mapping and its values; it is neither updated nor stale.

use crate::mapping::{Entry, State};
use crate::normal::{Hostname, Mac, Serial};
use crate::plan::{Policy, Standing};
use crate::reason::Reason;
use crate::record::{Activity, Field, Fields, Kind, VendorRecord};

/// Returns the first reason for which the entry stays out, if there is one. The order is that of the module.
pub fn check(entry: &Entry, policy: &Policy, standing: &Standing) -> Result<(), Reason> {
    let record = &entry.record;
    if record.malformed.is_some() {
        return Err(Reason::MalformedRecord);
    }
    if !policy.sync.contains(&record.kind) {
        return Err(Reason::KindOff);
    }
    if entry.mapping.state == State::Excluded {
        return Err(Reason::Excluded);
    }
    wanted(entry, policy, standing)
}

/// Returns the first reason for which a person cannot have the entry matched or created: as [`check`], but an exclusion
/// does not stand in the way.
pub fn check_decided(entry: &Entry, policy: &Policy, standing: &Standing) -> Result<(), Reason> {
    match check(entry, policy, standing) {
        Err(Reason::Excluded) => wanted(entry, policy, standing),
        checked => checked,
    }
}

fn wanted(entry: &Entry, policy: &Policy, standing: &Standing) -> Result<(), Reason> {
    let record = &entry.record;
    if record.activity == Activity::Inactive {
        return Err(Reason::InactiveAtVendor);
    }
    if !is_type_selected(record, policy) {
        return Err(Reason::TypeNotSelected);
    }
    if record.kind == Kind::Asset && !is_identified(&record.fields) {
        return Err(Reason::MissingIdentifier);
    }
    if entry.copies > 1 {
        return Err(Reason::DuplicateAtVendor);
    }
    match standing {
        Standing::Top | Standing::Mapped(_) => Ok(()),
        Standing::Excluded => Err(Reason::ClientExcluded),
        Standing::Unmatched => Err(Reason::ClientUnmatched),
    }
}

/// Says whether the operator takes in the record's class. An asset without a class at a vendor that has classes to choose
/// is of no chosen type; a client carries a class only where the vendor says that it is no customer.
fn is_type_selected(record: &VendorRecord, policy: &Policy) -> bool {
    match (record.kind, &policy.asset_types, &record.class) {
        (Kind::Asset, Some(types), Some(class)) => types.contains(&class.id),
        (Kind::Asset, Some(_), None) => false,
        (Kind::Client, _, Some(class)) => {
            policy.company_types.contains(&class.id) || policy.company_types.contains(&class.name)
        }
        _ => true,
    }
}

/// Says whether a device has at least one host name, serial number or MAC address that is no placeholder.
pub fn is_identified(fields: &Fields) -> bool {
    fields.text(Field::SerialNumber).is_some_and(|text| Serial::parse(text).is_ok())
        || fields.text(Field::Hostname).is_some_and(|text| Hostname::parse(text).is_ok())
        || fields.list(Field::MacAddresses).iter().any(|text| Mac::parse(text).is_ok())
}

#[cfg(test)]
mod tests;
