//! From Gemini's subset of OpenAPI to JSON Schema.

use super::super::json::{Json, Obj};
use super::each;

/// Types in lower case, `nullable` as a type, nothing that only Gemini knows.
pub(crate) fn from_openapi<'a>(mut schema: Json<'a>) -> Json<'a> {
    each(&mut schema, &mut |schema: &mut Obj<'a>| {
        schema.remove("propertyOrdering");
        schema.remove("property_ordering");
        let nullable = schema.get("nullable").and_then(Json::bool).unwrap_or(false);
        schema.remove("nullable");
        for (key, value) in &mut schema.members {
            if key == "anyOf" || key == "any_of" {
                *key = "anyOf".into();
            }
            if key != "type" {
                continue;
            }
            if let Json::Str(word) = value {
                let mut word = word.to_ascii_lowercase();
                if word == "type_unspecified" {
                    "object".clone_into(&mut word);
                }
                *value = if nullable {
                    Json::Arr(vec![word.into(), "null".into()])
                } else {
                    Json::Str(word.into())
                };
            }
        }
    });
    schema
}
