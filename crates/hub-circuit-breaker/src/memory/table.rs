//! A table of providers that is read all the time and changed seldom.
//!
//! Each request asks after every provider it might go to, and all of them may be well for days. So readers take a
//! snapshot, without a lock, and whoever changes something makes a new one.

use arc_swap::ArcSwap;
use hub_types::ProviderId;
use parking_lot::Mutex;

#[derive(Debug)]
pub(crate) struct Table<E> {
    rows: ArcSwap<Rows<E>>,
    /// One change at a time.
    changing: Mutex<()>,
}

/// What is kept, sorted by provider. The ids stand apart, close together, as they are what is searched.
#[derive(Debug, Clone)]
struct Rows<E> {
    ids: Vec<ProviderId>,
    entries: Vec<E>,
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
        let rows = Rows { ids: Vec::new(), entries: Vec::new() };
        Self { rows: ArcSwap::from_pointee(rows), changing: Mutex::new(()) }
    }
}

impl<E: Copy> Table<E> {
    /// What is kept of a provider.
    pub(crate) fn read<T>(&self, provider: ProviderId, view: impl FnOnce(&E) -> T) -> Option<T> {
        self.rows.load().find(provider).map(view)
    }

    /// Those of whom this holds.
    #[cfg(feature = "redis")]
    pub(crate) fn select(&self, is_meant: impl Fn(&E) -> bool) -> Vec<(ProviderId, E)> {
        self.rows.load().pairs().filter(|(_, entry)| is_meant(entry)).collect()
    }

    /// Changes some of it, and nobody sees a part of that.
    pub(crate) fn change<T>(&self, work: impl FnOnce(&mut Entries<'_, E>) -> T) -> T {
        let _turn = self.changing.lock();
        let before = self.rows.load_full();
        let mut entries = Entries { before: &before, after: None };
        let result = work(&mut entries);
        if let Some(after) = entries.after {
            self.rows.store(after.into());
        }
        result
    }

    /// Forgets what is not wanted.
    pub(crate) fn retain(&self, is_wanted: impl Fn(&E) -> bool) {
        let _turn = self.changing.lock();
        let before = self.rows.load_full();
        if !before.entries.iter().all(&is_wanted) {
            let (ids, entries) = before.pairs().filter(|(_, entry)| is_wanted(entry)).unzip();
            self.rows.store(Rows { ids, entries }.into());
        }
    }
}

impl<E: Copy> Rows<E> {
    fn find(&self, provider: ProviderId) -> Option<&E> {
        self.entries.get(self.ids.binary_search(&provider).ok()?)
    }

    fn pairs(&self) -> impl Iterator<Item = (ProviderId, E)> {
        self.ids.iter().copied().zip(self.entries.iter().copied())
    }
}

impl<E: Copy> Entries<'_, E> {
    pub(crate) fn of(&self, provider: ProviderId) -> Option<E> {
        self.after.as_ref().unwrap_or(self.before).find(provider).copied()
    }

    pub(crate) fn put(&mut self, provider: ProviderId, entry: E) {
        let rows = self.after.get_or_insert_with(|| self.before.clone());
        match rows.ids.binary_search(&provider) {
            Ok(at) => {
                if let Some(kept) = rows.entries.get_mut(at) {
                    *kept = entry;
                }
            }
            Err(at) => {
                rows.ids.insert(at, provider);
                rows.entries.insert(at, entry);
            }
        }
    }
}
