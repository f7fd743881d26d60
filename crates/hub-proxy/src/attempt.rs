//! One try of one provider: the request out, the head of the answer in, under deadlines.

use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{Request, StatusCode};

use hub_http::{ConnectError, UpstreamBody, UpstreamError, UpstreamResponse};
use hub_types::ErrorClass;

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
    docket: &mut Docket,
    upstream: &Upstream,
    call: &Call,
    request: Request<Bytes>,
    deadline: Instant,
) -> Result<UpstreamResponse, Failure> {
    let sending = shared.upstream.send(&upstream.route, request);
    let sent = in_time(|| docket.refresh_booking(), deadline, sending).await;
    let mut response = match sent {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(Failure::no_answer(class_of(&error), error.to_string())),
        Err(TooLate) => return Err(Failure::no_answer(ErrorClass::Timeout, "no answer in time".to_owned())),
    };
    note_head(docket, response.head.status);
    strip(&mut response.head.headers, &upstream.secrets);
    if response.head.status.is_success() {
        return Ok(response);
    }
    let body = read_error(response.body, deadline).await;
    Err(Failure::answer(call, response.head, redact(body, &upstream.secrets)))
}

/// The deadline has passed.
pub(crate) struct TooLate;

/// Waits until the deadline at most. Meanwhile `refresh` is called as often as it asks to be, to keep alive what
/// the request has reserved.
pub(crate) async fn in_time<F: Future>(
    mut refresh: impl FnMut() -> Option<Duration>,
    deadline: Instant,
    work: F,
) -> Result<F::Output, TooLate> {
    let mut work = pin!(work);
    loop {
        let step = refresh().map_or(deadline, |wait| deadline.min(Instant::now() + wait));
        match tokio::time::timeout_at(step.into(), work.as_mut()).await {
            Ok(done) => return Ok(done),
            Err(_) if step == deadline => return Err(TooLate),
            Err(_) => {}
        }
    }
}

fn note_head(docket: &mut Docket, status: StatusCode) {
    let elapsed = docket.elapsed_us();
    docket.record().timings.first_byte_us = Some(elapsed);
    if let Some(attempt) = docket.last_attempt() {
        attempt.status = Some(status.as_u16());
        attempt.timings.first_byte_us = Some(elapsed);
    }
}

pub(crate) const fn class_of(error: &UpstreamError) -> ErrorClass {
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
