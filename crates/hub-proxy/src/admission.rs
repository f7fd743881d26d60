//! Step 5: may it pass? Concurrent sessions, requests per minute, money and tokens of key and user, and room and
//! health of the providers in question: all asked at the same time, so that together they take one round trip.

use hub_rate_limit::Ticket;
use hub_types::{Caller, ProviderId};
use smallvec::SmallVec;

use crate::catalogue::Prospects;
use crate::docket::Docket;
use crate::expectation::Thread;
use crate::receive::Received;
use crate::session::{self, Seat};
use crate::shared::Shared;
use crate::{Catalogue, ProxyError, booking, breaker, room};

/// Providers whose money limits are used up.
pub(crate) type Spent = SmallVec<[ProviderId; 4]>;

/// What a request may have reserved of which nobody knows yet. Given back if the client leaves meanwhile.
struct Pending<'a> {
    shared: &'a Shared,
    ticket: Option<Ticket>,
}

impl Pending<'_> {
    /// Whatever is reserved is somebody's.
    fn answered(mut self) {
        self.ticket = None;
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.shared.limiter.release(ticket, self.shared.clock.now());
        }
    }
}

/// Counts the request into its session and its limits, or says which limit is reached.
pub(crate) async fn admit(
    shared: &Shared,
    docket: &mut Docket,
    caller: &Caller,
    received: &Received,
    seat: Seat,
    catalogue: &Catalogue,
) -> Result<Spent, ProxyError> {
    let (id, now, local_time) = (docket.id(), shared.clock.now(), docket.local_time());
    let facts = received.routing_facts(caller);
    let prospects = Prospects::new(catalogue, &facts, local_time);
    let thread = Thread::new(seat.session(), &received.call.model);
    let pending =
        Pending { shared, ticket: Some(Ticket { request: id, user: caller.user.id, key: caller.key.id }) };
    // Who is counted is on the docket from that moment: the client may leave before the others have answered.
    let entering = async {
        let present = session::enter(shared, caller, received, &seat, now).await?;
        docket.record().session_sequence = Some(present.sequence).filter(|sequence| *sequence > 0);
        docket.take_ticket(seat.taken(present));
        Ok(())
    };
    let (entered, booked, spent, ()) = tokio::join!(
        entering,
        booking::book(shared, id, caller, received, thread, &prospects, now),
        room::spent(shared, &prospects, now),
        breaker::refresh(shared, &prospects, now),
    );
    pending.answered();
    let reached = match (entered, booked) {
        (Ok(()), booked) => match booked {
            Ok(booking) => {
                docket.take_booking(booking);
                return Ok(spent);
            }
            Err(reached) => reached,
        },
        (Err(reached), booked) => {
            // Dropped with the docket: nothing was used.
            docket.take_booking(booked.ok().flatten());
            reached
        }
    };
    Err(ProxyError::LimitReached(Box::new(reached)))
}
