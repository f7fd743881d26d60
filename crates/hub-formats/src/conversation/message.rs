//! The messages of a conversation, in the shapes of the dialects, and the chain over them.

use std::ops::Range;

use hub_types::Dialect;

use super::canon::{CLOSE, Canon, Hash, NAME, PREVIOUS, RESULT, SYSTEM};
use super::object::{Object, string_at};
use super::part::{Place, text_part};
use super::value::Ignore;
use super::{Chain, ChainRules};
use crate::json::{Cursor, decoded};
use crate::scan::{ConversationSpans, ScanError, ScanErrorKind};

/// Members and list items that are looked at. No real beginning of a conversation comes near.
const MAX_PIECES: usize = 200_000;

/// Ends the reading, for lack of need or of will to go on.
const STOP: ScanError = ScanError { kind: ScanErrorKind::TooDeep, offset: 0 };

/// Reads the leading messages of one body.
pub(super) struct Reader<'a> {
    dialect: Dialect,
    pub(super) body: &'a [u8],
    rules: ChainRules,
    pieces: usize,
    chain: Chain,
    previous: Option<Hash>,
    system: Canon,
    has_system: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(dialect: Dialect, body: &'a [u8], rules: ChainRules) -> Self {
        Self {
            dialect,
            body,
            rules,
            pieces: MAX_PIECES,
            chain: Chain::new(),
            previous: None,
            system: Canon::new(),
            has_system: false,
        }
    }

    pub(super) fn chain(mut self, spans: &ConversationSpans) -> Chain {
        // Whatever ends the reading: what was read counts.
        let _ = self.read(spans);
        self.chain
    }

    fn read(&mut self, spans: &ConversationSpans) -> Result<(), ScanError> {
        let Some(messages) = spans.messages.as_ref().filter(|_| self.rules.message_count > 0) else {
            return Ok(());
        };
        if let Some(span) = spans.system.as_ref().filter(|_| self.rules.include_system_prompt) {
            self.system_prompt(span)?;
        }
        let mut cursor = Cursor::within(self.body, messages);
        if cursor.peek() == Some(b'[') {
            cursor.list(|cursor| {
                self.spend()?;
                self.message(cursor)
            })?;
            return Ok(());
        }
        self.message(&mut cursor)
    }

    /// One more piece to look at.
    pub(super) fn spend(&mut self) -> Result<(), ScanError> {
        self.pieces = self.pieces.checked_sub(1).ok_or(STOP)?;
        Ok(())
    }

    pub(super) fn is_gemini(&self) -> bool {
        matches!(self.dialect, Dialect::Gemini | Dialect::GeminiCli)
    }

    fn system_prompt(&mut self, span: &Range<usize>) -> Result<(), ScanError> {
        let parts = if self.is_gemini() && self.body.get(span.start) == Some(&b'{') {
            Object::at(self, span)?.get("parts").cloned()
        } else {
            Some(span.clone())
        };
        parts.map_or(Ok(()), |parts| self.add_to_system(&parts))
    }

    fn add_to_system(&mut self, content: &Range<usize>) -> Result<(), ScanError> {
        let mut system = std::mem::replace(&mut self.system, Canon::new());
        self.has_system |= self.content(content, Place::System, &mut system)?;
        self.system = system;
        Ok(())
    }

    fn message(&mut self, cursor: &mut Cursor<'a>) -> Result<(), ScanError> {
        if cursor.peek() != Some(b'{') {
            let span = cursor.value()?;
            return self.bare_message(&span);
        }
        let message = Object::read(self, cursor)?;
        let is_reasoning = message.is("type", "reasoning");
        if self.dialect == Dialect::Responses && is_reasoning {
            return Ok(());
        }
        let has_prompts_among_messages = matches!(self.dialect, Dialect::OpenAi | Dialect::Responses);
        if has_prompts_among_messages && self.chain.is_empty() {
            let role = message.string("role").map(decoded).unwrap_or_default();
            if matches!(&*role, "system" | "developer") {
                return self.leading_prompt(&message);
            }
        }
        let mut canon = self.link();
        match self.dialect {
            Dialect::Claude => self.claude(&message, &mut canon)?,
            Dialect::OpenAi => self.chat(&message, &mut canon)?,
            Dialect::Responses => self.item(&message, &mut canon)?,
            Dialect::Gemini | Dialect::GeminiCli => self.turn(&message, &mut canon)?,
        }
        self.counted(canon)
    }

    /// A message that is no object: a text in Responses, else something odd.
    fn bare_message(&mut self, span: &Range<usize>) -> Result<(), ScanError> {
        let mut canon = self.link();
        match string_at(self.body, span).filter(|_| self.dialect == Dialect::Responses) {
            Some(text) => {
                canon.text(b"user");
                text_part(text, Place::Message, &mut canon);
                canon.byte(CLOSE);
            }
            None => self.json_at(span, Ignore::CacheControl, &mut canon)?,
        }
        self.counted(canon)
    }

    /// A system prompt that is written as a message.
    fn leading_prompt(&mut self, message: &Object<'a>) -> Result<(), ScanError> {
        if !self.rules.include_system_prompt {
            return Ok(());
        }
        if let Some(content) = message.get("content") {
            return self.add_to_system(content);
        }
        let mut system = std::mem::replace(&mut self.system, Canon::new());
        self.has_system |= self.other(message, &mut system)?;
        self.system = system;
        Ok(())
    }

    /// The beginning of a message's canonical form: what came before it.
    fn link(&mut self) -> Canon {
        let mut canon = Canon::new();
        if let Some(previous) = self.previous {
            canon.byte(PREVIOUS);
            canon.bytes(&previous);
        } else if self.has_system {
            let system = std::mem::replace(&mut self.system, Canon::new());
            canon.byte(SYSTEM);
            canon.bytes(&system.finish());
        }
        canon
    }

    fn counted(&mut self, canon: Canon) -> Result<(), ScanError> {
        let hash = canon.finish();
        self.previous = Some(hash);
        self.chain.push(hash.iter().take(8).fold(0, |first, &byte| first << 8 | u64::from(byte)));
        if self.chain.len() < self.rules.message_count { Ok(()) } else { Err(STOP) }
    }

    fn claude(&mut self, message: &Object<'a>, canon: &mut Canon) -> Result<(), ScanError> {
        canon.text(message.string("role").unwrap_or_default());
        self.parts(message.get("content"), canon)
    }

    fn chat(&mut self, message: &Object<'a>, canon: &mut Canon) -> Result<(), ScanError> {
        canon.text(message.string("role").unwrap_or_default());
        if let Some(name) = message.get("name") {
            canon.byte(NAME);
            self.value_or_absent(Some(name), canon)?;
        }
        if let Some(id) = message.get("tool_call_id") {
            canon.byte(RESULT);
            self.value_or_absent(Some(id), canon)?;
        }
        self.parts(message.get("content"), canon)?;
        self.parts(message.get("refusal"), canon)?;
        if let Some(calls) = message.get("tool_calls").filter(|span| self.body.get(span.start) == Some(&b'['))
        {
            Cursor::within(self.body, calls).list(|cursor| {
                self.spend()?;
                let span = cursor.value()?;
                self.chat_call(&span, canon)
            })?;
        }
        match message.get("function_call") {
            Some(span) => self.function(None, span, canon),
            None => Ok(()),
        }
    }

    fn chat_call(&mut self, span: &Range<usize>, canon: &mut Canon) -> Result<(), ScanError> {
        if self.body.get(span.start) != Some(&b'{') {
            return self.json_at(span, Ignore::Nothing, canon);
        }
        let call = Object::at(self, span)?;
        match call.any(&["function", "custom"]) {
            Some(function) => self.function(call.get("id"), function, canon),
            None => self.other(&call, canon).map(drop),
        }
    }

    fn function(
        &mut self,
        id: Option<&Range<usize>>,
        span: &Range<usize>,
        canon: &mut Canon,
    ) -> Result<(), ScanError> {
        if self.body.get(span.start) != Some(&b'{') {
            return self.json_at(span, Ignore::Nothing, canon);
        }
        let function = Object::at(self, span)?;
        self.call(id, function.get("name"), function.any(&["arguments", "input"]), canon)
    }

    /// An input item of Responses.
    fn item(&mut self, item: &Object<'a>, canon: &mut Canon) -> Result<(), ScanError> {
        let kind = item.string("type").map(decoded);
        match kind.as_deref() {
            None | Some("message") => {
                canon.text(item.string("role").unwrap_or_default());
                self.parts(item.get("content"), canon)
            }
            Some("function_call" | "custom_tool_call") => {
                self.value_or_absent(item.get("namespace"), canon)?;
                self.call(item.get("call_id"), item.get("name"), item.any(&["arguments", "input"]), canon)
            }
            Some("function_call_output" | "custom_tool_call_output") => {
                canon.byte(RESULT);
                self.value_or_absent(item.get("call_id"), canon)?;
                self.parts(item.get("output"), canon)
            }
            Some(_) => self.other(item, canon).map(drop),
        }
    }

    /// A turn of Gemini.
    fn turn(&mut self, turn: &Object<'a>, canon: &mut Canon) -> Result<(), ScanError> {
        canon.text(turn.string("role").unwrap_or(b"user"));
        self.parts(turn.get("parts"), canon)
    }

    fn parts(&mut self, content: Option<&Range<usize>>, canon: &mut Canon) -> Result<(), ScanError> {
        if let Some(span) = content {
            self.content(span, Place::Message, canon)?;
        }
        canon.byte(CLOSE);
        Ok(())
    }
}
