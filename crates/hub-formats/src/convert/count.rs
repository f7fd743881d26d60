//! Counting the tokens of a request at a provider of another dialect.

use hub_types::Dialect;

use super::json::{Json, Obj, n, obj, parse};
use super::refusal::Refusal;
use super::request::{Source, convert_request};
use super::target::Target;

/// Members of a request that have tokens, as far as a vendor counts them.
const CLAUDE: [&str; 6] = ["model", "system", "messages", "tools", "tool_choice", "thinking"];
const RESPONSES: [&str; 6] = ["model", "instructions", "input", "tools", "tool_choice", "text"];
const GEMINI: [&str; 4] = ["systemInstruction", "contents", "tools", "toolConfig"];

/// Writes a client's request to count tokens anew. Chat providers count nothing: that is refused, and an estimate
/// serves in its place.
pub fn convert_count(source: Source<'_>, target: &Target) -> Result<Vec<u8>, Refusal> {
    let body = parse(source.body)?;
    // Gemini counts either contents or a whole request.
    let inner = body.either("generateContentRequest", "generate_content_request").map(Json::raw_text);
    let inner = inner.filter(|_| source.dialect == Dialect::Gemini);
    let source =
        Source { body: inner.as_deref().map_or(source.body, str::as_bytes), path_stream: false, ..source };
    if target.dialect == Dialect::OpenAi {
        return Err(Refusal::unsupported("model", "the provider of this model can't count tokens"));
    }
    let mut target = target.clone();
    // What would be lost of an answer does not matter here.
    target.options.strict = false;
    let converted = convert_request(source, &target)?.body;
    let whole = parse(&converted)?;
    let mut out = Vec::new();
    match target.dialect {
        Dialect::Claude => only(&whole, &CLAUDE, Obj::default()),
        Dialect::Responses | Dialect::OpenAi => only(&whole, &RESPONSES, Obj::default()),
        Dialect::Gemini => obj([("generateContentRequest", only(&whole, &GEMINI, named(&target.model)))]),
        Dialect::GeminiCli => {
            let request = whole.get("request").unwrap_or(&Json::Null);
            obj([("request", only(request, &["contents"], named(&target.model)))])
        }
    }
    .write(&mut out);
    Ok(out)
}

fn named<'a>(model: &str) -> Obj<'a> {
    let mut out = Obj::default();
    out.push("model", format!("models/{}", model.trim_start_matches("models/")));
    out
}

fn only<'a>(whole: &Json<'a>, keys: &[&'a str], mut out: Obj<'a>) -> Json<'a> {
    for key in keys {
        out.push_some(key, whole.get(key).cloned());
    }
    Json::Obj(out)
}

/// The tokens that a provider of `dialect` counted; `None` = it does not say.
pub fn read_count(dialect: Dialect, body: &[u8]) -> Option<u64> {
    let body = parse(body).ok()?;
    match dialect {
        Dialect::Claude | Dialect::Responses | Dialect::OpenAi => body.get("input_tokens")?.u64(),
        Dialect::Gemini | Dialect::GeminiCli => body.either("totalTokens", "total_tokens")?.u64(),
    }
}

/// The body that tells a client of `dialect` how many tokens its request has: at least one.
pub fn render_count(dialect: Dialect, tokens: u64) -> Vec<u8> {
    let tokens = n(tokens.max(1));
    let body = match dialect {
        Dialect::Claude => obj([("input_tokens", tokens)]),
        Dialect::Responses | Dialect::OpenAi => {
            obj([("object", "response.input_tokens".into()), ("input_tokens", tokens)])
        }
        Dialect::Gemini | Dialect::GeminiCli => obj([("totalTokens", tokens)]),
    };
    let mut out = Vec::new();
    body.write(&mut out);
    out
}
