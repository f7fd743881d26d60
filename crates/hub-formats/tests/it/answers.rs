//! Answers of each dialect, as clients of each other one get them.

use hub_formats::convert::{AnswerPlan, Converter, End, Status, Target, convert_request};
use hub_formats::error::ErrorKind;
use hub_types::Dialect;

use crate::dialects::{MODELS, convert_body, source};

fn stream_of(dialect: Dialect) -> String {
    let gemini = include_str!("../answers/gemini.sse");
    match dialect {
        Dialect::Claude => include_str!("../answers/claude.sse").to_owned(),
        Dialect::OpenAi => include_str!("../answers/openai.sse").to_owned(),
        Dialect::Responses => include_str!("../answers/responses.sse").to_owned(),
        Dialect::Gemini => gemini.to_owned(),
        Dialect::GeminiCli => gemini
            .lines()
            .map(|line| match line.strip_prefix("data: ") {
                Some(data) => format!("data: {{\"response\":{data},\"traceId\":\"t\"}}\n"),
                None => "\n".to_owned(),
            })
            .collect(),
    }
}

/// What is remembered of a small request of `client`.
fn plan(client: Dialect, upstream: Dialect, stream: bool) -> AnswerPlan {
    let body = match client {
        Dialect::Claude => {
            r#"{"model":"mine","max_tokens":9,"stream":STREAM,"messages":[{"role":"user","content":"x"}]}"#
        }
        Dialect::OpenAi => {
            r#"{"model":"mine","stream":STREAM,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"x"}]}"#
        }
        Dialect::Responses => {
            r#"{"model":"mine","stream":STREAM,"input":"x","instructions":"Be.","tools":[{"type":"custom","name":"g"},{"type":"namespace","name":"mcp","tools":[{"type":"function","name":"f"}]}]}"#
        }
        Dialect::Gemini => r#"{"contents":[{"parts":[{"text":"x"}]}]}"#,
        Dialect::GeminiCli => r#"{"model":"mine","request":{"contents":[{"parts":[{"text":"x"}]}]}}"#,
    };
    let body = body.replace("STREAM", if stream { "true" } else { "false" });
    let model = MODELS.iter().find(|(dialect, _)| *dialect == upstream).unwrap().1;
    let mut source = source(client, body.as_bytes());
    source.path_stream = stream;
    let mut plan = convert_request(source, &Target::new(upstream, model)).unwrap().plan;
    plan.salt = "salt".to_owned();
    plan.created = 1_700_000_000;
    plan
}

fn run<'c>(plan: &AnswerPlan, chunks: impl Iterator<Item = &'c [u8]>, end: End) -> (Vec<u8>, Status) {
    let mut converter = Converter::new(plan.clone());
    let mut out = Vec::new();
    for chunk in chunks {
        converter.feed(chunk, &mut out);
    }
    let status = converter.finish(end, &mut out);
    (out, status)
}

fn whole(plan: &AnswerPlan, stream: &str) -> (String, Status) {
    let (out, status) = run(plan, std::iter::once(stream.as_bytes()), End::Eof);
    (String::from_utf8(out).unwrap(), status)
}

fn first_client(upstream: Dialect) -> Dialect {
    Dialect::ALL.into_iter().find(|client| *client != upstream).unwrap()
}

fn directions() -> impl Iterator<Item = (Dialect, Dialect)> {
    Dialect::ALL
        .into_iter()
        .flat_map(|upstream| Dialect::ALL.map(|client| (upstream, client)))
        .filter(|(upstream, client)| upstream != client)
}

#[test]
fn every_direction_is_as_it_was_accepted() {
    for (upstream, client) in directions() {
        let stream = stream_of(upstream);
        let (streamed, status) = whole(&plan(client, upstream, true), &stream);
        assert_eq!(status, Status::Done);
        let body = convert_body(&plan(client, upstream, false), stream.as_bytes()).unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        insta::assert_snapshot!(format!("{upstream}_for_{client}"), format!("{streamed}{body:#}"));
    }
}

#[test]
fn the_output_does_not_depend_on_how_the_input_is_cut() {
    for (upstream, client) in directions() {
        for stream in [true, false] {
            let plan = plan(client, upstream, stream);
            for text in [stream_of(upstream), stream_of(upstream).replace('\n', "\r\n")] {
                let bytes = text.as_bytes();
                let expected = run(&plan, std::iter::once(bytes), End::Eof);
                assert_eq!(run(&plan, bytes.chunks(1), End::Eof), expected);
                // What is written does not bear on where the input is cut: every cut once for each upstream.
                let thorough = stream && client == first_client(upstream) && !text.contains('\r');
                for cut in (1..bytes.len()).step_by(if thorough { 1 } else { 29 }) {
                    let (first, second) = bytes.split_at(cut);
                    assert_eq!(run(&plan, [first, second].into_iter(), End::Eof), expected, "{cut}");
                }
            }
        }
    }
}

#[test]
fn line_ends_comments_and_split_data_do_not_matter() {
    for (upstream, client) in directions() {
        let plan = plan(client, upstream, true);
        let plain = stream_of(upstream);
        let expected = whole(&plan, &plain);
        let comments = plain.replace("\n\n", "\n\n: keep-alive\n\nid: 3\nretry: 5\n");
        // Every object over several data lines.
        let pretty = plain.replace("data: {", "data: {\ndata:").replace(",\"", ",\ndata: \"");
        for other in [
            plain.replace('\n', "\r\n"),
            plain.replace('\n', "\r"),
            plain.replace("data: ", "data:"),
            format!("\u{feff}{plain}"),
            comments,
            pretty,
            plain.trim_end().to_owned(),
        ] {
            assert_eq!(whole(&plan, &other), expected, "{other}");
        }
    }
}

#[test]
fn a_delta_reaches_the_client_while_the_upstream_is_open() {
    for (upstream, client) in directions() {
        let stream = stream_of(upstream);
        let at = stream.find("Hel").unwrap();
        let end = at + stream[at..].find("\n\n").unwrap() + 2;
        let mut out = Vec::new();
        let mut converter = Converter::new(plan(client, upstream, true));
        assert_eq!(converter.feed(&stream.as_bytes()[..end], &mut out), Status::NeedMore);
        assert!(String::from_utf8(out).unwrap().contains("Helé"), "{upstream} for {client}");
    }
}

#[test]
fn a_stream_that_breaks_off_ends_with_an_error_and_nothing_else() {
    for (upstream, client) in directions() {
        let stream = stream_of(upstream);
        let at = stream.find("lo 😀").unwrap();
        let cut = at + stream[at..].find("\n\n").unwrap() + 2;
        let (out, status) = whole(&plan(client, upstream, true), &stream[..cut]);
        assert_eq!(status, Status::Done);
        let last = out.trim_end().rsplit("\n\n").next().unwrap();
        assert!(last.contains("broke off"), "{last}");
        for terminal in
            ["message_stop", "[DONE]", "response.completed", "\"STOP\"", "\"finish_reason\":\"stop\""]
        {
            assert!(!out.contains(terminal), "{upstream} for {client}: {out}");
        }
        assert!(matches!(whole(&plan(client, upstream, false), &stream[..cut]).1, Status::Failed(_)));
    }
}

#[test]
fn an_error_before_any_content_leaves_the_way_open_for_another_provider() {
    let errors = [
        (
            Dialect::Claude,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
        ),
        (
            Dialect::OpenAi,
            "data: {\"error\":{\"message\":\"Overloaded\",\"type\":\"server_error\",\"code\":\"overloaded\"}}\n\n",
        ),
        (
            Dialect::Responses,
            "data: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"overloaded\",\"message\":\"Overloaded\"}}}\n\n",
        ),
        (
            Dialect::Gemini,
            "data: {\"error\":{\"code\":503,\"message\":\"Overloaded\",\"status\":\"UNAVAILABLE\"}}\n\n",
        ),
        (
            Dialect::Gemini,
            "[{\"error\":{\"code\":503,\"message\":\"Overloaded\",\"status\":\"UNAVAILABLE\"}}]",
        ),
    ];
    for (upstream, text) in errors {
        for client in Dialect::ALL.into_iter().filter(|client| *client != upstream) {
            for stream in [true, false] {
                let (out, status) = whole(&plan(client, upstream, stream), text);
                assert!(out.is_empty());
                let Status::Failed(failure) = status else { panic!("{status:?}") };
                assert_eq!((failure.kind, failure.message.as_str()), (ErrorKind::Overloaded, "Overloaded"));
            }
        }
    }
}

#[test]
fn a_body_serves_a_client_that_wants_a_stream() {
    let body = r#"{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"text","text":"hi"},{"type":"tool_use","id":"t","name":"f","input":{"a": 1}}],"stop_reason":"tool_use","usage":{"input_tokens":3,"output_tokens":4}}"#;
    let (out, status) = whole(&plan(Dialect::OpenAi, Dialect::Claude, true), body);
    assert_eq!(status, Status::Done);
    assert!(out.contains(r#""content":"hi""#) && out.contains(r#""finish_reason":"tool_calls""#), "{out}");
    assert!(out.contains(r#""prompt_tokens":3"#) && out.ends_with("data: [DONE]\n\n"), "{out}");
}

#[test]
fn calls_decide_why_the_model_stopped() {
    let stop = |reason: &str, content: &str| {
        let body = format!(r#"{{"choices":[{{"message":{{{content}}},"finish_reason":"{reason}"}}]}}"#);
        let out = convert_body(&plan(Dialect::Claude, Dialect::OpenAi, false), body.as_bytes()).unwrap();
        serde_json::from_slice::<serde_json::Value>(&out).unwrap()["stop_reason"].as_str().unwrap().to_owned()
    };
    let call = r#""tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]"#;
    assert_eq!(stop("stop", call), "tool_use");
    assert_eq!(stop("tool_calls", r#""content":"x""#), "end_turn");
    assert_eq!(stop("length", call), "max_tokens");
    assert_eq!(stop("content_filter", r#""content":"x""#), "refusal");
    assert_eq!(stop("brand_new", r#""content":"x""#), "end_turn");
}

#[test]
fn a_blocked_prompt_is_an_empty_answer() {
    let body = r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":7,"totalTokenCount":7}}"#;
    let out = convert_body(&plan(Dialect::OpenAi, Dialect::Gemini, false), body.as_bytes()).unwrap();
    let out: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(out["choices"][0]["finish_reason"], "content_filter");
    assert_eq!(out["usage"]["prompt_tokens"], 7);
}

#[test]
fn a_model_that_failed_without_a_word_is_an_error() {
    let body = r#"{"candidates":[{"content":{},"finishReason":"MALFORMED_FUNCTION_CALL"}]}"#;
    let failure = convert_body(&plan(Dialect::OpenAi, Dialect::Gemini, false), body.as_bytes()).unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Api);
}

#[test]
fn every_reason_to_stop_has_its_words_in_every_dialect() {
    use Dialect::{Claude, Gemini, OpenAi, Responses};
    let reasons = |upstream: Dialect, word: &str| {
        let body = match upstream {
            Claude => format!(
                r#"{{"content":[{{"type":"text","text":"x"}}],"stop_reason":"{word}","stop_sequence":"END"}}"#
            ),
            OpenAi => format!(r#"{{"choices":[{{"message":{{"content":"x"}},"finish_reason":"{word}"}}]}}"#),
            Responses => {
                let (status, why) = word.split_once('/').unwrap();
                format!(
                    r#"{{"status":"{status}","incomplete_details":{{"reason":"{why}"}},"output":[{{"type":"message","content":[{{"type":"output_text","text":"x"}}]}}]}}"#
                )
            }
            _ => format!(
                r#"{{"candidates":[{{"content":{{"parts":[{{"text":"x"}}]}},"finishReason":"{word}"}}]}}"#
            ),
        };
        [Claude, OpenAi, Responses, Gemini].map(|client| {
            if client == upstream {
                return "-".to_owned();
            }
            let out = convert_body(&plan(client, upstream, false), body.as_bytes()).unwrap();
            let out: serde_json::Value = serde_json::from_slice(&out).unwrap();
            let word = match client {
                Claude => &out["stop_reason"],
                OpenAi => &out["choices"][0]["finish_reason"],
                Responses if out["status"] == "completed" => &out["status"],
                Responses => &out["incomplete_details"]["reason"],
                _ => &out["candidates"][0]["finishReason"],
            };
            word.as_str().unwrap().to_owned()
        })
    };
    for (upstream, word, expected) in [
        (Claude, "end_turn", ["-", "stop", "completed", "STOP"]),
        (Claude, "tool_use", ["-", "stop", "completed", "STOP"]),
        (Claude, "max_tokens", ["-", "length", "max_output_tokens", "MAX_TOKENS"]),
        (Claude, "model_context_window_exceeded", ["-", "length", "max_output_tokens", "MAX_TOKENS"]),
        (Claude, "stop_sequence", ["-", "stop", "completed", "STOP"]),
        (Claude, "refusal", ["-", "content_filter", "content_filter", "SAFETY"]),
        (Claude, "pause_turn", ["-", "stop", "completed", "STOP"]),
        (Claude, "brand_new", ["-", "stop", "completed", "STOP"]),
        (OpenAi, "stop", ["end_turn", "-", "completed", "STOP"]),
        (OpenAi, "length", ["max_tokens", "-", "max_output_tokens", "MAX_TOKENS"]),
        (OpenAi, "content_filter", ["refusal", "-", "content_filter", "SAFETY"]),
        (Responses, "completed/", ["end_turn", "stop", "-", "STOP"]),
        (Responses, "incomplete/max_output_tokens", ["max_tokens", "length", "-", "MAX_TOKENS"]),
        (Responses, "incomplete/content_filter", ["refusal", "content_filter", "-", "SAFETY"]),
        (Gemini, "STOP", ["end_turn", "stop", "completed", "-"]),
        (Gemini, "OTHER", ["end_turn", "stop", "completed", "-"]),
        (Gemini, "MAX_TOKENS", ["max_tokens", "length", "max_output_tokens", "-"]),
        (Gemini, "SAFETY", ["refusal", "content_filter", "content_filter", "-"]),
        (Gemini, "IMAGE_SAFETY", ["refusal", "content_filter", "content_filter", "-"]),
        (Gemini, "CONTINUATION", ["pause_turn", "stop", "completed", "-"]),
        (Gemini, "MALFORMED_FUNCTION_CALL", ["end_turn", "stop", "completed", "-"]),
    ] {
        assert_eq!(reasons(upstream, word), expected, "{upstream} {word}");
    }
}

#[test]
fn half_a_call_is_never_completed() {
    for upstream in
        Dialect::ALL.into_iter().filter(|one| !matches!(one, Dialect::Gemini | Dialect::GeminiCli))
    {
        for client in Dialect::ALL.into_iter().filter(|client| *client != upstream) {
            let stream = stream_of(upstream);
            let at = stream.find(r#"{\"path\":"#).or_else(|| stream.find(r#"{\"a\":1}"#)).unwrap();
            let cut = at + stream[at..].find("\n\n").unwrap() + 2;
            let (out, _) = whole(&plan(client, upstream, true), &stream[..cut]);
            assert!(!out.contains("functionCall\""), "{out}");
            assert!(!out.contains("response.function_call_arguments.done"), "{out}");
            assert!(!out.contains("stop_reason\":\"tool_use"), "{out}");
        }
    }
}
