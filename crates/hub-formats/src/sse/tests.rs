use proptest::prelude::*;

use super::{SseDecoder, SseError, push_event};

type Owned = (Option<String>, String);

fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, limit: usize) -> (Vec<Owned>, Option<SseError>) {
    let mut decoder = SseDecoder::with_limit(limit);
    let mut events = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut result = Ok(());
    for chunk in chunks {
        result =
            result.and(decoder.push(chunk, |event| events.push((event.name.map(text), text(event.data)))));
    }
    result = result.and(decoder.finish(|event| events.push((event.name.map(text), text(event.data)))));
    (events, result.err())
}

fn whole(stream: &[u8]) -> Vec<Owned> {
    decode([stream], 1000).0
}

#[test]
fn the_input_rules_hold() {
    let event = |name: Option<&str>, data: &str| (name.map(str::to_owned), data.to_owned());
    for (stream, expected) in [
        (
            "data:x\n\ndata: x\r\n\r\ndata:  x\r\r",
            vec![event(None, "x"), event(None, "x"), event(None, " x")],
        ),
        ("\u{feff}event: a\ndata: 1\n\n", vec![event(Some("a"), "1")]),
        ("data: 1\nevent: late\nid: 7\nretry: 1\n\n", vec![event(Some("late"), "1")]),
        ("event: a\r\ndata: 1\r\ndata: 2\r\n\r\n", vec![event(Some("a"), "1\n2")]),
        ("data: {\ndata: }\n\n", vec![event(None, "{\n}")]),
        (": hi\n\ndata: 1\n: between\ndata: 2\n\n:\n\n", vec![event(None, "1\n2")]),
        ("event: ping\n\ndata\n\n", vec![event(None, "")]),
        ("data: last", vec![event(None, "last")]),
        ("data: a\u{2028}b\u{85}c\n\n", vec![event(None, "a\u{2028}b\u{85}c")]),
        ("data: \u{feff}x\n\n", vec![event(None, "\u{feff}x")]),
    ] {
        assert_eq!(whole(stream.as_bytes()), expected, "{stream:?}");
    }
}

#[test]
fn data_inside_one_chunk_is_not_copied() {
    let chunk = b"event: a\ndata: hello\n\n";
    let mut borrowed = false;
    SseDecoder::new()
        .push(chunk, |event| borrowed = chunk.as_ptr_range().contains(&event.data.as_ptr()))
        .unwrap();
    assert!(borrowed);
}

#[test]
fn events_beyond_the_limit_end_the_decoder_but_long_streams_of_comments_do_not() {
    let (events, error) = decode([&b"data: 1\n\ndata: 123456789\n\ndata: 2\n\n"[..]], 10);
    assert_eq!((events.len(), error), (1, Some(SseError::EventTooLarge(10))));
    let comments = b": ping\n".repeat(100);
    assert_eq!(decode([comments.as_slice()], 10), (vec![], None));
}

#[test]
fn what_is_encoded_decodes() {
    let mut stream = Vec::new();
    push_event(&mut stream, Some("a\nb"), b"1\r\n2");
    push_event(&mut stream, None, b"");
    assert_eq!(stream, b"event: ab\ndata: 1\ndata: 2\n\ndata: \n\n");
    assert_eq!(whole(&stream), [(Some("ab".to_owned()), "1\n2".to_owned()), (None, String::new())]);
}

fn streams() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("\n"),
        Just("\r"),
        Just("\r\n"),
        Just("data:"),
        Just("data: "),
        Just("data"),
        Just("event: x"),
        Just(":"),
        Just("é漢"),
        Just("{\"a\":1}"),
        Just("\u{feff}"),
        Just(" "),
        Just("\n\n"),
        Just("0123456789")
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn cuts_do_not_matter(stream in streams(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        cuts.push(stream.len());
        let pieces = cuts.iter().scan(0, |from, &to| Some(&stream[std::mem::replace(from, to)..to]));
        for limit in [1000, 24] {
            let expected = decode([stream.as_slice()], limit);
            prop_assert_eq!(&decode(pieces.clone(), limit), &expected);
            prop_assert_eq!(&decode(stream.chunks(1), limit), &expected);
        }
    }

    #[test]
    fn random_bytes_do_not_panic(stream in prop::collection::vec(any::<u8>(), 0..200)) {
        decode(stream.chunks(7), 20);
    }
}
