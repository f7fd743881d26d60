//! The edges between crates, held against `xtask/layers.toml`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::finding::Finding;
use super::workspace::{Member, Workspace};

/// The checked-in list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Layers {
    may_use: BTreeMap<String, BTreeSet<String>>,
    only: BTreeMap<String, BTreeSet<String>>,
    pure: Pure,
    pub(super) programs: Programs,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pure {
    crates: BTreeSet<String>,
    without: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Programs {
    /// Beginnings of paths.
    pub(super) sources: Vec<String>,
}

pub(super) fn check(layers: &Layers, workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, member) in &workspace.crates {
        findings.extend(edges(layers, workspace, name, member));
        findings.extend(owners(layers, name, member));
        if layers.pure.crates.contains(name) {
            findings.extend(layers.pure.without.intersection(&member.tree).map(|library| {
                let advice = format!(
                    "`{library}` is in its dependencies (`cargo tree -p {name} -e normal -i {library}` says why). \
                     Take what needs it out, or pass the result in as a value"
                );
                Finding::new(name, "a pure crate has no runtime in its tree", advice)
            }));
        }
    }
    findings
}

fn edges(layers: &Layers, workspace: &Workspace, name: &str, member: &Member) -> Vec<Finding> {
    let Some(allowed) = layers.may_use.get(name) else {
        let advice = "add it to [may_use] in xtask/layers.toml, and to the picture in docs/architecture.md";
        return vec![Finding::new(name, "every crate has its place in the layers", advice)];
    };
    let used = member.normal.iter().filter(|used| workspace.crates.contains_key(*used));
    used.filter(|used| !allowed.contains(*used))
        .map(|used| {
            let advice = format!(
                "it uses `{used}` and may not: pass in through a trait or a value what it needs from there, or \
                 move the code. If the layers are to change, change xtask/layers.toml and docs/architecture.md"
            );
            Finding::new(name, "crates depend only downwards", advice)
        })
        .collect()
}

fn owners(layers: &Layers, name: &str, member: &Member) -> Vec<Finding> {
    let named = layers.only.iter().filter(|(library, _)| member.named.contains(*library));
    named
        .filter(|(_, owners)| !owners.contains(name))
        .map(|(library, owners)| {
            let owners: Vec<&str> = owners.iter().map(String::as_str).collect();
            let advice = format!("it names `{library}` in its Cargo.toml: only {} may", owners.join(", "));
            Finding::new(name, "a library that may change is known to its owner only", advice)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYERS: &str = r#"
        [may_use]
        top = ["pure"]
        pure = []
        [only]
        driver = ["pure"]
        [pure]
        crates = ["pure"]
        without = ["runtime"]
        [programs]
        sources = []
    "#;

    fn check_with(crates: &[(&str, &[&str], &[&str])]) -> Vec<String> {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let crates = crates
            .iter()
            .map(|(name, normal, dev)| {
                let named = normal.iter().chain(*dev).map(|name| (*name).to_owned()).collect();
                ((*name).to_owned(), Member { normal: set(normal), named, tree: set(normal) })
            })
            .collect();
        let findings = check(&toml::from_str(LAYERS).unwrap(), &Workspace { crates });
        findings.iter().map(|finding| format!("{}: {}", finding.place, finding.advice)).collect()
    }

    #[test]
    fn what_keeps_to_the_list_passes() {
        let found =
            check_with(&[("top", &["pure", "runtime"], &[]), ("pure", &["driver"], &["top", "runtime"])]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn an_upward_edge_is_found() {
        let found = check_with(&[("top", &[], &[]), ("pure", &["top"], &[])]);
        assert!(matches!(&found[..], [one] if one.starts_with("pure: it uses `top`")), "{found:?}");
    }

    #[test]
    fn a_crate_without_an_entry_is_found() {
        let found = check_with(&[("new", &[], &[])]);
        assert!(matches!(&found[..], [one] if one.starts_with("new: add it to [may_use]")), "{found:?}");
    }

    #[test]
    fn a_foreign_library_is_found_in_development_dependencies_too() {
        let found = check_with(&[("top", &[], &["driver"])]);
        assert!(
            matches!(&found[..], [one] if one.contains("`driver`") && one.contains("only pure")),
            "{found:?}"
        );
    }

    #[test]
    fn a_runtime_under_a_pure_crate_is_found() {
        let found = check_with(&[("pure", &["runtime"], &[])]);
        assert!(matches!(&found[..], [one] if one.starts_with("pure: `runtime`")), "{found:?}");
    }
}
