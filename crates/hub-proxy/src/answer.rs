//! Step 9 begins: a provider's good answer becomes the client's, as soon as there is content in it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use http::{Response, StatusCode};

use hub_formats::tap::UsageTap;
use hub_formats::usage_filter::UsageChunkFilter;
use hub_http::{Body, UpstreamResponse};
use hub_types::Endpoint;

use crate::bill::Bill;
use crate::catalogue::Upstream;
use crate::docket::Docket;
use crate::failure::Failure;
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
    /// By when a stream has to have content, and an answer in one piece to be whole.
    pub(crate) deadline: Instant,
}

/// An answer that began well.
pub(crate) struct Answer {
    relay: Relay,
    status: StatusCode,
    headers: HeaderMap,
    /// Can it be told whether there is content?
    is_gated: bool,
}

impl Answer {
    pub(crate) fn begin(
        shared: &Arc<Shared>,
        docket: Docket,
        asked: &Asked<'_>,
        bill: Bill,
        response: UpstreamResponse,
    ) -> Self {
        let UpstreamResponse { head, body, .. } = response;
        let call = &asked.received.call;
        let content_type =
            head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let status = head.status;
        // What is compressed, though nobody asked for it, can only be passed on as it is.
        let is_readable = !head.headers.contains_key(CONTENT_ENCODING);
        let is_filtered = asked.for_usage && is_readable;
        let parts = RelayParts {
            shared: Arc::clone(shared),
            docket,
            body,
            tap: UsageTap::new(call.dialect, call.endpoint, call.stream),
            filter: is_filtered.then(UsageChunkFilter::new),
            bill,
            dialect: call.dialect,
            status: status.as_u16(),
            // Of other streams nobody knows how they should end.
            is_event_stream: content_type.starts_with("text/event-stream")
                && call.endpoint != Endpoint::Other,
            patience: patience(asked),
            on_client_abort: asked.upstream.provider.on_client_abort,
            secrets: Arc::clone(&asked.upstream.secrets),
        };
        let headers = headers::to_client(head.headers, !is_filtered);
        let is_gated = is_readable && call.endpoint == Endpoint::Generate;
        Self { relay: Relay::new(parts), status, headers, is_gated }
    }

    /// Waits until there is content. One that turns out to be none gives the docket back for another attempt.
    pub(crate) async fn open(mut self, deadline: Instant) -> Result<Self, (Docket, Failure)> {
        if !self.is_gated {
            return Ok(self);
        }
        match self.relay.hold(deadline).await {
            Ok(()) => Ok(self),
            Err(hollow) => match self.relay.give_up(&hollow, self.status, &self.headers) {
                Some(given_up) => Err(given_up),
                None => Ok(self),
            },
        }
    }

    /// The head at once, the body as it comes.
    pub(crate) fn into_response(mut self, shared: &Shared, asked: &Asked<'_>) -> Response<Body> {
        let transcript = self
            .relay
            .docket()
            .and_then(|docket| Transcript::begin(shared, docket, asked.received, &asked.upstream.secrets));
        self.relay.write_to(transcript);
        let mut client = Response::new(Body::stream(self.relay));
        *client.status_mut() = self.status;
        *client.headers_mut() = self.headers;
        client
    }
}

fn patience(asked: &Asked<'_>) -> Patience {
    let call = &asked.received.call;
    let comes_in_pieces = call.stream || call.endpoint == Endpoint::Other;
    match (comes_in_pieces, asked.upstream.provider.timeouts.idle_ms) {
        (false, _) => Patience::Until(asked.deadline),
        (true, 0) => Patience::Endless,
        (true, idle) => Patience::Idle(Duration::from_millis(idle.into())),
    }
}
