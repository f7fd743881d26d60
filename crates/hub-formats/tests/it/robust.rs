//! Nothing that comes makes conversion panic, and every answer ends in exactly one way.

use hub_formats::convert::{Converter, End, Source, Status, Target, convert_request};
use hub_types::Dialect;
use proptest::prelude::*;

use crate::dialects::{MODELS, request_of};
use crate::million::inputs::WORDS;

/// JSON out of words that conversion looks for.
fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("-1".to_owned()),
        Just("1e400".to_owned()),
        Just("9007199254740993".to_owned()),
        "[a-z漢]{0,4}".prop_map(|text| format!("\"{text}\"")),
        word().prop_map(|text| format!("\"{text}\"")),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec((word(), inner), 0..6).prop_map(|members| {
                let members: Vec<String> =
                    members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&WORDS[..])
}

fn small_plan(client: Dialect, upstream: Dialect, stream: bool) -> hub_formats::convert::AnswerPlan {
    let body = request_of(client);
    let body = String::from_utf8(body).unwrap();
    let body = if stream { body } else { body.replace("\"stream\":true", "\"stream\":false") };
    let source =
        Source { dialect: client, body: body.as_bytes(), path_model: Some("m"), path_stream: stream };
    let model = MODELS.iter().find(|(dialect, _)| *dialect == upstream).unwrap().1;
    convert_request(source, &Target::new(upstream, model)).unwrap().plan
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_json_is_converted_or_refused(body in any_json(), key in word()) {
        let wrapped = format!("{{\"{key}\":{body},\"request\":{{\"contents\":{body}}}}}");
        for text in [&body, &wrapped] {
            for from in Dialect::ALL {
                for (to, model) in MODELS {
                    let source =
                        Source { dialect: from, body: text.as_bytes(), path_model: None, path_stream: true };
                    if let Ok(converted) = convert_request(source, &Target::new(to, model)) {
                        let again: Result<serde_json::Value, _> = serde_json::from_slice(&converted.body);
                        // A number may be beyond what a float holds; anything else is JSON.
                        prop_assert!(again.is_ok() || text.contains("1e400"));
                    }
                }
            }
        }
    }

    #[test]
    fn any_stream_ends_in_one_way_however_it_is_cut(
        events in proptest::collection::vec(any_json(), 1..8),
        size in 1_usize..40,
    ) {
        let stream = events.iter().fold(String::new(), |all, event| all + "data: " + event + "\n\n");
        for upstream in Dialect::ALL {
            for client in Dialect::ALL.into_iter().filter(|client| *client != upstream) {
                let plan = small_plan(client, upstream, true);
                let run = |size: usize| {
                    let (mut converter, mut out) = (Converter::new(plan.clone()), Vec::new());
                    for chunk in stream.as_bytes().chunks(size) {
                        converter.feed(chunk, &mut out);
                    }
                    (converter.finish(End::Eof, &mut out), out)
                };
                let (status, out) = run(stream.len());
                prop_assert!(status != Status::NeedMore);
                prop_assert_eq!(matches!(status, Status::Failed(_)), out.is_empty());
                prop_assert_eq!(run(size), (status, out));
            }
        }
    }
}
