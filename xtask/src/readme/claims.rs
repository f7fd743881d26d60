//! What a document claims to be there, piece by piece.

use std::fs;
use std::path::Path;

use super::markdown::{Document, Kind, Piece, anchors};
use super::shell;
use super::tree::{Tree, contains_word};

/// Variables of other programs, and what stands for any column in examples.
const FOREIGN: &[&str] = &[
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "FIELD",
    "GEMINI_API_KEY",
    "GOOGLE_GEMINI_BASE_URL",
    "HUB_KEY",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
];
/// Names that end so are files of this repository.
const EXTENSIONS: &[&str] = &["rs", "md", "toml", "sql", "json", "lua"];
/// A path below the management interface that is none of it: an alias that clients use.
const ALIAS: &str = "/messages";

/// All claims of a document that do not hold.
pub(super) fn check(tree: &Tree, document: &Document) -> Vec<String> {
    let mut findings = Vec::new();
    for piece in &document.pieces {
        let mut claims = Claims { tree, document, piece, wrong: Vec::new() };
        claims.check();
        let place = |wrong| format!("{}:{}: {wrong}", document.path, piece.line);
        findings.extend(claims.wrong.into_iter().map(place));
    }
    findings
}

struct Claims<'a> {
    tree: &'a Tree,
    document: &'a Document,
    piece: &'a Piece,
    wrong: Vec<String>,
}

impl Claims<'_> {
    fn check(&mut self) {
        let text = self.piece.text.as_str();
        match self.piece.kind {
            Kind::Link => self.link(text),
            Kind::Prose | Kind::Block => self.crates(text),
            Kind::Span => {
                self.commands(text);
                self.variables(text);
                self.routes(text);
                self.path(text);
                self.name(text);
            }
            Kind::Shell => {
                self.crates(text);
                self.commands(text);
                self.variables(text);
                self.routes(text);
                text.split_whitespace().for_each(|word| self.path(word));
            }
        }
    }

    fn expect(&mut self, holds: bool, claim: impl FnOnce() -> String) {
        if !holds {
            self.wrong.push(claim());
        }
    }

    /// Every word like a crate's name is one, or has at least its place in the layers.
    fn crates(&mut self, text: &str) {
        for word in text.split(|it: char| !(it.is_ascii_alphanumeric() || it == '-' || it == '_')) {
            if word.starts_with("hub-") && word != "hub-" {
                let known =
                    self.tree.sources.contains_key(word) || self.tree.layers.iter().any(|it| it == word);
                self.expect(known, || format!("there is no crate `{word}`"));
            }
        }
    }

    fn commands(&mut self, text: &str) {
        for command in shell::commands(text) {
            match command.as_slice() {
                ["cargo", "xtask", chore, ..] => {
                    let known = self.tree.chores.iter().any(|it| it == chore);
                    self.expect(known, || format!("`cargo xtask` does not know `{chore}`"));
                }
                ["cargo", rest @ ..] => self.cargo(rest),
                [program, rest @ ..] if matches!(*program, "hub-server" | "hub-admin" | "hub-lab") => {
                    self.program(program, rest);
                }
                _ => {}
            }
        }
    }

    fn cargo(&mut self, words: &[&str]) {
        let end = words.iter().position(|word| *word == "--").unwrap_or(words.len());
        let (own, handed) = words.split_at(end);
        let after = |flags: &[&str]| {
            let at = own.iter().position(|word| flags.contains(word))?;
            own.get(at + 1).copied()
        };
        let Some(package) = after(&["-p", "--package"]) else { return };
        // A word like a name of ours is looked at in any case.
        let known = self.tree.sources.contains_key(package) || package.starts_with("hub-");
        self.expect(known, || format!("there is no crate `{package}`"));
        if let Some(example) = after(&["--example"]) {
            let path = format!("crates/{package}/examples/{example}.rs");
            self.expect(self.tree.has_file(&path), || format!("there is no example `{path}`"));
        } else if own.first() == Some(&"run") {
            self.program(package, handed.get(1..).unwrap_or_default());
        }
    }

    /// Flags are fields of the program's argument types, subcommands are variants.
    fn program(&mut self, program: &str, words: &[&str]) {
        let Some(source) = self.tree.sources.get(program) else { return };
        for flag in words.iter().filter_map(|word| word.strip_prefix("--")) {
            let name = flag.split('=').next().unwrap_or_default();
            let field = format!("{}:", name.replace('-', "_"));
            let known = matches!(name, "help" | "version" | "")
                || contains_word(source, &field)
                || source.contains(&format!("long = \"{name}\""));
            self.expect(known, || format!("`{program}` has no flag `--{name}`"));
        }
        let is_name = |word: &str| word.chars().all(|it| it.is_ascii_lowercase() || it == '-');
        let mut subcommands = words.iter().filter(|word| !word.starts_with('-') && is_name(word));
        let Some(first) = subcommands.next() else { return };
        let variant = capitalised(first);
        self.expect(has_variant(source, &variant), || format!("`{program}` has no subcommand `{first}`"));
        let nested = format!("{variant}({}Command)", variant.strip_suffix('s').unwrap_or(&variant));
        if let (true, Some(second)) = (source.contains(&nested), subcommands.next()) {
            let known = has_variant(source, &capitalised(second));
            self.expect(known, || format!("`{program} {first}` has no subcommand `{second}`"));
        }
    }

    fn variables(&mut self, text: &str) {
        for name in shell::variables(text) {
            let known = self.tree.variables.contains(&name) || FOREIGN.contains(&name);
            self.expect(known, || format!("there is no variable `{name}`"));
        }
    }

    fn routes(&mut self, text: &str) {
        let Some(api) = self.tree.sources.get("hub-api") else { return };
        for rest in text.split("/api/v1").skip(1) {
            let end = rest.find(|it: char| !(it.is_alphanumeric() || "/{}-._".contains(it)));
            let path = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            let segments = path.split('/').map(|it| if it.parse::<u64>().is_ok() { "{id}" } else { it });
            let route = segments.collect::<Vec<_>>().join("/");
            let known = route.is_empty() || route == ALIAS || api.contains(&format!("{route}\""));
            self.expect(known, || format!("there is no route `/api/v1{route}`"));
        }
    }

    fn path(&mut self, text: &str) {
        let text = text.strip_prefix("./").unwrap_or(text);
        if text.starts_with(['/', '~', '-', '.']) && !text.starts_with(".ci/")
            || text.contains(|it: char| "{}*:=…<> ".contains(it))
        {
            return;
        }
        let first = text.split('/').next().unwrap_or_default();
        let is_inside =
            text.contains('/') && self.tree.has_file(first) && first != "target" && first != "data";
        let has_extension =
            text.rsplit_once('.').is_some_and(|(name, it)| !name.is_empty() && EXTENSIONS.contains(&it));
        if is_inside || has_extension {
            let known = self.places().iter().any(|place| self.tree.has_file(&format!("{place}{text}")));
            self.expect(known, || format!("there is no file `{text}`"));
        }
    }

    /// Where a path may begin: at the root, beside the document, or in the crate that the heading names.
    fn places(&self) -> Vec<String> {
        let mut places = vec![String::new(), beside(&self.document.path)];
        for word in self.piece.heading.split([' ', ',']) {
            let home = if word == "xtask" { "xtask".to_owned() } else { format!("crates/{word}") };
            if self.tree.sources.contains_key(word) {
                places.push(format!("{home}/"));
                places.push(format!("{home}/src/"));
            }
        }
        places
    }

    /// Types, functions and metrics.
    fn name(&mut self, text: &str) {
        if let Some(function) = text.strip_suffix("()") {
            let name = function.rsplit(['.', ':']).next().unwrap_or_default();
            let known = self.tree.has_word(&format!("fn {name}"));
            self.expect(known, || format!("there is no function `{name}`"));
        } else if text.starts_with("hub_") && text.chars().all(|it| it.is_ascii_lowercase() || it == '_') {
            let quoted = format!("\"{}\"", text.strip_suffix("_total").unwrap_or(text));
            let known = self.tree.sources.values().any(|source| source.contains(&quoted));
            self.expect(known, || format!("there is no metric `{text}`"));
        } else if text.starts_with(|it: char| it.is_ascii_uppercase())
            && text.chars().all(|it| it.is_ascii_alphanumeric() || it == ':' || it == '_')
            && text.contains(|it: char| it.is_ascii_lowercase())
        {
            for part in text.split("::") {
                self.expect(self.tree.has_word(part), || format!("no source says `{part}`"));
            }
        }
    }

    fn link(&mut self, target: &str) {
        if target.contains("://") || target.starts_with("mailto:") {
            return;
        }
        let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
        let path =
            if file.is_empty() { self.document.path.clone() } else { beside(&self.document.path) + file };
        let found = self.tree.root.join(&path);
        self.expect(found.exists(), || format!("the link to `{file}` leads nowhere"));
        if !anchor.is_empty() && found.is_file() {
            let text = fs::read_to_string(&found).unwrap_or_default();
            let known = anchors(&text).iter().any(|it| it == anchor);
            self.expect(known, || format!("`{path}` has no heading `#{anchor}`"));
        }
    }
}

fn beside(document: &str) -> String {
    let directory = Path::new(document).parent().map(|it| it.display().to_string()).unwrap_or_default();
    if directory.is_empty() { directory } else { directory + "/" }
}

/// The variant of a subcommand: `clear-bindings` is `ClearBindings`.
fn capitalised(word: &str) -> String {
    let capital = |part: &str| {
        let mut letters = part.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    word.split('-').map(capital).collect()
}

fn has_variant(source: &str, variant: &str) -> bool {
    let is_it =
        |line: &str| line.trim().strip_prefix(variant).is_some_and(|rest| rest.starts_with([',', ' ', '(']));
    source.lines().any(is_it)
}

#[cfg(test)]
mod tests;
