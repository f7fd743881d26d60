//! However a stream is cut, the decoder gives the same events, and the usage filter the same bytes.
#![no_main]

use bytes::Bytes;
use hub_formats::sse::{SseDecoder, SseError};
use hub_formats::usage_filter::UsageChunkFilter;
use libfuzzer_sys::fuzz_target;

type Events = (Vec<(Option<Vec<u8>>, Vec<u8>)>, Result<(), SseError>);

fn decode<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Events {
    let mut decoder = SseDecoder::with_limit(512);
    let mut events = Vec::new();
    let mut result = Ok(());
    for chunk in chunks {
        result = result
            .and(decoder.push(chunk, |event| events.push((event.name.map(<[u8]>::to_vec), event.data.to_vec()))));
    }
    result = result.and(decoder.finish(|event| events.push((event.name.map(<[u8]>::to_vec), event.data.to_vec()))));
    (events, result)
}

fn filter<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let (mut filter, mut out) = (UsageChunkFilter::new(), Vec::new());
    for chunk in chunks {
        filter.push(&Bytes::copy_from_slice(chunk), &mut out);
    }
    filter.finish(&mut out);
    out.concat()
}

fuzz_target!(|input: &[u8]| {
    let Some((&size, stream)) = input.split_first() else { return };
    let size = usize::from(size).max(1);
    assert_eq!(decode(stream.chunks(size)), decode(std::iter::once(stream)));
    let filtered = filter(stream.chunks(size));
    assert_eq!(filtered, filter(std::iter::once(stream)));
    if !stream.windows(7).any(|word| word == b"\"usage\"") {
        assert_eq!(filtered, stream);
    }
});
