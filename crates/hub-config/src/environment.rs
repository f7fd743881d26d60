//! Variables by name: a process's own over those of a `.env` file. The process environment itself is read by
//! the binaries and handed in.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use thiserror::Error;

/// A `.env` that is there, but can't be used. The text never repeats a line, which may hold a secret.
#[derive(Debug, Error)]
pub enum EnvironmentError {
    /// The file can't be read.
    #[error(".env can't be read: {0}")]
    Unreadable(String),
    /// An entry is not an assignment.
    #[error(".env: entry {0} is not NAME=VALUE")]
    Malformed(usize),
}

/// See the module's documentation.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Puts both together. A missing file is no mistake. Names and values that are not UTF-8 are none of the
    /// hub's.
    pub fn read(
        process: impl Iterator<Item = (OsString, OsString)>,
        dotenv: &Path,
    ) -> Result<Self, EnvironmentError> {
        let mut variables = read_file(dotenv)?;
        variables.extend(
            process.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        );
        Ok(Self(variables))
    }

    /// Sets a variable over what is there: for command-line flags, which are stronger than the environment.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// A variable, if it is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

fn read_file(path: &Path) -> Result<BTreeMap<String, String>, EnvironmentError> {
    let entries = match dotenvy::from_path_iter(path) {
        Ok(entries) => entries,
        Err(error) if error.not_found() => return Ok(BTreeMap::new()),
        Err(dotenvy::Error::Io(error)) => return Err(EnvironmentError::Unreadable(error.kind().to_string())),
        Err(_) => return Err(EnvironmentError::Malformed(1)),
    };
    let numbered = entries
        .enumerate()
        .map(|(position, entry)| entry.map_err(|_| EnvironmentError::Malformed(position + 1)));
    numbered.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_wins_over_the_file_and_mistakes_repeat_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(".env");
        std::fs::write(&file, "A=file\nB=\"quoted\"\n").unwrap();
        let process = [("A".into(), "process".into())];
        let environment = Environment::read(process.into_iter(), &file).unwrap();
        assert_eq!((environment.get("A"), environment.get("B")), (Some("process"), Some("quoted")));

        std::fs::write(&file, "A=1\nsecret without an equals sign\n").unwrap();
        let error = Environment::read(std::iter::empty(), &file).err().unwrap().to_string();
        assert_eq!(error, ".env: entry 2 is not NAME=VALUE");
        assert!(Environment::read(std::iter::empty(), &directory.path().join("none")).is_ok());
    }
}
