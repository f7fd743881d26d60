//! How long estimating the tokens of a request takes: `cargo run --release -p hub-formats --example token_estimate`.
#![expect(clippy::print_stdout, reason = "a report for the person who runs it")]

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use hub_formats::estimate::{TextCount, Tokenizer, tokens_in_body};
use hub_formats::scan::scan_request;
use hub_types::Dialect;
use serde_json::{Value, json};

const SIZES: [usize; 4] = [4 * 1024, 32 * 1024, 100 * 1024, 1024 * 1024];

/// The samples of a kind, over and over.
fn text(kind: &str, bytes: usize) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(kind);
    let mut files: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path()).collect();
    files.sort();
    let all: String = files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect();
    let mut text = all.repeat(bytes / all.len().max(1) + 1);
    text.truncate(text.floor_char_boundary(bytes));
    text
}

fn message(content: &Value) -> Value {
    json!({"role": "user", "content": content})
}

fn body(kind: &str, bytes: usize) -> Value {
    let messages = |kind: &str, each: usize| -> Vec<Value> {
        let text: Vec<char> = text(kind, bytes).chars().collect();
        text.chunks(each).map(|text| message(&json!(text.iter().collect::<String>()))).collect()
    };
    match kind {
        "many small" => json!({"messages": messages("english", 150)}),
        "tools" => {
            let tool = json!({"name": "read_file", "description": text("english", 300), "input_schema": {"type":
                "object", "properties": {"path": {"type": "string"}, "limit": {"type": "integer"}}}});
            json!({"tools": vec![tool; bytes / 450], "messages": []})
        }
        "calls" => {
            let input = json!({"path": "src/main.rs", "old": text("code", 400), "new": text("code", 400)});
            let call = json!([{"type": "tool_use", "id": "toolu_1", "name": "edit", "input": input}]);
            json!({"messages": vec![message(&call); bytes / 1000]})
        }
        _ => json!({"messages": messages(kind, 8_000)}),
    }
}

fn main() {
    println!("{:<12} {:>9} {:>10} {:>12} {:>10}", "body", "bytes", "scan µs", "estimate µs", "tokens");
    for kind in ["english", "code", "chinese", "json", "many small", "tools", "calls"] {
        for size in SIZES {
            let body = body(kind, size).to_string().into_bytes();
            let scan = time(|| scan_request(Dialect::Claude, black_box(&body)).is_ok());
            let Ok(facts) = scan_request(Dialect::Claude, &body) else { continue };
            let estimate = || {
                tokens_in_body(Dialect::Claude, Tokenizer::Claude47, black_box(&body), &facts.conversation)
            };
            let taken = time(estimate);
            println!("{kind:<12} {:>9} {scan:>10.1} {taken:>12.1} {:>10}", body.len(), estimate().likely());
        }
    }
    for bytes in [20, 200, 100_000] {
        let text = text("code", bytes);
        let taken = time(|| TextCount::of(black_box(text.as_bytes())));
        println!("a text of {bytes} bytes: {taken:.2} µs");
    }
}

/// What a run takes by itself, in microseconds: a tenth of many runs was faster. The others tell what else the
/// machine was doing.
fn time<T>(mut run: impl FnMut() -> T) -> f64 {
    const RUNS: u32 = 8;
    let mut times: Vec<f64> = (0..501)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..RUNS {
                black_box(run());
            }
            start.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 10).copied().unwrap_or_default()
}
