//! Step 7: the request as one provider gets it. In the client's own dialect the body's bytes stay the client's; a
//! model redirect and the wish for usage are spliced in. In another dialect everything is said anew.

mod foreign;

use bytes::Bytes;
use http::{Request, Uri};

use hub_formats::splice::{Edit, model_edits, splice, usage_edit};
use hub_types::{Dialect, Endpoint};

pub(crate) use foreign::Conversion;

use crate::catalogue::Upstream;
use crate::docket::Docket;
use crate::receive::Received;
use crate::{ProxyError, headers, route};

/// See the module's documentation.
pub(crate) struct Outgoing {
    pub(crate) request: Request<Bytes>,
    /// The model that is sent.
    pub(crate) model: String,
    /// The hub asked for usage where the client had not: the extra chunk is not for the client.
    pub(crate) asks_for_usage: bool,
    /// How the answer gets back into the client's words, if the provider has other ones.
    pub(crate) conversion: Option<Box<Conversion>>,
}

impl Outgoing {
    /// Writes the request for `upstream`.
    pub(crate) async fn prepare(
        received: &Received,
        upstream: &Upstream,
        docket: &mut Docket,
    ) -> Result<Self, ProxyError> {
        if upstream.dialect() == received.call.dialect {
            Self::in_own_dialect(received, upstream)
        } else {
            foreign::convert(received, upstream, docket).await
        }
    }

    fn in_own_dialect(received: &Received, upstream: &Upstream) -> Result<Self, ProxyError> {
        let call = &received.call;
        let redirected = upstream.redirect(&call.model);
        let mut edits = redirected.map(|model| redirect_edits(received, model)).unwrap_or_default();
        let wants_usage =
            call.dialect == Dialect::OpenAi && call.stream && call.endpoint == Endpoint::Generate;
        let usage = if wants_usage { usage_edit(&received.facts) } else { None };
        let asks_for_usage = usage.is_some();
        edits.extend(usage);
        let body = if edits.is_empty() {
            received.body.clone()
        } else {
            let spliced = splice(&received.body, &edits);
            spliced.map_err(|error| ProxyError::InvalidRequest(error.to_string()))?.into()
        };
        let model = redirected.unwrap_or(&call.model).to_owned();
        let path = match redirected {
            // Gemini names the model in the path.
            Some(model) if call.dialect == Dialect::Gemini => redirected_path(&call.path, model),
            _ => call.path.clone(),
        };
        let target = upstream.target(&path, received.head.uri.query());
        let uri = Uri::try_from(target)
            .map_err(|_| ProxyError::InvalidRequest("the request's path can't be forwarded".to_owned()))?;
        let mut request = Request::new(body);
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() =
            headers::to_upstream(received.headers(), &upstream.host, &upstream.own_headers);
        Ok(Self { request, model, asks_for_usage, conversion: None })
    }
}

/// The edits that put another model into the body.
fn redirect_edits(received: &Received, model: &str) -> Vec<Edit> {
    match &received.form_model {
        Some(span) => vec![Edit { span: span.clone(), with: model.as_bytes().to_vec() }],
        None => model_edits(&received.facts, model),
    }
}

/// Puts another model into `/v1beta/models/{model}:{action}`.
pub(crate) fn redirected_path(path: &str, model: &str) -> String {
    let (before, call) = path.rsplit_once('/').unwrap_or(("", path));
    let action = call.rsplit_once(':').map_or("", |(_, action)| action);
    route::gemini_path(before, model, action)
}
