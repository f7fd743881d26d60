//! Claude and OpenAI take almost any schema, but want an object at its root.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::super::json::{Json, Obj};
use super::each;

/// A tool's schema for Claude.
pub(crate) fn for_claude(schema: Json<'_>) -> Json<'_> {
    object_at_root(schema)
}

/// A tool's schema for OpenAI.
pub(crate) fn for_openai<'a>(schema: Json<'a>) -> Json<'a> {
    let mut schema = object_at_root(schema);
    each(&mut schema, &mut |schema: &mut Obj<'a>| {
        let is_array = schema.get("type").and_then(Json::str) == Some("array");
        if is_array && schema.get("items").is_none() && schema.get("prefixItems").is_none() {
            schema.push("items", Obj::default());
        }
    });
    if let Json::Obj(root) = &mut schema {
        root.remove("enum");
        root.remove("not");
        if root.get("properties").is_none() {
            root.push("properties", Obj::default());
        }
    }
    schema
}

fn object_at_root(schema: Json<'_>) -> Json<'_> {
    let Json::Obj(mut root) = schema else { return super::empty() };
    for key in ["oneOf", "anyOf", "allOf"] {
        if let Some(Json::Arr(arms)) = root.get(key).cloned() {
            root.remove(key);
            merge_arms(&mut root, &arms, key == "allOf");
        } else {
            root.remove(key);
        }
    }
    if root.get("type").and_then(Json::str) != Some("object") {
        let mut typed = Obj::default();
        typed.push("type", "object");
        root.remove("type");
        typed.members.append(&mut root.members);
        root = typed;
    }
    Json::Obj(root)
}

/// Takes the arms' properties into the root. What all arms require is required, or what any does of `allOf`.
fn merge_arms<'a>(root: &mut Obj<'a>, arms: &[Json<'a>], all: bool) {
    let mut properties = match root.get("properties") {
        Some(Json::Obj(properties)) => properties.clone(),
        _ => Obj::default(),
    };
    let mut names: HashSet<Cow<'a, str>> = properties.members.iter().map(|(name, _)| name.clone()).collect();
    // How many arms require a name, and the names in the order in which they were met.
    let mut wanted: HashMap<Cow<'a, str>, usize> = HashMap::new();
    let mut order: Vec<Cow<'a, str>> = Vec::new();
    for arm in arms {
        if let Some(Json::Obj(more)) = arm.get("properties") {
            for (name, value) in &more.members {
                if names.insert(name.clone()) {
                    properties.members.push((name.clone(), value.clone()));
                }
            }
        }
        let theirs = arm.get("required").map(Json::items).unwrap_or_default();
        let mut seen = HashSet::new();
        for name in theirs.iter().filter_map(Json::text).filter(|name| seen.insert(name.clone())) {
            let count = wanted.entry(name.clone()).or_insert(0);
            *count += 1;
            if *count == 1 {
                order.push(name);
            }
        }
    }
    let mut own: Vec<Json<'a>> = root.get("required").map(Json::items).unwrap_or_default().to_vec();
    let have: HashSet<Cow<'a, str>> = own.iter().filter_map(Json::text).collect();
    for name in order {
        if (all || wanted.get(&name) == Some(&arms.len())) && !have.contains(&name) {
            own.push(Json::Str(name));
        }
    }
    root.set("properties", properties);
    if !own.is_empty() {
        root.set("required", own);
    }
}
