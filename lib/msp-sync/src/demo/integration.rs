//! One vendor becomes an integration, as a person would set it up: verified, read, decided, finished.

use std::collections::{BTreeMap, BTreeSet};

use apis::feed::Vendor;
use console::answer::Answer;
use console::request::{IntegrationChange, Page, RecordFilter, Request, SecretParts, Selection, SyncTarget};
use console::views::RecordView;
use reconcile::mapping::State;
use reconcile::normal::NameKey;
use reconcile::reason::Reason;
use reconcile::record::Kind;

use super::{Show, counted};
use crate::failure::Failure;
use crate::render;

/// A suggestion this good is taken, as a person would.
const SCORE_TAKEN: f64 = 0.85;
/// Configuration types that this MSP does not document.
const TYPES_LEFT_OUT: &[&str] = &["Other", "Software Licence"];
/// Far above what any vendor takes: the simulated ones are on this machine.
const REQUESTS_PER_MINUTE: &str = "60000";

/// A vendor and the integration that it becomes.
pub(super) struct Stage {
    /// The integration's id.
    pub(super) id: String,
    /// The vendor.
    pub(super) vendor: &'static Vendor,
    /// Settings of the integration.
    settings: BTreeMap<String, String>,
    /// The parts of its secret.
    secret: Vec<(String, String)>,
}

impl Stage {
    /// Takes a vendor from the sandbox's list.
    pub(super) fn new(listing: &::sandbox::Listing) -> Result<Self, Failure> {
        let unknown = || Failure::internal(&anyhow::anyhow!("{} is simulated and no vendor", listing.vendor));
        let text = |parts: &BTreeMap<&'static str, String>| -> Vec<(String, String)> {
            parts.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
        };
        let mut settings: BTreeMap<String, String> = text(&listing.settings).into_iter().collect();
        settings.insert("requests_per_minute".to_owned(), REQUESTS_PER_MINUTE.to_owned());
        Ok(Self {
            id: format!("demo-{}", listing.vendor),
            vendor: apis::vendors::find(listing.vendor).ok_or_else(unknown)?,
            settings,
            secret: text(&listing.secret),
        })
    }
}

/// What the person at the desk has decided and remembers at the next vendor.
#[derive(Default)]
pub(super) struct Desk {
    excluded: BTreeSet<NameKey>,
    later: BTreeSet<NameKey>,
}

impl Show {
    /// Sets an integration up, to the end of its first full sync.
    pub(super) async fn integrate(&self, stage: &Stage, desk: &mut Desk) -> Result<(), Failure> {
        self.set_up(stage).await?;
        self.read(stage).await?;
        if stage.vendor.has_asset_types {
            self.choose_types(stage).await?;
        }
        self.decide(stage, desk).await?;
        self.go_live(stage).await
    }

    async fn set_up(&self, stage: &Stage) -> Result<(), Failure> {
        let id = &stage.id;
        let add = Request::IntegrationAdd {
            id: id.clone(),
            vendor: stage.vendor.id.to_owned(),
            settings: stage.settings.clone(),
            secret: SecretParts::new(stage.secret.clone()),
        };
        let url = stage.settings.get("url").map(|url| format!(" --setting url={url}")).unwrap_or_default();
        self.ask(&format!("integration add {id} --vendor {}{url} … --secret-stdin", stage.vendor.id), add).await?;
        self.step(&format!("integration verify {id}"), Request::Verify { id: id.clone() }, |answer| match answer {
            Answer::Verified(view) => {
                let said = |ok| if ok { "works" } else { "is refused" };
                let kinds: Vec<String> =
                    view.items.iter().map(|item| format!("{} {}", item.kind, said(item.ok))).collect();
                kinds.join(", ")
            }
            _ => String::new(),
        })
        .await?;
        let sync: BTreeSet<Kind> = stage.vendor.kinds.iter().copied().collect();
        let auto_create: BTreeSet<Kind> = sync.iter().copied().filter(|kind| kind.is_below_client()).collect();
        let command = format!(
            "integration set {id} --sync {} --auto-create {} --schedule '0 20 * * *'",
            joined(&sync),
            joined(&auto_create)
        );
        let change = IntegrationChange {
            sync: Some(sync),
            auto_create: Some(auto_create),
            schedule: Some("0 20 * * *".to_owned()),
            ..IntegrationChange::default()
        };
        self.ask(&command, Request::IntegrationSet { id: id.clone(), change }).await?;
        Ok(())
    }

    /// Reads the vendor for the first time, which writes nothing into the documentation.
    async fn read(&self, stage: &Stage) -> Result<(), Failure> {
        let sync = Request::Sync { target: SyncTarget::Ids(vec![stage.id.clone()]), force: false };
        self.step(&format!("sync {}", stage.id), sync, |answer| match answer {
            Answer::Synced(view) => {
                let counts = view.items.iter().flat_map(|run| &run.counts);
                let read: Vec<String> = counts.map(|(kind, of)| counted(of.fetched, *kind)).collect();
                let requests: u64 = view.items.iter().map(|run| run.vendor_requests).sum();
                format!("read {} with {requests} requests; nothing is written yet", render::and(&read))
            }
            _ => String::new(),
        })
        .await?;
        Ok(())
    }

    async fn choose_types(&self, stage: &Stage) -> Result<(), Failure> {
        let id = &stage.id;
        let list = Request::Types { id: id.clone(), page: Page::default() };
        let Answer::Types(list) = self.show(&format!("integration types {id}"), list).await? else { return Ok(()) };
        let wanted = list.items.iter().filter(|of| !TYPES_LEFT_OUT.contains(&of.name.as_str()));
        let types: Vec<String> = wanted.map(|of| of.id.clone()).collect();
        let command = format!("integration set {id} --types {}", types.join(","));
        let change = IntegrationChange { types: Some(types), ..IntegrationChange::default() };
        self.tell("\n")?;
        self.ask(&command, Request::IntegrationSet { id: id.clone(), change }).await?;
        Ok(())
    }

    /// Stages what a person would decide about users and clients.
    async fn decide(&self, stage: &Stage, desk: &mut Desk) -> Result<(), Failure> {
        let id = &stage.id;
        let auto = Request::AutoMatch { id: id.clone(), kind: None };
        self.step(&format!("auto-match {id}"), auto, |answer| match answer {
            Answer::Staged(view) => {
                let kinds: Vec<String> = view.counts.iter().map(|(kind, number)| counted(*number, *kind)).collect();
                let have = if view.staged == 1 { "has" } else { "have" };
                let whose = if kinds.is_empty() { "nothing".to_owned() } else { render::and(&kinds) };
                format!("{whose} {have} identical names in the documentation")
            }
            _ => String::new(),
        })
        .await?;
        let list = Request::Records {
            id: id.clone(),
            kind: Kind::Client,
            filter: RecordFilter { reason: Some(Reason::Unmatched), ..unmatched() },
            page: Page::default(),
        };
        let command = format!("records {id} --kind client --reason unmatched");
        let answer = self.step(&command, list, |answer| match answer {
            Answer::Records(list) => format!("{} left for a person", counted(list.items.len() as u64, Kind::Client)),
            _ => String::new(),
        });
        if let Answer::Records(left) = answer.await? {
            self.settle(stage, &left.items, desk).await?;
        }
        if stage.vendor.kinds.contains(&Kind::User) {
            let create = Request::CreateUnmatched { id: id.clone(), kind: Some(Kind::User) };
            self.step(&format!("create-unmatched {id} --kind user"), create, |answer| match answer {
                Answer::Staged(view) if view.staged == 0 => "none is left".to_owned(),
                Answer::Staged(view) => format!("new to the documentation: {}", counted(view.staged, Kind::User)),
                _ => String::new(),
            })
            .await?;
        }
        Ok(())
    }

    /// What a person would do about the clients that are left: take good suggestions, leave one out, keep one for later.
    async fn settle(&self, stage: &Stage, left: &[RecordView], desk: &mut Desk) -> Result<(), Failure> {
        let (id, kind) = (stage.id.clone(), Kind::Client);
        let good = |of: &&RecordView| of.suggestion.as_ref().is_some_and(|near| near.score >= SCORE_TAKEN);
        let (near, mut far): (Vec<&RecordView>, Vec<&RecordView>) = left.iter().partition(good);
        for record in near {
            let Some(suggestion) = &record.suggestion else { continue };
            let (vendor_id, doc_id) = (record.vendor_id.to_string(), suggestion.doc_id.to_string());
            let (name, score) = (render::harmless(&record.name), suggestion.score * 100.0);
            let what = format!("{name} is {} ({score:.0} % alike)", render::harmless(&suggestion.name));
            let command = format!("match {id} --kind client {vendor_id} {doc_id}");
            self.step(&command, Request::Match { id: id.clone(), kind, vendor_id, doc_id }, |_| what).await?;
        }
        desk.begin(&far);
        far.retain(|record| !desk.waits(record));
        let (out, made): (Vec<&RecordView>, Vec<&RecordView>) = far.into_iter().partition(|of| desk.excludes(of));
        if !out.is_empty() {
            let command = format!("exclude {id} --kind client {}", ids(&out).join(" "));
            let records = Selection::Ids(ids(&out));
            self.step(&command, Request::Exclude { id: id.clone(), kind, records }, |_| format!("{} out", stays(&out)))
                .await?;
        }
        if !made.is_empty() {
            let command = format!("create {id} --kind client {}", ids(&made).join(" "));
            let records = Selection::Ids(ids(&made));
            let what = format!("new to the documentation: {}", render::and(&names(&made)));
            self.step(&command, Request::Create { id, kind, records }, |_| what).await?;
        }
        Ok(())
    }

    /// Shows the plan's counts, finishes exactly that plan, and shows the first full sync.
    async fn go_live(&self, stage: &Stage) -> Result<(), Failure> {
        let id = &stage.id;
        let preview = Request::Preview { id: id.clone(), page: Page::default() };
        let answer = self
            .step(&format!("preview {id}"), preview, |answer| match answer {
                Answer::Plan(view) => render::plan_counts(&view.counts),
                _ => String::new(),
            })
            .await?;
        let plan = match answer {
            Answer::Plan(view) => Some(view.plan_id.to_string()),
            _ => None,
        };
        let command = format!("finish {id}{}", plan.as_ref().map_or(String::new(), |plan| format!(" --plan {plan}")));
        let finish = Request::Finish { id: id.clone(), plan, no_sync: false };
        let answer = self.step(&command, finish, |answer| match answer {
            Answer::Finished(view) => format!("{id} is {}; its first full sync:", view.state),
            _ => String::new(),
        });
        if let Answer::Finished(view) = answer.await?
            && let Some(run) = &view.run
        {
            self.tell(&format!("\n{}", render::run_counts(run, self.screen)))?;
        }
        Ok(())
    }
}

impl Desk {
    /// The first time that clients are left: the first one stays out everywhere, the last one waits everywhere.
    fn begin(&mut self, left: &[&RecordView]) {
        if !self.excluded.is_empty() || !self.later.is_empty() {
            return;
        }
        if let [out, _, .., later] = left {
            self.excluded.extend(key(out));
            self.later.extend(key(later));
        }
    }

    fn excludes(&self, record: &RecordView) -> bool {
        key(record).is_some_and(|name| self.excluded.contains(&name))
    }

    fn waits(&self, record: &RecordView) -> bool {
        key(record).is_some_and(|name| self.later.contains(&name))
    }
}

fn key(record: &RecordView) -> Option<NameKey> {
    NameKey::parse(&record.name).ok()
}

fn unmatched() -> RecordFilter {
    RecordFilter { state: Some(State::Unmatched), ..RecordFilter::default() }
}

fn joined(kinds: &BTreeSet<Kind>) -> String {
    kinds.iter().map(Kind::to_string).collect::<Vec<_>>().join(",")
}

fn ids(records: &[&RecordView]) -> Vec<String> {
    records.iter().map(|of| of.vendor_id.to_string()).collect()
}

fn names(records: &[&RecordView]) -> Vec<String> {
    records.iter().map(|of| render::harmless(&of.name)).collect()
}

fn stays(records: &[&RecordView]) -> String {
    format!("{} {}", render::and(&names(records)), if records.len() == 1 { "stays" } else { "stay" })
}
