//! What lies behind an integration after a while: a run and a plan for each of many nights, and the documentation records
//! that they changed.

use std::collections::BTreeMap;

use engine::ports::Table;
use engine::store::audit::{self, AuditEntry};
use engine::store::plans::{self, PlanHead, PlanState};
use engine::store::runs::{self, RunRecord, Slot};
use engine::store::{catalogue, digests::Epochs};
use jiff::{Timestamp, ToSpan};
use reconcile::doc::{Doc, Role, Source};
use reconcile::ids::{DocId, IntegrationId, PlanId, RecordKey, RunId, Scope, VendorId};
use reconcile::plan::{Action, Before, Change, Counts, Item, ScopePlan, Standing};
use reconcile::reason::Reason;
use reconcile::record::{Field, Fields, Fingerprint, Kind, Value};
use reconcile::run::{Outcome, Phase, ReadReport, Run, Trigger};

use crate::big;

/// So many nights were run.
pub const NIGHTS: usize = 90;
/// Devices that each of them changed.
const CHANGED: usize = 30;
/// Decisions of people that the audit log holds.
pub const DECISIONS: usize = 1_000;

/// The newest night's run.
pub fn newest_run() -> anyhow::Result<String> {
    Ok(RunId::new(&IntegrationId::parse(big::ID)?, &stamp(NIGHTS - 1)?).to_string())
}

fn night(number: usize) -> anyhow::Result<Timestamp> {
    let first: Timestamp = "2026-08-22T20:00:00Z".parse()?;
    Ok(first.checked_add((24 * i64::try_from(number)?).hours())?)
}

fn stamp(number: usize) -> anyhow::Result<String> {
    Ok(night(number)?.strftime("%Y%m%dT%H%M%SZ").to_string())
}

/// The documented client below which all changes lie.
pub fn client() -> anyhow::Result<DocId> {
    let key = RecordKey {
        integration: IntegrationId::parse(big::ID)?,
        kind: Kind::Client,
        vendor_id: VendorId::parse(&big::client(3))?,
    };
    Ok(DocId::created(&key, None))
}

fn device(number: usize) -> anyhow::Result<(VendorId, DocId)> {
    let vendor_id = VendorId::parse(&format!("documented-{number:02}"))?;
    let key =
        RecordKey { integration: IntegrationId::parse(big::ID)?, kind: Kind::Asset, vendor_id: vendor_id.clone() };
    let doc = DocId::created(&key, Some(&client()?));
    Ok((vendor_id, doc))
}

/// The documentation record that is looked at: every night changed it.
pub fn record() -> anyhow::Result<DocId> {
    Ok(device(0)?.1)
}

/// Writes all of it.
pub async fn fill(table: &impl Table) -> anyhow::Result<()> {
    let id = IntegrationId::parse(big::ID)?;
    for number in 0..CHANGED {
        let (vendor_id, doc_id) = device(number)?;
        let mut doc = Doc::new(doc_id, &format!("Device {number:02}"));
        let mut fields = Fields::default();
        fields.set_text(Field::Hostname, &format!("host-{number:02}"));
        fields.set_text(Field::Model, "the model of the newest night");
        let client = Some(VendorId::parse(&big::client(3))?);
        let name = format!("Device {number:02}");
        let source = Source { vendor_id, client, role: Role::Monitor, name, fields, stale: false };
        doc.sources.insert(id.clone(), source);
        table.write(catalogue::write(&doc)).await?;
    }
    for number in 0..NIGHTS {
        let plan = store_plan(table, &id, number).await?;
        store_run(table, &id, number, plan).await?;
    }
    for number in 0..DECISIONS {
        let at = night(0)?.checked_add((3 * i64::try_from(number)?).minutes())?;
        let on = format!("{}: {}", device(number % CHANGED)?.1, Field::Phone);
        let entry = AuditEntry { at, who: "ann".to_owned(), what: "docs edit".to_owned(), on };
        audit::append(table, "catalogue", &entry).await?;
    }
    Ok(())
}

async fn store_plan(table: &impl Table, id: &IntegrationId, number: usize) -> anyhow::Result<PlanId> {
    let run = RunId::new(id, &stamp(number)?);
    let mut head = PlanHead {
        plan_id: PlanId::new(id, &format!("{number:032}")),
        run: Some(run.clone()),
        state: PlanState::Applied,
        made_at: night(number)?,
        owner: run.to_string(),
        parts: 1,
        actions: BTreeMap::from([(Action::Update, CHANGED as u64)]),
        why: Vec::new(),
        finished: true,
        version: 0,
    };
    let mut items = Vec::new();
    for changed in 0..CHANGED {
        let (vendor_id, doc_id) = device(changed)?;
        let said = |night: usize| Some(Value::Text(format!("the model of night {night}")));
        items.push(Item {
            action: Action::Update,
            kind: Kind::Asset,
            vendor_id,
            name: format!("Device {changed:02}"),
            doc_id: Some(doc_id),
            rule: None,
            changes: vec![Change { field: Field::Model, from: said(number), to: said(number + 1) }],
            entry_version: number as u64,
            doc_version: Some(number as u64),
            before: Before::default(),
            after: Fingerprint([7; 16]),
        });
    }
    let below = client()?;
    let scope = ScopePlan {
        scope: Scope::Client(VendorId::parse(&big::client(3))?),
        standing: Standing::Mapped(below.clone()),
        below: Some(below),
        docs_version: 1,
        items,
        unsynced: Vec::new(),
        counts: BTreeMap::new(),
        stale: BTreeMap::new(),
        settled: true,
        after: None,
    };
    plans::save_part(table, &head.owner, 1, &[scope]).await?;
    plans::save(table, &mut head).await?;
    Ok(head.plan_id)
}

async fn store_run(table: &impl Table, id: &IntegrationId, number: usize, plan: PlanId) -> anyhow::Result<()> {
    let Slot::Free { version } = runs::slot(table, id).await? else { anyhow::bail!("a run is open") };
    let devices = big::UNSYNCED as u64;
    let of = |fetched: u64, synced: u64, reason: Reason| Counts {
        fetched,
        synced,
        unchanged: synced,
        unsynced: fetched - synced,
        reasons: BTreeMap::from([(reason, fetched - synced)]),
        ..Counts::default()
    };
    let reports = [(Kind::Client, big::CLIENTS as u64), (Kind::Asset, devices)];
    let report = |fetched| ReadReport { fetched, complete: true, ..ReadReport::default() };
    let mut record = RunRecord {
        run_id: RunId::new(id, &stamp(number)?),
        run: Run {
            trigger: Trigger::Schedule,
            phase: Phase::Closed { outcome: Outcome::Complete },
            reports: reports.into_iter().map(|(kind, fetched)| (kind, report(fetched))).collect(),
        },
        holder: "bench".to_owned(),
        started_at: night(number)?,
        touched_at: night(number)?,
        finished_at: Some(night(number)?.checked_add(9.minutes())?),
        epochs: Epochs::default(),
        skipped: BTreeMap::new(),
        again: Vec::new(),
        counts: BTreeMap::from([
            (Kind::Client, of(big::CLIENTS as u64, 0, Reason::Unmatched)),
            (Kind::Asset, of(devices + CHANGED as u64, CHANGED as u64, Reason::MissingIdentifier)),
        ]),
        vendor_requests: 2_061,
        cursors: BTreeMap::new(),
        plan: Some(plan),
        log: Vec::new(),
        version,
    };
    for line in 0..12 {
        record.note(night(number)?, format!("{line} of the lines that a run writes about what it did"));
    }
    Ok(runs::close(table, &record, None).await?)
}
