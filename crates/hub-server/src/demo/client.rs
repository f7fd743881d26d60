//! A small client that talks to the hub as Claude Code would.

use anyhow::Context;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;

/// Sends one plain request, one stream and one count, and says what came back.
pub(crate) async fn conversation(hub: &str, key: &str) -> anyhow::Result<Vec<String>> {
    let message = |stream: bool| {
        json!({
            "model": "claude-sonnet-4-5",
            "max_tokens": 200,
            "stream": stream,
            "messages": [{ "role": "user", "content": "Say hello to the team." }],
        })
        .to_string()
    };
    let plain = post(hub, key, "/v1/messages", message(false)).await?;
    let stream = post(hub, key, "/v1/messages", message(true)).await?;
    let count = post(hub, key, "/v1/messages/count_tokens", message(false)).await?;
    let events = stream.lines().filter(|line| line.starts_with("event:")).count();
    Ok(vec![
        format!("  POST /v1/messages               {}", first(&plain, 88)),
        format!("  POST /v1/messages (stream)      {events} events, the last one `{}`", last_event(&stream)),
        format!("  POST /v1/messages/count_tokens  {}\n", first(&count, 88)),
    ])
}

async fn post(hub: &str, key: &str, path: &str, body: String) -> anyhow::Result<String> {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::post(format!("{hub}{path}"))
        .header("x-api-key", key)
        .header("anthropic-version", "2023-06-01")
        .header("user-agent", concat!("hub-demo/", env!("CARGO_PKG_VERSION")))
        .header("content-type", "application/json")
        .body(Full::from(body))?;
    let response = client.request(request).await.context("the hub does not answer")?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    let text = String::from_utf8_lossy(&body).into_owned();
    anyhow::ensure!(status.is_success(), "{path} answered {status}: {text}");
    Ok(text)
}

fn last_event(stream: &str) -> &str {
    stream.lines().filter_map(|line| line.strip_prefix("event: ")).next_back().unwrap_or("none")
}

fn first(text: &str, length: usize) -> String {
    let shown: String = text.chars().take(length).collect();
    if shown.len() < text.len() { format!("{shown}…") } else { shown }
}
