//! Change notices: something that running hubs hold in memory was edited.

/// What kind of thing was edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Users or keys: look-ups of callers must be made afresh.
    Access,
    /// Providers, groups, prices, error rules or settings: the catalogue must be loaded afresh.
    Catalogue,
}

impl Topic {
    /// The stable word used in notices.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Catalogue => "catalogue",
        }
    }
}

/// One notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// What was edited.
    pub topic: Topic,
    /// The topic's version after the edit; grows by each edit.
    pub version: i64,
}
