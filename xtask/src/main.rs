//! Chores of the repository: `cargo xtask tidy`, `cargo xtask readme` and `cargo xtask config-docs`.

mod readme;
mod tidy;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{CommandFactory, Parser};

/// Chores of the repository.
#[derive(Parser)]
enum Chore {
    /// Check the layers of the workspace, the hygiene of its files, and all that `readme` checks.
    Tidy,
    /// Check that what README, CONTRIBUTING and the architecture page name is there.
    Readme,
    /// Write `.env.example` and `docs/configuration.md` from the list of variables.
    ConfigDocs,
}

fn main() -> ExitCode {
    let done = match Chore::parse() {
        Chore::Tidy => repository().and_then(|root| all(&root)),
        Chore::Readme => repository().and_then(|root| readme::run(&root, chores())),
        Chore::ConfigDocs => repository().and_then(|root| config_docs(&root)),
    };
    match done {
        Ok(message) => {
            say(&message);
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn all(root: &Path) -> Result<String> {
    Ok(format!("{}\n{}", tidy::run(root)?, readme::run(root, chores())?))
}

fn config_docs(root: &Path) -> Result<String> {
    for (path, text) in hub_config::reference::files() {
        let path = root.join(path);
        path.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("write {}", path.display()))?;
    }
    Ok(".env.example and docs/configuration.md are written".to_owned())
}

/// The chores by name.
fn chores() -> Vec<String> {
    Chore::command().get_subcommands().map(|chore| chore.get_name().to_owned()).collect()
}

/// The root of the repository: where this crate was built from.
fn repository() -> Result<PathBuf> {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the root of the workspace")?;
    Ok(root.to_path_buf())
}

#[expect(clippy::print_stderr, reason = "a chore says what it did")]
fn say(message: &str) {
    eprintln!("{message}");
}
