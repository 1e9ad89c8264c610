//! The vendors' clients against the simulated vendors: what is read is what is there, at the price that was stated.

use std::collections::{BTreeMap, BTreeSet};

use apis::cost::estimate;
use apis::reading::Then;
use apis::refusal::Cause;
use reconcile::record::Kind;
use sandbox::auvik::{Credentials, EmptyList, Forms, NextLink};
use sandbox::{AuvikSim, Fault, SharedWorld, Simulator, Size, Trouble, World};

use crate::driver::{ORIGIN, account, read};

fn auvik(clients: usize, devices: usize) -> AuvikSim {
    AuvikSim::new(SharedWorld::new(World::new(&Size { clients, devices, seed: 7 })), Credentials::default())
}

#[test]
fn everything_is_read_once_at_about_the_stated_price() {
    for (clients, devices) in [(3, 40), (20, 3_000), (1, 1_100)] {
        let mut simulator = auvik(clients, devices);
        let account = account(&simulator.listing(ORIGIN));
        let night = read(&account, &mut simulator);
        assert_eq!(night.ends, []);
        assert_eq!(night.count(Kind::Client), clients as u64 + 1, "the customers and the MSP");
        assert_eq!(night.count(Kind::Asset), devices as u64);
        let ids: BTreeSet<_> = night.records.iter().map(|record| (record.kind, &record.vendor_id)).collect();
        assert_eq!(ids.len(), night.records.len());
        let counts = BTreeMap::from([(Kind::Asset, devices as u64)]);
        let stated = estimate(account.vendor, clients as u64 + 1, &counts, 0).requests;
        let tolerance = 2 + night.calls() / 10;
        assert!(stated.abs_diff(night.calls()) <= tolerance, "{stated} stated, {} made", night.calls());
    }
}

#[test]
fn the_forms_that_the_vendor_leaves_open_make_no_difference() {
    let read_with = |forms: Forms| {
        let mut world = World::new(&Size { clients: 1, devices: 700, seed: 7 });
        world.add_client("A customer without devices");
        let mut simulator = AuvikSim::new(SharedWorld::new(world), Credentials::default());
        simulator.set_forms(forms);
        let night = read(&account(&simulator.listing(ORIGIN)), &mut simulator);
        assert_eq!(night.ends, [], "{forms:?}");
        assert!(night.calls() > 2 + 3, "a tenant has a second page, or links are not followed at all");
        night.sorted()
    };
    let usual = read_with(Forms::default());
    let links = [NextLink::Text, NextLink::TextOrNull, NextLink::TextOrEmpty, NextLink::Object];
    let lists = [EmptyList::EmptyData, EmptyList::NoData, EmptyList::NoContent, EmptyList::NotFound];
    for (next_link, empty_list) in links.into_iter().zip(lists) {
        let forms =
            Forms { next_link, empty_list, tenants_have_names: true, msp_covers_clients: true, ..Forms::default() };
        assert_eq!(read_with(forms), usual, "{forms:?}");
    }
}

#[test]
fn a_tenant_that_refuses_costs_that_tenant_only() {
    let mut simulator = auvik(4, 100);
    let account = account(&simulator.listing(ORIGIN));
    let whole = read(&account, &mut simulator);
    let refusing = whole.records[2].vendor_id.clone();
    simulator
        .trouble(Trouble::new(Fault::Forbidden).at_path("/v1/inventory/device/info").for_tenant(refusing.as_str()));
    let night = read(&account, &mut simulator);
    let [Then::Refused(refusal)] = &night.ends[..] else { panic!("one refusal, not {:?}", night.ends) };
    assert_eq!(refusal.cause, Cause::Permission);
    let others: Vec<_> =
        whole.sorted().into_iter().filter(|record| record.client.as_ref() != Some(&refusing)).collect();
    assert_eq!(night.sorted(), others);
}
