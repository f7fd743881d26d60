//! Step 1 and the scan: the body read, decoded and looked over; nothing of it is changed.

use std::ops::Range;

use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::header::CONTENT_TYPE;
use http::request::Parts;

use hub_formats::scan::{RequestFacts, scan_request};
use hub_http::read_body;
use hub_routing::RoutingFacts;
use hub_types::{Caller, Convertible, Dialect, Endpoint};

use crate::docket::Docket;
use crate::route::{Forward, Kept};
use crate::shared::Shared;
use crate::{ProxyError, client, multipart, route};

/// A request that was read whole and understood as far as the hub needs it.
pub(crate) struct Received {
    pub(crate) head: Parts,
    pub(crate) body: Bytes,
    pub(crate) facts: RequestFacts,
    /// Where the body of a form names the model.
    pub(crate) form_model: Option<Range<usize>>,
    pub(crate) call: Call,
    pub(crate) client_name: Option<String>,
}

/// What is asked for, with what the path and the body say put together.
pub(crate) struct Call {
    pub(crate) dialect: Dialect,
    pub(crate) endpoint: Endpoint,
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Empty where none is named, as calls about files do.
    pub(crate) model: String,
    pub(crate) stream: bool,
    /// What a provider keeps, and the call is about.
    pub(crate) about: Option<Kept>,
}

/// Reads the body and scans it.
pub(crate) async fn receive<B>(
    shared: &Shared,
    docket: &mut Docket,
    head: Parts,
    body: B,
    forward: Forward,
) -> Result<Received, ProxyError>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let body = read_body(&head.headers, body, shared.options.body).await?;
    let Forward { dialect, endpoint, method, mut path, model, stream, about } = forward;
    let (facts, form) = look_over(dialect, endpoint, &head, &body)?;
    let (form_name, form_model) = form.unzip();
    let named = model.or(form_name).or_else(|| facts.model_name().map(str::to_owned));
    let model = named.unwrap_or_default();
    if model.is_empty() && endpoint != Endpoint::Other {
        let message = "the request names no model: set `model` to the model you want";
        return Err(ProxyError::InvalidRequest(message.to_owned()));
    }
    if let Some(action) = path.strip_prefix("/v1beta/models/:") {
        path = route::gemini_path("/v1beta/models", &model, action);
    }
    let stream = stream.unwrap_or_else(|| facts.wants_stream());
    let record = docket.record();
    record.model = Some(model.chars().take(256).collect()).filter(|model: &String| !model.is_empty());
    record.stream = stream;
    record.client = client::program(&head.headers);
    let client_name = record.client.name.clone();
    let call = Call { dialect, endpoint, method, path, model, stream, about };
    Ok(Received { head, body, facts, form_model, call, client_name })
}

/// A form's model, and where it stands.
type FormModel = (String, Range<usize>);

/// What the body says. Conversations are JSON; what else vendors serve may be anything.
fn look_over(
    dialect: Dialect,
    endpoint: Endpoint,
    head: &Parts,
    body: &[u8],
) -> Result<(RequestFacts, Option<FormModel>), ProxyError> {
    let kind = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_json = kind.get(..16).is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    if endpoint == Endpoint::Other && (body.is_empty() || !is_json) {
        return Ok((RequestFacts::default(), multipart::model(kind, body)));
    }
    let facts = scan_request(dialect, body);
    facts.map(|facts| (facts, None)).map_err(|error| ProxyError::InvalidRequest(error.to_string()))
}

impl Received {
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// Will the answer be an event stream? Gemini's is a JSON list, unless the client asks for events.
    pub(crate) fn wants_events(&self) -> bool {
        let asks_for_events = || {
            let query = self.head.uri.query().unwrap_or_default();
            query.split('&').any(|pair| pair.eq_ignore_ascii_case("alt=sse"))
        };
        let is_list = matches!(self.call.dialect, Dialect::Gemini | Dialect::GeminiCli);
        self.call.stream && self.call.endpoint == Endpoint::Generate && (!is_list || asks_for_events())
    }

    /// Will the answer stream as a JSON list?
    pub(crate) fn wants_list(&self) -> bool {
        self.call.stream && self.call.endpoint == Endpoint::Generate && !self.wants_events()
    }

    /// Can it be said in another dialect?
    fn convertible(&self) -> Convertible {
        match self.call.endpoint {
            Endpoint::Generate | Endpoint::CountTokens => Convertible::Yes,
            Endpoint::Other => Convertible::No,
        }
    }

    /// What the choice of a provider goes by.
    pub(crate) fn routing_facts<'a>(&'a self, caller: &'a Caller) -> RoutingFacts<'a> {
        RoutingFacts {
            groups: caller.groups(),
            dialect: self.call.dialect,
            convertible: self.convertible(),
            model: Some(self.call.model.as_str()).filter(|model| !model.is_empty()),
            client_name: self.client_name.as_deref(),
        }
    }
}
