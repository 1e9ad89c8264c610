//! What a night costs: the first sync, the night after it, an unchanged night and one with one device in a hundred changed,
//! for 10,000 and 100,000 Auvik devices of 500 clients.
//!
//! ```text
//! cargo bench --profile fast -p tests --bench nightly                    both sizes
//! cargo bench --profile fast -p tests --bench nightly -- --devices 2000  another one
//! ```
//!
//! It runs the parts of the one-machine program: the table and the queue in files, and the vendor over HTTP on loopback.
//! The sandbox is a process of its own, so that its work does not count; the fetching side and the reconciling side are a
//! process each, as they are on AWS, and say at their end what they used.

mod measure;
mod roles;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, bail, ensure};
use serde::de::DeserializeOwned;

use crate::measure::{Night, Used, table};

const CLIENTS: usize = 500;
const DEVICES: &[usize] = &[10_000, 100_000];
const SEED: u64 = 11;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["world", clients, devices] => roles::world(clients.parse()?, devices.parse()?, SEED),
        ["setup", folder, listing] => roles::setup(Path::new(folder), listing),
        ["fetch", folder, trigger] => roles::fetch_all(Path::new(folder), trigger),
        ["settle", folder, run] => roles::settle_run(Path::new(folder), run),
        ["--devices", devices] => measure_size(CLIENTS, devices.parse()?),
        [] => DEVICES.iter().try_for_each(|devices| measure_size(CLIENTS, *devices)),
        other => bail!("{other:?} is not understood; without arguments it measures 10,000 and 100,000 devices"),
    }
}

/// Runs the nights of one size and prints what they used.
fn measure_size(clients: usize, devices: usize) -> anyhow::Result<()> {
    let mut vendor = Vendor::start(clients, devices)?;
    let folder = tempfile::tempdir()?;
    finish(role(&["setup", text(folder.path())?, &vendor.listing])?)?;
    let first = night("first sync", devices, "manual", folder.path())?;
    // What the first sync leaves open (client names that are there twice) is looked at once more.
    vendor.night(0.0)?;
    let second = night("the night after", 0, "schedule", folder.path())?;
    vendor.night(0.0)?;
    let unchanged = night("unchanged night", 0, "schedule", folder.path())?;
    let changed = vendor.night(1.0)?;
    let one_percent = night("1 % changed", changed, "schedule", folder.path())?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{devices} devices, {clients} clients\n\n{}",
        table(devices, &[first, second, unchanged, one_percent])
    )?;
    Ok(())
}

/// One whole sync: a process that reads the vendor, then one that does the rest.
fn night(title: &'static str, changed: usize, trigger: &str, folder: &Path) -> anyhow::Result<Night> {
    let fetch: Used = reply(role(&["fetch", text(folder)?, trigger])?)?;
    let settle: Used = reply(role(&["settle", text(folder)?, &fetch.run])?)?;
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

/// The process with the simulated vendor; it ends when its standard input is closed.
struct Vendor {
    _child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    listing: String,
}

impl Vendor {
    fn start(clients: usize, devices: usize) -> anyhow::Result<Self> {
        let mut child = role(&["world", &clients.to_string(), &devices.to_string()])?;
        let stdin = child.stdin.take().context("the vendor has a standard input")?;
        let mut stdout = BufReader::new(child.stdout.take().context("the vendor has a standard output")?);
        let mut listing = String::new();
        stdout.read_line(&mut listing)?;
        Ok(Self { _child: child, stdin, stdout, listing })
    }

    /// Lets a day pass and changes some devices; returns how many.
    fn night(&mut self, percent_changed: f64) -> anyhow::Result<usize> {
        writeln!(self.stdin, "{percent_changed}")?;
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(line.trim().parse()?)
    }
}
