//! Webhook targets: where alerts are sent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Secret, WebhookTargetId};

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertEvent {
    /// A provider's circuit breaker opened.
    BreakerOpened,
    /// A provider refuses the hub's account.
    CredentialFailing,
}

impl AlertEvent {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::BreakerOpened, Self::CredentialFailing];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BreakerOpened => "breaker_opened",
            Self::CredentialFailing => "credential_failing",
        }
    }
}

/// In which form a target wants its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookKind {
    /// The alert as JSON.
    #[default]
    Json,
    /// Slack's incoming webhooks.
    Slack,
    /// Discord's webhooks.
    Discord,
    /// Robots of WeCom groups.
    Wecom,
    /// Robots of Feishu groups.
    Feishu,
    /// Robots of DingTalk groups that check a keyword or the address.
    Dingtalk,
}

impl WebhookKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Json, Self::Slack, Self::Discord, Self::Wecom, Self::Feishu, Self::Dingtalk];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Wecom => "wecom",
            Self::Feishu => "feishu",
            Self::Dingtalk => "dingtalk",
        }
    }
}

/// Where alerts are sent. The URL is a secret: whoever knows it can post there.
#[derive(Debug, Clone)]
pub struct WebhookTarget {
    /// The row.
    pub id: WebhookTargetId,
    /// Unique among the living.
    pub name: String,
    /// The form of messages.
    pub kind: WebhookKind,
    /// http or https.
    pub url: Secret,
    /// What it hears of; empty = everything.
    pub events: Vec<AlertEvent>,
    /// Hears anything at all.
    pub is_enabled: bool,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
}

impl WebhookTarget {
    /// Does it want to hear of this?
    pub fn hears(&self, event: AlertEvent) -> bool {
        self.is_enabled && (self.events.is_empty() || self.events.contains(&event))
    }
}
