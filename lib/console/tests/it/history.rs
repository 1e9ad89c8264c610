//! What happened to a record, told from the newest to the one that made it.

use console::answer::Answer;
use console::error::Code;
use console::request::Request;
use console::views::DocView;
use engine::ports::{Clock, Table};
use engine::store::audit::{self, AuditEntry};
use engine::store::plans::{self, PlanHead, PlanState};
use jiff::{Timestamp, ToSpan};
use reconcile::ids::{IntegrationId, PlanId, RunId, Scope, VendorId};
use reconcile::plan::{Action, Before, Item, ScopePlan, Standing};
use reconcile::record::{Fingerprint, Kind};

use crate::desk::Desk;

/// Stores what a night did: one device's model changed.
async fn night(desk: &Desk, doc: &DocView, at: Timestamp) {
    let id = IntegrationId::parse(crate::desk::ID).unwrap();
    let run = RunId::new(&id, &at.as_second().to_string());
    let source = &doc.sources[0];
    let item = Item {
        action: Action::Update,
        kind: doc.kind,
        vendor_id: source.vendor_id.clone(),
        name: source.name.clone(),
        doc_id: Some(doc.doc_id.clone()),
        rule: None,
        changes: Vec::new(),
        entry_version: 2,
        doc_version: Some(2),
        before: Before::default(),
        after: Fingerprint([0; 16]),
    };
    let scope = ScopePlan {
        scope: Scope::Client(VendorId::parse("any").unwrap()),
        standing: Standing::Unmatched,
        below: None,
        docs_version: 1,
        items: vec![item],
        unsynced: Vec::new(),
        counts: Default::default(),
        stale: Default::default(),
        settled: true,
        after: None,
    };
    let mut head = PlanHead {
        plan_id: PlanId::new(&id, &format!("{:032}", at.as_second())),
        owner: run.to_string(),
        run: Some(run),
        state: PlanState::Applied,
        made_at: at,
        parts: 1,
        actions: Default::default(),
        why: Vec::new(),
        finished: true,
        version: 0,
    };
    plans::save_part(&desk.ports.table, &head.owner, 1, &[scope]).await.unwrap();
    plans::save(&desk.ports.table, &mut head).await.unwrap();
}

#[tokio::test]
async fn the_whole_history_of_a_record_can_be_reached_a_page_at_a_time() {
    let desk = Desk::live().await;
    let doc = desk.docs(Kind::Asset).await[0].clone();
    let other = desk.docs(Kind::Asset).await[1].clone();
    let first = desk.ports.clock.now();
    let mut wanted = vec![(first, "created".to_owned())];
    for number in 1..=70 {
        let at = first.checked_add((number * 24).hours()).unwrap();
        night(&desk, if number % 3 == 0 { &other } else { &doc }, at).await;
        if number % 3 != 0 {
            wanted.push((at, "updated".to_owned()));
        }
        // Nine decisions a day, one of them about the record.
        for hour in 1..10 {
            let at = at.checked_add(hour.hours()).unwrap();
            let about = if hour == 5 { &doc } else { &other };
            let entry =
                AuditEntry { at, who: "ann".to_owned(), what: "docs edit".to_owned(), on: about.doc_id.to_string() };
            audit::append(&desk.ports.table, "catalogue", &entry).await.unwrap();
            if hour == 5 {
                wanted.push((at, "docs edit".to_owned()));
            }
        }
    }
    wanted.reverse();
    let (mut seen, mut pages, mut cursor) = (Vec::new(), 0, None);
    loop {
        let before = desk.ports.table.meter().read().read_units;
        let request = Request::DocsHistory { doc: doc.doc_id.to_string(), cursor };
        let Answer::History(list) = desk.ask(request).await.unwrap() else { panic!() };
        let spent = desk.ports.table.meter().read().read_units - before;
        assert!(spent < 100.0, "a page of a history costs {spent} units");
        pages += 1;
        seen.extend(list.items.into_iter().map(|one| (one.at, one.what)));
        match list.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    let (last, newer) = seen.split_last().unwrap();
    assert_eq!(newer, &wanted[..wanted.len() - 1]);
    assert!(last.1 == "created" && pages > 2, "{last:?} in {pages}");
    for cursor in ["zz".to_owned(), "61".repeat(3) + "000000"] {
        let request = Request::DocsHistory { doc: doc.doc_id.to_string(), cursor: Some(cursor) };
        assert_eq!(desk.refused(request).await.code, Code::Usage);
    }
}
