//! Step 9 begins: a provider's good answer becomes the client's, as soon as there is content in it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use http::{Response, StatusCode};

use hub_formats::tap::UsageTap;
use hub_formats::usage_filter::UsageChunkFilter;
use hub_http::{Body, UpstreamResponse};
use hub_types::Endpoint;

use crate::attempt::Underway;
use crate::bill::Bill;
use crate::catalogue::Upstream;
use crate::docket::Docket;
use crate::failure::Failure;
use crate::forward::Admitted;
use crate::headers;
use crate::outgoing::Conversion;
use crate::receive::Received;
use crate::relay::{Gated, GatedParts, Hollow, Left, Patience, Relay, Translation};
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
    gated: Gated,
    status: StatusCode,
    headers: HeaderMap,
    /// Can it be told whether there is content?
    is_gated: bool,
}

impl Answer {
    /// `conversion` is how the answer gets back into the client's words, if the provider has other ones.
    pub(crate) fn begin(
        asked: &Asked<'_>,
        conversion: Option<Box<Conversion>>,
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
        let is_translated = conversion.is_some();
        let is_stream_for_client = match &conversion {
            Some(conversion) => conversion.way_back.is_stream() && !asked.received.wants_list(),
            None => content_type.starts_with("text/event-stream"),
        };
        let headers = match &conversion {
            Some(conversion) => {
                headers::to_foreign_client(&head.headers, is_stream_for_client, &conversion.losses)
            }
            None => headers::to_client(head.headers, !is_filtered),
        };
        let translation = conversion.map(|conversion| Translation::new(conversion.way_back));
        let upstream_dialect = asked.upstream.dialect();
        let gated = Gated::new(GatedParts {
            body,
            tap: UsageTap::new(upstream_dialect, call.endpoint, call.stream),
            filter: is_filtered.then(UsageChunkFilter::new),
            bill,
            dialect: call.dialect,
            // Of other streams nobody knows how they should end.
            is_event_stream: is_stream_for_client && call.endpoint != Endpoint::Other,
            translation,
            patience: patience(asked),
            secrets: Arc::clone(&asked.upstream.secrets),
        });
        let is_gated = is_translated || is_readable && call.endpoint == Endpoint::Generate;
        Self { gated, status, headers, is_gated }
    }

    /// Waits until there is content. `Err`: it turns out to be no answer.
    pub(crate) async fn open(&mut self, underway: &mut Underway, deadline: Instant) -> Result<(), Hollow> {
        if self.is_gated { self.gated.hold(underway, deadline).await } else { Ok(()) }
    }

    /// Is it an event stream, and nothing has to be said of it in a head?
    pub(crate) fn is_event_stream(&self) -> bool {
        let is_plain = !self.headers.contains_key(CONTENT_ENCODING);
        self.status == StatusCode::OK && self.gated.is_event_stream() && is_plain
    }

    /// If it has not said by now what was read, it is reckoned while the request is at hand.
    pub(crate) fn reckon(&mut self, admitted: &Admitted) {
        self.gated.reckon(&admitted.received, admitted.estimated_input);
    }

    /// Gives an answer up that is none.
    pub(crate) fn give_up(self, underway: &mut Underway, hollow: &Hollow) -> Failure {
        self.gated.give_up(underway, hollow, self.status, &self.headers)
    }

    /// Nobody wants it any more: what it used so far is written on the attempt.
    pub(crate) fn hang_up(self, underway: &mut Underway) {
        self.gated.hang_up(underway);
    }

    /// The client has left before it was the client's.
    pub(crate) fn left_by_client(self, underway: Underway) -> Left {
        self.gated.left_by_client(underway)
    }

    /// The head at once, the body as it comes.
    pub(crate) fn into_response(
        self,
        shared: &Arc<Shared>,
        mut docket: Docket,
        underway: Underway,
        received: &Received,
    ) -> Response<Body> {
        let transcript = Transcript::begin(shared, &mut docket, received, &underway.upstream.secrets);
        let mut relay = Relay::new(shared, docket, underway, self.gated, self.status.as_u16());
        relay.write_to(transcript);
        let mut client = Response::new(Body::stream(relay));
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
