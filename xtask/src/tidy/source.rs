//! Rust sources outside tests: only programs read the environment or install a TLS provider.

use super::finding::Finding;

/// clippy bans some of these too, but not all, and an `expect` with a reason would pass there.
const ENVIRONMENT: &[&str] = &["env::var", "env::set_var", "env::remove_var", "dotenvy::dotenv("];
const TLS_PROVIDER: &str = "install_default";

pub(super) fn check(path: &str, text: &str, programs: &[String]) -> Vec<Finding> {
    let is_test = path.contains("/tests/") || path.ends_with("/tests.rs") || path.contains("/benches/");
    let is_library = path.starts_with("crates/") && path.contains("/src/");
    let is_program = programs.iter().any(|program| path.starts_with(program.as_str()));
    if !path.ends_with(".rs") || !is_library || is_test || is_program {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start();
        // From here on the file tests itself.
        if line == "#[cfg(test)]" {
            break;
        }
        let place = || format!("{path}:{}", number + 1);
        if line.starts_with("//") {
            continue;
        }
        if ENVIRONMENT.iter().any(|call| line.contains(call)) {
            let advice = "take a value as a parameter, and read the variable in a program through hub-config";
            findings.push(Finding::new(place(), "only programs read the environment", advice));
        }
        if line.contains(TLS_PROVIDER) {
            let advice = "take a rustls::ClientConfig as a parameter; main.rs installs the provider";
            findings.push(Finding::new(place(), "only programs install a TLS provider", advice));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(path: &str, text: &str) -> Vec<String> {
        let programs = ["crates/hub-server/src/".to_owned()];
        check(path, text, &programs).into_iter().map(|finding| finding.place).collect()
    }

    #[test]
    fn a_library_that_reads_the_environment_or_installs_a_provider_is_found_by_line() {
        let text = "//! x\nfn f() {\n  std::env::var_os(\"A\");\n  provider.install_default();\n}\n";
        assert_eq!(
            places("crates/hub-api/src/lib.rs", text),
            ["crates/hub-api/src/lib.rs:3", "crates/hub-api/src/lib.rs:4"]
        );
    }

    #[test]
    fn programs_tests_and_comments_are_free() {
        let text = "std::env::var(\"A\");\n";
        assert!(places("crates/hub-server/src/main.rs", text).is_empty());
        assert!(places("crates/hub-api/tests/it/main.rs", text).is_empty());
        assert!(places("crates/hub-api/src/tests.rs", text).is_empty());
        assert!(
            places("crates/hub-api/src/lib.rs", "// std::env::var\n#[cfg(test)]\nmod t { env::var }\n")
                .is_empty()
        );
        assert!(places("crates/hub-api/README.md", text).is_empty());
    }
}
