//! Prepared answers by plan, within a budget.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Plan, Prepared};

/// Bytes of prepared answers to keep.
const BUDGET: usize = 128 * 1024 * 1024;
/// Prepared answers to keep, whatever their size.
const MAX_ENTRIES: usize = 512;

/// Remembers prepared answers. When full it starts afresh: a lab plays few different answers.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Shelf>);

#[derive(Debug, Default)]
struct Shelf {
    answers: HashMap<Plan, Arc<Prepared>>,
    weight: usize,
}

impl Cache {
    /// The prepared answer of a plan.
    pub(crate) fn get(&self, plan: Plan) -> Arc<Prepared> {
        if let Some(found) = self.0.lock().answers.get(&plan) {
            return Arc::clone(found);
        }
        // Built outside the lock: two tasks may do it twice, none waits for a large one.
        let prepared = Arc::new(plan.prepare());
        let weight = prepared.weight();
        if weight <= BUDGET / 2 {
            let mut shelf = self.0.lock();
            if shelf.answers.len() >= MAX_ENTRIES || shelf.weight + weight > BUDGET {
                *shelf = Shelf::default();
            }
            if shelf.answers.insert(plan, Arc::clone(&prepared)).is_none() {
                shelf.weight += weight;
            }
        }
        prepared
    }
}
