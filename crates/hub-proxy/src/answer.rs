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
use crate::gateway::Shared;
use crate::headers;
use crate::receive::Call;
use crate::relay::{Patience, Relay, RelayParts};

/// The head at once, the body as it comes.
pub(crate) fn relay(
    shared: &Arc<Shared>,
    docket: Docket,
    call: &Call,
    upstream: &Upstream,
    bill: Bill,
    asked_for_usage: bool,
    response: UpstreamResponse,
) -> Response<Body> {
    let UpstreamResponse { head, body, .. } = response;
    let content_type =
        head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_event_stream = content_type.starts_with("text/event-stream");
    let status = head.status;
    // What is compressed, though nobody asked for it, can only be passed on as it is.
    let is_filtered = asked_for_usage && !head.headers.contains_key(CONTENT_ENCODING);
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
        patience: patience(upstream, call),
        on_client_abort: upstream.provider.on_client_abort,
    };
    let mut client = Response::new(Body::stream(Relay::new(parts)));
    *client.status_mut() = status;
    *client.headers_mut() = headers::to_client(head.headers, !is_filtered);
    client
}

fn patience(upstream: &Upstream, call: &Call) -> Patience {
    let timeouts = upstream.provider.timeouts;
    match (call.stream, timeouts.idle_ms, timeouts.request_ms) {
        (true, 0, _) | (false, _, 0) => Patience::Endless,
        (true, idle, _) => Patience::Idle(Duration::from_millis(idle.into())),
        (false, _, whole) => Patience::Until(Instant::now() + Duration::from_millis(whole.into())),
    }
}
