//! From a behaviour to the steps of a body.

use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::answer::{Cache, Fault, Frame, Plan, count_tokens};
use crate::behaviour::{Behaviour, Cut, Malformed};
use crate::body::{Script, Step};
use crate::route::{Call, Framing, Route};
use crate::witness::hex;

/// What a request asks for.
pub(crate) struct Asked<'a> {
    pub(crate) route: Route<'a>,
    pub(crate) framing: Option<Framing>,
    pub(crate) model: &'a str,
    pub(crate) include_usage: bool,
    pub(crate) body: &'a [u8],
}

/// A healthy answer, or one that only looks healthy from its status.
pub(crate) fn answer(
    cache: &Cache,
    asked: &Asked<'_>,
    behaviour: &Behaviour,
    id: &Bytes,
) -> (&'static str, Script) {
    let dialect = asked.route.dialect;
    if let Some(malformed) = behaviour.malformed {
        return garble(malformed, behaviour, asked.framing.is_some());
    }
    let in_200 = (behaviour.error_in_200 == Some(true)).then(|| Fault::scripted(dialect, behaviour));
    match asked.route.call {
        Call::Generate => {}
        Call::CountTokens => return short(behaviour, &count_tokens(dialect, behaviour)),
        Call::Other => return short(behaviour, &echo(asked)),
    }
    if let (Some(fault), None) = (&in_200, asked.framing) {
        return (JSON, whole([&fault.body(dialect)], behaviour, id));
    }
    if let (Some(fault), Some(framing), None) = (&in_200, asked.framing, behaviour.error_after) {
        let frames = fault.frame(dialect, framing, asked.model, 0);
        let steps = played(&frames, id);
        return (
            stream_type(framing),
            Script { steps: steps.collect(), length: None, split: split(behaviour) },
        );
    }

    let text = (behaviour.echo_hash == Some(true)).then(|| hex(&Sha256::digest(asked.body)));
    let plan = Plan::new(dialect, asked.framing, asked.include_usage, asked.model, behaviour, text);
    let prepared = cache.get(plan);
    let Some(framing) = asked.framing else {
        return (prepared.content_type, whole(&prepared.frames, behaviour, id));
    };

    let first = Duration::from_millis(behaviour.first_chunk_ms.unwrap_or(0));
    let between = Duration::from_millis(behaviour.chunk_ms.unwrap_or(0));
    let error_after = in_200.as_ref().and(behaviour.error_after);
    let mut script = Script { split: split(behaviour), ..Script::default() };
    let mut content: u32 = 0;
    for (index, frame) in prepared.frames.iter().enumerate() {
        if frame.content {
            if behaviour.truncate_after.is_some_and(|limit| content >= limit) {
                end(&mut script, behaviour.cut.unwrap_or_default());
                return (prepared.content_type, script);
            }
            if let Some(fault) = in_200.as_ref().filter(|_| error_after.is_some_and(|limit| content >= limit))
            {
                let frames = fault.frame(dialect, framing, asked.model, index);
                script.steps.extend(played(&frames, id));
                return (prepared.content_type, script);
            }
            let pause = if content == 0 { first } else { between };
            if !pause.is_zero() {
                script.steps.push_back(Step::Pause(pause));
            }
            content = content.saturating_add(1);
        }
        script.steps.extend(played(std::slice::from_ref(frame), id));
    }
    (prepared.content_type, script)
}

/// An error with its own status.
pub(crate) fn refuse(
    asked: &Asked<'_>,
    behaviour: &Behaviour,
    fault: &Fault,
    id: &Bytes,
) -> (&'static str, Script) {
    match behaviour.malformed {
        Some(malformed) => garble(malformed, behaviour, false),
        None => (JSON, whole([&fault.body(asked.route.dialect)], behaviour, id)),
    }
}

const JSON: &str = "application/json";

fn stream_type(framing: Framing) -> &'static str {
    match framing {
        Framing::Sse => "text/event-stream; charset=utf-8",
        Framing::Array => "application/json; charset=UTF-8",
    }
}

fn split(behaviour: &Behaviour) -> usize {
    behaviour.split.and_then(|split| usize::try_from(split).ok()).unwrap_or(0)
}

/// A whole body in one go, or its first half if it shall break off.
fn whole<'a>(frames: impl IntoIterator<Item = &'a Frame>, behaviour: &Behaviour, id: &Bytes) -> Script {
    let mut script = Script { split: split(behaviour), ..Script::default() };
    let mut length = 0;
    if let Some(pause) = behaviour.first_chunk_ms.filter(|pause| *pause > 0) {
        script.steps.push_back(Step::Pause(Duration::from_millis(pause)));
    }
    for frame in frames {
        length += frame.len();
        script.steps.extend(played(std::slice::from_ref(frame), id));
    }
    if behaviour.truncate_after.is_none() {
        script.length = Some(length as u64);
        return script;
    }
    let mut left = length / 2;
    for step in &mut script.steps {
        if let Step::Send(bytes, usage) = step {
            bytes.truncate(left);
            left -= bytes.len();
            *usage = None;
        }
    }
    let cut = behaviour.cut.unwrap_or_default();
    // With a content-length a short body cannot end cleanly, so none is promised then.
    script.length = (cut != Cut::Clean).then_some(length as u64);
    end(&mut script, cut);
    script
}

/// A small body without slots.
fn short(behaviour: &Behaviour, text: &str) -> (&'static str, Script) {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    let length = Some(bytes.len() as u64);
    (JSON, Script { steps: [Step::Send(bytes, None)].into(), length, split: split(behaviour) })
}

fn garble(malformed: Malformed, behaviour: &Behaviour, stream: bool) -> (&'static str, Script) {
    const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\
        <body><h1>502 Bad Gateway</h1></body></html>\n";
    let (content_type, text) = match (malformed, stream) {
        (Malformed::Json, false) => (JSON, r#"{"id":"lab_broken","content":[{"type":"te"#),
        (Malformed::Json, true) => {
            (stream_type(Framing::Sse), "data: {\"id\":\"lab_broken\",\"choices\":[{\"de\n\n")
        }
        (Malformed::Html, _) => ("text/html; charset=utf-8", PAGE),
        (Malformed::Empty, false) => (JSON, ""),
        (Malformed::Empty, true) => (stream_type(Framing::Sse), ""),
    };
    let (_, mut script) = short(behaviour, text);
    if stream {
        script.length = None;
    }
    if text.is_empty() {
        script.steps.clear();
    }
    (content_type, script)
}

fn end(script: &mut Script, cut: Cut) {
    if cut != Cut::Clean {
        // What was said so far shall arrive: a moment for the transport to send it.
        script.steps.push_back(Step::Pause(Duration::from_millis(5)));
    }
    script.steps.push_back(Step::Cut(cut));
}

fn played<'a>(frames: &'a [Frame], id: &'a Bytes) -> impl Iterator<Item = Step> + 'a {
    frames.iter().flat_map(move |frame| {
        let mut pieces = Vec::with_capacity(1);
        frame.render(id, |piece| pieces.push(Step::Send(piece, None)));
        if let Some(Step::Send(_, usage)) = pieces.last_mut() {
            *usage = frame.usage;
        }
        pieces
    })
}

/// The answer of the calls that the lab does not imitate: what it received.
fn echo(asked: &Asked<'_>) -> String {
    let sha256 = hex(&Sha256::digest(asked.body));
    serde_json::json!({
        "object": "lab.echo", "model": asked.model, "received_bytes": asked.body.len(), "sha256": sha256,
    })
    .to_string()
}
