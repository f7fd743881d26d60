//! Text of a given length, and its cutting into chunks.

const PLAIN: &str = "A simulated provider answers at once, says little, and says it the same way each time. ";
const RICH: &str =
    "Ein Prüfsatz, 一段测试文字, \"quoted\" \\ and\ttabbed,\nwith a face 🙂 and a naïve café. ";

/// Text of exactly `len` bytes.
pub(super) fn generate(len: usize, unicode: bool) -> String {
    let pattern = if unicode { RICH } else { PLAIN };
    let mut text = String::with_capacity(len);
    while text.len() + pattern.len() <= len {
        text.push_str(pattern);
    }
    let end = floor_boundary(pattern, len - text.len());
    text.push_str(pattern.get(..end).unwrap_or_default());
    while text.len() < len {
        text.push('.');
    }
    text
}

/// Cuts text into pieces of about `len` bytes, each at least one character, none in the middle of one.
pub(super) fn chunks(text: &str, len: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = floor_boundary(rest, len).max(first.len_utf8());
        let (chunk, tail) = rest.split_at_checked(end)?;
        rest = tail;
        Some(chunk)
    })
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_exactly_the_length_asked_for() {
        for len in [0, 1, 17, 88, 89, 1000] {
            for unicode in [false, true] {
                assert_eq!(generate(len, unicode).len(), len);
            }
        }
    }

    #[test]
    fn chunks_join_to_the_whole_and_are_never_empty() {
        for len in [1, 2, 7, 5000] {
            let text = generate(700, true);
            let parts: Vec<&str> = chunks(&text, len).collect();
            assert!(parts.iter().all(|part| !part.is_empty() && part.len() <= len.max(4)));
            assert_eq!(parts.concat(), text);
        }
    }
}
