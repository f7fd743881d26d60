//! Is this a good answer to a bad request? Says what is wrong if not.

use serde_json::Value;

use crate::hub::VENDOR_CREDENTIAL;
use crate::wire::{Answer, Exchange};

/// The error object of a dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Claude,
    /// Responses has the same.
    OpenAi,
    Gemini,
    /// The head was garbled, so the hub may take the request for another dialect's, or for no HTTP at all.
    Any,
}

/// Judges everything that came back on a connection.
pub(crate) fn judge(exchange: &Exchange, shape: Shape) -> Result<(), String> {
    if exchange.hung {
        return Err(format!("neither answered nor closed; so far {:?}", exchange.answers));
    }
    if !exchange.garbage.is_empty() {
        return Err(format!("no HTTP: {:?}", String::from_utf8_lossy(&exchange.garbage)));
    }
    for (number, answer) in exchange.answers.iter().enumerate() {
        // What follows the first answer answers whatever was behind the request.
        let shape = if number == 0 { shape } else { Shape::Any };
        judge_answer(answer, shape).map_err(|reason| {
            let body = String::from_utf8_lossy(&answer.body);
            format!("{reason}: {} {:?} {body:.600}", answer.status, answer.headers)
        })?;
    }
    Ok(())
}

fn judge_answer(answer: &Answer, shape: Shape) -> Result<(), String> {
    let credential = VENDOR_CREDENTIAL.as_bytes();
    if answer.body.windows(credential.len()).any(|window| window == credential) {
        return Err("the vendor's credential reached a client".to_owned());
    }
    match answer.status {
        100 | 200..=299 => return Ok(()),
        400..=599 => {}
        _ => return Err("a status that no client knows what to do with".to_owned()),
    }
    if !answer.is_whole {
        return Err("half an error".to_owned());
    }
    if answer.body.is_empty() {
        return Err("an error that says nothing".to_owned());
    }
    let content_type = answer.header("content-type").unwrap_or_default();
    if !content_type.starts_with("application/json") {
        return Err("an error that is not declared as JSON".to_owned());
    }
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
        return Err("an error that is no JSON".to_owned());
    };
    let error = &body["error"];
    if error["message"].as_str().is_none_or(|message| message.trim().is_empty()) {
        return Err("an error without a message".to_owned());
    }
    let is_claude = body["type"] == "error" && error["type"].is_string();
    let is_gemini = error["code"].is_number();
    let fits = match shape {
        Shape::Claude => is_claude,
        Shape::Gemini => is_gemini,
        // Clients of this dialect look for the message alone.
        Shape::OpenAi | Shape::Any => true,
    };
    if fits { Ok(()) } else { Err(format!("not an error of {shape:?}")) }
}
