//! What becomes of one rich request of each dialect at a provider of each other one.

use hub_formats::convert::{Refusal, Source, Target, convert_request};
use hub_types::Dialect;

use crate::dialects::{MODELS, more_of, request_of, source};

#[test]
fn every_direction_is_as_it_was_accepted() {
    for from in Dialect::ALL {
        let body = request_of(from);
        for (to, model) in MODELS {
            if from == to {
                continue;
            }
            let converted = convert_request(source(from, &body), &Target::new(to, model)).unwrap();
            let tree: serde_json::Value = serde_json::from_slice(&converted.body).unwrap();
            let text = format!("{tree:#}\n\nlosses: {}", converted.losses);
            insta::assert_snapshot!(format!("{from}_to_{to}"), text);
        }
    }
}

#[test]
fn old_forms_and_odd_tools_are_as_they_were_accepted() {
    // Other models than in the first set: older ones, and newer ones of OpenAI's.
    let models = [
        (Dialect::Claude, "claude-sonnet-4-5"),
        (Dialect::OpenAi, "gpt-5.5"),
        (Dialect::Responses, "gpt-5.5"),
        (Dialect::Gemini, "gemini-2.5-flash"),
        (Dialect::GeminiCli, "gemini-3-flash"),
    ];
    for from in Dialect::ALL {
        let body = more_of(from);
        for (to, model) in models.into_iter().filter(|(to, _)| *to != from) {
            let converted = convert_request(source(from, &body), &Target::new(to, model)).unwrap();
            let tree: serde_json::Value = serde_json::from_slice(&converted.body).unwrap();
            let text = format!("{tree:#}\n\nlosses: {}", converted.losses);
            insta::assert_snapshot!(format!("{from}_more_to_{to}"), text);
        }
    }
}

#[test]
fn older_claude_models_get_budgets_and_keep_their_sampling() {
    let body = request_of(Dialect::OpenAi);
    let target = Target::new(Dialect::Claude, "claude-sonnet-4-5");
    let converted = convert_request(source(Dialect::OpenAi, &body), &target).unwrap();
    // A forced tool and thinking exclude each other.
    assert!(converted.losses.has("reasoning_dropped:forced_tool"));
    let tree: serde_json::Value = serde_json::from_slice(&converted.body).unwrap();
    assert_eq!(tree["temperature"], 1);
    assert!(tree.get("top_p").is_none());
}

fn refused(from: Dialect, body: &str, to: Dialect) -> Refusal {
    let source = Source { dialect: from, body: body.as_bytes(), path_model: None, path_stream: false };
    convert_request(source, &Target::new(to, "m")).unwrap_err()
}

#[test]
fn what_would_change_the_meaning_is_refused() {
    use Dialect::{Claude, Gemini, OpenAi, Responses};
    for (from, body, to, param) in [
        (Responses, r#"{"input":"x","previous_response_id":"r"}"#, Claude, "previous_response_id"),
        (Responses, r#"{"input":[{"type":"item_reference","id":"i"}]}"#, OpenAi, "item_reference"),
        (OpenAi, r#"{"messages":[],"n":2}"#, Claude, "n"),
        (Gemini, r#"{"contents":[],"cachedContent":"c"}"#, OpenAi, "cachedContent"),
        (
            Responses,
            r#"{"input":"x","tools":[{"type":"file_search"}],"tool_choice":{"type":"file_search"}}"#,
            Claude,
            "tool_choice",
        ),
        (
            OpenAi,
            r#"{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"","format":"wav"}}]}]}"#,
            Claude,
            "audio",
        ),
        (
            Claude,
            r#"{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":"f"}}]}]}"#,
            Responses,
            "file_id",
        ),
        (Claude, r#"{"messages":3}"#, OpenAi, "messages"),
        (Gemini, "{}", OpenAi, "contents"),
    ] {
        assert_eq!(refused(from, body, to).param(), Some(param), "{body}");
    }
    assert!(matches!(refused(Claude, "{", OpenAi), Refusal::Malformed(_)));
}

#[test]
fn strict_conversion_refuses_what_may_change_the_answer() {
    let body = request_of(Dialect::Claude);
    let mut target = Target::new(Dialect::Responses, "gpt-5");
    target.options.strict = true;
    let refusal = convert_request(source(Dialect::Claude, &body), &target).unwrap_err();
    assert_eq!(refusal.param(), Some("stop_dropped"));
}

#[test]
fn signatures_go_back_to_whom_they_came_from_and_to_nobody_else() {
    let body = br#"{"model":"m","input":[{"role":"user","content":"x"},
        {"type":"reasoning","summary":[{"type":"summary_text","text":"plan"}],"encrypted_content":"h1.gn.S1"},
        {"type":"function_call","call_id":"c1","name":"f","arguments":"{\"c\":\"a\"}"},
        {"type":"function_call","call_id":"c2","name":"f","arguments":"{\"c\":\"b\"}"},
        {"type":"function_call_output","call_id":"c1","output":"1"},
        {"type":"function_call_output","call_id":"c2","output":"2"}]}"#;
    let to = |dialect, model| {
        let converted =
            convert_request(source(Dialect::Responses, body), &Target::new(dialect, model)).unwrap();
        String::from_utf8(converted.body).unwrap()
    };
    let gemini = to(Dialect::Gemini, "gemini-3-pro");
    assert!(
        gemini.contains(r#""args":{"c":"a"}},"thoughtSignature":"S1"},{"functionCall":{"id":"c2""#),
        "{gemini}"
    );
    assert!(!gemini.contains("plan"));
    for (dialect, model) in [(Dialect::Claude, "claude-opus-5"), (Dialect::OpenAi, "gpt-5")] {
        let other = to(dialect, model);
        assert!(!other.contains("S1") && !other.contains("h1.") && !other.contains("plan"), "{other}");
    }
}
