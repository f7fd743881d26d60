use bytes::Bytes;
use proptest::prelude::*;

use super::UsageChunkFilter;

const USAGE: &str = "data: {\"id\":\"1\",\"choices\":[],\"usage\":{\"prompt_tokens\":1}}";
const KEPT: [&str; 6] = [
    "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\"\"}}],\"usage\":null}",
    "data: {\"choices\":[],\"prompt_filter_results\":[],\"usage\":null}",
    "data: {\"choices\":[{\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1}}",
    "data: {\"choices\":[],\"usage\":{},\"error\":{\"message\":\"x\"}}",
    "data: [DONE]",
    ": comment",
];

fn filter<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> String {
    let (mut filter, mut out) = (UsageChunkFilter::new(), Vec::new());
    for chunk in chunks {
        filter.push(&Bytes::copy_from_slice(chunk), &mut out);
    }
    filter.finish(&mut out);
    String::from_utf8(out.concat()).unwrap()
}

#[test]
fn large_events_pass_without_being_held() {
    let stream = format!("data: {}\"usage\"\n\n{USAGE}\n\ndata: x\n\n", "x".repeat(200_000));
    let expected = stream.replace(&format!("{USAGE}\n\n"), "");
    assert!(filter(stream.as_bytes().chunks(1000)) == expected);
    let mut out = Vec::new();
    UsageChunkFilter::new().push(&Bytes::from("x".repeat(70_000)), &mut out);
    assert_eq!(out.len(), 1);
}

proptest! {
    #[test]
    fn only_usage_chunks_go_however_the_stream_is_cut(
        events in prop::collection::vec((0..KEPT.len() + 2, 0..3_usize), 0..8),
        size in 1..90_usize,
        ends_open in any::<bool>(),
    ) {
        let (mut stream, mut expected) = (String::new(), String::new());
        for (index, (kind, end)) in events.iter().enumerate() {
            let end = ["\n", "\r\n", "\r"][*end];
            let event = KEPT.get(*kind).unwrap_or(&USAGE);
            // A CR ends a line whatever follows, so only an event's own line end may follow it.
            let blank = if ends_open && index + 1 == events.len() { "" } else { end };
            let event = format!("{event}{end}{blank}");
            stream.push_str(&event);
            if *kind < KEPT.len() {
                expected.push_str(&event);
            }
        }
        prop_assert_eq!(filter(stream.as_bytes().chunks(size)), expected.clone());
        prop_assert_eq!(filter(stream.as_bytes().chunks(stream.len().max(1))), expected);
    }

    #[test]
    fn without_usage_chunks_it_is_the_identity(text in "[a-z:\r\n ]{0,60}", size in 1..10_usize) {
        prop_assert_eq!(filter(text.as_bytes().chunks(size)), text);
    }
}
