//! Counting tokens where no provider counts: an estimate is better than no answer, and says that it is one.

use http::Response;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use hub_formats::convert::render_count;
use hub_formats::estimate::{Tokenizer, tokens_in_body};
use hub_http::Body;
use hub_types::{Endpoint, Outcome};

use crate::docket::Docket;
use crate::receive::Received;

/// Says that figures in the answer are the hub's own estimate.
const ESTIMATED: HeaderName = HeaderName::from_static("x-hub-estimated");

/// Does the hub answer this itself, after what became of it so far? Only where another dialect's provider was in
/// question: a provider of the client's own has the last word.
pub(crate) fn is_ours(docket: &mut Docket, received: &Received, is_refused: bool) -> bool {
    let last = docket.record().last_attempt().map(|attempt| attempt.provider_type.dialect());
    let is_foreign = last.map_or(is_refused, |dialect| dialect != received.call.dialect);
    received.call.endpoint == Endpoint::CountTokens && is_foreign
}

/// The estimate, as the client reads counts.
pub(crate) fn estimated(mut docket: Docket, received: &Received) -> Response<Body> {
    let call = &received.call;
    let tokenizer = Tokenizer::of_model(call.dialect, &call.model);
    let tokens = tokens_in_body(call.dialect, tokenizer, &received.body, &received.facts.conversation);
    let mut response = Response::new(Body::from(render_count(call.dialect, tokens.likely())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(ESTIMATED, HeaderValue::from_static("true"));
    docket.close(Outcome::Completed, 200);
    response
}
