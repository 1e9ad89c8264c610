//! Carrying a question out: through whoever holds the data folder, on the folder itself, or on a deployed stack.

use std::path::{Path, PathBuf};

use console::answer::Answer;
use console::progress::{Progress, Silent};
use console::request::{Page, RecordFilter, Request};
use reconcile::record::Kind;

use crate::deployed::Deployed;
use crate::failure::{Exit, Failure};
use crate::folder;
use crate::machine::{self, Machine, Opened, Patience};
use crate::out;
use crate::progress::Shown;
use crate::render::{self, Names, Screen};
use crate::socket::{self, Asked};

/// The way to one data folder or stack.
pub(crate) enum Way {
    /// A process that serves it; each question has a connection of its own.
    Through(PathBuf),
    /// It is ours.
    Ours(Box<Machine>),
    /// A deployed stack, named by `--aws`.
    Deployed(Box<Deployed>),
}

impl Way {
    /// Finds the way: a process that listens, or the folder itself, waited for while a one-shot command works on it.
    pub(crate) async fn find(folder: &Path) -> Result<Way, Failure> {
        let patience = Patience::new();
        loop {
            if socket::connect(folder).await?.is_some() {
                return Ok(Way::Through(folder.to_owned()));
            }
            match Machine::open(folder, machine::loopback())? {
                Opened::Ours(machine) => return Ok(Way::Ours(machine)),
                Opened::InUse(why) => patience.wait(&why).await?,
            }
        }
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn ask(&self, request: Request, progress: &impl Progress) -> Result<Answer, Failure> {
        let actor = folder::actor();
        match self {
            Way::Ours(machine) => Ok(console::handle::handle(request, &actor, machine.as_ref(), progress).await?),
            Way::Deployed(stack) => Ok(console::handle::handle(request, &actor, stack.as_ref(), progress).await?),
            Way::Through(folder) => {
                let gone = || Failure::new("unavailable", "the running serve has just ended", "give the command again");
                let stream = socket::connect(folder).await?.ok_or_else(gone)?;
                socket::ask(stream, &Asked { actor, request }, progress).await
            }
        }
    }
}

/// Asks one question and shows its answer.
pub(crate) async fn out(request: Request, way: Way, json: bool) -> Result<Exit, Failure> {
    let shown = Shown::new(json);
    let answer = shown.until(way.ask(request.clone(), &shown)).await;
    shown.clear();
    let answer = answer?;
    match &answer {
        // A file is a file, whoever asks for it.
        Answer::Csv(text) => out::write(text)?,
        _ if json => out::write_json(&answer.json())?,
        _ => {
            let names = names(&way, &request, &answer).await?;
            out::write(&render::answer(&request, &answer, &names, Screen::of_stdout()))?;
        }
    }
    Ok(Exit::from_status(answer.exit_code()))
}

/// The names of the clients that an answer's records belong to: people know names.
pub(crate) async fn names(way: &Way, asked: &Request, answer: &Answer) -> Result<Names, Failure> {
    let mut names = Names::default();
    match (asked, answer) {
        (Request::Records { id, .. }, Answer::Records(list))
            if list.items.iter().any(|of| of.client_vendor_id.is_some()) =>
        {
            vendor_names(way, id, &mut names).await?;
        }
        (Request::Unsynced { id, .. }, Answer::Unsynced(list))
            if list.items.iter().any(|of| of.client_vendor_id.is_some()) =>
        {
            vendor_names(way, id, &mut names).await?;
        }
        (_, Answer::Docs(list)) if list.items.iter().any(|of| of.client_doc_id.is_some()) => {
            doc_names(way, &mut names).await?;
        }
        (_, Answer::Doc(view)) if view.client_doc_id.is_some() => doc_names(way, &mut names).await?,
        _ => {}
    }
    Ok(names)
}

async fn vendor_names(way: &Way, id: &str, names: &mut Names) -> Result<(), Failure> {
    let mut page = Page::default();
    loop {
        let filter = RecordFilter::default();
        let request = Request::Records { id: id.to_owned(), kind: Kind::Client, filter, page: page.clone() };
        let Answer::Records(list) = way.ask(request, &Silent).await? else { return Ok(()) };
        names.vendor.extend(list.items.into_iter().map(|of| (of.vendor_id, of.name)));
        let Some(next) = list.next else { return Ok(()) };
        page.cursor = Some(next);
    }
}

async fn doc_names(way: &Way, names: &mut Names) -> Result<(), Failure> {
    let mut page = Page::default();
    loop {
        let request = Request::DocsList { kind: Kind::Client, client: None, search: None, page: page.clone() };
        let Answer::Docs(list) = way.ask(request, &Silent).await? else { return Ok(()) };
        names.docs.extend(list.items.into_iter().map(|of| (of.doc_id, of.name)));
        let Some(next) = list.next else { return Ok(()) };
        page.cursor = Some(next);
    }
}
