use hub_types::{Dialect, Endpoint, ServiceTier, Usage};
use proptest::prelude::*;

use super::{TapReport, UsageTap};
use crate::estimate::TextCount;

fn tap(dialect: Dialect, stream: bool, answer: &[u8], size: usize) -> TapReport {
    let mut tap = UsageTap::new(dialect, Endpoint::Generate, stream);
    for chunk in answer.chunks(size) {
        tap.push(chunk);
    }
    tap.finish()
}

const CLAUDE: &str = r#"event: message_start
data: {"type":"message_start","message":{"model":"claude-x","content":[],"usage":{"input_tokens":10,"cache_creation_input_tokens":30,"cache_read_input_tokens":5,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi \u4f60\"usage\""}}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":0,"output_tokens":7,"cache_read_input_tokens":0}}

event: message_stop
data: {"type":"message_stop"}

"#;
const CHAT: &str = r#"data: {"model":"","choices":[],"usage":null}

data: {"model":"gpt-x","choices":[{"delta":{"role":"assistant","content":""}}]}

data: {"model":"gpt-x","choices":[{"delta":{"content":"Hello"}}]}

data: {"model":"gpt-x","choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}

data: {"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":60},"completion_tokens_details":{"reasoning_tokens":8}}}

data: [DONE]
"#;
const RESPONSES: &str = r#"event: response.created
data: {"type":"response.created","response":{"model":"gpt-r","status":"in_progress","error":null,"output":[],"usage":{"input_tokens":1,"output_tokens":1}}}

event: response.output_text.delta
data: {"type":"response.output_text.delta","delta":"abc"}

event: response.output_item.done
data: {"type":"response.output_item.done","item":{"type":"message","content":[{"type":"output_text","text":"abc"}]}}

event: response.completed
data: {"type":"response.completed","response":{"model":"gpt-r","output":[{"type":"message","content":[{"type":"output_text","text":"abc"}]}],"error":null,"usage":{"input_tokens":50,"input_tokens_details":{"cached_tokens":20},"output_tokens":9,"output_tokens_details":{"reasoning_tokens":4}}}}

"#;
const GEMINI: &str = r#"[{"candidates":[{"content":{"parts":[{"text":"x"}],"role":"model"}}],"usageMetadata":{"promptTokenCount":12},"modelVersion":"gem"}
,
{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{}}}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":12,"cachedContentTokenCount":2,"candidatesTokenCount":3,"thoughtsTokenCount":4,"totalTokenCount":19},"modelVersion":"gem"}]"#;

fn gemini_cli() -> String {
    let wrapped = |chunk: &str| format!("data: {{\"response\":{chunk},\"traceId\":\"t\"}}\r\n\r\n");
    GEMINI.trim_matches(['[', ']']).split("\n,\n").map(wrapped).collect()
}

fn goldens() -> Vec<(Dialect, String, &'static str, Usage)> {
    let claude = Usage {
        input: 10,
        output: 7,
        cache_read: 5,
        cache_write_5m: 10,
        cache_write_1h: 20,
        ..Usage::default()
    };
    let gemini = Usage { input: 10, output: 7, reasoning: 4, cache_read: 2, ..Usage::default() };
    vec![
        (Dialect::Claude, CLAUDE.to_owned(), "claude-x", claude),
        (Dialect::Claude, CLAUDE.replace("event: ", "id: 1\nevent:").replace('\n', "\r"), "claude-x", claude),
        (
            Dialect::OpenAi,
            CHAT.to_owned(),
            "gpt-x",
            Usage { input: 40, output: 20, reasoning: 8, cache_read: 60, ..Usage::default() },
        ),
        (
            Dialect::Responses,
            RESPONSES.to_owned(),
            "gpt-r",
            Usage { input: 30, output: 9, reasoning: 4, cache_read: 20, ..Usage::default() },
        ),
        (Dialect::Gemini, GEMINI.to_owned(), "gem", gemini),
        (Dialect::GeminiCli, gemini_cli(), "gem", gemini),
    ]
}

#[test]
fn the_tier_is_what_the_answer_says_it_was_in_the_end() {
    let begun =
        RESPONSES.replace(r#"created","response":{"#, r#"created","response":{"service_tier":"flex","#);
    let ended =
        begun.replace(r#"completed","response":{"#, r#"completed","response":{"service_tier":"priority","#);
    let chat = CHAT.replace(r#""choices""#, r#""service_tier":"priority","choices""#);
    let claude = CLAUDE
        .replace(r#""usage":{"input_tokens":10"#, r#""usage":{"service_tier":"standard","input_tokens":10"#);
    for (dialect, answer, tier) in [
        (Dialect::Responses, RESPONSES, None),
        (Dialect::Responses, &begun, Some(ServiceTier::Flex)),
        (Dialect::Responses, &ended, Some(ServiceTier::Priority)),
        (Dialect::OpenAi, &chat, Some(ServiceTier::Priority)),
        (Dialect::Claude, &claude, Some(ServiceTier::Standard)),
    ] {
        for size in [1, 7, 100_000] {
            assert_eq!(tap(dialect, true, answer.as_bytes(), size).service_tier, tier, "{answer}");
        }
    }
}

#[test]
fn the_id_of_a_responses_answer_is_told_and_no_other_id() {
    let id = |dialect, answer: &str, size| tap(dialect, true, answer.as_bytes(), size).response_id;
    let created = r#"{"type":"response.created","response":{"id":"resp_1","model":"m"}}"#;
    let item = r#"{"type":"response.output_item.done","id":"no","item":{"id":"msg_1","type":"message"}}"#;
    let completed = r#"{"response":{"object":"response","id":"resp_1","output":[{"id":"msg_1"}]},"type":"response.completed"}"#;
    let body = r#"{"output":[{"id":"msg_1"}],"object":"response","id":"resp_1","error":null,"previous_response_id":"resp_0"}"#;
    for size in [1, 7, 10_000] {
        for events in
            [vec![created], vec![item, completed], vec![created, item, completed], vec![created, item]]
        {
            let stream = format!("data: {}\n\n", events.join("\n\ndata: "));
            assert_eq!(id(Dialect::Responses, &stream, size).as_deref(), Some("resp_1"));
        }
        assert_eq!(id(Dialect::Responses, body, size).as_deref(), Some("resp_1"));
        assert_eq!(id(Dialect::Responses, &format!("data: {item}\n\n"), size), None);
    }
    for dialect in Dialect::ALL.into_iter().filter(|dialect| *dialect != Dialect::Responses) {
        assert_eq!(id(dialect, r#"{"id":"chatcmpl-1","choices":[]}"#, 10_000), None);
        assert_eq!(id(dialect, body, 10_000), None);
    }
    for (length, is_taken) in [(256, true), (257, false), (5000, false)] {
        let body = format!(r#"{{"id":"{}","output":[]}}"#, "r".repeat(length));
        assert_eq!(id(Dialect::Responses, &body, 10_000).is_some(), is_taken);
    }
    assert_eq!(id(Dialect::Responses, r#"{"id":7,"output":[]}"#, 10_000), None);
}

#[test]
fn each_dialects_stream_gives_its_usage_at_any_piece_size() {
    for (dialect, answer, model, usage) in goldens() {
        for size in [1, 2, 3, 7, 64, 1 << 20] {
            let report = tap(dialect, true, answer.as_bytes(), size);
            assert_eq!(report.usage, Some(usage), "{dialect} {size}");
            assert_eq!(report.upstream_model.as_deref(), Some(model), "{dialect}");
            assert!(report.terminal && report.completed && report.content_seen, "{dialect} {report:?}");
            assert_eq!(report.error, None, "{dialect}");
            assert!(report.output_bytes > 0, "{dialect}");
        }
    }
}

#[test]
fn text_is_counted_once() {
    assert_eq!(tap(Dialect::Responses, true, RESPONSES.as_bytes(), 50).output_bytes, 3);
    let claude = tap(Dialect::Claude, true, CLAUDE.as_bytes(), 50);
    assert_eq!(claude.output_text, TextCount::of("Hi 你\"usage\"".as_bytes()));
}

#[test]
fn the_end_is_known_before_the_last_blank_line() {
    let mut tap = UsageTap::new(Dialect::Claude, Endpoint::Generate, true);
    let (before, stop) = CLAUDE.split_at(CLAUDE.find("event: message_stop").unwrap());
    tap.push(before.as_bytes());
    assert!(!tap.terminal_seen() && tap.content_seen() && tap.report().completed);
    tap.push(stop.trim_end().as_bytes());
    assert!(tap.terminal_seen());
}

#[test]
fn bodies_in_one_piece_give_usage_too() {
    let claude = br#"{"id":"m","content":[{"type":"text","text":"hi"}],"model":"c","usage":{"input_tokens":3,"cache_creation_input_tokens":4,"output_tokens":5}}"#;
    let report = tap(Dialect::Claude, false, claude, 5);
    let usage = Usage { input: 3, output: 5, cache_write_5m: 4, ..Usage::default() };
    assert_eq!((report.usage, report.terminal, report.content_seen), (Some(usage), true, true));
    let responses = br#"{"object":"response","error":null,"output":[{"type":"function_call","arguments":"{}"}],"usage":{"input_tokens":0,"output_tokens":0}}"#;
    let report = tap(Dialect::Responses, false, responses, 9);
    assert_eq!(
        (report.usage, report.content_seen),
        (Some(Usage::default()), true),
        "reported zero stays zero"
    );
    assert!(!tap(Dialect::Claude, false, &claude[..60], 9).terminal);
    let mut count = UsageTap::new(Dialect::Claude, Endpoint::CountTokens, false);
    count.push(br#"{"input_tokens":5,"usage":{"input_tokens":5}}"#);
    assert_eq!(count.finish().usage, None);
}

#[test]
fn a_large_body_needs_no_memory() {
    let mut tap = UsageTap::new(Dialect::Claude, Endpoint::Generate, false);
    tap.push(br#"{"content":[{"type":"text","text":""#);
    let text = "x".repeat(65_536);
    for _ in 0..320 {
        tap.push(text.as_bytes());
    }
    tap.push(br#""}],"usage":{"input_tokens":3,"output_tokens":5}}"#);
    assert!(tap.walker.held_bytes() < 8192);
    assert_eq!((tap.usage().unwrap().output, tap.terminal_seen()), (5, true));
}

#[test]
fn errors_in_the_answer_are_seen() {
    for (dialect, answer, kind, code, message) in [
        (
            Dialect::Claude,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy \\\"now\\\"\"}}\n\n",
            Some("overloaded_error"),
            None,
            "busy \"now\"",
        ),
        (
            Dialect::OpenAi,
            "data: {\"error\":{\"message\":\"m\",\"type\":\"server_error\",\"code\":503}}\n\n",
            Some("server_error"),
            Some("503"),
            "m",
        ),
        (Dialect::OpenAi, "{\"error\":\"plain\"}", None, None, "plain"),
        (
            Dialect::Responses,
            "data: {\"type\":\"error\",\"code\":\"c\",\"message\":\"m\"}\n\n",
            None,
            Some("c"),
            "m",
        ),
        (
            Dialect::Responses,
            "data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"c\",\"message\":\"m\"}}}\n\n",
            None,
            Some("c"),
            "m",
        ),
        (
            Dialect::Gemini,
            "[{\"error\":{\"code\":429,\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\"}}]",
            Some("RESOURCE_EXHAUSTED"),
            Some("429"),
            "m",
        ),
    ] {
        let error = tap(dialect, true, answer.as_bytes(), 4).error.unwrap_or_else(|| panic!("{answer}"));
        assert_eq!(
            (error.kind.as_deref(), error.code.as_deref(), error.message.as_deref()),
            (kind, code, Some(message))
        );
    }
    let report = tap(Dialect::Responses, true, RESPONSES.as_bytes(), 9);
    assert_eq!(report.error, None, "a null error is none");
}

#[test]
fn absurd_figures_do_not_wrap() {
    let body = |figure: &str| {
        format!(
            r#"{{"usage":{{"prompt_tokens":{figure},"completion_tokens":2,"prompt_tokens_details":{{"cached_tokens":9}}}}}}"#
        )
    };
    for (figure, input) in [
        ("-5", 0),
        ("1e30", 999_999_999_991),
        ("99999999999999999999999", 999_999_999_991),
        ("12.0", 3),
        ("null", 0),
        ("3", 0),
    ] {
        let usage = tap(Dialect::OpenAi, false, body(figure).as_bytes(), 100).usage.unwrap();
        assert_eq!((usage.input, usage.output), (input, 2), "{figure}");
    }
}

proptest! {
    #[test]
    fn cuts_do_not_matter_even_in_damaged_answers(
        which in 0..6_usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        sizes in prop::collection::vec(1..200_usize, 1..5),
        stream in any::<bool>(),
    ) {
        let (dialect, answer, _, _) = goldens().swap_remove(which);
        let mut answer = answer.into_bytes();
        for (at, byte) in damage {
            let at = at.index(answer.len());
            answer[at] = byte;
        }
        let expected = tap(dialect, stream, &answer, answer.len());
        for size in sizes {
            prop_assert_eq!(&tap(dialect, stream, &answer, size), &expected);
        }
    }

    #[test]
    fn random_bytes_do_not_panic(answer in prop::collection::vec(any::<u8>(), 0..300), size in 1..50_usize) {
        for dialect in Dialect::ALL {
            tap(dialect, true, &answer, size);
        }
    }
}
