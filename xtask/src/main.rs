//! Chores of the repository: `cargo xtask tidy`.

mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

/// Chores of the repository.
#[derive(Parser)]
enum Chore {
    /// Check the layers of the workspace and the hygiene of its files.
    Tidy,
}

fn main() -> ExitCode {
    let done = match Chore::parse() {
        Chore::Tidy => repository().and_then(|root| tidy::run(&root)),
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
