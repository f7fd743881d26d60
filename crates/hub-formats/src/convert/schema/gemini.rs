//! Schemas for Gemini: a subset of OpenAPI, or of JSON Schema.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::super::json::{Json, Obj, obj};
use super::super::loss::LossReport;
use super::inline::inline;

/// Which of Gemini's two members it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// `parameters`, `responseSchema`
    OpenApi,
    /// `parametersJsonSchema`, `responseJsonSchema`
    JsonSchema,
}

const COMMON: [&str; 20] = [
    "type",
    "format",
    "title",
    "description",
    "nullable",
    "enum",
    "items",
    "minItems",
    "maxItems",
    "properties",
    "required",
    "minLength",
    "maxLength",
    "pattern",
    "anyOf",
    "minimum",
    "maximum",
    "propertyOrdering",
    "default",
    "example",
];
const MORE: [&str; 2] = ["prefixItems", "additionalProperties"];
const FORMATS: [&str; 6] = ["enum", "date-time", "float", "double", "int32", "int64"];

/// What Gemini takes of a schema; the rest is in the report.
pub(crate) fn for_gemini<'a>(
    schema: &Json<'a>,
    flavour: Flavour,
    budget: &mut usize,
    losses: &mut LossReport,
) -> Json<'a> {
    let inlined = inline(schema, budget);
    if *budget == 0 {
        losses.note("schema:too_large");
    }
    match inlined {
        Json::Obj(object) => Json::Obj(Walk { flavour, losses }.schema(object)),
        _ => super::empty(),
    }
}

struct Walk<'l> {
    flavour: Flavour,
    losses: &'l mut LossReport,
}

impl Walk<'_> {
    fn sub<'a>(&mut self, schema: Json<'a>) -> Json<'a> {
        match schema {
            Json::Obj(object) => Json::Obj(self.schema(object)),
            _ => obj([("type", "string".into())]),
        }
    }

    fn schema<'a>(&mut self, mut from: Obj<'a>) -> Obj<'a> {
        bounds(&mut from);
        flatten_all_of(&mut from);
        let nullable = take_null(&mut from, self.flavour);
        let names: HashSet<String> = match from.get("properties") {
            Some(Json::Obj(properties)) => {
                properties.members.iter().map(|(name, _)| name.to_string()).collect()
            }
            _ => HashSet::new(),
        };
        let kind = from.get("type").and_then(Json::str).map(str::to_owned);
        let mut out = Obj::default();
        for (key, value) in from.members {
            let allowed =
                COMMON.contains(&&*key) || (self.flavour == Flavour::JsonSchema && MORE.contains(&&*key));
            if !allowed {
                self.losses.note_detail("schema", &key);
                continue;
            }
            let value = match (&*key, value) {
                ("properties", Json::Obj(properties)) => {
                    let mut kept = Obj::default();
                    for (name, value) in properties.members {
                        kept.members.push((name, self.sub(value)));
                    }
                    Json::Obj(kept)
                }
                ("items" | "additionalProperties", value @ Json::Obj(_)) => self.sub(value),
                ("items", Json::Arr(items)) => self.sub(items.into_iter().next().unwrap_or_default()),
                ("anyOf" | "prefixItems", Json::Arr(items)) => {
                    Json::Arr(items.into_iter().map(|item| self.sub(item)).collect())
                }
                ("required", Json::Arr(items)) => {
                    let kept: Vec<Json<'a>> = items
                        .into_iter()
                        .filter(|name| name.str().is_some_and(|name| names.contains(name)))
                        .collect();
                    if kept.is_empty() {
                        continue;
                    }
                    Json::Arr(kept)
                }
                ("enum", Json::Arr(items)) => match self.enumeration(items, kind.as_deref()) {
                    Some(items) => items,
                    None => continue,
                },
                ("format", Json::Str(format)) if !FORMATS.contains(&&*format) => {
                    self.losses.note_detail("schema", "format");
                    continue;
                }
                ("properties" | "items" | "anyOf" | "required" | "enum", _) => continue,
                (_, value) => value,
            };
            out.members.push((key, value));
        }
        if nullable {
            out.push("nullable", true);
        }
        if kind.as_deref() == Some("array") && out.get("items").is_none() && out.get("prefixItems").is_none()
        {
            out.push("items", obj([("type", "string".into())]));
        }
        out
    }

    fn enumeration<'a>(&mut self, items: Vec<Json<'a>>, kind: Option<&str>) -> Option<Json<'a>> {
        if self.flavour == Flavour::JsonSchema {
            return Some(Json::Arr(items));
        }
        let count = items.len();
        let kept: Vec<Json<'a>> =
            items.into_iter().filter(|item| item.str().is_some_and(|word| !word.is_empty())).collect();
        let fits = !kept.is_empty() && !matches!(kind, Some("integer" | "number" | "boolean"));
        if !fits || kept.len() < count {
            self.losses.note_detail("schema", "enum");
        }
        fits.then_some(Json::Arr(kept))
    }
}

/// Exclusive bounds of integers as inclusive ones, `const` as an enumeration of one, `oneOf` as `anyOf`.
fn bounds(schema: &mut Obj<'_>) {
    if schema.get("type").and_then(Json::str) == Some("integer") {
        for (exclusive, inclusive, step) in
            [("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)]
        {
            let bound = schema.get(exclusive).and_then(Json::num).and_then(|bound| bound.parse::<i64>().ok());
            if let Some(bound) = bound.and_then(|bound| bound.checked_add(step)) {
                schema.remove(exclusive);
                schema.set(inclusive, Json::Num(bound.to_string().into()));
            }
        }
    }
    if let Some(value) = schema.get("const").cloned() {
        schema.remove("const");
        schema.set("enum", Json::Arr(vec![value]));
    }
    if schema.get("anyOf").is_none() {
        for (key, _) in &mut schema.members {
            if key == "oneOf" {
                *key = "anyOf".into();
            }
        }
    }
}

/// Takes the members of `allOf` into the schema; what it has already stays.
fn flatten_all_of<'a>(schema: &mut Obj<'a>) {
    let Some(Json::Arr(arms)) = schema.get("allOf").cloned() else { return };
    schema.remove("allOf");
    let names = schema.members.iter().map(|(name, _)| name.clone());
    let mut places: HashMap<Cow<'a, str>, usize> = names.zip(0..).collect();
    for arm in arms {
        let Json::Obj(arm) = arm else { continue };
        for (key, value) in arm.members {
            let mine = places.get(&key).and_then(|at| schema.members.get_mut(*at));
            match (&*key, mine, value) {
                ("properties", Some((_, Json::Obj(mine))), Json::Obj(more)) => {
                    mine.members.extend(more.members);
                }
                ("required", Some((_, Json::Arr(mine))), Json::Arr(more)) => mine.extend(more),
                (_, Some(_), _) => {}
                (_, None, value) => {
                    places.insert(key.clone(), schema.members.len());
                    schema.members.push((key, value));
                }
            }
        }
    }
}

/// `null` among the types or arms becomes `nullable`; several other types become arms.
fn take_null(schema: &mut Obj<'_>, flavour: Flavour) -> bool {
    if flavour == Flavour::JsonSchema {
        return false;
    }
    let mut nullable = false;
    if let Some(Json::Arr(kinds)) = schema.get("type").cloned() {
        let count = kinds.len();
        let mut kinds: Vec<Json<'_>> =
            kinds.into_iter().filter(|kind| kind.str().is_some_and(|kind| kind != "null")).collect();
        nullable = kinds.len() < count;
        schema.remove("type");
        if kinds.len() > 1 {
            let arms = kinds.into_iter().map(|kind| obj([("type", kind)])).collect::<Vec<_>>();
            schema.set("anyOf", arms);
        } else if let Some(kind) = kinds.pop() {
            schema.members.insert(0, ("type".into(), kind));
        }
    }
    if let Some(Json::Arr(arms)) = schema.get("anyOf").cloned() {
        let is_null = |arm: &Json<'_>| arm.str_at("type").is_some_and(|kind| kind == "null");
        if arms.iter().any(is_null) {
            nullable = true;
            let mut arms: Vec<Json<'_>> = arms.into_iter().filter(|arm| !is_null(arm)).collect();
            schema.remove("anyOf");
            match (arms.len(), arms.pop()) {
                (1, Some(Json::Obj(only))) => {
                    let known: HashSet<String> =
                        schema.members.iter().map(|(key, _)| key.to_string()).collect();
                    schema
                        .members
                        .extend(only.members.into_iter().filter(|(key, _)| !known.contains(&**key)));
                }
                (_, Some(last)) => {
                    arms.push(last);
                    schema.set("anyOf", arms);
                }
                (_, None) => {}
            }
        }
    }
    nullable
}
