//! The chain of a conversation never panics, begins alike however much of it is asked for, and is not moved by
//! writing the same JSON anew. Estimating its tokens never panics either.
#![no_main]

use hub_formats::conversation::{ChainRules, chain_at, conversation_chain};
use hub_formats::estimate::{Tokenizer, tokens_in_body};
use hub_formats::scan::{ConversationSpans, scan_request};
use hub_types::Dialect;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    for dialect in Dialect::ALL {
        for include_system_prompt in [false, true] {
            let rules = |message_count| ChainRules { message_count, include_system_prompt };
            // Not scanned before, and pointed at the wrong places.
            let spans = ConversationSpans {
                messages: Some(0..body.len()),
                system: Some(body.len() / 2..body.len() + 1),
                tools: Some(0..body.len() / 2),
            };
            let _ = chain_at(dialect, body, &spans, rules(3));
            let tokens = tokens_in_body(dialect, Tokenizer::Claude47, body, &spans);
            assert!(tokens.likely() <= tokens.at_most());

            let Ok(facts) = scan_request(dialect, body) else {
                assert!(conversation_chain(dialect, body, rules(3)).is_empty());
                continue;
            };
            let deep = conversation_chain(dialect, body, rules(8));
            assert_eq!(deep, chain_at(dialect, body, &facts.conversation, rules(8)));
            assert!(deep.len() <= facts.message_count.unwrap_or(0));
            let short = conversation_chain(dialect, body, rules(2));
            assert_eq!(short[..], deep[..deep.len().min(2)]);
            // Numbers count as they are written, and serde_json writes some of them differently. Of two spellings
            // of a member the last one counts, and serde_json sorts them.
            if !facts.repeated && !body.iter().any(u8::is_ascii_digit) {
                if let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) {
                    let anew = serde_json::to_vec(&value).expect("a value can be written");
                    assert_eq!(deep, conversation_chain(dialect, &anew, rules(8)));
                }
            }
        }
    }
});
