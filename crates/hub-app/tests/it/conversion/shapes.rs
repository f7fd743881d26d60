//! Answers of each dialect as a provider might write them, for what the lab does not play.

use hub_types::Dialect;
use serde_json::{Value, json};

/// A number that no float holds.
pub(super) const BIG: i64 = 9_007_199_254_740_993;

/// An answer in one piece that was cut at the limit of tokens.
pub(super) fn cut_short(dialect: Dialect) -> Value {
    match dialect {
        Dialect::Claude => json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [{"type": "text", "text": "half a"}],
            "stop_reason": "max_tokens", "stop_sequence": null,
            "usage": {"input_tokens": 5, "output_tokens": 2},
        }),
        Dialect::OpenAi => json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "half a"}, "finish_reason": "length"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
        }),
        Dialect::Responses => json!({
            "id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "incomplete",
            "incomplete_details": {"reason": "max_output_tokens"}, "error": null,
            "output": [{"id": "msg_1", "type": "message", "role": "assistant", "status": "incomplete",
                "content": [{"type": "output_text", "text": "half a", "annotations": []}]}],
            "usage": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7},
        }),
        Dialect::Gemini => json!({
            "candidates": [{"content": {"role": "model", "parts": [{"text": "half a"}]}, "finishReason": "MAX_TOKENS"}],
            "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7},
            "modelVersion": "m", "responseId": "r1",
        }),
        Dialect::GeminiCli => json!({"response": cut_short(Dialect::Gemini), "traceId": "t"}),
    }
}

/// An answer in one piece that calls a tool.
pub(super) fn calling(dialect: Dialect) -> Value {
    let arguments = json!({"city": "Hangzhou", "id": BIG});
    match dialect {
        Dialect::Claude => json!({
            "id": "msg_2", "type": "message", "role": "assistant", "model": "m",
            "content": [{"type": "text", "text": "Let me look."},
                {"type": "tool_use", "id": "toolu_7", "name": "look", "input": arguments}],
            "stop_reason": "tool_use", "stop_sequence": null,
            "usage": {"input_tokens": 5, "output_tokens": 2},
        }),
        Dialect::OpenAi => json!({
            "id": "chatcmpl-2", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
                "role": "assistant", "content": "Let me look.",
                "tool_calls": [{"id": "call_7", "type": "function",
                    "function": {"name": "look", "arguments": arguments.to_string()}}]}}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
        }),
        Dialect::Responses => json!({
            "id": "resp_2", "object": "response", "created_at": 1, "model": "m", "status": "completed", "error": null,
            "output": [
                {"id": "msg_2", "type": "message", "role": "assistant", "status": "completed",
                    "content": [{"type": "output_text", "text": "Let me look.", "annotations": []}]},
                {"id": "fc_7", "type": "function_call", "call_id": "call_7", "name": "look", "status": "completed",
                    "arguments": arguments.to_string()}],
            "usage": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7},
        }),
        Dialect::Gemini => json!({
            "candidates": [{"content": {"role": "model", "parts": [
                {"text": "Let me look."}, {"functionCall": {"name": "look", "args": arguments}}]},
                "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7},
            "modelVersion": "m", "responseId": "r2",
        }),
        Dialect::GeminiCli => json!({"response": calling(Dialect::Gemini), "traceId": "t"}),
    }
}
