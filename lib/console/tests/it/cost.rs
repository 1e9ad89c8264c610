//! What a run costs, stated before it.

use apis::vendors;

use crate::office::Office;

/// Sets an integration up as far as its first read, with all types chosen.
async fn read(vendor: &str, clients: usize, devices: usize) -> Office {
    let office = Office::new(clients, devices);
    office.set_up(vendor).await;
    office.sync(vendor).await;
    if vendors::find(vendor).unwrap().has_asset_types {
        let types = office.types(vendor).await;
        let ids: Vec<&str> = types.iter().map(|one| one.id.as_str()).collect();
        office.choose(vendor, &ids).await.unwrap();
    }
    office
}

#[tokio::test]
async fn the_cost_of_a_full_run_is_known_after_the_first_read() {
    for vendor in vendors::ALL {
        for (clients, devices) in [(12, 200), (60, 900)] {
            let office = read(vendor.id, clients, devices).await;
            let id = vendor.id;
            let stated = office.status(id).await.expected_cost.expect("the first read tells");
            assert_eq!(office.show(id).await.expected_cost.as_ref(), Some(&stated), "{id}");
            let run = office.finish(id).await.expect("the first full sync");
            let off = stated.vendor_requests.abs_diff(run.vendor_requests);
            assert!(
                off * 10 <= run.vendor_requests,
                "{id}, {clients} clients: {stated:?} was stated, {} were made",
                run.vendor_requests
            );
            assert!(stated.seconds > 0, "{id}");
            let later = office.status(id).await.expected_cost.unwrap();
            let run = office.sync(id).await;
            let off = later.vendor_requests.abs_diff(run.vendor_requests);
            assert!(
                off * 10 <= run.vendor_requests,
                "{id}, a night of {clients} clients: {later:?} was stated, {} were made",
                run.vendor_requests
            );
        }
    }
}

#[tokio::test]
async fn nothing_is_stated_where_nothing_was_read() {
    for vendor in vendors::ALL {
        let office = Office::new(2, 5);
        office.set_up(vendor.id).await;
        assert_eq!(office.status(vendor.id).await.expected_cost, None, "{}", vendor.id);
    }
}

#[tokio::test]
async fn details_are_stated_while_they_are_missing_and_for_chosen_types_alone() {
    let id = "kaseya-bms";
    let office = Office::new(8, 300);
    office.set_up(id).await;
    office.sync(id).await;
    let without = office.status(id).await.expected_cost.unwrap().vendor_requests;
    let types = office.types(id).await;
    let one = types.iter().max_by_key(|one| one.count).unwrap();
    office.choose(id, &[&one.id]).await.unwrap();
    let with = office.status(id).await.expected_cost.unwrap().vendor_requests;
    let chosen = one.count.unwrap();
    assert!((without + chosen / 2..=without + chosen).contains(&with), "{without} and up to {chosen} details: {with}");
    office.finish(id).await;
    assert_eq!(office.status(id).await.expected_cost.unwrap().vendor_requests, without, "they are there now");
}

#[tokio::test]
async fn a_run_begins_with_what_it_is_expected_to_cost() {
    let office = read("auvik", 5, 50).await;
    office.told.lock().unwrap().clear();
    let stated = office.status("auvik").await.expected_cost;
    office.finish("auvik").await;
    let told = office.told.lock().unwrap();
    assert_eq!(told[0].expected_cost, stated);
    assert!(told[1..].iter().all(|event| event.expected_cost.is_none()), "once");
}

#[tokio::test]
async fn the_pace_that_is_set_counts() {
    let office = read("nable-rmm", 20, 100).await;
    let at_vendors = office.status("nable-rmm").await.expected_cost.unwrap();
    assert_eq!(at_vendors.seconds, at_vendors.vendor_requests, "sixty a minute");
    let slow = [("requests_per_minute".to_owned(), "20".to_owned())];
    office.set("nable-rmm", |change| change.settings = slow.into()).await.unwrap();
    let slower = office.status("nable-rmm").await.expected_cost.unwrap();
    assert_eq!((slower.vendor_requests, slower.seconds), (at_vendors.vendor_requests, 3 * at_vendors.seconds));
}
