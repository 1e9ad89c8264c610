//! `demo`: the main job at work, with simulated vendors, on this machine alone.
//!
//! Every step is a question that a person could ask with the command printed above it; nothing is done behind their back.

mod catalogue;

use std::path::PathBuf;

use console::answer::Answer;
use console::request::{IntegrationChange, Page, RecordFilter, Request, SecretParts, Selection, SyncTarget};
use console::views::RecordView;
use reconcile::mapping::State;
use reconcile::record::Kind;
use serde_json::json;
use transport::Loopback;

use crate::args;
use crate::carry::{self, Way};
use crate::failure::{Exit, Failure};
use crate::machine::Machine;
use crate::progress::Shown;
use crate::render::{self, Ink, Screen};
use crate::{out, sandbox};

/// The simulated MSP: small enough for a first look in the dev profile.
const CLIENTS: u32 = 14;
const DEVICES: u32 = 320;
const SEED: u64 = 11;
/// The integration's id.
const ID: &str = "demo-auvik";
/// A suggestion this good is taken, as a person would.
const SCORE_TAKEN: f64 = 0.85;
/// So many assets are shown.
const ASSETS_SHOWN: usize = 12;

/// Runs the demonstration.
pub(crate) async fn run(wanted: args::Demo, folder: Option<PathBuf>, json: bool) -> Result<Exit, Failure> {
    let temporary = match &folder {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("msp-sync-demo-").tempdir().map_err(|error| {
            let message = format!("no temporary data folder could be made: {error}");
            Failure::new("data_folder", message, "name one: msp-sync demo --data-dir DIR")
        })?),
    };
    let kept = folder.is_some();
    let folder = folder.or_else(|| temporary.as_ref().map(|made| made.path().to_owned())).unwrap_or_default();
    // The simulated vendors listen on this machine: this process may call it, whatever the environment says.
    let machine = Machine::open_patiently(&folder, Loopback::Allowed).await?;
    let vendors = sandbox::start(0, CLIENTS, DEVICES, SEED).await?;
    let show = Show { way: Way::Ours(Box::new(machine)), shown: Shown::new(json), screen: Screen::of_stdout(), json };
    show.tell(&format!(
        "A made-up MSP with {CLIENTS} clients and {DEVICES} devices, watched by a simulated Auvik on this machine.\n\
         Data folder: {}{}\n",
        folder.display(),
        if kept { "" } else { "  (temporary; keep it with --data-dir DIR)" }
    ))?;
    let listing = vendors.describe().first().cloned();
    let listing = listing.ok_or_else(|| Failure::internal(&anyhow::anyhow!("the sandbox has no vendor")))?;
    let files = catalogue::files(&vendors.world.read());
    show.set_up(&listing, &files).await?;
    show.decide().await?;
    show.go_live().await?;
    let tables = show.tables().await?;
    if json {
        out::write_json(&tables)?;
    } else {
        show.tell(&format!(
            "\nThe console page will be at http://{}/ in a later version. {}\n",
            wanted.listen,
            if kept {
                format!("Look around meanwhile: msp-sync --data-dir {} status", folder.display())
            } else {
                "To look around afterwards: msp-sync demo --data-dir DIR".to_owned()
            }
        ))?;
    }
    vendors.stop().await;
    Ok(Exit::Done)
}

/// Who asks, and where the answers are shown.
struct Show {
    way: Way,
    shown: Shown,
    screen: Screen,
    json: bool,
}

impl Show {
    fn tell(&self, text: &str) -> Result<(), Failure> {
        if self.json { Ok(()) } else { out::write(text) }
    }

    /// Says what is done and with which command, and does it.
    async fn step(&self, what: &str, command: &str, request: Request) -> Result<Answer, Failure> {
        let command = self.screen.paint(Ink::Faint, &format!("$ msp-sync {command}"));
        self.tell(&format!("\n{}\n  {command}\n", self.screen.paint(Ink::Strong, what)))?;
        let answer = self.shown.until(self.way.ask(request, &self.shown)).await;
        self.shown.clear();
        answer
    }

    /// The same, with the whole answer.
    async fn show(&self, what: &str, command: &str, request: Request) -> Result<Answer, Failure> {
        let answer = self.step(what, command, request.clone()).await?;
        let names = carry::names(&self.way, &request, &answer).await?;
        self.tell(&format!("\n{}", render::answer(&request, &answer, &names, self.screen)))?;
        Ok(answer)
    }

    async fn set_up(&self, listing: &::sandbox::Listing, files: &catalogue::Files) -> Result<(), Failure> {
        let import = |kind, csv: &str| Request::DocsImport { kind, csv: csv.to_owned() };
        let what = "The MSP's documentation knows some of the clients, typed in by hand";
        self.show(what, "docs import --kind client clients.csv", import(Kind::Client, &files.clients)).await?;
        let what = "and a few of their devices";
        self.show(what, "docs import --kind asset assets.csv", import(Kind::Asset, &files.assets)).await?;
        let text = |parts: &std::collections::BTreeMap<&'static str, String>| -> Vec<(String, String)> {
            parts.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
        };
        let add = Request::IntegrationAdd {
            id: ID.to_owned(),
            vendor: listing.vendor.to_owned(),
            settings: text(&listing.settings).into_iter().collect(),
            secret: SecretParts::new(text(&listing.secret)),
        };
        let command =
            format!("integration add {ID} --vendor {} --setting url={} … --secret-stdin", listing.vendor, listing.url);
        self.step("Add the vendor", &command, add).await?;
        let verify = Request::Verify { id: ID.to_owned() };
        self.show("Ask it whether the key works", &format!("integration verify {ID}"), verify).await?;
        let change = IntegrationChange {
            sync: Some([Kind::Client, Kind::Asset].into()),
            auto_create: Some([Kind::Asset].into()),
            schedule: Some("0 20 * * *".to_owned()),
            ..IntegrationChange::default()
        };
        let command = format!("integration set {ID} --sync client,asset --auto-create asset --schedule '0 20 * * *'");
        self.step("Choose what to sync, and when", &command, Request::IntegrationSet { id: ID.to_owned(), change })
            .await?;
        Ok(())
    }

    async fn decide(&self) -> Result<(), Failure> {
        let sync = Request::Sync { target: SyncTarget::Ids(vec![ID.to_owned()]), force: false };
        let what = "Read the vendor for the first time; nothing is written to the documentation";
        let answer = self.step(what, &format!("sync {ID}"), sync).await?;
        if let Answer::Synced(view) = &answer {
            let counts = view.items.iter().flat_map(|run| &run.counts);
            let read: Vec<String> = counts.map(|(kind, of)| format!("{} {kind}s", of.fetched)).collect();
            let requests: u64 = view.items.iter().map(|run| run.vendor_requests).sum();
            self.tell(&format!("\nRead {} with {requests} requests.\n", read.join(" and ")))?;
        }
        let auto = Request::AutoMatch { id: ID.to_owned(), kind: None };
        self.show("Match the clients whose names are identical", &format!("auto-match {ID}"), auto).await?;
        let list = Request::Records {
            id: ID.to_owned(),
            kind: Kind::Client,
            filter: RecordFilter { state: Some(State::Unmatched), ..RecordFilter::default() },
            page: Page::default(),
        };
        let command = format!("records {ID} --kind client --state unmatched");
        let Answer::Records(left) = self.show("The others want a person", &command, list).await? else { return Ok(()) };
        self.settle(&left.items).await
    }

    /// What a person would do about the clients that are left: take good suggestions, leave one out, keep one for later.
    async fn settle(&self, left: &[RecordView]) -> Result<(), Failure> {
        let (id, kind) = (ID.to_owned(), Kind::Client);
        let good = |of: &&RecordView| of.suggestion.as_ref().is_some_and(|near| near.score >= SCORE_TAKEN);
        let (near, far): (Vec<&RecordView>, Vec<&RecordView>) = left.iter().partition(good);
        for record in near {
            let Some(suggestion) = &record.suggestion else { continue };
            let (vendor_id, doc_id) = (record.vendor_id.to_string(), suggestion.doc_id.to_string());
            let command = format!("match {ID} --kind client {vendor_id} {doc_id}");
            let what = format!("{} is {} in the documentation", render::harmless(&record.name), suggestion.name);
            self.step(&what, &command, Request::Match { id: id.clone(), kind, vendor_id, doc_id }).await?;
        }
        let [out, made @ .., _later] = far.as_slice() else { return Ok(()) };
        let command = format!("exclude {ID} --kind client {}", out.vendor_id);
        let records = Selection::Ids(vec![out.vendor_id.to_string()]);
        let what = format!("{} stays out", render::harmless(&out.name));
        self.step(&what, &command, Request::Exclude { id: id.clone(), kind, records }).await?;
        if !made.is_empty() {
            let ids: Vec<String> = made.iter().map(|of| of.vendor_id.to_string()).collect();
            let command = format!("create {ID} --kind client {}", ids.join(" "));
            let what = format!("{} are new to the documentation; the last one is left for later", made.len());
            self.step(&what, &command, Request::Create { id, kind, records: Selection::Ids(ids) }).await?;
        }
        Ok(())
    }

    async fn go_live(&self) -> Result<(), Failure> {
        let preview = Request::Preview { id: ID.to_owned(), page: Page::default() };
        let answer = self.show("See what Finish will do", &format!("preview {ID}"), preview).await?;
        let plan = match &answer {
            Answer::Plan(view) => Some(view.plan_id.to_string()),
            _ => None,
        };
        let command = format!("finish {ID}{}", plan.as_ref().map_or(String::new(), |plan| format!(" --plan {plan}")));
        let what = "Do exactly that, go live, and run the first full sync";
        self.show(what, &command, Request::Finish { id: ID.to_owned(), plan, no_sync: false }).await?;
        let sync = Request::Sync { target: SyncTarget::Ids(vec![ID.to_owned()]), force: false };
        self.show("Sync again: nothing changed, so nothing is written", &format!("sync {ID}"), sync).await?;
        Ok(())
    }

    /// The tables at the end, and the same as one document.
    async fn tables(&self) -> Result<serde_json::Value, Failure> {
        let page = |limit| Page { limit, cursor: None };
        let filter = RecordFilter::default;
        let clients = Request::Records { id: ID.to_owned(), kind: Kind::Client, filter: filter(), page: page(1000) };
        let clients = self.show("Clients and their states", &format!("records {ID} --kind client"), clients).await?;
        let assets = Request::DocsList { kind: Kind::Asset, client: None, search: None, page: page(ASSETS_SHOWN) };
        let command = format!("docs list --kind asset --limit {ASSETS_SHOWN}");
        let assets = self.show("Assets and where they come from", &command, assets).await?;
        let unsynced = Request::Unsynced { id: ID.to_owned(), kind: None, filter: filter(), page: page(1000) };
        let command = format!("unsynced {ID}");
        let unsynced = self.show("What is not in the documentation, and why", &command, unsynced).await?;
        let status = Request::Status { id: Some(ID.to_owned()), page: page(1000) };
        let status = self.show("Status", &format!("status {ID}"), status).await?;
        Ok(json!({
            "clients": clients.json(),
            "assets": assets.json(),
            "unsynced": unsynced.json(),
            "status": status.json(),
        }))
    }
}
