//! Configuration types: listed, chosen, and what the choice does to assets; companies that are taken in by their type.

use console::error::Code;
use console::request::{Page, Request};
use console::views::TypeView;
use reconcile::mapping::State;
use reconcile::reason::Reason;
use reconcile::record::Kind;
use sandbox::world::{CONFIGURATION_TYPES, Standing};
use sandbox::{Fault, Trouble};

use crate::office::Office;

const PSAS: [&str; 3] = ["autotask", "connectwise", "kaseya-bms"];

fn listing(vendor: &str) -> Request {
    Request::Types { id: vendor.to_owned(), page: Page::default() }
}

fn names(types: &[TypeView]) -> Vec<&str> {
    types.iter().map(|one| one.name.as_str()).collect()
}

fn called<'t>(types: &'t [TypeView], name: &str) -> &'t TypeView {
    types.iter().find(|one| one.name == name).unwrap_or_else(|| panic!("{name} is in {types:?}"))
}

#[tokio::test]
async fn a_vendor_with_a_list_is_asked_for_it_and_counts_come_with_the_first_read() {
    let all: Vec<&str> = CONFIGURATION_TYPES.iter().map(|one| one.name).collect();
    for vendor in ["autotask", "connectwise"] {
        let office = Office::new(5, 80);
        office.set_up(vendor).await;
        let before = office.calls();
        let types = office.types(vendor).await;
        assert!(office.calls() - before <= 2, "{vendor}: the list, and where it is");
        assert_eq!(names(&types), all, "{vendor}");
        assert!(types.iter().all(|one| one.count.is_none() && !one.selected), "{vendor}: {types:?}");
        office.sync(vendor).await;
        let types = office.types(vendor).await;
        let counted: u64 = types.iter().filter_map(|one| one.count).sum();
        assert_eq!(counted, office.records(vendor, Kind::Asset).await.len() as u64, "{vendor}");
        assert_eq!(called(&types, "Software Licence").count, Some(0), "{vendor}: nothing is filed under it");
    }
}

#[tokio::test]
async fn kaseya_bms_has_the_types_of_its_assets() {
    let office = Office::new(5, 80);
    office.set_up("kaseya-bms").await;
    let before = office.calls();
    assert_eq!(office.types("kaseya-bms").await, []);
    let error = office.choose("kaseya-bms", &["Server"]).await.unwrap_err();
    assert_eq!((error.code, error.exit_code()), (Code::Usage, 2));
    assert!(error.hint.contains("`sync kaseya-bms`"), "{error:?}");
    assert_eq!(office.calls(), before, "nobody is asked");
    office.sync("kaseya-bms").await;
    let types = office.types("kaseya-bms").await;
    assert!(!types.is_empty() && types.iter().all(|one| one.count > Some(0)), "{types:?}");
    let counted: u64 = types.iter().filter_map(|one| one.count).sum();
    assert_eq!(counted, office.records("kaseya-bms", Kind::Asset).await.len() as u64);
}

#[tokio::test]
async fn vendors_without_types_say_so() {
    for vendor in ["auvik", "nable-rmm"] {
        let office = Office::new(2, 10);
        office.set_up(vendor).await;
        for error in [office.refused(listing(vendor)).await, office.choose(vendor, &["Server"]).await.unwrap_err()] {
            assert_eq!(error.code, Code::Refused, "{vendor}");
            assert!(error.message.contains("no configuration types"), "{vendor}: {error}");
            assert_eq!(error.hint, "all of its assets are taken in");
        }
    }
}

#[tokio::test]
async fn types_are_chosen_by_id_or_exact_name_and_a_slip_is_told() {
    for vendor in PSAS {
        let office = Office::new(5, 80);
        office.set_up(vendor).await;
        office.sync(vendor).await;
        let types = office.types(vendor).await;
        let (server, laptop) = (called(&types, "Server"), called(&types, "Laptop"));
        let view = office.choose(vendor, &[&server.id, "Laptop", "Server"]).await.unwrap();
        let mut wanted = vec![server.id.clone(), laptop.id.clone()];
        wanted.sort();
        assert_eq!(view.types, Some(wanted), "{vendor}");
        let selected: Vec<String> =
            office.types(vendor).await.into_iter().filter(|one| one.selected).map(|one| one.name).collect();
        assert_eq!(selected, ["Laptop", "Server"], "{vendor}");
        for (word, hint) in [("Sever", "did you mean Server?"), ("server", "did you mean Server?")] {
            let error = office.choose(vendor, &["Laptop", word]).await.unwrap_err();
            assert_eq!(
                (error.code, error.exit_code(), error.hint.as_str()),
                (Code::Usage, 2, hint),
                "{vendor}: {word}"
            );
        }
        assert_eq!(office.show(vendor).await.types, view.types, "{vendor}: a slip changes nothing");
        let before = office.calls();
        assert_eq!(office.choose(vendor, &[]).await.unwrap().types, Some(Vec::new()), "{vendor}");
        assert_eq!(office.calls(), before, "{vendor}: to choose none, nobody is asked");
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_had_is_told_with_the_vendors_words_and_changes_nothing() {
    let office = Office::new(3, 20);
    office.set_up("connectwise").await;
    let forbidden = Trouble::new(Fault::Forbidden).at_path("/company/configurations/types");
    office.vendors.connectwise.with(|vendor| vendor.trouble(forbidden));
    for error in
        [office.refused(listing("connectwise")).await, office.choose("connectwise", &["Server"]).await.unwrap_err()]
    {
        assert_eq!(error.code, Code::Vendor);
        assert!(error.message.contains("You do not have security permission"), "{error}");
        assert!(error.hint.contains("Table Setup") && error.hint.contains("curl"), "{error:?}");
    }
    assert_eq!(office.show("connectwise").await.types, Some(Vec::new()));
    let unauthorized = Fault::Unauthorized;
    office.vendors.connectwise.with(|vendor| {
        vendor.heal();
        vendor.trouble(unauthorized);
    });
    let error = office.refused(listing("connectwise")).await;
    assert_eq!((error.code, error.exit_code()), (Code::CredentialsRejected, 3));
    let before = office.calls();
    let error = office.refused(listing("connectwise")).await;
    assert_eq!((error.code, office.calls()), (Code::CredentialsRejected, before), "no further call is made");
}

#[tokio::test]
async fn none_chosen_imports_no_asset_and_a_deselected_type_leaves_its_assets_as_they_are() {
    for vendor in PSAS {
        let office = Office::new(6, 55);
        office.set_up(vendor).await;
        office.sync(vendor).await;
        let run = office.finish(vendor).await.expect("the first full sync");
        let counts = &run.counts[&Kind::Asset];
        assert_eq!(counts.synced, 0, "{vendor}: {counts:?}");
        assert!(counts.reasons[&Reason::TypeNotSelected] > 0, "{vendor}: {counts:?}");
        assert_eq!(office.docs(Kind::Asset).await, [], "{vendor}");

        office.choose(vendor, &["Workstation", "Laptop"]).await.unwrap();
        office.sync(vendor).await;
        let both = office.docs(Kind::Asset).await;
        assert!(both.iter().any(|doc| doc.fields.text(reconcile::record::Field::Hostname).is_some()), "{vendor}");

        office.choose(vendor, &["Workstation"]).await.unwrap();
        let run = office.sync(vendor).await;
        assert_eq!(office.docs(Kind::Asset).await, both, "{vendor}: nothing is deleted, changed or stale");
        let counts = &run.counts[&Kind::Asset];
        let laptops = called(&office.types(vendor).await, "Laptop").count.unwrap();
        assert!(laptops > 0 && counts.reasons[&Reason::TypeNotSelected] >= laptops, "{vendor}: {counts:?}");
        assert!(counts.adds_up(), "{vendor}: {counts:?}");

        office.choose(vendor, &["Workstation", "Laptop"]).await.unwrap();
        let run = office.sync(vendor).await;
        assert_eq!(office.docs(Kind::Asset).await, both, "{vendor}: chosen again, they are the same records");
        assert_eq!(run.counts[&Kind::Asset].created, 0, "{vendor}");
    }
}

#[tokio::test]
async fn companies_that_are_no_customers_come_in_when_their_type_is_taken() {
    for vendor in PSAS {
        let office = Office::new(30, 40);
        let prospects: Vec<String> = {
            let world = office.vendors.world.read();
            let prospects = world.others.iter().filter(|company| company.standing == Standing::Prospect);
            prospects.map(|company| company.name_in(sandbox::world::System::Psa)).collect()
        };
        assert!(!prospects.is_empty());
        office.set_up(vendor).await;
        office.sync(vendor).await;
        let of = |records: Vec<console::views::RecordView>| -> Vec<_> {
            records.into_iter().filter(|record| prospects.contains(&record.name)).collect()
        };
        let left_out = of(office.records(vendor, Kind::Client).await);
        assert_eq!(left_out.len(), prospects.len(), "{vendor}");
        for record in &left_out {
            assert_eq!(record.reason, Some(Reason::TypeNotSelected), "{vendor}: {record:?}");
        }
        office.finish(vendor).await;
        assert!(office.docs(Kind::Client).await.iter().all(|doc| !prospects.contains(&doc.name)), "{vendor}");

        let taken = [("company_types".to_owned(), "Prospect".to_owned())];
        let state = office.set(vendor, |change| change.settings = taken.into()).await.unwrap().state;
        assert_eq!(state.code(), "live", "{vendor}: it need not be verified again");
        let run = office.sync(vendor).await;
        assert!(run.counts[&Kind::Client].adds_up());
        let taken = of(office.records(vendor, Kind::Client).await);
        assert!(taken.iter().all(|record| record.reason == Some(Reason::Unmatched)), "{vendor}: {taken:?}");
        office.finish(vendor).await;
        office.sync(vendor).await;
        let docs = office.docs(Kind::Client).await;
        for name in &prospects {
            assert!(docs.iter().any(|doc| doc.name == *name), "{vendor}: {name}");
        }
        let there = of(office.records(vendor, Kind::Client).await);
        assert!(there.iter().all(|record| record.state == State::Created), "{vendor}: {there:?}");
        let below = office.docs(Kind::Location).await;
        let parents: Vec<_> = there.iter().filter_map(|record| record.doc_id.clone()).collect();
        assert!(
            below.iter().any(|place| place.client_doc_id.as_ref().is_some_and(|doc| parents.contains(doc))),
            "{vendor}: their places come along"
        );
    }
}
