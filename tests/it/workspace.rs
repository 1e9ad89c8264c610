//! What the checks of the house look at: the workspace's files, and what cargo resolves.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The workspace's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests package lies in a folder of the workspace")
}

/// Runs cargo on the locked, already downloaded dependencies and returns what it prints.
pub fn cargo(arguments: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(arguments)
        .args(["--locked", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

/// The members of the workspace as `cargo metadata` describes them.
pub fn members() -> Vec<Value> {
    let text = cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: Value = serde_json::from_str(&text).expect("cargo metadata prints JSON");
    let packages = metadata["packages"].as_array().expect("metadata has packages").clone();
    assert!(packages.len() >= 11, "only {} members were found", packages.len());
    packages
}

/// One text file of the workspace.
pub struct TextFile {
    /// Its path below the root, with `/`.
    pub path: String,
    /// Its content.
    pub text: String,
}

impl TextFile {
    /// Tells whether it is Rust source.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

/// Every text file that belongs to the workspace; build output, installed things and hidden folders but ours are left out.
pub fn text_files() -> Vec<TextFile> {
    let mut files = Vec::new();
    collect(root(), &mut files);
    files.sort_by(|left, right| left.path.cmp(&right.path));
    assert!(files.iter().filter(|file| file.is_rust()).count() > 20, "the walk over the workspace found too little");
    files
}

fn collect(folder: &Path, files: &mut Vec<TextFile>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder can be read").path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            let hidden = name.starts_with('.') && ![".cargo", ".ci", ".config", ".github"].contains(&name.as_ref());
            if !hidden && !["target", "node_modules"].contains(&name.as_ref()) {
                collect(&path, files);
            }
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            let path = path.strip_prefix(root()).expect("the walk began at the root");
            files.push(TextFile { path: path.to_string_lossy().replace('\\', "/"), text });
        }
    }
}

/// Fails with every finding on its own line.
#[track_caller]
pub fn assert_none(rule: &str, findings: Vec<String>) {
    assert!(findings.is_empty(), "{rule}:\n  {}", findings.join("\n  "));
}
