//! Findings, and how they are shown.

use serde::Serialize;
use serde_json::json;

use crate::failure::Result;
use crate::messages::Messages;
use crate::output;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Ok,
    Warn,
    Fail,
}

/// One finding.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    /// What was looked at.
    pub(crate) name: String,
    pub(crate) state: State,
    /// What was found.
    pub(crate) detail: String,
    /// What to do about it.
    pub(crate) fix: Option<String>,
}

impl Check {
    pub(crate) fn ok(name: &str, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), state: State::Ok, detail: detail.into(), fix: None }
    }

    pub(crate) fn warn(name: &str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name: name.to_owned(), state: State::Warn, detail: detail.into(), fix: Some(fix.into()) }
    }

    pub(crate) fn fail(name: &str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name: name.to_owned(), state: State::Fail, detail: detail.into(), fix: Some(fix.into()) }
    }
}

/// Shows the findings; `false` if one of them is a failure.
pub(crate) fn report(checks: &[Check], json: bool, messages: &Messages) -> Result<bool> {
    let healthy = checks.iter().all(|check| check.state != State::Fail);
    if json {
        output::print_json(&json!({"ok": healthy, "checks": checks}))?;
        return Ok(healthy);
    }
    for check in checks {
        let state = match check.state {
            State::Ok => messages.state_ok,
            State::Warn => messages.state_warn,
            State::Fail => messages.state_fail,
        };
        output::print(&format!("[{state}] {}: {}", check.name, check.detail))?;
        if let Some(fix) = &check.fix {
            output::print(&format!("    {}: {fix}", messages.fix))?;
        }
    }
    Ok(healthy)
}
