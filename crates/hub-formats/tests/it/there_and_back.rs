//! Texts, calls and their results survive a way through any other dialect and back.

use hub_formats::convert::{Target, convert_request};
use hub_types::Dialect;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::dialects::{MODELS, source};

fn model(dialect: Dialect) -> &'static str {
    MODELS.iter().find(|(other, _)| *other == dialect).unwrap().1
}

fn convert(from: Dialect, body: &[u8], to: Dialect) -> Vec<u8> {
    if from == to {
        return body.to_vec();
    }
    convert_request(source(from, body), &Target::new(to, model(to))).unwrap().body
}

/// What a Claude request says, call ids aside: Code Assist has none.
fn gist(body: &[u8]) -> Vec<String> {
    let body: Value = serde_json::from_slice(body).unwrap();
    let mut ids: Vec<String> = Vec::new();
    let mut number = |id: &Value| {
        let id = id.as_str().unwrap().to_owned();
        ids.iter().position(|known| *known == id).unwrap_or_else(|| {
            ids.push(id);
            ids.len() - 1
        })
    };
    let text_of = |content: &Value| match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            blocks.iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    };
    let mut gist = Vec::new();
    for message in body["messages"].as_array().unwrap() {
        let role = message["role"].as_str().unwrap();
        let mut texts = String::new();
        for block in message["content"].as_array().unwrap() {
            match block["type"].as_str().unwrap() {
                // Some dialects join the texts of an assistant.
                "text" => texts.push_str(block["text"].as_str().unwrap()),
                "tool_use" => {
                    gist.push(format!("call {} {} {}", number(&block["id"]), block["name"], block["input"]));
                }
                "tool_result" => {
                    // A text stands for the flag where there is none.
                    let text = text_of(&block["content"]);
                    let text = text.strip_prefix("Error: ").unwrap_or(&text).to_owned();
                    let text = if text == "(no output)" { String::new() } else { text };
                    gist.push(format!("result {} {text}", number(&block["tool_use_id"])));
                }
                _ => {}
            }
        }
        gist.push(format!("{role} {texts}"));
    }
    gist
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 é漢😀\"\\\\\n\u{2028}]{1,12}"
}

fn arguments() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({})),
        any::<u64>().prop_map(|id| json!({"z": id, "a": [id, null, true]})),
        text().prop_map(|text| json!({"text": text, "deep": {"more": [text]}})),
    ]
}

/// A user's text, the model's text and calls, and their results.
fn turns() -> impl Strategy<Value = Vec<Value>> {
    let call = ("[a-z_]{1,8}", arguments(), proptest::option::of(text()), any::<bool>());
    vec((text(), proptest::option::of(text()), vec(call, 0..3)), 1..5).prop_map(|rounds| {
        let mut messages = Vec::new();
        let mut count = 0;
        for (said, answer, calls) in rounds {
            messages.push(json!({"role": "user", "content": [{"type": "text", "text": said}]}));
            let mut content: Vec<Value> =
                answer.into_iter().map(|text| json!({"type": "text", "text": text})).collect();
            let mut results = Vec::new();
            for (name, input, output, is_error) in calls {
                count += 1;
                let id = format!("call_{count}");
                content.push(json!({"type": "tool_use", "id": id, "name": name, "input": input}));
                let mut result = json!({"type": "tool_result", "tool_use_id": id});
                if let Some(output) = output {
                    result["content"] = json!([{"type": "text", "text": output}]);
                    result["is_error"] = json!(is_error);
                }
                results.push(result);
            }
            if !content.is_empty() {
                messages.push(json!({"role": "assistant", "content": content}));
            }
            if !results.is_empty() {
                messages.push(json!({"role": "user", "content": results}));
            }
        }
        messages
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_conversation_survives_every_way_there_and_back(messages in turns()) {
        let body = json!({"model": "m", "max_tokens": 100, "messages": messages}).to_string();
        for (first, _) in MODELS {
            let one = convert(Dialect::Claude, body.as_bytes(), first);
            for (second, _) in MODELS {
                let back = convert(second, &convert(first, &one, second), first);
                let (before, after) = (convert(first, &one, Dialect::Claude), convert(first, &back, Dialect::Claude));
                if first == Dialect::Claude && second == Dialect::Claude {
                    continue;
                }
                let before = if first == Dialect::Claude { merged(&before) } else { before };
                prop_assert_eq!(gist(&before), gist(&after), "{} over {}", first, second);
            }
        }
    }
}

/// The same request with its turns merged, as every conversion does it.
fn merged(body: &[u8]) -> Vec<u8> {
    convert(Dialect::OpenAi, &convert(Dialect::Claude, body, Dialect::OpenAi), Dialect::Claude)
}
