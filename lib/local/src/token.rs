//! The token by which programs on this machine show that they may ask the console.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::folder;

/// The token's file in a data folder, mode 0600.
pub const API_TOKEN: &str = "api-token";

/// As many random bytes as no one guesses.
const TOKEN_BYTES: usize = 32;

/// Returns the token of a data folder, and makes it if there is none. It stays the same until its file is deleted; one that
/// others could read is no secret any more, and is replaced.
pub fn api_token(data_dir: &Path) -> io::Result<String> {
    let path = data_dir.join(API_TOKEN);
    match fs::read_to_string(&path) {
        Ok(text) if is_token(text.trim()) && is_private(&path)? => return Ok(text.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // The operating system gives what nobody can guess.
    let mut bytes = [0_u8; TOKEN_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    folder::replace(&path, format!("{token}\n").as_bytes())?;
    Ok(token)
}

fn is_token(text: &str) -> bool {
    text.len() == 2 * TOKEN_BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(unix)]
fn is_private(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::metadata(path)?.permissions().mode() & 0o077 == 0)
}

#[cfg(not(unix))]
fn is_private(_path: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_token_stays_until_its_file_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let token = api_token(folder.path()).unwrap();
        assert!(is_token(&token), "{token}");
        assert_eq!(api_token(folder.path()).unwrap(), token);
        fs::remove_file(folder.path().join(API_TOKEN)).unwrap();
        assert_ne!(api_token(folder.path()).unwrap(), token);
    }

    #[test]
    fn a_token_that_others_could_read_or_that_is_none_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(API_TOKEN);
        let token = api_token(folder.path()).unwrap();
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let next = api_token(folder.path()).unwrap();
        assert_ne!(next, token);
        assert_eq!(mode(), 0o600);
        fs::write(&path, "").unwrap();
        assert!(is_token(&api_token(folder.path()).unwrap()), "an empty file lets nobody in");
    }
}
