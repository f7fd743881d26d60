//! A table of providers that is read all the time and changed seldom.
//!
//! Each request asks after every provider it might go to, and all of them may be well for days. So readers take a
//! snapshot, without a lock, and whoever changes something makes a new one.

use std::sync::Arc;

use arc_swap::ArcSwap;
use hub_types::ProviderId;
use parking_lot::Mutex;

/// Sorted by provider.
type Rows<E> = Vec<(ProviderId, E)>;

#[derive(Debug)]
pub(crate) struct Table<E> {
    rows: ArcSwap<Rows<E>>,
    /// One change at a time.
    changing: Mutex<()>,
}

/// The table as it is changed.
#[derive(Debug)]
pub(crate) struct Entries<'a, E> {
    before: &'a Rows<E>,
    /// Made with the first change.
    after: Option<Rows<E>>,
}

impl<E> Default for Table<E> {
    fn default() -> Self {
        Self { rows: ArcSwap::default(), changing: Mutex::new(()) }
    }
}

impl<E: Copy> Table<E> {
    /// What is kept of a provider.
    pub(crate) fn read<T>(&self, provider: ProviderId, view: impl FnOnce(&E) -> T) -> Option<T> {
        find(&self.rows.load(), provider).map(view)
    }

    /// Everything that is kept.
    #[cfg(feature = "redis")]
    pub(crate) fn all(&self) -> Arc<Rows<E>> {
        self.rows.load_full()
    }

    /// Changes some of it, and nobody sees a part of that.
    pub(crate) fn change<T>(&self, work: impl FnOnce(&mut Entries<'_, E>) -> T) -> T {
        let _turn = self.changing.lock();
        let before = self.rows.load_full();
        let mut entries = Entries { before: &before, after: None };
        let result = work(&mut entries);
        if let Some(after) = entries.after {
            self.rows.store(Arc::new(after));
        }
        result
    }

    /// Forgets what is not wanted.
    pub(crate) fn retain(&self, is_wanted: impl Fn(&E) -> bool) {
        let _turn = self.changing.lock();
        let before = self.rows.load_full();
        if before.iter().all(|(_, entry)| is_wanted(entry)) {
            return;
        }
        self.rows.store(Arc::new(before.iter().filter(|(_, entry)| is_wanted(entry)).copied().collect()));
    }
}

impl<E: Copy> Entries<'_, E> {
    pub(crate) fn of(&self, provider: ProviderId) -> Option<E> {
        find(self.after.as_ref().unwrap_or(self.before), provider).copied()
    }

    pub(crate) fn put(&mut self, provider: ProviderId, entry: E) {
        let rows = self.after.get_or_insert_with(|| {
            // One more, as many changes add a row.
            let mut rows = Vec::with_capacity(self.before.len() + 1);
            rows.extend_from_slice(self.before);
            rows
        });
        match rows.binary_search_by_key(&provider, |(id, _)| *id) {
            Ok(at) => {
                if let Some(row) = rows.get_mut(at) {
                    row.1 = entry;
                }
            }
            Err(at) => rows.insert(at, (provider, entry)),
        }
    }
}

fn find<E>(rows: &Rows<E>, provider: ProviderId) -> Option<&E> {
    let at = rows.binary_search_by_key(&provider, |(id, _)| *id).ok()?;
    rows.get(at).map(|(_, entry)| entry)
}
