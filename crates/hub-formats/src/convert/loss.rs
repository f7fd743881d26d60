//! What a conversion could not carry.

use std::borrow::Cow;
use std::fmt;

/// How much a loss matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LossClass {
    /// Bookkeeping: nothing that the client would miss.
    Info,
    /// A hint was dropped or carried in another form.
    Minor,
    /// The answer is the same and costs more.
    Cost,
    /// The answer may be another one. A key with strict conversion is refused instead.
    Semantic,
}

impl LossClass {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Minor => "minor",
            Self::Cost => "cost",
            Self::Semantic => "semantic",
        }
    }
}

/// One thing that could not be carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// A stable word, one of the table in `docs/conversion.md`; some carry a detail behind a colon.
    pub code: Cow<'static, str>,
    /// How much it matters.
    pub class: LossClass,
}

impl Loss {
    /// The code without its detail: one word of a closed list.
    pub fn word(&self) -> &str {
        self.code.split(':').next().unwrap_or_default()
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)
    }
}

/// More different losses than this are not told apart.
const MAX_LOSSES: usize = 64;
/// A detail comes from the client: it is cut here.
const MAX_DETAIL: usize = 64;

/// The losses of one conversion, each told once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LossReport(Vec<Loss>);

impl LossReport {
    /// In the order in which they were met.
    pub fn iter(&self) -> impl Iterator<Item = &Loss> {
        self.0.iter()
    }

    /// Nothing was lost.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Was a loss with this code met?
    pub fn has(&self, code: &str) -> bool {
        self.0.iter().any(|loss| loss.code == code)
    }

    /// The first loss that may change the answer.
    pub fn semantic(&self) -> Option<&Loss> {
        self.0.iter().find(|loss| loss.class == LossClass::Semantic)
    }

    pub(crate) fn note(&mut self, code: &'static str) {
        self.add(Cow::Borrowed(code));
    }

    /// Notes a code with a detail out of the request.
    pub(crate) fn note_detail(&mut self, code: &str, detail: &str) {
        let detail: String = detail
            .chars()
            .take(MAX_DETAIL)
            .map(|c| if c.is_ascii_graphic() && c != ',' { c } else { '_' })
            .collect();
        self.add(Cow::Owned(format!("{code}:{detail}")));
    }

    fn add(&mut self, code: Cow<'static, str>) {
        if self.0.len() < MAX_LOSSES && !self.has(&code) {
            let class = class_of(&code);
            self.0.push(Loss { code, class });
        }
    }
}

impl fmt::Display for LossReport {
    /// The codes, separated by commas.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, loss) in self.0.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{loss}")?;
        }
        Ok(())
    }
}

fn class_of(code: &str) -> LossClass {
    match code.split(':').next().unwrap_or_default() {
        "stop_truncated" | "stop_dropped" | "reasoning_dropped" | "hosted_tool" | "structured_output" => {
            LossClass::Semantic
        }
        "cache_control" | "cache_key" => LossClass::Cost,
        "usage_estimated" | "unknown_stop" | "id_rewritten" | "name_rewritten" | "unknown" => LossClass::Info,
        _ => LossClass::Minor,
    }
}
