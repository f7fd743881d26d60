//! The environment: the process's own variables over those of `.env`. The only module that reads either.

use std::collections::BTreeMap;
use std::path::Path;

use crate::failure::{Failure, Result};

/// Variables by name.
#[derive(Clone)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Reads both. A `.env` that can't be read or understood is a mistake, a missing one is none.
    pub(crate) fn read() -> Result<Self> {
        let mut variables = dotenv(Path::new(".env"))?;
        let process = std::env::vars_os();
        // Names and values that are no UTF-8 are none of the hub's.
        let texts =
            process.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        variables.extend(texts);
        Ok(Self(variables))
    }

    /// A variable, if it is set and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All of them.
    pub(crate) fn variables(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

fn dotenv(path: &Path) -> Result<BTreeMap<String, String>> {
    let lines = match dotenvy::from_path_iter(path) {
        Ok(lines) => lines,
        Err(error) if error.not_found() => return Ok(BTreeMap::new()),
        Err(error) => return Err(Failure::usage(format!(".env: {error}"))),
    };
    // dotenvy's error repeats the line, which may hold a secret: only where it is is told.
    let mut variables = BTreeMap::new();
    for (position, line) in lines.enumerate() {
        let (name, value) =
            line.map_err(|_| Failure::usage(format!(".env: entry {} is not NAME=VALUE", position + 1)))?;
        variables.insert(name, value);
    }
    Ok(variables)
}
