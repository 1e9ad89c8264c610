//! The catalogue: read in, written out, edited, archived.

use std::collections::BTreeMap;

use console::answer::Answer;
use console::error::Code;
use console::request::{Page, Request};
use console::views::{DocView, ImportView};
use engine::ports::Table;
use reconcile::record::{Field, Kind};

use crate::desk::Desk;

async fn import(desk: &Desk, kind: Kind, csv: &str) -> (ImportView, u8) {
    let answer = desk.ask(Request::DocsImport { kind, csv: csv.to_owned() }).await.unwrap();
    let code = answer.exit_code();
    match answer {
        Answer::Imported(view) => (view, code),
        other => panic!("{other:?}"),
    }
}

async fn edit(desk: &Desk, doc: &DocView, set: &[(&str, &str)], release: &[&str]) -> DocView {
    match desk.ask(editing(doc, set, release)).await.unwrap() {
        Answer::Doc(view) => view,
        other => panic!("{other:?}"),
    }
}

fn editing(doc: &DocView, set: &[(&str, &str)], release: &[&str]) -> Request {
    Request::DocsEdit {
        doc: doc.doc_id.to_string(),
        set: set.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        release: release.iter().map(|name| (*name).to_owned()).collect(),
    }
}

const ASSETS: &str = "name,client,serial_number,mac_addresses\n\
    FS01,Acme,SN1,00:11:22:33:44:55;66:77:88:99:AA:BB\n\
    FS02,Nobody,SN2,\n\
    ,Acme,SN3,\n\
    FS04,acme,SN4\n\
    =FS05,Acme,SN5,\n\
    FS01,Acme,SN6,\n";

#[tokio::test]
async fn what_a_file_says_goes_in_and_the_rest_is_told_by_line() {
    let desk = Desk::new();
    assert_eq!(import(&desk, Kind::Client, "name,city\nAcme,Bern\nGlobex,\n").await.1, 0);
    let (view, code) = import(&desk, Kind::Asset, ASSETS).await;
    assert_eq!((view.created, code), (3, 3));
    let lines: Vec<u64> = view.problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [3, 4, 5], "{:?}", view.problems);
    assert!(view.problems[0].message.contains("Nobody"));
    let docs = desk.docs(Kind::Asset).await;
    let first = docs.iter().find(|doc| doc.fields.text(Field::SerialNumber) == Some("SN1")).unwrap();
    assert_eq!(first.fields.list(Field::MacAddresses).len(), 2);
}

#[tokio::test]
async fn reading_the_same_file_twice_changes_nothing() {
    let desk = Desk::new();
    import(&desk, Kind::Client, "name\nAcme\n").await;
    import(&desk, Kind::Asset, ASSETS).await;
    let before = desk.docs(Kind::Asset).await;
    let (view, _) = import(&desk, Kind::Asset, ASSETS).await;
    assert_eq!((view.created, view.updated, view.unchanged), (0, 0, 3));
    assert_eq!(desk.docs(Kind::Asset).await, before);
    let (view, _) = import(&desk, Kind::Asset, "name,client,serial_number\n=FS05,Acme,SN9\n").await;
    assert_eq!((view.created, view.updated), (0, 1));
}

#[tokio::test]
async fn an_export_can_be_read_in_again_and_no_cell_is_a_formula() {
    let desk = Desk::new();
    import(&desk, Kind::Client, "name\nAcme\nTwin\nTwin\n").await;
    import(&desk, Kind::Asset, ASSETS).await;
    let twin = desk.docs(Kind::Client).await.into_iter().find(|doc| doc.name == "Twin").unwrap();
    import(&desk, Kind::Asset, &format!("name,client,phone\nX,{},+41 1\n", twin.doc_id)).await;
    let csv = desk.csv(Request::DocsExport { kind: Kind::Asset }).await;
    assert!(csv.contains(",'=FS05,") && csv.contains(",'+41 1,"), "{csv}");
    for line in csv.lines() {
        assert!(line.split(',').all(|cell| !cell.starts_with(['=', '+', '-', '@'])), "{line}");
    }
    let (view, code) = import(&desk, Kind::Asset, &csv).await;
    assert_eq!((view.created, view.updated, view.unchanged, code), (0, 0, 4, 0), "{:?}", view.problems);

    let elsewhere = Desk::new();
    import(&elsewhere, Kind::Client, "name\nAcme\n").await;
    let without_ids: Vec<String> = csv.lines().map(|line| line.split_once(',').unwrap().1.to_owned()).collect();
    let (view, _) = import(&elsewhere, Kind::Asset, &without_ids.join("\n")).await;
    assert_eq!((view.created, view.problems.len()), (3, 1), "the client of one is not there");
}

#[tokio::test]
async fn a_clients_records_are_found_by_its_name_or_id_and_twins_by_id_only() {
    let desk = Desk::new();
    import(&desk, Kind::Client, "name\nTwin\nTwin\n").await;
    let (view, _) = import(&desk, Kind::Contact, "name,client\nAnn,Twin\n").await;
    assert!(view.problems[0].message.contains("several clients"), "{view:?}");
    let twins = desk.docs(Kind::Client).await;
    assert_eq!(twins.len(), 2);
    let (view, _) = import(&desk, Kind::Contact, &format!("name,client\nAnn,{}\n", twins[1].doc_id)).await;
    assert_eq!(view.created, 1);
    let list = |client: &DocView| Request::DocsList {
        kind: Kind::Contact,
        client: Some(client.doc_id.to_string()),
        search: None,
        page: Page::default(),
    };
    assert_eq!(desk.json(list(&twins[0])).await["items"].as_array().unwrap().len(), 0);
    assert_eq!(desk.json(list(&twins[1])).await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_edit_wins_over_every_sync_until_it_is_released() {
    let desk = Desk::live().await;
    let assets = desk.docs(Kind::Asset).await;
    let asset = assets.iter().find(|doc| doc.fields.text(Field::Make).is_some()).unwrap();
    let make = asset.fields.text(Field::Make).unwrap().to_owned();
    let edited =
        edit(&desk, asset, &[("make", "Mine"), ("ip_addresses", "10.0.0.2; 10.0.0.1"), ("model", "")], &[]).await;
    assert_eq!(edited.fields.text(Field::Make), Some("Mine"));
    assert_eq!(edited.fields.list(Field::IpAddresses), ["10.0.0.1", "10.0.0.2"]);
    assert_eq!(edited.fields.get(Field::Model), None);
    assert_eq!((&*edited.origins[&Field::Make], &*edited.origins[&Field::Model]), ("edit", "edit"));
    desk.sync().await;
    let Answer::Doc(kept) = desk.ask(Request::DocsShow { doc: asset.doc_id.to_string() }).await.unwrap() else {
        panic!()
    };
    assert_eq!(kept.fields.text(Field::Make), Some("Mine"));
    let released = edit(&desk, asset, &[], &["make", "model", "ip_addresses"]).await;
    assert_eq!(released.fields, asset.fields);
    assert_eq!(
        (released.fields.text(Field::Make), &*released.origins[&Field::Make]),
        (Some(make.as_str()), "auvik-main")
    );
    let renamed = edit(&desk, asset, &[("name", "  My   server ")], &[]).await;
    assert_eq!(renamed.name, "My server");
}

#[tokio::test]
async fn edits_that_cannot_be_are_refused() {
    let desk = Desk::new();
    import(&desk, Kind::Client, "name\nAcme\n").await;
    let doc = desk.docs(Kind::Client).await.remove(0);
    for (set, release, hint) in [
        (vec![("phnoe", "1")], vec![], "phone"),
        (vec![], vec!["emial"], "email"),
        (vec![("name", " ")], vec![], "name"),
        (vec![], vec!["name"], "name"),
        (vec![("phone", "1")], vec!["phone"], "one of the two"),
        (vec![], vec![], "--set"),
    ] {
        let error = desk.refused(editing(&doc, &set, &release)).await;
        assert_eq!((error.code, error.exit_code()), (Code::Usage, 2), "{error}");
        assert!(error.hint.contains(hint), "{error:?}");
    }
}

#[tokio::test]
async fn archiving_and_restoring_are_undone_by_one_another() {
    let desk = Desk::new();
    import(&desk, Kind::Client, "name\nAcme\n").await;
    let doc = desk.docs(Kind::Client).await.remove(0).doc_id.to_string();
    for (request, archived) in [
        (Request::DocsArchive { doc: doc.clone() }, true),
        (Request::DocsArchive { doc: doc.clone() }, true),
        (Request::DocsRestore { doc: doc.clone() }, false),
    ] {
        assert_eq!(desk.json(request).await["archived"], archived);
    }
}

#[tokio::test]
async fn lists_come_in_pages_and_are_searched() {
    let desk = Desk::new();
    let names: Vec<String> = (0..9).map(|number| format!("Client {number}")).collect();
    import(&desk, Kind::Client, &format!("name\n{}\n", names.join("\n"))).await;
    let rows: Vec<String> = names.iter().flat_map(|name| [format!("A,{name}"), format!("B,{name}")]).collect();
    import(&desk, Kind::Location, &format!("name,client\n{}\n", rows.join("\n"))).await;
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut cursor = None;
    loop {
        let page = Page { limit: 5, cursor };
        let request = Request::DocsList { kind: Kind::Location, client: None, search: None, page };
        let Answer::Docs(list) = desk.ask(request).await.unwrap() else { panic!() };
        for doc in list.items {
            assert!(seen.insert(doc.doc_id.to_string(), doc.name).is_none(), "each once");
        }
        match list.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(seen.len(), 18);
    let search = Some("client 7".to_owned());
    let request = Request::DocsList { kind: Kind::Client, client: None, search, page: Page::default() };
    assert_eq!(desk.json(request).await["items"][0]["name"], "Client 7");
    let request =
        Request::DocsList { kind: Kind::Client, client: Some("x".to_owned()), search: None, page: Page::default() };
    assert_eq!(desk.refused(request).await.code, Code::Usage);
}

#[tokio::test]
async fn a_record_tells_what_plans_and_people_did_to_it() {
    let desk = Desk::live().await;
    let doc = desk.docs(Kind::Client).await[0].clone();
    let set = [("phone".to_owned(), "+1 555 0100".to_owned())].into();
    desk.ask(Request::DocsEdit { doc: doc.doc_id.to_string(), set, release: Vec::new() }).await.unwrap();
    let answer = desk.ask(Request::DocsHistory { doc: doc.doc_id.to_string(), cursor: None }).await.unwrap();
    let Answer::History(list) = answer else { panic!("{answer:?}") };
    let told: Vec<(&str, &str)> = list.items.iter().map(|one| (one.what.as_str(), one.who.as_str())).collect();
    assert_eq!(told, [("docs edit", "ann"), ("created", crate::desk::ID)], "{list:?}");
    assert_eq!(list.items[0].detail, "phone");
    assert!(list.items[1].plan_id.is_some());
}

#[tokio::test]
async fn a_search_among_many_clients_ends_its_page_and_goes_on() {
    let desk = Desk::new();
    let names: Vec<String> = (0..450).map(|number| format!("Client {number}")).collect();
    import(&desk, Kind::Client, &format!("name\n{}\n", names.join("\n"))).await;
    // The client that is looked at last has one.
    let last = desk.docs(Kind::Client).await.into_iter().map(|doc| doc.doc_id).max().unwrap();
    import(&desk, Kind::Location, &format!("name,client\nHead office,{last}\n")).await;
    let list = async |cursor: Option<String>| {
        let (search, page) = (Some("office".to_owned()), Page { limit: 5, cursor });
        let before = desk.ports.table.meter().read().requests;
        let request = Request::DocsList { kind: Kind::Location, client: None, search, page };
        let Answer::Docs(list) = desk.ask(request).await.unwrap() else { panic!() };
        (list, desk.ports.table.meter().read().requests - before)
    };
    let (first, requests) = list(None).await;
    assert!(first.items.is_empty() && first.next.is_some() && requests < 410, "{requests} requests: {first:?}");
    let (second, requests) = list(first.next).await;
    assert!(second.items.len() == 1 && second.next.is_none() && requests < 60, "{requests} requests: {second:?}");
}
