//! Syncs, their progress, and what is told of them.

use console::answer::Answer;
use console::error::Code;
use console::progress::Phase;
use console::request::{Page, Request, SyncTarget};
use console::views::RunView;
use console::words::{Outcome, PlanState, Trigger};
use reconcile::reason::Reason;
use reconcile::record::Kind;
use sandbox::faults::Fault;

use crate::desk::{Desk, ID, these};

fn id() -> String {
    ID.to_owned()
}

async fn runs(desk: &Desk) -> Vec<RunView> {
    match desk.ask(Request::Runs { id: None, page: Page::default() }).await.unwrap() {
        Answer::Runs(list) => list.items,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_night_without_changes_leaves_everything_as_it_was() {
    let desk = Desk::live().await;
    let view = desk.sync().await;
    let again = desk.sync().await;
    for (kind, counts) in &again.items[0].counts {
        assert!(counts.adds_up(), "{kind}: {counts:?}");
        assert_eq!(counts.fetched, view.items[0].counts[kind].fetched);
        assert_eq!(counts.unchanged, counts.synced);
    }
    assert_eq!((again.items[0].trigger, again.items[0].outcome), (Trigger::Manual, Some(Outcome::Complete)));
    let forced = desk.ask(Request::Sync { target: SyncTarget::All, force: true }).await.unwrap();
    let Answer::Synced(forced) = forced else { panic!() };
    assert_eq!(forced.items[0].trigger, Trigger::Forced);
    let all = runs(&desk).await;
    let triggers: Vec<Trigger> = all.iter().map(|run| run.trigger).collect();
    use Trigger::{Forced, Manual, Setup};
    assert_eq!(triggers, [Forced, Manual, Manual, Manual, Setup], "the newest first");
    let shown = desk.json(Request::RunShow { run: all[0].run_id.to_string() }).await;
    assert_eq!(shown["run_id"], all[0].run_id.to_string());
}

#[tokio::test]
async fn progress_is_told_while_it_runs() {
    let desk = Desk::live().await;
    let told = desk.told.lock().unwrap();
    let phases: Vec<Phase> = told.iter().map(|event| event.phase).collect();
    for phase in [Phase::Reading, Phase::Applying, Phase::Closed] {
        assert!(phases.contains(&phase), "{phase:?} in {phases:?}");
    }
    assert!(told.iter().any(|event| event.kind == Some(Kind::Asset) && event.records > 0 && event.total.is_some()));
    assert!(told.iter().all(|event| event.total.is_none_or(|total| event.done <= total)));
}

#[tokio::test]
async fn a_slip_of_the_pen_runs_nothing() {
    let desk = Desk::live().await;
    let calls = desk.auvik.with(|auvik| auvik.calls());
    let target = SyncTarget::Ids(vec![id(), "auvik-mian".to_owned()]);
    assert_eq!(desk.refused(Request::Sync { target, force: false }).await.code, Code::NotFound);
    assert_eq!(desk.auvik.with(|auvik| auvik.calls()), calls);
}

#[tokio::test]
async fn a_vendor_that_is_down_ends_in_an_incomplete_run_and_exit_1() {
    let desk = Desk::live().await;
    desk.auvik.with(|auvik| auvik.trouble(Fault::ServerError { status: 503 }));
    let target = SyncTarget::Ids(vec![id()]);
    let answer = desk.ask(Request::Sync { target, force: false }).await.unwrap();
    assert_eq!(answer.exit_code(), 1, "{answer:?}");
    let status = desk.status().await;
    assert_eq!(status.last_run.unwrap().outcome, Some(Outcome::Incomplete));
    assert!(desk.records(Kind::Client).await.iter().all(|record| !record.stale));
}

#[tokio::test]
async fn what_is_not_documented_is_listed_with_its_reason_and_what_to_do() {
    let desk = Desk::read().await;
    let clients = desk.records(Kind::Client).await;
    let records = these(&[&clients[1]]);
    desk.ask(Request::Exclude { id: id(), kind: Kind::Client, records }).await.unwrap();
    desk.ask(Request::CreateUnmatched { id: id(), kind: None }).await.unwrap();
    desk.finish(None).await.unwrap();
    let request = |page| Request::Unsynced { id: id(), kind: None, filter: Default::default(), page };
    let Answer::Unsynced(all) = desk.ask(request(Page::default())).await.unwrap() else { panic!() };
    let counts = desk.status().await.last_run.unwrap().counts;
    let unsynced: u64 = counts.values().map(|counts| counts.unsynced).sum();
    assert_eq!(all.items.len() as u64, unsynced);
    assert!(unsynced > 0);
    for (reason, count) in &counts[&Kind::Asset].reasons {
        let listed = all.items.iter().filter(|item| item.kind == Kind::Asset && item.reason == *reason).count();
        assert_eq!(listed as u64, *count, "{reason}");
    }
    assert!(all.items.iter().all(|item| !item.message.is_empty() && !item.fix.is_empty()));
    let mut paged = Vec::new();
    let mut cursor = None;
    loop {
        let Answer::Unsynced(list) = desk.ask(request(Page { limit: 2, cursor })).await.unwrap() else { panic!() };
        paged.extend(list.items);
        match list.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(paged, all.items);
    let csv = desk.csv(Request::UnsyncedExport { id: id(), kind: None, filter: Default::default() }).await;
    assert_eq!(csv.lines().count() as u64, unsynced + 1);
    assert!(csv.contains(Reason::ClientExcluded.code()), "{csv}");
}

#[tokio::test]
async fn a_held_run_waits_for_a_person_and_approval_applies_it_at_once() {
    let desk = Desk::live().await;
    hide_most(&desk);
    let target = SyncTarget::Ids(vec![id()]);
    let answer = desk.ask(Request::Sync { target: target.clone(), force: false }).await.unwrap();
    assert_eq!(answer.exit_code(), 3, "{answer:?}");
    let status = desk.status().await;
    let held = status.last_run.expect("the held run");
    assert_eq!(held.outcome, Some(Outcome::Held));
    assert!(status.waiting.iter().any(|line| line.contains("plan approve")), "{:?}", status.waiting);
    let plan = held.plan_id.expect("what it would do").to_string();
    let shown = desk.json(Request::PlanShow { plan: plan.clone(), page: Page::default() }).await;
    assert_eq!(shown["state"], "held");
    assert!(!shown["held_because"].as_array().unwrap().is_empty());
    let again = desk.ask(Request::Sync { target, force: false }).await.unwrap();
    assert_eq!(again.exit_code(), 3, "it still waits");
    assert_eq!(runs(&desk).await[0].run_id, held.run_id, "and no other run began");
    let answer = desk.ask(Request::PlanApprove { plan: plan.clone() }).await.unwrap();
    let Answer::PlanChanged(view) = &answer else { panic!("{answer:?}") };
    assert_eq!(view.state, PlanState::Applied);
    assert!(view.run.as_ref().is_some_and(|run| run.finished_at.is_some()));
    assert_eq!(desk.refused(Request::PlanApprove { plan }).await.code, Code::PlanState);
}

#[tokio::test]
async fn a_held_run_that_is_discarded_wrote_nothing_and_frees_the_integration() {
    let desk = Desk::live().await;
    let before = desk.docs(Kind::Asset).await;
    hide_most(&desk);
    desk.sync().await;
    let plan = desk.status().await.last_run.unwrap().plan_id.unwrap().to_string();
    let answer = desk.ask(Request::PlanDiscard { plan }).await.unwrap();
    assert_eq!(answer.exit_code(), 0);
    assert_eq!(desk.docs(Kind::Asset).await, before);
    let status = desk.status().await;
    assert!(status.current_run.is_none() && status.waiting.is_empty(), "{status:?}");
    let discarded = status.last_run.unwrap();
    assert!(discarded.finished_at.is_some());
    let next = desk.sync().await;
    assert_ne!(next.items[0].run_id, discarded.run_id, "the integration is free for another run");
}

/// Makes the vendor show far fewer devices than before.
fn hide_most(desk: &Desk) {
    desk.world.change(|world| {
        let all: Vec<_> = world.clients.iter().flat_map(|client| &client.devices).map(|device| device.number).collect();
        for device in &all[5..] {
            world.retire_device(*device);
        }
    });
}

#[tokio::test]
async fn status_says_what_a_run_will_cost_and_when_it_comes() {
    let desk = Desk::live().await;
    let status = desk.status().await;
    let cost = status.expected_cost.expect("the last run tells");
    assert!(cost.vendor_requests >= 8, "{cost:?}");
    let last = status.last_run.unwrap();
    assert!(last.vendor_requests.abs_diff(cost.vendor_requests) <= 3, "{cost:?} for {}", last.vendor_requests);
    assert!(status.next_run_at.is_some() && status.current_run.is_none());
}

#[tokio::test]
async fn a_request_can_be_carried_out_by_a_task_of_its_own() {
    fn is_sendable<T: Send>(future: T) -> T {
        future
    }
    let desk = Desk::live().await;
    let who = console::roles::Actor { name: "ann".to_owned(), role: console::roles::Role::Viewer };
    let request = Request::Status { id: None, page: Page::default() };
    is_sendable(console::handle::handle(request, &who, &desk.ports, &console::progress::Silent)).await.unwrap();
}
