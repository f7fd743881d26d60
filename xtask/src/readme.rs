//! `cargo xtask readme`: what the documents name is there. Commands, flags, files, crates, variables, routes,
//! types and links are held against the tree; whether the sentences around them are true is for review.

mod claims;
mod markdown;
mod shell;
mod tree;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use markdown::Document;
use tree::Tree;

/// The documents that people read first. Generated ones are checked by what generates them.
const DOCUMENTS: &[&str] = &["README.md", "README.zh.md", "CONTRIBUTING.md", "docs/architecture.md"];

/// Checks all documents. `chores` are the names that `cargo xtask` knows. The answer is one line; findings are
/// the error.
pub(crate) fn run(root: &Path, chores: Vec<String>) -> Result<String> {
    let tree = Tree::read(root, chores)?;
    let mut findings = Vec::new();
    for path in DOCUMENTS {
        let text = fs::read_to_string(root.join(path)).with_context(|| (*path).to_owned())?;
        findings.extend(claims::check(&tree, &Document::parse(path, &text)));
    }
    if findings.is_empty() {
        return Ok(format!("readme: {} documents, everything they name is there", DOCUMENTS.len()));
    }
    bail!("{}\n\nreadme: {} findings", findings.join("\n"), findings.len())
}
