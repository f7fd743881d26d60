//! What has to be remembered of a request to write its answer.

use std::collections::HashMap;

use hub_types::Dialect;

use super::answer::Unit;
use super::ids::digest;
use super::ir::{CallForm, Request};
use super::json::{Json, Obj};
use super::names::NameMap;

/// How an answer gets back into the client's words. It borrows nothing of the request.
#[derive(Debug, Clone)]
pub struct AnswerPlan {
    /// The client's dialect.
    pub client: Dialect,
    /// The provider's dialect.
    pub upstream: Dialect,
    /// Does the client want a stream?
    pub stream: bool,
    /// Does the upstream stream? It may do so although the client does not.
    pub upstream_stream: bool,
    /// Gemini: the client reads its stream as one JSON list, not as events (it did not ask for `alt=sse`).
    pub list: bool,
    /// Seconds since 1970, where the answer has to say when it was made.
    pub created: u64,
    /// What makes ids of this answer unlike those of any other: the request's id.
    pub salt: String,
    /// The model as the client calls it.
    pub(crate) model: String,
    pub(crate) names: NameMap,
    /// Tools whose calls are not told as functions.
    pub(crate) forms: HashMap<String, CallForm>,
    /// Tools in groups: the group, and the name there.
    pub(crate) namespaces: HashMap<String, (String, String)>,
    pub(crate) include_usage: bool,
    /// The most answers that may come.
    pub(crate) answers: u64,
    /// Members of a Responses request that its answer repeats.
    pub(crate) echo: Obj<'static>,
}

/// Members that the answer's object repeats.
const ECHOED: [&str; 12] = [
    "instructions",
    "max_output_tokens",
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "reasoning",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_p",
    "truncation",
];

/// No vendor gives more answers to one request.
const MAX_ANSWERS: u64 = 128;

impl AnswerPlan {
    pub(crate) fn new(
        request: &Request<'_>,
        body: &Json<'_>,
        names: NameMap,
        upstream: Dialect,
        upstream_stream: bool,
    ) -> Self {
        let forms = request.tools.iter().filter_map(|tool| {
            let custom = tool.custom.as_ref().map(|_| CallForm::Custom);
            Some((tool.name.to_string(), custom.or(tool.builtin)?))
        });
        let mut echo = Obj::default();
        if request.origin == Dialect::Responses {
            for key in ECHOED {
                // As text: it is repeated several times, and copied with the plan.
                echo.push_some(key, body.get(key).map(|value| Json::Raw(value.to_text().into())));
            }
        }
        Self {
            client: request.origin,
            upstream,
            stream: request.stream,
            upstream_stream,
            list: false,
            created: 0,
            salt: String::new(),
            model: request.model.to_string(),
            names,
            forms: forms.collect(),
            namespaces: request
                .tools
                .iter()
                .filter_map(|tool| {
                    let (space, name) = tool.namespace.as_ref()?;
                    Some((tool.name.to_string(), (space.to_string(), name.to_string())))
                })
                .collect(),
            include_usage: request.include_usage,
            answers: request.answers.map_or(1, |(count, _)| count.min(MAX_ANSWERS)),
            echo,
        }
    }

    /// Is the provider one that streams lists where it is not asked for events?
    pub(crate) fn upstream_is_google(&self) -> bool {
        matches!(self.upstream, Dialect::Gemini | Dialect::GeminiCli)
    }

    /// As what the client expects this call.
    pub(crate) fn form(&self, unit: &Unit) -> CallForm {
        let Unit::Call { name, .. } = unit else { return CallForm::Function };
        self.forms.get(self.names.original(name)).copied().unwrap_or(CallForm::Function)
    }

    /// The answer's id: the provider's, as the client's dialect begins ids, or one that is made up.
    pub(crate) fn answer_id(&self, prefix: &str, id: &str) -> String {
        if id.is_empty() {
            return format!("{prefix}{}", digest(&[self.salt.as_bytes(), b"answer"]));
        }
        if id.starts_with(prefix) { id.to_owned() } else { format!("{prefix}{id}") }
    }
}
