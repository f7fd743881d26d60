//! Posting to webhook targets: the message in each target's form, a few tries, and what counts as taken.
//!
//! A URL is a secret and never told. Addresses obey the rules of providers' (`ALLOW_PRIVATE_UPSTREAMS`), on the text
//! and again on what a name leads to.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, StreamExt};
use http::header::{CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use http::{Method, Request, Uri};

use hub_http::{Origin, Route, UpstreamClient};
use hub_management::WebhookSender;
use hub_management::view::WebhookTestView;
use hub_repository::{Page, Repository};
use hub_types::{WebhookKind, WebhookTarget};

use crate::alert_text::{Message, body};

/// One try takes at most this long.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pauses before the second and later tries.
const PAUSES: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(8)];
/// Targets posted to at once.
const AT_ONCE: usize = 8;
/// More targets are not sent to.
const MOST_TARGETS: u32 = 200;
/// An answer is read no further than this.
const MOST_ANSWER: usize = 16 << 10;

/// See the module's documentation.
pub(crate) struct Webhooks {
    pub(crate) client: UpstreamClient,
    pub(crate) repository: Arc<dyn Repository>,
    pub(crate) allow_private: bool,
}

/// Why a message was not taken, without the URL; whether trying again may help.
struct NotTaken {
    reason: String,
    again: bool,
}

impl Webhooks {
    /// Sends a message to everybody who wants to hear of it.
    pub(crate) async fn send(&self, message: &Message) {
        let targets =
            match self.repository.list_webhook_targets(Page { after: None, limit: MOST_TARGETS }).await {
                Ok(targets) => targets,
                Err(error) => {
                    tracing::warn!(%error, "an alert is not sent, because the webhook targets can't be read");
                    return;
                }
            };
        let hearing = targets.iter().filter(|target| message.event.is_none_or(|event| target.hears(event)));
        stream::iter(hearing).for_each_concurrent(AT_ONCE, |target| self.deliver(target, message)).await;
    }

    /// Tries until it is taken, four times at most.
    async fn deliver(&self, target: &WebhookTarget, message: &Message) {
        let mut pauses = PAUSES.into_iter();
        loop {
            let Err(NotTaken { reason, again }) = self.post(target, message).await else { return };
            let Some(pause) = pauses.next().filter(|_| again) else {
                tracing::warn!(target = target.name, reason, "a webhook target did not take an alert");
                return;
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn post(&self, target: &WebhookTarget, message: &Message) -> Result<(), NotTaken> {
        let never = |reason: String| NotTaken { reason, again: false };
        let (route, request) = self.request(target, message).map_err(never)?;
        let work = async {
            let again = |reason: String| NotTaken { reason, again: true };
            let sent = self.client.send(route, request).await;
            let mut response = sent.map_err(|error| again(error.to_string()))?;
            let status = response.head.status;
            let mut read = BytesMut::new();
            while let Some(piece) = response.body.next().await {
                let piece = piece.map_err(|error| again(error.to_string()))?;
                let room = MOST_ANSWER - read.len();
                read.extend_from_slice(piece.get(..piece.len().min(room)).unwrap_or_default());
                if read.len() == MOST_ANSWER {
                    break;
                }
            }
            match status.as_u16() {
                200..=299 => taken(target.kind, &read).map_err(never),
                408 | 425 | 429 | 500.. => Err(again(format!("status {status}"))),
                _ => Err(never(format!("status {status}"))),
            }
        };
        tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| {
            Err(NotTaken { reason: format!("no answer within {} s", PATIENCE.as_secs()), again: true })
        })
    }

    fn request(&self, target: &WebhookTarget, message: &Message) -> Result<(Route, Request<Bytes>), String> {
        let url = hub_routing::check_provider_url(target.url.expose(), self.allow_private)
            .map_err(|refused| refused.to_string())?;
        let host = url.host_str().ok_or("the URL has no host")?.trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().ok_or("the URL has no port")?;
        let origin = Origin::new(url.scheme() == "https", &host, port);
        let no_header = |_| "the URL's host is no header value".to_owned();
        let host = HeaderValue::from_str(&origin.host_header()).map_err(no_header)?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let uri = Uri::try_from(format!("{}{query}", url.path()));
        let mut request = Request::new(Bytes::from(body(target.kind, message).to_string()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri.map_err(|_| "the URL can't be asked for".to_owned())?;
        let headers = request.headers_mut();
        headers.insert(HOST, host);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let agent = concat!("claude-code-hub/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        Ok((Route::direct(origin), request))
    }
}

#[async_trait]
impl WebhookSender for Webhooks {
    async fn try_out(&self, target: &WebhookTarget) -> WebhookTestView {
        match self.post(target, &Message::test()).await {
            Ok(()) => WebhookTestView { ok: true, message: "the message was taken".to_owned() },
            Err(NotTaken { reason, .. }) => WebhookTestView { ok: false, message: reason },
        }
    }
}

/// Some services answer 200 to what they do not take, with a code that is not 0.
fn taken(kind: WebhookKind, answer: &[u8]) -> Result<(), String> {
    let member = match kind {
        WebhookKind::Wecom | WebhookKind::Dingtalk => "errcode",
        WebhookKind::Feishu => "code",
        WebhookKind::Json | WebhookKind::Slack | WebhookKind::Discord => return Ok(()),
    };
    let said = serde_json::from_slice::<serde_json::Value>(answer).ok();
    match said.as_ref().and_then(|said| said.get(member)).and_then(serde_json::Value::as_i64) {
        Some(0) => Ok(()),
        Some(code) => Err(format!("{member} {code}")),
        None => Err(format!("an answer without {member}")),
    }
}
