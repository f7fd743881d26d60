//! What the scanner accepts is JSON, and an edit changes its own span and no other byte.
#![no_main]

use hub_formats::scan::scan_request;
use hub_formats::splice::{model_edits, splice, usage_edit};
use hub_types::Dialect;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    for dialect in Dialect::ALL {
        let Ok(facts) = scan_request(dialect, body) else { continue };
        let ignored: Result<serde::de::IgnoredAny, _> = serde_json::from_slice(body);
        // serde_json stops at 128 levels, the scanner at 256.
        assert!(ignored.is_ok() || body.iter().filter(|byte| matches!(byte, b'[' | b'{')).count() > 100);
        if let Some(field) = &facts.model {
            let spliced = splice(body, &model_edits(&facts, "other\"model")).expect("spans fit");
            let again = scan_request(dialect, &spliced).expect("still JSON");
            assert_eq!(again.model_name(), Some("other\"model"));
            assert!(spliced.ends_with(&body[field.span.end..]));
            if field.shadowed.is_empty() {
                assert!(spliced.starts_with(&body[..field.span.start]));
            }
        }
        if matches!(dialect, Dialect::OpenAi) {
            if let Some(edit) = usage_edit(&facts) {
                let spliced = splice(body, std::slice::from_ref(&edit)).expect("the span fits");
                let again = scan_request(dialect, &spliced).expect("still JSON");
                assert!(usage_edit(&again).is_none());
                assert!(spliced.starts_with(&body[..edit.span.start]) && spliced.ends_with(&body[edit.span.end..]));
            }
        }
    }
});
