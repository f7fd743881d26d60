//! Sessions and the session pool.

use std::time::Duration;

use crate::reader::{Reader, boolean};
use crate::variables as of;

/// Stickiness, and how conversations are recognised.
#[derive(Debug, Clone)]
pub struct Sessions {
    /// How long a session keeps to its provider and counts as active.
    pub ttl: Duration,
    /// How long a conversation without a client's id is recognised by its hash.
    pub conversation_ttl: Duration,
    /// The conversation's time is renewed when less than this is left.
    pub renew_threshold: Duration,
    /// The most sessions remembered in memory.
    pub max_conversations: usize,
    /// How many leading messages make up the hash.
    pub message_count: usize,
    /// Whether the system prompt is part of it.
    pub include_system_prompt: bool,
    /// Whether messages are kept.
    pub message_storage: MessageStorage,
}

/// Whether messages of sessions are kept for looking at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageStorage {
    /// Not at all.
    Off,
    /// Their shape, without their content.
    Redacted,
    /// Whole.
    Full,
}

/// The pool of sessions of trusted keys, one of which is lent to requests that name none.
#[derive(Debug, Clone)]
pub struct SessionPool {
    /// Whether requests follow its current session. It is filled in any case.
    pub enabled: bool,
    /// With fewer sessions it does not move on by itself.
    pub min_size: usize,
    /// The most sessions in it.
    pub max_size: usize,
    /// How likely a request makes another session the current one, 0 to 1.
    pub switch_probability: f64,
    /// The least time between two such changes.
    pub min_switch_interval: Duration,
}

impl Sessions {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let ttl = reader.duration(&of::SESSION_TTL);
        let conversation_ttl = reader.duration(&of::SESSION_TTL_SECONDS);
        let renew_threshold = reader.duration(&of::SESSION_RENEW_THRESHOLD_SECONDS);
        if let (Some(threshold), Some(ttl)) = (renew_threshold, conversation_ttl)
            && threshold > ttl
        {
            let most = format!("at most SESSION_TTL_SECONDS, which is {}", ttl.as_secs());
            reader.refuse(&of::SESSION_RENEW_THRESHOLD_SECONDS, most);
        }
        let max_conversations = reader.count(&of::SESSION_MAX_CACHE_SIZE);
        let message_count = reader.count(&of::SESSION_MESSAGE_COUNT);
        let include_system_prompt = reader.boolean(&of::SESSION_INCLUDE_SYSTEM_PROMPT);
        let message_storage = reader.value(&of::STORE_SESSION_MESSAGES, MessageStorage::parse);
        Some(Self {
            ttl: ttl?,
            conversation_ttl: conversation_ttl?,
            renew_threshold: renew_threshold?,
            max_conversations: max_conversations?,
            message_count: message_count?,
            include_system_prompt: include_system_prompt?,
            message_storage: message_storage?,
        })
    }
}

impl MessageStorage {
    fn parse(text: &str) -> Option<Self> {
        match boolean(text) {
            Some(true) => Some(Self::Full),
            Some(false) => Some(Self::Off),
            None => text.eq_ignore_ascii_case("redacted").then_some(Self::Redacted),
        }
    }
}

impl SessionPool {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let enabled = reader.boolean(&of::USE_SESSION_POOL);
        let min_size: Option<usize> = reader.count(&of::SESSION_POOL_MIN_SIZE);
        let max_size = reader.count(&of::SESSION_POOL_MAX_SIZE);
        if let (Some(min), Some(max)) = (min_size, max_size)
            && max < min
        {
            reader.refuse(
                &of::SESSION_POOL_MAX_SIZE,
                format!("at least SESSION_POOL_MIN_SIZE, which is {min}"),
            );
        }
        let switch_probability = reader.value(&of::SESSION_SWITCH_PROBABILITY, |text| {
            text.parse().ok().filter(|probability| (0.0..=1.0).contains(probability))
        });
        let min_switch_interval = reader.duration(&of::SESSION_MIN_SWITCH_INTERVAL_MS);
        Some(Self {
            enabled: enabled?,
            min_size: min_size?,
            max_size: max_size?,
            switch_probability: switch_probability?,
            min_switch_interval: min_switch_interval?,
        })
    }
}
