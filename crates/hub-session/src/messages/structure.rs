//! Where in a body words are structure, and where they are somebody's content.

use hub_types::Dialect;

/// Longer words are taken for content.
const MAX_WORD_BYTES: usize = 128;

/// Members whose words say what things are, in one dialect or another.
const STRUCTURE: [&str; 37] = [
    "call_id",
    "detail",
    "effort",
    "encoding_format",
    "event",
    "finishReason",
    "finish_reason",
    "format",
    "functionCallingConfig",
    "id",
    "item_id",
    "media_type",
    "mimeType",
    "mime_type",
    "mode",
    "model",
    "modelVersion",
    "model_version",
    "name",
    "object",
    "output_format",
    "phase",
    "previous_response_id",
    "reasoning_effort",
    "responseId",
    "responseModality",
    "role",
    "service_tier",
    "status",
    "stop_reason",
    "thinkingLevel",
    "tool_call_id",
    "tool_choice",
    "tool_use_id",
    "truncation",
    "type",
    "verbosity",
];

/// Members below which everything is content, whatever it is called: metadata, and the open ends of schemas.
const CONTENT: [&str; 6] = ["metadata", "const", "default", "enum", "example", "examples"];

/// A place in a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    dialect: Dialect,
    /// The member that leads here; arrays are looked through.
    key: &'a str,
    /// The role that the object here has.
    role: Option<&'a str>,
    is_content: bool,
}

impl<'a> Place<'a> {
    /// The whole body.
    pub(super) const fn top(dialect: Dialect) -> Self {
        Self { dialect, key: "", role: None, is_content: false }
    }

    /// The same, in an object with this role.
    pub(super) const fn with_role(self, role: Option<&'a str>) -> Self {
        Self { role, ..self }
    }

    /// A member of the object here.
    pub(super) fn member(self, key: &'a str) -> Self {
        let is_content = self.is_content
            || CONTENT.contains(&key)
            || match self.dialect {
                // What a tool is called with.
                Dialect::Claude => key == "input",
                // The same, and what it answers.
                Dialect::Gemini | Dialect::GeminiCli => {
                    key == "args" || (self.key == "functionResponse" && key == "response")
                }
                // There it is a JSON text.
                Dialect::OpenAi | Dialect::Responses => false,
            }
            // People in a chat have names, too; tools answer under theirs.
            || (key == "name" && matches!(self.role, Some("user" | "system" | "developer" | "assistant")));
        Self { key, role: None, is_content, ..self }
    }

    /// Is this text here a part of the structure?
    pub(super) fn keeps(self, text: &str) -> bool {
        !self.is_content && STRUCTURE.binary_search(&self.key).is_ok() && is_word(text)
    }
}

/// Something that machines read: a short word without spaces.
pub(super) fn is_word(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:@/+$-".contains(&byte);
    !text.is_empty() && text.len() <= MAX_WORD_BYTES && text.bytes().all(is_allowed)
}

/// A member's key as interfaces have them, not a path or an address.
pub(super) fn is_name(key: &str) -> bool {
    is_word(key) && !key.contains(['@', '/', ':', '+'])
}

#[cfg(test)]
mod tests {
    use super::STRUCTURE;

    #[test]
    fn the_members_are_sorted_for_the_search() {
        assert!(STRUCTURE.is_sorted());
    }
}
