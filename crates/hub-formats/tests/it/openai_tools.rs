//! Tools that only OpenAI has: plain text, grammars, and shells that need no schema.

use hub_formats::convert::{AnswerPlan, Converter, End, LossReport, Target, convert_request};
use hub_types::Dialect;
use serde_json::{Value, json};

use crate::dialects::{convert_body, source};

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn converted(from: Dialect, body: &Value, to: Dialect, model: &str) -> (Value, AnswerPlan, LossReport) {
    let text = body.to_string();
    let done = convert_request(source(from, text.as_bytes()), &Target::new(to, model)).unwrap();
    (json(&done.body), done.plan, done.losses)
}

fn codex() -> Value {
    json!({"model": "m", "stream": true, "tools": [
            {"type": "custom", "name": "exec", "description": "Runs", "format": {"type": "grammar", "syntax": "lark", "definition": "start: /x/"}},
            {"type": "local_shell"}, {"type": "shell"}, {"type": "apply_patch"}],
        "tool_choice": {"type": "custom", "name": "exec"},
        "input": [{"role": "user", "content": "x"},
            {"type": "custom_tool_call", "call_id": "c1", "name": "exec", "input": "ls \"a\"\n"},
            {"type": "custom_tool_call_output", "call_id": "c1", "output": "a.txt"},
            {"type": "local_shell_call", "call_id": "c2", "action": {"type": "exec", "command": ["ls"], "env": {}}},
            {"type": "local_shell_call_output", "call_id": "c2", "output": "b.txt"}]})
}

#[test]
fn grammars_go_from_one_dialect_of_openai_to_the_other_and_back() {
    let (chat, _, losses) = converted(Dialect::Responses, &codex(), Dialect::OpenAi, "gpt-5.5");
    assert!(!losses.has("grammar"), "{losses}");
    assert_eq!(
        chat["tools"][0],
        json!({"type": "custom", "custom": {"name": "exec", "description": "Runs",
            "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /x/"}}}})
    );
    assert_eq!(chat["tool_choice"], json!({"type": "custom", "custom": {"name": "exec"}}));
    let call = json!({"id": "c1", "type": "custom", "custom": {"name": "exec", "input": "ls \"a\"\n"}});
    assert_eq!(chat["messages"][1]["tool_calls"][0], call);
    let (back, _, _) = converted(Dialect::OpenAi, &chat, Dialect::Responses, "gpt-5.5");
    assert_eq!(back["tools"][0], codex()["tools"][0]);
    assert_eq!(back["tool_choice"], codex()["tool_choice"]);
    assert_eq!(back["input"][1], codex()["input"][1]);
    assert_eq!(back["input"][2], codex()["input"][2]);
}

#[test]
fn models_that_know_no_plain_text_get_a_function() {
    let (chat, _, losses) = converted(Dialect::Responses, &codex(), Dialect::OpenAi, "gpt-4o");
    assert!(losses.has("grammar"));
    assert_eq!(chat["tools"][0]["function"]["parameters"]["required"], json!(["input"]));
    assert_eq!(chat["tool_choice"], json!({"type": "function", "function": {"name": "exec"}}));
}

/// A Claude answer that calls each tool once.
fn answer() -> Value {
    let call = |id: &str, name: &str, input: Value| json!({"type": "tool_use", "id": id, "name": name, "input": input});
    json!({"id": "msg_1", "type": "message", "role": "assistant", "stop_reason": "tool_use", "content": [
        call("c1", "exec", json!({"input": "ls \"a\"\n"})),
        call("c2", "local_shell", json!({"command": ["ls", "-l"], "working_directory": "/src"})),
        call("c3", "shell", json!({"commands": ["ls", "pwd"]})),
        call("c4", "apply_patch", json!({"type": "create_file", "path": "a", "diff": "+x"}))]})
}

#[test]
fn shells_and_patches_are_the_items_that_their_clients_wait_for() {
    let (_, plan, _) = converted(Dialect::Responses, &codex(), Dialect::Claude, "claude-opus-5-5");
    let text = answer().to_string();
    let (mut converter, mut out) = (Converter::new(plan), Vec::new());
    converter.feed(text.as_bytes(), &mut out);
    converter.finish(End::Eof, &mut out);
    let out = String::from_utf8(out).unwrap();
    let last: Value = serde_json::from_str(out.trim_end().rsplit("data: ").next().unwrap()).unwrap();
    let items = last["response"]["output"].as_array().unwrap();
    assert_eq!(items[0]["type"], "custom_tool_call");
    assert_eq!(items[0]["input"], "ls \"a\"\n");
    assert_eq!(items[1]["type"], "local_shell_call");
    assert_eq!(
        items[1]["action"],
        json!({"type": "exec", "command": ["ls", "-l"], "env": {}, "working_directory": "/src"})
    );
    assert_eq!(items[2]["type"], "shell_call");
    assert_eq!(
        items[2]["action"],
        json!({"commands": ["ls", "pwd"], "timeout_ms": null, "max_output_length": null})
    );
    assert_eq!(items[3]["type"], "apply_patch_call");
    assert_eq!(items[3]["operation"], json!({"type": "create_file", "path": "a", "diff": "+x"}));
    assert_eq!(out.matches("event: response.output_item.added\n").count(), 4);
    assert!(!out.contains("function_call_arguments"), "{out}");
    // What was answered so is understood so.
    let mut next = codex();
    next["input"] = json!([{"role": "user", "content": "x"}, items[3],
        {"type": "apply_patch_call_output", "call_id": "c4", "status": "completed", "output": "done"}]);
    let (claude, _, _) = converted(Dialect::Responses, &next, Dialect::Claude, "claude-opus-5-5");
    assert_eq!(claude["messages"][1]["content"][0]["input"], items[3]["operation"]);
}

#[test]
fn chat_clients_get_plain_text_back() {
    let body = json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "x"}],
        "tools": [{"type": "custom", "custom": {"name": "exec"}}]});
    let (_, mut plan, _) = converted(Dialect::OpenAi, &body, Dialect::Claude, "claude-opus-5-5");
    let text = answer().to_string();
    let (mut converter, mut out) = (Converter::new(plan.clone()), Vec::new());
    converter.feed(text.as_bytes(), &mut out);
    converter.finish(End::Eof, &mut out);
    let out = String::from_utf8(out).unwrap();
    assert!(out.contains(r#""type":"custom","custom":{"name":"exec","input":""}"#), "{out}");
    assert!(out.contains(r#"{"index":0,"custom":{"input":"ls \"a\"\n"}}"#), "{out}");
    assert!(out.contains(r#""type":"function","function":{"name":"local_shell""#), "{out}");
    plan.stream = false;
    let whole = json(&convert_body(&plan, text.as_bytes()).unwrap());
    let calls = &whole["choices"][0]["message"]["tool_calls"];
    assert_eq!(
        calls[0],
        json!({"id": "c1", "type": "custom", "custom": {"name": "exec", "input": "ls \"a\"\n"}})
    );
    assert_eq!(calls[1]["type"], "function");
}
