//! `cargo xtask tidy`: what the compiler does not check and review should not have to.

mod files;
mod finding;
mod layers;
mod source;
mod workspace;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use finding::Finding;
use layers::Layers;
use workspace::Workspace;

const LAYERS: &str = "xtask/layers.toml";

/// Runs all checks. The answer is one line; findings are the error.
pub(crate) fn run(root: &Path) -> Result<String> {
    let layers: Layers =
        toml::from_str(&fs::read_to_string(root.join(LAYERS)).context(LAYERS)?).context(LAYERS)?;
    let workspace = Workspace::read(root)?;
    let mut findings = layers::check(&layers, &workspace);
    let files = tracked(root)?;
    for path in &files {
        let bytes = fs::read(root.join(path)).with_context(|| path.clone())?;
        // What is not text is not ours to read.
        if let Ok(text) = String::from_utf8(bytes) {
            findings.extend(files::check(path, &text));
            findings.extend(source::check(path, &text, &layers.programs.sources));
        }
    }
    if findings.is_empty() {
        return Ok(format!(
            "tidy: {} crates and {} files, nothing to say",
            workspace.crates.len(),
            files.len()
        ));
    }
    findings.sort();
    let list: Vec<String> = findings.iter().map(Finding::to_string).collect();
    bail!("{}\n\ntidy: {} findings", list.join("\n"), findings.len())
}

/// The files that are in the repository, or will be once they are added.
fn tracked(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("run git")?;
    if !output.status.success() {
        bail!("git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let list = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    // A file may be deleted in the working tree and still be in the index.
    Ok(list.split_terminator('\0').filter(|path| root.join(path).is_file()).map(str::to_owned).collect())
}
