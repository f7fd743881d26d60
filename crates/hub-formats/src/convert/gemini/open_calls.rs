//! Which call a response answers, where ids may be missing: by id, else by name, else in order.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

/// Calls that wait for their responses. Each look-up takes constant time, spread over all of them.
#[derive(Debug, Default)]
pub(super) struct OpenCalls<'a> {
    /// The ids in order; `None` = answered.
    calls: Vec<Option<Cow<'a, str>>>,
    by_id: HashMap<Cow<'a, str>, usize>,
    by_name: HashMap<Cow<'a, str>, VecDeque<usize>>,
    /// Everything before this one is answered.
    first: usize,
}

impl<'a> OpenCalls<'a> {
    pub(super) fn add(&mut self, id: Cow<'a, str>, name: Cow<'a, str>) {
        let at = self.calls.len();
        self.by_id.insert(id.clone(), at);
        self.by_name.entry(name).or_default().push_back(at);
        self.calls.push(Some(id));
    }

    /// The id of the call that is answered, which then does not wait any more.
    pub(super) fn take(&mut self, id: Option<&str>, name: Option<&str>) -> Option<Cow<'a, str>> {
        let at = match id {
            Some(id) => self.by_id.get(id).copied(),
            None => self.named(name).or_else(|| self.next()),
        };
        at.and_then(|at| self.calls.get_mut(at)?.take())
    }

    fn named(&mut self, name: Option<&str>) -> Option<usize> {
        let waiting = self.by_name.get_mut(name?)?;
        while let Some(at) = waiting.pop_front() {
            if self.calls.get(at).is_some_and(Option::is_some) {
                return Some(at);
            }
        }
        None
    }

    fn next(&mut self) -> Option<usize> {
        while self.calls.get(self.first)?.is_none() {
            self.first += 1;
        }
        Some(self.first)
    }
}

#[cfg(test)]
mod tests {
    use super::OpenCalls;

    #[test]
    fn responses_find_their_calls_by_id_by_name_and_in_order() {
        let mut open = OpenCalls::default();
        for (id, name) in [("1", "f"), ("2", "g"), ("3", "f"), ("4", "h")] {
            open.add(id.into(), name.into());
        }
        assert_eq!(open.take(Some("3"), Some("f")).as_deref(), Some("3"));
        assert_eq!(open.take(None, Some("g")).as_deref(), Some("2"));
        assert_eq!(open.take(None, Some("f")).as_deref(), Some("1"));
        assert_eq!(open.take(None, Some("unknown")).as_deref(), Some("4"));
        assert_eq!(open.take(None, Some("f")), None);
        assert_eq!(open.take(Some("x"), None), None);
    }
}
