//! Each turn of a client extends the chain of the turn before.

use hub_types::Dialect;
use serde_json::json;

use super::super::{ChainRules, chain_at, conversation_chain};
use super::{DEEP, assert_goes_on, chain, full_chain};
use crate::scan::scan_request;

#[test]
fn claude_code_moves_its_cache_marks_and_changes_forms() {
    let mark = json!({"type": "ephemeral"});
    let first = json!({
        "model": "claude-opus-5-5",
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "<system-reminder>é</system-reminder>"},
                {"type": "text", "text": "fix it", "cache_control": mark},
            ]},
            {"role": "system", "content": [{"type": "text", "text": "today", "cache_control": mark}],
             "output_config": {"effort": "high"}},
        ],
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.329.123;"},
            {"type": "text", "text": "You are", "cache_control": mark},
        ],
        "metadata": {"user_id": "u"},
    });
    let second = json!({
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.329.777;"},
            {"text": "You are", "type": "text"},
        ],
        "messages": [
            {"content": [
                {"text": "<system-reminder>é</system-reminder>", "type": "text"},
                {"type": "text", "text": "fix it"},
            ], "role": "user"},
            {"role": "system", "content": "today"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "text", "text": "looking"},
                {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls", "timeout": 5}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "a\nb", "is_error": false, "cache_control": mark},
            ]},
        ],
    });
    let third = json!({"messages": [
        {"role": "user", "content": [
            {"type": "text", "text": "<system-reminder>é</system-reminder>"}, {"type": "text", "text": "fix it"}]},
        {"role": "system", "content": [{"type": "text", "text": "today"}]},
        {"role": "assistant", "content": [
            {"type": "text", "text": "looking"},
            {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"timeout": 5, "command": "ls"}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "a\nb"}]}]},
        {"role": "assistant", "content": "done"},
        {"role": "user", "content": "thanks"},
    ], "system": [{"type": "text", "text": "You are"}]});
    assert_goes_on(Dialect::Claude, &first, &second);
    assert_goes_on(Dialect::Claude, &second, &third);
    assert_eq!(chain(Dialect::Claude, &third).len(), 6);
}

#[test]
fn codex_makes_up_ids_and_shuffles_its_metadata() {
    let first = json!({"client_metadata": {"a": 1, "b": 2}, "prompt_cache_key": "k", "input": [
        {"type": "message", "id": "msg_a", "role": "developer", "content": [{"type": "input_text", "text": "rules"}]},
        {"type": "message", "id": "msg_b", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
    ]});
    let second = json!({"input": [
        {"role": "developer", "content": "rules"},
        {"role": "user", "content": [{"text": "hi", "type": "input_text"}], "type": "message", "id": "msg_z"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": null, "encrypted_content": "gAAA"},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "exec_command", "arguments": "{\"cmd\":\"ls\"}", "status": "completed"},
        {"type": "function_call_output", "call_id": "call_1", "output": "a"},
    ], "client_metadata": {"b": 2, "a": 1}});
    let third = json!({"input": [
        {"role": "developer", "content": "rules"},
        {"role": "user", "content": "hi"},
        {"type": "function_call", "call_id": "call_1", "name": "exec_command", "arguments": "{\"cmd\":\"ls\"}"},
        {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "a"}]},
        {"type": "message", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": "ok", "annotations": []}]},
        {"role": "user", "content": "more"},
    ]});
    assert_goes_on(Dialect::Responses, &first, &second);
    assert_goes_on(Dialect::Responses, &second, &third);
    assert_eq!(chain(Dialect::Responses, &first).len(), 1, "the developer's message is the system prompt");
    let text = json!({"input": "hi", "instructions": "i"});
    let listed = json!({"input": [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}], "instructions": "i"});
    assert_eq!(chain(Dialect::Responses, &text), chain(Dialect::Responses, &listed));
    assert_eq!(chain(Dialect::Responses, &text), chain(Dialect::Responses, &first));
}

#[test]
fn chat_clients_write_null_or_nothing_beside_calls() {
    let first = json!({"messages": [
        {"role": "system", "content": "rules"},
        {"role": "user", "content": "hi"},
    ]});
    let second = json!({"messages": [
        {"role": "system", "content": [{"type": "text", "text": "rules"}]},
        {"content": [{"type": "text", "text": "hi"}], "role": "user"},
        {"role": "assistant", "content": null, "reasoning_content": "hm", "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "out"},
    ]});
    let third = json!({"messages": [
        {"role": "system", "content": "rules"},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "", "tool_calls": [
            {"function": {"arguments": "{}", "name": "f"}, "id": "call_1", "type": "function", "index": 0}]},
        {"role": "tool", "content": [{"type": "text", "text": "out"}], "tool_call_id": "call_1"},
        {"role": "assistant", "content": "done"},
    ]});
    assert_goes_on(Dialect::OpenAi, &first, &second);
    assert_goes_on(Dialect::OpenAi, &second, &third);
    assert_eq!(chain(Dialect::OpenAi, &first).len(), 1);
}

#[test]
fn the_gemini_wires_agree_whatever_the_spelling() {
    let first = json!({"contents": [{"role": "user", "parts": [{"text": "context"}, {"text": "hi"}]}],
        "systemInstruction": {"role": "user", "parts": [{"text": "rules"}]}});
    let turns = json!([
        {"parts": [{"text": "context"}, {"text": "hi"}]},
        {"role": "model", "parts": [
            {"text": "hm", "thought": true},
            {"functionCall": {"id": "made-up", "name": "ls", "args": {"a": 1, "b": "x"}}, "thoughtSignature": "s"}]},
        {"role": "user", "parts": [{"functionResponse": {"id": "made-up", "name": "ls", "response": {"output": "o"}}}]},
    ]);
    let second = json!({"system_instruction": {"parts": [{"text": "rules"}]}, "contents": turns});
    let third = json!({"systemInstruction": "rules", "contents": [
        {"role": "user", "parts": [{"text": "context"}, {"text": "hi"}]},
        {"role": "model", "parts": [
            {"function_call": {"args": {"b": "x", "a": 1}, "name": "ls"}}, {"thought_signature": "t"}]},
        {"role": "user", "parts": [{"function_response": {"name": "ls", "response": {"output": "o"}}}]},
        {"role": "model", "parts": [{"text": "done"}]},
    ]});
    assert_goes_on(Dialect::Gemini, &first, &second);
    assert_goes_on(Dialect::Gemini, &second, &third);
    for body in [first, second, third] {
        let wrapped = json!({"model": "g", "project": "p", "request": body});
        assert_eq!(full_chain(Dialect::GeminiCli, &wrapped), full_chain(Dialect::Gemini, &body));
    }
}

#[test]
fn only_the_leading_messages_are_looked_at() {
    let body = br#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}"#;
    let deep = conversation_chain(Dialect::Claude, body, DEEP);
    for count in 0..5 {
        let rules = ChainRules { message_count: count, include_system_prompt: false };
        assert_eq!(conversation_chain(Dialect::Claude, body, rules)[..], deep[..count.min(3)]);
    }
    // Nothing behind them is read, be it what it may.
    let facts = scan_request(Dialect::Claude, body).unwrap();
    let mut broken = body.to_vec();
    let second = body.windows(11).position(|word| word == br#""assistant""#).unwrap();
    broken[second] = b'}';
    let rules = ChainRules { message_count: 1, include_system_prompt: false };
    assert_eq!(chain_at(Dialect::Claude, &broken, &facts.conversation, rules)[..], deep[..1]);
    assert_eq!(chain_at(Dialect::Claude, &broken, &facts.conversation, DEEP)[..], deep[..1]);
    for size in 0..body.len() {
        let part = chain_at(Dialect::Claude, &body[..size], &facts.conversation, DEEP);
        assert!(deep.starts_with(&part), "{size}");
    }
}
