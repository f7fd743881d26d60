//! A request's place in the budgets of its key and user: booked at admission, settled when it has ended.

use std::time::{Duration, Instant};

use hub_rate_limit::{Admission, Amount, Known, Limits, Payer, RESERVATION_TTL, Ticket, Verdict};
use hub_types::{Caller, RequestId, RequestRecord};
use jiff::Timestamp;

use crate::Catalogue;
use crate::limit::LimitReached;
use crate::receive::Received;
use crate::shared::Shared;

/// A reservation is prolonged this often: well before it would lapse.
const REFRESH_EVERY: Duration = Duration::from_secs(RESERVATION_TTL.as_secs() / 5);

/// What has to be settled.
pub(crate) struct Booking {
    ticket: Ticket,
    refreshed: Instant,
}

/// Books what a request may take. `None`: nothing of it is charged to anybody.
pub(crate) async fn book(
    shared: &Shared,
    request: RequestId,
    caller: &Caller,
    received: &Received,
    catalogue: &Catalogue,
    now: Timestamp,
) -> Result<Option<Booking>, LimitReached> {
    if !received.call.endpoint.is_billable() {
        return Ok(None);
    }
    let ticket = Ticket { request, user: caller.user.id, key: caller.key.id };
    let booking = Booking { ticket, refreshed: Instant::now() };
    let Some(mode) = shared.options.limits else {
        // Counters that others look at, too, have to stay right.
        return Ok(shared.limiter.is_shared().then_some(booking));
    };
    let (user, key) = (Limits::from(&caller.user), Limits::from(&caller.key));
    if !user.are_set() && !key.are_set() {
        return Ok(Some(booking));
    }
    let _ = (received, catalogue);
    let admission =
        Admission { ticket, user, key, estimate: Amount::default(), worst_case: Amount::default(), mode };
    match shared.limiter.admit(&admission, now).await {
        Ok(Known::Yes(Verdict::Refused(refusal))) => {
            shared.metrics.limited(&refusal);
            Err(LimitReached::window(caller, &refusal, &shared.options.time_zone))
        }
        Ok(Known::Yes(Verdict::Admitted)) => Ok(Some(booking)),
        // Not known: it is let in, and charged all the same.
        unknown => {
            tracing::debug!(?unknown, "a request passes without its limits");
            shared.metrics.unlimited();
            Ok(Some(booking))
        }
    }
}

impl Booking {
    /// How long until the reservation wants to be prolonged; prolongs it if that time has come.
    pub(crate) fn refresh(&mut self, shared: &Shared) -> Duration {
        let left = REFRESH_EVERY.saturating_sub(self.refreshed.elapsed());
        if !left.is_zero() {
            return left;
        }
        self.refreshed = Instant::now();
        shared.limiter.refresh(self.ticket, shared.clock.now());
        REFRESH_EVERY
    }

    /// Charges what the request used to its key and user, and each attempt to its provider: at the very time
    /// that the ledger has, from which counters come back when they are lost.
    pub(crate) fn settle(self, shared: &Shared, record: &RequestRecord) {
        let at = record.settled_at();
        let mut total: Option<Amount> = None;
        for attempt in &record.attempts {
            let Some(usage) = attempt.usage else { continue };
            let amount = Amount {
                money: attempt.cost.unwrap_or_default(),
                tokens: usage.total_input().saturating_add(usage.output),
            };
            shared.limiter.charge(attempt.id, Payer::Provider(attempt.provider_id), amount, at);
            let sum = total.get_or_insert_default();
            sum.money += amount.money;
            sum.tokens = sum.tokens.saturating_add(amount.tokens);
        }
        match total {
            Some(actual) => shared.limiter.settle(self.ticket, actual, at),
            None => shared.limiter.release(self.ticket, at),
        }
    }
}
