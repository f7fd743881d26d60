//! From a client's request to a provider's.

use hub_types::Dialect;

use super::context::Context;
use super::fields::NO_COUNTERPART;
use super::ir::{Part, Request};
use super::json::parse;
use super::loss::LossReport;
use super::names::{NameMap, NameRule};
use super::plan::AnswerPlan;
use super::refusal::Refusal;
use super::target::Target;
use super::{chat, claude, gemini, history, responses};

/// Schemas of small requests may grow to this many nodes.
const SCHEMA_NODES: usize = 50_000;

/// A request as the client sent it.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The client's dialect.
    pub dialect: Dialect,
    /// The whole body, decoded.
    pub body: &'a [u8],
    /// The model, where the path names it.
    pub path_model: Option<&'a str>,
    /// Is a stream wanted, where the path says so?
    pub path_stream: bool,
}

/// A request as the provider gets it.
#[derive(Debug)]
pub struct Converted {
    /// The body.
    pub body: Vec<u8>,
    /// What could not be carried.
    pub losses: LossReport,
    /// How the answer gets back.
    pub plan: AnswerPlan,
}

/// Where signatures are kept that a client can't carry: [`super::Converter::take_signatures`] gives them.
pub trait SignatureStash {
    /// The signature that came with this call.
    fn signature(&self, call_id: &str) -> Option<String>;
}

/// Writes a client's request anew for a provider of another dialect.
pub fn convert_request(source: Source<'_>, target: &Target) -> Result<Converted, Refusal> {
    convert(source, target, None)
}

/// The same, with the signatures that were kept of earlier answers. Only chat clients need them, and only Gemini
/// gets them: others carry them themselves.
pub fn convert_request_with(
    source: Source<'_>,
    target: &Target,
    stash: &dyn SignatureStash,
) -> Result<Converted, Refusal> {
    convert(source, target, Some(stash))
}

fn convert(
    source: Source<'_>,
    target: &Target,
    stash: Option<&dyn SignatureStash>,
) -> Result<Converted, Refusal> {
    let body = parse(source.body)?;
    let mut losses = LossReport::default();
    let mut request = match source.dialect {
        Dialect::Claude => claude::decode(&body, &mut losses)?,
        Dialect::OpenAi => chat::decode(&body, &mut losses)?,
        Dialect::Responses => responses::decode(&body, &mut losses)?,
        Dialect::Gemini => gemini::decode(&body, false, &mut losses)?,
        Dialect::GeminiCli => gemini::decode(&body, true, &mut losses)?,
    };
    if matches!(source.dialect, Dialect::Gemini | Dialect::GeminiCli) {
        request.stream = source.path_stream;
    }
    if let Some(model) = source.path_model {
        request.model = model.to_owned().into();
    }
    let is_google = matches!(target.dialect, Dialect::Gemini | Dialect::GeminiCli);
    if let Some(stash) = stash.filter(|_| is_google && source.dialect == Dialect::OpenAi) {
        history::give_kept_signatures(&mut request.turns, stash);
    }
    history::prepare(&mut request, target, &mut losses);
    let rule = match target.dialect {
        Dialect::Claude => NameRule::Claude,
        Dialect::OpenAi | Dialect::Responses => NameRule::OpenAi,
        Dialect::Gemini | Dialect::GeminiCli => NameRule::Gemini,
    };
    let names = NameMap::new(rule, all_names(&request).into_iter());
    if names.changed() {
        losses.note("name_rewritten");
    }
    let upstream_stream = request.stream || target.options.codex_backend;
    let plan = AnswerPlan::new(&request, &body, names.clone(), target.dialect, upstream_stream);
    let mut context = Context {
        target,
        names: &names,
        losses: &mut losses,
        schema_budget: SCHEMA_NODES + source.body.len() / 8,
    };
    let encoded = match target.dialect {
        Dialect::Claude => claude::encode(request, &mut context)?,
        Dialect::OpenAi => chat::encode(request, &mut context)?,
        Dialect::Responses => responses::encode(request, &mut context)?,
        Dialect::Gemini | Dialect::GeminiCli => gemini::encode(request, &mut context)?,
    };
    if target.options.strict
        && let Some(loss) = losses.semantic()
    {
        return Err(Refusal::unsupported(loss.code.to_string(), NO_COUNTERPART));
    }
    let mut out = Vec::with_capacity(source.body.len() + source.body.len() / 8);
    encoded.write(&mut out);
    Ok(Converted { body: out, losses, plan })
}

/// Every name of a tool that the request mentions.
fn all_names<'r>(request: &'r Request<'_>) -> Vec<&'r str> {
    let tools = request.tools.iter().map(|tool| &*tool.name);
    let history = request.turns.iter().flat_map(|turn| &turn.parts).filter_map(|part| match part {
        Part::Call { name, .. } => Some(&**name),
        Part::Result { name, .. } => name.as_deref(),
        _ => None,
    });
    tools.chain(history).collect()
}
