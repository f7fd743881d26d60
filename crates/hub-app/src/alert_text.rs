//! Alerts in words, and in the form of each kind of webhook target.

use hub_proxy::{Alert, AlertKind};
use hub_types::{AlertEvent, WebhookKind};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Something to be told.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// What it is about; `None` = a test.
    pub(crate) event: Option<AlertEvent>,
    title: String,
    text: String,
    /// The same for programs.
    details: Value,
}

impl Message {
    /// Of an alert that was raised at `now`.
    pub(crate) fn of(alert: &Alert, now: Timestamp) -> Self {
        let Alert { provider, name, kind } = alert;
        match kind {
            AlertKind::BreakerOpened { failures, reopens_at } => {
                let again = reopens_at.map(|at| format!(", and is tried again at {at}")).unwrap_or_default();
                Self {
                    event: Some(AlertEvent::BreakerOpened),
                    title: format!("Provider {name}: circuit breaker open"),
                    text: format!("{failures} counted failures. It gets no requests{again}."),
                    details: json!({
                        "event": AlertEvent::BreakerOpened, "time": now, "provider_id": provider,
                        "provider_name": name, "failures": failures, "reopens_at": reopens_at,
                    }),
                }
            }
            AlertKind::CredentialFailing { message } => Self {
                event: Some(AlertEvent::CredentialFailing),
                title: format!("Provider {name}: account refused"),
                text: format!("It refuses the hub's credential, or the account has no credit: {message}."),
                details: json!({
                    "event": AlertEvent::CredentialFailing, "time": now, "provider_id": provider,
                    "provider_name": name, "message": message,
                }),
            },
        }
    }

    /// To find out whether a target works.
    pub(crate) fn test() -> Self {
        let text = "Alerts of this hub will come here.";
        Self {
            event: None,
            title: "Test of a webhook target".to_owned(),
            text: text.to_owned(),
            details: json!({"event": "test", "message": text}),
        }
    }
}

/// The body that a target of this kind takes.
pub(crate) fn body(kind: WebhookKind, message: &Message) -> Value {
    let Message { title, text, details, .. } = message;
    let plain = format!("{title}\n{text}");
    match kind {
        WebhookKind::Json => {
            let mut details = details.clone();
            if let Value::Object(members) = &mut details {
                members.insert("title".to_owned(), title.as_str().into());
                members.insert("text".to_owned(), text.as_str().into());
            }
            details
        }
        WebhookKind::Slack => json!({ "text": escaped(&plain) }),
        // Names of providers must not call anybody.
        WebhookKind::Discord => json!({"content": plain, "allowed_mentions": {"parse": []}}),
        WebhookKind::Wecom => {
            json!({"msgtype": "markdown", "markdown": {"content": format!("**{title}**\n{text}")}})
        }
        WebhookKind::Feishu => json!({"msg_type": "text", "content": {"text": plain}}),
        WebhookKind::Dingtalk => json!({
            "msgtype": "markdown", "markdown": {"title": title, "text": format!("**{title}**\n\n{text}")},
        }),
    }
}

/// The three characters that mean something to Slack.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
