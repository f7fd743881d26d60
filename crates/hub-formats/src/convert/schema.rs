//! Schemas as each vendor takes them. Only positions that hold a schema are looked at: a property that is called
//! `title` or `format` is data.

mod gemini;
mod inline;
mod openapi;
mod root;
mod structured;

pub(crate) use gemini::{Flavour, for_gemini};
pub(crate) use openapi::from_openapi;
pub(crate) use root::{for_claude, for_openai};
pub(crate) use structured::close;

use super::json::{Json, Obj, obj};

/// `{"type":"object","properties":{}}`
pub(crate) fn empty<'a>() -> Json<'a> {
    obj([("type", "object".into()), ("properties", Json::Obj(Obj::default()))])
}

/// A tool with plain text, as a function: its one argument.
pub(crate) fn plain_input<'a>() -> Json<'a> {
    obj([
        ("type", "object".into()),
        ("properties", obj([("input", obj([("type", "string".into())]))])),
        ("required", Json::Arr(vec!["input".into()])),
    ])
}

/// Members whose value is one schema.
const ONE: [&str; 10] = [
    "items",
    "additionalProperties",
    "contains",
    "not",
    "if",
    "then",
    "else",
    "propertyNames",
    "unevaluatedProperties",
    "unevaluatedItems",
];
/// Members whose value is a list of schemas.
const LIST: [&str; 4] = ["anyOf", "oneOf", "allOf", "prefixItems"];
/// Members whose value is an object of schemas.
const NAMED: [&str; 5] = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

/// Calls `edit` on each schema in `schema`, inner ones first.
pub(crate) fn each<'a>(schema: &mut Json<'a>, edit: &mut impl FnMut(&mut Obj<'a>)) {
    let Json::Obj(object) = schema else { return };
    for (key, value) in &mut object.members {
        match value {
            Json::Arr(items) if LIST.contains(&&**key) || &**key == "items" => {
                for item in items {
                    each(item, edit);
                }
            }
            Json::Obj(named) if NAMED.contains(&&**key) => {
                for (_, item) in &mut named.members {
                    each(item, edit);
                }
            }
            Json::Obj(_) if ONE.contains(&&**key) => each(value, edit),
            _ => {}
        }
    }
    edit(object);
}

#[cfg(test)]
mod tests;
