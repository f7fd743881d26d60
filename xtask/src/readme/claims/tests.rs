//! Claims that hold and claims that don't, against this repository.

use std::path::Path;

use super::*;

fn wrong(text: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let tree = Tree::read(root, vec!["tidy".to_owned()]).unwrap();
    let found = check(&tree, &Document::parse("docs/architecture.md", text));
    found.into_iter().map(|it| it.trim_start_matches("docs/architecture.md:").to_owned()).collect()
}

#[test]
fn what_is_there_passes() {
    let text = "### hub-proxy\n\
        `pipeline.rs`, `crates/hub-http/src/lib.rs`, `configuration.md`, [up](../LICENSE), `Docket`,\n\
        `Gateway::handle`, `/api/v1/users/7/keys`, `hub_requests_total`, `DATA_DIR/journal`, `shut_down()`\n\
        ```sh\ncargo xtask tidy && DSN=x cargo run -p hub-server -- demo --port 0\n\
        hub-admin --json users add ada rpm_limit=5\n\
        cargo run -p hub-proxy --example embed -- URL\n```\n";
    assert_eq!(wrong(text), [""; 0]);
}

#[test]
fn what_is_not_there_is_found_by_line() {
    // One is written apart, so that this file itself does not hold the word.
    let cases = [
        ("`crates/hub-http/src/gone.rs`", "no file"),
        ("### hub-http\n`pipeline.rs`", "no file"),
        ("[x](gone.md)", "leads nowhere"),
        ("[x](configuration.md#gone)", "no heading"),
        ("hub-gone", "no crate"),
        ("`cargo run -p hub-gone`", "no crate"),
        ("`cargo xtask gone`", "does not know"),
        ("`hub-server --gone`", "no flag"),
        ("`hub-admin gone`", "no subcommand"),
        ("`hub-admin users gone`", "no subcommand"),
        ("`GONE_DIR`", "no variable"),
        ("```sh\nGONE=1 hub-server\n```", "no variable"),
        ("`/api/v1/gone`", "no route"),
        ("`hub_gone`", "no metric"),
        (concat!("`Gone", "Type`"), "no source says"),
        ("`gone_entirely()`", "no function"),
    ];
    for (text, expected) in cases {
        let found = wrong(text);
        assert!(matches!(&found[..], [one] if one.contains(expected)), "{text}: {found:?}");
        let line =
            text.lines().position(|line| line.to_lowercase().contains("gone") || line.contains("pipeline"));
        assert!(
            found.iter().all(|it| it.starts_with(&format!("{}:", line.unwrap() + 1))),
            "{text}: {found:?}"
        );
    }
}
