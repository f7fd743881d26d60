//! Whose conversation a request belongs to, as its client says: a header or a member of the body.
//!
//! Every dialect has its list of places, and the first one that holds something counts. The ids are the
//! client's own words; [`hub_types::SessionId`] ties them to a key.

use http::HeaderMap;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use hub_formats::scan::RequestFacts;
use hub_types::Dialect;

use crate::ConversationHash;

/// Where a client wrote its session's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionSource {
    /// Header `x-session-id`, in any dialect.
    XSessionId,
    /// Header `x-session-affinity`, in any dialect.
    XSessionAffinity,
    /// Header `x-claude-code-session-id`.
    ClaudeCodeHeader,
    /// `session_id` in the JSON text that `metadata.user_id` is.
    UserIdJson,
    /// The end of a `metadata.user_id` like `user_…_account_…_session_…`.
    UserIdText,
    /// `metadata.session_id`.
    MetadataSessionId,
    /// Header `session-id`.
    SessionIdHyphen,
    /// Header `session_id`, with an underscore.
    SessionIdUnderscore,
    /// Header `conversation_id`.
    ConversationId,
    /// Header `thread-id`.
    ThreadId,
    /// `prompt_cache_key`.
    PromptCacheKey,
    /// `user`, where it is a UUID.
    User,
    /// `session_id` of the Gemini CLI's wrapper.
    WrapperSessionId,
}

impl SessionSource {
    /// The stable word for logs and JSON: the header, or the member's place in the body.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::XSessionId => "header x-session-id",
            Self::XSessionAffinity => "header x-session-affinity",
            Self::ClaudeCodeHeader => "header x-claude-code-session-id",
            Self::UserIdJson => "body metadata.user_id.session_id",
            Self::UserIdText => "body metadata.user_id",
            Self::MetadataSessionId => "body metadata.session_id",
            Self::SessionIdHyphen => "header session-id",
            Self::SessionIdUnderscore => "header session_id",
            Self::ConversationId => "header conversation_id",
            Self::ThreadId => "header thread-id",
            Self::PromptCacheKey => "body prompt_cache_key",
            Self::User => "body user",
            Self::WrapperSessionId => "body session_id",
        }
    }
}

/// A session's id as the client wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSession {
    /// The id; never blank, and not yet tied to a key.
    pub id: String,
    /// Where it stood.
    pub source: SessionSource,
}

/// What a request says about its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The client names its session.
    Client(ClientSession),
    /// The client names an earlier answer: the store knows which session it came from. If it does not, the
    /// request is as good as unknown.
    Answer(ConversationHash),
    /// Nothing: the conversation itself has to be recognised.
    Unknown,
}

/// Looks a request's session up in its headers and its body, in the order of the dialect.
pub fn identify(dialect: Dialect, headers: &HeaderMap, facts: &RequestFacts) -> Identity {
    use SessionSource as Source;
    let client = header(headers, "x-session-id", Source::XSessionId)
        .or_else(|| header(headers, "x-session-affinity", Source::XSessionAffinity))
        .or_else(|| match dialect {
            Dialect::Claude => claude(headers, facts),
            Dialect::Responses => responses(headers, facts),
            Dialect::OpenAi => openai(facts),
            Dialect::Gemini | Dialect::GeminiCli => {
                session(facts.session_id.as_deref(), Source::WrapperSessionId)
            }
        });
    let answer = || facts.previous_response_id.as_deref().filter(|_| dialect == Dialect::Responses);
    match (client, answer().map(str::trim)) {
        (Some(client), _) => Identity::Client(client),
        (None, Some(id)) if !id.is_empty() => Identity::Answer(answer_hash(id)),
        _ => Identity::Unknown,
    }
}

/// What an answer's id is remembered by, so that a later `previous_response_id` leads to its session: the first
/// 16 hex digits of the SHA-256 of `response:` and the id.
pub fn answer_hash(response_id: &str) -> ConversationHash {
    let digest = Sha256::new().chain_update(b"response:").chain_update(response_id).finalize();
    ConversationHash(digest.iter().take(8).fold(0, |hash, &byte| hash << 8 | u64::from(byte)))
}

fn claude(headers: &HeaderMap, facts: &RequestFacts) -> Option<ClientSession> {
    let user_id = facts.metadata_user_id.as_deref().unwrap_or_default();
    header(headers, "x-claude-code-session-id", SessionSource::ClaudeCodeHeader)
        .or_else(|| session(session_in_json(user_id).as_deref(), SessionSource::UserIdJson))
        .or_else(|| session(session_in_text(user_id), SessionSource::UserIdText))
        .or_else(|| session(facts.metadata_session_id.as_deref(), SessionSource::MetadataSessionId))
}

fn responses(headers: &HeaderMap, facts: &RequestFacts) -> Option<ClientSession> {
    [
        ("session-id", SessionSource::SessionIdHyphen),
        ("session_id", SessionSource::SessionIdUnderscore),
        ("conversation_id", SessionSource::ConversationId),
        ("thread-id", SessionSource::ThreadId),
    ]
    .into_iter()
    .find_map(|(name, source)| header(headers, name, source))
    .or_else(|| session(facts.prompt_cache_key.as_deref(), SessionSource::PromptCacheKey))
    .or_else(|| session(facts.metadata_session_id.as_deref(), SessionSource::MetadataSessionId))
}

fn openai(facts: &RequestFacts) -> Option<ClientSession> {
    // Most callers write one end user's name here, for all of his conversations: only a UUID may be a session.
    let user = facts.user.as_deref().filter(|user| is_uuid(user.trim()));
    session(facts.prompt_cache_key.as_deref(), SessionSource::PromptCacheKey)
        .or_else(|| session(user, SessionSource::User))
}

fn header(headers: &HeaderMap, name: &str, source: SessionSource) -> Option<ClientSession> {
    headers
        .get_all(name)
        .into_iter()
        .find_map(|value| session(std::str::from_utf8(value.as_bytes()).ok(), source))
}

fn session(id: Option<&str>, source: SessionSource) -> Option<ClientSession> {
    let id = id.map(str::trim).filter(|id| !id.is_empty())?;
    Some(ClientSession { id: id.to_owned(), source })
}

fn session_in_json(user_id: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct UserId {
        session_id: String,
    }
    if !user_id.trim_start().starts_with('{') {
        return None;
    }
    serde_json::from_str::<UserId>(user_id).ok().map(|user| user.session_id)
}

fn session_in_text(user_id: &str) -> Option<&str> {
    let (account, session) = user_id.rsplit_once("_session_")?;
    (account.starts_with("user_") && account.contains("_account_")).then_some(session)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests;
