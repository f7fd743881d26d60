//! The environment of this process: the only place of the command line that reads it.

use std::path::Path;

use hub_config::Environment;

use crate::failure::{Failure, Result};

/// The process's own variables over those of `.env`.
pub(crate) fn read() -> Result<Environment> {
    #[expect(clippy::disallowed_methods, reason = "the one place of this binary that reads the environment")]
    let process = std::env::vars_os();
    Environment::read(process, Path::new(".env")).map_err(|error| Failure::usage(error.to_string()))
}
