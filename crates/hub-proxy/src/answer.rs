//! Step 9 begins: a provider's good answer becomes the client's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use hub_formats::tap::UsageTap;
use hub_formats::usage_filter::UsageChunkFilter;
use hub_http::{Body, UpstreamResponse};

use crate::bill::Bill;
use crate::catalogue::Upstream;
use crate::docket::Docket;
use crate::headers;
use crate::receive::Received;
use crate::relay::{Patience, Relay, RelayParts};
use crate::shared::Shared;
use crate::transcript::Transcript;

/// What was asked of whom.
pub(crate) struct Asked<'a> {
    pub(crate) received: &'a Received,
    pub(crate) upstream: &'a Upstream,
    /// The hub asked for usage where the client had not.
    pub(crate) for_usage: bool,
    /// By when an answer in one piece has to be whole.
    pub(crate) deadline: Instant,
}

/// The head at once, the body as it comes.
pub(crate) fn relay(
    shared: &Arc<Shared>,
    mut docket: Docket,
    asked: &Asked<'_>,
    bill: Bill,
    response: UpstreamResponse,
) -> Response<Body> {
    let UpstreamResponse { head, body, .. } = response;
    let call = &asked.received.call;
    let content_type =
        head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_event_stream = content_type.starts_with("text/event-stream");
    let status = head.status;
    // What is compressed, though nobody asked for it, can only be passed on as it is.
    let is_filtered = asked.for_usage && !head.headers.contains_key(CONTENT_ENCODING);
    let secrets = &asked.upstream.secrets;
    let transcript = Transcript::begin(shared, &mut docket, asked.received, secrets);
    let parts = RelayParts {
        shared: Arc::clone(shared),
        docket,
        body,
        tap: UsageTap::new(call.dialect, call.endpoint, call.stream),
        filter: is_filtered.then(UsageChunkFilter::new),
        bill,
        dialect: call.dialect,
        status: status.as_u16(),
        is_event_stream,
        patience: patience(asked),
        on_client_abort: asked.upstream.provider.on_client_abort,
        secrets: Arc::clone(secrets),
        transcript,
    };
    let mut client = Response::new(Body::stream(Relay::new(parts)));
    *client.status_mut() = status;
    *client.headers_mut() = headers::to_client(head.headers, !is_filtered);
    client
}

fn patience(asked: &Asked<'_>) -> Patience {
    match (asked.received.call.stream, asked.upstream.provider.timeouts.idle_ms) {
        (false, _) => Patience::Until(asked.deadline),
        (true, 0) => Patience::Endless,
        (true, idle) => Patience::Idle(Duration::from_millis(idle.into())),
    }
}
