//! What a process used, and the table of it.

use std::fmt::Write as _;

use anyhow::Context;
use engine::ports::Consumed;
use serde::{Deserialize, Serialize};

use crate::roles::Shown;

/// Clock ticks in a second, as Linux shows them to every program.
const TICKS_PER_SECOND: f64 = 100.0;

/// What one process used, from its start to the moment it said so.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Used {
    /// The run it worked for.
    pub run: String,
    /// How the run ended, if it has.
    pub outcome: String,
    /// Processor time, user and system.
    pub cpu_seconds: f64,
    /// Time on the wall.
    pub wall_seconds: f64,
    /// The most memory it ever had.
    pub peak_mib: f64,
    /// Requests that the run has sent to the vendor.
    pub vendor_calls: u64,
    /// Waits for the vendor's pace and limits that were not waited for.
    pub skipped_seconds: u64,
    /// Records that the run created, matched or updated.
    pub written: u64,
    /// Messages it sent.
    pub messages: u64,
    /// Requests to the store.
    pub store_requests: u64,
    /// Items it wrote.
    pub items_written: u64,
    /// Read capacity units.
    pub read_units: f64,
    /// Write capacity units.
    pub write_units: f64,
}

impl Used {
    /// Looks at the present process.
    pub fn of_this_process(wall_seconds: f64, store: Consumed, messages: u64) -> anyhow::Result<Self> {
        Ok(Self {
            run: String::new(),
            outcome: String::new(),
            cpu_seconds: cpu_seconds()?,
            wall_seconds,
            peak_mib: peak_mib()?,
            vendor_calls: 0,
            skipped_seconds: 0,
            written: 0,
            messages,
            store_requests: store.requests,
            items_written: store.items_written,
            read_units: store.read_units,
            write_units: store.write_units,
        })
    }
}

/// Processor time of the process with all its threads. The name of the program, in brackets, may hold blanks.
fn cpu_seconds() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, after_name) = stat.rsplit_once(')').context("the name stands in brackets")?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |index: usize| -> anyhow::Result<f64> { Ok(fields.get(index).context("a field is missing")?.parse()?) };
    Ok((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

fn peak_mib() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the system counts the peak")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}

/// One sync, measured.
pub struct Night {
    /// What it was.
    pub title: &'static str,
    /// Devices that were new or changed.
    pub changed: usize,
    /// The process that read the vendor.
    pub fetch: Used,
    /// The process that did the rest.
    pub settle: Used,
}

impl Night {
    fn both(&self, of: impl Fn(&Used) -> f64) -> f64 {
        of(&self.fetch) + of(&self.settle)
    }
}

/// Renders a vendor's nights as columns of a table.
pub fn table(devices: usize, shown: &Shown, nights: &[Night]) -> String {
    let mut text = String::new();
    let mut row = |title: &str, cell: &dyn Fn(&Night) -> String| {
        let cells: Vec<String> = nights.iter().map(cell).collect();
        writeln!(text, "| {title} | {} |", cells.join(" | ")).expect("text takes text");
    };
    row("", &|night| night.title.to_owned());
    row("---", &|_| "---:".to_owned());
    row("devices new or changed", &|night| night.changed.to_string());
    row("CPU, fetching", &|night| format!("{:.2} s", night.fetch.cpu_seconds));
    row("CPU, reconciling", &|night| format!("{:.2} s", night.settle.cpu_seconds));
    row("**CPU per device**", &|night| {
        format!("**{:.1} µs**", night.both(|used| used.cpu_seconds) * 1e6 / devices as f64)
    });
    row("wall", &|night| format!("{:.1} s", night.both(|used| used.wall_seconds)));
    row("**peak memory, fetching**", &|night| format!("**{:.1} MiB**", night.fetch.peak_mib));
    row("peak memory, reconciling", &|night| format!("{:.1} MiB", night.settle.peak_mib));
    row("vendor calls", &|night| night.fetch.vendor_calls.to_string());
    row("least calls of a complete read", &|night| calls_min(shown, night).to_string());
    row("**calls / least**", &|night| format!("**{:.3}**", ratio(shown, night)));
    row("waits at the vendor's limits", &|night| minutes(night.fetch.skipped_seconds));
    row("records written", &|night| night.settle.written.to_string());
    row("**messages queued**", &|night| format!("**{}**", night.fetch.messages + night.settle.messages));
    row("store requests", &|night| (night.fetch.store_requests + night.settle.store_requests).to_string());
    row("items written", &|night| (night.fetch.items_written + night.settle.items_written).to_string());
    row("read units", &|night| format!("{:.0}", night.both(|used| used.read_units)));
    row("**write units**", &|night| format!("**{:.0}**", night.both(|used| used.write_units)));
    row("write units the aim allows", &|night| match (night.title, night.changed) {
        ("first sync", _) => "no aim".to_owned(),
        (_, 0) => "the run's own record".to_owned(),
        (_, changed) => format!("{:.0}", 2.5 * changed as f64 + 32.0),
    });
    text
}

/// The least number of calls for what a night reads: a record is asked for by itself only where its list row is another.
fn calls_min(shown: &Shown, night: &Night) -> u64 {
    let singles = if night.title == "first sync" { shown.singles } else { (night.changed as u64).min(shown.singles) };
    shown.lists_min + singles
}

fn ratio(shown: &Shown, night: &Night) -> f64 {
    night.fetch.vendor_calls as f64 / calls_min(shown, night) as f64
}

fn minutes(seconds: u64) -> String {
    if seconds < 60 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) }
}
