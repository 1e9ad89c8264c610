//! Standard output: the one place that writes there.

use std::io::{ErrorKind, Write};

use crate::failure::Failure;

/// Writes a text to standard output, at once. A reader that went away (`| head`) is no failure.
pub(crate) fn write(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let message = format!("the answer could not be written to standard output: {error}");
            Err(Failure::new("output", message, "the command itself was carried out"))
        }
        _ => Ok(()),
    }
}

/// Writes one JSON document and its line break.
pub(crate) fn write_json(document: &serde_json::Value) -> Result<(), Failure> {
    write(&format!("{document}\n"))
}
