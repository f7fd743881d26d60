//! As much of Markdown as the check needs: headings, code spans, code blocks and links.

/// One document in pieces.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) path: String,
    pub(super) pieces: Vec<Piece>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) line: usize,
    /// The heading that it stands under.
    pub(super) heading: String,
    pub(super) kind: Kind,
    pub(super) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Between two backticks.
    Span,
    /// A command line; lines that end in `\` are joined.
    Shell,
    /// A line of another code block.
    Block,
    /// The target of a link.
    Link,
    /// Everything else, line by line; spans and links come in addition.
    Prose,
}

impl Document {
    pub(super) fn parse(path: &str, text: &str) -> Self {
        let mut document = Self { path: path.to_owned(), pieces: Vec::new() };
        let (mut heading, mut block, mut continued) = (String::new(), None, String::new());
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(language) = line.trim_start().strip_prefix("```") {
                let is_shell = matches!(language.trim(), "sh" | "bash" | "console");
                block = if block.is_some() { None } else { Some(is_shell) };
                continue;
            }
            let mut push = |kind, text: &str| {
                let text = text.to_owned();
                document.pieces.push(Piece { line: number, heading: heading.clone(), kind, text });
            };
            match block {
                Some(true) => match line.strip_suffix('\\') {
                    Some(begun) => continued.push_str(begun),
                    None => push(Kind::Shell, &(std::mem::take(&mut continued) + line)),
                },
                Some(false) => push(Kind::Block, line),
                None => {
                    if line.starts_with('#') {
                        line.trim_start_matches('#').trim().clone_into(&mut heading);
                        continue;
                    }
                    push(Kind::Prose, line);
                    // Every second part lies between backticks.
                    line.split('`').skip(1).step_by(2).for_each(|span| push(Kind::Span, span));
                    line.split("](")
                        .skip(1)
                        .filter_map(|rest| rest.split_once(')'))
                        .for_each(|(target, _)| push(Kind::Link, target));
                }
            }
        }
        document
    }
}

/// The anchors that a document's headings make.
pub(super) fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| slug(line.trim_start_matches('#').trim())).collect()
}

fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|it| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|it| if it == ' ' { '-' } else { it }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_falls_into_pieces_under_their_headings() {
        let text = "# A\nsee `x.rs` and [b](b.md#c)\n```sh\ncargo \\\n  run\n```\n## B\n```text\nabc\n```\n";
        let document = Document::parse("a.md", text);
        let found: Vec<_> = document
            .pieces
            .iter()
            .map(|it| (it.line, it.heading.as_str(), it.kind, it.text.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                (2, "A", Kind::Prose, "see `x.rs` and [b](b.md#c)"),
                (2, "A", Kind::Span, "x.rs"),
                (2, "A", Kind::Link, "b.md#c"),
                (5, "A", Kind::Shell, "cargo   run"),
                (9, "B", Kind::Block, "abc"),
            ]
        );
    }

    #[test]
    fn anchors_are_made_as_the_forges_make_them() {
        assert_eq!(anchors("# What works, and what doesn't\ntext\n"), ["what-works-and-what-doesnt"]);
    }
}
