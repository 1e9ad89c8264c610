//! `sandbox`: the simulated vendors alone, until Ctrl-C.

use anyhow::Context;
use sandbox::{Listing, Sandbox, Size, World};
use serde_json::json;

use crate::args;
use crate::failure::{Exit, Failure};
use crate::out;
use crate::signals::Stop;

/// Runs the simulated vendors and says how to use them.
pub(crate) async fn run(wanted: args::Sandbox, json: bool) -> Result<Exit, Failure> {
    let mut stop = Stop::new().context("the signals cannot be listened to")?;
    let sandbox = start(wanted.port, wanted.clients, wanted.devices, wanted.seed).await?;
    if json {
        out::write_json(&json!({ "items": sandbox.describe() }))?;
    } else {
        let told: Vec<String> = sandbox.describe().iter().map(listing).collect();
        out::write(&format!(
            "Simulated vendors with {} clients and {} devices (seed {}). Ctrl-C ends them.\n\n{}",
            wanted.clients,
            wanted.devices,
            wanted.seed,
            told.join("\n")
        ))?;
    }
    stop.asked().await;
    sandbox.stop().await;
    Ok(Exit::Done)
}

/// Starts the simulated vendors.
pub(crate) async fn start(port: u16, clients: u32, devices: u32, seed: u64) -> Result<Sandbox, Failure> {
    let size = Size { clients: clients as usize, devices: devices as usize, seed };
    let started = Sandbox::start(port, World::new(&size)).await;
    let taken = |error: std::io::Error| {
        let message = format!("port {port} of 127.0.0.1 cannot be used: {error}");
        Failure::new("listen", message, "choose another --port, or none for any that is free")
    };
    started.map_err(taken)
}

/// One vendor: where it is, how to be let in, and the command that adds it.
fn listing(of: &Listing) -> String {
    let mut text = format!("{}\n", of.vendor);
    text.push_str(&format!("  url              {}\n", of.url));
    let parts = of.settings.iter().filter(|(key, _)| **key != "url").chain(&of.secret);
    for (key, value) in parts {
        text.push_str(&format!("  {key:<16} {value}\n"));
    }
    text.push_str(&format!("\n  Add it:\n    export MSP_SYNC_ALLOW_LOOPBACK=1\n    {}\n", add_command("sandbox", of)));
    text
}

/// The command that adds a simulated vendor as an integration, ready to be pasted.
pub(crate) fn add_command(prefix: &str, of: &Listing) -> String {
    let mut line = format!("msp-sync integration add {prefix}-{} --vendor {}", of.vendor, of.vendor);
    for (flag, parts) in [("--setting", &of.settings), ("--secret", &of.secret)] {
        for (key, value) in parts {
            line.push_str(&format!(" \\\n      {flag} {}", quoted(&format!("{key}={value}"))));
        }
    }
    line
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "=_-./:@+,%".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
