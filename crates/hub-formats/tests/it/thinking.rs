//! How much to think, said to each kind of model.

use hub_formats::convert::{Target, convert_request};
use hub_types::Dialect::{self, Claude, Gemini, OpenAi, Responses};
use serde_json::{Value, json};

use crate::dialects::source;

/// What the provider is told, and what was lost.
fn told(from: Dialect, request: &Value, to: Dialect, model: &str) -> (Value, String) {
    let mut request = request.clone();
    let object = request.as_object_mut().unwrap();
    let said = match from {
        Responses => ("input", json!("x")),
        Gemini => ("contents", json!([{"parts": [{"text": "x"}]}])),
        _ => ("messages", json!([{"role": "user", "content": "x"}])),
    };
    object.insert(said.0.to_owned(), said.1);
    let text = request.to_string();
    let converted = convert_request(source(from, text.as_bytes()), &Target::new(to, model)).unwrap();
    let body: Value = serde_json::from_slice(&converted.body).unwrap();
    let pick = |keys: &[&str]| keys.iter().map(|key| body[*key].clone()).collect::<Vec<_>>();
    let told = match to {
        Claude => json!(pick(&["thinking", "output_config", "max_tokens"])),
        OpenAi => body["reasoning_effort"].clone(),
        Responses => body["reasoning"].clone(),
        _ => body["generationConfig"]["thinkingConfig"].clone(),
    };
    (told, converted.losses.to_string())
}

#[test]
fn every_kind_of_model_is_told_in_its_own_way() {
    let budget =
        |tokens: u64| json!({"max_tokens": 20000, "thinking": {"type": "enabled", "budget_tokens": tokens}});
    let effort = |word: &str| json!({"reasoning_effort": word});
    let adaptive = json!({"type": "adaptive", "display": "summarized"});
    for (from, request, to, model, expected, losses) in [
        (OpenAi, effort("low"), Claude, "claude-opus-5-5", json!([adaptive, {"effort": "low"}, 32000]), ""),
        (
            OpenAi,
            effort("minimal"),
            Claude,
            "claude-opus-5-5",
            json!([adaptive, {"effort": "low"}, 32000]),
            "effort_clamped",
        ),
        (OpenAi, effort("none"), Claude, "claude-opus-5-5", json!([{"type": "disabled"}, null, 32000]), ""),
        (
            OpenAi,
            effort("medium"),
            Claude,
            "claude-sonnet-4-5",
            json!([{"type": "enabled", "budget_tokens": 8192}, null, 40192]),
            "",
        ),
        (
            OpenAi,
            json!({"reasoning_effort": "high", "max_tokens": 2000}),
            Claude,
            "claude-sonnet-4-5",
            json!([{"type": "enabled", "budget_tokens": 1999}, null, 2000]),
            "",
        ),
        (
            OpenAi,
            json!({"reasoning_effort": "high", "max_tokens": 1000}),
            Claude,
            "claude-sonnet-4-5",
            json!([null, null, 1000]),
            "reasoning_dropped:max_tokens",
        ),
        (
            OpenAi,
            effort("high"),
            Claude,
            "claude-3-5-haiku",
            json!([null, null, 8192]),
            "reasoning_dropped:model",
        ),
        (Claude, budget(9000), OpenAi, "gpt-5", json!("high"), ""),
        (Claude, budget(30000), OpenAi, "gpt-5", json!("high"), "effort_clamped"),
        (Claude, budget(9000), OpenAi, "gpt-4o", Value::Null, "reasoning_dropped:model"),
        (Claude, json!({"thinking": {"type": "disabled"}}), OpenAi, "gpt-5", json!("minimal"), ""),
        (Claude, json!({"thinking": {"type": "disabled"}}), OpenAi, "gpt-5.1", json!("none"), ""),
        (Claude, budget(2000), Responses, "gpt-5.6", json!({"effort": "medium", "summary": "auto"}), ""),
        (
            Claude,
            budget(9000),
            Gemini,
            "gemini-2.5-flash",
            json!({"thinkingBudget": 9000, "includeThoughts": true}),
            "",
        ),
        (
            Claude,
            budget(90000),
            Gemini,
            "gemini-2.5-pro",
            json!({"thinkingBudget": 32768, "includeThoughts": true}),
            "",
        ),
        (
            OpenAi,
            effort("xhigh"),
            Gemini,
            "gemini-3-pro",
            json!({"thinkingLevel": "high", "includeThoughts": true}),
            "effort_clamped",
        ),
        (
            OpenAi,
            effort("none"),
            Gemini,
            "gemini-3-pro",
            json!({"thinkingLevel": "low", "includeThoughts": false}),
            "",
        ),
        (
            OpenAi,
            effort("none"),
            Gemini,
            "gemini-2.5-pro",
            json!({"thinkingBudget": 128, "includeThoughts": false}),
            "",
        ),
        (
            Gemini,
            json!({"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}),
            Responses,
            "gpt-5.6",
            json!({"effort": "none"}),
            "",
        ),
        (
            Responses,
            json!({"reasoning": {"effort": "max"}}),
            Claude,
            "claude-opus-4-6",
            json!([adaptive, {"effort": "max"}, 32000]),
            "",
        ),
        (OpenAi, effort("high"), OpenAi, "deepseek-reasoner", json!("high"), ""),
    ] {
        assert_eq!(told(from, &request, to, model), (expected, losses.to_owned()), "{request} for {model}");
    }
}

#[test]
fn an_open_loop_of_calls_without_thoughts_does_not_think_with_older_models() {
    let body = br#"{"model":"m","reasoning_effort":"high","messages":[{"role":"user","content":"x"},
        {"role":"assistant","content":null,"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"c","content":"r"}]}"#;
    let converted = |model| convert_request(source(OpenAi, body), &Target::new(Claude, model)).unwrap();
    assert!(converted("claude-sonnet-4-5").losses.has("reasoning_dropped:tool_loop"));
    assert!(converted("claude-opus-5-5").losses.is_empty());
}
