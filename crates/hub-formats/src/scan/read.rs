//! Reading the facts off a body.

use std::ops::Range;

use hub_types::{Dialect, ServiceTier};

use super::{ConversationSpans, ModelField, RequestFacts, ScanError, StreamField, UsageOption};
use crate::json::{Cursor, Member, decode_lossy, eq_decoded};

/// The members that matter, over all dialects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Name {
    Model = 1,
    Stream = 1 << 1,
    MaxTokens = 1 << 2,
    MaxCompletionTokens = 1 << 3,
    StreamOptions = 1 << 4,
    Metadata = 1 << 5,
    PromptCacheKey = 1 << 6,
    PreviousResponseId = 1 << 7,
    User = 1 << 8,
    SessionId = 1 << 9,
    Messages = 1 << 10,
    Tools = 1 << 11,
    GenerationConfig = 1 << 12,
    Wrapped = 1 << 13,
    System = 1 << 14,
    Answers = 1 << 15,
    ServiceTier = 1 << 16,
}

/// Where in the body the scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Body,
    /// Inside the `request` of the Gemini CLI.
    Wrapped,
}

struct Reader {
    dialect: Dialect,
    facts: RequestFacts,
    /// Seen names, one set per level.
    seen: [u32; 2],
    /// Vendors heed this one where both are there, but not all relays do: the answer may have the larger.
    max_completion_tokens: Option<u64>,
}

/// Scans a request body of `dialect`. The body must be one JSON object and is checked to its last byte; members
/// that the hub does not know may hold anything. A known member of an unexpected kind counts as absent: the
/// upstream is the one to complain.
pub fn scan_request(dialect: Dialect, body: &[u8]) -> Result<RequestFacts, ScanError> {
    let mut cursor = Cursor::new(body)?;
    let mut reader =
        Reader { dialect, facts: RequestFacts::default(), seen: [0; 2], max_completion_tokens: None };
    let mut options = None;
    let mut is_empty = true;
    let closing = cursor.object(|cursor, member| {
        is_empty = false;
        reader.member(Level::Body, cursor, member, &mut options)
    })?;
    cursor.end()?;
    reader.facts.usage_option = options.unwrap_or(UsageOption::Missing { insert_at: closing, is_empty });
    reader.facts.max_tokens = reader.facts.max_tokens.max(reader.max_completion_tokens);
    Ok(reader.facts)
}

impl Reader {
    fn name(&self, level: Level, key: &[u8]) -> Option<Name> {
        let decoded;
        let key = if key.contains(&b'\\') {
            decoded = decode_lossy(key);
            decoded.as_str()
        } else {
            std::str::from_utf8(key).ok()?
        };
        let is_gemini = matches!(self.dialect, Dialect::Gemini | Dialect::GeminiCli);
        let wrapper = self.dialect == Dialect::GeminiCli && level == Level::Body;
        Some(match key {
            "model" if level == Level::Body => Name::Model,
            "request" if wrapper => Name::Wrapped,
            "session_id" if self.dialect == Dialect::GeminiCli => Name::SessionId,
            "contents" if is_gemini && !wrapper => Name::Messages,
            "tools" if !wrapper => Name::Tools,
            "generationConfig" | "generation_config" if is_gemini && !wrapper => Name::GenerationConfig,
            "systemInstruction" | "system_instruction" if is_gemini && !wrapper => Name::System,
            _ if is_gemini => return None,
            "system" if self.dialect == Dialect::Claude => Name::System,
            "instructions" if self.dialect == Dialect::Responses => Name::System,
            "stream" => Name::Stream,
            "max_tokens" if self.dialect != Dialect::Responses => Name::MaxTokens,
            "n" if self.dialect == Dialect::OpenAi => Name::Answers,
            "max_completion_tokens" if self.dialect == Dialect::OpenAi => Name::MaxCompletionTokens,
            "max_output_tokens" if self.dialect == Dialect::Responses => Name::MaxTokens,
            "stream_options" => Name::StreamOptions,
            "metadata" => Name::Metadata,
            "prompt_cache_key" => Name::PromptCacheKey,
            "previous_response_id" => Name::PreviousResponseId,
            "user" => Name::User,
            "service_tier" => Name::ServiceTier,
            "messages" if self.dialect != Dialect::Responses => Name::Messages,
            "input" if self.dialect == Dialect::Responses => Name::Messages,
            "functions" if self.dialect == Dialect::OpenAi => Name::Tools,
            _ => return None,
        })
    }

    fn member(
        &mut self,
        level: Level,
        cursor: &mut Cursor<'_>,
        member: Member<'_>,
        options: &mut Option<UsageOption>,
    ) -> Result<(), ScanError> {
        let Some(name) = self.name(level, member.raw_key) else {
            return cursor.value().map(drop);
        };
        let seen = &mut self.seen[usize::from(level == Level::Wrapped)];
        // The two spellings of the tool list may stand side by side.
        self.facts.repeated |= name != Name::Tools && *seen & name as u32 != 0;
        *seen |= name as u32;
        match name {
            Name::Model => self.model(cursor)?,
            Name::Stream => {
                let span = cursor.value()?;
                self.facts.stream = Some(StreamField { value: cursor.slice(&span) == b"true", span });
            }
            Name::MaxTokens => self.facts.max_tokens = count(cursor)?,
            Name::MaxCompletionTokens => self.max_completion_tokens = count(cursor)?,
            Name::Answers => self.facts.answers = count(cursor)?,
            Name::StreamOptions => *options = Some(usage_option(cursor)?),
            Name::Metadata => self.metadata(cursor)?,
            Name::PromptCacheKey => self.facts.prompt_cache_key = text(cursor)?,
            Name::PreviousResponseId => self.facts.previous_response_id = text(cursor)?,
            Name::User => self.facts.user = text(cursor)?,
            Name::ServiceTier => {
                self.facts.service_tier = text(cursor)?.as_deref().and_then(ServiceTier::named);
            }
            Name::SessionId => self.facts.session_id = text(cursor)?,
            Name::Messages => self.messages(cursor)?,
            Name::System => self.facts.conversation.system = Some(cursor.value()?),
            Name::Tools => self.tools(cursor, member)?,
            Name::GenerationConfig => self.generation_config(cursor)?,
            Name::Wrapped => match cursor.peek() {
                Some(b'{') => {
                    // Of two wrappers the last one holds the conversation, or there is none.
                    self.facts.conversation = ConversationSpans::default();
                    cursor.object(|cursor, member| self.member(Level::Wrapped, cursor, member, options))?;
                }
                _ => {
                    cursor.value()?;
                }
            },
        }
        Ok(())
    }

    fn model(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ScanError> {
        let span = cursor.value()?;
        let shadowed = self.facts.model.take().map_or_else(Vec::new, |mut earlier| {
            earlier.shadowed.push(earlier.span);
            earlier.shadowed
        });
        if let Some(inside) = inside_of_string(cursor.slice(&span)) {
            self.facts.model = Some(ModelField { name: decode_lossy(inside), span, shadowed });
        }
        Ok(())
    }

    fn metadata(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ScanError> {
        if cursor.peek() != Some(b'{') {
            return cursor.value().map(drop);
        }
        (self.facts.metadata_user_id, self.facts.metadata_session_id) = (None, None);
        cursor.object(|cursor, member| {
            if eq_decoded(member.raw_key, "user_id") {
                self.facts.metadata_user_id = text(cursor)?;
            } else if eq_decoded(member.raw_key, "session_id") {
                self.facts.metadata_session_id = text(cursor)?;
            } else {
                cursor.value()?;
            }
            Ok(())
        })?;
        Ok(())
    }

    fn messages(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ScanError> {
        cursor.peek();
        let start = cursor.position();
        let count = match cursor.peek() {
            Some(b'[') => Some(cursor.list(|cursor| cursor.value().map(drop))?),
            // One text or one item stands for a list of one.
            Some(b'"' | b'{') if self.dialect == Dialect::Responses => cursor.value().map(|_| Some(1))?,
            _ => cursor.value().map(|_| None)?,
        };
        self.facts.message_count = count;
        self.facts.conversation.messages = count.map(|_| start..cursor.position());
        Ok(())
    }

    fn tools(&mut self, cursor: &mut Cursor<'_>, member: Member<'_>) -> Result<(), ScanError> {
        if cursor.peek() != Some(b'[') {
            return cursor.value().map(drop);
        }
        let start = cursor.position();
        self.facts.has_tools |= cursor.list(|cursor| cursor.value().map(drop))? > 0;
        let tools = &mut self.facts.conversation.tools;
        if tools.is_none() || eq_decoded(member.raw_key, "tools") {
            *tools = Some(start..cursor.position());
        }
        Ok(())
    }

    fn generation_config(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ScanError> {
        if cursor.peek() != Some(b'{') {
            return cursor.value().map(drop);
        }
        cursor.object(|cursor, member| {
            if eq_decoded(member.raw_key, "maxOutputTokens")
                || eq_decoded(member.raw_key, "max_output_tokens")
            {
                self.facts.max_tokens = count(cursor)?;
            } else if eq_decoded(member.raw_key, "candidateCount")
                || eq_decoded(member.raw_key, "candidate_count")
            {
                self.facts.answers = count(cursor)?;
            } else {
                cursor.value()?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

fn usage_option(cursor: &mut Cursor<'_>) -> Result<UsageOption, ScanError> {
    if cursor.peek() != Some(b'{') {
        return cursor.value().map(|span| UsageOption::NotAnObject { span });
    }
    let mut found = None;
    let mut is_empty = true;
    let insert_at = cursor.object(|cursor, member| {
        is_empty = false;
        let span = cursor.value()?;
        if eq_decoded(member.raw_key, "include_usage") {
            let asked = cursor.slice(&span) == b"true";
            found = Some(if asked { UsageOption::Asked } else { UsageOption::Refused { span } });
        }
        Ok(())
    })?;
    Ok(found.unwrap_or(UsageOption::Silent { insert_at, is_empty }))
}

fn inside_of_string(value: &[u8]) -> Option<&[u8]> {
    value.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

fn text(cursor: &mut Cursor<'_>) -> Result<Option<String>, ScanError> {
    let span = cursor.value()?;
    Ok(inside_of_string(cursor.slice(&span)).map(decode_lossy))
}

/// A whole number that is not negative; anything else counts as absent, as does one beyond 2⁶⁴.
fn count(cursor: &mut Cursor<'_>) -> Result<Option<u64>, ScanError> {
    let span: Range<usize> = cursor.value()?;
    Ok(std::str::from_utf8(cursor.slice(&span)).ok().and_then(|digits| digits.parse().ok()))
}
