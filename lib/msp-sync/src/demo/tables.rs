//! The tables at the end: one catalogue from all vendors, and what is not in it.

use std::collections::{BTreeMap, BTreeSet};

use console::answer::Answer;
use console::request::{Page, RecordFilter, Request};
use console::views::{DocView, UnsyncedView};
use reconcile::record::Kind;
use serde_json::{Value, json};

use super::Show;
use super::integration::Stage;
use crate::failure::Failure;
use crate::render::{self, Names};

/// So many devices with the same number of sources are looked at for an example.
const LOOKED_AT: usize = 40;

impl Show {
    /// Shows the tables at the end, and returns the same as one document.
    pub(super) async fn tables(&self, stages: &[Stage]) -> Result<Value, Failure> {
        let docs = self.catalogue().await?;
        let sources: Vec<(&'static str, &str)> =
            stages.iter().map(|stage| (stage.vendor.id, stage.id.as_str())).collect();
        self.heading("One catalogue")?;
        self.tell(&render::by_sources(&docs, self.screen))?;
        let assets = docs.get(&Kind::Asset).map(Vec::as_slice).unwrap_or_default();
        let names = client_names(&docs);
        self.heading("Devices that several vendors share")?;
        self.tell(&render::shared(assets, &sources, &names, self.screen))?;
        if let Some(doc) = self.most_mixed(assets).await? {
            self.tell("\nEach value says which vendor it is from:\n\n")?;
            self.show(&format!("docs show {doc}"), Request::DocsShow { doc }).await?;
        }
        self.heading("What is not in the documentation, and why")?;
        let mut left: Vec<(&Stage, Vec<UnsyncedView>)> = Vec::new();
        for stage in stages {
            left.push((stage, self.unsynced(&stage.id).await?));
        }
        let told: Vec<(&'static str, &str, &[UnsyncedView])> =
            left.iter().map(|(stage, views)| (stage.vendor.id, stage.id.as_str(), views.as_slice())).collect();
        self.tell(&render::unsynced_together(&told, self.screen))?;
        self.heading("Status")?;
        let status = self.show("status", Request::Status { id: None, page: Page::default() }).await?;
        let unsynced: BTreeMap<&str, &[UnsyncedView]> = told.iter().map(|(_, id, views)| (*id, *views)).collect();
        Ok(json!({ "catalogue": docs, "unsynced": unsynced, "status": status.json() }))
    }

    /// The device whose values come from the most vendors, among some of those that most vendors have.
    async fn most_mixed(&self, assets: &[DocView]) -> Result<Option<String>, Failure> {
        let mut shared: Vec<&DocView> = assets.iter().filter(|doc| doc.sources.len() > 1).collect();
        shared.sort_by_key(|doc| std::cmp::Reverse(doc.sources.len()));
        let mut most: Option<(usize, String)> = None;
        for few in shared.chunk_by(|one, other| one.sources.len() == other.sources.len()) {
            for doc in few.iter().take(LOOKED_AT) {
                let doc = doc.doc_id.to_string();
                let shown = self.way.ask(Request::DocsShow { doc: doc.clone() }, &self.shown).await?;
                let Answer::Doc(view) = shown else { continue };
                let origins: BTreeSet<&String> = view.origins.values().collect();
                if most.as_ref().is_none_or(|(mixed, _)| *mixed < origins.len()) {
                    most = Some((origins.len(), doc));
                }
            }
        }
        Ok(most.map(|(_, doc)| doc))
    }

    /// Every documentation record, by kind.
    async fn catalogue(&self) -> Result<BTreeMap<Kind, Vec<DocView>>, Failure> {
        let mut all: BTreeMap<Kind, Vec<DocView>> = BTreeMap::new();
        for kind in Kind::ALL {
            let mut page = Page::default();
            loop {
                let list = Request::DocsList { kind, client: None, search: None, page: page.clone() };
                let Answer::Docs(list) = self.way.ask(list, &self.shown).await? else { break };
                all.entry(kind).or_default().extend(list.items);
                page.cursor = list.next;
                if page.cursor.is_none() {
                    break;
                }
            }
        }
        Ok(all)
    }

    /// Every record of an integration that is not in the documentation.
    async fn unsynced(&self, id: &str) -> Result<Vec<UnsyncedView>, Failure> {
        let mut all = Vec::new();
        let mut page = Page::default();
        loop {
            let filter = RecordFilter::default();
            let list = Request::Unsynced { id: id.to_owned(), kind: None, filter, page: page.clone() };
            let Answer::Unsynced(list) = self.way.ask(list, &self.shown).await? else { return Ok(all) };
            all.extend(list.items);
            page.cursor = list.next;
            if page.cursor.is_none() {
                return Ok(all);
            }
        }
    }
}

fn client_names(docs: &BTreeMap<Kind, Vec<DocView>>) -> Names {
    let clients = docs.get(&Kind::Client).into_iter().flatten();
    Names { docs: clients.map(|doc| (doc.doc_id.clone(), doc.name.clone())).collect(), ..Names::default() }
}
