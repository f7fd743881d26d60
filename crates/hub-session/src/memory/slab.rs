//! A slab whose entries hang in `N` doubly linked lists: the order of use, without an allocation per entry.
//!
//! It grows by chunks, so that no entry ever moves and growing takes the same short time at any size.

pub(super) type Ix = u32;

const NONE: Ix = Ix::MAX;
const DETACHED: Ix = Ix::MAX - 1;
const CHUNK: usize = 256;

/// The most entries that a slab can number.
pub(super) const MOST: usize = DETACHED as usize;

#[derive(Clone, Copy)]
struct Link {
    before: Ix,
    after: Ix,
}

#[derive(Clone, Copy)]
struct Ends {
    front: Ix,
    back: Ix,
}

struct Node<T, const N: usize> {
    value: T,
    links: [Link; N],
}

/// See the module's documentation. Indices of entries that are gone lead to nothing, or to whoever took the
/// place: they are not to be kept across removals.
pub(super) struct Slab<T, const N: usize> {
    chunks: Vec<Vec<Option<Node<T, N>>>>,
    free: Vec<Ix>,
    ends: [Ends; N],
    len: usize,
}

impl<T, const N: usize> Slab<T, N> {
    pub(super) const fn new() -> Self {
        let ends = [Ends { front: NONE, back: NONE }; N];
        Self { chunks: Vec::new(), free: Vec::new(), ends, len: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Adds an entry, which hangs in no list yet.
    pub(super) fn insert(&mut self, value: T) -> Ix {
        let node = Some(Node { value, links: [Link { before: DETACHED, after: DETACHED }; N] });
        self.len += 1;
        if let Some(ix) = self.free.pop()
            && let Some(place) = self.place(ix)
        {
            *place = node;
            return ix;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let full = (self.chunks.len() - 1) * CHUNK;
        let Some(chunk) = self.chunks.last_mut() else { return NONE };
        chunk.push(node);
        Ix::try_from(full + chunk.len() - 1).unwrap_or(NONE)
    }

    /// Takes an entry out, and out of its lists.
    pub(super) fn remove(&mut self, ix: Ix) -> Option<T> {
        for list in 0..N {
            self.detach(list, ix);
        }
        let node = self.place(ix)?.take()?;
        self.free.push(ix);
        self.len -= 1;
        Some(node.value)
    }

    pub(super) fn get(&self, ix: Ix) -> Option<&T> {
        self.node(ix).map(|node| &node.value)
    }

    pub(super) fn get_mut(&mut self, ix: Ix) -> Option<&mut T> {
        self.place(ix)?.as_mut().map(|node| &mut node.value)
    }

    /// Puts the entry at the end of a list, wherever it was there before.
    pub(super) fn touch(&mut self, list: usize, ix: Ix) {
        self.detach(list, ix);
        let Some(back) = self.ends.get(list).map(|ends| ends.back) else { return };
        let Some(link) = self.link(list, ix) else { return };
        *link = Link { before: back, after: NONE };
        match self.link(list, back) {
            Some(link) => link.after = ix,
            None => self.ends[list].front = ix,
        }
        self.ends[list].back = ix;
    }

    /// Takes the entry out of a list.
    pub(super) fn detach(&mut self, list: usize, ix: Ix) {
        let Some(link) = self.link(list, ix) else { return };
        if link.before == DETACHED {
            return;
        }
        let Link { before, after } = *link;
        *link = Link { before: DETACHED, after: DETACHED };
        match self.link(list, before) {
            Some(link) => link.after = after,
            None => self.ends[list].front = after,
        }
        match self.link(list, after) {
            Some(link) => link.before = before,
            None => self.ends[list].back = before,
        }
    }

    pub(super) fn is_attached(&self, list: usize, ix: Ix) -> bool {
        self.node(ix).and_then(|node| node.links.get(list)).is_some_and(|link| link.before != DETACHED)
    }

    /// The first entry of a list: the one that was not touched for longest.
    pub(super) fn front(&self, list: usize) -> Option<Ix> {
        self.ends.get(list).map(|ends| ends.front).filter(|ix| *ix != NONE)
    }

    /// A list's entries, the first one first.
    pub(super) fn forwards(&self, list: usize) -> impl Iterator<Item = (Ix, &T)> {
        self.walk(list, self.front(list), |link| link.after)
    }

    /// A list's entries, the last one first.
    pub(super) fn backwards(&self, list: usize) -> impl Iterator<Item = (Ix, &T)> {
        let back = self.ends.get(list).map(|ends| ends.back);
        self.walk(list, back, |link| link.before)
    }

    fn walk(&self, list: usize, start: Option<Ix>, next: fn(&Link) -> Ix) -> impl Iterator<Item = (Ix, &T)> {
        let step = move |ix: &Ix| self.node(*ix).and_then(|node| node.links.get(list)).map(next);
        std::iter::successors(start, step).map_while(|ix| Some((ix, self.get(ix)?)))
    }

    /// How many chunks there are; work over all entries goes by chunks, so that others have their turn.
    pub(super) const fn chunks(&self) -> usize {
        self.chunks.len()
    }

    /// One chunk's entries.
    pub(super) fn chunk(&self, chunk: usize) -> impl Iterator<Item = (Ix, &T)> {
        let places = self.chunks.get(chunk).into_iter().flatten().enumerate();
        places.filter_map(move |(offset, place)| {
            Some((Ix::try_from(chunk * CHUNK + offset).ok()?, &place.as_ref()?.value))
        })
    }

    /// All entries.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Ix, &T)> {
        (0..self.chunks()).flat_map(|chunk| self.chunk(chunk))
    }

    /// The bytes allocated.
    pub(super) fn footprint(&self) -> usize {
        let entries: usize = self.chunks.iter().map(Vec::capacity).sum();
        entries * size_of::<Option<Node<T, N>>>()
            + self.chunks.capacity() * size_of::<Vec<Option<Node<T, N>>>>()
            + self.free.capacity() * size_of::<Ix>()
    }

    fn node(&self, ix: Ix) -> Option<&Node<T, N>> {
        self.chunks.get(ix as usize / CHUNK)?.get(ix as usize % CHUNK)?.as_ref()
    }

    fn place(&mut self, ix: Ix) -> Option<&mut Option<Node<T, N>>> {
        self.chunks.get_mut(ix as usize / CHUNK)?.get_mut(ix as usize % CHUNK)
    }

    fn link(&mut self, list: usize, ix: Ix) -> Option<&mut Link> {
        self.place(ix)?.as_mut()?.links.get_mut(list)
    }
}

#[cfg(test)]
mod tests {
    use super::Slab;

    #[test]
    fn a_list_keeps_the_order_of_use() {
        let mut slab = Slab::<u32, 2>::new();
        let ixs: Vec<_> = (0..600).map(|value| slab.insert(value)).collect();
        for ix in &ixs {
            slab.touch(0, *ix);
        }
        slab.touch(0, ixs[0]);
        slab.touch(0, ixs[599]);
        slab.detach(0, ixs[1]);
        assert_eq!(slab.remove(ixs[2]), Some(2));
        assert_eq!(slab.remove(ixs[2]), None);
        let order: Vec<_> = slab.forwards(0).map(|(_, value)| *value).collect();
        let expected: Vec<_> = (3..599).chain([0, 599]).collect();
        assert_eq!(order, expected);
        let mut reversed: Vec<_> = slab.backwards(0).map(|(_, value)| *value).collect();
        reversed.reverse();
        assert_eq!(reversed, expected);
        assert!(slab.is_attached(0, ixs[0]) && !slab.is_attached(0, ixs[1]) && !slab.is_attached(1, ixs[0]));
        assert_eq!((slab.len(), slab.iter().count()), (599, 599));
        assert_eq!(slab.insert(7), ixs[2], "a free place is taken again");
    }
}
