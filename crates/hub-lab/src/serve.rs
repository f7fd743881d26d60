//! From a request to an answer.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hub_types::Dialect;
use hyper::body::Incoming;
use parking_lot::RwLock;
use sha2::{Digest as _, Sha256};

use crate::answer::{Cache, Fault, Frame, ID_LEN, Plan, count_tokens};
use crate::behaviour::{Behaviour, Cut, HEADER, Malformed};
use crate::body::{CutShort, Script, ScriptedBody, Step};
use crate::probe::Probe;
use crate::route::{Call, Framing, Route};
use crate::scenario::Stage;
use crate::socket::ResetSwitch;
use crate::witness::{Receipt, Received, Witness, hex};

/// Larger request bodies are refused.
const MAX_REQUEST: usize = 512 * 1024 * 1024;

/// What all connections of a lab share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) witness: Witness,
    pub(crate) stage: RwLock<Arc<Stage>>,
    pub(crate) cache: Cache,
    /// First part of every id, so that two labs do not give the same ones.
    pub(crate) mark: u32,
}

/// Answers one request. An error ends the connection without an answer.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    reset: ResetSwitch,
    request: Request<Incoming>,
) -> Result<Response<ScriptedBody>, CutShort> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let Ok(body) = Limited::new(body, MAX_REQUEST).collect().await else { return Err(CutShort) };
    let body = body.to_bytes();
    if let Some(rest) = path.strip_prefix("/lab/") {
        return Ok(crate::control::answer(&shared, &head.method, rest, head.uri.query(), &body, reset));
    }
    if path == "/" && matches!(head.method, Method::HEAD | Method::GET) {
        return Ok(page(StatusCode::OK, "hub-lab\n", reset));
    }
    let Some(route) = Route::find(path, head.uri.query()) else {
        return Ok(page(StatusCode::NOT_FOUND, "no simulated vendor serves this path\n", reset));
    };
    let received = Instant::now();
    shared.witness.received(body.len());

    // A body that is no JSON is the caller's mistake only where JSON is due.
    let probe = Probe::read(&body);
    let unreadable = probe.is_err() && route.call != Call::Other;
    let probe = probe.unwrap_or_default();
    let model = route.model.or(probe.model.as_deref()).unwrap_or_default();
    let stream = route.stream.or(probe.stream).unwrap_or(false) && route.call == Call::Generate;

    let stage = Arc::clone(&shared.stage.read());
    let mut behaviour = stage.next(model);
    let mut refusal =
        unreadable.then(|| Fault::new(route.dialect, 400, "the request body is not a JSON object"));
    for value in head.headers.get_all(HEADER) {
        match value
            .to_str()
            .map_err(|_| "not text".to_owned())
            .and_then(|text| Behaviour::from_header(text).map_err(|error| error.to_string()))
        {
            Ok(over) => behaviour.overlay(&over),
            Err(reason) => refusal = Some(Fault::new(route.dialect, 400, reason)),
        }
    }

    if let Some(latency) = behaviour.latency_ms.filter(|latency| *latency > 0) {
        tokio::time::sleep(Duration::from_millis(latency)).await;
    }
    if behaviour.no_head == Some(true) {
        if behaviour.cut == Some(Cut::Reset) {
            reset.arm();
        }
        return Err(CutShort);
    }

    let framing = stream.then_some(route.framing);
    let asked = Asked { route, framing, model, include_usage: probe.include_usage(), body: &body };
    let fault = match refusal {
        Some(fault) => Some(fault),
        None if behaviour.status.is_some_and(|status| status >= 400)
            && behaviour.error_in_200 != Some(true) =>
        {
            Some(Fault::scripted(route.dialect, &behaviour))
        }
        None => None,
    };
    let status = fault.as_ref().map_or_else(|| ok_status(&behaviour), |fault| fault.status);
    let path = head.uri.path_and_query().map_or(path, http::uri::PathAndQuery::as_str);
    let receipt = shared.witness.answering(
        Received {
            dialect: route.dialect,
            call: route.call,
            method: &head.method,
            path,
            model,
            stream,
            headers: head.headers,
            body: &body,
            received,
        },
        status,
    );
    let id = answer_id(shared.mark, &receipt);
    let (content_type, script) = match &fault {
        Some(fault) => refuse(&asked, &behaviour, fault, &id),
        None => answer(&shared.cache, &asked, &behaviour, &id),
    };
    let mut response = Response::new(ScriptedBody::new(script, Some(receipt), reset));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    dress(&mut response, route.dialect, &behaviour, content_type, &id);
    Ok(response)
}

/// What a request asks for.
struct Asked<'a> {
    route: Route<'a>,
    framing: Option<Framing>,
    model: &'a str,
    include_usage: bool,
    body: &'a [u8],
}

/// The status of an answer that is no error.
fn ok_status(behaviour: &Behaviour) -> u16 {
    behaviour.status.filter(|status| (200..400).contains(status)).unwrap_or(200)
}

/// A healthy answer, or one that only looks healthy from its status.
fn answer(cache: &Cache, asked: &Asked<'_>, behaviour: &Behaviour, id: &Bytes) -> (&'static str, Script) {
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
fn refuse(asked: &Asked<'_>, behaviour: &Behaviour, fault: &Fault, id: &Bytes) -> (&'static str, Script) {
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

/// 24 characters that no other answer has.
fn answer_id(mark: u32, receipt: &Receipt) -> Bytes {
    let mut id = String::with_capacity(ID_LEN);
    // Writing to a String cannot fail.
    let _ = write!(id, "{mark:08x}{:016x}", receipt.sequence());
    id.into()
}

/// Sets the headers that the vendors set.
fn dress(
    response: &mut Response<ScriptedBody>,
    dialect: Dialect,
    behaviour: &Behaviour,
    content_type: &'static str,
    id: &Bytes,
) {
    let status = response.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    let name = match dialect {
        Dialect::Claude => Some(HeaderName::from_static("request-id")),
        Dialect::OpenAi | Dialect::Responses => Some(HeaderName::from_static("x-request-id")),
        Dialect::Gemini | Dialect::GeminiCli => None,
    };
    if let (Some(name), Ok(value)) = (name, HeaderValue::from_maybe_shared(id.clone())) {
        headers.insert(name, value);
    }
    let retry_after = behaviour.retry_after.or((status == StatusCode::TOO_MANY_REQUESTS).then_some(1));
    if let Some(seconds) = retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    for (name, value) in behaviour.headers.iter().flatten() {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
}

/// A page that is nobody's answer and not witnessed.
pub(crate) fn page(status: StatusCode, text: impl Into<Bytes>, reset: ResetSwitch) -> Response<ScriptedBody> {
    let bytes = text.into();
    let script =
        Script { length: Some(bytes.len() as u64), steps: [Step::Send(bytes, None)].into(), split: 0 };
    let mut response = Response::new(ScriptedBody::new(script, None, reset));
    *response.status_mut() = status;
    response
}

impl Shared {
    /// Forgets what was witnessed and plays the scenario from its beginning.
    pub(crate) fn reset(&self) {
        self.witness.reset();
        let mut stage = self.stage.write();
        *stage = Arc::new(stage.rewound());
    }
}
