use reconcile::ids::{IntegrationId, VendorId};
use reconcile::plan::{Before, Change, Standing};
use reconcile::reason::Reason;
use reconcile::record::{Field, Fingerprint, Value};

use super::*;
use crate::memory::MemoryTable;

/// DynamoDB's limit for an item.
const ITEM_BYTES_MAX: usize = 400 * 1024;

fn item(number: usize, value_bytes: usize) -> Item {
    Item {
        action: Action::Create,
        kind: Kind::Asset,
        vendor_id: VendorId::parse(&format!("{number:06}")).expect("an id"),
        name: format!("PC-{number}"),
        doc_id: None,
        rule: None,
        changes: vec![Change { field: Field::Os, from: None, to: Some(Value::Text("x".repeat(value_bytes))) }],
        entry_version: 1,
        doc_version: None,
        before: Before::default(),
        after: Fingerprint([0; 16]),
    }
}

fn scope_plan(client: &str, items: usize, value_bytes: usize, unsynced: usize) -> ScopePlan {
    let left_out = |number: usize| Unsynced {
        kind: Kind::Asset,
        vendor_id: VendorId::parse(&format!("{number:06}")).expect("an id"),
        reason: Reason::MissingIdentifier,
        candidates: Vec::new(),
    };
    ScopePlan {
        scope: Scope::Client(VendorId::parse(client).expect("an id")),
        standing: Standing::Unmatched,
        below: None,
        docs_version: 0,
        items: (0..items).map(|number| item(number, value_bytes)).collect(),
        unsynced: (items..items + unsynced).map(left_out).collect(),
        counts: BTreeMap::from([(Kind::Asset, Counts { fetched: 1, ..Counts::default() })]),
        stale: BTreeMap::new(),
        settled: true,
        after: None,
    }
}

#[tokio::test]
async fn a_large_plan_is_stored_in_items_that_the_store_takes_and_comes_back_whole() {
    let (table, owner) = (MemoryTable::new(), "run");
    let plans = vec![
        scope_plan("1", 0, 0, 0),
        scope_plan("2", 700, 900, 650),
        scope_plan("3", 1, 0, 1),
        scope_plan("4", 8, 100_000, 3),
    ];
    for chunk in chunks(&plans) {
        assert!(chunk.len() < ITEM_BYTES_MAX, "a chunk of {} bytes", chunk.len());
    }
    save_part(&table, owner, 7, &plans).await.expect("memory never fails");
    assert_eq!(load_part(&table, owner, 7).await.expect("readable"), plans);
}

#[tokio::test]
async fn a_part_that_is_planned_again_leaves_nothing_of_the_first_try() {
    let (table, owner) = (MemoryTable::new(), "run");
    let (long, short) = (vec![scope_plan("1", 900, 900, 0)], vec![scope_plan("2", 2, 10, 2)]);
    save_part(&table, owner, 0, &long).await.expect("memory never fails");
    save_part(&table, owner, 0, &short).await.expect("memory never fails");
    assert_eq!(load_part(&table, owner, 0).await.expect("readable"), short);
}

fn head(digest: &str, at: &str, parts: u64) -> PlanHead {
    let plan_id = PlanId::new(&IntegrationId::parse("rmm").expect("a slug"), digest);
    PlanHead {
        owner: plan_id.to_string(),
        plan_id,
        run: None,
        state: PlanState::Staged,
        made_at: at.parse().expect("an instant"),
        parts,
        actions: BTreeMap::new(),
        why: Vec::new(),
        finished: false,
        version: 0,
    }
}

#[tokio::test]
async fn the_pages_of_a_plan_are_its_items_and_each_reads_its_own_chunks() {
    let (table, head) = (MemoryTable::new(), head("aaaa", "2026-11-20T20:00:00Z", 3));
    let parts = [
        vec![scope_plan("1", 700, 900, 650), scope_plan("2", 3, 0, 0)],
        vec![],
        vec![scope_plan("3", 0, 0, 9)],
        vec![scope_plan("4", 400, 900, 0)],
    ];
    for (part, plans) in (0..).zip(&parts) {
        save_part(&table, &head.owner, part, plans).await.expect("memory never fails");
    }
    let all: Vec<Item> = parts.iter().flatten().flat_map(|plan| plan.items.clone()).collect();
    for limit in [1, 100, 350, 1_000, 2_000] {
        let mut seen = Vec::new();
        let mut from = Some(Place::default());
        while let Some(place) = from {
            let before = table.meter().read().read_units;
            let (page, next) = items(&table, &head, place, limit).await.expect("readable");
            let spent = table.meter().read().read_units - before;
            assert!(page.len() == limit || next.is_none(), "{limit}: {} of {place:?}", page.len());
            // A full chunk has 88 units and some 340 of these items.
            let chunks = limit.div_ceil(300) + 3;
            assert!(spent <= 88.0 * chunks as f64, "{limit}: {spent} units at {place:?}");
            seen.extend(page);
            from = next;
        }
        assert!(seen == all, "{limit}: {} of {}", seen.len(), all.len());
    }
    let beyond = Place { part: 3, chunk: 77, item: 0 };
    assert_eq!(items(&table, &head, beyond, 5).await.expect("readable"), (Vec::new(), None));
}

#[tokio::test]
async fn plans_are_listed_newest_first() {
    let table = MemoryTable::new();
    let integration = IntegrationId::parse("rmm").expect("a slug");
    for (digest, at) in [("aaaa", "2026-11-20T20:00:00Z"), ("bbbb", "2026-11-21T20:00:00Z")] {
        save(&table, &mut head(digest, at, 0)).await.expect("memory never fails");
    }
    let made: Vec<String> =
        list(&table, &integration).await.expect("readable").iter().map(|head| head.made_at.to_string()).collect();
    assert_eq!(made, ["2026-11-21T20:00:00Z", "2026-11-20T20:00:00Z"]);
}
