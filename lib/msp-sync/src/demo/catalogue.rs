//! What the made-up MSP's documentation holds before anything is synced: some clients, as other people typed them in, and
//! a few of their devices.

use sandbox::World;
use sandbox::world::System;

/// Of so many clients one is not in the documentation.
const UNKNOWN_ONE_IN: usize = 3;
/// Of so many clients one stands there in capitals and with a stray blank, which makes no difference.
const SHOUTED_ONE_IN: usize = 4;
/// So many devices of a client are in the documentation.
const DEVICES_EACH: usize = 2;

/// Two CSV files.
#[derive(Debug, Clone)]
pub(super) struct Files {
    /// Clients.
    pub(super) clients: String,
    /// Assets.
    pub(super) assets: String,
}

/// Writes the files.
pub(super) fn files(world: &World) -> Files {
    let mut files = Files { clients: "name\n".to_owned(), assets: "name,client,serial_number\n".to_owned() };
    for (at, client) in world.clients.iter().enumerate() {
        if at % UNKNOWN_ONE_IN == 1 {
            continue;
        }
        let typed = client.name_in(System::Psa);
        let typed = if at % SHOUTED_ONE_IN == 2 { typed.to_uppercase().replace(' ', "  ") } else { typed };
        files.clients.push_str(&format!("{}\n", cell(&typed)));
        let known = client.devices.iter().filter_map(|device| Some((device.name.as_ref()?, device.serial.as_ref()?)));
        for (name, serial) in known.take(DEVICES_EACH) {
            files.assets.push_str(&format!("{},{},{}\n", cell(name), cell(&typed), cell(serial)));
        }
    }
    files
}

/// A value as CSV has it.
fn cell(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
