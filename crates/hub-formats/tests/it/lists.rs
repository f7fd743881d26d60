//! Gemini's streams as JSON lists, on either side, and several answers to one request.

use hub_formats::convert::{AnswerPlan, Converter, End, Status, Target, convert_request};
use hub_types::Dialect;
use serde_json::{Value, json};

use crate::dialects::{convert_body, source};

const CHUNKS: &str = include_str!("../answers/gemini.sse");

fn plan(client: Dialect, upstream: Dialect, body: &Value, stream: bool) -> AnswerPlan {
    let text = body.to_string();
    let mut from = source(client, text.as_bytes());
    from.path_stream = stream;
    convert_request(from, &Target::new(upstream, "m")).unwrap().plan
}

fn run(plan: &AnswerPlan, answer: &[u8], size: usize) -> (Status, String) {
    let (mut converter, mut out) = (Converter::new(plan.clone()), Vec::new());
    for piece in answer.chunks(size) {
        converter.feed(piece, &mut out);
    }
    (converter.finish(End::Eof, &mut out), String::from_utf8(out).unwrap())
}

#[test]
fn a_list_is_read_as_the_stream_that_it_stands_for() {
    let body = json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "x"}]});
    let chunks: Vec<&str> = CHUNKS.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let list = format!("[{}\n]\n", chunks.join("\n,\r\n"));
    for client in [Dialect::Claude, Dialect::OpenAi] {
        let plan = plan(client, Dialect::Gemini, &body, true);
        let expected = run(&plan, CHUNKS.as_bytes(), CHUNKS.len());
        assert_eq!(expected.0, Status::Done);
        for size in [1, 7, 64, list.len()] {
            assert_eq!(run(&plan, list.as_bytes(), size), expected, "{size}");
        }
        // Items are told as they come.
        let mut converter = Converter::new(plan.clone());
        let mut out = Vec::new();
        let half = list.find("lo 😀").unwrap();
        assert_eq!(converter.feed(&list.as_bytes()[..half], &mut out), Status::NeedMore);
        assert!(String::from_utf8(out).unwrap().contains("Helé"));
        let (status, cut) = run(&plan, &list.as_bytes()[..half], 50);
        assert!(status == Status::Done && cut.contains("broke off"), "{cut}");
    }
}

#[test]
fn a_client_that_reads_a_list_gets_one() {
    for client in [Dialect::Gemini, Dialect::GeminiCli] {
        let body = json!({"contents": [{"parts": [{"text": "x"}]}], "request": {"contents": [{"parts": [{"text": "x"}]}]}});
        let mut plan = plan(client, Dialect::OpenAi, &body, true);
        let answer = include_str!("../answers/openai.sse");
        let (_, events) = run(&plan, answer.as_bytes(), 64);
        plan.list = true;
        let (status, list) = run(&plan, answer.as_bytes(), 64);
        assert_eq!(status, Status::Done);
        let items: Vec<Value> = serde_json::from_str(&list).unwrap();
        let told = events.lines().filter_map(|line| line.strip_prefix("data: "));
        let told: Vec<Value> = told.map(|data| serde_json::from_str(data).unwrap()).collect();
        assert_eq!(items, told);
        let cut = &answer[..answer.find("lo 😀").unwrap()];
        let (_, broken) = run(&plan, format!("{cut}\"}}}}]}}\n\n").as_bytes(), 64);
        let items: Vec<Value> = serde_json::from_str(&broken).unwrap();
        assert!(items.last().unwrap()["error"]["message"].as_str().unwrap().contains("broke off"));
    }
}

#[test]
fn several_answers_go_between_chat_and_gemini() {
    let chat = json!({"model": "m", "n": 2, "messages": [{"role": "user", "content": "x"}]});
    let gemini = json!({"contents": [{"parts": [{"text": "x"}]}], "generationConfig": {"candidateCount": 2}});
    let to = |from: Dialect, body: &Value, to: Dialect, stream: bool| {
        let text = body.to_string();
        let mut from = source(from, text.as_bytes());
        from.path_stream = stream;
        convert_request(from, &Target::new(to, "m"))
    };
    let parse = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
    let asked = to(Dialect::OpenAi, &chat, Dialect::Gemini, false).unwrap();
    assert_eq!(parse(&asked.body)["generationConfig"]["candidateCount"], 2);
    let answer = json!({"candidates": [
            {"index": 0, "content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"},
            {"index": 1, "content": {"parts": [{"functionCall": {"name": "f", "args": {}}}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7}});
    let told = parse(&convert_body(&asked.plan, answer.to_string().as_bytes()).unwrap());
    assert_eq!(told["choices"][0]["message"]["content"], "a");
    assert_eq!(told["choices"][1]["finish_reason"], "tool_calls");
    assert_eq!(told["choices"][1]["index"], 1);
    assert_eq!(told["usage"]["total_tokens"], 7);
    let asked = to(Dialect::Gemini, &gemini, Dialect::OpenAi, false).unwrap();
    assert_eq!(parse(&asked.body)["n"], 2);
    let back = parse(&convert_body(&asked.plan, told.to_string().as_bytes()).unwrap());
    assert_eq!(back["candidates"][0]["content"]["parts"][0]["text"], "a");
    assert_eq!(back["candidates"][1]["content"]["parts"][0]["functionCall"]["name"], "f");
    // Streams would mix them, and others know only one.
    assert_eq!(
        to(Dialect::Gemini, &gemini, Dialect::OpenAi, true).unwrap_err().param(),
        Some("generationConfig.candidateCount")
    );
    assert_eq!(to(Dialect::OpenAi, &chat, Dialect::Responses, false).unwrap_err().param(), Some("n"));
}
