//! Step 8 for clients of streams that wait long: the head goes out, and signs of life follow it until there is an
//! answer. Providers are tried behind it all the same; what comes in the end is passed on, or said in the words
//! that the dialect has for a stream that failed.
//!
//! Inside of an answer that has begun nothing is added.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

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

type Forwarding = Pin<Box<dyn Future<Output = Result<Response<Body>, ProxyError>> + Send>>;

/// Forwards a request, and keeps its client patient.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    mut docket: Docket,
    admitted: Admitted,
) -> Result<Response<Body>, ProxyError> {
    let interval = shared.options.keep_alive;
    if interval.is_zero() || !admitted.received.wants_events() {
        return Box::pin(forward(shared, docket, admitted)).await;
    }
    let pulse = Arc::new(Pulse::default());
    docket.watch(&pulse);
    let (dialect, id) = (admitted.received.call.dialect, docket.id());
    let owned = Arc::clone(shared);
    let mut forwarding: Forwarding = Box::pin(async move { forward(&owned, docket, admitted).await });
    if let Ok(answer) = tokio::time::timeout(interval, forwarding.as_mut()).await {
        return answer;
    }
    pulse.head_went_out();
    let mut signs = tokio::time::interval(interval);
    signs.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let waiting = Waiting { state: State::Forwarding(forwarding), pulse, signs, dialect, id };
    let mut response = Response::new(Body::stream(waiting));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Proxies that gather answers would keep the signs of life to themselves.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
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
    signs: Interval,
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
                        ready!(this.signs.poll_tick(cx));
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
