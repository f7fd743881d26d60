use std::fmt::Write as _;

use super::{Flavour, close, for_claude, for_gemini, for_openai, from_openapi};
use crate::convert::json::{Json, parse};
use crate::convert::loss::LossReport;

fn gemini(text: &str) -> String {
    for_gemini(&parse(text.as_bytes()).unwrap(), Flavour::OpenApi, &mut 50_000, &mut LossReport::default())
        .to_text()
}

#[test]
fn gemini_gets_its_subset() {
    let schema = r##"{"$schema":"x","type":"object","additionalProperties":false,"properties":{"title":{"type":"string","minLength":1},"n":{"type":"integer","exclusiveMinimum":0},"who":{"$ref":"#/$defs/P"},"u":{"oneOf":[{"type":"string"},{"type":"null"}]},"m":{"type":"object","propertyNames":{"type":"string"}}},"required":["title","ghost"],"$defs":{"P":{"type":"object","properties":{"name":{"type":"string"}}}}}"##;
    let expected = r#"{"type":"object","properties":{"title":{"type":"string","minLength":1},"n":{"type":"integer","minimum":1},"who":{"type":"object","properties":{"name":{"type":"string"}}},"u":{"type":"string","nullable":true},"m":{"type":"object"}},"required":["title"]}"#;
    assert_eq!(gemini(schema), expected);
}

#[test]
fn references_that_go_round_are_cut() {
    let schema = r##"{"$ref":"#/$defs/A","$defs":{"A":{"type":"object","properties":{"next":{"$ref":"#/$defs/A"}}}}}"##;
    assert_eq!(gemini(schema), r#"{"type":"object","properties":{"next":{"type":"object"}}}"#);
    // Each level doubles: 2^40 nodes if nobody counted.
    let mut defs = String::new();
    for level in 0..40 {
        let next = level + 1;
        let _ = write!(
            defs,
            r##""D{level}":{{"type":"object","properties":{{"a":{{"$ref":"#/$defs/D{next}"}},"b":{{"$ref":"#/$defs/D{next}"}}}}}},"##
        );
    }
    let schema = format!(r##"{{"$ref":"#/$defs/D0","$defs":{{{defs}"D40":{{"type":"string"}}}}}}"##);
    assert!(gemini(&schema).len() < 4_000_000);
}

#[test]
fn a_property_may_be_called_like_a_keyword() {
    let schema = r#"{"type":"object","properties":{"const":{"type":"string"},"format":{"type":"string"},"$ref":{"type":"string"}}}"#;
    assert_eq!(gemini(schema), schema);
}

#[test]
fn types_enumerations_and_constants() {
    assert_eq!(
        gemini(r#"{"type":["string","integer","null"]}"#),
        r#"{"anyOf":[{"type":"string"},{"type":"integer"}],"nullable":true}"#
    );
    assert_eq!(gemini(r#"{"type":"integer","enum":[1,2]}"#), r#"{"type":"integer"}"#);
    assert_eq!(gemini(r#"{"const":"a"}"#), r#"{"enum":["a"]}"#);
    assert_eq!(gemini(r#"{"type":"array"}"#), r#"{"type":"array","items":{"type":"string"}}"#);
}

#[test]
fn claude_and_openai_get_an_object_at_the_root() {
    let schema = || {
        parse(br#"{"anyOf":[{"properties":{"a":{}},"required":["a"]},{"properties":{"a":{},"b":{}},"required":["a","b"]}]}"#)
            .unwrap()
    };
    let expected = r#"{"type":"object","properties":{"a":{},"b":{}},"required":["a"]}"#;
    assert_eq!(for_claude(schema()).to_text(), expected);
    assert_eq!(for_openai(schema()).to_text(), expected);
    assert_eq!(for_openai(Json::Null).to_text(), r#"{"type":"object","properties":{}}"#);
}

#[test]
fn structured_answers_are_closed() {
    let schema = parse(br#"{"type":"object","properties":{"n":{"type":"integer","minimum":3}}}"#).unwrap();
    let mut losses = LossReport::default();
    assert_eq!(
        close(&schema, &mut 1000, &mut losses).to_text(),
        r#"{"type":"object","properties":{"n":{"type":"integer","description":"(minimum: 3)"}},"additionalProperties":false}"#
    );
    assert!(losses.has("schema:minimum"));
}

#[test]
fn openapi_becomes_json_schema() {
    let schema = parse(
        br#"{"type":"OBJECT","propertyOrdering":["a"],"properties":{"a":{"type":"STRING","nullable":true}}}"#,
    );
    assert_eq!(
        from_openapi(schema.unwrap()).to_text(),
        r#"{"type":"object","properties":{"a":{"type":["string","null"]}}}"#
    );
}

#[test]
fn thousands_of_arms_take_no_quadratic_time() {
    // Each arm requires a name of its own: comparing each with all others would take minutes.
    let arms: Vec<String> = (0..20_000)
        .map(|arm| format!(r#"{{"properties":{{"p{arm}":{{}}}},"required":["p{arm}"]}}"#))
        .collect();
    let schema = format!(r#"{{"type":"object","allOf":[{}]}}"#, arms.join(","));
    let merged = for_claude(parse(schema.as_bytes()).unwrap());
    assert_eq!(merged.get("required").unwrap().items().len(), 20_000);
}
