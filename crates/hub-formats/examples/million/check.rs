//! What holds whatever comes.

use allocation_counter::measure;
use hub_formats::convert::{AnswerPlan, Converter, End, Source, Status, Target, convert_request};
use hub_types::Dialect;

use super::inputs::MODELS;
use super::random::Random;

/// Bytes that conversion may hold at once for each byte of input, its own output among them.
const PER_BYTE: u64 = 100;
/// And beside: definitions may be put in place of their names until schemas have 50,000 nodes.
const BESIDE: u64 = 16 * 1024 * 1024;

/// Memory in proportion to the input, and all of it given back.
fn bounded(input: &[u8], run: impl FnOnce()) -> u64 {
    let used = measure(run);
    let most = PER_BYTE * input.len() as u64 + BESIDE;
    assert!(used.bytes_max <= most, "{} bytes: {}", used.bytes_max, String::from_utf8_lossy(input));
    assert!(used.bytes_current <= 0, "{} bytes kept: {}", used.bytes_current, String::from_utf8_lossy(input));
    used.bytes_max
}

/// Converts a request for some provider; what is written is JSON. Returns the most bytes held at once.
pub(crate) fn request(dialect: Dialect, body: &[u8], random: &mut Random) -> u64 {
    let source = Source { dialect, body, path_model: None, path_stream: random.once_in(2) };
    let model: &&str = random.pick(&MODELS);
    let target = Target::new(*random.pick(&Dialect::ALL), model);
    bounded(body, || {
        if let Ok(converted) = convert_request(source, &target) {
            let again: Result<&serde_json::value::RawValue, _> = serde_json::from_slice(&converted.body);
            assert!(again.is_ok(), "{dialect} to {}: {}", target.dialect, String::from_utf8_lossy(body));
        }
    })
}

/// What is remembered of a request of every client to every provider.
pub(crate) struct Plans(Vec<AnswerPlan>);

impl Plans {
    pub(crate) fn new() -> Self {
        let mut plans = Vec::new();
        for client in Dialect::ALL {
            for upstream in Dialect::ALL {
                for stream in [true, false] {
                    let body = match client {
                        Dialect::Claude | Dialect::OpenAi => format!(
                            r#"{{"model":"m","stream":{stream},"messages":[{{"role":"user","content":"x"}}]}}"#
                        ),
                        Dialect::Responses => format!(
                            r#"{{"model":"m","stream":{stream},"input":"x","tools":[{{"type":"custom","name":"g"}},{{"type":"local_shell"}}]}}"#
                        ),
                        Dialect::Gemini => r#"{"contents":[{"parts":[{"text":"x"}]}]}"#.to_owned(),
                        Dialect::GeminiCli => {
                            r#"{"model":"m","request":{"contents":[{"parts":[{"text":"x"}]}]}}"#.to_owned()
                        }
                    };
                    let source = Source {
                        dialect: client,
                        body: body.as_bytes(),
                        path_model: None,
                        path_stream: stream,
                    };
                    let target = Target::new(upstream, "m");
                    plans.extend(convert_request(source, &target).map(|done| done.plan));
                    let several = body
                        .replace("\"model\":\"m\",", "\"model\":\"m\",\"n\":3,")
                        .replace("\"contents\"", "\"generationConfig\":{\"candidateCount\":3},\"contents\"");
                    let source = Source { body: several.as_bytes(), ..source };
                    plans.extend(convert_request(source, &target).map(|done| done.plan));
                    // Where the client reads no lists, this says nothing.
                    if let Some(mut plan) = plans.last().cloned() {
                        plan.list = true;
                        plans.push(plan);
                    }
                }
            }
        }
        Self(plans)
    }

    /// Some client's, of this upstream.
    pub(crate) fn any(&self, upstream: Dialect, random: &mut Random) -> &AnswerPlan {
        loop {
            let plan = random.pick(&self.0);
            if plan.upstream == upstream && plan.client != upstream {
                return plan;
            }
        }
    }

    pub(crate) fn of(&self, upstream: Dialect, client: Dialect) -> Option<&AnswerPlan> {
        self.0.iter().find(|plan| plan.upstream == upstream && plan.client == client && plan.stream)
    }
}

/// Converts an answer that comes in pieces of `size` bytes.
pub(crate) fn run(plan: &AnswerPlan, answer: &[u8], size: usize) -> (Status, Vec<u8>) {
    let (mut converter, mut out) = (Converter::new(plan.clone()), Vec::new());
    for piece in answer.chunks(size.max(1)) {
        converter.feed(piece, &mut out);
    }
    (converter.finish(End::Eof, &mut out), out)
}

/// Converts an answer for some client: it ends in one way, however it is cut. Returns the most bytes held at once.
pub(crate) fn answer(plan: &AnswerPlan, answer: &[u8], random: &mut Random) -> u64 {
    bounded(answer, || ends_in_one_way(plan, answer, random))
}

fn ends_in_one_way(plan: &AnswerPlan, answer: &[u8], random: &mut Random) {
    let whole = run(plan, answer, answer.len());
    assert_ne!(whole.0, Status::NeedMore, "an answer that has ended is over");
    assert_eq!(
        matches!(whole.0, Status::Failed(_)),
        whole.1.is_empty(),
        "{}",
        String::from_utf8_lossy(answer)
    );
    let size = 1 + random.below(40);
    assert_eq!(run(plan, answer, size), whole, "{size}: {}", String::from_utf8_lossy(answer));
}
