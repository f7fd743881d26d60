//! Standard output and standard error: the only module that writes there.

use std::io::{self, Write};

use serde::Serialize;

use crate::failure::{Failure, Result};
use crate::messages::Messages;

/// Prints a result.
pub(crate) fn print(text: &str) -> Result<()> {
    settle(write_line(&mut io::stdout().lock(), text))
}

/// Prints a result as JSON, indented.
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(Failure::failed)?;
    print(&text)
}

/// Prints bytes as they are.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    settle(out.write_all(bytes).and_then(|()| out.flush()))
}

/// Tells the person something that is not the result.
pub(crate) fn tell(text: &str) {
    // Nobody is left to tell that standard error is gone.
    drop(write_line(&mut io::stderr().lock(), text));
}

/// Draws something on the terminal that no line break ends: a question, or how far it has come.
pub(crate) fn draw(text: &str) {
    let mut out = io::stderr().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Tells the person why it failed.
pub(crate) fn tell_failure(failure: &Failure, messages: &Messages) {
    tell(&format!("{}: {}", messages.error, failure.message));
    for error in &failure.fields {
        tell(&format!("  {}: {}", error.field, error.message));
    }
}

fn write_line(out: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(out, "{text}")?;
    out.flush()
}

/// A reader that went away (`| head`) has seen what it wanted.
fn settle(written: io::Result<()>) -> Result<()> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::failed(error)),
        _ => Ok(()),
    }
}
