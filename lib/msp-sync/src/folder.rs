//! Where the data folder is, and who works on it.

use std::path::PathBuf;

use console::roles::{Actor, Role};

use crate::failure::Failure;

/// Returns the data folder: the one named, `$MSP_SYNC_DATA_DIR`, or the platform's.
pub(crate) fn choose(named: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let platform = || {
        if cfg!(target_os = "macos") {
            Some(variable("HOME")?.join("Library/Application Support/msp-sync"))
        } else {
            let data = variable("XDG_DATA_HOME").filter(|path| path.is_absolute());
            Some(data.or_else(|| Some(variable("HOME")?.join(".local/share")))?.join("msp-sync"))
        }
    };
    named.or_else(|| variable("MSP_SYNC_DATA_DIR")).or_else(platform).ok_or_else(|| {
        let message = "there is no data folder: neither --data-dir, MSP_SYNC_DATA_DIR nor HOME is set";
        Failure::usage(message, "name one: msp-sync --data-dir DIR …")
    })
}

/// Who works on this machine: the owner of the folder, who may do everything.
pub(crate) fn actor() -> Actor {
    let names = ["SUDO_USER", "USER", "LOGNAME"];
    let name = names.iter().find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
    Actor { name: name.unwrap_or_else(|| "local".to_owned()), role: Role::Admin }
}
