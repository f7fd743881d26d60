//! One try of one provider: what is its own while it is underway, and the request out and the head of the answer
//! in. Two attempts of a request can run at once, so nothing here touches the docket.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{Request, StatusCode};

use hub_http::{ConnectError, UpstreamBody, UpstreamError, UpstreamResponse};
use hub_types::{Attempt, ErrorClass, RequestId};

use crate::breaker::{Judgement, Trying};
use crate::catalogue::Upstream;
use crate::docket::Docket;
use crate::failure::Failure;
use crate::receive::Call;
use crate::redact::{redact, strip};
use crate::shared::Shared;

/// An error's body is looked at and kept no further than this.
const MAX_ERROR_BYTES: usize = 256 << 10;
const ERROR_BODY_TIME: Duration = Duration::from_secs(10);

/// A deadline that is as good as none.
const FAR: Duration = Duration::from_secs(24 * 3600);

/// An attempt from the choice of its provider until its record is put on the docket.
pub(crate) struct Underway {
    pub(crate) upstream: Arc<Upstream>,
    /// Its own part of the request's record.
    pub(crate) record: Attempt,
    /// The request that it is for, and when that came in.
    pub(crate) request: RequestId,
    came_in: Instant,
    /// The provider's breaker, as long as it has not been told.
    trying: Option<Trying>,
}

impl Underway {
    /// The provider's breaker has let it through.
    pub(crate) fn begin(docket: &Docket, upstream: Arc<Upstream>, record: Attempt, trying: Trying) -> Self {
        let (request, came_in) = (docket.id(), docket.came_in());
        Self { upstream, record, request, came_in, trying: Some(trying) }
    }

    /// Microseconds since the request came in.
    pub(crate) fn elapsed_us(&self) -> u64 {
        micros_since(self.came_in)
    }

    /// The attempt is over: the provider's breaker hears of it, once.
    pub(crate) fn judge(&mut self, judgement: Judgement) {
        if let Some(trying) = self.trying.take() {
            trying.judge(judgement);
        }
    }

    fn note_head(&mut self, status: StatusCode) {
        self.record.status = Some(status.as_u16());
        self.record.timings.first_byte_us = Some(self.elapsed_us());
    }
}

pub(crate) fn micros_since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// By when an attempt has to have got somewhere. Streams have to begin within `timeout_first_byte` and within
/// the failover budget; answers in one piece have to be whole within `timeout_request`, as a long one is not a
/// sign of anything.
pub(crate) fn deadline(upstream: &Upstream, call: &Call, budget: Instant) -> Instant {
    let timeouts = upstream.provider.timeouts;
    let limit = if call.stream { timeouts.first_byte_ms } else { timeouts.request_ms };
    let own = Instant::now() + if limit == 0 { FAR } else { Duration::from_millis(limit.into()) };
    if call.stream { own.min(budget) } else { own }
}

/// Sends a request. An answer that is no success comes back as a failure, read and redacted.
pub(crate) async fn send(
    shared: &Shared,
    underway: &mut Underway,
    call: &Call,
    request: Request<Bytes>,
    deadline: Instant,
) -> Result<UpstreamResponse, Failure> {
    let sending = shared.upstream.send(&underway.upstream.route, request);
    let mut response = match tokio::time::timeout_at(deadline.into(), sending).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(Failure::no_answer(class_of(&error), error.to_string())),
        Err(_) => return Err(Failure::no_answer(ErrorClass::Timeout, "no answer in time".to_owned())),
    };
    underway.note_head(response.head.status);
    let secrets = &underway.upstream.secrets;
    strip(&mut response.head.headers, secrets);
    if response.head.status.is_success() {
        return Ok(response);
    }
    let body = read_error(response.body, deadline).await;
    Err(Failure::answer(call, response.head, redact(body, secrets)))
}

const fn class_of(error: &UpstreamError) -> ErrorClass {
    match error {
        UpstreamError::Connect(ConnectError::TimedOut(_)) => ErrorClass::Network,
        UpstreamError::Malformed => ErrorClass::ProviderError,
        UpstreamError::Connect(_) | UpstreamError::ClosedBeforeAnswer | UpstreamError::Broken => {
            ErrorClass::Network
        }
    }
}

/// As much of an error's body as came in time.
async fn read_error(mut body: UpstreamBody, deadline: Instant) -> Bytes {
    let mut read = BytesMut::new();
    let reading = async {
        while let Some(Ok(piece)) = body.next().await {
            let room = MAX_ERROR_BYTES - read.len();
            read.extend_from_slice(piece.get(..piece.len().min(room)).unwrap_or_default());
            if read.len() == MAX_ERROR_BYTES {
                return;
            }
        }
    };
    // What has come by then is what the client gets.
    let end = deadline.min(Instant::now() + ERROR_BODY_TIME);
    let _ = tokio::time::timeout_at(end.into(), reading).await;
    read.freeze()
}
