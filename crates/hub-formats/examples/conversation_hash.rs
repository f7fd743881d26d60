//! How long recognising a conversation takes: `cargo run --release -p hub-formats --example conversation_hash`.
#![expect(clippy::print_stdout, reason = "a report for the person who runs it")]

use std::hint::black_box;
use std::time::Instant;

use hub_formats::conversation::{ChainRules, chain_at, conversation_chain};
use hub_formats::scan::scan_request;
use hub_types::Dialect;

const SIZE: usize = 100 * 1024;

fn text(bytes: usize) -> String {
    "the quick brown fox jumps over the lazy dog and goes on ".chars().cycle().take(bytes).collect()
}

/// Source code, as JSON has it: a line break or a quote every forty characters.
fn code(bytes: usize) -> String {
    r#"    let name = \"value\".to_owned(); // as it is\n"#.chars().cycle().take(bytes / 48 * 48).collect()
}

fn body(messages: &[String], system: &str) -> String {
    format!(r#"{{"model":"m","system":"{system}","messages":[{}],"stream":true}}"#, messages.join(","))
}

fn said(text: &str) -> String {
    format!(
        r#"{{"role":"user","content":[{{"type":"text","text":"{text}","cache_control":{{"type":"ephemeral"}}}}]}}"#
    )
}

fn seen(data: &str) -> String {
    format!(
        r#"{{"role":"user","content":[{{"type":"image","source":{{"type":"base64","media_type":"image/png","data":"{data}"}}}}]}}"#
    )
}

fn main() {
    let third = SIZE / 3;
    let cases = [
        ("one huge message", body(&[said(&text(SIZE))], "")),
        ("one huge message of code", body(&[said(&code(SIZE))], "")),
        ("three of 33 KB", body(&[said(&text(third)), said(&text(third)), said(&text(third))], "")),
        ("many small ones", body(&vec![said(&text(200)); SIZE / 300], "")),
        (
            "three images of 33 KB",
            body(
                &[
                    seen(&"iVBO".repeat(third / 4)),
                    seen(&"Rw0K".repeat(third / 4)),
                    seen(&"Ggo/".repeat(third / 4)),
                ],
                "",
            ),
        ),
        (
            "a system prompt of 96 KB",
            body(&[said(&text(1000)), said(&text(1000)), said(&text(1000))], &text(SIZE - 4000)),
        ),
    ];
    let rules = ChainRules { message_count: 3, include_system_prompt: false };
    println!("{:<26} {:>8} {:>14} {:>16}", "body", "bytes", "scanned µs", "from nothing µs");
    for (name, body) in &cases {
        let body = body.as_bytes();
        let Ok(facts) = scan_request(Dialect::Claude, body) else { continue };
        let after_scan =
            median(|| chain_at(Dialect::Claude, black_box(body), &facts.conversation, rules).len());
        let whole = median(|| conversation_chain(Dialect::Claude, black_box(body), rules).len());
        println!("{name:<26} {:>8} {after_scan:>14.1} {whole:>16.1}", body.len());
    }
}

/// The median of many runs, in microseconds.
fn median(mut run: impl FnMut() -> usize) -> f64 {
    let mut times: Vec<f64> = (0..2001)
        .map(|_| {
            let start = Instant::now();
            black_box(run());
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}
