//! Step 7, another dialect: the request said anew for a provider that does not speak the client's.

use http::{Method, Request, Uri};

use hub_formats::convert::{
    Converted, Instructions, LossReport, Options, Refusal, Source, Target, convert_count, convert_request,
};
use hub_types::{Dialect, Endpoint, Provider};

use super::Outgoing;
use crate::catalogue::Upstream;
use crate::docket::Docket;
use crate::receive::Received;
use crate::relay::WayBack;
use crate::{ProxyError, headers, route};

/// How an answer gets back into the client's words, and what its request lost on the way.
pub(crate) struct Conversion {
    pub(crate) way_back: WayBack,
    pub(crate) losses: LossReport,
}

/// A request in the provider's words.
struct Said {
    body: Vec<u8>,
    /// Does the upstream stream?
    is_stream: bool,
    conversion: Conversion,
}

/// Says the request in the provider's dialect. `Err`: that can't be done, and is nobody's fault.
pub(super) async fn convert(
    received: &Received,
    upstream: &Upstream,
    docket: &mut Docket,
) -> Result<Outgoing, ProxyError> {
    let call = &received.call;
    let dialect = upstream.dialect();
    let model = upstream.redirect(&call.model).unwrap_or(&call.model);
    let session = docket.record().session_id.clone();
    let mut target = Target::new(dialect, model);
    target.options = options(&upstream.provider, upstream.is_codex_backend, session);
    let said = if call.endpoint == Endpoint::CountTokens {
        say_count(received, target).await?
    } else {
        say(received, target, docket).await?
    };
    let (path, query) = if call.endpoint == Endpoint::CountTokens {
        (counting_place(dialect, model), None)
    } else {
        place(dialect, model, said.is_stream, upstream.is_codex_backend)
    };
    let uri = Uri::try_from(upstream.target(&path, query))
        .map_err(|_| ProxyError::InvalidRequest("the model's name can't be put into a path".to_owned()))?;
    let mut request = Request::new(said.body.into());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers::to_foreign_upstream(
        received.headers(),
        &upstream.host,
        &upstream.own_headers,
        dialect,
        said.is_stream,
    );
    let conversion = Some(Box::new(said.conversion));
    Ok(Outgoing { request, model: model.to_owned(), asks_for_usage: false, conversion })
}

async fn say(received: &Received, target: Target, docket: &mut Docket) -> Result<Said, ProxyError> {
    let Converted { body, losses, mut plan } =
        beside_if_large(received, move |source| convert_request(source, &target)).await?;
    plan.salt = docket.id().to_string();
    plan.created = u64::try_from(docket.record().created_at.as_second()).unwrap_or(0);
    plan.list = received.wants_list();
    let is_stream = plan.upstream_stream;
    let conversion = Conversion { way_back: WayBack::Answer(Box::new(plan)), losses };
    Ok(Said { body, is_stream, conversion })
}

async fn say_count(received: &Received, target: Target) -> Result<Said, ProxyError> {
    let way_back = WayBack::Count { client: received.call.dialect, upstream: target.dialect };
    let body = beside_if_large(received, move |source| convert_count(source, &target)).await?;
    let conversion = Conversion { way_back, losses: LossReport::default() };
    Ok(Said { body, is_stream: false, conversion })
}

/// Larger bodies are gone through beside the requests, so that nobody who shares the thread waits for it: a
/// megabyte takes some milliseconds.
const AT_ONCE_BYTES: usize = 128 << 10;

async fn beside_if_large<T: Send + 'static>(
    received: &Received,
    work: impl FnOnce(Source<'_>) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, ProxyError> {
    let call = &received.call;
    let (dialect, path_stream) = (call.dialect, call.stream);
    let path_model = (dialect == Dialect::Gemini).then(|| call.model.clone());
    let body = received.body.clone();
    let work = move || work(Source { dialect, body: &body, path_model: path_model.as_deref(), path_stream });
    let done = if received.body.len() <= AT_ONCE_BYTES {
        work()
    } else {
        // It fails only when the runtime ends, and everything with it.
        tokio::task::spawn_blocking(work).await.map_err(|_| ProxyError::ShuttingDown)?
    };
    done.map_err(|refusal| ProxyError::NotConvertible { dialect, refusal })
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

/// Where a dialect's providers count the tokens of a request. Chat has no such place, and is not asked.
fn counting_place(dialect: Dialect, model: &str) -> String {
    match dialect {
        Dialect::Claude => "/v1/messages/count_tokens".to_owned(),
        Dialect::OpenAi | Dialect::Responses => "/v1/responses/input_tokens".to_owned(),
        Dialect::Gemini => route::gemini_path("/v1beta/models", model, "countTokens"),
        Dialect::GeminiCli => "/v1internal:countTokens".to_owned(),
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
