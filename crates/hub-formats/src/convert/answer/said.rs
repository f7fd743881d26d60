//! Failures and refusals as upstreams say them and clients read them.

use hub_types::Dialect;

use super::failure::is_too_long;
use super::{ErrorClass, Failure};
use crate::convert::json::Json;
use crate::convert::refusal::Refusal;
use crate::convert::tape::Tape;

/// What an upstream says with a status that is not a success.
pub fn read_failure(status: u16, body: &[u8]) -> Failure {
    let class = ErrorClass::of_status(status.into()).unwrap_or(ErrorClass::Api);
    let mut tape = Tape::default();
    let Ok(view) = tape.read(body) else {
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        // A web page is nothing that a client could show.
        let message = if text.is_empty() || text.starts_with('<') { "the upstream failed" } else { text };
        return Failure::new(class, message);
    };
    let view = view.items().next().unwrap_or(view);
    let told = Failure::read(view.get("error").unwrap_or(view));
    // Words say more than the status where they name one of these.
    let class = match told.class {
        ErrorClass::ContextLength | ErrorClass::Billing => told.class,
        _ if class == ErrorClass::Invalid && is_too_long(&told.message) => ErrorClass::ContextLength,
        _ => class,
    };
    Failure { class, ..told }
}

/// The body of a refusal, as clients of `dialect` read it; its status is 400.
pub fn render_refusal(refusal: &Refusal, dialect: Dialect) -> Vec<u8> {
    let failure = Failure::new(ErrorClass::Invalid, &refusal.to_string());
    let mut body = failure.body(dialect);
    if let (Json::Obj(object), Some(param), Dialect::OpenAi | Dialect::Responses) =
        (&mut body, refusal.param(), dialect)
        && let Some((_, Json::Obj(error))) = object.members.first_mut()
    {
        for (key, value) in &mut error.members {
            if key == "param" {
                *value = Json::Str(param.to_owned().into());
            }
        }
    }
    let mut out = Vec::new();
    body.write(&mut out);
    out
}

/// The body of an error answer, as clients of `dialect` read it.
pub fn render_failure(failure: &Failure, dialect: Dialect) -> Vec<u8> {
    let mut out = Vec::new();
    failure.body(dialect).write(&mut out);
    out
}
