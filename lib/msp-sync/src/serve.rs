//! `serve`: holds the data folder, lets commands through, and starts what is due.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use console::answer::{Answer, Frame};
use console::error::{Code, ConsoleError};
use console::progress::{ProgressEvent, Silent};
use console::request::{Page, Request};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::args;
use crate::failure::{Exit, Failure};
use crate::listener::Listener;
use crate::machine::{self, Machine};
use crate::scheduler;
use crate::signals::Stop;
use crate::socket::{self, Asked, Caller};
use crate::{folder, out, worker};

/// Serves until Ctrl-C.
pub(crate) async fn run(wanted: args::Serve, folder: PathBuf, json: bool) -> Result<Exit, Failure> {
    let mut stop = Stop::new().context("the signals cannot be listened to")?;
    if socket::connect(&folder).await?.is_some() {
        let message = format!("another msp-sync serves {} already", folder.display());
        return Err(Failure::new("busy", message, "use that one: commands on this folder are carried out through it"));
    }
    let machine = Arc::new(Machine::open_patiently(&folder, machine::loopback()).await?);
    let door = Door::open(&folder)?;
    let console = Listener::open(wanted.listen, Arc::clone(&machine), &folder).await?;
    let integrations = integrations(&machine).await?;
    if json {
        let document = serde_json::json!({
            "data_dir": folder, "integrations": integrations, "console": console.link(), "api": console.api(),
        });
        out::write_json(&document)?;
    } else {
        out::write(&format!(
            "Serving {} with {integrations} integration{}. Commands on this folder are carried out through here.\n\
             Open the console with this link, which lets one browser in:\n  {}\n\
             Programs ask below {}, with the token in {}.\n\
             Ctrl-C ends it.\n",
            folder.display(),
            if integrations == 1 { "" } else { "s" },
            console.link(),
            console.api(),
            folder.join(local::API_TOKEN).display()
        ))?;
    }
    stay(&mut stop, machine, door, console).await
}

/// Lets commands and browsers in and does what is due, until Ctrl-C.
pub(crate) async fn stay(
    stop: &mut Stop,
    machine: Arc<Machine>,
    door: Door,
    console: Listener,
) -> Result<Exit, Failure> {
    let mut work = JoinSet::new();
    work.spawn(door.let_in(Arc::clone(&machine)));
    work.spawn(console.serve());
    work.spawn(scheduler::run(Arc::clone(&machine)));
    work.spawn(worker::run(machine));
    let broken = tokio::select! {
        () = stop.asked() => None,
        ended = work.join_next() => ended.and_then(Result::err),
    };
    // Whatever is under way is safe at every instant and goes on with the next command or serve.
    work.shutdown().await;
    match broken {
        None => Ok(Exit::Done),
        Some(error) => Err(Failure::internal(&anyhow::Error::new(error).context("a part of serve ended"))),
    }
}

async fn integrations(machine: &Machine) -> Result<usize, Failure> {
    let request = Request::IntegrationList { page: Page::default() };
    match console::handle::handle(request, &folder::actor(), machine, &Silent).await? {
        Answer::Integrations(list) => Ok(list.items.len()),
        other => Err(Failure::internal(&anyhow::anyhow!("a list was asked for, and {other:?} came"))),
    }
}

/// Where commands knock. Its socket file goes with it.
#[derive(Debug)]
pub(crate) struct Door {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for Door {
    fn drop(&mut self) {
        // One that stays is recognised as left over.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Door {
    /// Opens it; the caller holds the folder's lock.
    pub(crate) fn open(folder: &Path) -> Result<Self, Failure> {
        Ok(Self { listener: socket::listen(folder)?, path: socket::path(folder) })
    }

    /// Lets callers in, each on a task of its own that ends with this one.
    pub(crate) async fn let_in(self, machine: Arc<Machine>) {
        let mut callers = JoinSet::new();
        loop {
            tokio::select! {
                knock = self.listener.accept() => match knock {
                    Ok((stream, _)) => {
                        callers.spawn(serve(stream, Arc::clone(&machine)));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a command could not be let in");
                        tokio::time::sleep(machine::WAIT_STEP).await;
                    }
                },
                Some(_) = callers.join_next() => {}
            }
        }
    }
}

/// Answers one caller. A caller that goes away does not stop what it asked for.
async fn serve(stream: UnixStream, machine: Arc<Machine>) {
    let mut caller = Caller::new(stream);
    let asked = match caller.question().await {
        Ok(Some(asked)) => asked,
        // A command that only looked whether somebody listens.
        Ok(None) => return,
        Err(error) => {
            tracing::warn!(%error, "a question could not be read");
            let hint = "the command and the running serve must be of the same version";
            let refused = ConsoleError::new(Code::Usage, "the running serve did not understand the question", hint);
            let _ = caller.end(Err(refused)).await;
            return;
        }
    };
    let (sender, mut events) = mpsc::unbounded_channel();
    let Asked { actor, request } = asked;
    let report = move |event: ProgressEvent| {
        let _ = sender.send(event);
    };
    let working = console::handle::handle(request, &actor, machine.as_ref(), &report);
    tokio::pin!(working);
    let mut listening = true;
    let end = loop {
        tokio::select! {
            end = &mut working => break end,
            Some(event) = events.recv() => {
                listening = listening && caller.tell(&Frame::Progress(event)).await.is_ok();
            }
        }
    };
    if listening && let Err(error) = caller.end(end).await {
        tracing::debug!(%error, "a command went away before its answer");
    }
}
