//! A request's place in the budgets of its key and user: booked at admission, settled when it has ended.

use std::time::{Duration, Instant};

use hub_pricing::Tier;
use hub_rate_limit::{Admission, Amount, BudgetMode, Known, Limits, Payer, Ticket, Verdict};
use hub_routing::RoutingFacts;
use hub_types::{Caller, Endpoint, Multiplier, Outcome, RequestId, RequestRecord, Usage, UsageSource};
use jiff::Timestamp;
use jiff::civil::Time;

use crate::Catalogue;
use crate::expectation::{Expectation, Expected, Question, Thread, expect};
use crate::limit::LimitReached;
use crate::receive::Received;
use crate::shared::Shared;

/// A reservation is prolonged so many times while it lasts.
const REFRESHES: u32 = 4;

/// What has to be settled.
pub(crate) struct Booking {
    ticket: Ticket,
    refreshed: Instant,
    /// What the next request of the session is judged by.
    thread: Thread,
    estimated_input: u64,
    /// No window may end above its limit: nothing beyond the worst case of one attempt may be spent.
    is_strict: bool,
}

/// Who asks, and whom.
pub(crate) struct Asked<'a> {
    pub(crate) thread: Thread,
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) facts: &'a RoutingFacts<'a>,
    pub(crate) local_time: Time,
}

/// Books what a request may take. `None`: nothing of it is charged to anybody.
pub(crate) async fn book(
    shared: &Shared,
    request: RequestId,
    caller: &Caller,
    received: &Received,
    asked: &Asked<'_>,
    now: Timestamp,
) -> Result<Option<Booking>, LimitReached> {
    if !received.call.endpoint.is_billable() {
        return Ok(None);
    }
    let ticket = Ticket { request, user: caller.user.id, key: caller.key.id };
    let thread = asked.thread;
    let mut booking =
        Booking { ticket, refreshed: Instant::now(), thread, estimated_input: 0, is_strict: false };
    let Some(mode) = shared.options.limits else {
        // Counters that others look at, too, have to stay right.
        return Ok(shared.limiter.is_shared().then_some(booking));
    };
    let (user, key) = (Limits::from(&caller.user), Limits::from(&caller.key));
    if !user.are_set() && !key.are_set() {
        return Ok(Some(booking));
    }
    let mut admission =
        Admission { ticket, user, key, estimate: Amount::default(), worst_case: Amount::default(), mode };
    // Of a form with sound or pictures nobody knows what it will take.
    let is_foreseeable = received.call.endpoint == Endpoint::Generate || received.facts.model.is_some();
    if is_foreseeable && (user.are_budgets() || key.are_budgets()) {
        let expected = expected(shared, received, asked, thread);
        booking.estimated_input = expected.estimated_input;
        booking.is_strict = mode == BudgetMode::Strict;
        (admission.estimate, admission.worst_case) = (amount(expected.likely), amount(expected.worst));
    }
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

fn expected(shared: &Shared, received: &Received, asked: &Asked<'_>, thread: Thread) -> Expectation {
    let by_name_sent = !shared.options.bill_requested_model;
    let dearest = asked.catalogue.dearest(asked.facts, asked.local_time, by_name_sent);
    let (price, provider, group) = match dearest {
        Some((price, provider, group)) => (Some(price), provider, group),
        None => (None, Multiplier::ONE, Multiplier::ONE),
    };
    let question = Question {
        dialect: received.call.dialect,
        model: &received.call.model,
        body: &received.body,
        facts: &received.facts,
        price,
        provider,
        group,
        tier: Tier::Standard,
        last: shared.previous.last(thread),
    };
    expect(&question, &shared.outputs)
}

const fn amount(expected: Expected) -> Amount {
    Amount { money: expected.money, tokens: expected.tokens }
}

impl Booking {
    /// Does it hold only what one attempt can take?
    pub(crate) const fn is_strict(&self) -> bool {
        self.is_strict
    }

    /// How long until the reservation wants to be prolonged; prolongs it if that time has come.
    pub(crate) fn refresh(&mut self, shared: &Shared) -> Duration {
        let interval = shared.options.reservation_ttl / REFRESHES;
        let left = interval.saturating_sub(self.refreshed.elapsed());
        if !left.is_zero() {
            return left;
        }
        self.refreshed = Instant::now();
        shared.limiter.refresh(self.ticket, shared.clock.now());
        interval
    }

    /// Charges what the request used to its key and user, and each attempt to its provider: at the very time
    /// that the ledger has, from which counters come back when they are lost.
    pub(crate) fn settle(self, shared: &Shared, record: &RequestRecord) {
        let at = record.settled_at();
        let mut total: Option<Amount> = None;
        for attempt in &record.attempts {
            let Some(usage) = attempt.usage else { continue };
            if attempt.usage_source == Some(UsageSource::Reported) {
                self.learn(shared, record, usage);
            }
            let amount = Amount { money: attempt.cost.unwrap_or_default(), tokens: usage.total() };
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

    fn learn(&self, shared: &Shared, record: &RequestRecord, usage: Usage) {
        if record.outcome == Outcome::Completed
            && let Some(model) = &record.model
        {
            shared.outputs.observe(model, usage.output);
        }
        if self.estimated_input > 0 {
            shared.previous.remember(self.thread, self.estimated_input, usage);
        }
    }
}
