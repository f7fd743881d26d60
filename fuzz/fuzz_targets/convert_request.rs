//! Whatever a client sends, converting it ends in JSON or a refusal, and the JSON converts again.
#![no_main]

use hub_formats::convert::{Source, Target, convert_request};
use hub_types::Dialect;
use libfuzzer_sys::fuzz_target;

const MODELS: [&str; 6] =
    ["claude-opus-5-5", "claude-sonnet-4-5", "gpt-4o", "gpt-5.6", "gemini-3-pro", "unknown"];

fuzz_target!(|input: &[u8]| {
    let Some((&first, body)) = input.split_first() else { return };
    let model = MODELS[usize::from(first) % MODELS.len()];
    for from in Dialect::ALL {
        let source = Source { dialect: from, body, path_model: None, path_stream: first & 128 != 0 };
        for to in Dialect::ALL {
            let Ok(converted) = convert_request(source, &Target::new(to, model)) else { continue };
            serde_json::from_slice::<serde_json::Value>(&converted.body).expect("what is written is JSON");
            let again = Source { dialect: to, body: &converted.body, ..source };
            let _ = convert_request(again, &Target::new(from, model));
        }
    }
});
