//! Nobody can serve a request: what is said about it. Counts for everybody; names and reasons only where the
//! operator lets clients know them (VERBOSE_PROVIDER_ERROR), and never an address.

use std::fmt;

use hub_routing::{DropReason, Dropped};
use hub_types::StageCount;

use crate::Catalogue;

/// More than this nobody reads.
const MOST_NAMED: usize = 20;

/// Who was left by which stage, and, where that is told, who was dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nobody {
    stages: Vec<StageCount>,
    /// Names with the reason's stable word.
    named: Vec<(String, &'static str)>,
    unnamed: usize,
}

impl Nobody {
    /// What the stages left.
    pub const fn new(stages: Vec<StageCount>) -> Self {
        Self { stages, named: Vec::new(), unnamed: 0 }
    }

    /// Names those who were dropped. Providers of other groups are none of the client's.
    #[must_use]
    pub(crate) fn naming(mut self, dropped: &[Dropped], catalogue: &Catalogue) -> Self {
        let own = dropped.iter().filter(|dropped| dropped.reason != DropReason::GroupFiltered);
        let mut named = own.filter_map(|dropped| {
            let provider = catalogue.provider(dropped.provider_id)?;
            Some((provider.name.clone(), dropped.reason.as_str()))
        });
        self.named = named.by_ref().take(MOST_NAMED).collect();
        self.unnamed = named.count();
        self
    }
}

impl fmt::Display for Nobody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(emptied) = self.stages.iter().find(|stage| stage.left == 0) else {
            return f.write_str("every candidate was tried");
        };
        write!(f, "the {} stage left none", emptied.stage)?;
        let before = self.stages.iter().take_while(|stage| stage.left > 0);
        let before: Vec<String> =
            before.map(|stage| format!("{} left {}", stage.stage, stage.left)).collect();
        if !before.is_empty() {
            write!(f, " ({})", before.join(", "))?;
        }
        for (at, (name, reason)) in self.named.iter().enumerate() {
            write!(f, "{} {name}: {reason}", if at == 0 { ";" } else { "," })?;
        }
        if self.unnamed > 0 {
            write!(f, ", and {} more", self.unnamed)?;
        }
        Ok(())
    }
}
