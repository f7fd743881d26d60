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

use crate::answer::{Cache, Fault, ID_LEN};
use crate::behaviour::{Behaviour, Cut, HEADER};
use crate::body::{CutShort, Script, ScriptedBody, Step};
use crate::compose::{Asked, answer, refuse};
use crate::errand;
use crate::probe::Probe;
use crate::route::{Call, Route};
use crate::scenario::Stage;
use crate::socket::ResetSwitch;
use crate::witness::{Receipt, Received, Witness};

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

    if let Some(word) = behaviour.errand.take().filter(|_| route.call == Call::Generate) {
        behaviour.overlay(&errand::turn(&word, &body));
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

/// The status of an answer that is no error.
fn ok_status(behaviour: &Behaviour) -> u16 {
    behaviour.status.filter(|status| (200..400).contains(status)).unwrap_or(200)
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
