//! What a night costs with each vendor: the first sync, the night after it, an unchanged night and one with one device in a
//! hundred changed, for 10,000 and 100,000 devices of 500 clients.
//!
//! ```text
//! cargo bench --profile fast -p tests --bench nightly                                    both sizes, every vendor
//! cargo bench --profile fast -p tests --bench nightly -- --devices 2000                  another size
//! cargo bench --profile fast -p tests --bench nightly -- --devices 2000 --vendor auvik   one vendor alone
//! ```
//!
//! It runs the parts of the one-machine program: the table and the queue in files, and the vendor over HTTP on loopback.
//! Each vendor's integration has a data folder of its own; no one waits for a vendor's pace, which is counted instead.
//! The sandbox is a process of its own, so that its work does not count; the fetching side and the reconciling side are a
//! process each, as they are on AWS, and say at their end what they used.

mod clock;
mod least;
mod measure;
mod roles;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, bail, ensure};
use serde::de::DeserializeOwned;

use crate::measure::{Night, Used, table};
use crate::roles::{Changed, Shown};

const CLIENTS: usize = 500;
const DEVICES: &[usize] = &[10_000, 100_000];
const SEED: u64 = 11;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["world", clients, devices] => roles::world(clients.parse()?, devices.parse()?, SEED),
        ["setup", folder, listing] => roles::setup(Path::new(folder), listing),
        ["fetch", folder, trigger, night] => roles::fetch_all(Path::new(folder), trigger, night.parse()?),
        ["settle", folder, run, night] => roles::settle_run(Path::new(folder), run, night.parse()?),
        ["--devices", devices] => measure_size(CLIENTS, devices.parse()?, None),
        ["--devices", devices, "--vendor", vendor] => measure_size(CLIENTS, devices.parse()?, Some(vendor)),
        [] => DEVICES.iter().try_for_each(|devices| measure_size(CLIENTS, *devices, None)),
        other => bail!("{other:?} is not understood; without arguments it measures 10,000 and 100,000 devices"),
    }
}

/// Runs the nights of one size with every vendor, or one alone, and prints what they used.
fn measure_size(clients: usize, devices: usize, only: Option<&str>) -> anyhow::Result<()> {
    let mut world = World::start(clients, devices)?;
    let all: Vec<Shown> = serde_json::from_str(&world.listing)?;
    for shown in all.iter().filter(|shown| only.is_none_or(|only| only == shown.vendor)) {
        let nights = nights(&mut world, devices, shown).with_context(|| format!("with {}", shown.vendor))?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}: {devices} devices, {clients} clients\n\n{}", shown.vendor, table(devices, shown, &nights))?;
    }
    Ok(())
}

/// Sets one vendor's integration up and runs its nights.
fn nights(world: &mut World, devices: usize, shown: &Shown) -> anyhow::Result<[Night; 4]> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    finish(role(&["setup", text(folder)?, &serde_json::to_string(shown)?])?)?;
    // What changed for the vendor before is not read as a change of the nights to come.
    world.night(0.0)?;
    let first = night("first sync", devices, "manual", folder, world.night)?;
    // What the first sync leaves open (client names that are there twice) is looked at once more.
    world.night(0.0)?;
    let second = night("the night after", 0, "schedule", folder, world.night)?;
    world.night(0.0)?;
    let unchanged = night("unchanged night", 0, "schedule", folder, world.night)?;
    let changed = world.night(1.0)?.of(shown);
    let one_percent = night("1 % changed", changed, "schedule", folder, world.night)?;
    Ok([first, second, unchanged, one_percent])
}

/// One whole sync: a process that reads the vendor, then one that does the rest.
fn night(title: &'static str, changed: usize, trigger: &str, folder: &Path, nth: u32) -> anyhow::Result<Night> {
    let fetch: Used = reply(role(&["fetch", text(folder)?, trigger, &nth.to_string()])?)?;
    let settle: Used = reply(role(&["settle", text(folder)?, &fetch.run, &nth.to_string()])?)?;
    ensure!(settle.outcome == "Complete", "the {title} ended {}", settle.outcome);
    Ok(Night { title, changed, fetch, settle })
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("the path of the temporary folder is not Unicode")
}

/// Starts this program in one of its roles.
fn role(arguments: &[&str]) -> anyhow::Result<Child> {
    let program = std::env::current_exe()?;
    let child = Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    child.with_context(|| format!("{arguments:?} could not be started"))
}

fn finish(child: Child) -> anyhow::Result<Vec<u8>> {
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "a process of the benchmark failed: {}", output.status);
    Ok(output.stdout)
}

fn reply<T: DeserializeOwned>(child: Child) -> anyhow::Result<T> {
    Ok(serde_json::from_slice(&finish(child)?)?)
}

/// The process with the simulated vendors; it ends when its standard input is closed.
struct World {
    _child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    listing: String,
    /// Nights that have passed.
    night: u32,
}

impl World {
    fn start(clients: usize, devices: usize) -> anyhow::Result<Self> {
        let mut child = role(&["world", &clients.to_string(), &devices.to_string()])?;
        let stdin = child.stdin.take().context("the world has a standard input")?;
        let mut stdout = BufReader::new(child.stdout.take().context("the world has a standard output")?);
        let mut listing = String::new();
        stdout.read_line(&mut listing)?;
        Ok(Self { _child: child, stdin, stdout, listing, night: 0 })
    }

    /// Lets a day pass and changes some devices; returns how many of those each sort of system sees.
    fn night(&mut self, percent_changed: f64) -> anyhow::Result<Changed> {
        self.night += 1;
        writeln!(self.stdin, "{percent_changed}")?;
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }
}
