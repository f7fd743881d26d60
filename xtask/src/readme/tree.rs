//! The repository as documents may speak of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

/// What is there.
pub(super) struct Tree {
    pub(super) root: PathBuf,
    /// Rust sources by crate, tests included, each crate's in one text.
    pub(super) sources: BTreeMap<String, String>,
    /// Crates that have their place in the layers; some are still to come.
    pub(super) layers: Vec<String>,
    /// Variables of the environment, other names included.
    pub(super) variables: Vec<&'static str>,
    /// What `cargo xtask` can do.
    pub(super) chores: Vec<String>,
}

#[derive(Deserialize)]
struct Layers {
    may_use: BTreeMap<String, Vec<String>>,
}

impl Tree {
    pub(super) fn read(root: &Path, chores: Vec<String>) -> Result<Self> {
        let mut sources = BTreeMap::new();
        for entry in fs::read_dir(root.join("crates")).context("crates/")? {
            let entry = entry?;
            let mut text = String::new();
            collect(&entry.path(), &mut text)?;
            sources.insert(entry.file_name().to_string_lossy().into_owned(), text);
        }
        let mut text = String::new();
        collect(&root.join("xtask"), &mut text)?;
        sources.insert("xtask".to_owned(), text);
        let path = root.join("xtask/layers.toml");
        let layers: Layers = toml::from_str(&fs::read_to_string(path)?).context("xtask/layers.toml")?;
        let all = hub_config::variables::all();
        Ok(Self {
            root: root.to_path_buf(),
            sources,
            layers: layers.may_use.into_keys().collect(),
            variables: all.flat_map(|it| [Some(it.name), it.alias]).flatten().collect(),
            chores,
        })
    }

    pub(super) fn has_file(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// Is `word` a whole word of any Rust source?
    pub(super) fn has_word(&self, word: &str) -> bool {
        self.sources.values().any(|text| contains_word(text, word))
    }
}

/// Does `word` stand in `text` with nothing of a name before and after it?
pub(super) fn contains_word(text: &str, word: &str) -> bool {
    let is_part = |it: char| it.is_alphanumeric() || it == '_';
    text.match_indices(word).any(|(at, _)| {
        let (before, rest) = text.split_at(at);
        !before.ends_with(is_part) && !rest.strip_prefix(word).is_some_and(|after| after.starts_with(is_part))
    })
}

fn collect(directory: &Path, text: &mut String) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "target" {
                collect(&path, text)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path)?);
        }
    }
    Ok(())
}
