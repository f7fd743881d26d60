//! What people see on standard output and standard error. Logs are something else.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the one place of this binary that prints")]

use std::process::ExitCode;

/// A line for the person, or the program, that started this.
pub(crate) fn print(text: &str) {
    println!("{text}");
}

/// A line beside the matter.
pub(crate) fn note(text: &str) {
    eprintln!("hub-server: {text}");
}

/// The end with an error.
pub(crate) fn fail(text: &str, code: u8) -> ExitCode {
    eprintln!("hub-server: {text}");
    ExitCode::from(code)
}
