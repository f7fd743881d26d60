//! The workspace as `cargo metadata` tells it, reduced to what the layer check asks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// Crates of the workspace by name.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    pub(super) crates: BTreeMap<String, Member>,
}

#[derive(Debug, Default)]
pub(super) struct Member {
    /// Direct dependencies of the normal kind.
    pub(super) normal: BTreeSet<String>,
    /// Direct dependencies of any kind.
    pub(super) named: BTreeSet<String>,
    /// All that the normal dependencies reach, by normal dependencies.
    pub(super) tree: BTreeSet<String>,
}

impl Workspace {
    pub(super) fn read(root: &Path) -> Result<Self> {
        let output = Command::new("cargo")
            .args(["metadata", "--format-version", "1", "--locked"])
            .current_dir(root)
            .output()
            .context("run cargo")?;
        if !output.status.success() {
            bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let metadata: Metadata =
            serde_json::from_slice(&output.stdout).context("the answer of cargo metadata")?;
        Ok(Self::of(&metadata))
    }

    fn of(metadata: &Metadata) -> Self {
        let names: BTreeMap<&str, &str> =
            metadata.packages.iter().map(|package| (package.id.as_str(), package.name.as_str())).collect();
        let edges: BTreeMap<&str, Vec<&str>> =
            metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node.normal())).collect();
        let members =
            metadata.packages.iter().filter(|package| metadata.workspace_members.contains(&package.id));
        let crates = members
            .map(|package| {
                let direct = |wanted: fn(&Dependency) -> bool| {
                    package.dependencies.iter().filter(|it| wanted(it)).map(|it| it.name.clone()).collect()
                };
                let member = Member {
                    normal: direct(|dependency| dependency.kind.is_none()),
                    named: direct(|_| true),
                    tree: reachable(&package.id, &edges, &names),
                };
                (package.name.clone(), member)
            })
            .collect();
        Self { crates }
    }
}

fn reachable(
    from: &str,
    edges: &BTreeMap<&str, Vec<&str>>,
    names: &BTreeMap<&str, &str>,
) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut ahead: Vec<&str> = edges.get(from).cloned().unwrap_or_default();
    while let Some(id) = ahead.pop() {
        if seen.insert(id) {
            ahead.extend(edges.get(id).into_iter().flatten());
        }
    }
    seen.into_iter().filter_map(|id| names.get(id)).map(|name| (*name).to_owned()).collect()
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    id: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

impl Node {
    fn normal(&self) -> Vec<&str> {
        let is_normal = |edge: &&Edge| edge.dep_kinds.iter().any(|it| it.kind.is_none());
        self.deps.iter().filter(is_normal).map(|edge| edge.pkg.as_str()).collect()
    }
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Deserialize)]
struct EdgeKind {
    kind: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart_and_the_tree_follows_normal_edges_only() {
        let metadata = serde_json::json!({
            "packages": [
                {"name": "a", "id": "1", "dependencies": [{"name": "b", "kind": null}, {"name": "t", "kind": "dev"}]},
                {"name": "b", "id": "2", "dependencies": [{"name": "c", "kind": null}]},
                {"name": "c", "id": "3", "dependencies": []},
                {"name": "t", "id": "4", "dependencies": []},
            ],
            "workspace_members": ["1"],
            "resolve": {"nodes": [
                {"id": "1", "deps": [{"pkg": "2", "dep_kinds": [{"kind": null}]}, {"pkg": "4", "dep_kinds": [{"kind": "dev"}]}]},
                {"id": "2", "deps": [{"pkg": "3", "dep_kinds": [{"kind": null}, {"kind": "build"}]}]},
                {"id": "3", "deps": []},
            ]},
        });
        let workspace = Workspace::of(&serde_json::from_value(metadata).unwrap());
        assert_eq!(workspace.crates.keys().collect::<Vec<_>>(), ["a"]);
        let a = &workspace.crates["a"];
        assert_eq!(a.normal.iter().collect::<Vec<_>>(), ["b"]);
        assert_eq!(a.named.iter().collect::<Vec<_>>(), ["b", "t"]);
        assert_eq!(a.tree.iter().collect::<Vec<_>>(), ["b", "c"]);
    }
}
