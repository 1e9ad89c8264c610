//! The data folder: who may use it, and whether we understand it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

use engine::ports::Cause;

/// The layout that this version reads and writes.
const VERSION: u32 = 1;

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process uses it.
    #[error("the data folder {folder} is in use by another msp-sync{}", .process.map(|id| format!(" (process {id})")).unwrap_or_default())]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The process that uses it, as far as it said so.
        process: Option<u32>,
    },
    /// A newer version wrote it.
    #[error("the data folder {folder} has the layout {found}, this msp-sync knows up to {known}; use a newer msp-sync")]
    Newer {
        /// The folder.
        folder: PathBuf,
        /// Its layout.
        found: u32,
        /// The newest layout we know.
        known: u32,
    },
    /// It cannot be made or written to.
    #[error("the data folder {folder} cannot be written to")]
    NotWritable {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A file in it cannot be read.
    #[error("{path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: Cause,
    },
}

/// The folder's lock, freed when this is dropped or the process ends in whatever way.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Makes the folder where there is none, and takes its lock. The layout is looked at before anything is written.
pub(crate) fn enter(folder: &Path) -> Result<Lock, OpenError> {
    let not_writable = |cause| OpenError::NotWritable { folder: folder.to_owned(), cause };
    make(folder).map_err(not_writable)?;
    let known = check_version(folder)?;
    if fs::metadata(folder).map_err(not_writable)?.permissions().readonly() {
        return Err(not_writable(io::Error::new(ErrorKind::PermissionDenied, "the folder is read-only")));
    }
    let mut file = private().create(true).read(true).write(true).open(folder.join("lock")).map_err(not_writable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let process = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
            return Err(OpenError::InUse { folder: folder.to_owned(), process });
        }
        Err(TryLockError::Error(cause)) => return Err(not_writable(cause)),
    }
    sign(&mut file).map_err(not_writable)?;
    if known.is_none() {
        replace(&folder.join("version"), format!("{VERSION}\n").as_bytes()).map_err(not_writable)?;
    }
    Ok(Lock { _file: file })
}

/// Writes our process id into the lock, for whoever meets it.
fn sign(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    write!(lock, "{}", std::process::id())
}

fn make(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Returns the folder's layout, `None` where it has none yet.
fn check_version(folder: &Path) -> Result<Option<u32>, OpenError> {
    let path = folder.join("version");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(OpenError::Unreadable { path, cause: error.into() }),
    };
    match text.trim().parse() {
        Ok(found) if found > VERSION => Err(OpenError::Newer { folder: folder.to_owned(), found, known: VERSION }),
        Ok(found) => Ok(Some(found)),
        Err(_) => Err(OpenError::Unreadable { path, cause: "it does not hold the number of a layout".into() }),
    }
}

/// Options for a file that only its owner may read.
pub(crate) fn private() -> OpenOptions {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Replaces a file as a whole: whenever the machine stops, the old content or the new one is there.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    // A file left over by a crash may have other permissions.
    if let Err(error) = fs::remove_file(&beside)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = private().write(true).create_new(true).open(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    sync_folder(path)
}

/// Makes the renaming itself durable, where folders can be opened.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix)
        && let Some(folder) = path.parent()
    {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
