//! A data folder, the program, and the simulated vendors that it talks to.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sandbox::{Sandbox, Size, World};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The id of the integration that the tests set up.
pub const ID: &str = "acme";

/// What a command left behind.
#[derive(Debug)]
pub struct Ran {
    /// Its exit status.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// Asserts the exit status and returns the document on standard output, which holds nothing else.
    #[track_caller]
    pub fn json(&self, code: i32) -> Value {
        assert_eq!(self.code, code, "{self:#?}");
        assert_eq!(self.out.matches('\n').count(), 1, "one document and nothing else: {self:#?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// Asserts the exit status and returns the error on standard error; standard output stays empty.
    #[track_caller]
    pub fn error(&self, code: i32) -> Value {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{self:#?}");
        let document: Value = serde_json::from_str(&self.err).unwrap_or_else(|error| panic!("{error}: {self:#?}"));
        let error = document["error"].clone();
        for part in ["code", "message", "hint"] {
            assert!(error[part].is_string(), "{self:#?}");
        }
        error
    }
}

/// A data folder of its own and the program.
pub struct Bench {
    pub home: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a folder can be made") }
    }

    /// Where the data are.
    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// The program with these words, on the data folder, without anything of the caller's environment.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_msp-sync"));
        command.args(words).env_clear().env("HOME", self.home.path()).env("USER", "tester").env("TZ", "UTC");
        command.env("MSP_SYNC_DATA_DIR", self.data()).env("MSP_SYNC_ALLOW_LOOPBACK", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, words: &[&str]) -> Ran {
        ran(&mut self.command(words))
    }

    /// The same with `--json`.
    pub fn json(&self, words: &[&str]) -> Ran {
        self.run(&[words, &["--json"]].concat())
    }

    /// Writes a file beside the data folder and returns its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).expect("the folder can be written to");
        path.to_str().expect("a Unicode path").to_owned()
    }

    /// Adds the integration, verifies it, chooses clients and assets.
    #[track_caller]
    pub fn set_up(&self, vendors: &Vendors) {
        let (domain, url) =
            (format!("domain={}", vendors.setting("domain")), format!("url={}", vendors.setting("url")));
        let secret = vendors.secret();
        let add = ["integration", "add", ID, "--vendor", "auvik", "--setting", &domain, "--setting", &url];
        let secret: Vec<&str> = secret.iter().flat_map(|part| ["--secret", part]).collect();
        assert_eq!(self.json(&[&add[..], &secret[..]].concat()).json(0)["state"], "draft");
        assert_eq!(self.json(&["integration", "verify", ID]).json(0)["ok"], true);
        let set = ["integration", "set", ID, "--sync", "client,asset", "--auto-create", "asset"];
        assert_eq!(self.json(&set).json(0)["state"], "configured");
    }

    /// The same, and live with every client created.
    #[track_caller]
    pub fn go_live(&self, vendors: &Vendors) {
        self.set_up(vendors);
        assert_eq!(self.json(&["sync", ID]).json(0)["items"][0]["trigger"], "setup");
        self.json(&["create-unmatched", ID]).json(0);
        assert_eq!(self.json(&["finish", ID]).json(0)["state"], "live");
    }
}

/// Runs a command to its end.
pub fn ran(command: &mut Command) -> Ran {
    let output = command.output().expect("the program can be started");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let code = output.status.code().unwrap_or(-1);
    Ran { code, out: text(&output.stdout), err: text(&output.stderr) }
}

/// A child that is killed, as by `kill -9`, when this ends.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The simulated vendors, in this process.
pub struct Vendors {
    pub sandbox: Sandbox,
    _runtime: Runtime,
}

impl Vendors {
    pub fn start(clients: usize, devices: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let world = World::new(&Size { clients, devices, seed: 5 });
        let sandbox = runtime.block_on(Sandbox::start(0, world)).expect("a free port");
        Self { sandbox, _runtime: runtime }
    }

    fn auvik(&self) -> &sandbox::Listing {
        self.sandbox.describe().iter().find(|listing| listing.vendor == "auvik").expect("there is an Auvik")
    }

    pub fn setting(&self, name: &str) -> &str {
        &self.auvik().settings[name]
    }

    /// The parts of the secret as `K=V`.
    pub fn secret(&self) -> Vec<String> {
        self.auvik().secret.iter().map(|(key, value)| format!("{key}={value}")).collect()
    }
}

/// Says whether any file below `folder` holds `needle`, and which.
pub fn holding(folder: &Path, needle: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(holding(&path, needle));
        } else if let Ok(bytes) = std::fs::read(&path)
            && bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
        {
            found.push(path);
        }
    }
    found
}
