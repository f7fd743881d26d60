//! Edits of a body in place: named spans are replaced, every other byte stays as the client wrote it. Prompt
//! caches compare exact prefixes, and signed blocks must come back unchanged, so a body is never rewritten.

use std::ops::Range;

use thiserror::Error;

use crate::scan::{RequestFacts, UsageOption};

const ASK_FOR_USAGE: &str = r#""include_usage":true"#;

/// Replaces a span of the body; an empty span inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What goes, in bytes from the start of the body.
    pub span: Range<usize>,
    /// What comes instead.
    pub with: Vec<u8>,
}

/// The edits do not fit the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SpliceError {
    /// A span reaches beyond the body or runs backwards.
    #[error("an edit of bytes {start}..{end} does not fit a body of {len} bytes")]
    OutOfRange {
        /// Start of the span.
        start: usize,
        /// End of the span.
        end: usize,
        /// Length of the body.
        len: usize,
    },
    /// Two edits want the same bytes.
    #[error("two edits overlap at byte {0}")]
    Overlap(usize),
}

/// The edits that make the body name another model. Every occurrence of the member is edited, so that all
/// parsers agree. None if the body names no model.
pub fn model_edits(facts: &RequestFacts, model: &str) -> Vec<Edit> {
    let json = serde_json::Value::from(model).to_string().into_bytes();
    let spans = facts.model.iter().flat_map(|field| field.shadowed.iter().chain([&field.span]));
    spans.map(|span| Edit { span: span.clone(), with: json.clone() }).collect()
}

/// The edit that makes a chat stream report its usage; `None` if the client asked for that itself.
pub fn usage_edit(facts: &RequestFacts) -> Option<Edit> {
    let comma = |is_empty: bool| if is_empty { "" } else { "," };
    let (span, with) = match &facts.usage_option {
        UsageOption::Asked => return None,
        UsageOption::Refused { span } => (span.clone(), "true".to_owned()),
        UsageOption::NotAnObject { span } => (span.clone(), format!("{{{ASK_FOR_USAGE}}}")),
        &UsageOption::Silent { insert_at, is_empty } => {
            (insert_at..insert_at, format!("{}{ASK_FOR_USAGE}", comma(is_empty)))
        }
        &UsageOption::Missing { insert_at, is_empty } => {
            (insert_at..insert_at, format!(r#"{}"stream_options":{{{ASK_FOR_USAGE}}}"#, comma(is_empty)))
        }
    };
    Some(Edit { span, with: with.into_bytes() })
}

/// The body with the edits applied, in whatever order they are given.
pub fn splice(body: &[u8], edits: &[Edit]) -> Result<Vec<u8>, SpliceError> {
    let mut ordered: Vec<&Edit> = edits.iter().collect();
    ordered.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let added: usize = edits.iter().map(|edit| edit.with.len()).sum();
    let mut spliced = Vec::with_capacity(body.len() + added);
    let mut done = 0;
    for Edit { span, with } in ordered {
        if span.start < done {
            return Err(SpliceError::Overlap(span.start));
        }
        let out_of_range = || SpliceError::OutOfRange { start: span.start, end: span.end, len: body.len() };
        body.get(span.clone()).ok_or_else(out_of_range)?;
        spliced.extend_from_slice(body.get(done..span.start).ok_or_else(out_of_range)?);
        spliced.extend_from_slice(with);
        done = span.end;
    }
    spliced.extend_from_slice(body.get(done..).unwrap_or_default());
    Ok(spliced)
}
