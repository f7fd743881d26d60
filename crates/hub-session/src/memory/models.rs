//! Names of models, each kept once.

use std::collections::HashSet;
use std::sync::Arc;

/// Clients choose the names; longer ones are cut.
const MAX_BYTES: usize = 256;
const FEW: usize = 256;

pub(super) struct Models {
    names: HashSet<Arc<str>>,
    /// When there are this many, those that nobody has any more are thrown out.
    crowded: usize,
}

impl Models {
    pub(super) fn new() -> Self {
        Self { names: HashSet::new(), crowded: FEW }
    }

    pub(super) fn get(&mut self, name: &str) -> Arc<str> {
        let name = &name[..name.floor_char_boundary(MAX_BYTES)];
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        if self.names.len() >= self.crowded {
            self.tidy();
        }
        let name: Arc<str> = name.into();
        self.names.insert(Arc::clone(&name));
        name
    }

    /// Throws out the names that nobody has any more.
    pub(super) fn tidy(&mut self) {
        self.names.retain(|name| Arc::strong_count(name) > 1);
        self.crowded = FEW.max(self.names.len() * 2);
    }

    pub(super) fn footprint(&self) -> usize {
        let texts: usize = self.names.iter().map(|name| name.len() + 32).sum();
        texts + self.names.capacity() * (size_of::<Arc<str>>() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::{FEW, Models};

    #[test]
    fn names_that_nobody_has_any_more_make_room() {
        let mut models = Models::new();
        let kept = models.get("kept");
        for number in 0..FEW * 10 {
            models.get(&format!("model-{number}"));
        }
        assert!(models.names.len() <= FEW);
        assert!(std::sync::Arc::ptr_eq(&kept, &models.get("kept")));
        assert_eq!(models.get(&"é".repeat(400)).len(), 256);
    }
}
