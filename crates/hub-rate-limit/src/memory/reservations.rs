//! What requests in flight may take, until they are settled or their time is over.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use hub_types::RequestId;
use smallvec::SmallVec;

use crate::judge::Amount;
use crate::limit::Owner;
use crate::time::Ms;

/// What a request has booked, and where.
#[derive(Debug, Clone)]
pub(super) struct Reservation {
    pub(super) owners: SmallVec<[Owner; 2]>,
    pub(super) amount: Amount,
    /// It counts before this moment.
    expires: Ms,
}

#[derive(Default)]
pub(super) struct Reservations {
    by_request: HashMap<RequestId, Reservation>,
    /// When to look at which. Prolonged ones are put back when their old time comes; those that are gone are
    /// weeded out when they are the majority.
    due: BinaryHeap<Reverse<(Ms, RequestId)>>,
}

impl Reservations {
    pub(super) fn len(&self) -> usize {
        self.by_request.len()
    }

    #[cfg(test)]
    pub(super) fn due(&self) -> usize {
        self.due.len()
    }

    pub(super) fn contains(&self, request: RequestId) -> bool {
        self.by_request.contains_key(&request)
    }

    pub(super) fn insert(
        &mut self,
        request: RequestId,
        owners: SmallVec<[Owner; 2]>,
        amount: Amount,
        expires: Ms,
    ) {
        self.by_request.insert(request, Reservation { owners, amount, expires });
        self.due.push(Reverse((expires, request)));
    }

    pub(super) fn prolong(&mut self, request: RequestId, expires: Ms) {
        if let Some(reservation) = self.by_request.get_mut(&request) {
            reservation.expires = reservation.expires.max(expires);
        }
    }

    pub(super) fn remove(&mut self, request: RequestId) -> Option<Reservation> {
        let removed = self.by_request.remove(&request);
        if self.due.len() > 2 * self.by_request.len() + 64 {
            let all = self.by_request.iter();
            self.due = all.map(|(request, held)| Reverse((held.expires, *request))).collect();
        }
        removed
    }

    /// Takes out one whose time is over, if there is any.
    pub(super) fn take_lapsed(&mut self, now: Ms) -> Option<Reservation> {
        while let Some(Reverse((due, request))) = self.due.peek().copied()
            && due <= now
        {
            self.due.pop();
            match self.by_request.get(&request).map(|held| held.expires) {
                Some(expires) if expires > now => self.due.push(Reverse((expires, request))),
                Some(_) => return self.by_request.remove(&request),
                None => {}
            }
        }
        None
    }
}
