//! Running one test of this binary in a process of its own: for what is global to a process, such as its log
//! and its memory.

use std::process::{Command, Output};

const MARK: &str = "HUB_TEST_CHILD";

/// Is this process such a child?
pub(crate) fn is_child() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Runs a test by its full name and waits for it. The test must succeed.
pub(crate) fn run(test: &str, variables: &[(&str, &str)]) -> Output {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(MARK, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{test} failed in its own process:\n{out}\n{err}");
    assert!(out.contains("1 passed"), "{test} did not run:\n{out}");
    output
}
