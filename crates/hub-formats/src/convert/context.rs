//! What every writer of requests has at hand, and the questions that all of them ask.

use std::borrow::Cow;

use hub_types::Dialect;

use super::ir::{Choice, Hosted, Media, Part, Request, Source, Tool};
use super::json::{Json, Obj, obj, parse};
use super::loss::LossReport;
use super::names::NameMap;
use super::refusal::Refusal;
use super::target::Target;

pub(crate) struct Context<'c> {
    pub(crate) target: &'c Target,
    pub(crate) names: &'c NameMap,
    pub(crate) losses: &'c mut LossReport,
    /// Nodes that schemas may still have together where definitions are put in place of their names.
    pub(crate) schema_budget: usize,
}

impl Context<'_> {
    /// Notes a loss if there is something to lose.
    pub(crate) fn lose<T>(&mut self, value: Option<&T>, code: &'static str) {
        if value.is_some() {
            self.losses.note(code);
        }
    }

    /// Does the target take tools with plain text as such?
    pub(crate) fn knows_custom(&self) -> bool {
        self.target.facts.custom_tools && matches!(self.target.dialect, Dialect::OpenAi | Dialect::Responses)
    }

    /// Begins a function for a vendor that knows neither strictness nor grammars.
    pub(crate) fn plain_function<'a>(&mut self, tool: &Tool<'a>) -> Obj<'a> {
        if tool.strict == Some(true) {
            self.losses.note("strict");
        }
        if tool.custom.as_ref().is_some_and(|custom| custom.format.is_some()) {
            self.losses.note("grammar");
        }
        let mut out = Obj::default();
        out.push("name", self.names.wire(&tool.name));
        out.push_some("description", tool.description.clone());
        out
    }

    /// Takes away tools that run at a vendor and have no counterpart here. Forcing one of them is refused.
    pub(crate) fn hosted<'a>(
        &mut self,
        request: &mut Request<'a>,
        can_search: bool,
    ) -> Result<Option<Hosted<'a>>, Refusal> {
        let mut search = None;
        for tool in std::mem::take(&mut request.hosted) {
            let forced = matches!(&request.choice, Some(Choice::Tool(name)) if name == tool.name())
                && !request.tools.iter().any(|function| function.name == tool.name());
            match tool {
                Hosted::WebSearch { .. } if can_search && search.is_none() => search = Some(tool),
                tool => {
                    let kind = match &tool {
                        Hosted::WebSearch { .. } => "web_search",
                        Hosted::Other { kind, .. } => kind,
                    };
                    if forced {
                        return Err(Refusal::unsupported(
                            "tool_choice",
                            "the tool that must be called runs at another vendor",
                        ));
                    }
                    self.losses.note_detail("hosted_tool", kind);
                }
            }
        }
        let only_hosted = request.tools.is_empty() && search.is_none();
        if only_hosted {
            if matches!(request.choice, Some(Choice::Any | Choice::Tool(_))) {
                return Err(Refusal::unsupported("tool_choice", "a tool must be called, and there is none"));
            }
            request.choice = None;
            request.allowed = None;
        }
        Ok(search)
    }
}

/// May a file that a vendor keeps be named to this one?
pub(crate) fn file<'a>(same_vendor: bool, id: &Cow<'a, str>) -> Result<Cow<'a, str>, Refusal> {
    if same_vendor {
        return Ok(id.clone());
    }
    Err(Refusal::unsupported("file_id", "the file is kept by another vendor"))
}

/// Leaves only the tools that may be called.
pub(crate) fn filter_allowed(request: &mut Request<'_>) {
    if let Some(allowed) = request.allowed.take() {
        let names: std::collections::HashSet<&str> = allowed.names.iter().map(|name| &**name).collect();
        request.tools.retain(|tool| names.contains(&*tool.name));
    }
}

/// Arguments as an object: what is none is wrapped.
pub(crate) fn object_args<'a>(args: &Cow<'a, str>) -> Json<'a> {
    if args.trim().is_empty() {
        return Json::Raw(Cow::Borrowed("{}"));
    }
    match parse(args.as_bytes()) {
        Ok(Json::Obj(_)) => Json::Raw(args.clone()),
        _ => obj([("__raw_arguments", Json::Str(args.clone()))]),
    }
}

/// Arguments as a text.
pub(crate) fn text_args<'a>(args: &Cow<'a, str>) -> Cow<'a, str> {
    if args.trim().is_empty() { Cow::Borrowed("{}") } else { args.clone() }
}

/// What a tool with plain text gets: the text in its wrapper, or all of it if there is none.
pub(crate) fn plain_input(arguments: &str) -> String {
    let parsed = parse(arguments.as_bytes()).ok();
    let input = parsed.as_ref().and_then(|object| object.str_at("input"));
    input.unwrap_or(arguments).to_owned()
}

/// The texts among the parts of a result, one below the other.
pub(crate) fn joined_text<'a>(parts: &[Part<'a>]) -> Cow<'a, str> {
    let mut texts = parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text),
        _ => None,
    });
    let Some(first) = texts.next() else { return Cow::Borrowed("") };
    let mut joined = first.clone();
    for text in texts {
        let all = joined.to_mut();
        all.push('\n');
        all.push_str(text);
    }
    joined
}

/// What went wrong, said in words for dialects that have no flag for it.
pub(crate) fn error_text(text: Cow<'_, str>, is_error: bool) -> Cow<'_, str> {
    if is_error && !text.starts_with("Error") { Cow::Owned(format!("Error: {text}")) } else { text }
}

/// Refuses a medium that the dialect has no words for.
pub(crate) fn no_medium<T>(media: &Media<'_>) -> Result<T, Refusal> {
    use super::ir::Kind;
    let param = match media.kind {
        Kind::Image => "image",
        Kind::Document => "document",
        Kind::Audio => "audio",
        Kind::Video => "video",
    };
    let reason = match media.source {
        Source::File(_) => "the file is kept by another vendor",
        _ => "the provider of this model can't take it in this form",
    };
    Err(Refusal::unsupported(param, reason))
}
