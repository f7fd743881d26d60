//! Whatever conversation comes, its hashes tell it from others.

use hub_types::Dialect;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::{chain_at, conversation_chain};
use super::{DEEP, WITH_SYSTEM};
use crate::scan::{ConversationSpans, scan_request};

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c]{1,2}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn block() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<String>().prop_map(|text| json!({"type": "text", "text": text})),
        "[A-Za-z0-9+/]{0,40}"
            .prop_map(|data| json!({"type": "image", "source": {"type": "base64", "data": data}})),
        json_value().prop_map(|input| json!({"type": "tool_use", "id": "1", "name": "f", "input": input})),
        json_value()
            .prop_map(|content| json!({"type": "tool_result", "tool_use_id": "1", "content": content})),
        json_value().prop_map(|more| json!({"type": "odd", "more": more})),
        json_value(),
    ]
}

fn messages() -> impl Strategy<Value = Vec<Value>> {
    let message =
        (prop_oneof![Just("user"), Just("assistant"), Just("system")], prop::collection::vec(block(), 0..4))
            .prop_map(|(role, content)| json!({"role": role, "content": content}));
    prop::collection::vec(message, 1..5)
}

/// Writes a value with its members turned about, and with escapes and white space that mean nothing.
fn rewritten(value: &Value, turn: usize) -> String {
    let space = [" ", "", "\n\t"][turn % 3];
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            if !members.is_empty() {
                let by = turn % members.len();
                members.rotate_left(by);
            }
            let members: Vec<_> = members
                .into_iter()
                .map(|(key, value)| format!("{}{space}:{}", text(key, turn), rewritten(value, turn)))
                .collect();
            format!("{{{space}{}{space}}}", members.join(","))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| rewritten(item, turn)).collect();
            format!("[{}{space}]", items.join(&format!("{space},")))
        }
        Value::String(string) => text(string, turn),
        other => other.to_string(),
    }
}

fn text(string: &str, turn: usize) -> String {
    let escaped = |character: char| {
        let mut units = [0; 2];
        let units: Vec<_> =
            character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect();
        units.concat()
    };
    let characters = string.chars().enumerate().map(|(at, character)| {
        let must = matches!(character, '"' | '\\') || character < ' ';
        if must || (at + turn).is_multiple_of(3) { escaped(character) } else { character.to_string() }
    });
    format!("\"{}\"", characters.collect::<String>())
}

/// The same with one of its texts changed, if there is one.
fn changed(body: &Value, which: usize) -> Option<Value> {
    fn texts<'a>(value: &'a mut Value, found: &mut Vec<&'a mut Value>) {
        let is_text = value.get("type").is_some_and(|kind| kind == "text");
        match value {
            Value::Object(members) => members
                .iter_mut()
                .filter(|(key, _)| !is_text || *key == "text")
                .for_each(|(_, value)| if is_text { found.push(value) } else { texts(value, found) }),
            Value::Array(items) => items.iter_mut().for_each(|item| texts(item, found)),
            _ => {}
        }
    }
    let mut body = body.clone();
    let mut found = Vec::new();
    texts(&mut body, &mut found);
    let count = found.len();
    let text = found.into_iter().nth(which.checked_rem(count)?)?;
    *text = format!("{}!", text.as_str()?).into();
    Some(body)
}

proptest! {
    #[test]
    fn writing_the_same_differently_changes_nothing(messages in messages(), turn in 0_usize..50) {
        let body = json!({"system": "s", "messages": messages});
        let other = rewritten(&body, turn);
        prop_assert_eq!(&serde_json::from_str::<Value>(&other).unwrap(), &body);
        for dialect in [Dialect::Claude, Dialect::OpenAi] {
            for rules in [DEEP, WITH_SYSTEM] {
                let one = conversation_chain(dialect, body.to_string().as_bytes(), rules);
                prop_assert_eq!(one, conversation_chain(dialect, other.as_bytes(), rules));
            }
        }
    }

    #[test]
    fn changing_any_text_changes_the_hash(messages in messages(), which in any::<usize>()) {
        let body = json!({"messages": messages});
        let one = conversation_chain(Dialect::Claude, body.to_string().as_bytes(), DEEP);
        prop_assert_eq!(one.len(), messages.len());
        if let Some(other) = changed(&body, which) {
            let other = conversation_chain(Dialect::Claude, other.to_string().as_bytes(), DEEP);
            prop_assert_ne!(one.last(), other.last());
        }
    }

    #[test]
    fn any_json_in_the_place_of_messages_gives_a_chain_and_a_longer_history_extends_it(items in prop::collection::vec(block(), 0..5), last in block()) {
        for (dialect, member) in [(Dialect::Claude, "messages"), (Dialect::OpenAi, "messages"), (Dialect::Responses, "input"), (Dialect::Gemini, "contents")] {
            let mut members = Map::from_iter([(member.to_owned(), Value::from(items.clone()))]);
            let one = conversation_chain(dialect, Value::from(members.clone()).to_string().as_bytes(), WITH_SYSTEM);
            members[member].as_array_mut().unwrap().push(last.clone());
            let longer = conversation_chain(dialect, Value::from(members).to_string().as_bytes(), WITH_SYSTEM);
            prop_assert!(longer.starts_with(&one));
        }
    }

    #[test]
    fn random_bytes_do_not_panic(body in prop::collection::vec(any::<u8>(), 0..200), start in 0_usize..220, end in 0_usize..220) {
        let spans = ConversationSpans { messages: Some(start..end), system: Some(end..start), tools: None };
        for dialect in Dialect::ALL {
            let _ = conversation_chain(dialect, &body, WITH_SYSTEM);
            let _ = chain_at(dialect, &body, &spans, WITH_SYSTEM);
        }
    }

    #[test]
    fn broken_conversations_do_not_panic(messages in messages(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = json!({"messages": messages}).to_string().into_bytes();
        let facts = scan_request(Dialect::Claude, &body).unwrap();
        let at = at.index(body.len());
        body[at] = byte;
        for dialect in Dialect::ALL {
            let _ = chain_at(dialect, &body, &facts.conversation, WITH_SYSTEM);
            let _ = chain_at(dialect, &body[..at], &facts.conversation, WITH_SYSTEM);
        }
    }
}

#[test]
fn an_attack_by_nesting_or_by_numbers_ends_the_chain_soon() {
    let first = r#"{"role":"user","content":"a"}"#;
    let known = conversation_chain(Dialect::Claude, format!(r#"{{"messages":[{first}]}}"#).as_bytes(), DEEP);
    let deep = format!("{}1{}", r#"{"a":["#.repeat(120), "]}".repeat(120));
    let results = format!(r#"{}"x"{}"#, r#"[{"type":"tool_result","content":"#.repeat(100), "}]".repeat(100));
    for content in [format!(r#"[{{"type":"tool_use","input":{deep}}}]"#), deep, results] {
        let body = format!(r#"{{"messages":[{first},{{"role":"user","content":{content}}}]}}"#);
        let chain = conversation_chain(Dialect::Claude, body.as_bytes(), DEEP);
        assert_eq!((chain.len(), chain[0]), (2, known[0]));
    }
    for item in ["{}", "[]", "1", r#"{"type":"text"}"#] {
        let many = vec![item; 300_000].join(",");
        let body = format!(r#"{{"messages":[{first},{{"role":"user","content":[{many}]}}]}}"#);
        assert_eq!(conversation_chain(Dialect::Claude, body.as_bytes(), DEEP), known);
    }
}
