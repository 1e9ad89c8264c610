//! The wizard: matching, creating, excluding, previewing, finishing, undoing.

use console::answer::Answer;
use console::error::Code;
use console::request::{Choice, Deciding, Page, RecordFilter, Request, Selection};
use console::words::{IntegrationState, PlanState};
use engine::ports::Table;
use reconcile::mapping::State;
use reconcile::plan::Action;
use reconcile::reason::Reason;
use reconcile::record::Kind;

use crate::desk::{Desk, ID, matching, these};

const CLIENT: Kind = Kind::Client;

fn id() -> String {
    ID.to_owned()
}

fn create(records: Selection) -> Request {
    Request::Create { id: id(), kind: CLIENT, records }
}

#[tokio::test]
async fn after_the_first_read_everything_is_unmatched_and_nothing_is_written() {
    let desk = Desk::read().await;
    let clients = desk.records(CLIENT).await;
    assert_eq!(clients.len(), 7, "six customers and the MSP itself");
    assert!(clients.iter().all(|client| client.state == State::Unmatched && client.doc_id.is_none()));
    assert!(clients.iter().all(|client| client.reason == Some(Reason::Unmatched)), "{clients:#?}");
    let assets = desk.records(Kind::Asset).await;
    assert!(!assets.is_empty());
    assert!(assets.iter().all(|asset| asset.client_vendor_id.is_some()));
    assert!(assets.iter().any(|asset| asset.reason == Some(Reason::ClientUnmatched)));
    assert!(desk.docs(CLIENT).await.is_empty() && desk.docs(Kind::Asset).await.is_empty());
}

#[tokio::test]
async fn identical_names_are_staged_and_a_near_one_is_only_suggested() {
    let desk = Desk::read().await;
    let clients = desk.records(CLIENT).await;
    let (same, near) = (&clients[0], &clients[1]);
    let renamed = format!("{} Holding", near.name);
    desk.clients_called(&[&same.name.to_uppercase(), &renamed]).await;
    let staged = desk.staged(Request::AutoMatch { id: id(), kind: None }).await;
    assert_eq!((staged.staged, staged.counts[&CLIENT]), (1, 1));
    let again = desk.staged(Request::AutoMatch { id: id(), kind: None }).await;
    assert_eq!(again.staged, 0);
    let clients = desk.records(CLIENT).await;
    assert_eq!((clients[0].state, clients[0].staged, clients[0].reason), (State::Matched, true, None));
    assert_eq!(clients[1].state, State::Unmatched);
    let suggestion = clients[1].suggestion.as_ref().expect("the names are alike");
    assert_eq!(suggestion.name, renamed);
    assert!(suggestion.score > 0.5 && suggestion.score <= 1.0);
    assert!(clients[0].suggestion.is_none());
}

#[tokio::test]
async fn what_a_decision_takes_is_suggested_to_nobody_else() {
    let desk = Desk::read().await;
    let clients = desk.records(CLIENT).await;
    let (one, other) = (&clients[0], &clients[1]);
    desk.clients_called(&[&format!("{} Holding", other.name)]).await;
    let suggested = desk.records(CLIENT).await[1].suggestion.clone().expect("the names are alike");
    let [doc] = &desk.docs(CLIENT).await[..] else { panic!("one client is documented") };
    desk.staged(matching(one, doc)).await;
    assert_eq!(desk.records(CLIENT).await[1].suggestion, None);
    desk.staged(Request::Reset { id: id(), kind: CLIENT, records: these(&[one]) }).await;
    assert_eq!(desk.records(CLIENT).await[1].suggestion, Some(suggested));
}

#[tokio::test]
async fn a_name_that_is_not_unique_wants_a_decision_of_its_own() {
    let desk = Desk::read().await;
    let twice = desk.records(CLIENT).await[2].clone();
    desk.ask(Request::DocsImport { kind: CLIENT, csv: format!("name\n{0}\n{0}\n", twice.name) }).await.unwrap();
    for request in [Request::AutoMatch { id: id(), kind: None }, Request::CreateUnmatched { id: id(), kind: None }] {
        let staged = desk.staged(request).await;
        assert_eq!(staged.left.len(), 1, "{staged:?}");
        assert_eq!(
            (&staged.left[0].vendor_id, staged.left[0].reason.as_str()),
            (&twice.vendor_id.to_string(), "ambiguous_name")
        );
    }
    let by_reason = RecordFilter { reason: Some(Reason::AmbiguousName), ..RecordFilter::default() };
    assert_eq!(desk.records_with(CLIENT, by_reason).await.len(), 1);
    desk.staged(create(these(&[&twice]))).await;
    assert_eq!(desk.preview().await.counts.create, 7);
}

#[tokio::test]
async fn a_match_is_one_to_one_and_between_equal_kinds() {
    let desk = Desk::read().await;
    let mut clients = desk.records(CLIENT).await;
    let asset = desk.records(Kind::Asset).await[0].clone();
    clients.sort_by_key(|client| Some(&client.vendor_id) != asset.client_vendor_id.as_ref());
    let docs = desk.clients_called(&["First", "Second"]).await;
    desk.staged(matching(&clients[0], &docs["First"])).await;
    let error = desk.refused(matching(&clients[1], &docs["First"])).await;
    assert!(error.code == Code::Refused && error.message.contains(clients[0].vendor_id.as_str()), "{error}");
    assert!(error.hint.contains("reset") && error.hint.contains(&clients[0].name), "{}", error.hint);
    desk.ask(Request::DocsArchive { doc: docs["Second"].doc_id.to_string() }).await.unwrap();
    assert!(desk.refused(matching(&clients[1], &docs["Second"])).await.message.contains("archived"));
    assert!(desk.refused(matching(&asset, &docs["First"])).await.message.contains("of another kind"));
    let nobody = Request::Match {
        id: id(),
        kind: CLIENT,
        vendor_id: clients[0].name.clone(),
        doc_id: docs["First"].doc_id.to_string(),
    };
    let error = desk.refused(nobody).await;
    assert!(error.code == Code::NotFound && error.hint.contains(clients[0].vendor_id.as_str()), "{error:?}");
}

#[tokio::test]
async fn a_selection_is_staged_whole_or_not_at_all() {
    let desk = Desk::read().await;
    let known = desk.records(CLIENT).await[0].vendor_id.to_string();
    let error = desk.refused(create(Selection::Ids(vec![known.clone(), "nobody".to_owned()]))).await;
    assert_eq!(error.code, Code::NotFound);
    assert_eq!(desk.preview().await.counts.create, 0);
    let twice = desk.staged(create(Selection::Ids(vec![known.clone(), known]))).await;
    assert_eq!(twice.staged, 1);
    let excluded = RecordFilter { state: Some(State::Unmatched), ..RecordFilter::default() };
    let rest = Request::Exclude { id: id(), kind: CLIENT, records: Selection::Filter(excluded) };
    assert_eq!(desk.staged(rest).await.staged, 6);
    let everything = Selection::Filter(RecordFilter::default());
    let reset = desk.staged(Request::Reset { id: id(), kind: CLIENT, records: everything }).await;
    assert_eq!((reset.staged, desk.preview().await.items.len()), (7, 0));
}

#[tokio::test]
async fn what_was_previewed_is_what_finish_applies() {
    let desk = Desk::read().await;
    let clients = desk.records(CLIENT).await;
    let docs = desk.clients_called(&[&clients[0].name]).await;
    desk.staged(Request::AutoMatch { id: id(), kind: None }).await;
    desk.staged(Request::Exclude { id: id(), kind: CLIENT, records: these(&[&clients[1]]) }).await;
    desk.staged(Request::CreateUnmatched { id: id(), kind: None }).await;
    let plan = desk.preview().await;
    assert_eq!((plan.counts.matched, plan.counts.exclude, plan.counts.create), (1, 1, 5));
    assert_eq!(plan.items.len(), 7);
    assert_eq!(plan.state, PlanState::Staged);
    let named: Vec<_> = plan.items.iter().filter_map(|item| item.doc_name.as_deref()).collect();
    assert_eq!(
        named,
        [clients[0].name.as_str()],
        "what is matched is called by its name, what is created has none yet"
    );
    assert_eq!(desk.docs(CLIENT).await.len(), 1, "nothing is written before Finish");
    let answer = desk.finish(Some(&plan)).await.unwrap();
    assert_eq!(answer.exit_code(), 0, "{answer:?}");
    let Answer::Finished(view) = answer else { panic!() };
    assert_eq!((view.state, view.counts.create), (IntegrationState::Live, 5));
    let run = view.run.expect("the first full sync");
    assert!(run.counts[&Kind::Asset].created > 0, "{run:?}");
    let after = desk.records(CLIENT).await;
    assert_eq!(after[0].doc_id.as_ref(), Some(&docs[&clients[0].name].doc_id));
    assert_eq!((after[1].state, after[1].reason), (State::Excluded, Some(Reason::Excluded)));
    assert!(after[2..].iter().all(|record| record.state == State::Created && !record.staged));
    let assets = desk.records(Kind::Asset).await;
    let below = assets.iter().filter(|asset| asset.client_vendor_id.as_ref() == Some(&clients[1].vendor_id));
    assert!(below.clone().count() > 0);
    assert!(below.clone().all(|asset| asset.reason == Some(Reason::ClientExcluded)), "{:?}", below.collect::<Vec<_>>());
    let error = desk.finish(Some(&plan)).await.unwrap_err();
    assert_eq!(error.code, Code::PlanState, "a plan is applied once");
}

#[tokio::test]
async fn a_plan_whose_inputs_moved_is_refused_with_what_changed() {
    let desk = Desk::read().await;
    let clients = desk.records(CLIENT).await;
    desk.staged(create(these(&[&clients[0]]))).await;
    let plan = desk.preview().await;
    desk.staged(create(these(&[&clients[1]]))).await;
    let error = desk.finish(Some(&plan)).await.unwrap_err();
    assert_eq!((error.code, error.exit_code()), (Code::PlanOutdated, 1));
    assert!(error.message.contains("by now: create client") && error.message.contains(&clients[1].name), "{error}");
    assert!(desk.docs(CLIENT).await.is_empty());
    let now = desk.preview().await;
    assert_eq!(now.counts.create, 2);
    desk.finish(Some(&now)).await.unwrap();
}

#[tokio::test]
async fn a_record_that_is_decided_twice_at_once_is_refused_and_nothing_is_staged() {
    let desk = Desk::read().await;
    let clients = desk.records(CLIENT).await;
    let of = |index: usize, choice: Choice| Deciding {
        vendor_id: clients[index].vendor_id.to_string(),
        client: None,
        choice,
        revision: None,
    };
    let decisions = vec![of(0, Choice::Create), of(1, Choice::Create), of(0, Choice::Exclude)];
    let error = desk.refused(Request::Decide { id: id(), kind: CLIENT, decisions }).await;
    assert_eq!(error.code, Code::Usage);
    assert!(error.message.contains("twice"), "{error}");
    assert!(desk.records(CLIENT).await.iter().all(|client| !client.staged));
}

#[tokio::test]
async fn the_pages_of_a_preview_are_pages_of_one_plan() {
    let desk = Desk::read().await;
    let clients = desk.records(CLIENT).await;
    desk.staged(create(these(&[&clients[0], &clients[1], &clients[2]]))).await;
    let page = async |limit: usize, cursor: Option<String>| match desk
        .ask(Request::Preview { id: id(), page: Page { limit, cursor } })
        .await
    {
        Ok(Answer::Plan(view)) => Ok(view),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error),
    };
    let first = page(1, None).await.unwrap();
    // Somebody decides meanwhile; nobody has previewed that yet.
    desk.staged(create(these(&[&clients[3]]))).await;
    let before = desk.ports.table.meter().read();
    let second = page(1, first.next.clone()).await.unwrap();
    let third = page(1, second.next.clone()).await.unwrap();
    let spent = desk.ports.table.meter().read();
    assert!(spent.write_units == before.write_units, "reading on writes nothing");
    let named: Vec<&str> = [&first, &second, &third].iter().map(|view| view.items[0].name.as_str()).collect();
    let mut wanted = [&clients[0], &clients[1], &clients[2]];
    wanted.sort_by(|one, other| one.vendor_id.cmp(&other.vendor_id));
    assert_eq!(named, wanted.map(|record| record.name.as_str()));
    assert!(third.next.is_none() && third.plan_id == first.plan_id && second.counts.create == 3);
    let anew = page(1, None).await.unwrap();
    assert_eq!(anew.counts.create, 4);
    let error = page(1, first.next.clone()).await.unwrap_err();
    assert_eq!(error.code, Code::PlanOutdated, "{error}");
    assert!(error.message.contains(first.plan_id.as_str()), "{error}");
    for cursor in ["zz", "6100"] {
        assert_eq!(page(1, Some(cursor.to_owned())).await.unwrap_err().code, Code::Usage, "{cursor}");
    }
}

#[tokio::test]
async fn a_discarded_plan_takes_its_decisions_along() {
    let desk = Desk::read().await;
    desk.staged(Request::CreateUnmatched { id: id(), kind: None }).await;
    let plan = desk.preview().await;
    let answer = desk.ask(Request::PlanDiscard { plan: plan.plan_id.to_string() }).await.unwrap();
    assert_eq!(answer.exit_code(), 0);
    assert!(desk.records(CLIENT).await.iter().all(|record| !record.staged));
    assert_eq!(desk.finish(Some(&plan)).await.unwrap_err().code, Code::PlanState);
    let error = desk.refused(Request::PlanApprove { plan: plan.plan_id.to_string() }).await;
    assert_eq!(error.code, Code::PlanState);
}

#[tokio::test]
async fn undo_takes_back_what_nobody_changed_since() {
    let desk = Desk::read().await;
    let clients = desk.records(CLIENT).await;
    desk.staged(create(these(&[&clients[0], &clients[1]]))).await;
    let plan = desk.preview().await;
    let request = Request::Finish { id: id(), plan: Some(plan.plan_id.to_string()), no_sync: true };
    desk.ask(request).await.unwrap();
    let made = desk.records(CLIENT).await[0].doc_id.clone().unwrap().to_string();
    let set = [("phone".to_owned(), "+1 555 0100".to_owned())].into();
    desk.ask(Request::DocsEdit { doc: made, set, release: Vec::new() }).await.unwrap();
    let answer = desk.ask(Request::Undo { plan: plan.plan_id.to_string() }).await.unwrap();
    assert_eq!(answer.exit_code(), 3, "something stays");
    let Answer::Undone(view) = answer else { panic!() };
    assert_eq!((view.undone, view.kept.len()), (1, 1), "{view:?}");
    assert_eq!(view.kept[0].vendor_id, clients[0].vendor_id);
    let after = desk.records(CLIENT).await;
    assert_eq!((after[0].state, after[0].staged), (State::Created, false));
    assert_eq!((after[1].state, after[1].staged), (State::Created, true), "what was staged is staged again");
    let archived = desk.docs(CLIENT).await.iter().filter(|doc| doc.archived).count();
    assert_eq!(archived, 1, "nothing is deleted");
    let second = desk.refused(Request::Undo { plan: plan.plan_id.to_string() }).await;
    assert_eq!(second.code, Code::PlanState);
}

#[tokio::test]
async fn what_undo_stages_again_is_in_the_next_preview() {
    let desk = Desk::read().await;
    let client = desk.records(CLIENT).await[0].clone();
    desk.staged(create(these(&[&client]))).await;
    let plan = desk.preview().await;
    desk.finish(Some(&plan)).await.unwrap();
    let created = desk.records(CLIENT).await[0].clone();
    desk.staged(decide(&created, Choice::Exclude)).await;
    let plan = desk.preview().await;
    desk.finish(Some(&plan)).await.unwrap();

    desk.ask(Request::Undo { plan: plan.plan_id.to_string() }).await.unwrap();
    let after = desk.records(CLIENT).await[0].clone();
    assert_eq!((after.state, after.staged), (State::Excluded, true), "the exclusion waits for Finish again");
    let again = desk.preview().await;
    assert_eq!(again.counts.exclude, 1, "{again:?}");
    desk.finish(Some(&again)).await.unwrap();
    let after = desk.records(CLIENT).await[0].clone();
    assert_eq!((after.state, after.staged), (State::Excluded, false));
}

#[tokio::test]
async fn decisions_are_carried_to_another_deployment() {
    let first = Desk::read().await;
    let clients = first.records(CLIENT).await;
    let docs = first.clients_called(&["Known", "=Odd"]).await;
    first.staged(matching(&clients[0], &docs["Known"])).await;
    first.staged(matching(&clients[1], &docs["=Odd"])).await;
    first.staged(Request::Exclude { id: id(), kind: CLIENT, records: these(&[&clients[2]]) }).await;
    first.staged(create(these(&[&clients[3]]))).await;
    let csv = first.csv(Request::MappingsExport { id: id() }).await;
    assert!(csv.contains("'=Odd"), "{csv}");

    let second = Desk::read().await;
    let bad = format!("{csv}auvik,client,nobody,excluded,,,\n");
    // Another order of import, so that nothing but the name can find them.
    second.clients_called(&["Other", "=Odd", "Known"]).await;
    let answer = second.ask(Request::MappingsImport { id: id(), csv: bad }).await.unwrap();
    assert_eq!(answer.exit_code(), 3);
    let Answer::Imported(view) = answer else { panic!() };
    assert_eq!((view.created, view.problems.len()), (4, 1), "{view:?}");
    assert_eq!(view.problems[0].line, 6);
    assert_eq!(second.csv(Request::MappingsExport { id: id() }).await, csv);
    let again = second.ask(Request::MappingsImport { id: id(), csv }).await.unwrap();
    let Answer::Imported(view) = again else { panic!() };
    assert_eq!((view.created, view.unchanged), (0, 4));
}

#[tokio::test]
async fn records_come_in_pages_across_clients() {
    let desk = Desk::read().await;
    let all = desk.records(Kind::Asset).await;
    let mut cursor = None;
    let mut seen = Vec::new();
    loop {
        let page = Page { limit: 7, cursor };
        let request = Request::Records { id: id(), kind: Kind::Asset, filter: RecordFilter::default(), page };
        let Answer::Records(list) = desk.ask(request).await.unwrap() else { panic!() };
        assert!(list.items.len() <= 7);
        seen.extend(list.items);
        match list.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, all);
    let search = RecordFilter { search: Some(all[3].name.to_uppercase()), ..RecordFilter::default() };
    assert!(desk.records_with(Kind::Asset, search).await.iter().any(|record| record.vendor_id == all[3].vendor_id));
}

#[tokio::test]
async fn an_asset_is_matched_below_its_own_client_only() {
    let desk = Desk::read().await;
    let asset = desk.records(Kind::Asset).await[0].clone();
    let clients = desk.records(CLIENT).await;
    let own = clients.iter().find(|client| Some(&client.vendor_id) == asset.client_vendor_id.as_ref()).unwrap();
    let docs = desk.clients_called(&["Own", "Other"]).await;
    let csv = "name,client\nIn own,Own\nIn other,Other\n".to_owned();
    desk.ask(Request::DocsImport { kind: Kind::Asset, csv }).await.unwrap();
    let assets = desk.docs(Kind::Asset).await;
    let named = |name: &str| assets.iter().find(|doc| doc.name == name).unwrap();
    assert!(desk.refused(matching(&asset, named("In own"))).await.message.contains("not matched yet"));
    desk.staged(matching(own, &docs["Own"])).await;
    assert!(desk.refused(matching(&asset, named("In other"))).await.message.contains("belongs to another client"));
    desk.staged(matching(&asset, named("In own"))).await;
    let plan = desk.preview().await;
    let kinds: Vec<(Action, Kind)> = plan.items.iter().map(|item| (item.action, item.kind)).collect();
    assert_eq!(kinds, [(Action::Match, CLIENT), (Action::Match, Kind::Asset)]);
}

#[tokio::test]
async fn what_a_client_with_assets_leaves_behind_is_told_before_it_happens() {
    let desk = Desk::live().await;
    let assets = desk.records(Kind::Asset).await;
    let clients = desk.records(CLIENT).await;
    let owner = clients.iter().find(|client| Some(&client.vendor_id) == assets[0].client_vendor_id.as_ref()).unwrap();
    let own = assets.iter().filter(|asset| asset.client_vendor_id.as_ref() == Some(&owner.vendor_id));
    let documented = own.filter(|asset| asset.doc_id.is_some()).count() as u64;
    let docs = desk.clients_called(&["Elsewhere"]).await;
    desk.staged(matching(owner, &docs["Elsewhere"])).await;
    let plan = desk.preview().await;
    assert_eq!(plan.consequences.len(), 1, "{plan:?}");
    let told = &plan.consequences[0];
    assert_eq!((&told.client_vendor_id, told.kind, told.records), (&owner.vendor_id, Kind::Asset, documented));
    desk.finish(Some(&plan)).await.unwrap();
    desk.sync().await;
    let after = desk.records(Kind::Asset).await;
    let moved = after.iter().filter(|asset| asset.client_vendor_id.as_ref() == Some(&owner.vendor_id));
    let below = |asset: &console::views::RecordView| asset.doc_id.as_ref().and_then(|doc| doc.client());
    assert!(
        moved
            .filter(|asset| asset.doc_id.is_some())
            .all(|asset| below(asset).as_ref() == Some(&docs["Elsewhere"].doc_id))
    );
}

#[tokio::test]
async fn hostile_names_are_written_out_for_people_and_left_alone_for_scripts() {
    let desk = Desk::verified().await;
    desk.world.change(|world| world.clients[1].name = "Evil\u{202e}\u{1b}[2J".to_owned());
    desk.set(|change| change.sync = Some([CLIENT].into())).await.unwrap();
    desk.sync().await;
    let clients = desk.records(CLIENT).await;
    let evil = clients.iter().find(|client| client.name.contains('\u{202e}')).expect("JSON carries the text as it is");
    let other = clients.iter().find(|client| client.vendor_id != evil.vendor_id).unwrap();
    let docs = desk.clients_called(&["Acme"]).await;
    desk.staged(matching(evil, &docs["Acme"])).await;
    let error = desk.refused(matching(other, &docs["Acme"])).await;
    assert!(error.hint.contains("Evil\\u{202e}"), "{}", error.hint);
    assert!(!error.hint.contains(['\u{202e}', '\u{1b}']));
}

fn decide(record: &console::views::RecordView, choice: Choice) -> Request {
    let one = Deciding {
        vendor_id: record.vendor_id.to_string(),
        client: record.client_vendor_id.as_ref().map(ToString::to_string),
        choice,
        revision: Some(record.revision.clone()),
    };
    Request::Decide { id: id(), kind: record.kind, decisions: vec![one] }
}

#[tokio::test]
async fn of_two_who_decide_about_the_same_record_the_second_learns_of_the_first() {
    let desk = Desk::read().await;
    let seen = desk.records(CLIENT).await[0].clone();
    assert_eq!(desk.staged(decide(&seen, Choice::Exclude)).await.staged, 1);
    let second = desk.staged(decide(&seen, Choice::Create)).await;
    assert_eq!((second.staged, second.left.len(), second.left[0].reason.as_str()), (0, 1, "changed"));
    assert!(second.left[0].message.contains("it is excluded, staged"), "{second:?}");
    let now = desk.records(CLIENT).await.into_iter().find(|one| one.vendor_id == seen.vendor_id).unwrap();
    assert_eq!(now.state, State::Excluded);
    assert_eq!(desk.staged(decide(&now, Choice::Reset)).await.staged, 1, "who has seen it may decide otherwise");
}

#[tokio::test]
async fn what_the_vendor_changes_meanwhile_outdates_no_decision() {
    let desk = Desk::live().await;
    let before = desk.records(CLIENT).await;
    desk.world.change(|world| world.clients[1].name = "Renamed Meanwhile".to_owned());
    desk.sync().await;
    let now = desk.records(CLIENT).await.into_iter().find(|one| one.name.contains("Renamed")).expect("it was read");
    let seen = before.into_iter().find(|one| one.vendor_id == now.vendor_id).unwrap();
    assert!(!seen.name.contains("Renamed"));
    assert_eq!(desk.staged(decide(&seen, Choice::Exclude)).await.staged, 1);
}

#[tokio::test]
async fn lists_say_what_is_stored_whatever_was_done() {
    let desk = Desk::read().await;
    let is_true = async |what: &str| {
        let scope = reconcile::ids::Scope::Clients;
        let integration = reconcile::ids::IntegrationId::parse(ID).unwrap();
        let entries = engine::store::entries::load_scope(&desk.ports.table, &integration, &scope).await.unwrap();
        let roster = engine::store::roster::load(&desk.ports.table, &integration, CLIENT).await.unwrap();
        let lines = entries.values().map(|entry| (entry.record.vendor_id.clone(), engine::store::roster::line(entry)));
        assert_eq!(roster, lines.collect(), "after {what}");
    };
    is_true("the first read").await;
    let clients = desk.records(CLIENT).await;
    desk.staged(decide(&clients[0], Choice::Exclude)).await;
    desk.staged(create(these(&[&clients[1], &clients[2]]))).await;
    is_true("decisions").await;
    desk.clients_called(&[&clients[3].name, &clients[4].name, &clients[4].name]).await;
    desk.staged(Request::AutoMatch { id: id(), kind: None }).await;
    is_true("auto-match, which notes an ambiguous name").await;
    let plan = desk.preview().await;
    desk.ask(Request::PlanDiscard { plan: plan.plan_id.to_string() }).await.unwrap();
    is_true("discarding").await;
    desk.staged(Request::CreateUnmatched { id: id(), kind: None }).await;
    let plan = desk.preview().await;
    desk.finish(Some(&plan)).await.unwrap();
    is_true("Finish").await;
    desk.world.change(|world| world.clients[1].name.push_str(" renamed"));
    desk.sync().await;
    is_true("a night").await;
    desk.ask(Request::Undo { plan: plan.plan_id.to_string() }).await.unwrap();
    is_true("undo").await;
    desk.ask(Request::IntegrationRemove { id: id() }).await.unwrap();
    desk.ask(desk.adding(ID)).await.unwrap();
    is_true("removing it and adding it again").await;
}

#[tokio::test]
async fn candidates_are_the_nearest_or_those_that_hold_the_text() {
    let desk = Desk::read().await;
    let client = desk.records(CLIENT).await[1].clone();
    let near = format!("{} Holding", client.name);
    desk.clients_called(&[&near, "Quarry Lane Dental", "Old Quarry"]).await;
    let asked = |search: Option<&str>| Request::Candidates {
        id: id(),
        kind: CLIENT,
        vendor_id: client.vendor_id.to_string(),
        client: None,
        search: search.map(str::to_owned),
    };
    let names = async |search| match desk.ask(asked(search)).await.unwrap() {
        Answer::Candidates(view) => view.items.into_iter().map(|one| one.name).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(names(None).await, [near.as_str()]);
    assert_eq!(names(Some("quarry")).await, ["Quarry Lane Dental", "Old Quarry"]);
    assert!(names(Some("no such name")).await.is_empty());
}
