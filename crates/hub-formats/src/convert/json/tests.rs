use super::{Json, parse};

#[test]
fn a_tree_writes_what_it_read() {
    for text in [
        r#"{"a":9007199254740993,"b":1e2,"z":[],"é":"漢😀","a2":-0.10,"n":null,"t":[true,false,{}]}"#,
        r#""tab\t\"quote\" back\\slash \u0001""#,
        "123456789012345678901234567890",
    ] {
        assert_eq!(parse(text.as_bytes()).unwrap().to_text(), text);
    }
}

#[test]
fn raw_text_keeps_spaces_and_escapes() {
    let text = r#"{"args": { "id" : 9007199254740993, "s":"\u00e9" }}"#;
    let tree = parse(text.as_bytes()).unwrap();
    assert_eq!(tree.get("args").unwrap().raw_text(), r#"{ "id" : 9007199254740993, "s":"\u00e9" }"#);
}

#[test]
fn of_a_repeated_member_the_last_counts() {
    let tree = parse(br#"{"a":1,"a":2}"#).unwrap();
    assert_eq!(tree.get("a").and_then(Json::u64), Some(2));
}

#[test]
fn nesting_is_bounded() {
    let deep = "[".repeat(100_000);
    assert!(parse(deep.as_bytes()).is_err());
}
