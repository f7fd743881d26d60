//! Bodies without their content: the structure stays, every text becomes its length.

use hub_formats::sse::{Event, SseDecoder, push_event};
use hub_types::Dialect;
use serde_json::Value;

use super::structure::{Place, is_name, is_word};
use super::{MAX_MESSAGE_BYTES, size_note};

/// A request's body without its texts: keys, roles, types, names of models and tools, numbers and booleans
/// stay; any other text becomes `[123 characters]`. A body that is no JSON or larger than 1 MiB becomes a note
/// of its size. The result is always JSON.
pub fn redact_request(dialect: Dialect, body: &[u8]) -> Vec<u8> {
    bounded(body, |body| redact_json(dialect, body).unwrap_or_else(|| size_note(body.len())))
}

/// An answer's body without its texts: JSON like a request's, an event stream event by event.
pub fn redact_response(dialect: Dialect, body: &[u8]) -> Vec<u8> {
    bounded(body, |body| {
        redact_json(dialect, body)
            .or_else(|| redact_events(dialect, body))
            .unwrap_or_else(|| size_note(body.len()))
    })
}

/// Short texts grow when they are replaced: what comes out is held to the same bound as what goes in.
fn bounded(body: &[u8], redact: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    if body.len() > MAX_MESSAGE_BYTES {
        return size_note(body.len());
    }
    let redacted = redact(body);
    if redacted.len() > MAX_MESSAGE_BYTES { size_note(body.len()) } else { redacted }
}

fn redact_json(dialect: Dialect, body: &[u8]) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    redact_value(&mut value, Place::top(dialect));
    serde_json::to_vec(&value).ok()
}

/// `None` = there is no event in it.
fn redact_events(dialect: Dialect, body: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len());
    let mut decoder = SseDecoder::with_limit(MAX_MESSAGE_BYTES);
    let mut event = |event: Event<'_>| {
        let name = event.name.and_then(|name| std::str::from_utf8(name).ok()).filter(|name| is_word(name));
        let data = match redact_json(dialect, event.data) {
            Some(json) => json,
            None if event.is_done() => b"[DONE]".to_vec(),
            None => length_of(&String::from_utf8_lossy(event.data)).into_bytes(),
        };
        push_event(&mut out, name, &data);
    };
    decoder.push(body, &mut event).ok()?;
    decoder.finish(&mut event).ok()?;
    (!out.is_empty()).then_some(out)
}

fn redact_value(value: &mut Value, place: Place<'_>) {
    match value {
        Value::String(text) if !place.keeps(text) => *text = length_of(text),
        Value::Array(items) => items.iter_mut().for_each(|item| redact_value(item, place)),
        Value::Object(members) => {
            let role = members.get("role").and_then(Value::as_str).map(str::to_owned);
            let place = place.with_role(role.as_deref());
            for (key, member) in members.iter_mut() {
                redact_value(member, place.member(key));
            }
            if !members.keys().all(|key| is_name(key)) {
                // Somebody's texts serve as keys. Those of one length become one.
                *members = std::mem::take(members)
                    .into_iter()
                    .map(|(key, member)| (if is_name(&key) { key } else { length_of(&key) }, member))
                    .collect();
            }
        }
        _ => {}
    }
}

fn length_of(text: &str) -> String {
    match text.chars().count() {
        0 => String::new(),
        1 => "[1 character]".to_owned(),
        characters => format!("[{characters} characters]"),
    }
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;
