use std::collections::BTreeSet;

use super::*;
use crate::worlds::OwnedWorld;

/// Takes one record through [`check`] under the options of its world.
fn reason(options: &str, record: &str) -> Option<Reason> {
    let world = OwnedWorld::parse(&format!("run {options}\n{record}"));
    let entry = world.entries.values().next().expect("one record");
    check(entry, &world.policy, &world.standing).err()
}

#[test]
fn any_one_identifier_makes_a_device_eligible() {
    for fields in ["serial=ABC", "mac=a", "host=fs01"] {
        assert_eq!(reason("", &format!("asset 1 x {fields}")), None, "{fields}");
    }
    for fields in
        ["", "serial=N/A", "mac=ff:ff:ff:ff:ff:ff", "host=localhost", "serial=0 mac=00:00:00:00:00:00 host=unknown"]
    {
        assert_eq!(reason("", &format!("asset 1 x {fields}")), Some(Reason::MissingIdentifier), "{fields}");
    }
    assert_eq!(reason("", "contact 1 x"), None, "only devices need identifiers");
}

#[test]
fn the_first_reason_of_the_order_is_given() {
    let record = "asset 1 x malformed=name excluded inactive class=9 copies=2";
    let without = |words: &[&str]| {
        let left: Vec<&str> =
            record.split(' ').filter(|word| !words.iter().any(|gone| word.starts_with(gone))).collect();
        left.join(" ")
    };
    let options = "types=1 sync=contact client=excluded";
    let synced = "types=1 client=excluded";
    assert_eq!(reason(options, record), Some(Reason::MalformedRecord));
    assert_eq!(reason(options, &without(&["malformed"])), Some(Reason::KindOff));
    assert_eq!(reason(synced, &without(&["malformed"])), Some(Reason::Excluded));
    assert_eq!(reason(synced, &without(&["malformed", "excluded"])), Some(Reason::InactiveAtVendor));
    let active = without(&["malformed", "excluded", "inactive"]);
    assert_eq!(reason(synced, &active), Some(Reason::TypeNotSelected));
    assert_eq!(reason("types=9 client=excluded", &active), Some(Reason::MissingIdentifier));
    assert_eq!(reason("types=9 client=excluded", &format!("{active} host=x1")), Some(Reason::DuplicateAtVendor));
    let single = "asset 1 x class=9 host=x1";
    assert_eq!(reason("types=9 client=excluded", single), Some(Reason::ClientExcluded));
    assert_eq!(reason("types=9 client=unmatched", single), Some(Reason::ClientUnmatched));
    assert_eq!(reason("types=9", single), None);
}

#[test]
fn types_are_chosen_by_id_and_none_chosen_takes_none() {
    assert_eq!(reason("types=9", "asset 1 x host=x1"), Some(Reason::TypeNotSelected), "no class at all");
    assert_eq!(reason("types=", "asset 1 x host=x1 class=9"), Some(Reason::TypeNotSelected));
    assert_eq!(reason("", "asset 1 x host=x1 class=9"), None, "a vendor without types to choose");
    assert_eq!(reason("types=1", "contact 1 x class=9"), None, "types are those of assets");
}

#[test]
fn a_client_with_a_class_is_taken_in_by_id_or_name() {
    assert_eq!(reason("", "client 1 x"), None);
    assert_eq!(reason("", "client 1 x class=prospect"), Some(Reason::TypeNotSelected));
    assert_eq!(reason("companies=prospect", "client 1 x class=prospect"), None);
    let policy = Policy {
        sync: Kind::ALL.into(),
        company_types: BTreeSet::from(["class prospect".to_owned()]),
        ..Policy::default()
    };
    let world = OwnedWorld::parse("client 1 x class=prospect");
    let entry = world.entries.values().next().expect("one record");
    assert_eq!(check(entry, &policy, &world.standing), Ok(()));
}

#[test]
fn a_person_may_decide_about_what_is_excluded_but_not_about_what_is_not_eligible() {
    let decided = |record: &str| {
        let world = OwnedWorld::parse(record);
        let entry = world.entries.values().next().expect("one record");
        check_decided(entry, &world.policy, &world.standing)
    };
    assert_eq!(decided("asset 1 x host=x1 excluded"), Ok(()));
    assert_eq!(decided("asset 1 x excluded"), Err(Reason::MissingIdentifier));
    assert_eq!(decided("asset 1 x host=x1 malformed=name"), Err(Reason::MalformedRecord));
}
