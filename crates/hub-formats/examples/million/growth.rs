//! Inputs of one kind in two sizes: twice the size takes about twice the time, and the memory stays in proportion.

use std::fmt::Write as _;

use allocation_counter::measure;
use hub_formats::convert::{Source, Target, convert_request};
use hub_types::Dialect;
use serde_json::{Value, json};

use super::check::{Plans, run};
use super::clock::micros;

/// Time may grow by this factor where the size doubles: by 2, and what caches and other programs add.
pub(crate) const MOST: f64 = 2.5;

/// One kind of input.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) dialect: Dialect,
    /// How many bytes come at once; 0 = the input is a request.
    pub(crate) pieces: usize,
    /// The input with so many things in it.
    pub(crate) make: fn(usize) -> Vec<u8>,
    /// How many things the smaller one has.
    pub(crate) count: usize,
}

/// What one family takes.
pub(crate) struct Figures {
    pub(crate) bytes: usize,
    pub(crate) micros: f64,
    pub(crate) ratio: f64,
    pub(crate) memory: f64,
}

pub(crate) fn report() {
    println!("| input | dialect | KB | µs | twice the size: time × | memory, bytes a byte |");
    println!("| --- | --- | --: | --: | --: | --: |");
    let plans = Plans::new();
    for family in families() {
        let mut best = family.measure(&plans);
        // Other programs make a run longer, never shorter.
        for _ in 0..6 {
            if best.ratio > 2.2 {
                let again = family.measure(&plans);
                best = if again.ratio < best.ratio { again } else { best };
            }
        }
        let Figures { bytes, micros, ratio, memory } = best;
        let mark = if ratio > MOST { " **too much**" } else { "" };
        let (name, dialect, size) = (family.name, family.dialect, bytes / 1024);
        println!("| {name} | {dialect} | {size} | {micros:.0} | {ratio:.2}{mark} | {memory:.0} |");
    }
}

impl Family {
    /// Over all targets or clients together.
    pub(crate) fn measure(&self, plans: &Plans) -> Figures {
        let (one, two) = ((self.make)(self.count), (self.make)(self.count * 2));
        let (small, _) = self.cost(&one, plans);
        let (large, memory) = self.cost(&two, plans);
        Figures { bytes: one.len(), micros: small, ratio: large / small, memory: memory / two.len() as f64 }
    }

    /// Microseconds of the quickest of some runs, and the most bytes at once.
    fn cost(&self, input: &[u8], plans: &Plans) -> (f64, f64) {
        let mut most = 0;
        let mut total = 0.0;
        for other in Dialect::ALL.into_iter().filter(|other| *other != self.dialect) {
            let run = || {
                if self.pieces == 0 {
                    request(self.dialect, input, other);
                } else if let Some(plan) = plans.of(self.dialect, other) {
                    run(plan, input, self.pieces);
                }
            };
            most = most.max(measure(run).bytes_max);
            let times = (0..9).map(|_| micros(run));
            total += times.fold(f64::INFINITY, f64::min);
        }
        (total, most as f64)
    }
}

fn request(dialect: Dialect, body: &[u8], to: Dialect) {
    let source = Source { dialect, body, path_model: None, path_stream: true };
    let model = match to {
        Dialect::Claude => "claude-opus-5-5",
        Dialect::OpenAi | Dialect::Responses => "gpt-5.6",
        Dialect::Gemini | Dialect::GeminiCli => "gemini-3-pro",
    };
    let _ = std::hint::black_box(convert_request(source, &Target::new(to, model)));
}

fn list(count: usize, one: impl Fn(usize) -> Value) -> Value {
    (0..count).map(one).collect()
}

fn claude(members: Value) -> Vec<u8> {
    let mut body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]});
    if let (Some(body), Value::Object(members)) = (body.as_object_mut(), members) {
        body.extend(members);
    }
    body.to_string().into_bytes()
}

fn wide(count: usize) -> Value {
    Value::Object((0..count).map(|at| (format!("m{at}"), json!(at))).collect())
}

fn tool(name: &str, schema: &Value) -> Value {
    json!({"name": name, "input_schema": schema})
}

fn schema(members: Value) -> Vec<u8> {
    let mut root = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    if let (Some(root), Value::Object(members)) = (root.as_object_mut(), members) {
        root.extend(members);
    }
    claude(json!({"tools": [tool("f", &root)]}))
}

fn calls(count: usize, result_of: fn(usize, usize) -> usize) -> Vec<u8> {
    let call =
        |at: usize| json!({"type": "tool_use", "id": format!("t{at}"), "name": "f", "input": {"a": at}});
    let result = |at: usize| json!({"type": "tool_result", "tool_use_id": format!("t{}", result_of(at, count)), "content": "r"});
    claude(
        json!({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": list(count, call)},
        {"role": "user", "content": list(count, result)}]}),
    )
}

fn stream(events: impl IntoIterator<Item = Value>) -> Vec<u8> {
    let text = events.into_iter().fold(String::new(), |mut all, event| {
        let _ = write!(all, "data: {event}\n\n");
        all
    });
    text.into_bytes()
}

fn chat(deltas: impl IntoIterator<Item = Value>) -> Vec<u8> {
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let chunks =
        deltas.into_iter().map(|delta| json!({"id": "c", "choices": [{"index": 0, "delta": delta}]}));
    stream(chunks.chain([end]))
}

fn texts(count: usize) -> Vec<u8> {
    chat((0..count).map(|at| json!({"content": format!("word {at} \"\n")})))
}

fn call_of(at: usize, arguments: &str) -> Value {
    let id = if arguments.is_empty() { json!(format!("call_{at}")) } else { Value::Null };
    json!({"tool_calls": [{"index": at, "id": id, "function": {"name": "f", "arguments": arguments}}]})
}

fn gemini_list(count: usize) -> Vec<u8> {
    let chunk = |at: usize| {
        json!({"candidates": [{"content": {"parts": [{"text": format!("w{at}")}]}, "index": 0,
        "finishReason": if at + 1 == count { json!("STOP") } else { Value::Null }}]})
    };
    list(count, chunk).to_string().into_bytes()
}

fn responses(count: usize) -> Vec<u8> {
    let item = |at: usize| json!({"type": "message", "content": [{"type": "output_text", "text": format!("w{at}")}]});
    let done = |at: usize| json!({"type": "response.output_item.done", "output_index": at, "item": item(at)});
    let last = json!({"type": "response.completed", "response": {"id": "r", "status": "completed", "output": list(count, item)}});
    stream((0..count).map(done).chain([last]))
}

fn blocks(count: usize) -> Vec<u8> {
    let start = |at: usize| json!({"type": "content_block_start", "index": at, "content_block": {"type": "tool_use", "id": format!("t{at}"), "name": "f", "input": {}}});
    let delta = |at: usize| json!({"type": "content_block_delta", "index": at, "delta": {"type": "input_json_delta", "partial_json": "{\"a\":1}"}});
    let end = [
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}}),
        json!({"type": "message_stop"}),
    ];
    stream((0..count).map(start).chain((0..count).rev().map(delta)).chain(end))
}

fn lines(count: usize) -> Vec<u8> {
    let mut text =
        "data: {\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"delta\":{\"content\":[\n".to_owned();
    text.push_str(&"data: {\"text\":\"w\"},\ndata:\n: comment\n".repeat(count));
    text.push_str("data: {}]}}]}\n\n");
    text.into_bytes()
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!({}), |inner, _| json!({"d": [inner]}))
}

pub(crate) fn families() -> Vec<Family> {
    use Dialect::{Claude, Gemini, GeminiCli, OpenAi, Responses};
    let of =
        |name, dialect, pieces, count: usize, make| Family { name, dialect, pieces, make, count: count / 3 };
    vec![
        of("wide arguments", Claude, 0, 20_000, |n| {
            claude(
                json!({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": wide(n)}]}]}),
            )
        }),
        of("unknown members", Claude, 0, 20_000, |n| claude(wide(n))),
        of("deep values", Claude, 0, 300, |n| {
            claude(json!({"messages": list(n, |_| json!({"role": "user",
            "content": [{"type": "x", "y": nested(110)}]}))}))
        }),
        of("deep schemas", Claude, 0, 200, |n| {
            let deep = (0..100).fold(
                json!({"type": "string"}),
                |inner, _| json!({"type": "object", "properties": {"d": inner}}),
            );
            claude(json!({"tools": list(n, |at| tool(&format!("f{at}"), &deep))}))
        }),
        of("messages", Claude, 0, 10_000, |n| {
            claude(json!({"messages": list(n, |at| json!({"role":
            if at % 2 == 0 { "user" } else { "assistant" }, "content": "word"}))}))
        }),
        of("messages of one role", Claude, 0, 10_000, |n| {
            claude(json!({"messages": list(n, |_| json!({"role": "user", "content": "word"}))}))
        }),
        of("system turns", Claude, 0, 10_000, |n| {
            claude(json!({"messages": list(n, |at| json!({"role":
            if at % 2 == 0 { "user" } else { "system" }, "content": "word"}))}))
        }),
        of("calls of one turn", Claude, 0, 5_000, |n| calls(n, |at, _| at)),
        of("results in reverse", Claude, 0, 5_000, |n| calls(n, |at, count| count - 1 - at)),
        of("results of no call", Claude, 0, 5_000, |n| calls(n, |at, count| at + count)),
        of("results of one call", Claude, 0, 5_000, |n| calls(n, |_, _| 0)),
        of("colliding names", Claude, 0, 5_000, |n| {
            claude(
                json!({"tools": list(n, |at| tool(&format!("t{}", char::from_u32(0x4e00 + u32::try_from(at % 20_000).unwrap_or(0)).unwrap_or('x')), &json!({"type": "object"})))}),
            )
        }),
        of("long colliding names", Claude, 0, 2_000, |n| {
            claude(
                json!({"tools": list(n, |at| tool(&format!("{}{at}", "n".repeat(200)), &json!({"type": "object"})))}),
            )
        }),
        of("the same tool", Responses, 0, 5_000, |n| {
            json!({"input": "x", "tools": list(n, |_| json!({"type": "function", "name": "f"}))})
                .to_string()
                .into_bytes()
        }),
        of("allowed tools", Responses, 0, 5_000, |n| {
            json!({"input": "x",
            "tools": list(n, |at| json!({"type": "function", "name": format!("f{at}")})),
            "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": list(n, |at| json!({"type": "function", "name": format!("f{at}")}))}})
            .to_string().into_bytes()
        }),
        of("hosted tools", Responses, 0, 5_000, |n| {
            json!({"input": "x", "tools": list(n, |at| json!({"type": format!("hosted_{at}")}))})
                .to_string()
                .into_bytes()
        }),
        of("escapes", Claude, 0, 40_000, |n| {
            claude(json!({"messages": [{"role": "user", "content": "\"\\\n\u{1}é".repeat(n)}]}))
        }),
        of("escaped letters", OpenAi, 0, 40_000, |n| {
            format!(
                r#"{{"messages":[{{"role":"user","content":"{}"}}]}}"#,
                r"\u00e9\ud83d\ude00\u0001".repeat(n)
            )
            .into_bytes()
        }),
        of("wide schema", Claude, 0, 5_000, |n| {
            let properties: Value = (0..n)
                .map(|at| (format!("p{at}"), json!({"type": "string"})))
                .collect::<serde_json::Map<_, _>>()
                .into();
            schema(json!({"properties": properties, "required": list(n, |at| json!(format!("p{at}")))}))
        }),
        of("enum", Claude, 0, 20_000, |n| {
            schema(
                json!({"properties": {"a": {"type": "string", "enum": list(n, |at| json!(format!("e{at}")))}}}),
            )
        }),
        of("anyOf", Claude, 0, 5_000, |n| {
            schema(
                json!({"properties": {"a": {"anyOf": list(n, |at| json!({"type": "string", "maxLength": at}))}}}),
            )
        }),
        of("a wide arm", Claude, 0, 10_000, |n| {
            schema(json!({"properties": {"a": {"anyOf": [wide(n), {"type": "null"}]}}}))
        }),
        of("allOf", Claude, 0, 5_000, |n| {
            schema(
                json!({"properties": {"a": {"allOf": list(n, |at| json!({"properties": {format!("p{at}"): {}}, "required": [format!("p{at}")]}))}}}),
            )
        }),
        of("arms at the root", Claude, 0, 3_000, |n| {
            schema(
                json!({"anyOf": list(n, |at| json!({"properties": {format!("p{at}"): {}}, "required": ["a", format!("p{at}")]}))}),
            )
        }),
        of("references", Claude, 0, 2_000, |n| {
            let properties: Value = (0..n)
                .map(|at| (format!("p{at}"), json!({"$ref": format!("#/$defs/d{at}")})))
                .collect::<serde_json::Map<_, _>>()
                .into();
            let defs: Value = (0..n)
                .map(|at| (format!("d{at}"), json!({"type": "string"})))
                .collect::<serde_json::Map<_, _>>()
                .into();
            schema(json!({"properties": properties, "$defs": defs}))
        }),
        of("references to a long definition", Claude, 0, 1_500, |n| {
            let properties: Value = (0..n)
                .map(|at| (format!("p{at}"), json!({"$ref": "#/$defs/d"})))
                .collect::<serde_json::Map<_, _>>()
                .into();
            schema(
                json!({"properties": properties, "$defs": {"d": {"type": "string", "enum": list(n, |at| json!(format!("e{at}"))), "description": "word ".repeat(n)}}}),
            )
        }),
        of("calls without ids", Gemini, 0, 3_000, |n| {
            json!({"contents": [{"role": "model", "parts": list(n, |at| json!({"functionCall": {"name": format!("f{}", at % 7), "args": {"a": at}}}))},
                {"role": "user", "parts": list(n, |at| json!({"functionResponse": {"name": format!("f{}", at % 5), "response": {"output": "x"}}}))}]}).to_string().into_bytes()
        }),
        of("thoughts in pieces", Gemini, 0, 10_000, |n| {
            json!({"contents": [{"role": "model", "parts": list(n, |_| json!({"text": "word", "thought": true}))}]}).to_string().into_bytes()
        }),
        of("text deltas", OpenAi, 4096, 5_000, texts),
        of("text deltas, byte by byte", OpenAi, 1, 2_000, texts),
        of("calls open at once", OpenAi, 4096, 2_000, |n| {
            chat((0..n).map(|at| call_of(at, "")).chain((0..n).rev().map(|at| call_of(at, "{\"a\":1}"))))
        }),
        of("calls one by one", OpenAi, 4096, 3_000, |n| {
            chat((0..n).flat_map(|at| [call_of(at, ""), call_of(at, "{}"), json!({"content": "w"})]))
        }),
        of("calls without names", OpenAi, 4096, 2_000, |n| {
            chat((0..n).map(|at| json!({"tool_calls": [{"index": at, "function": {"arguments": "x"}}]})))
        }),
        of("blocks open at once", Claude, 4096, 2_000, blocks),
        of("one long delta", OpenAi, 1, 100_000, |n| chat([json!({"content": "\"é".repeat(n)})])),
        of("data in many lines", OpenAi, 7, 10_000, lines),
        of("a wide event", OpenAi, 4096, 20_000, |n| chat([wide(n)])),
        of("items", Responses, 4096, 3_000, responses),
        of("a list", Gemini, 4096, 5_000, gemini_list),
        of("a list, byte by byte", Gemini, 1, 2_000, gemini_list),
        of("a body of numbers", GeminiCli, 65_536, 200_000, |n| {
            format!("[{}0]", "0,".repeat(n)).into_bytes()
        }),
    ]
}
