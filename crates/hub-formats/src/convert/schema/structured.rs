//! The schema of a structured answer, as Claude takes it: closed objects, and constraints in words.

use super::super::json::{Json, Obj};
use super::super::loss::LossReport;
use super::each;

const CONSTRAINTS: [&str; 13] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
];
const FORMATS: [&str; 10] =
    ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// Closes every object, and says in the description what can't be said in keywords.
pub(crate) fn close<'a>(schema: &Json<'a>, budget: &mut usize, losses: &mut LossReport) -> Json<'a> {
    let mut schema = super::inline::inline(schema, budget);
    if *budget == 0 {
        losses.note("schema:too_large");
    }
    each(&mut schema, &mut |schema: &mut Obj<'a>| {
        let mut words = Vec::new();
        for key in CONSTRAINTS {
            if let Some(value) = schema.get(key) {
                words.push(format!("{key}: {}", value.to_text()));
                losses.note_detail("schema", key);
            }
            schema.remove(key);
        }
        if !words.is_empty() {
            let before = schema.get("description").and_then(Json::str).unwrap_or_default();
            let space = if before.is_empty() { "" } else { " " };
            let text = format!("{before}{space}({})", words.join(", "));
            schema.set("description", text);
        }
        for key in ["$schema", "$id", "if", "then", "else", "not", "patternProperties", "propertyNames"] {
            if schema.get(key).is_some() {
                schema.remove(key);
                losses.note_detail("schema", key);
            }
        }
        if schema.get("format").and_then(Json::str).is_some_and(|format| !FORMATS.contains(&format)) {
            schema.remove("format");
            losses.note_detail("schema", "format");
        }
        for (key, _) in &mut schema.members {
            if key == "oneOf" {
                *key = "anyOf".into();
            }
        }
        let kind = schema.get("type").and_then(Json::str);
        if kind == Some("object") || schema.get("properties").is_some() {
            schema.set("additionalProperties", false);
        } else if kind == Some("array") && schema.get("items").is_none() {
            schema.push("items", super::super::json::obj([("type", "string".into())]));
        }
    });
    schema
}
