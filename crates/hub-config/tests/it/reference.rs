//! The documents of the repository say what the list of variables says, and each variable is read.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use hub_config::{Config, reference, variables};

#[test]
fn the_checked_in_documents_are_what_the_list_generates() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (path, generated) in reference::files() {
        let found = fs::read_to_string(root.join(path)).unwrap_or_default();
        assert!(found == generated, "{path} is not up to date: run `cargo xtask config-docs`");
    }
}

#[test]
fn every_variable_of_the_list_is_read_and_printed_and_no_other_is() {
    let asked = RefCell::new(BTreeSet::new());
    let config = Config::from_lookup(&|name| {
        asked.borrow_mut().insert(name.to_owned());
        None
    });
    let config = config.unwrap();
    let names = variables::all().map(|variable| variable.name);
    let listed: BTreeSet<String> = variables::all()
        .flat_map(|variable| [Some(variable.name), variable.alias])
        .flatten()
        .map(str::to_owned)
        .collect();
    assert_eq!(asked.into_inner(), listed);
    let printed = config.print();
    for name in names {
        assert_eq!(printed.lines().filter(|line| line.starts_with(&format!("{name}="))).count(), 1, "{name}");
    }
}

#[test]
fn every_default_can_be_written_out() {
    let find = |name: &str| {
        variables::all()
            .find(|variable| variable.name == name)
            .and_then(|variable| variable.default)
            .map(str::to_owned)
    };
    Config::from_lookup(&find).unwrap();
}
