//! Runs the simulated vendors until it is ended, and says on one line of JSON where they are and what they hold. With
//! `--world FILE` it writes down first, as JSON, all that each sort of system sees.

use std::io::Write as _;

use sandbox::world::System;
use sandbox::{Sandbox, Size, World};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let text = |name: &str| std::env::args().skip_while(|argument| argument != name).nth(1);
    let number = |name: &str, otherwise: u64| text(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let size = Size {
        clients: number("--clients", 8) as usize,
        devices: number("--devices", 300) as usize,
        seed: number("--seed", 1),
    };
    let port = u16::try_from(number("--port", 0)).map_err(std::io::Error::other)?;
    let sandbox = Sandbox::start(port, World::new(&size)).await?;
    if let Some(file) = text("--world") {
        let world = sandbox.world.read();
        let [network, rmm, psa] = [System::Network, System::Rmm, System::Psa].map(|system| world.contents(system));
        std::fs::write(file, serde_json::json!({ "network": network, "rmm": rmm, "psa": psa }).to_string())?;
    }
    let line = serde_json::to_string(&sandbox.summary())?;
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    out.flush()?;
    std::future::pending().await
}
