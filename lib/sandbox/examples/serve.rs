//! Runs the simulated vendors until it is ended, and says on one line of JSON where they are and what they hold.

use std::io::Write as _;

use sandbox::{Sandbox, Size, World};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let number = |name: &str, otherwise: u64| {
        let after = std::env::args().skip_while(|argument| argument != name).nth(1);
        after.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let size = Size {
        clients: number("--clients", 8) as usize,
        devices: number("--devices", 300) as usize,
        seed: number("--seed", 1),
    };
    let port = u16::try_from(number("--port", 0)).map_err(std::io::Error::other)?;
    let sandbox = Sandbox::start(port, World::new(&size)).await?;
    let line = serde_json::to_string(&sandbox.summary())?;
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    out.flush()?;
    std::future::pending().await
}
