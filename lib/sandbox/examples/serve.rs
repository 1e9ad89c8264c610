//! Runs the simulated vendors until it is ended, and says on one line of JSON where they are and what they hold. With
//! `--world FILE` it writes down first, as JSON, all that each sort of system sees.
//!
//! What happens to them meanwhile can be ordered on standard input, an order a line, each answered by a line of JSON:
//!
//! ```text
//! {"do":"new_key"}                                     Auvik's key is made anew; the answer is the new one
//! {"do":"night","percent":60}                          a day passes, and the software of so many devices changes
//! {"do":"add_client","name":"…"}                       a customer without devices comes
//! {"do":"rename","what":"asset","nth":0,"name":"…"}    the nth of a kind is called otherwise; of assets, those that
//!                                                      every sort of system sees
//! ```

use std::io::{BufRead as _, Write as _};

use sandbox::world::{Device, System};
use sandbox::{Sandbox, Size, Vendors, World, auvik};
use serde::Deserialize;
use serde_json::{Value, json};

/// What happens to the vendors while they run.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Order {
    NewKey,
    Night { percent: f64 },
    AddClient { name: String },
    Rename { what: What, nth: usize, name: String },
}

/// What a name is given to.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Client,
    User,
    Contact,
    Location,
    Asset,
}

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
        std::fs::write(file, json!({ "network": network, "rmm": rmm, "psa": psa }).to_string())?;
    }
    say(&serde_json::to_string(&sandbox.summary())?)?;
    let vendors = Vendors::clone(&sandbox);
    std::thread::spawn(move || obey(&vendors));
    std::future::pending().await
}

fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Carries out what standard input orders, until it ends.
fn obey(vendors: &Vendors) -> std::io::Result<()> {
    for line in std::io::stdin().lock().lines() {
        let answer = match serde_json::from_str(&line?) {
            Ok(order) => carry_out(vendors, order),
            Err(error) => json!({ "error": error.to_string() }),
        };
        say(&answer.to_string())?;
    }
    Ok(())
}

fn carry_out(vendors: &Vendors, order: Order) -> Value {
    match order {
        Order::NewKey => {
            let credentials = auvik::Credentials { api_key: "m4de/Anew+Key==".to_owned(), ..Default::default() };
            let api_key = credentials.api_key.clone();
            vendors.auvik.with(|sim| sim.set_credentials(credentials));
            json!({ "api_key": api_key })
        }
        Order::Night { percent } => json!({ "changed": vendors.world.change(|world| world.night(1, percent)) }),
        Order::AddClient { name } => json!({ "client": vendors.world.change(|world| world.add_client(&name).0) }),
        Order::Rename { what, nth, name } => {
            json!({ "renamed": vendors.world.change(|world| rename(world, what, nth, name)) })
        }
    }
}

/// Says whether there is an nth.
fn rename(world: &mut World, what: What, nth: usize, name: String) -> bool {
    // The first client is the MSP itself.
    let customers = || world.clients.iter().skip(1);
    match what {
        What::Client => {
            let number = customers().nth(nth).map(|client| client.number);
            number.is_some_and(|number| world.change_company(number, |client| (client.name, client.form) = (name, "")))
        }
        What::User => {
            let number = world.users.iter().filter(|user| user.is_active).nth(nth).map(|user| user.number);
            number.is_some_and(|number| world.change_user(number, |user| user.given_name = name.into()))
        }
        What::Contact => {
            let number = customers().flat_map(|client| &client.contacts).filter(|one| one.is_active).nth(nth);
            let number = number.map(|contact| contact.number);
            number.is_some_and(|number| world.change_contact(number, |contact| contact.given_name = name.into()))
        }
        What::Location => {
            let number = customers().flat_map(|client| &client.sites).nth(nth).map(|site| site.number);
            number.is_some_and(|number| world.change_site(number, |site| site.name = name))
        }
        What::Asset => {
            let is_seen = |device: &&Device| {
                let all = [System::Network, System::Rmm, System::Psa];
                device.name.is_some() && all.into_iter().all(|system| device.is_seen_by(system))
            };
            let number = customers().flat_map(|client| &client.devices).filter(is_seen).nth(nth);
            let number = number.map(|device| device.number);
            number.is_some_and(|number| world.change_device(number, |device| device.name = Some(name)))
        }
    }
}
