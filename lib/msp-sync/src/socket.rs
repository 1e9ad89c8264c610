//! The way from a command to the `serve` or `demo` that holds its data folder, and back.
//!
//! A Unix domain socket in the data folder, which only its owner may enter. One connection carries one question: a line
//! of JSON goes in, lines of JSON ([`Frame`]) come out, the last of them the answer or the error. A socket file that
//! nobody listens at (its process was killed) is the same as none.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use console::answer::{Answer, Frame};
use console::error::ConsoleError;
use console::progress::Progress;
use console::request::Request;
use console::roles::Actor;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::failure::Failure;

/// The most bytes of one line: an imported file travels in one.
const LINE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// The longest path that the operating systems take for a socket (macOS: 104 with its end mark).
const PATH_BYTES_MAX: usize = 100;

/// One question and who asks it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// Who.
    pub(crate) actor: Actor,
    /// What.
    pub(crate) request: Request,
}

/// Returns where the process that holds `folder` listens.
pub(crate) fn path(folder: &Path) -> PathBuf {
    folder.join("serve.sock")
}

/// Connects to the process that holds `folder`; `None` where none listens.
pub(crate) async fn connect(folder: &Path) -> Result<Option<UnixStream>, Failure> {
    let path = path(folder);
    if path.as_os_str().len() > PATH_BYTES_MAX {
        return Ok(None);
    }
    match UnixStream::connect(&path).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::ConnectionRefused
            ) =>
        {
            Ok(None)
        }
        Err(error) => {
            let message = format!("{} cannot be connected to: {error}", path.display());
            Err(Failure::new(
                "unavailable",
                message,
                "the data folder belongs to somebody else; name another one with --data-dir",
            ))
        }
    }
}

/// Listens in `folder`, whose lock the caller holds: a socket file that is there is left over.
pub(crate) fn listen(folder: &Path) -> Result<UnixListener, Failure> {
    let path = path(folder);
    let refused = |why: String| {
        let message = format!("the commands' socket {} cannot be made: {why}", path.display());
        Failure::new("unavailable", message, "choose a data folder with a shorter path on a local disk")
    };
    if path.as_os_str().len() > PATH_BYTES_MAX {
        return Err(refused(format!("its path has more than {PATH_BYTES_MAX} bytes")));
    }
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(refused(error.to_string())),
        _ => {}
    }
    UnixListener::bind(&path).map_err(|error| refused(error.to_string()))
}

/// Asks through a connection and waits for the end.
pub(crate) async fn ask(stream: UnixStream, asked: &Asked, progress: &impl Progress) -> Result<Answer, Failure> {
    let mut lines = Lines::new(stream);
    let broken = |_| Failure::new("unavailable", GONE, "look at `msp-sync status`, then ask again");
    lines.write(asked).await.map_err(broken)?;
    loop {
        match lines.read::<Frame>().await.map_err(broken)? {
            Some(Frame::Progress(event)) => progress.report(event),
            Some(Frame::Answer(answer)) => return Ok(*answer),
            Some(Frame::Error(error)) => return Err(error.into()),
            None => return Err(broken(io::Error::from(ErrorKind::UnexpectedEof))),
        }
    }
}

const GONE: &str = "the running serve ended before it had answered; what it was doing goes on with the next command";

/// The serving end of one connection.
pub(crate) struct Caller(Lines);

impl Caller {
    /// Takes a connection.
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self(Lines::new(stream))
    }

    /// Reads the question; `None` where the caller went away without one.
    pub(crate) async fn question(&mut self) -> io::Result<Option<Asked>> {
        self.0.read().await
    }

    /// Sends a frame.
    pub(crate) async fn tell(&mut self, frame: &Frame) -> io::Result<()> {
        self.0.write(frame).await
    }

    /// Sends the end.
    pub(crate) async fn end(mut self, end: Result<Answer, ConsoleError>) -> io::Result<()> {
        let frame = match end {
            Ok(answer) => Frame::Answer(Box::new(answer)),
            Err(error) => Frame::Error(error),
        };
        self.tell(&frame).await
    }
}

/// A connection as lines of JSON.
struct Lines(BufReader<UnixStream>);

impl Lines {
    fn new(stream: UnixStream) -> Self {
        Self(BufReader::new(stream))
    }

    async fn read<T: for<'de> Deserialize<'de>>(&mut self) -> io::Result<Option<T>> {
        let mut line = Vec::new();
        (&mut self.0).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await?;
        if line.is_empty() {
            return Ok(None);
        }
        Ok(Some(serde_json::from_slice(&line)?))
    }

    async fn write(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.0.get_mut().write_all(&line).await
    }
}
