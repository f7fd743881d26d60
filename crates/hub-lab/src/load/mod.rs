//! A load generator for HTTP/1.1 that takes little processor time itself: prebuilt request bytes, one task and
//! one kept-alive connection per unit of concurrency, no HTTP library on the way back.

mod caller;
mod histogram;
mod reader;
mod report;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use http::Uri;
use tokio::task::JoinSet;

use caller::{Budget, Caller};
pub use report::Report;
use report::Tally;

/// What to send, and how much of it.
#[derive(Debug, Clone)]
pub struct LoadPlan {
    /// An `http://` URL. Without a path: `/v1/messages`.
    pub url: String,
    /// Headers to send, as `name: value`.
    pub headers: Vec<String>,
    /// Connections, each with one request at a time.
    pub concurrency: u32,
    /// When to stop.
    pub limit: Limit,
    /// The body of every request.
    pub body: Bytes,
    /// Server-sent events that each answer must hold; another number is an error.
    pub expect_chunks: Option<u64>,
    /// Until a request counts as failed.
    pub timeout: Duration,
}

/// When a run stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// After so many requests.
    Requests(u64),
    /// After so long; requests under way are finished and counted.
    Time(Duration),
}

/// A Claude messages body of `size` bytes (or of the smallest possible size, if that is more).
pub fn claude_body(model: &str, size: usize, stream: bool) -> Bytes {
    let frame = |text: &str| {
        serde_json::json!({
            "model": model,
            "max_tokens": 1024,
            "stream": stream,
            "messages": [{"role": "user", "content": text}],
        })
        .to_string()
    };
    let room = size.saturating_sub(frame("").len());
    frame(&"x".repeat(room)).into()
}

/// Runs a plan to its end.
///
/// Fails only if the plan makes no sense; failed requests are counted in the report.
pub async fn run(plan: LoadPlan) -> anyhow::Result<Report> {
    let uri: Uri = plan.url.parse().with_context(|| format!("`{}` is not a URL", plan.url))?;
    ensure!(uri.scheme_str() == Some("http"), "the load generator speaks plain http only");
    let Some(authority) = uri.authority() else { bail!("`{}` names no host", plan.url) };
    let port = authority.port_u16().unwrap_or(80);
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let mut addresses =
        tokio::net::lookup_host((host, port)).await.with_context(|| format!("cannot resolve {host}"))?;
    let Some(addr) = addresses.next() else { bail!("{host} has no address") };
    let request = request_bytes(&plan, &uri, authority.as_str())?;

    let begun = Instant::now();
    let budget = Arc::new(match plan.limit {
        Limit::Requests(requests) => Budget::Requests(AtomicU64::new(requests)),
        Limit::Time(time) => Budget::Until(begun + time),
    });
    let mut callers = JoinSet::new();
    for _ in 0..plan.concurrency.max(1) {
        let caller = Caller::new(addr, request.clone(), plan.expect_chunks, plan.timeout);
        callers.spawn(caller.run(Arc::clone(&budget)));
    }
    let mut tally = Tally::default();
    while let Some(done) = callers.join_next().await {
        tally.merge(done.context("a caller panicked")?);
    }
    Ok(tally.report(begun.elapsed()))
}

fn request_bytes(plan: &LoadPlan, uri: &Uri, authority: &str) -> anyhow::Result<Bytes> {
    let path = match uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str) {
        "/" => "/v1/messages",
        path => path,
    };
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/json\r\n");
    for header in &plan.headers {
        let Some((name, value)) = header.split_once(':') else { bail!("a header is `name: value`") };
        let name: http::HeaderName = name.trim().parse().context("a header has no valid name")?;
        let value = http::HeaderValue::from_str(value.trim()).context("a header has no valid value")?;
        head.push_str(name.as_str());
        head.push_str(": ");
        head.push_str(value.to_str().context("a header's value is not ASCII")?);
        head.push_str("\r\n");
    }
    head.push_str("content-length: ");
    head.push_str(&plan.body.len().to_string());
    head.push_str("\r\n\r\n");
    let mut request = head.into_bytes();
    request.extend_from_slice(&plan.body);
    Ok(request.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_exactly_the_size_asked_for() {
        for size in [200, 1024, 100_000] {
            let body = claude_body("claude-x", size, true);
            assert_eq!(body.len(), size);
            assert!(serde_json::from_slice::<serde_json::Value>(&body).unwrap()["stream"].as_bool().unwrap());
        }
    }
}
