//! All prices, found by a model's name.

use std::collections::HashMap;

use hub_types::{PriceRow, PriceSource};

use crate::{Price, PriceError};

/// A row that is not in the table, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedPrice {
    /// The row's model.
    pub model: String,
    /// What is wrong with its price.
    pub error: PriceError,
}

/// Prices by model name. Names are compared without regard to case.
#[derive(Debug, Clone, Default)]
pub struct PriceTable {
    prices: HashMap<String, (PriceSource, Price)>,
}

impl PriceTable {
    /// Builds the table. Of several rows for a model a manual one wins over a synced one, and that over the
    /// built-in; of the same source, the newest version. Rows that are no prices are left out and returned.
    pub fn build<'a>(rows: impl IntoIterator<Item = &'a PriceRow>) -> (Self, Vec<RefusedPrice>) {
        let mut table = Self::default();
        let mut refused = Vec::new();
        for row in rows {
            match Price::parse(&row.price, row.version) {
                Ok(price) => table.add(row, price),
                Err(error) => refused.push(RefusedPrice { model: row.model.clone(), error }),
            }
        }
        (table, refused)
    }

    fn add(&mut self, row: &PriceRow, price: Price) {
        let name = row.model.trim().to_ascii_lowercase();
        let better = self
            .prices
            .get(&name)
            .is_none_or(|(source, held)| (row.source, price.version) >= (*source, held.version));
        if better {
            self.prices.insert(name, (row.source, price));
        }
    }

    /// The price of a model: by its exact name, then without a provider prefix (`anthropic/…`), then without a
    /// date suffix (`-20250929`, `-2024-08-06`, `@20250929`).
    pub fn find(&self, model: &str) -> Option<&Price> {
        let name = model.trim().to_ascii_lowercase();
        let bare = name.rsplit('/').next().unwrap_or(&name);
        [Some(name.as_str()), Some(bare), without_date(&name), without_date(bare)]
            .into_iter()
            .flatten()
            .find_map(|name| self.prices.get(name))
            .map(|(_, price)| price)
    }

    /// The models that have a price, in lower case and in no order.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.prices.keys().map(String::as_str)
    }

    /// How many models have a price.
    pub fn len(&self) -> usize {
        self.prices.len()
    }

    /// Is there no price at all?
    pub fn is_empty(&self) -> bool {
        self.prices.is_empty()
    }
}

fn without_date(name: &str) -> Option<&str> {
    for (pattern, separators) in [("dddddddd", "-@"), ("dddd-dd-dd", "-")] {
        let Some((stem, tail)) =
            name.len().checked_sub(pattern.len()).and_then(|at| name.split_at_checked(at))
        else {
            continue;
        };
        let fits =
            |(byte, shape): (u8, u8)| if shape == b'd' { byte.is_ascii_digit() } else { byte == shape };
        let dated = tail.bytes().zip(pattern.bytes()).all(fits);
        if let Some(stem) = stem.strip_suffix(|character| dated && separators.contains(character)) {
            return Some(stem);
        }
    }
    None
}
