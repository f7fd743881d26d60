//! Asking before something is deleted.

use std::io::{self, IsTerminal};

use dialoguer::Confirm;

use crate::args::Removal;
use crate::failure::{Failure, Result};
use crate::messages::{Messages, fill};

/// May `what` be deleted? Without a terminal to ask on, only `--yes` says so.
pub(crate) fn may_delete(what: &str, removal: &Removal, messages: &Messages) -> Result<bool> {
    if removal.yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::usage(fill(messages.needs_yes, what)));
    }
    let question = fill(messages.confirm_rm, what);
    Confirm::new().with_prompt(question).default(false).interact().map_err(Failure::failed)
}
