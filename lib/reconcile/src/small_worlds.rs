//! All small worlds of devices, compared with a matcher that is nothing but the rules: up to three records and three
//! documentation records, each with any subset of identifiers from a small alphabet.

use std::collections::{BTreeMap, BTreeSet};

use crate::doc::Doc;
use crate::ids::{DocId, VendorId};
use crate::mapping::Entry;
use crate::plan::{Action, plan};
use crate::reason::Reason;
use crate::record::{Activity, Field, Fields, Kind, VendorRecord};
use crate::worlds::{OwnedWorld, acme, doc_id};

/// What a device is known by; 0 is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Device {
    serial: u8,
    mac: u8,
    host: u8,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Expected {
    Match(usize),
    Ambiguous(BTreeSet<usize>),
    Duplicate,
    Create,
}

/// Returns the rank of the identifier by which two devices are one: the first that both have decides.
fn same(left: Device, right: Device) -> Option<u8> {
    let pairs = [(left.serial, right.serial), (left.mac, right.mac), (left.host, right.host)];
    let (rank, (one, other)) = (1..).zip(pairs).find(|(_, (one, other))| *one != 0 && *other != 0)?;
    (one == other).then_some(rank)
}

/// Returns the devices with the MAC addresses gone that several of them carry, on the vendor's side.
fn telling(devices: &[Device], records: &[Device]) -> Vec<Device> {
    let is_shared = |mac: u8| records.iter().filter(|record| record.mac == mac).count() > 1;
    devices.iter().map(|one| Device { mac: if is_shared(one.mac) { 0 } else { one.mac }, ..*one }).collect()
}

fn expected(records: &[Device], docs: &[Device]) -> Vec<Expected> {
    let (told, docs) = (telling(records, records), telling(docs, records));
    let is_duplicate = |place: usize| {
        let serial = records[place].serial;
        serial != 0 && records.iter().filter(|record| record.serial == serial).count() > 1
    };
    let mut won: BTreeMap<usize, usize> = BTreeMap::new();
    let fits = |place: usize, won: &BTreeMap<usize, usize>| -> BTreeMap<usize, u8> {
        let open = (0..docs.len()).filter(|doc| !won.values().any(|taken| taken == doc));
        open.filter_map(|doc| Some((doc, same(told[place], docs[doc])?))).collect()
    };
    loop {
        let claims: Vec<(usize, BTreeMap<usize, u8>)> = (0..records.len())
            .filter(|place| !is_duplicate(*place) && !won.contains_key(place))
            .map(|place| (place, fits(place, &won)))
            .collect();
        let wins = |place: usize, mine: &BTreeMap<usize, u8>| -> Option<usize> {
            let (&doc, rank) = mine.first_key_value().filter(|_| mine.len() == 1)?;
            let is_best = |(other, theirs): &(usize, BTreeMap<usize, u8>)| {
                *other == place || theirs.get(&doc).is_none_or(|their| their > rank)
            };
            claims.iter().all(is_best).then_some(doc)
        };
        let winners: Vec<(usize, usize)> =
            claims.iter().filter_map(|(place, mine)| Some((*place, wins(*place, mine)?))).collect();
        if winners.is_empty() {
            break;
        }
        won.extend(winners);
    }
    (0..records.len())
        .map(|place| match (won.get(&place), fits(place, &won)) {
            (Some(doc), _) => Expected::Match(*doc),
            _ if is_duplicate(place) => Expected::Duplicate,
            (None, fits) if fits.is_empty() => Expected::Create,
            (None, fits) => Expected::Ambiguous(fits.into_keys().collect()),
        })
        .collect()
}

fn fields(device: Device) -> Fields {
    let mut fields = Fields::default();
    if device.serial != 0 {
        fields.set_text(Field::SerialNumber, &format!("S{}", device.serial));
    }
    if device.mac != 0 {
        fields.set_list(Field::MacAddresses, [format!("00:1A:00:00:00:0{}", device.mac)]);
    }
    if device.host != 0 {
        fields.set_text(Field::Hostname, &format!("h{}", device.host));
    }
    fields
}

/// Plans a world of these devices and says what became of each record.
fn planned(records: &[Device], docs: &[Device]) -> Vec<Expected> {
    let mut world = OwnedWorld::empty();
    let mut places: BTreeMap<DocId, usize> = BTreeMap::new();
    for (place, device) in docs.iter().enumerate() {
        let mut doc = Doc::new(doc_id(Kind::Asset, &acme(), &format!("d{place}")), "x");
        doc.imported = fields(*device);
        places.insert(doc.id.clone(), place);
        world.docs.insert(doc.id.clone(), doc);
    }
    for (place, device) in records.iter().enumerate() {
        let vendor_id = VendorId::parse(&place.to_string()).unwrap();
        let record = VendorRecord {
            kind: Kind::Asset,
            vendor_id: vendor_id.clone(),
            client: Some(VendorId::parse("4").unwrap()),
            name: "x".to_owned(),
            fields: fields(*device),
            class: None,
            activity: Activity::Active,
            malformed: None,
        };
        world.entries.insert((Kind::Asset, vendor_id), Entry::new(record));
    }
    let made = plan(&world.borrow());
    let became = |id: &VendorId| {
        if let Some(item) = made.items.iter().find(|item| item.vendor_id == *id) {
            let doc = item.doc_id.as_ref().expect("a claim has a documentation record");
            return if item.action == Action::Create { Expected::Create } else { Expected::Match(places[doc]) };
        }
        let left = made.unsynced.iter().find(|left| left.vendor_id == *id).expect("every record ends somewhere");
        match left.reason {
            Reason::DuplicateAtVendor => Expected::Duplicate,
            Reason::AmbiguousMatch => Expected::Ambiguous(left.candidates.iter().map(|doc| places[doc]).collect()),
            reason => panic!("{reason} is no reason here"),
        }
    };
    world.entries.keys().map(|(_, id)| became(id)).collect()
}

/// All devices over an alphabet: so many serial numbers, MAC addresses and host names beside none.
fn devices(serials: u8, macs: u8, hosts: u8) -> Vec<Device> {
    let mut all = Vec::new();
    for serial in 0..=serials {
        for mac in 0..=macs {
            all.extend((0..=hosts).map(|host| Device { serial, mac, host }));
        }
    }
    all.retain(|device| *device != Device { serial: 0, mac: 0, host: 0 });
    all
}

/// All selections of up to `most` devices, in any number each; their order is irrelevant, as another test shows.
fn selections(from: &[Device], most: usize) -> Vec<Vec<Device>> {
    let mut all = vec![Vec::new()];
    let mut last = all.clone();
    for _ in 0..most {
        let longer = |chosen: &Vec<Device>| -> Vec<Vec<Device>> {
            let larger = from.iter().filter(|next| chosen.last().is_none_or(|last| last <= *next));
            larger.map(|next| [&chosen[..], &[*next]].concat()).collect()
        };
        last = last.iter().flat_map(longer).collect();
        all.extend(last.iter().cloned());
    }
    all
}

fn compare_all(alphabet: (u8, u8, u8), records_most: usize, docs_most: usize) -> usize {
    let (serials, macs, hosts) = alphabet;
    let devices = devices(serials, macs, hosts);
    let (docs, records) = (selections(&devices, docs_most), selections(&devices, records_most));
    for records in &records {
        for docs in &docs {
            assert_eq!(planned(records, docs), expected(records, docs), "records {records:#?} and {docs:#?}");
        }
    }
    records.len() * docs.len()
}

#[test]
fn three_records_and_three_docs_with_all_three_identifiers() {
    assert_eq!(compare_all((1, 1, 1), 3, 3), 120 * 120);
}

#[test]
fn three_records_and_three_docs_with_serials_that_differ() {
    assert_eq!(compare_all((2, 0, 1), 3, 3), 56 * 56);
}

#[test]
fn three_records_and_three_docs_with_macs_that_differ() {
    assert_eq!(compare_all((0, 2, 1), 3, 3), 56 * 56);
}

#[test]
fn two_records_and_two_docs_with_serials_macs_and_host_names() {
    assert_eq!(compare_all((2, 1, 1), 2, 2), 78 * 78);
}
