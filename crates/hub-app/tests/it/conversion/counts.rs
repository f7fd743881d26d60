//! How many tokens a request has, asked of providers of other dialects.

use hub_management::view::AttemptView;
use hub_types::{Dialect, ErrorClass};

use super::{Babel, directions};
use crate::harness::client::{Reply, Request};
use crate::harness::speech;
use crate::harness::upstream::Upstream;
use crate::harness::world::lab;

/// The path on which a dialect's clients count, if it has one.
fn path(client: Dialect) -> Option<String> {
    match client {
        Dialect::Claude => Some("/v1/messages/count_tokens".to_owned()),
        Dialect::Gemini => Some(format!("/v1beta/models/{}:countTokens", speech::model(client))),
        Dialect::GeminiCli => Some("/v1internal:countTokens".to_owned()),
        Dialect::OpenAi | Dialect::Responses => None,
    }
}

async fn count(babel: &Babel, client: Dialect, upstream: Dialect) -> Option<Reply> {
    let request = Request::post(path(client)?, speech::body(client, false));
    Some(request.key(&babel.keys[&upstream].text).send(babel.hub.address).await)
}

fn tokens(client: Dialect, reply: &Reply) -> u64 {
    let field = if client == Dialect::Claude { "input_tokens" } else { "totalTokens" };
    reply.json()[field].as_u64().unwrap_or_else(|| panic!("{client}: {}", reply.text()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_counts_in_its_own_words_and_the_client_reads_its_own() {
    let claude = Upstream::answering("application/json", br#"{"input_tokens":4711}"#).await;
    let openai = Upstream::answering("application/json", br#"{"object":"x","input_tokens":4711}"#).await;
    let gemini = Upstream::answering("application/json", br#"{"totalTokens":4711}"#).await;
    let babel = Babel::at(|dialect| match dialect {
        Dialect::Claude => claude.url(),
        Dialect::OpenAi | Dialect::Responses => openai.url(),
        Dialect::Gemini | Dialect::GeminiCli => gemini.url(),
    })
    .await;
    let mut counted = 0;
    for (client, upstream) in directions().filter(|(_, upstream)| *upstream != Dialect::OpenAi) {
        let Some(reply) = count(&babel, client, upstream).await else { continue };
        assert_eq!(reply.status, 200, "{client} to {upstream}: {}", reply.text());
        assert_eq!(tokens(client, &reply), 4711, "{client} to {upstream}");
        assert_eq!(reply.header("x-hub-estimated"), None);
        let record = babel.hub.record(reply.id()).await;
        assert_eq!(record.request.provider_name.as_deref(), Some(upstream.as_str()));
        assert_eq!((record.request.endpoint.as_str(), record.request.cost_usd), ("count_tokens", None));
        counted += 1;
    }
    assert_eq!(counted, 9);
    let asked = |upstream: &Upstream, member: &str| {
        let bodies = upstream.bodies();
        assert!(!bodies.is_empty());
        for body in bodies {
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert!(body.get(member).is_some() || body.get("request").is_some(), "{body}");
            assert_eq!(body.get("max_tokens"), None, "a count has no answer: {body}");
        }
    };
    asked(&claude, "messages");
    asked(&openai, "input");
    asked(&gemini, "generateContentRequest");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_counts_the_hub_estimates_and_says_so() {
    // The lab has no place where Responses count, and Chat has none at all.
    let lab = lab().await;
    let babel = Babel::at(|_| lab.url()).await;
    for upstream in [Dialect::OpenAi, Dialect::Responses] {
        for client in [Dialect::Claude, Dialect::Gemini, Dialect::GeminiCli] {
            let reply = count(&babel, client, upstream).await.unwrap();
            assert_eq!(reply.status, 200, "{client} to {upstream}: {}", reply.text());
            assert_eq!(reply.header("x-hub-estimated"), Some("true"), "{client} to {upstream}");
            assert!((1..50).contains(&tokens(client, &reply)), "{}", reply.text());
            let record = babel.hub.record(reply.id()).await;
            assert_eq!((record.request.status, record.request.error_code), (200, None));
            // Nothing is held against a provider for that.
            let not_served = |attempt: &AttemptView| attempt.class == Some(ErrorClass::NotServed);
            assert!(record.attempts.iter().all(not_served), "{:?}", record.attempts);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_of_a_provider_of_the_clients_own_dialect_is_no_case_for_an_estimate() {
    let lab = lab().await;
    let babel = Babel::at(|_| lab.url()).await;
    let body = speech::body(Dialect::Claude, false);
    let request = Request::post("/v1/messages/count_tokens", body).lab("status=400");
    let reply = request.key(&babel.keys[&Dialect::Claude].text).send(babel.hub.address).await;
    assert_eq!((reply.status, reply.header("x-hub-estimated")), (400, None));
}
