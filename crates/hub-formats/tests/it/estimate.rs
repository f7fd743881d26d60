//! The estimates of tokens against the counts of real tokenizers, kind by kind.
//!
//! The samples were not among the texts that the weights were fitted to. `tests/samples/counts.tsv` says which
//! tokenizers counted them. Run with `--nocapture` to see the figures.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hub_formats::estimate::{TextCount, Tokenizer, tokens_in_body};
use hub_formats::scan::scan_request;
use hub_types::Dialect;
use serde_json::json;

/// In thousandths: how far off the median sample of a kind may be.
const MEDIAN: i64 = 150;
/// And any single one.
const WORST: i64 = 300;

struct Sample {
    kind: &'static str,
    name: String,
    text: String,
    /// In the order of `Tokenizer::ALL`.
    counts: [u64; 4],
}

fn samples() -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let table = fs::read_to_string(folder.join("counts.tsv")).unwrap();
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    let samples: Vec<Sample> = rows
        .map(|row| {
            let (name, figures) = row.split_once('\t').unwrap();
            let figures: Vec<u64> = figures.split('\t').map(|figure| figure.parse().unwrap()).collect();
            let &[bytes, openai, gemini, claude3, claude47] = figures.as_slice() else { panic!("{row}") };
            let text = fs::read_to_string(folder.join(name)).unwrap();
            assert_eq!(text.len() as u64, bytes, "{name} was changed: its counts are of another text");
            let kind = match name.split('/').next().unwrap() {
                "english" => "text",
                "code" => "code",
                "json" => "JSON",
                "chinese" | "japanese" | "korean" => "CJK",
                other => panic!("{other}"),
            };
            Sample { kind, name: name.to_owned(), text, counts: [openai, gemini, claude3, claude47] }
        })
        .collect();
    assert!(samples.len() >= 37);
    samples
}

/// How far an estimate is off, in thousandths of the true count.
fn deviation(estimate: u64, truth: u64) -> i64 {
    let [estimate, truth] = [estimate, truth].map(|count| i64::try_from(count).unwrap());
    (estimate - truth) * 1000 / truth
}

fn median(mut deviations: Vec<i64>) -> i64 {
    deviations.sort_unstable();
    deviations[deviations.len() / 2]
}

/// Judges `estimate` of all samples; prints one line for each kind and tokenizer.
fn hold(title: &str, estimate: impl Fn(&Sample, Tokenizer) -> u64) {
    let samples = samples();
    for (column, tokenizer) in Tokenizer::ALL.into_iter().enumerate() {
        let mut kinds = BTreeMap::<&str, Vec<i64>>::new();
        for sample in &samples {
            let off = deviation(estimate(sample, tokenizer), sample.counts[column]);
            assert!(off.abs() <= WORST, "{title}, {tokenizer:?}, {}: off by {off} ‰", sample.name);
            kinds.entry(sample.kind).or_default().push(off);
        }
        for (kind, deviations) in kinds {
            let size = median(deviations.iter().map(|off| off.abs()).collect());
            let worst = deviations.iter().map(|off| off.abs()).max().unwrap();
            let lean = median(deviations);
            println!(
                "{title}: {tokenizer:?} {kind}: median off by {size} ‰, worst {worst} ‰, leaning {lean:+} ‰"
            );
            assert!(size <= MEDIAN, "{title}, {tokenizer:?}, {kind}: {size} ‰");
        }
    }
}

#[test]
fn texts_are_estimated_within_15_percent_of_what_tokenizers_count() {
    hold("text", |sample, tokenizer| TextCount::of(sample.text.as_bytes()).tokens_by(tokenizer));
}

#[test]
fn bodies_with_those_texts_are_estimated_as_well() {
    hold("body", |sample, tokenizer| {
        let (dialect, body) = match tokenizer {
            Tokenizer::Gemini => {
                (Dialect::Gemini, json!({"contents": [{"role": "user", "parts": [{"text": sample.text}]}]}))
            }
            Tokenizer::OpenAi => {
                let content = json!([{"type": "input_text", "text": sample.text}]);
                (Dialect::Responses, json!({"input": [{"role": "user", "content": content}]}))
            }
            Tokenizer::Claude3 | Tokenizer::Claude47 => {
                (Dialect::Claude, json!({"messages": [{"role": "user", "content": sample.text}]}))
            }
        };
        let body = body.to_string();
        let spans = scan_request(dialect, body.as_bytes()).unwrap().conversation;
        tokens_in_body(dialect, tokenizer, body.as_bytes(), &spans).text
    });
}

#[test]
fn a_sampled_conversation_of_all_kinds_is_estimated_as_well() {
    let samples = samples();
    for (column, tokenizer) in Tokenizer::ALL.into_iter().enumerate() {
        // About 600 KB, of which a sixteenth is counted.
        let messages: Vec<_> = (0..10)
            .flat_map(|_| &samples)
            .map(|sample| json!({"role": "user", "content": [{"type": "text", "text": sample.text}]}))
            .collect();
        let truth = 10 * samples.iter().map(|sample| sample.counts[column]).sum::<u64>();
        let body = json!({"messages": messages}).to_string();
        let spans = scan_request(Dialect::Claude, body.as_bytes()).unwrap().conversation;
        let tokens = tokens_in_body(Dialect::Claude, tokenizer, body.as_bytes(), &spans);
        let off = deviation(tokens.text, truth);
        println!("{tokenizer:?}: {} KB, off by {off} ‰", body.len() / 1000);
        assert!(off.abs() <= 100, "{tokenizer:?}: off by {off} ‰");
    }
}

#[test]
fn no_sample_exceeds_the_upper_bound() {
    for sample in samples() {
        let body = json!({"messages": [{"role": "user", "content": sample.text}]}).to_string();
        let spans = scan_request(Dialect::Claude, body.as_bytes()).unwrap().conversation;
        for (tokenizer, count) in Tokenizer::ALL.into_iter().zip(sample.counts) {
            let bound = tokens_in_body(Dialect::Claude, tokenizer, body.as_bytes(), &spans).at_most();
            assert!(count < bound, "{} {tokenizer:?}: {count} beyond {bound}", sample.name);
        }
    }
}
