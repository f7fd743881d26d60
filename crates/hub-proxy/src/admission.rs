//! Step 5: may it pass? Concurrent sessions, requests per minute, money and tokens of key and user, and room and
//! health of the providers in question: all asked at the same time, so that together they take one round trip.

use hub_types::{Caller, ProviderId};
use smallvec::SmallVec;

use crate::catalogue::Prospects;
use crate::docket::Docket;
use crate::receive::Received;
use crate::session::{self, Seat};
use crate::shared::Shared;
use crate::{Catalogue, ProxyError, booking, breaker, room};

/// Providers whose money limits are used up.
pub(crate) type Spent = SmallVec<[ProviderId; 4]>;

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
    let (present, booked, spent, ()) = tokio::join!(
        session::enter(shared, caller, received, &seat, now),
        booking::book(shared, id, caller, received, seat.session(), &prospects, now),
        room::spent(shared, &prospects, now),
        breaker::refresh(shared, &prospects, now),
    );
    let reached = match (present, booked) {
        (Ok(present), booked) => {
            let record = docket.record();
            record.session_sequence = Some(present.sequence).filter(|sequence| *sequence > 0);
            docket.take_ticket(seat.taken(present));
            match booked {
                Ok(booking) => {
                    docket.take_booking(booking);
                    return Ok(spent);
                }
                Err(reached) => reached,
            }
        }
        (Err(reached), booked) => {
            // Dropped with the docket: nothing was used.
            docket.take_booking(booked.ok().flatten());
            reached
        }
    };
    Err(ProxyError::LimitReached(Box::new(reached)))
}
