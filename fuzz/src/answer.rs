//! What holds for every answer that is converted.

use hub_formats::convert::{Converter, End, Source, Status, Target, convert_request};
use hub_types::Dialect;

fn small_request(dialect: Dialect, stream: bool) -> String {
    match dialect {
        Dialect::Claude | Dialect::OpenAi => {
            format!(r#"{{"model":"m","stream":{stream},"messages":[{{"role":"user","content":"x"}}]}}"#)
        }
        Dialect::Responses => format!(r#"{{"model":"m","stream":{stream},"input":"x"}}"#),
        Dialect::Gemini => r#"{"contents":[{"parts":[{"text":"x"}]}]}"#.to_owned(),
        Dialect::GeminiCli => r#"{"model":"m","request":{"contents":[{"parts":[{"text":"x"}]}]}}"#.to_owned(),
    }
}

/// The first byte says how the rest is cut.
pub fn check(upstream: Dialect, input: &[u8]) {
    let Some((&first, answer)) = input.split_first() else { return };
    let size = usize::from(first).max(1);
    for client in Dialect::ALL.into_iter().filter(|client| *client != upstream) {
        for stream in [true, false] {
            let body = small_request(client, stream);
            let source =
                Source { dialect: client, body: body.as_bytes(), path_model: None, path_stream: stream };
            let plan = convert_request(source, &Target::new(upstream, "m")).expect("a plain request").plan;
            let run = |chunks: &mut dyn Iterator<Item = &[u8]>| {
                let (mut converter, mut out) = (Converter::new(plan.clone()), Vec::new());
                for chunk in chunks {
                    converter.feed(chunk, &mut out);
                }
                let status = converter.finish(End::Eof, &mut out);
                (out, status)
            };
            let whole = run(&mut std::iter::once(answer));
            assert_ne!(whole.1, Status::NeedMore, "an answer that has ended is over");
            assert_eq!(matches!(whole.1, Status::Failed(_)), whole.0.is_empty());
            assert_eq!(run(&mut answer.chunks(size)), whole);
        }
    }
}
