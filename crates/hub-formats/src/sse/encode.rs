//! Writing event streams: from events to bytes.

/// Appends an event. Line ends inside `data` become several `data:` lines; line ends in `name` are dropped.
/// Without a name the frame is a bare `data: ` line, as chat and Gemini clients want it.
pub fn push_event(out: &mut Vec<u8>, name: Option<&str>, data: &[u8]) {
    if let Some(name) = name {
        out.extend_from_slice(b"event: ");
        out.extend(name.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')));
        out.push(b'\n');
    }
    for line in lines(data) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.push(b'\n');
}

/// The text's lines; CRLF, CR and LF all end one. An empty text is one empty line.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(at) = memchr::memchr2(b'\r', b'\n', text) else {
            rest = None;
            return Some(text);
        };
        let (line, end) = text.split_at(at);
        let skipped = if end.starts_with(b"\r\n") { 2 } else { 1 };
        rest = end.get(skipped..);
        Some(line)
    })
}
