//! Step 8 for clients of streams that wait long: the head goes out, and signs of life follow it until there is an
//! answer. Providers are tried behind it all the same; what comes in the end is passed on, or said in the words
//! that the dialect has for a stream that failed.
//!
//! Inside of an answer that has begun nothing is added.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body::{Body as HttpBody, Frame};
use tokio::time::{Interval, MissedTickBehavior};

use hub_http::Body;
use hub_types::{Dialect, RequestId};

use crate::docket::Docket;
use crate::forward::{Admitted, forward};
use crate::pulse::Pulse;
use crate::shared::Shared;
use crate::{ProxyError, render};

/// Gemini's clients hang up if they have no head after a minute, whatever the hub is set to. Some of that goes by on
/// the way.
const GEMINI_PATIENCE: Duration = Duration::from_secs(50);

type Forwarding = Pin<Box<dyn Future<Output = Result<Response<Body>, ProxyError>> + Send>>;

/// Forwards a request, and keeps its client patient.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    mut docket: Docket,
    admitted: Admitted,
) -> Result<Response<Body>, ProxyError> {
    let interval = shared.options.keep_alive;
    let head_after = head_after(admitted.received.call.dialect, interval);
    let Some(head_after) = head_after.filter(|_| admitted.received.wants_events()) else {
        return Box::pin(forward(shared, docket, admitted)).await;
    };
    let pulse = Arc::new(Pulse::default());
    docket.watch(&pulse);
    let (dialect, id) = (admitted.received.call.dialect, docket.id());
    let owned = Arc::clone(shared);
    let mut forwarding: Forwarding = Box::pin(async move { forward(&owned, docket, admitted).await });
    if let Ok(answer) = tokio::time::timeout(head_after, forwarding.as_mut()).await {
        return answer;
    }
    pulse.head_went_out();
    let signs = (!interval.is_zero()).then(|| {
        let mut signs = tokio::time::interval(interval);
        signs.set_missed_tick_behavior(MissedTickBehavior::Delay);
        signs
    });
    let waiting = Waiting { state: State::Forwarding(forwarding), pulse, signs, dialect, id };
    let mut response = Response::new(Body::stream(waiting));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Proxies that gather answers would keep the signs of life to themselves.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// How long a client waits for the head of its answer; `None`: for as long as it takes.
fn head_after(dialect: Dialect, interval: Duration) -> Option<Duration> {
    let wished = Some(interval).filter(|interval| !interval.is_zero());
    match dialect {
        Dialect::Gemini | Dialect::GeminiCli => Some(wished.unwrap_or(GEMINI_PATIENCE).min(GEMINI_PATIENCE)),
        Dialect::Claude | Dialect::OpenAi | Dialect::Responses => wished,
    }
}

/// A sign of life that clients of this dialect take for nothing else.
const fn sign_of_life(dialect: Dialect) -> &'static [u8] {
    match dialect {
        Dialect::Claude => b"event: ping\ndata: {\"type\":\"ping\"}\n\n",
        Dialect::OpenAi | Dialect::Responses => b": keepalive\n\n",
        // Comments end streams of Gemini clients.
        Dialect::Gemini | Dialect::GeminiCli => b"\n",
    }
}

/// The body of an answer that has not begun. If the client leaves, it is dropped, and the forwarding with it.
struct Waiting {
    state: State,
    pulse: Arc<Pulse>,
    /// None if there are to be none.
    signs: Option<Interval>,
    dialect: Dialect,
    id: RequestId,
}

enum State {
    /// There is no answer yet.
    Forwarding(Forwarding),
    /// There is one, and it passes.
    Passing(Body),
    /// Nothing follows.
    Over,
}

impl Waiting {
    /// What the client gets when the forwarding has come to an end: the first frame, if that is known already.
    fn end(&mut self, answer: Result<Response<Body>, ProxyError>) -> Option<Bytes> {
        self.state = State::Over;
        match answer {
            Ok(answer) if is_event_stream(&answer) => {
                self.state = State::Passing(answer.into_body());
                None
            }
            Ok(refusal) => {
                let status = refusal.status();
                Some(render::stream_failure(self.dialect, self.id, status, &whole(refusal.into_body())))
            }
            Err(error) => Some(render::stream_error(self.dialect, self.id, &error)),
        }
    }
}

impl HttpBody for Waiting {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                State::Forwarding(forwarding) => match forwarding.as_mut().poll(cx) {
                    Poll::Ready(answer) => {
                        if let Some(last) = this.end(answer) {
                            return Poll::Ready(Some(Ok(Frame::data(last))));
                        }
                    }
                    Poll::Pending => {
                        let Some(signs) = &mut this.signs else { return Poll::Pending };
                        ready!(signs.poll_tick(cx));
                        if this.pulse.is_felt() {
                            let sign = Bytes::from_static(sign_of_life(this.dialect));
                            return Poll::Ready(Some(Ok(Frame::data(sign))));
                        }
                    }
                },
                State::Passing(body) => return Pin::new(body).poll_frame(cx),
                State::Over => return Poll::Ready(None),
            }
        }
    }
}

fn is_event_stream(answer: &Response<Body>) -> bool {
    let content_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    answer.status() == StatusCode::OK
        && content_type.is_some_and(|kind| kind.starts_with("text/event-stream"))
}

/// The bytes of a body that is there in one piece.
fn whole(mut body: Body) -> Bytes {
    let mut nobody = Context::from_waker(std::task::Waker::noop());
    match Pin::new(&mut body).poll_frame(&mut nobody) {
        Poll::Ready(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
        _ => Bytes::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_of_gemini_have_a_head_within_a_minute_whatever_is_set() {
        let wait =
            |dialect, seconds| head_after(dialect, Duration::from_secs(seconds)).map(|wait| wait.as_secs());
        for dialect in Dialect::ALL {
            let is_gemini = matches!(dialect, Dialect::Gemini | Dialect::GeminiCli);
            assert_eq!(wait(dialect, 15), Some(15), "{dialect}");
            assert_eq!(wait(dialect, 3600), Some(if is_gemini { 50 } else { 3600 }), "{dialect}");
            assert_eq!(wait(dialect, 0), is_gemini.then_some(50), "{dialect}");
        }
    }
}
