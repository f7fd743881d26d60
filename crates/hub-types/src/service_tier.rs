//! How urgent a request is to its vendor.

/// How urgent a request is to its vendor: some ask more for that, or less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum ServiceTier {
    /// The normal price.
    #[default]
    Standard,
    /// Served before others, at a higher price.
    Priority,
    /// Served when there is room, at a lower price.
    Flex,
}

impl ServiceTier {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Priority, Self::Flex];

    /// The tier that a `service_tier` names. Words that leave the choice to the vendor (`auto`) name none.
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "priority" => Some(Self::Priority),
            "flex" => Some(Self::Flex),
            "default" | "standard" => Some(Self::Standard),
            _ => None,
        }
    }
}
