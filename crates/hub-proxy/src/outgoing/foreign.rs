//! Step 7, another dialect: the request said anew for a provider that does not speak the client's.

use http::{Method, Request, Uri};

use hub_formats::convert::{
    AnswerPlan, Converted, Instructions, LossReport, Options, Refusal, Source, Target, convert_request,
};
use hub_types::{Dialect, Provider};

use super::Outgoing;
use crate::catalogue::Upstream;
use crate::docket::Docket;
use crate::receive::Received;
use crate::{ProxyError, headers, route};

/// How an answer gets back into the client's words, and what its request lost on the way.
pub(crate) struct Conversion {
    pub(crate) plan: AnswerPlan,
    pub(crate) losses: LossReport,
}

/// Says the request in the provider's dialect. `Err`: that can't be done, and is nobody's fault.
pub(super) async fn convert(
    received: &Received,
    upstream: &Upstream,
    docket: &mut Docket,
) -> Result<Outgoing, ProxyError> {
    let call = &received.call;
    let dialect = upstream.dialect();
    let refused = |refusal: Refusal| ProxyError::NotConvertible { dialect: call.dialect, refusal };
    let model = upstream.redirect(&call.model).unwrap_or(&call.model);
    let session = docket.record().session_id.clone();
    let mut target = Target::new(dialect, model);
    target.options = options(&upstream.provider, upstream.is_codex_backend, session);
    let converted = say(received, target).await?.map_err(refused)?;
    let mut plan = converted.plan;
    plan.salt = docket.id().to_string();
    plan.created = u64::try_from(docket.record().created_at.as_second()).unwrap_or(0);
    let (path, query) = place(dialect, model, plan.upstream_stream, upstream.is_codex_backend);
    let uri = Uri::try_from(upstream.target(&path, query))
        .map_err(|_| ProxyError::InvalidRequest("the model's name can't be put into a path".to_owned()))?;
    let mut request = Request::new(converted.body.into());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers::to_foreign_upstream(
        received.headers(),
        &upstream.host,
        &upstream.own_headers,
        dialect,
        plan.upstream_stream,
    );
    let conversion = Some(Box::new(Conversion { plan, losses: converted.losses }));
    Ok(Outgoing { request, model: model.to_owned(), asks_for_usage: false, conversion })
}

/// Larger bodies are gone through beside the requests, so that nobody who shares the thread waits for it: a
/// megabyte takes some milliseconds.
const AT_ONCE_BYTES: usize = 128 << 10;

async fn say(received: &Received, target: Target) -> Result<Result<Converted, Refusal>, ProxyError> {
    let call = &received.call;
    let (dialect, path_stream) = (call.dialect, call.stream);
    let path_model = (dialect == Dialect::Gemini).then(|| call.model.clone());
    let body = received.body.clone();
    let work = move || {
        let source = Source { dialect, body: &body, path_model: path_model.as_deref(), path_stream };
        convert_request(source, &target)
    };
    if received.body.len() <= AT_ONCE_BYTES {
        return Ok(work());
    }
    // It fails only when the runtime ends, and everything with it.
    tokio::task::spawn_blocking(work).await.map_err(|_| ProxyError::ShuttingDown)
}

/// What the provider's settings say about requests in its dialect.
fn options(provider: &Provider, codex_backend: bool, session: Option<String>) -> Options {
    let text = provider.codex_instructions_text.clone().filter(|text| !text.trim().is_empty());
    let instructions = text.and_then(|text| match provider.codex_instructions.as_str() {
        "auto" => Some(Instructions { text, is_forced: false }),
        "force" => Some(Instructions { text, is_forced: true }),
        _ => None,
    });
    Options { codex_backend, instructions, session, ..Options::default() }
}

/// Where a dialect's providers are asked for an answer.
fn place(
    dialect: Dialect,
    model: &str,
    is_stream: bool,
    is_codex_backend: bool,
) -> (String, Option<&'static str>) {
    let (action, sse) =
        if is_stream { ("streamGenerateContent", Some("alt=sse")) } else { ("generateContent", None) };
    match dialect {
        Dialect::Claude => ("/v1/messages".to_owned(), None),
        Dialect::OpenAi => ("/v1/chat/completions".to_owned(), None),
        Dialect::Responses if is_codex_backend => ("/responses".to_owned(), None),
        Dialect::Responses => ("/v1/responses".to_owned(), None),
        Dialect::Gemini => (route::gemini_path("/v1beta/models", model, action), sse),
        Dialect::GeminiCli => (format!("/v1internal:{action}"), sse),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_types::{ProviderId, ProviderType, Secret};

    #[test]
    fn every_dialect_has_its_place() {
        let of = |dialect, is_stream, is_backend| {
            let (path, query) = place(dialect, "models/gemini-3 pro", is_stream, is_backend);
            format!("{path} {}", query.unwrap_or("-"))
        };
        for (dialect, is_stream, expected) in [
            (Dialect::Claude, true, "/v1/messages -"),
            (Dialect::OpenAi, false, "/v1/chat/completions -"),
            (Dialect::Responses, true, "/v1/responses -"),
            (Dialect::Gemini, true, "/v1beta/models/gemini-3%20pro:streamGenerateContent alt=sse"),
            (Dialect::Gemini, false, "/v1beta/models/gemini-3%20pro:generateContent -"),
            (Dialect::GeminiCli, true, "/v1internal:streamGenerateContent alt=sse"),
        ] {
            assert_eq!(of(dialect, is_stream, false), expected);
        }
        assert_eq!(of(Dialect::Responses, true, true), "/responses -");
    }

    #[test]
    fn instructions_are_added_as_the_provider_says() {
        let mut provider =
            Provider::new(ProviderId(1), "p", "https://x", ProviderType::Codex, Secret::new("s"));
        let mut told = |word: &str, text: Option<&str>| {
            provider.codex_instructions = word.to_owned();
            provider.codex_instructions_text = text.map(str::to_owned);
            options(&provider, false, None).instructions.map(|own| own.is_forced)
        };
        assert_eq!(told("keep", Some("x")), None);
        assert_eq!(told("auto", Some("x")), Some(false));
        assert_eq!(told("force", Some("x")), Some(true));
        assert_eq!(told("force", Some(" ")), None);
        assert_eq!(told("force", None), None);
    }
}
