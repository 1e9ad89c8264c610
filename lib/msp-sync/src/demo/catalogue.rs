//! What the made-up MSP's documentation holds before anything is synced: some of its people and clients, as other people
//! typed them in, and a few of their devices.

use reconcile::record::Kind;
use sandbox::World;
use sandbox::world::System;

/// Of so many people of the MSP one is in the documentation.
const USER_ONE_IN: usize = 2;
/// Of so many clients one is not in the documentation.
const UNKNOWN_ONE_IN: usize = 3;
/// Of so many clients one stands there in capitals and with a stray blank, which makes no difference.
const SHOUTED_ONE_IN: usize = 4;
/// So many devices of a client are in the documentation.
const DEVICES_EACH: usize = 2;
/// One client's next device was typed in twice, by its host name alone: which of the two it is, a person has to say.
const TYPED_TWICE_AT: usize = 2;

/// CSV files by kind.
#[derive(Debug, Clone)]
pub(super) struct Files {
    users: String,
    clients: String,
    assets: String,
}

impl Files {
    /// Returns the files in the order in which they can be read in.
    pub(super) fn all(&self) -> [(Kind, &str); 3] {
        [(Kind::User, &self.users), (Kind::Client, &self.clients), (Kind::Asset, &self.assets)]
    }
}

/// Writes the files.
pub(super) fn files(world: &World) -> Files {
    let mut files = Files {
        users: "name,email\n".to_owned(),
        clients: "name\n".to_owned(),
        assets: "name,client,serial_number,hostname\n".to_owned(),
    };
    for user in world.users.iter().step_by(USER_ONE_IN) {
        let email = user.email.as_deref().unwrap_or_default();
        files.users.push_str(&format!("{},{}\n", cell(&user.full_name()), cell(email)));
    }
    for (at, client) in world.clients.iter().enumerate() {
        if at % UNKNOWN_ONE_IN == 1 {
            continue;
        }
        let typed = client.name_in(System::Psa);
        let typed = if at % SHOUTED_ONE_IN == 2 { typed.to_uppercase().replace(' ', "  ") } else { typed };
        files.clients.push_str(&format!("{}\n", cell(&typed)));
        let mut known =
            client.devices.iter().filter_map(|device| Some((device.name.as_ref()?, device.serial.as_ref()?)));
        for (name, serial) in known.by_ref().take(DEVICES_EACH) {
            files.assets.push_str(&format!("{},{},{},\n", cell(name), cell(&typed), cell(serial)));
        }
        if let Some((name, _)) = known.next().filter(|_| at == TYPED_TWICE_AT) {
            for again in [name.clone(), format!("{name} (2)")] {
                files.assets.push_str(&format!("{},{},,{}\n", cell(&again), cell(&typed), cell(name)));
            }
        }
    }
    files
}

/// A value as CSV has it.
fn cell(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
