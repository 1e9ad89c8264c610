//! `demo`: the main job at work, with simulated vendors, on this machine alone.
//!
//! Every step is a question that a person could ask with the command printed above it; nothing is done behind their back.
//! Which vendors there are is read from the sandbox's list: each becomes an integration, one after the other, into one
//! catalogue.

mod catalogue;
mod evening;
mod integration;
mod tables;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use console::answer::Answer;
use console::request::{Request, SyncTarget};
use reconcile::record::Kind;
use transport::Loopback;

use crate::args;
use crate::carry::{self, Way};
use crate::failure::{Exit, Failure};
use crate::listener::Listener;
use crate::machine::Machine;
use crate::progress::Shown;
use crate::render::{self, Ink, Screen};
use crate::serve::{self, Door};
use crate::signals::Stop;
use crate::{out, sandbox};
use integration::{Desk, Stage};

/// The simulated MSP: small enough for a first look in the dev profile.
const CLIENTS: u32 = 14;
const DEVICES: u32 = 320;
const SEED: u64 = 11;

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
    let stages: Vec<Stage> = vendors.describe().iter().map(Stage::new).collect::<Result<_, _>>()?;
    let names: Vec<&str> = stages.iter().map(|stage| stage.vendor.name).collect();
    show.tell(&show.wrapped(&format!(
        "A made-up MSP with {CLIENTS} clients and {DEVICES} devices, which {} show{} from {}: {}. All of it is on this \
         machine.",
        of_vendors(names.len()),
        if names.len() == 1 { "s" } else { "" },
        if names.len() == 1 { "its side" } else { "their sides" },
        names.join(", "),
    )))?;
    let temporary = if kept { "" } else { "  (temporary; keep it with --data-dir DIR)" };
    show.tell(&format!("Data folder: {}{temporary}\n", folder.display()))?;

    let files = catalogue::files(&vendors.world.read());
    show.documentation(&files).await?;
    let mut desk = Desk::default();
    for (nth, stage) in stages.iter().enumerate() {
        show.heading(&format!("{} of {}: {}", nth + 1, stages.len(), stage.vendor.name))?;
        show.integrate(stage, &mut desk).await?;
    }
    show.heading("What came of it")?;
    show.sync_again().await?;
    let tables = show.tables(&stages).await?;
    if json {
        out::write_json(&tables)?;
    }
    let exit = if wanted.exit || json || !std::io::stdout().is_terminal() {
        let look = if kept {
            format!("Look around: msp-sync --data-dir {} status", folder.display())
        } else {
            "To look around afterwards: msp-sync demo --data-dir DIR".to_owned()
        };
        show.tell(&format!("\n{look}\n"))?;
        Exit::Done
    } else {
        show.held_night(&stages, &vendors.world, SEED).await?;
        show.stay(wanted.listen, &folder).await?
    };
    vendors.stop().await;
    Ok(exit)
}

fn of_vendors(count: usize) -> String {
    if count == 1 { "one simulated vendor".to_owned() } else { format!("{count} simulated vendors") }
}

/// Who asks, and where the answers are shown.
struct Show {
    way: Way,
    shown: Shown,
    screen: Screen,
    json: bool,
}

impl Show {
    /// Opens the console on what the demonstration made, until Ctrl-C.
    async fn stay(self, listen: Option<SocketAddr>, folder: &Path) -> Result<Exit, Failure> {
        let mut stop = Stop::new().context("the signals cannot be listened to")?;
        let Show { way: Way::Ours(machine), .. } = self else { return Ok(Exit::Done) };
        let machine = Arc::new(*machine);
        let door = Door::open(folder)?;
        let console = Listener::open(listen, Arc::clone(&machine), folder).await?;
        out::write(&format!(
            "\nOpen the console with this link, which lets one browser in:\n  {}\n\
             Look around meanwhile: msp-sync --data-dir {} status\nCtrl-C ends it.\n",
            console.link(),
            folder.display()
        ))?;
        serve::stay(&mut stop, machine, door, console).await
    }

    fn tell(&self, text: &str) -> Result<(), Failure> {
        if self.json { Ok(()) } else { out::write(text) }
    }

    fn heading(&self, text: &str) -> Result<(), Failure> {
        let line = "─".repeat(text.chars().count());
        self.tell(&format!("\n{}\n{}\n\n", self.screen.paint(Ink::Strong, text), self.screen.paint(Ink::Faint, &line)))
    }

    /// Prints a command as it would be typed, and carries it out.
    async fn ask(&self, command: &str, request: Request) -> Result<Answer, Failure> {
        let command = render::command(&format!("msp-sync {command}"), self.screen);
        self.tell(&format!("{}\n", self.screen.paint(Ink::Faint, &command)))?;
        let answer = self.shown.until(self.way.ask(request, &self.shown)).await;
        self.shown.clear();
        answer
    }

    /// The same, with what came of it in a line below.
    async fn step(
        &self,
        command: &str,
        request: Request,
        what: impl FnOnce(&Answer) -> String,
    ) -> Result<Answer, Failure> {
        let answer = self.ask(command, request).await?;
        self.tell(&self.wrapped(&format!("    {}", what(&answer))))?;
        Ok(answer)
    }

    /// The same, with the whole answer.
    async fn show(&self, command: &str, request: Request) -> Result<Answer, Failure> {
        let answer = self.ask(command, request.clone()).await?;
        let names = carry::names(&self.way, &request, &answer).await?;
        self.tell(&format!("\n{}", render::answer(&request, &answer, &names, self.screen)))?;
        Ok(answer)
    }

    /// Breaks a paragraph into lines that fit; those after the first begin where it began.
    fn wrapped(&self, text: &str) -> String {
        render::paragraph(text, self.screen)
    }

    /// Reads in what the MSP's documentation knows before anything is synced.
    async fn documentation(&self, files: &catalogue::Files) -> Result<(), Failure> {
        self.heading("The documentation as it is, typed in by hand")?;
        for (kind, csv) in files.all() {
            let command = format!("docs import --kind {kind} {kind}s.csv");
            let request = Request::DocsImport { kind, csv: csv.to_owned() };
            self.step(&command, request, |answer| match answer {
                Answer::Imported(view) => format!("{} {kind}s", view.created),
                _ => String::new(),
            })
            .await?;
        }
        Ok(())
    }

    /// Syncs everything once more, which writes nothing.
    async fn sync_again(&self) -> Result<(), Failure> {
        let sync = Request::Sync { target: SyncTarget::All, force: false };
        let answer = self.ask("sync --all", sync).await?;
        let Answer::Synced(view) = &answer else { return Ok(()) };
        self.tell(&format!("\n{}", render::runs_together(&view.items, self.screen)))
    }
}

/// The word for so many records of a kind.
fn counted(number: u64, kind: Kind) -> String {
    format!("{number} {kind}{}", if number == 1 { "" } else { "s" })
}
