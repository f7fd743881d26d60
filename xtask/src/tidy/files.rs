//! Every text file: a heading, a bearable length, and nothing of the place where it was written.

use super::finding::Finding;

const MOST_LINES: usize = 600;

/// Written by programs, not read from top to bottom by people.
const GENERATED: &[&str] = &["lock", "snap", "json", "jsonl", "csv", "svg", "sse"];

/// Parts of paths and addresses which mean one machine and not this project, in lower case. They are put
/// together here so that this file does not contain them.
const PLACES: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/tmp/ba", "sh_jobs"),
    concat!("index.cra", "tes.io"),
    concat!("static.cra", "tes.io"),
    concat!("registry.npm", "js.org"),
    concat!("pypi", ".org"),
    concat!("pythonho", "sted.org"),
    concat!("proxy.gol", "ang.org"),
];

/// How a text came about is no part of the project, in lower case.
const AUTHORSHIP: &[&str] = &[
    concat!("ai assis", "tant"),
    concat!("ai-gener", "ated"),
    concat!("generated wi", "th claude"),
    concat!("co-authored-by: ", "claude"),
    concat!("as a language", " model"),
];

pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    if extension == "rs" && !text.starts_with("//!") && !is_test(path) {
        let advice = "begin it with `//!` and one or two lines: what lives here, and what does not";
        findings.push(Finding::new(path, "a Rust file says first what lives in it", advice));
    }
    let lines = text.lines().count();
    if lines > MOST_LINES && !GENERATED.contains(&extension) {
        let advice =
            format!("it has {lines} lines, {MOST_LINES} are allowed: split it by purpose, one thing a file");
        findings.push(Finding::new(path, "files are rooms, not halls", advice));
    }
    // Cargo's own file names where packages come from.
    if path != "Cargo.lock" {
        findings.extend(words(path, text));
    }
    findings
}

/// Files below `tests/` belong to a binary whose `main.rs` has said what is tested.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || (path.contains("/tests/") && !path.ends_with("/main.rs"))
}

fn words(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.to_lowercase();
        let place = || format!("{path}:{}", number + 1);
        if let Some(word) = PLACES.iter().find(|word| line.contains(*word)) {
            let advice =
                format!("`{word}` means one machine or one registry: say it relative to the repository");
            findings.push(Finding::new(
                place(),
                "the tree holds nothing of the place it was written in",
                advice,
            ));
        }
        if let Some(word) = AUTHORSHIP.iter().find(|word| line.contains(*word)) {
            let advice = format!("take `{word}` out: say what the code does, not how it came about");
            findings.push(Finding::new(place(), "the tree speaks of the project only", advice));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<&'static str> {
        check(path, text).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_rust_file_needs_its_heading_and_a_test_file_does_not() {
        assert_eq!(
            rules("crates/a/src/lib.rs", "use std::fmt;\n"),
            ["a Rust file says first what lives in it"]
        );
        assert!(rules("crates/a/src/lib.rs", "//! What lives here.\n").is_empty());
        assert!(rules("crates/a/tests/it/topic.rs", "use a::B;\n").is_empty());
        assert_eq!(rules("crates/a/tests/it/main.rs", "mod topic;\n").len(), 1);
    }

    #[test]
    fn a_long_file_is_found_unless_a_program_wrote_it() {
        let long = format!("//! x\n{}", "fn f() {}\n".repeat(MOST_LINES));
        assert_eq!(rules("crates/a/src/lib.rs", &long), ["files are rooms, not halls"]);
        let just = format!("//! x\n{}", "fn f() {}\n".repeat(MOST_LINES - 1));
        assert!(rules("crates/a/src/lib.rs", &just).is_empty());
        assert!(rules("Cargo.lock", &long).is_empty());
        assert!(rules("testdata/a.json", &long).is_empty());
    }

    #[test]
    fn every_word_is_found_whatever_its_case() {
        for word in PLACES.iter().chain(AUTHORSHIP) {
            assert_eq!(rules("README.md", &format!("see {}\n", word.to_uppercase())).len(), 1, "{word}");
        }
        assert!(rules("README.md", "a session of an assistant on crates.io\n").is_empty());
    }
}
