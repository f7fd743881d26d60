//! The one field of a form that the hub has to know: the model. Forms carry sound and pictures, and pass as they
//! are.

use std::ops::Range;

use memchr::memmem;

/// A boundary is no longer than that (RFC 2046), nor is a model's name.
const MAX_BOUNDARY: usize = 70;
const MAX_NAME: usize = 256;
/// Headers of a part.
const MAX_HEADERS: usize = 4096;

/// A form's `model` and where its value stands; `None` if it has none that can be read.
pub(crate) fn model(content_type: &str, body: &[u8]) -> Option<(String, Range<usize>)> {
    let boundary = boundary(content_type)?;
    let delimiter = format!("--{boundary}");
    let mut rest = 0;
    while let Some(at) = memmem::find(body.get(rest..)?, delimiter.as_bytes()) {
        let part = rest + at + delimiter.len();
        rest = part;
        let Some(after) = body.get(part..).and_then(|after| after.strip_prefix(b"\r\n")) else { continue };
        let head = after.get(..after.len().min(MAX_HEADERS)).unwrap_or_default();
        let Some(end) = memmem::find(head, b"\r\n\r\n") else { continue };
        if !is_model(head.get(..end).unwrap_or_default()) {
            continue;
        }
        let start = part + 2 + end + 4;
        let closing = format!("\r\n{delimiter}");
        let length = memmem::find(body.get(start..)?, closing.as_bytes())?;
        let value = body.get(start..start + length).filter(|value| value.len() <= MAX_NAME)?;
        return Some((std::str::from_utf8(value).ok()?.to_owned(), start..start + length));
    }
    None
}

fn boundary(content_type: &str) -> Option<&str> {
    let mut parts = content_type.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    (!value.is_empty() && value.len() <= MAX_BOUNDARY).then_some(value)
}

/// Do these headers of a part say that it is the model?
fn is_model(headers: &[u8]) -> bool {
    String::from_utf8_lossy(headers).lines().any(|line| {
        let Some((name, value)) = line.split_once(':') else { return false };
        let names_it = |part: &str| matches!(part.trim(), r#"name="model""# | "name=model");
        name.trim().eq_ignore_ascii_case("content-disposition") && value.split(';').any(names_it)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = r#"multipart/form-data; boundary="x-1""#;

    fn form(parts: &[(&str, &str)]) -> Vec<u8> {
        let part = |(name, value): &(&str, &str)| {
            format!("--x-1\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let all: String = parts.iter().map(part).collect();
        (all + "--x-1--\r\n").into_bytes()
    }

    #[test]
    fn the_model_is_found_wherever_it_stands() {
        for parts in [
            [("model", "whisper-1"), ("file", "name=\"model\"\r\n\r\nno")],
            [("file", "\r\n--x-\r\nmodel"), ("model", "whisper-1")],
        ] {
            let body = form(&parts);
            let (name, span) = model(TYPE, &body).unwrap();
            assert_eq!(name, "whisper-1");
            assert_eq!(&body[span], b"whisper-1");
        }
    }

    #[test]
    fn what_is_no_form_or_has_no_model_names_none() {
        assert_eq!(model(TYPE, &form(&[("file", "x")])), None);
        assert_eq!(model("application/json", &form(&[("model", "m")])), None);
        assert_eq!(model("multipart/form-data", &form(&[("model", "m")])), None);
        for cut in 0..form(&[("model", "m")]).len() {
            let body = form(&[("model", "m")]);
            let found = model(TYPE, &body[..cut]);
            assert!(found.is_none_or(|(name, _)| name == "m"), "{cut}");
        }
    }
}
