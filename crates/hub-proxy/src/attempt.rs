//! One try of one provider: what is its own while it is underway, and the request out and the head of the answer
//! in. Two attempts of a request can run at once, so nothing here touches the docket.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{Request, StatusCode};

use hub_http::{ConnectError, Sent, UpstreamBody, UpstreamError, UpstreamResponse};
use hub_types::{Attempt, AttemptId, AttemptReason, ErrorClass, RequestId, Timings};

use crate::breaker::{Judgement, Trying};
use crate::catalogue::Upstream;
use crate::docket::Docket;
use crate::failure::Failure;
use crate::pulse::{Beat, Pulse};
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
    /// What its request lost on the way into another dialect.
    pub(crate) loss: Vec<String>,
    /// The request that it is for, and when that came in.
    pub(crate) request: RequestId,
    came_in: Instant,
    /// The provider's breaker, as long as it has not been told.
    trying: Option<Trying>,
    /// Where a client waits for signs of life.
    pulse: Option<Arc<Pulse>>,
    /// There is a connection.
    beat: Option<Beat>,
    /// It failed in a way that asking the same provider again would not change.
    pub(crate) is_final: bool,
}

impl Underway {
    /// The provider's breaker has let it through.
    pub(crate) fn begin(
        docket: &Docket,
        upstream: Arc<Upstream>,
        mut record: Attempt,
        trying: Trying,
    ) -> Self {
        record.is_trial = trying.is_trial();
        let (request, came_in, pulse) = (docket.id(), docket.came_in(), docket.pulse().cloned());
        let (loss, trying) = (Vec::new(), Some(trying));
        Self { upstream, record, loss, request, came_in, trying, pulse, beat: None, is_final: false }
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

    /// Whatever comes of it, it is not the provider's fault: its breaker hears nothing, and a trial is given back.
    pub(crate) fn excuse(&mut self) {
        self.trying = None;
    }

    /// A further try of the same provider. Its breaker will hear of the last one only: a failure counts once for
    /// each provider and request.
    pub(crate) fn again(&mut self) -> Self {
        let record = Attempt {
            id: AttemptId::fresh(),
            reason: AttemptReason::RetryFailed,
            class: None,
            error_rule_id: None,
            error: None,
            timings: Timings { queued_us: self.elapsed_us(), ..Timings::default() },
            ..self.record.clone()
        };
        let upstream = Arc::clone(&self.upstream);
        Self {
            upstream,
            record,
            loss: Vec::new(),
            request: self.request,
            came_in: self.came_in,
            trying: self.trying.take(),
            pulse: self.pulse.clone(),
            beat: None,
            is_final: false,
        }
    }

    fn note_head(&mut self, status: StatusCode) {
        self.record.status = Some(status.as_u16());
        self.record.timings.first_byte_us = Some(self.elapsed_us());
    }
}

pub(crate) fn micros_since(start: Instant) -> u64 {
    micros(start.elapsed())
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// By when an attempt has to have got somewhere. Streams have to begin within `timeout_first_byte`, counted from
/// when the request goes out, and within the failover budget; answers in one piece have to be whole within
/// `timeout_request`, as a long one is not a sign of anything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    /// What counts from when the request goes out, and what it can't go beyond.
    after_sending: Option<(Duration, Instant)>,
    /// Others have used up so much of the budget that this provider has not had the time it may take.
    is_cut_short: bool,
}

impl Deadline {
    /// `budget` is when the time for attempts is over, `whole` how long that is in all.
    pub(crate) fn new(upstream: &Upstream, call: &Call, budget: Instant, whole: Duration) -> Self {
        let timeouts = upstream.provider.timeouts;
        let limit = if call.stream { timeouts.first_byte_ms } else { timeouts.request_ms };
        let limit = if limit == 0 { FAR } else { Duration::from_millis(limit.into()) };
        if call.stream {
            let left = budget.saturating_duration_since(Instant::now());
            let is_cut_short = left < limit && left < whole / 2;
            Self { at: budget, after_sending: Some((limit, budget)), is_cut_short }
        } else {
            Self { at: Instant::now() + limit, after_sending: None, is_cut_short: false }
        }
    }

    /// Did time run out for want of budget, and not for the provider's slowness? A 408 is its own word.
    pub(crate) fn excuses(&self, failure: &Failure, status: Option<u16>) -> bool {
        self.is_cut_short && failure.class() == ErrorClass::Timeout && status != Some(408)
    }

    fn sent(&mut self, at: Option<Instant>) {
        if let (Some(at), Some((limit, latest))) = (at, self.after_sending) {
            self.at = latest.min(at + limit);
        }
    }
}

/// Sends a request. An answer that is no success comes back as a failure, read and redacted.
pub(crate) async fn send(
    shared: &Shared,
    underway: &mut Underway,
    call: &Call,
    request: Request<Bytes>,
    deadline: &mut Deadline,
) -> Result<UpstreamResponse, Failure> {
    let mut response = match head_in_time(shared, underway, request, deadline).await {
        Some(Ok(response)) => response,
        Some(Err(error)) => {
            underway.is_final = error.is_refused_address();
            return Err(Failure::no_answer(class_of(&error), error.to_string()));
        }
        None => return Err(Failure::no_answer(ErrorClass::Timeout, "no answer in time".to_owned())),
    };
    underway.note_head(response.head.status);
    let secrets = &underway.upstream.secrets;
    strip(&mut response.head.headers, secrets);
    if response.head.status.is_success() {
        return Ok(response);
    }
    let body = read_error(response.body, deadline.at).await;
    let (client, dialect) = (call.dialect, underway.upstream.dialect());
    Err(Failure::answer(client, call.endpoint, dialect, response.head, redact(body, secrets)))
}

/// The head of an answer, or `None` if the deadline has passed, which may begin to run when the request goes out.
async fn head_in_time(
    shared: &Shared,
    underway: &mut Underway,
    mut request: Request<Bytes>,
    deadline: &mut Deadline,
) -> Option<Result<UpstreamResponse, UpstreamError>> {
    let sent = Sent::new();
    request.extensions_mut().insert(sent.clone());
    let upstream = Arc::clone(&underway.upstream);
    let mut sending = pin!(shared.upstream.send(&upstream.route, request));
    let mut timer = pin!(tokio::time::sleep_until(deadline.at.into()));
    let mut sent_at = None;
    poll_fn(|cx| {
        let polled = sending.as_mut().poll(cx);
        if sent.at() != sent_at {
            sent_at = sent.at();
            deadline.sent(sent_at);
            let connected = sent_at.map(|at| at.saturating_duration_since(underway.came_in));
            underway.record.timings.connected_us = connected.map(micros);
            timer.as_mut().reset(deadline.at.into());
            underway.beat = underway.pulse.as_ref().map(Pulse::beat);
        }
        match polled {
            Poll::Ready(answered) => Poll::Ready(Some(answered)),
            Poll::Pending => timer.as_mut().poll(cx).map(|()| None),
        }
    })
    .await
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
